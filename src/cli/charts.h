/* charts.h - what commands that make charts share: the flags, and showing them.
 *
 *     static const struct flag flags[] = {CHART_FLAGS, {0}};
 *     ...
 *     return charts_show(a, "a title of all", chart, nchart, e);
 *
 * The command takes --json (JSON_FLAG_TAKEN).
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

/* Write the files that flags ask for; print JSON if --json does; if neither, the charts as text.
 * Errors: VM_ESYSTEM. Files appear whole or not at all. */
bool charts_show(const struct args *a, const char *title, const struct vm_chart *c, size_t n,
                 struct vm_error *e);
/* For commands with text and JSON of their own: only the files; and whether any is asked for. */
bool charts_write(const struct args *a, const char *title, const struct vm_chart *c, size_t n,
                  struct vm_error *e);
bool charts_asked(const struct args *a);
/* Only the text. */
bool charts_print(const struct vm_chart *c, size_t n, struct vm_error *e);

#endif
