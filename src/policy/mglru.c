/* mglru.c - Linux's multi-generational LRU: generations instead of two lists.
 *
 *     min_seq  [ ......... ] --tail--> leaves; referenced, or of a tier that refaults: stays
 *              [ .... ]
 *     max_seq  [ ...... ] <-- newcomers, and what is found referenced
 *
 * Generations are numbered from min_seq, the oldest, to max_seq, the youngest: two to four. A page
 * that comes in is of the youngest. Aging clears referenced bits by a walk through the leaf tables:
 * the page joins the youngest then; a new generation begins, and all have become older by one.
 * A walk enters only regions that a Bloom filter knows: those that the walk before or an eviction
 * has found dense; the first walk enters all. Eviction takes the tail of the oldest generation. If
 * that is referenced, eviction looks around: all referenced pages of the window join the youngest,
 * and a dense window tells its region to the filter. Else the page leaves. So bits that no walk has
 * seen are found at the end.
 *
 * Pages are aged when one is wanted and no more than two generations are left; or three, and the
 * youngest has more than half of the pages, or the oldest less than a fourth. Linux 6.1:
 * mm/vmscan.c (should_run_aging, try_to_inc_max_seq, walk_pte_range, sort_folio,
 * lru_gen_look_around), Documentation/mm/multigen_lru.rst; Yu Zhao.
 *
 * load: as in linux.c. region, window: pages, rounded up to powers of two; filter: its bits, as a
 * power of two; walk: what the filter knows, everything, or (Linux's switch in lru_gen/enabled) not
 * at all. tiers: see tiers.h. Linux counts accesses through file descriptors; pages that are
 * mapped, as all are here, stay in tier 0, and tiers=1 is that. With more, each time that a page is
 * found referenced is an access; its coming is the first; being protected forgets them.
 *
 * Left out: the anonymous and the file type apart (what faults in is of the youngest generation in
 * either), spaces of less than 64 pages, which Linux does not walk, upper levels' accessed bits,
 * the least age (min_ttl_ms), memory cgroups, and batches: one page is reclaimed when wanted, and
 * a page that a walk finds moves at once, not when eviction comes by.
 *
 * Invariants
 *  1. A frame that is in is in one generation of min_seq to max_seq, n counts each of them.
 *  2. min_seq + 1 <= max_seq <= min_seq + 3.
 */
#include "policy/part.h"
#include "policy/refbits.h"
#include "policy/regions.h"
#include "policy/tiers.h"

#define GENS_MAX 4
#define GENS_MIN 2
#define LOOK     64 /* places that the host is asked of at a time: a divisor of larger windows */

enum walk { WALK_DENSE, WALK_ALL, WALK_NONE };

struct generations {
    struct vm_bitset in;
    struct vm_links
        *link;     /* [nframes + GENS_MAX]; of generation seq the head is nframes + seq % 4 */
    uint8_t *gen;  /* [nframes] seq % 4 */
    uint8_t *uses; /* [nframes] times found referenced, up to USES_MOST */
    uint8_t *bits; /* the host's */
    const struct vm_policy_host *host;
    struct regions regions;
    struct tiers tiers;
    uint32_t nframes, nin, n[GENS_MAX];
    uint64_t min_seq, max_seq;
    enum walk walk;
    uint8_t load_mask;  /* what of a newcomer's bits stays */
    uint8_t uses_first; /* a newcomer's */
};

static unsigned log2_param(const struct vm_policy_env *env, const char *name)
{
    return vm_bits_below(vm_params_count(env->params, name));
}

