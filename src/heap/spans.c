/* spans.c - see spans.h. */
#include "heap/spans.h"

#include <stdio.h>

struct span *vm_spans_layout(struct block *b, const struct vm_heap_env *env)
{
    return block_take(b, (env->limit >> SPAN_SHIFT) * sizeof(struct span));
}

void vm_spans_init(struct spans *s, const struct vm_heap_env *env, struct span *notes)
{
    VM_ASSERT(env->limit >> SPAN_SHIFT < SPAN_NOPAGE);
    ground_init(&s->ground, env);
    s->span = notes;
    for (size_t i = 0; i < SPAN_LISTS; i++)
        s->list[i] = SPAN_NOPAGE;
}

/* ---- free spans by length ---- */

static unsigned list_of(uint32_t pages)
{
    unsigned shift = vm_log2(pages | 8) - 3;
    return shift * 8 + (pages >> shift);
}

/* The first list of which every span has at least `pages`. */
static unsigned list_from(uint32_t pages)
{
    unsigned shift = vm_log2(pages | 8) - 3;
    return list_of(pages) + ((pages & vm_low_bits(shift)) != 0);
}

/* The first list from `at` on that is not empty, or SPAN_LISTS. */
static unsigned list_seek(const struct spans *s, unsigned at)
{
    for (unsigned w = at / 64; w < sizeof s->filled / sizeof s->filled[0]; w++) {
        uint64_t word = w == at / 64 ? s->filled[w] & ~vm_low_bits(at % 64) : s->filled[w];
        if (word)
            return w * 64 + (unsigned)__builtin_ctzll(word);
    }
    return SPAN_LISTS;
}

/* Make [page, page + pages) a free span of its own, in its list. */
static void free_add(struct spans *s, uint32_t page, uint32_t pages)
{
    struct span *span = &s->span[page];
    unsigned list = list_of(pages);
    span->kind = SPAN_FREE;
    span->head = s->span[page + pages - 1].head = page;
    span->pages = pages;
    span_push(s, &s->list[list], page);
    s->filled[list / 64] |= UINT64_C(1) << list % 64;
    s->ground.free_bytes += (size_t)pages << SPAN_SHIFT;
    s->ground.free_blocks++;
}

static void free_remove(struct spans *s, uint32_t page)
{
    struct span *span = &s->span[page];
    unsigned list = list_of(span->pages);
    span_unlink(s, &s->list[list], page);
    if (s->list[list] == SPAN_NOPAGE)
        s->filled[list / 64] &= ~(UINT64_C(1) << list % 64);
    span->kind = SPAN_NONE;
    s->ground.free_bytes -= (size_t)span->pages << SPAN_SHIFT;
    s->ground.free_blocks--;
}

/* The free span that ends before `page`, or SPAN_NOPAGE. */
static uint32_t free_below(const struct spans *s, uint32_t page)
{
    if (!page)
        return SPAN_NOPAGE;
    uint32_t head = s->span[page - 1].head;
    const struct span *span = &s->span[head];
    return span->kind == SPAN_FREE && page - head == span->pages ? head : SPAN_NOPAGE;
}

/* Add [page, page + pages) to the free spans, as one with its free neighbours: its first page. */
static uint32_t free_merge(struct spans *s, uint32_t page, uint32_t pages)
{
    uint32_t below = free_below(s, page), above = page + pages;
    if (above < spans_end(s) && s->span[above].kind == SPAN_FREE) {
        pages += s->span[above].pages;
        free_remove(s, above);
        s->ground.merges++;
    }
    if (below != SPAN_NOPAGE) {
        pages += s->span[below].pages;
        free_remove(s, below);
        page = below;
        s->ground.merges++;
    }
    free_add(s, page, pages);
    return page;
}

/* ---- taking ---- */

static uint32_t start_in(uint32_t page, uint32_t align)
{
    return (page + align - 1) & ~(align - 1);
}

/* A span of list[i] that holds `pages`, aligned, or SPAN_NOPAGE. */
static uint32_t find_in(struct spans *s, unsigned i, uint32_t pages, uint32_t align)
{
    for (uint32_t at = s->list[i]; at != SPAN_NOPAGE; at = s->span[at].next) {
        s->ground.searched++;
        if ((uint64_t)start_in(at, align) + pages <= (uint64_t)at + s->span[at].pages)
            return at;
    }
    return SPAN_NOPAGE;
}

