/* slices.h - a batch in slices, where something must be looked at between references. */
#ifndef ANALYSIS_SLICES_H
#define ANALYSIS_SLICES_H

#include <pagoda/trace.h>

struct slices {
    struct vm_batch batch;
    uint32_t at, event_at; /* what was handed out */
    bool done;
    struct vm_event event[VM_BATCH_EVENTS]; /* of the slice handed out last */
};

/* Cut `batch`, which must stay as it is. */
void slices_of(struct slices *s, const struct vm_batch *batch);
/* The next slice, of up to `refs` references, at least 1; events stand with the reference that they
 * precede, those at the end with the last one. It is good until the next call. False: no more. */
bool slices_next(struct slices *s, uint64_t refs, struct vm_batch *out);

#endif
