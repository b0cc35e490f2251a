/* Charts as text, CSV, JSON and HTML, against plain ways to do the same: where a point lies, what a
 * cell shows, and that the data comes out as it went in.
 */
#include "unit/test.h"

#include "base/random.h"
#include "report/chart_axis.h"
#include "report/chart_json.h"
#include "rounds.h"

#include <jansson.h>
#include <math.h>
#include <pagoda/report.h>
#include <stdlib.h>
#include <string.h>

#define POINTS 40
#define SERIES 6

/* ---- random charts ---- */

struct world {
    struct vm_chart chart;
    struct vm_series series[SERIES];
    double x[SERIES][POINTS], y[SERIES][POINTS];
};

static double some_number(struct vm_random *r, enum vm_scale scale)
{
    double magnitude = pow(10, vm_random_real(r) * 8 - 2);
    switch (vm_random_below(r, 12)) {
    case 0:
        return 0;
    case 1:
        return NAN;
    case 2:
        return scale == VM_SCALE_LOG ? -magnitude : round(magnitude);
    default:
        return magnitude;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void world_make(struct world *w, uint64_t seed, enum vm_series_style style)
{
    struct vm_random r;
    vm_random_seed(&r, seed);
    *w = (struct world){.chart = {.name = "some",
                                  .title = "A title",
                                  .x = {"across", (enum vm_axis_unit)vm_random_below(&r, 4),
                                        (enum vm_scale)vm_random_below(&r, 2)},
                                  .y = {"up", (enum vm_axis_unit)vm_random_below(&r, 4),
                                        (enum vm_scale)vm_random_below(&r, 2)}}};
    static const char *const names[SERIES] = {"one", "two", "a,b", "\"q\"", "<i>&", "six"};
    w->chart.nseries = vm_random_below(&r, SERIES) + 1;
    w->chart.series = w->series;
    for (size_t i = 0; i < w->chart.nseries; i++) {
        size_t n = vm_random_below(&r, POINTS);
        w->series[i] = (struct vm_series){names[i], style, n, w->x[i], w->y[i]};
        for (size_t k = 0; k < n; k++) {
            double x = some_number(&r, w->chart.x.scale);
            w->x[i][k] = isnan(x) ? 1 : x;
            w->y[i][k] = some_number(&r, w->chart.y.scale);
        }
        qsort(w->x[i], n, sizeof(double), ascending);
    }
}

/* ---- text, and what it shows ---- */

struct picture {
    char *text;
    char *line[64]; /* of the grid, from below, each as wide as the grid */
    size_t lines, width, margin;
};

/* The line of the x axis: blanks, then + and a rule of - and +. Its length is all it is told by. */
static bool is_rule(const char *line)
{
    line += strspn(line, " ");
    return strlen(line) > 20 && strspn(line, "+-") == strlen(line);
}

static struct picture picture_of(const struct vm_chart *c, unsigned columns)
{
    struct picture p = {0};
    struct vm_error e;
    size_t bytes, n = 0;
    char *at[128], *rest, *line;
    FILE *f = open_memstream(&p.text, &bytes);
    assert_true(vm_report_chart_text(f, c, columns, VM_COLOUR_NONE, &e));
    fclose(f);
    for (rest = p.text; (line = strsep(&rest, "\n"));) {
        assert_true(n < 128);
        at[n++] = line;
        if (is_rule(line))
            break;
    }
    assert_true(n > 0 && is_rule(at[n - 1]));
    p.margin = strspn(at[n - 1], " ") + 1;
    p.width = strlen(at[n - 1]) - p.margin;
    for (size_t i = n - 1;
         i-- > 0 && strlen(at[i]) >= p.margin && strchr("|+", at[i][p.margin - 1]);)
        p.line[p.lines++] = at[i] + p.margin;
    return p;
}

static char shown(const struct picture *p, size_t column, size_t line)
{
    return column < strlen(p->line[line]) ? p->line[line][column] : ' ';
}

static const char marks[] = "*+ox#@";

/* Each cell shows one of the series that have a point there, and no other cell shows anything. */
static void the_marks_are_where_the_points_are(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(400); round++) {
        struct world w;
        struct chart_axis x, y;
        static bool want[SERIES][64][256];
        memset(want, 0, sizeof want);
        world_make(&w, round, VM_SERIES_POINTS);
        struct picture p = picture_of(&w.chart, 40 + round % 100);
        chart_axes_make(&w.chart, (40 + round % 100) / 14, 5, &x, &y);
        for (size_t s = 0; s < w.chart.nseries; s++)
            for (size_t k = 0; k < w.series[s].n; k++) {
                if (!chart_axis_has(&x, w.x[s][k]) || !chart_axis_has(&y, w.y[s][k]))
                    continue;
                double column = chart_axis_place(&x, w.x[s][k]) * (double)(p.width - 1);
                double line = chart_axis_place(&y, w.y[s][k]) * (double)(p.lines - 1);
                want[s][lround(line)][lround(column)] = true;
            }
        for (size_t l = 0; l < p.lines; l++)
            for (size_t c = 0; c < p.width; c++) {
                bool any = false, right = false;
                for (size_t s = 0; s < w.chart.nseries; s++) {
                    any |= want[s][l][c];
                    right |= want[s][l][c] && shown(&p, c, l) == marks[s];
                }
                assert_true(any ? right : shown(&p, c, l) == ' ');
            }
        free(p.text);
    }
}

/* The lowest and the highest line marked in a column; false: none. */
static bool column_span(const struct picture *p, size_t column, size_t *low, size_t *high)
{
    bool any = false;
    for (size_t l = 0; l < p->lines; l++)
        if (shown(p, column, l) != ' ') {
            *low = any ? *low : l;
            *high = l;
            any = true;
        }
    return any;
}

static void a_line_is_in_one_piece(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(300); round++) {
        struct vm_random r;
        double x[POINTS], y[POINTS];
        size_t n = 2 + round % (POINTS - 2), low = 0, high = 0, before_low = 0, before_high = 0;
        vm_random_seed(&r, round);
        for (size_t i = 0; i < n; i++) {
            x[i] = (i ? x[i - 1] : 0) + 0.1 + vm_random_real(&r);
            y[i] = vm_random_real(&r);
        }
        struct vm_series s = {"s", round % 2 ? VM_SERIES_LINE : VM_SERIES_STEPS, n, x, y};
        struct vm_chart c = {.name = "c",
                             .title = "t",
                             .x = {.label = "x"},
                             .y = {.label = "y"},
                             .nseries = 1,
                             .series = &s};
        struct picture p = picture_of(&c, 100);
        for (size_t column = 0; column < p.width; column++) {
            assert_true(column_span(&p, column, &low, &high));
            if (column)
                assert_true(low <= before_high + 1 && before_low <= high + 1);
            before_low = low;
            before_high = high;
        }
        free(p.text);
    }
}

