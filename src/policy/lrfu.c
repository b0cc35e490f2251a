/* lrfu.c - least recently and frequently used: every touch counts, the less the longer ago it was.
 *
 * A touch that was x touches ago is worth F(x) = (1/2)^(lambda x); a frame has the sum of its
 * touches since it came, its combined recency and frequency C, and who has least leaves. lambda = 0
 * counts touches: lfu. lambda = 1 is lru: one touch is worth more than all before it together. Of
 * equals the one touched longer ago leaves.
 *
 * Lee, Choi, Kim, Noh, Min, Cho & Kim, "LRFU: a spectrum of policies that subsumes the least
 * recently used and least frequently used policies", IEEE Transactions on Computers 50(12) 2001.
 * The default of lambda is ours: the best depends on the trace and on memory. The paper's
 * correlated references (touches so close that they should count as one) are not here.
 *
 * The idea: C need not be kept up to date. At the last touch, at time `last`, C was 1 + C' F(time
 * since the one before); later it is C F(t - last), so that frames compare alike at any t by
 * log2 C + lambda last, which only touches change, and only raise (ranks.inc.h).
 *
 * Invariants
 *  1. Of a frame that is in |c| >= 1, and slot[] is not 0.
 *  2. now is the number of touches so far, insertions included; last <= now.
 */
#include "policy/part.h"

#include <math.h>

struct value {
    double c; /* C at `last`; -1: 1, untouched since it came */
    uint64_t last;
};

struct entry {
    double key; /* log2 C + lambda last */
    uint64_t last;
    vm_pfn frame;
};

/* Without branches, as the outcome cannot be foretold. */
static inline bool entry_before(const struct entry *a, const struct entry *b)
{
    return (a->key < b->key) | ((a->key == b->key) & (a->last < b->last));
}

struct lrfu {
    struct value *value;   /* [nframes] */
    struct entry *heap;    /* [HEAP_SLOTS(nframes)] */
    uint32_t *slot;        /* [nframes] */
    struct vm_links *link; /* [nframes + 1] of the queue */
    size_t end;            /* of the heap's used slots */
    uint64_t now;
    double lambda, fade; /* fade: F(1) */
    uint32_t nframes;
};

static inline struct entry entry_of(const struct lrfu *s, vm_pfn frame)
{
    const struct value *v = &s->value[frame];
    return (struct entry){
        .key = log2(fabs(v->c)) + s->lambda * (double)v->last, .last = v->last, .frame = frame};
}

#define HEAP_OWNER                struct lrfu
#define HEAP_ENTRY                struct entry
#define HEAP_BEFORE(a, b)         entry_before(&(a), &(b))
#define RANKS_ENTRY(s, frame)     entry_of((s), (frame))
#define RANKS_UNTOUCHED(s, frame) ((s)->value[frame].c < 0)
#include "policy/ranks.inc.h"

static size_t layout(struct lrfu *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->value = block_take(&b, nframes * sizeof *s->value);
    s->heap = block_take(&b, HEAP_SLOTS(nframes) * sizeof *s->heap);
    s->slot = block_take(&b, nframes * sizeof *s->slot);
    s->link = block_take(&b, (nframes + (size_t)1) * sizeof *s->link);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lrfu){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lrfu *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    ranks_init(s);
    s->lambda = vm_params_real(env->params, "lambda");
    s->fade = exp2(-s->lambda);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lrfu *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    s->value[frame] = (struct value){.c = -1, .last = ++s->now};
    ranks_enter(s, frame);
}

/* C after `times` touches more on end: it grows, by less each time, to where it stays. */
static inline double repeated(const struct lrfu *s, double c, uint32_t times)
{
    if (s->lambda == 0)
        return c + times;
    for (; times > 0; times--) {
        double next = 1 + c * s->fade;
        if (next == c)
            break;
        c = next;
    }
    return c;
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct lrfu *s = state;
    struct value *v = &s->value[frame];
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    double c = 1 + fabs(v->c) * exp2(-s->lambda * (double)(s->now + 1 - v->last));
    s->now += times;
    v->c = repeated(s, c, times - 1);
    v->last = s->now;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct lrfu *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    ranks_leave(s, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct lrfu *s = state;
    vm_pfn frame = ranks_lowest(s);
    ranks_leave(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct lrfu *s = state;
    ranks_check(s);
    for (vm_pfn f = 0; f < s->nframes; f++)
        VM_ASSERT(!s->slot[f] || (fabs(s->value[f].c) >= 1 && s->value[f].last <= s->now));
}

static const struct vm_param param[] = {
    {"lambda", VM_PARAM_REAL, "0.001", 0, 1, NULL, "0: counts touches; 1: only the last matters"},
};

const struct vm_policy_ops vm_policy_lrfu = {
    .name = "lrfu",
    .summary = "the page leaves whose touches, worth the less the older they are, sum to least",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
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

#define REPLAY_KIND   VM_TOUCH_EACH
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
