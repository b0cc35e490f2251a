/* distances.c - see distances.h. */
#include "analysis/distances.h"

bool distances_open(struct distances *d, struct vm_error *e)
{
    return tally_open(&d->tally, e) && recency_depth_open(&d->stack, e);
}

static inline bool add_run(struct distances *d, struct vm_page_run run, struct vm_error *e)
{
    uint32_t depth = recency_depth_touch(&d->stack, run.ref / 2);
    return (depth == 0 || tally_add(&d->tally, depth - 1, 1, e)) &&
           tally_add(&d->tally, 0, run.count - 1, e);
}

bool distances_runs(struct distances *d, const struct vm_page_run *run, size_t n,
                    struct vm_error *e)
{
    for (size_t i = 0; i < n; i++)
        if (!add_run(d, run[i], e))
            return false;
    return true;
}

bool distances_result(const struct distances *d, struct vm_histogram *out, struct vm_error *e)
{
    return tally_histogram(&d->tally, out, e);
}

void distances_close(struct distances *d)
{
    tally_close(&d->tally);
    recency_depth_close(&d->stack);
}