static void a_gap_breaks_a_line_and_steps_hold_their_value(void **unused)
{
    (void)unused;
    static const double x[] = {0, 10, 20, 30, 40}, y[] = {0, 1, NAN, 0, 1};
    struct vm_series s = {"s", VM_SERIES_STEPS, 5, x, y};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "x"},
                         .y = {.label = "y"},
                         .nseries = 1,
                         .series = &s};
    struct picture p = picture_of(&c, 80);
    size_t low = 9, high = 9, w = p.width - 1;
    assert_true(column_span(&p, w / 8, &low, &high));
    assert_true(low == 0 && high == 0); /* 0 up to 10 */
    assert_false(column_span(&p, w / 2, &low, &high));
    assert_false(column_span(&p, w * 5 / 8, &low, &high));
    assert_true(column_span(&p, w * 7 / 8, &low, &high));
    assert_true(low == 0 && high == 0);
    assert_true(column_span(&p, w, &low, &high));
    assert_int_equal(high, p.lines - 1);
    free(p.text);
}

static void a_bar_stands_on_the_axis(void **unused)
{
    (void)unused;
    static const double x[] = {1, 2, 3}, y[] = {5, 10, 0};
    struct vm_series s = {"s", VM_SERIES_BARS, 3, x, y};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "x"},
                         .y = {.label = "y"},
                         .nseries = 1,
                         .series = &s};
    struct picture p = picture_of(&c, 80);
    for (size_t l = 0; l < p.lines; l++) {
        assert_int_equal(shown(&p, 0, l), l <= p.lines / 2 ? '*' : ' ');
        assert_int_equal(shown(&p, (p.width - 1) / 2 + (p.width - 1) % 2, l), '*');
    }
    free(p.text);
}

