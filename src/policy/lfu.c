/* lfu.c - least frequently used: the frame with the fewest touches since it came leaves.
 *
 * ties: among equals leaves the one touched longest ago (`lru`) or the one that came longest ago
 * (`fifo`).
 *
 * keep: of how many pages that have left the count is kept, the latest to leave; a page that comes
 * back among them goes on from its count. With as many as there are pages it is *perfect* LFU, which
 * knows no stays, only pages; Breslau, Cao, Fan, Phillips & Shenker, "Web caching and Zipf-like
 * distributions", INFOCOM 1999, hold the two against each other. With none, what an earlier stay in
 * memory was worth is forgotten, and each coming counts from 1.
 *
 * The idea: touches only ever raise a frame's rank, so the order may lag behind them. A touch
 * writes the frame's rank and no more. Newcomers stand in a queue, which is their order while their
 * count is 1; one that is found touched at the front goes on into a heap, where one that comes back
 * with a count goes at once, under the rank it has then, which from then on is a lower bound. Only an entry that gets to the root is compared with
 * the truth, and sinks if it has risen. The usual lists of frames of equal count cost five links a
 * touch, and cannot order ties by coming.
 *
 * Invariants
 *  1. slot[f] is the heap's slot of frame f, WAITING if it is in the queue, or 0 if it is not in.
 *  2. The queue is in the order of coming; every entry of the heap has a count of 2 or more.
 *  3. An entry's rank is not above its frame's.
 *  4. Counts stop at 2^32 - 1.
 *  5. Ghosts are on one list, in the order of leaving, `keep` of them at most, and one more between a
 *     victim's leaving and the coming of a page that was one.
 */
#include "policy/ghosts.h"
#include "policy/part.h"

struct rank {
    uint64_t since; /* the number of the last touch, or of the coming */
    uint32_t count;
    vm_pfn frame;
};

/* Without branches, as the outcome cannot be foretold. */
static inline bool rank_before(const struct rank *a, const struct rank *b)
{
    return (a->count < b->count) | ((a->count == b->count) & (a->since < b->since));
}

struct lfu {
    struct rank *rank;     /* [nframes] */
    struct rank *heap;     /* [HEAP_SLOTS(nframes)] */
    uint32_t *slot;        /* [nframes] */
    struct vm_links *link; /* [nframes + 1] of the queue, the last its head */
    size_t end;            /* of the heap's used slots */
    uint64_t now;          /* touches so far */
    uint64_t *page;        /* [nframes] */
    struct ghosts ghosts;
    uint32_t *kept; /* [ghosts.cap] a ghost's count */
    uint32_t keep;
    uint32_t nframes;
    enum { TIES_LRU, TIES_FIFO } ties;
};

#define HEAP_OWNER         struct lfu
#define HEAP_ENTRY         struct rank
#define HEAP_BEFORE(a, b)  rank_before(&(a), &(b))
#define HEAP_PLACED(s, at) ((s)->slot[(s)->heap[at].frame] = (uint32_t)(at))
#include "policy/heap.inc.h"

#define WAITING 1 /* below HEAP_ROOT */

static size_t layout(struct lfu *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    uint32_t nframes = env->nframes;
    s->keep = (uint32_t)vm_params_count(env->params, "keep");
    block_take(&b, sizeof *s);
    s->rank = block_take(&b, nframes * sizeof *s->rank);
    s->heap = block_take(&b, HEAP_SLOTS(nframes) * sizeof *s->heap);
    s->slot = block_take(&b, nframes * sizeof *s->slot);
    s->link = block_take(&b, (nframes + (size_t)1) * sizeof *s->link);
    s->page = block_take(&b, nframes * sizeof *s->page);
    ghosts_layout(&s->ghosts, &b, s->keep + 1, 1);
    s->kept = block_take(&b, s->ghosts.cap * sizeof *s->kept);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lfu){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lfu *s = state;
    VM_ASSERT(env->nframes <= UINT32_MAX - HEAP_ROOT);
    layout(s, (uintptr_t)state, env);
    ghosts_init(&s->ghosts, 1);
    s->nframes = env->nframes;
    s->end = HEAP_ROOT;
    vm_links_head(s->link, s->nframes);
    s->ties = vm_params_count(env->params, "ties") ? TIES_FIFO : TIES_LRU;
}

