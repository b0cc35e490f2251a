/* clock_pro.c - LIRS by referenced bits: one clock of hot pages, cold pages and ghosts, three
 * hands.
 *
 * A cold page is in its test from its coming on; touched in it, even as a ghost, it becomes hot,
 * and a hot page in its place becomes cold. Hands walk from the oldest to the newest:
 *   cold  at a resident cold page. Touched in its test, it becomes hot; else it leaves, in its test
 *         as a ghost that keeps its place
 *   hot   demotes a hot page that was not touched since the hand's last round. If it comes to the
 *         page for which it was moved first, that one's test was too long: it stays cold
 *   test  ends tests, pushed by the hot hand, or by more ghosts than memory has frames; a ghost
 *         whose test ends is forgotten
 *
 *     --- a  b  g  C  d  H  C  newest --- a           C cold   g ghost   others hot
 *            ^test  ^cold                             new pages come behind the newest
 *
 * How many pages are cold follows `credits`: a ghost that returned was forgotten too early, so more
 * (the next cold page that passes its test stays cold); a test that ended for nothing, less (it
 * becomes hot, and nobody cold).
 *
 * Jiang, Chen & Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement", USENIX ATC
 * 2005, section 4; the rules as the first author's program (2005) has them, whose misses are ours:
 *   least, most  cold pages, percent of memory, between which they adapt. least=5,most=5 is the
 *                program as it is shipped; either is 2 frames at least.
 *   Immediate repeats are no touches. The first pages are hot, but for `least`. A cold page touched
 *   only after its test leaves. When a page passes its test but is to stay cold, the program sets
 *   the referenced bit of the page behind it: a slip, but the published counts have it.
 *
 * Invariants
 *  1. The ring from newest has all frames that are in and all ghosts; hands are in it, or NOBODY.
 *  2. Between calls the cold hand is at a resident cold page, unless there is none.
 *  3. last is the frame touched last, if it is in still, else VM_NOFRAME.
 */
#include "base/links.h"
#include "policy/ghosts.h"
#include "policy/part.h"

#define NOBODY     UINT32_MAX
#define COLD_LEAST 2

enum { IN = 1, HOT = 2, TEST = 4, TOUCHED = 8 };

/* Nodes of the clock: frames, then ghosts. */
struct clock_pro {
    struct vm_links *link; /* [nframes + capacity + 1] next is the newer */
    uint64_t *page;        /* [nframes] */
    uint8_t *is;           /* [nframes] IN, HOT, TEST, TOUCHED */
    struct ghosts ghosts;
    uint32_t newest, hot, cold, test; /* nodes */
    uint32_t nframes, capacity;
    uint32_t nin, nhot;
    uint32_t least, most; /* cold pages */
    int64_t credits;      /* above 0: more cold pages; below: fewer */
    bool full;            /* a victim was asked for */
    vm_pfn last;
};

static size_t layout(struct clock_pro *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (env->nframes + (size_t)env->capacity + 1) * sizeof *s->link);
    s->page = block_take(&b, env->nframes * sizeof *s->page);
    s->is = block_take(&b, env->nframes * sizeof *s->is);
    ghosts_layout(&s->ghosts, &b, env, env->capacity + 1, 0);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct clock_pro){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct clock_pro *s = state;
    layout(s, (uintptr_t)state, env);
    s->nframes = env->nframes;
    s->capacity = env->capacity;
    s->least = part_share(env->capacity, vm_params_real(env->params, "least"), COLD_LEAST);
    s->most = part_share(env->capacity, vm_params_real(env->params, "most"), COLD_LEAST);
    s->newest = s->hot = s->cold = s->test = NOBODY;
    s->last = VM_NOFRAME;
}

/* ---- the clock ---- */

static inline bool is_ghost(const struct clock_pro *s, uint32_t node)
{
    return node >= s->nframes;
}

static inline bool is_hot(const struct clock_pro *s, uint32_t node)
{
    return !is_ghost(s, node) && (s->is[node] & HOT);
}

/* Whoever was at `from` is at `to`. */
static inline void move_hands(struct clock_pro *s, uint32_t from, uint32_t to)
{
    s->hot = s->hot == from ? to : s->hot;
    s->cold = s->cold == from ? to : s->cold;
    s->test = s->test == from ? to : s->test;
}

static inline void take_out(struct clock_pro *s, uint32_t node)
{
    uint32_t next = s->link[node].next;
    bool alone = next == node;
    move_hands(s, node, alone ? NOBODY : next);
    if (s->newest == node)
        s->newest = alone ? NOBODY : s->link[node].prev;
    vm_links_remove(s->link, node);
}

