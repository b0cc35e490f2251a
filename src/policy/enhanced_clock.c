/* enhanced_clock.c - the clock that would rather not write: classes by referenced and dirty bit.
 *
 * The frames stand in a circle by number, under a hand. A victim is looked for in full turns from
 * the hand:
 *     1. the first frame neither referenced nor dirty; nothing is changed;
 *     2. the first not referenced but dirty; the referenced bits of those passed are cleared;
 * and again 1 and 2, which then succeed. The hand stops behind the victim. Silberschatz, Galvin &
 * Gagne, "Operating System Concepts", enhanced second-chance algorithm, which tells of its use in
 * the Macintosh.
 *
 * load: as in clock.c.
 *
 * The idea: turn 1 done as told would pass over all of memory at each miss. A frame comes to be
 * neither referenced nor dirty only by this policy's doing, so `idle` remembers the frames that it
 * left so; the host's touches take frames out without telling, which is found out when one is met.
 * Turn 2 is walked: each frame it passes has a referenced bit, which a touch has paid for.
 *
 * Invariants
 *  1. idle is a part of in, and holds every frame that is in with neither bit; unless the host has
 *     cleaned it: then turn 2 finds it.
 *  2. hand < nframes.
 */
#include "policy/part.h"

struct enhanced_clock {
    struct vm_bitset in, idle;
    uint8_t *bits; /* the host's */
    vm_pfn hand;
    uint32_t nframes, nin;
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct enhanced_clock *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->in);
    block_take_set(&b, nframes, &s->idle);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct enhanced_clock){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct enhanced_clock *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->nframes = env->nframes;
    s->load_mask = part_load_mask(env->params);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct enhanced_clock *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame));
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->bits[frame] &= s->load_mask;
    if (s->bits[frame] == 0)
        vm_bitset_add(&s->idle, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct enhanced_clock *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    vm_bitset_drop(&s->in, frame);
    vm_bitset_drop(&s->idle, frame);
    s->nin--;
}

/* Turn 1 over [from, end): the first frame with neither bit, or VM_NOFRAME. */
static inline vm_pfn find_idle(struct enhanced_clock *s, vm_pfn from, vm_pfn end)
{
    for (vm_pfn f = from; (f = vm_bitset_next(&s->idle, f)) < end; f++) {
        if (s->bits[f] == 0)
            return f;
        vm_bitset_drop(&s->idle, f);
    }
    return VM_NOFRAME;
}

/* Turn 2 over [from, end): the first frame not referenced, or VM_NOFRAME. */
static inline vm_pfn find_unreferenced(struct enhanced_clock *s, vm_pfn from, vm_pfn end)
{
    for (vm_pfn f = from; (f = vm_bitset_next(&s->in, f)) < end; f++) {
        if (!(s->bits[f] & VM_FRAME_REFERENCED))
            return f;
        s->bits[f] &= (uint8_t)~VM_FRAME_REFERENCED;
        if (s->bits[f] == 0)
            vm_bitset_add(&s->idle, f);
    }
    return VM_NOFRAME;
}

static inline vm_pfn find_victim(struct enhanced_clock *s)
{
    vm_pfn frame = find_idle(s, s->hand, s->nframes);
    if (frame == VM_NOFRAME)
        frame = find_idle(s, 0, s->hand);
    if (frame == VM_NOFRAME)
        frame = find_unreferenced(s, s->hand, s->nframes);
    if (frame == VM_NOFRAME)
        frame = find_unreferenced(s, 0, s->hand);
    return frame;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct enhanced_clock *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = find_victim(s);
    if (frame == VM_NOFRAME) /* all were referenced, and are no more */
        frame = find_victim(s);
    VM_ASSERT(frame != VM_NOFRAME);
    remove_frame(s, frame);
    s->hand = frame + 1 < s->nframes ? frame + 1 : 0;
    return frame;
}

static void check(const void *state)
{
    const struct enhanced_clock *s = state;
    uint32_t n = 0;
    VM_ASSERT(s->hand < s->nframes);
    for (vm_pfn f = 0; f < s->nframes; f++) {
        n += vm_bitset_has(&s->in, f);
        VM_ASSERT(!vm_bitset_has(&s->idle, f) || vm_bitset_has(&s->in, f));
    }
    VM_ASSERT(n == s->nin);
    vm_bitset_check(&s->in);
    vm_bitset_check(&s->idle);
}

static const struct vm_param param[] = {PART_LOAD_PARAM};

const struct vm_policy_ops vm_policy_enhanced_clock = {
    .name = "enhanced-clock",
    .summary = "round by frame number; not referenced and clean leaves before dirty",
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
