/* policy.h - page replacement: who leaves memory.
 *
 * A policy sees frames come (insert), be touched, and go (remove, or as its own victim). It answers
 * one question: victim. It may read and clear the frames' referenced bits and read their dirty
 * bits. It knows no address space, no table and no price; global, per-process and working-set
 * allotments are its host's composition of policies.
 *
 * Hosts: the page replay (engine/, stamps a policy's code into the loop by
 * policy/replay_template.inc.h) and the memory of a machine (space/).
 *
 * Contract, checked by tests/conform
 *  1. A frame is inserted at most once before it is removed or returned by victim.
 *  2. insert is the frame's first touch; `touch` reports later ones, in order. What is reported
 *     depends on touch_kind; the host sets the frame's bits itself before.
 *  3. victim is asked only when at least one frame is in; the frame it returns is out of the
 *     policy.
 *  4. State lies in one block of ops->size bytes, zeroed, aligned to 64; a policy allocates nothing
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
    VM_REASON_OLDEST,   /* it came longest ago */
    VM_REASON_STALEST,  /* it was touched longest ago */
    VM_REASON_NEWEST,   /* it was touched last */
    VM_REASON_FEWEST,   /* it has the fewest touches since it came */
    VM_REASON_FARTHEST, /* its next touch is farthest ahead */
    VM_REASON_BITS,     /* the referenced (and dirty) bits, as a hand or a class finds them */
    VM_REASON_AGES,     /* the referenced bits of the last ticks, read as a number */
    VM_REASON_CHANCE,   /* nothing */
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

struct vm_policy_env {
    uint32_t nframes; /* frame numbers are below */
    uint8_t *bits;    /* [nframes] enum vm_frame_bits; the policy may clear REFERENCED */
    uint64_t seed;
    const struct vm_params *params; /* parsed against the policy's own table; only during init */
    struct vm_future *future;       /* NULL unless the policy asks for it (needs_future) */
};

/* The page replay's counters, and where its pages are. */
struct vm_replay {
    uint32_t nframes, nused; /* frames [0, nused) have been given out */
    uint8_t *bits;           /* [nframes] */
    uint32_t *page_of;       /* [nframes] the page in the frame */
    uint32_t *frame_of;      /* [npages] frame + 1 of the page, 0: not resident */
    uint32_t last;           /* frame + 1 of the touch before (VM_TOUCH_ORDER only); 0: none */
    uint64_t touches;        /* references to pages */
    uint64_t misses, evictions, writebacks;
    uint64_t tick_refs, tick_next; /* a tick after every tick_refs touches; 0, UINT64_MAX: none */
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
    enum vm_reason reason;
    uint64_t (*tick_refs)(const struct vm_policy_env *env); /* touches between ticks; 0: no ticks */
    const struct vm_param *param;
    size_t nparams;

    size_t (*size)(const struct vm_policy_env *env);
    void (*init)(void *state, const struct vm_policy_env *env);
    void (*insert)(void *state, vm_pfn frame, uint64_t page); /* page: its identity, for ghosts */
    void (*touch)(void *state, const vm_pfn *frame, size_t n);
    void (*remove)(void *state, vm_pfn frame);
    vm_pfn (*victim)(void *state);
    void (*tick)(void *state);
    void (*check)(const void *state); /* asserts the whole structure's invariants */

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
