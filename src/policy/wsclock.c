/* wsclock.c - the working set by a clock: who has been idle for a window of its process's time.
 *
 * The frames stand in a circle by number, under a hand. A victim is looked for from the hand on: a
 * frame that is referenced loses the bit, and its time of last use is now, in its process's virtual
 * time; one that is not, and was last used more than tau ago, leaves if it is clean; if it is
 * dirty, it is written, and passed, at most `writes` of them a turn. After a full turn the first
 * clean frame from the hand on leaves, and if all are dirty, the one under the hand. The hand stops
 * behind the victim. Carr & Hennessy, "WSClock: a simple and effective algorithm for virtual memory
 * management", SOSP 1981; Tanenbaum & Bos, "Modern Operating Systems", 4th ed., section 3.4.9.
 *
 * tau: 0, four touches for each frame of memory. A newcomer has been referenced, at its coming.
 *
 * A write that the paper has done some time later is done at once here, so that the turn's end
 * finds the page clean. Left out: taking processes off the clock to control load.
 *
 * The idea: a full turn in vain would be walked again at each miss. It tells, though, how long none
 * can have been idle for tau: until then a turn does nothing but clear referenced bits, eight
 * frames at a time.
 *
 * Invariants
 *  1. in has the frames that are in; hand < nframes.
 *  2. Before touch number `quiet` no frame that is in, and not referenced, was last used more than
 *     tau ago.
 */
#include "policy/part.h"
#include "policy/refbits.h"

struct wsclock {
    struct vm_bitset in;
    uint64_t *used; /* [nframes] its owner's time when it was last found to be used */
    vm_asid *owner; /* [nframes] */
    uint8_t *bits;  /* the host's */
    vm_pfn hand;
    uint32_t nframes, nin;
    uint64_t tau, writes, quiet;
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
};

/* What a turn has come to. */
struct turn {
    uint64_t written;
    uint64_t idle_in; /* touches until some frame can have been idle for more than tau */
};

static size_t layout(struct wsclock *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->in);
    s->used = block_take(&b, nframes * sizeof *s->used);
    s->owner = block_take(&b, nframes * sizeof *s->owner);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct wsclock){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct wsclock *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->nframes = env->nframes;
    s->tau = part_window(env);
    s->writes = vm_params_count(env->params, "writes");
    s->clock = env->clock;
    s->host = env->host;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct wsclock *s = state;
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame));
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->owner[frame] = s->host->owner(s->host->host, page);
    s->used[frame] = vm_policy_time(s->clock, s->owner[frame]);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct wsclock *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    vm_bitset_drop(&s->in, frame);
    s->nin--;
}

static inline void note_use(struct wsclock *s, vm_pfn frame)
{
    s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    s->used[frame] = vm_policy_time(s->clock, s->owner[frame]);
}

/* The hand at `frame`: whether it is the victim. */
static inline bool look_at(struct wsclock *s, vm_pfn frame, struct turn *t)
{
    if (s->bits[frame] & VM_FRAME_REFERENCED) {
        note_use(s, frame);
        return false;
    }
    uint64_t idle = vm_policy_time(s->clock, s->owner[frame]) - s->used[frame];
    if (idle <= s->tau) {
        uint64_t left = s->tau + 1 - idle;
        t->idle_in = left < t->idle_in ? left : t->idle_in;
        return false;
    }
    t->idle_in = 0;
    if (!(s->bits[frame] & VM_FRAME_DIRTY))
        return true;
    if (t->written < s->writes)
        t->written += s->host->clean(s->host->host, frame);
    return false;
}

static inline vm_pfn next_in(const struct wsclock *s, vm_pfn from)
{
    uint64_t frame = vm_bitset_next(&s->in, from);
    return (vm_pfn)(frame == VM_BITSET_NONE ? vm_bitset_next(&s->in, 0) : frame);
}

/* A full turn at most: the victim, or VM_NOFRAME. */
static vm_pfn turn(struct wsclock *s)
{
    struct turn t = {.idle_in = s->tau + 1};
    vm_pfn frame = s->hand;
    for (uint32_t i = 0; i < s->nin; i++, frame++) {
        frame = next_in(s, frame);
        if (look_at(s, frame, &t))
            return frame;
    }
    s->quiet = s->clock->touches + t.idle_in;
    return VM_NOFRAME;
}

/* A full turn while nobody can have been idle for long enough. */
static void turn_quietly(struct wsclock *s)
{
    for (uint32_t i = 0; i < s->in.nwords[0]; i++) {
        uint64_t in = s->in.level[0][i];
        if (!in)
            continue;
        for (in &= refbits_gather(s->bits, i * 64, s->nframes); in; in &= in - 1)
            note_use(s, i * 64 + (vm_pfn)__builtin_ctzll(in));
    }
}

/* The first clean frame from the hand on, or the one under the hand. */
static vm_pfn any_clean(const struct wsclock *s)
{
    vm_pfn frame = s->hand;
    for (uint32_t i = 0; i < s->nin; i++, frame++) {
        frame = next_in(s, frame);
        if (!(s->bits[frame] & VM_FRAME_DIRTY))
            return frame;
    }
    return next_in(s, s->hand);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct wsclock *s = state;
    vm_pfn frame = VM_NOFRAME;
    (void)incoming;
    VM_ASSERT(s->nin);
    if (s->clock->touches < s->quiet)
        turn_quietly(s);
    else
        frame = turn(s);
    if (frame == VM_NOFRAME)
        frame = any_clean(s);
    remove_frame(s, frame);
    s->hand = frame + 1 < s->nframes ? frame + 1 : 0;
    return frame;
}

static void check(const void *state)
{
    const struct wsclock *s = state;
    uint32_t n = 0;
    VM_ASSERT(s->hand < s->nframes);
    for (vm_pfn f = 0; f < s->nframes; f++) {
        if (!vm_bitset_has(&s->in, f))
            continue;
        n++;
        uint64_t now = vm_policy_time(s->clock, s->owner[f]);
        VM_ASSERT(s->used[f] <= now);
        VM_ASSERT(s->clock->touches >= s->quiet || now - s->used[f] <= s->tau ||
                  (s->bits[f] & VM_FRAME_REFERENCED));
    }
    VM_ASSERT(n == s->nin);
    vm_bitset_check(&s->in);
}

static const struct vm_param param[] = {
    PART_WINDOW_PARAM,
    {"writes", VM_PARAM_COUNT, "8", 0, 0, NULL, "dirty pages that one turn may write"},
};

const struct vm_policy_ops vm_policy_wsclock = {
    .name = "wsclock",
    .summary = "round by frame number; idle for a window of its process's time and clean leaves",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_IDLE,
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
