/* resolve.c - a fault: who moves the page, what pager/ decides, and what comes.
 *
 * All of it runs where the fault happened: in a signal handler in the middle of anything, or in a
 * thread of the pager's. Nothing here allocates, takes a lock of a library, or changes errno.
 */
#include "base/assert.h"
#include "live/live.h"

#include <sched.h>
#include <string.h>
#include <time.h>

uint64_t vm_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void vm_handle_drop(struct vm_live *l, uint32_t page)
{
    if (l->handle[page] && l->handle[page] != IN_FILE)
        l->store_ops->drop(l->store, l->handle[page]);
    l->handle[page] = 0;
}

/* ---- what comes ---- */

/* Contents of come[i] for i in [first, first + n) into the worker's buffer, in their order; ok[i]
 * says whose. */
static void read_contents(struct vm_live *l, struct worker *w, const struct region *r,
                          uint32_t first, uint32_t n, bool *ok)
{
    void *to[VM_PAGER_AHEAD_MAX + 1];
    bool had[VM_PAGER_AHEAD_MAX + 1] = {false};
    uint32_t of[VM_PAGER_AHEAD_MAX + 1], reads = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct vm_pager_come *c = &w->plan.come[first + i];
        uint8_t *page = w->buffer + (size_t)i * l->page_bytes;
        ok[i] = true;
        if (c->how == VM_PAGER_UNPARKED) {
            vm_stored parked = l->parked[c->page];
            l->park_ops->read(l->parking, &parked, (void *const *)&(void *){page}, 1, &ok[i]);
        } else if (!l->handle[c->page]) {
            memset(page, 0, l->page_bytes);
        } else if (l->handle[c->page] == IN_FILE) {
            ok[i] = vm_file_read(l, r, c->page, page) == 0;
        } else {
            w->handle[reads] = l->handle[c->page];
            to[reads] = page;
            of[reads++] = i;
        }
    }
    if (!reads)
        return;
    l->store_ops->read(l->store, w->handle, to, reads, had);
    for (uint32_t k = 0; k < reads; k++)
        ok[of[k]] =
            had[k] && vm_page_sum(to[k], l->page_bytes) == l->sum[w->plan.come[first + of[k]].page];
}

/* Snapshots that want the page get it before it can be written. */
static void save(struct vm_live *l, struct worker *w, uint32_t first, uint32_t n, const bool *ok)
{
    for (uint32_t i = 0; l->snapshots && i < n; i++)
        if (ok[i] && w->plan.come[first + i].dirty)
            vm_snapshots_save(l, w->plan.come[first + i].page,
                              w->buffer + (size_t)i * l->page_bytes);
}

/* Its contents are there now, and writable or not as the plan says. */
static void arrived(struct vm_live *l, const struct vm_pager_come *c)
{
    if (c->how == VM_PAGER_UNPARKED) {
        l->park_ops->drop(l->parking, l->parked[c->page]);
        l->parked[c->page] = 0;
    }
    if (c->dirty)
        vm_handle_drop(l, c->page);
    vm_state_settle(l, c->page, c->dirty ? DIRTY : CLEAN);
}

static void did_not_arrive(struct vm_live *l, const struct vm_pager_come *c)
{
    vm_lock_take(&l->lock);
    vm_pager_not_come(l->pager, c->page);
    vm_lock_give(&l->lock);
    vm_state_settle(l, c->page, c->how == VM_PAGER_UNPARKED ? PARKED : OUT);
}

/* How many of the `n` from `c` on can be copied at once: they adjoin, and are alike. */
static uint32_t run_of(const struct vm_pager_come *c, const bool *ok, uint32_t n)
{
    uint32_t k = 1;
    while (k < n && ok[k] == ok[0] && c[k].dirty == c[0].dirty && c[k].page == c[0].page + k)
        k++;
    return k;
}

static void come_some(struct vm_live *l, struct worker *w, const struct region *r, uint32_t first,
                      uint32_t n, bool *ok)
{
    read_contents(l, w, r, first, n, ok);
    save(l, w, first, n, ok);
    for (uint32_t i = 0, k; i < n; i += k) {
        const struct vm_pager_come *c = &w->plan.come[first + i];
        k = run_of(c, ok + i, n - i);
        int failed = ok[i] ? vm_uffd_copy(&l->uffd, address_in(l, r, c->page),
                                          w->buffer + (size_t)i * l->page_bytes,
                                          (size_t)k * l->page_bytes, !c->dirty)
                           : 0;
        VM_ASSERT(failed == 0);
        for (uint32_t j = 0; j < k; j++)
            if (ok[i])
                arrived(l, c + j);
            else
                did_not_arrive(l, c + j);
    }
}

/* Nobody moves it now; what becomes of it meanwhile only makes the hint a bad one. */
static bool is_in_store(const struct vm_live *l, uint32_t page)
{
    return state_of(l, page) == OUT && l->handle[page] && l->handle[page] != IN_FILE;
}

