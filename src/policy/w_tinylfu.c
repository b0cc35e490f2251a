/* w_tinylfu.c - a window for newcomers, and a main part whose door asks who is touched more often.
 *
 * A page that leaves the window for age is the candidate; it takes the place of the main part's
 * next victim only if a sketch says that it was touched more often, else it leaves. The main part
 * is a segmented LRU: a page touched in the probation segment goes to the protected one, whose
 * oldest goes back where that has more than its share.
 *
 *     new -> window (1 %) -> candidate -- seen more often than probation's oldest? --> probation
 *                               `-- no: out         (else that one is out)            ^ | touch
 *                                                                      too many there | v
 *                                                                  protected (80 % of main)
 *
 * The sketch: 4-bit counters, four for each page, chosen by its hash, one in each row of one block
 * of 64 bytes, so that a touch reads one cache line. The least of the four is the estimate. When as
 * many touches as the sample has were counted, all counters and that number are halved.
 *
 * Einziger, Friedman & Manes, "TinyLFU: a highly efficient cache admission policy", ACM
 * Transactions on Storage 13(4) 2017, sections 3 and 4. What it leaves open or others do otherwise,
 * as options:
 *   window, protected  shares in percent: of memory, of the main part
 *   sample             touches, in memories
 *   counters           of the sketch for each frame; rounded up to a power of two of blocks
 *   update             a touch counts in the `least` counters (the paper) or in `all` (Caffeine)
 *   admit              `strict`: only if more often; `jitter`: also one of 128 that were seen 6
 *                      times or more, by chance (Caffeine, against attacks on the hash)
 * The reference that brings a page in is counted when it has come. The paper's doorkeeper, and the
 * window that adapts its share, are not here.
 *
 * Invariants
 *  1. A frame that is in is on the list that place[] says, the one touched last first.
 *  2. Between calls the window and the protected segment have at most their shares.
 */
#include "base/links.h"
#include "base/prefetch.h"
#include "base/random.h"
#include "policy/part.h"

enum place { OUT, WINDOW, PROBATION, PROTECTED, NPLACES };

#define ROWS        4
#define COUNTER_MAX 15
#define HOT_ENOUGH  6 /* for chance to let a candidate in */
#define CHANCES     128

/* Counter i of row r is the low half of byte[r][i / 2] if i is even, else the high one. */
struct sketch_block {
    union {
        uint8_t byte[ROWS][16];
        uint64_t word[2 * ROWS];
    };
};

/* Those of one page. */
struct counters {
    uint8_t *byte[ROWS];
    unsigned shift[ROWS]; /* the lowest bit in the byte */
    int count[ROWS], least;
};

struct w_tinylfu {
    struct vm_links *link; /* [nframes + NPLACES]: list p's head is nframes + p */
    uint64_t *hash;        /* [nframes + NPLACES] of the frame's page; a head's is 0 */
    uint8_t *place;        /* [nframes] enum place */
    struct sketch_block *block;
    uint64_t block_mask;
    uint64_t sample, left; /* touches between halvings at first; until the next */
    uint32_t nframes, n[NPLACES], share[NPLACES];
    bool update_all, jitter;
    struct vm_random random;
};

static uint64_t nblocks(const struct vm_policy_env *env)
{
    uint64_t n = 1, counters = vm_params_count(env->params, "counters") * env->capacity;
    while (n * ROWS * 32 < counters)
        n *= 2;
    return n;
}

static size_t layout(struct w_tinylfu *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (env->nframes + (size_t)NPLACES) * sizeof *s->link);
    s->hash = block_take(&b, (env->nframes + (size_t)NPLACES) * sizeof *s->hash);
    s->place = block_take(&b, env->nframes * sizeof *s->place);
    s->block = block_take(&b, nblocks(env) * sizeof *s->block);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct w_tinylfu){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct w_tinylfu *s = state;
    const struct vm_params *params = env->params;
    layout(s, (uintptr_t)state, env);
    s->nframes = env->nframes;
    s->block_mask = nblocks(env) - 1;
    s->sample = s->left = vm_params_count(params, "sample") * env->capacity;
    s->share[WINDOW] = part_share(env->capacity, vm_params_real(params, "window"), 1);
    s->share[PROTECTED] =
        part_share(env->capacity - s->share[WINDOW], vm_params_real(params, "protected"), 0);
    s->update_all = vm_params_count(params, "update");
    s->jitter = vm_params_count(params, "admit");
    vm_random_seed(&s->random, env->seed);
    for (enum place p = WINDOW; p < NPLACES; p++)
        vm_links_head(s->link, s->nframes + p);
}

