/* chart_gnuplot.c - a chart as SVG or PNG, drawn by gnuplot (5.2 or later, Debian's gnuplot-nox).
 *
 * gnuplot reads a script from its standard input and prints the picture. The numbers stand in the
 * script as data blocks. Words stand between single quotes, in which gnuplot gives no character a
 * meaning but the quote, which is doubled; the terminal is told to find no markup in them.
 *
 * Invariants
 *  1. Every axis has the span, ticks and labels of chart_axis.c.
 *  2. There is always something to plot, so that a chart without points is a picture of its axes.
 *
 * Source: gnuplot 5.4 manual, "set terminal svg", "pngcairo", "plot datafile", "set xtics".
 */
#include "base/child.h"
#include "report/chart_axis.h"

#include <errno.h>
#include <math.h>
#include <pagoda/report.h>
#include <stdlib.h>
#include <string.h>

#define XTICKS 8
#define YTICKS 6

/* Okabe and Ito's colours, which those who see few colours can tell apart; then with dashes. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000", "#8a6d3b"};
#define NCOLOURS (sizeof colours / sizeof colours[0])

/* Between single quotes, each of the characters `doubled` twice. */
static void put_quoted(FILE *f, const char *text, const char *doubled)
{
    fputc('\'', f);
    for (; *text; text++) {
        if (strchr(doubled, *text))
            fputc(*text, f);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
    }
    fputc('\'', f);
}

static void put_word(FILE *f, const char *command, const char *text)
{
    fprintf(f, "set %s ", command);
    put_quoted(f, text, "'");
    fputs(" noenhanced\n", f);
}

static void put_axis(FILE *f, const char *name, const struct chart_axis *a, enum vm_axis_unit unit)
{
    /* gnuplot leaves out a tick at the end of a logarithmic axis if its logarithm is rounded. */
    double slack = a->scale == VM_SCALE_LOG ? 1e-9 : 0;
    fprintf(f, "set %srange [%.17g:%.17g]\nset %stics (", name, a->lo * (1 - slack),
            a->hi * (1 + slack), name);
    for (size_t i = 0; i < a->nticks; i++) {
        fputs(i ? ", " : "", f);
        put_quoted(f, a->tick[i].label, "'%"); /* a tick's label is a format */
        fprintf(f, " %.17g", a->tick[i].at);
    }
    fputs(")\n", f);
    if (a->scale == VM_SCALE_LOG)
        fprintf(f, "set logscale %s %d\n", name, unit == VM_AXIS_BYTES ? 2 : 10);
}

static void put_series_data(FILE *f, const struct vm_series *s, size_t i,
                            const struct chart_axis *x, const struct chart_axis *y)
{
    bool gap = true; /* blank lines break a curve; two in a row would end the data */
    fprintf(f, "$data%zu << END\n", i);
    for (size_t k = 0; k < s->n; k++) {
        bool shown = chart_axis_has(x, s->x[k]) && chart_axis_has(y, s->y[k]);
        if (shown)
            fprintf(f, "%.12g %.12g\n", s->x[k], s->y[k]);
        else if (!gap)
            fputc('\n', f);
        gap = !shown;
    }
    fputs("END\n", f);
}

static bool has_points(const struct vm_series *s, const struct chart_axis *x,
                       const struct chart_axis *y)
{
    for (size_t k = 0; k < s->n; k++)
        if (chart_axis_has(x, s->x[k]) && chart_axis_has(y, s->y[k]))
            return true;
    return false;
}

static void put_style(FILE *f, const struct vm_series *s, size_t i)
{
    const char *colour = colours[i % NCOLOURS];
    size_t dashes = i / NCOLOURS % 5 + 1;
    switch (s->style) {
    case VM_SERIES_LINE:
        fprintf(f, "with lines lw 2 lc rgb '%s' dt %zu", colour, dashes);
        break;
    case VM_SERIES_STEPS:
        fprintf(f, "with steps lw 2 lc rgb '%s' dt %zu", colour, dashes);
        break;
    case VM_SERIES_POINTS:
        fprintf(f, "with points pt %zu ps 0.7 lc rgb '%s'", 6 + dashes, colour);
        break;
    case VM_SERIES_BARS:
        fprintf(f, "with boxes fill solid 0.6 lc rgb '%s'", colour);
        break;
    }
}

