/* bench_heap.c - each heap allocator under requests drawn at random, heap.NAME, and under those of
 * real programs, heap.NAME.real.
 *
 * Drawn are 2 million takes and gives: of 10,000 blocks one is chosen at random, taken if it is not
 * there and given back if it is. Most are small and die young, as programs' do: of 20 requests 16
 * are for up to 256 bytes, 3 for up to 2 KiB and one for up to 32 KiB; and block number n is chosen
 * as the cube of a random number is, so that half of the requests go to an eighth of the blocks.
 *
 * The lists, which promise nothing here, would take minutes; they answer the first 16th of these.
 *
 * Recorded are the shipped traces heap-*.pgt, each in a heap of its own that begins empty; a row's
 * value is of all their requests together, of which a change of a block's bytes is one, whether it
 * could stay or had to move.
 *
 * Requests are drawn or decoded before, blocks known by their numbers, and pages of the region
 * touched; what is timed is the heap alone, and that the first word of a block is written. Pages
 * that a heap gives back to the host and takes again are its own choice, and in its time.
 */
#include "base/arena.h"
#include "base/random.h"
#include "base/region.h"
#include "bench.h"

#include <pagoda/requests.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS    2000000u
#define SHARE       16 /* of the requests drawn that the lists answer: one in so many */
#define BLOCKS      10000u
#define LIMIT       ((size_t)1 << 30)
#define STREAMS_MAX 16

/* Requests, and the heap that they are put to. */
struct stream {
    struct vm_requests requests;
    void **block; /* [nblocks] where each is; of those that are not live, anything */
    struct vm_region region;
    struct vm_arena arena;
    void *state;
};

struct bench {
    struct stream stream[STREAMS_MAX]; /* the first is drawn, the others recorded */
    size_t nstreams;
};

/* ---- rows: two for each heap ---- */

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (vm_heap_at(n))
        n++;
    return 2 * n;
}

static const struct vm_heap_ops *ops_of(size_t row)
{
    return vm_heap_at(row / 2);
}

static bool is_real(size_t row)
{
    return row % 2;
}

/* That the heap promises to be above, in M operations/s; 0: nothing. */
static double goal_of(const struct vm_heap_ops *ops)
{
    static const struct {
        const char *name;
        double goal;
    } goals[] = {{"segregated", 30}, {"slab", 30}, {"buddy", 30}, {"tlsf", 30}, {"tree-fit", 10}};
    for (size_t k = 0; k < sizeof goals / sizeof goals[0]; k++)
        if (!strcmp(ops->name, goals[k].name))
            return goals[k].goal;
    return 0;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    const struct vm_heap_ops *ops = ops_of(i);
    (void)host;
    *out = (struct bench_row){.unit = "M operations/s", .scale = 1e6, .goal = goal_of(ops)};
    snprintf(out->name, sizeof out->name, "heap.%s%s", ops->name, is_real(i) ? ".real" : "");
}

/* ---- requests ---- */

static uint32_t draw_bytes(struct vm_random *random)
{
    uint64_t kind = vm_random_below(random, 20);
    uint64_t most = kind < 16 ? 256 : kind < 19 ? 2048 : 32768;
    return 1 + (uint32_t)vm_random_below(random, most);
}

static bool draw(struct vm_requests *r, struct vm_error *e)
{
    struct vm_random random;
    bool live[BLOCKS] = {false};
    vm_random_seed(&random, 1);
    *r = (struct vm_requests){.n = REQUESTS, .nblocks = BLOCKS};
    if (!(r->request = calloc(r->n, sizeof *r->request)))
        return vm_fail(e, VM_ESYSTEM, "no memory for requests");
    for (size_t i = 0; i < r->n; i++) {
        double x = vm_random_real(&random);
        uint32_t block = (uint32_t)(BLOCKS * x * x * x);
        struct vm_request *q = &r->request[i];
        *q = (struct vm_request){.block = block, .kind = VM_REQUEST_GIVE};
        if (!live[block])
            *q = (struct vm_request){draw_bytes(&random), block, VM_REQUEST_TAKE, 4, 0};
        live[block] = !live[block];
    }
    return true;
}

/* What a heap is asked, and no more: no faults, and requests for no bytes as one. */
static void keep_asked(struct vm_requests *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        struct vm_request q = r->request[i];
        q.bytes += q.bytes == 0;
        if (q.kind != VM_REQUEST_NONE && q.kind != VM_REQUEST_RESET)
            r->request[n++] = q;
    }
    r->n = n;
}