/* ---- the sketch ---- */

static inline uint64_t hash_of(uint64_t page)
{
    return vm_mix64(page + UINT64_C(0x9e3779b97f4a7c15));
}

static inline struct sketch_block *block_of(const struct w_tinylfu *s, uint64_t hash)
{
    return &s->block[hash & s->block_mask];
}

static inline int lesser(int a, int b)
{
    return a < b ? a : b;
}

/* Read the counters of a page. */
static inline struct counters counters_of(const struct w_tinylfu *s, uint64_t hash)
{
    struct counters c = {.least = COUNTER_MAX};
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned i = (unsigned)(hash >> (40 + 5 * row));
        c.byte[row] = &block_of(s, hash)->byte[row][i / 2 % 16];
        c.shift[row] = i % 2 * 4;
        c.count[row] = *c.byte[row] >> c.shift[row] & COUNTER_MAX;
        c.least = lesser(c.least, c.count[row]);
    }
    return c;
}

static inline int estimate(const struct w_tinylfu *s, uint64_t hash)
{
    return counters_of(s, hash).least;
}

/* With `least`, `times` touches each raise those counters that are the least: after all of them
 * none is below the sum. Which ones rise is chance, and so not branched on. */
static inline void raise_least(const struct counters *c, int times)
{
    int least = lesser(c->least + times, COUNTER_MAX);
    for (unsigned row = 0; row < ROWS; row++) {
        int rise = least - c->count[row];
        *c->byte[row] = (uint8_t)(*c->byte[row] + ((rise & ~(rise >> 31)) << c->shift[row]));
    }
}

static inline void raise_all(const struct counters *c, int times)
{
    for (unsigned row = 0; row < ROWS; row++) {
        int rise = lesser(times, COUNTER_MAX - c->count[row]);
        *c->byte[row] = (uint8_t)(*c->byte[row] + (rise << c->shift[row]));
    }
}

/* `times` touches of a page, between which nothing is halved. */
static inline void count(struct w_tinylfu *s, uint64_t hash, uint64_t times)
{
    struct counters c = counters_of(s, hash);
    int enough = times < COUNTER_MAX ? (int)times : COUNTER_MAX;
    if (s->update_all)
        raise_all(&c, enough);
    else
        raise_least(&c, enough);
    s->left -= times;
}

static inline void halve(struct w_tinylfu *s)
{
    for (uint64_t b = 0; b <= s->block_mask; b++)
        for (unsigned i = 0; i < 2 * ROWS; i++)
            s->block[b].word[i] = s->block[b].word[i] >> 1 & UINT64_C(0x7777777777777777);
    s->left = s->sample - s->sample / 2;
}

static __attribute__((noinline)) void count_and_halve(struct w_tinylfu *s, uint64_t hash,
                                                      uint64_t times)
{
    while (times >= s->left) {
        times -= s->left;
        count(s, hash, s->left);
        halve(s);
    }
    count(s, hash, times);
}

static inline void sketch_add(struct w_tinylfu *s, uint64_t hash, uint64_t times)
{
    if (__builtin_expect(times < s->left, 1))
        count(s, hash, times);
    else
        count_and_halve(s, hash, times);
}

/* ---- the lists ---- */

static inline vm_pfn last_of(const struct w_tinylfu *s, enum place place)
{
    return s->link[s->nframes + place].prev;
}

static inline void enter(struct w_tinylfu *s, vm_pfn frame, enum place place)
{
    vm_links_push_first(s->link, s->nframes + place, frame);
    s->place[frame] = (uint8_t)place;
    s->n[place]++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct w_tinylfu *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame] != OUT);
    vm_links_remove(s->link, frame);
    s->n[s->place[frame]]--;
    s->place[frame] = OUT;
}

static inline void move(struct w_tinylfu *s, vm_pfn frame, enum place place)
{
    remove_frame(s, frame);
    enter(s, frame, place);
}

/* The frame becomes the first of the list that it is on. */
static inline void renew(struct w_tinylfu *s, vm_pfn frame, enum place place)
{
    vm_links_remove(s->link, frame);
    vm_links_push_first(s->link, s->nframes + place, frame);
}

