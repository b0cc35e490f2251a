/* distances.h - reuse distances: the different pages that are touched between two touches of one.
 *
 * lru hits with as many frames as the distance and one more, the page's own: so the histogram is
 * its miss-ratio curve, and the other way round (Mattson et al., IBM Systems Journal 9(2) 1970).
 */
#ifndef ANALYSIS_DISTANCES_H
#define ANALYSIS_DISTANCES_H

#include "analysis/recency_depth.h"
#include "analysis/tally.h"

#include <pagoda/policy.h>

struct distances {
    struct recency_depth stack;
    struct tally tally;
};

bool distances_open(struct distances *d, struct vm_error *e);
/* Runs as a page stream emits them; runs on end may be of one page. */
bool distances_runs(struct distances *d, const struct vm_page_run *run, size_t n,
                    struct vm_error *e);
bool distances_result(const struct distances *d, struct vm_histogram *out, struct vm_error *e);
void distances_close(struct distances *d); /* a zeroed struct is fine */

#endif
