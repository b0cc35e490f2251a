/* thrash.c - see thrash.h: the same processes, more and more of them at once.
 *
 * Each degree is a run from the beginning, once without admission and, if there is one, with it.
 */
#include "analysis/detector.h"
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check_request(const struct vm_thrash_request *r, struct vm_error *e)
{
    const struct vm_admission_ops *ops;
    _Alignas(16) uint8_t state[VM_ADMISSION_BYTES];
    struct detector detector;
    if (!vm_admission_open(r->mix.admission, &ops, state, e) || /* said before the first run */
        !detector_open(&detector, r->mix.detection, r->mix.window_ns, e))
        return false;
    if (r->mix.n == 0)
        return vm_fail(e, VM_EUSAGE, "no traces: expected one or more, or TRACE*COPIES");
    if (r->degree_first == 0 || r->degree_first > r->degree_last || r->degree_last > r->mix.n)
        return vm_fail(e, VM_EUSAGE, "degrees %zu to %zu: expected some of 1 to %zu, the traces",
                       r->degree_first, r->degree_last, r->mix.n);
    return true;
}

/* The first `degree` processes. */
static bool run(const struct vm_thrash_request *r, const struct vm_thrash *t, size_t degree,
                const char *admission, struct vm_mix_result *out, struct vm_error *e)
{
    struct vm_mix_request mix = r->mix;
    mix.n = degree;
    mix.runs = (r->degree_last - r->degree_first + 1) * (t->limited ? 2 : 1);
    mix.admission = admission;
    return vm_mix_run(&mix, out, e);
}

static bool run_point(const struct vm_thrash_request *r, struct vm_thrash *t, size_t degree,
                      struct vm_error *e)
{
    struct vm_thrash_point *p = &t->point[t->npoints];
    p->degree = degree;
    if (!run(r, t, degree, "none", &p->free, e))
        return false;
    p->admitted = p->free;
    if (t->limited && !run(r, t, degree, r->mix.admission, &p->admitted, e))
        return false;
    t->npoints++;
    return true;
}

/* Where thrashing is detected first. */
static void judge_detected(const struct vm_thrash_request *r, struct vm_thrash *t)
{
    struct detector detector;
    struct vm_error e;
    bool opened = detector_open(&detector, r->mix.detection, r->mix.window_ns, &e);
    VM_ASSERT(opened); /* as it did before the first run */
    snprintf(t->detection, sizeof t->detection, "%s:high=%g,low=%g", detector.ops->name,
             detector.high, detector.low);
    t->detection_unit = detector.ops->unit;
    t->window_ns = detector.window_ns;
    for (size_t i = 0; i < t->npoints && !t->detected; i++)
        if (t->point[i].free.detected.times)
            t->detected = t->point[i].degree;
}

/* Where the processor was used best, and where beyond it works less than half as much. */
static void judge(struct vm_thrash *t)
{
    double most = -1;
    for (size_t i = 0; i < t->npoints; i++) {
        double useful = vm_mix_useful(&t->point[i].free);
        if (useful > most) {
            most = useful;
            t->best = t->point[i].degree;
            t->thrashes = 0;
        } else if (useful < most / 2 && !t->thrashes) {
            t->thrashes = t->point[i].degree;
        }
    }
}

bool vm_thrash_run(const struct vm_thrash_request *r, struct vm_thrash *out, struct vm_error *e)
{
    *out = (struct vm_thrash){0};
    snprintf(out->admission, sizeof out->admission, "%s", r->mix.admission);
    out->limited = strcmp(r->mix.admission, "none") != 0;
    if (!check_request(r, e))
        return false;
    out->point = calloc(r->degree_last - r->degree_first + 1, sizeof *out->point);
    if (!out->point)
        return vm_fail(e, VM_ESYSTEM, "no memory for %zu degrees",
                       r->degree_last - r->degree_first + 1);
    for (size_t degree = r->degree_first; degree <= r->degree_last; degree++)
        if (!run_point(r, out, degree, e))
            return false;
    judge(out);
    judge_detected(r, out);
    return true;
}

void vm_thrash_free(struct vm_thrash *t)
{
    free(t->point);
    *t = (struct vm_thrash){0};
}

/* ---- the picture ---- */

static const struct {
    const char *name, *title, *label;
    enum vm_axis_unit unit;
    double (*of)(const struct vm_mix_result *r);
} measures[VM_THRASH_CHARTS] = {
    {"utilisation", "Use of the processor against the degree of multiprogramming",
     "processor time for programs, of elapsed time", VM_AXIS_RATIO, vm_mix_useful},
    {"throughput", "Throughput against the degree of multiprogramming", "references a second",
     VM_AXIS_PLAIN, vm_mix_throughput},
    {"faults", "Faults against the degree of multiprogramming",
     "pages read back for 1000 references", VM_AXIS_PLAIN, vm_mix_fault_rate},
};

static void draw_measure(const struct vm_thrash *t, struct vm_thrash_picture *out, size_t m)
{
    for (size_t i = 0; i < t->npoints; i++) {
        out->y[m][0][i] = measures[m].of(&t->point[i].free);
        out->y[m][1][i] = measures[m].of(&t->point[i].admitted);
    }
    const char *const names[2] = {"all at once", t->admission};
    for (size_t k = 0; k < 2; k++)
        out->series[m][k] = (struct vm_series){.name = names[k],
                                               .style = VM_SERIES_LINE,
                                               .n = t->npoints,
                                               .x = out->degree,
                                               .y = out->y[m][k]};
    out->chart[m] = (struct vm_chart){.name = measures[m].name,
                                      .title = measures[m].title,
                                      .x = {.label = "processes"},
                                      .y = {.label = measures[m].label, .unit = measures[m].unit},
                                      .nseries = t->limited ? 2 : 1,
                                      .series = out->series[m]};
}

void vm_thrash_draw(const struct vm_thrash *t, struct vm_thrash_picture *out)
{
    for (size_t i = 0; i < t->npoints; i++)
        out->degree[i] = (double)t->point[i].degree;
    for (size_t m = 0; m < VM_THRASH_CHARTS; m++)
        draw_measure(t, out, m);
}
