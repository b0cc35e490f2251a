/* device.h - backing stores: what a transfer of a page takes, alone and among others.
 *
 * A device is told of each request it begins to serve, with its position and the time, and answers
 * what it takes. It may remember where its head is. It never holds data: a replay has none.
 *
 * A queue stands before it and says when each request is done:
 *
 *      submitted       begins (a channel is free)    found            done
 *          |---- queued ------|------- latency --------|-- queued --|-- bus --|
 *
 * As many requests are under way at once as the device has channels (its depth). Their latencies
 * overlap; their bytes pass over one bus, one request's after another's.
 *
 * Invariants of a queue (vm_queue_check)
 *  1. A request is done no earlier than its submission plus its latency plus its time on the bus.
 *  2. No two requests have a channel, or the bus, at once. (So with one channel requests take the
 *     sum of their services, and bytes never pass faster than the bus lets them.)
 *  3. Whoever waits for one transfer before submitting the next finds its channel again: a chain
 *     of requests takes no more of the device than one.
 *
 * Not here: a device that serves a later request before an earlier one to save time (elevator,
 * native command queueing).
 */
#ifndef PAGODA_DEVICE_H
#define PAGODA_DEVICE_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

enum vm_transfer { VM_TRANSFER_READ, VM_TRANSFER_WRITE };
#define VM_TRANSFERS 2

/* What one request takes, apart from what it waits for. */
struct vm_service {
    uint64_t latency_ns; /* overlaps with other requests' */
    uint64_t bus_ns;     /* does not */
};

/* Who does the work of a transfer: whoever waits for it leaves the processor to others, or not. */
enum vm_server { VM_SERVED_BY_DEVICE, VM_SERVED_BY_PROCESSOR };

struct vm_device_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param; /* each default with its source in the device's file */
    size_t nparams;
    enum vm_server server;
    size_t (*size)(void);
    void (*init)(void *state, const struct vm_params *params);
    /* Requests that can be under way at once: 1 to VM_QUEUE_DEPTH_MAX. */
    uint32_t (*depth)(const void *state);
    /* A request of `bytes` at byte `position` of the device, begun at start_ns. The first one of
     * all takes what one takes on average that follows none. */
    struct vm_service (*service)(void *state, enum vm_transfer kind, uint64_t position,
                                 uint64_t bytes, uint64_t start_ns);
    /* Bytes of the machine's own memory that `bytes` written take until they are given up: at most
     * as many. vm_device_kept_outside: none. */
    uint64_t (*kept)(const void *state, uint64_t bytes);
};

/* Of a device that lies outside the machine's memory: 0. */
uint64_t vm_device_kept_outside(const void *state, uint64_t bytes);

/* The row of devices.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_device_ops *vm_device_find(const char *name, struct vm_error *e);
const struct vm_device_ops *vm_device_at(size_t i); /* NULL past the end */
bool vm_device_list(size_t i, struct vm_listed *out);

/* ---- the queue (queue.c) ---- */

#define VM_QUEUE_DEPTH_MAX 256
#define VM_QUEUE_BUS_SPANS 64

struct vm_queue_counts {
    uint64_t requests[VM_TRANSFERS], bytes[VM_TRANSFERS];
    uint64_t service_ns[VM_TRANSFERS]; /* latency and bus */
    uint64_t bus_ns;                   /* the bus was taken */
    uint64_t queued_ns;                /* waited for a channel, and for the bus */
    uint64_t busy_ns;                  /* some request was under way */
};

/* Times are nanoseconds since the machine began. */
struct vm_queue {
    const struct vm_device_ops *device;
    void *state; /* the device's; the caller's memory */
    uint32_t depth;
    uint32_t nspans;
    uint64_t free_at[VM_QUEUE_DEPTH_MAX]; /* [depth] when channels have done their last, in order */
    uint64_t bus_from; /* what the bus was before is forgotten: it counts as taken */
    /* [nspans] when the bus is taken, from bus_from on: in order, with gaps between */
    struct vm_queue_span {
        uint64_t start, end;
    } span[VM_QUEUE_BUS_SPANS];
    uint64_t busy_until; /* counts.busy_ns is of times before */
    struct vm_queue_counts counts;
};

/* An idle queue before the device, which must have been initialised. */
void vm_queue_init(struct vm_queue *q, const struct vm_device_ops *device, void *state);
/* A request that is submitted at now_ns: answers when it is done. Times need not rise: a process
 * that has waited for one transfer submits its next one ahead of others' time. */
uint64_t vm_queue_submit(struct vm_queue *q, enum vm_transfer kind, uint64_t position,
                         uint64_t bytes, uint64_t now_ns);
void vm_queue_check(const struct vm_queue *q);

#endif
