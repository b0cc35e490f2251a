/* chart_axis.c - see chart_axis.h. Steps between ticks are 1, 2 or 5 times a power of ten, so that
 * they are read easily; of bytes, powers of two.
 */
#include "report/chart_axis.h"

#include "base/assert.h"

#include <math.h>
#include <pagoda/params.h>
#include <string.h>

const char *const chart_scale_names[] = {[VM_SCALE_LINEAR] = "linear", [VM_SCALE_LOG] = "log"};
const char *const chart_unit_names[] = {[VM_AXIS_PLAIN] = "plain",
                                        [VM_AXIS_BYTES] = "bytes",
                                        [VM_AXIS_RATIO] = "ratio",
                                        [VM_AXIS_NS] = "ns"};
const char *const chart_style_names[] = {[VM_SERIES_LINE] = "line",
                                         [VM_SERIES_STEPS] = "steps",
                                         [VM_SERIES_POINTS] = "points",
                                         [VM_SERIES_BARS] = "bars"};

/* ---- numbers as text ---- */

static const char *scaled_text(double v, double base, const char *const *units, size_t n, char *out,
                               size_t cap)
{
    size_t u = 0;
    while (u + 1 < n && fabs(v) >= base) {
        v /= base;
        u++;
    }
    snprintf(out, cap, "%.4g%s", v, units[u]);
    return out;
}

