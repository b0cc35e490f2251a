/* collector.h - from what a recorded program told (base/request_ring.h) to the events of a trace.
 *
 * The idea: turns come in one order; here they get small numbers for threads and sites, and a
 * realloc's two turns become one event.
 *
 * Invariant: no two live blocks of the events overlap, if the heap was sound. So a realloc is told
 * when it is done, as one resize, unless another thread got its old address before that: then it is
 * a free there and an alloc when it is done.
 *
 * What it does not do: reading the ring, names of sites.
 */
#ifndef TRACE_COLLECTOR_H
#define TRACE_COLLECTOR_H

#include "base/intern.h"
#include "base/request_ring.h"

#include <pagoda/trace.h>

#define COLLECTOR_IMAGE_BIT 48 /* addresses of a program are below; the number of its image above */

struct pending { /* a realloc under way */
    struct request_slot begun;
    bool split; /* told as a free already */
};

struct collector {
    struct vm_pgt_writer *out;       /* its owner's */
    struct vm_intern threads, sites; /* a site: image << COLLECTOR_IMAGE_BIT | address */
    struct pending *pending;
    size_t npending, pending_cap;
    uint64_t requests;
    uint32_t nevents;
    struct vm_event event[VM_BATCH_EVENTS];
};

/* Of a zeroed struct. Errors, of all: VM_ESYSTEM. */
bool collector_open(struct collector *c, struct vm_pgt_writer *out, struct vm_error *e);
void collector_close(struct collector *c); /* a zeroed one is fine */
/* The next turn. */
bool collector_take(struct collector *c, const struct request_slot *s, struct vm_error *e);
/* Write what has not been written yet. */
bool collector_flush(struct collector *c, struct vm_error *e);

#endif
