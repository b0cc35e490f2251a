/* tally.h - counts numbers as they come, to make a histogram of.
 *
 * Small numbers index an array; the others, of which there are few in programs, are found by their
 * ids. Memory grows with the different large numbers, not with how many come.
 */
#ifndef ANALYSIS_TALLY_H
#define ANALYSIS_TALLY_H

#include "base/intern.h"

#include <pagoda/histogram.h>

#define TALLY_NEAR 65536 /* numbers below have a counter each */

struct tally {
    uint64_t *near; /* [TALLY_NEAR] */
    struct vm_intern far;
    uint64_t *far_count; /* [far_cap] by id */
    uint32_t far_cap;
};

bool tally_open(struct tally *t, struct vm_error *e);
/* `value` came `count` times. Errors: VM_ESYSTEM. */
bool tally_far(struct tally *t, uint64_t value, uint64_t count, struct vm_error *e);
static inline bool tally_add(struct tally *t, uint64_t value, uint64_t count, struct vm_error *e)
{
    if (__builtin_expect(value >= TALLY_NEAR, 0))
        return tally_far(t, value, count, e);
    t->near[value] += count;
    return true;
}
/* What came so far. Errors: VM_ESYSTEM. */
bool tally_histogram(const struct tally *t, struct vm_histogram *out, struct vm_error *e);
void tally_close(struct tally *t); /* a zeroed struct is fine */

#endif
