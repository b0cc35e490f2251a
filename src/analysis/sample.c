/* sample.c - see sample.h.
 *
 * Invariants
 *  1. The pages of the stack are those seen whose hash is at most `limit`.
 *  2. weight[] is by depths and in touches as of the nominal rate at the time; both are corrected
 *     at the end, by the same factor.
 */
#include "analysis/sample.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Depths below BIN_FINE have a bin each; from there on each octave has BIN_FINE / 2, so that a
 * depth is known to 1 in 2048. */
#define BIN_FINE_SHIFT 12
#define BIN_FINE       (UINT64_C(1) << BIN_FINE_SHIFT)
#define BINS           ((64 - BIN_FINE_SHIFT) * BIN_FINE / 2 + BIN_FINE)

#define FREE_BITS_MIN 1000 /* fewer say too little about how many pages there were */

static size_t bin_of(uint64_t depth)
{
    if (depth < BIN_FINE)
        return depth;
    unsigned shift = vm_log2(depth) - (BIN_FINE_SHIFT - 1);
    return shift * (BIN_FINE / 2) + (depth >> shift);
}

/* The middle of a bin's depths. */
static double bin_depth(size_t bin)
{
    if (bin < BIN_FINE)
        return (double)bin;
    unsigned shift = (unsigned)(bin / (BIN_FINE / 2)) - 1;
    uint64_t first = (bin - shift * (BIN_FINE / 2)) << shift;
    return (double)first + (double)((UINT64_C(1) << shift) - 1) / 2;
}

/* A bijection. Who is in the sample goes by the high bits, into which either multiplication carries
 * all others; the low ones, that vm_mix64 takes further steps for, nobody asks for. */
static inline uint64_t hash_of(uint64_t key)
{
    uint64_t x = (key + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x ^ (x >> 32)) * UINT64_C(0x94d049bb133111eb);
}

bool sample_open(struct sample *s, unsigned page_shift, double rate, uint64_t pages_max,
                 struct vm_error *e)
{
    VM_ASSERT(rate > 0 && rate <= 1);
    double limit = rate * 0x1p64;
    *s = (struct sample){.page_shift = page_shift,
                         .limit = limit < 0x1p64 ? (uint64_t)limit : UINT64_MAX,
                         .pages_max = pages_max,
                         .last = VM_NOPAGE};
    if (!vm_arena_open(&s->arena, BINS * sizeof *s->weight + SAMPLE_SEEN_BITS / 8 + 64, e))
        return false;
    s->weight = vm_arena_take(&s->arena, BINS * sizeof *s->weight);
    s->seen = vm_arena_take(&s->arena, SAMPLE_SEEN_BITS / 8);
    return vm_intern_open(&s->ids, e) && recency_depth_open(&s->depth, e);
}

void sample_close(struct sample *s)
{
    vm_intern_close(&s->ids);
    recency_depth_close(&s->depth);
    vm_arena_close(&s->arena);
    *s = (struct sample){0};
}

static double rate(const struct sample *s)
{
    return ((double)s->limit + 1) * 0x1p-64;
}

/* ---- a fixed number of pages ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void drop_above_limit(struct sample *s)
{
    for (uint32_t id = 0; id < s->depth.npages; id++)
        if (s->depth.at[id] && hash_of(s->ids.keys[id]) > s->limit)
            recency_depth_forget(&s->depth, id);
}

/* An eighth of the pages goes at once, those with the greatest hashes: to keep them in order one by
 * one would cost more at each new page. */
static bool lower_limit(struct sample *s, struct vm_error *e)
{
    uint32_t n = 0, keep = (uint32_t)(s->pages_max - s->pages_max / 8);
    uint64_t *hash = malloc(s->depth.nlive * sizeof *hash);
    if (!hash)
        return vm_fail(e, VM_ESYSTEM, "no memory to sort a sample of %u pages", s->depth.nlive);
    for (uint32_t id = 0; id < s->depth.npages; id++)
        if (s->depth.at[id])
            hash[n++] = hash_of(s->ids.keys[id]);
    qsort(hash, n, sizeof *hash, by_value);
    s->limit = hash[keep - 1];
    free(hash);
    drop_above_limit(s);
    return true;
}

