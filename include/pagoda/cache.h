/* cache.h - data caches: the lines of memory used lately, by physical or virtual address.
 *
 * One struct vm_cache is one array of lines in sets of `ways`; struct vm_caches composes up to four
 * levels of them, of which the first may be split into a fetch and a data side.
 *
 *            set chosen by   line known by            so that
 *     pipt   physical        physical address         nothing special happens
 *     vipt   virtual         physical address         bits of the index beyond the page offset give
 *                                                     a line several sets to be in: aliases
 *     vivt   virtual         virtual address, asid    one line under two names: synonyms;
 *                                                     two lines under one name: homonyms
 *
 * Whatever the index, a physical line is in at most one place of a cache: where a real machine
 * would go wrong or its kernel would have to flush, the older copy is written back and dropped, and
 * counted. An entry has its physical line, which the simulator knows; of vivt its name too.
 *
 * Levels are write-back, write-allocate and not inclusive: a miss asks the next level and fills
 * each on its way back; a dirty victim goes to the next level, which takes it in. Contents
 * are not modelled. Recency is the order of a set's ways, as in TLBs (tlb.h).
 *
 * Invariants (vm_cache_check)
 *  1. A physical line is in at most one entry of a cache, in a set that its address may choose.
 *  2. lru, fifo: the empty ways of a set come after the full ones.
 *  3. hot[s] is the entry that set s used last, or 0: for reads and fetches, and again for writes
 *     if it is dirty. A repeated access to it changes nothing. All zero for vivt.
 *  4. fills == evictions + invalidations + lines that are in.
 *  5. A write-through cache has no dirty line.
 *
 * Several processors have levels of their own each, and share those from some level on. Their own
 * are kept coherent by write-invalidation with three states (MSI): a line is dirty in one
 * processor's caches at most, and then in no other's. Before an access that is not hot the others
 * lose the line if it writes; if it reads, they write back what they have dirty and keep it.
 *
 * Not modelled: a split level's sides do not watch each other (as on RISC-V and Arm; stores to code
 * need their fence), no prefetching, no victim caches or write buffers of their own; lines that go
 * from one processor's caches to another's at once (they go by the next level, or memory).
 *
 * Sources: Hennessy & Patterson, Computer Architecture, app. B (placement, replacement, write
 * policies, aliases), 5.2 (coherence by snooping); Cekleov & Dubois, "Virtual-Address Caches",
 * IEEE Micro 17(5-6), 1997.
 */
#ifndef PAGODA_CACHE_H
#define PAGODA_CACHE_H

#include <pagoda/error.h>
#include <pagoda/types.h>

enum vm_cache_side { VM_CACHE_UNIFIED, VM_CACHE_FETCH, VM_CACHE_DATA };
enum vm_cache_replace { VM_CACHE_LRU, VM_CACHE_PLRU, VM_CACHE_FIFO, VM_CACHE_RANDOM };
enum vm_cache_index { VM_CACHE_PIPT, VM_CACHE_VIPT, VM_CACHE_VIVT };
/* How a vivt cache tells address spaces apart: by an asid in each name, by a flush at each switch,
 * or not at all. */
enum vm_cache_tags { VM_CACHE_ASID, VM_CACHE_FLUSH, VM_CACHE_UNTAGGED };
enum vm_cache_write { VM_CACHE_BACK, VM_CACHE_THROUGH };

/* The names in the order of each enum. */
extern const char *const vm_cache_replace_names[4]; /* lru plru fifo random */
extern const char *const vm_cache_index_names[3];   /* pipt vipt vivt */
extern const char *const vm_cache_tags_names[3];    /* asid flush untagged */
extern const char *const vm_cache_write_names[2];   /* back through */

#define VM_CACHE_LEVELS   4
#define VM_CACHES_MAX     (VM_CACHE_LEVELS + 1) /* the first level may be two */
#define VM_CACHE_WAYS_MAX 1024
#define VM_CACHE_LINE_MIN 8 /* bytes: leaves the address bits that hold enum vm_cache_bits */
#define VM_CACHE_LINE_MAX 4096
#define VM_CACHE_PA_BITS  52 /* of a physical address at most */
/* The bits of an entry that hold its line's address. */
#define VM_CACHE_PA_MASK ((UINT64_C(1) << VM_CACHE_PA_BITS) - VM_CACHE_LINE_MIN)
/* In the asid's place for page-table words: a name of their own, as in a kernel's direct map. */
#define VM_CACHE_TABLES 4094

