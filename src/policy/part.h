/* part.h - what every policy's file starts from, and what it may need not to do. Private to
 * policy/. */
#ifndef POLICY_PART_H
#define POLICY_PART_H

#include "base/assert.h"
#include "base/block.h"

#include <pagoda/policy.h>

/* For policies to which touches, or ticks, mean nothing. */
static inline void touch_nothing(void *state, vm_pfn frame, uint32_t times)
{
    (void)state, (void)frame, (void)times;
}

static inline uint64_t tick_nothing(void *state)
{
    (void)state;
    return 0;
}

static inline uint64_t tick_never(const struct vm_policy_env *env)
{
    (void)env;
    return 0;
}

/* For policies that give up no frame unasked, and park none. */
static inline vm_pfn release_nothing(void *state, uint64_t incoming)
{
    (void)state, (void)incoming;
    return VM_NOFRAME;
}

static inline vm_pfn park_nothing(void *state)
{
    (void)state;
    return VM_NOFRAME;
}

static inline uint64_t switched_nothing(void *state)
{
    (void)state;
    return 0;
}

static inline void soft_never(void *state, vm_pfn frame)
{
    (void)state, (void)frame;
    VM_ASSERT(!"it has parked no frame");
}

/* Parts of an ops table: what most policies do not do, and what the template stamps. */
#define PART_NO_TICKS      .tick_first = tick_never, .tick = tick_nothing
#define PART_NO_PROCESSES  .switched = switched_nothing
#define PART_NO_PARKING    .park = park_nothing, .soft = soft_never
#define PART_VICTIMS_ALONE .release = release_nothing, PART_NO_PROCESSES, PART_NO_PARKING
#define PART_STAMPED       .touch = touch, .replay = replay, .replay_runs = replay_runs

/* Four touches a frame between ticks, unless the parameter `tick` says how many: long enough for
 * the frames in use to be told from those that are not, whatever the size of memory. */
static inline uint64_t tick_by_param(const struct vm_policy_env *env)
{
    uint64_t tick = vm_params_count(env->params, "tick");
    return tick ? tick : UINT64_C(4) * env->capacity;
}
#define PART_TICK_PARAM                                                                            \
    {                                                                                              \
        "tick", VM_PARAM_COUNT, "0", 0, 0, NULL, "touches between ticks; 0: four for each frame"   \
    }

/* A window of the time of processes, the parameter `tau`, chosen as ticks are. */
static inline uint64_t part_window(const struct vm_policy_env *env)
{
    uint64_t tau = vm_params_count(env->params, "tau");
    return tau ? tau : UINT64_C(4) * env->capacity;
}
#define PART_WINDOW_PARAM                                                                          \
    {                                                                                              \
        "tau", VM_PARAM_COUNT, "0", 0, 0, NULL,                                                    \
            "touches of its process after which a page is idle; 0: four for each frame"            \
    }

/* What of a newcomer's frame bits a policy with the parameter `load` keeps. */
static inline uint8_t part_load_mask(const struct vm_params *params)
{
    bool referenced = vm_params_count(params, "load");
    return (uint8_t)(referenced ? ~0u : ~(unsigned)VM_FRAME_REFERENCED);
}
#define PART_LOAD_PARAM                                                                            \
    {                                                                                              \
        "load", VM_PARAM_WORD, "clear", 0, 0, "clear|referenced", "a newcomer's referenced bit"    \
    }

/* `percent` of so many frames, rounded down, or the least that it may be. */
static inline uint32_t part_share(uint32_t frames, double percent, uint32_t least)
{
    uint32_t share = (uint32_t)(frames * percent / 100);
    return share > least ? share : least;
}

/* Stamped into each policy's file by replay_template.inc.h, which it includes last. */
__attribute__((unused)) static void touch(void *state, const vm_pfn *frame, size_t n);
static void replay(void *state, struct vm_replay *r, const vm_pageref *ref, size_t n);
static void replay_runs(void *state, struct vm_replay *host, const struct vm_page_run *run,
                        size_t n);

#endif
