/* tlb.h - translation lookaside buffers: the translations used lately, by page.
 *
 * One struct vm_tlb is one array of entries: `entries` of them in sets of `ways` (ways == entries:
 * fully associative). A machine composes levels of them (engine/). An entry is a tag (the page key
 * of types.h, so the ASID is part of the comparison; global pages carry VM_TLB_GLOBAL in its place)
 * and a value (frame, order of the page, rights, dirty). The tag of a page of order k has the page
 * number in pages of that order.
 *
 *     set s:  way 0  way 1  ...  way ways-1
 *     lru:    most recent ------> least recent      a hit moves its way to the front
 *     fifo:   newest ----------> oldest             a hit moves nothing
 *     plru:   fixed places; a binary tree of bits a set points away from what was used
 *     random: fixed places
 *
 * Keeping recency as the order of a set's ways needs no clocks, and puts the way that is hit most
 * where the search begins.
 *
 * Invariants (vm_tlb_check)
 *  1. A tag stands in at most one way, and in the set that its page number selects.
 *  2. lru, fifo: the empty ways of a set come after the full ones.
 *  3. A dirty entry is writable.
 *
 * Tree-PLRU as in Intel's and ARM's caches: Hennessy & Patterson, Computer Architecture, app. B.
 */
#ifndef PAGODA_TLB_H
#define PAGODA_TLB_H

#include <pagoda/error.h>
#include <pagoda/types.h>

enum vm_tlb_replace { VM_TLB_LRU, VM_TLB_PLRU, VM_TLB_FIFO, VM_TLB_RANDOM };
enum vm_tlb_side { VM_TLB_UNIFIED, VM_TLB_FETCH, VM_TLB_DATA };

/* A value: the frame of the page's first base page, the page's order, VM_PROT_* and this bit. */
enum vm_tlb_bits { VM_TLB_DIRTY = 16 };
#define VM_TLB_ORDER_SHIFT 8
#define VM_TLB_ORDER_MASK  (UINT64_C(0x3f) << VM_TLB_ORDER_SHIFT)
#define VM_TLB_FRAME_SHIFT 16

#define VM_TLB_EMPTY  UINT64_MAX /* no page key: its ASID would be 4095 */
#define VM_TLB_GLOBAL 4094       /* in the ASID's place: matches in every address space */

struct vm_tlb_config {
    unsigned level; /* 1 is next to the CPU */
    enum vm_tlb_side side;
    uint32_t entries, ways;
    enum vm_tlb_replace replace;
    double hit_ns; /* what a hit here costs more than a hit in level 1 */
};

struct vm_tlb_counts {
    uint64_t lookups, misses, fills, evictions, invalidations;
};

struct vm_tlb {
    uint64_t *tag;   /* [entries], VM_TLB_EMPTY where invalid */
    uint64_t *value; /* [entries] frame, order, bits */
    uint64_t *tree;  /* plru: [sets] bit k: the victim lies in the upper half below node k */
    uint64_t random; /* random: the state of a splitmix sequence */
    uint32_t ways, set_mask;
    enum vm_tlb_replace replace;
    uint32_t nglobal; /* valid entries with a VM_TLB_GLOBAL tag */
    struct vm_tlb_counts counts;
};

static inline uint64_t vm_tlb_value(vm_pfn pfn, unsigned order, unsigned bits)
{
    return (uint64_t)pfn << VM_TLB_FRAME_SHIFT | order << VM_TLB_ORDER_SHIFT | bits;
}
static inline vm_pfn vm_tlb_pfn(uint64_t value)
{
    return (vm_pfn)(value >> VM_TLB_FRAME_SHIFT);
}
static inline unsigned vm_tlb_order(uint64_t value)
{
    return (unsigned)((value & VM_TLB_ORDER_MASK) >> VM_TLB_ORDER_SHIFT);
}

/* The set of a tag. */
static inline uint64_t vm_tlb_set(const struct vm_tlb *t, uint64_t tag)
{
    return (tag >> 12) & t->set_mask;
}

/* Whether such a TLB can be built; the message says what would be possible. VM_EMACHINE. */
bool vm_tlb_config_check(const struct vm_tlb_config *c, struct vm_error *e);

/* Bytes of arrays that `c` needs, and their initialisation in zeroed memory of that size. */
size_t vm_tlb_size(const struct vm_tlb_config *c);
void vm_tlb_init(struct vm_tlb *t, const struct vm_tlb_config *c, uint64_t seed, void *memory);

/* The index of the entry that holds `tag`, or -1. Changes nothing. */
static inline int64_t vm_tlb_find(const struct vm_tlb *t, uint64_t tag)
{
    uint64_t first = vm_tlb_set(t, tag) * t->ways;
    for (uint32_t w = 0; w < t->ways; w++)
        if (t->tag[first + w] == tag)
            return (int64_t)(first + w);
    return -1;
}

/* Note that entry `i` was used; answers where it is now. */
uint64_t vm_tlb_use(struct vm_tlb *t, uint64_t i);

/* Put (tag, value) in, replacing an entry of its set; the tag must not be in yet. Answers the tag
 * that it replaced, or VM_TLB_EMPTY. */
uint64_t vm_tlb_fill(struct vm_tlb *t, uint64_t tag, uint64_t value);

/* Remove the page's entry: true if there was one. */
bool vm_tlb_invalidate(struct vm_tlb *t, uint64_t tag);
/* Remove the entries of one address space; of all but the global ones. */
void vm_tlb_invalidate_space(struct vm_tlb *t, vm_asid asid);
void vm_tlb_flush(struct vm_tlb *t);

void vm_tlb_check(const struct vm_tlb *t);

/* The names in order of enum vm_tlb_replace: "lru|plru|fifo|random". */
extern const char *const vm_tlb_replace_names[4];

#endif
