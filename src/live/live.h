/* live.h - inside the pager of real memory: its state, and who does what. Private to live/.
 *
 *      signals.c    SIGBUS: whose address is it?          handler.c    a thread that reads faults
 *              \                                          /
 *               resolve.c    a fault: the page's state, a plan from pager/, what comes
 *                    |
 *               evict.c      what leaves: written, and given back
 *      region.c  map, unmap, resize     advise.c  pin, flush, advise    background.c  ahead of need
 *
 * A page's state is one byte, changed by compare-and-swap alone. Who moves it to FILLING or
 * EVICTING moves the page, and nobody else does until it is something else:
 *
 *      EMPTY, OUT --fault--> FILLING --> CLEAN or DIRTY       PARKED --fault--> FILLING
 *      CLEAN --first write--> FILLING --> DIRTY
 *      CLEAN, DIRTY --plan--> EVICTING --> OUT, CLEAN (cleaned) or PARKED
 *
 * Invariants
 *  1. Mapped by the kernel: CLEAN (write-protected) and DIRTY, and EVICTING up to the give-back. So
 *     a page cannot become dirty but by a fault that the pager sees, and a CLEAN page equals what
 *     its handle has (no handle: zeros).
 *  2. Who is in EVICTING is write-protected before a byte of it is read; who writes to it meanwhile
 *     waits, and finds it absent.
 *  3. `lock` covers the pager, handles of pages that nobody moves, and the regions. Under it states
 *     go to FILLING or EVICTING for what a plan says, so that plans and states agree; copies,
 *     transfers and the kernel's calls are done without it.
 *  4. EMPTY: no contents, no handle, nothing to give back: all of the page's words are 0.
 *  5. A pinned page is mapped, and no plan moves it; a first write to it may be under way.
 */
#ifndef LIVE_LIVE_H
#define LIVE_LIVE_H

#include "base/arena.h"
#include "live/accesses.h"
#include "live/lock.h"
#include "live/log.h"
#include "live/store.h"
#include "live/uffd.h"

#include <pagoda/alloc.h>
#include <pagoda/live.h>
#include <pthread.h>
#include <stdatomic.h>

/* The handle of a page whose contents are in its region's file. */
#define IN_FILE UINT64_MAX

enum page_state { EMPTY, OUT, FILLING, CLEAN, DIRTY, EVICTING, PARKED };

#define REGIONS_MAX 1024
#define WORKERS     32 /* faults that are worked on at once; others wait */
#define PAGES_MAX   VM_PAGER_PAGES_MAX

struct region {
    uint8_t *start;
    uint32_t first, n;   /* pages of the pager's */
    struct backing *of;  /* the file whose contents it has; NULL: none */
    uint32_t file_first; /* the page that would have the file's first */
    enum vm_pager_advice advice;
};

/* A page that a plan moves out of the way. */
struct moving {
    uint8_t *at;
    uint32_t page;
    enum { LEAVES, IS_CLEANED, IS_PARKED } what;
    bool dirty, parked; /* as struct vm_pager_leave has them */
    bool failed;        /* it could not be written */
};
#define MOVES_MAX (4 * VM_PAGER_BATCH_MAX)

/* What one fault needs while it is worked on. */
struct worker {
    struct vm_pager_plan plan;
    uint8_t *buffer; /* [pages_at_once * page_bytes] */
    struct moving move[MOVES_MAX];
    struct iovec range[MOVES_MAX];
    vm_stored handle[VM_STORE_BATCH];
    uint64_t sum[VM_STORE_BATCH];
    const void *from[VM_STORE_BATCH];
    struct moving *of[VM_STORE_BATCH];
};

/* Who tells other processes what the pager does. */
struct server {
    pthread_t thread;
    bool is_running;
    int listener;
    char path[108]; /* of its socket */
};

struct vm_live {
    struct vm_live_options options;
    struct vm_arena arena;
    uint32_t page_bytes, page_shift;
    uint32_t limit_pages;
    uint32_t pages_max;     /* pages of all regions at most: to PAGES_MAX */
    uint32_t pages_at_once; /* that a worker's buffer has room for */
    struct vm_params policy_params, store_params;