static void hint(struct vm_live *l, struct worker *w)
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->plan.nsoon; i++)
        if (is_in_store(l, w->plan.soon[i]))
            w->handle[n++] = l->handle[w->plan.soon[i]];
    if (n)
        l->store_ops->soon(l->store, w->handle, n);
}

bool vm_plan_execute(struct vm_live *l, struct worker *w)
{
    bool ok[VM_PAGER_AHEAD_MAX + 1];
    struct region r;
    vm_plan_evict(l, w);
    if (!w->plan.ncome)
        return true;
    vm_lock_take(&l->lock);
    r = *vm_region_of_page(l, w->plan.come[0].page);
    vm_lock_give(&l->lock);
    bool first = false;
    for (uint32_t i = 0; i < w->plan.ncome; i += l->pages_at_once) {
        uint32_t n = w->plan.ncome - i;
        come_some(l, w, &r, i, n < l->pages_at_once ? n : l->pages_at_once, ok);
        first = i ? first : ok[0];
    }
    hint(l, w);
    return first;
}

/* ---- a fault ---- */

enum step { WORK, DONE, WAIT, AGAIN };

/* Takes the page, if this fault is the one that moves it. */
static enum step take_page(struct vm_live *l, uint32_t page, enum vm_access access,
                           bool is_protected, enum page_state *was)
{
    *was = state_of(l, page);
    if (is_moving(*was))
        return WAIT;
    if ((*was == CLEAN && access != VM_WRITE) || (*was == DIRTY && !is_protected))
        return DONE;
    return state_change(l, page, *was, FILLING) ? WORK : AGAIN;
}

void vm_open_page(struct vm_live *l, uint32_t page, uint8_t *at)
{
    if (l->snapshots)
        vm_snapshots_save(l, page, at);
    int failed = vm_uffd_unprotect(&l->uffd, at, l->page_bytes);
    VM_ASSERT(failed == 0);
}

/* The page may be written: what the store has of it is old. */
static void open_for_writing(struct vm_live *l, const struct region *r, uint32_t page)
{
    vm_open_page(l, page, address_in(l, r, page));
    vm_handle_drop(l, page);
    vm_state_settle(l, page, DIRTY);
}

/* Under the lock: what lay beside the page when its region was found may be unmapped now. */
static void plan(struct vm_live *l, struct worker *w, struct region *r, uint32_t page,
                 enum vm_access access)
{
    bool is_there = vm_region_find(l, address_in(l, r, page), r);
    VM_ASSERT(is_there);
    const struct vm_pager_fault f = {.page = page,
                                     .access = access,
                                     .first = r->first,
                                     .end = r->first + r->n,
                                     .advice = r->advice};
    vm_pager_fault(l->pager, &f, &w->plan);
    if (l->options.log_depth == VM_LIVE_LOG_FAULTS && w->plan.outcome <= VM_PAGER_DIRTY)
        vm_log_add(l->log, access == VM_WRITE ? LOG_WRITE : LOG_READ, page, 1);
}

/* The page is FILLING by us: decide, and do it. */
static enum resolved work(struct vm_live *l, struct worker *w, struct region *r, uint32_t page,
                          enum vm_access access, enum page_state was)
{
    bool came = true;
    vm_lock_take(&l->lock);
    plan(l, w, r, page, access);
    bool is_short = vm_pager_free(l->pager) < l->free_low;
    vm_lock_give(&l->lock);
    if (is_short)
        vm_background_wake(l);
    switch (w->plan.outcome) {
    case VM_PAGER_MISS:
    case VM_PAGER_SOFT:
        came = vm_plan_execute(l, w);
        break;
    case VM_PAGER_DIRTY:
    case VM_PAGER_THERE: /* dirty, and protected: its eviction failed */
        vm_plan_execute(l, w);
        open_for_writing(l, r, page);
        break;
    case VM_PAGER_FULL:
        vm_plan_execute(l, w);
        vm_state_settle(l, page, was);
        came = !atomic_load(&l->refused); /* else no page will ever leave */
        sched_yield();
        break;
    }
    return came ? RESOLVED : NOT_TO_BE;
}

enum resolved vm_resolve(struct vm_live *l, const void *address, enum vm_access access,
                         bool is_protected)
{
    uint64_t begin = vm_now_ns();
    struct region r;
    while (vm_region_find(l, address, &r)) {
        enum page_state was;
        uint32_t page = page_in(l, &r, address);
        struct worker *w = vm_worker_take(l);
        enum step step = take_page(l, page, access, is_protected, &was);
        enum resolved done = step == WORK ? work(l, w, &r, page, access, was) : RESOLVED;
        vm_worker_give(l, w);
        if (step == WAIT)
            vm_state_wait(l, page);
        if (step == WAIT || step == AGAIN)
            continue;
        if (done == NOT_TO_BE)
            atomic_fetch_add(&l->failures, 1);
        if (step == WORK && l->options.budget)
            vm_budget_fault(l->options.budget);
        vm_times_add(l, vm_now_ns() - begin);
        return done;
    }
    return NOT_MINE;
}