const char *chart_value_text(enum vm_axis_unit unit, double v, char *out, size_t cap)
{
    static const char *const bytes[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    static const char *const ns[] = {" ns", " us", " ms", " s"};
    static const char *const plain[] = {"", " k", " M", " G", " T"};
    switch (unit) {
    case VM_AXIS_BYTES:
        return scaled_text(v, 1024, bytes, 5, out, cap);
    case VM_AXIS_NS:
        return scaled_text(v, 1000, ns, 4, out, cap);
    case VM_AXIS_RATIO:
        snprintf(out, cap, "%.4g %%", 100 * v);
        return out;
    case VM_AXIS_PLAIN:
        break;
    }
    if (v >= 1000 && v < 1e6 && v == floor(v))
        return vm_text_count((uint64_t)v, out, cap);
    return fabs(v) < 1e6 ? scaled_text(v, 1e6, plain, 1, out, cap)
                         : scaled_text(v, 1000, plain, 5, out, cap);
}

/* ---- spans ---- */

struct span {
    double lo, hi; /* lo > hi: nothing */
};

static bool has_place(enum vm_scale scale, double v)
{
    return isfinite(v) && (scale == VM_SCALE_LINEAR || v > 0);
}

static void span_add(struct span *s, enum vm_scale scale, double v)
{
    if (!has_place(scale, v))
        return;
    s->lo = v < s->lo ? v : s->lo;
    s->hi = v > s->hi ? v : s->hi;
}

static void spans_of(const struct vm_chart *c, struct span *x, struct span *y)
{
    *x = *y = (struct span){INFINITY, -INFINITY};
    if (c->heat) {
        *x = (struct span){c->heat->x_first, c->heat->x_end};
        *y = (struct span){c->heat->y_first, c->heat->y_end};
        return;
    }
    for (size_t s = 0; s < c->nseries; s++)
        for (size_t i = 0; i < c->series[s].n; i++) {
            const struct vm_series *one = &c->series[s];
            span_add(x, c->x.scale, one->x[i]);
            span_add(y, c->y.scale, one->y[i]);
            if (one->style == VM_SERIES_BARS)
                span_add(y, c->y.scale, 0);
        }
}

/* Something to see even where there is nothing, or one point. */
static void span_widen(struct span *s, enum vm_scale scale)
{
    if (s->lo > s->hi)
        *s = scale == VM_SCALE_LOG ? (struct span){1, 10} : (struct span){0, 1};
    if (s->lo < s->hi)
        return;
    double more = s->lo == 0 ? 1 : fabs(s->lo) / 2;
    s->hi += more;
    s->lo -= scale == VM_SCALE_LOG || s->lo != 0 ? more : 0;
}

/* ---- ticks ---- */

static double nice_step(double least, enum vm_axis_unit unit)
{
    if (unit == VM_AXIS_BYTES)
        return exp2(ceil(log2(least) - 1e-9));
    double power = pow(10, floor(log10(least) + 1e-9)), digit = least / power;
    return power * (digit <= 1 + 1e-9 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static void add_tick(struct chart_axis *a, double at, enum vm_axis_unit unit)
{
    double place = chart_axis_place(a, at);
    if (place < -1e-9 || place > 1 + 1e-9 || a->nticks == CHART_TICKS_MAX)
        return;
    struct chart_tick *t = &a->tick[a->nticks++];
    t->at = at;
    chart_value_text(unit, at, t->label, sizeof t->label);
}

static void linear_ticks(struct chart_axis *a, double step, enum vm_axis_unit unit)
{
    double first = ceil(a->lo / step - 1e-9), last = floor(a->hi / step + 1e-9);
    size_t n = last < first ? 0 : (size_t)fmin(last - first, CHART_TICKS_MAX) + 1;
    for (size_t i = 0; i < n; i++)
        add_tick(a, (first + (double)i) * step + 0.0, unit); /* no -0 */
}

/* Powers of the base, every second or third of them if there are many; between few, 2 and 5. */
static void log_ticks(struct chart_axis *a, unsigned wanted, enum vm_axis_unit unit)
{
    double base = unit == VM_AXIS_BYTES ? 2 : 10;
    int first = (int)floor(log(a->lo) / log(base) + 1e-9);
    int last = (int)floor(log(a->hi) / log(base) + 1e-9);
    int stride = (last - first + (int)wanted - 1) / (int)wanted;
    stride = stride ? stride : 1;
    bool between = base == 10 && (last - first) * 3 <= (int)wanted;
    for (int i = first; i <= last; i += stride) {
        add_tick(a, pow(base, i), unit);
        for (int k = 2; k <= 5 && between; k += 3)
            add_tick(a, k * pow(base, i), unit);
    }
}

static double log_edge(double v, enum vm_axis_unit unit, double (*round_to)(double))
{
    double base = unit == VM_AXIS_BYTES ? 2 : 10, power = log(v) / log(base);
    return pow(base, round_to(round_to == floor ? power + 1e-9 : power - 1e-9));
}

static void axis_make(struct chart_axis *out, const struct vm_axis *a, struct span s,
                      unsigned wanted)
{
    VM_ASSERT(s.lo < s.hi && wanted >= 2 && wanted <= CHART_TICKS_MAX / 2);
    *out = (struct chart_axis){.scale = a->scale, .lo = s.lo, .hi = s.hi};
    if (a->scale == VM_SCALE_LOG)
        log_ticks(out, wanted, a->unit);
    /* Two at least: a nice step may be too long for what it is to divide. */
    for (unsigned parts = wanted; out->nticks < 2 && parts < 1u << 16; parts *= 2) {
        out->nticks = 0;
        linear_ticks(out, nice_step((s.hi - s.lo) / parts, a->unit), a->unit);
    }
}

/* From zero, unless that would press what differs into a third of the height; to a tick. */
static struct span rounded(struct span s, const struct vm_axis *a, unsigned wanted)
{
    if (a->scale == VM_SCALE_LOG)
        return (struct span){log_edge(s.lo, a->unit, floor), log_edge(s.hi, a->unit, ceil)};
    if (s.lo > 0 && s.lo <= s.hi * 2 / 3)
        s.lo = 0;
    double step = nice_step((s.hi - s.lo) / wanted, a->unit);
    return (struct span){floor(s.lo / step + 1e-9) * step, ceil(s.hi / step - 1e-9) * step};
}

void chart_axes_make(const struct vm_chart *c, unsigned xticks, unsigned yticks,
                     struct chart_axis *x, struct chart_axis *y)
{
    struct span xs, ys;
    spans_of(c, &xs, &ys);
    /* Cells have no places on a logarithmic axis. */
    struct vm_axis xa = c->x, ya = c->y;
    if (c->heat)
        xa.scale = ya.scale = VM_SCALE_LINEAR;
    span_widen(&xs, xa.scale);
    span_widen(&ys, ya.scale);
    axis_make(x, &xa, xs, xticks);
    axis_make(y, &ya, c->heat ? ys : rounded(ys, &ya, yticks), yticks);
}

bool chart_axis_has(const struct chart_axis *a, double v)
{
    return has_place(a->scale, v);
}

double chart_axis_place(const struct chart_axis *a, double v)
{
    if (a->scale == VM_SCALE_LOG)
        return log(v / a->lo) / log(a->hi / a->lo);
    return (v - a->lo) / (a->hi - a->lo);
}
