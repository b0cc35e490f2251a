/* linux.c - Linux's two lists: an active and an inactive one, and shadows of pages that left.
 *
 *     new --> [ inactive ] --tail: not referenced--> leaves, a shadow stays
 *               ^   ^    \--referenced once--> its head; twice--> active
 *               |   +---------------------- tail --- [ active ] <-- refaulted in time
 *
 * A page is looked at when it reaches the inactive list's tail. Not referenced, it leaves.
 * Referenced, it loses the bit and goes round once more, with a mark; with the mark, it becomes
 * active. While the inactive list is low, that is shorter than the active one by a ratio, the
 * active list's tail comes to the inactive head, its bit cleared. Linux 6.1: mm/vmscan.c,
 * shrink_active_list, folio_check_references, inactive_is_low.
 *
 * A page's age at a time is the number of evictions and activations so far. Its shadow keeps that
 * of its eviction, and a page that comes back is active at once if its refault distance, the
 * difference, is at most the active list's length: with so many frames more it would have stayed.
 * mm/workingset.c (Weiner, 2012).
 *
 * load: a newcomer is referenced, as Linux maps it, or its bit is cleared. ratio: active pages for
 * one inactive page; 0, as Linux: 1 below 1 GiB of pages of 4 KiB, the root of ten times the GiB
 * above.
 *
 * Left out: all but pages that are mapped and anonymous (files, executable pages, unevictable
 * ones), memory cgroups, and batches: one page is reclaimed when one is wanted.
 *
 * Invariants
 *  1. A frame that is in is on one list, n counts each, and no frame else has `list`.
 *  2. Shadows are of the last evictions, in their order. As many as there are frames are enough:
 *     the distance of an older one is beyond any active list.
 */
#include "base/links.h"
#include "policy/ghosts.h"
#include "policy/part.h"

enum { INACTIVE, ACTIVE, LISTS };
#define MARKED 0x80u /* was found referenced before */

struct linux_lists {
    struct ghosts shadows; /* one list: in the order of eviction */
    uint64_t *shadow_age;  /* [nframes] by shadow */
    struct vm_links *link; /* [nframes + LISTS]; list l's head is nframes + l */
    uint64_t *page;        /* [nframes] */
    uint8_t *list;         /* [nframes] + 1, perhaps with MARKED; 0: not in */
    uint8_t *bits;         /* the host's */
    uint32_t nframes, n[LISTS];
    uint64_t age, ratio;
    uint8_t load_mask; /* what of a newcomer's bits stays */
};

static size_t layout(struct linux_lists *s, uintptr_t start, const struct vm_policy_env *env)
{
    size_t nframes = env->nframes;
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    ghosts_layout(&s->shadows, &b, env, env->nframes, 1);
    s->shadow_age = block_take(&b, nframes * sizeof *s->shadow_age);
    s->link = block_take(&b, (nframes + LISTS) * sizeof *s->link);
    s->page = block_take(&b, nframes * sizeof *s->page);
    s->list = block_take(&b, nframes * sizeof *s->list);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct linux_lists){0}, 0, env);
}

/* inactive_ratio of Linux's inactive_is_low. */
static uint64_t ratio_of(uint32_t nframes)
{
    uint64_t tenfold_gib = 10 * ((uint64_t)nframes >> 18), root = 1;
    while ((root + 1) * (root + 1) <= tenfold_gib)
        root++;
    return root;
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct linux_lists *s = state;
    layout(s, (uintptr_t)state, env);
    ghosts_init(&s->shadows, 1);
    s->nframes = env->nframes;
    s->bits = env->bits;
    s->load_mask = part_load_mask(env->params);
    s->ratio = vm_params_count(env->params, "ratio");
    if (s->ratio == 0)
        s->ratio = ratio_of(env->capacity);
    vm_links_head(s->link, s->nframes + INACTIVE);
    vm_links_head(s->link, s->nframes + ACTIVE);
}

static inline void enlist(struct linux_lists *s, unsigned list, vm_pfn frame)
{
    vm_links_push_first(s->link, s->nframes + list, frame);
    s->list[frame] = (uint8_t)(list + 1) | (s->list[frame] & MARKED);
    s->n[list]++;
}

static inline void unlist(struct linux_lists *s, vm_pfn frame)
{
    vm_links_remove(s->link, frame);
    s->n[(s->list[frame] & ~MARKED) - 1]--;
}

static inline vm_pfn tail_of(const struct linux_lists *s, unsigned list)
{
    return s->link[s->nframes + list].prev;
}

/* Whether a page that comes back has been away for so short a time that it belongs to the active
 * ones. Its shadow is gone then. */
