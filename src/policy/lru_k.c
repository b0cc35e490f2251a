/* lru_k.c - LRU-K: the frame whose K-th last reference is longest ago leaves.
 *
 * One reference says little of a page; the time of the K-th last says how often it comes. Pages
 * with fewer than K known references leave first, the stalest of them before the others. Times are
 * touches. (O'Neil, O'Neil & Weikum, "The LRU-K page replacement algorithm for database disk
 * buffering", SIGMOD 1993, figure 2.1.)
 *
 * k: K, 2 unless told. correlated: references that follow the last by at most so many touches are
 * one with it: they do not count, a page stays at least so long after its last if another can
 * leave, and its earlier references count from the end of such a burst, as if it took no time
 * (the Correlated Reference Period; 0: every reference counts). If no page is past it, the
 * order is the same. Of pages that have left the times are kept: of the last to leave, `history`
 * percent of memory's frames, and for `retained` touches after the last reference (the Retained
 * Information Period; 0: as long as there is room). A reference that is not known stays so when
 * the times are moved on; the figure, taken literally, would make one up from K = 3 on.
 *
 * The idea: as in lfu, touches only ever raise a rank, so the heap may lag behind, and only what
 * gets to its root is compared with the truth. And as in opt, few frames are ever the first: only
 * those whose K-th reference was before a horizon are in the heap; when it is used up, a new one is
 * set that has a quarter of the frames before it. To use them up takes that many victims or
 * touches, so that the pass over all frames is little. (Not so while references are correlated:
 * then who may not leave yet stays in the heap, and all are in it.) Frames without a K-th reference
 * wait in a queue in the order of their last ones; a touch moves them there, or on.
 *
 * Invariants
 *  1. times(f)[0] is f's last touch, [i] the i-th last that counts, 0: not known. All are > 0 up to
 *     a first 0, and fall.
 *  2. slot[f] is the heap's slot of frame f, or WAITING if it is in the queue, or BEYOND the
 *     horizon, or 0 if it is not in. It waits iff times(f)[k] is 0; the queue is in the order of
 *     times(f)[0].
 *  3. An entry's rank is not above its frame's. A frame whose K-th reference is before the horizon
 *     has one.
 *  4. Ghosts are on one list, in the order of leaving, `keep` of them at most, and one more between
 *     a victim's leaving and the coming of a page that was one.
 */
#include "base/bits.h"
#include "policy/ghosts.h"
#include "policy/part.h"

#define K_MAX 8

struct rank {
    uint64_t kth, last;
    vm_pfn frame;
};

struct lru_k {
    uint64_t *time;        /* [nframes * (k + 1)] */
    uint64_t *ghost_time;  /* [ghosts.cap * (k + 1)] */
    uint64_t *page;        /* [nframes] */
    struct rank *heap;     /* [HEAP_SLOTS(nframes)] */
    struct rank *aside;    /* [nframes] while a victim is looked for: that may not leave yet */
    uint32_t *slot;        /* [nframes] */
    struct vm_links *link; /* [nframes + 1] of the queue, the last its head */
    struct ghosts ghosts;
    size_t end;        /* of the heap's used slots */
    uint64_t now;      /* touches so far: the time of the last one */
    uint64_t foreseen; /* the page without a frame that was asked about last */
    uint64_t horizon;
    uint64_t correlated, retained;
    uint32_t nframes, keep;
    uint32_t seen; /* frames below have come at some time */
    unsigned k;
};

/* Without branches, as the outcome cannot be foretold. */
static inline bool rank_before(const struct rank *a, const struct rank *b)
{
    return (a->kth < b->kth) | ((a->kth == b->kth) & (a->last < b->last));
}

#define HEAP_OWNER         struct lru_k
#define HEAP_ENTRY         struct rank
#define HEAP_BEFORE(a, b)  rank_before(&(a), &(b))
#define HEAP_PLACED(s, at) ((s)->slot[(s)->heap[at].frame] = (uint32_t)(at))
#include "policy/heap.inc.h"

enum { WAITING = 1, BEYOND = 2 }; /* below HEAP_ROOT */

