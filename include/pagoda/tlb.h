/* tlb.h - translation lookaside buffers: the translations used lately, by page.
 *
 * One struct vm_tlb is one array of entries: `entries` of them in sets of `ways` (ways == entries:
 * fully associative). A machine composes levels of them (engine/). An entry is a tag (the page key
 * of types.h, so the ASID is part of the comparison; global pages carry VM_TLB_GLOBAL in its place)
 * and a value (frame, order of the page, rights, marks). The tag of a page of order k has the page
 * number in pages of that order; an array may hold pages of several orders, and tells those of
 * equal tags apart by the order in the value.
 *
 *     lru     an entry's stamp is when it was used last, fifo: when it came; the least one leaves
 *     plru    a binary tree of bits a set points away from what was used
 *     random
 *
 * An entry stays where it is. So whoever remembers where a page is notes its use by one store, and
 * a set of 40 ways costs a hit no more than one of 4: the order is looked for only where an entry
 * has to leave. (The order of the ways as recency needs no stamps, but a move of half a set for
 * each hit: with data in two pages by turns, 4 ns.)
 *
 * An array of pairs has two neighbouring pages in an entry, the even one and the odd one after it,
 * each with its own value; its own tag leaves the page number's last bit out. A value of 0 is no
 * page. Positions in value[] count pages: 2 * entry + half.
 *
 * Invariants (vm_tlb_check)
 *  1. A page stands in at most one way, and in the set that its number selects.
 *  2. lru, fifo: a stamp is 0 where the entry is empty, else no later than now; no two of a set are
 *     equal. Wired entries are empty.
 *  3. A dirty entry is writable; only what the entry allows waits to be marked.
 *
 * Sources: tree-PLRU as in Intel's and ARM's caches: Hennessy & Patterson, Computer Architecture,
 * app. B. Pairs and wired entries: MIPS R4000 User's Manual, ch. 4. The XOR of two fields of the
 * page number as the set: Gras, Razavi, Bos & Giuffrida, "Translation Leak-aside Buffer", USENIX
 * Security 2018.
 */
#ifndef PAGODA_TLB_H
#define PAGODA_TLB_H

#include <pagoda/error.h>
#include <pagoda/types.h>

enum vm_tlb_replace { VM_TLB_LRU, VM_TLB_PLRU, VM_TLB_FIFO, VM_TLB_RANDOM };
/* The accesses that it serves; data are loads and stores. */
enum vm_tlb_side { VM_TLB_UNIFIED, VM_TLB_FETCH, VM_TLB_DATA, VM_TLB_LOAD, VM_TLB_STORE };
/* What selects the set of a page number n in 2^k sets: its low k bits, or those of n ^ n >> k. */
enum vm_tlb_index { VM_TLB_INDEX_LOW, VM_TLB_INDEX_XOR };

/* A value: the frame of the page's first base page, the page's order, VM_PROT_* and these bits. */
enum vm_tlb_bits {
    VM_TLB_DIRTY = 16,
    VM_TLB_OWES_REFERENCED = 32, /* the table's entry is still to be marked referenced, dirty */
    VM_TLB_OWES_DIRTY = 64,
    VM_TLB_OWES = VM_TLB_OWES_REFERENCED | VM_TLB_OWES_DIRTY,
};
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
    enum vm_tlb_index index;
    double hit_ns;  /* what a hit here costs more than a hit in level 1 */
    uint64_t sizes; /* bit b: holds pages of 2^b bytes; 0: all sizes that there are */
    bool pairs;     /* an entry holds an even page and the odd one after it */
    bool bounded;   /* its pages may be segments with bounds (struct vm_walk's first and end) */
    uint32_t wired; /* entries kept for the kernel's own mappings; only where there is one set */
};

struct vm_tlb_counts {
    uint64_t lookups, misses, fills, evictions, invalidations;
};

/* A translation as it goes from one TLB to another. */
struct vm_tlb_entry {
    uint64_t value;
    uint32_t first, end; /* its base pages [first, end) are there: of a page, 0 and 2^order */
};

