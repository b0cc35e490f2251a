/* curve_json.c - miss-ratio curves for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

#include <math.h>
#include <pagoda/curve.h>

static json_t *point_json(const struct vm_curve *c, uint64_t frames)
{
    uint64_t bytes = frames * c->page_bytes;
    return json_pack("{s:I, s:I, s:I, s:f}", "bytes", (json_int_t)bytes, "frames",
                     (json_int_t)frames, "misses", (json_int_t)vm_curve_misses(c, frames),
                     "miss_ratio", vm_curve_ratio(c, frames));
}

static json_t *shown_json(struct vm_json *j, const struct vm_curves *s, const struct vm_curve *c)
{
    json_t *points = json_array();
    uint64_t before = 0;
    for (size_t i = 0; i < s->nsizes; i++) {
        uint64_t frames = vm_curve_frames(s, c, i);
        if (frames > before)
            vm_json_add(j, points, point_json(c, frames));
        before = frames;
    }
    return points;
}

static json_t *all_json(struct vm_json *j, const struct vm_curve *c)
{
    json_t *points = json_array();
    for (size_t i = 1; i < c->npoints; i++)
        vm_json_add(j, points, point_json(c, c->point[i].frames));
    return points;
}

static json_t *error_json(double error)
{
    return isnan(error) ? json_null() : json_real(error);
}

static json_t *curve_json(struct vm_json *j, const struct vm_curves *s, const struct vm_curve *c,
                          enum vm_curve_points which)
{
    static const char *const ways[] = {"exact", "swept", "sampled"};
    json_t *curve = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "policy", c->policy, "way",
                              ways[c->way], "page_bytes", (json_int_t)c->page_bytes, "touches",
                              (json_int_t)c->touches, "pages", (json_int_t)c->pages, "points",
                              which == VM_CURVE_POINTS_ALL ? all_json(j, c) : shown_json(j, s, c));
    if (c->way != VM_CURVE_SAMPLED || !curve)
        return curve;
    vm_json_put(j, curve, "rate", json_real(c->rate));
    vm_json_put(j, curve, "pages_sampled", json_integer((json_int_t)c->pages_sampled));
    vm_json_put(j, curve, "error_mean", error_json(c->error_mean));
    vm_json_put(j, curve, "error_max", error_json(c->error_max));
    return curve;
}

bool vm_report_curve_json(FILE *out, const struct vm_curves *s, enum vm_curve_points which,
                          struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *curves = json_array();
    for (size_t i = 0; i < s->ncurves; i++)
        vm_json_add(&j, curves, curve_json(&j, s, &s->curve[i], which));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:o, s:s, s:I, s:o}", "schema", VM_JSON_SCHEMA, "kind", "curve", "version",
        PAGODA_VERSION, "trace", vm_json_trace(&s->trace), "of",
        s->of == VM_CURVE_OF_TLB ? "tlb" : "memory", "refs", (json_int_t)s->refs, "curves", curves);
    return vm_json_write(out, &j, root, e);
}
