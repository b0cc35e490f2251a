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
 * State and parameter are those of policy/chance.h; the frame under the hand is the first.
 */
#include "policy/chance.h"

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct chance *s = state;
    (void)incoming;
    VM_ASSERT(s->rings.ring[CHANCE].n);
    vm_pfn frame = rings_first(&s->rings, CHANCE);
    while (s->bits[frame] & VM_FRAME_REFERENCED) {
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        frame = s->rings.link[frame].next;
    }
    rings_turn_to(&s->rings, CHANCE, frame);
    rings_take(&s->rings, CHANCE, frame);
    return frame;
}

const struct vm_policy_ops vm_policy_clock = {
    .name = "clock",
    .summary = "round in order of loading; a referenced page is passed once",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_BITS,
    .param = chance_param,
    .nparams = sizeof chance_param / sizeof chance_param[0],
    .size = chance_size,
    .init = chance_init,
    .insert = chance_insert,
    .remove = chance_remove,
    .victim = victim,
    PART_NO_TICKS,
    PART_VICTIMS_ALONE,
    .check = chance_check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_REFBIT
#define REPLAY_INSERT chance_insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
