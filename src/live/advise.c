/* advise.c - what is done to pages without a fault: pin, flush, discard, send away, move.
 *
 * All of it takes pages as a fault would, by their state bytes: first whoever moves one is waited
 * for, then it is ours. A batch of them at a time, so that nobody waits for long.
 */
#include "base/assert.h"
#include "live/live.h"

#include <string.h>

/* ---- taking pages ---- */

/* The page is EVICTING by us; *was is what it was. False: it is EMPTY, and nothing to take. */
static bool take(struct vm_live *l, uint32_t page, enum page_state *was)
{
    for (;;) {
        *was = state_of(l, page);
        if (*was == EMPTY)
            return false;
        if (is_moving(*was))
            vm_state_wait(l, page);
        else if (state_change(l, page, *was, EVICTING))
            return true;
    }
}

/* The same, of a page that nobody has pinned; a pin and this see each other under the lock. */
static bool take_unpinned(struct vm_live *l, uint32_t page, enum page_state *was)
{
    for (;;) {
        vm_lock_take(&l->lock);
        *was = state_of(l, page);
        bool may = *was != EMPTY && !atomic_load(&l->pins[page]);
        bool taken = may && !is_moving(*was) && state_change(l, page, *was, EVICTING);
        vm_lock_give(&l->lock);
        if (taken || !may)
            return taken;
        if (is_moving(*was))
            vm_state_wait(l, page);
    }
}

/* The first page from `page` on, below `end`, that is not EMPTY; or `end`. */
static uint32_t next_page(const struct vm_live *l, uint32_t page, uint32_t end)
{
    while (page < end) {
        uint64_t eight;
        if (page % 8 == 0 && page + 8 <= end) {
            memcpy(&eight, (const void *)&l->state[page], sizeof eight);
            if (eight == 0) {
                page += 8;
                continue;
            }
        }
        if (state_of(l, page) != EMPTY)
            return page;
        page++;
    }
    return end;
}

static bool is_mapped(enum page_state s)
{
    return s == CLEAN || s == DIRTY;
}

/* ---- no contents any more ---- */

/* Where its contents can be read; NULL: only by its handle, or they are zeros. */
static const void *seen(struct vm_live *l, struct worker *w, const struct moving *m)
{
    bool ok;
    void *to = w->buffer;
    if (!m->parked)
        return m->at;
    if (!l->parked[m->page])
        return NULL;
    l->park_ops->read(l->parking, &l->parked[m->page], &to, 1, &ok);
    return to;
}

static void discard_batch(struct vm_live *l, struct worker *w, const struct region *r, uint32_t n,
                          enum discarded becomes)
{
    for (uint32_t i = 0; l->snapshots && i < n; i++)
        vm_snapshots_save(l, w->move[i].page, seen(l, w, &w->move[i]));
    vm_give_back(l, w, n);
    vm_lock_take(&l->lock);
    for (uint32_t i = 0; i < n; i++) {
        vm_pager_forget(l->pager, w->move[i].page, 1);
        vm_log_add(l->log, LOG_FORGET, w->move[i].page, 1);
    }
    vm_lock_give(&l->lock);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t page = w->move[i].page;
        vm_handle_drop(l, page);
        if (l->parked[page])
            l->park_ops->drop(l->parking, l->parked[page]);
        l->parked[page] = 0;
        if (r->of && becomes == AS_IN_FILE) {
            vm_lock_take(&l->lock);
            vm_pager_keep(l->pager, page, 1);
            vm_log_add(l->log, LOG_KEEP, page, 1);
            vm_lock_give(&l->lock);
            l->handle[page] = IN_FILE;
        }
        vm_state_settle(l, page, l->handle[page] ? OUT : EMPTY);
    }
}

void vm_discard(struct vm_live *l, const struct region *r, enum discarded becomes)
{
    uint64_t kept;
    uint32_t n = 0, end = r->first + r->n;
    vm_signals_block(&kept);
    struct worker *w = vm_worker_take(l);
    for (uint32_t page = r->first; (page = next_page(l, page, end)) < end; page++) {
        enum page_state was;
        if (!take(l, page, &was))
            continue;
        w->move[n++] = (struct moving){
            .page = page, .at = address_in(l, r, page), .what = LEAVES, .parked = !is_mapped(was)};
        if (n == VM_PAGER_BATCH_MAX) {
            discard_batch(l, w, r, n, becomes);
            n = 0;
        }
    }
    discard_batch(l, w, r, n, becomes);
    vm_worker_give(l, w);
    vm_signals_restore(&kept);
}

