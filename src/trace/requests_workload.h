/* requests_workload.h - what the generators of requests to a heap share: the blocks that are live.
 *
 *     slot: [ live, in no order | free ]       each has an address of its own
 *
 * Addresses only name blocks here: where they lie is for heaps to say. Slots are used again, as
 * addresses are. A row file writes down which request comes next, and requests_template.inc.h makes
 * a reader of it.
 */
#ifndef TRACE_REQUESTS_WORKLOAD_H
#define TRACE_REQUESTS_WORKLOAD_H

#include "base/random.h"
#include "trace/format.h"

#define REQUEST_SLOTS_MAX (1u << 22)
#define REQUEST_BASE      UINT64_C(0x10000000)
#define REQUEST_APART     (UINT64_C(1) << 24) /* between slots: more than a generator asks for */

#define REQUESTS_COUNT "requests", VM_PARAM_COUNT, "1M", 1, 1e12, NULL, "requests in all"
#define REQUESTS_LIVE  "live", VM_PARAM_COUNT, "1000", 1, 1 << 20, NULL, "blocks live at a time"
#define REQUESTS_MIN   "min", VM_PARAM_BYTES, "16", 1, 1 << 23, NULL, "smallest block"
#define REQUESTS_MAX   "max", VM_PARAM_BYTES, "1024", 1, 1 << 23, NULL, "largest block"

struct request_pool {
    struct vm_random random;
    uint32_t live, slots;
    uint32_t *slot; /* [slots]: the live ones first */
};

static inline vm_va request_address(uint32_t slot)
{
    return REQUEST_BASE + slot * REQUEST_APART;
}

/* There is a free slot. */
static inline struct vm_event request_take(struct request_pool *p, uint64_t bytes)
{
    return (struct vm_event){.kind = VM_EVENT_ALLOC,
                             .detail = VM_REQUEST_MALLOC,
                             .thread = 1,
                             .va = request_address(p->slot[p->live++]),
                             .bytes = bytes};
}

/* The i-th of the live blocks. */
static inline struct vm_event request_give(struct request_pool *p, uint32_t i)
{
    uint32_t slot = p->slot[i];
    p->slot[i] = p->slot[--p->live];
    p->slot[p->live] = slot;
    return (struct vm_event){
        .kind = VM_EVENT_FREE, .detail = VM_REQUEST_FREE, .thread = 1, .va = request_address(slot)};
}

static inline struct vm_event request_give_any(struct request_pool *p)
{
    return request_give(p, (uint32_t)vm_random_below(&p->random, p->live));
}

/* A size in [min, max], as likely as any other. */
static inline uint64_t request_bytes(struct request_pool *p, uint64_t min, uint64_t max)
{
    return min + vm_random_below(&p->random, max - min + 1);
}

#endif
