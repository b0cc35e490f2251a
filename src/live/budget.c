/* budget.c - several pagers, one memory: who is admitted, and who has how much.
 *
 * A pager is admitted if the least it says it needs is there beside the least of the others: no
 * pager is let in to make all of them thrash. What is beyond goes where it saves most. Every
 * SLICE_FAULTS faults of all, the misses since the last time are compared: from who has the fewest
 * for each frame a slice goes to who has the most, if that is twice as many, and as far as the
 * giver's least and the taker's most allow. The thread whose fault it is makes the giver's pages
 * leave before the taker has the frames, so that the sum is never above the budget.
 *
 * Misses for a frame are what a working-set or fault-frequency admission looks at; Chu & Opderbeck,
 * "The page fault frequency replacement algorithm", AFIPS FJCC 1972; Denning, "The working set
 * model for program behavior", CACM 11(5) 1968.
 *
 * Invariant: the shares of all members add up to at most `bytes`; each is its least at least.
 */
#include "base/assert.h"
#include "live/live.h"

#include <stdlib.h>

#define MEMBERS_MAX  64
#define SLICE_FAULTS 4096
#define SLICE_PART   32 /* of the budget, in a slice */

struct member {
    struct vm_live *live;
    uint64_t share, least, most; /* bytes */
    uint64_t misses;             /* at the last comparison */
};

struct vm_live_budget {
    struct vm_lock lock;
    uint64_t bytes;
    uint32_t n;
    struct member member[MEMBERS_MAX];
    _Atomic uint64_t faults;
};

struct vm_live_budget *vm_live_budget_open(uint64_t bytes, struct vm_error *e)
{
    struct vm_live_budget *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for a budget");
        return NULL;
    }
    b->bytes = bytes;
    return b;
}

void vm_live_budget_close(struct vm_live_budget *b)
{
    VM_ASSERT(!b || b->n == 0);
    free(b);
}

static uint64_t in_use(const struct vm_live_budget *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n; i++)
        sum += b->member[i].share;
    return sum;
}

static uint64_t least_of_all(const struct vm_live_budget *b)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n; i++)
        sum += b->member[i].least;
    return sum;
}

/* ---- shares ---- */

/* The member's pages leave until it has `share` bytes. A batch at a time; whether they could. */
static bool shrink(struct member *m, uint64_t share)
{
    struct vm_live *l = m->live;
    uint32_t pages = (uint32_t)(share >> l->page_shift);
    bool done = false, any = true;
    while (!done && any) {
        struct worker *w = vm_worker_take(l);
        vm_lock_take(&l->lock);
        vm_pager_limit(l->pager, pages);
        done = vm_pager_reclaim(l->pager, 0, &w->plan) && vm_pager_resident(l->pager) <= pages;
        any = w->plan.nleave > 0;
        vm_lock_give(&l->lock);
        vm_plan_execute(l, w);
        vm_worker_give(l, w);
    }
    if (done)
        m->share = share;
    return done;
}

static void grow(struct member *m, uint64_t share)
{
    vm_lock_take(&m->live->lock);
    vm_pager_limit(m->live->pager, (uint32_t)(share >> m->live->page_shift));
    vm_lock_give(&m->live->lock);
    m->share = share;
}

/* Misses since the last comparison, for each frame. */
static double need_of(const struct member *m)
{
    uint64_t misses = vm_pager_counts(m->live->pager)->misses - m->misses;
    return (double)misses / (double)(m->share >> m->live->page_shift);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A slice goes from who needs it least to who needs it most. */
static void compare(struct vm_live_budget *b)
{
    struct member *giver = NULL, *taker = NULL;
    for (struct member *m = b->member; m < b->member + b->n; m++) {
        if (m->share > m->least && (!giver || need_of(m) < need_of(giver)))
            giver = m;
        if (m->share < m->most && (!taker || need_of(m) > need_of(taker)))
            taker = m;
    }
    if (!taker)
        return;
    uint64_t slice = least(b->bytes / SLICE_PART, taker->most - taker->share);
    uint64_t spare = b->bytes - in_use(b);
    if (spare < slice && giver && giver != taker && need_of(taker) > 2 * need_of(giver) &&
        shrink(giver, giver->share - least(slice - spare, giver->share - giver->least)))
        spare = b->bytes - in_use(b);
    if (spare)
        grow(taker, taker->share + least(slice, spare));
    for (struct member *m = b->member; m < b->member + b->n; m++)
        m->misses = vm_pager_counts(m->live->pager)->misses;
}

void vm_budget_fault(struct vm_live_budget *b)
{
    if ((atomic_fetch_add(&b->faults, 1) + 1) % SLICE_FAULTS)
        return;
    vm_lock_take(&b->lock);
    compare(b);
    vm_lock_give(&b->lock);
}

/* ---- members ---- */

/* What is free, and what the others have above their least if that is not the newcomer's least. */
static bool make_room(struct vm_live_budget *b, uint64_t wanted)
{
    for (uint32_t i = 0; i < b->n && b->bytes - in_use(b) < wanted; i++) {
        struct member *m = &b->member[i];
        uint64_t missing = wanted - (b->bytes - in_use(b));
        shrink(m, m->share - least(missing, m->share - m->least));
    }
    return b->bytes - in_use(b) >= wanted;
}

static bool enter(struct vm_live_budget *b, const struct member *m, struct vm_error *e)
{
    if (b->n == MEMBERS_MAX)
        return vm_fail(e, VM_ESYSTEM, "a budget has %d pagers at most", MEMBERS_MAX);
    if (least_of_all(b) + m->least > b->bytes || !make_room(b, m->least)) {
        vm_fail(e, VM_EUSAGE,
                "not admitted: the least of %llu bytes is not there beside the %llu of others",
                (unsigned long long)m->least, (unsigned long long)least_of_all(b));
        return vm_hint(e, "the budget is %llu bytes: say a smaller least, or close a pager",
                       (unsigned long long)b->bytes);
    }
    b->member[b->n++] = *m;
    grow(&b->member[b->n - 1], least(m->most, b->bytes - in_use(b) + m->share));
    return true;
}

bool vm_budget_enter(struct vm_live *l, struct vm_error *e)
{
    struct vm_live_budget *b = l->options.budget;
    uint64_t bytes = l->options.least_bytes, signals;
    const uint64_t lowest = (uint64_t)VM_PAGER_LIMIT_MIN << l->page_shift;
    bytes = bytes > lowest ? bytes : lowest;
    struct member m = {
        .live = l, .least = bytes, .most = (uint64_t)l->limit_pages << l->page_shift};
    if (m.least > m.most)
        return vm_fail(e, VM_EUSAGE, "a least of %llu bytes is above the limit",
                       (unsigned long long)m.least);
    vm_lock_calmly(&b->lock, &signals);
    bool done = enter(b, &m, e);
    vm_lock_give_calmly(&b->lock, &signals);
    return done;
}

void vm_budget_leave(struct vm_live *l)
{
    struct vm_live_budget *b = l->options.budget;
    uint64_t signals;
    vm_lock_calmly(&b->lock, &signals);
    for (uint32_t i = 0; i < b->n; i++)
        if (b->member[i].live == l)
            b->member[i--] = b->member[--b->n];
    vm_lock_give_calmly(&b->lock, &signals);
}
