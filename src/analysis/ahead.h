/* ahead.h - when the pages of a choice are touched next: what opt's choice turned on. */
#ifndef ANALYSIS_AHEAD_H
#define ANALYSIS_AHEAD_H

#include <pagoda/story.h>

/* Fill in `next` of every frame that the story's choices tell of. A second machine, with memory for
 * all pages, is run to the story's reference and listened to from there on: as opt's rehearsal, so
 * that a touch that is refused is none, and a page whose mapping goes is touched no more. Of a page
 * that several spaces share since a fork, the touches of the space that it is told by count.
 * Errors: vm_run_open's, vm_run_to's. */
bool look_ahead(const struct vm_config *c, const struct vm_source *source, struct vm_story *s,
                struct vm_error *e);

#endif