static inline void put_in(struct clock_pro *s, vm_pfn frame)
{
    if (s->newest == NOBODY) {
        vm_links_head(s->link, frame);
        s->hot = s->test = frame;
    } else {
        vm_links_insert_after(s->link, s->newest, frame);
    }
    s->newest = frame;
}

/* The frame is the newest, and `is`. */
static inline void renew(struct clock_pro *s, vm_pfn frame, unsigned is)
{
    take_out(s, frame);
    put_in(s, frame);
    s->is[frame] = (uint8_t)is;
}

/* Invariant 2 for the cold hand, which may be anywhere. */
static inline void seek_cold(struct clock_pro *s)
{
    if (s->nin == s->nhot) {
        s->cold = NOBODY;
        return;
    }
    while (is_ghost(s, s->cold) || (s->is[s->cold] & HOT))
        s->cold = s->link[s->cold].next;
}

static inline void drop_ghost(struct clock_pro *s, uint32_t node)
{
    take_out(s, node);
    ghosts_drop(&s->ghosts, node - s->nframes);
}

/* The frame's page becomes a ghost in its place. */
static inline void remember(struct clock_pro *s, vm_pfn frame)
{
    uint32_t older = ghosts_find(&s->ghosts, s->page[frame]);
    if (older != GHOST_NONE) /* of the page in another frame */
        drop_ghost(s, s->nframes + older);
    uint32_t node = s->nframes + ghosts_add(&s->ghosts, s->page[frame]);
    vm_links_insert_after(s->link, frame, node);
    move_hands(s, frame, node);
    s->newest = s->newest == frame ? node : s->newest;
    vm_links_remove(s->link, frame);
}

/* ---- the hands ---- */

static inline void end_test(struct clock_pro *s)
{
    uint32_t node = s->test;
    if (is_ghost(s, node)) {
        s->credits--;
        drop_ghost(s, node);
        return;
    }
    if (!(s->is[node] & HOT))
        s->is[node] = IN;
    s->test = s->link[node].next;
}

static inline void limit_ghosts(struct clock_pro *s)
{
    while (s->ghosts.n > s->capacity)
        end_test(s);
}

enum met { MISSED, MET, MET_AND_DEMOTED };

/* Demote a hot page, and come to rest at the next hot one; whether the hand met the node `cold`. */
static enum met run_hot(struct clock_pro *s, uint32_t cold)
{
    bool done = false, met = false, demoted = false;
    while (s->nhot && (!done || !is_hot(s, s->hot))) {
        uint32_t node = s->hot;
        s->hot = s->link[node].next;
        if (is_hot(s, node) && (s->is[node] & TOUCHED)) {
            renew(s, node, IN | HOT);
        } else if (is_hot(s, node)) {
            done = demoted = true;
            renew(s, node, IN);
            s->nhot--;
            s->cold = s->cold == NOBODY ? node : s->cold;
        } else if (node == cold) {
            done = met = true;
        }
        if (s->link[s->hot].prev == s->test)
            end_test(s);
    }
    return met ? demoted ? MET_AND_DEMOTED : MET : MISSED;
}

/* For a page that becomes hot; nobody is demoted where the host has removed many hot pages. */
static inline enum met demote_for(struct clock_pro *s, uint32_t cold)
{
    return s->nhot + (uint64_t)s->most < s->capacity ? MISSED : run_hot(s, cold);
}

/* The page under the cold hand passed its test, and goes to the newest to stay cold. */
static void stay_cold(struct clock_pro *s)
{
    vm_pfn frame = s->cold;
    enum met met = run_hot(s, frame);
    s->credits -= met != MET;
    if (met != MISSED) {
        s->is[frame] &= (uint8_t)~TOUCHED;
        return;
    }
    uint32_t behind = s->link[frame].next;
    renew(s, frame, IN | TEST);
    if (!is_ghost(s, behind) && behind != frame)
        s->is[behind] |= TOUCHED;
    s->cold = s->cold == NOBODY ? frame : s->cold;
    seek_cold(s);
}

/* It passed its test, and becomes hot. */
static void become_hot(struct clock_pro *s)
{
    vm_pfn frame = s->cold;
    if (s->credits < 0) {
        s->credits++;
    } else if (demote_for(s, frame) == MET) {
        s->is[frame] &= (uint8_t)~TEST;
        return;
    }
    renew(s, frame, IN | HOT);
    s->nhot++;
    seek_cold(s);
}

