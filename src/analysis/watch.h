/* watch.h - a replay that goes on reference by reference and tells which pages come and go.
 *
 * Of the whole machine by a tap; of the pages model by looking, after each reference, at who has
 * which frame.
 */
#ifndef ANALYSIS_WATCH_H
#define ANALYSIS_WATCH_H

#include <pagoda/engine.h>

/* A page gets a frame, or loses it. */
struct change {
    uint64_t ref; /* the reference, from 1 */
    uint64_t key; /* the page */
    int came;     /* 1: it came, -1: it left */
};

struct watch;

/* Before the first reference. What the arguments point to must outlive it. Errors: as of
 * vm_replay. */
struct watch *watch_open(const struct vm_config *c, const struct vm_source *source,
                         const struct vm_progress *progress, struct vm_error *e);
/* Go on until `refs` references are done, or the trace ends; the changes since are kept, in order
 * of their references, until the next call. Errors: as of the parts. */
bool watch_to(struct watch *w, uint64_t refs, struct vm_error *e);
const struct change *watch_changes(const struct watch *w, size_t *n);
uint64_t watch_refs(const struct watch *w); /* done */
void watch_close(struct watch *w);          /* NULL is fine */

#endif
