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
 * The idea: the hand's walk would cost a step a frame, and in a memory that is in use all over it
 * comes round at each miss. But it changes only frames that were touched since it last came by, and
 * stops only at idle ones. Both are sets, and it goes from member to member; so a touch pays for
 * one stop of the hand at most. Stamps are given in order, so that those who become idle are first
 * in a list of each process's frames.
 *
 * Invariants
 *  1. in has the frames that are in; hand < nframes. Each is in idle, or on the list of its owner,
 *     which is in order of `used`.
 *  2. A frame that is in is in touched iff it is referenced; but `last` may be referenced alone, as
 *     a touch that repeats the one before need not be told.
 *  3. Frames in idle were last found to be used more than tau ago. When the hand starts, all such
 *     frames are there.
 */
#include "base/bitset.h"
#include "base/links.h"
#include "policy/part.h"
#include "policy/refbits.h"

#define OWNERS (VM_ASID_KERNEL + 1)

struct wsclock {
    struct vm_bitset in, touched, idle;
    struct vm_links *link; /* [nframes + OWNERS]; process p's head is nframes + p */
    uint64_t *used;        /* [nframes] its owner's time when it was last found to be used */
    vm_asid *owner;        /* [nframes] */
    bool *is_known;        /* [OWNERS] has a list */
    uint8_t *bits;         /* the host's */
    vm_pfn hand, last;     /* last: touched last, or VM_NOFRAME */
    uint32_t nframes, nin;
    vm_asid running; /* when last heard of */
    uint64_t tau, writes;
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
};

static size_t layout(struct wsclock *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->in);
    block_take_set(&b, nframes, &s->touched);
    block_take_set(&b, nframes, &s->idle);
    s->link = block_take(&b, (nframes + (size_t)OWNERS) * sizeof *s->link);
    s->used = block_take(&b, nframes * sizeof *s->used);
    s->owner = block_take(&b, nframes * sizeof *s->owner);
    s->is_known = block_take(&b, OWNERS * sizeof *s->is_known);
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
    s->running = env->clock->running;
    s->tau = part_window(env);
    s->writes = vm_params_count(env->params, "writes");
    s->clock = env->clock;
    s->host = env->host;
}

/* ---- stamps ---- */

/* Its use is noted now; it is on no list, and not idle. */
static inline void stamp(struct wsclock *s, vm_pfn frame)
{
    vm_asid owner = s->owner[frame];
    s->used[frame] = vm_policy_time(s->clock, owner);
    vm_links_push_last(s->link, s->nframes + owner, frame);
}

static inline void unstamp(struct wsclock *s, vm_pfn frame)
{
    if (vm_bitset_has(&s->idle, frame))
        vm_bitset_drop(&s->idle, frame);
    else
        vm_links_remove(s->link, frame);
}

/* The frames of `owner` that are idle by now. */
static inline void find_idle(struct wsclock *s, vm_asid owner)
{
    uint32_t head = s->nframes + owner;
    if (!s->is_known[owner])
        return;
    uint64_t now = vm_policy_time(s->clock, owner);
    for (;;) {
        vm_pfn frame = s->link[head].next;
        if (frame == head || now - s->used[frame] <= s->tau)
            return;
        vm_links_remove(s->link, frame);
        vm_bitset_add(&s->idle, frame);
    }
}

/* ---- what the host tells ---- */

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct wsclock *s = state;
    (void)times;
    vm_bitset_add(&s->touched, frame);
    s->last = frame;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct wsclock *s = state;
    vm_asid owner = s->host->owner(s->host->host, page);
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame) && owner < OWNERS);
    if (!s->is_known[owner])
        vm_links_head(s->link, s->nframes + owner);
    s->is_known[owner] = true;
    s->running = s->clock->running;
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->owner[frame] = owner;
    stamp(s, frame);
    s->last = frame;
    if (s->bits[frame] & VM_FRAME_REFERENCED)
        vm_bitset_add(&s->touched, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct wsclock *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    vm_bitset_drop(&s->in, frame);
    s->nin--;
    unstamp(s, frame);
    if (vm_bitset_has(&s->touched, frame))
        vm_bitset_drop(&s->touched, frame);
    if (s->last == frame)
        s->last = VM_NOFRAME;
}

