/* depot_parts.h - what depot.c and depot_transfers.c share: the store's state, and its
 * transfers. See depot.h. Functions are called under the store's lock. */
#ifndef LIVE_DEPOT_PARTS_H
#define LIVE_DEPOT_PARTS_H

#include "base/assert.h"
#include "live/depot.h"
#include "live/gate.h"
#include "live/slots.h"

#define TRANSFERS      24
#define WRITES_MAX     16            /* of them at once: reads always find one */
#define TRANSFER_BYTES (256u << 10)  /* where disks reach their bandwidth */
#define PAGES_MAX      64            /* of a transfer */
#define AHEAD          4             /* transfers that a stream is ahead of who reads it */
#define GENERATIONS    16            /* forks of forks */
#define RESERVE_BYTES  (16ull << 20) /* of a file at once */
#define SLOT_BITS      40            /* of a handle: slot + 1; above: whose */

enum state { FREE, FILLING, BUSY, READY, FAILED };

struct transfer {
    uint8_t state, kind; /* enum state, enum vm_io_kind */
    uint32_t n, nleft;   /* pages; of those, handles that are not 0 */
    uint32_t npending;   /* requests */
    uint32_t users;      /* who copy from it */
    int error;           /* of a write */
    uint64_t age;        /* when it was begun */
    uint64_t bad, ended; /* bits: pages whose read failed; whose slots ended while written */
    vm_stored handle[PAGES_MAX]; /* of page k; 0: not any more */
    uint8_t *data;
};

struct file {
    int fd, alive; /* alive: of an ancestor, says to it that this process reads the file; or -1 */
    uint64_t reserved;
    struct vm_arena arena;
    struct vm_store_slots slots;
    uint8_t *transfer_of; /* [nslots] + 1; 0: none */
};

struct vm_depot {
    struct vm_gate gate;
    struct vm_lock lock; /* of all that follows */
    struct vm_medium medium;
    uint32_t page_bytes, pages; /* of a transfer */
    struct vm_arena buffers;
    struct transfer transfer[TRANSFERS];
    struct file file[GENERATIONS]; /* [own + 1] */
    uint32_t own;
    uint32_t nwrites, nfailed, nunder_way; /* transfers, own transfers, requests */
    uint64_t clock;
    bool is_waited;        /* a thread waits for the medium */
    _Atomic uint32_t turn; /* counts what the others wait for */
    vm_stored stream;      /* the page behind those that were asked for last */
    struct vm_store_usage usage;
};

/* ---- handles ---- */

static inline vm_stored handle_make(uint32_t file, uint64_t slot)
{
    return (uint64_t)file << SLOT_BITS | (slot + 1);
}

static inline uint64_t slot_of(vm_stored handle)
{
    return (handle & ((UINT64_C(1) << SLOT_BITS) - 1)) - 1;
}

static inline struct file *file_of(struct vm_depot *s, vm_stored handle)
{
    VM_ASSERT(handle && handle >> SLOT_BITS <= s->own);
    return &s->file[handle >> SLOT_BITS];
}

static inline bool is_own(const struct vm_depot *s, vm_stored handle)
{
    return handle >> SLOT_BITS == s->own;
}

static inline uint64_t offset_of(const struct vm_depot *s, vm_stored handle)
{
    return (slot_of(handle) + 1) * s->page_bytes; /* behind the header */
}

static inline struct transfer *transfer_of(struct vm_depot *s, vm_stored handle)
{
    uint8_t at = file_of(s, handle)->transfer_of[slot_of(handle)];
    return at ? &s->transfer[at - 1] : NULL;
}

static inline uint32_t place_in(const struct transfer *t, vm_stored handle)
{
    uint32_t k = 0;
    while (t->handle[k] != handle)
        k++;
    return k;
}

/* ---- transfers; depot_transfers.c ---- */

/* A transfer that is free, or has pages read ahead for longest: FILLING. NULL: there is none
 * now. */
struct transfer *vm_transfer_begin(struct vm_depot *s, enum vm_io_kind kind);
void vm_transfer_put(struct vm_depot *s, struct transfer *t,
                     vm_stored handle);                                      /* behind the last */
void vm_transfer_remove(struct vm_depot *s, struct transfer *t, uint32_t k); /* page k */
/* It has no page any more, or now has none. */
void vm_transfer_end(struct vm_depot *s, struct transfer *t);
void vm_transfer_empty(struct vm_depot *s, struct transfer *t);
/* Its requests go; waits where too many are under way. */
void vm_transfer_start(struct vm_depot *s, struct transfer *t);
/* Until something changes: gives the lock back meanwhile. */
void vm_transfers_wait(struct vm_depot *s);

#endif
