/* policy_scene.h - short scenes for replacement policies, as one would write them on a blackboard:
 * references "1 2 3w 1" (w: a write; / : the host drops the page named next), and what they leave.
 */
#ifndef ORACLE_POLICY_SCENE_H
#define ORACLE_POLICY_SCENE_H

#include "oracle/policy_host.h"

#define SCENE_PAGES 64  /* pages are below */
#define SCENE_REFS  256 /* references at most */

struct scene {
    char resident[SCENE_PAGES * 4]; /* the pages in memory at the end, ascending: "1 3 4" */
    struct policy_outcome outcome;
};

/* Play `text` by the policy's functions one by one, with check() after each, and, where nothing is
 * dropped, by its stamped loops: these must leave the same (asserted). */
struct scene policy_scene(const char *policy, uint32_t nframes, const char *text);
/* The same in a world with this policy, memory, processes and allotment. */
struct scene policy_scene_in(const struct policy_world *world, const char *text);

#endif
