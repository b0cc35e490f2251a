/* list.h - free blocks in one list, which lies in the free space itself.
 *
 * first-fit, next-fit, best-fit and worst-fit are rows of blocks (tagged.h) whose free ones are
 * linked, and differ in which block of the list serves: a row's file has its choice, index_find,
 * and nothing else. All else are parameters:
 *
 *     order     where a free block goes in the list: by address or size, to its head (lifo) or to
 *               its tail (fifo); what remains of a block that was split stays where that was
 *     split     a remainder of fewer bytes stays with the block
 *     coalesce  neighbours become one at once; when a request fails and after `every` gives
 *               (deferred); never
 *     notes     boundary tags, or a header alone: then the neighbour below a block is found only by
 *               looking through the list
 *
 * Invariants
 *  1. Every free block of the row is in the list once, and nothing else is.
 *  2. Links that were overwritten end a search: one is followed only to a valid tag that says
 *     free, and never more of them than there are free blocks.
 *
 * Knuth, "The Art of Computer Programming" vol. 1, section 2.5, algorithms A and B and exercise 6
 * (the rover of next-fit); Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", section 17.3.
 */
#ifndef HEAP_LIST_H
#define HEAP_LIST_H

#include "heap/tagged.h"

enum list_order { LIST_ADDRESS, LIST_SIZE, LIST_LIFO, LIST_FIFO };
enum list_coalesce { LIST_IMMEDIATE, LIST_DEFERRED, LIST_NEVER };

struct list {
    struct tagged row;
    size_t head, tail; /* places of free blocks; PLACE_NONE: the list is empty */
    size_t near;       /* what stood before the block that was removed last, or found below */
    size_t rover;      /* what follows the block that was taken last */
    size_t split_min;
    enum list_order order;
    enum list_coalesce coalesce;
    uint64_t every, given; /* gives after which to merge; gives since */
};

#define LIST_PARAMS 7
extern const struct vm_param vm_list_param[LIST_PARAMS];

size_t vm_list_size(const struct vm_heap_env *env);
void vm_list_init(void *state, const struct vm_heap_env *env);
/* Make one block of each run of free ones; whether there was one of several. */
bool vm_list_gather(struct list *h);
bool vm_list_check(const void *state, struct vm_heap_damage *out);

static inline size_t *list_next(const struct list *h, size_t place)
{
    return tagged_link(&h->row, place, 0);
}

static inline size_t *list_prev(const struct list *h, size_t place)
{
    return tagged_link(&h->row, place, 1);
}

static inline size_t list_follow(const struct list *h, size_t link)
{
    return tagged_follow(&h->row, link);
}

/* ---- going through the list; each block that is come to counts as looked at ---- */

struct cursor {
    size_t place;  /* PLACE_NONE: past the end */
    uint64_t left; /* blocks that there can be from here on */
};

/* `place`: of a link, or the head. */
static inline struct cursor cursor_at(struct list *h, size_t place)
{
    place = list_follow(h, place);
    h->row.ground.searched += place != PLACE_NONE;
    return (struct cursor){place, h->row.ground.free_blocks};
}

static inline void cursor_move(struct list *h, struct cursor *c)
{
    c->place = --c->left ? list_follow(h, *list_next(h, c->place)) : PLACE_NONE;
    h->row.ground.searched += c->place != PLACE_NONE;
}

/* ---- the list as an index of tagged_template.inc.h ---- */

/* Put a block behind `before`; PLACE_NONE: at the head. */
static inline void list_put(struct list *h, size_t place, size_t before)
{
    size_t after = list_follow(h, before == PLACE_NONE ? h->head : *list_next(h, before));
    *list_next(h, place) = after;
    *list_prev(h, place) = before;
    *(before == PLACE_NONE ? &h->head : list_next(h, before)) = place;
    *(after == PLACE_NONE ? &h->tail : list_prev(h, after)) = place;
}

/* Whether the free block `a` stands before `b`, which is to be put into a sorted list. */
static inline bool list_precedes(const struct list *h, size_t a, size_t b)
{
    size_t na = tagged_bytes(&h->row, a), nb = tagged_bytes(&h->row, b);
    return h->order == LIST_ADDRESS || na == nb ? a < b : na < nb;
}

/* The last block that precedes `place`, or PLACE_NONE. */
static inline size_t list_before(struct list *h, size_t place)
{
    bool begun = h->order == LIST_ADDRESS && h->near < place && list_follow(h, h->near);
    size_t before = begun ? h->near : PLACE_NONE;
    struct cursor c = cursor_at(h, begun ? *list_next(h, before) : h->head);
    for (; c.place != PLACE_NONE && list_precedes(h, c.place, place); cursor_move(h, &c))
        before = c.place;
    return before;
}

static inline void index_insert(struct list *h, size_t place)
{
    switch (h->order) {
    case LIST_LIFO:
        list_put(h, place, PLACE_NONE);
        return;
    case LIST_FIFO:
        list_put(h, place, h->tail);
        return;
    case LIST_ADDRESS:
    case LIST_SIZE:
        list_put(h, place, list_before(h, place));
    }
}

static inline void index_remove(struct list *h, size_t place)
{
    size_t next = list_follow(h, *list_next(h, place));
    size_t prev = list_follow(h, *list_prev(h, place));
    *(prev == PLACE_NONE ? &h->head : list_next(h, prev)) = next;
    *(next == PLACE_NONE ? &h->tail : list_prev(h, next)) = prev;
    h->near = prev;
    if (h->rover == place)
        h->rover = next;
}

static inline void index_return(struct list *h, size_t place)
{
    list_put(h, place, h->order == LIST_SIZE ? list_before(h, place) : h->near);
    h->near = h->rover = place;
}

/* By a header alone: the one in the list that ends where `place` begins. */
static inline size_t list_below(struct list *h, size_t place)
{
    h->near = PLACE_NONE;
    struct cursor c = cursor_at(h, h->head);
    for (; c.place != PLACE_NONE; cursor_move(h, &c)) {
        if (tagged_above(&h->row, c.place) == place)
            return c.place;
        if (h->order == LIST_ADDRESS && c.place > place)
            break;
        h->near = c.place;
    }
    return PLACE_NONE;
}

static inline size_t index_below(struct list *h, size_t place)
{
    return tagged_has_boundaries(&h->row) ? tagged_below(&h->row, place) : list_below(h, place);
}

static inline bool index_merges(const struct list *h)
{
    return h->coalesce == LIST_IMMEDIATE;
}

static inline bool index_gather(struct list *h)
{
    return h->coalesce == LIST_DEFERRED && vm_list_gather(h);
}

static inline size_t index_split_min(const struct list *h)
{
    return h->split_min;
}

static inline size_t index_max(const struct list *h)
{
    size_t most = 0, place = list_follow(h, h->head);
    for (uint64_t left = h->row.ground.free_blocks; left && place != PLACE_NONE; left--) {
        size_t bytes = tagged_bytes(&h->row, place);
        most = bytes > most ? bytes : most;
        place = list_follow(h, *list_next(h, place));
    }
    return most;
}

#endif
