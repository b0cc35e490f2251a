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
 * tau: 0, a touch for each frame of memory: what a process uses in a window then fits in. With a
 * longer one memory may be in use all over, and who leaves is not chosen by use any more. A
 * newcomer has been referenced, at its coming.
 *
 * A write that the paper has done some time later is done at once here, so that the turn's end
 * finds the page clean. Left out: taking processes off the clock to control load.
 *
 * The idea: a step of the hand for each frame would be a turn over all memory at each miss where
 * memory is in use all over. So the hand passes a stretch of 64 frames at once, and 64 stretches,
 * if none of theirs was touched since it went over them and none can be idle yet: no process's time
 * goes faster than that of all, so what was left of their windows then tells when one can be. A
 * touch marks its stretch, and where idle frames are near a miss costs the few steps to them.
 *
 * Invariants
 *  1. in has the frames that are in; hand < nframes.
 *  2. A frame that is in and referenced is in a stretch that is marked; but `last` may be
 *     referenced alone, as a touch that repeats the one before need not be told.
 *  3. No frame that is not referenced is idle at a touch before `quiet` of its stretch, or before
 *     `quiet_all` of the 64 stretches.
 */
#include "base/bits.h"
#include "base/bitset.h"
#include "policy/part.h"
#include "policy/refbits.h"

#define STRETCH     64 /* frames, a word of `in` */
#define STRETCH_ALL (STRETCH * 64)

struct wsclock {
    struct vm_bitset in;
    uint64_t *marked;    /* [nframes / STRETCH_ALL] a bit for each stretch */
    uint64_t *quiet;     /* [nframes / STRETCH] */
    uint64_t *quiet_all; /* [nframes / STRETCH_ALL] */
    uint64_t *used;      /* [nframes] its owner's time when it was last found to be used */
    vm_asid *owner;      /* [nframes] */
    uint8_t *bits;       /* the host's */
    vm_pfn hand, last;   /* last: touched last, or VM_NOFRAME */
    uint32_t nframes, nin;
    uint64_t tau, writes;
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
};

static size_t layout(struct wsclock *s, uintptr_t start, uint32_t nframes)
{
    size_t stretches = nframes / STRETCH + (size_t)1, all = nframes / STRETCH_ALL + (size_t)1;
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->in);
    s->marked = block_take(&b, all * sizeof *s->marked);
    s->quiet = block_take(&b, stretches * sizeof *s->quiet);
    s->quiet_all = block_take(&b, all * sizeof *s->quiet_all);
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
    s->last = VM_NOFRAME;
    s->tau = vm_params_count(env->params, "tau");
    if (s->tau == 0)
        s->tau = env->capacity;
    s->writes = vm_params_count(env->params, "writes");
    s->clock = env->clock;
    s->host = env->host;
}

/* ---- what the host tells ---- */

static inline void mark(struct wsclock *s, vm_pfn frame)
{
    s->marked[frame / STRETCH_ALL] |= UINT64_C(1) << frame / STRETCH % 64;
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct wsclock *s = state;
    (void)times;
    mark(s, frame);
    s->last = frame;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct wsclock *s = state;
    vm_asid owner = s->host->owner(s->host->host, page);
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame));
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->owner[frame] = owner;
    s->used[frame] = vm_policy_time(s->clock, owner);
    touch_frame(s, frame, 1);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct wsclock *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    vm_bitset_drop(&s->in, frame);
    s->nin--;
    if (s->last == frame)
        s->last = VM_NOFRAME;
}

/* ---- the hand ---- */

/* What the hand finds in some frames on end. */
struct found {
    vm_pfn victim; /* or VM_NOFRAME; then all were passed */
    uint64_t left; /* touches in which nobody becomes idle; 0: one may be */
};

/* The hand goes over the frames [from, to) of one stretch, or up to the victim. */
static inline struct found go_over(struct wsclock *s, uint64_t from, uint64_t to, uint64_t *written)
{
    struct found found = {VM_NOFRAME, s->tau};
    vm_asid running = s->clock->running;
    uint64_t running_now = vm_policy_time(s->clock, running);
    uint64_t in = s->in.level[0][from / STRETCH] & ~UINT64_C(0) << from % STRETCH;
    if (to % STRETCH)
        in &= vm_low_bits(to % STRETCH);
    for (; in; in &= in - 1) {
        vm_pfn frame = (vm_pfn)(from / STRETCH * STRETCH + (uint64_t)__builtin_ctzll(in));
        vm_asid owner = s->owner[frame];
        uint64_t now = owner == running ? running_now : vm_policy_time(s->clock, owner);
        uint64_t idle = now - s->used[frame];
        if (s->bits[frame] & VM_FRAME_REFERENCED) {
            s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
            s->used[frame] = now;
        } else if (idle <= s->tau) {
            found.left = s->tau - idle < found.left ? s->tau - idle : found.left;
        } else if (s->bits[frame] & VM_FRAME_DIRTY) {
            found.left = 0;
            if (*written < s->writes)
                *written += s->host->clean(s->host->host, frame);
        } else {
            found.victim = frame;
            return found;
        }
    }
    return found;
}