    struct vm_lock lock;
    struct vm_pager *pager;
    const struct vm_alloc_ops *numbers_ops; /* which page numbers regions have */
    void *numbers;
    const struct vm_store_ops *store_ops;
    void *store;
    const struct vm_store_ops *park_ops; /* memory, for what is parked */
    void *parking;
    struct vm_uffd uffd;

    _Atomic uint8_t *state; /* [pages_max] */
    vm_stored *handle;      /* [pages_max] where its contents are; 0: they are zeros */
    uint64_t *sum;          /* [pages_max] the checksum of what the handle has */
    vm_stored *parked;      /* [pages_max] in `parking` */
    _Atomic uint16_t *pins; /* [pages_max] */

    /* Regions by address, read without the lock: `changes` is odd while they change. */
    _Atomic uint32_t changes;
    uint32_t nregions;
    struct region *region;              /* [REGIONS_MAX] */
    struct vm_live_snapshot *snapshots; /* a list; it changes only while the gate is closed */

    _Atomic uint32_t gate; /* 1: nobody may begin to move pages */
    _Atomic uint32_t busy; /* a bit each worker that is taken */
    struct worker *worker; /* [WORKERS] */

    struct vm_log *log; /* under the lock; NULL: there is none */
    struct accesses accesses;

    pthread_t handler, background;
    int stop[2]; /* a pipe that ends them */
    bool has_handler, has_background;
    struct server server;
    _Atomic bool is_closing;
    _Atomic uint32_t wanted;      /* the background's word: how often it was woken */
    uint32_t free_low, free_high; /* frames; 0: no background */
    _Atomic int refused;          /* errno of the store's last write, if it could not keep a page */

    _Atomic uint32_t waits_now; /* threads that wait for a page */
    _Atomic uint64_t waits, failures, pinned, zero_unstored;
    _Atomic uint64_t bucket[VM_LIVE_BUCKETS], time_sum, time_max;
};

/* ---- addresses and pages ---- */

/* The region of the address, copied; false: it is in none. Without the lock. */
bool vm_region_find(const struct vm_live *l, const void *address, struct region *out);
/* The region of the page, which is in one. Under the lock. */
const struct region *vm_region_of_page(const struct vm_live *l, uint32_t page);

static inline uint8_t *address_in(const struct vm_live *l, const struct region *r, uint32_t page)
{
    return r->start + ((size_t)(page - r->first) << l->page_shift);
}

static inline uint32_t page_in(const struct vm_live *l, const struct region *r, const void *address)
{
    return r->first + (uint32_t)((size_t)((const uint8_t *)address - r->start) >> l->page_shift);
}

/* ---- states (state.c) ---- */

static inline enum page_state state_of(const struct vm_live *l, uint32_t page)
{
    return atomic_load_explicit(&l->state[page], memory_order_acquire);
}

static inline bool state_change(struct vm_live *l, uint32_t page, enum page_state from,
                                enum page_state to)
{
    uint8_t was = (uint8_t)from;
    return atomic_compare_exchange_strong(&l->state[page], &was, (uint8_t)to);
}

static inline bool is_moving(enum page_state s)
{
    return s == FILLING || s == EVICTING;
}

/* The page, which the caller moves, is `to` now; who waits for it looks again. */
void vm_state_settle(struct vm_live *l, uint32_t page, enum page_state to);
/* Until the page, which was moving, may have settled. */
void vm_state_wait(struct vm_live *l, uint32_t page);

/* ---- workers ---- */

/* Who moves pages has one, and waits for it where the gate is closed. */
struct worker *vm_worker_take(struct vm_live *l);
void vm_worker_give(struct vm_live *l, struct worker *w);
/* From now on no page is moved, and the lock is ours; signals are blocked. */
void vm_gate_close(struct vm_live *l, uint64_t *signals);
void vm_gate_open(struct vm_live *l, const uint64_t *signals);

/* ---- faults (resolve.c) ---- */

enum resolved {
    RESOLVED,
    NOT_MINE,  /* no region of the pager's */
    NOT_TO_BE, /* its contents cannot be had */
};
/* The address can be touched so, unless another thread drives it out again. `is_protected`: the
 * kernel says that the page is there, and write-protected. */
