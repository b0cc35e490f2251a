/* bench_store.c - where pages go that leave memory: store.STORE.DO.BATCH, in pages a second: of
 * memory by processor time, of what waits for a file by the clock on the wall.
 *
 * 16384 pages of 4 KiB, half of each random, so that it compresses to about a half. `write` keeps
 * them all, in batches of 1, 16 or 64, and flushes nothing; `read` reads them in the order of
 * numbers that are scattered, each with those behind it in its batch; `scan` in their own order,
 */
#include "base/random.h"
#include "bench.h"
#include "live/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE   4096
#define NPAGES 16384
#define KINDS  256 /* of pages */

static const char *const specs[] = {"memory", "lz4",         "zstd", "spill:limit=16MiB",
                                    "file",   "file:io=sync"};
#define NSPECS (sizeof specs / sizeof specs[0])
static const char *const names[NSPECS] = {"memory", "lz4", "zstd", "spill", "file", "file-sync"};

enum what { WRITE, READ, SCAN };
static const struct shape {
    enum what what;
    size_t batch;
    const char *name;
} shapes[] = {
    {WRITE, 1, "write.1"}, {WRITE, 16, "write.16"}, {WRITE, 64, "write.64"}, {READ, 1, "read.1"},
    {READ, 16, "read.16"}, {READ, 64, "read.64"},   {SCAN, 64, "scan.64"},
};
#define NSHAPES (sizeof shapes / sizeof shapes[0])

struct group {
    const struct vm_store_ops *ops; /* of the store that is open; NULL: none */
    void *store;
    size_t spec;
    struct vm_params params;
    vm_stored handle[NPAGES]; /* 0: not written */
    uint8_t *page;            /* [KINDS * PAGE] */
    uint8_t *to;              /* [VM_STORE_BATCH * PAGE] */
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return NSPECS * NSHAPES;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){
        .unit = "k pages/s", .scale = 1e3, .kind = i / NSHAPES < 3 ? BENCH_RATE : BENCH_ELAPSED};
    snprintf(out->name, sizeof out->name, "store.%s.%s", names[i / NSHAPES],
             shapes[i % NSHAPES].name);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct vm_random random;
    struct group *g = calloc(1, sizeof *g);
    if (g) {
        g->page = calloc(KINDS, PAGE);
        g->to = aligned_alloc(PAGE, (size_t)VM_STORE_BATCH * PAGE);
    }
    if (!g || !g->page || !g->to) {
        vm_fail(e, VM_ESYSTEM, "no memory for the bench of stores");
        return NULL;
    }
    vm_random_seed(&random, 1);
    for (size_t k = 0; k < KINDS; k++)
        for (size_t w = 0; w < PAGE / 16; w++)
            ((uint64_t *)(void *)(g->page + k * PAGE))[w] = vm_random_u64(&random);
    return g;
}

static void drop_all(struct group *g)
{
    for (size_t i = 0; i < NPAGES; i++)
        if (g->handle[i])
            g->ops->drop(g->store, g->handle[i]);
    memset(g->handle, 0, sizeof g->handle);
}

static void leave(struct group *g)
{
    if (!g->ops)
        return;
    drop_all(g);
    g->ops->close(g->store);
    g->ops = NULL;
}

static void enter(struct group *g, size_t spec)
{
    char name[32];
    struct vm_error e;
    const char *rest = vm_spec_split(specs[spec], name, sizeof name);
    const struct vm_store_ops *ops = vm_store_find(name, &e);
    if (!ops || !vm_params_parse(&g->params, name, ops->param, ops->nparams, rest, &e))
        bench_fail(&e);
    g->store = ops->open(
        &(struct vm_store_env){.page_bytes = PAGE, .pages_max = 2 * NPAGES, .params = &g->params},
        &e);
    if (!g->store)
        bench_fail(&e);
    g->ops = ops;
    g->spec = spec;
}

static void write_all(struct group *g, size_t batch)
{
    const void *page[VM_STORE_BATCH];
    int error;
    for (size_t i = 0; i < NPAGES; i += batch) {
        for (size_t k = 0; k < batch; k++)
            page[k] = g->page + (i + k) % KINDS * PAGE;
        if (g->ops->write(g->store, page, batch, g->handle + i, &error) != batch) {
            struct vm_error e;
            vm_fail(&e, VM_ESYSTEM, "%s: %s", specs[g->spec], strerror(error));
            bench_fail(&e);
        }
    }
}

static void prepare(void *group, size_t i)
{
    struct group *g = group;
    if (g->ops && g->spec != i / NSHAPES)
        leave(g);
    if (!g->ops)
        enter(g, i / NSHAPES);
    if (shapes[i % NSHAPES].what == WRITE)
        drop_all(g);
    else if (!g->handle[0])
        write_all(g, 64);
}

static void read_some(struct group *g, size_t first, size_t batch)
{
    void *to[VM_STORE_BATCH];
    bool ok[VM_STORE_BATCH];
    for (size_t k = 0; k < batch; k++)
        to[k] = g->to + k * PAGE;
    int error = g->ops->read(g->store, g->handle + first, to, batch, ok);
    if (error || memcmp(g->to, g->page + first % KINDS * PAGE, 64) != 0) {
        struct vm_error e;
        vm_fail(&e, VM_ESYSTEM, "%s: page %zu: %s", specs[g->spec], first, strerror(error));
        bench_fail(&e);
    }
}

/* A fourth of the pages scattered, or all in order. */
static double read_all(struct group *g, const struct shape *s)
{
    size_t n = NPAGES / s->batch;
    if (s->what == READ) {
        for (size_t i = 0; i < n / 4; i++)
            read_some(g, i * 2654435761u % n * s->batch, s->batch);
        return (double)(n / 4 * s->batch);
    }
    for (size_t i = 0; i < n; i++) {
        read_some(g, i * s->batch, s->batch);
        if (i + 1 < n)
            g->ops->soon(g->store, g->handle + (i + 1) * s->batch, s->batch);
    }
    return NPAGES;
}

static double run(void *group, size_t i)
{
    struct group *g = group;
    const struct shape *s = &shapes[i % NSHAPES];
    if (s->what != WRITE)
        return read_all(g, s);
    write_all(g, s->batch);
    return NPAGES;
}

static void close_bench(void *group)
{
    struct group *g = group;
    leave(g);
    free(g->page);
    free(g->to);
    free(g);
}

const struct bench_group bench_store = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
