/* lfu.c - least frequently used: the frame with the fewest touches since it came leaves.
 *
 * Counts begin at 1 with each coming: what an earlier stay in memory was worth is forgotten. (A
 * *perfect* LFU that remembers is another policy.) ties: among equals leaves the one touched
 * longest ago (`lru`) or the one that came longest ago (`fifo`).
 *
 * The idea: touches only ever raise a frame's rank, so the order may lag behind them. A touch
 * writes the frame's rank and no more. Newcomers stand in a queue, which is their order while their
 * count is 1; one that is found touched at the front goes on into a heap, under the rank it has
 * then, which from then on is a lower bound. Only an entry that gets to the root is compared with
 * the truth, and sinks if it has risen. The usual lists of frames of equal count cost five links a
 * touch, and cannot order ties by coming.
 *
 * Invariants
 *  1. slot[f] is the heap's slot of frame f, WAITING if it is in the queue, or 0 if it is not in.
 *  2. The queue is in the order of coming; every entry of the heap has a count of 2 or more.
 *  3. An entry's rank is not above its frame's.
 *  4. Counts stop at 2^32 - 1.
 */
#include "base/links.h"
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
    uint32_t nframes;
    enum { TIES_LRU, TIES_FIFO } ties;
};

#define HEAP_OWNER         struct lfu
#define HEAP_ENTRY         struct rank
#define HEAP_BEFORE(a, b)  rank_before(&(a), &(b))
#define HEAP_PLACED(s, at) ((s)->slot[(s)->heap[at].frame] = (uint32_t)(at))
#include "policy/heap.inc.h"

#define WAITING 1 /* below HEAP_ROOT */

static size_t layout(struct lfu *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->rank = block_take(&b, nframes * sizeof *s->rank);
    s->heap = block_take(&b, HEAP_SLOTS(nframes) * sizeof *s->heap);
    s->slot = block_take(&b, nframes * sizeof *s->slot);
    s->link = block_take(&b, (nframes + (size_t)1) * sizeof *s->link);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lfu){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lfu *s = state;
    VM_ASSERT(env->nframes <= UINT32_MAX - HEAP_ROOT);
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    s->end = HEAP_ROOT;
    vm_links_head(s->link, s->nframes);
    s->ties = vm_params_count(env->params, "ties") ? TIES_FIFO : TIES_LRU;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lfu *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    s->rank[frame] = (struct rank){.since = s->now++, .count = 1, .frame = frame};
    s->slot[frame] = WAITING;
    vm_links_push_last(s->link, s->nframes, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct lfu *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    struct rank *r = &s->rank[frame];
    uint32_t count;
    r->count = __builtin_add_overflow(r->count, times, &count) ? UINT32_MAX : count;
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
    (void)incoming;
    struct lfu *s = state;
    vm_pfn frame;
    while ((frame = s->link[s->nframes].next) != s->nframes && s->rank[frame].count > 1) {
        vm_links_remove(s->link, frame);
        heap_rise(s, s->end++, s->rank[frame]);
    }
    if (frame == s->nframes)
        frame = lowest_of_heap(s);
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct lfu *s = state;
    size_t n = s->end - HEAP_ROOT;
    heap_check(s);
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
};

const struct vm_policy_ops vm_policy_lfu = {
    .name = "lfu",
    .summary = "the page touched the fewest times since it was loaded leaves",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
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
