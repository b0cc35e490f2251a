/* charts.h - what commands that make charts share: the flags, the files and the text.
 *
 *     static const struct flag flags[] = {CHART_FLAGS, {0}};
 *     ...
 *     return charts_asked(a) ? charts_write(a, "a title of all", chart, nchart, e)
 *                            : charts_print(chart, nchart, e);
 */
#ifndef CLI_CHARTS_H
#define CLI_CHARTS_H

#include "cli/cli.h"

#include <pagoda/chart.h>

#define CHART_FLAGS                                                                                \
    {"csv", 0, "FILE", "write the chart's data; of several, FILE gets each one's name", NULL},     \
        {"svg", 0, "FILE", "draw the chart as SVG (by gnuplot)", NULL},                            \
        {"png", 0, "FILE", "draw the chart as PNG (by gnuplot)", NULL},                            \
    {                                                                                              \
        "html", 0, "FILE", "write a page with the charts and their data, in one file", NULL        \
    }

/* Whether a flag asks for a file. */
bool charts_asked(const struct args *a);
/* Write the files that flags ask for; those of all charts have `title`. They appear whole or not at
 * all. Errors: VM_ESYSTEM. */
bool charts_write(const struct args *a, const char *title, const struct vm_chart *c, size_t n,
                  struct vm_error *e);
/* Print them as text, as wide as the terminal, and flush. Errors: VM_ESYSTEM. */
bool charts_print(const struct vm_chart *c, size_t n, struct vm_error *e);

#endif