static void a_curve_behind_another_is_seen(void **unused)
{
    (void)unused;
    static const double x[] = {0, 100}, y[] = {0, 1};
    struct vm_series s[] = {{"a", VM_SERIES_LINE, 2, x, y}, {"b", VM_SERIES_LINE, 2, x, y}};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "x"},
                         .y = {.label = "y"},
                         .nseries = 2,
                         .series = s};
    struct picture p = picture_of(&c, 80);
    size_t seen[2] = {0};
    for (size_t l = 0; l < p.lines; l++)
        for (size_t column = 0; column < p.width; column++) {
            seen[0] += shown(&p, column, l) == '*';
            seen[1] += shown(&p, column, l) == '+';
        }
    assert_true(seen[0] > 25 && seen[1] > 25);
    free(p.text);
}

/* ---- heat maps ---- */

/* Whether source cell i of n lies under cell at of `all`: each has one at least. */
static bool lies_under(size_t i, size_t n, size_t at, size_t all)
{
    return i == at * n / all || (i > at * n / all && i < (at + 1) * n / all);
}

static double largest_under(const struct vm_heat *h, const struct picture *p, size_t column,
                            size_t line)
{
    double most = 0;
    for (size_t i = 0; i < h->rows; i++)
        for (size_t k = 0; k < h->columns; k++)
            if (lies_under(i, h->rows, line, p->lines) &&
                lies_under(k, h->columns, column, p->width))
                most = fmax(most, h->cell[i * h->columns + k]);
    return most;
}

static char shade(double v, double least, double most)
{
    if (v == 0)
        return ' ';
    double level = most > least ? floor(9 * log(v / least) / log(most / least)) : 8;
    return ".:-=+*#%@"[(size_t)fmin(level, 8)];
}

/* A cell of the picture shows the largest of the cells below it, and empty ones as nothing. */
static void a_heat_map_hides_nothing(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(200); round++) {
        struct vm_random r;
        static double cell[200 * 60];
        vm_random_seed(&r, round);
        struct vm_heat h = {.columns = 1 + vm_random_below(&r, 200),
                            .rows = 1 + vm_random_below(&r, 60),
                            .x_end = 1,
                            .y_end = 1,
                            .cell = cell,
                            .label = "touches"};
        double least = INFINITY, most = 0, largest = 0;
        for (size_t i = 0; i < h.columns * h.rows; i++) {
            cell[i] = vm_random_below(&r, 3) ? 0 : floor(pow(10, vm_random_real(&r) * 4));
            least = cell[i] > 0 ? fmin(least, cell[i]) : least;
            most = fmax(most, cell[i]);
        }
        struct vm_chart c = {
            .name = "c", .title = "t", .x = {.label = "x"}, .y = {.label = "y"}, .heat = &h};
        struct picture p = picture_of(&c, 60 + round % 60);
        for (size_t l = 0; l < p.lines; l++)
            for (size_t column = 0; column < p.width; column++) {
                double want = largest_under(&h, &p, column, l);
                largest = fmax(largest, want);
                assert_int_equal(shown(&p, column, l), shade(want, least, most));
            }
        assert_true(largest == most);
        free(p.text);
    }
}

