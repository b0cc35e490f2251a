/* clock.c - second chance: first in, first out, but who was referenced goes round once more.
 *
 * The frames stand in a ring in the order of their coming, under a hand. A victim is looked for
 * from the hand: a frame with its referenced bit set loses the bit and is passed; the first without
 * it leaves. A newcomer takes the place behind the hand, to be looked at last.
 *
 *            hand
 *             v
 *     ... -> [f] -> [g] -> ... -> [newest] -> [f]
 *
 * Corbato, "A paging experiment with the Multics system", MIT Project MAC 1968.
 *
 * load: whether a newcomer's bit is clear, so that only a second reference saves it, or as the
 * reference that loaded it left it. Both are found in practice, and they differ: see the table in
 * tests/golden/policy.c.
 *
 * Invariant: the ring is list RING, the frames that are in, the one under the hand first.
 */
#include "policy/part.h"
#include "policy/rings.h"

enum { RING };

struct clock_ring {
    struct rings rings;
    uint8_t *bits;     /* the host's */
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct clock_ring *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct clock_ring){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct clock_ring *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct clock_ring *s = state;
    (void)page;
    s->bits[frame] &= s->load_mask;
    rings_push_last(&s->rings, RING, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct clock_ring *s = state;
    rings_take(&s->rings, RING, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct clock_ring *s = state;
    (void)incoming;
    VM_ASSERT(s->rings.ring[RING].n);
    vm_pfn frame = rings_first(&s->rings, RING);
    while (s->bits[frame] & VM_FRAME_REFERENCED) {
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        frame = s->rings.link[frame].next;
    }
    rings_turn_to(&s->rings, RING, frame);
    rings_take(&s->rings, RING, frame);
    return frame;
}

static void check(const void *state)
{
    const struct clock_ring *s = state;
    rings_check(&s->rings);
}

static const struct vm_param param[] = {PART_LOAD_PARAM};

const struct vm_policy_ops vm_policy_clock = {
    .name = "clock",
    .summary = "round in order of loading; a referenced page is passed once",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_BITS,
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

#define REPLAY_KIND   VM_TOUCH_REFBIT
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
