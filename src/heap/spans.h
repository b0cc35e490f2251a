/* spans.h - a region as a row of spans of pages, known by notes beside the region: what segregated
 * and slab stand on.
 *
 *     pages    |  0  1  2 |  3 |  4  5  6  7  8 |  9 10 |
 *              | objects  |free| one large block| free  |    a note for each page, of which the
 *                                                            first of a span tells what it is
 *
 * Nothing of it lies in the region, so that no program can overwrite it. A free span is in the list
 * of its length: lengths below 16 pages have one each, longer ones eight for each power of two, and
 * a bitmap says which lists are not empty.
 *
 * Invariants
 *  1. Spans follow each other from page 0 to the end. No two free ones are neighbours.
 *  2. `kind` is SPAN_NONE but in the note of a span's first page.
 *  3. `head` is right in the notes of all pages of objects, of a large block's first page, and of
 *     the first and last of a free span. Elsewhere it may be what it was once: a page belongs to
 *     its head's span only if that is there and reaches so far.
 *
 * Evans, "A scalable concurrent malloc(3) implementation for FreeBSD", BSDCan 2006; Ghemawat &
 * Menage, "TCMalloc: thread-caching malloc", 2005 (page map and spans).
 */
#ifndef HEAP_SPANS_H
#define HEAP_SPANS_H

#include "base/block.h"
#include "heap/ground.h"

#define SPAN_SHIFT       12 /* a page is a VM_HEAP_GRAIN */
#define SPAN_NOPAGE      UINT32_MAX
#define SPAN_OBJECTS_MAX 256
#define SPAN_WORDS       (SPAN_OBJECTS_MAX / 64)

enum span_kind { SPAN_NONE, SPAN_FREE, SPAN_LARGE, SPAN_OBJECTS };

/* The note of a page, and of the span that begins there. */
struct span {
    uint32_t head; /* the first page of this page's span */
    uint32_t pages;
    uint32_t next, prev; /* in a list: of free spans of a length, of spans of a class with room */
    uint8_t kind;
    uint8_t class; /* objects: which struct object_class */
    uint16_t nfree;
    uint32_t colour;           /* bytes before the first object */
    uint64_t free[SPAN_WORDS]; /* bit i: object i is free */
};

#define SPAN_LISTS (16 + 8 * 28)

struct spans {
    struct ground ground; /* its live and free bytes are those of large blocks and free spans */
    struct span *span;    /* [limit's pages] */
    uint32_t most;        /* pages that there were at most */
    uint64_t filled[(SPAN_LISTS + 63) / 64]; /* bit i: list[i] is not empty */
    uint32_t list[SPAN_LISTS];
};

/* The notes for env's region, taken from the block. */
struct span *vm_spans_layout(struct block *b, const struct vm_heap_env *env);
void vm_spans_init(struct spans *s, const struct vm_heap_env *env, struct span *notes);

/* The first of `pages` pages, whose number is a multiple of `align`, a power of two; the end moves
 * if it must. SPAN_NOPAGE: they cannot be had. Of the span's note, only kind, head and pages are
 * set, for its first page. */
uint32_t vm_spans_take(struct spans *s, uint32_t pages, uint32_t align, enum span_kind kind);
void vm_spans_give(struct spans *s, uint32_t page);
/* The large block at `page` has `pages` pages from now on, where it is. False: it cannot. */
bool vm_spans_resize(struct spans *s, uint32_t page, uint32_t pages);
/* ---- large blocks: whole pages of their own ---- */

/* NULL: there is no room; this is not counted as a failure. */
void *vm_large_take(struct spans *s, size_t bytes, size_t align);
enum vm_heap_fault vm_large_give(struct spans *s, const struct span *span, size_t offset);
/* False: there is no room behind it. */
bool vm_large_resize(struct spans *s, const struct span *span, size_t bytes);

/* ---- looking at all ---- */

/* Why the block at that offset, which no span has, cannot be given back. */
enum vm_heap_fault vm_spans_diagnose(const struct spans *s, size_t offset);
uint32_t vm_spans_max(const struct spans *s); /* pages of the longest free span */
bool vm_spans_check(const struct spans *s, struct vm_heap_damage *out);

static inline uint32_t spans_end(const struct spans *s)
{
    return (uint32_t)(s->ground.end >> SPAN_SHIFT);
}

/* Bytes to pages, rounded up. */
static inline size_t spans_pages(size_t bytes)
{
    return (bytes + VM_HEAP_GRAIN - 1) >> SPAN_SHIFT;
}

static inline size_t span_start(const struct spans *s, const struct span *span)
{
    return (size_t)(span - s->span) << SPAN_SHIFT;
}

/* The span of objects or the large block in which the offset, any number, lies; NULL: in none. */
static inline struct span *spans_find(const struct spans *s, size_t offset)
{
    if (offset >= s->ground.end)
        return NULL;
    uint32_t page = (uint32_t)(offset >> SPAN_SHIFT), head = s->span[page].head;
    struct span *span = &s->span[head];
    return span->kind >= SPAN_LARGE && page - head < span->pages ? span : NULL;
}

/* ---- lists of spans by their first page ---- */

static inline void span_push(struct spans *s, uint32_t *list, uint32_t page)
{
    s->span[page].prev = SPAN_NOPAGE;
    s->span[page].next = *list;
    if (*list != SPAN_NOPAGE)
        s->span[*list].prev = page;
    *list = page;
}

static inline void span_unlink(struct spans *s, uint32_t *list, uint32_t page)
{
    uint32_t next = s->span[page].next, prev = s->span[page].prev;
    *(prev == SPAN_NOPAGE ? list : &s->span[prev].next) = next;
    if (next != SPAN_NOPAGE)
        s->span[next].prev = prev;
}

#endif
