/* local.h - local replacement: any policy, once for each process, with shares of memory. */
#ifndef POLICY_LOCAL_H
#define POLICY_LOCAL_H

#include <pagoda/policy.h>

/* The table by which a host uses the policy of env.allotment->inner locally. It must stay where it
 * is as long as the host does. */
void vm_policy_local(struct vm_policy_ops *out, const struct vm_policy_ops *inner);

#endif
