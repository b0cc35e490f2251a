/* registry.c - the replacement policies by name: policies.def as a table. */
#include <pagoda/policy.h>
#include <string.h>

#define POLICY(name) extern const struct vm_policy_ops vm_policy_##name;
#include "policy/policies.def"
#undef POLICY

static const struct vm_policy_ops *const rows[] = {
#define POLICY(name) &vm_policy_##name,
#include "policy/policies.def"
#undef POLICY
};

#define REGISTRY      policy
#define REGISTRY_NOUN "policy"
#include "base/registry.inc.h"
