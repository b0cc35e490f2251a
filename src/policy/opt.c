/* opt.c - the optimum: the frame whose next touch is farthest in the future leaves.
 *
 * No policy has fewer misses (Belady, "A study of replacement algorithms for a virtual-storage
 * computer", IBM Systems Journal 5(2) 1966; a stack algorithm: Mattson et al., 9(2) 1970). The page
 * asked for must come in, even if it is needed later than all others: bypassing is not for page
 * faults. Among frames that are never needed again the lowest leaves.
 *
 * The idea: each touch gives its frame a new key, the number of the next touch of the same page
 * (policy/future.h computes them), but few frames are ever the farthest. Only those with a key from
 * a horizon on are in a heap; most touches lie nearer and store a key, no more. When time reaches
 * the horizon, or the heap is used up, a new one is set that has a quarter of the frames beyond.
 *
 *     now          horizon                        never
 *      |  keys only   |      keys, in the heap      |
 *
 * That costs a pass over the keys, which is little: with a quarter of the frames beyond the
 * horizon, to use up the heap takes that many misses; and to reach the horizon, 2^p - 1 touches
 * away, takes 3/8 of a touch a frame at least, for three quarters of the frames have different keys
 * nearer than 2^(p+1). (Reaching it must set a new one for speed alone: from then on each touch
 * would leave an entry behind, and the heap would soon be full of them.)
 *
 * Invariants
 *  1. key[frame] is 0 for a frame that is not in, else the number of its next touch, >= now. In a
 *     machine it may be a touch that went to another frame: of a page that a fork gave to two
 *     spaces, and that both brought back on their own after it was dropped. What such a frame is
 *     needed for is not known; at the next horizon it is taken for never.
 *  2. A frame that is in with key[frame] >= horizon has an entry of that key in the heap. Entries
 *     with another key are of frames that were removed, or touched at the horizon itself; they are
 *     passed over.
 */
#include "base/bits.h"
#include "policy/part.h"

/* key << 32 | ~frame: the greatest is the farthest, the lowest frame among equals. */
typedef uint64_t far_entry;

struct opt {
    uint32_t *key;   /* [nframes] */
    far_entry *heap; /* [HEAP_SLOTS(nframes)] */
    size_t end;      /* of the heap's used slots */
    uint64_t now;    /* touches so far: the number of the next */
    uint64_t horizon;
    uint32_t nframes;
    struct vm_future *future;
};

#define HEAP_OWNER         struct opt
#define HEAP_ENTRY         far_entry
#define HEAP_BEFORE(a, b)  ((a) > (b))
#define HEAP_PLACED(s, at) ((void)0)
#include "policy/heap.inc.h"

static size_t layout(struct opt *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->key = block_take(&b, nframes * sizeof *s->key);
    s->heap = block_take(&b, HEAP_SLOTS(nframes) * sizeof *s->heap);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct opt){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct opt *s = state;
    VM_ASSERT(env->future);
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    s->future = env->future;
    s->horizon = VM_NEVER;
    s->end = HEAP_ROOT;
}

/* The horizon with a quarter of the frames beyond, or the next nearer one at a power of two. */
static uint64_t choose_horizon(struct opt *s)
{
    uint32_t ahead[64] = {0}, nin = 0, beyond = 0; /* ahead[p]: frames 2^p - 1 and more ahead */
    for (vm_pfn f = 0; f < s->nframes; f++) {
        if (s->key[f] == 0)
            continue;
        if (s->key[f] < s->now)
            s->key[f] = VM_NEVER;
        ahead[vm_log2(s->key[f] - s->now + 1)]++;
        nin++;
    }
    if (nin == 0)
        return VM_NEVER;
    for (unsigned p = 64; p-- > 0;) {
        beyond += ahead[p];
        if (beyond >= nin / 4 && beyond)
            return s->now + (UINT64_C(1) << p) - 1;
    }
    VM_ASSERT(!"some frame is ahead");
    return VM_NEVER;
}

static __attribute__((noinline)) void set_horizon(struct opt *s)
{
    s->horizon = choose_horizon(s);
    s->end = HEAP_ROOT;
    for (vm_pfn f = 0; f < s->nframes; f++)
        if (s->key[f] && s->key[f] >= s->horizon)
            s->heap[s->end++] = (far_entry)s->key[f] << 32 | (uint32_t)~f;
    if (s->end > HEAP_ROOT + 1)
        for (size_t at = HEAP_PARENT(s->end - 1); at >= HEAP_ROOT; at--)
            heap_sink(s, at, s->heap[at]);
}

static inline void set_key(struct opt *s, vm_pfn frame)
{
    if (__builtin_expect(s->now >= s->horizon, 0))
        set_horizon(s);
    uint32_t key = vm_future_take(s->future);
    s->now++;
    s->key[frame] = key;
    if (key < s->horizon)
        return;
    if (__builtin_expect(s->end == HEAP_SLOTS(s->nframes), 0)) {
        set_horizon(s); /* which enters this key */
        return;
    }
    heap_rise(s, s->end++, (far_entry)key << 32 | (uint32_t)~frame);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct opt *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->key[frame] == 0);
    set_key(s, frame);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct opt *s = state;
    (void)times;
    VM_EXPECT(frame < s->nframes && s->key[frame]);
    set_key(s, frame);
}

static void remove_frame(void *state, vm_pfn frame)
{
    struct opt *s = state;
    VM_EXPECT(frame < s->nframes && s->key[frame]);
    s->key[frame] = 0;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct opt *s = state;
    for (;;) {
        if (__builtin_expect(s->end == HEAP_ROOT, 0))
            set_horizon(s);
        VM_ASSERT(s->end > HEAP_ROOT);
        far_entry farthest = s->heap[HEAP_ROOT];
        if (--s->end > HEAP_ROOT)
            heap_sink(s, HEAP_ROOT, s->heap[s->end]);
        vm_pfn frame = (vm_pfn)~farthest;
        if (s->key[frame] == farthest >> 32) {
            s->key[frame] = 0;
            return frame;
        }
    }
}

static void check(const void *state)
{
    const struct opt *s = state;
    uint32_t beyond = 0;
    heap_check(s);
    VM_ASSERT(s->end <= HEAP_SLOTS(s->nframes));
    for (vm_pfn f = 0; f < s->nframes; f++)
        beyond += s->key[f] && s->key[f] >= s->horizon;
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = (vm_pfn)~s->heap[at];
        VM_ASSERT(frame < s->nframes);
        beyond -= s->key[frame] == s->heap[at] >> 32 && beyond > 0;
    }
    VM_ASSERT(beyond == 0);
}

const struct vm_policy_ops vm_policy_opt = {
    .name = "opt",
    .summary = "the page needed farthest in the future leaves (it reads the future)",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_NEEDED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_FARTHEST,
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

#define REPLAY_KIND   VM_TOUCH_ORDER
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_frame
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
