/* slab.c - the slab allocator as a heap: a cache for each class of sizes.
 *
 * What kernels call their general-purpose caches (kmalloc): a request is rounded up to its class,
 * an eighth apart, and served by that class's cache (caches.h). Requests above 32 KiB get pages of
 * their own. Magazines come first, so that what a processor gave back last it takes next, and
 * several of them seldom meet at the slabs.
 *
 * Bonwick, USENIX Summer 1994, section 3.2.6 (kmem_alloc upon caches).
 */
#include "heap/caches.h"

static void init(void *state, const struct vm_heap_env *env)
{
    vm_slab_init(state, env);
}

static void *take_large(struct vm_slab *s, size_t bytes, size_t align)
{
    void *block = vm_large_take(&s->spans, bytes, align);
    if (!block && vm_slab_reap(s))
        block = vm_large_take(&s->spans, bytes, align);
    return block ? block : ground_fail(&s->spans.ground);
}

/* Colours are multiples of a line. What must be aligned to more is of a power of two, which leaves
 * no room for colours. */
static size_t class_bytes(size_t bytes, size_t align)
{
    if (align <= CACHE_COLOUR_STEP)
        return bytes;
    size_t least = bytes > align ? bytes : align;
    return (size_t)1 << vm_bits_below(least);
}

static void *take(void *state, size_t bytes, size_t align, uint32_t cpu)
{
    struct vm_slab *s = state;
    if (bytes > OBJECT_BYTES_MAX || align > VM_HEAP_GRAIN)
        return take_large(s, bytes, align);
    return vm_slab_take(&s->cache[objects_class_aligned(class_bytes(bytes, align), align)], cpu);
}

static enum vm_heap_fault give(void *state, void *block, uint32_t cpu)
{
    struct vm_slab *s = state;
    size_t offset = (uintptr_t)block - (uintptr_t)s->spans.ground.base;
    const struct span *span = spans_find(&s->spans, offset);
    if (!span)
        return vm_spans_diagnose(&s->spans, offset);
    if (span->kind == SPAN_LARGE)
        return vm_large_give(&s->spans, span, offset);
    return span->class == CACHE_MAGAZINES ? VM_HEAP_NOT_A_BLOCK
                                          : vm_slab_give(&s->cache[span->class], block, cpu);
}

static bool resize(void *state, void *block, size_t bytes)
{
    struct vm_slab *s = state;
    return vm_objects_resize(&s->spans, s->class, block, bytes);
}

static size_t room(const void *state, const void *block)
{
    const struct vm_slab *s = state;
    return vm_objects_room(&s->spans, s->class, block);
}

/* What magazines take is overhead. */
static void usage(const void *state, struct vm_heap_usage *out)
{
    const struct vm_slab *s = state;
    vm_objects_usage(&s->spans, s->class, OBJECT_CLASSES, out);
    out->state_bytes = sizeof *s + s->ncpus * CACHES * sizeof s->cache[0].cpu[0];
    out->state_bytes += s->spans.most * (sizeof(struct span) + sizeof s->used[0]);
    for (unsigned i = 0; i < OBJECT_CLASSES; i++)
        out->searched += s->cache[i].exchanges;
}

static enum vm_heap_kind kind(const void *heap, const struct span *span, unsigned object)
{
    if (span->class == CACHE_MAGAZINES)
        return VM_HEAP_OVERHEAD;
    bool used = place_is_used(heap, (struct place){(struct span *)span, object});
    return used ? VM_HEAP_LIVE : VM_HEAP_FREE;
}

static void walk(const void *state, void *host,
                 void (*piece)(void *host, const struct vm_heap_piece *))
{
    const struct vm_slab *s = state;
    vm_objects_walk(&s->spans, s->class, s, kind, host, piece);
}

static bool check(const void *state, struct vm_heap_damage *out)
{
    const struct vm_slab *s = state;
    if (!vm_spans_check(&s->spans, out))
        return false;
    for (uint32_t id = 0; id < CACHES; id++)
        if (id != CACHE_MAGAZINES && s->cache[id].kind.name && !vm_slab_check(&s->cache[id], out))
            return false;
    return vm_objects_check(&s->spans, &s->class[CACHE_MAGAZINES], CACHE_MAGAZINES, out);
}

const struct vm_heap_ops vm_heap_slab = {
    .name = "slab",
    .summary = "caches of sizes: slabs with colours, behind magazines for each processor",
    .sees = VM_HEAP_SEES_STRANGERS | VM_HEAP_SEES_TWICE,
    .param = vm_slab_param,
    .nparams = VM_SLAB_PARAMS,
    .size = vm_slab_size,
    .init = init,
    .take = take,
    .give = give,
    .resize = resize,
    .room = room,
    .usage = usage,
    .walk = walk,
    .check = check,
};
