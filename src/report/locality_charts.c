/* locality_charts.c - pictures of a program's locality; of page sizes, each its own series. */
#include "report/chart_set.h"
#include "report/locality_view.h"

#define POINTS_AN_OCTAVE 8

struct maker {
    struct vm_charts *out;
    const struct vm_locality *l;
    const struct vm_locality_view *view;
};

/* "working set, 4 KiB"; without the size where there is only one. */
static const char *series_name(const struct maker *m, const char *what, uint64_t page_bytes)
{
    char size[32];
    if (m->l->nsizes == 1)
        return what;
    return chart_words(m->out, "%s, %s", what, vm_text_bytes(page_bytes, size, sizeof size));
}

/* ---- working sets ---- */

/* Numbers of one page size at all windows. */
enum curve { WINDOW, SET, VMIN, MISSES };
#define CURVES 4

struct curves {
    size_t n;
    double *of[CURVES]; /* [n] */
};

static struct curves curves_of(const struct maker *m, const struct vm_locality_size *s)
{
    uint64_t window[VM_WINDOWS_MAX];
    const struct vm_intervals *v = &s->intervals;
    struct curves c = {.n = locality_windows(m->view, v->touches, POINTS_AN_OCTAVE, window)};
    for (int i = 0; i < CURVES; i++)
        c.of[i] = chart_numbers(m->out, c.n);
    if (m->out->failed)
        return (struct curves){.n = 0};
    for (size_t i = 0; i < c.n; i++) {
        c.of[WINDOW][i] = (double)window[i];
        c.of[SET][i] = vm_working_set_mean(v, window[i]) * (double)s->page_bytes;
        c.of[VMIN][i] = vm_vmin_mean(v, window[i]) * (double)s->page_bytes;
        c.of[MISSES][i] = (double)vm_working_set_misses(v, window[i]) / (double)v->touches;
    }
    return c;
}

static const struct {
    struct vm_chart chart;
    size_t n;
    struct {
        const char *name;
        enum curve x, y;
    } series[2];
} window_charts[] = {
    {{.name = "working_set",
      .title = "Mean size of the working set, against its window",
      .x = {"window, touches", VM_AXIS_PLAIN, VM_SCALE_LOG},
      .y = {"mean size", VM_AXIS_BYTES, VM_SCALE_LOG}},
     2,
     {{"working set", WINDOW, SET}, {"vmin", WINDOW, VMIN}}},
    {{.name = "window_misses",
      .title = "Misses of the working set, against its window",
      .x = {"window, touches", VM_AXIS_PLAIN, VM_SCALE_LOG},
      .y = {"miss ratio", VM_AXIS_RATIO, VM_SCALE_LOG}},
     1,
     {{"misses", WINDOW, MISSES}}},
    {{.name = "size_misses",
      .title = "Misses of working set and VMIN, against their mean size",
      .x = {"mean size", VM_AXIS_BYTES, VM_SCALE_LOG},
      .y = {"miss ratio", VM_AXIS_RATIO, VM_SCALE_LOG}},
     2,
     {{"working set", SET, MISSES}, {"vmin", VMIN, MISSES}}},
};

static void add_working_sets(const struct maker *m)
{
    struct curves c[VM_LOCALITY_SIZES];
    for (size_t i = 0; i < m->l->nsizes; i++)
        c[i] = curves_of(m, &m->l->size[i]);
    for (size_t k = 0; k < sizeof window_charts / sizeof window_charts[0]; k++) {
        chart_add(m->out, window_charts[k].chart);
        for (size_t i = 0; i < m->l->nsizes * window_charts[k].n; i++) {
            size_t size = i / window_charts[k].n, nth = i % window_charts[k].n;
            chart_series(m->out,
                         (struct vm_series){series_name(m, window_charts[k].series[nth].name,
                                                        m->l->size[size].page_bytes),
                                            VM_SERIES_LINE, c[size].n,
                                            c[size].of[window_charts[k].series[nth].x],
                                            c[size].of[window_charts[k].series[nth].y]});
        }
    }
}

/* ---- histograms ---- */

static void add_histogram(const struct maker *m, const struct vm_histogram *h, uint64_t page_bytes,
                          const char *name)
{
    struct locality_bin bin;
    size_t n = 0, at = 0;
    while (locality_bin(h, m->view->bins, &at, &bin))
        n++;
    double *x = chart_numbers(m->out, n), *y = chart_numbers(m->out, n);
    if (!x || !y)
        return;
    at = n = 0;
    for (; locality_bin(h, m->view->bins, &at, &bin); n++) {
        x[n] = (double)bin.first;
        y[n] = (double)bin.count;
    }
    chart_series(m->out, (struct vm_series){series_name(m, name, page_bytes),
                                            m->view->bins == VM_BINS_LOG2 ? VM_SERIES_BARS
                                                                          : VM_SERIES_POINTS,
                                            n, x, y});
}

static void add_intervals(const struct maker *m)
{
    chart_add(m->out, (struct vm_chart){.name = "intervals",
                                        .title = "Touches from one use of a page to the next",
                                        .x = {"touches", VM_AXIS_PLAIN, VM_SCALE_LOG},
                                        .y = {"intervals", VM_AXIS_PLAIN, VM_SCALE_LOG}});
    for (size_t i = 0; i < m->l->nsizes; i++)
        add_histogram(m, &m->l->size[i].intervals.between, m->l->size[i].page_bytes, "intervals");
}

