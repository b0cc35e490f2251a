/* fuzz_heap.c - any bytes as what a program asks of a heap, and does to it: takes, gives, resizes,
 * gives of what is no block, and, in half of the inputs, bytes written where they must not be.
 *
 * The first byte chooses the heap, the second its parameters. While nothing was overwritten, no two
 * live blocks overlap and check finds nothing; after that, the heap may say what it likes, but must
 * not touch what is not its own: a page behind the region's end is not there. Built with libFuzzer
 * (clang -fsanitize=fuzzer,address,undefined).
 */
#include <pagoda/heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LIMIT  ((size_t)1 << 18)
#define BLOCKS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct world {
    const uint8_t *at, *until;
    unsigned char *base;
    size_t end;
    const struct vm_heap_ops *ops;
    void *state;
    struct {
        unsigned char *at;
        size_t bytes;
    } block[BLOCKS];
    bool destroyed; /* something was overwritten */
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static unsigned take(struct world *w)
{
    return w->at < w->until ? *w->at++ : 0;
}

static bool move_end(void *host, size_t end)
{
    struct world *w = host;
    require(end <= LIMIT && end % VM_HEAP_GRAIN == 0);
    if (end < w->end) {
        madvise(w->base + end, w->end - end, MADV_DONTNEED);
        mprotect(w->base + end, w->end - end, PROT_NONE);
    } else {
        mprotect(w->base + w->end, end - w->end, PROT_READ | PROT_WRITE);
    }
    w->end = end;
    return true;
}

static void choose(struct world *w, struct vm_params *params)
{
    static const char *const texts[] = {"", "grow=4KiB,trim=4KiB", "grow=64KiB,trim=0",
                                        "grow=4KiB,trim=0"};
    static const char *const orders[] = {"address", "size", "lifo", "fifo"};
    static const char *const coalescings[] = {"immediate", "deferred", "never", "immediate"};
    struct vm_error e;
    char text[128];
    unsigned which = take(w), how = take(w);
    size_t nheaps = 0;
    while (vm_heap_at(nheaps))
        nheaps++;
    w->ops = vm_heap_at(which % nheaps);
    snprintf(text, sizeof text, "%s", texts[how & 3]);
    if (!strcmp(w->ops->param[0].name, "order"))
        snprintf(text, sizeof text, "grow=8KiB,every=3,order=%s,coalesce=%s,notes=%s",
                 orders[how & 3], coalescings[how >> 2 & 3], how & 16 ? "header" : "tags");
    if (!strcmp(w->ops->param[0].name, "rounds"))
        snprintf(text, sizeof text, "rounds=%u,depot=%u,empty=%u", how & 3, how >> 2 & 3,
                 how >> 4 & 1);
    require(vm_params_parse(params, w->ops->name, w->ops->param, w->ops->nparams, text, &e));
}

static bool overlaps(const struct world *w, const unsigned char *at, size_t bytes)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (w->block[i].at && at < w->block[i].at + w->block[i].bytes &&
            w->block[i].at < at + bytes)
            return true;
    return false;
}

/* Sizes of all magnitudes by two bytes. */
static size_t draw_bytes(struct world *w)
{
    size_t low = take(w), high = take(w);
    return 1 + (low << (high % 12)) + (high & 0x10 ? low << 40 : 0);
}

static void step_take(struct world *w, unsigned i)
{
    size_t bytes = draw_bytes(w), align = VM_HEAP_ALIGN << (take(w) % 20 < 14 ? 0 : 5);
    if (w->block[i].at)
        return;
    unsigned char *at = w->ops->take(w->state, bytes, align, i % 2);
    if (!at)
        return;
    require(at >= w->base && at < w->base + w->end);
    require(w->destroyed || (bytes <= w->end - (size_t)(at - w->base) &&
                             (uintptr_t)at % align == 0 && !overlaps(w, at, bytes)));
    w->block[i].at = at;
    w->block[i].bytes = bytes;
}

static void step_give(struct world *w, unsigned i)
{
    unsigned char *at = w->block[i].at;
    if (!at)
        return;
    enum vm_heap_fault fault = w->ops->give(w->state, at, i % 2);
    require(fault == VM_HEAP_FINE || w->destroyed);
    w->block[i].at = NULL;
    if (fault == VM_HEAP_FINE && (size_t)(at - w->base) < w->end)
        require(w->ops->give(w->state, at, 0) != VM_HEAP_FINE || w->destroyed);
}

static void step_resize(struct world *w, unsigned i)
{
    size_t bytes = draw_bytes(w);
    if (!w->block[i].at)
        return;
    if (w->ops->resize(w->state, w->block[i].at, bytes)) {
        require(w->destroyed || w->ops->room(w->state, w->block[i].at) >= bytes);
        w->block[i].bytes = bytes;
    }
}

static void step_stranger(struct world *w)
{
    size_t at = take(w) | (size_t)take(w) << 8 | (size_t)take(w) << 16;
    for (size_t i = 0; i < BLOCKS; i++)
        if (w->block[i].at == w->base + at)
            return;
    require(w->ops->give(w->state, w->base + at, 0) != VM_HEAP_FINE || w->destroyed);
}

static void step_destroy(struct world *w)
{
    size_t at = take(w) | (size_t)take(w) << 8 | (size_t)take(w) << 16;
    unsigned char value = (unsigned char)take(w);
    if (at < w->end) {
        w->base[at] = value;
        w->destroyed = true;
    }
}

static void count_bytes(void *host, const struct vm_heap_piece *piece)
{
    *(size_t *)host += piece->bytes;
}

static void inspect(struct world *w)
{
    struct vm_heap_damage damage;
    struct vm_heap_usage usage;
    size_t bytes = 0;
    require(w->ops->check(w->state, &damage) || w->destroyed);
    w->ops->usage(w->state, &usage);
    w->ops->walk(w->state, &bytes, count_bytes);
    require(bytes == w->end);
}

static void step(struct world *w, bool destroys)
{
    unsigned what = take(w), i = what >> 2;
    switch (what & 3) {
    case 0:
        step_take(w, i);
        return;
    case 1:
        step_give(w, i);
        return;
    case 2:
        step_resize(w, i);
        return;
    default:
        if (i % 4 == 0)
            inspect(w);
        else if (i % 4 == 1 && destroys)
            step_destroy(w);
        else
            step_stranger(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct world w = {.at = data, .until = data + n};
    struct vm_params params;
    choose(&w, &params);
    bool destroys = take(&w) & 1;
    size_t reserved = LIMIT + VM_HEAP_BASE_ALIGN;
    unsigned char *block =
        mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(block != MAP_FAILED);
    w.base = (unsigned char *)(((uintptr_t)block + VM_HEAP_BASE_ALIGN - 1) &
                               ~(uintptr_t)(VM_HEAP_BASE_ALIGN - 1));
    struct vm_heap_env env = {.base = w.base,
                              .limit = LIMIT,
                              .cpus = 2,
                              .host = &w,
                              .move_end = move_end,
                              .params = &params};
    size_t bytes = (w.ops->size(&env) + 63) / 64 * 64;
    w.state = aligned_alloc(64, bytes);
    require(w.state);
    memset(w.state, 0, bytes);
    w.ops->init(w.state, &env);
    while (w.at < w.until)
        step(&w, destroys);
    inspect(&w);
    munmap(block, reserved);
    free(w.state);
    return 0;
}
