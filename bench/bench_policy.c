/* bench_policy.c - page replay by each policy: replay.policy.NAME.zipf and .loop.
 *
 * Zipf: the references of zipf.h; memory holds a tenth of the pages. Loop: half of them, and
 * between them in turn a loop over a fifth more pages than memory holds and a scan of all pages,
 * half a million references each: mostly misses, and the ghosts at work. References lie in memory
 * as page ids, and are played in batches of 4096 as a trace reader would hand them out. For a
 * policy that reads the future the time includes making it, the backward pass.
 */
#include "base/arena.h"
#include "bench.h"
#include "policy/future.h"
#include "zipf.h"

#include <pagoda/policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NFRAMES (ZIPF_PAGES / 10)
#define BATCH   4096
#define PHASE   (ZIPF_REFS / 40) /* references of one kind on end */

enum input { ZIPF, LOOP, NINPUTS };
/* Bytes of a machine that are in the host's memory before the clock starts: all but what is kept
 * for processes that there are not. */
#define TOUCHED (64u << 20)

struct bench {
    struct vm_arena input, machine;
    vm_pageref *ref[NINPUTS]; /* [ZIPF_REFS] */
    uint32_t *next;           /* [ZIPF_REFS] the future, when a row needs it */
    const struct vm_policy_ops *ops;
    struct vm_params params;
    struct vm_policy_env env;
    struct vm_replay r;
    struct vm_future future;
    struct vm_policy_clock clock;
    struct vm_policy_host host;
    void *state;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (vm_policy_at(n))
        n++;
    return n * NINPUTS;
}

/* M refs/s that the project promises of the zipf row; 0: nothing promised. */
static double goal(const struct vm_policy_ops *ops)
{
    static const struct {
        const char *policy;
        double goal;
    } promised[] = {
        {"lru", 80},           {"fifo", 80},
        {"clock", 80},         {"random", 80},
        {"opt", 20},           {"mru", 60},
        {"second-chance", 60}, {"gclock", 60},
        {"slru", 60},          {"enhanced-clock", 60},
        {"sieve", 60},         {"vms", 60},
        {"wsclock", 60},
    };
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        if (!strcmp(ops->name, promised[i].policy))
            return promised[i].goal;
    return ops->ghosts == VM_GHOSTS_KEPT ? 25 : 0;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    static const char *const input[NINPUTS] = {"zipf", "loop"};
    const struct vm_policy_ops *ops = vm_policy_at(i / NINPUTS);
    (void)host;
    *out = (struct bench_row){.unit = "M refs/s", .scale = 1e6};
    out->goal = i % NINPUTS == ZIPF ? goal(ops) : 0;
    snprintf(out->name, sizeof out->name, "replay.policy.%s.%s", ops->name, input[i % NINPUTS]);
}

/* ref[LOOP] from ref[ZIPF]. */
static void fill_loop(vm_pageref *const ref[NINPUTS])
{
    enum { AROUND = NFRAMES / 5 * 6 };
    for (uint32_t i = 0, scanned = 0; i < ZIPF_REFS; i++) {
        vm_pageref zipf = ref[ZIPF][i];
        switch (i / PHASE % 4) {
        case 1:
            ref[LOOP][i] = i % AROUND * 2 + (zipf & 1);
            break;
        case 3:
            ref[LOOP][i] = scanned++ % ZIPF_PAGES * 2 + (zipf & 1);
            break;
        default:
            ref[LOOP][i] = zipf;
        }
    }
}

static void close_bench(void *group)
{
    struct bench *b = group;
    vm_arena_close(&b->machine);
    vm_arena_close(&b->input);
    free(b);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the policies' bench");
        return NULL;
    }
    if (!vm_arena_open(&b->input, (NINPUTS + 1) * vm_arena_room(ZIPF_REFS * sizeof(uint32_t)), e)) {
        free(b);
        return NULL;
    }
    for (int k = 0; k < NINPUTS; k++)
        b->ref[k] = vm_arena_take(&b->input, ZIPF_REFS * sizeof *b->ref[k]);
    b->next = vm_arena_take(&b->input, ZIPF_REFS * sizeof *b->next);
    memset(b->next, 0, ZIPF_REFS * sizeof *b->next); /* so that no timed run waits for the kernel */
    if (!bench_zipf(b->ref[ZIPF])) {
        vm_fail(e, VM_ESYSTEM, "no memory for the input of the policies' bench");
        close_bench(b);
        return NULL;
    }
    fill_loop(b->ref);
    return b;
}

