/* wishful.c - see wishful.h. */
#include "oracle/wishful.h"

#include "base/assert.h"
#include "base/random.h"

struct wishful {
    struct vm_random random;
    uint8_t *bits;
    const struct vm_policy_host *host;
    uint32_t nframes, nin, newcomer; /* frame + 1 that came last */
    enum { OUT, IN, PARKED } state[];
};

static uint64_t tick_first(const struct vm_policy_env *env)
{
    (void)env;
    return 5;
}

static size_t size(const struct vm_policy_env *env)
{
    return sizeof(struct wishful) + env->nframes * sizeof(int);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct wishful *s = state;
    vm_random_seed(&s->random, env->seed + 77);
    s->bits = env->bits;
    s->host = env->host;
    s->nframes = env->nframes;
}

static void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct wishful *s = state;
    (void)page;
    VM_ASSERT(s->state[frame] == OUT);
    s->state[frame] = IN;
    s->nin++;
    s->newcomer = frame + 1;
}

static void touch(void *state, const vm_pfn *frame, size_t n)
{
    const struct wishful *s = state;
    for (size_t i = 0; i < n; i++)
        VM_ASSERT(s->state[frame[i]] == IN);
}

static void take_out(void *state, vm_pfn frame)
{
    struct wishful *s = state;
    VM_ASSERT(s->state[frame] != OUT);
    s->state[frame] = OUT;
    s->nin--;
}

/* One that is in, but not the newcomer; none by chance, too. */
static vm_pfn any(struct wishful *s, unsigned chance)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        vm_pfn f = (vm_pfn)vm_random_below(&s->random, s->nframes);
        if (s->state[f] != OUT && f + 1 != s->newcomer)
            return vm_random_below(&s->random, chance) ? VM_NOFRAME : f;
    }
    return VM_NOFRAME;
}

static vm_pfn victim(void *state, uint64_t incoming)
{
    struct wishful *s = state;
    vm_pfn f = any(s, 1);
    (void)incoming;
    for (vm_pfn i = 0; f == VM_NOFRAME; i++)
        f = s->state[i] != OUT ? i : VM_NOFRAME;
    take_out(s, f);
    return f;
}

/* Some dirty page, parked or not, is cleaned: then the host may not say that it is dirty. */
static void clean_one(struct wishful *s)
{
    vm_pfn f = any(s, 2);
    if (f == VM_NOFRAME)
        return;
    bool dirty = s->bits[f] & VM_FRAME_DIRTY;
    bool cleaned = s->host->clean(s->host->host, f);
    VM_ASSERT(!cleaned || (dirty && !(s->bits[f] & VM_FRAME_DIRTY)));
}

static uint64_t tick(void *state)
{
    struct wishful *s = state;
    clean_one(s);
    return 1 + vm_random_below(&s->random, 9);
}

static vm_pfn release(void *state, uint64_t incoming)
{
    struct wishful *s = state;
    vm_pfn f = any(s, 3);
    (void)incoming;
    if (f != VM_NOFRAME)
        take_out(s, f);
    return f;
}

static vm_pfn park(void *state)
{
    struct wishful *s = state;
    vm_pfn f = any(s, 3);
    if (f == VM_NOFRAME || s->state[f] != IN)
        return VM_NOFRAME;
    s->state[f] = PARKED;
    return f;
}

static void soft(void *state, vm_pfn frame)
{
    struct wishful *s = state;
    VM_ASSERT(s->state[frame] == PARKED);
    s->state[frame] = IN;
    s->newcomer = frame + 1;
    clean_one(s);
}

static void check(const void *state)
{
    const struct wishful *s = state;
    uint32_t nin = 0;
    for (vm_pfn f = 0; f < s->nframes; f++)
        nin += s->state[f] != OUT;
    VM_ASSERT(nin == s->nin);
}

const struct vm_policy_ops wishful_policy = {
    .name = "wishful",
    .summary = "asks for everything that a policy may, by chance",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_CHANCE,
    .tick_first = tick_first,
    .size = size,
    .init = init,
    .insert = insert,
    .touch = touch,
    .remove = take_out,
    .victim = victim,
    .tick = tick,
    .release = release,
    .park = park,
    .soft = soft,
    .check = check,
};
