/* story.h - one reference told step by step, and a cursor over the references of a run.
 *
 * A story is what a tap was told of one reference and of the events before it, kept: with the
 * fields of each address and table word, what each TLB's set held, what each step cost, and for
 * each page that left memory the numbers that the choice turned on. Everything that is shown of it
 * (text, JSON, HTML) is made from it alone.
 *
 * References are numbered from 1, as the run reads them.
 *
 * Invariants (tests/diff/story.c)
 *  1. The steps' prices add up to what the reference cost; `after` less `before` counts the steps.
 *  2. A story of reference n is the same whichever way the cursor came to n.
 *  3. Where a policy's choice turns on a number, the victim's is the extreme of the candidates'.
 */
#ifndef PAGODA_STORY_H
#define PAGODA_STORY_H

#include <pagoda/engine.h>
#include <pagoda/tap.h>

/* [first, first + n) of one of the story's arrays. */
struct vm_slice {
    uint32_t first, n;
};

/* A frame with a page, and the page's stay in it, at the moment it is told of. */
struct vm_story_frame {
    vm_pfn pfn;
    uint8_t bits;  /* enum vm_frame_bits */
    bool spared;   /* its referenced bit was set, and the choice of a victim cleared it */
    bool ahead;    /* it was read ahead: its coming is a touch to the policy alone */
    uint16_t ages; /* VM_REASON_AGES: referenced bits of the last ticks, the last one highest */
    uint64_t key;  /* of the page; of one of them where several share the frame */
    uint64_t came, last; /* numbers of the references that brought it and touched it last, or
                            brought it where none has; 0: an event, before any reference */
    uint64_t touches;    /* since it came, that too */
    uint64_t next;       /* VM_REASON_FARTHEST: the reference that touches it next; 0: none does */
};

/* A word that a walk read. */
struct vm_story_load {
    struct vm_walk_load load;
    struct vm_slice field; /* of the word, highest first */
    /* index_bytes > 0: the word is number `index` of the table at `base`, of words of that size. */
    uint64_t base, index;
    unsigned index_bytes;
};

/* One entry of a TLB's set, by way. */
struct vm_story_entry {
    uint64_t tag, value;
};

/* What a step is a part of, for its price; VM_STORY_FREE costs nothing. */
enum vm_story_price {
    VM_STORY_FREE,
#define VM_STORY_PRICE(field, what) VM_STORY_PRICE_##field,
    VM_PRICES(VM_STORY_PRICE)
#undef VM_STORY_PRICE
};
#define VM_STORY_PRICES_MAX 5

struct vm_story_step {
    enum vm_tap_kind
        kind; /* which of the members below; never EMPTIED, JOINED and PARTED; TICK: the
                            kernel's scan between touches copied something */
    struct {
        enum vm_story_price kind;
        double ns;
    } price[VM_STORY_PRICES_MAX]; /* VM_STORY_FREE ends them */
    union {
        struct {
            struct vm_event event;
            uint64_t copied_bytes; /* for it, and zeroed */
        } event;
        struct {
            vm_asid asid;
            vm_va va;
            enum vm_access access;
            struct vm_slice field; /* of va, highest first */
        } touch;
        struct {
            size_t tlb;
            uint64_t tag, value;
            bool hit, enough; /* enough: the entry has what the access needs */
            bool nested;      /* for a page of a table, which a walk is about to read */
            uint64_t set;
            struct vm_slice entry; /* of the set, before */
        } lookup;
        struct {
            enum vm_walk_fault fault;
            uint8_t order, prot, dirty, nstores;
            vm_pfn pfn;
            uint32_t nloads; /* on the way; those told of are in load */
            uint32_t
                skipped; /* its first loads, needless by walk cache `cache`, or (none) by a TLB */
            uint32_t cache;        /* its level in `walk_cache`; VM_WALK_CACHES_MAX: none */
            uint64_t steps, waits; /* struct vm_tap_event's */
            struct vm_slice load;
        } walk;
        struct {
            enum vm_fault_kind kind;
            vm_asid asid; /* VM_ASID_KERNEL: a page of a page table came back */
            vm_va va;
            enum vm_access access;
            bool has_vma;
            struct vm_vma vma;     /* as it is after the fault */
            vm_pfn pfn;            /* VM_NOFRAME: not resolved */
            bool inserted;         /* the page came into that frame */
            bool ahead;            /* or is touched there for the first time: it was read ahead */
            uint64_t came;         /* ahead: the reference whose fault did so */
            uint64_t copied_bytes; /* zeroed, copied or moved */
        } fault;
        struct {
            struct vm_leaving leaving;
            struct vm_story_frame victim;
            struct vm_slice frame; /* of a choice: the others, those next to leave first */
            uint64_t frames_all;   /* that could have left, the victim too */
        } leaving;
        struct {
            size_t tlb;
            uint64_t tag, value, replaced;
            uint64_t set;
            struct vm_slice entry; /* of the set, after */
        } fill;
        struct {
            uint64_t page_key;
            bool found;
        } shootdown;
        struct {
            bool whole; /* at a switch; else of asid */
            vm_asid asid;
        } flush;
        struct {
            uint64_t value;
            vm_pa pa;
        } access;
        struct {
            vm_pa pa;
            enum vm_access access;
            bool table, hidden; /* struct vm_tap_event's */
            int cache;          /* that had it; -1: none, it came from memory */
        } line;
        enum vm_tap_trap trap;
        struct {
            vm_pfn pfn;
            uint64_t key;
            vm_slot slot; /* 0: to its file */
        } cleaned;
        struct {
            vm_asid asid;
            vm_va va;      /* of the page that the fault reads */
            vm_slot slot;  /* that this one is in; 0: its file */
            bool of_slots; /* what `first` and `last` are numbers of; else of pages */
            enum vm_readahead_why why;
            uint32_t n, window, votes, asked; /* struct vm_readahead_wish's */
            int64_t distance;
            uint64_t first, last; /* the least and the greatest that is wished for */
        } wished;
        struct {
            vm_pfn pfn;
            uint64_t key;
            vm_slot slot; /* that it is read from; 0: its file */
        } ahead;
        struct {
            uint64_t copied_bytes;
        } tick;
        struct {
            unsigned why; /* struct vm_tap_event's */
            vm_asid asid;
            vm_va va;
        } mark;
        struct {
            vm_va va;
            uint32_t loads;
            bool taken;
        } prefetch;
    };
};

