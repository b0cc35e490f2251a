/* machine.h - the state of one machine (struct vm_engine) and what the stamped loops share.
 *
 * The touch path, from most to least frequent:
 *   hot     a page that is in level 1, as the loop remembers: its stamp there (mmu_loop.inc.h)
 *   hit     another page of level 1: its stamp, the frame's bits (mmu_loop.inc.h)
 *   miss    further levels (mmu.c, levels.c), the walk, the fault path (walk.c)
 *
 * Invariants
 *  1. hot[a][s] has a base page of slot `s`, of the space that runs, that base1[a], the level-1 TLB
 *     of base pages for access `a`, has, if such a touch would change nothing but the stamp:
 *     the right is there, the frame's bits are set. Else HOT_NONE. Base pages of a large page are
 *     there likewise. An entry that is replaced or changed takes its pages out; whatever else
 *     may change one of these (a shootdown, the policy clearing bits) empties all.
 *     Where base1[a] is a plru TLB that is true of the entry only that it used last: all pages have
 *     one slot.
 *  2. large[a] has in slot `s` a large page of that slot that its level-1 TLB has, likewise, unless
 *     that is plru. It is of one TLB and one order at a time.
 *  3. touched[] holds touches that the policy has not been told of; it is told (settle) before it
 *     is asked or told anything else.
 *  4. Only pages of orders in orders_seen are in any TLB.
 *  5. hot[] and large[] of all processors but the current one are empty: what may change them need
 *     look at no other.
 *  6. A TLB of processor n has pages of a space only if bit n of ran[] of that space is set; global
 *     ones apart.
 */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "base/arena.h"

#include <pagoda/engine.h>

#define HOT_SLOTS     128
#define HOT_FOLD      7 /* log2 of them */
#define LARGE_SLOTS   16
#define USUAL_SHIFT   12   /* pages for which the loop has a stamp of its own */
#define FLUSH_TOUCHES 4096 /* between looks whether the flusher wakes: some 100 us of a program */
#define SEGMENT_REFS  1000 /* references between settlements at most; fits `touched` twice */

#define LEVELS_MAX 9

/* The TLBs of one level that serve one access, by number: of disjoint sizes. */
struct tlb_level {
    uint8_t n;
    uint8_t tlb[VM_TLBS_MAX];
};

/* A base page that level 1 has. */
struct hot_page {
    vm_va page;      /* its first byte, or HOT_NONE, which is no page's */
    uint64_t *stamp; /* what a use of its entry writes */
    vm_pa pa;        /* where it begins; for the caches */
    vm_pfn unit;     /* its frame as the policy knows it */
};
/* No page begins there: of one byte, where one could, the loop sees those below 2^52 only. */
#define HOT_NONE UINT64_MAX

/* The slot of a base page. Arrays that are powers of two apart have different ones. */
static inline uint32_t hot_index(uint64_t page, uint32_t mask)
{
    return (uint32_t)(page ^ page >> HOT_FOLD) & mask;
}

/* A large page of level 1: base pages [page, page + n); n == 0: none. */
struct large_page {
    uint64_t page, n;
    uint64_t *stamp;
    vm_pfn pfn; /* of the base page `page` */
};

/* Large pages of one order in one TLB, by the low bits of their numbers. */
struct large_pages {
    struct vm_tlb *tlb; /* NULL: none */
    unsigned order;
    struct large_page slot[LARGE_SLOTS];
};

/* Where a search ended. */
struct tlb_hit {
    size_t level; /* from 0; plan.levels: in none of them */
    struct vm_tlb *tlb;
    uint64_t at, tag; /* its place there, and its tag */
    struct vm_tlb_entry entry;
};

/* The past of the misses, for those who predict the next one. Page numbers are of base pages. */
#define DISTANCES     256
#define DISTANCE_NEXT 2
struct predictor {
    uint64_t last;    /* page of the miss before */
    int64_t distance; /* of that one from the one before it */
    unsigned nknown;  /* misses so far, to 2: which of the above are known */
    struct {
        int64_t distance,
            next[DISTANCE_NEXT]; /* distances that followed, the latest first; 0: none */
    } row[DISTANCES];
};

/* The steps of walks within the present window of touches. */
struct walk_window {
    uint64_t number, steps, longest;
};

