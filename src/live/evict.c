/* evict.c - what leaves, is cleaned or is parked by a plan.
 *
 *      dirty pages: write-protect --> checksum --> store        one range where pages adjoin,
 *      leaving and parked: give back, all at once               one flush of TLBs for all of them
 *
 * A page that the store refuses stays: the pager takes it back, dirty as it was. A page of zeros
 * has no handle.
 */
#include "base/assert.h"
#include "live/live.h"

#include <string.h>

/* ---- the plan as pages in the order of their addresses ---- */

static uint32_t add(struct worker *w, uint32_t n, const struct vm_pager_leave *from, uint32_t nfrom,
                    int what)
{
    for (uint32_t i = 0; i < nfrom; i++) {
        VM_ASSERT(n < MOVES_MAX);
        w->move[n++] = (struct moving){.page = from[i].page,
                                       .what = (unsigned)what,
                                       .dirty = from[i].dirty,
                                       .parked = from[i].parked};
    }
    return n;
}

/* Shell sort: there are some hundred, often in order already, and no other memory is needed. */
static void sort(struct moving *move, uint32_t n)
{
    static const uint32_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (uint32_t i = gaps[g]; i < n; i++) {
            struct moving m = move[i];
            uint32_t k = i;
            for (; k >= gaps[g] && move[k - gaps[g]].page > m.page; k -= gaps[g])
                move[k] = move[k - gaps[g]];
            move[k] = m;
        }
}

static void locate(struct vm_live *l, struct moving *move, uint32_t n)
{
    const struct region *r = NULL;
    vm_lock_take(&l->lock);
    for (uint32_t i = 0; i < n; i++) {
        if (!r || move[i].page < r->first || move[i].page >= r->first + r->n)
            r = vm_region_of_page(l, move[i].page);
        move[i].at = address_in(l, r, move[i].page);
    }
    vm_lock_give(&l->lock);
}

/* ---- writing ---- */

static bool is_written_to_store(const struct moving *m)
{
    return m->dirty && m->what != IS_PARKED;
}

static bool is_mapped_dirty(const struct moving *m)
{
    return m->dirty && !m->parked;
}

static void protect(struct vm_live *l, const struct moving *move, uint32_t n)
{
    for (uint32_t i = 0, k; i < n; i += k) {
        k = 1;
        if (!is_mapped_dirty(&move[i]))
            continue;
        while (i + k < n && is_mapped_dirty(&move[i + k]) &&
               move[i + k].at == move[i].at + (size_t)k * l->page_bytes)
            k++;
        int failed = vm_uffd_protect(&l->uffd, move[i].at, (size_t)k * l->page_bytes);
        VM_ASSERT(failed == 0);
    }
}

/* Where the contents of the page can be read; of a parked one, a copy in the worker's buffer. */
static const void *contents_of(struct vm_live *l, struct worker *w, const struct moving *m,
                               uint32_t nth)
{
    if (!m->parked)
        return m->at;
    bool ok;
    void *to = w->buffer + (size_t)nth * l->page_bytes;
    l->park_ops->read(l->parking, &l->parked[m->page], &to, 1, &ok);
    return to;
}

/* Write of[0 .. n). */
static void write_batch(struct vm_live *l, struct worker *w, uint32_t n)
{
    int error = 0;
    if (!n)
        return;
    size_t kept = l->store_ops->write(l->store, w->from, n, w->handle, &error);
    atomic_store(&l->refused, kept == n ? 0 : error);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t page = w->of[i]->page;
        w->of[i]->failed = !w->handle[i];
        VM_ASSERT(!l->handle[page]);
        l->handle[page] = w->handle[i];
        l->sum[page] = w->sum[i];
    }
}

