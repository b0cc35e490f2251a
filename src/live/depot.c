/* depot.c - see depot.h. */
#include "live/depot_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

/* ---- opening ---- */

size_t vm_depot_buffers(uint32_t page_bytes)
{
    return (size_t)TRANSFERS * (page_bytes > TRANSFER_BYTES ? page_bytes : TRANSFER_BYTES);
}

static bool file_begin(struct vm_depot *s, struct file *f, int fd, struct vm_error *e)
{
    uint64_t nslots = s->medium.nslots;
    *f = (struct file){.fd = fd, .alive = -1};
    if (!vm_store_slots_open(&f->slots, nslots, e))
        return false;
    if (!vm_arena_open(&f->arena, nslots, e)) {
        vm_store_slots_close(&f->slots);
        return false;
    }
    f->transfer_of = vm_arena_take(&f->arena, nslots);
    return true;
}

static bool transfers_begin(struct vm_depot *s, struct vm_error *e)
{
    size_t bytes = vm_depot_buffers(s->page_bytes), each = bytes / TRANSFERS;
    uint8_t *data = s->medium.buffers;
    if (!data) {
        if (!vm_arena_open(&s->buffers, bytes, e))
            return false;
        data = vm_arena_take(&s->buffers, bytes);
    }
    for (uint32_t i = 0; i < TRANSFERS; i++)
        s->transfer[i].data = data + i * each;
    return true;
}

void *vm_depot_open(const struct vm_store_env *env, const struct vm_medium *medium,
                    struct vm_error *e)
{
    struct vm_depot *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "no memory for a store");
        return NULL;
    }
    s->medium = *medium;
    s->page_bytes = env->page_bytes;
    s->pages = TRANSFER_BYTES / env->page_bytes;
    s->pages = s->pages > PAGES_MAX ? PAGES_MAX : s->pages ? s->pages : 1;
    if (transfers_begin(s, e) && file_begin(s, &s->file[0], medium->file, e))
        return s;
    vm_arena_close(&s->buffers);
    free(s);
    return NULL;
}

void vm_depot_close(void *store)
{
    struct vm_depot *s = store;
    s->medium.io_ops->close(s->medium.io);
    for (uint32_t i = 0; i <= s->own; i++) {
        vm_store_slots_close(&s->file[i].slots);
        vm_arena_close(&s->file[i].arena);
        if (s->file[i].alive >= 0)
            close(s->file[i].alive);
        if (i && s->file[i].fd >= 0)
            close(s->file[i].fd);
    }
    s->medium.close(s->medium.medium);
    vm_arena_close(&s->buffers);
    free(s);
}

/* ---- writing; from here on under the lock, but where it says so ---- */

static bool is_retried(const struct vm_depot *s, const struct transfer *t)
{
    if (t->state != FAILED)
        return false;
    for (uint32_t k = 0; k < t->n; k++)
        if (t->handle[k])
            return is_own(s, t->handle[k]);
    return false;
}

static bool writes_under_way(const struct vm_depot *s)
{
    for (uint32_t i = 0; i < TRANSFERS; i++)
        if (s->transfer[i].kind == VM_IO_WRITE && s->transfer[i].state == BUSY)
            return true;
    return false;
}

static int failure(const struct vm_depot *s)
{
    for (uint32_t i = 0; i < TRANSFERS; i++)
        if (is_retried(s, &s->transfer[i]))
            return s->transfer[i].error;
    return 0;
}

/* What failed goes again. 0, or why it failed again. */
static int failed_retry(struct vm_depot *s)
{
    if (!s->nfailed)
        return 0;
    for (uint32_t i = 0; i < TRANSFERS; i++)
        if (is_retried(s, &s->transfer[i])) {
            s->nfailed--;
            vm_transfer_start(s, &s->transfer[i]);
        }
    while (writes_under_way(s))
        vm_transfers_wait(s);
    return failure(s);
}

static int file_try(struct vm_depot *s, struct file *f, uint64_t bytes)
{
    int error = s->medium.reserve(s->medium.medium, f->fd, bytes);
    if (!error)
        f->reserved = bytes;
    return error;
}

/* The file gets room for [0, slots), and for more at once; or for as many of them as it can have.
 * 0, or why not for all. */
