/* heap_charts.c - memory of heaps over a trace's requests, and maps of their regions. */
#include "report/chart_set.h"

#define MAP_COLUMNS 128
#define MAP_ROWS    32

/* Held bytes over the requests; of the first heap, what was asked for. */
static double held(const struct vm_heap_moment *m)
{
    return (double)m->usage.held_bytes;
}

static double asked(const struct vm_heap_moment *m)
{
    return (double)m->asked;
}

static void add_series(struct vm_charts *out, const struct vm_heap_result *r, const char *name,
                       double (*of)(const struct vm_heap_moment *m))
{
    double *x = chart_numbers(out, r->nsamples), *y = chart_numbers(out, r->nsamples);
    if (!x || !y)
        return;
    for (size_t i = 0; i < r->nsamples; i++) {
        x[i] = (double)r->sample[i].number;
        y[i] = of(&r->sample[i]);
    }
    chart_series(out, (struct vm_series){
                          .name = name, .style = VM_SERIES_LINE, .n = r->nsamples, .x = x, .y = y});
}

static void add_memory(const struct vm_heaps *h, struct vm_charts *out)
{
    chart_add(out, (struct vm_chart){
                       .name = "memory",
                       .title = chart_words(out, "%s: memory of heaps", h->trace.name),
                       .x = {"requests", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                       .y = {"held", VM_AXIS_BYTES, VM_SCALE_LINEAR},
                       .about = "What each heap holds of its host's memory over the requests, "
                                "beside the bytes that live blocks were asked for."});
    if (h->nresults)
        add_series(out, &h->result[0], "asked for", asked);
    for (size_t i = 0; i < h->nresults && i + 1 < CHART_SERIES; i++)
        add_series(out, &h->result[i], chart_words(out, "%s", h->result[i].spec), held);
}

/* Spread the piece's bytes over the cells of `bytes` each that it lies in, the first at the top. */
static void spread(double *cell, size_t columns, size_t rows, double bytes,
                   const struct vm_heap_piece *p)
{
    double at = (double)p->start, end = (double)(p->start + p->bytes);
    for (size_t k = (size_t)(at / bytes); k < columns * rows && at < end; k++) {
        double cell_end = (double)(k + 1) * bytes, stop = end < cell_end ? end : cell_end;
        size_t row = rows - 1 - k / columns;
        cell[row * columns + k % columns] += (stop - at) / bytes;
        at = stop;
    }
}

static void add_map(const struct vm_heap_result *r, size_t i, struct vm_charts *out)
{
    char unit[32];
    double cells = MAP_COLUMNS * MAP_ROWS, all = (double)r->map.usage.held_bytes;
    double bytes = all / cells < 16 ? 16 : all / cells;
    size_t rows = (size_t)(all / bytes / MAP_COLUMNS);
    rows = rows < 1 ? 1 : rows > MAP_ROWS ? MAP_ROWS : rows;
    bytes = all / (double)(rows * MAP_COLUMNS);
    double *cell = chart_numbers(out, rows * MAP_COLUMNS);
    struct vm_heat *heat = chart_room(out, sizeof *heat);
    if (!cell || !heat || all == 0)
        return;
    for (size_t k = 0; k < r->npieces; k++)
        if (r->piece[k].kind == VM_HEAP_LIVE)
            spread(cell, MAP_COLUMNS, rows, bytes, &r->piece[k]);
    *heat = (struct vm_heat){.columns = MAP_COLUMNS,
                             .rows = rows,
                             .x_end = bytes * MAP_COLUMNS,
                             .y_end = (double)rows,
                             .cell = cell,
                             .label = "live, of a cell's bytes"};
    chart_add(out,
              (struct vm_chart){
                  .name = chart_words(out, "map%zu", i + 1),
                  .title = chart_words(out, "%s: its region after request %llu", r->spec,
                                       (unsigned long long)r->map.number),
                  .note = chart_words(out, "a cell is %s; the lowest addresses at the top left",
                                      vm_text_bytes((uint64_t)bytes, unit, sizeof unit)),
                  .x = {"in a row", VM_AXIS_BYTES, VM_SCALE_LINEAR},
                  .y = {"rows", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                  .heat = heat});
}

static void add_maps(const struct vm_heaps *h, struct vm_charts *out)
{
    for (size_t i = 0; i < h->nresults && out->n < VM_CHARTS_MAX; i++)
        if (h->result[i].piece)
            add_map(&h->result[i], i, out);
}

bool vm_report_heap_charts(const struct vm_heaps *h, struct vm_charts *out, struct vm_error *e)
{
    *out = (struct vm_charts){.n = 0};
    add_memory(h, out);
    add_maps(h, out);
    return chart_made(out, e);
}

bool vm_report_heap_maps(const struct vm_heaps *h, struct vm_charts *out, struct vm_error *e)
{
    *out = (struct vm_charts){.n = 0};
    add_maps(h, out);
    return chart_made(out, e);
}