void vm_write_back(struct vm_live *l, struct worker *w, uint32_t n)
{
    uint32_t in = 0, parked = 0;
    protect(l, w->move, n);
    for (uint32_t i = 0; i < n; i++)
        vm_accesses_show(l, w->move[i].at);
    for (uint32_t i = 0; i < n; i++) {
        struct moving *m = &w->move[i];
        if (!is_written_to_store(m))
            continue;
        const void *from = contents_of(l, w, m, parked);
        vm_handle_drop(l, m->page);
        if (vm_page_is_zero(from, l->page_bytes)) {
            atomic_fetch_add(&l->zero_unstored, 1);
            continue;
        }
        parked += m->parked;
        w->of[in] = m;
        w->from[in] = from;
        w->sum[in++] = vm_page_sum(from, l->page_bytes);
        if (in == VM_STORE_BATCH || parked == l->pages_at_once) {
            write_batch(l, w, in);
            in = parked = 0;
        }
    }
    write_batch(l, w, in);
}

/* ---- parking ---- */

/* Its contents go to memory beside; false: there is none. */
static void park_contents(struct vm_live *l, struct moving *m)
{
    int error;
    const void *from = m->at;
    if (m->what != IS_PARKED || m->parked)
        return;
    m->failed = !l->park_ops->write(l->parking, &from, 1, &l->parked[m->page], &error);
    VM_ASSERT(!m->failed);
}

static void unpark(struct vm_live *l, uint32_t page)
{
    l->park_ops->drop(l->parking, l->parked[page]);
    l->parked[page] = 0;
}

/* ---- giving back ---- */

static bool is_given_back(const struct moving *m)
{
    return m->what != IS_CLEANED && !m->parked && !m->failed;
}

void vm_give_back(struct vm_live *l, struct worker *w, uint32_t n)
{
    size_t ranges = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct moving *m = &w->move[i];
        if (!is_given_back(m))
            continue;
        struct iovec *last = ranges ? &w->range[ranges - 1] : NULL;
        if (last && (uint8_t *)last->iov_base + last->iov_len == m->at)
            last->iov_len += l->page_bytes;
        else
            w->range[ranges++] = (struct iovec){m->at, l->page_bytes};
    }
    if (ranges)
        vm_uffd_give_back(&l->uffd, w->range, ranges);
    for (uint32_t i = 0; i < n; i++)
        vm_accesses_hide(l, w->move[i].page, w->move[i].at);
}

/* ---- what becomes of them ---- */

/* The store has refused it: it is in memory again, and dirty. */
static void take_back(struct vm_live *l, struct worker *w, const struct moving *m)
{
    if (m->what == IS_CLEANED && m->parked) {
        vm_lock_take(&l->lock);
        vm_pager_not_cleaned(l->pager, m->page);
        vm_lock_give(&l->lock);
        vm_state_settle(l, m->page, PARKED);
        return;
    }
    int failed = 0;
    if (m->parked) {
        failed = vm_uffd_copy(&l->uffd, m->at, contents_of(l, w, m, 0), l->page_bytes, false);
        unpark(l, m->page);
    } else {
        vm_open_page(l, m->page, m->at);
    }
    VM_ASSERT(failed == 0);
    vm_lock_take(&l->lock);
    if (m->what == IS_CLEANED)
        vm_pager_not_cleaned(l->pager, m->page);
    else
        vm_pager_came_back(l->pager, m->page);
    vm_lock_give(&l->lock);
    vm_state_settle(l, m->page, DIRTY);
}

static void settle(struct vm_live *l, struct worker *w, const struct moving *m)
{
    if (m->failed) {
        take_back(l, w, m);
        return;
    }
    if (m->what == LEAVES && m->parked)
        unpark(l, m->page);
    vm_state_settle(l, m->page,
                    m->what == LEAVES                   ? OUT
                    : m->what == IS_PARKED || m->parked ? PARKED
                                                        : CLEAN);
}

void vm_plan_evict(struct vm_live *l, struct worker *w)
{
    const struct vm_pager_plan *plan = &w->plan;
    uint32_t n = add(w, 0, plan->leave, plan->nleave, LEAVES);
    n = add(w, n, plan->clean, plan->nclean, IS_CLEANED);
    n = add(w, n, plan->park, plan->npark, IS_PARKED);
    if (!n)
        return;
    sort(w->move, n);
    locate(l, w->move, n);
    vm_write_back(l, w, n);
    for (uint32_t i = 0; i < n; i++)
        park_contents(l, &w->move[i]);
    vm_give_back(l, w, n);
    for (uint32_t i = 0; i < n; i++)
        settle(l, w, &w->move[i]);
}
