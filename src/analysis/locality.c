/* locality.c - see locality.h: one pass, in which all that is measured hears of the same runs.
 *
 * Each page size has its own stream of runs; who listens are the intervals, a page replay, and of
 * the first size the heat map. Time is cut into periods of one reference at first; when there are
 * too many of them, they are joined two by two.
 */
#include "analysis/distances.h"
#include "analysis/fault_times.h"
#include "analysis/heat.h"
#include "analysis/intervals.h"
#include "analysis/slices.h"
#include "base/assert.h"
#include "base/bits.h"

#include <pagoda/locality.h>
#include <stdio.h>
#include <stdlib.h>

#define SPANS (VM_LOCALITY_WORKING_SET | VM_LOCALITY_INTERVALS)

/* At one page size. */
struct meter {
    struct measuring *all;
    struct vm_page_stream stream;
    struct intervals intervals;
    struct distances distances;
    struct fault_times faults;
    struct heat *heat; /* of the first size; else NULL */
};

struct measuring {
    const struct vm_locality_request *request;
    struct meter *meter; /* [request->nsizes] */
    struct heat heat;
    struct slices slices;
    uint64_t refs, period_refs;
    size_t period;      /* the current one */
    uint64_t into_refs; /* references of it so far */
};

static bool wants(const struct measuring *m, unsigned parts)
{
    return m->request->parts & parts;
}

/* ---- one page size ---- */

static bool on_runs(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    struct meter *t = host;
    return (!wants(t->all, SPANS) || intervals_runs(&t->intervals, run, n, e)) &&
           (!wants(t->all, VM_LOCALITY_DISTANCES) || distances_runs(&t->distances, run, n, e)) &&
           (!wants(t->all, VM_LOCALITY_FAULTS) || fault_times_runs(&t->faults, run, n, e)) &&
           (!t->heat || heat_runs(t->heat, &t->stream.ids, t->all->period, run, n, e));
}

static void on_switch(void *host, vm_asid asid)
{
    struct meter *t = host;
    vm_pages_switched(t->faults.pages, asid);
}

static bool open_meter(struct meter *t, struct measuring *m, uint64_t page_bytes,
                       struct vm_error *e)
{
    t->all = m;
    if ((wants(m, VM_LOCALITY_FAULTS) &&
         !fault_times_open(&t->faults, m->request, page_bytes, e)) ||
        !vm_page_stream_open(&t->stream, vm_log2(page_bytes), e))
        return false;
    t->stream.host = t;
    t->stream.emit = on_runs;
    if (wants(m, VM_LOCALITY_FAULTS))
        t->stream.switched = on_switch;
    if (t == m->meter && wants(m, VM_LOCALITY_HEAT)) {
        t->heat = &m->heat;
        if (!heat_open(t->heat, m->request->periods_max, t->stream.page_shift, e))
            return false;
    }
    return (!wants(m, SPANS) || intervals_open(&t->intervals, e)) &&
           (!wants(m, VM_LOCALITY_DISTANCES) || distances_open(&t->distances, e));
}

static void close_meter(struct meter *t)
{
    intervals_close(&t->intervals);
    distances_close(&t->distances);
    fault_times_close(&t->faults);
    vm_page_stream_close(&t->stream);
}

/* ---- time ---- */

/* The current period is over: all of its runs are told. */
static bool end_period(struct measuring *m, struct vm_error *e)
{
    for (size_t i = 0; i < m->request->nsizes; i++) {
        if (!vm_page_stream_end(&m->meter[i].stream, e))
            return false;
        if (wants(m, VM_LOCALITY_FAULTS))
            fault_times_end_period(&m->meter[i].faults, m->period);
    }
    m->period++;
    m->into_refs = 0;
    return true;
}

/* Periods of twice the length. */
static void halve(struct measuring *m)
{
    for (size_t i = 0; i < m->request->nsizes && wants(m, VM_LOCALITY_FAULTS); i++)
        fault_times_halve(&m->meter[i].faults);
    if (wants(m, VM_LOCALITY_HEAT))
        heat_halve(&m->heat);
    m->period /= 2;
    m->period_refs *= 2;
}

static bool take_slice(struct measuring *m, const struct vm_batch *b, struct vm_error *e)
{
    for (size_t i = 0; i < m->request->nsizes; i++)
        if (!vm_page_stream_batch(&m->meter[i].stream, b, e))
            return false;
    m->refs += b->nrefs;
    m->into_refs += b->nrefs;
    if (m->into_refs == m->period_refs && !end_period(m, e))
        return false;
    if (m->period == m->request->periods_max)
        halve(m);
    return true;
}

