/* chart_csv.c - a chart's data as comma-separated values (RFC 4180, with bare newlines).
 *
 * One header line; then "series,x,y", a row a point in the order of the series, y empty where there
 * is a gap; of a heat map "x,y,value", a row a cell that is not empty, at its lowest x and y.
 */
#include "report/chart_axis.h"

#include <errno.h>
#include <math.h>
#include <pagoda/report.h>
#include <string.h>

static void put_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_series(FILE *out, const struct vm_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        put_text(out, s->name);
        fprintf(out, ",%.12g,", s->x[i]);
        if (isfinite(s->y[i]))
            fprintf(out, "%.12g", s->y[i]);
        fputc('\n', out);
    }
}

static void put_heat(FILE *out, const struct vm_heat *h)
{
    double width = (h->x_end - h->x_first) / (double)h->columns;
    double height = (h->y_end - h->y_first) / (double)h->rows;
    for (size_t r = 0; r < h->rows; r++)
        for (size_t c = 0; c < h->columns; c++)
            if (h->cell[r * h->columns + c] != 0)
                fprintf(out, "%.12g,%.12g,%.12g\n", h->x_first + (double)c * width,
                        h->y_first + (double)r * height, h->cell[r * h->columns + c]);
}

bool vm_report_chart_csv(FILE *out, const struct vm_chart *c, struct vm_error *e)
{
    fputs(c->heat ? "x,y,value\n" : "series,x,y\n", out);
    if (c->heat)
        put_heat(out, c->heat);
    for (size_t i = 0; !c->heat && i < c->nseries; i++)
        put_series(out, &c->series[i]);
    return !ferror(out) || vm_fail(e, VM_ESYSTEM, "the data: cannot write: %s", strerror(errno));
}
