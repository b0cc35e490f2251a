/* run.c - a replay that stops between references: batches are handed to the machine in slices.
 *
 * An event that stands before reference n belongs to n: a run that has done n - 1 references has
 * not carried it out.
 */
#include "base/assert.h"
#include "engine/replay.h"

#include <stdlib.h>

#define SLICE_EVENTS 64 /* a slice ends before it would have more */

struct vm_run {
    struct replay replay;
    struct vm_engine *engine;
    struct vm_batch batch;
    uint32_t at, event_at; /* of the batch: references and events before are done */
    uint64_t refs, report_at;
    bool ended;
};

static bool fill(struct vm_run *r, struct vm_error *e)
{
    r->at = r->event_at = 0;
    if (!vm_trace_read(r->replay.trace, &r->batch, e))
        return false;
    r->ended = !r->batch.nrefs && !r->batch.nevents;
    return true;
}

/* Run up to `n` of the batch's references, with the events before each of them; or, if it has none
 * left, the events at its end. */
static bool run_slice(struct vm_run *r, uint64_t n, struct vm_error *e)
{
    struct vm_event event[SLICE_EVENTS];
    uint32_t left = r->batch.nrefs - r->at, from = r->at, nevents = 0;
    uint32_t to = from + (n < left ? (uint32_t)n : left);
    for (; r->event_at < r->batch.nevents; r->event_at++) {
        const struct vm_event *v = &r->batch.event[r->event_at];
        if (v->at >= to && from < to)
            break;
        if (nevents == SLICE_EVENTS) {
            to = v->at; /* its own call begins with it */
            break;
        }
        event[nevents] = *v;
        event[nevents++].at -= from;
    }
    struct vm_batch slice = {to - from, nevents, r->batch.va + from, r->batch.meta + from, event};
    if (!vm_engine_run(r->engine, &slice, e))
        return false;
    r->at = to;
    r->refs += to - from;
    return true;
}

bool vm_run_to(struct vm_run *r, uint64_t refs, struct vm_error *e)
{
    while (r->refs < refs && !r->ended) {
        if (r->at == r->batch.nrefs && r->event_at == r->batch.nevents) {
            if (!fill(r, e))
                return false;
        } else if (!run_slice(r, refs - r->refs, e)) {
            return false;
        }
        if (r->refs >= r->report_at) {
            vm_replay_report(&r->replay, "replaying", r->refs);
            r->report_at = r->refs + REPLAY_REPORT_REFS;
        }
    }
    return vm_replay_sound(&r->replay, e);
}

uint64_t vm_run_refs(const struct vm_run *r)
{
    return r->refs;
}

static bool start(struct vm_run *r, struct vm_error *e)
{
    r->batch = (struct vm_batch){.nrefs = 0};
    r->at = r->event_at = 0;
    r->refs = 0;
    r->report_at = REPLAY_REPORT_REFS;
    r->ended = false;
    r->engine = vm_replay_machine(&r->replay, e);
    return r->engine;
}

bool vm_run_restart(struct vm_run *r, struct vm_error *e)
{
    if (!vm_replay_again(&r->replay, e))
        return false;
    vm_engine_close(r->engine);
    return start(r, e);
}

struct vm_run *vm_run_open(const struct vm_config *c, const struct vm_source *source,
                           const struct vm_progress *progress, struct vm_error *e)
{
    if (c->model != VM_MODEL_MACHINE) {
        vm_fail(e, VM_EUSAGE, "the model pages has no steps to tell: expected the model machine");
        return NULL;
    }
    struct vm_run *r = calloc(1, sizeof *r);
    if (!r) {
        vm_fail(e, VM_ESYSTEM, "no memory for a run");
        return NULL;
    }
    r->replay = (struct replay){.config = c, .source = source, .progress = progress};
    if (vm_replay_begin(&r->replay, e) && start(r, e))
        return r;
    vm_run_close(r);
    return NULL;
}

struct vm_engine *vm_run_engine(struct vm_run *r)
{
    return r->engine;
}

void vm_run_last(const struct vm_run *r, vm_va *va, unsigned *bytes)
{
    VM_ASSERT(r->at > 0);
    *va = r->batch.va[r->at - 1];
    *bytes = vm_ref_bytes(r->batch.meta[r->at - 1]);
}

void vm_run_info(const struct vm_run *r, struct vm_trace_info *out)
{
    vm_trace_info(r->replay.trace, out);
}

void vm_run_close(struct vm_run *r)
{
    if (!r)
        return;
    vm_engine_close(r->engine);
    vm_replay_end(&r->replay);
    free(r);
}
