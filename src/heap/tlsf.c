/* tlsf.c - two-level segregated fit: two bitmaps lead to a list of free blocks, in a time that does
 * not depend on how many there are.
 *
 *     first level    powers of two: [512, 1024), [1024, 2048) ...         a bitmap of those that
 *     second level   each in 32 equal parts: [512, 528), [528, 544) ...   have free blocks
 *                    with a list, and a bitmap of the lists that are not empty
 *
 * A request is rounded up to the next part's lower bound, so that the first block of the first list
 * from there on serves whatever it is: a good fit, not always the best. Blocks of less than 512
 * bytes have a list for each of their lengths, and need no rounding. Free neighbours are merged at
 * once, by boundary tags.
 *
 * Invariants
 *  1. A free block is in the list of its length, and of no other.
 *  2. A bit is set if and only if its list, or one of its row, is not empty.
 *  3. A list is headed by a free block. A link is followed only to a block that links back, or, in
 *     a search, to one whose tag is valid and says free.
 *
 * Masmano, Ripoll, Crespo & Real, "TLSF: a new dynamic memory allocator for real-time systems",
 * ECRTS 2004.
 */
#define TAGGED_LEAD(t) ((void)(t), sizeof(uint64_t)) /* boundary tags */
#include "heap/tagged.h"

#define SECOND_BITS 5 /* 32 parts: a block is at most 1/32 longer than was looked for, or 3 % */
#define SECONDS     (1u << SECOND_BITS)
#define EXACT_BITS  9 /* lengths below have a list each: 32 multiples of 16 */
#define FIRSTS      (TAG_SEAL - EXACT_BITS + 1)

struct tlsf {
    struct tagged row;
    uint64_t firsts;          /* bit f: seconds[f] is not 0 */
    uint32_t seconds[FIRSTS]; /* bit s: head[f][s] is not PLACE_NONE */
    size_t head[FIRSTS][SECONDS];
};

struct part {
    unsigned first, second;
};

/* Lengths of a part, as a power of two: 16 of the lists of one length each. */
static unsigned part_shift(size_t bytes)
{
    return vm_log2(bytes | (size_t)1 << EXACT_BITS) - SECOND_BITS;
}

static struct part part_of(size_t bytes)
{
    unsigned shift = part_shift(bytes);
    return (struct part){shift + SECOND_BITS - EXACT_BITS + (bytes >> EXACT_BITS != 0),
                         (unsigned)(bytes >> shift) & (SECONDS - 1)};
}

/* The links of a free block in its list. */
static size_t *link_next(const struct tlsf *h, size_t place)
{
    return tagged_link(&h->row, place, 0);
}

static size_t *link_prev(const struct tlsf *h, size_t place)
{
    return tagged_link(&h->row, place, 1);
}

/* Whether the contents of a block can begin where a link leads to. */
static bool leads(const struct tlsf *h, size_t link)
{
    return tagged_inside(&h->row, link) && link != h->row.last;
}

static void index_insert(struct tlsf *h, size_t place)
{
    struct part p = part_of(tagged_bytes(&h->row, place));
    size_t *head = &h->head[p.first][p.second], next = *head;
    *link_next(h, place) = next;
    *link_prev(h, place) = PLACE_NONE;
    if (next != PLACE_NONE)
        *link_prev(h, next) = place;
    *head = place;
    h->firsts |= UINT64_C(1) << p.first;
    h->seconds[p.first] |= UINT32_C(1) << p.second;
}

static void index_remove(struct tlsf *h, size_t place)
{
    struct part p = part_of(tagged_bytes(&h->row, place));
    size_t *head = &h->head[p.first][p.second];
    size_t next = *link_next(h, place), prev = *link_prev(h, place);
    if (!leads(h, next) || *link_prev(h, next) != place)
        next = PLACE_NONE;
    if (!leads(h, prev) || *link_next(h, prev) != place)
        prev = PLACE_NONE;
    if (next != PLACE_NONE)
        *link_prev(h, next) = prev;
    *(prev == PLACE_NONE ? head : link_next(h, prev)) = next;
    if (*head != PLACE_NONE)
        return;
    h->seconds[p.first] &= ~(UINT32_C(1) << p.second);
    if (!h->seconds[p.first])
        h->firsts &= ~(UINT64_C(1) << p.first);
}

#define TAGGED_HEAP struct tlsf
#include "heap/eager.inc.h"

