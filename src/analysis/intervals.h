/* intervals.h - writes down how long each page is not touched, for struct vm_intervals.
 *
 * One pass, 8 bytes a page and two histograms; a touch costs one look at its page's last one.
 */
#ifndef ANALYSIS_INTERVALS_H
#define ANALYSIS_INTERVALS_H

#include "analysis/tally.h"

#include <pagoda/locality.h>

struct intervals {
    struct tally between;
    uint64_t now;   /* touches so far */
    uint64_t *last; /* [cap] by page: the number of its last touch, from 1; 0: none yet */
    uint32_t pages, cap;
};

bool intervals_open(struct intervals *v, struct vm_error *e);
/* Runs as a page stream emits them; runs on end may be of one page. */
bool intervals_runs(struct intervals *v, const struct vm_page_run *run, size_t n,
                    struct vm_error *e);
/* Of what came so far, as if the trace ended here. */
bool intervals_result(const struct intervals *v, struct vm_intervals *out, struct vm_error *e);
void intervals_close(struct intervals *v); /* a zeroed struct is fine */

#endif
