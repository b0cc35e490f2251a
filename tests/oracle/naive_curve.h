/* naive_curve.h - stacks as Mattson et al. define them (IBM Systems Journal 9(2) 1970), searched
 * and moved one by one: what the fast curves must equal. */
#ifndef ORACLE_NAIVE_CURVE_H
#define ORACLE_NAIVE_CURVE_H

#include <stddef.h>
#include <stdint.h>

/* The depth from 1, or 0 for a first touch, of each of the n touches of pages below npages: in the
 * stack of lru, and in that of opt. */
void naive_lru_depths(const uint32_t *page, size_t n, uint32_t npages, uint32_t *depth);
void naive_opt_depths(const uint32_t *page, size_t n, uint32_t npages, uint32_t *depth);

#endif
