/* lecar.c - two experts, least recently and least frequently used, and a choice that learns.
 *
 * Each miss that evicts asks one of the two, by chance: lru with probability w, lfu with 1 - w. The
 * page that leaves is remembered as a ghost of the expert that named it; where both name the same
 * it is not. If it comes back, that expert was wrong, the more so the sooner: its weight is
 * multiplied by e^(-rate r), r = discount^(t / c) after t touches, c the frames, and the two are
 * scaled to the sum 1 again, neither below 0.01. A page that comes back goes on with its count of
 * touches.
 *
 * Vietri, Rodriguez, Martinez, Lyons, Liu, Rangaswami, Zhao & Narasimhan, "Driving cache
 * replacement with ML-based LeCaR", HotStorage 2018, algorithm 1 and section 3 (rate 0.45, discount
 * 0.005); the bound of 0.01, that a page both name is not remembered, and a history of c ghosts for
 * each expert are from the authors' program. Of equal counts leaves the page touched longest ago;
 * the program takes the lowest block number.
 *   weight  w at first; with rate=0 it stays: weight=1 is lru, and weight=0 lfu that counts on
 *   ghosts  of each expert, percent of memory
 *
 * Invariants
 *  1. order and the heap have the frames that are in.
 *  2. Expert e's ghosts are on list e, in the order of leaving, `history` of them at most.
 */
#include "base/random.h"
#include "policy/frequency.h"
#include "policy/ghosts.h"
#include "policy/part.h"
#include "policy/recency.h"

#include <math.h>

#define WEIGHT_LEAST 0.01
#define AHEAD        8 /* log entries */

enum expert { LRU, LFU };

struct departure {
    uint64_t left; /* the number of the touch for which it left */
    uint32_t count;
    uint32_t expert;
};

struct lecar {
    struct recency *order;
    struct rank *rank;     /* [nframes] */
    struct rank *heap;     /* [HEAP_SLOTS(nframes)] */
    uint32_t *slot;        /* [nframes] */
    struct vm_links *link; /* [nframes + 1] of the queue */
    uint64_t *page;        /* [nframes] */
    struct ghosts ghosts;
    struct departure *departure; /* [ghosts.cap] */
    uint32_t nghosts[2], history;
    size_t end;        /* of the heap's used slots */
    uint64_t now;      /* touches so far */
    uint64_t incoming; /* looked for among the ghosts, until it comes; VM_NOPAGE */
    uint32_t kept;     /* its count when it left; 0: it was no ghost */
    uint64_t foreseen; /* the page without a frame that was asked about last */
    uint32_t nframes;
    double weight, rate;
    double fade; /* ln r of one touch */
    struct vm_random random;
};

#define HEAP_OWNER                struct lecar
#define HEAP_ENTRY                struct rank
#define HEAP_BEFORE(a, b)         rank_before(&(a), &(b))
#define RANKS_ENTRY(s, frame)     ((s)->rank[frame])
#define RANKS_UNTOUCHED(s, frame) ((s)->rank[frame].count == 1)
#include "policy/ranks.inc.h"

static uint32_t history_share(const struct vm_policy_env *env)
{
    return part_share(env->capacity, vm_params_real(env->params, "ghosts"), 0);
}

static size_t layout(struct lecar *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->order = block_take(&b, recency_size(env));
    s->rank = block_take(&b, env->nframes * sizeof *s->rank);
    s->heap = block_take(&b, HEAP_SLOTS(env->nframes) * sizeof *s->heap);
    s->slot = block_take(&b, env->nframes * sizeof *s->slot);
    s->link = block_take(&b, (env->nframes + (size_t)1) * sizeof *s->link);
    s->page = block_take(&b, env->nframes * sizeof *s->page);
    ghosts_layout(&s->ghosts, &b, env, 2 * history_share(env), 2);
    s->departure = block_take(&b, s->ghosts.cap * sizeof *s->departure);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lecar){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lecar *s = state;
    layout(s, (uintptr_t)state, env);
    recency_init(s->order, env);
    ghosts_init(&s->ghosts, 2);
    s->history = history_share(env);
    s->nframes = env->nframes;
    ranks_init(s);
    s->incoming = VM_NOPAGE;
    s->weight = vm_params_real(env->params, "weight");
    s->rate = vm_params_real(env->params, "rate");
    s->fade = log(vm_params_real(env->params, "discount")) / env->capacity;
    vm_random_seed(&s->random, env->seed);
}

