/* job_record.c - see job_record.h. */
#include "analysis/job_record.h"

#include <stdlib.h>
#include <string.h>

/* Room for `more` elements of `bytes` after n in an array of cap. */
static void *reserve(struct job_record *r, void *array, size_t n, size_t more, size_t *cap,
                     size_t bytes)
{
    if (n + more <= *cap)
        return array;
    size_t grown_cap = 2 * *cap + more + 64;
    void *grown = r->failed ? NULL : realloc(array, grown_cap * bytes);
    if (!grown) {
        r->failed = true;
        return array;
    }
    *cap = grown_cap;
    return grown;
}

static bool continues(const struct vm_job_span *last, const struct vm_job_span *span)
{
    return last->end == span->start && last->job == span->job && last->kind == span->kind;
}

void job_record_span(struct job_record *r, struct vm_job_span span)
{
    struct vm_jobs_result *out = r->out;
    size_t *last = &r->last[span.cpu];
    if (span.start == span.end)
        return;
    if (*last && continues(&out->span[*last - 1], &span)) {
        out->span[*last - 1].end = span.end;
        return;
    }
    out->span = reserve(r, out->span, out->nspans, 1, &out->spans_cap, sizeof *out->span);
    if (r->failed)
        return;
    out->span[out->nspans++] = span;
    *last = out->nspans;
}

void job_record_event(struct job_record *r, struct vm_job_event event,
                      const struct vm_sched_fact *fact)
{
    struct vm_jobs_result *out = r->out;
    if (r->what != VM_RECORD_EVENTS)
        return;
    out->event = reserve(r, out->event, out->nevents, 1, &out->events_cap, sizeof *out->event);
    out->fact =
        reserve(r, out->fact, out->nfacts, event.nfacts, &out->facts_cap, sizeof *out->fact);
    if (r->failed)
        return;
    event.fact = out->nfacts;
    if (event.nfacts)
        memcpy(out->fact + out->nfacts, fact, event.nfacts * sizeof *fact);
    out->nfacts += event.nfacts;
    out->event[out->nevents++] = event;
}