static void future_ended(struct vm_future *f)
{
    (void)f;
    abort();
}

/* A page is of one process, where its number says it is, and a write ahead of need takes no time
 * here. */
static vm_asid owner(void *group, uint64_t page)
{
    (void)group, (void)page;
    return 0;
}

static uint64_t place(void *group, uint64_t page)
{
    (void)group;
    return page;
}

static void frames(void *group, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct bench *b = group;
    for (size_t i = 0; i < n; i++)
        frame[i] = first + i < ZIPF_PAGES ? b->r.frame_of[first + i] - 1 : VM_NOFRAME;
}

static uint64_t pages(void *group, vm_asid process)
{
    (void)group, (void)process;
    return ZIPF_PAGES;
}

static bool clean(void *group, vm_pfn frame)
{
    struct bench *b = group;
    b->r.bits[frame] &= (uint8_t)~VM_FRAME_DIRTY;
    return true;
}

/* An empty memory of its own arena, its pages touched. */
static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    b->ops = vm_policy_at(i / NINPUTS);
    b->future = (struct vm_future){.refill = future_ended};
    b->host = (struct vm_policy_host){b, place, frames, owner, pages, clean};
    b->env = (struct vm_policy_env){.nframes = NFRAMES,
                                    .capacity = NFRAMES,
                                    .npages = ZIPF_PAGES,
                                    .seed = 1,
                                    .params = &b->params,
                                    .future = &b->future,
                                    .clock = &b->clock,
                                    .host = &b->host};
    vm_arena_close(&b->machine);
    if (!vm_params_parse(&b->params, b->ops->name, b->ops->param, b->ops->nparams, NULL, &e) ||
        !vm_arena_open(&b->machine, b->ops->size(&b->env) + ZIPF_PAGES * 4 + NFRAMES * 5 + 1024,
                       &e))
        abort();
    memset(b->machine.block, 0, b->machine.bytes < TOUCHED ? b->machine.bytes : TOUCHED);
    b->r = (struct vm_replay){.nframes = NFRAMES};
    b->r.bits = b->env.bits = vm_arena_take(&b->machine, NFRAMES);
    b->r.page_of = vm_arena_take(&b->machine, NFRAMES * sizeof(uint32_t));
    b->r.frame_of = vm_arena_take(&b->machine, ZIPF_PAGES * sizeof(uint32_t));
    uint64_t tick = b->ops->tick_first(&b->env);
    b->r.tick_next = tick ? tick : UINT64_MAX;
    b->clock = (struct vm_policy_clock){0};
    b->r.clock = &b->clock;
    b->state = vm_arena_take(&b->machine, b->ops->size(&b->env));
    b->ops->init(b->state, &b->env);
}

static void look_ahead(struct bench *b, const vm_pageref *ref)
{
    struct vm_error e;
    size_t n = 0;
    for (size_t i = 0; i < ZIPF_REFS; i++)
        if (i == 0 || ref[i] >> 1 != ref[i - 1] >> 1)
            b->next[n++] = ref[i] >> 1;
    if (!vm_future_of_array(b->next, n, ZIPF_PAGES, &e))
        abort();
    b->future.next = b->next;
    b->future.n = n;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    const vm_pageref *ref = b->ref[i % NINPUTS];
    if (b->ops->future == VM_FUTURE_NEEDED)
        look_ahead(b, ref);
    for (size_t k = 0; k < ZIPF_REFS; k += BATCH)
        b->ops->replay(b->state, &b->r, ref + k, ZIPF_REFS - k < BATCH ? ZIPF_REFS - k : BATCH);
    return (double)b->r.touches;
}

const struct bench_group bench_policy = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
