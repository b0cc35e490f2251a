/* ahead.h - when the pages of a choice are touched next: what opt's choice turned on. */
#ifndef ANALYSIS_AHEAD_H
#define ANALYSIS_AHEAD_H

#include <pagoda/story.h>

/* Fill in `next` of every frame that the story's choices tell of, from a second reading of the
 * trace from the story's reference on. A page's next touch is that of its address, before its
 * mapping goes; of a page that several spaces share since a fork, that of the space it is told by; one that
 * the mapping will refuse counts, too.
 * Errors: vm_run_trace's, vm_trace_read's. */
bool look_ahead(const struct vm_run *r, struct vm_story *s, struct vm_error *e);

#endif