static size_t layout(struct lru_k *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    size_t n = env->nframes;
    s->k = (unsigned)vm_params_count(env->params, "k");
    s->keep = part_share(env->capacity, vm_params_real(env->params, "history"), 0);
    block_take(&b, sizeof *s);
    s->time = block_take(&b, n * (s->k + 1) * sizeof *s->time);
    s->page = block_take(&b, n * sizeof *s->page);
    s->heap = block_take(&b, HEAP_SLOTS(n) * sizeof *s->heap);
    s->aside = block_take(&b, n * sizeof *s->aside);
    s->slot = block_take(&b, n * sizeof *s->slot);
    s->link = block_take(&b, (n + 1) * sizeof *s->link);
    ghosts_layout(&s->ghosts, &b, env, s->keep + 1, 1);
    s->ghost_time = block_take(&b, s->ghosts.cap * (s->k + (size_t)1) * sizeof *s->ghost_time);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lru_k){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lru_k *s = state;
    VM_ASSERT(env->nframes <= UINT32_MAX - HEAP_ROOT);
    layout(s, (uintptr_t)state, env);
    s->nframes = env->nframes;
    s->end = HEAP_ROOT;
    s->correlated = vm_params_count(env->params, "correlated");
    s->retained = vm_params_count(env->params, "retained");
    s->horizon = s->correlated ? UINT64_MAX : 0;
    vm_links_head(s->link, s->nframes);
    ghosts_init(&s->ghosts, 1);
}

static inline uint64_t *times(const struct lru_k *s, vm_pfn frame)
{
    return &s->time[(size_t)frame * (s->k + 1)];
}

static inline struct rank rank_of(const struct lru_k *s, vm_pfn frame)
{
    const uint64_t *t = times(s, frame);
    return (struct rank){.kth = t[s->k], .last = t[0], .frame = frame};
}

/* ---- coming and touches ---- */

/* Put a frame that is nowhere where its times say. */
static inline void enter(struct lru_k *s, vm_pfn frame)
{
    uint64_t kth = times(s, frame)[s->k];
    if (kth == 0) {
        s->slot[frame] = WAITING;
        vm_links_push_last(s->link, s->nframes, frame);
    } else if (kth < s->horizon) {
        heap_rise(s, s->end++, rank_of(s, frame));
    } else {
        s->slot[frame] = BEYOND;
    }
}

/* Make `t` of the times `before` (which may be the same) and a reference of now; the last one was
 * `burst` after the last that counts. */
static inline void count_reference(const struct lru_k *s, uint64_t *t, const uint64_t *before,
                                   uint64_t burst)
{
    for (unsigned i = s->k; i > 1; i--)
        t[i] = before[i - 1] ? before[i - 1] + burst : 0;
    t[0] = t[1] = s->now;
}

static inline uint64_t *ghost_times(const struct lru_k *s, uint32_t ghost)
{
    return &s->ghost_time[(size_t)ghost * (s->k + 1)];
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lru_k *s = state;
    static const uint64_t none[K_MAX + 1];
    const uint64_t *before = none;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    s->now++;
    s->seen = frame < s->seen ? s->seen : frame + 1;
    s->page[frame] = page;
    if (ghost != GHOST_NONE) {
        const uint64_t *left = ghost_times(s, ghost);
        if (s->retained == 0 || s->now - left[0] <= s->retained)
            before = left;
        ghosts_forget(&s->ghosts, ghost);
    }
    count_reference(s, times(s, frame), before, 0);
    enter(s, frame);
}

static inline void touch_once(struct lru_k *s, vm_pfn frame)
{
    uint64_t *t = times(s, frame);
    s->now++;
    if (s->now - t[0] > s->correlated)
        count_reference(s, t, t, t[0] - t[1]);
    else
        t[0] = s->now;
}

/* Touches on end: where every one counts the last k say it all; else the others are one with the
 * first. */
static inline void touch_many(struct lru_k *s, vm_pfn frame, uint32_t n)
{
    if (s->correlated) {
        touch_once(s, frame);
        s->now += n - 1;
        times(s, frame)[0] = s->now;
        return;
    }
    uint32_t last = n < s->k ? n : s->k;
    s->now += n - last;
    while (last-- > 0)
        touch_once(s, frame);
}

/* Whether it waits is asked of its times, which the touch loads anyway. */
static inline void touch_frame(void *state, vm_pfn frame, uint32_t n)
{
    struct lru_k *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    bool waits = times(s, frame)[s->k] == 0;
    if (n == 1)
        touch_once(s, frame);
    else
        touch_many(s, frame, n);
    if (waits) {
        vm_links_remove(s->link, frame);
        enter(s, frame);
    }
}

