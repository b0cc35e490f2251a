/* divergence.h - the first reference after which two machines hold different pages.
 *
 * Machines that differ only in their policy do the same, reference by reference, until one of them
 * lets go of a page that the other keeps: before, each fault, and each page that leaves, is the
 * other's too. So the machines run side by side, a stretch of references at a time, each writing
 * down the pages that come and go; the first references whose changes come to something else is
 * where they part. A machine that has parted is not run on.
 *
 * What counts is what a reference comes to: pages that came and left again within it, or the other
 * way round, have not changed. Pages are compared as they fault, come ahead and leave; base pages
 * that come with others into a huge page are not looked at one by one.
 */
#ifndef ANALYSIS_DIVERGENCE_H
#define ANALYSIS_DIVERGENCE_H

#include <pagoda/compare.h>

/* One of those that are held against the reference machine. */
struct rival {
    const struct vm_config *config;
    struct vm_divergence *out; /* UNKNOWN where either machine could not go on */
};

/* Fill in what the n rivals' divergence from a machine of `reference` is; all have the same memory
 * and model. Errors: VM_ESYSTEM. */
bool find_divergences(const struct vm_config *reference, const struct rival *rival, size_t n,
                      const struct vm_source *source, const struct vm_progress *progress,
                      struct vm_error *e);

#endif
