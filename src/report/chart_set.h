/* chart_set.h - making charts: numbers, series and texts that live as long as their charts. */
#ifndef REPORT_CHART_SET_H
#define REPORT_CHART_SET_H

#include <pagoda/report.h>

/* Zeroed memory that goes with the charts. NULL: there is none, which sticks. */
void *chart_room(struct vm_charts *c, size_t bytes);
static inline double *chart_numbers(struct vm_charts *c, size_t n)
{
    return chart_room(c, n * sizeof(double));
}
/* A text. */
const char *chart_words(struct vm_charts *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Add a chart. Its series may follow with chart_line. */
void chart_add(struct vm_charts *c, struct vm_chart chart);
/* Add a series to the chart added last, which has less than CHART_SERIES. */
#define CHART_SERIES 80
void chart_series(struct vm_charts *c, struct vm_series s);
/* Whether all of it could be made. Errors: VM_ESYSTEM. */
bool chart_made(struct vm_charts *c, struct vm_error *e);

#endif