/* ---- axes ---- */

static void assert_axis(const struct chart_axis *a)
{
    assert_true(a->lo < a->hi);
    assert_true(a->scale == VM_SCALE_LINEAR || a->lo > 0);
    assert_true(a->nticks >= 2 && a->nticks <= CHART_TICKS_MAX);
    for (size_t i = 0; i < a->nticks; i++) {
        double place = chart_axis_place(a, a->tick[i].at);
        assert_true(place >= -1e-6 && place <= 1 + 1e-6);
        assert_true(i == 0 || a->tick[i - 1].at < a->tick[i].at);
        assert_true(*a->tick[i].label);
    }
}

static void every_axis_has_its_data_and_ticks_within(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(3000); round++) {
        struct world w;
        struct chart_axis x, y;
        world_make(&w, round, VM_SERIES_LINE);
        chart_axes_make(&w.chart, 2 + round % 10, 2 + round % 7, &x, &y);
        assert_axis(&x);
        assert_axis(&y);
        for (size_t s = 0; s < w.chart.nseries; s++)
            for (size_t k = 0; k < w.series[s].n; k++) {
                double at = w.y[s][k];
                if (chart_axis_has(&y, at))
                    assert_true(at >= y.lo - 1e-9 * y.hi && at <= y.hi * (1 + 1e-9));
                at = w.x[s][k];
                if (chart_axis_has(&x, at))
                    assert_true(at >= x.lo && at <= x.hi);
            }
    }
}

static void a_value_has_its_unit(void **unused)
{
    (void)unused;
    static const struct {
        enum vm_axis_unit unit;
        double v;
        const char *text;
    } want[] = {
        {VM_AXIS_BYTES, 0, "0 B"},           {VM_AXIS_BYTES, 65536, "64 KiB"},
        {VM_AXIS_BYTES, 1572864, "1.5 MiB"}, {VM_AXIS_RATIO, 0.25, "25 %"},
        {VM_AXIS_RATIO, 0.0005, "0.05 %"},   {VM_AXIS_NS, 999, "999 ns"},
        {VM_AXIS_NS, 1500, "1.5 us"},        {VM_AXIS_NS, 2e9, "2 s"},
        {VM_AXIS_PLAIN, 0.5, "0.5"},         {VM_AXIS_PLAIN, 12345, "12,345"},
        {VM_AXIS_PLAIN, 2e6, "2 M"},         {VM_AXIS_PLAIN, -3, "-3"},
    };
    char text[32];
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_string_equal(chart_value_text(want[i].unit, want[i].v, text, sizeof text),
                            want[i].text);
}

static void ratios_get_round_ticks_from_zero(void **unused)
{
    (void)unused;
    static const double x[] = {1, 100}, y[] = {0.4, 0.97};
    struct vm_series s = {"s", VM_SERIES_LINE, 2, x, y};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "x"},
                         .y = {.label = "y", .unit = VM_AXIS_RATIO},
                         .nseries = 1,
                         .series = &s};
    struct chart_axis ax, ay;
    chart_axes_make(&c, 5, 5, &ax, &ay);
    static const char *const want[] = {"0 %", "20 %", "40 %", "60 %", "80 %", "100 %"};
    assert_int_equal(ay.nticks, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(ay.tick[i].label, want[i]);
}

/* ---- data ---- */

/* The next field of CSV, with quotes undone, into out; returns what follows it. */
static const char *csv_field(const char *at, char *out)
{
    if (*at == '"') {
        for (at++; *at != '"' || at[1] == '"'; at++) {
            at += *at == '"';
            *out++ = *at;
        }
        at++;
    } else {
        while (*at != ',' && *at != '\n')
            *out++ = *at++;
    }
    *out = 0;
    return at + 1;
}

