/* slices.c - see slices.h. */
#include "analysis/slices.h"
#include "base/assert.h"

void slices_of(struct slices *s, const struct vm_batch *batch)
{
    s->batch = *batch;
    s->at = s->event_at = 0;
    s->done = false;
}

bool slices_next(struct slices *s, uint64_t refs, struct vm_batch *out)
{
    const struct vm_batch *b = &s->batch;
    uint32_t from = s->at, left = b->nrefs - from, nevents = 0;
    if (s->done)
        return false;
    s->at += refs < left ? (uint32_t)refs : left;
    s->done = s->at == b->nrefs;
    for (; s->event_at < b->nevents; s->event_at++) {
        const struct vm_event *v = &b->event[s->event_at];
        if (v->at >= s->at && !s->done)
            break;
        VM_ASSERT(nevents < VM_BATCH_EVENTS);
        s->event[nevents] = *v;
        s->event[nevents++].at -= from;
    }
    *out = (struct vm_batch){s->at - from, nevents, b->va + from, b->meta + from, s->event};
    return true;
}