static bool decode(struct vm_requests *r, const char *path, struct vm_error *e)
{
    struct vm_trace *t = vm_trace_open(path, NULL, e);
    bool good = t && vm_requests_load(r, t, e);
    vm_trace_close(t);
    if (good)
        keep_asked(r);
    return good;
}

static bool open_stream(struct stream *s, struct vm_error *e)
{
    s->block = calloc(s->requests.nblocks, sizeof *s->block);
    return s->block || vm_fail(e, VM_ESYSTEM, "no memory for blocks");
}

static bool open_streams(struct bench *b, const struct bench_host *host, struct vm_error *e)
{
    struct stream *s = &b->stream[b->nstreams++];
    if (!draw(&s->requests, e) || !open_stream(s, e))
        return false;
    for (size_t i = 0; i < host->nheaps && b->nstreams < STREAMS_MAX; i++) {
        s = &b->stream[b->nstreams++];
        if (!decode(&s->requests, host->heap[i], e) || !open_stream(s, e))
            return false;
    }
    return b->nstreams > 1 || vm_fail(e, VM_EUSAGE, "no heap-*.pgt among the shipped traces");
}

/* ---- running ---- */

static void close_heap(struct stream *s)
{
    vm_region_close(&s->region);
    vm_arena_close(&s->arena);
}

static void open_heap(struct stream *s, const struct vm_heap_ops *ops)
{
    struct vm_params params;
    struct vm_error e;
    close_heap(s);
    if (!vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e) ||
        !vm_region_open(&s->region, LIMIT, VM_HEAP_BASE_ALIGN, &e))
        bench_fail(&e);
    const struct vm_heap_env env = {
        .base = s->region.base,
        .limit = LIMIT,
        .cpus = 1,
        .host = &s->region,
        .move_end = vm_region_move_end,
        .params = &params,
    };
    if (!vm_arena_open(&s->arena, vm_arena_room(ops->size(&env)), &e))
        bench_fail(&e);
    s->state = vm_arena_take(&s->arena, ops->size(&env));
    ops->init(s->state, &env);
    for (size_t at = 0; at < 2 * s->requests.asked_peak; at += VM_HEAP_GRAIN)
        *(volatile unsigned char *)(s->region.base + at) = 0;
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    for (size_t k = 0; k < b->nstreams; k++)
        open_heap(&b->stream[k], ops_of(i));
}

static void require(bool held, const struct vm_heap_ops *ops, const char *what)
{
    struct vm_error e;
    if (!held) {
        vm_fail(&e, VM_EMACHINE, "%s: %s", ops->name, what);
        bench_fail(&e);
    }
}

static void *take(const struct stream *s, const struct vm_heap_ops *ops, uint64_t bytes,
                  unsigned align_shift)
{
    uint64_t *at = ops->take(s->state, bytes, (size_t)1 << align_shift, 0);
    require(at, ops, "a request was not served");
    *at = bytes;
    return at;
}

static void give(const struct stream *s, const struct vm_heap_ops *ops, void *block)
{
    require(ops->give(s->state, block, 0) == VM_HEAP_FINE, ops, "a block was not taken back");
}

static void change(const struct stream *s, const struct vm_heap_ops *ops, void **block,
                   uint64_t bytes)
{
    if (ops->resize(s->state, *block, bytes))
        return;
    void *moved = take(s, ops, bytes, 4);
    give(s, ops, *block);
    *block = moved;
}

/* The first n requests. */
static double play(const struct stream *s, const struct vm_heap_ops *ops, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        struct vm_request q = s->requests.request[k];
        void **block = &s->block[q.block];
        if (q.kind == VM_REQUEST_TAKE)
            *block = take(s, ops, q.bytes, q.align_shift);
        else if (q.kind == VM_REQUEST_GIVE)
            give(s, ops, *block);
        else
            change(s, ops, block, q.bytes);
    }
    return (double)n;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    const struct vm_heap_ops *ops = ops_of(i);
    double done = 0;
    if (!is_real(i))
        return play(&b->stream[0], ops, goal_of(ops) > 0 ? REQUESTS : REQUESTS / SHARE);
    for (size_t k = 1; k < b->nstreams; k++)
        done += play(&b->stream[k], ops, b->stream[k].requests.n);
    return done;
}

static void close_bench(void *group)
{
    struct bench *b = group;
    for (size_t k = 0; k < b->nstreams; k++) {
        close_heap(&b->stream[k]);
        vm_requests_free(&b->stream[k].requests);
        free(b->stream[k].block);
    }
    free(b);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the heaps' bench");
        return NULL;
    }
    if (open_streams(b, host, e))
        return b;
    close_bench(b);
    return NULL;
}

const struct bench_group bench_heap = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
