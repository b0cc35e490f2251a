/* generic_replay.c - a page replay that calls a policy's functions one by one: what the stamped
 * loops must equal. It keeps to policy.h's contract for hosts and knows nothing else. */
#include "oracle/policy_host.h"

#include "base/assert.h"

/* From touch number `at` on another number of frames hold pages. */
static void note_space_time(struct vm_replay *r, uint64_t at)
{
    r->space_time += (at - r->space_time_from) * (r->nused - r->nfree);
    r->space_time_from = at;
}

/* The frame is the next to be used. */
static void give_back(struct vm_replay *r, vm_pfn frame, uint64_t at)
{
    note_space_time(r, at);
    r->frame_of[r->page_of[frame]] = 0;
    r->page_of[frame] = r->free;
    r->free = frame + 1;
    r->nfree++;
}

static void count_eviction(struct vm_replay *r, vm_pfn frame)
{
    VM_ASSERT(frame < r->nframes && r->frame_of[r->page_of[frame]] == frame + 1);
    r->evictions++;
    if (r->bits[frame] & VM_FRAME_DIRTY)
        r->writebacks++;
}

static void release(struct policy_host *h, uint64_t incoming, uint64_t at)
{
    vm_pfn frame;
    while ((frame = h->ops->release(h->state, incoming)) != VM_NOFRAME) {
        count_eviction(&h->r, frame);
        h->r.releases++;
        give_back(&h->r, frame, at);
    }
}

static void park(struct policy_host *h)
{
    vm_pfn frame;
    while ((frame = h->ops->park(h->state)) != VM_NOFRAME) {
        VM_ASSERT(frame < h->r.nused && !(h->r.bits[frame] & VM_FRAME_PARKED));
        h->r.bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        h->r.bits[frame] |= VM_FRAME_PARKED;
        h->r.parks++;
    }
}

static vm_pfn frame_for_newcomer(struct policy_host *h, uint32_t page)
{
    struct vm_replay *r = &h->r;
    if (r->free) {
        vm_pfn frame = r->free - 1;
        note_space_time(r, r->touches);
        r->free = r->page_of[frame];
        r->nfree--;
        return frame;
    }
    if (r->nused < r->nframes) {
        note_space_time(r, r->touches);
        return r->nused++;
    }
    vm_pfn frame = h->ops->victim(h->state, page);
    count_eviction(r, frame);
    r->frame_of[r->page_of[frame]] = 0;
    return frame;
}

static void load_page(struct policy_host *h, uint32_t page, uint8_t bits)
{
    h->clock.touches = h->r.touches;
    release(h, page, h->r.touches);
    vm_pfn frame = frame_for_newcomer(h, page);
    h->r.misses++;
    h->r.page_of[frame] = page;
    h->r.frame_of[page] = frame + 1;
    h->r.bits[frame] = bits;
    h->ops->insert(h->state, frame, page);
    park(h);
}

static void touch_parked(struct policy_host *h, vm_pfn frame, uint8_t bits)
{
    h->clock.touches = h->r.touches;
    h->r.bits[frame] &= (uint8_t)~VM_FRAME_PARKED;
    h->r.bits[frame] |= bits;
    h->r.soft_faults++;
    h->ops->soft(h->state, frame);
    park(h);
}

static void touch_mapped(struct policy_host *h, vm_pfn frame, uint8_t bits)
{
    h->r.bits[frame] |= bits;
    if (h->ops->touch_kind == VM_TOUCH_EACH ||
        (h->ops->touch_kind == VM_TOUCH_ORDER && h->r.page_of[frame] != h->last_page))
        h->ops->touch(h->state, &frame, 1);
}

static void tick(struct policy_host *h)
{
    struct vm_replay *r = &h->r;
    h->clock.touches = r->touches;
    uint64_t after = h->ops->tick(h->state);
    r->tick_next = after ? r->touches + after : UINT64_MAX;
    release(h, VM_NOPAGE, r->touches - 1);
    park(h);
}

void policy_host_step(struct policy_host *h, vm_pageref ref)
{
    struct vm_replay *r = &h->r;
    uint32_t page = ref >> 1;
    uint8_t bits = VM_FRAME_REFERENCED | (ref & 1 ? VM_FRAME_DIRTY : 0);
    policy_host_switch(h, policy_world_owner(h->world, page));
    vm_pfn frame = r->frame_of[page] - 1;
    if (r->frame_of[page] == 0)
        load_page(h, page, bits);
    else if (r->bits[frame] & VM_FRAME_PARKED)
        touch_parked(h, frame, bits);
    else
        touch_mapped(h, frame, bits);
    h->last_page = page;
    if (++r->touches == r->tick_next)
        tick(h);
}

void policy_host_drop(struct policy_host *h, uint32_t page)
{
    VM_ASSERT(page < h->npages && h->r.frame_of[page]);
    vm_pfn frame = h->r.frame_of[page] - 1;
    h->ops->remove(h->state, frame);
    give_back(&h->r, frame, h->r.touches);
}

struct policy_outcome policy_play_steps(const struct policy_world *w, size_t check_every)
{
    struct policy_host h;
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n; i++) {
        policy_host_step(&h, w->ref[i]);
        if ((i + 1) % check_every == 0)
            h.ops->check(h.state);
    }
    struct policy_outcome out = policy_host_outcome(&h);
    policy_host_close(&h);
    return out;
}