/* What each processor has of its own: which address space it runs, and what it remembers of it. */
struct processor {
    /* what the loops use */
    struct hot_page hot[VM_ACCESSES][HOT_SLOTS];
    uint64_t no_stamp;      /* of entries that have none: nobody reads it */
    bool warm[VM_ACCESSES]; /* some of hot[a] may not be HOT_NONE */
    vm_asid asid;           /* that it runs */
    vm_asid tag_asid;       /* in TLB tags: asid, or 0 where the TLBs are flushed instead */
    /* The level-1 TLB of base pages for each access that the loop can search itself: whose sets
     * the low bits of the page number choose, and whose entries have one page. Else `none`. */
    struct vm_tlb *first[VM_ACCESSES];
    struct vm_tlb *base1[VM_ACCESSES]; /* the level-1 TLB of base pages; NULL: there is none */
    bool large_warm;                   /* some of large[] is noted */
    bool hot_has_large[VM_ACCESSES];   /* some of hot[a] is part of a large page */
    struct large_pages large[VM_ACCESSES];
    struct vm_caches caches; /* its levels, and beyond them those that all share */

    /* what misses use */
    struct vm_tlb tlb[VM_TLBS_MAX];
    struct vm_tlb *buffer; /* of prefetched translations; NULL: none */
    struct predictor predictor;
    struct vm_tlb walk_cache[VM_WALK_CACHES_MAX]; /* of plan's level 1, 2 ...: nearest the page
                                                     first */
    uint64_t ipis;                                /* that others sent to it */

    /* its time (clock.c) */
    uint64_t past_ns; /* no moment before will be again */
    uint64_t work_ns; /* of programs' instructions, where they run */
    uint64_t idle_ns; /* it had nothing to do */
    /* Its process has waited what the machine has not: it is so far ahead of it; of a program
     * likewise in runs before, until its kernel takes note. */
    uint64_t ahead_ns, waited_ns;
};

struct vm_engine {
    /* what the loops use */
    struct processor *cpu; /* the current one */
    unsigned page_shift;
    uint32_t hot_mask; /* of a page's slot in hot[a]: HOT_SLOTS - 1; 0 if a level-1 TLB is plru */
    uint8_t *bits;
    uint8_t marks[VM_ACCESSES]; /* the frame's bits that a touch sets */
    uint64_t last_touch; /* VM_TOUCH_ORDER: touch_word of the touch before, or its run's write */
    uint32_t ntouched;
    vm_pfn touched[2 * SEGMENT_REFS + 2];
    uint64_t crossings[VM_ACCESSES];
    uint64_t kinds[VM_ACCESSES];
    /* The segment under way: its references, of which `counted` are in kinds[] already, and the
     * crossings before it. */
    struct {
        const uint16_t *meta;
        uint32_t counted;
        uint64_t crossings;
    } segment;
    vm_pa place; /* where the page of the last touch begins, or NOWHERE; of a hot one it is unset */
    uint64_t cold[VM_ACCESSES]; /* touches that led nowhere, or whose line was not found hot */

    /* the processors */
    struct processor *processor; /* [nprocessors] */
    uint32_t nprocessors;
    unsigned shared_level;         /* of caches: from this one on all processors share them */
    uint64_t ran[VM_ASID_MAX + 1]; /* bit n: processor n may hold translations of the space */
    uint64_t interrupted;          /* bit n: by what the kernel does now, once is enough */

    /* what misses use */
    struct tlb_level path[VM_ACCESSES][LEVELS_MAX];
    uint64_t orders[VM_TLBS_MAX];    /* bit k: the TLB holds pages of order k */
    size_t ntlbs;                    /* of the plan, and the prefetch buffer after them */
    uint64_t orders_seen;            /* that walks have found */
    uint64_t elsewhere[VM_ACCESSES]; /* touches that level 1 looked up in another TLB than base1 */
    uint64_t touch;                  /* number of the touch that missed last */
    uint8_t covers[VM_WALK_CACHES_MAX]; /* log2 of the bytes that an entry stands for */
    struct walk_window window;
    struct vm_tlb none; /* always empty */
    uint64_t none_words[3];
    const struct vm_scheme_ops *scheme;
    void *scheme_state;
    const struct vm_policy_ops *policy;
    struct vm_policy_ops local; /* *policy where memory has shares */
    struct vm_allotment allotment;
    void *policy_state;
    struct vm_memory *memory;
    struct vm_counts counts;
    uint64_t tick_next; /* in touches; UINT64_MAX: never */
    struct vm_policy_clock clock;
    uint64_t spent[VM_ASID_MAX + 1]; /* the clock's */
    bool refilled;                   /* software: the touch missed, and has not trapped again */
    uint64_t scan_every, scan_next;  /* of the collapse daemon, likewise */
    uint64_t flush_next;             /* of looking whether the flusher wakes, likewise */
    bool failed;                     /* error says why */
    struct vm_error error;

