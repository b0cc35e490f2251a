/* second_chance.c - second chance as a queue: first in, first out, but the first one to leave that
 * was referenced loses its bit and goes to the end instead.
 *
 * What textbooks draw before they bend the queue to a clock (Tanenbaum & Bos, "Modern Operating
 * Systems", 4th ed., section 3.4.4; Silberschatz, Galvin & Gagne, "Operating System Concepts", 10th
 * ed., section 10.4.5.2). It chooses the same pages as `clock`, always, for turning the hand and
 * moving the front to the end are one thing; what differs is the work: the clock passes a frame
 * without a write to its links. tests/laws/policy.c proves them equal.
 *
 * load: whether a newcomer's bit is clear, as clock's.
 *
 * Invariant: the queue is list QUEUE, the frames that are in, the next to be looked at first.
 */
#include "policy/part.h"
#include "policy/rings.h"

enum { QUEUE };

struct second_chance {
    struct rings rings;
    uint8_t *bits;     /* the host's */
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct second_chance *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct second_chance){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct second_chance *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct second_chance *s = state;
    (void)page;
    s->bits[frame] &= s->load_mask;
    rings_push_last(&s->rings, QUEUE, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct second_chance *s = state;
    rings_take(&s->rings, QUEUE, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct second_chance *s = state;
    (void)incoming;
    VM_ASSERT(s->rings.ring[QUEUE].n);
    for (;;) {
        vm_pfn frame = rings_take_first(&s->rings, QUEUE);
        if (!(s->bits[frame] & VM_FRAME_REFERENCED))
            return frame;
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        rings_push_last(&s->rings, QUEUE, frame);
    }
}

static void check(const void *state)
{
    const struct second_chance *s = state;
    rings_check(&s->rings);
}

static const struct vm_param param[] = {PART_LOAD_PARAM};

const struct vm_policy_ops vm_policy_second_chance = {
    .name = "second-chance",
    .summary = "first in, first out, but who was referenced goes to the end once more",
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
