/* policy.h - page replacement: who leaves memory.
 *
 * A policy sees frames come (insert), be touched, and go (remove, or as its own victim). It answers
 * one question: victim. It may read and clear the frames' referenced bits and read their dirty
 * bits. It knows no address space, no table and no price; what it may ask of its host besides is
 * struct vm_policy_host: whose a page is, where it lies and who lies beside it, how long processes
 * have run, and to have a page cleaned.
 *
 * Some policies do more than to answer. Who holds down the memory of a process gives frames up
 * while others are free (release); who keeps second-chance lists takes a page's mapping away, not
 * its frame (park), and hears of the touch that finds it there (soft).
 *
 * Hosts: the page replay (engine/, stamps a policy's code into the loop by
 * policy/replay_template.inc.h) and the memory of a machine (space/).
 *
 * Contract, checked by tests/conform
 *  1. A frame is inserted at most once before it is removed or returned by victim.
 *  2. insert is the frame's first touch; `touch` reports later ones, in order. What is reported
 *     depends on touch_kind; the host sets the frame's bits itself before.
 *  3. victim is asked only when at least one frame is in; the frame it returns is out of the
 *     policy. A host may ask for several on end, and may insert without having asked: it frees
 *     ahead of need. `incoming` is the page that wants the frame, as insert will name it, or
 *     VM_NOPAGE: ghosts are looked up by it. The next insert need not be of that page.
 *  4. release is asked until it answers VM_NOFRAME, before a page comes in (`incoming`, that has no
 *     frame yet) and after a tick (VM_NOPAGE); what it returns is out of the policy. park likewise,
 *     after insert, soft and tick: its frames stay in, with VM_FRAME_PARKED and without
 *     VM_FRAME_REFERENCED, and are touched no more until `soft` tells of a touch; by then the host
 *     has cleared VM_FRAME_PARKED.
 *  5. switched is called when another process runs than before, with the clock as it is then.
 *  6. State lies in one block of ops->size bytes, zeroed, aligned to 64; a policy allocates nothing
 *     and fails at nothing after init. Equal calls and seed give equal answers.
 */
#ifndef PAGODA_POLICY_H
#define PAGODA_POLICY_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

enum vm_touch_kind {
    VM_TOUCH_NONE,   /* touches change nothing (fifo, random): the host reports none */
    VM_TOUCH_REFBIT, /* the referenced bit says it all (clock): the host reports none */
    VM_TOUCH_ORDER,  /* their order matters (lru); an immediate repeat changes nothing, so the host
                        leaves it out where it can; a policy that reads the future counts what
                        it is told */
    VM_TOUCH_EACH,   /* every touch counts (lfu) */
};

/* What the choice of a victim turns on, for explanations. Equals are told apart by the policy's own
 * rule. */
enum vm_reason {
    VM_REASON_OLDEST,     /* it came longest ago */
    VM_REASON_STALEST,    /* it was touched longest ago */
    VM_REASON_NEWEST,     /* it was touched last */
    VM_REASON_FEWEST,     /* it has the fewest touches since it came */
    VM_REASON_FARTHEST,   /* its next touch is farthest ahead */
    VM_REASON_BITS,       /* the referenced (and dirty) bits, as a hand or a class finds them */
    VM_REASON_AGES,       /* the referenced bits of the last ticks, read as a number */
    VM_REASON_CHANCE,     /* nothing */
    VM_REASON_NEAREST,    /* its next touch is nearest */
    VM_REASON_HISTORY,    /* its touches before the last, too: how often, how far apart */
    VM_REASON_LISTS,      /* its place in the list that the policy thinks has more than its share */
    VM_REASON_IDLE,       /* it has not been touched for a window of its process's time */
    VM_REASON_GENERATION, /* it is of the oldest generation, and nobody found it referenced since */
    VM_REASON_SHARE,      /* its process has more than its share; there its own policy chooses */
};

/* The future, for opt: for each touch that the policy will be told of (inserts included), the
 * number of the next touch of the same page. Touches are numbered from 0 as they are told. */
#define VM_NEVER UINT32_MAX
struct vm_future {
    const uint32_t *next; /* the rest of the current block */
    size_t n;
    void (*refill)(struct vm_future *); /* makes n > 0, or asserts: hosts never read past the end */
};
static inline uint32_t vm_future_take(struct vm_future *f)
{
    if (f->n == 0)
        f->refill(f);
    f->n--;
    return *f->next++;
}

/* The time that processes have run, in touches. Kept by the host: right at each call of insert,
 * victim, release, park and soft for a touch (which is not counted yet), and of tick, switched and
 * what is asked after them (all counted). */
struct vm_policy_clock {
    uint64_t touches;      /* of all */
    vm_asid running;       /* whose touches they are now */
    uint64_t since;        /* touches when it began to run */
    const uint64_t *spent; /* [VM_ASID_MAX + 1] each one's touches before that; NULL: all 0 */
};
/* The virtual time of a process: its own touches. The kernel has none. */
static inline uint64_t vm_policy_time(const struct vm_policy_clock *c, vm_asid owner)
{
    uint64_t spent = c->spent && owner <= VM_ASID_MAX ? c->spent[owner] : 0;
    return owner == c->running ? spent + c->touches - c->since : spent;
}

