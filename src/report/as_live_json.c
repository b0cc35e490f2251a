/* as_live_json.c - the same for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

static json_t *counts_json(struct vm_json *j, const struct vm_pager_counts *c)
{
    json_t *o = json_object();
#define PUT_COUNT(name, what) vm_json_put(j, o, #name, json_integer((json_int_t)c->name));
    VM_PAGER_COUNTS(PUT_COUNT)
#undef PUT_COUNT
    return o;
}

static json_t *row_json(struct vm_json *j, const struct vm_as_live_row *row)
{
    return json_pack("{s:s, s:b, s:s, s:o}", "policy", row->policy, "done", row->done, "why",
                     row->why, "pager", counts_json(j, &row->counts));
}

bool vm_report_as_live_json(FILE *out, const struct vm_as_live *a, struct vm_error *e)
{
    struct vm_json j = {0};
    const struct vm_touches_info *t = &a->info;
    const struct vm_pager_config *c = &a->config;
    json_t *rows = json_array();
    for (size_t i = 0; i < a->nrows; i++)
        vm_json_add(&j, rows, row_json(&j, &a->row[i]));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "schema",
                  VM_JSON_SCHEMA, "kind", "as-live", "version", PAGODA_VERSION, "trace",
                  vm_json_trace(&t->trace), "depth",
                  t->is_exact ? "accesses"
                  : t->is_log ? "faults"
                              : "trace",
                  "touches", (json_int_t)t->touches, "pages", (json_int_t)t->pages, "page_bytes",
                  (json_int_t)t->page_bytes, "limit_pages", (json_int_t)c->frames, "ahead_pages",
                  (json_int_t)c->ahead, "batch_pages", (json_int_t)c->batch, "seed",
                  (json_int_t)c->seed, "rows", rows);
    return vm_json_write(out, &j, root, e);
}