/* ---- ghosts ---- */

static inline void forget(struct lecar *s, uint32_t ghost)
{
    s->nghosts[s->departure[ghost].expert]--;
    ghosts_forget(&s->ghosts, ghost);
}

/* The expert was wrong to name a page that comes back after so many touches. */
static void blame(struct lecar *s, enum expert expert, uint64_t touches)
{
    if (s->rate == 0)
        return;
    double kept = exp(-s->rate * exp(s->fade * (double)touches));
    double lru = s->weight * (expert == LRU ? kept : 1);
    double lfu = (1 - s->weight) * (expert == LFU ? kept : 1);
    s->weight = lru / (lru + lfu);
    if (s->weight >= 1 - WEIGHT_LEAST)
        s->weight = 1 - WEIGHT_LEAST;
    else if (1 - s->weight >= 1 - WEIGHT_LEAST)
        s->weight = WEIGHT_LEAST;
}

/* Look for the page among the ghosts, once for its coming. */
static inline void recall(struct lecar *s, uint64_t page)
{
    if (page == s->incoming)
        return;
    s->incoming = page;
    s->kept = 0;
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    if (ghost == GHOST_NONE)
        return;
    const struct departure *d = &s->departure[ghost];
    blame(s, d->expert, s->now + 1 - d->left);
    s->kept = d->count;
    forget(s, ghost);
}

static inline void remember(struct lecar *s, vm_pfn frame, enum expert expert)
{
    struct ghosts *g = &s->ghosts;
    uint32_t twin = ghosts_find(g, s->page[frame]); /* it left another frame, as after a fork */
    if (s->history == 0)
        return;
    if (twin != GHOST_NONE)
        forget(s, twin);
    if (s->nghosts[expert] == s->history)
        forget(s, ghosts_oldest(g, expert));
    uint32_t ghost = ghosts_push(g, expert, s->page[frame]);
    s->nghosts[expert]++;
    s->departure[ghost] =
        (struct departure){.left = s->now + 1, .count = s->rank[frame].count, .expert = expert};
}

/* ---- the policy ---- */

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lecar *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    recall(s, page);
    s->incoming = VM_NOPAGE;
    s->page[frame] = page;
    s->rank[frame] =
        (struct rank){.since = ++s->now, .count = count_up(s->kept, 1), .frame = frame};
    recency_insert(s->order, frame, page);
    ranks_enter(s, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct lecar *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    struct rank *r = &s->rank[frame];
    s->now += times;
    r->since = s->now;
    r->count = count_up(r->count, times);
    recency_touch(s->order, frame, times);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct lecar *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    ranks_leave(s, frame);
    recency_remove(s->order, frame);
}

/* ---- what will be read soon ---- */

VM_PREFETCHER void foresee_ghost(const struct lecar *s, uint32_t ghost)
{
    __builtin_prefetch(&s->ghosts.page[ghost], 1);
    __builtin_prefetch(&s->ghosts.link[ghost], 1);
    __builtin_prefetch(&s->departure[ghost], 1);
}

VM_PREFETCHER void foresee_leaver(const struct lecar *s, vm_pfn frame)
{
    __builtin_prefetch(&s->rank[frame], 1);
    __builtin_prefetch(&s->page[frame], 1);
    __builtin_prefetch(&s->slot[frame], 1);
    __builtin_prefetch(&s->link[frame], 1);
}

