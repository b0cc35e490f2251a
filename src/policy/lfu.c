/* lfu.c - least frequently used: the frame with the fewest touches since it came leaves.
 *
 * ties: among equals leaves the one touched longest ago (`lru`) or the one that came longest ago
 * (`fifo`).
 *
 * keep: of how many pages that have left the count is kept, the latest to leave; a page that comes
 * back among them goes on from its count. With as many as there are pages it is *perfect* LFU,
 * which knows no stays, only pages; Breslau, Cao, Fan, Phillips & Shenker, "Web caching and
 * Zipf-like distributions", INFOCOM 1999, hold the two against each other. With none, what an
 * earlier stay in memory was worth is forgotten, and each coming counts from 1.
 *
 * The idea: touches only ever raise a frame's rank, so the order may lag behind them (ranks.inc.h).
 * The usual lists of frames of equal count cost five links a touch, and cannot order ties by
 * coming.
 *
 * Invariants
 *  1. Of a frame that is in slot[] is not 0, and its count is 1 at least.
 *  2. Ghosts are on one list, in the order of leaving, `keep` of them at most, and one more between
 *     a victim's leaving and the coming of a page that was one.
 */
#include "policy/frequency.h"
#include "policy/ghosts.h"
#include "policy/part.h"

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

#define HEAP_OWNER                struct lfu
#define HEAP_ENTRY                struct rank
#define HEAP_BEFORE(a, b)         rank_before(&(a), &(b))
#define RANKS_ENTRY(s, frame)     ((s)->rank[frame])
#define RANKS_UNTOUCHED(s, frame) ((s)->rank[frame].count == 1)
#include "policy/ranks.inc.h"

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
    ghosts_layout(&s->ghosts, &b, env, s->keep + 1, 1);
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
    layout(s, (uintptr_t)state, env);
    ghosts_init(&s->ghosts, 1);
    s->nframes = env->nframes;
    ranks_init(s);
    s->ties = vm_params_count(env->params, "ties") ? TIES_FIFO : TIES_LRU;
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
    ranks_enter(s, frame);
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
    ranks_leave(s, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct lfu *s = state;
    vm_pfn frame = ranks_lowest(s);
    ranks_leave(s, frame);
    if (s->keep)
        remember(s, s->page[frame], s->rank[frame].count, ghosts_find(&s->ghosts, incoming));
    return frame;
}

static void check(const void *state)
{
    const struct lfu *s = state;
    ranks_check(s);
    ghosts_check(&s->ghosts);
    for (vm_pfn f = 0; f < s->nframes; f++)
        VM_ASSERT(!s->slot[f] || (s->rank[f].frame == f && s->rank[f].count));
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
