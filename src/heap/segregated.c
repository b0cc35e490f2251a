/* segregated.c - a list for each class of sizes, as the allocators of today's C libraries have.
 *
 *     request of up to 32 KiB   rounded up to its class (12.5 % apart); the first free object of the
 *                               first span that its class has, else of a new span
 *     larger                    pages of its own, rounded up to whole ones
 *
 * Neither needs a search: the class is computed, the object found in a bitmap, the span of a block
 * that is given back in the notes of its page. A span all of whose objects are free goes back to
 * the pages, unless it is the last of its class that has room: a program that takes and gives back
 * one object would make and unmake it each time. Such spans are given up before a request fails.
 *
 * Nothing is written into the region, so that there are no headers to be destroyed. What a program
 * can take does not depend on how it was given back: only classes compete for pages.
 *
 * Wilson, Johnstone, Neely & Boles, IWMM 1995, section 3.6; Evans, BSDCan 2006 (size classes);
 * Leijen, Zorn & de Moura, "Mimalloc: free list sharding in action", APLAS 2019.
 */
#include "heap/objects.h"

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
        any = vm_objects_reap(&h->spans, &h->class[i]) || any;
    return any;
}

static __attribute__((noinline)) void *take_first(struct segregated *h, unsigned class)
{
    struct object_class *c = &h->class[class];
    if (vm_objects_open(&h->spans, c, class, 0) == SPAN_NOPAGE &&
        !(reap(h) && vm_objects_open(&h->spans, c, class, 0) != SPAN_NOPAGE))
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

static void *take_pages(struct segregated *h, size_t bytes, size_t align)
{
    struct spans *s = &h->spans;
    if (bytes > s->ground.limit)
        return ground_fail(&s->ground);
    uint32_t pages = (uint32_t)spans_pages(bytes), nalign = (uint32_t)spans_pages(align);
    uint32_t page = vm_spans_take(s, pages, nalign, SPAN_LARGE);
    if (page == SPAN_NOPAGE && reap(h))
        page = vm_spans_take(s, pages, nalign, SPAN_LARGE);
    if (page == SPAN_NOPAGE)
        return ground_fail(&s->ground);
    s->ground.takes++;
    s->ground.live_bytes += (size_t)pages << SPAN_SHIFT;
    return s->ground.base + ((size_t)page << SPAN_SHIFT);
}

static void *take(void *state, size_t bytes, size_t align, uint32_t cpu)
{
    struct segregated *h = state;
    (void)cpu;
    if (align == VM_HEAP_ALIGN && bytes <= OBJECT_BYTES_MAX)
        return take_object(h, objects_class(bytes));
    if (align <= VM_HEAP_GRAIN && bytes <= OBJECT_BYTES_MAX)
        return take_object(h, objects_class_aligned(bytes, align));
    return take_pages(h, bytes, align);
}

static enum vm_heap_fault give_pages(struct spans *s, struct span *span, size_t offset)
{
    if (offset != span_start(s, span))
        return VM_HEAP_NOT_A_BLOCK;
    s->ground.gives++;
    s->ground.live_bytes -= (size_t)span->pages << SPAN_SHIFT;
    vm_spans_give(s, (uint32_t)(offset >> SPAN_SHIFT));
    return VM_HEAP_FINE;
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
        return give_pages(s, span, offset);
    struct object_class *c = &h->class[span->class];
    unsigned object = objects_find(s, c, span, offset);
    if (object >= c->count)
        return VM_HEAP_NOT_A_BLOCK;
    if (objects_is_free(span, object))
        return VM_HEAP_FREE_TWICE;
    objects_push(s, c, span, object);
    c->gives++;
    if (span->nfree == c->count && (span->next != SPAN_NOPAGE || span->prev != SPAN_NOPAGE))
        vm_objects_close(s, c, (uint32_t)(span - s->span));
    return VM_HEAP_FINE;
}

static size_t room(const void *state, const void *block)
{
    const struct segregated *h = state;
    const struct span *span =
        spans_find(&h->spans, (uintptr_t)block - (uintptr_t)h->spans.ground.base);
    if (!span)
        return 0;
    return span->kind == SPAN_LARGE ? (size_t)span->pages << SPAN_SHIFT
                                    : h->class[span->class].bytes;
}

static bool resize(void *state, void *block, size_t bytes)
{
    struct segregated *h = state;
    struct spans *s = &h->spans;
    size_t offset = (uintptr_t)block - (uintptr_t)s->ground.base;
    struct span *span = spans_find(s, offset);
    if (!span || bytes > s->ground.limit)
        return false;
    /* What would hold more than twice what it needs had better move. */
    if (span->kind == SPAN_OBJECTS)
        return bytes <= h->class[span->class].bytes && bytes * 2 >= h->class[span->class].bytes;
    size_t held = span->pages, pages = spans_pages(bytes);
    if (bytes <= OBJECT_BYTES_MAX / 2 || !vm_spans_resize(s, span->head, (uint32_t)pages))
        return false;
    s->ground.live_bytes += (pages - held) << SPAN_SHIFT;
    return true;
}

static void usage(const void *state, struct vm_heap_usage *out)
{
    const struct segregated *h = state;
    const struct spans *s = &h->spans;
    ground_usage(&s->ground, out);
    out->free_max = (size_t)vm_spans_max(s) << SPAN_SHIFT;
    out->state_bytes = sizeof *h + s->most * sizeof(struct span);
    for (unsigned i = 0; i < OBJECT_CLASSES; i++)
        objects_usage(&h->class[i], out);
    out->overhead_bytes = out->held_bytes - out->live_bytes - out->free_bytes;
}

static bool is_free(const void *heap, const struct span *span, unsigned object)
{
    (void)heap;
    return objects_is_free(span, object);
}

static void walk(const void *state, void *host,
                 void (*piece)(void *host, const struct vm_heap_piece *))
{
    const struct segregated *h = state;
    vm_objects_walk(&h->spans, h->class, h, is_free, host, piece);
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
