/* watch_charts.c - a process that was watched: its memory over time, or its working set against the
 * length of the window.
 */
#include "report/chart_set.h"

#include <math.h>

static double *column(struct vm_charts *out, const struct vm_watching *w,
                      double (*of)(const struct vm_watch_sample *s))
{
    double *y = chart_numbers(out, w->nsamples);
    for (size_t i = 0; y && i < w->nsamples; i++)
        y[i] = of(&w->sample[i]);
    return y;
}

static double at(const struct vm_watch_sample *s)
{
    return (double)s->at_ns;
}

static double window(const struct vm_watch_sample *s)
{
    return (double)s->interval_ns;
}

static double resident(const struct vm_watch_sample *s)
{
    return (double)s->all.rss;
}

static double touched(const struct vm_watch_sample *s)
{
    return s->all.touched == VM_WATCH_UNKNOWN ? NAN : (double)s->all.touched;
}

static double written(const struct vm_watch_sample *s)
{
    return s->all.written == VM_WATCH_UNKNOWN ? NAN : (double)s->all.written;
}

bool vm_report_watch_charts(const struct vm_watching *w, struct vm_charts *out, struct vm_error *e)
{
    static const struct {
        const char *name;
        double (*of)(const struct vm_watch_sample *s);
    } series[] = {{"resident", resident}, {"touched", touched}, {"written", written}};
    double *x = column(out, w, w->grows ? window : at);
    chart_add(out, (struct vm_chart){
                       .name = w->grows ? "working_set" : "memory",
                       .title = w->grows ? "Memory touched, against the length of the window"
                                         : "Memory resident, and touched in each window",
                       .x = {w->grows ? "window" : "time", VM_AXIS_NS,
                             w->grows ? VM_SCALE_LOG : VM_SCALE_LINEAR},
                       .y = {"memory", VM_AXIS_BYTES, VM_SCALE_LINEAR},
                   });
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        double *y = column(out, w, series[i].of);
        if (y && w->nsamples && !isnan(y[0]))
            chart_series(out, (struct vm_series){.name = series[i].name,
                                                 .style = VM_SERIES_LINE,
                                                 .n = w->nsamples,
                                                 .x = x,
                                                 .y = y});
    }
    return chart_made(out, e);
}
