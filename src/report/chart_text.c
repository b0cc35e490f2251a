/* chart_text.c - a chart as characters: a grid of cells over two axes.
 *
 *        y
 *  100 % |*
 *        | ++*                 A cell remembers which series pass through it. Where several do,
 *   50 % |    *+*              neighbouring cells show them in turn, so that one curve behind
 *        |      *+*+           another is still to be seen.
 *    0 % +---+---+--
 *        0   10  20
 *  * lru   + fifo
 *
 * Lines are straight between points as the axes have them: on a logarithmic axis, in logarithms.
 * Of a heat map a cell shows the largest of the cells that it covers, in nine levels of equal
 * ratio between the smallest and the largest.
 */
#include "report/chart_axis.h"
#include "report/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MIN 40
#define LINES_MIN   10
#define LINES_MAX   24
#define MARKS_MAX   32

static const char marks[MARKS_MAX + 1] = "*+ox#@%&=~^vnusweabcdfghijklmpqr";
static const char ramp[] = ".:-=+*#%@";
#define LEVELS (sizeof ramp - 1)

struct grid {
    size_t width, lines;
    struct chart_axis x, y;
    uint32_t *cell; /* [lines * width] a bit for each mark; of a heat map a level; line 0 below */
    char *rule;     /* [2 * (width + 1)] for the x axis and its labels */
};

static uint32_t *cell_at(const struct grid *g, size_t column, size_t line)
{
    return &g->cell[line * g->width + column];
}

static size_t slot(double place, size_t n)
{
    double at = round(place * (double)(n - 1));
    return at < 0 ? 0 : at > (double)(n - 1) ? n - 1 : (size_t)at;
}

/* ---- series ---- */

/* A point in cells, not rounded. */
struct spot {
    double column, line;
};

static bool spot_of(const struct grid *g, const struct vm_series *s, size_t i, struct spot *out)
{
    if (!chart_axis_has(&g->x, s->x[i]) || !chart_axis_has(&g->y, s->y[i]))
        return false;
    out->column = chart_axis_place(&g->x, s->x[i]) * (double)(g->width - 1);
    out->line = chart_axis_place(&g->y, s->y[i]) * (double)(g->lines - 1);
    return true;
}

static void set_column(struct grid *g, double column, double from, double to, uint32_t bit)
{
    size_t c = slot(column / (double)(g->width - 1), g->width);
    double low = from < to ? from : to, high = from < to ? to : from;
    size_t last = slot(high / (double)(g->lines - 1), g->lines);
    for (size_t l = slot(low / (double)(g->lines - 1), g->lines); l <= last; l++)
        *cell_at(g, c, l) |= bit;
}

static void draw_line(struct grid *g, struct spot a, struct spot b, uint32_t bit)
{
    double rise = b.column > a.column ? (b.line - a.line) / (b.column - a.column) : 0;
    if (round(a.column) == round(b.column)) {
        set_column(g, a.column, a.line, b.line, bit);
        return;
    }
    size_t first = (size_t)round(a.column), last = (size_t)round(b.column);
    for (size_t i = first; i <= last; i++) {
        double c = (double)i, from = fmax(c - 0.5, a.column), to = fmin(c + 0.5, b.column);
        /* Half a cell less at both ends: neighbours meet, they need not overlap. */
        double low = a.line + (from - a.column) * rise, high = a.line + (to - a.column) * rise;
        double inset = fmin(0.499, fabs(high - low) / 2) * (high > low ? 1 : -1);
        set_column(g, c, low + inset, high - inset, bit);
    }
}

static void draw_series(struct grid *g, const struct vm_series *s, uint32_t bit)
{
    struct spot before = {0}, now;
    bool joined = false;
    for (size_t i = 0; i < s->n; i++) {
        if (!spot_of(g, s, i, &now)) {
            joined = false;
            continue;
        }
        set_column(g, now.column, s->style == VM_SERIES_BARS ? 0 : now.line, now.line, bit);
        if (joined && s->style == VM_SERIES_LINE)
            draw_line(g, before, now, bit);
        if (joined && s->style == VM_SERIES_STEPS) {
            draw_line(g, before, (struct spot){now.column, before.line}, bit);
            set_column(g, now.column, before.line, now.line, bit);
        }
        before = now;
        joined = true;
    }
}

static unsigned mark_shown(uint32_t set, size_t turn)
{
    for (size_t skip = turn % (size_t)__builtin_popcount(set); skip; skip--)
        set &= set - 1;
    return (unsigned)__builtin_ctz(set);
}

/* ---- heat maps ---- */

struct levels {
    double least, most; /* of the cells that are not empty; least > most: there is none */
};