struct vm_story_tlb {
    char name[8];
    struct vm_tlb_config config;
};

struct vm_story_cache {
    char name[8];
    struct vm_cache_config config;
};

#define VM_STORY_RIVALS 8  /* frames told of that could have left in a victim's place */
#define VM_STORY_FRAMES 16 /* a memory of at most so many is told of whole */

struct vm_story {
    uint64_t ref; /* its number */
    vm_asid asid;
    vm_va va;
    enum vm_access access;
    unsigned bytes;

    const struct vm_config *config;
    unsigned page_shift, va_bits; /* va_bits: that are worth showing */
    uint32_t nframes;
    const char *scheme, *policy; /* their names */
    enum vm_reason reason;
    unsigned age_bits; /* VM_REASON_AGES: of `ages`, that count */
    size_t ntlbs, nwalk_caches, ncaches;
    struct vm_story_tlb tlb[VM_TLBS_MAX], walk_cache[VM_WALK_CACHES_MAX];
    struct vm_story_cache cache[VM_CACHES_MAX];

    struct vm_counts before, after;
    double ns; /* the sum of the steps' prices */
    size_t nsteps;
    struct vm_story_step *step;
    struct vm_story_load *load;
    struct vm_field *field;
    struct vm_story_entry *entry;
    struct vm_story_frame *frame;
    struct vm_slice memory_before, memory_after; /* of frame; empty where memory is larger */
};

/* What to look for among the references ahead. */
enum vm_sought {
    VM_SOUGHT_FAULT,    /* a page fault, or a touch that is refused */
    VM_SOUGHT_EVICTION, /* a page leaves for another one */
    VM_SOUGHT_TLB_MISS, /* no TLB has the page */
};

struct vm_cursor;

/* A cursor before the first reference. What the arguments point to must outlive it. Errors:
 * vm_run_open's. */
struct vm_cursor *vm_cursor_open(const struct vm_config *c, const struct vm_source *source,
                                 const struct vm_progress *progress, struct vm_error *e);
/* Where it stands: a reference's number, or 0 before the first. */
uint64_t vm_cursor_at(const struct vm_cursor *c);
/* To reference `ref` >= 1, ahead or back. Past the end: false, VM_EUSAGE that says how many there
 * are, and the cursor stands where it stood. Other errors: vm_run_to's; the cursor can then only be
 * closed. */
bool vm_cursor_go(struct vm_cursor *c, uint64_t ref, struct vm_error *e);
/* To the next reference in which it happens; *found says whether there is one, else the cursor
 * stands where it stood. Errors: vm_run_to's. */
bool vm_cursor_seek(struct vm_cursor *c, enum vm_sought what, bool *found, struct vm_error *e);
/* The story of where it stands (at >= 1); good until the cursor goes back, or VM_CURSOR_KEPT
 * references further. */
#define VM_CURSOR_KEPT 64
const struct vm_story *vm_cursor_story(const struct vm_cursor *c);
void vm_cursor_info(const struct vm_cursor *c, struct vm_trace_info *out);
void vm_cursor_close(struct vm_cursor *c); /* NULL is fine */

/* Whether that happens in the story. */
bool vm_story_has(const struct vm_story *s, enum vm_sought what);
/* What its steps cost by kind of price: the fields of VM_PRICES; total_ns is their sum. */
void vm_story_prices(const struct vm_story *s, struct vm_prices *out);

#endif
