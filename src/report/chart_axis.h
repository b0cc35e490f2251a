/* chart_axis.h - an axis at work: what it spans, where a number lies on it, its ticks.
 *
 * Every picture of a chart, as text, by gnuplot or as a page, has the same spans, ticks and labels.
 */
#ifndef REPORT_CHART_AXIS_H
#define REPORT_CHART_AXIS_H

#include <pagoda/chart.h>

#define CHART_TICKS_MAX 24

struct chart_tick {
    double at;
    char label[24]; /* "64 KiB", "25 %" */
};

struct chart_axis {
    enum vm_scale scale;
    double lo, hi; /* lo < hi; both above 0 on a logarithmic axis */
    size_t nticks;
    struct chart_tick tick[CHART_TICKS_MAX]; /* within lo and hi, ascending */
};

/* Both axes of a chart, with about as many ticks as are wanted (2 to CHART_TICKS_MAX / 2). The
 * y axis ends at ticks, and begins at 0 where that hides no difference; x spans what there is. */
void chart_axes_make(const struct vm_chart *c, unsigned xticks, unsigned yticks,
                     struct chart_axis *x, struct chart_axis *y);
/* Whether a number has a place on the axis. */
bool chart_axis_has(const struct chart_axis *a, double v);
/* Where it is between lo (0) and hi (1). */
double chart_axis_place(const struct chart_axis *a, double v);
/* A number with the axis's unit: "1.5 MiB", "12.5 %". Returns out. */
const char *chart_value_text(enum vm_axis_unit unit, double v, char *out, size_t cap);

/* The words of chart.h's enums: "linear", "bytes", "steps". */
extern const char *const chart_scale_names[];
extern const char *const chart_unit_names[];
extern const char *const chart_style_names[];

#endif
