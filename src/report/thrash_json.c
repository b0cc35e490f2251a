/* thrash_json.c - how a machine bears several programs, for programs. Every member:
 * docs/formats/json.md. */
#include "report/json.h"

#include <pagoda/thrash.h>

static json_t *waits_json(const uint64_t waits_ns[VM_WAITS])
{
    return json_pack("{s:I, s:I, s:I}", "read", (json_int_t)waits_ns[VM_WAIT_READ], "write",
                     (json_int_t)waits_ns[VM_WAIT_WRITE], "frame",
                     (json_int_t)waits_ns[VM_WAIT_FRAME]);
}

static json_t *process_json(const struct vm_process_result *p)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, "
        "s:o}",
        "refs", (json_int_t)p->refs, "touches", (json_int_t)p->touches, "tlb_misses",
        (json_int_t)p->tlb_misses, "faults", (json_int_t)p->faults, "majors", (json_int_t)p->majors,
        "writebacks", (json_int_t)p->writebacks, "dispatches", (json_int_t)p->dispatches, "waits",
        (json_int_t)p->waits, "suspensions", (json_int_t)p->suspensions, "suspended_ns",
        (json_int_t)p->suspended_ns, "prepages", (json_int_t)p->prepages, "program_ns",
        p->program_ns, "kernel_ns", p->kernel_ns, "blocked_ns", (json_int_t)p->blocked_ns,
        "admitted_ns", (json_int_t)p->admitted_ns, "done_ns", (json_int_t)p->done_ns,
        "working_set_peak", (json_int_t)p->working_set_peak, "waits_ns", waits_json(p->waits_ns));
}

static json_t *detected_json(const struct vm_detected *d)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:f}", "windows", (json_int_t)d->windows, "times",
                     (json_int_t)d->times, "first_ns", (json_int_t)d->first_ns, "lasted_ns",
                     (json_int_t)d->lasted_ns, "rate_peak", d->rate_peak);
}

static json_t *mix_json(struct vm_json *j, const struct vm_config *c, const struct vm_mix_result *r)
{
    json_t *processes = json_array();
    for (size_t i = 0; i < r->n; i++)
        vm_json_add(j, processes, process_json(&r->process[i]));
    json_t *mix = json_pack(
        "{s:I, s:f, s:f, s:f, s:f, s:I, s:f, s:f, s:I, s:I, s:I}", "elapsed_ns",
        (json_int_t)r->time.now_ns, "useful", vm_mix_useful(r), "busy", vm_mix_busy(r),
        "throughput", vm_mix_throughput(r), "fault_rate", vm_mix_fault_rate(r), "idle_ns",
        (json_int_t)r->time.idle_ns, "program_ns", r->time.program_ns, "kernel_ns",
        r->time.kernel_ns, "admitted_max", (json_int_t)r->admitted_max, "prepages",
        (json_int_t)r->counts.prepages, "prepage_hits", (json_int_t)r->counts.prepage_hits);
    vm_json_put_devices(j, mix, c, r->device);
    vm_json_put(j, mix, "thrashing", detected_json(&r->detected));
    vm_json_put(j, mix, "processes", processes);
    return mix;
}

static json_t *traces_json(struct vm_json *j, const struct vm_thrash_request *r)
{
    json_t *traces = json_array();
    for (size_t i = 0; i < r->mix.n; i++)
        vm_json_add(j, traces, vm_json_text(r->mix.source[i].spec));
    return traces;
}

bool vm_report_thrash_json(FILE *out, const struct vm_thrash *t, const struct vm_thrash_request *r,
                           struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *points = json_array();
    for (size_t i = 0; i < t->npoints; i++)
        vm_json_add(&j, points,
                    json_pack("{s:I, s:o, s:o}", "degree", (json_int_t)t->point[i].degree, "free",
                              mix_json(&j, r->mix.machine, &t->point[i].free), "admitted",
                              mix_json(&j, r->mix.machine, &t->point[i].admitted)));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:o, s:o, s:I, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}",
        "schema", VM_JSON_SCHEMA, "kind", "thrash", "version", PAGODA_VERSION, "traces",
        traces_json(&j, r), "config", vm_json_config(&j, r->mix.machine), "quantum",
        (json_int_t)r->mix.quantum, "quantum_ns", (json_int_t)r->mix.quantum_ns, "admission",
        t->admission, "suspend", vm_leaver_names[r->mix.leaver], "prepage",
        vm_prepage_names[r->mix.prepage], "detection", t->detection, "window_ns",
        (json_int_t)t->window_ns, "detected", (json_int_t)t->detected, "best", (json_int_t)t->best,
        "thrashes", (json_int_t)t->thrashes, "points", points);
    return vm_json_write(out, &j, root, e);
}
