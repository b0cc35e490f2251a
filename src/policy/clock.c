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
 * Invariants
 *  1. The ring holds the frames that are in; hand is one of them, or VM_NOFRAME if there are none.
 *  2. A frame that is not in has next == VM_NOFRAME, or was never seen.
 */
#include "base/links.h"
#include "policy/part.h"

struct clock_ring {
    struct vm_links *link; /* [nframes] */
    uint8_t *bits;         /* the host's */
    vm_pfn hand;
    uint32_t nframes, nin;
    uint32_t seen;     /* frames below have come at some time: the others' links are as zeroed */
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct clock_ring *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, nframes * sizeof *s->link);
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
    s->nframes = env->nframes;
    s->bits = env->bits;
    s->hand = VM_NOFRAME;
    s->load_mask = part_load_mask(env->params);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct clock_ring *s = state;
    (void)page;
    while (s->seen <= frame)
        s->link[s->seen++].next = VM_NOFRAME;
    VM_EXPECT(frame < s->nframes && s->link[frame].next == VM_NOFRAME);
    s->bits[frame] &= s->load_mask;
    if (s->nin++ == 0) {
        s->hand = frame;
        vm_links_head(s->link, frame);
    } else {
        vm_links_insert_after(s->link, s->link[s->hand].prev, frame);
    }
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct clock_ring *s = state;
    VM_EXPECT(frame < s->seen && s->link[frame].next != VM_NOFRAME);
    if (frame == s->hand)
        s->hand = s->link[frame].next;
    vm_links_remove(s->link, frame);
    s->link[frame].next = VM_NOFRAME;
    if (--s->nin == 0)
        s->hand = VM_NOFRAME;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct clock_ring *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = s->hand;
    while (s->bits[frame] & VM_FRAME_REFERENCED) {
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        frame = s->link[frame].next;
    }
    s->hand = frame;
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct clock_ring *s = state;
    uint32_t n = 0;
    VM_ASSERT((s->nin == 0) == (s->hand == VM_NOFRAME));
    for (vm_pfn f = s->hand; n < s->nin; n++, f = s->link[f].next)
        VM_ASSERT(f < s->nframes && s->link[s->link[f].next].prev == f && (n == 0 || f != s->hand));
    VM_ASSERT(n == 0 || s->link[s->link[s->hand].prev].next == s->hand);
    VM_ASSERT(s->seen <= s->nframes);
    for (uint32_t f = 0; f < s->seen; f++)
        n += s->link[f].next == VM_NOFRAME;
    VM_ASSERT(n == s->seen);
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