enum resolved vm_resolve(struct vm_live *l, const void *address, enum vm_access access,
                         bool is_protected);
/* Do what the plan says, of which nothing is done yet; false: its first page did not come. */
bool vm_plan_execute(struct vm_live *l, struct worker *w);
/* What leaves, is cleaned and is parked by the plan (evict.c). */
void vm_plan_evict(struct vm_live *l, struct worker *w);

/* Write-protect, write, and note where they are: what is dirty of move[n]; `failed` says which are
 * as they were, and still protected. */
void vm_write_back(struct vm_live *l, struct worker *w, uint32_t n);
/* move[n] are not mapped any more. */
void vm_give_back(struct vm_live *l, struct worker *w, uint32_t n);
void vm_handle_drop(struct vm_live *l, uint32_t page); /* the store has nothing of it */
/* The page, mapped and protected, can be written to. */
void vm_open_page(struct vm_live *l, uint32_t page, uint8_t *at);
/* A checksum of a page's contents. */
uint64_t vm_page_sum(const void *page, size_t bytes);
bool vm_page_is_zero(const void *page, size_t bytes);

/* ---- whoever calls ---- */

/* The part of the first region that lies in [from, to): whether there is one. */
bool vm_region_next_part(struct vm_live *l, const void *from, const void *to, struct region *part);
/* Every region is unmapped; files have what they were last flushed, and what could be now. */
void vm_regions_end(struct vm_live *l);
/* These pages have no contents any more: zeros, or, of a file, what it has. */
enum discarded { AS_ZEROS, AS_IN_FILE };
void vm_discard(struct vm_live *l, const struct region *part, enum discarded becomes);
void vm_move_contents(struct vm_live *l, const struct region *from, const struct region *to);

/* ---- files (file.c) ---- */

/* `page` of the region as the file has it, into page_bytes at `to`: 0 or errno. */
int vm_file_read(const struct vm_live *l, const struct region *r, uint32_t page, void *to);
/* What was changed is in the file. */
bool vm_file_flush(struct vm_live *l, const struct region *part, struct vm_error *e);
/* The regions that have it; the last drop closes it. */
void vm_file_hold(struct backing *of);
void vm_file_drop(struct backing *of);
/* The region at `start` has the file's contents from now on; nobody has touched it. */
void vm_region_set_file(struct vm_live *l, uint8_t *start, struct backing *of);
/* The file has `contents` for the page: if it still has them, it needs nothing of the store. */
void vm_page_flushed(struct vm_live *l, const struct region *r, uint32_t page,
                     const void *contents);

/* ---- snapshots (snapshot.c) ---- */

/* The page, which the caller moves, is about to lose these contents: snapshots that want them keep
 * them. */
void vm_snapshots_save(struct vm_live *l, uint32_t page, const void *contents);
/* ---- budgets (budget.c) ---- */

bool vm_budget_enter(struct vm_live *l, struct vm_error *e);
void vm_budget_leave(struct vm_live *l);
/* A fault of a member's was resolved: it may be time to share anew. Nothing is held. */
void vm_budget_fault(struct vm_live_budget *b);

/* Whose thread makes room ahead of need (background.c). */
bool vm_thread_start(pthread_t *thread, void *(*run)(void *), struct vm_live *l,
                     struct vm_error *e);
void vm_background_wake(struct vm_live *l);
bool vm_background_start(struct vm_live *l, struct vm_error *e);
bool vm_handler_start(struct vm_live *l, struct vm_error *e); /* handler.c */
/* serve.c */
bool vm_serve_start(struct vm_live *l, struct vm_error *e);
void vm_serve_end(struct vm_live *l);
/* In a child: the parent's socket is the parent's, and the child has its own. */
bool vm_serve_again(struct vm_live *l, struct vm_error *e);
bool vm_signals_enter(struct vm_live *l, struct vm_error *e); /* signals.c */
void vm_signals_leave(struct vm_live *l);
/* In a child, before it has threads: the parent's are not in the middle of anything here. */
void vm_signals_forked(void);
/* On standard error: the touch of the address ends in SIGBUS. */
void vm_tell_lost(const void *address);
uint64_t vm_now_ns(void);
void vm_times_add(struct vm_live *l, uint64_t ns);

#endif