static struct levels levels_of(const struct vm_heat *h)
{
    struct levels l = {INFINITY, 0};
    for (size_t i = 0; i < h->rows * h->columns; i++) {
        l.least = h->cell[i] > 0 && h->cell[i] < l.least ? h->cell[i] : l.least;
        l.most = h->cell[i] > l.most ? h->cell[i] : l.most;
    }
    return l;
}

/* 1 to LEVELS; 0: empty. */
static uint32_t level_of(const struct levels *l, double v)
{
    if (!(v > 0))
        return 0;
    if (l->most <= l->least)
        return LEVELS;
    double share = log(v / l->least) / log(l->most / l->least);
    return 1 + (uint32_t)fmin(share * LEVELS, LEVELS - 1);
}

/* The largest of the source's cells that share in cell (column, line) of the grid. */
static double heat_under(const struct grid *g, const struct vm_heat *h, size_t column, size_t line)
{
    size_t c0 = column * h->columns / g->width, c1 = (column + 1) * h->columns / g->width;
    size_t r0 = line * h->rows / g->lines, r1 = (line + 1) * h->rows / g->lines;
    double most = 0;
    for (size_t r = r0; r < r1 || r == r0; r++)
        for (size_t c = c0; c < c1 || c == c0; c++)
            most = fmax(most, h->cell[r * h->columns + c]);
    return most;
}

static void draw_heat(struct grid *g, const struct vm_heat *h)
{
    struct levels levels = levels_of(h);
    if (!h->rows || !h->columns)
        return;
    for (size_t l = 0; l < g->lines; l++)
        for (size_t c = 0; c < g->width; c++)
            *cell_at(g, c, l) = level_of(&levels, heat_under(g, h, c, l));
}

/* ---- printing ---- */

/* Where the text goes, and how. */
struct print {
    FILE *out;
    enum vm_colour colour;
    struct vm_style style;
    size_t columns, margin; /* of the whole; left of the grid */
};

static void print_mark(const struct print *p, unsigned mark)
{
    static const int codes[] = {36, 33, 32, 35, 31, 34, 96, 93, 92, 95, 91, 94};
    if (p->colour == VM_COLOUR_ANSI)
        fprintf(p->out, "\033[%dm%c\033[0m", codes[mark % (sizeof codes / sizeof codes[0])],
                marks[mark]);
    else
        fputc(marks[mark], p->out);
}

/* Dark blue to yellow, by the terminal's 256 colours. */
static void print_level(const struct print *p, uint32_t level)
{
    static const int codes[LEVELS] = {17, 18, 25, 31, 36, 71, 107, 179, 220};
    if (level && p->colour == VM_COLOUR_ANSI)
        fprintf(p->out, "\033[48;5;%d;38;5;%dm%c\033[0m", codes[level - 1], level > 5 ? 16 : 255,
                ramp[level - 1]);
    else
        fputc(level ? ramp[level - 1] : ' ', p->out);
}

static const struct chart_tick *tick_of_line(const struct grid *g, size_t line)
{
    for (size_t i = 0; i < g->y.nticks; i++)
        if (slot(chart_axis_place(&g->y, g->y.tick[i].at), g->lines) == line)
            return &g->y.tick[i];
    return NULL;
}

static void print_line(const struct print *p, const struct grid *g, const struct vm_chart *c,
                       size_t line)
{
    const struct chart_tick *tick = tick_of_line(g, line);
    size_t end = g->width;
    while (end > 0 && !*cell_at(g, end - 1, line))
        end--;
    fprintf(p->out, "%*s %c", (int)p->margin - 2, tick ? tick->label : "", tick ? '+' : '|');
    for (size_t i = 0; i < end; i++) {
        uint32_t set = *cell_at(g, i, line);
        if (c->heat)
            print_level(p, set);
        else if (set)
            print_mark(p, mark_shown(set, i + line));
        else
            fputc(' ', p->out);
    }
    fputc('\n', p->out);
}

/* The x axis and its labels; a label that would touch the one before is left out. */
static void print_x_axis(const struct print *p, const struct grid *g)
{
    char *rule = g->rule, *words = rule + g->width + 1;
    size_t free_from = 0;
    int indent = (int)p->margin;
    memset(rule, '-', g->width);
    memset(words, ' ', g->width);
    rule[g->width] = words[g->width] = 0;
    for (size_t i = 0; i < g->x.nticks; i++) {
        const struct chart_tick *t = &g->x.tick[i];
        size_t at = slot(chart_axis_place(&g->x, t->at), g->width), n = strlen(t->label);
        rule[at] = '+';
        size_t from = at > n / 2 ? at - n / 2 : 0;
        from = from + n > g->width ? g->width - n : from;
        if (from < free_from)
            continue;
        memcpy(words + from, t->label, n);
        free_from = from + n + 1;
    }
    words[free_from ? free_from - 1 : 0] = 0;
    fprintf(p->out, "%*s%s\n%*s%s\n", indent, "+", rule, indent, "", words);
}

