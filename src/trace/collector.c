/* collector.c - see collector.h. */
#include "trace/collector.h"

#include <stdlib.h>

bool collector_open(struct collector *c, struct vm_pgt_writer *out, struct vm_error *e)
{
    c->out = out;
    return vm_intern_open(&c->threads, e) && vm_intern_open(&c->sites, e);
}

void collector_close(struct collector *c)
{
    vm_intern_close(&c->threads);
    vm_intern_close(&c->sites);
    free(c->pending);
}

bool collector_flush(struct collector *c, struct vm_error *e)
{
    struct vm_batch batch = {.nevents = c->nevents, .event = c->event};
    c->nevents = 0;
    return vm_pgt_append(c->out, &batch, e);
}

static bool put(struct collector *c, const struct request_slot *s, struct vm_event event,
                struct vm_error *e)
{
    uint64_t pc = s->pc & ((UINT64_C(1) << COLLECTOR_IMAGE_BIT) - 1);
    uint32_t thread = vm_intern_id(&c->threads, s->thread);
    uint32_t site = vm_intern_id(&c->sites, (uint64_t)s->image << COLLECTOR_IMAGE_BIT | pc);
    if (thread == UINT32_MAX || site == UINT32_MAX)
        return vm_fail(e, VM_ESYSTEM, "out of memory for threads and sites");
    event.thread = thread + 1;
    event.site = site < VM_SITES_MAX ? site + 1 : 0;
    event.detail = s->call;
    c->event[c->nevents++] = event;
    c->requests++;
    return c->nevents < VM_BATCH_EVENTS || collector_flush(c, e);
}

static bool begin_resize(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    if (c->npending == c->pending_cap) {
        size_t cap = c->pending_cap ? 2 * c->pending_cap : 16;
        struct pending *pending = realloc(c->pending, cap * sizeof *pending);
        if (!pending)
            return vm_fail(e, VM_ESYSTEM, "out of memory for a recording");
        c->pending = pending;
        c->pending_cap = cap;
    }
    c->pending[c->npending++] = (struct pending){*s, false};
    return true;
}

static bool end_resize(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    size_t i = c->npending;
    while (i > 0 &&
           (c->pending[i - 1].begun.thread != s->thread || c->pending[i - 1].begun.from != s->from))
        i--;
    bool split = i > 0 && c->pending[i - 1].split;
    if (i > 0)
        c->pending[i - 1] = c->pending[--c->npending];
    struct vm_event event = {.kind = split ? VM_EVENT_ALLOC : VM_EVENT_RESIZE,
                             .va = s->va,
                             .bytes = s->bytes,
                             .from = split ? 0 : s->from};
    return put(c, s, event, e);
}

/* Somebody got the block at `va`: a realloc under way that had it has given it back. */
static bool yield_block(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    for (size_t i = 0; i < c->npending; i++) {
        struct pending *p = &c->pending[i];
        const struct request_slot *b = &p->begun;
        if (b->from != s->va || p->split || (b->thread == s->thread && b->from == s->from))
            continue;
        p->split = true;
        if (!put(c, b, (struct vm_event){.kind = VM_EVENT_FREE, .va = b->from}, e))
            return false;
    }
    return true;
}

static bool begin_image(struct collector *c, struct vm_error *e)
{
    c->npending = 0;
    c->event[c->nevents++] = (struct vm_event){.kind = VM_EVENT_EXEC};
    return collector_flush(c, e);
}

bool collector_take(struct collector *c, const struct request_slot *s, struct vm_error *e)
{
    switch ((enum request_told)s->kind) {
    case REQUEST_TOLD_ALLOC:
        return yield_block(c, s, e) &&
               put(c, s,
                   (struct vm_event){
                       .kind = VM_EVENT_ALLOC, .va = s->va, .bytes = s->bytes, .align = s->align},
                   e);
    case REQUEST_TOLD_FREE:
        return put(c, s, (struct vm_event){.kind = VM_EVENT_FREE, .va = s->va}, e);
    case REQUEST_TOLD_RESIZE:
        return begin_resize(c, s, e);
    case REQUEST_TOLD_RESIZED:
        return yield_block(c, s, e) && end_resize(c, s, e);
    case REQUEST_TOLD_EXEC:
        return begin_image(c, e);
    }
    return true; /* the program wrote over the ring: nothing to learn from this turn */
}