static void assert_number(const char *text, double want)
{
    if (isnan(want))
        assert_string_equal(text, "");
    else
        assert_true(fabs(strtod(text, NULL) - want) <= 1e-11 * fabs(want));
}

static void csv_gives_the_data_back(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(300); round++) {
        struct world w;
        struct vm_error e;
        char *text, field[64];
        size_t bytes;
        world_make(&w, round, VM_SERIES_LINE);
        FILE *f = open_memstream(&text, &bytes);
        assert_true(vm_report_chart_csv(f, &w.chart, &e));
        fclose(f);
        const char *at = text + strlen("series,x,y\n");
        for (size_t s = 0; s < w.chart.nseries; s++)
            for (size_t k = 0; k < w.series[s].n; k++) {
                at = csv_field(at, field);
                assert_string_equal(field, w.series[s].name);
                at = csv_field(at, field);
                assert_number(field, w.x[s][k]);
                at = csv_field(at, field);
                assert_number(field, w.y[s][k]);
            }
        assert_int_equal(*at, 0);
        free(text);
    }
}

static void assert_json_numbers(const json_t *array, const double *want, size_t n)
{
    assert_int_equal(json_array_size(array), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(array, i);
        if (isnan(want[i]))
            assert_true(json_is_null(v));
        else
            assert_true(fabs(json_number_value(v) - want[i]) <= 1e-11 * fabs(want[i]));
    }
}

static void assert_json_chart(const json_t *chart, const struct world *w)
{
    const json_t *all = json_object_get(chart, "series");
    assert_int_equal(json_array_size(all), w->chart.nseries);
    for (size_t s = 0; s < w->chart.nseries; s++) {
        const json_t *one = json_array_get(all, s);
        assert_string_equal(json_string_value(json_object_get(one, "name")), w->series[s].name);
        assert_json_numbers(json_object_get(one, "x"), w->x[s], w->series[s].n);
        assert_json_numbers(json_object_get(one, "y"), w->y[s], w->series[s].n);
    }
}

/* Not inlined: gcc 12 at -O3 takes what is returned for a pointer to `text`. */
static __attribute__((noinline)) char *html_of(const struct vm_chart *c, size_t n)
{
    struct vm_error e;
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    assert_non_null(f);
    assert_true(vm_report_charts_html(f, "<A> & B", c, n, &e));
    fclose(f);
    return text;
}

/* The page's data is the charts' JSON, in which nothing can end the element that it stands in. */
static void json_and_the_page_give_the_data_back(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(60); round++) {
        struct world w;
        struct vm_json j = {0};
        world_make(&w, round, VM_SERIES_LINE);
        json_t *root = vm_json_charts(&j, &w.chart, 1);
        assert_false(j.failed);
        assert_json_chart(json_array_get(root, 0), &w);
        json_decref(root);
        char *page = html_of(&w.chart, 1);
        const char *data = strstr(page, "id=\"charts\">");
        assert_non_null(data);
        data += strlen("id=\"charts\">");
        root = json_loadb(data, strcspn(data, "<"), 0, NULL);
        assert_non_null(root);
        assert_json_chart(json_array_get(root, 0), &w);
        json_decref(root);
        free(page);
    }
}

static void names_are_text_in_the_page_whatever_they_are(void **unused)
{
    (void)unused;
    static const double x[] = {1}, y[] = {2};
    struct vm_series s = {"</script><b>&\"", VM_SERIES_LINE, 1, x, y};
    struct vm_chart c = {.name = "c",
                         .title = "<script>alert(1)</script>",
                         .note = "</p><b>",
                         .about = "<i>",
                         .x = {.label = "<u>"},
                         .y = {.label = "y"},
                         .nseries = 1,
                         .series = &s};
    char *page = html_of(&c, 1);
    assert_null(strstr(page, "<b>"));
    assert_null(strstr(page, "<u>"));
    assert_null(strstr(page, "<script>alert"));
    assert_non_null(strstr(page, "&lt;/script&gt;&lt;b&gt;&amp;&quot;"));
    assert_non_null(strstr(page, "<h1>&lt;A&gt; &amp; B</h1>"));
    free(page);
}