    const struct vm_programs *programs; /* NULL: traces run */

    struct vm_layout *layout; /* where the trace's addresses lie; NULL: where they are */

    const struct vm_tap *tap; /* told of each step of a touch; NULL: nobody */

    uint64_t answered[VM_ACCESSES][VM_CACHE_LEVELS + 1]; /* lines, but those that were found hot */
    struct vm_answers answers;                           /* to walks */
    uint64_t table_lines;

    struct vm_config config;
    struct vm_tlb_plan plan;
    struct vm_cache_plan cache_plan;
    struct vm_walk_cache_plan walk_cache_plan;
    struct vm_params policy_params, scheme_params, fit_params, readahead_params;
    struct vm_params device_params[VM_SWAP_LEVELS];
    struct vm_arena arena, cache_arena;
    /* Runs up to n references from the front of the columns; answers how many it did: fewer than n
     * after a reference that crosses a page boundary or must wait, or when failed. */
    uint32_t (*run)(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n);

    struct vm_result meter;      /* of what has a price: as it stood when time was asked last */
    uint64_t waits_ns[VM_WAITS]; /* of processes: others' work may hide them */
    void (*wait)(struct vm_engine *m, uint64_t ns); /* the process that runs waits: clock.c */
    uint64_t alarm_ns;                              /* a run ends when it is as late; 0: never */
    struct {
        uint32_t refs, events;
    } done; /* of the batch that was run last */
};

/* Tell the tap, if there is one. */
#define TELL(m, ...)                                                                               \
    do {                                                                                           \
        if ((m)->tap)                                                                              \
            (m)->tap->event((m)->tap->host, &(struct vm_tap_event){__VA_ARGS__});                  \
    } while (0)

/* A touch as policies of VM_TOUCH_ORDER see it, and one that is like none. */
#define NO_TOUCH ((uint64_t)VM_NOFRAME << 1)
static inline uint64_t touch_word(vm_pfn pfn, enum vm_access access)
{
    return (uint64_t)pfn << 1 | (access == VM_WRITE);
}

/* Such a policy is told of the first touch of a run of touches of one frame, and of the run's first
 * write if other touches precede it. That write may give the page a frame of its own, which the
 * policy must be told of; whether it does depends on what was evicted, and the number of touches
 * told must not, or the future that opt reads would not be of this run (replay.c). */
static inline bool is_told(uint64_t touch, uint64_t last)
{
    return (touch | 1) != (last | 1) || touch > last;
}

/* vm_engine_open of a machine for programs, if they are not NULL; with a policy that has no row
 * (the recorder of replay.c), if that is not NULL. */
struct vm_engine *vm_engine_open_with(const struct vm_config *c, const struct vm_policy_ops *policy,
                                      const struct vm_programs *programs, enum vm_stray stray,
                                      struct vm_future *future, struct vm_error *e);

/* The loops, stamped in mmu.c for each kind of report that a policy wants, without caches and with.
 */
uint32_t vm_mmu_segment_bits(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);
uint32_t vm_mmu_segment_bits_caches(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                                    uint32_t n);
uint32_t vm_mmu_segment_order(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                              uint32_t n);
uint32_t vm_mmu_segment_order_caches(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                                     uint32_t n);
uint32_t vm_mmu_segment_each(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);
uint32_t vm_mmu_segment_each_caches(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                                    uint32_t n);
/* One reference, with every step told to m->tap. */
uint32_t vm_mmu_segment_told(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                             uint32_t n);

/* One reference to an address that no page key names (pages below 4 KiB). */
uint32_t vm_mmu_segment_beyond(struct vm_engine *m, const vm_va *va, const uint16_t *meta,
                               uint32_t n);

