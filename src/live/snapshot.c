/* snapshot.c - what a region had at a moment: kept page by page, when the page is about to change.
 *
 * Taking one write-protects the region with nobody moving pages meanwhile, and that is all. A page
 * of it is the SAME until it changes: until its contents are opened for writing, discarded, or
 * moved away. Then the snapshot HOLDs them: by the handle that the page has, which it shares; if
 * it has none, by one of its own.
 *
 * Why it is one moment: a write that came before the protection is in; one that came after waits in
 * its fault until all is protected, and so does all that its thread would do next. So no write is
 * in without those that it followed.
 *
 * Invariants
 *  1. A SAME page's contents are what its region has, if that is still mapped; else zeros.
 *  2. A dirty page that some snapshot has as SAME is write-protected.
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SAME, HELD, LOST };

struct vm_live_snapshot {
    struct vm_live_snapshot *next;
    struct vm_live *live;
    struct vm_arena arena;
    uint8_t *start;
    uint32_t first, n;
    _Atomic uint8_t *has; /* [n] */
    vm_stored *handle;    /* [n] of a HELD page; 0: zeros */
    uint64_t *sum;        /* [n] */
};

/* ---- keeping ---- */

static void keep(struct vm_live *l, struct vm_live_snapshot *s, uint32_t page, const void *contents)
{
    uint32_t i = page - s->first;
    int error;
    uint8_t has = HELD;
    if (l->handle[page]) {
        l->store_ops->hold(l->store, l->handle[page]);
        s->handle[i] = l->handle[page];
        s->sum[i] = l->sum[page];
    } else if (contents && !vm_page_is_zero(contents, l->page_bytes)) {
        has = l->store_ops->write(l->store, &contents, 1, &s->handle[i], &error) ? HELD : LOST;
        s->sum[i] = vm_page_sum(contents, l->page_bytes);
    }
    atomic_store(&s->has[i], has);
}

void vm_snapshots_save(struct vm_live *l, uint32_t page, const void *contents)
{
    for (struct vm_live_snapshot *s = l->snapshots; s; s = s->next)
        if (page - s->first < s->n && atomic_load(&s->has[page - s->first]) == SAME)
            keep(l, s, page, contents);
}

/* ---- taking ---- */

static bool take_memory(struct vm_live_snapshot *s, struct vm_error *e)
{
    size_t n = s->n;
    if (!vm_arena_open(&s->arena,
                       vm_arena_room(n) + vm_arena_room(n * sizeof *s->handle) +
                           vm_arena_room(n * sizeof *s->sum),
                       e))
        return false;
    s->has = vm_arena_take(&s->arena, n);
    s->handle = vm_arena_take(&s->arena, n * sizeof *s->handle);
    s->sum = vm_arena_take(&s->arena, n * sizeof *s->sum);
    return true;
}

/* What the kernel may write to now, for a system call, must stay open. */
static void save_pinned(struct vm_live *l, const struct vm_live_snapshot *s)
{
    for (uint32_t i = 0; atomic_load(&l->pinned) && i < s->n; i++)
        if (atomic_load(&l->pins[s->first + i]) && state_of(l, s->first + i) == DIRTY)
            vm_open_page(l, s->first + i, s->start + ((size_t)i << l->page_shift));
}

static void protect(struct vm_live *l, struct vm_live_snapshot *s)
{
    uint64_t signals;
    vm_gate_close(l, &signals);
    s->next = l->snapshots;
    l->snapshots = s;
    int failed = vm_uffd_protect(&l->uffd, s->start, (size_t)s->n << l->page_shift);
    VM_ASSERT(failed == 0);
    save_pinned(l, s);
    vm_gate_open(l, &signals);
}

struct vm_live_snapshot *vm_live_snapshot_take(struct vm_live *l, void *address, struct vm_error *e)
{
    struct region r;
    if (!vm_region_find(l, address, &r) || r.start != address || r.of) {
        vm_fail(e, VM_EUSAGE, "a snapshot of %p: expected the start of a region, not of a file",
                address);
        return NULL;
    }
    struct vm_live_snapshot *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "no memory for a snapshot");
        return NULL;
    }
    s->live = l;
    s->start = r.start;
    s->first = r.first;
    s->n = r.n;
    if (!take_memory(s, e)) {
        free(s);
        return NULL;
    }
    protect(l, s);
    return s;
}

/* ---- reading ---- */

static bool is_mapped(const struct vm_live_snapshot *s)
{
    struct region r;
    return vm_region_find(s->live, s->start, &r) && r.first == s->first && r.n == s->n;
}

