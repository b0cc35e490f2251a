/* mru.c - most recently used: the frame that was touched last leaves.
 *
 * The right thing for a loop that is longer than memory, where the page just used is the one that
 * is needed last (Chou & DeWitt, "An evaluation of buffer management strategies for relational
 * database systems", VLDB 1985), and the wrong thing nearly everywhere else.
 */
#include "policy/recency.h"

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    return recency_take_newest(state);
}

const struct vm_policy_ops vm_policy_mru = {
    .name = "mru",
    .summary = "the page that was touched last leaves",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_NEWEST,
    .size = recency_size,
    .init = recency_init,
    .insert = recency_insert,
    .remove = recency_remove,
    .victim = victim,
    PART_NO_TICKS,
    PART_VICTIMS_ALONE,
    .check = recency_check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_ORDER
#define REPLAY_INSERT recency_insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  recency_touch
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