static bool on_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    struct measuring *m = host;
    struct vm_batch slice;
    slices_of(&m->slices, b);
    while (slices_next(&m->slices, m->period_refs - m->into_refs, &slice))
        if (!take_slice(m, &slice, e))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool check(const struct vm_locality_request *r, struct vm_error *e)
{
    VM_ASSERT(r->nsizes >= 1 && r->nsizes <= VM_LOCALITY_SIZES);
    VM_ASSERT(r->periods_max >= 2 && r->periods_max % 2 == 0);
    for (size_t i = 0; i < r->nsizes; i++)
        if (!vm_is_pow2(r->page_bytes[i]) || r->page_bytes[i] < 4096)
            return vm_fail(e, VM_EMACHINE,
                           "a page size of %llu bytes: expected a power of two, 4096 or more",
                           (unsigned long long)r->page_bytes[i]);
    return true;
}

static bool gather_size(struct measuring *m, size_t i, struct vm_locality_size *out,
                        struct vm_error *e)
{
    struct meter *t = &m->meter[i];
    const struct vm_page_stream *s = &t->stream;
    out->page_bytes = m->request->page_bytes[i];
    out->touches = m->refs + s->crossings;
    out->pages = s->ids.n;
    return (!wants(m, SPANS) || intervals_result(&t->intervals, &out->intervals, e)) &&
           (!wants(m, VM_LOCALITY_DISTANCES) ||
            distances_result(&t->distances, &out->distances, e)) &&
           (!wants(m, VM_LOCALITY_FAULTS) ||
            fault_times_result(&t->faults, m->period, m->period_refs, &out->faults, e));
}

static bool gather(struct measuring *m, struct vm_locality *out, struct vm_error *e)
{
    const struct vm_locality_request *r = m->request;
    out->refs = m->refs;
    for (out->nsizes = 0; out->nsizes < r->nsizes; out->nsizes++)
        if (!gather_size(m, out->nsizes, &out->size[out->nsizes], e))
            return false;
    if (!wants(m, VM_LOCALITY_HEAT))
        return true;
    out->heat.period_refs = m->period_refs;
    return heat_result(&m->heat, m->period, r->heat_rows_max, &out->heat, e);
}

static bool read_trace(struct measuring *m, struct vm_locality *out, struct vm_error *e)
{
    struct vm_config c;
    struct replay r = {
        .config = &c, .source = &m->request->source, .progress = m->request->progress};
    vm_config_init(&c);
    bool done = vm_replay_begin(&r, e) &&
                vm_replay_read(&r, "measuring", (struct replay_consumer){m, on_batch}, e) &&
                (m->into_refs == 0 || end_period(m, e)) && gather(m, out, e);
    if (done) {
        vm_trace_info(r.trace, &out->trace);
        snprintf(out->trace_format, sizeof out->trace_format, "%s", out->trace.format);
        out->trace.format = out->trace_format;
        out->trace.name = m->request->source.spec;
    }
    vm_replay_end(&r);
    return done;
}

static bool measure(struct measuring *m, struct vm_locality *out, struct vm_error *e)
{
    for (size_t i = 0; i < m->request->nsizes; i++)
        if (!open_meter(&m->meter[i], m, m->request->page_bytes[i], e))
            return false;
    return read_trace(m, out, e);
}

bool vm_locality_measure(const struct vm_locality_request *r, struct vm_locality *out,
                         struct vm_error *e)
{
    struct measuring m = {.request = r, .period_refs = 1};
    *out = (struct vm_locality){.parts = r->parts};
    snprintf(out->policy, sizeof out->policy, "%s", r->policy);
    if (!check(r, e))
        return false;
    m.meter = calloc(r->nsizes, sizeof *m.meter);
    bool done = m.meter ? measure(&m, out, e) : vm_fail(e, VM_ESYSTEM, "no memory to measure with");
    for (size_t i = 0; m.meter && i < r->nsizes; i++)
        close_meter(&m.meter[i]);
    free(m.meter);
    heat_close(&m.heat);
    if (!done)
        vm_locality_free(out);
    return done;
}

void vm_locality_free(struct vm_locality *l)
{
    for (size_t i = 0; i < VM_LOCALITY_SIZES; i++) {
        vm_histogram_free(&l->size[i].intervals.between);
        vm_histogram_free(&l->size[i].intervals.after);
        vm_histogram_free(&l->size[i].distances);
        free(l->size[i].faults.period);
        l->size[i].faults = (struct vm_fault_times){0};
    }
    free(l->heat.row);
    free(l->heat.touches);
    l->heat = (struct vm_heat_map){0};
}
