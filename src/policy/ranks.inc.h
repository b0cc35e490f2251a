/* ranks.inc.h - frames by a rank that touches only raise: a queue, and a heap that lags behind.
 *
 * A touch writes the frame's rank and no more. Newcomers stand in a queue, whose order is that of
 * their ranks as long as they are not touched; one that is found touched at the front goes on into
 * a heap. The heap keeps the rank that the frame had when its entry was last looked at, which is a
 * lower bound; only an entry that gets to the root is compared with the truth, and sinks if it has
 * risen. So a touch costs one random store, most victims come off the queue, and the heap is for
 * the others.
 *
 * The includer defines, besides what heap.inc.h wants (HEAP_PLACED is defined here),
 *     RANKS_ENTRY(s, frame)      the heap's entry of the frame as it would be now; it has a `frame`
 *     RANKS_UNTOUCHED(s, frame)  whether it ranks as an untouched newcomer does. The later of two
 *                                such ranks higher
 * and its HEAP_OWNER has, besides the heap, slot[nframes], all 0, and link[nframes + 1] of the
 * queue, the last its head; `nframes`.
 *
 * Invariants
 *  1. slot[f] is the heap's slot of frame f, RANKS_WAITING if it is in the queue, else 0.
 *  2. No entry of the heap comes after its frame's RANKS_ENTRY.
 */
#include "base/links.h"

#define HEAP_PLACED(s, at) ((s)->slot[(s)->heap[at].frame] = (uint32_t)(at))
#include "policy/heap.inc.h"

#define RANKS_WAITING 1 /* below HEAP_ROOT */

static inline void ranks_init(HEAP_OWNER *s)
{
    VM_ASSERT(s->nframes <= UINT32_MAX - HEAP_ROOT);
    s->end = HEAP_ROOT;
    vm_links_head(s->link, s->nframes);
}

static inline void ranks_enter(HEAP_OWNER *s, vm_pfn frame)
{
    s->slot[frame] = RANKS_WAITING;
    vm_links_push_last(s->link, s->nframes, frame);
}

static inline void ranks_leave(HEAP_OWNER *s, vm_pfn frame)
{
    size_t slot = s->slot[frame];
    s->slot[frame] = 0;
    if (slot == RANKS_WAITING)
        vm_links_remove(s->link, frame);
    else
        heap_close(s, slot);
}

/* The first of the queue that is untouched, or nframes; the touched before it go to the heap. */
static inline vm_pfn ranks_first_waiting(HEAP_OWNER *s)
{
    vm_pfn frame;
    while ((frame = s->link[s->nframes].next) != s->nframes && !RANKS_UNTOUCHED(s, frame)) {
        vm_links_remove(s->link, frame);
        heap_rise(s, s->end++, RANKS_ENTRY(s, frame));
    }
    return frame;
}

static inline bool ranks_waits_before_root(const HEAP_OWNER *s, vm_pfn waiting)
{
    if (waiting == s->nframes)
        return false;
    HEAP_ENTRY entry = RANKS_ENTRY(s, waiting);
    return HEAP_BEFORE(entry, s->heap[HEAP_ROOT]);
}

/* The frame of the lowest rank, which stays. */
static inline vm_pfn ranks_lowest(HEAP_OWNER *s)
{
    vm_pfn waiting = ranks_first_waiting(s);
    VM_ASSERT(waiting != s->nframes || s->end > HEAP_ROOT);
    while (s->end > HEAP_ROOT && !ranks_waits_before_root(s, waiting)) {
        HEAP_ENTRY now = RANKS_ENTRY(s, s->heap[HEAP_ROOT].frame);
        if (!HEAP_BEFORE(s->heap[HEAP_ROOT], now))
            return now.frame;
        heap_sink(s, HEAP_ROOT, now);
    }
    return waiting;
}

/* Asserts the invariants, and the queue's order. */
static inline void ranks_check(const HEAP_OWNER *s)
{
    size_t n = s->end - HEAP_ROOT;
    heap_check(s);
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = s->heap[at].frame;
        VM_ASSERT(frame < s->nframes && s->slot[frame] == at);
        HEAP_ENTRY now = RANKS_ENTRY(s, frame);
        VM_ASSERT(!HEAP_BEFORE(now, s->heap[at]));
    }
    vm_pfn before = s->nframes;
    for (vm_pfn f = s->link[s->nframes].next; f != s->nframes; f = s->link[f].next, n++) {
        VM_ASSERT(f < s->nframes && s->slot[f] == RANKS_WAITING && n < s->nframes);
        if (!RANKS_UNTOUCHED(s, f))
            continue;
        HEAP_ENTRY now = RANKS_ENTRY(s, f);
        HEAP_ENTRY last = RANKS_ENTRY(s, before == s->nframes ? f : before);
        VM_ASSERT(!HEAP_BEFORE(now, last));
        before = f;
    }
    for (vm_pfn f = 0; f < s->nframes; f++)
        n -= s->slot[f] != 0;
    VM_ASSERT(n == 0);
}
