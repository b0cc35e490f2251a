/* car.c - clock with adaptive replacement: arc with two clocks for its two lists, so that a hit
 * only sets the referenced bit.
 *
 * While T1 has its target of frames, or more, its clock is asked: a page under the hand that was
 * referenced goes over to T2, its bit cleared; else it leaves for B1. While it has fewer, T2's
 * clock is: a referenced page is passed and its bit cleared; else it leaves for B2. A newcomer
 * comes in with the bit clear. See policy/adaptive.h for the rest.
 *
 * Bansal & Modha, "CAR: clock with adaptive replacement", FAST 2004, figure 2: the target moves
 * after the replacement, whereas arc's moves before.
 */
#include "policy/adaptive.h"

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct adaptive *a = state;
    a->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    adaptive_insert(a, frame, page);
}

static inline bool take_bit(struct adaptive *a, vm_pfn frame)
{
    bool referenced = a->bits[frame] & VM_FRAME_REFERENCED;
    a->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    return referenced;
}

/* Whether T1 has its target, and a page at least. */
static inline bool t1_gives(const struct adaptive *a)
{
    uint32_t n = a->rings.ring[T1].n;
    return n > 0 && (n >= a->p || a->rings.ring[T2].n == 0);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct adaptive *a = state;
    (void)incoming;
    VM_ASSERT(a->rings.ring[T1].n + a->rings.ring[T2].n);
    for (;;) {
        unsigned list = t1_gives(a) ? T1 : T2;
        vm_pfn frame = rings_first(&a->rings, list);
        if (!take_bit(a, frame)) {
            rings_take(&a->rings, list, frame);
            adaptive_remember(a, list == T1 ? B1 : B2, frame);
            return frame;
        }
        if (list == T1) {
            rings_take(&a->rings, T1, frame);
            rings_push_last(&a->rings, T2, frame);
        } else {
            rings_turn(&a->rings, T2);
        }
    }
}

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct adaptive *a = state;
    if (entry == 0)
        ghosts_prefetch(&a->ghosts, page);
}

const struct vm_policy_ops vm_policy_car = {
    .name = "car",
    .summary = "arc with two clocks: an unreferenced page of those loaded once, or more, leaves",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_LISTS,
    ADAPTIVE_PARAMS,
    .size = adaptive_size,
    .init = adaptive_init,
    .insert = insert,
    .remove = adaptive_remove,
    .victim = victim,
    PART_NO_TICKS,
    PART_VICTIMS_ALONE,
    .check = adaptive_check,
    PART_STAMPED,
};

#define REPLAY_KIND    VM_TOUCH_REFBIT
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_nothing
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
