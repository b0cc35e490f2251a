/* arc.c - adaptive replacement: memory is divided between pages touched once lately and pages
 * touched more often, by what the pages that come back tell.
 *
 * T1 and T2 are kept by lru. A touch of a page in memory makes it the newest of T2. To make room,
 * the stalest of T1 leaves if T1 has more than its target p (or p exactly, and the page that comes
 * in was in B2), else the stalest of T2. See policy/adaptive.h for the rest.
 *
 * Megiddo & Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4.
 */
#include "policy/adaptive.h"

/* Every touch counts: the first one after a page came, immediate or not, lifts it to T2. */
static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct adaptive *a = state;
    (void)times;
    if (rings_on(&a->rings, T2, frame)) {
        rings_renew(&a->rings, T2, frame);
    } else {
        rings_take(&a->rings, T1, frame);
        rings_push_last(&a->rings, T2, frame);
    }
}

static inline bool t1_gives(const struct adaptive *a, uint32_t wanted)
{
    uint32_t n = a->rings.ring[T1].n;
    bool from_b2 = wanted != GHOST_NONE && adaptive_list(a, wanted) == B2;
    if (n == 0 || a->rings.ring[T2].n == 0)
        return n > 0;
    return n > a->p || (from_b2 && n == a->p);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct adaptive *a = state;
    uint32_t wanted = ghosts_find(&a->ghosts, incoming);
    if (wanted != GHOST_NONE)
        adaptive_adapt(a, wanted);
    unsigned list = t1_gives(a, wanted) ? T1 : T2;
    VM_ASSERT(a->rings.ring[list].n);
    vm_pfn frame = rings_take_first(&a->rings, list);
    adaptive_remember(a, list == T1 ? B1 : B2, frame);
    return frame;
}

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct adaptive *a = state;
    if (entry)
        __builtin_prefetch(&a->rings.link[entry - 1]);
    else
        ghosts_prefetch(&a->ghosts, page);
}

const struct vm_policy_ops vm_policy_arc = {
    .name = "arc",
    .summary =
        "the stalest page of those touched once, or more often, as returning ones tell, leaves",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_LISTS,
    ADAPTIVE_PARAMS,
    .size = adaptive_size,
    .init = adaptive_init,
    .insert = adaptive_insert,
    .remove = adaptive_remove,
    .victim = victim,
    PART_NO_TICKS,
    PART_VICTIMS_ALONE,
    .check = adaptive_check,
    PART_STAMPED,
};

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  adaptive_insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