/* ---- written, and there or not ---- */

/* move[n] are EVICTING by us. Written if dirty; then they stay, or leave. */
static bool write_batch(struct vm_live *l, struct worker *w, uint32_t n)
{
    bool all = true;
    vm_write_back(l, w, n);
    vm_give_back(l, w, n);
    vm_lock_take(&l->lock);
    for (uint32_t i = 0; i < n; i++) {
        if (w->move[i].failed)
            continue;
        bool leaves = w->move[i].what == LEAVES;
        if (w->move[i].dirty)
            vm_pager_cleaned(l->pager, w->move[i].page);
        if (leaves)
            vm_pager_not_come(l->pager, w->move[i].page);
        vm_log_add(l->log, leaves ? LOG_LEAVE : LOG_CLEAN, w->move[i].page, 1);
    }
    vm_lock_give(&l->lock);
    for (uint32_t i = 0; i < n; i++) {
        const struct moving *m = &w->move[i];
        all = all && !m->failed;
        if (m->failed && !m->parked)
            vm_open_page(l, m->page, m->at);
        if (m->what == LEAVES && m->parked && !m->failed) {
            l->park_ops->drop(l->parking, l->parked[m->page]);
            l->parked[m->page] = 0;
        }
        vm_state_settle(l, m->page,
                        m->failed           ? m->parked ? PARKED : DIRTY
                        : m->what == LEAVES ? OUT
                        : m->parked         ? PARKED
                                            : CLEAN);
    }
    return all;
}

/* Every page of the region is written if it is dirty, and leaves or not: whether all could be. What
 * is pinned stays as it is: the kernel may be writing to it. */
static bool write_all(struct vm_live *l, const struct region *r, int what)
{
    uint64_t kept;
    uint32_t n = 0, end = r->first + r->n;
    bool all = true;
    vm_signals_block(&kept);
    struct worker *w = vm_worker_take(l);
    for (uint32_t page = r->first; (page = next_page(l, page, end)) < end; page++) {
        enum page_state was = state_of(l, page);
        if (was == OUT || (what == IS_CLEANED && was == CLEAN))
            continue;
        if (!take_unpinned(l, page, &was))
            continue;
        if (was == OUT) {
            vm_state_settle(l, page, OUT);
            continue;
        }
        vm_lock_take(&l->lock);
        bool dirty = vm_pager_is_dirty(l->pager, page);
        vm_lock_give(&l->lock);
        w->move[n++] = (struct moving){.page = page,
                                       .at = address_in(l, r, page),
                                       .what = (unsigned)what,
                                       .dirty = dirty,
                                       .parked = was == PARKED};
        if (n == VM_PAGER_BATCH_MAX) {
            all = write_batch(l, w, n) && all;
            n = 0;
        }
    }
    all = write_batch(l, w, n) && all;
    vm_worker_give(l, w);
    vm_signals_restore(&kept);
    return all;
}

bool vm_live_flush(struct vm_live *l, void *address, size_t bytes, struct vm_error *e)
{
    const uint8_t *from = address, *to = from + bytes;
    struct region part;
    while (from < to && vm_region_next_part(l, from, to, &part)) {
        if (part.of && !vm_file_flush(l, &part, e))
            return false;
        if (!part.of && !write_all(l, &part, IS_CLEANED))
            return vm_fail(e, VM_ESYSTEM, "flush: the store keeps no more: %s",
                           strerror(atomic_load(&l->refused)));
        from = part.start + ((size_t)part.n << l->page_shift);
    }
    uint64_t kept;
    vm_signals_block(&kept);
    int failed = l->store_ops->flush(l->store);
    vm_signals_restore(&kept);
    return failed ? vm_fail(e, VM_ESYSTEM, "flush: %s", strerror(failed)) : true;
}