/* Any span of a list of spans that are all long enough; else one that happens to be. */
static uint32_t find(struct spans *s, uint32_t pages, uint32_t align)
{
    unsigned sure = list_seek(s, list_from(pages + align - 1));
    s->ground.searched++;
    if (sure < SPAN_LISTS)
        return s->list[sure];
    uint32_t found = SPAN_NOPAGE;
    for (unsigned i = list_seek(s, list_of(pages)); i < SPAN_LISTS && found == SPAN_NOPAGE;
         i = list_seek(s, i + 1))
        found = find_in(s, i, pages, align);
    return found;
}

/* Move the end up so that `pages` free ones are at the top. */
static bool grow(struct spans *s, uint32_t pages)
{
    uint32_t end = spans_end(s), top = free_below(s, end);
    uint32_t there = top == SPAN_NOPAGE ? 0 : s->span[top].pages;
    if (there >= pages || !ground_grow(&s->ground, (size_t)(pages - there) << SPAN_SHIFT))
        return false;
    s->most = spans_end(s) > s->most ? spans_end(s) : s->most;
    free_merge(s, end, spans_end(s) - end);
    return true;
}

/* [start, start + pages) of the free span `page` is a span of that kind. */
static void cut(struct spans *s, uint32_t page, uint32_t start, uint32_t pages, enum span_kind kind)
{
    uint32_t end = page + s->span[page].pages;
    free_remove(s, page);
    if (start > page) {
        free_add(s, page, start - page);
        s->ground.splits++;
    }
    if (start + pages < end) {
        free_add(s, start + pages, end - start - pages);
        s->ground.splits++;
    }
    s->span[start].kind = (uint8_t)kind;
    s->span[start].head = start;
    s->span[start].pages = pages;
}

uint32_t vm_spans_take(struct spans *s, uint32_t pages, uint32_t align, enum span_kind kind)
{
    if (pages > s->ground.limit >> SPAN_SHIFT)
        return SPAN_NOPAGE;
    uint32_t page = find(s, pages, align);
    if (page == SPAN_NOPAGE && grow(s, pages + align - 1))
        page = find(s, pages, align);
    if (page == SPAN_NOPAGE)
        return SPAN_NOPAGE;
    uint32_t start = start_in(page, align);
    cut(s, page, start, pages, kind);
    return start;
}

/* Pages that were part of a span are free; the end moves down if enough of them are at the top. */
static void release(struct spans *s, uint32_t page, uint32_t pages)
{
    page = free_merge(s, page, pages);
    if (page + s->span[page].pages != spans_end(s))
        return;
    size_t end = ground_trimmed(&s->ground, (size_t)page << SPAN_SHIFT);
    if (end == s->ground.end)
        return;
    free_remove(s, page);
    ground_move_down(&s->ground, end);
    if (page < spans_end(s))
        free_add(s, page, spans_end(s) - page);
}

void vm_spans_give(struct spans *s, uint32_t page)
{
    s->span[page].kind = SPAN_NONE;
    release(s, page, s->span[page].pages);
}

bool vm_spans_resize(struct spans *s, uint32_t page, uint32_t pages)
{
    struct span *span = &s->span[page];
    uint32_t held = span->pages, above = page + held;
    if (pages < held) {
        span->pages = pages;
        s->ground.splits++;
        release(s, page + pages, held - pages);
    }
    if (pages <= held)
        return true;
    bool free = above < spans_end(s) && s->span[above].kind == SPAN_FREE;
    uint32_t there = free ? s->span[above].pages : 0;
    if (there < pages - held && above + there == spans_end(s) && grow(s, pages - held))
        there = s->span[above].pages;
    if (there < pages - held)
        return false;
    cut(s, above, above, pages - held, SPAN_NONE);
    span->pages = pages;
    return true;
}

/* ---- large blocks ---- */

void *vm_large_take(struct spans *s, size_t bytes, size_t align)
{
    if (bytes > s->ground.limit)
        return NULL;
    uint32_t pages = (uint32_t)spans_pages(bytes);
    uint32_t page = vm_spans_take(s, pages, (uint32_t)spans_pages(align), SPAN_LARGE);
    if (page == SPAN_NOPAGE)
        return NULL;
    s->ground.takes++;
    s->ground.live_bytes += (size_t)pages << SPAN_SHIFT;
    return s->ground.base + ((size_t)page << SPAN_SHIFT);
}

