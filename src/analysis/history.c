/* history.c - see history.h. */
#include "analysis/history.h"
#include "base/assert.h"

#include <stdlib.h>

bool history_open(struct history *h, const struct vm_engine *m, struct vm_error *e)
{
    *h = (struct history){.newcomer = VM_NOFRAME};
    vm_engine_parts(m, &h->parts);
    h->stay = calloc(h->parts.nframes, sizeof *h->stay);
    return h->stay ||
           vm_fail(e, VM_ESYSTEM, "no memory for the history of %u frames", h->parts.nframes);
}

void history_close(struct history *h)
{
    free(h->stay);
    h->stay = NULL;
}

static void come(struct history *h, vm_pfn unit, uint64_t key)
{
    VM_ASSERT(unit < h->parts.nframes && h->stay[unit].touches == 0);
    h->stay[unit] = (struct stay){.key = key,
                                  .came = h->ref,
                                  .last = h->ref,
                                  .came_touch = h->touch,
                                  .last_touch = h->touch,
                                  .touches = 1};
}

/* A coming is a touch already where it is the touch's own doing. */
static void touch(struct history *h, vm_pfn frame)
{
    vm_pfn unit = vm_memory_unit(h->parts.memory, frame);
    if (unit == h->newcomer)
        return;
    struct stay *s = &h->stay[unit];
    s->last = h->ref;
    s->last_touch = h->touch;
    s->touches++;
}

static void tick(struct history *h)
{
    if (h->parts.policy->reason != VM_REASON_AGES)
        return;
    for (vm_pfn f = 0; f < h->parts.nframes; f++)
        if (h->stay[f].touches)
            h->stay[f].ages =
                (uint16_t)(h->stay[f].ages >> 1 | (h->parts.bits[f] & VM_FRAME_REFERENCED) << 15);
}

void history_event(struct history *h, const struct vm_tap_event *v)
{
    switch (v->kind) {
    case VM_TAP_TOUCH:
        h->ref = v->touch.ref;
        h->asid = v->touch.asid;
        h->touch++;
        h->newcomer = VM_NOFRAME;
        break;
    case VM_TAP_FAULT:
        if (v->fault->inserted)
            h->newcomer = vm_memory_unit(h->parts.memory, v->fault->pfn);
        break;
    case VM_TAP_JOINED:
        come(h, v->joined.unit, v->joined.key);
        break;
    case VM_TAP_AHEAD:
        h->stay[vm_memory_unit(h->parts.memory, v->ahead.pfn)].ahead = true;
        break;
    case VM_TAP_PARTED:
        h->stay[v->parted].touches = 0;
        break;
    case VM_TAP_LEAVING:
        if (v->leaving->how != VM_LEFT_PARKED)
            h->stay[v->leaving->pfn].touches = 0;
        break;
    case VM_TAP_ACCESS:
        touch(h, (vm_pfn)(v->access.pa >> h->parts.page_shift));
        break;
    case VM_TAP_TICK:
        tick(h);
        break;
    case VM_TAP_EVENT:
        if (v->event->kind == VM_EVENT_SWITCH)
            h->asid = v->event->asid;
        break;
    case VM_TAP_LOOKUP:
    case VM_TAP_WALK:
    case VM_TAP_FILL:
    case VM_TAP_SHOOTDOWN:
    case VM_TAP_FLUSH:
    case VM_TAP_LINE:
    case VM_TAP_EMPTIED:
    case VM_TAP_TRAP:
    case VM_TAP_MARK:
    case VM_TAP_PREFETCH:
    case VM_TAP_CLEANED:
    case VM_TAP_WISHED:
        break;
    }
}