static void the_page_has_a_row_for_each_x(void **unused)
{
    (void)unused;
    static const double x1[] = {1, 2, 4}, y1[] = {10, NAN, 40}, x2[] = {2, 3}, y2[] = {7, 8};
    struct vm_series s[] = {{"a", VM_SERIES_LINE, 3, x1, y1}, {"b", VM_SERIES_LINE, 2, x2, y2}};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "n"},
                         .y = {.label = "y"},
                         .nseries = 2,
                         .series = s};
    char *page = html_of(&c, 1);
    assert_non_null(strstr(page, "<tr><th scope=\"col\">n</th><th scope=\"col\">a</th>"
                                 "<th scope=\"col\">b</th></tr>\n"
                                 "<tr><th scope=\"row\">1</th><td>10</td><td></td></tr>\n"
                                 "<tr><th scope=\"row\">2</th><td></td><td>7</td></tr>\n"
                                 "<tr><th scope=\"row\">3</th><td></td><td>8</td></tr>\n"
                                 "<tr><th scope=\"row\">4</th><td>40</td><td></td></tr>\n"
                                 "</table>"));
    free(page);
}

/* ---- nothing to see ---- */

static void a_chart_of_nothing_is_a_chart(void **unused)
{
    (void)unused;
    static const double x[] = {0, 0}, y[] = {NAN, -1}, empty[4] = {0};
    struct vm_series none = {"none", VM_SERIES_BARS, 2, x, y};
    struct vm_heat h = {2, 2, 0, 1, 0, 1, empty, "touches"}, no_rows = {.label = "touches"};
    struct vm_chart c = {.name = "c",
                         .title = "t",
                         .x = {.label = "x", .scale = VM_SCALE_LOG},
                         .y = {.label = "y", .scale = VM_SCALE_LOG}};
    const struct vm_chart charts[] = {
        c,
        {.name = "c", .title = "t", .x = c.x, .y = c.y, .nseries = 1, .series = &none},
        {.name = "c", .title = "t", .x = c.x, .y = c.y, .heat = &h},
        {.name = "c", .title = "t", .x = c.x, .y = c.y, .heat = &no_rows},
    };
    for (size_t i = 0; i < 4; i++) {
        struct picture p = picture_of(&charts[i], 10); /* narrower than there is */
        assert_true(p.lines >= 8 && p.width > 20);
        for (size_t l = 0; l < p.lines; l++)
            for (size_t column = 0; column < p.width; column++)
                assert_int_equal(shown(&p, column, l), ' ');
        free(p.text);
    }
    free(html_of(charts, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_marks_are_where_the_points_are),
        cmocka_unit_test(a_line_is_in_one_piece),
        cmocka_unit_test(a_gap_breaks_a_line_and_steps_hold_their_value),
        cmocka_unit_test(a_bar_stands_on_the_axis),
        cmocka_unit_test(a_curve_behind_another_is_seen),
        cmocka_unit_test(a_heat_map_hides_nothing),
        cmocka_unit_test(every_axis_has_its_data_and_ticks_within),
        cmocka_unit_test(a_value_has_its_unit),
        cmocka_unit_test(ratios_get_round_ticks_from_zero),
        cmocka_unit_test(csv_gives_the_data_back),
        cmocka_unit_test(json_and_the_page_give_the_data_back),
        cmocka_unit_test(names_are_text_in_the_page_whatever_they_are),
        cmocka_unit_test(the_page_has_a_row_for_each_x),
        cmocka_unit_test(a_chart_of_nothing_is_a_chart),
    };
    return cmocka_run_group_tests_name("unit_charts", tests, NULL, NULL);
}