void vm_page_flushed(struct vm_live *l, const struct region *r, uint32_t page, const void *contents)
{
    uint64_t kept;
    enum page_state was;
    vm_signals_block(&kept);
    struct worker *w = vm_worker_take(l);
    if (take(l, page, &was)) {
        uint8_t *at = address_in(l, r, page);
        enum page_state is = was;
        if (was == DIRTY) {
            int failed = vm_uffd_protect(&l->uffd, at, l->page_bytes);
            VM_ASSERT(failed == 0);
        }
        if (is_mapped(was) && memcmp(at, contents, l->page_bytes) == 0) {
            vm_handle_drop(l, page);
            l->handle[page] = IN_FILE;
            vm_lock_take(&l->lock);
            vm_pager_cleaned(l->pager, page);
            vm_log_add(l->log, LOG_CLEAN, page, 1);
            vm_lock_give(&l->lock);
            is = CLEAN;
        } else if (was == DIRTY) {
            vm_open_page(l, page, at);
        } else if (was == OUT && l->handle[page] && l->handle[page] != IN_FILE &&
                   l->sum[page] == vm_page_sum(contents, l->page_bytes)) {
            vm_handle_drop(l, page);
            l->handle[page] = IN_FILE;
        }
        vm_state_settle(l, page, is);
    }
    vm_worker_give(l, w);
    vm_signals_restore(&kept);
}

/* ---- another place ---- */

/* The page of `from`, if it is out, is `there` of a region that nobody has touched. */
static void move_handle(struct vm_live *l, uint32_t page, uint32_t there)
{
    enum page_state was;
    if (!take(l, page, &was))
        return;
    if (was != OUT) {
        vm_state_settle(l, page, was);
        return;
    }
    if (l->snapshots)
        vm_snapshots_save(l, page, NULL);
    l->handle[there] = l->handle[page];
    l->sum[there] = l->sum[page];
    l->handle[page] = 0;
    vm_lock_take(&l->lock);
    vm_pager_forget(l->pager, page, 1);
    vm_pager_keep(l->pager, there, 1);
    vm_log_add(l->log, LOG_FORGET, page, 1);
    vm_log_add(l->log, LOG_KEEP, there, 1);
    vm_lock_give(&l->lock);
    atomic_store(&l->state[there], OUT);
    vm_state_settle(l, page, EMPTY);
}

/* What the store has refused, or is pinned, goes by way of memory: signals are not blocked, for
 * these touches are faults; and it goes last, for they bring neighbours along. */
void vm_move_contents(struct vm_live *l, const struct region *from, const struct region *to)
{
    uint64_t kept;
    uint32_t end = from->first + from->n;
    bool all = write_all(l, from, LEAVES);
    VM_ASSERT(all || atomic_load(&l->refused));
    vm_signals_block(&kept);
    struct worker *w = vm_worker_take(l);
    for (uint32_t page = from->first; (page = next_page(l, page, end)) < end; page++)
        move_handle(l, page, to->first + (page - from->first));
    vm_worker_give(l, w);
    vm_signals_restore(&kept);
    for (uint32_t page = from->first; (page = next_page(l, page, end)) < end; page++)
        memcpy(address_in(l, to, to->first + (page - from->first)), address_in(l, from, page),
               l->page_bytes);
}

/* ---- advice ---- */

static void advise_region(struct vm_live *l, const struct region *part, enum vm_pager_advice advice)
{
    uint64_t kept;
    vm_lock_calmly(&l->lock, &kept);
    for (uint32_t i = 0; i < l->nregions; i++)
        if (part->first - l->region[i].first < l->region[i].n) {
            atomic_fetch_add(&l->changes, 1);
            l->region[i].advice = advice;
            atomic_fetch_add(&l->changes, 1);
            vm_log_add(l->log, LOG_NORMAL + (unsigned)advice, part->first, part->n);
        }
    vm_lock_give_calmly(&l->lock, &kept);
}

/* Its pages come, half of what memory has at most. */
static void bring(struct vm_live *l, const struct region *r)
{
    uint32_t n = r->n < l->limit_pages / 2 ? r->n : l->limit_pages / 2;
    uint64_t kept;
    vm_signals_block(&kept);
    vm_accesses_bring(l, r->first, n);
    for (uint32_t i = 0; i < n; i++)
        vm_resolve(l, r->start + ((size_t)i << l->page_shift), VM_READ, false);
    vm_signals_restore(&kept);
}

/* Of pages of which only a part was meant, that part is zeros; a file's keep theirs. */
static void clear_edge(const struct region *part, uint8_t *from, const uint8_t *to)
{
    if (from < to && !part->of)
        memset(from, 0, (size_t)(to - from));
}

/* [from, to) has no contents any more; `part` are the pages in which it lies. */
static void discard_range(struct vm_live *l, struct region part, uint8_t *from, uint8_t *to)
{
    uint8_t *end = part.start + ((size_t)part.n << l->page_shift);
    if (from > part.start) {
        uint8_t *next = part.start + l->page_bytes;
        clear_edge(&part, from, to < next ? to : next);
        part.start = next;
        part.first++;
        part.n--;
    }
    if (to < end && part.n > 0) {
        clear_edge(&part, end - l->page_bytes, to);
        part.n--;
    }
    if (part.n > 0)
        vm_discard(l, &part, AS_IN_FILE);
}

