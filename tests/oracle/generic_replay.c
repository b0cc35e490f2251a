/* generic_replay.c - a page replay that calls a policy's functions one by one: what the stamped
 * loops must equal. It keeps to policy.h's contract for hosts and knows nothing else. */
#include "oracle/policy_host.h"

#include "base/assert.h"

static vm_pfn frame_for_newcomer(struct policy_host *h, uint32_t page)
{
    struct vm_replay *r = &h->r;
    if (r->nused < r->nframes)
        return r->nused++;
    if (h->ndropped) {
        h->ndropped--;
        for (vm_pfn f = 0;; f++)
            if (r->frame_of[r->page_of[f]] != f + 1)
                return f;
    }
    vm_pfn frame = h->ops->victim(h->state, page);
    VM_ASSERT(frame < r->nframes && r->frame_of[r->page_of[frame]] == frame + 1);
    r->evictions++;
    if (r->bits[frame] & VM_FRAME_DIRTY)
        r->writebacks++;
    r->frame_of[r->page_of[frame]] = 0;
    return frame;
}

static void load_page(struct policy_host *h, uint32_t page, uint8_t bits)
{
    h->clock.touches = h->r.touches;
    vm_pfn frame = frame_for_newcomer(h, page);
    h->r.misses++;
    h->r.page_of[frame] = page;
    h->r.frame_of[page] = frame + 1;
    h->r.bits[frame] = bits;
    h->ops->insert(h->state, frame, page);
}

void policy_host_step(struct policy_host *h, vm_pageref ref)
{
    struct vm_replay *r = &h->r;
    uint32_t page = ref >> 1;
    uint8_t bits = VM_FRAME_REFERENCED | (ref & 1 ? VM_FRAME_DIRTY : 0);
    if (r->frame_of[page] == 0) {
        load_page(h, page, bits);
    } else {
        vm_pfn frame = r->frame_of[page] - 1;
        r->bits[frame] |= bits;
        if (h->ops->touch_kind == VM_TOUCH_EACH ||
            (h->ops->touch_kind == VM_TOUCH_ORDER && page != h->last_page))
            h->ops->touch(h->state, &frame, 1);
    }
    h->last_page = page;
    if (++r->touches == r->tick_next) {
        h->clock.touches = r->touches;
        uint64_t after = h->ops->tick(h->state);
        r->tick_next = after ? r->touches + after : UINT64_MAX;
    }
}

void policy_host_drop(struct policy_host *h, uint32_t page)
{
    VM_ASSERT(page < h->npages && h->r.frame_of[page]);
    h->ops->remove(h->state, h->r.frame_of[page] - 1);
    h->r.frame_of[page] = 0;
    h->ndropped++;
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