struct vm_cache_config {
    unsigned level; /* 1 is next to the CPU */
    enum vm_cache_side side;
    uint64_t bytes;
    uint32_t ways, line_bytes;
    enum vm_cache_replace replace;
    enum vm_cache_index index;
    enum vm_cache_tags tags; /* of a vivt cache */
    enum vm_cache_write write;
    double hit_ns; /* what an access takes that this cache answers */
};

#define VM_CACHE_COUNTS(X)                                                                         \
    X(accesses, "lines asked for: by the program, by walks, by a nearer cache that missed or "     \
                "writes through; not lines that a nearer cache writes back")                       \
    X(misses, "accesses whose line was not there; each asks the next level, or memory")            \
    X(fills, "lines put in: after a miss, or written back by a nearer cache")                      \
    X(evictions, "fills that took the place of another line")                                      \
    X(writebacks, "dirty lines that left: written to the next level, or to memory")                \
    X(throughs, "writes passed on at once to the next level, or to memory (write-through)")        \
    X(invalidations, "lines dropped otherwise: their page left memory, a switch flushed them, or " \
                     "they were an alias, synonym or homonym")                                     \
    X(aliases, "misses of a vipt cache that found their line in another set")                      \
    X(synonyms, "misses of a vivt cache that found their line under another name")                 \
    X(homonyms, "misses of a vivt cache that found another line under their name: that of "        \
                "another address space, or of the page's frame before")                            \
    X(lost, "of the invalidations, lines that another processor wrote")                            \
    X(shown, "dirty lines that another processor read: written back, and kept")

struct vm_cache_counts {
#define VM_CACHE_COUNT_FIELD(field, what) uint64_t field; /* what */
    VM_CACHE_COUNTS(VM_CACHE_COUNT_FIELD)
#undef VM_CACHE_COUNT_FIELD
};

/* ---- one cache (cache.c) ---- */

/* The bits of an entry below its line's address. An empty entry is 0. */
enum vm_cache_bits { VM_CACHE_DIRTY = 1, VM_CACHE_VALID = 2 };

struct vm_cache {
    uint64_t *line;      /* [sets * ways] physical line | bits; vivt: | asid << 52 */
    uint64_t *name;      /* vivt: [sets * ways] virtual line; else NULL */
    uint64_t *tree;      /* plru: [sets] see base/plru.h; else NULL */
    uint64_t (*path)[2]; /* plru: [ways] what a use of each does to a tree */
    uint64_t (*hot)[2];  /* [hot_mask + 1] invariant 3: for reads and fetches, for writes */
    uint64_t line_mask;  /* of an address: its line */
    uint64_t va_mask;    /* of the address bits that choose a set: all ones if virtual, else 0 */
    unsigned line_shift; /* log2 of a line's bytes */
    uint32_t set_mask;
    uint32_t hot_mask; /* set_mask in level 1; 0 beyond, where nobody asks */
    uint32_t ways;
    uint32_t colours; /* sets in which a physical line may be */
    enum vm_cache_replace replace;
    enum vm_cache_write write;
    enum vm_cache_tags tags;
    uint64_t random; /* random: the state of a splitmix sequence */
    struct vm_cache_counts counts;
};

/* What an access looks for, in one cache. */
struct vm_cache_key {
    uint64_t line; /* its entry, if it is in and clean */
    uint64_t name; /* its virtual line */
    uint32_t set;
};

/* Whether such a cache can be built; the message says what would be possible. VM_EMACHINE. */
bool vm_cache_config_check(const struct vm_cache_config *c, struct vm_error *e);

/* Bytes of arrays that `c` needs, and their initialisation in zeroed memory of that size. */
size_t vm_cache_size(const struct vm_cache_config *c);
void vm_cache_init(struct vm_cache *c, const struct vm_cache_config *config, unsigned page_shift,
                   uint64_t seed, void *memory);

/* How many colours a frame may have in such a cache: where it gives each page a frame whose number
 * is the page's modulo this, the kernel avoids all aliases, and the synonyms within a space that
 * differ in colour (page colouring). 1: any frame will do. */
uint32_t vm_cache_colours(const struct vm_cache_config *c, unsigned page_shift);

struct vm_cache_key vm_cache_key(const struct vm_cache *c, vm_va va, vm_pa pa, vm_asid asid);
/* The entry that answers, or -1. Changes nothing. */
int64_t vm_cache_find(const struct vm_cache *c, struct vm_cache_key key);
/* An entry with any name that has the physical line at `pa`, or -1. */
int64_t vm_cache_find_line(const struct vm_cache *c, vm_pa pa);
/* After a miss: an entry that must be dropped before the line may be put in, counted as alias,
 * synonym or homonym, or -1. There can be two of them: ask again. */
int64_t vm_cache_conflict(struct vm_cache *c, struct vm_cache_key key);