void vm_mmu_cool(struct vm_engine *m); /* empty hot[] and large[] */
void vm_mmu_settle(void *engine);      /* tell the policy of touched[]; empties hot[] too */
/* Entry `tag` of a TLB, of pages of this order, has made place for another one, or has changed. */
void vm_mmu_cool_entry(struct vm_engine *m, const struct vm_tlb *t, uint64_t tag, unsigned order);
void vm_mmu_tick(struct vm_engine *m);
/* The first n references of the segment under way are in kinds[] from now on. */
void vm_mmu_count_kinds(struct vm_engine *m, uint32_t n);

/* ---- clock.c ---- */

void vm_clock_open(struct vm_engine *m); /* the machine is built */
uint64_t vm_clock_now(void *engine, enum vm_server server);
/* A run begins: the process before may have waited, this one has not. */
void vm_clock_begin(struct vm_engine *m);
/* Of the next n references, how many can be run without a look at the clock: by the last but one of
 * them the alarm has not rung, unless one ends its segment. At least 1; n where no alarm is set. */
uint32_t vm_clock_before_alarm(struct vm_engine *m, const uint16_t *meta, uint32_t n);
bool vm_clock_rings(struct vm_engine *m); /* as long as the alarm is set for now or earlier */
/* From the moment on that vm_clock_now answered last. */
void vm_clock_wait(void *engine, uint64_t ns, enum vm_server server, enum vm_wait why);

/* ---- shootdown.c ---- */

/* The kernel begins to do something: its interrupts of other processors are new ones. */
void vm_mmu_kernel_begins(struct vm_engine *m);
void vm_mmu_shootdown(void *engine, uint64_t page_key);
void vm_mmu_shootdown_pages(void *engine, uint64_t page_key, uint32_t n);
void vm_mmu_shootdown_space(void *engine, vm_asid asid);
void vm_mmu_joined(void *engine, vm_pfn unit, uint64_t key);
void vm_mmu_parted(void *engine, vm_pfn unit);
void vm_mmu_left(void *engine, const struct vm_leaving *leaving);
void vm_mmu_cleaned(void *engine, vm_pfn pfn, uint64_t key, vm_slot slot);
void vm_mmu_wished(void *engine, const struct vm_fault *f, vm_slot slot,
                   const struct vm_readahead_wish *wish);
void vm_mmu_came_ahead(void *engine, vm_pfn pfn, uint64_t key, vm_slot slot);
void vm_mmu_emptied(void *engine, vm_pfn first, uint32_t n);
/* The current processor's references belong to this address space from now on. */
void vm_mmu_switch(struct vm_engine *m, vm_asid asid);

/* ---- tlbs.c ---- */

bool vm_tlb_serves(const struct vm_tlb_config *c, enum vm_access access);
/* ENTRIES[/WAYS][:PROPERTY]...[@NS], cut apart in place; `entry` is the whole, for messages. */
bool vm_tlb_value_parse(struct vm_tlb_config *c, char *value, const char *entry,
                        struct vm_error *e);

/* "4 KiB, 2 MiB": sizes of pages, a bit each, into out[cap]; returns out. */
const char *vm_page_sizes_text(uint64_t sizes, char *out, size_t cap);

/* ---- huge.c ---- */

struct vm_parts;
/* Whether huge pages, if there are to be any, go with these parts; what the configuration says of
 * them. Errors: VM_EMACHINE. */
bool vm_huge_parts(const struct vm_config *c, const struct vm_parts *p, struct vm_error *e);
bool vm_huge_plan(struct vm_engine *m, uint64_t orders, struct vm_huge_config *out,
                  struct vm_error *e);

/* ---- reclaim.c ---- */

/* How much room the swap devices have. Errors: VM_EUSAGE, VM_EMACHINE. */
bool vm_swap_plan(const struct vm_config *c, struct vm_memory_config *out, struct vm_error *e);
/* The watermarks, the cluster and the flusher that the configuration names. Errors: VM_EUSAGE,
 * VM_EMACHINE. */
bool vm_reclaim_plan(const struct vm_config *c, struct vm_memory_config *out, struct vm_error *e);

/* ---- frames.c ---- */