/* Move *p to the first part from there on that has a free block. False: there is none. */
static bool part_seek(const struct tlsf *h, struct part *p)
{
    uint64_t seconds = h->seconds[p->first] & ~vm_low_bits(p->second);
    if (!seconds) {
        uint64_t firsts = h->firsts & ~vm_low_bits(p->first + 1);
        if (!firsts)
            return false;
        p->first = (unsigned)__builtin_ctzll(firsts);
        seconds = h->seconds[p->first];
    }
    p->second = (unsigned)__builtin_ctzll(seconds);
    return true;
}

/* A block of the list of part `p` that holds `bytes`, aligned. */
static size_t list_find(struct tlsf *h, struct part p, size_t bytes, size_t align)
{
    size_t at = tagged_follow(&h->row, h->head[p.first][p.second]);
    for (uint64_t left = h->row.ground.free_blocks; left && at != PLACE_NONE; left--) {
        h->row.ground.searched++;
        if (tagged_holds(&h->row, at, bytes, align))
            return at;
        at = tagged_follow(&h->row, *link_next(h, at));
    }
    return PLACE_NONE;
}

/* No block is long enough whatever it is: one may yet be that is just as long as asked for, or
 * aligned as it lies. Else what was given back might not be had again. */
static __attribute__((noinline)) size_t find_lucky(struct tlsf *h, size_t bytes, size_t align)
{
    size_t found = PLACE_NONE;
    for (struct part p = part_of(bytes); found == PLACE_NONE && part_seek(h, &p); p.second++) {
        found = list_find(h, p, bytes, align);
        if (p.second + 1 == SECONDS)
            p = (struct part){p.first + 1, UINT32_MAX};
    }
    return found;
}

static size_t index_find(struct tlsf *h, size_t bytes, size_t align)
{
    size_t least = tagged_enough(bytes, align);
    struct part p = part_of(least + ((size_t)1 << part_shift(least)) - 1);
    h->row.ground.searched++;
    size_t found = PLACE_NONE;
    if (part_seek(h, &p))
        found = tagged_follow(&h->row, h->head[p.first][p.second]);
    return found != PLACE_NONE ? found : find_lucky(h, bytes, align);
}

static size_t index_max(const struct tlsf *h)
{
    size_t most = 0, at = PLACE_NONE;
    if (h->firsts) {
        unsigned first = vm_log2(h->firsts);
        at = tagged_follow(&h->row, h->head[first][vm_log2(h->seconds[first])]);
    }
    for (uint64_t left = h->row.ground.free_blocks; left && at != PLACE_NONE; left--) {
        most = tagged_bytes(&h->row, at) > most ? tagged_bytes(&h->row, at) : most;
        at = tagged_follow(&h->row, *link_next(h, at));
    }
    return most;
}

#include "heap/tagged_template.inc.h"

/* The list of a part holds free blocks of its lengths; how many is added to *nlisted. */
static bool check_part(const struct tlsf *h, struct part p, uint64_t *nlisted,
                       struct vm_heap_damage *out)
{
    size_t prev = PLACE_NONE, at = h->head[p.first][p.second];
    bool marked = h->firsts >> p.first & 1 && h->seconds[p.first] >> p.second & 1;
    if (marked != (at != PLACE_NONE))
        return vm_tagged_damage(out, at, "the bitmap of the list");
    for (; at != PLACE_NONE && *nlisted <= h->row.ground.free_blocks; at = *link_next(h, at)) {
        if (!tagged_is_free_block(&h->row, at))
            return vm_tagged_damage(out, prev, "the link to the next free block, in that");
        struct part its = part_of(tagged_bytes(&h->row, at));
        if (*link_prev(h, at) != prev || its.first != p.first || its.second != p.second)
            return vm_tagged_damage(out, at, "the link to the free block before, in that");
        ++*nlisted;
        prev = at;
    }
    return true;
}

static bool check(const void *state, struct vm_heap_damage *out)
{
    const struct tlsf *h = state;
    uint64_t nfree, nlisted = 0;
    if (!vm_tagged_check(&h->row, &nfree, out))
        return false;
    for (unsigned f = 0; f < FIRSTS; f++)
        for (unsigned s = 0; s < SECONDS; s++)
            if (!check_part(h, (struct part){f, s}, &nlisted, out))
                return false;
    if (nlisted != nfree || nfree != h->row.ground.free_blocks)
        return vm_tagged_damage(out, PLACE_NONE, "a list ends too early, somewhere");
    return true;
}

const struct vm_heap_ops vm_heap_tlsf = {
    .name = "tlsf",
    .summary = "lists of free blocks by length, found by two levels of bitmaps (good fit)",
    .check = check,
    EAGER_OPS,
};
