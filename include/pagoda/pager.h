/* pager.h - what a pager of real pages decides: who comes, who leaves, and who comes along.
 *
 * A pager that stands outside the processor sees no touch of a page that is there: it hears of
 * faults alone. So its policy hears of those, and of nothing else. All of what it decides follows
 * from the order of the faults, and lies in this one object, which moves no memory: a live pager
 * (live/) asks it and does what it says, and a replay (analysis/) asks it and counts. What the
 * replay predicts is what the pager does, because it is the same code.
 *
 *      fault --> vm_pager_fault --> plan: pages that leave (written, if dirty), are cleaned,
 *                                   parked; pages that come; pages to be read soon
 *
 * Pages have numbers below pages_max, which the host gives to its regions; a page that adjoins
 * another in a region has the next number. Frames are what the limit counts.
 *
 * Invariants (vm_pager_check)
 *  1. A page has one frame or none, a frame one page or none; resident == frames with a page.
 *  2. The policy knows exactly the frames with a page.
 *  3. A page that one of the last VM_PAGER_GUARD faults was for does not leave: an instruction
 *     needs all of its pages at once, and would fault for ever if they drove each other out.
 *  4. resident <= limit + overrun, and an overrun only follows from hosts that did not let pages
 *     go (claim), or could not (vm_pager_came_back).
 *
 * Time is counted in faults, also by policies that know a clock of processes: there is nothing else
 * to count. Not thread-safe: hosts hold a lock.
 */
#ifndef PAGODA_PAGER_H
#define PAGODA_PAGER_H

#include <pagoda/error.h>
#include <pagoda/policy.h>

/* What a pager of real memory does that was not told otherwise. */
#define VM_PAGER_POLICY      "s3-fifo:small=1,ghosts=20,fill=main" /* docs/theory/live.md has why */
#define VM_PAGER_AHEAD_BYTES (UINT64_C(256) << 10)

#define VM_PAGER_PAGES_MAX (UINT32_C(1) << 28)
#define VM_PAGER_BATCH_MAX 256 /* pages that leave by one plan, but for those a policy releases */
#define VM_PAGER_AHEAD_MAX 64  /* pages that come along with one */
#define VM_PAGER_GUARD     32
#define VM_PAGER_LIMIT_MIN 128 /* frames: what the guard, a batch and the pages ahead need */
#define VM_PAGER_OVERRUN_MAX                                                                       \
    4096 /* frames above the limit, and no more than as much again, that
                                     faults may take while no page may leave */

struct vm_pager_config {
    const struct vm_policy_ops *policy; /* none that needs the future */
    const struct vm_params *policy_params;
    uint32_t frames;    /* the limit will never be more: VM_PAGER_LIMIT_MIN and up */
    uint32_t pages_max; /* pages are numbered below: to VM_PAGER_PAGES_MAX */
    uint32_t batch;     /* pages that leave at once when there is no frame; 0: 64, less in little
                           memory */
    uint32_t ahead;     /* pages that come along at most, 0: none */
    uint64_t seed;
};

/* What the host is asked while a plan is made. */
struct vm_pager_host {
    void *host;
    /* May the page, which is resident, leave (be cleaned, be parked) now? If so nobody else moves
     * it until the host has done what the plan says. */
    bool (*claim)(void *host, uint32_t page);
    /* May the page, which is not resident, come along with another? If so it is the plan's, too. */
    bool (*take)(void *host, uint32_t page);
};

enum vm_pager_advice { VM_PAGER_NORMAL, VM_PAGER_RANDOM, VM_PAGER_SEQUENTIAL };

struct vm_pager_fault {
    uint32_t page;
    enum vm_access access;
    uint32_t first, end; /* of its region: nothing outside comes along */
    enum vm_pager_advice advice;
};

/* What a fault was. */
enum vm_pager_outcome {
    VM_PAGER_MISS,  /* the page was out: come[0] */
    VM_PAGER_SOFT,  /* it was parked: come[0] */
    VM_PAGER_DIRTY, /* it was there and clean, and is written: nothing comes */
    VM_PAGER_THERE, /* it was there: somebody else's fault brought it */
    VM_PAGER_FULL,  /* the spare frames are used up: ask again when what leaves now is gone. Nobody
                       heard of this fault */
};

enum vm_pager_how {
    VM_PAGER_ZERO,     /* it was never written back: zeros */
    VM_PAGER_KEPT,     /* as it was written back, or came with a file */
    VM_PAGER_UNPARKED, /* as it was parked */
};

struct vm_pager_come {
    uint32_t page;
    uint8_t how; /* enum vm_pager_how */
    bool dirty;  /* it may be written from now on: a write brought it, or it was parked dirty */
};

