/* objects.c - see objects.h: spans of objects come and go. */
#include "heap/objects.h"

#include <stdio.h>
#include <string.h>

struct span *vm_objects_open(struct spans *s, struct object_class *c, unsigned class,
                             uint32_t colour)
{
    uint32_t page = vm_spans_take(s, c->pages, 1, SPAN_OBJECTS);
    if (page == SPAN_NOPAGE)
        return NULL;
    struct span *span = &s->span[page];
    for (uint32_t i = 1; i < c->pages; i++)
        span[i].head = page;
    span->class = (uint8_t) class;
    span->colour = colour;
    span->nfree = (uint16_t)c->count;
    for (unsigned w = 0; w < SPAN_WORDS; w++)
        span->free[w] = c->count > w * 64 ? vm_low_bits(c->count - w * 64) : 0;
    span_push(s, &c->list, page);
    c->nspans++;
    return span;
}

void vm_objects_close(struct spans *s, struct object_class *c, uint32_t *list, struct span *span)
{
    VM_ASSERT(span->nfree == c->count);
    span_unlink(s, list, span->head);
    c->nempty -= list == &c->empty;
    c->nspans--;
    vm_spans_give(s, span->head);
}

/* ---- heaps of objects and large blocks ---- */

bool vm_objects_resize(struct spans *s, const struct object_class *classes, const void *block,
                       size_t bytes)
{
    struct span *span = spans_find(s, (uintptr_t)block - (uintptr_t)s->ground.base);
    if (!span)
        return false;
    /* What would hold more than twice what it needs had better move. */
    if (span->kind == SPAN_LARGE)
        return bytes > OBJECT_BYTES_MAX / 2 && vm_large_resize(s, span, bytes);
    const struct object_class *c = &classes[span->class];
    return bytes <= c->bytes && bytes * 2 >= c->bytes;
}

size_t vm_objects_room(const struct spans *s, const struct object_class *classes, const void *block)
{
    const struct span *span = spans_find(s, (uintptr_t)block - (uintptr_t)s->ground.base);
    if (!span)
        return 0;
    return span->kind == SPAN_LARGE ? (size_t)span->pages << SPAN_SHIFT
                                    : classes[span->class].bytes;
}

static void add_class(const struct object_class *c, struct vm_heap_usage *out)
{
    uint64_t live = c->takes - c->gives, free = c->nspans * c->count - live;
    out->live_bytes += live * c->bytes;
    out->free_bytes += free * c->bytes;
    out->live_blocks += live;
    out->free_blocks += free;
    out->takes += c->takes;
    out->gives += c->gives;
    out->searched += c->takes; /* each has looked at one span */
    if (free && c->bytes > out->free_max)
        out->free_max = c->bytes;
}

void vm_objects_usage(const struct spans *s, const struct object_class *classes, unsigned n,
                      struct vm_heap_usage *out)
{
    ground_usage(&s->ground, out);
    out->free_max = (size_t)vm_spans_max(s) << SPAN_SHIFT;
    for (unsigned i = 0; i < n; i++)
        add_class(&classes[i], out);
    out->overhead_bytes = out->held_bytes - out->live_bytes - out->free_bytes;
}

/* ---- looking at all ---- */

static void tell(void *host, void (*piece)(void *host, const struct vm_heap_piece *), size_t start,
                 size_t bytes, enum vm_heap_kind kind)
{
    const struct vm_heap_piece p = {.start = start, .bytes = bytes, .kind = kind};
    if (bytes)
        piece(host, &p);
}

void vm_objects_walk(const struct spans *s, const struct object_class *classes, const void *heap,
                     enum vm_heap_kind (*kind)(const void *heap, const struct span *,
                                               unsigned object),
                     void *host, void (*piece)(void *host, const struct vm_heap_piece *))
{
    const struct span *span = s->span;
    for (; span < s->span + spans_end(s); span += span->pages) {
        size_t start = span_start(s, span), bytes = (size_t)span->pages << SPAN_SHIFT;
        if (span->kind != SPAN_OBJECTS) {
            tell(host, piece, start, bytes, span->kind == SPAN_FREE ? VM_HEAP_FREE : VM_HEAP_LIVE);
            continue;
        }
        const struct object_class *c = &classes[span->class];
        size_t at = start + span->colour, end = start + bytes;
        tell(host, piece, start, span->colour, VM_HEAP_OVERHEAD);
        for (unsigned i = 0; i < c->count; i++, at += c->bytes)
            tell(host, piece, at, c->bytes, kind(heap, span, i));
        tell(host, piece, at, end - at, VM_HEAP_OVERHEAD);
    }
}

static bool damage(struct vm_heap_damage *out, uint32_t page, const char *what)
{
    out->at = (size_t)page << SPAN_SHIFT;
    snprintf(out->what, sizeof out->what, "the note of the objects at page %u: %s", page, what);
    return false;
}

static bool check_span(const struct spans *s, const struct object_class *c, uint32_t page,
                       struct vm_heap_damage *out)
{
    const struct span *span = &s->span[page];
    unsigned nfree = 0;
    for (unsigned w = 0; w < SPAN_WORDS; w++) {
        nfree += vm_count_bits(span->free[w]);
        if (span->free[w] & ~(c->count > w * 64 ? vm_low_bits(c->count - w * 64) : 0))
            return damage(out, page, "more objects than it has");
    }
    if (nfree != span->nfree || span->pages != c->pages)
        return damage(out, page, "its free objects are not as many as it says");
    for (uint32_t i = 0; i < span->pages; i++)
        if (span[i].head != page)
            return damage(out, page + i, "it does not know its head");
    return true;
}

/* The spans of a list of the class are as full as they must be; how many, in *n. */
static bool check_list(const struct spans *s, const struct object_class *c, unsigned class,
                       const uint32_t *list, uint64_t *n, struct vm_heap_damage *out)
{
    uint32_t prev = SPAN_NOPAGE;
    *n = 0;
    for (uint32_t at = *list; at != SPAN_NOPAGE && *n <= c->nspans; at = s->span[at].next) {
        const struct span *span = &s->span[at < spans_end(s) ? at : 0];
        bool empty = span->nfree == c->count;
        if (at >= spans_end(s) || span->kind != SPAN_OBJECTS || span->class != class)
            return damage(out, at, "in the list of another class");
        if (!span->nfree || empty != (list == &c->empty) || span->prev != prev)
            return damage(out, at, "in the wrong list of its class");
        ++*n;
        prev = at;
    }
    return true;
}

bool vm_objects_check(const struct spans *s, const struct object_class *c, unsigned class,
                      struct vm_heap_damage *out)
{
    uint64_t nspans = 0, nroom = 0, nlisted, nempty;
    for (uint32_t page = 0; page < spans_end(s); page += s->span[page].pages) {
        const struct span *span = &s->span[page];
        if (span->kind != SPAN_OBJECTS || span->class != class)
            continue;
        if (!check_span(s, c, page, out))
            return false;
        nspans++;
        nroom += span->nfree != 0;
    }
    if (!check_list(s, c, class, &c->list, &nlisted, out) ||
        !check_list(s, c, class, &c->empty, &nempty, out))
        return false;
    if (nspans != c->nspans || nlisted + nempty != nroom || nempty != c->nempty)
        return damage(out, 0, "a class has lost some");
    return true;
}
