/* sample.h - lru's misses at every size from a sample of the pages: SHARDS.
 *
 * A page is in the sample if a hash of it is low enough, so that of such a page every touch is seen
 * and of others none. With a rate R, a depth d in the stack of sampled pages stands for one of d/R
 * in the stack of all, and a touch for 1/R touches. The sample has a fixed rate, or a fixed number
 * of pages: when there are more, the rate falls, and the pages with the greatest hashes go.
 *
 * C. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, "Efficient MRC construction with SHARDS", FAST
 * 2015. Their correction (SHARDS_adj): the touches seen, weighted, should add up to all touches;
 * what is missing, or too much, is a few hot pages', and so counted at the smallest depth.
 *
 * One more correction is new here. A sample of n pages has by chance a few more or fewer than its
 * rate says, by about 1/sqrt(n); all depths and all weights are wrong by that factor, and where the
 * curve has a cliff, as a loop's has, it moves. So distinct pages are counted besides, nearly
 * exactly (a bit for each hash; Whang, Vander-Zanden & Taylor, "A linear-time probabilistic
 * counting algorithm", TODS 15(2) 1990), and the rate is what the sample is of them in fact. For a
 * loop the whole curve becomes exact but for that count's error, of about 0.1 per cent up to a few
 * million pages. With more than seven million the bits are used up, and the nominal rate stands.
 *
 * What it cannot do: a sample of no page says nothing; and pages with long and pages with short
 * loops are chosen by the same chance, which leaves 1/sqrt(n) of the lesser part.
 */
#ifndef ANALYSIS_SAMPLE_H
#define ANALYSIS_SAMPLE_H

#include "analysis/recency_depth.h"
#include "base/intern.h"

#include <pagoda/curve.h>
#include <pagoda/trace.h>

#define SAMPLE_SEEN_SHIFT 20
#define SAMPLE_SEEN_BITS  (UINT32_C(1) << SAMPLE_SEEN_SHIFT) /* 128 KiB: a fast cache holds them */
#define SAMPLE_BLOCK      256 /* touches that are looked at together */

struct sample {
    unsigned page_shift;
    vm_asid asid;
    uint64_t limit;     /* pages whose hash is at most this are in the sample */
    uint64_t pages_max; /* of the sample; 0: a fixed rate */
    uint64_t last;      /* the page touched last */
    uint64_t touches;
    uint64_t repeats; /* of them, those of the page touched just before: hits at any size */
    struct vm_intern ids;
    struct recency_depth depth;
    uint64_t *seen; /* a bit for each hash of a page's */
    uint32_t nseen; /* bits that are set */
    uint32_t nwaiting;
    uint64_t waiting[SAMPLE_BLOCK]; /* touches of the sample's pages, to be looked up */
    double *weight;                 /* [bins] touches that a depth stands for */
    struct vm_arena arena;
};

/* rate: above 0 to 1; pages_max: 0 for a fixed rate. */
bool sample_open(struct sample *s, unsigned page_shift, double rate, uint64_t pages_max,
                 struct vm_error *e);
bool sample_batch(struct sample *s, const struct vm_batch *b, struct vm_error *e);
/* The curve as it is estimated so far; its errors are NAN. Errors: VM_ESYSTEM. */
bool sample_curve(const struct sample *s, struct vm_curve *out, struct vm_error *e);
void sample_close(struct sample *s); /* a zeroed struct is fine */

#endif