/* ---- leaving ---- */

static void remove_frame(void *state, vm_pfn frame)
{
    struct lru_k *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    if (s->slot[frame] == WAITING)
        vm_links_remove(s->link, frame);
    else if (s->slot[frame] != BEYOND)
        heap_close(s, s->slot[frame]);
    s->slot[frame] = 0;
}

/* The page leaves for one whose ghost is `wanted`, and will go, or that has none. */
static void remember(struct lru_k *s, vm_pfn frame, uint32_t wanted)
{
    uint32_t twin = ghosts_find(&s->ghosts, s->page[frame]);
    if (twin != GHOST_NONE) /* it has left another frame */
        ghosts_forget(&s->ghosts, twin);
    while (s->ghosts.n >= s->keep + (wanted != GHOST_NONE))
        ghosts_forget(&s->ghosts, ghosts_oldest(&s->ghosts, 0));
    uint32_t ghost = ghosts_push(&s->ghosts, 0, s->page[frame]);
    for (unsigned i = 0; i <= s->k; i++)
        ghost_times(s, ghost)[i] = times(s, frame)[i];
}

/* Whether the frame may leave for the touch that is under way. */
static inline bool is_past(const struct lru_k *s, vm_pfn frame)
{
    return s->now + 1 - times(s, frame)[0] > s->correlated;
}

/* The time before which a quarter of the frames beyond the horizon have their K-th reference, or
 * the next later one whose distance from now is a power of two; 0 if there are none. */
static uint64_t choose_horizon(const struct lru_k *s)
{
    uint32_t ago[64] = {0}, n = 0, before = 0; /* ago[p]: 2^p - 1 touches and more */
    for (vm_pfn f = 0; f < s->seen; f++)
        if (s->slot[f] == BEYOND) {
            ago[vm_log2(s->now - times(s, f)[s->k] + 1)]++;
            n++;
        }
    for (unsigned p = 64; n > 0 && p-- > 0;) {
        before += ago[p];
        if (before >= n / 4 && before)
            return s->now - ((UINT64_C(1) << p) - 1) + 1;
    }
    return 0;
}

/* The heap is empty: set a new horizon, if any frame is beyond the last. */
static __attribute__((noinline)) void set_horizon(struct lru_k *s)
{
    s->horizon = choose_horizon(s);
    for (vm_pfn f = 0; f < s->seen; f++)
        if (s->slot[f] == BEYOND && times(s, f)[s->k] < s->horizon)
            s->heap[s->end++] = rank_of(s, f);
    for (size_t at = HEAP_ROOT; at < s->end; at++)
        HEAP_PLACED(s, at);
    if (s->end > HEAP_ROOT + 1)
        for (size_t at = HEAP_PARENT(s->end - 1); at >= HEAP_ROOT; at--)
            heap_sink(s, at, s->heap[at]);
}

/* The heap's root, its entry telling the truth; VM_NOFRAME: no frame has a K-th reference, or,
 * while references are correlated, the heap is empty. */
static inline vm_pfn true_root(struct lru_k *s)
{
    for (;;) {
        if (s->end == HEAP_ROOT && s->correlated == 0)
            set_horizon(s);
        if (s->end == HEAP_ROOT)
            return VM_NOFRAME;
        vm_pfn frame = s->heap[HEAP_ROOT].frame;
        struct rank rank = rank_of(s, frame);
        if (!rank_before(&s->heap[HEAP_ROOT], &rank))
            return frame;
        if (rank.kth < s->horizon) {
            heap_sink(s, HEAP_ROOT, rank);
        } else {
            heap_close(s, HEAP_ROOT);
            s->slot[frame] = BEYOND;
        }
    }
}

/* The first frame with a K-th reference that may leave, or VM_NOFRAME; *first: the first of all, if
 * it is not set yet. */
static vm_pfn first_past(struct lru_k *s, vm_pfn *first)
{
    uint32_t naside = 0;
    vm_pfn frame;
    while ((frame = true_root(s)) != VM_NOFRAME && !is_past(s, frame)) {
        if (*first == VM_NOFRAME)
            *first = frame;
        s->aside[naside++] = s->heap[HEAP_ROOT];
        heap_close(s, HEAP_ROOT);
    }
    while (naside > 0)
        heap_rise(s, s->end++, s->aside[--naside]);
    return frame;
}

