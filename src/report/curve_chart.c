/* curve_chart.c - miss-ratio curves as a chart: misses over size, which is logarithmic.
 *
 * A curve of a million steps is drawn with those that can be seen: a step is left out if the curve
 * has moved, since the last one drawn, by less than a part of the picture both down and along.
 */
#include "report/curve_words.h"

#include <math.h>
#include <pagoda/report.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_RATIO (1. / 1024)
#define SEEN_LOG   (1. / 64) /* of a doubling */

struct vm_curve_chart {
    struct vm_chart chart;
    char title[320];
    struct vm_series *series;
    char (*name)[VM_CURVE_NAME];
    double *number; /* all x and y */
};

static double unit_of(const struct vm_curves *s, const struct vm_curve *c)
{
    return s->axis == VM_CURVE_BYTES ? (double)c->page_bytes : 1;
}

/* The visible points of a curve into x[npoints + 1] and y[npoints + 1]; returns how many. */
static size_t fill(const struct vm_curves *s, const struct vm_curve *c, double *x, double *y)
{
    size_t n = 0;
    if (c->way != VM_CURVE_SWEPT && c->npoints > 1 && c->point[1].frames > 1) {
        x[n] = unit_of(s, c); /* until the first fall */
        y[n++] = vm_curve_ratio(c, 1);
    }
    for (size_t i = 1; i < c->npoints; i++) {
        double size = (double)c->point[i].frames * unit_of(s, c);
        double ratio = (double)c->point[i].misses / (double)c->touches;
        bool last = i + 1 == c->npoints;
        if (n && !last && y[n - 1] - ratio < SEEN_RATIO && log2(size / x[n - 1]) < SEEN_LOG)
            continue;
        x[n] = size;
        y[n++] = ratio;
    }
    return n;
}

static size_t points_all(const struct vm_curves *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->ncurves; i++)
        n += s->curve[i].npoints + 1;
    return n;
}

static void describe(struct vm_curve_chart *made, const struct vm_curves *s)
{
    bool tlb = s->of == VM_CURVE_OF_TLB, bytes = s->axis == VM_CURVE_BYTES;
    snprintf(made->title, sizeof made->title, "Misses of %s, by the %s of %s", s->trace.name,
             bytes ? "size" : vm_curve_unit(s), tlb ? "a TLB" : "memory");
    made->chart = (struct vm_chart){
        .name = tlb ? "tlb_miss_ratio" : "miss_ratio",
        .title = made->title,
        .x = {bytes ? "memory" : vm_curve_unit(s), bytes ? VM_AXIS_BYTES : VM_AXIS_PLAIN,
              VM_SCALE_LOG},
        .y = {"misses", VM_AXIS_RATIO, VM_SCALE_LINEAR},
        .nseries = s->ncurves,
        .series = made->series,
    };
}

struct vm_curve_chart *vm_curve_chart_make(const struct vm_curves *s, struct vm_error *e)
{
    struct vm_curve_chart *made = calloc(1, sizeof *made);
    if (made) {
        made->series = calloc(s->ncurves + 1, sizeof *made->series);
        made->name = calloc(s->ncurves + 1, sizeof *made->name);
        made->number = calloc(2 * points_all(s) + 1, sizeof *made->number);
    }
    if (!made || !made->series || !made->name || !made->number) {
        vm_curve_chart_free(made);
        vm_fail(e, VM_ESYSTEM, "no memory for a chart of %zu curves", s->ncurves);
        return NULL;
    }
    double *number = made->number;
    for (size_t i = 0; i < s->ncurves; i++) {
        const struct vm_curve *c = &s->curve[i];
        size_t n = fill(s, c, number, number + c->npoints + 1);
        made->series[i] = (struct vm_series){
            .name = vm_curve_name(s, c, made->name[i]),
            .style = c->way == VM_CURVE_SWEPT ? VM_SERIES_LINE : VM_SERIES_STEPS,
            .n = n,
            .x = number,
            .y = number + c->npoints + 1,
        };
        number += 2 * (c->npoints + 1);
    }
    describe(made, s);
    return made;
}

const struct vm_chart *vm_curve_chart_of(const struct vm_curve_chart *c)
{
    return &c->chart;
}

void vm_curve_chart_free(struct vm_curve_chart *c)
{
    if (!c)
        return;
    free(c->series);
    free(c->name);
    free(c->number);
    free(c);
}