static int file_reserve(struct vm_depot *s, struct file *f, uint64_t slots)
{
    uint64_t bytes = (slots + 1) * s->page_bytes, refused = bytes;
    if (!file_try(s, f, (bytes + RESERVE_BYTES - 1) & ~(RESERVE_BYTES - 1)))
        return 0;
    int error = file_try(s, f, bytes);
    while (error && refused - f->reserved > s->page_bytes && f->reserved < refused) {
        uint64_t half = (refused - f->reserved) / 2 / s->page_bytes * s->page_bytes;
        if (file_try(s, f, f->reserved + half))
            refused = f->reserved + half;
    }
    return error;
}

/* Up to n slots that adjoin, and may be written. 0: there are none, and *error says why. */
static uint32_t slots_take(struct vm_depot *s, uint32_t n, uint64_t *first, int *error)
{
    struct file *f = &s->file[s->own];
    uint32_t taken;
    *error = ENOSPC;
    for (;;) {
        /* Slots that ended while they are written come when that is done. */
        while (!(taken = vm_store_slots_take(&f->slots, n, first)) && writes_under_way(s))
            vm_transfers_wait(s);
        if (!taken || !s->medium.reserve || (*first + taken + 1) * s->page_bytes <= f->reserved)
            return taken;
        int refused = file_reserve(s, f, *first + taken);
        if (!refused)
            return taken;
        for (uint32_t i = 0; i < taken; i++) {
            vm_store_slots_drop(&f->slots, *first + i);
            vm_store_slots_give(&f->slots, *first + i);
        }
        *error = refused;
        f->slots.usable = f->reserved / s->page_bytes;
        f->slots.usable -= f->slots.usable > 0; /* the header */
    }
}

/* What there was no room for, there may be now. */
static void room_look(struct vm_depot *s)
{
    struct file *f = &s->file[s->own];
    if (f->slots.usable < f->slots.nslots &&
        !file_reserve(s, f, f->slots.usable + VM_STORE_SLOTS_SEGMENT))
        f->slots.usable = f->slots.nslots;
}

/* Handles for n pages, as far as there are slots. How many; the rest are 0. */
static uint32_t pages_place(struct vm_depot *s, struct transfer *t, uint32_t n, vm_stored *handle,
                            int *error)
{
    uint32_t placed = 0, run;
    uint64_t first;
    while (placed < n && (run = slots_take(s, n - placed, &first, error)))
        for (uint32_t i = 0; i < run; i++)
            vm_transfer_put(s, t, handle[placed++] = handle_make(s->own, first + i));
    return placed;
}

/* One transfer's worth of pages. How many were placed. */
static uint32_t transfer_write(struct vm_depot *s, const void *const *page, size_t n,
                               vm_stored *handle, int *error)
{
    struct transfer *t;
    while (!(t = vm_transfer_begin(s, VM_IO_WRITE)))
        vm_transfers_wait(s);
    uint32_t placed = pages_place(s, t, n < s->pages ? (uint32_t)n : s->pages, handle, error);
    if (!placed) {
        vm_transfer_end(s, t);
        return 0;
    }
    vm_lock_give(&s->lock); /* nobody knows these handles yet */
    for (uint32_t k = 0; k < placed; k++)
        memcpy(t->data + (size_t)k * s->page_bytes, page[k], s->page_bytes);
    vm_lock_take(&s->lock);
    vm_transfer_start(s, t);
    return placed;
}

/* Of handles that nobody has yet, those whose writing has failed by now. */
static size_t failed_withdraw(struct vm_depot *s, vm_stored *handle, size_t n, int *error)
{
    size_t withdrawn = 0;
    for (size_t i = 0; i < n; i++) {
        struct transfer *t = transfer_of(s, handle[i]);
        if (!t || t->state != FAILED)
            continue;
        struct vm_store_slots *slots = &s->file[s->own].slots;
        *error = t->error;
        vm_transfer_remove(s, t, place_in(t, handle[i]));
        vm_store_slots_drop(slots, slot_of(handle[i]));
        vm_store_slots_give(slots, slot_of(handle[i]));
        handle[i] = 0;
        withdrawn++;
        if (!t->nleft) {
            s->nfailed--;
            vm_transfer_end(s, t);
        }
    }
    return withdrawn;
}

