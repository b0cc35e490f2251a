/* naive_locality.h - touches of pages one by one, and what follows from them by its definition. */
#ifndef ORACLE_NAIVE_LOCALITY_H
#define ORACLE_NAIVE_LOCALITY_H

#include "oracle/machine_trace.h"

/* Each touch of a trace, in order; a reference that crosses pages makes several. */
struct naive_touches {
    size_t n, nrefs;
    struct naive_touch {
        uint64_t page; /* vm_page_key */
        vm_va va;      /* of the page */
        uint64_t ref;  /* from 0 */
        bool write;
    } touch[4 * TRACE_REFS];
};

/* Those of the first `refs` references. */
void naive_touches_of(struct naive_touches *out, const struct machine_trace *t, uint64_t refs,
                      unsigned page_shift);
size_t naive_pages(const struct naive_touches *t);

/* Working sets of window `window`, after each touch: their sizes added up; and of the last. */
uint64_t naive_working_sets(const struct naive_touches *t, uint64_t window);
uint64_t naive_working_set_last(const struct naive_touches *t, uint64_t window);
/* Touches of pages that are not in the working set of the touches before. */
uint64_t naive_working_set_misses(const struct naive_touches *t, uint64_t window);

/* VMIN's resident sets after each touch, added up, and its misses: a page stays after a touch if
 * its next touch is at most `window` away. */
uint64_t naive_vmin_sets(const struct naive_touches *t, uint64_t window);
uint64_t naive_vmin_misses(const struct naive_touches *t, uint64_t window);

#endif
