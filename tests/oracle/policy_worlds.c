/* policy_worlds.c - see policy_worlds.h. */
#include "oracle/policy_worlds.h"

#include "base/random.h"

void policy_world_fill(vm_pageref *ref, uint32_t npages, uint64_t seed)
{
    struct vm_random random;
    uint32_t page = 0, base = 0, reach = npages;
    vm_random_seed(&random, seed);
    for (size_t i = 0; i < WORLD_REFS; i++) {
        if (vm_random_below(&random, 60) == 0) { /* a new phase: another part of the pages */
            reach = 1 + (uint32_t)vm_random_below(&random, npages);
            base = (uint32_t)vm_random_below(&random, npages);
        }
        switch (vm_random_below(&random, 4)) {
        case 0: /* again the same */
            break;
        case 1: /* the next of a loop */
            page = (page + 1) % npages;
            break;
        case 2: { /* one of the phase, the lower ones far more often */
            uint32_t below = 1 + (uint32_t)vm_random_below(&random, reach);
            page = (base + (uint32_t)vm_random_below(&random, below)) % npages;
            break;
        }
        default:
            page = (uint32_t)vm_random_below(&random, npages);
        }
        ref[i] = page * 2 + (vm_random_below(&random, 3) == 0);
    }
}

static const char *const spec[] = {
    "opt",
    "unopt",
    "fifo",
    "random",
    "lru",
    "mru",
    "lru-k",
    "lru-k:k=1",
    "lru-k:k=3,history=300",
    "lru-k:correlated=4",
    "lru-k:k=3,correlated=2,retained=40",
    "lru-k:history=0",
    "lru-k:retained=30",
    "slru",
    "slru:segments=4,fill=room",
    "slru:protected=80",
    "slru:segments=3,protected=30,fill=room",
    "2q",
    "2q:ghost=before",
    "2q:in=60,out=200",
    "2q:in=1,out=10,ghost=before",
    "arc",
    "arc:delta=integer",
    "car",
    "car:delta=integer",
    "lfu",
    "lfu:ties=fifo",
    "lfu:keep=1k",
    "lfu:keep=5,ties=fifo",
    "clock",
    "clock:load=referenced",
    "second-chance",
    "second-chance:load=referenced",
    "gclock",
    "gclock:bits=1",
    "gclock:bits=3,load=referenced",
    "nru",
    "nru:pick=first",
    "nru:tick=1",
    "nru:pick=first,tick=17",
    "enhanced-clock",
    "enhanced-clock:load=referenced",
    "aging",
    "aging:bits=1,tick=5",
    "aging:bits=3,tick=1",
    "aging:bits=11,tick=7",
    "aging:bits=16,tick=20",
    "sieve",
    "sieve:load=referenced",
    "s3-fifo",
    "s3-fifo:look=before",
    "s3-fifo:small=40",
    "s3-fifo:small=30,hits=1,ghosts=300",
    "s3-fifo:hits=3,ghosts=50",
    "s3-fifo:look=before,fill=main,small=25",
    "lirs",
    "lirs:hir=30,least=1",
    "lirs:hir=20,stack=1.5",
    "lirs:least=3,stack=1",
    "clock-pro",
    "clock-pro:least=5,most=5",
    "clock-pro:least=30,most=60",
    "w-tinylfu",
    "w-tinylfu:window=30,protected=50",
    "w-tinylfu:sample=1,counters=1,update=all",
    "w-tinylfu:window=20,sample=3,admit=jitter",
    "w-tinylfu:window=40,sample=100,admit=jitter",
    "w-tinylfu:window=40,sample=100",
    "lrfu",
    "lrfu:lambda=0",
    "lrfu:lambda=0.05",
    "lrfu:lambda=0.5",
    "lrfu:lambda=1",
    "lecar",
    "lecar:ghosts=50,rate=2",
    "lecar:rate=100,discount=1",
    "lecar:weight=0,discount=0.5,ghosts=300",
    "working-set",
    "working-set:tau=1",
    "working-set:tau=7",
    "working-set:tau=60",
    "pff",
    "pff:interval=1",
    "pff:interval=5",
    "pff:interval=1000",
    "vms",
    "vms:lists=50,high=100",
    "vms:limit=2",
    "vms:limit=3,lists=80,high=30",
    "vms:lists=0,high=0",
    "wsclock",
    "wsclock:tau=1,writes=1",
    "wsclock:tau=6,writes=0",
    "wsclock:tau=25",
    "wsclock:tau=1000,writes=2",
    "linux",
    "linux:load=clear",
    "linux:ratio=3",
    "mglru",
    "mglru:load=clear",
    "mglru:region=8,window=4",
    "mglru:region=4,window=2,filter=0,load=clear",
    "mglru:region=16,window=1,filter=2",
    "mglru:region=1,window=16,filter=4,tiers=2,batch=1",
    "mglru:region=3,window=5,walk=none,tiers=4,batch=2,load=clear",
    "mglru:region=16,window=3,walk=all,tiers=3,batch=0",
    "mglru:region=16,window=8,filter=5,tiers=4,batch=1",
};

const char *policy_spec_at(size_t i)
{
    return i < sizeof spec / sizeof spec[0] ? spec[i] : NULL;
}
