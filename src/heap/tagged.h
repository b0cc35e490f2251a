/* tagged.h - a region as a row of blocks, each with a tag before it: what list heaps, tree-fit and
 * tlsf have in common but for how they find a free block.
 *
 *          at of A                      at of B                                     last == end
 *     | tag | A, live ..................| tag | B, free: links .......... | bytes | tag |
 *           <------ bytes of A -------------->|
 *
 * A block is named by the offset at which its contents begin, its *place*; its bytes reach to the
 * next one's place. A tag is a word, or two:
 *
 *     word    the block's bytes, a multiple of 16 | FREE | LOW_FREE, and above bit 48 a seal of
 *             these bits and of the place: no byte can change without its being noticed
 *     magic   notes=header only, before the word: all of its bits and the place, mixed
 *
 * With boundary tags (notes=tags) the bytes of a free block also stand at its end, and the block
 * above knows by LOW_FREE that they do: so both neighbours of a block are found at once. A header
 * alone (notes=header) leads to the neighbour above and to no other.
 *
 * Invariants
 *  1. Blocks follow each other from PLACE_FIRST to `last`, where an empty live one ends the row.
 *  2. LOW_FREE is set (with boundary tags) if and only if the block below is free.
 *  3. No valid tag lies inside a block: one that is swallowed is wiped.
 *
 * Knuth, "The Art of Computer Programming" vol. 1, section 2.5, exercise 19 and algorithm C
 * (boundary tags); Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 17 (the magic
 * number).
 */
#ifndef HEAP_TAGGED_H
#define HEAP_TAGGED_H

#include "base/random.h"
#include "heap/ground.h"

#define PLACE_NONE  ((size_t)0)
#define PLACE_FIRST VM_HEAP_ALIGN

#define TAG_FREE     UINT64_C(1)
#define TAG_LOW_FREE UINT64_C(2)
#define TAG_BYTES    UINT64_C(0xfffffffffff0) /* region limits are below 2^48 */
#define TAG_SEAL     48

#define TAGGED_BYTES_MIN ((size_t)32) /* room for two links, and the bytes at the end */

/* Bytes of a tag. A file whose heaps all have the same says so before it includes this, and what
 * depends on it is decided when it is compiled. */
#ifndef TAGGED_LEAD
#define TAGGED_LEAD(t) ((t)->lead)
#endif

struct tagged {
    struct ground ground;
    size_t last; /* place of the empty block at the end */
    size_t lead; /* bytes of a tag: 8, or 16 with a magic number */
};

void vm_tagged_init(struct tagged *t, const struct vm_heap_env *env, size_t lead);
/* Why `place`, which has no valid tag, cannot be given back. */
enum vm_heap_fault vm_tagged_diagnose(const struct tagged *t, size_t place);
void vm_tagged_walk(const struct tagged *t, void *host,
                    void (*piece)(void *host, const struct vm_heap_piece *));
/* Whether the row is whole; how many of its blocks are free, in *nfree. */
bool vm_tagged_check(const struct tagged *t, uint64_t *nfree, struct vm_heap_damage *out);
/* Fill *out; false, so that a check can return it. */
bool vm_tagged_damage(struct vm_heap_damage *out, size_t place, const char *what);

/* ---- tags ---- */

static inline uint64_t *tagged_at(const struct tagged *t, size_t offset)
{
    return (uint64_t *)(void *)(t->ground.base + offset);
}

/* The word before `place`. */
static inline uint64_t *tagged_word(const struct tagged *t, size_t place)
{
    return tagged_at(t, place - sizeof(uint64_t));
}

/* Words of 16 bits are combined so that a change of one of them changes the seal. What the place
 * adds is odd: a row of equal bytes is no tag. */
static inline uint64_t tagged_sealed(uint64_t bits, size_t place)
{
    uint64_t seal = bits ^ bits >> 16 ^ bits >> 32;
    uint64_t salt = (place * UINT64_C(0x9e3779b97f4a7c15)) >> TAG_SEAL | 1;
    return bits | (seal ^ salt) << TAG_SEAL;
}

static inline uint64_t tagged_magic(uint64_t word, size_t place)
{
    return vm_mix64(word ^ ~place);
}

static inline void tagged_set(const struct tagged *t, size_t place, size_t bytes, uint64_t flags)
{
    uint64_t word = tagged_sealed(bytes | flags, place);
    *tagged_word(t, place) = word;
    if (TAGGED_LEAD(t) > sizeof word)
        *tagged_at(t, place - 2 * sizeof word) = tagged_magic(word, place);
}

static inline void tagged_wipe(const struct tagged *t, size_t place)
{
    *tagged_word(t, place) = 0;
}

static inline size_t tagged_bytes(const struct tagged *t, size_t place)
{
    return *tagged_word(t, place) & TAG_BYTES;
}

static inline size_t tagged_above(const struct tagged *t, size_t place)
{
    return place + tagged_bytes(t, place);
}

