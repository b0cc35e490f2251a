/* teller.h - makes stories: keeps what a tap is told of one reference, with what it meant. */
#ifndef ANALYSIS_TELLER_H
#define ANALYSIS_TELLER_H

#include "analysis/history.h"

#include <pagoda/story.h>

/* An array of the story that grows. */
struct teller_room {
    uint32_t n, cap;
};

/* A story and the room that its arrays have; kept, it is made again without allocating. */
struct telling {
    struct vm_story story;
    struct teller_room steps, loads, fields, entries, frames;
    bool failed;  /* the host had no memory */
    bool ordered; /* by telling_order */
};
void telling_free(struct telling *t); /* a zeroed struct is fine */

struct teller {
    struct telling *telling;
    const struct history *history; /* of what was before the event that is told */
    uint8_t *bits;                 /* [nframes] VM_REASON_BITS: before the choice; else NULL */
    uint64_t copied_bytes, waits_ns[VM_WAITS]; /* so far told */
    uint32_t event;                            /* step of the last event + 1; 0: none */
    vm_va va;                                  /* of the touch */
    double waits;            /* of a step of the last walk: the part that is not hidden */
    struct vm_slice address; /* its fields */
};

/* Begin `t` anew, for the reference after `history`; the engine has done all before it. */
void teller_begin(struct teller *r, struct telling *t, struct vm_engine *m,
                  const struct history *history);
/* One event, before the history hears of it. */
void teller_event(struct teller *r, const struct vm_tap_event *v);
/* The reference is done. */
void teller_end(struct teller *r, struct vm_engine *m);
/* Put the frames of the choices in order and keep those next to leave: once `next` is filled in. */
void telling_order(struct telling *t);

#endif
