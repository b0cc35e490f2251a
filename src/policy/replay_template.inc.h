/* replay_template.inc.h - the page replay's loops, stamped with one policy's code.
 *
 * A policy's file includes it last, having defined
 *     REPLAY_INSERT, REPLAY_VICTIM, REPLAY_TICK    as in struct vm_policy_ops, inline
 *     REPLAY_TOUCH(state, frame, times)            `times` touches of one frame on end
 *     REPLAY_KIND                                  its enum vm_touch_kind
 * and, if it does such things (nothing is stamped for the others),
 *     REPLAY_RELEASE                               as in struct vm_policy_ops
 *     REPLAY_PARK, REPLAY_SOFT                     likewise, both
 *
 * For each reference: if its page has a frame, a hit: bits and touch. If not, a miss: the next
 * frame never used, or the victim's. A batch is split where ticks fall, so that the inner loop
 * knows of none. What a hit waits for is its page's frame, so that is asked for ahead; the frame's
 * bits and the policy's state are only written, which nobody waits for.
 *
 * The struct vm_replay is copied in and out: bits[] is of bytes, which may alias anything, and
 * would have every field loaded anew for every reference.
 */
#define REPLAY_AHEAD  24
#define REPLAY_SOON   10 /* the page's frame has come by then */
#define REPLAY_INLINE static inline __attribute__((always_inline))

static void touch(void *state, const vm_pfn *frame, size_t n)
{
    for (size_t i = 0; i < n; i++)
        REPLAY_TOUCH(state, frame[i], 1);
}

/* From touch number `at` on another number of frames hold pages. */
REPLAY_INLINE void replay_space_time(struct vm_replay *r, uint64_t at)
{
    r->space_time += (at - r->space_time_from) * (r->nused - r->nfree);
    r->space_time_from = at;
}

/* The page in a frame that the policy has given up is in memory no more. */
REPLAY_INLINE void replay_leaves(struct vm_replay *r, vm_pfn frame)
{
    r->evictions++;
    r->writebacks += (r->bits[frame] & VM_FRAME_DIRTY) != 0;
    r->frame_of[r->page_of[frame]] = 0;
}

#ifdef REPLAY_RELEASE
/* For touch number `at`, or by the tick that it brought about. */
REPLAY_INLINE void replay_release(void *state, struct vm_replay *r, uint64_t at, uint64_t incoming)
{
    vm_pfn frame;
    while ((frame = REPLAY_RELEASE(state, incoming)) != VM_NOFRAME) {
        replay_space_time(r, at);
        replay_leaves(r, frame);
        r->releases++;
        r->page_of[frame] = r->free;
        r->free = frame + 1;
        r->nfree++;
    }
}

/* The frame that was released last, or VM_NOFRAME. */
REPLAY_INLINE vm_pfn replay_released(struct vm_replay *r)
{
    vm_pfn frame = r->free - 1;
    if (r->free == 0)
        return VM_NOFRAME;
    replay_space_time(r, r->touches);
    r->free = r->page_of[frame];
    r->nfree--;
    return frame;
}
#else
REPLAY_INLINE void replay_release(void *state, struct vm_replay *r, uint64_t at, uint64_t incoming)
{
    (void)state, (void)r, (void)at, (void)incoming;
}

REPLAY_INLINE vm_pfn replay_released(struct vm_replay *r)
{
    (void)r;
    return VM_NOFRAME;
}
#endif

#ifdef REPLAY_PARK
REPLAY_INLINE void replay_park(void *state, struct vm_replay *r)
{
    vm_pfn frame;
    while ((frame = REPLAY_PARK(state)) != VM_NOFRAME) {
        r->bits[frame] = (uint8_t)((r->bits[frame] & ~VM_FRAME_REFERENCED) | VM_FRAME_PARKED);
        r->parks++;
    }
}

/* Whether the touch of `frame` finds it parked; then it is in use again. */
REPLAY_INLINE bool replay_soft(void *state, struct vm_replay *r, vm_pfn frame, uint8_t bits)
{
    if (__builtin_expect(!(r->bits[frame] & VM_FRAME_PARKED), 1))
        return false;
    r->clock->touches = r->touches;
    r->bits[frame] = (uint8_t)((r->bits[frame] & ~VM_FRAME_PARKED) | bits);
    r->soft_faults++;
    REPLAY_SOFT(state, frame);
    replay_park(state, r);
    return true;
}
#else
REPLAY_INLINE void replay_park(void *state, struct vm_replay *r)
{
    (void)state, (void)r;
}

REPLAY_INLINE bool replay_soft(void *state, struct vm_replay *r, vm_pfn frame, uint8_t bits)
{
    (void)state, (void)r, (void)frame, (void)bits;
    return false;
}
#endif