/* ---- touches ---- */

static inline uint64_t *seen_word(const struct sample *s, uint64_t hash)
{
    return &s->seen[hash >> (64 - SAMPLE_SEEN_SHIFT + 6)];
}

static inline unsigned seen_bit(uint64_t hash)
{
    return hash >> (64 - SAMPLE_SEEN_SHIFT) & 63;
}

static bool touch_sampled(struct sample *s, uint64_t key, struct vm_error *e)
{
    uint32_t id = vm_intern_id(&s->ids, key);
    if (id >= DEPTH_PAGES_MAX)
        return vm_fail(e, VM_ESYSTEM, "no memory for a sample of %u pages", s->ids.n);
    uint32_t depth = recency_depth_touch(&s->depth, id);
    double stands_for = 1 / rate(s);
    s->weight[depth ? bin_of((uint64_t)(depth * stands_for + 0.5)) : 0] += stands_for;
    return s->pages_max == 0 || s->depth.nlive <= s->pages_max || lower_limit(s, e);
}

/* Look the touches that wait up. The limit may fall while that is done. */
static bool look_up(struct sample *s, struct vm_error *e)
{
    uint32_t n = s->nwaiting;
    s->nwaiting = 0;
    for (uint32_t i = 0; i < n; i++)
        if (hash_of(s->waiting[i]) <= s->limit && !touch_sampled(s, s->waiting[i], e))
            return false;
    return true;
}

/* A touch of a page that is new, or of the sample. */
static __attribute__((noinline)) void take_page(struct sample *s, uint64_t key, uint64_t hash)
{
    uint64_t *seen = seen_word(s, hash), bit = UINT64_C(1) << seen_bit(hash);
    s->nseen += !(*seen & bit);
    *seen |= bit;
    if (hash <= s->limit)
        s->waiting[s->nwaiting++] = key;
}

/* Of most touches nothing is to be noted: that they are of a page seen before that is not in the
 * sample is one question, for one branch to be foretold. */
static bool take_pages(struct sample *s, const uint64_t *key, uint32_t n, struct vm_error *e)
{
    VM_ASSERT(n <= SAMPLE_BLOCK);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t hash = hash_of(key[i]);
        uint64_t known = *seen_word(s, hash) >> seen_bit(hash) & 1;
        if (__builtin_expect(!(known & (hash > s->limit)), 0))
            take_page(s, key[i], hash);
    }
    return look_up(s, e);
}

/* Without those that repeat the one before; returns how many are left. */
static uint32_t drop_repeats(struct sample *s, uint64_t *key, uint32_t n)
{
    uint64_t last = s->last;
    uint32_t left = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t own = key[i];
        key[left] = own;
        left += own != last;
        last = own;
    }
    s->last = last;
    s->repeats += n - left;
    return left;
}

/* All pages of references some of which cross a boundary, a few at a time. */
static bool take_crossing(struct sample *s, const vm_va *va, const uint16_t *meta, uint32_t n,
                          struct vm_error *e)
{
    const uint64_t mask = ~UINT64_C(0) << s->page_shift;
    uint64_t key[SAMPLE_BLOCK];
    uint32_t nkeys = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t last = (va[i] + vm_ref_bytes(meta[i]) - 1) & mask;
        for (uint64_t page = va[i] & mask;; page += ~mask + 1) {
            key[nkeys++] = page | s->asid;
            if (nkeys == SAMPLE_BLOCK) {
                s->touches += nkeys;
                nkeys = drop_repeats(s, key, nkeys);
                if (!take_pages(s, key, nkeys, e))
                    return false;
                nkeys = 0;
            }
            if (page == last)
                break;
        }
    }
    s->touches += nkeys;
    nkeys = drop_repeats(s, key, nkeys);
    return take_pages(s, key, nkeys, e);
}

/* References of one address space. What is looked at is done in short loops over a few at a time,
 * each of which does one thing. */
