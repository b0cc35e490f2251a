/* lirs.c - low inter-reference recency: pages whose last two touches lie close together stay.
 *
 * Most of memory is for LIR pages, `hir` percent for the others, HIR pages. Stack S has pages by
 * their last touch, and at its bottom a LIR page: whoever is in it was touched after that one, and
 * so a HIR page in S that is touched again has a shorter distance than the bottom's. The two change
 * their kinds. Ghosts are in S too. Who leaves is the first of queue Q, the resident HIR pages.
 *
 *     S  top  h  L  g  L  L  h  g  L  bottom      L  LIR        h  HIR, resident
 *     Q  first -> x  h  h                         g  a ghost    x  HIR, no more in S
 *
 * Jiang & Zhang, "LIRS: an efficient low inter-reference recency set replacement policy",
 * SIGMETRICS 2002, section 3.3; where it leaves open, their program, whose misses on the real trace
 * are ours:
 *   hir     percent of memory for HIR pages (1, the paper's section 4)
 *   least   but at least so many (2; the paper has no least)
 *   stack   pages that S may have, in memories: beyond, the lowest that is not LIR leaves it. The
 *           paper's S has no limit, the program's one is 2,500; 100 is out of reach mostly.
 *   Immediate repeats are no touches. The first pages are LIR, until those have their share. In Q a
 *   page that is touched, but not in S, goes to the end.
 *
 * The idea of `low`: S's limit asks for the lowest that is not LIR. Such pages enter S only at the
 * top, so that what has been found to have none of them below it stays so.
 *
 * Invariants
 *  1. S is empty or has a LIR page at the bottom. It has all LIR pages; LIR pages <= their share.
 *  2. Q has the frames of kind HIR and STACKED. depth is S's length; between calls it is within the
 *     limit.
 *  3. From S's bottom up to low all are LIR; low is S's head if nothing is known.
 *  4. last is the frame touched last, if it is in still, else VM_NOFRAME.
 */
#include "base/links.h"
#include "policy/ghosts.h"
#include "policy/part.h"

#define STACK_MOST (UINT32_C(1) << 30)

enum kind { OUT, LIR, STACKED /* HIR and in S */, HIR };

/* Nodes of S: frames, the list's head `nframes`, and then the ghosts. */
struct lirs {
    struct vm_links *stack; /* [nframes + 1 + limit + 1] S: next is towards the bottom */
    struct vm_links *queue; /* [nframes + 1] Q */
    uint64_t *page;         /* [nframes] */
    uint8_t *kind;          /* [nframes] enum kind */
    struct ghosts ghosts;
    uint32_t nframes, nlir, nhir;
    uint32_t lirs;  /* LIR pages' share, frames */
    uint32_t depth; /* nodes in S */
    uint32_t limit; /* of depth */
    uint32_t low;   /* node */
    vm_pfn last;
};

static uint32_t lir_share(const struct vm_policy_env *env)
{
    uint32_t least = (uint32_t)vm_params_count(env->params, "least"), most = env->capacity - 1;
    uint32_t hirs = part_share(env->capacity, vm_params_real(env->params, "hir"), least);
    return env->capacity - (hirs < most ? hirs : most ? most : 1);
}

static uint32_t stack_limit(const struct vm_policy_env *env)
{
    double limit = vm_params_real(env->params, "stack") * env->capacity;
    return limit < STACK_MOST ? (uint32_t)limit : STACK_MOST;
}

static size_t layout(struct lirs *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    size_t nodes = env->nframes + (size_t)1 + stack_limit(env) + 1;
    block_take(&b, sizeof *s);
    s->stack = block_take(&b, nodes * sizeof *s->stack);
    s->queue = block_take(&b, (env->nframes + (size_t)1) * sizeof *s->queue);
    s->page = block_take(&b, env->nframes * sizeof *s->page);
    s->kind = block_take(&b, env->nframes * sizeof *s->kind);
    ghosts_layout(&s->ghosts, &b, env, stack_limit(env) + 1, 0);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct lirs){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct lirs *s = state;
    layout(s, (uintptr_t)state, env);
    s->nframes = env->nframes;
    s->lirs = lir_share(env);
    s->limit = stack_limit(env);
    s->last = VM_NOFRAME;
    s->low = s->nframes;
    vm_links_head(s->stack, s->nframes);
    vm_links_head(s->queue, s->nframes);
}