/* Ask for what the next victim will wait for. */
VM_PREFETCHER void prefetch_next(const struct lru_k *s)
{
    vm_pfn next = s->link[s->nframes].next;
    if (next == s->nframes && s->end > HEAP_ROOT)
        next = s->heap[HEAP_ROOT].frame;
    if (next == s->nframes)
        return;
    __builtin_prefetch(times(s, next));
    ghosts_prefetch(&s->ghosts, s->page[next]);
    ghosts_prefetch_oldest(&s->ghosts, 0);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct lru_k *s = state;
    vm_pfn waiting = s->link[s->nframes].next;
    vm_pfn first = waiting == s->nframes ? VM_NOFRAME : waiting, frame = first;
    if (first == VM_NOFRAME || !is_past(s, first)) {
        frame = first_past(s, &first);
        frame = frame == VM_NOFRAME ? first : frame;
    }
    VM_ASSERT(frame != VM_NOFRAME);
    remove_frame(s, frame);
    if (s->keep)
        remember(s, frame, ghosts_find(&s->ghosts, incoming));
    prefetch_next(s);
    return frame;
}

static void check_times(const struct lru_k *s, vm_pfn frame)
{
    const uint64_t *t = times(s, frame);
    VM_ASSERT(t[0] <= s->now && t[0] >= t[1] && t[1] > 0);
    for (unsigned i = 2; i <= s->k; i++)
        VM_ASSERT(t[i] < t[i - 1] || (t[i] == 0 && t[i - 1] == 0));
}

static void check(const void *state)
{
    const struct lru_k *s = state;
    size_t n = s->end - HEAP_ROOT;
    uint64_t last = 0;
    heap_check(s);
    ghosts_check(&s->ghosts);
    VM_ASSERT(s->end <= HEAP_SLOTS(s->nframes) && s->ghosts.n <= s->keep + 1);
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = s->heap[at].frame;
        VM_ASSERT(frame < s->nframes && s->slot[frame] == at && times(s, frame)[s->k]);
        struct rank rank = rank_of(s, frame);
        VM_ASSERT(!rank_before(&rank, &s->heap[at]));
    }
    for (vm_pfn f = s->link[s->nframes].next; f != s->nframes; f = s->link[f].next, n++) {
        VM_ASSERT(f < s->nframes && s->slot[f] == WAITING && n < s->nframes);
        VM_ASSERT(times(s, f)[s->k] == 0 && times(s, f)[0] > last);
        last = times(s, f)[0];
    }
    for (vm_pfn f = 0; f < s->nframes; f++) {
        n -= s->slot[f] != 0 && s->slot[f] != BEYOND;
        VM_ASSERT(s->slot[f] != BEYOND || times(s, f)[s->k] >= s->horizon);
        if (s->slot[f])
            check_times(s, f);
    }
    VM_ASSERT(n == 0);
}

static const struct vm_param param[] = {
    {"k", VM_PARAM_COUNT, "2", 1, K_MAX, NULL, "which reference from the last decides"},
    {"correlated", VM_PARAM_COUNT, "0", 0, 1e9, NULL,
     "touches up to which a reference is one with the last"},
    {"retained", VM_PARAM_COUNT, "0", 0, 1e15, NULL,
     "touches after which a page that has left is forgotten; 0: none"},
    {"history", VM_PARAM_REAL, "100", 0, 10000, NULL,
     "pages remembered, in percent of memory's frames"},
};

/* Of a page that comes soon and has no frame the slot is asked for, and of the one before it, whose
 * slot is here, the ghost. */
VM_PREFETCHER void foresee(void *state, uint64_t page, uint32_t entry)
{
    struct lru_k *s = state;
    if (entry) {
        __builtin_prefetch(times(s, entry - 1));
        return;
    }
    uint32_t ghost = ghosts_peek(&s->ghosts, s->foreseen);
    __builtin_prefetch(&s->ghosts.page[ghost], 1);
    __builtin_prefetch(&s->ghosts.link[ghost], 1);
    __builtin_prefetch(ghost_times(s, ghost), 1);
    ghosts_prefetch(&s->ghosts, page);
    s->foreseen = page;
}

const struct vm_policy_ops vm_policy_lru_k = {
    .name = "lru-k",
    .summary = "the page whose k-th last reference is longest ago, or not known, leaves",
    .touch_kind = VM_TOUCH_EACH,
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

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
