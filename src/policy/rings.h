/* rings.h - frames on a policy's lists: each on one list, or on none.
 *
 * A list is a ring, known by its first frame; its last is the one before that. So a list is also a
 * clock: the first stands under the hand, and turning the hand makes it the last without a write to
 * any link. Links of all lists are in one array, for a frame is on at most one.
 *
 *     first -> second -> ... -> last -> first
 *
 * Which list a frame is on is a byte apart from its links: who only asks that (is this hit in the
 * protected part?) touches an array that is an eighth as long, and zeroed memory means "on none",
 * so that frames that never come cost nothing.
 *
 * Invariants (rings_check)
 *  1. on[frame] is the number of the frame's list + 1, or 0; list k has ring[k].n frames, linked in
 *     a ring from ring[k].first.
 *  2. first is of no meaning while n is 0.
 */
#ifndef POLICY_RINGS_H
#define POLICY_RINGS_H

#include "base/assert.h"
#include "base/block.h"
#include "base/links.h"

#include <pagoda/types.h>

#define RINGS_MAX 8

struct rings {
    struct vm_links *link; /* [nframes] */
    uint8_t *on;           /* [nframes] */
    uint32_t nframes;
    struct {
        vm_pfn first;
        uint32_t n;
    } ring[RINGS_MAX];
};

static inline void rings_layout(struct rings *r, struct block *b, uint32_t nframes)
{
    r->nframes = nframes;
    r->link = block_take(b, nframes * sizeof *r->link);
    r->on = block_take(b, nframes);
}

/* Whether the frame is on list k. */
static inline bool rings_on(const struct rings *r, unsigned k, vm_pfn frame)
{
    return r->on[frame] == k + 1;
}

static inline vm_pfn rings_first(const struct rings *r, unsigned k)
{
    VM_EXPECT(r->ring[k].n);
    return r->ring[k].first;
}

static inline vm_pfn rings_last(const struct rings *r, unsigned k)
{
    return r->link[rings_first(r, k)].prev;
}

/* The first becomes the last. */
static inline void rings_turn(struct rings *r, unsigned k)
{
    r->ring[k].first = r->link[rings_first(r, k)].next;
}

/* `frame`, which is on list k, becomes its first; those before it now come last. */
static inline void rings_turn_to(struct rings *r, unsigned k, vm_pfn frame)
{
    VM_EXPECT(frame < r->nframes && rings_on(r, k, frame));
    r->ring[k].first = frame;
}

static inline void rings_push_last(struct rings *r, unsigned k, vm_pfn frame)
{
    VM_EXPECT(frame < r->nframes && r->on[frame] == 0);
    r->on[frame] = (uint8_t)(k + 1);
    if (r->ring[k].n++ == 0) {
        r->ring[k].first = frame;
        vm_links_head(r->link, frame);
    } else {
        vm_links_push_last(r->link, r->ring[k].first, frame);
    }
}

static inline void rings_push_first(struct rings *r, unsigned k, vm_pfn frame)
{
    rings_push_last(r, k, frame);
    r->ring[k].first = frame;
}

/* Take the frame, which is on list k, off it. */
static inline void rings_take(struct rings *r, unsigned k, vm_pfn frame)
{
    VM_EXPECT(frame < r->nframes && rings_on(r, k, frame));
    r->on[frame] = 0;
    if (frame == r->ring[k].first)
        rings_turn(r, k);
    vm_links_remove(r->link, frame);
    r->ring[k].n--;
}

/* Take the frame off the list that it is on. */
static inline void rings_drop(struct rings *r, vm_pfn frame)
{
    VM_EXPECT(frame < r->nframes && r->on[frame]);
    rings_take(r, r->on[frame] - 1u, frame);
}

/* The frame, which is on list k, becomes its last. */
static inline void rings_renew(struct rings *r, unsigned k, vm_pfn frame)
{
    vm_pfn first = rings_first(r, k);
    VM_EXPECT(frame < r->nframes && rings_on(r, k, frame));
    if (frame == first) {
        rings_turn(r, k);
    } else if (frame != r->link[first].prev) {
        vm_links_remove(r->link, frame);
        vm_links_push_last(r->link, first, frame);
    }
}

static inline vm_pfn rings_take_first(struct rings *r, unsigned k)
{
    vm_pfn frame = rings_first(r, k);
    rings_take(r, k, frame);
    return frame;
}

/* Asserts the invariants. */
static inline void rings_check(const struct rings *r)
{
    uint32_t n[RINGS_MAX + 1] = {0};
    for (vm_pfn f = 0; f < r->nframes; f++) {
        VM_ASSERT(r->on[f] <= RINGS_MAX);
        n[r->on[f]]++;
    }
    for (unsigned k = 0; k < RINGS_MAX; k++) {
        VM_ASSERT(n[k + 1] == r->ring[k].n);
        vm_pfn f = r->ring[k].first;
        for (uint32_t i = 0; i < r->ring[k].n; i++, f = r->link[f].next)
            VM_ASSERT(f < r->nframes && r->on[f] == k + 1 && r->link[r->link[f].next].prev == f);
        VM_ASSERT(r->ring[k].n == 0 || f == r->ring[k].first);
    }
}

#endif
