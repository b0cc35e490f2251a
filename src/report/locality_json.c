/* locality_json.c - a program's locality for programs. Every member: docs/formats/json.md. */
#include "report/json.h"
#include "report/locality_view.h"

#define WINDOWS_AN_OCTAVE 8

struct writer {
    struct vm_json j;
    const struct vm_locality *l;
    const struct vm_locality_view *view;
};

static json_t *window_json(const struct vm_intervals *v, uint64_t window)
{
    uint64_t misses = vm_working_set_misses(v, window);
    return json_pack("{s:I, s:f, s:f, s:I, s:I, s:f}", "window", (json_int_t)window, "mean_pages",
                     vm_working_set_mean(v, window), "vmin_pages", vm_vmin_mean(v, window),
                     "last_pages", (json_int_t)vm_working_set_last(v, window), "misses",
                     (json_int_t)misses, "miss_ratio", (double)misses / (double)v->touches);
}

static json_t *windows_json(struct writer *w, const struct vm_intervals *v)
{
    uint64_t window[VM_WINDOWS_MAX];
    json_t *all = json_array();
    size_t n = 0;
    if ((w->l->parts & VM_LOCALITY_WORKING_SET) && v->touches)
        n = locality_windows(w->view, v->touches, WINDOWS_AN_OCTAVE, window);
    for (size_t i = 0; i < n; i++)
        vm_json_add(&w->j, all, window_json(v, window[i]));
    return all;
}

static json_t *bins_json(struct writer *w, const struct vm_histogram *h)
{
    json_t *all = json_array();
    struct locality_bin bin;
    for (size_t at = 0; locality_bin(h, w->view->bins, &at, &bin);)
        vm_json_add(&w->j, all,
                    json_pack("{s:I, s:I}", "first", (json_int_t)bin.first, "count",
                              (json_int_t)bin.count));
    return all;
}

static json_t *intervals_json(struct writer *w, const struct vm_intervals *v)
{
    static const struct vm_histogram none;
    return bins_json(w, w->l->parts & VM_LOCALITY_INTERVALS ? &v->between : &none);
}

static json_t *faults_json(struct writer *w, const struct vm_fault_times *f)
{
    json_t *periods = json_array();
    for (size_t i = 0; i < f->n; i++)
        vm_json_add(&w->j, periods,
                    json_pack("{s:I, s:I}", "faults", (json_int_t)f->period[i].faults, "firsts",
                              (json_int_t)f->period[i].firsts));
    return json_pack("{s:I, s:I, s:o}", "memory_bytes", (json_int_t)f->memory_bytes, "period_refs",
                     (json_int_t)f->period_refs, "periods", periods);
}

static json_t *sizes_json(struct writer *w)
{
    json_t *sizes = json_array();
    for (size_t i = 0; i < w->l->nsizes; i++) {
        const struct vm_locality_size *s = &w->l->size[i];
        vm_json_add(&w->j, sizes,
                    json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "page_bytes",
                              (json_int_t)s->page_bytes, "touches", (json_int_t)s->touches, "pages",
                              (json_int_t)s->pages, "working_set", windows_json(w, &s->intervals),
                              "intervals", intervals_json(w, &s->intervals), "distances",
                              bins_json(w, &s->distances), "faults", faults_json(w, &s->faults)));
    }
    return sizes;
}

static json_t *heat_json(struct writer *w)
{
    const struct vm_heat_map *h = &w->l->heat;
    json_t *rows = json_array();
    char start[32];
    for (size_t r = 0; r < h->rows; r++) {
        json_t *touches = json_array();
        for (size_t c = 0; c < h->columns; c++)
            vm_json_add(&w->j, touches, json_integer((json_int_t)h->touches[r * h->columns + c]));
        vm_json_add(&w->j, rows,
                    json_pack("{s:i, s:s, s:b, s:o}", "space", (int)h->row[r].asid, "start",
                              vm_json_hex(h->row[r].start, start), "gap", h->row[r].gap, "touches",
                              touches));
    }
    return json_pack("{s:I, s:I, s:o}", "row_bytes", (json_int_t)h->row_bytes, "period_refs",
                     (json_int_t)h->period_refs, "rows", rows);
}

bool vm_report_locality_json(FILE *out, const struct vm_locality *l,
                             const struct vm_locality_view *view, struct vm_error *e)
{
    struct writer w = {.l = l, .view = view};
    json_t *root = json_pack("{s:i, s:s, s:s, s:o, s:I, s:s, s:s, s:o, s:o}", "schema",
                             VM_JSON_SCHEMA, "kind", "locality", "version", PAGODA_VERSION, "trace",
                             vm_json_trace(&l->trace), "refs", (json_int_t)l->refs, "policy",
                             l->policy, "bins", view->bins == VM_BINS_LOG2 ? "log2" : "exact",
                             "sizes", sizes_json(&w), "heat", heat_json(&w));
    return vm_json_write(out, &w.j, root, e);
}
