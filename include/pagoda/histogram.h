/* histogram.h - how often each of many numbers came, exactly, and sums up to any of them.
 *
 * A plain value, sorted. What is asked of it is how many of the numbers are at most x, and what
 * these add up to: of a sum of min(number, x) over all numbers, as working sets are, no more is
 * needed.
 *
 * Invariant: values rise; counts are at least 1; upto_* include the bin's own.
 */
#ifndef PAGODA_HISTOGRAM_H
#define PAGODA_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

struct vm_bin {
    uint64_t value, count;
    uint64_t upto_count; /* numbers that are at most `value` */
    uint64_t upto_sum;   /* what they add up to */
};

struct vm_histogram {
    size_t n;
    struct vm_bin *bin; /* [n] its own; vm_histogram_free */
    uint64_t count, sum;
};

/* The numbers that are at most `x`: how many, and their sum. */
struct vm_upto {
    uint64_t count, sum;
};
struct vm_upto vm_histogram_upto(const struct vm_histogram *h, uint64_t x);
void vm_histogram_free(struct vm_histogram *h); /* a zeroed struct is fine */

#endif