static inline bool tagged_is_free(const struct tagged *t, size_t place)
{
    return *tagged_word(t, place) & TAG_FREE;
}

/* Whether a tag could be before `place`. */
static inline bool tagged_inside(const struct tagged *t, size_t place)
{
    return (place % VM_HEAP_ALIGN == 0) & (place - PLACE_FIRST <= t->last - PLACE_FIRST);
}

/* Whether `place`, any number, has a valid tag before it. */
static inline bool tagged_is_good(const struct tagged *t, size_t place)
{
    if (!tagged_inside(t, place) || !t->ground.end)
        return false;
    uint64_t word = *tagged_word(t, place), bits = word & vm_low_bits(TAG_SEAL);
    if (word != tagged_sealed(bits, place) || (bits & TAG_BYTES) > t->last - place)
        return false;
    return TAGGED_LEAD(t) == sizeof word ||
           *tagged_at(t, place - 2 * sizeof word) == tagged_magic(word, place);
}

/* Whether `place`, any number, is that of a free block: what a link must lead to. */
static inline bool tagged_is_free_block(const struct tagged *t, size_t place)
{
    return tagged_is_good(t, place) && tagged_is_free(t, place);
}

static inline bool tagged_has_boundaries(const struct tagged *t)
{
    return TAGGED_LEAD(t) == sizeof(uint64_t);
}

/* The bytes at the end of the block that ends where the one at `above` begins. */
static inline uint64_t *tagged_boundary(const struct tagged *t, size_t above)
{
    return tagged_at(t, above - TAGGED_LEAD(t) - sizeof(uint64_t));
}

/* Tell the block at `above` whether the one below it is free. The seal's bit turns with the flag:
 * a tag that was overwritten stays invalid. */
static inline void tagged_mark(const struct tagged *t, size_t above, uint64_t low_free)
{
    uint64_t *word = tagged_word(t, above);
    if (tagged_has_boundaries(t) && (*word & TAG_LOW_FREE) != low_free)
        *word ^= TAG_LOW_FREE | TAG_LOW_FREE << TAG_SEAL;
}

/* Whether the block below `place` is free, as a flag. */
static inline uint64_t tagged_low_free(const struct tagged *t, size_t place)
{
    return *tagged_word(t, place) & TAG_LOW_FREE;
}

/* Make [place, place + bytes) a free block in the row, in no index. */
static inline void tagged_set_free(const struct tagged *t, size_t place, size_t bytes,
                                   uint64_t low_free)
{
    tagged_set(t, place, bytes, TAG_FREE | low_free);
    tagged_mark(t, place + bytes, TAG_LOW_FREE);
    if (tagged_has_boundaries(t))
        *tagged_boundary(t, place + bytes) = bytes;
}

/* The free block below `place` by its boundary, or PLACE_NONE. */
static inline size_t tagged_below(const struct tagged *t, size_t place)
{
    if (!tagged_low_free(t, place))
        return PLACE_NONE;
    size_t below = place - *tagged_boundary(t, place);
    bool good = tagged_is_free_block(t, below) && tagged_above(t, below) == place;
    return good ? below : PLACE_NONE;
}

/* The first words of the contents of a free block, which link it with others: link 0 or 1. */
static inline size_t *tagged_link(const struct tagged *t, size_t place, unsigned link)
{
    return tagged_at(t, place + link * sizeof(uint64_t));
}

/* What a link leads to, or PLACE_NONE if that is no free block. */
static inline size_t tagged_follow(const struct tagged *t, size_t link)
{
    return tagged_is_free_block(t, link) ? link : PLACE_NONE;
}

/* ---- requests ---- */

/* Bytes of the block that serves a request for `bytes`, at most the region's limit. */
static inline size_t tagged_request(const struct tagged *t, size_t bytes)
{
    size_t least = ground_round(bytes + TAGGED_LEAD(t), VM_HEAP_ALIGN);
    return least < TAGGED_BYTES_MIN ? TAGGED_BYTES_MIN : least;
}

/* Where contents aligned to `align` begin in the free block `place`: there, or so far behind it
 * that a free block stays before them. */
static inline size_t tagged_start(size_t place, size_t align)
{
    size_t start = ground_round(place, align);
    return start == place || start - place >= TAGGED_BYTES_MIN
               ? start
               : ground_round(place + TAGGED_BYTES_MIN, align);
}

/* Whether the free block `place` holds a block of `bytes`, aligned. */
static inline bool tagged_holds(const struct tagged *t, size_t place, size_t bytes, size_t align)
{
    return tagged_start(place, align) + bytes <= tagged_above(t, place);
}

/* Bytes of a free block that holds `bytes`, aligned, wherever it lies. */
static inline size_t tagged_enough(size_t bytes, size_t align)
{
    return align == VM_HEAP_ALIGN ? bytes : bytes + align + TAGGED_BYTES_MIN;
}

#endif