static void print_centred(const struct print *p, const struct grid *g, const char *text)
{
    size_t n = strlen(text), pad = n < g->width ? (g->width - n) / 2 : 0;
    fprintf(p->out, "%*s%s%s%s\n", (int)(p->margin + pad), "", p->style.dim, text, p->style.end);
}

static void print_series_key(const struct print *p, const struct vm_chart *c)
{
    size_t column = 0;
    for (size_t i = 0; i < c->nseries; i++) {
        size_t n = strlen(c->series[i].name) + 5;
        if (column && column + n > p->columns) {
            fputc('\n', p->out);
            column = 0;
        }
        fputs(column ? "   " : "  ", p->out);
        print_mark(p, (unsigned)(i % MARKS_MAX));
        fprintf(p->out, " %s", c->series[i].name);
        column += n;
    }
    fputs(c->nseries ? "\n" : "", p->out);
}

static void print_heat_key(const struct print *p, const struct vm_heat *h)
{
    struct levels l = levels_of(h);
    char least[32], most[32];
    if (l.most < l.least)
        return;
    fprintf(p->out, "  %s: %s ", h->label,
            chart_value_text(VM_AXIS_PLAIN, l.least, least, sizeof least));
    for (uint32_t i = 1; i <= LEVELS; i++)
        print_level(p, i);
    fprintf(p->out, " %s, each level the same factor\n",
            chart_value_text(VM_AXIS_PLAIN, l.most, most, sizeof most));
}

/* Words to lines of the chart's width. */
static void print_paragraph(const struct print *p, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column && column + 1 + n > p->columns) {
            fputc('\n', p->out);
            column = 0;
        }
        column += (size_t)fprintf(p->out, "%s%.*s", column ? " " : "", (int)n, text);
        text += n + strspn(text + n, " ");
    }
    fputs("\n\n", p->out);
}

static size_t longest_label(const struct chart_axis *a)
{
    size_t longest = 0;
    for (size_t i = 0; i < a->nticks; i++) {
        size_t n = strlen(a->tick[i].label);
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void grid_free(struct grid *g)
{
    free(g->cell);
    free(g->rule);
}

static bool grid_make(struct grid *g, struct print *p, const struct vm_chart *c)
{
    g->lines = p->columns / 4;
    g->lines = g->lines < LINES_MIN ? LINES_MIN : g->lines > LINES_MAX ? LINES_MAX : g->lines;
    chart_axes_make(c, p->columns / 14 < 12 ? (unsigned)p->columns / 14 : 12, 5, &g->x, &g->y);
    p->margin = longest_label(&g->y) + 3;
    g->width = p->columns - p->margin;
    g->cell = calloc(g->lines * g->width, sizeof *g->cell);
    g->rule = malloc(2 * (g->width + 1));
    if (!g->cell || !g->rule) {
        grid_free(g);
        return false;
    }
    if (c->heat)
        draw_heat(g, c->heat);
    for (size_t i = 0; !c->heat && i < c->nseries; i++)
        draw_series(g, &c->series[i], UINT32_C(1) << i % MARKS_MAX);
    return true;
}

bool vm_report_chart_text(FILE *out, const struct vm_chart *c, unsigned columns,
                          enum vm_colour colour, struct vm_error *e)
{
    struct grid g;
    struct print p = {.out = out,
                      .colour = colour,
                      .style = vm_style(colour),
                      .columns = columns < COLUMNS_MIN ? COLUMNS_MIN : columns};
    if (!grid_make(&g, &p, c))
        return vm_fail(e, VM_ESYSTEM, "no memory to draw %s", c->name);
    fprintf(out, "%s%s%s\n", p.style.bold, c->title, p.style.end);
    if (c->about)
        print_paragraph(&p, c->about);
    fprintf(out, "%s%s%s\n", p.style.dim, c->y.label, p.style.end);
    for (size_t l = g.lines; l-- > 0;)
        print_line(&p, &g, c, l);
    print_x_axis(&p, &g);
    print_centred(&p, &g, c->x.label);
    if (c->heat)
        print_heat_key(&p, c->heat);
    else
        print_series_key(&p, c);
    if (c->note)
        fprintf(out, "%s%s%s\n", p.style.dim, c->note, p.style.end);
    grid_free(&g);
    return !ferror(out) || vm_fail(e, VM_ESYSTEM, "the chart: cannot write it");
}
