/* heap.inc.h - a heap of entries, four children to a parent, stamped for its includer's entries.
 *
 * Four children make half the levels of two, and those of one parent lie together on one cache
 * line (of an array aligned to it, entries of 8 or 16 bytes): finding the first of four there costs
 * less than a further level would. (LaMarca & Ladner, "The influence of caches on the performance
 * of heaps", ACM JEA 1, 1996.)
 *
 * The includer defines
 *     HEAP_OWNER              the struct that has the heap: its entries heap[], its used slots'
 *                             end, `end`
 *     HEAP_ENTRY              the type of an entry
 *     HEAP_BEFORE(a, b)       whether entry a comes out before b; a total order
 *     HEAP_PLACED(s, at)      called when s->heap[at] has got a new entry
 *
 * Slots [HEAP_ROOT, end) are used. Invariant: no entry comes before that of its parent's slot.
 */
#define HEAP_ROOT         3 /* so that children begin at multiples of four */
#define HEAP_PARENT(at)   ((at) / 4 + 2)
#define HEAP_CHILDREN(at) (((at)-2) * 4)
#define HEAP_SLOTS(n)     ((n) + (size_t)HEAP_ROOT)

/* Put `entry` into the hole `at` or above it. */
static inline void heap_rise(HEAP_OWNER *s, size_t at, HEAP_ENTRY entry)
{
    while (at > HEAP_ROOT && HEAP_BEFORE(entry, s->heap[HEAP_PARENT(at)])) {
        s->heap[at] = s->heap[HEAP_PARENT(at)];
        HEAP_PLACED(s, at);
        at = HEAP_PARENT(at);
    }
    s->heap[at] = entry;
    HEAP_PLACED(s, at);
}

/* The child of `at` that comes before its siblings; `at` has a child. */
static inline size_t heap_first_child(const HEAP_OWNER *s, size_t at)
{
    const HEAP_ENTRY *h = s->heap;
    size_t child = HEAP_CHILDREN(at);
    if (__builtin_expect(child + 4 <= s->end, 1)) {
        size_t left = child + HEAP_BEFORE(h[child + 1], h[child]);
        size_t right = child + 2 + HEAP_BEFORE(h[child + 3], h[child + 2]);
        return HEAP_BEFORE(h[right], h[left]) ? right : left;
    }
    size_t first = child;
    while (++child < s->end)
        first = HEAP_BEFORE(h[child], h[first]) ? child : first;
    return first;
}

/* Put `entry` into the hole `at` or below it. */
static inline void heap_sink(HEAP_OWNER *s, size_t at, HEAP_ENTRY entry)
{
    while (HEAP_CHILDREN(at) < s->end) {
        size_t child = heap_first_child(s, at);
        if (!HEAP_BEFORE(s->heap[child], entry))
            break;
        s->heap[at] = s->heap[child];
        HEAP_PLACED(s, at);
        at = child;
    }
    s->heap[at] = entry;
    HEAP_PLACED(s, at);
}

/* Take out the entry at `at`: the last one fills the hole. */
static inline void heap_close(HEAP_OWNER *s, size_t at)
{
    HEAP_ENTRY last = s->heap[--s->end];
    if (at == s->end)
        return;
    if (at > HEAP_ROOT && HEAP_BEFORE(last, s->heap[HEAP_PARENT(at)]))
        heap_rise(s, at, last);
    else
        heap_sink(s, at, last);
}

static inline void heap_check(const HEAP_OWNER *s)
{
    VM_ASSERT(s->end >= HEAP_ROOT);
    for (size_t at = HEAP_ROOT + 1; at < s->end; at++)
        VM_ASSERT(!HEAP_BEFORE(s->heap[at], s->heap[HEAP_PARENT(at)]));
}
