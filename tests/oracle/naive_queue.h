/* naive_queue.h - requests before a device, each kept: who had which channel, and the bus, when. */
#ifndef ORACLE_NAIVE_QUEUE_H
#define ORACLE_NAIVE_QUEUE_H

#include <pagoda/device.h>

#define NAIVE_REQUESTS 4096

struct naive_request {
    uint32_t channel;
    uint64_t submitted, start, found, bus, done; /* found: its latency is over; bus: it begins */
};

struct naive_queue {
    uint32_t depth;
    size_t n;
    struct naive_request request[NAIVE_REQUESTS];
};

/* What submitting a request that takes this answers. */
uint64_t naive_queue_submit(struct naive_queue *q, uint64_t now, struct vm_service s);
/* Nanoseconds in which some request was under way; that all have waited. */
uint64_t naive_queue_busy(const struct naive_queue *q);
uint64_t naive_queue_queued(const struct naive_queue *q);

#endif