static void add_distances(const struct maker *m)
{
    chart_add(m->out, (struct vm_chart){.name = "distances",
                                        .title = "Different pages between a use of a page and its "
                                                 "next",
                                        .note = "uses with no other page between are not drawn",
                                        .x = {"pages", VM_AXIS_PLAIN, VM_SCALE_LOG},
                                        .y = {"uses", VM_AXIS_PLAIN, VM_SCALE_LOG}});
    for (size_t i = 0; i < m->l->nsizes; i++)
        add_histogram(m, &m->l->size[i].distances, m->l->size[i].page_bytes, "distances");
}

/* ---- over time ---- */

static void add_fault_series(const struct maker *m, const struct vm_locality_size *s)
{
    const struct vm_fault_times *f = &s->faults;
    double *x = chart_numbers(m->out, f->n), *faults = chart_numbers(m->out, f->n),
           *firsts = chart_numbers(m->out, f->n);
    if (!x || !faults || !firsts)
        return;
    for (size_t i = 0; i < f->n; i++) {
        x[i] = (double)(i * f->period_refs);
        faults[i] = (double)f->period[i].faults;
        firsts[i] = (double)f->period[i].firsts;
    }
    chart_series(m->out, (struct vm_series){series_name(m, "faults", s->page_bytes),
                                            VM_SERIES_STEPS, f->n, x, faults});
    chart_series(m->out, (struct vm_series){series_name(m, "first touches", s->page_bytes),
                                            VM_SERIES_STEPS, f->n, x, firsts});
}

/* "600 KiB", or of each page size its own. */
static const char *memories(const struct maker *m)
{
    const char *text = "";
    char bytes[32], page[32];
    for (size_t i = 0; i < m->l->nsizes; i++) {
        const struct vm_locality_size *s = &m->l->size[i];
        vm_text_bytes(s->faults.memory_bytes, bytes, sizeof bytes);
        vm_text_bytes(s->page_bytes, page, sizeof page);
        text = m->l->nsizes == 1 ? chart_words(m->out, "%s", bytes)
                                 : chart_words(m->out, "%s%s%s with pages of %s", text,
                                               *text ? ", " : "", bytes, page);
    }
    return text;
}

static void add_faults(const struct maker *m)
{
    char refs[32];
    chart_add(m->out, (struct vm_chart){
                          .name = "faults",
                          .title = chart_words(m->out, "Faults of %s over time", m->l->policy),
                          .note = chart_words(
                              m->out, "in each %s references; memory of %s",
                              vm_text_count(m->l->size[0].faults.period_refs, refs, sizeof refs),
                              memories(m)),
                          .x = {"references", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                          .y = {"faults", VM_AXIS_PLAIN, VM_SCALE_LINEAR}});
    for (size_t i = 0; i < m->l->nsizes; i++)
        add_fault_series(m, &m->l->size[i]);
}

static void add_heat(const struct maker *m)
{
    const struct vm_heat_map *h = &m->l->heat;
    double *cell = chart_numbers(m->out, h->rows * h->columns);
    struct vm_heat *heat = chart_room(m->out, sizeof *heat);
    size_t gaps = 0;
    char row[32], refs[32];
    if (!cell || !heat)
        return;
    for (size_t i = 0; i < h->rows * h->columns; i++)
        cell[i] = (double)h->touches[i];
    for (size_t r = 0; r < h->rows; r++)
        gaps += h->row[r].gap;
    *heat = (struct vm_heat){.columns = h->columns,
                             .rows = h->rows,
                             .x_end = (double)(h->columns * h->period_refs),
                             .y_end = (double)h->rows * (double)h->row_bytes,
                             .cell = cell,
                             .label = "touches"};
    chart_add(m->out, (struct vm_chart){
                          .name = "heat",
                          .title = "Touches by place and time",
                          .note = chart_words(m->out, "a cell: %s of addresses, %s references",
                                              vm_text_bytes(h->row_bytes, row, sizeof row),
                                              vm_text_count(h->period_refs, refs, sizeof refs)),
                          .x = {"references", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                          .y = {chart_words(m->out, "touched addresses, %zu gaps cut out", gaps),
                                VM_AXIS_BYTES, VM_SCALE_LINEAR},
                          .heat = heat});
}

bool vm_report_locality_charts(const struct vm_locality *l, const struct vm_locality_view *view,
                               struct vm_charts *out, struct vm_error *e)
{
    static const struct {
        enum vm_locality_part part;
        void (*add)(const struct maker *m);
    } charts[] = {
        {VM_LOCALITY_WORKING_SET, add_working_sets},
        {VM_LOCALITY_INTERVALS, add_intervals},
        {VM_LOCALITY_DISTANCES, add_distances},
        {VM_LOCALITY_FAULTS, add_faults},
        {VM_LOCALITY_HEAT, add_heat},
    };
    struct maker m = {out, l, view};
    *out = (struct vm_charts){.n = 0};
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++)
        if (l->parts & charts[i].part)
            charts[i].add(&m);
    return chart_made(out, e);
}