/* What a list has above its share goes to probation. */
static inline void shed(struct w_tinylfu *s, enum place place)
{
    if (s->n[place] > s->share[place])
        move(s, last_of(s, place), PROBATION);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct w_tinylfu *s = state;
    VM_EXPECT(frame < s->nframes && s->place[frame] == OUT);
    s->hash[frame] = hash_of(page);
    enter(s, frame, WINDOW);
    shed(s, WINDOW);
    sketch_add(s, s->hash[frame], 1);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct w_tinylfu *s = state;
    enum place place = s->place[frame];
    VM_EXPECT(frame < s->nframes && place != OUT);
    sketch_add(s, s->hash[frame], times);
    if (place != PROBATION) {
        renew(s, frame, place);
        return;
    }
    move(s, frame, PROTECTED);
    shed(s, PROTECTED);
}

static inline bool admitted(struct w_tinylfu *s, vm_pfn candidate, vm_pfn victim)
{
    int often = estimate(s, s->hash[candidate]);
    if (often > estimate(s, s->hash[victim]))
        return true;
    return s->jitter && often >= HOT_ENOUGH && vm_random_below(&s->random, CHANCES) == 0;
}

/* A list's last will be asked for at the next miss, the one before it soon after. */
VM_PREFETCHER void foresee_last(const struct w_tinylfu *s, enum place place)
{
    vm_pfn last = last_of(s, place), before = s->link[last].prev;
    __builtin_prefetch(block_of(s, s->hash[last]), 0);
    __builtin_prefetch(&s->hash[before], 0);
    __builtin_prefetch(&s->link[before], 0);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct w_tinylfu *s = state;
    bool main_empty = s->n[PROBATION] + s->n[PROTECTED] == 0;
    vm_pfn frame = last_of(s, s->n[PROBATION] ? PROBATION : PROTECTED);
    if (s->n[WINDOW] >= s->share[WINDOW] || main_empty) {
        vm_pfn candidate = last_of(s, WINDOW);
        VM_ASSERT(candidate < s->nframes);
        if (main_empty || !admitted(s, candidate, frame))
            frame = candidate;
        else
            move(s, candidate, PROBATION);
    }
    remove_frame(s, frame);
    foresee_last(s, WINDOW);
    foresee_last(s, PROBATION);
    return frame;
}

static uint32_t count_list(const struct w_tinylfu *s, enum place place)
{
    uint32_t n = 0, head = s->nframes + place, prev = head;
    for (uint32_t f = s->link[head].next; f != head; prev = f, f = s->link[f].next) {
        VM_ASSERT(f < s->nframes && s->link[f].prev == prev && s->place[f] == place);
        VM_ASSERT(n++ < s->n[place]);
    }
    VM_ASSERT(s->link[head].prev == prev);
    return n;
}

static void check(const void *state)
{
    const struct w_tinylfu *s = state;
    uint32_t in = 0;
    for (enum place p = WINDOW; p < NPLACES; p++) {
        VM_ASSERT(count_list(s, p) == s->n[p]);
        in += s->n[p];
    }
    for (uint32_t f = 0; f < s->nframes; f++)
        in -= s->place[f] != OUT;
    VM_ASSERT(in == 0 && s->left && s->left <= s->sample);
    VM_ASSERT(s->n[WINDOW] <= s->share[WINDOW] && s->n[PROTECTED] <= s->share[PROTECTED]);
}

static const struct vm_param param[] = {
    {"window", VM_PARAM_REAL, "1", 0, 100, NULL, "percent of memory for newcomers"},
    {"protected", VM_PARAM_REAL, "80", 0, 100, NULL, "percent of the rest for pages touched again"},
    {"sample", VM_PARAM_COUNT, "10", 1, 1e6, NULL, "touches until counts are halved, in memories"},
    {"counters", VM_PARAM_COUNT, "16", 1, 1024, NULL, "of the sketch for each frame"},
    {"update", VM_PARAM_WORD, "least", 0, 0, "least|all", "counters that a touch raises"},
    {"admit", VM_PARAM_WORD, "strict", 0, 0, "strict|jitter", "who may enter the main part"},
};

VM_PREFETCHER void foresee(const void *state, uint64_t page, uint32_t entry)
{
    const struct w_tinylfu *s = state;
    __builtin_prefetch(block_of(s, hash_of(page)), 1);
    if (entry) {
        __builtin_prefetch(&s->link[entry - 1], 1);
        __builtin_prefetch(&s->hash[entry - 1], 0);
    }
}

const struct vm_policy_ops vm_policy_w_tinylfu = {
    .name = "w-tinylfu",
    .summary = "of a newcomer and the oldest page the one counted less often leaves",
    .touch_kind = VM_TOUCH_EACH,
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

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_FORESEE foresee
#include "policy/replay_template.inc.h"