static size_t layout(struct generations *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, env->nframes, &s->in);
    s->link = block_take(&b, (env->nframes + (size_t)GENS_MAX) * sizeof *s->link);
    s->gen = block_take(&b, env->nframes * sizeof *s->gen);
    s->uses = block_take(&b, env->nframes * sizeof *s->uses);
    s->regions.region_log2 = log2_param(env, "region");
    s->regions.window_log2 = log2_param(env, "window");
    s->regions.filter_log2 = (unsigned)vm_params_count(env->params, "filter");
    regions_layout(&s->regions, &b, env->nframes);
    s->tiers.n = (uint32_t)vm_params_count(env->params, "tiers");
    tiers_layout(&s->tiers, &b, env);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct generations){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct generations *s = state;
    layout(s, (uintptr_t)state, env);
    regions_init(&s->regions);
    tiers_init(&s->tiers, vm_params_count(env->params, "batch"));
    s->nframes = env->nframes;
    s->bits = env->bits;
    s->host = env->host;
    s->walk = (enum walk)vm_params_count(env->params, "walk");
    s->load_mask = part_load_mask(env->params);
    s->uses_first = !(s->load_mask & VM_FRAME_REFERENCED); /* else its bit will tell */
    s->max_seq = GENS_MAX - 1;                             /* as Linux begins */
    for (unsigned g = 0; g < GENS_MAX; g++)
        vm_links_head(s->link, s->nframes + g);
}

/* ---- generations ---- */

static inline uint32_t head_of(const struct generations *s, uint64_t seq)
{
    return s->nframes + seq % GENS_MAX;
}

static inline void enlist(struct generations *s, vm_pfn frame)
{
    s->gen[frame] = s->max_seq % GENS_MAX;
    s->n[s->gen[frame]]++;
    vm_links_push_first(s->link, head_of(s, s->max_seq), frame);
}

