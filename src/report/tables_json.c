/* tables_json.c - a comparison of schemes for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

#include <pagoda/tables.h>

static json_t *cell_json(const struct vm_tables_cell *c)
{
    return json_pack("{s:b, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "built", c->built, "why",
                     c->why, "tables", vm_json_footprint(&c->footprint), "table_frames_peak",
                     (json_int_t)c->frames_peak, "page_bytes", (json_int_t)c->page_bytes, "pages",
                     (json_int_t)c->pages, "walks", (json_int_t)c->walks, "walk_loads",
                     (json_int_t)c->walk_loads, "unnamed", (json_int_t)c->unnamed);
}

bool vm_report_tables_json(FILE *out, const struct vm_table_costs *t, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *rows = json_array();
    for (size_t i = 0; i < t->nrows; i++)
        vm_json_add(&j, rows,
                    json_pack("{s:s, s:o, s:o, s:o}", "scheme", t->row[i].scheme, "trace",
                              cell_json(&t->row[i].cell[VM_TABLES_TRACE]), "dense",
                              cell_json(&t->row[i].cell[VM_TABLES_DENSE]), "sparse",
                              cell_json(&t->row[i].cell[VM_TABLES_SPARSE])));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:I, s:I, s:o}", "schema", VM_JSON_SCHEMA, "kind", "tables",
                  "version", PAGODA_VERSION, "trace", vm_json_trace(&t->trace), "pages_4k",
                  (json_int_t)t->pages, "memory_bytes", (json_int_t)t->memory_bytes, "rows", rows);
    return vm_json_write(out, &j, root, e);
}
