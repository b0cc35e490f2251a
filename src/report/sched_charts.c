/* sched_charts.c - Gantt charts: a row a job, a column a stretch of time, coloured where it ran. */
#include "report/chart_set.h"
#include "report/sched_words.h"

#define GANTT_COLUMNS 1000
#define GANTT_ROWS    50 /* the first jobs */

struct gantt {
    double *cell;
    size_t columns, rows;
};

static void fill(void *data, const struct vm_job_span *span, size_t column, uint64_t time)
{
    const struct gantt *g = data;
    if (span->job < g->rows && span->kind != VM_SPAN_SWITCH)
        g->cell[(g->rows - 1 - span->job) * g->columns + column] += (double)time;
}

static void add_gantt(struct vm_charts *out, const struct vm_jobs_result *r, size_t i)
{
    uint64_t width = vm_column_width(r, GANTT_COLUMNS), time = r->end - r->start;
    struct gantt g = {.columns = (size_t)((time + width - 1) / width),
                      .rows = r->njobs < GANTT_ROWS ? r->njobs : GANTT_ROWS};
    struct vm_heat *heat = chart_room(out, sizeof *heat);
    g.cell = chart_numbers(out, g.rows * g.columns);
    if (!g.cell || !heat)
        return;
    for (size_t k = 0; k < r->nspans; k++)
        vm_span_columns(&r->span[k], r->start, width, g.columns, fill, &g);
    *heat = (struct vm_heat){.columns = g.columns,
                             .rows = g.rows,
                             .x_first = (double)r->start,
                             .x_end = (double)(r->start + g.columns * width),
                             .y_end = (double)g.rows,
                             .cell = g.cell,
                             .label = "time on a processor"};
    chart_add(out,
              (struct vm_chart){.name = chart_words(out, "gantt%zu", i + 1),
                                .title = chart_words(out, "%s: which job ran when", r->scheduler),
                                .note = chart_words(out, "mean response %.2f, turnaround %.2f",
                                                    r->response, r->turnaround),
                                .x = {"time", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                                .y = {"jobs, the first at the top", VM_AXIS_PLAIN, VM_SCALE_LINEAR},
                                .heat = heat});
}

bool vm_report_sched_charts(const struct vm_schedules *s, struct vm_charts *out, struct vm_error *e)
{
    *out = (struct vm_charts){.n = 0};
    for (size_t i = 0; i < s->nresults && i < VM_CHARTS_MAX; i++)
        add_gantt(out, &s->result[i], i);
    return chart_made(out, e);
}
