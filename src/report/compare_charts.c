/* compare_charts.c - pictures of a comparison: a series a policy, a point a memory. */
#include "report/chart_set.h"

#include <math.h>
#include <stdlib.h>

/* A number of a cell that is drawn. */
typedef double cell_number(const struct vm_compare_cell *cell);

static double miss_ratio(const struct vm_compare_cell *cell)
{
    double touches = (double)cell->counts.touches;
    return touches > 0 ? (double)vm_compare_misses(&cell->counts) / touches : 0;
}

static double touch_ns(const struct vm_compare_cell *cell)
{
    double touches = (double)cell->counts.touches;
    return touches > 0 ? cell->prices.total_ns / touches : 0;
}

/* The memories from the smallest to the largest. */
static void order(const struct vm_comparison *c, size_t *memory)
{
    for (size_t i = 0; i < c->nmemories; i++) {
        size_t k = i;
        for (; k > 0 && c->memory[memory[k - 1]].bytes > c->memory[i].bytes; k--)
            memory[k] = memory[k - 1];
        memory[k] = i;
    }
}

static void add_series(struct vm_charts *out, const struct vm_comparison *c, size_t policy,
                       cell_number *number)
{
    size_t memory[VM_COMPARE_MEMORIES];
    double *x = chart_numbers(out, c->nmemories), *y = chart_numbers(out, c->nmemories);
    if (!x || !y)
        return;
    order(c, memory);
    for (size_t i = 0; i < c->nmemories; i++) {
        const struct vm_compare_cell *cell = vm_compare_at(c, memory[i], policy);
        x[i] = (double)c->memory[memory[i]].bytes;
        y[i] = cell->done ? number(cell) : (double)NAN;
    }
    chart_series(out,
                 (struct vm_series){c->policy[policy].spec, VM_SERIES_LINE, c->nmemories, x, y});
}

bool vm_report_compare_charts(const struct vm_comparison *c, struct vm_charts *out,
                              struct vm_error *e)
{
    const struct vm_axis memory = {"memory", VM_AXIS_BYTES, VM_SCALE_LOG};
    *out = (struct vm_charts){.n = 0};
    chart_add(out, (struct vm_chart){.name = "miss_ratio",
                                     .title = "Misses of each policy, against memory",
                                     .x = memory,
                                     .y = {"miss ratio", VM_AXIS_RATIO, VM_SCALE_LOG}});
    for (size_t p = 0; p < c->npolicies; p++)
        add_series(out, c, p, miss_ratio);
    chart_add(out, (struct vm_chart){.name = "time",
                                     .title = "Time of a touch with each policy, against memory",
                                     .x = memory,
                                     .y = {"time of a touch", VM_AXIS_NS, VM_SCALE_LOG}});
    for (size_t p = 0; p < c->npolicies; p++)
        add_series(out, c, p, touch_ns);
    return chart_made(out, e);
}