struct vm_pager_leave {
    uint32_t page;
    bool dirty;  /* it is to be written back */
    bool parked; /* it was parked before: the host has its contents, and no mapping */
};

/* Do, in this order: leave, clean, park, come. Arrays are the caller's, and large: a plan may be
 * kept from call to call. */
struct vm_pager_plan {
    enum vm_pager_outcome outcome;
    uint32_t nleave, nclean, npark, ncome, nsoon;
    struct vm_pager_leave leave[2 * VM_PAGER_BATCH_MAX];
    struct vm_pager_leave clean[VM_PAGER_BATCH_MAX]; /* written back, and stay, clean */
    struct vm_pager_leave park[VM_PAGER_BATCH_MAX];  /* leave their mappings, not their frames */
    struct vm_pager_come come[1 + VM_PAGER_AHEAD_MAX];
    uint32_t soon[VM_PAGER_AHEAD_MAX]; /* kept pages that the stream will want next: a hint */
};

/* VM_PAGER_COUNTS(X): X(name, what) */
#define VM_PAGER_COUNTS(X)                                                                         \
    X(misses, "faults on pages that were out")                                                     \
    X(soft_faults, "faults on parked pages, whose frames were still theirs")                       \
    X(dirty_faults, "first writes to clean pages")                                                 \
    X(zero_fills, "pages that came as zeros")                                                      \
    X(loads, "pages that came from the store")                                                     \
    X(ahead, "of both: pages that came along")                                                     \
    X(evictions, "pages that left")                                                                \
    X(writebacks, "pages written back: evictions of dirty ones, and cleans")                       \
    X(cleans, "of these: pages that stayed")                                                       \
    X(releases, "of the evictions: pages that the policy gave up unasked")                         \
    X(parks, "pages parked")                                                                       \
    X(overruns, "pages that came above the limit, since none could leave")

struct vm_pager_counts {
#define VM_PAGER_COUNT_FIELD(name, what) uint64_t name;
    VM_PAGER_COUNTS(VM_PAGER_COUNT_FIELD)
#undef VM_PAGER_COUNT_FIELD
};

struct vm_pager;

/* Errors: VM_EUSAGE (a policy that reads the future, too little memory). Owns its memory, of which
 * the host's kernel gives what is touched: 4 bytes a page, some 40 a frame. */
struct vm_pager *vm_pager_open(const struct vm_pager_config *c, const struct vm_pager_host *host,
                               struct vm_error *e);
void vm_pager_close(struct vm_pager *p); /* NULL is fine */

/* Decide on a fault. `plan` is written whole but for what lies past its numbers. */
void vm_pager_fault(struct vm_pager *p, const struct vm_pager_fault *f, struct vm_pager_plan *plan);
/* Pages leave until `frames` are free below the limit, one batch at most: whether that many are. */
bool vm_pager_reclaim(struct vm_pager *p, uint32_t frames, struct vm_pager_plan *plan);
/* From now on; what is above leaves by the next faults, or reclaims. At most config.frames. */
void vm_pager_limit(struct vm_pager *p, uint32_t frames);
uint32_t vm_pager_resident(const struct vm_pager *p);
uint32_t vm_pager_resident_max(const struct vm_pager *p); /* that can ever be, overrun and all */
uint32_t vm_pager_free(const struct vm_pager *p); /* frames below the limit without a page */

/* What the host could not do, and what happens without a fault. */
void vm_pager_not_come(struct vm_pager *p, uint32_t page);  /* its contents could not be had */
void vm_pager_came_back(struct vm_pager *p, uint32_t page); /* it could not be written: it is there
                                                               again, dirty */
void vm_pager_cleaned(struct vm_pager *p, uint32_t page);   /* a flush wrote it: kept, and clean */
void vm_pager_not_cleaned(struct vm_pager *p, uint32_t page);         /* a plan's clean failed */
void vm_pager_keep(struct vm_pager *p, uint32_t first, uint32_t n);   /* they have contents */
void vm_pager_forget(struct vm_pager *p, uint32_t first, uint32_t n); /* they have none any more,
                                                                         and no frames */

bool vm_pager_is_resident(const struct vm_pager *p, uint32_t page); /* parked ones, too */
bool vm_pager_is_dirty(const struct vm_pager *p, uint32_t page);    /* false: not resident */
/* Whether the touch would be a fault: else the pager never hears of it. */
bool vm_pager_would_fault(const struct vm_pager *p, uint32_t page, enum vm_access access);
const struct vm_pager_counts *vm_pager_counts(const struct vm_pager *p);
void vm_pager_check(const struct vm_pager *p);

#endif