/* The time of the process that ran stands still from now on. */
static uint64_t switched(void *state)
{
    struct wsclock *s = state;
    find_idle(s, s->running);
    s->running = s->clock->running;
    return 0;
}

/* ---- the hand ---- */

/* The hand passes the frames [from, to): who was touched is in use. */
static inline void pass(struct wsclock *s, uint64_t from, uint64_t to)
{
    for (;; from++) {
        from = vm_bitset_next(&s->touched, from);
        if (from >= to)
            return;
        vm_pfn frame = (vm_pfn)from;
        vm_bitset_drop(&s->touched, frame);
        s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        unstamp(s, frame);
        stamp(s, frame);
    }
}

/* The hand goes from `from` to `to`, or to the victim; VM_NOFRAME if there is none. */
static vm_pfn go(struct wsclock *s, uint64_t from, uint64_t to, uint64_t *written)
{
    while (from < to) {
        uint64_t found = vm_bitset_next(&s->idle, from);
        if (found >= to) {
            pass(s, from, to);
            return VM_NOFRAME;
        }
        pass(s, from, found + 1);
        from = found + 1;
        vm_pfn frame = (vm_pfn)found;
        if (!vm_bitset_has(&s->idle, frame))
            continue;
        if (!(s->bits[frame] & VM_FRAME_DIRTY))
            return frame;
        if (*written < s->writes)
            *written += s->host->clean(s->host->host, frame);
    }
    return VM_NOFRAME;
}

/* A full turn at most: the victim, or VM_NOFRAME. */
static vm_pfn turn(struct wsclock *s)
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
        vm_bitset_add(&s->touched, s->last);
    s->running = s->clock->running;
    find_idle(s, s->running);
    vm_pfn frame = turn(s);
    if (frame == VM_NOFRAME)
        frame = any_clean(s);
    remove_frame(s, frame);
    s->hand = frame + 1 < s->nframes ? frame + 1 : 0;
    return frame;
}

static void check_frame(const struct wsclock *s, vm_pfn frame)
{
    bool touched = vm_bitset_has(&s->touched, frame), idle = vm_bitset_has(&s->idle, frame);
    if (!vm_bitset_has(&s->in, frame)) {
        VM_ASSERT(!touched && !idle);
        return;
    }
    uint64_t now = vm_policy_time(s->clock, s->owner[frame]);
    bool referenced = s->bits[frame] & VM_FRAME_REFERENCED;
    VM_ASSERT(touched == referenced || (referenced && frame == s->last));
    VM_ASSERT(s->used[frame] <= now && (!idle || now - s->used[frame] > s->tau));
}

static void check(const void *state)
{
    const struct wsclock *s = state;
    uint32_t n = 0;
    VM_ASSERT(s->hand < s->nframes);
    for (vm_pfn f = 0; f < s->nframes; f++) {
        check_frame(s, f);
        n += vm_bitset_has(&s->idle, f);
    }
    for (uint32_t p = 0; p < OWNERS; p++) {
        uint64_t used = 0;
        if (!s->is_known[p])
            continue;
        for (vm_pfn f = s->link[s->nframes + p].next; f < s->nframes; f = s->link[f].next, n++) {
            VM_ASSERT(vm_bitset_has(&s->in, f) && !vm_bitset_has(&s->idle, f));
            VM_ASSERT(s->owner[f] == p && s->used[f] >= used);
            used = s->used[f];
        }
    }
    VM_ASSERT(n == s->nin);
    vm_bitset_check(&s->in);
    vm_bitset_check(&s->touched);
    vm_bitset_check(&s->idle);
}

static const struct vm_param param[] = {
    PART_WINDOW_PARAM,
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
    .release = release_nothing,
    .switched = switched,
    PART_NO_PARKING,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_ORDER
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
