/* history.h - what the frames of a running machine have behind them, for reasons in numbers.
 *
 * It listens from the first reference on and keeps, for each frame, the stay of the page in it (of
 * segments and huge pages, which the policy knows as one, the stay of the whole): which reference
 * brought it, which touched it last, how often. A touch costs a store or two, so that a long run is
 * listened to at millions of references a second.
 *
 * Invariants
 *  1. stay[f].touches > 0 iff the policy has what it knows by f.
 *  2. Of two frames the one with the greater came_touch (last_touch) came (was touched) later:
 *     touches are numbered one by one, where one reference may touch several pages.
 */
#ifndef ANALYSIS_HISTORY_H
#define ANALYSIS_HISTORY_H

#include <pagoda/engine.h>

struct stay {
    uint64_t key;        /* of the page */
    uint64_t came, last; /* references */
    uint64_t came_touch, last_touch;
    uint64_t touches; /* its coming is the first */
    uint16_t ages;    /* VM_REASON_AGES: referenced bits at the last ticks, the last one highest */
    bool ahead;       /* its coming was a readahead, and no touch but to the policy */
};

struct history {
    struct vm_engine_parts parts;
    struct stay *stay; /* [parts.nframes] */
    uint64_t ref;      /* the current reference, or the last one where events follow it */
    uint64_t touch;    /* touches so far, the current one too */
    vm_asid asid;
    vm_pfn newcomer; /* whose coming is the current touch, or VM_NOFRAME */
};

/* Of a machine that has run nothing yet. Errors: VM_ESYSTEM. */
bool history_open(struct history *h, const struct vm_engine *m, struct vm_error *e);
void history_event(struct history *h, const struct vm_tap_event *v);
void history_close(struct history *h); /* a zeroed struct is fine */

#endif
