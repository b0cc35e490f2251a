/* random.c - any frame that is in leaves, each as likely as any other.
 *
 * It keeps nothing about the past, cannot be led astray by any pattern, and is the measure that a
 * policy with a memory should beat. Belady, "A study of replacement algorithms for a
 * virtual-storage computer", IBM Systems Journal 5(2) 1966, class 1.
 *
 * Invariant: in[0..nin) are the frames that are in, in any order, and place[in[i]] == i + 1; a
 * frame that is not in has place 0.
 */
#include "base/random.h"
#include "policy/part.h"

struct random_choice {
    vm_pfn *in;      /* [nframes] */
    uint32_t *place; /* [nframes] */
    uint32_t nframes, nin;
    struct vm_random random;
};

static size_t layout(struct random_choice *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->in = block_take(&b, nframes * sizeof *s->in);
    s->place = block_take(&b, nframes * sizeof *s->place);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct random_choice){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct random_choice *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    vm_random_seed(&s->random, env->seed);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct random_choice *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->place[frame] == 0);
    s->in[s->nin] = frame;
    s->place[frame] = ++s->nin;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct random_choice *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame]);
    uint32_t hole = s->place[frame];
    vm_pfn last = s->in[--s->nin];
    s->in[hole - 1] = last;
    s->place[last] = hole;
    s->place[frame] = 0;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct random_choice *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = s->in[vm_random_below(&s->random, s->nin)];
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct random_choice *s = state;
    uint32_t out = 0;
    VM_ASSERT(s->nin <= s->nframes);
    for (uint32_t i = 0; i < s->nin; i++)
        VM_ASSERT(s->in[i] < s->nframes && s->place[s->in[i]] == i + 1);
    for (uint32_t f = 0; f < s->nframes; f++)
        out += s->place[f] == 0;
    VM_ASSERT(s->nin + out == s->nframes);
}

const struct vm_policy_ops vm_policy_random = {
    .name = "random",
    .summary = "any page leaves, each as likely as any other",
    .touch_kind = VM_TOUCH_NONE,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_CHANCE,
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

#define REPLAY_KIND   VM_TOUCH_NONE
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
