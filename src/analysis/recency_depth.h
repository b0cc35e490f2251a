/* recency_depth.h - how deep a page lies in the stack of the least recently used: the fewest frames
 * with which lru still has it.
 *
 * The idea: touches have positions in a log, and a bit says whether a position is its page's last.
 * The depth of a page is the number of set bits from its position on. Sixteen words of bits share a
 * line of counts, each the set bits before its word in the line; sixteen lines share one of the
 * next level, and so on. So a rank is one word of each level, and clearing a bit takes 1 from what
 * follows in one line of each level, which are four vector operations.
 *
 *     level 1   . . . . [0 | 301 | 588 | ...          set bits before the line, among sixteen
 *     level 0           [0 | 11 | 37 | ...            set bits before the word, among sixteen
 *     bits              0110100...                    positions; the log ends at `head`
 *
 * Olken's tree (LBL-12370, 1981) and Bennett & Kruskal's counters (IBM J. R&D 19(4) 1975) give the
 * same depths; here no pointer is followed and nothing branches on data. When the log is full, each
 * page's new position is the rank of its old one: a log of pages is not needed.
 *
 * Invariants
 *  1. at[page] is 0 for a page that was never touched, or was forgotten; else its position + 1.
 *  2. Bit q is set iff some page has position q; there are nlive of them, all below head.
 *  3. For each level l and each group g of 64 * 16^l positions up to the head's, before[l][g] is
 *     the number of set bits in the groups before g that have the same parent (g / 16).
 */
#ifndef ANALYSIS_RECENCY_DEPTH_H
#define ANALYSIS_RECENCY_DEPTH_H

#include "base/arena.h"
#include "base/assert.h"
#include "base/bits.h"

#include <pagoda/error.h>
#include <stdint.h>

#define DEPTH_FAN       16u
#define DEPTH_FAN_SHIFT 4
#define DEPTH_LEVELS    7                   /* 64 * 16^7 positions are more than 2^32 */
#define DEPTH_PAGES_MAX (UINT32_C(1) << 30) /* page ids are below */

struct recency_depth {
    uint32_t *at;
    uint64_t *bits;
    uint32_t *before[DEPTH_LEVELS];
    uint32_t nlevels;
    uint32_t head, room; /* positions in use, and before the next squeeze */
    uint32_t nlive;
    uint32_t npages; /* ids below have been seen */
    struct vm_arena arena;
};

/* Errors: VM_ESYSTEM. */
bool recency_depth_open(struct recency_depth *d, struct vm_error *e);
void recency_depth_close(struct recency_depth *d); /* a zeroed struct is fine */
void recency_depth_squeeze(struct recency_depth *d);
/* Asserts the invariants. */
void recency_depth_check(const struct recency_depth *d);

static inline unsigned recency_depth_shift(uint32_t level)
{
    return 6 + DEPTH_FAN_SHIFT * level;
}

/* Set bits before `position`. */
static inline uint32_t recency_depth_rank(const struct recency_depth *d, uint32_t position)
{
    uint64_t below = d->bits[position / 64] & vm_low_bits(position % 64);
    uint32_t rank = vm_count_bits(below);
    for (uint32_t l = 0; l < d->nlevels; l++)
        rank += d->before[l][position >> recency_depth_shift(l)];
    return rank;
}

/* Of sixteen groups those after the n-th: the sixteen from [DEPTH_FAN - 1 - n] on. A load and not
 * a comparison for each. */
static const uint32_t recency_depth_after[2 * DEPTH_FAN] = {
    [DEPTH_FAN] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

static inline void recency_depth_clear(struct recency_depth *d, uint32_t position)
{
    d->bits[position / 64] &= ~(UINT64_C(1) << position % 64);
    for (uint32_t l = 0; l < d->nlevels; l++) {
        uint32_t group = position >> recency_depth_shift(l), nth = group % DEPTH_FAN;
        uint32_t *line = __builtin_assume_aligned(d->before[l] + (group - nth), 64);
        const uint32_t *after = recency_depth_after + (DEPTH_FAN - 1 - nth);
        for (uint32_t k = 0; k < DEPTH_FAN; k++)
            line[k] -= after[k];
    }
}

/* The head is the first position of a word: count what lies before it, level by level from the
 * highest that begins a group here. Lower ones begin a line, and have nothing before them. */
static inline void recency_depth_enter(struct recency_depth *d)
{
    uint32_t before = d->nlive;
    for (uint32_t l = d->nlevels; l-- > 0;) {
        uint32_t group = d->head >> recency_depth_shift(l);
        if (d->head & (uint32_t)vm_low_bits(recency_depth_shift(l))) {
            before -= d->before[l][group];
        } else {
            d->before[l][group] = group % DEPTH_FAN ? before : 0;
            before -= d->before[l][group];
        }
    }
    VM_EXPECT(before == 0);
    d->bits[d->head / 64] = 0;
}

/* A touch of the page is to come; it is to come soon, what was asked for ahead is here. */
static inline __attribute__((always_inline)) void recency_depth_ahead(const struct recency_depth *d,
                                                                      uint32_t page)
{
    __builtin_prefetch(&d->at[page], 1);
}

static inline __attribute__((always_inline)) void recency_depth_soon(const struct recency_depth *d,
                                                                     uint32_t page)
{
    uint32_t position = d->at[page];
    __builtin_prefetch(&d->bits[position / 64], 1);
    __builtin_prefetch(&d->before[0][position / 64], 1);
}

/* Touch `page`: its depth, from 1; 0: it was never touched, or was forgotten. */
static inline uint32_t recency_depth_touch(struct recency_depth *d, uint32_t page)
{
    VM_EXPECT(page < DEPTH_PAGES_MAX);
    uint32_t depth = 0;
    if (__builtin_expect(d->head == d->room, 0))
        recency_depth_squeeze(d);
    uint32_t position = d->at[page];
    if (__builtin_expect(position != 0, 1)) {
        depth = d->nlive - recency_depth_rank(d, position - 1);
        recency_depth_clear(d, position - 1);
        d->nlive--;
    } else if (page >= d->npages) {
        d->npages = page + 1;
    }
    if (d->head % 64 == 0)
        recency_depth_enter(d);
    d->bits[d->head / 64] |= UINT64_C(1) << d->head % 64;
    d->nlive++;
    d->at[page] = ++d->head;
    return depth;
}

/* The page leaves the stack; its next touch is as its first. */
static inline void recency_depth_forget(struct recency_depth *d, uint32_t page)
{
    VM_EXPECT(page < d->npages && d->at[page]);
    recency_depth_clear(d, d->at[page] - 1);
    d->nlive--;
    d->at[page] = 0;
}

#endif
