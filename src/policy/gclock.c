/* gclock.c - the clock with counters: a frame is passed as many times as it was touched, up to a
 * limit.
 *
 * The ring and the hand are those of `clock`; in place of the referenced bit each frame has a
 * counter of `bits` bits, which every touch raises until it is full and every pass of the hand
 * lowers. A victim is the first frame whose counter is 0. With one bit it is `clock` itself
 * (tests/laws/policy.c).
 *
 * Smith, "Sequentiality and prefetching in database systems", ACM TODS 3(3) 1978 (GCLOCK). Also
 * known as an n-bit clock.
 *
 * It is a row of its own, not a parameter of clock's, because it must be told of every touch, and
 * clock of none: a machine would pay for the telling wherever clock is used.
 *
 * bits: of a counter. load: what a newcomer's counter begins at, 0 (clear) or 1 (referenced).
 *
 * Invariants
 *  1. The ring is list RING, the frames that are in, in the order of their coming from the hand.
 *  2. count[frame] <= full for a frame that is in.
 */
#include "policy/part.h"
#include "policy/rings.h"

enum { RING };

struct gclock {
    struct rings rings;
    uint8_t *count; /* [nframes] */
    uint8_t full, first;
};

static size_t layout(struct gclock *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, nframes);
    s->count = block_take(&b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct gclock){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct gclock *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->full = (uint8_t)((1u << vm_params_count(env->params, "bits")) - 1);
    s->first = part_load_mask(env->params) & VM_FRAME_REFERENCED ? 1 : 0;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct gclock *s = state;
    (void)page;
    s->count[frame] = s->first;
    rings_push_last(&s->rings, RING, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct gclock *s = state;
    VM_EXPECT(rings_on(&s->rings, RING, frame));
    uint32_t room = (uint32_t)s->full - s->count[frame];
    s->count[frame] += (uint8_t)(times < room ? times : room);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct gclock *s = state;
    rings_take(&s->rings, RING, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct gclock *s = state;
    (void)incoming;
    VM_ASSERT(s->rings.ring[RING].n);
    vm_pfn frame = rings_first(&s->rings, RING);
    for (; s->count[frame]; frame = s->rings.link[frame].next)
        s->count[frame]--;
    rings_turn_to(&s->rings, RING, frame);
    rings_take(&s->rings, RING, frame);
    return frame;
}

static void check(const void *state)
{
    const struct gclock *s = state;
    rings_check(&s->rings);
    for (vm_pfn f = 0; f < s->rings.nframes; f++)
        VM_ASSERT(s->count[f] <= s->full);
}

static const struct vm_param param[] = {
    {"bits", VM_PARAM_COUNT, "2", 1, 8, NULL, "of a frame's counter"},
    {"load", VM_PARAM_WORD, "clear", 0, 0, "clear|referenced", "a newcomer's counter: 0, or 1"},
};

const struct vm_policy_ops vm_policy_gclock = {
    .name = "gclock",
    .summary = "round in order of loading; a page is passed as often as it was touched",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_HISTORY,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    PART_NO_TICKS,
    PART_VICTIMS_ALONE,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_EACH
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
