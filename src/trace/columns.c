/* columns.c - a trace held whole in memory: loading one, and reading it again as often as needed.
 *
 * Batches of a trace over columns point into them; only events are copied, because where one
 * happens is told within its batch.
 */
#include "trace/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Columns while they grow, and how many elements they have room for. */
struct loading {
    struct vm_columns columns;
    uint64_t refs_cap, events_cap;
};

/* Doubled until n fit, since how many come is unknown. */
static uint64_t cap_for(uint64_t cap, uint64_t n)
{
    cap = cap ? cap : VM_BATCH_REFS;
    while (cap < n)
        cap *= 2;
    return cap;
}

static bool reserve_refs(struct loading *l, uint64_t cap)
{
    struct vm_columns *c = &l->columns;
    void *va = reallocarray(c->va, cap, sizeof *c->va);
    c->va = va ? va : c->va;
    void *meta = va ? reallocarray(c->meta, cap, sizeof *c->meta) : NULL;
    c->meta = meta ? meta : c->meta;
    l->refs_cap = meta ? cap : l->refs_cap;
    return meta;
}

static bool reserve_events(struct loading *l, uint64_t cap)
{
    struct vm_columns *c = &l->columns;
    void *event = reallocarray(c->event, cap, sizeof *c->event);
    c->event = event ? event : c->event;
    void *ref = event ? reallocarray(c->event_ref, cap, sizeof *c->event_ref) : NULL;
    c->event_ref = ref ? ref : c->event_ref;
    l->events_cap = ref ? cap : l->events_cap;
    return ref;
}

static bool reserve(struct loading *l, const struct vm_batch *b)
{
    uint64_t refs = cap_for(l->refs_cap, l->columns.nrefs + b->nrefs);
    uint64_t events = cap_for(l->events_cap, l->columns.nevents + b->nevents);
    return (refs == l->refs_cap || reserve_refs(l, refs)) &&
           (events == l->events_cap || reserve_events(l, events));
}

static void append(struct vm_columns *c, const struct vm_batch *b)
{
    memcpy(c->va + c->nrefs, b->va, b->nrefs * sizeof *c->va);
    memcpy(c->meta + c->nrefs, b->meta, b->nrefs * sizeof *c->meta);
    for (uint32_t i = 0; i < b->nevents; i++) {
        c->event[c->nevents] = b->event[i];
        c->event_ref[c->nevents++] = c->nrefs + b->event[i].at;
    }
    c->nrefs += b->nrefs;
}

bool vm_columns_load(struct vm_columns *out, struct vm_trace *t, struct vm_error *e)
{
    struct loading l = {0};
    struct vm_batch b;
    struct vm_trace_info info;
    vm_trace_info(t, &info);
    for (;;) {
        if (!vm_trace_read(t, &b, e))
            break;
        if (!b.nrefs && !b.nevents) {
            l.columns.complete_maps = info.complete_maps;
            *out = l.columns;
            return true;
        }
        if (!reserve(&l, &b)) {
            vm_fail(e, VM_ESYSTEM, "%s: out of memory after %" PRIu64 " references", info.name,
                    l.columns.nrefs);
            break;
        }
        append(&l.columns, &b);
    }
    vm_columns_free(&l.columns);
    return false;
}

void vm_columns_free(struct vm_columns *c)
{
    free(c->va);
    free(c->meta);
    free(c->event);
    free(c->event_ref);
    *c = (struct vm_columns){0};
}

struct columns_source {
    const struct vm_columns *columns;
    uint64_t ref, nevents; /* delivered so far */
    struct vm_event event[VM_BATCH_EVENTS];
};

/* A batch ends after VM_BATCH_REFS references, or before the event that does not fit any more. */
static bool columns_read(void *state, struct vm_batch *out, struct vm_error *e)
{
    (void)e;
    struct columns_source *s = state;
    const struct vm_columns *c = s->columns;
    uint64_t start = s->ref, left = c->nrefs - start;
    uint64_t end = start + (left < VM_BATCH_REFS ? left : VM_BATCH_REFS);
    uint32_t n = 0;
    for (; s->nevents < c->nevents && c->event_ref[s->nevents] <= end; s->nevents++) {
        /* Events at a reference that skip passed over happen before the first one after. */
        uint64_t at = c->event_ref[s->nevents] > start ? c->event_ref[s->nevents] : start;
        if (n == VM_BATCH_EVENTS) {
            end = at;
            break;
        }
        s->event[n] = c->event[s->nevents];
        s->event[n++].at = (uint32_t)(at - start);
    }
    *out = (struct vm_batch){(uint32_t)(end - start), n, c->va + start, c->meta + start, s->event};
    s->ref = end;
    return true;
}

static bool columns_skip(void *state, uint64_t n, uint64_t *skipped, struct vm_error *e)
{
    (void)e;
    struct columns_source *s = state;
    uint64_t left = s->columns->nrefs - s->ref;
    *skipped = n < left ? n : left;
    s->ref += *skipped;
    return true;
}

static void columns_info(const void *state, struct vm_trace_info *out)
{
    const struct columns_source *s = state;
    const struct vm_columns *c = s->columns;
    out->format = "columns";
    out->complete_maps = c->complete_maps;
    out->refs = c->nrefs;
    /* Of what has been read, as for a file; computed when asked, for reading is faster than it. */
    uint64_t hash = XXH3_64bits(c->va, s->ref * sizeof *c->va);
    out->hash = XXH3_64bits_withSeed(c->meta, s->ref * sizeof *c->meta, hash);
}

static const struct vm_source_ops columns_ops = {columns_read, columns_skip, columns_info, free};

struct vm_trace *vm_trace_open_columns(const struct vm_columns *c, const char *name,
                                       struct vm_error *e)
{
    struct columns_source *s = calloc(1, sizeof *s);
    if (!s) {
        vm_fail(e, VM_ESYSTEM, "%s: out of memory for a trace", name);
        return NULL;
    }
    s->columns = c;
    return vm_trace_over(&columns_ops, s, name, &(struct vm_trace_options){0}, e);
}