size_t vm_depot_write(void *store, const void *const *page, size_t n, vm_stored *handle, int *error)
{
    struct vm_depot *s = store;
    size_t placed = 0;
    uint32_t more = 1;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    int refused = failed_retry(s);
    room_look(s);
    for (; !refused && placed < n && more; placed += more)
        more = transfer_write(s, page + placed, n - placed, handle + placed, error);
    if (refused)
        *error = refused;
    size_t kept = placed - failed_withdraw(s, handle, placed, error);
    s->usage.writes += kept;
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
    memset(handle + placed, 0, (n - placed) * sizeof *handle);
    return kept;
}

/* ---- reading ---- */

/* Begins to read those of the pages that no transfer has: one transfer's worth, as far as requests
 * may be under way, without waiting. How many pages of the front are seen to; 0: none can be
 * now. */
static size_t transfer_read(struct vm_depot *s, const vm_stored *handle, size_t n)
{
    size_t at = 0;
    uint32_t requests = 0, most = s->medium.io_ops->depth - s->nunder_way;
    while (at < n && transfer_of(s, handle[at]))
        at++;
    struct transfer *t = at < n && most ? vm_transfer_begin(s, VM_IO_READ) : NULL;
    if (!t)
        return at;
    for (; at < n && t->n < s->pages; at++) {
        if (transfer_of(s, handle[at]))
            continue;
        bool adjoins = t->n && handle[at] == t->handle[t->n - 1] + 1;
        if (!adjoins && requests++ == most)
            break;
        vm_transfer_put(s, t, handle[at]);
    }
    vm_transfer_start(s, t);
    return at;
}

/* The same by `most` transfers. */
static void transfers_read(struct vm_depot *s, const vm_stored *handle, size_t n, uint32_t most)
{
    size_t at = 0, more = 1;
    for (; at < n && more && most--; at += more)
        more = transfer_read(s, handle + at, n - at);
}

/* Page k was read by somebody. */
static void page_consume(struct vm_depot *s, struct transfer *t, vm_stored handle, uint32_t k)
{
    if (t->state != READY || t->handle[k] != handle)
        return;
    vm_transfer_remove(s, t, k);
    if (!t->nleft)
        vm_transfer_end(s, t);
}

/* Copies what the transfer has of the pages from the first on. How many it were. */
static size_t copy_run(struct vm_depot *s, struct transfer *t, const vm_stored *handle,
                       void *const *page, size_t n)
{
    uint32_t first = place_in(t, handle[0]), run = 0;
    while (run < n && first + run < t->n && t->handle[first + run] == handle[run] &&
           !(t->bad >> (first + run) & 1 && t->state == READY))
        run++;
    t->users++;
    vm_lock_give(&s->lock);
    for (uint32_t i = 0; i < run; i++)
        memcpy(page[i], t->data + (size_t)(first + i) * s->page_bytes, s->page_bytes);
    vm_lock_take(&s->lock);
    t->users--;
    for (uint32_t i = 0; i < run; i++)
        page_consume(s, t, handle[i], first + i);
    return run;
}

/* A page whose read failed. 0: it failed with others, and is read again, alone; or its errno. */
static int page_failed(struct vm_depot *s, struct transfer *t, vm_stored handle)
{
    int error = t->n > 1 ? 0 : t->error;
    page_consume(s, t, handle, place_in(t, handle));
    if (!error)
        transfer_read(s, &handle, 1);
    return error;
}

/* All pages, whatever transfers have of them. */
static int read_transfers(struct vm_depot *s, const vm_stored *handle, void *const *page, size_t n,
                          bool *ok)
{
    int error = 0;
    /* No more at once than there are for reads: the last would take the first one's place. */
    transfers_read(s, handle, n, TRANSFERS - WRITES_MAX);
    for (size_t i = 0; i < n;) {
        struct transfer *t = transfer_of(s, handle[i]);
        if (!t)
            transfers_read(s, handle + i, n - i, 1);
        if (!t || (t->kind == VM_IO_READ && t->state != READY)) {
            if (!transfer_of(s, handle[i]) || t)
                vm_transfers_wait(s);
            continue;
        }
        size_t run = copy_run(s, t, handle + i, page + i, n - i);
        memset(ok + i, true, run);
        i += run;
        if (run)
            continue;
        int failed = page_failed(s, t, handle[i]);
        if (failed) {
            error = error ? error : failed;
            ok[i++] = false;
        }
    }
    return error;
}

