/* window.h - Linux's rule for how many pages a fault reads, its own among them, and wishes made of
 * ranges. Private to readahead/.
 *
 * Hits make the window grow: hits + 2, rounded up to a power of two from 4 on. Without a hit it is
 * 2 if the fault is next to the last one, else 1. It shrinks by halves, not at once.
 * mm/swap_state.c (Linux 6.1), __swapin_nr_pages.
 */
#ifndef READAHEAD_WINDOW_H
#define READAHEAD_WINDOW_H

#include "base/assert.h"

#include <pagoda/readahead.h>

#define WINDOW_PARAM                                                                               \
    {                                                                                              \
        "window", VM_PARAM_COUNT, "8", 1, VM_READAHEAD_MAX, NULL,                                  \
            "pages that one fault reads at most, its own among them"                               \
    }

/* What Linux takes for the hits before there have been any faults. */
#define WINDOW_HITS_FIRST 4

struct window {
    uint64_t last; /* the number of the last fault's page (or place) */
    uint32_t n;    /* pages that it read */
    bool begun;
};

static inline uint32_t window_next(struct window *w, uint64_t number, uint32_t hits, uint64_t most)
{
    bool beside = number == w->last + 1 || number + 1 == w->last;
    uint64_t n = beside ? 2 : 1, least = w->n / 2;
    hits = w->begun ? hits : WINDOW_HITS_FIRST;
    if (hits)
        for (n = 4; n < hits + UINT64_C(2);)
            n *= 2;
    n = n < most ? n : most;
    w->n = (uint32_t)(n > least ? n : least);
    w->begun = true;
    return w->n;
}

/* [first, end) without `number`. */
static inline void window_wish(struct vm_readahead_wish *out, uint64_t first, uint64_t end,
                               uint64_t number)
{
    for (uint64_t i = first; i < end; i++)
        if (i != number) {
            VM_ASSERT(out->n < VM_READAHEAD_MAX);
            out->number[out->n++] = i;
        }
}

#endif
