/* curve_charts.c - miss-ratio curves as a chart: misses over size, which is logarithmic.
 *
 * A curve of a million steps is drawn with those that can be seen: a step is left out if the curve
 * has moved, since the last one drawn, by less than a part of the picture both down and along.
 */
#include "report/chart_set.h"
#include "report/curve_words.h"

#include <math.h>

#define SEEN_RATIO (1. / 1024)
#define SEEN_LOG   (1. / 64) /* of a doubling */

_Static_assert(VM_CURVES_MAX <= CHART_SERIES, "one chart has all curves");

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

static void add_curve(struct vm_charts *out, const struct vm_curves *s, const struct vm_curve *c)
{
    char name[VM_CURVE_NAME];
    double *x = chart_numbers(out, c->npoints + 1), *y = chart_numbers(out, c->npoints + 1);
    if (!x || !y)
        return;
    size_t n = fill(s, c, x, y);
    chart_series(out, (struct vm_series){.name = chart_words(out, "%s", vm_curve_name(s, c, name)),
                                         .style = c->way == VM_CURVE_SWEPT ? VM_SERIES_LINE
                                                                           : VM_SERIES_STEPS,
                                         .n = n,
                                         .x = x,
                                         .y = y});
}

bool vm_report_curve_charts(const struct vm_curves *s, struct vm_charts *out, struct vm_error *e)
{
    bool tlb = s->of == VM_CURVE_OF_TLB, bytes = s->axis == VM_CURVE_BYTES;
    *out = (struct vm_charts){.n = 0};
    chart_add(out,
              (struct vm_chart){
                  .name = tlb ? "tlb_miss_ratio" : "miss_ratio",
                  .title = chart_words(out, "Misses of %s, by the %s of %s", s->trace.name,
                                       bytes ? "size" : vm_curve_unit(s), tlb ? "a TLB" : "memory"),
                  .x = {bytes ? "memory" : vm_curve_unit(s), bytes ? VM_AXIS_BYTES : VM_AXIS_PLAIN,
                        VM_SCALE_LOG},
                  .y = {"miss ratio", VM_AXIS_RATIO, VM_SCALE_LINEAR}});
    for (size_t i = 0; i < s->ncurves; i++)
        add_curve(out, s, &s->curve[i]);
    return chart_made(out, e);
}
