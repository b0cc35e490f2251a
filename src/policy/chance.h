/* chance.h - frames in the order of their coming, each with a referenced bit that is its second
 * chance: the state of clock and second_chance, which differ in how they look for a victim only.
 *
 * load: whether a newcomer's bit is clear, so that only a second reference saves it, or as the
 * reference that loaded it left it. Both are found in practice, and they differ: see the table in
 * tests/golden/policy.c.
 *
 * Invariant: list CHANCE has the frames that are in, the next to be looked at first.
 */
#ifndef POLICY_CHANCE_H
#define POLICY_CHANCE_H

#include "policy/part.h"
#include "policy/rings.h"

enum { CHANCE };

struct chance {
    struct rings rings;
    uint8_t *bits;     /* the host's */
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t chance_layout(struct chance *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    rings_layout(&s->rings, &b, nframes);
    return b.used;
}

static size_t chance_size(const struct vm_policy_env *env)
{
    return chance_layout(&(struct chance){0}, 0, env->nframes);
}

static void chance_init(void *state, const struct vm_policy_env *env)
{
    struct chance *s = state;
    chance_layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
}

static inline void chance_insert(void *state, vm_pfn frame, uint64_t page)
{
    struct chance *s = state;
    (void)page;
    s->bits[frame] &= s->load_mask;
    rings_push_last(&s->rings, CHANCE, frame);
}

static inline void chance_remove(void *state, vm_pfn frame)
{
    struct chance *s = state;
    rings_take(&s->rings, CHANCE, frame);
}

static void chance_check(const void *state)
{
    const struct chance *s = state;
    rings_check(&s->rings);
}

static const struct vm_param chance_param[] = {PART_LOAD_PARAM};

#endif
