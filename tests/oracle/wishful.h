/* wishful.h - a policy that asks its host for everything it may: random pages are given up, parked,
 * cleaned. It asserts that the host keeps the contract of policy.h: what is parked is touched by
 * `soft` and not by `touch`, what it gave up it hears of no more. For a machine's memory.
 */
#ifndef ORACLE_WISHFUL_H
#define ORACLE_WISHFUL_H

#include <pagoda/policy.h>

extern const struct vm_policy_ops wishful_policy;

#endif