bool vm_live_advise(struct vm_live *l, void *address, size_t bytes, enum vm_live_advice advice,
                    struct vm_error *e)
{
    uint8_t *from = address, *to = from + bytes;
    struct region part;
    bool all = true;
    while (from < to && vm_region_next_part(l, from, to, &part)) {
        switch (advice) {
        case VM_LIVE_NORMAL:
            advise_region(l, &part, VM_PAGER_NORMAL);
            break;
        case VM_LIVE_RANDOM:
            advise_region(l, &part, VM_PAGER_RANDOM);
            break;
        case VM_LIVE_SEQUENTIAL:
            advise_region(l, &part, VM_PAGER_SEQUENTIAL);
            break;
        case VM_LIVE_WILLNEED:
            bring(l, &part);
            break;
        case VM_LIVE_DONTNEED:
            discard_range(l, part, from, to);
            break;
        case VM_LIVE_COLD:
            all = write_all(l, &part, LEAVES) && all;
            break;
        }
        from = part.start + ((size_t)part.n << l->page_shift);
    }
    return all || vm_fail(e, VM_ESYSTEM, "the store keeps no more: %s",
                          strerror(atomic_load(&l->refused)));
}

/* ---- pins ---- */

/* Under the lock no plan can take the page. False: it is not there as it must be. */
static bool pin_now(struct vm_live *l, uint32_t page, enum vm_access access)
{
    enum page_state s = state_of(l, page);
    if (s != DIRTY && (s != CLEAN || access == VM_WRITE))
        return false;
    if (atomic_fetch_add(&l->pins[page], 1) == 0)
        atomic_fetch_add(&l->pinned, 1);
    vm_log_add(l->log, LOG_PIN, page, 1);
    return true;
}

static bool pin_page(struct vm_live *l, const uint8_t *address, enum vm_access access)
{
    vm_accesses_pin(l, address, access);
    if (l->snapshots && access == VM_WRITE) /* it may be dirty, and protected for one */
        vm_resolve(l, address, access, true);
    for (;;) {
        struct region r;
        bool done = vm_region_find(l, address, &r);
        if (!done)
            return true; /* not ours: nothing to pin */
        vm_lock_take(&l->lock);
        done = pin_now(l, page_in(l, &r, address), access);
        vm_lock_give(&l->lock);
        if (done)
            return true;
        if (atomic_load(&l->pinned) >= l->limit_pages / 4 ||
            vm_resolve(l, address, access, false) == NOT_TO_BE)
            return false;
    }
}

bool vm_live_pin(struct vm_live *l, const void *address, size_t bytes, enum vm_access access)
{
    uint64_t kept;
    const uint8_t *from = address, *to = from + bytes;
    const uint8_t *at = from - ((uintptr_t)from & (l->page_bytes - 1));
    bool all = true;
    vm_signals_block(&kept);
    for (; all && at < to; at += l->page_bytes)
        all = pin_page(l, at < from ? from : at, access);
    vm_signals_restore(&kept);
    at -= l->page_bytes;
    if (!all && at > from)
        vm_live_unpin(l, from, (size_t)(at - from));
    return all;
}

static void unpin_page(struct vm_live *l, const struct region *r, uint32_t page)
{
    uint64_t kept;
    if (atomic_fetch_sub(&l->pins[page], 1) == 1)
        atomic_fetch_sub(&l->pinned, 1);
    if (!l->log)
        return;
    vm_lock_calmly(&l->lock, &kept);
    vm_log_add(l->log, LOG_UNPIN, page, 1);
    vm_accesses_unpin(l, address_in(l, r, page));
    vm_lock_give_calmly(&l->lock, &kept);
}

void vm_live_unpin(struct vm_live *l, const void *address, size_t bytes)
{
    const uint8_t *from = address, *to = from + bytes;
    const uint8_t *at = from - ((uintptr_t)from & (l->page_bytes - 1));
    struct region r;
    for (; at < to; at += l->page_bytes) {
        if (!vm_region_find(l, at < from ? from : at, &r))
            continue;
        unpin_page(l, &r, page_in(l, &r, at < from ? from : at));
    }
}