/* FRAMES, a size with its unit, or PERCENT% of memory, as frames. Errors: VM_EUSAGE. */
bool vm_frames_parse(const struct vm_config *c, uint32_t nframes, const char *flag,
                     const char *text, uint32_t *out, struct vm_error *e);
/* The zones, groups and lists that the configuration names. Errors: VM_EUSAGE, VM_EMACHINE. */
bool vm_frames_plan(const struct vm_engine *m, struct vm_memory_config *out, struct vm_error *e);
void vm_frames_gather(const struct vm_engine *m, struct vm_frames_result *out);

/* ---- levels.c ---- */

/* Build the TLBs of m->plan, and the prefetch buffer, for a scheme with these orders of pages. */
bool vm_levels_plan(struct vm_engine *m, uint64_t orders, struct vm_error *e);
size_t vm_levels_room(const struct vm_engine *m);
void vm_levels_build(struct vm_engine *m);
/* The TLB of a level that holds pages of `order` for this access; NULL: none does. */
static inline struct vm_tlb *vm_levels_holder(struct vm_engine *m, size_t level,
                                              enum vm_access access, unsigned order)
{
    const struct tlb_level *l = &m->path[access][level];
    for (unsigned k = 0; k < l->n; k++)
        if (m->orders[l->tlb[k]] >> order & 1)
            return &m->cpu->tlb[l->tlb[k]];
    return NULL;
}
/* Whether the page with this base tag, of whatever order, is in one TLB: *hit is all but the level.
 */
bool vm_levels_holds(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, struct tlb_hit *hit);
/* The same, as a lookup that is told. */
bool vm_levels_look(struct vm_engine *m, struct vm_tlb *t, uint64_t tag, struct tlb_hit *hit);
/* Search the levels, nearest first, and use the page where it is. False: in none of them. */
bool vm_levels_search(struct vm_engine *m, uint64_t tag, enum vm_access access,
                      struct tlb_hit *hit);
/* Count the lookups of a touch of a page of `order` that level `found` answered: those nearer
 * missed it. */
void vm_levels_charge(struct vm_engine *m, enum vm_access access, unsigned order, size_t found);
/* vm_tlb_fill of a TLB of the current processor. */
uint64_t vm_levels_fill(struct vm_engine *m, struct vm_tlb *t, uint64_t tag,
                        struct vm_tlb_entry entry);
/* Make it the page's entry in levels [0, levels), used just now. tag: of its order. */
void vm_levels_install(struct vm_engine *m, enum vm_access access, size_t levels, uint64_t tag,
                       struct vm_tlb_entry entry);

/* ---- marks.c ---- */

/* The kernel sets the page's bits for this access in the table, and makes no other change. */
void vm_marks_set(struct vm_engine *m, vm_va va, enum vm_access access);
/* The marks that this translation of a processor owes reach the table, if its entry still maps the
 * frame. */
void vm_marks_write(struct vm_engine *m, const struct processor *p, uint64_t tag,
                    const struct vm_tlb_entry *e);
/* struct vm_tlb's leaving: the next level that has the page owes its marks from now on, or else
 * they are written to the table. */
void vm_marks_leaving(void *engine, const struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e);
/* A first write to a page whose entry, where `hit` found it, lacks the dirty bit: the nearest level
 * has it from now on, and owes it to the table. */
void vm_marks_owe_dirty(struct vm_engine *m, enum vm_access access, struct tlb_hit *hit);

/* ---- prefetch.c ---- */

/* The buffer has the page: take it out. */
bool vm_prefetch_take(struct vm_engine *m, uint64_t tag, struct tlb_hit *hit);
/* The page of `order` with this base tag missed every level: learn of it, and prefetch. */
void vm_prefetch_after(struct vm_engine *m, uint64_t tag, unsigned order, enum vm_access access);

/* ---- walk_caches.c ---- */

size_t vm_walk_caches_room(const struct vm_engine *m);
/* Needs the scheme's state. Errors: VM_EMACHINE: the scheme has no such tables. */
bool vm_walk_caches_build(struct vm_engine *m, struct vm_error *e);
/* How many of its first loads a walk of `va` need not make, and by which cache
 * (VM_WALK_CACHES_MAX: none); the caches take what the others read. */
