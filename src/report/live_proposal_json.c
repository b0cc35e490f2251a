/* live_proposal_json.c - the same for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

static json_t *cost_json(struct vm_json *j, const struct vm_store_cost *c)
{
    json_t *o = json_pack("{s:s}", "store", c->name);
#define PUT_COST(name, what) vm_json_put(j, o, #name "_ns", json_real(c->name##_ns));
    VM_STORE_COSTS(PUT_COST)
#undef PUT_COST
    return o;
}

static json_t *counts_json(struct vm_json *j, const struct vm_pager_counts *c)
{
    json_t *o = json_object();
#define PUT_COUNT(name, what) vm_json_put(j, o, #name, json_integer((json_int_t)c->name));
    VM_PAGER_COUNTS(PUT_COUNT)
#undef PUT_COUNT
    return o;
}

static json_t *cell_json(struct vm_json *j, const struct vm_live_proposal *a, size_t i)
{
    const struct vm_live_proposal_cell *cell = &a->cell[i];
    return json_pack("{s:s, s:I, s:I, s:b, s:f, s:o}", "policy",
                     a->policy[i / a->naheads % a->npolicies], "ahead_pages",
                     (json_int_t)a->ahead[i % a->naheads], "limit_pages",
                     (json_int_t)a->frames[i / a->naheads / a->npolicies], "done", cell->done,
                     "time_ns", cell->ns, "pager", counts_json(j, &cell->counts));
}

bool vm_report_live_proposal_json(FILE *out, const struct vm_live_proposal *a, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *best = json_array(), *cells = json_array();
    for (size_t m = 0; m < a->nmemories; m++)
        vm_json_add(&j, best, cell_json(&j, a, a->best[m]));
    for (size_t i = 0; i < a->nmemories * a->npolicies * a->naheads; i++)
        vm_json_add(&j, cells, cell_json(&j, a, i));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "schema",
                  VM_JSON_SCHEMA, "kind", "advise", "version", PAGODA_VERSION, "trace",
                  vm_json_trace(&a->info.trace), "depth",
                  a->info.is_exact ? "accesses"
                  : a->info.is_log ? "faults"
                                   : "trace",
                  "touches", (json_int_t)a->info.touches, "pages", (json_int_t)a->info.pages,
                  "page_bytes", (json_int_t)a->info.page_bytes, "cost", cost_json(&j, &a->cost),
                  "proposed", cell_json(&j, a, a->best[a->knee]), "best", best, "cells", cells);
    return vm_json_write(out, &j, root, e);
}