struct vm_tlb {
    uint64_t *tag;    /* [entries], VM_TLB_EMPTY where invalid */
    uint64_t *stamp;  /* [entries] lru, fifo: invariant 2 */
    uint64_t *value;  /* [entries << pair_shift] frame, order, bits */
    uint64_t *bounds; /* likewise, first | end << 32; NULL: its pages have none */
    uint64_t *tree;   /* plru: [sets] base/plru.h */
    uint64_t random;  /* random: the state of a splitmix sequence */
    uint32_t ways, set_mask;
    uint32_t open;      /* ways of a set that fills may take: those not wired */
    uint8_t fold;       /* the set of page number n: (n ^ n >> fold) & set_mask */
    uint8_t pair_shift; /* 1: an entry has two pages */
    uint8_t gone_order; /* of the pages of the entry that a fill replaced last */
    enum vm_tlb_replace replace;
    uint64_t now;     /* the latest stamp */
    uint64_t last;    /* the entry that was used or filled last */
    uint32_t nglobal; /* valid entries with a VM_TLB_GLOBAL tag */
    struct vm_tlb_counts counts;
    /* Told of each page that leaves (replaced, removed) and owes marks. NULL: none ever does. */
    void (*leaving)(void *host, const struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e);
    void *host;
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

/* The tag of the same page at `order`, and in every address space. */
static inline uint64_t vm_tlb_tag(uint64_t base_tag, unsigned order)
{
    return (base_tag >> order & ~UINT64_C(0xfff)) | (base_tag & 0xfff);
}
static inline uint64_t vm_tlb_global(uint64_t tag)
{
    return (tag & ~UINT64_C(0xfff)) | VM_TLB_GLOBAL;
}

/* Whether the low bits of a page's number alone choose its set and what it shares an entry with. */
static inline bool vm_tlb_is_plain(const struct vm_tlb *t)
{
    return t->fold == 63 && !t->pair_shift;
}

/* The tag that the page's entry carries, and the set of such a tag. */
static inline uint64_t vm_tlb_own_tag(const struct vm_tlb *t, uint64_t tag)
{
    return vm_tlb_tag(tag, t->pair_shift);
}
static inline uint64_t vm_tlb_set(const struct vm_tlb *t, uint64_t own_tag)
{
    uint64_t n = own_tag >> 12;
    return (n ^ n >> t->fold) & t->set_mask;
}

/* Whether such a TLB can be built; the message says what would be possible. VM_EMACHINE. */
bool vm_tlb_config_check(const struct vm_tlb_config *c, struct vm_error *e);

/* Bytes of arrays that `c` needs, and their initialisation in zeroed memory of that size. */
size_t vm_tlb_size(const struct vm_tlb_config *c);
void vm_tlb_init(struct vm_tlb *t, const struct vm_tlb_config *c, uint64_t seed, void *memory);

/* Where in value[] the page of this order with `tag` is, or -1. Changes nothing. */
int64_t vm_tlb_find(const struct vm_tlb *t, uint64_t tag, unsigned order);

/* The page at value[i]: its tag, and the translation. */
uint64_t vm_tlb_tag_at(const struct vm_tlb *t, uint64_t i);
struct vm_tlb_entry vm_tlb_entry_at(const struct vm_tlb *t, uint64_t i);
void vm_tlb_set_entry(struct vm_tlb *t, uint64_t i, struct vm_tlb_entry e);

/* The tree of entry `way`, of a plru TLB, points away from it. */
void vm_tlb_use_tree(struct vm_tlb *t, uint64_t way);

/* Note that the page at value[i] was used. */
static inline void vm_tlb_use(struct vm_tlb *t, uint64_t i)
{
    uint64_t way = t->last = i >> t->pair_shift;
    if (t->replace == VM_TLB_LRU)
        t->stamp[way] = ++t->now;
    else if (t->replace == VM_TLB_PLRU)
        vm_tlb_use_tree(t, way);
}

/* Of entry `way`, how many of its set come before it: lru: are more recent, fifo: newer; empty ones
 * come last. Else its place in the set. */
uint64_t vm_tlb_rank(const struct vm_tlb *t, uint64_t way);

/* Put a page in, replacing an entry of its set; it must not be in yet. Answers the own tag of the
 * entry that it replaced, or VM_TLB_EMPTY. */
uint64_t vm_tlb_fill(struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e);

/* The first of the n base pages from number `page` on that entry `way`, which is not empty, is for
 * (of a pair, either): how far it is from there; n: none. */
uint64_t vm_tlb_first_in(const struct vm_tlb *t, uint64_t way, uint64_t page, uint64_t n);
/* Remove the page's entry, of a pair both pages: true if there was one. */
bool vm_tlb_invalidate(struct vm_tlb *t, uint64_t tag, unsigned order);
/* Remove the entries of one address space; all but the global ones. */
void vm_tlb_invalidate_space(struct vm_tlb *t, vm_asid asid);
void vm_tlb_flush(struct vm_tlb *t);

void vm_tlb_check(const struct vm_tlb *t);

/* The names in order of enum vm_tlb_replace: "lru|plru|fifo|random". */
extern const char *const vm_tlb_replace_names[4];

#endif
