/* policy_worlds.h - small random worlds for the tests of replacement policies, and the ways each
 * policy can be asked for. */
#ifndef ORACLE_POLICY_WORLDS_H
#define ORACLE_POLICY_WORLDS_H

#include "oracle/policy_host.h"

#define WORLD_REFS 400

/* Fill ref[WORLD_REFS]; every world has repeats, returns and, in some, loops and phases. Pages are
 * below `npages`, about a third of the references write. */
void policy_world_fill(vm_pageref *ref, uint32_t npages, uint64_t seed);

/* Every policy, with each of its words and some of its numbers; NULL past the end. */
const char *policy_spec_at(size_t i);

#endif
