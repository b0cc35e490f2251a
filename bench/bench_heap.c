/* bench_heap.c - each heap allocator under requests of all sizes: heap.NAME.
 *
 * The same 2 million takes and gives for each: of 10,000 blocks one is chosen at random, taken if
 * it is not there and given back if it is. Most are small and die young, as programs' do: of 20
 * requests 16 are for up to 256 bytes, 3 for up to 2 KiB and one for up to 32 KiB; and block number
 * n is chosen as the cube of a random number is, so that half of the requests go to an eighth of
 * the blocks. Requests are drawn before; what is timed is the heap alone, and that the first word
 * of a block is written.
 */
#include "base/arena.h"
#include "base/random.h"
#include "base/region.h"
#include "bench.h"

#include <pagoda/heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS 2000000u
#define BLOCKS   10000u
#define LIMIT    ((size_t)1 << 30)

struct request {
    uint32_t block, bytes; /* bytes 0: give it back */
};

struct bench {
    struct request request[REQUESTS];
    void *block[BLOCKS];
    struct vm_region region;
    struct vm_arena arena;
    void *state;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (vm_heap_at(n))
        n++;
    return n;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    static const struct {
        const char *name;
        double goal;
    } goals[] = {{"segregated", 30}, {"slab", 30}, {"buddy", 30}, {"tlsf", 30}, {"tree-fit", 10}};
    (void)host;
    *out = (struct bench_row){.unit = "M operations/s", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "heap.%s", vm_heap_at(i)->name);
    for (size_t k = 0; k < sizeof goals / sizeof goals[0]; k++)
        if (!strcmp(vm_heap_at(i)->name, goals[k].name))
            out->goal = goals[k].goal;
}

static uint32_t draw_bytes(struct vm_random *random)
{
    uint64_t kind = vm_random_below(random, 20);
    uint64_t most = kind < 16 ? 256 : kind < 19 ? 2048 : 32768;
    return 1 + (uint32_t)vm_random_below(random, most);
}

static void draw(struct bench *b)
{
    struct vm_random random;
    bool live[BLOCKS] = {false};
    vm_random_seed(&random, 1);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        double x = vm_random_real(&random);
        uint32_t block = (uint32_t)(BLOCKS * x * x * x);
        b->request[i] = (struct request){block, live[block] ? 0 : draw_bytes(&random)};
        live[block] = !live[block];
    }
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the heaps' bench");
        return NULL;
    }
    draw(b);
    return b;
}

static void close_heap(struct bench *b)
{
    vm_region_close(&b->region);
    vm_arena_close(&b->arena);
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    const struct vm_heap_ops *ops = vm_heap_at(i);
    struct vm_params params;
    struct vm_error e;
    close_heap(b);
    if (!vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e) ||
        !vm_region_open(&b->region, LIMIT, VM_HEAP_BASE_ALIGN, &e))
        bench_fail(&e);
    const struct vm_heap_env env = {
        .base = b->region.base,
        .limit = LIMIT,
        .cpus = 1,
        .host = &b->region,
        .move_end = vm_region_move_end,
        .params = &params,
    };
    if (!vm_arena_open(&b->arena, ops->size(&env), &e))
        bench_fail(&e);
    b->state = vm_arena_take(&b->arena, ops->size(&env));
    ops->init(b->state, &env);
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    const struct vm_heap_ops *ops = vm_heap_at(i);
    for (uint32_t k = 0; k < REQUESTS; k++) {
        struct request r = b->request[k];
        if (r.bytes) {
            uint64_t *block = ops->take(b->state, r.bytes, VM_HEAP_ALIGN, 0);
            *block = k;
            b->block[r.block] = block;
        } else if (ops->give(b->state, b->block[r.block], 0) != VM_HEAP_FINE) {
            struct vm_error e;
            vm_fail(&e, VM_EMACHINE, "%s: a block was not taken back", ops->name);
            bench_fail(&e);
        }
    }
    return REQUESTS;
}

static void close_bench(void *group)
{
    close_heap(group);
    free(group);
}

const struct bench_group bench_heap = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