/* Whether they are one run that no transfer has anything of, and lie well. */
static bool is_straight(struct vm_depot *s, const vm_stored *handle, void *const *page, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (handle[i] != handle[0] + i || (uintptr_t)page[i] % 4096 || transfer_of(s, handle[i]))
            return false;
    return s->medium.is_seekable;
}

/* Without the lock. False: not all of it came. */
static bool read_straight(const struct vm_depot *s, int fd, vm_stored first, void *const *page,
                          size_t n)
{
    struct iovec piece[VM_STORE_BATCH];
    for (size_t i = 0; i < n; i++)
        piece[i] = (struct iovec){page[i], s->page_bytes};
    long had = vm_raw_call(SYS_preadv, fd, (long)piece, (long)n, (long)offset_of(s, first), 0, 0);
    return had == (long)(n * s->page_bytes);
}

int vm_depot_read(void *store, const vm_stored *handle, void *const *page, size_t n, bool *ok)
{
    struct vm_depot *s = store;
    int error = 0;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    s->usage.reads += n;
    bool had = n > 0 && is_straight(s, handle, page, n);
    if (had) {
        int fd = file_of(s, handle[0])->fd;
        s->usage.requests++;
        vm_lock_give(&s->lock);
        had = read_straight(s, fd, handle[0], page, n);
        vm_lock_take(&s->lock);
    }
    if (had)
        memset(ok, true, n);
    else
        error = read_transfers(s, handle, page, n, ok);
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
    return error;
}

/* ---- reading ahead ---- */

/* The pages behind `last` on the medium that are somebody's, and no transfer's. */
static size_t stream_ahead(struct vm_depot *s, vm_stored last, vm_stored *ahead)
{
    const struct file *f = file_of(s, last);
    uint64_t slot = slot_of(last);
    size_t n = 0, look = (size_t)AHEAD * s->pages;
    for (size_t i = 1; i <= look && slot + i < f->slots.nslots; i++)
        if (f->slots.slot[slot + i].holders && !f->transfer_of[slot + i])
            ahead[n++] = last + i;
    return n;
}

