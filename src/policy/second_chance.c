/* second_chance.c - second chance as a queue: first in, first out, but the first one to leave that
 * was referenced loses its bit and goes to the end instead.
 *
 * What textbooks draw before they bend the queue to a clock (Tanenbaum & Bos, "Modern Operating
 * Systems", 4th ed., section 3.4.4; Silberschatz, Galvin & Gagne, "Operating System Concepts", 10th
 * ed., section 10.4.5.2). It chooses the same pages as `clock`, always, for turning the hand and
 * moving the front to the end are one thing; what differs is the work: the clock passes a frame
 * without a write to its links. tests/laws/policy.c proves them equal.
 *
 * State and parameter are those of policy/chance.h.
 */
#include "policy/chance.h"

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct chance *s = state;
    (void)incoming;
    VM_ASSERT(s->rings.ring[CHANCE].n);
    for (;;) {
        vm_pfn frame = rings_take_first(&s->rings, CHANCE);
        if (!(s->bits[frame] & VM_FRAME_REFERENCED))
            return frame;
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        rings_push_last(&s->rings, CHANCE, frame);
    }
}

const struct vm_policy_ops vm_policy_second_chance = {
    .name = "second-chance",
    .summary = "first in, first out, but who was referenced goes to the end once more",
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
