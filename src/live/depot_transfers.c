/* depot_transfers.c - see depot_parts.h: buffers with requests under way, and the one thread
 * that waits for them. */
#include "live/depot_parts.h"

void vm_transfer_end(struct vm_depot *s, struct transfer *t)
{
    VM_ASSERT(t->nleft == 0);
    s->nwrites -= t->kind == VM_IO_WRITE;
    t->state = FREE; /* who still copies from it keeps it from being begun */
}

void vm_transfer_put(struct vm_depot *s, struct transfer *t, vm_stored handle)
{
    t->handle[t->n++] = handle;
    t->nleft++;
    file_of(s, handle)->transfer_of[slot_of(handle)] = (uint8_t)(t - s->transfer + 1);
}

/* It has page k no more. */
void vm_transfer_remove(struct vm_depot *s, struct transfer *t, uint32_t k)
{
    file_of(s, t->handle[k])->transfer_of[slot_of(t->handle[k])] = 0;
    t->handle[k] = 0;
    t->nleft--;
}

void vm_transfer_empty(struct vm_depot *s, struct transfer *t)
{
    for (uint32_t k = 0; k < t->n; k++)
        if (t->handle[k])
            vm_transfer_remove(s, t, k);
    vm_transfer_end(s, t);
}

/* A transfer that is free, or has pages read ahead for longest. NULL: there is none now. */
struct transfer *vm_transfer_begin(struct vm_depot *s, enum vm_io_kind kind)
{
    struct transfer *best = NULL;
    if (kind == VM_IO_WRITE && s->nwrites == WRITES_MAX)
        return NULL;
    for (struct transfer *t = s->transfer; t < s->transfer + TRANSFERS; t++) {
        bool may = !t->users && (t->state == FREE || t->state == READY);
        if (may && (!best || (best->state != FREE && (t->state == FREE || t->age < best->age))))
            best = t;
    }
    if (!best)
        return NULL;
    if (best->state == READY)
        vm_transfer_empty(s, best);
    *best = (struct transfer){
        .state = FILLING, .kind = (uint8_t)kind, .age = s->clock++, .data = best->data};
    s->nwrites += kind == VM_IO_WRITE;
    return best;
}

/* ---- requests ---- */

/* Pages from k on that are one request. */
static uint32_t piece(const struct transfer *t, uint32_t k)
{
    uint32_t n = 1;
    while (k + n < t->n && t->handle[k + n] == t->handle[k] + n)
        n++;
    return n;
}

static struct vm_io_request request_of(struct vm_depot *s, struct transfer *t, uint32_t k,
                                       uint32_t n)
{
    return (struct vm_io_request){
        .kind = (enum vm_io_kind)t->kind,
        .file = file_of(s, t->handle[k])->fd,
        .offset = offset_of(s, t->handle[k]),
        .data = t->data + (size_t)k * s->page_bytes,
        .bytes = n * s->page_bytes,
        .tag = (uint64_t)(t - s->transfer) << 32 | k << 16 | n,
    };
}

static void write_done(struct vm_depot *s, struct transfer *t)
{
    for (uint32_t k = 0; k < t->n; k++) {
        bool ended = t->ended >> k & 1;
        if (!t->handle[k] || (t->error && !ended))
            continue;
        uint64_t slot = slot_of(t->handle[k]);
        vm_transfer_remove(s, t, k);
        if (ended)
            vm_store_slots_give(&s->file[s->own].slots, slot);
    }
    t->ended = 0;
    t->state = FAILED;
    if (t->nleft)
        s->nfailed++;
    else
        vm_transfer_end(s, t);
}

/* Bits k to k + n - 1. */
static uint64_t bits(uint32_t k, uint32_t n)
{
    return UINT64_MAX >> (64 - n) << k;
}

static void request_done(struct vm_depot *s, const struct vm_io_done *done)
{
    struct transfer *t = &s->transfer[done->tag >> 32];
    uint32_t k = done->tag >> 16 & 0xffff, n = done->tag & 0xffff;
    if (t->kind == VM_IO_WRITE && (done->result == -ECANCELED || done->result == -EAGAIN)) {
        /* The thread that began it ended, or the kernel had no memory: not the medium's doing. Who
         * reads asks again anyway. */
        struct vm_io_request again = request_of(s, t, k, n);
        s->medium.io_ops->start(s->medium.io, &again, 1);
        return;
    }
    s->nunder_way--;
    if (done->result != (int32_t)(n * s->page_bytes)) {
        /* A file is cut short where there is no room to write more, or where another cut it. */
        int error = done->result < 0 ? -done->result : t->kind == VM_IO_WRITE ? ENOSPC : EIO;
        t->error = error;
        t->bad |= bits(k, n);
    }
    if (--t->npending)
        return;
    if (t->kind == VM_IO_WRITE)
        write_done(s, t);
    else
        t->state = READY;
    if (t->state == READY && !t->nleft)
        vm_transfer_end(s, t);
}

/* What is done. Only while nobody waits for the medium. */
static void reap(struct vm_depot *s)
{
    struct vm_io_done done[32];
    size_t n, all = 0;
    while (s->nunder_way && (n = s->medium.io_ops->reap(s->medium.io, done, 32))) {
        for (size_t i = 0; i < n; i++)
            request_done(s, &done[i]);
        all += n;
    }
    if (all) {
        atomic_fetch_add(&s->turn, 1);
        vm_futex_wake(&s->turn, INT32_MAX);
    }
}

/* Until something changes: gives the lock back meanwhile. */
void vm_transfers_wait(struct vm_depot *s)
{
    uint32_t turn = atomic_load(&s->turn);
    if (!s->is_waited) {
        reap(s);
        if (turn != atomic_load(&s->turn))
            return;
    }
    bool waits = !s->is_waited && s->nunder_way, others = s->is_waited;
    s->is_waited |= waits;
    vm_lock_give(&s->lock);
    if (waits)
        s->medium.io_ops->wait(s->medium.io);
    else if (others)
        vm_futex_wait(&s->turn, turn);
    else
        vm_raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0); /* for who copies from a transfer */
    vm_lock_take(&s->lock);
    if (!waits)
        return;
    s->is_waited = false;
    reap(s);
    /* Somebody else is the one who waits now. */
    atomic_fetch_add(&s->turn, 1);
    vm_futex_wake(&s->turn, INT32_MAX);
}

/* Its requests go; waits where too many are under way. */
void vm_transfer_start(struct vm_depot *s, struct transfer *t)
{
    struct vm_io_request request[PAGES_MAX];
    size_t n = 0;
    t->state = BUSY;
    t->bad = 0;
    t->error = 0;
    for (uint32_t k = 0, m; k < t->n; k += m) {
        m = t->handle[k] ? piece(t, k) : 1;
        if (t->handle[k])
            request[n++] = request_of(s, t, k, m);
    }
    t->npending = (uint32_t)n;
    s->usage.requests += n;
    for (size_t at = 0, room; at < n; at += room) {
        while (!(room = s->medium.io_ops->depth - s->nunder_way))
            vm_transfers_wait(s);
        room = room < n - at ? room : n - at;
        s->nunder_way += (uint32_t)room;
        s->medium.io_ops->start(s->medium.io, request + at, room);
    }
    if (!s->is_waited)
        reap(s);
}
