/* s3_fifo.c - three queues, first in, first out: a small one for newcomers, the main one, and
 * ghosts.
 *
 * Most pages are used once and soon leave by the small queue; what it knows of a page is a counter
 * of hits, up to 3.
 *
 *     new page --------> small (10 %) --- fewer than `hits` hits --> out, remembered as a ghost
 *                          | else
 *                          v
 *     a ghost's page --> main (the rest) --- no hit left --> out, forgotten
 *                          ^    | else, at the price of one hit
 *                          +----+
 *
 * The small queue gives the victim when it has its share or more, else the main one; a page that
 * changes queues begins again with no hits.
 *
 * Yang, Zhang, Qiu, Yue & Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023,
 * algorithm 1. Where its text leaves open, options, the paper's (or its own program's) first:
 *   small   the small queue's share of memory, percent, one frame at least
 *   hits    that save a newcomer: the text has more than one
 *   ghosts  percent of the main queue's share: that many pages that left the small queue
 *   look    for the ghost `after` the eviction, which may push it out, or `before`
 *   fill    until the first eviction newcomers fill the `small` queue, or its share and then
 *           `main`; with look=before that is libCacheSim's since December 2024
 *
 * Invariants
 *  1. A frame that is in is on one of the two lists, the oldest first, and place[] says on which.
 *  2. There are at most as many ghosts as their share. A page that comes in is none any more; if it
 *     is in two frames, as after a fork, it becomes one when either leaves.
 */
#include "base/links.h"
#include "policy/ghosts.h"
#include "policy/part.h"

#define HITS_MAX 3

enum place { OUT, SMALL, MAIN };

struct s3_fifo {
    struct vm_links *link; /* [nframes + MAIN + 1]: list p's head is nframes + p */
    uint64_t *page;        /* [nframes] */
    uint8_t *hits;         /* [nframes] */
    uint8_t *place;        /* [nframes] enum place */
    struct ghosts ghosts;  /* list 0, the oldest first */
    uint32_t nframes, n[MAIN + 1];
    uint32_t small;     /* the small queue's share, frames */
    uint32_t threshold; /* hits that save a newcomer */
    bool look_before, fill_main;
    uint64_t incoming; /* that victim has looked for (look=before), or VM_NOPAGE */
    bool known;        /* it was a ghost */
};

static uint32_t small_share(const struct vm_policy_env *env)
{
    return part_share(env->capacity, vm_params_real(env->params, "small"), 1);
}

static uint32_t ghosts_share(const struct vm_policy_env *env)
{
    return part_share(env->capacity - small_share(env), vm_params_real(env->params, "ghosts"), 0);
}

static size_t layout(struct s3_fifo *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (env->nframes + (size_t)MAIN + 1) * sizeof *s->link);
    s->page = block_take(&b, env->nframes * sizeof *s->page);
    s->hits = block_take(&b, env->nframes * sizeof *s->hits);
    s->place = block_take(&b, env->nframes * sizeof *s->place);
    ghosts_layout(&s->ghosts, &b, env, ghosts_share(env), 1);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct s3_fifo){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct s3_fifo *s = state;
    layout(s, (uintptr_t)state, env);
    s->nframes = env->nframes;
    s->small = small_share(env);
    s->threshold = (uint32_t)vm_params_count(env->params, "hits");
    s->look_before = vm_params_count(env->params, "look");
    s->fill_main = vm_params_count(env->params, "fill");
    s->incoming = VM_NOPAGE;
    vm_links_head(s->link, s->nframes + SMALL);
    vm_links_head(s->link, s->nframes + MAIN);
    ghosts_init(&s->ghosts, 1);
}

static inline void enter(struct s3_fifo *s, vm_pfn frame, enum place place)
{
    vm_links_push_last(s->link, s->nframes + place, frame);
    s->place[frame] = (uint8_t)place;
    s->hits[frame] = 0;
    s->n[place]++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct s3_fifo *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame] != OUT);
    vm_links_remove(s->link, frame);
    s->n[s->place[frame]]--;
    s->place[frame] = OUT;
}

/* Whether the page is a ghost; it is none any more. */
static inline bool recognize(struct s3_fifo *s, uint64_t page)
{
    uint32_t ghost = ghosts_find(&s->ghosts, page);
    if (ghost == GHOST_NONE)
        return false;
    ghosts_forget(&s->ghosts, ghost);
    return true;
}