static inline uint32_t count_up(uint32_t count, uint32_t times)
{
    return __builtin_add_overflow(count, times, &count) ? UINT32_MAX : count;
}

/* The count with which the page left, if it is still known; it is not any more. 0: it is not. */
static inline uint32_t recall(struct lfu *s, uint64_t page)
{
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    if (ghost == GHOST_NONE)
        return 0;
    ghosts_forget(&s->ghosts, ghost);
    return s->kept[ghost];
}

/* The page leaves for one whose ghost is `wanted`, and will go, or that has none. */
static void remember(struct lfu *s, uint64_t page, uint32_t count, uint32_t wanted)
{
    recall(s, page); /* which has left another frame */
    while (s->ghosts.n >= s->keep + (wanted != GHOST_NONE))
        ghosts_forget(&s->ghosts, ghosts_oldest(&s->ghosts, 0));
    s->kept[ghosts_push(&s->ghosts, 0, page)] = count;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lfu *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    uint32_t count = count_up(recall(s, page), 1);
    s->page[frame] = page;
    s->rank[frame] = (struct rank){.since = s->now++, .count = count, .frame = frame};
    if (count > 1) {
        heap_rise(s, s->end++, s->rank[frame]);
        return;
    }
    s->slot[frame] = WAITING;
    vm_links_push_last(s->link, s->nframes, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct lfu *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    struct rank *r = &s->rank[frame];
    r->count = count_up(r->count, times);
    if (s->ties == TIES_LRU)
        r->since = s->now++;
}

static void remove_frame(void *state, vm_pfn frame)
{
    struct lfu *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    if (s->slot[frame] == WAITING)
        vm_links_remove(s->link, frame);
    else
        heap_close(s, s->slot[frame]);
    s->slot[frame] = 0;
}

/* The lowest frame of the heap, its entry telling the truth. */
static vm_pfn lowest_of_heap(struct lfu *s)
{
    VM_ASSERT(s->end > HEAP_ROOT);
    for (;;) {
        const struct rank *lowest = &s->heap[HEAP_ROOT];
        vm_pfn frame = lowest->frame;
        if (!rank_before(lowest, &s->rank[frame]))
            return frame;
        heap_sink(s, HEAP_ROOT, s->rank[frame]);
    }
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct lfu *s = state;
    vm_pfn frame;
    while ((frame = s->link[s->nframes].next) != s->nframes && s->rank[frame].count > 1) {
        vm_links_remove(s->link, frame);
        heap_rise(s, s->end++, s->rank[frame]);
    }
    if (frame == s->nframes)
        frame = lowest_of_heap(s);
    remove_frame(s, frame);
    if (s->keep)
        remember(s, s->page[frame], s->rank[frame].count, ghosts_find(&s->ghosts, incoming));
    return frame;
}

static void check(const void *state)
{
    const struct lfu *s = state;
    size_t n = s->end - HEAP_ROOT;
    heap_check(s);
    ghosts_check(&s->ghosts);
    VM_ASSERT(s->end <= HEAP_SLOTS(s->nframes));
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = s->heap[at].frame;
        VM_ASSERT(frame < s->nframes && s->slot[frame] == at && s->rank[frame].frame == frame);
        VM_ASSERT(s->heap[at].count > 1);
        VM_ASSERT(!rank_before(&s->rank[frame], &s->heap[at]));
    }
    uint64_t since = 0;
    for (vm_pfn f = s->link[s->nframes].next; f != s->nframes; f = s->link[f].next, n++) {
        VM_ASSERT(f < s->nframes && s->slot[f] == WAITING && n < s->nframes);
        VM_ASSERT(s->rank[f].count > 1 || s->rank[f].since >= since);
        since = s->rank[f].count > 1 ? since : s->rank[f].since;
    }
    for (vm_pfn f = 0; f < s->nframes; f++)
        n -= s->slot[f] != 0;
    VM_ASSERT(n == 0);
}

static const struct vm_param param[] = {
    {"ties", VM_PARAM_WORD, "lru", 0, 0, "lru|fifo", "which of equals leaves"},
    {"keep", VM_PARAM_COUNT, "0", 0, 1 << 28, NULL, "pages that have left whose counts are kept"},
};

const struct vm_policy_ops vm_policy_lfu = {
    .name = "lfu",
    .summary = "the page touched the fewest times, since it was loaded or ever, leaves",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_FEWEST,
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

#define REPLAY_KIND   VM_TOUCH_EACH
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