static inline void unlist(struct generations *s, vm_pfn frame)
{
    s->n[s->gen[frame]]--;
    vm_links_remove(s->link, frame);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct generations *s = state;
    VM_EXPECT(frame < s->nframes && !vm_bitset_has(&s->in, frame));
    tiers_came(&s->tiers, frame, page, s->min_seq);
    s->regions.place[frame] = s->host->place(s->host->host, page);
    vm_bitset_add(&s->in, frame);
    s->nin++;
    s->bits[frame] &= s->load_mask;
    s->uses[frame] = s->uses_first;
    enlist(s, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct generations *s = state;
    VM_EXPECT(frame < s->nframes && vm_bitset_has(&s->in, frame));
    unlist(s, frame);
    vm_bitset_drop(&s->in, frame);
    s->nin--;
}

/* The frame was found referenced. */
static inline void promote(struct generations *s, vm_pfn frame)
{
    s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    s->uses[frame] += s->uses[frame] < USES_MOST;
    if (s->gen[frame] == s->max_seq % GENS_MAX)
        return;
    unlist(s, frame);
    enlist(s, frame);
}

/* ---- aging ---- */

/* The walk comes by a referenced frame. */
static inline void visit(struct generations *s, vm_pfn frame)
{
    struct regions *r = &s->regions;
    uint64_t region = regions_of(r, frame), pages = UINT64_C(1) << r->region_log2;
    if (s->walk == WALK_DENSE && !regions_known(r, s->max_seq, region))
        return;
    promote(s, frame);
    if (regions_count(r, region) == regions_dense(pages))
        regions_found(r, s->max_seq + 1, region);
}

/* In the order of frames, which only the order in the youngest generation tells. */
static __attribute__((noinline)) void walk(struct generations *s)
{
    regions_walk(&s->regions, s->max_seq + 1);
    uint64_t at = 0;
    while ((at = vm_bitset_next(&s->in, at)) != VM_BITSET_NONE) {
        vm_pfn first = (vm_pfn)(at & ~UINT64_C(63));
        uint64_t found = refbits_gather(s->bits, VM_FRAME_REFERENCED, first, s->nframes);
        for (found &= s->in.level[0][first / 64]; found; found &= found - 1)
            visit(s, first + (vm_pfn)__builtin_ctzll(found));
        at = first + UINT64_C(64);
    }
}

static void age(struct generations *s)
{
    if (s->walk != WALK_NONE)
        walk(s);
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

/* ---- eviction ---- */

/* The oldest generation has a page, or it is one of the two that are left. */
static inline void forget_empty(struct generations *s)
{
    while (s->min_seq + GENS_MIN <= s->max_seq && s->n[s->min_seq % GENS_MAX] == 0) {
        tiers_carry_over(&s->tiers);
        s->min_seq++;
    }
}

/* The referenced pages in the n <= LOOK places from `at` on join the youngest: how many. */
static inline uint32_t look(struct generations *s, uint64_t at, size_t n)
{
    vm_pfn frame[LOOK];
    uint32_t young = 0;
    s->host->frames(s->host->host, at, n, frame);
    for (size_t i = 0; i < n; i++)
        if (frame[i] < s->nframes && s->bits[frame[i]] & VM_FRAME_REFERENCED &&
            vm_bitset_has(&s->in, frame[i])) {
            promote(s, frame[i]);
            young++;
        }
    return young;
}

/* The frame was found referenced by eviction. Its neighbours may be, too. */
static __attribute__((noinline)) void look_around(struct generations *s, vm_pfn frame)
{
    struct window w = regions_window(&s->regions, frame);
    uint32_t young = 1;
    promote(s, frame);
    for (uint64_t at = w.first; at < w.first + w.n; at += LOOK)
        young += look(s, at, w.n < LOOK ? w.n : LOOK);
    if (young >= regions_dense(w.n))
        regions_found(&s->regions, s->max_seq, regions_of(&s->regions, frame));
}

/* The frame, of the oldest generation, belongs to the next, the first of it to be looked at. */
static void protect(struct generations *s, vm_pfn frame)
{
    uint64_t seq = s->min_seq + 1;
    tiers_protected(&s->tiers, s->uses[frame]);
    s->uses[frame] = 0;
    unlist(s, frame);
    s->gen[frame] = seq % GENS_MAX;
    s->n[s->gen[frame]]++;
    vm_links_push_last(s->link, head_of(s, seq), frame);
}

/* The frame that is looked at next. */
static inline void prefetch(const struct generations *s, uint32_t node)
{
    __builtin_prefetch(&s->link[node]);
    __builtin_prefetch(&s->gen[node]);
    __builtin_prefetch(&s->bits[node]);
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
        vm_pfn frame = s->link[head_of(s, s->min_seq)].prev;
        prefetch(s, s->link[frame].prev);
        if (tiers_protect(&s->tiers, s->uses[frame])) {
            protect(s, frame);
        } else if (s->bits[frame] & VM_FRAME_REFERENCED) {
            look_around(s, frame);
        } else {
            tiers_evicted(&s->tiers, frame, s->uses[frame], s->min_seq);
            remove_frame(s, frame);
            return frame;
        }
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
    ghosts_check(&s->tiers.ghosts);
}

static const struct vm_param param[] = {
    {"load", VM_PARAM_WORD, "referenced", 0, 0, "clear|referenced", "a newcomer's referenced bit"},
    {"region", VM_PARAM_COUNT, "512", 1, 1 << 20, NULL,
     "pages that a leaf table maps: rounded up to a power of two"},
    {"window", VM_PARAM_COUNT, "64", 1, 1 << 20, NULL,
     "pages that eviction looks at around one found referenced: up to a power of two"},
    {"filter", VM_PARAM_COUNT, "15", 0, 24, NULL, "bits of the Bloom filter, as a power of two"},
    {"walk", VM_PARAM_WORD, "dense", 0, 0, "dense|all|none",
     "regions whose bits aging looks at: those that the filter knows, all, none"},
    {"tiers", VM_PARAM_COUNT, "1", 1, TIERS_MAX, NULL,
     "classes of pages by how often they were found referenced; 1: as Linux has mapped pages"},
    {"batch", VM_PARAM_COUNT, "64", 0, 1 << 20, NULL,
     "refaults of a tier before it is compared with the first"},
};

const struct vm_policy_ops vm_policy_mglru = {
    .name = "mglru",
    .summary = "generations: the oldest leaves, and what is found referenced joins the youngest",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_KEPT,
    .reason = VM_REASON_GENERATION,
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