/* The page may be in another frame still, or have left that one lately: see invariant 2. */
static inline void remember(struct s3_fifo *s, uint64_t page)
{
    struct ghosts *g = &s->ghosts;
    if (g->cap == 0)
        return;
    recognize(s, page);
    if (g->n == g->cap)
        ghosts_forget(g, ghosts_oldest(g, 0));
    ghosts_push(g, 0, page);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct s3_fifo *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame] == OUT);
    bool known = recognize(s, page) || (s->known && s->incoming == page);
    bool spill = s->fill_main && s->n[SMALL] >= s->small;
    s->incoming = VM_NOPAGE;
    s->page[frame] = page;
    enter(s, frame, known || spill ? MAIN : SMALL);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct s3_fifo *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame] != OUT);
    uint32_t hits = s->hits[frame];
    if (hits < HITS_MAX)
        s->hits[frame] = (uint8_t)(times < HITS_MAX - hits ? hits + times : HITS_MAX);
}

/* The small queue's victim, remembered; VM_NOFRAME: all of it went into the main one. */
static inline vm_pfn evict_small(struct s3_fifo *s)
{
    vm_pfn frame;
    while ((frame = s->link[s->nframes + SMALL].next) != s->nframes + SMALL) {
        uint32_t hits = s->hits[frame];
        remove_frame(s, frame);
        if (hits < s->threshold) {
            remember(s, s->page[frame]);
            return frame;
        }
        enter(s, frame, MAIN);
    }
    return VM_NOFRAME;
}

static inline vm_pfn evict_main(struct s3_fifo *s)
{
    for (;;) {
        vm_pfn frame = s->link[s->nframes + MAIN].next;
        VM_ASSERT(frame < s->nframes);
        uint32_t hits = s->hits[frame];
        remove_frame(s, frame);
        if (hits == 0)
            return frame;
        enter(s, frame, MAIN);
        s->hits[frame] = (uint8_t)(hits - 1);
    }
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct s3_fifo *s = state;
    vm_pfn frame = VM_NOFRAME;
    s->fill_main = false;
    if (s->look_before && incoming != VM_NOPAGE) {
        s->known = recognize(s, incoming) || (s->known && s->incoming == incoming);
        s->incoming = incoming;
    }
    if (s->n[SMALL] >= s->small || s->n[MAIN] == 0)
        frame = evict_small(s);
    return frame == VM_NOFRAME ? evict_main(s) : frame;
}

static uint32_t count_list(const struct s3_fifo *s, enum place place)
{
    uint32_t n = 0, head = s->nframes + place, prev = head;
    for (uint32_t f = s->link[head].next; f != head; prev = f, f = s->link[f].next) {
        VM_ASSERT(f < s->nframes && s->link[f].prev == prev && s->place[f] == place);
        VM_ASSERT(s->hits[f] <= HITS_MAX && n < s->n[place]);
        n++;
    }
    VM_ASSERT(s->link[head].prev == prev);
    return n;
}

static void check(const void *state)
{
    const struct s3_fifo *s = state;
    const struct ghosts *g = &s->ghosts;
    uint32_t in = 0, n = 0;
    VM_ASSERT(count_list(s, SMALL) == s->n[SMALL] && count_list(s, MAIN) == s->n[MAIN]);
    for (uint32_t f = 0; f < s->nframes; f++)
        in += s->place[f] != OUT;
    VM_ASSERT(in == s->n[SMALL] + s->n[MAIN]);
    for (uint32_t i = g->link[g->cap].next; i != g->cap; i = g->link[i].next)
        VM_ASSERT(i < g->cap && n++ < g->n);
    VM_ASSERT(n == g->n);
    ghosts_check(g);
}

static const struct vm_param param[] = {
    {"small", VM_PARAM_REAL, "10", 0, 100, NULL, "percent of memory for newcomers"},
    {"hits", VM_PARAM_COUNT, "2", 1, HITS_MAX, NULL, "hits that save a newcomer"},
    {"ghosts", VM_PARAM_REAL, "100", 0, 1000, NULL, "percent of the main queue's share"},
    {"look", VM_PARAM_WORD, "after", 0, 0, "after|before", "for a ghost: around the eviction"},
    {"fill", VM_PARAM_WORD, "small", 0, 0, "small|main", "what newcomers fill at first"},
};

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct s3_fifo *s = state;
    if (!entry)
        ghosts_prefetch(&s->ghosts, page);
}

const struct vm_policy_ops vm_policy_s3_fifo = {
    .name = "s3-fifo",
    .summary = "newcomers without hits leave a small queue; others live in a main one",
    .touch_kind = VM_TOUCH_EACH,
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

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
