/* chart_html.c - charts as one HTML page that needs no network and no other file.
 *
 * The page carries Chart.js (found when Pagoda is built, and embedded), its style and script
 * (chart_page.css, chart_page.js), and the charts' data as JSON. For those who do not see pictures,
 * and where scripts are off, each chart's data is a table too: a row for each x that a series has;
 * of a heat map, a row for each row of cells.
 *
 * Invariants
 *  1. No text of a chart can end the element that it stands in: names are escaped in HTML, and the
 *     JSON has no character "<".
 */
#include "report/chart_axis.h"
#include "report/chart_json.h"
#include "report/html.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XTICKS     10
#define YTICKS     6
#define TABLE_ROWS 1000 /* of a table: more are no help; the CSV has all */

static const struct {
    const char *name, *text;
} parts[] = {
#include "chart_page.inc.h"
};
/* As src/meson.build gives them to tools/embed.py. */
enum { PART_CHART_JS, PART_STYLE, PART_SCRIPT };

/* ---- data for the script ---- */

static json_t *axis_json(struct vm_json *j, const struct chart_axis *a)
{
    json_t *ticks = json_array();
    for (size_t i = 0; i < a->nticks; i++)
        vm_json_add(j, ticks,
                    json_pack("{s:f, s:s}", "at", a->tick[i].at, "label", a->tick[i].label));
    return json_pack("{s:f, s:f, s:o}", "lo", a->lo, "hi", a->hi, "ticks", ticks);
}

static json_t *page_json(struct vm_json *j, const struct vm_chart *c, size_t n)
{
    json_t *charts = vm_json_charts(j, c, n);
    for (size_t i = 0; i < n; i++) {
        struct chart_axis x, y;
        chart_axes_make(&c[i], XTICKS, YTICKS, &x, &y);
        vm_json_put(j, json_array_get(charts, i), "axes",
                    json_pack("{s:o, s:o}", "x", axis_json(j, &x), "y", axis_json(j, &y)));
    }
    return charts;
}

static int put_data(const char *text, size_t bytes, void *out)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(text[i], out);
    return ferror(out) ? -1 : 0;
}

static bool put_script_data(FILE *out, const struct vm_chart *c, size_t n, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *charts = page_json(&j, c, n);
    fputs("<script type=\"application/json\" id=\"charts\">\n", out);
    bool good =
        charts && !j.failed &&
        json_dump_callback(charts, put_data, out, JSON_COMPACT | JSON_REAL_PRECISION(12)) == 0;
    json_decref(charts);
    fputs("\n</script>\n", out);
    return good || vm_fail(e, VM_ESYSTEM, "no memory for the page's data");
}

/* ---- tables ---- */

static void put_heading(FILE *out, const char *text)
{
    fputs("<th scope=\"col\">", out);
    vm_html_text(out, text);
    fputs("</th>", out);
}

static void put_value(FILE *out, const char *element, enum vm_axis_unit unit, double v)
{
    char text[32];
    fprintf(out, "<%s>%s</%.2s>", element,
            isfinite(v) ? chart_value_text(unit, v, text, sizeof text) : "", element);
}

/* The least x that a series has at its cursor or behind it; no number: none has. */
static double next_x(const struct vm_chart *c, const size_t *cursor)
{
    double least = NAN;
    for (size_t i = 0; i < c->nseries; i++)
        if (cursor[i] < c->series[i].n && !(c->series[i].x[cursor[i]] >= least))
            least = c->series[i].x[cursor[i]];
    return least;
}

static void put_row(FILE *out, const struct vm_chart *c, size_t *cursor, double x)
{
    fputs("<tr>", out);
    put_value(out, "th scope=\"row\"", c->x.unit, x);
    for (size_t i = 0; i < c->nseries; i++) {
        bool here = cursor[i] < c->series[i].n && c->series[i].x[cursor[i]] == x;
        put_value(out, "td", c->y.unit, here ? c->series[i].y[cursor[i]] : NAN);
        cursor[i] += here;
    }
    fputs("</tr>\n", out);
}

