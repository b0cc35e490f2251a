/* mglru.c - Linux's multi-generational LRU: generations instead of two lists.
 *
 * Pages are in generations, numbered from min_seq, the oldest, to max_seq, the youngest; there are
 * two at least and four at most. A page that comes in is of the youngest. Aging looks at the
 * referenced bits of all pages, clears them, and moves the referenced pages into the youngest
 * generation; then a new one begins, and all pages have become older by one. Eviction takes the
 * tail of the oldest generation; if that was referenced since, it moves to the youngest. A
 * generation that is empty is gone.
 *
 *     min_seq  [ ......... ] --tail--> leaves, or, referenced, to max_seq
 *              [ .... ]
 *     max_seq  [ ...... ] <-- newcomers, and what aging finds referenced
 *
 * Pages are aged when one is wanted, and no more than two generations are left; or three, and the
 * youngest has more than half of the pages, or the oldest less than a fourth. Linux 6.1:
 * mm/vmscan.c (should_run_aging, try_to_inc_max_seq, evict_folios),
 * Documentation/mm/multigen_lru.rst; Yu Zhao.
 *
 * load: as in linux.c.
 *
 * Left out, since it says nothing of pages touched by mappings alone: tiers, and the controller
 * that compares their refaults. Tier k is of pages accessed 2^(k-1) times and more through file
 * descriptors, so that all pages here are in tier 0. Since only it saves work: Bloom filters that
 * choose the tables to walk; a walk here sees all frames. Since a policy knows no neighbours: the
 * look around a page that eviction finds referenced. Batches: one page is reclaimed when one is
 * wanted; and a page that aging finds moves at once, not when eviction comes by.
 *
 * Invariants
 *  1. A frame that is in is in one generation of min_seq to max_seq, n counts each of them.
 *  2. min_seq + 1 <= max_seq <= min_seq + 3.
 */
#include "base/links.h"
#include "policy/part.h"
#include "policy/refbits.h"

#define GENS_MAX 4
#define GENS_MIN 2

struct generations {
    struct vm_bitset in;
    struct vm_links
        *link;     /* [nframes + GENS_MAX]; of generation seq the head is nframes + seq % 4 */
    uint8_t *gen;  /* [nframes] seq % 4 */
    uint8_t *bits; /* the host's */
    uint32_t nframes, nin, n[GENS_MAX];
    uint64_t min_seq, max_seq;
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct generations *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->in);
    s->link = block_take(&b, (nframes + (size_t)GENS_MAX) * sizeof *s->link);
    s->gen = block_take(&b, nframes * sizeof *s->gen);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct generations){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct generations *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
    s->max_seq = GENS_MAX - 1; /* as Linux begins */
    for (unsigned g = 0; g < GENS_MAX; g++)
        vm_links_head(s->link, s->nframes + g);
}

static inline void enlist(struct generations *s, vm_pfn frame)
{
    unsigned gen = s->max_seq % GENS_MAX;
    vm_links_push_first(s->link, s->nframes + gen, frame);
    s->gen[frame] = (uint8_t)gen;
    s->n[gen]++;
}

static inline void unlist(struct generations *s, vm_pfn frame)
{
    vm_links_remove(s->link, frame);
    s->n[s->gen[frame]]--;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct generations *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame));
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->bits[frame] &= s->load_mask;
    enlist(s, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct generations *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    vm_bitset_drop(&s->in, frame);
    s->nin--;
    unlist(s, frame);
}

/* The frame was found referenced. */
static inline void promote(struct generations *s, vm_pfn frame)
{
    s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    if (s->gen[frame] == s->max_seq % GENS_MAX)
        return;
    unlist(s, frame);
    enlist(s, frame);
}

static __attribute__((noinline)) void age(struct generations *s)
{
    for (uint32_t i = 0; i < s->in.nwords[0]; i++) {
        uint64_t in = s->in.level[0][i];
        if (!in)
            continue;
        for (in &= refbits_gather(s->bits, VM_FRAME_REFERENCED, i * 64, s->nframes); in;
             in &= in - 1)
            promote(s, i * 64 + (vm_pfn)__builtin_ctzll(in));
    }
    s->max_seq++;
    VM_EXPECT(s->max_seq < s->min_seq + GENS_MAX);
}

static inline bool should_age(const struct generations *s)
{
    uint32_t young = s->n[s->max_seq % GENS_MAX], old = s->n[s->min_seq % GENS_MAX];
    if (s->min_seq + GENS_MIN > s->max_seq)
        return true;
    if (s->min_seq + GENS_MIN < s->max_seq)
        return false;
    return (uint64_t)young * GENS_MIN > s->nin || (uint64_t)old * (GENS_MIN + 2) < s->nin;
}

/* The oldest generation gets a page, or it is one of the two that are left. */
static inline void forget_empty(struct generations *s)
{
    while (s->min_seq + GENS_MIN <= s->max_seq && s->n[s->min_seq % GENS_MAX] == 0)
        s->min_seq++;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct generations *s = state;
    (void)incoming;
    VM_ASSERT(s->nin);
    for (;;) {
        forget_empty(s);
        if (should_age(s)) {
            age(s);
            continue;
        }
        vm_pfn frame = s->link[s->nframes + s->min_seq % GENS_MAX].prev;
        if (!(s->bits[frame] & VM_FRAME_REFERENCED)) {
            remove_frame(s, frame);
            return frame;
        }
        promote(s, frame);
    }
}

static void check(const void *state)
{
    const struct generations *s = state;
    uint32_t nin = s->nin;
    VM_ASSERT(s->min_seq + GENS_MIN - 1 <= s->max_seq && s->max_seq < s->min_seq + GENS_MAX);
    for (unsigned g = 0; g < GENS_MAX; g++) {
        uint32_t n = 0, head = s->nframes + g;
        for (uint32_t f = s->link[head].next; f != head; f = s->link[f].next, n++)
            VM_ASSERT(vm_bitset_has(&s->in, f) && s->gen[f] == g);
        VM_ASSERT(n == s->n[g] &&
                  (n == 0 || (g - s->min_seq) % GENS_MAX <= s->max_seq - s->min_seq));
        nin -= n;
    }
    VM_ASSERT(nin == 0);
    vm_bitset_check(&s->in);
}

static const struct vm_param param[] = {
    {"load", VM_PARAM_WORD, "referenced", 0, 0, "clear|referenced", "a newcomer's referenced bit"},
};

const struct vm_policy_ops vm_policy_mglru = {
    .name = "mglru",
    .summary = "generations: the oldest leaves, and what is found referenced joins the youngest",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
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

#define REPLAY_KIND   VM_TOUCH_REFBIT
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
