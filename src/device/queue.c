/* queue.c - requests before a device: which channel and when, and when the bus (device.h).
 *
 * A request takes the channel that became free last before it came, so that the others stay as
 * they are for whom it is too early; if none is free yet, the one that will be first. On the bus it
 * takes the first gap that is long enough, for the requests of one process that waits are submitted
 * ahead of time, and others' may pass before them.
 *
 * The gaps of the distant past are forgotten: the oldest span goes when there are
 * VM_QUEUE_BUS_SPANS of them, and with it all time before its end.
 */
#include "base/assert.h"

#include <pagoda/device.h>
#include <string.h>

void vm_queue_init(struct vm_queue *q, const struct vm_device_ops *device, void *state)
{
    *q = (struct vm_queue){.device = device, .state = state, .depth = device->depth(state)};
    VM_ASSERT(q->depth >= 1 && q->depth <= VM_QUEUE_DEPTH_MAX);
}

/* Take a channel for a request that comes at `now` out of the order: when it is free. */
static uint64_t channel_take(struct vm_queue *q, uint64_t now)
{
    uint32_t i = q->depth - 1;
    while (i > 0 && q->free_at[i] > now)
        i--;
    uint64_t at = q->free_at[i];
    memmove(&q->free_at[i], &q->free_at[i + 1], (q->depth - 1 - i) * sizeof q->free_at[0]);
    return at;
}

/* It is free again at `done`. */
static void channel_give(struct vm_queue *q, uint64_t done)
{
    uint32_t i = q->depth - 1;
    for (; i > 0 && q->free_at[i - 1] > done; i--)
        q->free_at[i] = q->free_at[i - 1];
    q->free_at[i] = done;
}

/* ---- the bus ---- */

static void span_remove(struct vm_queue *q, uint32_t i)
{
    q->nspans--;
    memmove(&q->span[i], &q->span[i + 1], (q->nspans - i) * sizeof q->span[0]);
}

/* Room for one more before span[i]; answers where that is then. */
static uint32_t span_open(struct vm_queue *q, uint32_t i)
{
    if (q->nspans == VM_QUEUE_BUS_SPANS) {
        q->bus_from = q->span[0].end;
        span_remove(q, 0);
        VM_ASSERT(i > 0);
        i--;
    }
    memmove(&q->span[i + 1], &q->span[i], (q->nspans - i) * sizeof q->span[0]);
    q->nspans++;
    return i;
}

/* The bus is taken in [start, end), a part of the gap before span[i]. */
static void span_insert(struct vm_queue *q, uint32_t i, uint64_t start, uint64_t end)
{
    bool left = i > 0 && q->span[i - 1].end == start;
    bool right = i < q->nspans && q->span[i].start == end;
    if (left && right) {
        q->span[i - 1].end = q->span[i].end;
        span_remove(q, i);
    } else if (left) {
        q->span[i - 1].end = end;
    } else if (right) {
        q->span[i].start = start;
    } else {
        i = span_open(q, i);
        q->span[i] = (struct vm_queue_span){start, end};
    }
}

/* The bus for `ns`, at `from` or as soon as there is a gap: when that ends. */
static uint64_t take_bus(struct vm_queue *q, uint64_t from, uint64_t ns)
{
    uint32_t i = q->nspans;
    if (ns == 0)
        return from;
    if (from < q->bus_from)
        from = q->bus_from;
    while (i > 0 && q->span[i - 1].end > from)
        i--;
    for (; i < q->nspans && q->span[i].start < from + ns; i++)
        from = q->span[i].end;
    span_insert(q, i, from, from + ns);
    return from + ns;
}

/* ---- requests ---- */

static void count(struct vm_queue *q, enum vm_transfer kind, uint64_t bytes, uint64_t start,
                  uint64_t done)
{
    q->counts.requests[kind]++;
    q->counts.bytes[kind] += bytes;
    if (start < q->busy_until)
        start = q->busy_until;
    if (done > start) {
        q->counts.busy_ns += done - start;
        q->busy_until = done;
    }
}

uint64_t vm_queue_submit(struct vm_queue *q, enum vm_transfer kind, uint64_t position,
                         uint64_t bytes, uint64_t now_ns)
{
    uint64_t free_at = channel_take(q, now_ns);
    uint64_t start = free_at > now_ns ? free_at : now_ns;
    struct vm_service s = q->device->service(q->state, kind, position, bytes, start);
    uint64_t done = take_bus(q, start + s.latency_ns, s.bus_ns);
    channel_give(q, done);
    count(q, kind, bytes, start, done);
    q->counts.service_ns[kind] += s.latency_ns + s.bus_ns;
    q->counts.bus_ns += s.bus_ns;
    q->counts.queued_ns += done - now_ns - (s.latency_ns + s.bus_ns);
    return done;
}

void vm_queue_check(const struct vm_queue *q)
{
    VM_ASSERT(q->depth >= 1 && q->depth <= VM_QUEUE_DEPTH_MAX && q->nspans <= VM_QUEUE_BUS_SPANS);
    for (uint32_t i = 1; i < q->depth; i++)
        VM_ASSERT(q->free_at[i - 1] <= q->free_at[i]);
    for (uint32_t i = 0; i < q->nspans; i++) {
        VM_ASSERT(q->span[i].start < q->span[i].end);
        VM_ASSERT((i ? q->span[i - 1].end : q->bus_from) < q->span[i].start || i == 0);
    }
    VM_ASSERT(q->nspans == 0 || q->span[0].start >= q->bus_from);
    VM_ASSERT(q->counts.busy_ns <= q->busy_until);
    VM_ASSERT(q->counts.busy_ns <= q->counts.service_ns[VM_TRANSFER_READ] +
                                       q->counts.service_ns[VM_TRANSFER_WRITE] +
                                       q->counts.queued_ns);
}