/* Note that the key's entry `i` was used; answers where it is now. */
uint64_t vm_cache_use(struct vm_cache *c, struct vm_cache_key key, uint64_t i);
/* The key's entry `i`, used last in its set, has been written. */
void vm_cache_soil(struct vm_cache *c, struct vm_cache_key key, uint64_t i);
/* Put the line in, clean, used last in its set: `*replaced` is the entry whose place it took, or 0.
 * Neither it nor a conflict with it may be in. Answers where it is. */
uint64_t vm_cache_fill(struct vm_cache *c, struct vm_cache_key key, uint64_t *replaced);
/* Entry `i` is not dirty any more. */
void vm_cache_clean(struct vm_cache *c, uint64_t i);
/* Empty entry `i`, of any set; answers what it was. */
uint64_t vm_cache_drop(struct vm_cache *c, uint64_t i);

void vm_cache_check(const struct vm_cache *c);

/* The physical address of an entry's line. */
static inline vm_pa vm_cache_pa(uint64_t line)
{
    return line & VM_CACHE_PA_MASK;
}

/* ---- levels of them (hierarchy.c) ---- */

struct vm_caches_config {
    size_t n;
    unsigned levels;
    struct vm_cache_config cache[VM_CACHES_MAX]; /* by level, fetch side before data side */
    unsigned tables_level; /* the level that walks ask first; beyond `levels`: memory */
};

struct vm_caches {
    struct vm_cache *first[VM_ACCESSES];      /* level 1, by access */
    struct vm_cache *beyond[VM_CACHE_LEVELS]; /* [level - 1], from level 2 on */
    size_t n;
    unsigned levels;
    unsigned tables;        /* levels that walks pass by */
    uint64_t memory_reads;  /* lines, and table words past the last level, read from memory */
    uint64_t memory_writes; /* lines, and writes passed through, written to memory */
    struct vm_cache cache[VM_CACHES_MAX];
};

/* Whether the caches make a hierarchy: levels from 1 without gaps, only the first one split,
 * virtual or write-through, lines that do not get shorter. Also checks each. VM_EMACHINE. */
bool vm_caches_config_check(const struct vm_caches_config *c, struct vm_error *e);
size_t vm_caches_size(const struct vm_caches_config *c);
/* In zeroed memory of that size. `h` keeps pointers into itself and must not move. */
void vm_caches_init(struct vm_caches *h, const struct vm_caches_config *c, unsigned page_shift,
                    uint64_t seed, void *memory);

/* Whether an access of the line at va, which is at pa, would change nothing but count one access of
 * level 1, which answers it. The caller counts it. */
static inline bool vm_caches_is_hot(const struct vm_caches *h, vm_va va, vm_pa pa,
                                    enum vm_access access)
{
    const struct vm_cache *c = h->first[access];
    uint64_t index = pa ^ ((pa ^ va) & c->va_mask);
    uint64_t line = (pa & c->line_mask) | VM_CACHE_VALID;
    return c->hot[index >> c->line_shift & c->hot_mask][access == VM_WRITE] == line;
}

/* The program accesses the line at va, which is at pa. Answers the level that had it: 0 for level 1
 * and so on, `levels` for memory. */
unsigned vm_caches_access(struct vm_caches *h, vm_va va, vm_pa pa, vm_asid asid,
                          enum vm_access access);
/* A walk reads or writes the table word at pa: as above, from the level that walks ask first. */
unsigned vm_caches_table(struct vm_caches *h, vm_pa pa, enum vm_access access);

/* The frames at [pa, pa + bytes) leave: their lines are dropped everywhere, and what was dirty is
 * written to memory. pa and bytes are multiples of every line. */
void vm_caches_flush_frames(struct vm_caches *h, vm_pa pa, uint64_t bytes);
/* Levels from `shared` on are `with`'s from now on; it is to be done while all is empty. */
void vm_caches_share(struct vm_caches *h, struct vm_caches *with, unsigned shared);
/* Another processor, which shares the levels from `shared` on, will write the line at pa: the
 * levels before lose it. It will read it: they keep it, clean. What was dirty goes on. */
void vm_caches_lose(struct vm_caches *h, unsigned shared, vm_pa pa);
void vm_caches_show(struct vm_caches *h, unsigned shared, vm_pa pa);
/* vm_caches_flush_frames, of the levels before `shared` only. */
void vm_caches_flush_own(struct vm_caches *h, unsigned shared, vm_pa pa, uint64_t bytes);
/* Another address space is current: caches whose tags are VM_CACHE_FLUSH lose all lines. */
void vm_caches_switch(struct vm_caches *h);

void vm_caches_check(const struct vm_caches *h);

#endif
