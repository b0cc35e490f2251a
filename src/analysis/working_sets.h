/* working_sets.h - the working set of one process as it runs: W(t, window), exactly.
 *
 * The pages touched in the last `window` references. Touches of one page in a row are one entry of
 * a queue, which the pages leave whose last touch is too long ago: so a reference costs a compare,
 * and a change of page one entry.
 *
 * Invariants: the queue is ordered by time; a page is in the set if its last entry is in the queue,
 * or if it is the current one; count is how many are.
 *
 * Denning, "The working set model for program behavior", CACM 11(5) 1968.
 */
#ifndef ANALYSIS_WORKING_SETS_H
#define ANALYSIS_WORKING_SETS_H

#include "base/intern.h"

#include <pagoda/trace.h>

struct working_set {
    uint64_t window;
    unsigned page_shift;
    uint64_t now;     /* references so far */
    uint64_t current; /* page key; VM_NOPAGE: none yet */
    uint32_t current_id;
    uint64_t count, peak;
    struct vm_intern pages;
    uint64_t
        *last; /* [cap] by page id: when it was touched last, from 1; 0: it is not in the set */
    uint32_t cap;
    struct working_set_touch {
        uint64_t at;
        uint32_t id;
    } * queue;             /* [queue_cap], a ring */
    uint64_t head, length; /* of the ring */
    uint64_t queue_cap;    /* a power of two */
};

/* Errors: VM_ESYSTEM. */
bool working_set_open(struct working_set *w, uint64_t window, unsigned page_shift,
                      struct vm_error *e);
/* References of address space `asid`, one after the other. Errors: VM_ESYSTEM. */
bool working_set_refs(struct working_set *w, vm_asid asid, const vm_va *va, const uint16_t *meta,
                      uint32_t n, struct vm_error *e);
uint64_t working_set_pages(struct working_set *w); /* now */

/* Keys of pages, ascending; key is its owner's to free. */
struct page_list {
    uint64_t *key; /* [n], room for cap */
    size_t n, cap;
};
/* The pages that are in it now, into a list that may have had others. Errors: VM_ESYSTEM. */
bool working_set_list(struct working_set *w, struct page_list *out, struct vm_error *e);
void working_set_close(struct working_set *w); /* a zeroed struct is fine */

#endif