enum vm_heap_fault vm_large_give(struct spans *s, const struct span *span, size_t offset)
{
    if (offset != span_start(s, span))
        return VM_HEAP_NOT_A_BLOCK;
    s->ground.gives++;
    s->ground.live_bytes -= (size_t)span->pages << SPAN_SHIFT;
    vm_spans_give(s, span->head);
    return VM_HEAP_FINE;
}

bool vm_large_resize(struct spans *s, const struct span *span, size_t bytes)
{
    size_t held = span->pages, pages = spans_pages(bytes);
    if (bytes > s->ground.limit || !vm_spans_resize(s, span->head, (uint32_t)pages))
        return false;
    s->ground.live_bytes += (pages - held) << SPAN_SHIFT;
    return true;
}

/* ---- looking at all ---- */

enum vm_heap_fault vm_spans_diagnose(const struct spans *s, size_t offset)
{
    uint32_t page = (uint32_t)(offset >> SPAN_SHIFT), at = 0;
    if (offset >= s->ground.end || offset % VM_HEAP_ALIGN)
        return VM_HEAP_NOT_A_BLOCK;
    while (at + s->span[at].pages <= page)
        at += s->span[at].pages;
    return s->span[at].kind == SPAN_FREE ? VM_HEAP_FREE_TWICE : VM_HEAP_NOT_A_BLOCK;
}

uint32_t vm_spans_max(const struct spans *s)
{
    uint32_t most = 0;
    unsigned last = SPAN_LISTS;
    for (unsigned i = list_seek(s, 0); i < SPAN_LISTS; i = list_seek(s, i + 1))
        last = i;
    if (last == SPAN_LISTS)
        return 0;
    for (uint32_t at = s->list[last]; at != SPAN_NOPAGE; at = s->span[at].next)
        most = s->span[at].pages > most ? s->span[at].pages : most;
    return most;
}

static bool damage(struct vm_heap_damage *out, uint32_t page, const char *what)
{
    out->at = (size_t)page << SPAN_SHIFT;
    snprintf(out->what, sizeof out->what, "the note of page %u: %s", page, what);
    return false;
}

/* The span at `page`; its own pages, and whether the one below is free, decide what it must be. */
static bool check_span(const struct spans *s, uint32_t page, bool below_free,
                       struct vm_heap_damage *out)
{
    const struct span *span = &s->span[page];
    if (span->kind == SPAN_NONE || !span->pages || span->pages > spans_end(s) - page)
        return damage(out, page, "no span begins there");
    if (span->head != page)
        return damage(out, page, "it is not its own head");
    if (span->kind != SPAN_FREE)
        return true;
    if (below_free)
        return damage(out, page, "free beside a free span");
    if (s->span[page + span->pages - 1].head != page)
        return damage(out, page, "free, and its last page does not know");
    return true;
}

/* List i: its spans are free and have its length; how many is added to *nlisted. */
static bool check_list(const struct spans *s, unsigned i, uint64_t *nlisted,
                       struct vm_heap_damage *out)
{
    uint32_t prev = SPAN_NOPAGE, at = s->list[i];
    if ((at != SPAN_NOPAGE) != (s->filled[i / 64] >> i % 64 & 1))
        return damage(out, 0, "the bitmap of lists");
    for (; at != SPAN_NOPAGE && *nlisted <= s->ground.free_blocks; at = s->span[at].next) {
        const struct span *span = &s->span[at < spans_end(s) ? at : 0];
        if (at >= spans_end(s) || span->kind != SPAN_FREE || list_of(span->pages) != i ||
            span->prev != prev)
            return damage(out, at, "in the list of another length");
        ++*nlisted;
        prev = at;
    }
    return true;
}

bool vm_spans_check(const struct spans *s, struct vm_heap_damage *out)
{
    uint64_t nfree = 0, nlisted = 0;
    size_t free_bytes = 0;
    bool below_free = false;
    for (uint32_t page = 0; page < spans_end(s); page += s->span[page].pages) {
        if (!check_span(s, page, below_free, out))
            return false;
        below_free = s->span[page].kind == SPAN_FREE;
        nfree += below_free;
        free_bytes += below_free ? (size_t)s->span[page].pages << SPAN_SHIFT : 0;
    }
    for (unsigned i = 0; i < SPAN_LISTS; i++)
        if (!check_list(s, i, &nlisted, out))
            return false;
    if (nlisted != nfree || nfree != s->ground.free_blocks || free_bytes != s->ground.free_bytes)
        return damage(out, 0, "free spans are lost");
    return true;
}
