/* worst_fit.c - the largest block of the list serves; of several, the first.
 *
 * So that what remains is still of use. Long blocks do not survive. Arpaci-Dusseau, "Operating
 * Systems: Three Easy Pieces", section 17.3.
 */
#include "heap/list.h"

static size_t index_find(struct list *h, size_t bytes, size_t align)
{
    size_t worst = PLACE_NONE;
    for (struct cursor c = cursor_at(h, h->head); c.place != PLACE_NONE; cursor_move(h, &c)) {
        if (!tagged_holds(&h->row, c.place, bytes, align))
            continue;
        if (worst == PLACE_NONE || tagged_bytes(&h->row, c.place) > tagged_bytes(&h->row, worst))
            worst = c.place;
    }
    return worst;
}

#include "heap/list_template.inc.h"

const struct vm_heap_ops vm_heap_worst_fit = {
    .name = "worst-fit",
    .summary = "a list of free blocks, of which the largest serves",
    LIST_OPS,
};