static bool read_held(struct vm_live_snapshot *s, uint32_t i, void *page, struct vm_error *e)
{
    struct vm_live *l = s->live;
    bool ok = true;
    if (atomic_load(&s->has[i]) == LOST)
        return vm_fail(e, VM_ESYSTEM, "page %u of a snapshot is lost: the store kept no more", i);
    if (!s->handle[i])
        memset(page, 0, l->page_bytes);
    else
        l->store_ops->read(l->store, &s->handle[i], &page, 1, &ok);
    if (ok && s->handle[i])
        ok = vm_page_sum(page, l->page_bytes) == s->sum[i];
    return ok || vm_fail(e, VM_ESYSTEM, "page %u of a snapshot cannot be had from the store", i);
}

/* The region's own page, which may change under our eyes: then it is held by the time we look. */
static bool read_same(struct vm_live_snapshot *s, uint32_t i, void *page)
{
    struct vm_live *l = s->live;
    if (is_mapped(s))
        memcpy(page, s->start + ((size_t)i << l->page_shift), l->page_bytes);
    else
        memset(page, 0, l->page_bytes);
    return atomic_load(&s->has[i]) == SAME;
}

bool vm_live_snapshot_read(struct vm_live_snapshot *s, size_t offset, void *to, size_t bytes,
                           struct vm_error *e)
{
    struct vm_live *l = s->live;
    size_t end = offset + bytes;
    if (end > (size_t)s->n << l->page_shift)
        return vm_fail(e, VM_EUSAGE, "a snapshot of %zu bytes has none at %zu",
                       (size_t)s->n << l->page_shift, end);
    uint8_t *page = malloc(l->page_bytes);
    bool done = page != NULL || vm_fail(e, VM_ESYSTEM, "no memory to read a snapshot");
    for (size_t at = offset; done && at < end;) {
        size_t in = at & (l->page_bytes - 1), n = l->page_bytes - in;
        uint32_t i = (uint32_t)(at >> l->page_shift);
        n = n < end - at ? n : end - at;
        done =
            (atomic_load(&s->has[i]) == SAME && read_same(s, i, page)) || read_held(s, i, page, e);
        if (done)
            memcpy((uint8_t *)to + (at - offset), page + in, n);
        at += n;
    }
    free(page);
    return done;
}

/* ---- restoring, dropping ---- */

/* The page has what the snapshot holds of it, which is in the store. */
static void restore_page(struct vm_live *l, const struct vm_live_snapshot *s, uint32_t i)
{
    uint64_t signals;
    uint32_t page = s->first + i;
    vm_gate_close(l, &signals);
    VM_ASSERT(state_of(l, page) == EMPTY);
    if (s->handle[i]) {
        l->store_ops->hold(l->store, s->handle[i]);
        l->handle[page] = s->handle[i];
        l->sum[page] = s->sum[i];
        vm_pager_keep(l->pager, page, 1);
        vm_log_add(l->log, LOG_KEEP, page, 1);
        atomic_store(&l->state[page], OUT);
    }
    vm_gate_open(l, &signals);
}

bool vm_live_snapshot_restore(struct vm_live_snapshot *s, struct vm_error *e)
{
    struct vm_live *l = s->live;
    if (!is_mapped(s))
        return vm_fail(e, VM_EUSAGE, "restoring a snapshot of %p: the region is not as it was",
                       (void *)s->start);
    for (uint32_t i = 0; i < s->n; i++)
        if (atomic_load(&s->has[i]) == LOST)
            return vm_fail(e, VM_ESYSTEM, "page %u of a snapshot is lost: the store kept no more",
                           i);
    for (uint32_t i = 0; i < s->n; i++) {
        if (atomic_load(&s->has[i]) != HELD)
            continue;
        const struct region page = {
            .start = s->start + ((size_t)i << l->page_shift), .first = s->first + i, .n = 1};
        vm_discard(l, &page, AS_ZEROS);
        restore_page(l, s, i);
    }
    return true;
}

void vm_live_snapshot_drop(struct vm_live_snapshot *s)
{
    uint64_t signals;
    if (!s)
        return;
    struct vm_live *l = s->live;
    vm_gate_close(l, &signals);
    struct vm_live_snapshot **at = &l->snapshots;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    for (uint32_t i = 0; i < s->n; i++)
        if (atomic_load(&s->has[i]) == HELD && s->handle[i])
            l->store_ops->drop(l->store, s->handle[i]);
    vm_gate_open(l, &signals);
    vm_arena_close(&s->arena);
    free(s);
}