uint32_t vm_walk_caches_use(struct vm_engine *m, vm_va va, const struct vm_walk *w, size_t *cache);
/* Tables for pages of [start, end) of a space may be gone. */
void vm_walk_caches_forget(struct vm_engine *m, vm_asid asid, vm_va start, vm_va end);
void vm_mmu_trimmed(void *engine, vm_asid asid, vm_va start, vm_va end);

/* ---- refill.c ---- */

/* Errors: VM_EMACHINE: marks and refill do not go together. */
bool vm_refill_check(const struct vm_config *c, struct vm_error *e);
/* How many of its first loads the walk need not make: a TLB has the table's page that the next one
 * is in; else the TLBs have it now. */
uint32_t vm_refill_nested(struct vm_engine *m, const struct vm_walk *w);
/* A touch missed every TLB, and so did its refill begin; page of `order` found, it ends. */
void vm_refill_begin(struct vm_engine *m);
void vm_refill_end(struct vm_engine *m, uint64_t tag, unsigned order);
/* Of walks: enum vm_mode. Whether the kernel marks pages whose fault it resolves. */
unsigned vm_refill_mode(const struct vm_engine *m);
bool vm_refill_kernel_marks(const struct vm_engine *m);
/* The walk ended UNMARKED. True: the handler has set what lacked, and *w is as after that; false:
 * it takes a trap. */
bool vm_refill_marks(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w);
/* The walk found nothing that allows the touch: what the refill put in traps. */
void vm_refill_refused(struct vm_engine *m, vm_va va, enum vm_access access,
                       const struct vm_walk *w);

/* ---- walk.c ---- */

enum walked {
    WALKED,          /* *w has the translation */
    WALKED_RESOLVED, /* likewise, after a fault */
    WALKED_TOLD,    /* and the policy was told of the touch: its frame's first, or a parked one's */
    WALKED_NOWHERE, /* the touch is refused, or the machine has failed */
};
/* Walk, and resolve faults until the walk succeeds or nothing can make it. A walk that ends
 * UNMARKED has succeeded where TLB entries mark when they leave. */
enum walked vm_mmu_walk(struct vm_engine *m, vm_va va, enum vm_access access, struct vm_walk *w);

/* Loads of the walk from number `from` on that wait for one another. */
uint64_t vm_walk_steps(const struct vm_walk *w, uint32_t from);
/* The steps that the walks of the present window leave to wait for. */
uint64_t vm_walk_window_waits(const struct vm_engine *m);
void vm_walk_window_close(struct vm_engine *m); /* walks to come overlap with none before */
/* What a TLB takes of a walk's outcome; of the page beside it in a pair, which may be none. */
struct vm_tlb_entry vm_walk_entry(const struct vm_walk *w);
bool vm_walk_neighbour(struct vm_engine *m, uint64_t tag, unsigned order, struct vm_tlb_entry *out);

/* What bits and policies know of a frame as. */
static inline vm_pfn vm_unit(const struct vm_engine *m, vm_pfn pfn)
{
    return vm_memory_unit(m->memory, pfn);
}

/* ---- data.c ---- */

#define NOWHERE UINT64_MAX

/* The caches that the configuration names. Errors: VM_EUSAGE, VM_EMACHINE, VM_ESYSTEM. */
bool vm_data_open(struct vm_engine *m, struct vm_error *e); /* processors are there already */
void vm_data_close(struct vm_engine *m);                    /* of a zeroed struct too */
/* The bytes [va, last] of a page, at pa, are accessed. */
void vm_data_lines(struct vm_engine *m, vm_va va, vm_pa pa, vm_va last, enum vm_access access);
/* A touch led to m->place: the bytes [va, last], so far as they are in va's page, are accessed. */
void vm_data_touch(struct vm_engine *m, vm_va va, vm_va last, enum vm_access access);
/* A walk made its loads from number `from` on, and its stores. */
void vm_data_walk(struct vm_engine *m, const struct vm_walk *w, uint32_t from);
/* So did the walk of a prefetch, which sets no marks and which nothing waits for. */
void vm_data_prefetch(struct vm_engine *m, const struct vm_walk *w, uint32_t from);
void vm_data_counts(const struct vm_engine *m, struct vm_counts *out);
/* Pages leave memory: their lines leave the caches of all processors. */
void vm_data_flush_frames(struct vm_engine *m, vm_pa pa, uint64_t bytes);

#endif
