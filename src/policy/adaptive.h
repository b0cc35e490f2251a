/* adaptive.h - the directory of arc and car: pages seen once lately and pages seen more often,
 * those in memory and as many that have left, and a target that divides memory between the two.
 *
 *       forgotten <- B1 <- T1 <- comes in        seen once
 *                    |      |
 *                    |  touched again
 *                    v      v
 *       forgotten <- B2 <- T2                    seen more often
 *
 * T1 and T2 have frames, B1 and B2 are ghosts. The target p is for T1: a page that returns from B1
 * would have stayed had T1 been larger, and raises it; one that returns from B2 lowers it; by 1, or
 * by the ratio of the other list of ghosts to its own if that is more.
 *
 * Megiddo & Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4;
 * Bansal & Modha, "CAR: clock with adaptive replacement", FAST 2004, figure 2. Both papers forget
 * ghosts while they replace a page; here that waits until the newcomer is in, which forgets the
 * same: replacing moves a page from T1 to B1, or T2 to B2, and the sums that are compared stay.
 *
 * delta: whether the ratio is a real number, as the papers say, or divided as integers, as many
 * programs do.
 *
 * Invariants (adaptive_check)
 *  1. Every frame that is in is on list T1 or T2, page[] is its page.
 *  2. A ghost is on the list that mark[ghost] & MARK_B2 says, the oldest first; nghosts[] are the
 *     lists' lengths.
 *  3. 0 <= p <= c. There are c ghosts at most, and one more between a victim's leaving and the next
 *     page's coming.
 */
#ifndef POLICY_ADAPTIVE_H
#define POLICY_ADAPTIVE_H

#include "policy/ghosts.h"
#include "policy/part.h"
#include "policy/rings.h"

enum { T1, T2 };
enum { B1, B2 };
enum { MARK_B2 = 1, MARK_ADAPTED = 2 };

struct adaptive {
    struct rings rings;
    struct ghosts ghosts;
    uint8_t *mark;  /* [ghosts.cap] */
    uint64_t *page; /* [nframes] */
    uint8_t *bits;  /* the host's */
    uint32_t nghosts[2];
    uint32_t c; /* frames that memory has */
    double p;   /* of them, meant for T1 */
    enum { DELTA_REAL, DELTA_INTEGER } delta;
};

static size_t adaptive_layout(struct adaptive *a, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    a->c = env->capacity;
    block_take(&b, sizeof *a);
    rings_layout(&a->rings, &b, env->nframes);
    ghosts_layout(&a->ghosts, &b, env, a->c + 1, 2);
    a->mark = block_take(&b, a->ghosts.cap);
    a->page = block_take(&b, env->nframes * sizeof *a->page);
    return b.used;
}

static size_t adaptive_size(const struct vm_policy_env *env)
{
    return adaptive_layout(&(struct adaptive){0}, 0, env);
}

static void adaptive_init(void *state, const struct vm_policy_env *env)
{
    struct adaptive *a = state;
    adaptive_layout(a, (uintptr_t)state, env);
    ghosts_init(&a->ghosts, 2);
    a->bits = env->bits;
    a->delta = vm_params_count(env->params, "delta") ? DELTA_INTEGER : DELTA_REAL;
}

static inline unsigned adaptive_list(const struct adaptive *a, uint32_t ghost)
{
    return a->mark[ghost] & MARK_B2 ? B2 : B1;
}

static inline void adaptive_forget(struct adaptive *a, uint32_t ghost)
{
    a->nghosts[adaptive_list(a, ghost)]--;
    ghosts_forget(&a->ghosts, ghost);
}

static inline void adaptive_forget_oldest(struct adaptive *a, unsigned list)
{
    VM_ASSERT(a->nghosts[list]);
    adaptive_forget(a, ghosts_oldest(&a->ghosts, list));
    ghosts_prefetch_oldest(&a->ghosts, list);
}