/* Whom the experts will name next, and after that. */
VM_PREFETCHER void foresee_victims(const struct lecar *s)
{
    const struct recency *o = s->order;
    vm_pfn waiting = s->link[s->nframes].next;
    if (waiting != s->nframes) {
        vm_pfn next = s->link[waiting].next;
        ghosts_prefetch(&s->ghosts, s->page[waiting]);
        if (next != s->nframes)
            foresee_leaver(s, next);
    }
    if (o->tail + AHEAD < o->head) {
        ghosts_prefetch(&s->ghosts, s->page[o->log[o->tail + 1]]);
        foresee_leaver(s, o->log[o->tail + AHEAD / 2]);
        __builtin_prefetch(&o->at[o->log[o->tail + AHEAD]]);
    }
}

/* Whose ghost will be forgotten next, and after that. */
VM_PREFETCHER void foresee_forgotten(const struct lecar *s, enum expert expert)
{
    const struct ghosts *g = &s->ghosts;
    uint32_t head = g->cap + expert, oldest = g->link[head].next;
    if (oldest == head)
        return;
    ghosts_prefetch(g, g->page[oldest]);
    if (g->link[oldest].next != head)
        foresee_ghost(s, g->link[oldest].next);
}

/* Of a page that comes soon and has no frame the slot is asked for, and of the one before it, whose
 * slot is here, the ghost. */
VM_PREFETCHER void foresee(void *state, uint64_t page, uint32_t entry)
{
    struct lecar *s = state;
    const struct ghosts *g = &s->ghosts;
    if (entry) {
        __builtin_prefetch(&s->rank[entry - 1], 1);
        return;
    }
    foresee_ghost(s, ghosts_peek(g, s->foreseen));
    ghosts_prefetch(g, page);
    s->foreseen = page;
}

/* ---- victims ---- */

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct lecar *s = state;
    if (incoming != VM_NOPAGE)
        recall(s, incoming);
    vm_pfn lru = recency_oldest(s->order), lfu = ranks_lowest(s);
    enum expert expert = vm_random_real(&s->random) < s->weight ? LRU : LFU;
    vm_pfn frame = expert == LRU ? lru : lfu;
    if (lru != lfu)
        remember(s, frame, expert);
    remove_frame(s, frame);
    foresee_victims(s);
    foresee_forgotten(s, LRU);
    foresee_forgotten(s, LFU);
    return frame;
}

static void check(const void *state)
{
    const struct lecar *s = state;
    const struct ghosts *g = &s->ghosts;
    ranks_check(s);
    recency_check(s->order);
    for (vm_pfn f = 0; f < s->nframes; f++)
        VM_ASSERT((s->slot[f] != 0) == recency_has(s->order, f));
    for (uint32_t e = LRU; e <= LFU; e++) {
        uint32_t n = 0;
        for (uint32_t i = g->link[g->cap + e].next; i != g->cap + e; i = g->link[i].next)
            VM_ASSERT(i < g->cap && s->departure[i].expert == e && n++ < s->nghosts[e]);
        VM_ASSERT(n == s->nghosts[e] && n <= s->history);
    }
    VM_ASSERT(s->nghosts[LRU] + s->nghosts[LFU] == g->n);
    ghosts_check(g);
}

static const struct vm_param param[] = {
    {"rate", VM_PARAM_REAL, "0.45", 0, 100, NULL, "how fast weights learn"},
    {"discount", VM_PARAM_REAL, "0.005", 1e-9, 1, NULL,
     "of regret, after as many touches as frames"},
    {"weight", VM_PARAM_REAL, "0.5", 0, 1, NULL, "of lru at first"},
    {"ghosts", VM_PARAM_REAL, "100", 0, 1000, NULL, "of each expert, percent of memory"},
};

const struct vm_policy_ops vm_policy_lecar = {
    .name = "lecar",
    .summary = "by chance the page that lru or the one that lfu names; who erred is asked less",
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
