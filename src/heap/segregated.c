/* segregated.c - a list for each class of sizes, as the allocators of today's C libraries have.
 *
 *     request of up to 32 KiB   rounded up to its class (12.5 % apart); the first free object of
 *                               the first span that its class has, else of a new span
 *     larger                    pages of its own, rounded up to whole ones
 *
 * Neither needs a search: the class is computed, the object found in a bitmap, the span of a block
 * that is given back in the notes of its page. A span all of whose objects are free goes back to
 * the pages, but for one of each class: a program that takes and gives back one object would make
 * and unmake it each time. Such spans serve last, and are given up before a request fails.
 *
 * Nothing is written into the region, so that there are no headers to be destroyed. What a program
 * can take does not depend on how it was given back: only classes compete for pages.
 *
 * Wilson, Johnstone, Neely & Boles, IWMM 1995, section 3.6; Evans, BSDCan 2006 (size classes);
 * Leijen, Zorn & de Moura, "Mimalloc: free list sharding in action", APLAS 2019.
 */
#include "heap/objects.h"

#define EMPTY_SPANS 1 /* of a class are kept */

struct segregated {
    struct spans spans;
    struct object_class class[OBJECT_CLASSES];
};

static const struct vm_param params[] = {GROUND_GROW_PARAM, GROUND_TRIM_PARAM};

static struct span *layout(struct block *b, const struct vm_heap_env *env)
{
    block_take(b, sizeof(struct segregated));
    return vm_spans_layout(b, env);
}

static size_t size(const struct vm_heap_env *env)
{
    struct block b = {0};
    layout(&b, env);
    return b.used;
}

static void init(void *state, const struct vm_heap_env *env)
{
    struct segregated *h = state;
    struct block b = {.start = (uintptr_t)state};
    vm_spans_init(&h->spans, env, layout(&b, env));
    for (unsigned i = 0; i < OBJECT_CLASSES; i++)
        objects_init(&h->class[i], objects_bytes(i));
}

/* Give up the empty spans that classes keep; whether there were any. */
static bool reap(struct segregated *h)
{
    bool any = false;
    for (unsigned i = 0; i < OBJECT_CLASSES; i++)
        for (struct object_class *c = &h->class[i]; c->empty != SPAN_NOPAGE; any = true)
            vm_objects_close(&h->spans, c, &c->empty, &h->spans.span[c->empty]);
    return any;
}

static __attribute__((noinline)) void *take_first(struct segregated *h, unsigned class)
{
    struct object_class *c = &h->class[class];
    if (!objects_revive(&h->spans, c) && !vm_objects_open(&h->spans, c, class, 0) &&
        !(reap(h) && vm_objects_open(&h->spans, c, class, 0)))
        return ground_fail(&h->spans.ground);
    c->takes++;
    return objects_pop(&h->spans, c);
}

static void *take_object(struct segregated *h, unsigned class)
{
    struct object_class *c = &h->class[class];
    if (c->list == SPAN_NOPAGE)
        return take_first(h, class);
    c->takes++;
    return objects_pop(&h->spans, c);
}

static void *take_large(struct segregated *h, size_t bytes, size_t align)
{
    void *block = vm_large_take(&h->spans, bytes, align);
    if (!block && reap(h))
        block = vm_large_take(&h->spans, bytes, align);
    return block ? block : ground_fail(&h->spans.ground);
}

static void *take(void *state, size_t bytes, size_t align, uint32_t cpu)
{
    struct segregated *h = state;
    (void)cpu;
    if (align == VM_HEAP_ALIGN && bytes <= OBJECT_BYTES_MAX)
        return take_object(h, objects_class(bytes));
    if (align <= VM_HEAP_GRAIN && bytes <= OBJECT_BYTES_MAX)
        return take_object(h, objects_class_aligned(bytes, align));
    return take_large(h, bytes, align);
}

static enum vm_heap_fault give(void *state, void *block, uint32_t cpu)
{
    struct segregated *h = state;
    struct spans *s = &h->spans;
    size_t offset = (uintptr_t)block - (uintptr_t)s->ground.base;
    struct span *span = spans_find(s, offset);
    (void)cpu;
    if (!span)
        return vm_spans_diagnose(s, offset);
    if (span->kind == SPAN_LARGE)
        return vm_large_give(s, span, offset);
    struct object_class *c = &h->class[span->class];
    unsigned object = objects_find(s, c, span, offset);
    if (object >= c->count)
        return VM_HEAP_NOT_A_BLOCK;
    if (objects_is_free(span, object))
        return VM_HEAP_FREE_TWICE;
    c->gives++;
    if (objects_push(s, c, span, object) && !objects_keep(s, c, span, EMPTY_SPANS))
        vm_objects_close(s, c, &c->list, span);
    return VM_HEAP_FINE;
}

static bool resize(void *state, void *block, size_t bytes)
{
    struct segregated *h = state;
    return vm_objects_resize(&h->spans, h->class, block, bytes);
}

static size_t room(const void *state, const void *block)
{
    const struct segregated *h = state;
    return vm_objects_room(&h->spans, h->class, block);
}

static void usage(const void *state, struct vm_heap_usage *out)
{
    const struct segregated *h = state;
    vm_objects_usage(&h->spans, h->class, OBJECT_CLASSES, out);
    out->state_bytes = sizeof *h + h->spans.most * sizeof(struct span);
}

static enum vm_heap_kind kind(const void *heap, const struct span *span, unsigned object)
{
    (void)heap;
    return objects_is_free(span, object) ? VM_HEAP_FREE : VM_HEAP_LIVE;
}

static void walk(const void *state, void *host,
                 void (*piece)(void *host, const struct vm_heap_piece *))
{
    const struct segregated *h = state;
    vm_objects_walk(&h->spans, h->class, h, kind, host, piece);
}

static bool check(const void *state, struct vm_heap_damage *out)
{
    const struct segregated *h = state;
    if (!vm_spans_check(&h->spans, out))
        return false;
    for (unsigned i = 0; i < OBJECT_CLASSES; i++)
        if (!vm_objects_check(&h->spans, &h->class[i], i, out))
            return false;
    return true;
}

const struct vm_heap_ops vm_heap_segregated = {
    .name = "segregated",
    .summary = "classes of sizes, an eighth apart, in spans of pages; above 32 KiB whole pages",
    .sees = VM_HEAP_SEES_STRANGERS | VM_HEAP_SEES_TWICE,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = size,
    .init = init,
    .take = take,
    .give = give,
    .resize = resize,
    .room = room,
    .usage = usage,
    .walk = walk,
    .check = check,
};
