/* frequency.h - what ranks a frame by its touches: their count, and of equals the time of the last
 * touch, or of the coming. For lfu and lecar, whose heaps have such entries. */
#ifndef POLICY_FREQUENCY_H
#define POLICY_FREQUENCY_H

#include <pagoda/types.h>

struct rank {
    uint64_t since; /* the number of the last touch, or of the coming */
    uint32_t count; /* stops at 2^32 - 1 */
    vm_pfn frame;
};

/* Without branches, as the outcome cannot be foretold. */
static inline bool rank_before(const struct rank *a, const struct rank *b)
{
    return (a->count < b->count) | ((a->count == b->count) & (a->since < b->since));
}

static inline uint32_t count_up(uint32_t count, uint32_t times)
{
    uint32_t sum;
    return __builtin_add_overflow(count, times, &sum) ? UINT32_MAX : sum;
}

#endif
