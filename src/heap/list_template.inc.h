/* list_template.inc.h - a free-list heap, stamped for its includer's choice: index_find (list.h).
 */
#define TAGGED_HEAP struct list
#include "heap/tagged_template.inc.h"

static enum vm_heap_fault list_give(void *state, void *block, uint32_t cpu)
{
    struct list *h = state;
    enum vm_heap_fault fault = tagged_give(h, block, cpu);
    if (fault != VM_HEAP_FINE || h->coalesce != LIST_DEFERRED || ++h->given < h->every)
        return fault;
    vm_list_gather(h);
    size_t top = index_below(h, h->row.last);
    if (top != PLACE_NONE)
        trim(h, top);
    return fault;
}

/* The members of struct vm_heap_ops that all fits have in common. */
#define LIST_OPS                                                                                   \
    .sees = TAGGED_SEES, .param = vm_list_param, .nparams = LIST_PARAMS, .size = vm_list_size,     \
    .init = vm_list_init, .take = tagged_take, .give = list_give, .resize = tagged_resize,         \
    .room = tagged_room, .usage = tagged_usage, .walk = tagged_walk, .check = vm_list_check
