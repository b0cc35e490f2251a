/* bench_policy.c - page replay by each policy: replay.policy.NAME.zipf.
 *
 * The references of zipf.h; memory holds a tenth of the pages. References lie in memory as page
 * ids, and are played in batches of 4096 as a trace reader would hand them out. For a policy that
 * reads the future the time includes making it, the backward pass.
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
/* Bytes of a machine that are in the host's memory before the clock starts: all but what is kept
 * for processes that there are not. */
#define TOUCHED (64u << 20)

struct bench {
    struct vm_arena input, machine;
    vm_pageref *ref; /* [ZIPF_REFS] */
    uint32_t *next;  /* [ZIPF_REFS] the future, when a row needs it */
    const struct vm_policy_ops *ops;
    struct vm_params params;
    struct vm_policy_env env;
    struct vm_replay r;
    struct vm_future future;
    struct vm_policy_clock clock;
    void *state;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (vm_policy_at(n))
        n++;
    return n;
}

/* M refs/s that the project promises; 0: nothing promised. */
static double goal(const char *policy)
{
    static const char *const fast[] = {"lru", "fifo", "clock", "random"};
    for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++)
        if (!strcmp(policy, fast[i]))
            return 80;
    static const char *const lists[] = {"vms", "wsclock", "mglru", "linux"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!strcmp(policy, lists[i]))
            return 60;
    return strcmp(policy, "opt") ? 0 : 20;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    const char *policy = vm_policy_at(i)->name;
    *out = (struct bench_row){.unit = "M refs/s", .scale = 1e6, .goal = goal(policy)};
    snprintf(out->name, sizeof out->name, "replay.policy.%s.zipf", policy);
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
    if (!vm_arena_open(&b->input, 2 * vm_arena_room(ZIPF_REFS * sizeof(uint32_t)), e)) {
        free(b);
        return NULL;
    }
    b->ref = vm_arena_take(&b->input, ZIPF_REFS * sizeof *b->ref);
    b->next = vm_arena_take(&b->input, ZIPF_REFS * sizeof *b->next);
    memset(b->next, 0, ZIPF_REFS * sizeof *b->next); /* so that no timed run waits for the kernel */
    if (!bench_zipf(b->ref)) {
        vm_fail(e, VM_ESYSTEM, "no memory for the input of the policies' bench");
        close_bench(b);
        return NULL;
    }
    return b;
}

static void future_ended(struct vm_future *f)
{
    (void)f;
    abort();
}

/* An empty memory of its own arena, its pages touched. */
static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    b->ops = vm_policy_at(i);
    b->future = (struct vm_future){.refill = future_ended};
    b->env = (struct vm_policy_env){.nframes = NFRAMES,
                                    .capacity = NFRAMES,
                                    .seed = 1,
                                    .params = &b->params,
                                    .future = &b->future,
                                    .clock = &b->clock,
                                    .host = &vm_policy_host_plain};
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

static void look_ahead(struct bench *b)
{
    struct vm_error e;
    size_t n = 0;
    for (size_t i = 0; i < ZIPF_REFS; i++)
        if (i == 0 || b->ref[i] >> 1 != b->ref[i - 1] >> 1)
            b->next[n++] = b->ref[i] >> 1;
    if (!vm_future_of_array(b->next, n, ZIPF_PAGES, &e))
        abort();
    b->future.next = b->next;
    b->future.n = n;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    (void)i;
    if (b->ops->future == VM_FUTURE_NEEDED)
        look_ahead(b);
    for (size_t k = 0; k < ZIPF_REFS; k += BATCH)
        b->ops->replay(b->state, &b->r, b->ref + k, ZIPF_REFS - k < BATCH ? ZIPF_REFS - k : BATCH);
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
