/* replay_json.c - a replay's result for programs. Every member: docs/formats/json.md. */
#include "report/json.h"
#include "report/words.h"

#include <string.h>

static json_t *option_json(const struct vm_config *c, const struct vm_option *o)
{
    char text[VM_CONFIG_TEXT];
    const void *field = (const char *)c + o->offset;
    switch (o->kind) {
    case VM_PARAM_BYTES:
    case VM_PARAM_COUNT:
        return json_integer((json_int_t) * (const uint64_t *)field);
    case VM_PARAM_REAL:
        return json_real(*(const double *)field);
    case VM_PARAM_WORD:
    case VM_PARAM_TEXT:
        break;
    }
    return json_string(vm_config_text(c, o, text, sizeof text));
}

static json_t *config_json(struct vm_json *j, const struct vm_config *c)
{
    json_t *config = json_object();
    for (size_t i = 0; vm_option_at(i); i++) {
        const struct vm_option *o = vm_option_at(i);
        if (!json_object_get(config, o->section))
            vm_json_put(j, config, o->section, json_object());
        json_t *section = json_object_get(config, o->section);
        vm_json_put(j, section, o->key, option_json(c, o));
    }
    return config;
}

static json_t *counts_json(struct vm_json *j, const struct vm_counts *c)
{
    json_t *counts = json_object();
#define VM_COUNT_JSON(field, what)                                                                 \
    vm_json_put(j, counts, #field, json_integer((json_int_t)c->field));
    VM_COUNTS(VM_COUNT_JSON)
#undef VM_COUNT_JSON
    return counts;
}

static json_t *prices_json(struct vm_json *j, const struct vm_prices *t)
{
    json_t *prices = json_object();
#define VM_PRICE_JSON(field, what) vm_json_put(j, prices, #field "_ns", json_real(t->field##_ns));
    VM_PRICES(VM_PRICE_JSON)
#undef VM_PRICE_JSON
    vm_json_put(j, prices, "total_ns", json_real(t->total_ns));
    vm_json_put(j, prices, "access_ns", json_real(t->access_ns));
    return prices;
}

static json_t *tlbs_json(struct vm_json *j, const struct vm_result *r)
{
    json_t *tlbs = json_array();
    for (size_t i = 0; i < r->ntlbs; i++) {
        const struct vm_tlb_config *c = &r->tlb[i].config;
        const struct vm_tlb_counts *n = &r->tlb[i].counts;
        vm_json_add(j, tlbs,
                    json_pack("{s:s, s:i, s:i, s:i, s:s, s:f, s:I, s:I, s:I, s:I, s:I}", "name",
                              r->tlb[i].name, "level", (int)c->level, "entries", (int)c->entries,
                              "ways", (int)c->ways, "replace", vm_tlb_replace_names[c->replace],
                              "hit_ns", c->hit_ns, "lookups", (json_int_t)n->lookups, "misses",
                              (json_int_t)n->misses, "fills", (json_int_t)n->fills, "evictions",
                              (json_int_t)n->evictions, "invalidations",
                              (json_int_t)n->invalidations));
    }
    return tlbs;
}

static json_t *regions_json(struct vm_json *j, const struct vm_result *r)
{
    json_t *regions = json_array();
    char prot[4], start[32], end[32];
    for (size_t i = 0; i < r->nregions; i++) {
        const struct vm_region *g = &r->region[i];
        vm_json_add(j, regions,
                    json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I}", "space", (int)g->asid, "start",
                              vm_json_hex(g->vma.start, start), "end", vm_json_hex(g->vma.end, end),
                              "prot", vm_prot_text(g->vma.prot, prot), "backing",
                              vm_backing_text(&g->vma), "faults", (json_int_t)g->vma.faults,
                              "majors", (json_int_t)g->vma.majors));
    }
    return regions;
}

bool vm_report_replay_json(FILE *out, const struct vm_result *r, struct vm_error *e)
{
    bool machine = r->config.model == VM_MODEL_MACHINE;
    struct vm_json j = {0};
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:o, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I}",
        "schema", VM_JSON_SCHEMA, "kind", "replay", "version", PAGODA_VERSION, "trace",
        vm_json_trace(&r->trace), "config", config_json(&j, &r->config), "frames",
        (json_int_t)r->nframes, "stray", r->stray == VM_STRAY_FAULTS ? "faults" : "maps", "counts",
        counts_json(&j, &r->counts), "tlbs", tlbs_json(&j, r), "prices",
        prices_json(&j, &r->prices), "distinct_pages",
        machine ? json_null() : json_integer((json_int_t)r->pages), "resident_frames",
        (json_int_t)r->resident, "table_frames", (json_int_t)r->table_frames, "tables",
        vm_json_footprint(&r->tables), "regions", regions_json(&j, r), "regions_all",
        (json_int_t)r->regions_all);
    return vm_json_write(out, &j, root, e);
}
