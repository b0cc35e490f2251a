/* lru.c - least recently used: the frame that was touched longest ago leaves.
 *
 * A stack algorithm: with one frame more, memory holds all that it held, and one page more.
 * Mattson, Gecsei, Slutz & Traiger, "Evaluation techniques for storage hierarchies", IBM Systems
 * Journal 9(2) 1970.
 */
#include "policy/recency.h"

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    return recency_take_oldest(state);
}

const struct vm_policy_ops vm_policy_lru = {
    .name = "lru",
    .summary = "the page that was touched longest ago leaves",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_STALEST,
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