/* The hand has gone over a whole stretch, in which nobody becomes idle for so many touches. */
static void settle(struct wsclock *s, uint64_t stretch, uint64_t left)
{
    uint64_t now = s->clock->touches;
    s->quiet[stretch] = left < UINT64_MAX - now ? now + left : UINT64_MAX;
    s->marked[stretch / 64] &= ~(UINT64_C(1) << stretch % 64);
    if (stretch % 64 == 63) {
        uint64_t least = UINT64_MAX;
        for (uint64_t i = stretch - 63; i <= stretch; i++)
            least = s->quiet[i] < least ? s->quiet[i] : least;
        s->quiet_all[stretch / 64] = least;
    }
}

/* Frames from `from` on that have nothing for the hand. */
static inline uint64_t quiet_from(const struct wsclock *s, uint64_t from)
{
    uint64_t now = s->clock->touches, stretch = from / STRETCH, marked = s->marked[stretch / 64];
    if (from % STRETCH_ALL == 0 && !marked && now < s->quiet_all[stretch / 64])
        return STRETCH_ALL;
    if (!(marked >> stretch % 64 & 1) && now < s->quiet[stretch])
        return STRETCH - from % STRETCH;
    return 0;
}

/* The hand goes from `from` to `to`, or to the victim; VM_NOFRAME if there is none. */
static inline vm_pfn go(struct wsclock *s, uint64_t from, uint64_t to, uint64_t *written)
{
    while (from < to) {
        uint64_t quiet = quiet_from(s, from);
        if (quiet) {
            from += quiet;
            continue;
        }
        uint64_t end = (from / STRETCH + 1) * STRETCH;
        struct found found = go_over(s, from, end < to ? end : to, written);
        if (found.victim != VM_NOFRAME)
            return found.victim;
        if (from % STRETCH == 0 && (end <= to || to == s->nframes))
            settle(s, from / STRETCH, found.left);
        from = end;
    }
    return VM_NOFRAME;
}

/* A full turn at most: the victim, or VM_NOFRAME. */
static inline vm_pfn turn(struct wsclock *s)
{
    uint64_t written = 0;
    vm_pfn frame = go(s, s->hand, s->nframes, &written);
    return frame != VM_NOFRAME ? frame : go(s, 0, s->hand, &written);
}

/* The first clean frame of [from, to), or VM_NOFRAME. */
static vm_pfn clean_in(const struct wsclock *s, vm_pfn from, vm_pfn to)
{
    for (uint32_t i = from / 64; i * 64 < to; i++) {
        uint64_t clean =
            s->in.level[0][i] & ~refbits_gather(s->bits, VM_FRAME_DIRTY, i * 64, s->nframes);
        if (i == from / 64)
            clean &= ~UINT64_C(0) << from % 64;
        if (clean) {
            vm_pfn frame = i * 64 + (vm_pfn)__builtin_ctzll(clean);
            return frame < to ? frame : VM_NOFRAME;
        }
    }
    return VM_NOFRAME;
}

/* The first clean frame from the hand on, or the one under the hand. */
static vm_pfn any_clean(const struct wsclock *s)
{
    vm_pfn frame = clean_in(s, s->hand, s->nframes);
    if (frame == VM_NOFRAME)
        frame = clean_in(s, 0, s->hand);
    if (frame != VM_NOFRAME)
        return frame;
    uint64_t under = vm_bitset_next(&s->in, s->hand);
    return (vm_pfn)(under == VM_BITSET_NONE ? vm_bitset_next(&s->in, 0) : under);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct wsclock *s = state;
    (void)incoming;
    VM_ASSERT(s->nin);
    if (s->last != VM_NOFRAME && (s->bits[s->last] & VM_FRAME_REFERENCED))
        mark(s, s->last);
    vm_pfn frame = turn(s);
    if (frame == VM_NOFRAME)
        frame = any_clean(s);
    remove_frame(s, frame);
    s->hand = frame + 1 < s->nframes ? frame + 1 : 0;
    return frame;
}

static void check_frame(const struct wsclock *s, vm_pfn frame)
{
    uint64_t now = vm_policy_time(s->clock, s->owner[frame]), idle = now - s->used[frame];
    uint64_t stretch = frame / STRETCH, touches = s->clock->touches;
    uint64_t quiet = s->quiet[stretch], quiet_all = s->quiet_all[stretch / 64];
    quiet = quiet_all > quiet ? quiet_all : quiet;
    VM_ASSERT(s->used[frame] <= now);
    if (s->bits[frame] & VM_FRAME_REFERENCED)
        VM_ASSERT(s->marked[stretch / 64] >> stretch % 64 & 1 || frame == s->last);
    else if (quiet > touches)
        VM_ASSERT(idle <= s->tau && quiet - touches <= s->tau - idle + 1);
}

static void check(const void *state)
{
    const struct wsclock *s = state;
    uint32_t n = 0;
    VM_ASSERT(s->hand < s->nframes);
    for (vm_pfn f = 0; f < s->nframes; f++)
        if (vm_bitset_has(&s->in, f)) {
            check_frame(s, f);
            n++;
        }
    VM_ASSERT(n == s->nin);
    vm_bitset_check(&s->in);
}

static const struct vm_param param[] = {
    {"tau", VM_PARAM_COUNT, "0", 0, 0, NULL,
     "touches of its process after which a page is idle; 0: one for each frame"},
    {"writes", VM_PARAM_COUNT, "8", 0, 0, NULL, "dirty pages that one turn may write"},
};

const struct vm_policy_ops vm_policy_wsclock = {
    .name = "wsclock",
    .summary = "round by frame number; idle for a window of its process's time and clean leaves",
    .touch_kind = VM_TOUCH_ORDER,
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

#define REPLAY_KIND   VM_TOUCH_ORDER
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
