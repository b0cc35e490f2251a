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

static vm_asid plain_owner(void *host, uint64_t page)
{
    (void)host, (void)page;
    return 0;
}

static uint64_t plain_place(void *host, uint64_t page)
{
    (void)host;
    return page;
}

static void plain_frames(void *host, uint64_t first, size_t n, vm_pfn *frame)
{
    (void)host, (void)first;
    for (size_t i = 0; i < n; i++)
        frame[i] = VM_NOFRAME;
}

static uint64_t plain_pages(void *host, vm_asid owner)
{
    (void)host, (void)owner;
    return 1;
}

static bool plain_clean(void *host, vm_pfn frame)
{
    (void)host, (void)frame;
    return false;
}

const struct vm_policy_host vm_policy_host_plain = {
    .place = plain_place,
    .frames = plain_frames,
    .owner = plain_owner,
    .pages = plain_pages,
    .clean = plain_clean,
};
