/* best_fit.c - the smallest block of the list that is long enough serves; of several, the first.
 *
 * What remains is as small as can be, and often too small for anything. Every block of the list is
 * looked at, unless it is sorted by size. Knuth, "The Art of Computer Programming" vol. 1, section
 * 2.5; tree-fit finds such a block without going through a list.
 */
#include "heap/list.h"

static size_t index_find(struct list *h, size_t bytes, size_t align)
{
    size_t best = PLACE_NONE;
    for (struct cursor c = cursor_at(h, h->head); c.place != PLACE_NONE; cursor_move(h, &c)) {
        if (!tagged_holds(&h->row, c.place, bytes, align))
            continue;
        if (best == PLACE_NONE || tagged_bytes(&h->row, c.place) < tagged_bytes(&h->row, best))
            best = c.place;
        if (h->order == LIST_SIZE)
            break;
    }
    return best;
}

#include "heap/list_template.inc.h"

const struct vm_heap_ops vm_heap_best_fit = {
    .name = "best-fit",
    .summary = "a list of free blocks, of which the smallest that is long enough serves",
    LIST_OPS,
};