/* The page of `frame`, which has just left T1 or T2, becomes the newest ghost of B1 or B2. */
static inline void adaptive_remember(struct adaptive *a, unsigned list, vm_pfn frame)
{
    uint32_t twin = ghosts_find(&a->ghosts, a->page[frame]);
    if (twin != GHOST_NONE)
        adaptive_forget(a, twin);
    if (a->ghosts.n == a->ghosts.cap)
        adaptive_forget_oldest(a, a->nghosts[B2] ? B2 : B1);
    uint32_t ghost = ghosts_push(&a->ghosts, list, a->page[frame]);
    if (a->rings.ring[list].n) /* what the next page to leave will wait for */
        ghosts_prefetch(&a->ghosts, a->page[rings_first(&a->rings, list)]);
    a->mark[ghost] = list == B2 ? MARK_B2 : 0;
    a->nghosts[list]++;
}

/* What the return of a page from `list` weighs, at least 1. */
static inline double adaptive_weight(const struct adaptive *a, unsigned list)
{
    uint32_t own = a->nghosts[list], other = a->nghosts[list == B1 ? B2 : B1];
    if (own >= other)
        return 1;
    uint32_t whole = other / own;
    return a->delta == DELTA_INTEGER ? whole : (double)other / own;
}

/* The ghost's page is wanted again: move the target, once for each return. */
static inline void adaptive_adapt(struct adaptive *a, uint32_t ghost)
{
    if (a->mark[ghost] & MARK_ADAPTED)
        return;
    unsigned list = adaptive_list(a, ghost);
    double p = a->p + (list == B1 ? 1 : -1) * adaptive_weight(a, list);
    a->p = p < 0 ? 0 : p > a->c ? a->c : p;
    a->mark[ghost] |= MARK_ADAPTED;
}

/* Bring a page in: back from the ghosts into T2, a new one into T1. */
static inline void adaptive_insert(void *state, vm_pfn frame, uint64_t page)
{
    struct adaptive *a = state;
    uint32_t ghost = ghosts_find(&a->ghosts, page), n1 = a->rings.ring[T1].n + a->nghosts[B1];
    a->page[frame] = page;
    if (ghost != GHOST_NONE) {
        adaptive_adapt(a, ghost);
        adaptive_forget(a, ghost);
        rings_push_last(&a->rings, T2, frame);
        return;
    }
    if (n1 >= a->c && a->nghosts[B1])
        adaptive_forget_oldest(a, B1);
    else if (n1 + a->rings.ring[T2].n + a->nghosts[B2] >= 2 * (uint64_t)a->c && a->nghosts[B2])
        adaptive_forget_oldest(a, B2);
    rings_push_last(&a->rings, T1, frame);
}

static inline void adaptive_remove(void *state, vm_pfn frame)
{
    struct adaptive *a = state;
    rings_drop(&a->rings, frame);
}

static void adaptive_check(const void *state)
{
    const struct adaptive *a = state;
    const struct vm_links *link = a->ghosts.link;
    rings_check(&a->rings);
    ghosts_check(&a->ghosts);
    VM_ASSERT(a->p >= 0 && a->p <= a->c);
    VM_ASSERT(a->nghosts[B1] + a->nghosts[B2] == a->ghosts.n);
    for (unsigned list = B1; list <= B2; list++) {
        uint32_t n = 0, head = a->ghosts.cap + list;
        for (uint32_t g = link[head].next; g != head; g = link[g].next, n++)
            VM_ASSERT(n < a->nghosts[list] && adaptive_list(a, g) == list);
        VM_ASSERT(n == a->nghosts[list]);
    }
}

static const struct vm_param adaptive_param[] = {
    {"delta", VM_PARAM_WORD, "real", 0, 0, "real|integer", "how the ratio of ghosts is divided"},
};
#define ADAPTIVE_PARAMS                                                                            \
    .param = adaptive_param, .nparams = sizeof adaptive_param / sizeof adaptive_param[0]

#endif
