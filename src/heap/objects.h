/* objects.h - spans of objects of one size: what segregated calls a class and slab a cache.
 *
 * A span of objects is full, empty or in between, as its count of free objects says. Those in
 * between are in the list of their class, and the head of the list serves; the empty ones that are
 * kept are in a list of their own, and serve when the other is empty. Which objects are free
 * is a bitmap beside the region: nothing is written into a free object, a block that is given back
 * twice shows by its bit, and an address that is none of an object by a remainder.
 *
 * Invariants
 *  1. `nfree` is the number of bits in `free`, all of them below the class's count.
 *  2. A span is in `list` if it has 1 to count - 1 free objects, and in `empty` if it has count.
 *
 * Bonwick, "The slab allocator", USENIX Summer 1994, section 3 (slabs and their reference count);
 * a bitmap in place of the list of free buffers as in FreeBSD's UMA.
 */
#ifndef HEAP_OBJECTS_H
#define HEAP_OBJECTS_H

#include "heap/spans.h"

struct object_class {
    uint32_t bytes, pages, count; /* of an object; of a span; objects of a span */
    uint32_t list, empty;         /* spans with a free object; with nothing else */
    uint32_t nempty;
    uint64_t inverse; /* 2^40 / bytes, rounded up */
    uint64_t nspans;
    uint64_t takes, gives;
};

#define OBJECT_BYTES_MAX  (32u << 10)
#define OBJECT_CLASSES    72
#define OBJECT_COUNT_GOOD 32 /* in a span of fewer pages than OBJECT_PAGES_GOOD */
#define OBJECT_PAGES_GOOD 8

/* Classes of sizes: up to 256 bytes the multiples of 16, from there eight for each power of two. So
 * a block is less than 16 bytes, or an eighth, longer than what was asked for. */
static inline unsigned objects_class(size_t bytes)
{
    size_t grains = (bytes - 1) / VM_HEAP_ALIGN;
    unsigned shift = vm_log2(grains | 8) - 3;
    return shift * 8 + (unsigned)(grains >> shift);
}

/* The longest request of a class. */
static inline uint32_t objects_bytes(unsigned class)
{
    unsigned shift = class < 16 ? 0 : class / 8 - 1;
    return (uint32_t)VM_HEAP_ALIGN * ((class - shift * 8 + 1) << shift);
}

/* The class of sizes whose objects hold `bytes` and are all aligned to `align`, at most a page:
 * powers of two are classes, and aligned to themselves. */
static inline unsigned objects_class_aligned(size_t bytes, size_t align)
{
    unsigned class = objects_class(bytes);
    while (objects_bytes(class) % align)
        class ++;
    return class;
}

/* Spans have the fewest pages of which at most an eighth is left over, and of which there are many
 * objects or many pages. */
static inline void objects_init(struct object_class *c, uint32_t bytes)
{
    uint32_t pages = 0, count = 0, whole = 0;
    do {
        whole = ++pages << SPAN_SHIFT;
        count = whole / bytes;
    } while ((count < OBJECT_COUNT_GOOD && pages < OBJECT_PAGES_GOOD) ||
             whole - count * bytes > whole / 8);
    *c = (struct object_class){
        .bytes = bytes,
        .pages = pages,
        .count = count < SPAN_OBJECTS_MAX ? count : SPAN_OBJECTS_MAX,
        .list = SPAN_NOPAGE,
        .empty = SPAN_NOPAGE,
        .inverse = ((UINT64_C(1) << 40) + bytes - 1) / bytes,
    };
}

/* A new span for class number `class`, its objects free, at the head of the list; its first object
 * begins `colour` bytes behind its start. NULL: there are no pages. */
struct span *vm_objects_open(struct spans *s, struct object_class *c, unsigned class,
                             uint32_t colour);
/* An empty span of that list of the class is free pages. */
void vm_objects_close(struct spans *s, struct object_class *c, uint32_t *list, struct span *span);
/* Those of struct vm_heap_ops, for a heap of objects and large blocks. */
bool vm_objects_resize(struct spans *s, const struct object_class *classes, const void *block,
                       size_t bytes);
size_t vm_objects_room(const struct spans *s, const struct object_class *classes,
                       const void *block);
/* The first n classes; state_bytes is the heap's matter. */
void vm_objects_usage(const struct spans *s, const struct object_class *classes, unsigned n,
                      struct vm_heap_usage *out);
/* Every piece of the region, by rising start. `kind` says of an object of `heap` what it is. */
void vm_objects_walk(const struct spans *s, const struct object_class *classes, const void *heap,
                     enum vm_heap_kind (*kind)(const void *heap, const struct span *,
                                               unsigned object),
                     void *host, void (*piece)(void *host, const struct vm_heap_piece *));
bool vm_objects_check(const struct spans *s, const struct object_class *c, unsigned class,
                      struct vm_heap_damage *out);

static inline void *objects_at(const struct spans *s, const struct object_class *c,
                               const struct span *span, unsigned object)
{
    return s->ground.base + span_start(s, span) + span->colour + (size_t)object * c->bytes;
}

/* The lowest free object of the span at the head of the list, which has one. */
static inline void *objects_pop(struct spans *s, struct object_class *c)
{
    struct span *span = &s->span[c->list];
    unsigned w = 0;
    while (!span->free[w])
        w++;
    unsigned object = w * 64 + (unsigned)__builtin_ctzll(span->free[w]);
    span->free[w] &= span->free[w] - 1;
    if (--span->nfree == 0)
        span_unlink(s, &c->list, c->list);
    return objects_at(s, c, span, object);
}

/* The number of the object that begins at the offset, in the span; at least `count`: none does. */
static inline unsigned objects_find(const struct spans *s, const struct object_class *c,
                                    const struct span *span, size_t offset)
{
    uint64_t within = offset - span_start(s, span) - span->colour;
    uint64_t object = within * c->inverse >> 40;
    return within >> 32 == 0 && object * c->bytes == within ? (unsigned)object : SPAN_OBJECTS_MAX;
}

static inline bool objects_is_free(const struct span *span, unsigned object)
{
    return span->free[object / 64] >> object % 64 & 1;
}

/* The object is free again; whether all of its span are. */
static inline bool objects_push(struct spans *s, struct object_class *c, struct span *span,
                                unsigned object)
{
    span->free[object / 64] |= UINT64_C(1) << object % 64;
    if (span->nfree++ == 0)
        span_push(s, &c->list, span->head);
    return span->nfree == c->count;
}

/* Put a span of the list that is empty now aside, unless there are `most` of these already. */
static inline bool objects_keep(struct spans *s, struct object_class *c, struct span *span,
                                uint32_t most)
{
    if (c->nempty >= most)
        return false;
    span_unlink(s, &c->list, span->head);
    span_push(s, &c->empty, span->head);
    c->nempty++;
    return true;
}

/* Let an empty span that was kept serve. False: there is none. */
static inline bool objects_revive(struct spans *s, struct object_class *c)
{
    uint32_t page = c->empty;
    if (page == SPAN_NOPAGE)
        return false;
    span_unlink(s, &c->empty, page);
    span_push(s, &c->list, page);
    c->nempty--;
    return true;
}

#endif
