/* ranks.inc.h - frames by a rank that touches only ever raise: a heap that lags behind.
 *
 * A touch writes the frame's rank and no more. The heap keeps the rank that the frame had when its
 * entry was last looked at, which is a lower bound; only an entry that gets to the root is compared
 * with the truth, and sinks if it has risen. So a touch costs one random store, and the heap is paid
 * for by misses.
 *
 * The includer defines, besides what heap.inc.h wants (HEAP_PLACED is defined here),
 *     RANKS_ENTRY(s, frame)  the heap's entry of the frame as it would be now; it has a `frame`
 * and its HEAP_OWNER has the heap's slots as they are, slot[frame], 0 for a frame that is not in.
 *
 * Invariant: no entry of the heap comes after its frame's RANKS_ENTRY; slot[] says where it is.
 */
#define HEAP_PLACED(s, at) ((s)->slot[(s)->heap[at].frame] = (uint32_t)(at))
#include "policy/heap.inc.h"

static inline void ranks_enter(HEAP_OWNER *s, vm_pfn frame)
{
    heap_rise(s, s->end++, RANKS_ENTRY(s, frame));
}

/* The last entry fills the gap. */
static inline void ranks_leave(HEAP_OWNER *s, vm_pfn frame)
{
    size_t gap = s->slot[frame];
    HEAP_ENTRY last = s->heap[--s->end];
    s->slot[frame] = 0;
    if (gap == s->end)
        return;
    if (gap > HEAP_ROOT && HEAP_BEFORE(last, s->heap[HEAP_PARENT(gap)]))
        heap_rise(s, gap, last);
    else
        heap_sink(s, gap, last);
}

/* The frame of the lowest rank, which stays. */
static inline vm_pfn ranks_lowest(HEAP_OWNER *s)
{
    VM_ASSERT(s->end > HEAP_ROOT);
    for (;;) {
        HEAP_ENTRY now = RANKS_ENTRY(s, s->heap[HEAP_ROOT].frame);
        if (!HEAP_BEFORE(s->heap[HEAP_ROOT], now))
            return now.frame;
        heap_sink(s, HEAP_ROOT, now);
    }
}

/* Asserts the invariant, of frames below `nframes`. */
static inline void ranks_check(HEAP_OWNER *s, uint32_t nframes)
{
    size_t n = s->end - HEAP_ROOT;
    heap_check(s);
    for (size_t at = HEAP_ROOT; at < s->end; at++) {
        vm_pfn frame = s->heap[at].frame;
        VM_ASSERT(frame < nframes && s->slot[frame] == at);
        HEAP_ENTRY now = RANKS_ENTRY(s, frame);
        VM_ASSERT(!HEAP_BEFORE(now, s->heap[at]));
    }
    for (vm_pfn f = 0; f < nframes; f++)
        n -= s->slot[f] != 0;
    VM_ASSERT(n == 0);
}