/* ---- S ---- */

static inline bool is_ghost(const struct lirs *s, uint32_t node)
{
    return node > s->nframes;
}

static inline bool is_lir(const struct lirs *s, uint32_t node)
{
    return node < s->nframes && s->kind[node] == LIR;
}

static inline void stack_push(struct lirs *s, vm_pfn frame, enum kind kind)
{
    vm_links_push_first(s->stack, s->nframes, frame);
    s->kind[frame] = (uint8_t)kind;
    s->depth++;
}

/* A page that is HIR, or a ghost, is no more in S. */
static inline void unstack(struct lirs *s, uint32_t node)
{
    vm_links_remove(s->stack, node);
    s->depth--;
    if (is_ghost(s, node))
        ghosts_drop(&s->ghosts, node - s->nframes - 1);
    else
        s->kind[node] = HIR;
}

/* Invariant 1: those below the lowest LIR page leave S. */
static inline void prune(struct lirs *s)
{
    for (;;) {
        uint32_t bottom = s->stack[s->nframes].prev;
        if (bottom == s->nframes || is_lir(s, bottom))
            return;
        unstack(s, bottom);
    }
}

/* A LIR page is taken out of its place. */
static inline void unlink_lir(struct lirs *s, vm_pfn frame)
{
    if (s->low == frame)
        s->low = s->stack[frame].next;
    vm_links_remove(s->stack, frame);
}

/* A LIR page leaves S, and is none any more. */
static inline void unstack_lir(struct lirs *s, vm_pfn frame)
{
    unlink_lir(s, frame);
    s->depth--;
    s->nlir--;
}

static inline void enqueue(struct lirs *s, vm_pfn frame)
{
    vm_links_push_last(s->queue, s->nframes, frame);
    s->nhir++;
}

static inline void dequeue(struct lirs *s, vm_pfn frame)
{
    vm_links_remove(s->queue, frame);
    s->nhir--;
}

/* To the top, as a LIR page; if these are too many the bottom's becomes HIR. */
static inline void push_lir(struct lirs *s, vm_pfn frame)
{
    stack_push(s, frame, LIR);
    if (++s->nlir > s->lirs) {
        vm_pfn bottom = s->stack[s->nframes].prev;
        unstack_lir(s, bottom);
        s->kind[bottom] = HIR;
        enqueue(s, bottom);
    }
    prune(s);
}

/* The lowest of S that is not LIR; there is one. */
static uint32_t lowest(struct lirs *s)
{
    uint32_t node;
    while (is_lir(s, node = s->stack[s->low].prev))
        s->low = node;
    VM_ASSERT(node != s->nframes);
    return node;
}

/* To the top, as a HIR page. */
static inline void push_hir(struct lirs *s, vm_pfn frame)
{
    enqueue(s, frame);
    stack_push(s, frame, STACKED);
    if (s->depth > s->limit)
        unstack(s, lowest(s));
    prune(s);
}

/* ---- the policy ---- */

