/* slru.c - segmented LRU: a page must be touched again to be worth more than a newcomer.
 *
 * Memory is divided into segments, each in the order of touches. A page comes into the lowest; each
 * touch lifts it to the newest end of the segment above its own, in the highest to the newest end
 * there. A segment that has grown beyond its share gives its oldest page down, to the newest end of
 * the one below. The oldest page of the lowest segment that is not empty leaves. So a scan, which
 * touches each page once, goes through the lowest segment alone.
 *
 *     comes in               touched again          touched again
 *        v        <---------------+       <---------------+
 *     [probation, oldest] leaves  [protected]   ...       [highest]
 *
 * Karedla, Love & Wherry, "Caching strategies to improve disk system performance", IEEE Computer
 * 27(3) 1994: two segments, their sizes to be chosen.
 *
 * segments: how many. protected: the share of memory, in percent, that all but the lowest have
 * together; 0: every segment the same. fill: a newcomer's segment is always the lowest (as in the
 * paper), or the lowest that has not its share yet (as in libCacheSim), which differs only while
 * memory fills, or after pages were dropped.
 *
 * Invariants
 *  1. Segment k is list k, the oldest first. Every frame that is in is on one.
 *  2. A segment above the lowest has at most most[k] frames; the lowest takes what is left.
 */
#include "policy/part.h"
#include "policy/rings.h"

struct slru {
    struct rings rings;
    uint32_t most[RINGS_MAX];
    unsigned top; /* the highest segment */
    enum { FILL_LOWEST, FILL_ROOM } fill;
};

static size_t layout(struct slru *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct slru){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct slru *s = state;
    double protected = vm_params_real(env->params, "protected");
    layout(s, (uintptr_t)state, env->nframes);
    s->top = (unsigned)vm_params_count(env->params, "segments") - 1;
    s->fill = vm_params_count(env->params, "fill") ? FILL_ROOM : FILL_LOWEST;
    uint32_t upper = (uint32_t)(env->capacity * protected / 100);
    uint32_t each = protected > 0 ? upper / s->top : env->capacity / (s->top + 1);
    for (unsigned k = 1; k <= s->top; k++)
        s->most[k] = each;
    s->most[0] = env->capacity - s->top * each;
}

static unsigned segment_for_newcomer(const struct slru *s)
{
    unsigned k = 0;
    if (s->fill == FILL_LOWEST)
        return 0;
    while (k <= s->top && s->rings.ring[k].n >= s->most[k])
        k++;
    return k > s->top ? 0 : k;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct slru *s = state;
    (void)page;
    rings_push_last(&s->rings, segment_for_newcomer(s), frame);
}

/* Lift the frame from segment k, and let those above the lowest give down what is too much. */
static inline void lift(struct slru *s, unsigned k, vm_pfn frame)
{
    rings_take(&s->rings, k, frame);
    rings_push_last(&s->rings, k + 1, frame);
    for (k = k + 1; k > 0 && s->rings.ring[k].n > s->most[k]; k--)
        rings_push_last(&s->rings, k - 1, rings_take_first(&s->rings, k));
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct slru *s = state;
    VM_EXPECT(s->rings.on[frame]);
    for (unsigned n = times < RINGS_MAX ? times : RINGS_MAX; n > 0; n--) {
        unsigned k = s->rings.on[frame] - 1u;
        if (k == s->top) {
            rings_renew(&s->rings, k, frame);
            return;
        }
        lift(s, k, frame);
    }
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct slru *s = state;
    rings_drop(&s->rings, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct slru *s = state;
    unsigned k = 0;
    (void)incoming;
    while (k < s->top && s->rings.ring[k].n == 0)
        k++;
    VM_ASSERT(s->rings.ring[k].n);
    return rings_take_first(&s->rings, k);
}

static void check(const void *state)
{
    const struct slru *s = state;
    rings_check(&s->rings);
    for (unsigned k = 1; k < RINGS_MAX; k++)
        VM_ASSERT(s->rings.ring[k].n <= (k <= s->top ? s->most[k] : 0));
}

static const struct vm_param param[] = {
    {"segments", VM_PARAM_COUNT, "2", 2, RINGS_MAX, NULL, "how many"},
    {"protected", VM_PARAM_REAL, "0", 0, 100, NULL,
     "percent of memory for all segments but the lowest; 0: equal shares"},
    {"fill", VM_PARAM_WORD, "lowest", 0, 0, "lowest|room",
     "a newcomer's segment: the lowest, or the lowest that has room"},
};

const struct vm_policy_ops vm_policy_slru = {
    .name = "slru",
    .summary = "the stalest page of those not touched again, or given down by others, leaves",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_LISTS,
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
