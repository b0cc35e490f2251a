/* tiers.h - which pages of the oldest generation are worth more than others: tiers, and the
 * controller that compares how often pages of each come back.
 *
 * A page accessed N times is in tier order_base_2(N): 0 for one access at most, 1 for two, 2 for
 * three and four, 3 beyond. The first tier is the set point. Another in which pages come back more
 * than twice as often for one that was given up, and `batch` of them have, is protected, and those
 * above it with it.
 *
 *     refaulted(t) * (total(0) + batch) > 2 * (refaulted(0) + 1) * total(t)  ->  t is protected
 *
 * Total are those evicted and protected. A page that comes back counts if the generation that was
 * the oldest when it left still is. When that is used up, counts and their past are averaged: each
 * generation weighs half of the one after it. Linux 6.1: mm/vmscan.c, read_ctrl_pos,
 * reset_ctrl_pos, positive_ctrl_err, get_tier_idx; mm/workingset.c, lru_gen_eviction,
 * lru_gen_refault.
 *
 * Invariants
 *  1. Ghosts are of the last evictions, in their order. As many as there are frames are enough: no
 *     more leave a generation while it is the oldest.
 */
#ifndef POLICY_TIERS_H
#define POLICY_TIERS_H

#include "base/bits.h"
#include "policy/ghosts.h"

#define TIERS_MAX  4
#define USES_MOST  UINT8_MAX
#define TIERS_GAIN 2 /* of any tier but the first, which leaves room for chance */

struct tier {
    uint64_t refaulted, total;               /* while this generation is the oldest */
    uint64_t refaulted_before, total_before; /* averages of those before */
};

struct tiers {
    struct ghosts ghosts; /* one list: in the order of eviction */
    uint64_t *page;       /* [cap] of each frame */
    uint64_t *ghost_seq;  /* [cap] the oldest generation then */
    uint8_t *ghost_tier;  /* [cap] */
    struct tier tier[TIERS_MAX];
    uint64_t batch;
    uint32_t n; /* tiers; one: nothing to compare, and no ghosts */
};

/* `n` has been set. */
static inline void tiers_layout(struct tiers *t, struct block *b, const struct vm_policy_env *env)
{
    uint32_t cap = t->n > 1 ? env->nframes : 0;
    ghosts_layout(&t->ghosts, b, env, cap, 1);
    t->page = block_take(b, cap * sizeof *t->page);
    t->ghost_seq = block_take(b, cap * sizeof *t->ghost_seq);
    t->ghost_tier = block_take(b, cap * sizeof *t->ghost_tier);
}

static inline void tiers_init(struct tiers *t, uint64_t batch)
{
    ghosts_init(&t->ghosts, 1);
    t->batch = batch;
}

/* The tier of a page accessed so many times. */
static inline uint32_t tiers_of(const struct tiers *t, uint8_t uses)
{
    unsigned tier = vm_bits_below(uses);
    return tier < t->n ? tier : t->n - 1;
}

static inline bool tiers_refault_more(const struct tiers *t, uint32_t tier)
{
    const struct tier *base = &t->tier[0], *other = &t->tier[tier];
    uint64_t refaulted = other->refaulted + other->refaulted_before;
    if (refaulted < t->batch)
        return false;
    return refaulted * (base->total + base->total_before + t->batch) >
           (base->refaulted + base->refaulted_before + 1) * (other->total + other->total_before) *
               TIERS_GAIN;
}

/* Whether a page accessed so many times stays: its tier, or one below it, refaults more. */
static inline bool tiers_protect(const struct tiers *t, uint8_t uses)
{
    uint32_t tier = tiers_of(t, uses);
    for (uint32_t k = 1; k <= tier; k++)
        if (tiers_refault_more(t, k))
            return true;
    return false;
}

/* A page so protected moves on. */
static inline void tiers_protected(struct tiers *t, uint8_t uses)
{
    t->tier[tiers_of(t, uses)].total++;
}

/* The frame's page leaves the generation `seq`, the oldest. */
static inline void tiers_evicted(struct tiers *t, vm_pfn frame, uint8_t uses, uint64_t seq)
{
    if (t->n == 1)
        return;
    uint64_t page = t->page[frame];
    uint32_t tier = tiers_of(t, uses), old = ghosts_find(&t->ghosts, page);
    if (old == GHOST_NONE && t->ghosts.n == t->ghosts.cap)
        old = ghosts_oldest(&t->ghosts, 0);
    if (old != GHOST_NONE)
        ghosts_forget(&t->ghosts, old);
    t->tier[tier].total++;
    uint32_t ghost = ghosts_push(&t->ghosts, 0, page);
    t->ghost_seq[ghost] = seq;
    t->ghost_tier[ghost] = (uint8_t)tier;
}

/* A page comes, perhaps back, into the frame; generation `seq` is the oldest. */
static inline void tiers_came(struct tiers *t, vm_pfn frame, uint64_t page, uint64_t seq)
{
    if (t->n == 1)
        return;
    t->page[frame] = page;
    uint32_t ghost = ghosts_find(&t->ghosts, page);
    if (ghost == GHOST_NONE)
        return;
    t->tier[t->ghost_tier[ghost]].refaulted += t->ghost_seq[ghost] == seq;
    ghosts_forget(&t->ghosts, ghost);
}

/* Another generation is the oldest from now on. */
static inline void tiers_carry_over(struct tiers *t)
{
    for (uint32_t k = 0; k < t->n; k++) {
        struct tier *tier = &t->tier[k];
        tier->refaulted_before = (tier->refaulted_before + tier->refaulted) / 2;
        tier->total_before = (tier->total_before + tier->total) / 2;
        tier->refaulted = tier->total = 0;
    }
}

#endif
