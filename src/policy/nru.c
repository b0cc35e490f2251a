/* nru.c - not recently used: a frame of the lowest class leaves.
 *
 * The classes, by the referenced and the dirty bit: 0 neither, 1 dirty, 2 referenced, 3 both. Every
 * tick clears the referenced bits. Tanenbaum & Bos, "Modern Operating Systems", 4th ed., section
 * 3.4.2, where the victim is any page of the class.
 *
 * pick: `random`, frames are drawn until one is of the class, DRAWS times at most, then the first
 * of the class from the last drawn on, round the end (only where nearly none is of the class does
 * that prefer one behind a gap); `first`, the lowest of the class.
 *
 * The idea: between ticks a frame that stays only rises in class, by bits that the host sets
 * without telling. So a set for each class holds the frames that were last seen in it; a member
 * found to have risen moves up when it is met, at most three times between ticks.
 *
 * Invariants
 *  1. A frame that is in is a member of exactly one set, of a class not above its own; unless the
 *     host has cleaned it, which is noticed at the next tick or when it is met.
 *  2. A frame that is not in is in no set.
 */
#include "base/random.h"
#include "policy/part.h"

#define CLASSES 4
#define DRAWS   32

struct nru {
    struct vm_bitset seen[CLASSES];
    uint8_t *bits; /* the host's */
    uint32_t nframes, nin;
    enum { PICK_RANDOM, PICK_FIRST } pick;
    uint64_t tick; /* touches from one to the next */
    struct vm_random random;
};
_Static_assert((VM_FRAME_REFERENCED | VM_FRAME_DIRTY) == CLASSES - 1, "two bits make four classes");

static inline unsigned class_of(const struct nru *s, vm_pfn frame)
{
    unsigned bits = s->bits[frame];
    return (bits & VM_FRAME_REFERENCED ? 2 : 0) + (bits & VM_FRAME_DIRTY ? 1 : 0);
}

static size_t layout(struct nru *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    for (unsigned k = 0; k < CLASSES; k++)
        block_take_set(&b, nframes, &s->seen[k]);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct nru){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct nru *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->nframes = env->nframes;
    s->tick = tick_by_param(env);
    s->pick = vm_params_count(env->params, "pick") ? PICK_FIRST : PICK_RANDOM;
    vm_random_seed(&s->random, env->seed);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct nru *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes);
    vm_bitset_add(&s->seen[class_of(s, frame)], frame);
    s->nin++;
}

/* The set that `frame` is a member of; CLASSES: it is not in. */
static inline unsigned set_of(const struct nru *s, vm_pfn frame)
{
    unsigned k = 0;
    while (k < CLASSES && !vm_bitset_has(&s->seen[k], frame))
        k++;
    return k;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct nru *s = state;
    unsigned k = set_of(s, frame);
    VM_ASSERT(k < CLASSES);
    vm_bitset_drop(&s->seen[k], frame);
    s->nin--;
}

/* The next frame of class k from `from` on to the last, or VM_NOFRAME. */
static inline vm_pfn next_of_class(struct nru *s, unsigned k, vm_pfn from)
{
    for (vm_pfn f = from; (f = vm_bitset_next(&s->seen[k], f)) != VM_NOFRAME; f++) {
        unsigned now = class_of(s, f);
        if (now <= k)
            return f;
        vm_bitset_drop(&s->seen[k], f);
        vm_bitset_add(&s->seen[now], f);
    }
    return VM_NOFRAME;
}

/* The lowest frame of the lowest class. */
static inline vm_pfn lowest_frame(struct nru *s)
{
    vm_pfn frame = VM_NOFRAME;
    for (unsigned k = 0; k < CLASSES && frame == VM_NOFRAME; k++)
        frame = next_of_class(s, k, 0);
    VM_ASSERT(frame != VM_NOFRAME);
    return frame;
}

/* Some frame of the class of `lowest`, its lowest frame. */
static inline vm_pfn any_frame(struct nru *s, vm_pfn lowest)
{
    vm_pfn frame = lowest;
    unsigned k = class_of(s, lowest);
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        frame = (vm_pfn)vm_random_below(&s->random, s->nframes);
        if (class_of(s, frame) == k && set_of(s, frame) < CLASSES)
            return frame;
    }
    frame = next_of_class(s, k, frame);
    return frame == VM_NOFRAME ? lowest : frame;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct nru *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = lowest_frame(s);
    if (s->pick == PICK_RANDOM)
        frame = any_frame(s, frame);
    remove_frame(s, frame);
    return frame;
}

/* Which of the frames [first, first + 64) are dirty, as bits. */
static inline uint64_t dirty_word(const struct nru *s, vm_pfn first)
{
    uint64_t word = 0;
    uint32_t n = s->nframes - first < 64 ? s->nframes - first : 64;
    for (uint32_t i = 0; i < n; i++)
        word |= (uint64_t)((s->bits[first + i] & VM_FRAME_DIRTY) != 0) << i;
    return word;
}

/* A word of 64 frames at a time: a tick falls on all of them. */
static uint64_t tick(void *state)
{
    struct nru *s = state;
    for (uint32_t i = 0; i < s->seen[0].nwords[0]; i++) {
        uint64_t in = 0, dirty = dirty_word(s, i * 64);
        for (unsigned k = 0; k < CLASSES; k++) {
            in |= s->seen[k].level[0][i];
            s->seen[k].level[0][i] = 0;
        }
        s->seen[0].level[0][i] = in & ~dirty;
        s->seen[1].level[0][i] = in & dirty;
        for (; in; in &= in - 1) /* the bits of others' frames are not its own */
            s->bits[i * 64 + (vm_pfn)__builtin_ctzll(in)] &= (uint8_t)~VM_FRAME_REFERENCED;
    }
    for (unsigned k = 0; k < CLASSES; k++)
        vm_bitset_refit(&s->seen[k]);
    return s->tick;
}

static void check(const void *state)
{
    const struct nru *s = state;
    uint32_t n = 0;
    for (vm_pfn f = 0; f < s->nframes; f++) {
        unsigned sets = 0;
        for (unsigned k = 0; k < CLASSES; k++)
            sets += vm_bitset_has(&s->seen[k], f);
        VM_ASSERT(sets <= 1);
        n += sets;
    }
    VM_ASSERT(n == s->nin);
    for (unsigned k = 0; k < CLASSES; k++)
        vm_bitset_check(&s->seen[k]);
}

static const struct vm_param param[] = {
    PART_TICK_PARAM,
    {"pick", VM_PARAM_WORD, "random", 0, 0, "random|first", "which frame of the lowest class"},
};

const struct vm_policy_ops vm_policy_nru = {
    .name = "nru",
    .summary = "a page of the lowest class leaves: referenced since the last tick, then dirty",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_BITS,
    .tick_first = tick_by_param,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    .tick = tick,
    PART_VICTIMS_ALONE,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_REFBIT
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick
#include "policy/replay_template.inc.h"
