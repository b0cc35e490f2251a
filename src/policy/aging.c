/* aging.c - not frequently used, with aging: the frame with the lowest counter leaves.
 *
 * At every tick each frame's counter is shifted right by one and its referenced bit, which is
 * cleared, enters from the left; so a counter is the history of its last `bits` ticks, the nearest
 * weighing most. The lowest counter leaves, among equals the lowest frame. A newcomer's counter is
 * 0 until the next tick: it has no history, and so it leaves before any page that was used in the
 * last `bits` ticks. Tanenbaum & Bos, "Modern Operating Systems", 4th ed., section 3.4.7.
 *
 * The idea: counters change only at ticks, so each tick sorts the frames, stably, a byte of the
 * counter at a time; between ticks the victim is the next in that order, or the lowest newcomer
 * since, whichever is lower by (counter, frame).
 *
 * Invariants
 *  1. order[next..nsorted) has every frame with where == SORTED, once, in the order of (counter,
 *     frame); entries of frames that have left or come anew are passed over.
 *  2. newcomers are the frames with where == NEW; their counters are 0.
 */
#include "policy/part.h"

enum aging_where { OUT, NEW, SORTED };

struct aging {
    struct vm_bitset newcomers;
    uint16_t *counter;   /* [nframes] */
    uint8_t *where;      /* [nframes] enum aging_where */
    vm_pfn *order, *was; /* [nframes]; was: the order before the last pass of sorting */
    uint8_t *bits;       /* the host's */
    uint32_t nframes, nin, nsorted, next;
    unsigned counter_bits;
    uint64_t tick; /* touches from one to the next */
};

static size_t layout(struct aging *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    block_take_set(&b, nframes, &s->newcomers);
    s->counter = block_take(&b, nframes * sizeof *s->counter);
    s->where = block_take(&b, nframes * sizeof *s->where);
    s->order = block_take(&b, nframes * sizeof *s->order);
    s->was = block_take(&b, nframes * sizeof *s->was);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct aging){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct aging *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->bits = env->bits;
    s->nframes = env->nframes;
    s->tick = tick_by_param(env);
    s->counter_bits = (unsigned)vm_params_count(env->params, "bits");
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct aging *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->where[frame] == OUT);
    s->counter[frame] = 0;
    s->where[frame] = NEW;
    vm_bitset_add(&s->newcomers, frame);
    s->nin++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct aging *s = state;
    VM_EXPECT(frame < s->nframes && s->where[frame] != OUT);
    if (s->where[frame] == NEW)
        vm_bitset_drop(&s->newcomers, frame);
    s->where[frame] = OUT;
    s->nin--;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct aging *s = state;
    VM_ASSERT(s->nin);
    while (s->next < s->nsorted && s->where[s->order[s->next]] != SORTED)
        s->next++;
    vm_pfn frame = vm_bitset_next(&s->newcomers, 0);
    if (s->next < s->nsorted) {
        vm_pfn sorted = s->order[s->next];
        if (frame == VM_NOFRAME || (s->counter[sorted] == 0 && sorted < frame))
            frame = sorted;
    }
    remove_frame(s, frame);
    return frame;
}

/* order[] becomes the frames that are in, by number; each is SORTED. */
static void collect(struct aging *s)
{
    uint32_t n = 0;
    for (vm_pfn f = 0; f < s->nframes; f++) {
        if (s->where[f] == NEW)
            vm_bitset_drop(&s->newcomers, f);
        if (s->where[f] != OUT)
            s->where[f] = SORTED;
        s->order[n] = f;
        n += s->where[f] != OUT;
    }
    s->nsorted = n;
    s->next = 0;
}

/* One stable pass of counting: order[] by the counters' byte at `shift`. */
static void sort_byte(struct aging *s, unsigned shift)
{
    uint32_t start[256 + 1] = {0};
    vm_pfn *was = s->order;
    s->order = s->was;
    s->was = was;
    for (uint32_t i = 0; i < s->nsorted; i++)
        start[(s->counter[was[i]] >> shift & 255) + 1]++;
    for (unsigned k = 1; k < 256; k++)
        start[k] += start[k - 1];
    for (uint32_t i = 0; i < s->nsorted; i++)
        s->order[start[s->counter[was[i]] >> shift & 255]++] = was[i];
}

static uint64_t tick(void *state)
{
    struct aging *s = state;
    unsigned top = s->counter_bits - 1;
    for (vm_pfn f = 0; f < s->nframes; f++) {
        unsigned referenced = s->bits[f] & VM_FRAME_REFERENCED;
        s->counter[f] = (uint16_t)(s->counter[f] >> 1 | referenced << top);
        if (s->where[f] != OUT)
            s->bits[f] &= (uint8_t)~VM_FRAME_REFERENCED;
    }
    collect(s);
    for (unsigned shift = 0; shift < s->counter_bits; shift += 8)
        sort_byte(s, shift);
    return s->tick;
}
_Static_assert(VM_FRAME_REFERENCED == 1, "it is shifted to the counter's top");

static void check(const void *state)
{
    const struct aging *s = state;
    uint32_t nin = 0, nsorted = 0;
    for (vm_pfn f = 0; f < s->nframes; f++) {
        nin += s->where[f] != OUT;
        nsorted += s->where[f] == SORTED;
        VM_ASSERT(vm_bitset_has(&s->newcomers, f) == (s->where[f] == NEW));
        VM_ASSERT(s->where[f] != NEW || s->counter[f] == 0);
    }
    VM_ASSERT(nin == s->nin);
    const vm_pfn *before = NULL;
    for (const vm_pfn *at = s->order + s->next; at < s->order + s->nsorted; at++) {
        if (s->where[*at] != SORTED)
            continue;
        VM_ASSERT(!before || s->counter[*before] < s->counter[*at] ||
                  (s->counter[*before] == s->counter[*at] && *before < *at));
        before = at;
        nsorted--;
    }
    VM_ASSERT(nsorted == 0);
    vm_bitset_check(&s->newcomers);
}

static const struct vm_param param[] = {
    {"bits", VM_PARAM_COUNT, "8", 1, 16, NULL, "ticks that a counter remembers"},
    PART_TICK_PARAM,
};

const struct vm_policy_ops vm_policy_aging = {
    .name = "aging",
    .summary = "the page with the oldest, thinnest history of references leaves",
    .touch_kind = VM_TOUCH_REFBIT,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_AGES,
    .tick_first = tick_by_param,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    .tick = tick,
    PART_VICTIMS_ALONE,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND   VM_TOUCH_REFBIT
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick
#include "policy/replay_template.inc.h"