/* What a policy may ask of its host. */
struct vm_policy_host {
    void *host;
    /* Where the page lies among others: those that adjoin in an address space have numbers that
     * adjoin, of different ones they are far apart; no two pages have the same. */
    uint64_t (*place)(void *host, uint64_t page);
    /* frame[i] for i < n: the frame of the page in place `first` + i, which may be in no policy, or
     * VM_NOFRAME. No address space ends between these places. */
    void (*frames)(void *host, uint64_t first, size_t n, vm_pfn *frame);
    /* Whose page it is, of a page that insert, victim or release was told. */
    vm_asid (*owner)(void *host, uint64_t page);
    /* The size of a process, in pages. */
    uint64_t (*pages)(void *host, vm_asid owner);
    /* Write the dirty page of `frame`, which stays, and clear VM_FRAME_DIRTY. False: not now. */
    bool (*clean)(void *host, vm_pfn frame);
};
/* Of a single process, 0, of one page; nothing is cleaned. */
extern const struct vm_policy_host vm_policy_host_plain;

/* How memory is shared out among processes: not at all (global replacement); `frames` for each, or
 * equal parts (0); parts as the processes' sizes are. */
enum vm_allot { VM_ALLOT_GLOBAL, VM_ALLOT_FIXED, VM_ALLOT_PROPORTIONAL };
struct vm_allotment {
    const struct vm_policy_ops *inner; /* who replaces within a share */
    enum vm_allot kind;
    uint32_t frames;
};

struct vm_policy_env {
    uint32_t nframes;  /* frame numbers are below */
    uint32_t capacity; /* frames it may expect to have, at most nframes: what its parts are shares
                          of */
    uint64_t npages;   /* pages are numbered below, densely; 0: in any way */
    uint8_t *bits;     /* [nframes] enum vm_frame_bits; the policy may clear REFERENCED */
    uint64_t seed;
    const struct vm_params *params; /* parsed against the policy's own table; only during init */
    struct vm_future *future;       /* NULL unless the policy asks for it (needs_future) */
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
    const struct vm_allotment *allotment; /* for policy/local.h alone; NULL to all others */
};

/* The page replay's counters, and where its pages are. */
struct vm_replay {
    uint32_t nframes, nused; /* frames [0, nused) have been given out */
    uint32_t free, nfree;    /* of those, frame + 1 of the one released last, chained by page_of, 0:
                                none; and how many there are */
    uint8_t *bits;           /* [nframes] */
    uint32_t *page_of;       /* [nframes] the page in the frame */
    uint32_t *frame_of;      /* [npages] frame + 1 of the page, 0: not resident */
    uint32_t last;           /* frame + 1 of the touch before (VM_TOUCH_ORDER only); 0: none */
    uint64_t touches;        /* references to pages */
    uint64_t misses, evictions, writebacks;
    uint64_t releases;    /* of the evictions: pages that the policy gave up unasked */
    uint64_t parks;       /* frames parked */
    uint64_t soft_faults; /* touches of parked frames, which are no misses */
    uint64_t space_time;  /* touches times the frames that held pages after them, so far as touch
                             number space_time_from, since when their number is what it is */
    uint64_t space_time_from;
    uint64_t tick_next; /* the number of touches after which to tick; UINT64_MAX: never */
    struct vm_policy_clock *clock; /* the policy's; `touches` is written before it is asked */
};

/* A page reference: the page's dense id, times two, plus one if it is a write. */
typedef uint32_t vm_pageref;
#define VM_PAGES_MAX (UINT32_C(1) << 31)

/* Consecutive references to one page: written if any of them writes. count >= 1. */
struct vm_page_run {
    vm_pageref ref;
    uint32_t count;
};

struct vm_policy_ops {
    const char *name;
    const char *summary; /* one line: what leaves */
    enum vm_touch_kind touch_kind;
    enum { VM_FUTURE_UNUSED, VM_FUTURE_NEEDED } future;
    enum { VM_GHOSTS_NONE, VM_GHOSTS_KEPT } ghosts; /* whether it remembers pages that have left */
    enum vm_reason reason;
    uint64_t (*tick_first)(
        const struct vm_policy_env *env); /* touches before a tick; 0: no ticks */
    const struct vm_param *param;
    size_t nparams;

    size_t (*size)(const struct vm_policy_env *env);
    void (*init)(void *state, const struct vm_policy_env *env);
    void (*insert)(void *state, vm_pfn frame, uint64_t page); /* page: its identity, for ghosts */
    void (*touch)(void *state, const vm_pfn *frame, size_t n);
    void (*remove)(void *state, vm_pfn frame);
    vm_pfn (*victim)(void *state, uint64_t incoming);
    uint64_t (*tick)(void *state); /* touches before the next; 0: no more ticks */
    vm_pfn (*release)(void *state, uint64_t incoming);
    uint64_t (*switched)(void *state); /* touches before the next tick; 0: it stays as it was */
    vm_pfn (*park)(void *state);
    void (*soft)(void *state, vm_pfn frame); /* a touch of a parked frame: it is in use again */
    void (*check)(const void *state);        /* asserts the whole structure's invariants */

    /* The stamped loops: all n references; equal to calling the ops one by one. */
    void (*replay)(void *state, struct vm_replay *r, const vm_pageref *ref, size_t n);
    void (*replay_runs)(void *state, struct vm_replay *r, const struct vm_page_run *run, size_t n);
};

/* The row of policies.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_policy_ops *vm_policy_find(const char *name, struct vm_error *e);
/* Row i; NULL past the end. */
const struct vm_policy_ops *vm_policy_at(size_t i);
bool vm_policy_list(size_t i, struct vm_listed *out);

#endif
