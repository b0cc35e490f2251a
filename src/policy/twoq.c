/* twoq.c - 2Q, the full version: only a page that returns soon after it left is worth keeping by
 * its touches.
 *
 * Newcomers pass through a first-in-first-out queue, A1in, in which touches mean nothing: what is
 * used several times at once and then no more, as most pages are, leaves by it. Of a page that has
 * left A1in its number stays for a while, in A1out. If it is wanted again while it is there, it is
 * a hot one and comes into Am, which is kept by lru. A page that leaves Am is forgotten.
 *
 *     comes in -> [A1in, fifo] -> leaves -> [A1out, ghosts] -> forgotten
 *                                               | wanted again
 *                                           [Am, lru] -> leaves, forgotten
 *
 * The oldest of A1in leaves while A1in has more than its share of memory, else the stalest of Am.
 * Johnson & Shasha, "2Q: a low overhead high performance buffer management replacement algorithm",
 * VLDB 1994, figure 3 (section 2.3): Kin 25 % of memory, Kout ghosts for 50 %.
 *
 * ghost: whether the number of a page that returns makes room in A1out before another page leaves
 * for it, or after, as the figure has it: then the oldest ghost may be forgotten in vain. Shares
 * are rounded down, A1in's to at least one frame.
 *
 * Invariants
 *  1. Every frame that is in is on list IN or MAIN, the next to leave first. page[] is the page of
 *     each frame that is in.
 *  2. A1out has out_max ghosts at most; one more between a victim's leaving and the coming of the
 *     page for which it left, whose ghost is the oldest.
 */
#include "policy/ghosts.h"
#include "policy/part.h"
#include "policy/rings.h"

enum { IN, MAIN };

struct twoq {
    struct rings rings;
    struct ghosts out; /* one list, the oldest first */
    uint64_t *page;    /* [nframes] */
    uint32_t in_max, out_max;
    enum { GHOST_AFTER, GHOST_BEFORE } ghost;
};

static size_t layout(struct twoq *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    s->in_max = part_share(env->capacity, vm_params_real(env->params, "in"), 1);
    s->out_max = part_share(env->capacity, vm_params_real(env->params, "out"), 0);
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, env->nframes);
    ghosts_layout(&s->out, &b, env, s->out_max + 2, 1);
    s->page = block_take(&b, env->nframes * sizeof *s->page);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct twoq){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct twoq *s = state;
    layout(s, (uintptr_t)state, env);
    ghosts_init(&s->out, 1);
    s->ghost = vm_params_count(env->params, "ghost") ? GHOST_BEFORE : GHOST_AFTER;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct twoq *s = state;
    uint32_t ghost = ghosts_find(&s->out, page);
    s->page[frame] = page;
    if (ghost == GHOST_NONE) {
        rings_push_last(&s->rings, IN, frame);
    } else {
        ghosts_forget(&s->out, ghost);
        rings_push_last(&s->rings, MAIN, frame);
    }
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct twoq *s = state;
    (void)times;
    if (rings_on(&s->rings, MAIN, frame))
        rings_renew(&s->rings, MAIN, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct twoq *s = state;
    rings_drop(&s->rings, frame);
}

/* `page` has left A1in for a page whose ghost is `wanted`, or that has none. */
static void remember(struct twoq *s, uint64_t page, uint32_t wanted)
{
    uint32_t twin = ghosts_find(&s->out, page);
    if (twin != GHOST_NONE)
        ghosts_forget(&s->out, twin);
    ghosts_push(&s->out, 0, page);
    while (s->out.n > s->out_max) {
        uint32_t oldest = ghosts_oldest(&s->out, 0);
        bool goes_anyway = oldest == wanted || (s->ghost == GHOST_BEFORE && wanted != GHOST_NONE);
        if (goes_anyway && s->out.n == s->out_max + 1)
            return;
        ghosts_forget(&s->out, oldest);
    }
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct twoq *s = state;
    if (s->rings.ring[IN].n <= s->in_max && s->rings.ring[MAIN].n)
        return rings_take_first(&s->rings, MAIN);
    VM_ASSERT(s->rings.ring[IN].n);
    vm_pfn frame = rings_take_first(&s->rings, IN);
    remember(s, s->page[frame], ghosts_find(&s->out, incoming));
    if (s->rings.ring[IN].n) /* what the next victim's page and ghost will wait for */
        ghosts_prefetch(&s->out, s->page[rings_first(&s->rings, IN)]);
    ghosts_prefetch_oldest(&s->out, 0);
    return frame;
}

static void check(const void *state)
{
    const struct twoq *s = state;
    rings_check(&s->rings);
    ghosts_check(&s->out);
    VM_ASSERT(s->out.n <= s->out_max + 1);
}

static const struct vm_param param[] = {
    {"in", VM_PARAM_REAL, "25", 0, 100, NULL, "A1in's share of memory, in percent"},
    {"out", VM_PARAM_REAL, "50", 0, 1000, NULL, "ghosts in A1out, in percent of memory's frames"},
    {"ghost", VM_PARAM_WORD, "after", 0, 0, "after|before",
     "a returning page's ghost goes after the page that leaves for it has one, or before"},
};

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct twoq *s = state;
    if (entry)
        __builtin_prefetch(&s->rings.link[entry - 1]);
    else
        ghosts_prefetch(&s->out, page);
}

const struct vm_policy_ops vm_policy_twoq = {
    .name = "2q",
    .summary = "newcomers leave first in, first out; those that come back soon, the stalest first",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_LISTS,
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
