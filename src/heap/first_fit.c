/* first_fit.c - the first block of the list that is long enough serves.
 *
 * In address order small remainders gather at the low end, and long blocks survive at the high
 * end. Knuth, "The Art of Computer Programming" vol. 1, section 2.5, algorithm A.
 */
#include "heap/list.h"

static size_t index_find(struct list *h, size_t bytes, size_t align)
{
    for (struct cursor c = cursor_at(h, h->head); c.place != PLACE_NONE; cursor_move(h, &c))
        if (tagged_holds(&h->row, c.place, bytes, align))
            return c.place;
    return PLACE_NONE;
}

#include "heap/list_template.inc.h"

const struct vm_heap_ops vm_heap_first_fit = {
    .name = "first-fit",
    .summary = "a list of free blocks, of which the first that is long enough serves",
    LIST_OPS,
};
