/* fifo.c - first in, first out: the frame that came longest ago leaves.
 *
 * Touches change nothing, and so more frames can mean more faults: Belady, Nelson & Shedler, "An
 * anomaly in space-time characteristics of certain programs running in a paging machine", CACM
 * 12(6) 1969.
 *
 * Invariants
 *  1. The list from `queue` holds the frames that are in, in the order of their coming.
 *  2. A frame that is not in has next == VM_NOFRAME, or was never seen.
 */
#include "base/links.h"
#include "policy/part.h"

struct fifo {
    struct vm_links *link; /* [nframes + 1], the last is the list's head */
    uint32_t nframes, nin;
    uint32_t seen; /* frames below have come at some time: the others' links are as zeroed */
};

static size_t layout(struct fifo *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->link = block_take(&b, (nframes + (size_t)1) * sizeof *s->link);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct fifo){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct fifo *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->nframes = env->nframes;
    vm_links_head(s->link, s->nframes);
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct fifo *s = state;
    (void)page;
    while (s->seen <= frame)
        s->link[s->seen++].next = VM_NOFRAME;
    VM_EXPECT(frame < s->nframes && s->link[frame].next == VM_NOFRAME);
    vm_links_push_last(s->link, s->nframes, frame);
    s->nin++;
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct fifo *s = state;
    VM_EXPECT(frame < s->seen && s->link[frame].next != VM_NOFRAME);
    vm_links_remove(s->link, frame);
    s->link[frame].next = VM_NOFRAME;
    s->nin--;
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    (void)incoming;
    struct fifo *s = state;
    VM_ASSERT(s->nin);
    vm_pfn frame = s->link[s->nframes].next;
    remove_frame(s, frame);
    return frame;
}

static void check(const void *state)
{
    const struct fifo *s = state;
    uint32_t n = 0, prev = s->nframes;
    for (uint32_t f = s->link[prev].next; f != s->nframes; prev = f, f = s->link[f].next) {
        VM_ASSERT(f < s->nframes && s->link[f].prev == prev && n < s->nin);
        n++;
    }
    VM_ASSERT(n == s->nin && s->link[s->nframes].prev == prev);
    VM_ASSERT(s->seen <= s->nframes);
    for (uint32_t f = 0; f < s->seen; f++)
        n += s->link[f].next == VM_NOFRAME;
    VM_ASSERT(n == s->seen);
}

const struct vm_policy_ops vm_policy_fifo = {
    .name = "fifo",
    .summary = "the page that was loaded longest ago leaves",
    .touch_kind = VM_TOUCH_NONE,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_OLDEST,
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

#define REPLAY_KIND   VM_TOUCH_NONE
#define REPLAY_INSERT insert
#define REPLAY_VICTIM victim
#define REPLAY_TOUCH  touch_nothing
#define REPLAY_TICK   tick_nothing
#include "policy/replay_template.inc.h"