/* Whether the page is a ghost; it is none any more. */
static inline bool recognize(struct lirs *s, uint64_t page)
{
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    if (ghost != GHOST_NONE)
        unstack(s, s->nframes + 1 + ghost);
    return ghost != GHOST_NONE;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct lirs *s = state;
    VM_EXPECT(frame < s->nframes && s->kind[frame] == OUT);
    bool close = recognize(s, page);
    s->page[frame] = page;
    s->last = frame;
    if (close || s->nlir < s->lirs)
        push_lir(s, frame);
    else
        push_hir(s, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct lirs *s = state;
    (void)times;
    if (frame == s->last)
        return;
    s->last = frame;
    switch ((enum kind)s->kind[frame]) {
    case LIR:
        unlink_lir(s, frame);
        vm_links_push_first(s->stack, s->nframes, frame);
        prune(s);
        return;
    case STACKED:
        unstack(s, frame);
        dequeue(s, frame);
        push_lir(s, frame);
        return;
    case HIR:
        dequeue(s, frame);
        push_hir(s, frame);
        return;
    case OUT:
        VM_ASSERT(!"touched, and not in");
    }
}

static inline void leave(struct lirs *s, vm_pfn frame)
{
    s->kind[frame] = OUT;
    if (s->last == frame)
        s->last = VM_NOFRAME;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct lirs *s = state;
    VM_EXPECT(frame < s->nframes && s->kind[frame] != OUT);
    if (s->kind[frame] == LIR)
        unstack_lir(s, frame);
    else
        dequeue(s, frame);
    if (s->kind[frame] == STACKED)
        unstack(s, frame);
    leave(s, frame);
    prune(s);
}

/* The frame's page becomes a ghost, in its place in S. */
static inline void remember(struct lirs *s, vm_pfn frame)
{
    recognize(s, s->page[frame]); /* it may have been in two frames */
    uint32_t node = s->nframes + 1 + ghosts_add(&s->ghosts, s->page[frame]);
    vm_links_insert_after(s->stack, frame, node);
    vm_links_remove(s->stack, frame);
}

/* Ask for what the next victim will wait for, and for what then must be known of the one after it
 * to ask likewise. */
VM_PREFETCHER void prefetch_next(const struct lirs *s)
{
    vm_pfn next = s->queue[s->nframes].next, after = s->queue[next].next;
    if (next == s->nframes)
        return;
    ghosts_prefetch(&s->ghosts, s->page[next]);
    __builtin_prefetch(&s->queue[after]);
    if (after < s->nframes) {
        __builtin_prefetch(&s->page[after]);
        __builtin_prefetch(&s->kind[after]);
        __builtin_prefetch(&s->stack[after]);
    }
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct lirs *s = state;
    vm_pfn frame = s->queue[s->nframes].next;
    if (frame == s->nframes) { /* the host has had them all */
        frame = s->stack[s->nframes].prev;
        VM_ASSERT(frame < s->nframes);
        remove_frame(s, frame);
        return frame;
    }
    dequeue(s, frame);
    if (s->kind[frame] == STACKED)
        remember(s, frame);
    leave(s, frame);
    prefetch_next(s);
    return frame;
}

/* ---- checking ---- */

static void check_stack(const struct lirs *s)
{
    uint32_t head = s->nframes, prev = head, n = 0, nlir = 0;
    bool below = false; /* low, or at it */
    for (uint32_t node = s->stack[head].next; node != head; node = s->stack[node].next) {
        VM_ASSERT(s->stack[node].prev == prev && n++ < s->depth);
        prev = node;
        below |= node == s->low;
        nlir += is_lir(s, node);
        VM_ASSERT(is_lir(s, node) || (!below && (is_ghost(s, node) || s->kind[node] == STACKED)));
    }
    VM_ASSERT(below || s->low == head);
    VM_ASSERT(s->stack[head].prev == prev && n == s->depth && nlir == s->nlir);
    VM_ASSERT(n == 0 || (prev < s->nframes && s->kind[prev] == LIR));
    VM_ASSERT(s->depth <= s->limit && s->nlir <= s->lirs);
}

static void check(const void *state)
{
    const struct lirs *s = state;
    uint32_t head = s->nframes, n = 0, in = 0;
    check_stack(s);
    for (uint32_t f = s->queue[head].next; f != head; f = s->queue[f].next) {
        VM_ASSERT(f < s->nframes && (s->kind[f] == HIR || s->kind[f] == STACKED));
        VM_ASSERT(s->queue[s->queue[f].next].prev == f && n++ < s->nhir);
    }
    VM_ASSERT(n == s->nhir);
    for (uint32_t f = 0; f < s->nframes; f++)
        in += s->kind[f] != OUT;
    VM_ASSERT(in == s->nlir + s->nhir);
    VM_ASSERT(s->last == VM_NOFRAME || s->kind[s->last] != OUT);
    ghosts_check(&s->ghosts);
}

static const struct vm_param param[] = {
    {"hir", VM_PARAM_REAL, "1", 0, 100, NULL, "percent of memory for pages that return late"},
    {"least", VM_PARAM_COUNT, "2", 1, 1e9, NULL, "frames for them at least"},
    {"stack", VM_PARAM_REAL, "100", 1, 2500, NULL, "pages that S may have, in memories"},
};

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct lirs *s = state;
    if (entry)
        __builtin_prefetch(&s->stack[entry - 1]);
    else
        ghosts_prefetch(&s->ghosts, page);
}

const struct vm_policy_ops vm_policy_lirs = {
    .name = "lirs",
    .summary = "pages touched twice within a short distance stay; of the others the first leaves",
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