/* The cold hand moves to one that is to leave. */
static void find_leaver(struct clock_pro *s)
{
    for (;;) {
        if (s->cold == NOBODY)
            run_hot(s, NOBODY);
        if ((s->is[s->cold] & (TEST | TOUCHED)) != (TEST | TOUCHED))
            return;
        uint32_t ncold = s->nin - s->nhot;
        if ((s->credits > 0 && ncold >= s->most) || (s->credits < 0 && ncold <= s->least))
            s->credits = 0;
        if (s->credits > 0)
            stay_cold(s);
        else
            become_hot(s);
    }
}

/* ---- the policy ---- */

/* A ghost's page comes back: whether it is hot now. */
static inline bool return_hot(struct clock_pro *s, uint32_t ghost, uint64_t page)
{
    bool hot = demote_for(s, s->nframes + ghost) != MET;
    s->credits += hot;
    ghost = ghosts_find(&s->ghosts, page);
    if (ghost != GHOST_NONE)
        drop_ghost(s, s->nframes + ghost);
    return hot;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct clock_pro *s = state;
    VM_EXPECT(frame < s->nframes && s->is[frame] == 0);
    bool hot = !s->full && s->nin + (uint64_t)s->least < s->capacity;
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    if (ghost != GHOST_NONE)
        hot = return_hot(s, ghost, page);
    put_in(s, frame);
    s->page[frame] = page;
    s->is[frame] = (uint8_t)(hot ? IN | HOT : IN | TEST);
    s->nin++;
    s->nhot += hot;
    if (!hot && s->cold == NOBODY)
        s->cold = frame;
    s->last = frame;
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct clock_pro *s = state;
    (void)times;
    VM_EXPECT(frame < s->nframes && s->is[frame]);
    if (frame == s->last)
        return;
    s->last = frame;
    s->is[frame] |= TOUCHED;
}

static inline void leave(struct clock_pro *s, vm_pfn frame)
{
    s->nhot -= (s->is[frame] & HOT) != 0;
    s->nin--;
    s->is[frame] = 0;
    s->last = s->last == frame ? VM_NOFRAME : s->last;
    if (s->cold != NOBODY)
        seek_cold(s);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct clock_pro *s = state;
    VM_EXPECT(frame < s->nframes && s->is[frame]);
    take_out(s, frame);
    leave(s, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct clock_pro *s = state;
    VM_ASSERT(s->nin);
    s->full = true;
    find_leaver(s);
    vm_pfn frame = s->cold;
    if (s->is[frame] & TEST)
        remember(s, frame);
    else
        take_out(s, frame);
    leave(s, frame);
    limit_ghosts(s);
    return frame;
}

static void check(const void *state)
{
    const struct clock_pro *s = state;
    uint32_t n = 0, nin = 0, nhot = 0, met = 0, node = s->newest;
    VM_ASSERT((node == NOBODY) == (s->nin + s->ghosts.n == 0));
    if (node != NOBODY)
        do {
            VM_ASSERT(s->link[s->link[node].next].prev == node && n++ < s->nin + s->ghosts.n);
            VM_ASSERT(is_ghost(s, node) || (s->is[node] & IN));
            VM_ASSERT(!is_hot(s, node) || !(s->is[node] & TEST));
            nin += !is_ghost(s, node);
            nhot += is_hot(s, node);
            met |= (s->hot == node ? 1 : 0) | (s->test == node ? 2 : 0) | (s->cold == node ? 4 : 0);
            node = s->link[node].next;
        } while (node != s->newest);
    VM_ASSERT(n == s->nin + s->ghosts.n && nin == s->nin && nhot == s->nhot);
    VM_ASSERT((met & 3) == (n ? 3 : 0) && !(met & 4) == (s->cold == NOBODY));
    VM_ASSERT(n || (s->hot == NOBODY && s->test == NOBODY));
    VM_ASSERT((s->cold == NOBODY) == (nin == nhot));
    VM_ASSERT(s->cold == NOBODY || (!is_ghost(s, s->cold) && !is_hot(s, s->cold)));
    VM_ASSERT(s->ghosts.n <= s->capacity && (s->last == VM_NOFRAME || s->is[s->last]));
    ghosts_check(&s->ghosts);
}

static const struct vm_param param[] = {
    {"least", VM_PARAM_REAL, "1", 0, 100, NULL, "cold pages, percent of memory: not fewer"},
    {"most", VM_PARAM_REAL, "100", 0, 100, NULL, "cold pages, percent of memory: not more"},
};

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct clock_pro *s = state;
    if (!entry)
        ghosts_prefetch(&s->ghosts, page);
}

const struct vm_policy_ops vm_policy_clock_pro = {
    .name = "clock-pro",
    .summary = "a clock of hot and cold pages; who is touched in its test becomes hot",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_HISTORY,
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

#define REPLAY_KIND    VM_TOUCH_ORDER
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
