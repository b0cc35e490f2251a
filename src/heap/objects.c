/* objects.c - see objects.h: spans of objects come and go. */
#include "heap/objects.h"

#include <stdio.h>
#include <string.h>

uint32_t vm_objects_open(struct spans *s, struct object_class *c, unsigned class, uint32_t colour)
{
    uint32_t page = vm_spans_take(s, c->pages, 1, SPAN_OBJECTS);
    if (page == SPAN_NOPAGE)
        return page;
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
    return page;
}

void vm_objects_close(struct spans *s, struct object_class *c, uint32_t page)
{
    VM_ASSERT(s->span[page].nfree == c->count);
    span_unlink(s, &c->list, page);
    c->nspans--;
    vm_spans_give(s, page);
}

bool vm_objects_reap(struct spans *s, struct object_class *c)
{
    bool any = false;
    for (uint32_t page = c->list, next; page != SPAN_NOPAGE; page = next) {
        next = s->span[page].next;
        if (s->span[page].nfree != c->count)
            continue;
        vm_objects_close(s, c, page);
        any = true;
    }
    return any;
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
                     bool (*is_free)(const void *heap, const struct span *, unsigned object),
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
            tell(host, piece, at, c->bytes, is_free(heap, span, i) ? VM_HEAP_FREE : VM_HEAP_LIVE);
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

bool vm_objects_check(const struct spans *s, const struct object_class *c, unsigned class,
                      struct vm_heap_damage *out)
{
    uint64_t nspans = 0, nlisted = 0, nroom = 0;
    for (uint32_t page = 0; page < spans_end(s); page += s->span[page].pages) {
        const struct span *span = &s->span[page];
        if (span->kind != SPAN_OBJECTS || span->class != class)
            continue;
        if (!check_span(s, c, page, out))
            return false;
        nspans++;
        nroom += span->nfree != 0;
    }
    for (uint32_t at = c->list; at != SPAN_NOPAGE && nlisted <= nroom; at = s->span[at].next) {
        if (at >= spans_end(s) || s->span[at].kind != SPAN_OBJECTS || s->span[at].class != class ||
            !s->span[at].nfree)
            return damage(out, at, "in the list of another class");
        nlisted++;
    }
    if (nspans != c->nspans || nlisted != nroom)
        return damage(out, 0, "a class has lost some");
    return true;
}