static bool take_refs(struct sample *s, const vm_va *va, const uint16_t *meta, uint32_t n,
                      struct vm_error *e)
{
    const uint64_t mask = ~UINT64_C(0) << s->page_shift, asid = s->asid;
    uint64_t key[SAMPLE_BLOCK];
    for (uint32_t some; n; n -= some, va += some, meta += some) {
        uint64_t crossing = 0;
        some = n < SAMPLE_BLOCK ? n : SAMPLE_BLOCK;
        for (uint32_t i = 0; i < some; i++) {
            crossing |= va[i] ^ (va[i] + vm_ref_bytes(meta[i]) - 1);
            key[i] = (va[i] & mask) | asid;
        }
        if (crossing & mask) {
            if (!take_crossing(s, va, meta, some, e))
                return false;
            continue;
        }
        s->touches += some;
        if (!take_pages(s, key, drop_repeats(s, key, some), e))
            return false;
    }
    return true;
}

bool sample_batch(struct sample *s, const struct vm_batch *b, struct vm_error *e)
{
    uint32_t from = 0;
    for (uint32_t k = 0; k < b->nevents; k++) {
        const struct vm_event *event = &b->event[k];
        if (event->kind != VM_EVENT_SWITCH)
            continue;
        if (!take_refs(s, b->va + from, b->meta + from, event->at - from, e))
            return false;
        from = event->at;
        s->asid = event->asid;
    }
    return take_refs(s, b->va + from, b->meta + from, b->nrefs - from, e);
}

/* ---- the curve ---- */

/* Distinct pages of all: those of the sample if it has all, else by the bits that are set. */
static double pages_seen(const struct sample *s)
{
    if (s->limit == UINT64_MAX)
        return s->depth.nlive;
    double all = SAMPLE_SEEN_BITS, unset = all - s->nseen;
    return unset < FREE_BITS_MIN ? s->depth.nlive / rate(s) : all * log(all / unset);
}

/* What the sample's depths and weights are to be multiplied by: pages there are, by those that
 * there are if the sample is as large as its rate says. */
static double correction(const struct sample *s)
{
    return s->depth.nlive ? pages_seen(s) / (s->depth.nlive / rate(s)) : 1;
}

/* Touches that the sample stands for, first ones and repeats apart. */
static double weight_hits(const struct sample *s)
{
    double sum = 0;
    for (size_t bin = 1; bin < BINS; bin++)
        sum += s->weight[bin];
    return sum;
}

static void add_point(struct vm_curve *c, uint64_t frames, double misses)
{
    uint64_t now = (uint64_t)llround(misses);
    if (now >= c->point[c->npoints - 1].misses)
        return;
    if (c->point[c->npoints - 1].frames == frames)
        c->npoints--;
    c->point[c->npoints++] = (struct vm_curve_point){frames, now};
}

/* From what is known of all touches to what is known of samples; first touches are the pages. With
 * two frames comes the correction of counts: whatever the samples' weights do not add up to. */
static void fill_points(const struct sample *s, struct vm_curve *c)
{
    double factor = correction(s), misses = pages_seen(s) + weight_hits(s) * factor;
    c->point[c->npoints++] = (struct vm_curve_point){0, s->touches};
    add_point(c, 1, (double)(s->touches - s->repeats));
    add_point(c, 2, misses);
    for (size_t bin = 1; bin < BINS; bin++)
        if (s->weight[bin] > 0) {
            uint64_t frames = (uint64_t)llround(bin_depth(bin) * factor);
            misses -= s->weight[bin] * factor;
            add_point(c, frames < 2 ? 2 : frames, misses);
        }
}

bool sample_curve(const struct sample *s, struct vm_curve *out, struct vm_error *e)
{
    size_t bins = 3;
    for (size_t bin = 1; bin < BINS; bin++)
        bins += s->weight[bin] > 0;
    *out = (struct vm_curve){.way = VM_CURVE_SAMPLED,
                             .policy = "lru",
                             .page_bytes = UINT64_C(1) << s->page_shift,
                             .touches = s->touches,
                             .pages = (uint64_t)llround(pages_seen(s)),
                             .rate = rate(s),
                             .pages_sampled = s->depth.nlive,
                             .error_mean = NAN,
                             .error_max = NAN};
    out->point = malloc(bins * sizeof *out->point);
    if (!out->point)
        return vm_fail(e, VM_ESYSTEM, "no memory for a curve of %zu points", bins);
    fill_points(s, out);
    return true;
}