void vm_depot_soon(void *store, const vm_stored *handle, size_t n)
{
    struct vm_depot *s = store;
    vm_stored ahead[AHEAD * PAGES_MAX];
    if (!s->medium.io_ops->is_ahead || !n)
        return;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    bool is_stream = handle[0] == s->stream || transfer_of(s, handle[0]);
    s->stream = handle[n - 1] + 1;
    transfers_read(s, handle, n, AHEAD);
    if (is_stream && handle[n - 1] == handle[0] + n - 1) {
        size_t more = stream_ahead(s, handle[n - 1], ahead);
        if (more >= s->pages)
            transfers_read(s, ahead, more - more % s->pages, AHEAD);
    }
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

/* ---- holders ---- */

void vm_depot_hold(void *store, vm_stored handle)
{
    struct vm_depot *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    vm_store_slots_hold(&file_of(s, handle)->slots, slot_of(handle));
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

/* The slot has no holder any more. Its transfer lets go of it; false: it is being written. */
static bool slot_release(struct vm_depot *s, vm_stored handle)
{
    struct transfer *t = transfer_of(s, handle);
    if (!t)
        return true;
    uint32_t k = place_in(t, handle);
    if (t->kind == VM_IO_WRITE && t->state != FAILED) {
        t->ended |= UINT64_C(1) << k;
        return false;
    }
    vm_transfer_remove(s, t, k);
    if (t->nleft || t->state == BUSY)
        return true;
    s->nfailed -= t->state == FAILED && is_own(s, handle);
    vm_transfer_end(s, t);
    return true;
}

/* An ancestor may use its slots again when none of them is read here. */
static void ancestor_leave(struct file *f)
{
    if (f->slots.nheld || f->alive < 0)
        return;
    vm_raw_call(SYS_close, f->alive, 0, 0, 0, 0, 0);
    f->alive = -1;
}

void vm_depot_drop(void *store, vm_stored handle)
{
    struct vm_depot *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    struct file *f = file_of(s, handle);
    if (vm_store_slots_drop(&f->slots, slot_of(handle))) {
        bool is_over = slot_release(s, handle);
        if (is_own(s, handle) && is_over)
            vm_store_slots_give(&f->slots, slot_of(handle));
        else if (!is_own(s, handle))
            ancestor_leave(f);
    }
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

/* ---- the rest ---- */

int vm_depot_flush(void *store)
{
    struct vm_depot *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    while (writes_under_way(s))
        vm_transfers_wait(s);
    int error = failed_retry(s), fd = s->file[s->own].fd;
    vm_lock_give(&s->lock);
    if (!error)
        error = s->medium.sync(s->medium.medium, fd);
    vm_gate_leave(&s->gate);
    return error;
}

void vm_depot_usage(void *store, struct vm_store_usage *out)
{
    struct vm_depot *s = store;
    vm_gate_enter(&s->gate);
    vm_lock_take(&s->lock);
    *out = s->usage;
    out->pages = 0;
    for (uint32_t i = 0; i <= s->own; i++)
        out->pages += s->file[i].slots.nheld;
    out->bytes = out->pages * s->page_bytes;
    vm_lock_give(&s->lock);
    vm_gate_leave(&s->gate);
}

void vm_depot_fork_before(void *store)
{
    struct vm_depot *s = store;
    vm_gate_close(&s->gate);
    vm_lock_take(&s->lock); /* nobody else has it: wait_some wants it taken */
    while (s->nunder_way)
        vm_transfers_wait(s);
    for (uint32_t i = 0; i < TRANSFERS; i++)
        if (s->transfer[i].state == READY)
            vm_transfer_empty(s, &s->transfer[i]);
    if (s->medium.file_new)
        vm_store_slots_fork_before(&s->file[s->own].slots);
    vm_lock_give(&s->lock);
}

/* A file of the child's own; its parent's is an ancestor's now. */
static bool child_begin(struct vm_depot *s)
{
    struct vm_error e;
    struct file *parent = &s->file[s->own];
    parent->alive = vm_store_slots_fork_child(&parent->slots);
    if (parent->alive < 0 || s->own + 1 == GENERATIONS || !s->medium.io_ops->reopen(s->medium.io))
        return false;
    int fd = s->medium.file_new(s->medium.medium);
    if (fd < 0)
        return false;
    if (!file_begin(s, &s->file[s->own + 1], fd, &e)) {
        close(fd);
        return false;
    }
    s->own++;
    s->nfailed = 0; /* those are the parent's to write; here they are read */
    return true;
}

bool vm_depot_fork_after(void *store, bool is_child)
{
    struct vm_depot *s = store;
    bool lives = true;
    if (is_child)
        lives = s->medium.file_new && child_begin(s);
    else
        vm_store_slots_fork_parent(&s->file[s->own].slots);
    vm_gate_open(&s->gate);
    return lives;
}

void vm_depot_check(void *store)
{
    struct vm_depot *s = store;
    uint64_t in_transfers = 0, of_files = 0;
    vm_lock_take(&s->lock);
    while (s->nunder_way)
        vm_transfers_wait(s);
    for (uint32_t i = 0; i < TRANSFERS; i++) {
        const struct transfer *t = &s->transfer[i];
        uint32_t left = 0;
        for (uint32_t k = 0; t->state != FREE && k < t->n; k++)
            left += t->handle[k] && transfer_of(s, t->handle[k]) == t;
        VM_ASSERT(t->state == FREE || (t->nleft == left && left > 0));
        in_transfers += left;
    }
    for (uint32_t i = 0; i <= s->own; i++) {
        vm_store_slots_check(&s->file[i].slots);
        for (uint64_t slot = 0; slot < s->medium.nslots; slot++)
            of_files += s->file[i].transfer_of[slot] != 0;
    }
    VM_ASSERT(in_transfers == of_files);
    vm_lock_give(&s->lock);
}