REPLAY_INLINE vm_pfn replay_free_frame(void *state, struct vm_replay *r, uint32_t incoming)
{
    vm_pfn frame = replay_released(r);
    if (frame != VM_NOFRAME)
        return frame;
    if (r->nused < r->nframes) {
        replay_space_time(r, r->touches);
        return r->nused++;
    }
    frame = REPLAY_VICTIM(state, incoming);
    replay_leaves(r, frame);
    return frame;
}

/* Bring `page` in; its frame. */
REPLAY_INLINE vm_pfn replay_miss(void *state, struct vm_replay *r, uint32_t page, uint8_t bits)
{
    r->clock->touches = r->touches;
    replay_release(state, r, r->touches, page);
    vm_pfn frame = replay_free_frame(state, r, page);
    r->misses++;
    r->page_of[frame] = page;
    r->frame_of[page] = frame + 1;
    r->bits[frame] = bits;
    REPLAY_INSERT(state, frame, page);
    replay_park(state, r);
    return frame;
}

/* `times` references to one page on end, which no tick divides. Where only the order of touches
 * matters, the policy hears of none that repeats the one before. */
REPLAY_INLINE void replay_reference(void *state, struct vm_replay *r, vm_pageref ref,
                                    uint32_t times)
{
    _Static_assert(VM_FRAME_DIRTY == 2, "a reference's write bit becomes the dirty bit");
    uint32_t page = ref >> 1;
    uint8_t bits = (uint8_t)(VM_FRAME_REFERENCED | (ref & 1) << 1);
    uint32_t entry = r->frame_of[page];
    if (__builtin_expect(entry == 0, 0)) {
        entry = replay_miss(state, r, page, bits) + 1;
        if (REPLAY_KIND == VM_TOUCH_ORDER)
            r->last = entry;
        if (--times == 0)
            return;
    } else if (replay_soft(state, r, entry - 1, bits)) {
        if (REPLAY_KIND == VM_TOUCH_ORDER)
            r->last = entry;
        if (--times == 0)
            return;
    }
    r->bits[entry - 1] |= bits;
    if (REPLAY_KIND == VM_TOUCH_ORDER) {
        if (entry == r->last)
            return;
        r->last = entry;
    }
    REPLAY_TOUCH(state, entry - 1, times);
}

REPLAY_INLINE void replay_tick(void *state, struct vm_replay *r)
{
    if (r->touches == r->tick_next) {
        r->clock->touches = r->touches;
        uint64_t after = REPLAY_TICK(state);
        r->tick_next = after ? r->touches + after : UINT64_MAX;
        replay_release(state, r, r->touches - 1, VM_NOPAGE);
        replay_park(state, r);
    }
}

#ifdef REPLAY_FORESEE
REPLAY_INLINE void replay_foresee(void *state, const struct vm_replay *r, vm_pageref ref)
{
    REPLAY_FORESEE(state, ref >> 1, r->frame_of[ref >> 1]);
}
#else
#define replay_foresee(state, r, ref) ((void)0)
#endif

/* References between which no tick falls. */
static void replay_span(void *state, struct vm_replay *host, const vm_pageref *ref, size_t n)
{
    struct vm_replay r = *host;
    size_t i = 0;
    for (; i + REPLAY_AHEAD < n; i++) {
        __builtin_prefetch(&r.frame_of[ref[i + REPLAY_AHEAD] >> 1]);
        replay_foresee(state, &r, ref[i + REPLAY_SOON]);
        replay_reference(state, &r, ref[i], 1);
        r.touches++;
    }
    for (; i < n; i++) {
        replay_reference(state, &r, ref[i], 1);
        r.touches++;
    }
    *host = r;
}

static void replay(void *state, struct vm_replay *r, const vm_pageref *ref, size_t n)
{
    while (n) {
        VM_ASSERT(r->tick_next > r->touches);
        uint64_t room = r->tick_next - r->touches;
        size_t span = n < room ? n : room;
        replay_span(state, r, ref, span);
        replay_tick(state, r);
        ref += span;
        n -= span;
    }
}

REPLAY_INLINE void replay_run(void *state, struct vm_replay *r, struct vm_page_run run)
{
    VM_EXPECT(run.count);
    do {
        uint64_t room = r->tick_next - r->touches;
        uint32_t times = run.count < room ? run.count : (uint32_t)room;
        replay_reference(state, r, run.ref, times);
        r->touches += times;
        replay_tick(state, r);
        run.count -= times;
    } while (run.count);
}

static void replay_runs(void *state, struct vm_replay *host, const struct vm_page_run *run,
                        size_t n)
{
    struct vm_replay r = *host;
    VM_ASSERT(r.tick_next > r.touches);
    size_t i = 0;
    for (; i + REPLAY_AHEAD < n; i++) {
        __builtin_prefetch(&r.frame_of[run[i + REPLAY_AHEAD].ref >> 1]);
        replay_foresee(state, &r, run[i + REPLAY_SOON].ref);
        replay_run(state, &r, run[i]);
    }
    for (; i < n; i++)
        replay_run(state, &r, run[i]);
    *host = r;
}
