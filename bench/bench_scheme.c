/* bench_scheme.c - page tables by themselves: scheme.walk.NAME, scheme.next.NAME.
 *
 * 16 Ki pages are mapped, every second one of 128 MiB of addresses (or more, where pages are larger
 * than 4 KiB). `walk` translates a million addresses of them at random, one in four a write, tables
 * and all in the host's caches; `next` goes from entry to entry over the whole address space.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "base/random.h"
#include "bench.h"

#include <pagoda/scheme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NFRAMES 32768u
#define NPAGES  16384u
#define NWALKS  (1u << 20)
#define NSWEEPS 32u
#define BASE    UINT64_C(0x10000000)
#define END     (UINT64_C(1) << 31)

struct bench {
    const struct vm_scheme_ops *ops;
    struct vm_arena arena;
    struct vm_params params;
    struct vm_scheme_env env;
    void *state;
    vm_pfn fresh;          /* frames below have been taken for tables */
    uint32_t page[NWALKS]; /* which page a walk is for */
};

static size_t nschemes(void)
{
    size_t n = 0;
    while (vm_scheme_at(n))
        n++;
    return n;
}

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return 2 * nschemes();
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    bool walk = i < nschemes();
    *out = (struct bench_row){.unit = walk ? "M walks/s" : "M entries/s", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "scheme.%s.%s", walk ? "walk" : "next",
             vm_scheme_at(i % nschemes())->name);
}

/* Frames come in order and never go: the arena goes as a whole. */
static vm_pfn take(void *host, uint32_t n)
{
    struct bench *b = host;
    if (n > NFRAMES - b->fresh)
        return VM_NOFRAME;
    b->fresh += n;
    return b->fresh - n;
}

static void give(void *host, vm_pfn first, uint32_t n)
{
    (void)host, (void)first, (void)n;
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct vm_random random;
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the schemes' bench");
        return NULL;
    }
    vm_random_seed(&random, 1);
    for (size_t i = 0; i < NWALKS; i++)
        b->page[i] = (uint32_t)vm_random_below(&random, NPAGES);
    return b;
}

/* Pages are of 4 KiB, or of the size nearest to it that the scheme has. */
static unsigned page_shift(const struct vm_scheme_ops *ops)
{
    unsigned shift = ops->page_shift_min > 12 ? ops->page_shift_min : 12;
    return shift < ops->page_shift_max ? shift : ops->page_shift_max;
}

static vm_va page_va(const struct bench *b, uint32_t i)
{
    return BASE + ((vm_va)i << (b->env.page_shift + 1));
}

/* Segments from their beginning to behind the last page. */
static void map_segments(struct bench *b)
{
    const struct vm_segment_ops *segments = b->ops->segments;
    struct vm_span span;
    for (vm_va va = BASE; va < BASE + NPAGES * 2 * (UINT64_C(1) << b->env.page_shift);
         va = span.end) {
        segments->span(b->state, va, &span);
        vm_va end = span.end < BASE + NPAGES * 2 * (UINT64_C(1) << b->env.page_shift)
                        ? span.end
                        : BASE + NPAGES * 2 * (UINT64_C(1) << b->env.page_shift);
        struct vm_segment g = {
            .state = VM_PTE_PRESENT,
            .prot = VM_PROT_READ | VM_PROT_WRITE,
            .pages = (uint32_t)((end - span.start) / (UINT64_C(1) << b->env.page_shift))};
        segments->set(b->state, 0, va, g);
    }
}

static void map_pages(struct bench *b)
{
    for (uint32_t i = 0; i < NPAGES; i++) {
        vm_va va = page_va(b, i);
        bool made = b->ops->ensure(b->state, 0, va, 0);
        VM_ASSERT(made);
        b->ops->set(b->state, 0, va,
                    (struct vm_pte){
                        .state = VM_PTE_PRESENT, .prot = VM_PROT_READ | VM_PROT_WRITE, .pfn = i});
    }
}

/* New tables, so that the accessed and dirty bits are still to be set. */
static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    vm_arena_close(&b->arena);
    b->ops = vm_scheme_at(i % nschemes());
    b->fresh = 0;
    b->env = (struct vm_scheme_env){.page_shift = page_shift(b->ops),
                                    .nframes = NFRAMES,
                                    .page_frames = NFRAMES,
                                    .nasids = 1,
                                    .host = b,
                                    .take = take,
                                    .give = give,
                                    .params = &b->params};
    if (!vm_params_parse(&b->params, b->ops->name, b->ops->param, b->ops->nparams, NULL, &e) ||
        !vm_arena_open(&b->arena,
                       ((size_t)NFRAMES << b->env.page_shift) + b->ops->size(&b->env) + 1024, &e))
        bench_fail(&e);
    b->env.memory = vm_arena_take(&b->arena, ((size_t)NFRAMES << b->env.page_shift));
    b->state = vm_arena_take(&b->arena, b->ops->size(&b->env));
    b->ops->init(b->state, &b->env);
    bool opened = b->ops->open(b->state, 0);
    VM_ASSERT(opened);
    (b->ops->unit == VM_UNIT_SEGMENT ? map_segments : map_pages)(b);
}

static double walk_all(struct bench *b)
{
    struct vm_walk w;
    for (size_t i = 0; i < NWALKS; i++) {
        b->ops->walk(b->state, 0, page_va(b, b->page[i]), i % 4 ? VM_READ : VM_WRITE, VM_MODE_USER,
                     &w);
        VM_ASSERT(w.fault == VM_WALK_OK);
    }
    return NWALKS;
}

static double sweep_all(struct bench *b)
{
    uint64_t n = 0;
    const vm_va page = UINT64_C(1) << b->env.page_shift;
    for (unsigned k = 0; k < NSWEEPS; k++)
        for (vm_va va = 0; (va = b->ops->next(b->state, 0, va, END)) < END; va += page)
            n++;
    VM_ASSERT(n == (uint64_t)NSWEEPS * NPAGES);
    return (double)n;
}

static double run(void *group, size_t i)
{
    return i < nschemes() ? walk_all(group) : sweep_all(group);
}

static void close_bench(void *group)
{
    struct bench *b = group;
    vm_arena_close(&b->arena);
    free(b);
}

const struct bench_group bench_scheme = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