static void put_series(FILE *f, const struct vm_chart *c, const struct chart_axis *x,
                       const struct chart_axis *y)
{
    for (size_t i = 0; i < c->nseries; i++)
        put_series_data(f, &c->series[i], i, x, y);
    fputs("plot ", f);
    for (size_t i = 0; i < c->nseries; i++) {
        bool any = has_points(&c->series[i], x, y);
        if (any)
            fprintf(f, "$data%zu using 1:2 ", i);
        else
            fputs("NaN ", f);
        put_style(f, &c->series[i], i);
        fputs(" title ", f);
        put_quoted(f, c->series[i].name, "'");
        fputs(" noenhanced, ", f);
    }
    fputs("NaN notitle\n", f);
}

static double largest(const struct vm_heat *h)
{
    double most = 0;
    for (size_t i = 0; i < h->rows * h->columns; i++)
        most = fmax(most, h->cell[i]);
    return most;
}

/* Cells at their middles; the colours are viridis, in equal steps of ratio. */
static void put_heat(FILE *f, const struct vm_heat *h)
{
    double width = (h->x_end - h->x_first) / (double)h->columns;
    double height = (h->y_end - h->y_first) / (double)h->rows;
    fputs("set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')\n"
          "set logscale cb\nset colorbox\n",
          f);
    put_word(f, "cblabel", h->label);
    fputs("$heat << END\n", f);
    for (size_t r = 0; r < h->rows; r++)
        for (size_t c = 0; c < h->columns; c++) {
            double v = h->cell[r * h->columns + c];
            fprintf(f, "%.12g %.12g ", h->x_first + ((double)c + 0.5) * width,
                    h->y_first + ((double)r + 0.5) * height);
            if (v > 0)
                fprintf(f, "%.12g\n", v);
            else
                fputs("NaN\n", f);
        }
    fputs("END\n", f);
    fputs(largest(h) > 0 ? "plot $heat using 1:2:3 with image notitle\n" : "plot NaN notitle\n", f);
}

static void put_chart(FILE *f, const struct vm_chart *c, const char *terminal)
{
    struct chart_axis x, y;
    chart_axes_make(c, XTICKS, YTICKS, &x, &y);
    fprintf(f,
            "set terminal %s\nset encoding utf8\n"
            "set border 3\nset tics nomirror out\nset grid lc rgb '#d0d4dc' lt 1 lw 0.5\n"
            "set key outside top center horizontal\n",
            terminal);
    put_word(f, "title", c->title);
    put_word(f, "xlabel", c->x.label);
    put_word(f, "ylabel", c->y.label);
    put_axis(f, "x", &x, c->x.unit);
    put_axis(f, "y", &y, c->y.unit);
    if (c->note) {
        fputs("set bmargin 6\nset label 1 at screen 0.01, screen 0.03 noenhanced "
              "textcolor rgb '#5d6678' ",
              f);
        put_quoted(f, c->note, "'");
        fputc('\n', f);
    }
    if (c->heat && c->heat->rows && c->heat->columns)
        put_heat(f, c->heat);
    else
        put_series(f, c, &x, &y);
}

static bool draw(FILE *out, const struct vm_chart *c, const char *terminal, struct vm_error *e)
{
    /* -d: no start-up files of the user or the site. */
    static const char *const argv[] = {"gnuplot", "-d", NULL};
    char *script = NULL, complaint[VM_CHILD_COMPLAINT];
    size_t bytes;
    FILE *f = open_memstream(&script, &bytes);
    if (f)
        put_chart(f, c, terminal);
    if (!f || fclose(f) != 0) {
        free(script);
        return vm_fail(e, VM_ESYSTEM, "no memory to draw %s", c->name);
    }
    enum vm_child_end end = vm_child_filter(argv, script, bytes, out, complaint);
    free(script);
    if (end == VM_CHILD_DONE)
        return true;
    if (end == VM_CHILD_FAILED)
        return vm_fail(e, VM_ESYSTEM, "gnuplot could not draw %s: %s", c->name, complaint);
    vm_fail(e, VM_ESYSTEM, "gnuplot: no such program: it draws SVG and PNG");
    return vm_hint(e, "apt-get install gnuplot-nox; or --csv, --html and the text need no gnuplot");
}

bool vm_report_chart_svg(FILE *out, const struct vm_chart *c, struct vm_error *e)
{
    return draw(out, c,
                "svg size 900,560 dynamic standalone noenhanced font 'sans-serif,14' "
                "background '#ffffff'",
                e);
}

bool vm_report_chart_png(FILE *out, const struct vm_chart *c, struct vm_error *e)
{
    return draw(out, c, "pngcairo size 1200,750 noenhanced font 'sans,14' background '#ffffff'", e);
}
