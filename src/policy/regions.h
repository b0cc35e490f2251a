/* regions.h - where pages lie, and which regions have been found dense.
 *
 * A region is what one leaf table maps; a window, some pages around one, of its region.
 *
 * What has been found dense, that is referenced in one page of eight or more, is kept in a Bloom
 * filter (CACM 13(7) 1970): two bits for a region, both set if it is in, and by chance if it is
 * not. There are two filters, by the parity of a number that the policy counts: one is read while
 * the other is filled. In the first everything is. Linux 6.1: mm/vmscan.c, get_item_key,
 * suitable_to_scan.
 *
 * Counting the referenced pages of regions takes no second pass over these: a table of counts, in
 * which only those are that have the number of the present walk.
 */
#ifndef POLICY_REGIONS_H
#define POLICY_REGIONS_H

#include "base/assert.h"
#include "base/bits.h"
#include "base/block.h"
#include "base/random.h"

#include <pagoda/types.h>
#include <string.h>

#define REGIONS_DENSE 8 /* pages of which one is referenced: a cache line of entries */

struct region_count {
    uint64_t region;
    uint32_t walk, young;
};

struct regions {
    uint64_t *place;            /* [nframes] */
    uint64_t *dense[2];         /* Bloom filters of 2^filter_log2 bits */
    struct region_count *count; /* [count_mask + 1], at least twice as many as frames */
    uint32_t count_mask;
    uint32_t walk; /* number of the present walk; 0: there was none */
    unsigned region_log2, window_log2, filter_log2;
};

/* `n` places from `first` on, of one region. */
struct window {
    uint64_t first, n;
};

static inline size_t regions_filter_words(const struct regions *r)
{
    return ((size_t)1 << r->filter_log2) / 64 + 1;
}

/* The three logarithms have been set. */
static inline void regions_layout(struct regions *r, struct block *b, uint32_t nframes)
{
    size_t ncounts = (size_t)2 << vm_bits_below(nframes);
    r->count_mask = (uint32_t)(ncounts - 1);
    r->place = block_take(b, nframes * sizeof *r->place);
    r->count = block_take(b, ncounts * sizeof *r->count);
    for (unsigned i = 0; i < 2; i++)
        r->dense[i] = block_take(b, regions_filter_words(r) * sizeof(uint64_t));
}

static inline void regions_init(struct regions *r)
{
    for (unsigned i = 0; i < 2; i++)
        memset(r->dense[i], 0xff, regions_filter_words(r) * sizeof(uint64_t));
}

static inline uint64_t regions_hash(uint64_t number)
{
    return vm_mix64(number + UINT64_C(0x9e3779b97f4a7c15));
}

/* ---- places ---- */

static inline uint64_t regions_of(const struct regions *r, vm_pfn frame)
{
    return r->place[frame] >> r->region_log2;
}

/* The window with the frame's page in its middle, moved to lie in its region; that, if smaller. */
static inline struct window regions_window(const struct regions *r, vm_pfn frame)
{
    uint64_t size = UINT64_C(1) << r->window_log2, whole = UINT64_C(1) << r->region_log2;
    uint64_t start = regions_of(r, frame) << r->region_log2;
    if (whole <= size)
        return (struct window){start, whole};
    uint64_t at = r->place[frame] - start, first = at < size / 2 ? 0 : at - size / 2;
    first = start + (first < whole - size ? first : whole - size);
    return (struct window){first, size};
}

/* So many referenced pages of so many, at least, are what is called dense. */
static inline uint64_t regions_dense(uint64_t pages)
{
    return (pages + REGIONS_DENSE - 1) / REGIONS_DENSE;
}

/* ---- filters ---- */

/* Where a region's two bits are: the low bits of its hash, and those above. */
static inline void regions_bits(const struct regions *r, uint64_t region, uint64_t bit[2])
{
    uint64_t hash = regions_hash(region), mask = vm_low_bits(r->filter_log2);
    bit[0] = hash & mask;
    bit[1] = hash >> r->filter_log2 & mask;
}

static inline void regions_found(struct regions *r, uint64_t number, uint64_t region)
{
    uint64_t *word = r->dense[number % 2], bit[2];
    regions_bits(r, region, bit);
    word[bit[0] / 64] |= UINT64_C(1) << bit[0] % 64;
    word[bit[1] / 64] |= UINT64_C(1) << bit[1] % 64;
}

static inline bool regions_known(const struct regions *r, uint64_t number, uint64_t region)
{
    const uint64_t *word = r->dense[number % 2];
    uint64_t bit[2];
    regions_bits(r, region, bit);
    return word[bit[0] / 64] >> bit[0] % 64 & word[bit[1] / 64] >> bit[1] % 64 & 1;
}

/* ---- walks ---- */

/* A walk begins: the filter that it fills for the next is empty, as are the counts. */
static inline void regions_walk(struct regions *r, uint64_t next)
{
    memset(r->dense[next % 2], 0, regions_filter_words(r) * sizeof(uint64_t));
    r->walk++;
}

/* One more of the region's pages was found referenced in this walk: how many that makes. */
static inline uint32_t regions_count(struct regions *r, uint64_t region)
{
    uint32_t i = (uint32_t)(regions_hash(region) & r->count_mask);
    while (r->count[i].walk == r->walk && r->count[i].region != region)
        i = (i + 1) & r->count_mask;
    if (r->count[i].walk != r->walk)
        r->count[i] = (struct region_count){.region = region, .walk = r->walk};
    return ++r->count[i].young;
}

#endif
