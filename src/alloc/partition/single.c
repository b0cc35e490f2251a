/* single.c - one job at a time has all of memory.
 *
 * The monitor of the first machines: nothing is shared, so nothing is searched, and whatever the
 * job does not need is lost as long as it stays. Madnick & Donovan, "Operating Systems",
 * section 3-2.
 */
#include "base/assert.h"

#include <pagoda/partition.h>

struct single {
    uint64_t memory;
    uint32_t job; /* VM_NOTENANT: memory is free */
    uint64_t asked, searched;
};

static size_t single_size(const struct vm_partition_env *env, struct vm_error *e)
{
    (void)env;
    (void)e;
    return sizeof(struct single);
}

static void single_init(void *state, const struct vm_partition_env *env)
{
    *(struct single *)state = (struct single){.memory = env->memory, .job = VM_NOTENANT};
}

static uint64_t single_most(const void *state)
{
    return ((const struct single *)state)->memory;
}

static bool single_put(void *state, uint32_t job, uint64_t bytes)
{
    struct single *s = state;
    s->searched++;
    if (s->job != VM_NOTENANT)
        return false;
    s->job = job;
    s->asked = bytes;
    return true;
}

static void single_leave(void *state, uint32_t job)
{
    struct single *s = state;
    VM_ASSERT(s->job == job);
    s->job = VM_NOTENANT;
    s->asked = 0;
}

static void single_areas(const void *state, void *host,
                         void (*area)(void *host, const struct vm_area *))
{
    const struct single *s = state;
    area(host, &(struct vm_area){0, s->memory, s->job, s->asked});
}

static void single_usage(const void *state, struct vm_partition_usage *out)
{
    *out = (struct vm_partition_usage){.searched = ((const struct single *)state)->searched};
}

const struct vm_partition_ops vm_partition_single = {
    .name = "single",
    .summary = "one job at a time has all of memory",
    .size = single_size,
    .init = single_init,
    .most = single_most,
    .put = single_put,
    .leave = single_leave,
    .areas = single_areas,
    .usage = single_usage,
};
