/* figures.c - see figures.h. */
#include "analysis/figures.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BYTES (UINT64_C(64) << 20) /* reserved; an experiment has some thousand points */

bool figures_open(struct vm_figures *f, struct vm_error *e)
{
    *f = (struct vm_figures){.memory = calloc(1, sizeof *f->memory)};
    if (!f->memory)
        return vm_fail(e, VM_ESYSTEM, "no memory for charts");
    if (vm_arena_open(f->memory, MEMORY_BYTES, e))
        return true;
    vm_figures_free(f);
    return false;
}

void vm_figures_free(struct vm_figures *f)
{
    if (f->memory)
        vm_arena_close(f->memory);
    free(f->memory);
    *f = (struct vm_figures){0};
}

struct figure figure_add(struct vm_figures *f, const struct vm_chart *shape, size_t series,
                         size_t points)
{
    VM_ASSERT(f->n < VM_FIGURES_MAX);
    struct figure g = {.chart = &f->chart[f->n++], .room_series = series, .room_points = points};
    g.series = vm_arena_take(f->memory, series * sizeof *g.series);
    g.numbers = vm_arena_take(f->memory, series * 2 * points * sizeof *g.numbers);
    *g.chart = *shape;
    g.chart->series = g.series;
    g.chart->nseries = 0;
    return g;
}

size_t figure_series(struct vm_figures *f, struct figure *g, const char *name,
                     enum vm_series_style style)
{
    size_t i = g->chart->nseries++;
    VM_ASSERT(i < g->room_series);
    double *x = g->numbers + i * 2 * g->room_points;
    g->series[i] = (struct vm_series){
        .name = figures_text(f, "%s", name), .style = style, .x = x, .y = x + g->room_points};
    return i;
}

void figure_point(struct figure *g, size_t series, double x, double y)
{
    struct vm_series *s = &g->series[series];
    double *xs = g->numbers + series * 2 * g->room_points;
    VM_ASSERT(series < g->chart->nseries && s->n < g->room_points);
    VM_ASSERT(s->n == 0 || xs[s->n - 1] <= x);
    xs[s->n] = x;
    xs[g->room_points + s->n] = y;
    s->n++;
}

const char *figures_text(struct vm_figures *f, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    VM_ASSERT(n >= 0 && (size_t)n < sizeof text);
    char *out = vm_arena_take(f->memory, (size_t)n + 1);
    memcpy(out, text, (size_t)n + 1);
    return out;
}
