/* chart_json.c - charts for programs. Every member: docs/formats/json.md. */
#include "report/chart_json.h"

#include "report/chart_axis.h"

#include <math.h>

static json_t *axis_json(const struct vm_axis *a)
{
    return json_pack("{s:s, s:s, s:s}", "label", a->label, "unit", chart_unit_names[a->unit],
                     "scale", chart_scale_names[a->scale]);
}

static json_t *number_json(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *numbers_json(struct vm_json *j, const double *v, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        vm_json_add(j, array, number_json(v[i]));
    return array;
}

static json_t *series_json(struct vm_json *j, const struct vm_series *s)
{
    json_t *o = json_object();
    vm_json_put(j, o, "name", vm_json_text(s->name));
    vm_json_put(j, o, "style", json_string(chart_style_names[s->style]));
    vm_json_put(j, o, "x", numbers_json(j, s->x, s->n));
    vm_json_put(j, o, "y", numbers_json(j, s->y, s->n));
    return o;
}

static json_t *heat_json(struct vm_json *j, const struct vm_heat *h)
{
    json_t *o = json_object(), *rows = json_array();
    vm_json_put(j, o, "label", json_string(h->label));
    vm_json_put(j, o, "x_first", json_real(h->x_first));
    vm_json_put(j, o, "x_end", json_real(h->x_end));
    vm_json_put(j, o, "y_first", json_real(h->y_first));
    vm_json_put(j, o, "y_end", json_real(h->y_end));
    for (size_t r = 0; r < h->rows; r++)
        vm_json_add(j, rows, numbers_json(j, h->cell + r * h->columns, h->columns));
    vm_json_put(j, o, "rows", rows);
    return o;
}

static json_t *chart_json(struct vm_json *j, const struct vm_chart *c)
{
    json_t *o = json_object(), *series = json_array();
    vm_json_put(j, o, "name", json_string(c->name));
    vm_json_put(j, o, "title", vm_json_text(c->title));
    vm_json_put(j, o, "note", c->note ? vm_json_text(c->note) : json_null());
    vm_json_put(j, o, "about", c->about ? vm_json_text(c->about) : json_null());
    vm_json_put(j, o, "x", axis_json(&c->x));
    vm_json_put(j, o, "y", axis_json(&c->y));
    for (size_t i = 0; !c->heat && i < c->nseries; i++)
        vm_json_add(j, series, series_json(j, &c->series[i]));
    vm_json_put(j, o, "series", series);
    vm_json_put(j, o, "heat", c->heat ? heat_json(j, c->heat) : json_null());
    return o;
}

json_t *vm_json_charts(struct vm_json *j, const struct vm_chart *c, size_t n)
{
    json_t *charts = json_array();
    for (size_t i = 0; i < n; i++)
        vm_json_add(j, charts, chart_json(j, &c[i]));
    return charts;
}
