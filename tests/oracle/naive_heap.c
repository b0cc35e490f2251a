/* naive_heap.c - see naive_heap.h. */
#include "oracle/naive_heap.h"

#include "base/assert.h"

#include <string.h>

#define NONE  NAIVE_HEAP_NONE
#define PAGE  ((size_t)4096)
#define LEAST ((size_t)32)

static size_t up(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

void naive_heap_init(struct naive_heap *h)
{
    h->last = 16;
}

/* ---- blocks by address ---- */

static size_t at_place(const struct naive_heap *h, size_t place)
{
    for (size_t i = 0; i < h->nblocks; i++)
        if (h->block[i].place == place)
            return i;
    VM_ASSERT(!"a block");
    return 0;
}

static size_t bytes_of(const struct naive_heap *h, size_t place)
{
    return h->block[at_place(h, place)].bytes;
}

static void block_add(struct naive_heap *h, size_t place, size_t bytes, bool live)
{
    size_t i = h->nblocks++;
    VM_ASSERT(h->nblocks < NAIVE_HEAP_BLOCKS);
    for (; i > 0 && h->block[i - 1].place > place; i--)
        h->block[i] = h->block[i - 1];
    h->block[i] = (struct naive_heap_block){place, bytes, live};
}

static void block_drop(struct naive_heap *h, size_t place)
{
    size_t i = at_place(h, place);
    memmove(&h->block[i], &h->block[i + 1], (--h->nblocks - i) * sizeof h->block[0]);
}

/* The free block that begins where `place` is, or ends there: NONE, there is none. */
static size_t free_at(const struct naive_heap *h, size_t place)
{
    for (size_t i = 0; i < h->nblocks; i++)
        if (h->block[i].place == place && !h->block[i].live)
            return place;
    return NONE;
}

static size_t free_before(const struct naive_heap *h, size_t place)
{
    for (size_t i = 0; i < h->nblocks; i++)
        if (h->block[i].place + h->block[i].bytes == place && !h->block[i].live)
            return h->block[i].place;
    return NONE;
}

/* ---- the list ---- */

static void list_put(struct naive_heap *h, size_t at, size_t place)
{
    memmove(&h->list[at + 1], &h->list[at], (h->nlist - at) * sizeof h->list[0]);
    h->list[at] = place;
    h->nlist++;
}

/* Take the place out; where it stood. */
static size_t list_drop(struct naive_heap *h, size_t place)
{
    size_t i = 0;
    while (h->list[i] != place)
        i++;
    memmove(&h->list[i], &h->list[i + 1], (--h->nlist - i) * sizeof h->list[0]);
    if (h->rover == place)
        h->rover = i < h->nlist ? h->list[i] : NONE;
    return i;
}

static size_t sorted_position(const struct naive_heap *h, size_t place)
{
    size_t i = 0, n = bytes_of(h, place);
    for (; i < h->nlist; i++) {
        size_t m = bytes_of(h, h->list[i]);
        if (h->order == NAIVE_ADDRESS || m == n ? h->list[i] > place : m > n)
            break;
    }
    return i;
}

static void list_insert(struct naive_heap *h, size_t place)
{
    bool sorted = h->order == NAIVE_ADDRESS || h->order == NAIVE_SIZE;
    list_put(h, sorted ? sorted_position(h, place) : h->order == NAIVE_LIFO ? 0 : h->nlist, place);
}

/* ---- merging ---- */

/* One free block of two, of which neither is in the list. */
static void join(struct naive_heap *h, size_t low, size_t high)
{
    size_t more = bytes_of(h, high);
    block_drop(h, high);
    h->block[at_place(h, low)].bytes += more;
}

static bool gather(struct naive_heap *h)
{
    bool any = false;
    h->given = 0;
    for (size_t i = 0; i < h->nblocks; i++) {
        size_t place = h->block[i].place, above = place + h->block[i].bytes;
        if (h->block[i].live || free_at(h, above) == NONE)
            continue;
        list_drop(h, place);
        for (; free_at(h, above) != NONE; above = place + h->block[i].bytes) {
            list_drop(h, above);
            join(h, place, above);
        }
        list_insert(h, place);
        any = true;
    }
    return any;
}

/* The free block at `place`, in no list, with its free neighbours. */
static size_t merge(struct naive_heap *h, size_t place)
{
    size_t above = free_at(h, place + bytes_of(h, place)), below = free_before(h, place);
    if (above != NONE) {
        list_drop(h, above);
        join(h, place, above);
    }
    if (below != NONE) {
        list_drop(h, below);
        join(h, below, place);
        place = below;
    }
    return place;
}

static void trim(struct naive_heap *h, size_t place)
{
    size_t used = place + LEAST, end = up(used + h->trim / 2, PAGE);
    if (place + bytes_of(h, place) != h->last || !h->trim || h->end - used < h->trim ||
        end >= h->end)
        return;
    list_drop(h, place);
    h->end = h->last = end;
    h->block[at_place(h, place)].bytes = end - place;
    list_insert(h, place);
}

static void release(struct naive_heap *h, size_t place)
{
    h->block[at_place(h, place)].live = false;
    if (h->coalesce == NAIVE_IMMEDIATE)
        place = merge(h, place);
    list_insert(h, place);
    trim(h, place);
}

static bool grow(struct naive_heap *h, size_t bytes)
{
    size_t needed = up(bytes + (h->end ? 0 : 16), PAGE), step = up(h->grow, PAGE);
    size_t by = needed < step && step <= h->limit - h->end ? step : needed;
    if (by > h->limit - h->end)
        return false;
    size_t place = h->last;
    h->end += by;
    h->last = h->end;
    block_add(h, place, h->last - place, false);
    list_insert(h, merge(h, place));
    return true;
}

static size_t missing(const struct naive_heap *h, size_t bytes)
{
    size_t top = h->end ? free_before(h, h->last) : NONE;
    size_t there = top == NONE ? 0 : bytes_of(h, top);
    return bytes > there ? bytes - there : 0;
}

/* ---- taking ---- */

static size_t start_in(size_t place, size_t align)
{
    size_t start = up(place, align);
    return start == place || start - place >= LEAST ? start : up(place + LEAST, align);
}

static bool holds(const struct naive_heap *h, size_t place, size_t bytes, size_t align)
{
    return start_in(place, align) + bytes <= place + bytes_of(h, place);
}

/* Whether list[i] suits better than `chosen`, which suits. */
static bool is_better(const struct naive_heap *h, size_t i, size_t chosen)
{
    size_t n = bytes_of(h, h->list[i]), m = bytes_of(h, chosen);
    return (h->fit == NAIVE_BEST && n < m) || (h->fit == NAIVE_WORST && n > m);
}

static size_t find(struct naive_heap *h, size_t bytes, size_t align)
{
    size_t begin = 0, chosen = NONE;
    for (size_t i = 0; h->fit == NAIVE_NEXT && i < h->nlist; i++)
        if (h->list[i] == h->rover)
            begin = i;
    h->looked_at = 0;
    for (size_t k = 0; k < h->nlist; k++) {
        size_t i = (begin + k) % h->nlist;
        h->looked_at++;
        if (!holds(h, h->list[i], bytes, align) || (chosen != NONE && !is_better(h, i, chosen)))
            continue;
        chosen = h->list[i];
        if (h->fit == NAIVE_FIRST || h->fit == NAIVE_NEXT)
            break;
    }
    if (chosen != NONE)
        h->rover = chosen;
    return chosen;
}

static void give_rest(struct naive_heap *h, size_t *position, size_t place, size_t bytes)
{
    block_add(h, place, bytes, false);
    list_put(h, h->order == NAIVE_SIZE ? sorted_position(h, place) : (*position)++, place);
    h->rover = place;
}

static void carve(struct naive_heap *h, size_t place, size_t start, size_t bytes)
{
    size_t end = place + bytes_of(h, place), position = list_drop(h, place);
    block_drop(h, place);
    if (end - start - bytes < h->split)
        bytes = end - start;
    block_add(h, start, bytes, true);
    if (start > place)
        give_rest(h, &position, place, start - place);
    if (start + bytes < end)
        give_rest(h, &position, start + bytes, end - start - bytes);
}

static size_t request(const struct naive_heap *h, size_t bytes)
{
    size_t least = up(bytes + h->lead, 16);
    return least < LEAST ? LEAST : least;
}

size_t naive_heap_take(struct naive_heap *h, size_t bytes, size_t align)
{
    if (bytes > h->limit)
        return NONE;
    bytes = request(h, bytes);
    size_t enough = align == 16 ? bytes : bytes + align + LEAST;
    size_t place = find(h, bytes, align);
    if (place == NONE && h->coalesce == NAIVE_DEFERRED && gather(h))
        place = find(h, bytes, align);
    if (place == NONE && grow(h, missing(h, enough)))
        place = find(h, bytes, align);
    if (place == NONE)
        return NONE;
    size_t start = start_in(place, align);
    carve(h, place, start, bytes);
    return start;
}

void naive_heap_give(struct naive_heap *h, size_t place)
{
    release(h, place);
    if (h->coalesce != NAIVE_DEFERRED || ++h->given < h->every)
        return;
    gather(h);
    if (free_before(h, h->last) != NONE)
        trim(h, free_before(h, h->last));
}

bool naive_heap_resize(struct naive_heap *h, size_t place, size_t bytes)
{
    if (bytes > h->limit)
        return false;
    bytes = request(h, bytes);
    struct naive_heap_block *b = &h->block[at_place(h, place)];
    size_t held = b->bytes, above = place + held;
    if (bytes <= held) {
        if (held - bytes >= h->split) {
            b->bytes = bytes;
            block_add(h, place + bytes, held - bytes, true);
            release(h, place + bytes);
        }
        return true;
    }
    size_t more = bytes - held, there = free_at(h, above) == NONE ? 0 : bytes_of(h, above);
    if (there < more && (above + there != h->last || !grow(h, more - there)))
        return false;
    carve(h, above, above, more);
    more = bytes_of(h, above);
    block_drop(h, above);
    h->block[at_place(h, place)].bytes += more;
    return true;
}
