/* unopt.c - the worst: the frame whose next touch is nearest in the future leaves.
 *
 * What `opt` is measured against from the other side. No policy that evicts only when memory is
 * full, and one page then, misses more, by the exchange argument that proves opt, turned over: let
 * some policy evict y where x is needed sooner, and let another evict x and do as the first
 * otherwise. At the touch of x, if the first still has it, the other misses, evicts y, and from
 * then on both hold the same; before it neither y nor x is touched. So the other misses no less.
 * (A policy that gives frames up unasked may miss more: it can hold fewer.) Proved again on small
 * worlds by trying every choice: tests/laws/policy.c.
 *
 * As with opt a page that is asked for must come in, and among frames that are never needed again,
 * which leave last, the lowest goes first.
 *
 * The idea: touches only ever raise a frame's key, the number of the next touch of its page
 * (policy/future.h), so the heap may lag behind: a touch stores the key, no more. Only an entry
 * that gets to the root is compared with the truth, and sinks if it has risen.
 *
 * Invariants
 *  1. key[frame] is the number of the frame's next touch, VM_NEVER, or, in a machine where a fork
 *     gave one page to two spaces that brought it back apart, a past one: then what the frame is
 *     needed for is not known, and once that shows it is taken for never.
 *  2. slot[frame] is the heap's slot of the frame, or 0 if it is not in. An entry's key is not
 *     above its frame's.
 */
#include "policy/part.h"

/* key << 32 | frame: the least is the nearest, the lowest frame among equals. */
typedef uint64_t near_entry;

struct unopt {
    uint32_t *key;    /* [nframes] */
    uint32_t *slot;   /* [nframes] */
    near_entry *heap; /* [HEAP_SLOTS(nframes)] */
    size_t end;       /* of the heap's used slots */
    uint64_t now;     /* touches so far: the number of the next */
    uint32_t nframes;
    struct vm_future *future;
};

#define HEAP_OWNER         struct unopt
#define HEAP_ENTRY         near_entry
#define HEAP_BEFORE(a, b)  ((a) < (b))
#define HEAP_PLACED(s, at) ((s)->slot[(vm_pfn)(s)->heap[at]] = (uint32_t)(at))
#include "policy/heap.inc.h"

static size_t layout(struct unopt *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->key = block_take(&b, nframes * sizeof *s->key);
    s->slot = block_take(&b, nframes * sizeof *s->slot);
    s->heap = block_take(&b, HEAP_SLOTS(nframes) * sizeof *s->heap);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct unopt){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct unopt *s = state;
    VM_ASSERT(env->future && env->nframes <= UINT32_MAX - HEAP_ROOT);
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    s->future = env->future;
    s->end = HEAP_ROOT;
}

static near_entry entry_of(const struct unopt *s, vm_pfn frame)
{
    return (near_entry)s->key[frame] << 32 | frame;
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct unopt *s = state;
    (void)times;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    s->key[frame] = vm_future_take(s->future);
    s->now++;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct unopt *s = state;
    (void)page;
    VM_EXPECT(frame < s->nframes && s->slot[frame] == 0);
    s->key[frame] = vm_future_take(s->future);
    s->now++;
    heap_rise(s, s->end++, entry_of(s, frame));
}

static void remove_frame(void *state, vm_pfn frame)
{
    struct unopt *s = state;
    VM_EXPECT(frame < s->nframes && s->slot[frame]);
    heap_close(s, s->slot[frame]);
    s->slot[frame] = 0;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct unopt *s = state;
    (void)incoming;
    VM_ASSERT(s->end > HEAP_ROOT);
    for (;;) {
        vm_pfn frame = (vm_pfn)s->heap[HEAP_ROOT];
        if (s->key[frame] < s->now)
            s->key[frame] = VM_NEVER;
        if (s->heap[HEAP_ROOT] == entry_of(s, frame)) {
            remove_frame(s, frame);
            return frame;
        }
        heap_sink(s, HEAP_ROOT, entry_of(s, frame));
    }
}

static void check(const void *state)
{
    const struct unopt *s = state;
    size_t n = s->end - HEAP_ROOT;
    heap_check(s);
    VM_ASSERT(s->end <= HEAP_SLOTS(s->nframes));
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = (vm_pfn)s->heap[at];
        VM_ASSERT(frame < s->nframes && s->slot[frame] == at);
        VM_ASSERT(s->heap[at] <= entry_of(s, frame));
    }
    for (vm_pfn f = 0; f < s->nframes; f++)
        n -= s->slot[f] != 0;
    VM_ASSERT(n == 0);
}

const struct vm_policy_ops vm_policy_unopt = {
    .name = "unopt",
    .summary = "the page needed soonest leaves: the worst (it reads the future)",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_NEEDED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_NEAREST,
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