static bool put_series_table(FILE *out, const struct vm_chart *c)
{
    size_t *cursor = calloc(c->nseries + 1, sizeof *cursor), rows = 0;
    if (!cursor)
        return false;
    fputs("<tr>", out);
    put_heading(out, c->x.label);
    for (size_t i = 0; i < c->nseries; i++)
        put_heading(out, c->series[i].name);
    fputs("</tr>\n", out);
    for (double x; !isnan(x = next_x(c, cursor)) && rows < TABLE_ROWS; rows++)
        put_row(out, c, cursor, x);
    free(cursor);
    return true;
}

/* One row of cells: how many are not empty, their sum, the largest and where it is. */
static void put_heat_row(FILE *out, const struct vm_chart *c, size_t row)
{
    const struct vm_heat *h = c->heat;
    const double *cell = h->cell + row * h->columns;
    double height = (h->y_end - h->y_first) / (double)h->rows, sum = 0;
    size_t used = 0, most = 0;
    for (size_t i = 0; i < h->columns; i++) {
        used += cell[i] != 0;
        sum += cell[i];
        most = cell[i] > cell[most] ? i : most;
    }
    if (!used)
        return;
    fputs("<tr>", out);
    put_value(out, "th scope=\"row\"", c->y.unit, h->y_first + (double)row * height);
    put_value(out, "td", VM_AXIS_PLAIN, (double)used);
    put_value(out, "td", VM_AXIS_PLAIN, sum);
    put_value(out, "td", VM_AXIS_PLAIN, cell[most]);
    put_value(out, "td", c->x.unit,
              h->x_first + (double)most * (h->x_end - h->x_first) / (double)h->columns);
    fputs("</tr>\n", out);
}

static void put_heat_table(FILE *out, const struct vm_chart *c)
{
    fputs("<tr>", out);
    put_heading(out, c->y.label);
    put_heading(out, "cells that are not empty");
    put_heading(out, c->heat->label);
    put_heading(out, "the most in a cell");
    put_heading(out, c->x.label);
    fputs("</tr>\n", out);
    for (size_t r = 0; r < c->heat->rows && r < TABLE_ROWS; r++)
        put_heat_row(out, c, r);
}

/* ---- the page ---- */

static void put_paragraph(FILE *out, const char *class, const char *text)
{
    if (!text)
        return;
    fprintf(out, "<p%s>", class);
    vm_html_text(out, text);
    fputs("</p>\n", out);
}

static bool put_chart(FILE *out, const struct vm_chart *c, size_t i)
{
    bool good = true;
    fprintf(out, "<section id=\"chart-%zu\">\n<h2>", i);
    vm_html_text(out, c->title);
    fputs("</h2>\n", out);
    put_paragraph(out, "", c->about);
    fputs("<div class=\"plot\"><canvas role=\"img\" aria-label=\"", out);
    vm_html_text(out, c->title);
    fputs("; its data is in the table below\"></canvas></div>\n<p class=\"keys\"></p>\n", out);
    if (c->heat)
        fputs("<p><output></output></p>\n", out);
    put_paragraph(out, " class=\"dim\"", c->note);
    fputs("<p><a class=\"csv\" hidden>Data as CSV</a></p>\n"
          "<details><summary>Data as a table</summary>\n<div class=\"scroll\"><table>\n",
          out);
    if (c->heat)
        put_heat_table(out, c);
    else
        good = put_series_table(out, c);
    fputs("</table></div></details>\n</section>\n", out);
    return good;
}

bool vm_report_charts_html(FILE *out, const char *title, const struct vm_chart *c, size_t n,
                           struct vm_error *e)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
          out);
    vm_html_text(out, title);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", parts[PART_STYLE].text);
    vm_html_text(out, title);
    fputs("</h1>\n<noscript><p>Scripts are off: the data is in the tables.</p></noscript>\n", out);
    for (size_t i = 0; i < n; i++)
        if (!put_chart(out, &c[i], i))
            return vm_fail(e, VM_ESYSTEM, "no memory for a table of %s", c[i].name);
    fprintf(out, "<p class=\"dim\">Pagoda %s</p>\n", PAGODA_VERSION);
    if (!put_script_data(out, c, n, e))
        return false;
    fprintf(out, "<script>\n%s</script>\n<script>\n%s</script>\n</body>\n</html>\n",
            parts[PART_CHART_JS].text, parts[PART_SCRIPT].text);
    return !ferror(out) || vm_fail(e, VM_ESYSTEM, "the page: cannot write: %s", strerror(errno));
}
