/* naive_queue.c - see naive_queue.h. Nothing is kept but the requests, and all are looked at. */
#include "oracle/naive_queue.h"

#include "base/assert.h"

/* When the channel has done its last request. */
static uint64_t free_at(const struct naive_queue *q, uint32_t channel)
{
    uint64_t at = 0;
    for (size_t i = 0; i < q->n; i++)
        if (q->request[i].channel == channel && q->request[i].done > at)
            at = q->request[i].done;
    return at;
}

/* The channel on which it starts first; of several, the one with the smallest gap before it. */
static uint32_t choose(const struct naive_queue *q, uint64_t now, uint64_t *start)
{
    uint32_t best = 0;
    uint64_t least = UINT64_MAX;
    *start = UINT64_MAX;
    for (uint32_t c = 0; c < q->depth; c++) {
        uint64_t at = free_at(q, c), begin = at > now ? at : now, gap = begin - at;
        if (begin < *start || (begin == *start && gap < least)) {
            best = c;
            *start = begin;
            least = gap;
        }
    }
    return best;
}

static bool bus_is_free(const struct naive_queue *q, uint64_t from, uint64_t ns)
{
    for (size_t i = 0; i < q->n; i++) {
        const struct naive_request *r = &q->request[i];
        if (r->bus < r->done && r->bus < from + ns && from < r->done)
            return false;
    }
    return true;
}

/* The bus is free first at `from`, or when some request has done with it. */
static uint64_t bus_at(const struct naive_queue *q, uint64_t from, uint64_t ns)
{
    uint64_t best = UINT64_MAX;
    if (ns == 0 || bus_is_free(q, from, ns))
        return from;
    for (size_t i = 0; i < q->n; i++)
        if (q->request[i].done > from && q->request[i].done < best &&
            bus_is_free(q, q->request[i].done, ns))
            best = q->request[i].done;
    return best;
}

uint64_t naive_queue_submit(struct naive_queue *q, uint64_t now, struct vm_service s)
{
    struct naive_request r = {.submitted = now};
    r.channel = choose(q, now, &r.start);
    r.found = r.start + s.latency_ns;
    r.bus = bus_at(q, r.found, s.bus_ns);
    r.done = r.bus + s.bus_ns;
    VM_ASSERT(q->n < NAIVE_REQUESTS);
    q->request[q->n++] = r;
    return r.done;
}

/* Whether some request is under way at the nanosecond [ns, ns + 1). */
static bool is_busy(const struct naive_queue *q, uint64_t ns)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->request[i].start <= ns && ns < q->request[i].done)
            return true;
    return false;
}

uint64_t naive_queue_busy(const struct naive_queue *q)
{
    uint64_t end = 0, busy = 0;
    for (size_t i = 0; i < q->n; i++)
        if (q->request[i].done > end)
            end = q->request[i].done;
    for (uint64_t ns = 0; ns < end; ns++)
        busy += is_busy(q, ns);
    return busy;
}

uint64_t naive_queue_queued(const struct naive_queue *q)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < q->n; i++)
        sum +=
            q->request[i].start - q->request[i].submitted + q->request[i].bus - q->request[i].found;
    return sum;
}
