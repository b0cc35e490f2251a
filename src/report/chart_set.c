/* chart_set.c - see chart_set.h. */
#include "report/chart_set.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdlib.h>

void *chart_room(struct vm_charts *c, size_t bytes)
{
    struct vm_charts_room *room = calloc(1, sizeof *room + bytes);
    if (!room) {
        c->failed = true;
        return NULL;
    }
    room->next = c->room;
    c->room = room;
    return room->bytes;
}

const char *chart_words(struct vm_charts *c, const char *fmt, ...)
{
    enum { WORDS_MAX = 240 };
    char *text = chart_room(c, WORDS_MAX);
    va_list args;
    va_start(args, fmt);
    if (text)
        vsnprintf(text, WORDS_MAX, fmt, args);
    va_end(args);
    return text ? text : "";
}

void chart_add(struct vm_charts *c, struct vm_chart chart)
{
    VM_ASSERT(c->n < VM_CHARTS_MAX);
    if (!chart.heat)
        chart.series = chart_room(c, CHART_SERIES * sizeof *chart.series);
    c->chart[c->n++] = chart;
}

void chart_series(struct vm_charts *c, struct vm_series s)
{
    VM_ASSERT(c->n > 0);
    struct vm_chart *chart = &c->chart[c->n - 1];
    VM_ASSERT(chart->nseries < CHART_SERIES);
    if (!c->failed)
        ((struct vm_series *)chart->series)[chart->nseries++] = s;
}

bool chart_made(struct vm_charts *c, struct vm_error *e)
{
    if (!c->failed)
        return true;
    vm_charts_free(c);
    return vm_fail(e, VM_ESYSTEM, "no memory for charts");
}

void vm_charts_free(struct vm_charts *c)
{
    for (struct vm_charts_room *room = c->room, *next; room; room = next) {
        next = room->next;
        free(room);
    }
    *c = (struct vm_charts){.n = 0};
}