static inline bool refaults_in_time(struct linux_lists *s, uint64_t page)
{
    uint32_t shadow = ghosts_find(&s->shadows, page);
    if (shadow == GHOST_NONE)
        return false;
    uint64_t distance = s->age - s->shadow_age[shadow];
    ghosts_forget(&s->shadows, shadow);
    return distance <= s->n[ACTIVE];
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct linux_lists *s = state;
    VM_EXPECT(frame < s->nframes && s->list[frame] == 0);
    bool active = refaults_in_time(s, page);
    s->age += active;
    s->page[frame] = page;
    s->bits[frame] &= s->load_mask;
    enlist(s, active ? ACTIVE : INACTIVE, frame);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct linux_lists *s = state;
    VM_EXPECT(frame < s->nframes && s->list[frame]);
    unlist(s, frame);
    s->list[frame] = 0;
}

static inline bool take_reference(struct linux_lists *s, vm_pfn frame)
{
    bool referenced = s->bits[frame] & VM_FRAME_REFERENCED;
    s->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
    return referenced;
}

/* Ask for what the frame that is looked at four times from now will wait for, and, of the one in
 * half that time, whose page has come, for the page's shadow. */
VM_PREFETCHER void prefetch(const struct linux_lists *s, vm_pfn frame)
{
    uint32_t soon = s->link[s->link[frame].prev].prev, node = s->link[s->link[soon].prev].prev;
    if (soon < s->nframes)
        ghosts_prefetch(&s->shadows, s->page[soon]);
    __builtin_prefetch(&s->link[node]);
    if (node < s->nframes) {
        __builtin_prefetch(&s->bits[node]);
        __builtin_prefetch(&s->list[node]);
        __builtin_prefetch(&s->page[node]);
    }
}

static inline void deactivate(struct linux_lists *s)
{
    while (s->n[INACTIVE] * s->ratio < s->n[ACTIVE]) {
        vm_pfn frame = tail_of(s, ACTIVE);
        take_reference(s, frame);
        unlist(s, frame);
        enlist(s, INACTIVE, frame);
    }
}

static inline void leave_shadow(struct linux_lists *s, uint64_t page)
{
    uint32_t old = ghosts_find(&s->shadows, page);
    if (old == GHOST_NONE && s->shadows.n == s->shadows.cap)
        old = ghosts_oldest(&s->shadows, 0);
    if (old != GHOST_NONE)
        ghosts_forget(&s->shadows, old);
    s->shadow_age[ghosts_push(&s->shadows, 0, page)] = s->age++;
    ghosts_prefetch_oldest(&s->shadows, 0);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct linux_lists *s = state;
    (void)incoming;
    for (;;) {
        deactivate(s);
        VM_ASSERT(s->n[INACTIVE]);
        vm_pfn frame = tail_of(s, INACTIVE);
        prefetch(s, frame);
        bool referenced = take_reference(s, frame);
        unlist(s, frame);
        if (!referenced) {
            s->list[frame] = 0;
            leave_shadow(s, s->page[frame]);
            return frame;
        }
        bool marked = s->list[frame] & MARKED;
        s->age += marked;
        enlist(s, marked ? ACTIVE : INACTIVE, frame);
        s->list[frame] |= MARKED;
    }
}

static void check(const void *state)
{
    const struct linux_lists *s = state;
    uint32_t in = 0;
    for (vm_pfn f = 0; f < s->nframes; f++)
        in += s->list[f] != 0;
    for (unsigned l = 0; l < LISTS; l++) {
        uint32_t n = 0, head = s->nframes + l;
        for (uint32_t f = s->link[head].next; f != head; f = s->link[f].next, n++)
            VM_ASSERT((s->list[f] & ~MARKED) == l + 1u && s->link[s->link[f].next].prev == f);
        VM_ASSERT(n == s->n[l]);
        in -= n;
    }
    VM_ASSERT(in == 0);
    ghosts_check(&s->shadows);
}

static const struct vm_param param[] = {
    {"load", VM_PARAM_WORD, "referenced", 0, 0, "clear|referenced", "a newcomer's referenced bit"},
    {"ratio", VM_PARAM_COUNT, "0", 0, 1000, NULL,
     "active pages for an inactive one; 0: by the size of memory, as Linux has it"},
};

const struct vm_policy_ops vm_policy_linux = {
    .name = "linux",
    .summary = "an active and an inactive list; a page that soon comes back is active at once",
    .touch_kind = VM_TOUCH_REFBIT,
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

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct linux_lists *s = state;
    if (!entry)
        ghosts_prefetch(&s->shadows, page);
}

#define REPLAY_KIND    VM_TOUCH_REFBIT
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_nothing
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
