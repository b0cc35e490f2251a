/* opt_depth.h - the fewest frames with which the optimal policy has a page still, for each touch.
 *
 * opt's hits follow from the past alone. Let a page be kept from one touch to its next: an
 * interval. With C frames one is taken by the page in use, so that at any time C - 1 intervals can
 * be kept at most. Deciding intervals as they end, and keeping each that leaves no time with more
 * than that, is optimal, and what is kept with C frames is kept with more (Mattson et al., IBM
 * Systems Journal 9(2) 1970). So each interval has a depth: the fewest others beside which it is
 * kept, and one more.
 *
 * The idea: bisect the depths of many intervals at once. Decide them all with half of the depths'
 * range to spare; what is kept has a depth in the lower half, and is all that matters there; what
 * is not has one in the upper half, where the kept ones are no more than room that is taken. Either
 * half forgets the times between its own intervals' ends but for the least room among them, so that
 * each interval is decided log2(pages) times in all, in arrays that soon fit the host's caches.
 *
 * To decide, a stack of tokens: a token at a time is room for one interval that begins then or
 * later and ends now. Keeping an interval takes the latest token that is not after its beginning
 * (a union-find search). When time goes past a moment, there are as many tokens as room then: the
 * latest go, or new ones come.
 *
 * A trace is cut in chunks, so that memory does not grow with it. All that a chunk needs to know of
 * the past is a permutation: the depth that each page would have if all were touched now, the one
 * that was touched longest ago first. That is found by doing so.
 *
 * Costs O(log pages) a touch and about 100 bytes a page. Bilardi, Ekanadham & Pattnaik ("Optimal
 * on-line computation of stack distances for MIN and OPT", Computing Frontiers 2017) have the same
 * bound by other means. tests/diff/curve.c holds this against Mattson's own stack.
 */
#ifndef ANALYSIS_OPT_DEPTH_H
#define ANALYSIS_OPT_DEPTH_H

#include "base/arena.h"

#include <pagoda/error.h>
#include <stddef.h>
#include <stdint.h>

struct opt_depth;

/* hits[c] becomes the number of touches that opt hits with c frames and not with fewer; [pages + 1]
 * and the caller's, zeroed. */
struct opt_depth *opt_depth_open(uint64_t *hits, struct vm_error *e);
/* The next n touches of pages, which are numbered in the order of their first touch.
 * Errors: VM_ESYSTEM (no memory). */
bool opt_depth_touches(struct opt_depth *o, const uint32_t *page, size_t n, struct vm_error *e);
/* Count what is still waiting. */
bool opt_depth_end(struct opt_depth *o, struct vm_error *e);
void opt_depth_close(struct opt_depth *o); /* NULL is fine */

/* Fewer touches than these are not decided at once: for tests, 1 << 16 otherwise. */
void opt_depth_set_chunk(struct opt_depth *o, uint32_t ntouches);

#endif
