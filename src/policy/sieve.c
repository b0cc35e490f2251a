/* sieve.c - lazy promotion, quick demotion: a hand that goes from the oldest page to the newest.
 *
 * The frames stand in the order of their coming. A victim is looked for from the hand towards the
 * newest: a frame whose referenced bit is set loses the bit, is passed, and keeps its place; the
 * first without it leaves, and the hand rests on the next newer one. Past the newest the hand
 * begins again with the oldest. Newcomers enter behind the newest, not behind the hand as in
 * clock.c: so the hand soon comes to pages that nobody has asked for since they came, while those
 * that it has passed are left alone for a whole turn.
 *
 *     oldest  a  b  c  d  e  newest  <- newcomers
 *                   ^hand ->
 *
 * Zhang, Yang, Yue, Vigfusson & Rashmi, "SIEVE is simpler than LRU: an efficient turn-key eviction
 * algorithm for web caches", NSDI 2024, algorithm 1. (Its list has the newest at the head; its hand
 * moves from tail to head.) The paper's visited bit is the referenced bit.
 *
 * load: as in clock.c; the paper's newcomers have not been visited (`clear`).
 *
 * Invariants
 *  1. The list from link[nframes] holds the frames that are in, in the order of their coming; hand
 *     is one of them, or nframes: the next search begins with the oldest.
 *  2. A frame that is not in has next == VM_NOFRAME, or was never seen.
 */
#include "base/links.h"
#include "policy/part.h"

struct sieve {
    struct vm_links *link; /* [nframes + 1], the last is the list's head */
    uint8_t *bits;         /* the host's */
    vm_pfn hand;
    uint32_t nframes, nin;
    uint32_t seen;     /* frames below have come at some time: the others' links are as zeroed */
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct sieve *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (nframes + (size_t)1) * sizeof *s->link);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct sieve){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct sieve *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
    s->hand = s->nframes;
    vm_links_head(s->link, s->nframes);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct sieve *s = state;
    (void)page;
    while (s->seen <= frame)
        s->link[s->seen++].next = VM_NOFRAME;
    VM_EXPECT(frame < s->nframes && s->link[frame].next == VM_NOFRAME);
    s->bits[frame] &= s->load_mask;
    vm_links_push_last(s->link, s->nframes, frame);
    s->nin++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct sieve *s = state;
    VM_EXPECT(frame < s->seen && s->link[frame].next != VM_NOFRAME);
    if (frame == s->hand)
        s->hand = s->link[frame].next;
    vm_links_remove(s->link, frame);
    s->link[frame].next = VM_NOFRAME;
    s->nin--;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct sieve *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = s->hand;
    for (;; frame = s->link[frame].next) {
        if (frame == s->nframes)
            continue;
        if (!(s->bits[frame] & VM_FRAME_REFERENCED))
            break;
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    }
    s->hand = frame;
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct sieve *s = state;
    uint32_t n = 0, prev = s->nframes;
    bool met = s->hand == s->nframes;
    for (uint32_t f = s->link[prev].next; f != s->nframes; prev = f, f = s->link[f].next) {
        VM_ASSERT(f < s->nframes && s->link[f].prev == prev && n < s->nin);
        met |= f == s->hand;
        n++;
    }
    VM_ASSERT(met && n == s->nin && s->link[s->nframes].prev == prev);
    VM_ASSERT(s->seen <= s->nframes);
    for (uint32_t f = 0; f < s->seen; f++)
        n += s->link[f].next == VM_NOFRAME;
    VM_ASSERT(n == s->seen);
}

static const struct vm_param param[] = {PART_LOAD_PARAM};

const struct vm_policy_ops vm_policy_sieve = {
    .name = "sieve",
    .summary = "from oldest to newest; a referenced page is passed once and keeps its place",
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
