/* processes.c - see processes.h. */
#include "analysis/processes.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The machine's number for the trace's address space `wanted`. */
static bool space_of(struct process *p, struct spaces *spaces, vm_asid wanted, vm_asid *out,
                     struct vm_error *e)
{
    if (wanted > VM_ASID_MAX)
        return vm_fail(e, VM_EINPUT, "%s: address space %u: expected at most %u", p->name, wanted,
                       VM_ASID_MAX);
    if (p->space[wanted] == NO_SPACE) {
        vm_asid asid = wanted;
        for (unsigned i = 0; spaces->taken[asid] && i <= VM_ASID_MAX; i++)
            asid = (vm_asid)i;
        if (spaces->taken[asid])
            return vm_fail(e, VM_EINPUT, "%s: more than %u address spaces in all traces", p->name,
                           VM_ASID_MAX + 1);
        spaces->taken[asid] = 1;
        p->space[wanted] = asid;
    }
    *out = p->space[wanted];
    return true;
}

bool process_open(struct process *p, const struct vm_source *source, struct spaces *spaces,
                  struct vm_error *e)
{
    p->name = source->spec;
    p->space = malloc((VM_ASID_MAX + 1) * sizeof *p->space);
    if (!p->space)
        return vm_fail(e, VM_ESYSTEM, "no memory for a process");
    memset(p->space, 0xff, (VM_ASID_MAX + 1) * sizeof *p->space);
    p->trace = source->bytes ? vm_trace_open_bytes(source->bytes, source->nbytes, source->spec,
                                                   source->options, e)
                             : vm_trace_open(source->spec, source->options, e);
    return p->trace && space_of(p, spaces, 0, &p->asid, e);
}

void process_close(struct process *p)
{
    vm_trace_close(p->trace);
    working_set_close(&p->set);
    free(p->kept.key);
    free(p->space);
}

bool process_is_pipe(const struct process *p, const struct vm_source *source)
{
    struct vm_trace_info info;
    if (source->bytes || source->spec[0] == '@')
        return false;
    if (!strcmp(source->spec, "-"))
        return true;
    if (!p->trace)
        return false;
    vm_trace_info(p->trace, &info);
    return info.bytes_all == 0;
}

bool process_more(struct process *p, bool *more, struct vm_error *e)
{
    if (!p->ended && p->at == p->batch.nrefs && p->event_at == p->batch.nevents) {
        p->at = p->event_at = 0;
        if (!vm_trace_read(p->trace, &p->batch, e))
            return false;
        p->ended = !p->batch.nrefs && !p->batch.nevents;
    }
    *more = !p->ended;
    return true;
}

/* The event as the machine is told of it. */
static bool translate(struct process *p, struct spaces *spaces, struct vm_event *v,
                      struct vm_error *e)
{
    v->at = 0;
    if (v->kind == VM_EVENT_FORK && !space_of(p, spaces, v->child, &v->child, e))
        return false;
    return space_of(p, spaces, v->asid, &v->asid, e);
}

bool process_next(struct process *p, struct spaces *spaces, uint64_t refs, struct vm_event *event,
                  struct vm_batch *out, struct vm_error *e)
{
    const struct vm_batch *b = &p->batch;
    uint32_t end = p->event_at < b->nevents ? b->event[p->event_at].at : b->nrefs;
    VM_ASSERT(!p->ended && end >= p->at);
    if (end == p->at) {
        *event = b->event[p->event_at];
        *out = (struct vm_batch){.nevents = 1, .event = event};
        return translate(p, spaces, event, e);
    }
    uint32_t n = refs < end - p->at ? (uint32_t)refs : end - p->at;
    *out = (struct vm_batch){.nrefs = n, .va = b->va + p->at, .meta = b->meta + p->at};
    return true;
}

bool process_did(struct process *p, uint32_t refs, uint32_t events, struct vm_error *e)
{
    const struct vm_event *v = p->batch.event + p->event_at;
    if (events && v->kind == VM_EVENT_SWITCH)
        p->asid = p->space[v->asid];
    if (p->watched &&
        !working_set_refs(&p->set, p->asid, p->batch.va + p->at, p->batch.meta + p->at, refs, e))
        return false;
    p->at += refs;
    p->event_at += events;
    p->result.refs += refs;
    return true;
}
