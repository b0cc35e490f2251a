/* next_fit.c - the first block that is long enough serves, from where the last search ended.
 *
 * What follows the block that was taken last is looked at first, and what stands before it only
 * when nothing behind it is long enough: small remainders do not gather at the head of the list,
 * and long blocks survive nowhere. Knuth, "The Art of Computer Programming" vol. 1, section 2.5,
 * exercise 6 (the variable ROVER).
 */
#include "heap/list.h"

/* The first block from `from` on, and before `until`, that is long enough. */
static size_t find_between(struct list *h, size_t from, size_t until, size_t bytes, size_t align)
{
    struct cursor c = cursor_at(h, from);
    for (; c.place != PLACE_NONE && c.place != until; cursor_move(h, &c))
        if (tagged_holds(&h->row, c.place, bytes, align))
            return c.place;
    return PLACE_NONE;
}

static size_t index_find(struct list *h, size_t bytes, size_t align)
{
    size_t rover = list_follow(h, h->rover);
    size_t found = find_between(h, rover, PLACE_NONE, bytes, align);
    if (found == PLACE_NONE)
        found = find_between(h, h->head, rover, bytes, align);
    if (found != PLACE_NONE)
        h->rover = found;
    return found;
}

#include "heap/list_template.inc.h"

const struct vm_heap_ops vm_heap_next_fit = {
    .name = "next-fit",
    .summary = "a list of free blocks, searched from where the last search ended",
    LIST_OPS,
};
