/* recency.h - frames in the order of their last touch, at one random store a touch: the state of
 * lru and mru, which take from its two ends, and one of lecar's two orders.
 *
 * A log: every touch appends its frame and notes in at[frame] where. Only a frame's last entry
 * counts; entries that a later one has overtaken are passed over when an end is asked for, and
 * squeezed out when the log is full.
 *
 *     log   . . . 7 3 3 9 7 4 9 .      order 3 7 4 9, oldest first
 *           tail^     |   | | |  ^head
 *              at[3]--+   7 4 9
 *
 * A doubly linked list keeps the same order, but moving a frame to its end writes five links on
 * four cache lines; this writes one besides the log, which is written front to back.
 *
 * Invariants
 *  1. A frame is in iff it was seen and at[frame] is not RECENCY_OUT; then log[at[frame]] == frame
 *     and tail <= at[frame] < head.
 *  2. The log has room for LOG_TURNS entries for each frame seen, so that a touch pays at most for
 *     squeezing 1 / (LOG_TURNS - 1) of a frame, and memory that nobody uses costs nothing.
 *  3. counts is zero between squeezes.
 */
#ifndef POLICY_RECENCY_H
#define POLICY_RECENCY_H

#include "policy/part.h"

#define RECENCY_OUT UINT32_MAX
#define LOG_TURNS   4

struct recency {
    uint32_t *log;    /* [room] */
    uint32_t *at;     /* [nframes] */
    uint64_t *counts; /* [room] bits: whether the entry is its frame's last */
    uint32_t tail, head, room;
    uint32_t nframes;
    uint32_t seen; /* frames below have come at some time */
};

static size_t recency_layout(struct recency *r, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *r);
    r->log = block_take(&b, LOG_TURNS * (size_t)nframes * sizeof *r->log);
    r->at = block_take(&b, nframes * sizeof *r->at);
    r->counts = block_take(&b, (LOG_TURNS * (size_t)nframes / 64 + 1) * sizeof *r->counts);
    return b.used;
}

static size_t recency_size(const struct vm_policy_env *env)
{
    return recency_layout(&(struct recency){0}, 0, env->nframes);
}

static void recency_init(void *state, const struct vm_policy_env *env)
{
    struct recency *r = state;
    VM_ASSERT(env->nframes && env->nframes <= UINT32_MAX / LOG_TURNS);
    recency_layout(r, (uintptr_t)state, env->nframes);
    r->nframes = env->nframes;
}

static inline bool recency_has(const struct recency *r, vm_pfn frame)
{
    return frame < r->seen && r->at[frame] != RECENCY_OUT;
}

/* Move the entries that count to the log's beginning. Which ones do is first marked in bits, at the
 * price of the frames; asking each entry would cost a random load for every touch. */
static __attribute__((noinline)) void recency_squeeze(struct recency *r)
{
    uint32_t to = 0;
    for (vm_pfn f = 0; f < r->seen; f++)
        if (r->at[f] != RECENCY_OUT)
            r->counts[r->at[f] / 64] |= UINT64_C(1) << r->at[f] % 64;
    for (uint32_t i = r->tail / 64 * 64; i < r->head; i += 64) {
        for (uint64_t word = r->counts[i / 64]; word; word &= word - 1) {
            vm_pfn frame = r->log[i + (uint32_t)__builtin_ctzll(word)];
            r->log[to] = frame;
            r->at[frame] = to++;
        }
        r->counts[i / 64] = 0;
    }
    r->tail = 0;
    r->head = to;
}

/* The frame becomes the newest; once or `times` times on end is the same. */
static inline void recency_touch(void *state, vm_pfn frame, uint32_t times)
{
    struct recency *r = state;
    (void)times;
    if (__builtin_expect(r->head == r->room, 0))
        recency_squeeze(r);
    r->log[r->head] = frame;
    r->at[frame] = r->head++;
}

static inline void recency_insert(void *state, vm_pfn frame, uint64_t page)
{
    struct recency *r = state;
    (void)page;
    VM_EXPECT(frame < r->nframes && !recency_has(r, frame));
    while (r->seen <= frame)
        r->at[r->seen++] = RECENCY_OUT;
    r->room = LOG_TURNS * r->seen;
    recency_touch(state, frame, 1);
}

static inline void recency_remove(void *state, vm_pfn frame)
{
    struct recency *r = state;
    VM_EXPECT(recency_has(r, frame));
    r->at[frame] = RECENCY_OUT;
}

/* The oldest, which stays. */
static inline vm_pfn recency_oldest(struct recency *r)
{
    for (;; r->tail++) {
        VM_ASSERT(r->tail < r->head);
        vm_pfn frame = r->log[r->tail];
        if (r->at[frame] == r->tail)
            return frame;
    }
}

static inline vm_pfn recency_take_oldest(struct recency *r)
{
    vm_pfn frame = recency_oldest(r);
    r->tail++;
    recency_remove(r, frame);
    return frame;
}

static inline vm_pfn recency_take_newest(struct recency *r)
{
    for (;;) {
        VM_ASSERT(r->tail < r->head);
        vm_pfn frame = r->log[--r->head];
        if (r->at[frame] == r->head) {
            recency_remove(r, frame);
            return frame;
        }
    }
}

static void recency_check(const void *state)
{
    const struct recency *r = state;
    VM_ASSERT(r->tail <= r->head && r->head <= r->room && r->seen <= r->nframes);
    for (uint32_t f = 0; f < r->seen; f++) {
        uint32_t at = r->at[f];
        VM_ASSERT(at == RECENCY_OUT || (at >= r->tail && at < r->head && r->log[at] == f));
    }
    for (uint32_t i = r->tail; i < r->head; i++)
        VM_ASSERT(r->log[i] < r->nframes);
    for (uint32_t i = 0; i <= r->room / 64; i++)
        VM_ASSERT(r->counts[i] == 0);
}

#endif
