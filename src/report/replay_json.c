/* replay_json.c - a replay's result for programs. Every member: docs/formats/json.md. */
#include "report/json.h"
#include "report/words.h"

#include <string.h>

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

static json_t *case_json(struct vm_case c)
{
    return json_pack("{s:I, s:f}", "touches", (json_int_t)c.touches, "each_ns", c.each_ns);
}

static json_t *cases_json(const struct vm_prices *t)
{
    return json_pack("{s:o, s:o, s:o}", "hit", case_json(t->hit), "miss", case_json(t->miss),
                     "fault", case_json(t->fault));
}

/* Of TLBs and walk caches alike. */
static json_t *array_json(const char *name, const struct vm_tlb_config *c,
                          const struct vm_tlb_counts *n)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:s, s:b, s:f, s:I, s:I, s:I, s:I, s:I}", "name", name,
                     "level", (int)c->level, "entries", (int)c->entries, "ways", (int)c->ways,
                     "replace", vm_tlb_replace_names[c->replace], "xor",
                     c->index == VM_TLB_INDEX_XOR, "hit_ns", c->hit_ns, "lookups",
                     (json_int_t)n->lookups, "misses", (json_int_t)n->misses, "fills",
                     (json_int_t)n->fills, "evictions", (json_int_t)n->evictions, "invalidations",
                     (json_int_t)n->invalidations);
}

static json_t *sizes_json(struct vm_json *j, uint64_t sizes)
{
    json_t *array = json_array();
    for (; sizes; sizes &= sizes - 1)
        vm_json_add(j, array, json_integer((json_int_t)(sizes & -sizes)));
    return array;
}

static json_t *tlbs_json(struct vm_json *j, const struct vm_result *r)
{
    json_t *tlbs = json_array();
    for (size_t i = 0; i < r->ntlbs; i++) {
        const struct vm_tlb_config *c = &r->tlb[i].config;
        json_t *tlb = array_json(r->tlb[i].name, c, &r->tlb[i].counts);
        vm_json_put(j, tlb, "sizes", sizes_json(j, c->sizes));
        vm_json_put(j, tlb, "pairs", json_boolean(c->pairs));
        vm_json_put(j, tlb, "wired", json_integer((json_int_t)c->wired));
        vm_json_add(j, tlbs, tlb);
    }
    return tlbs;
}

static json_t *walk_caches_json(struct vm_json *j, const struct vm_result *r)
{
    json_t *caches = json_array();
    for (size_t i = 0; i < r->nwalk_caches; i++)
        vm_json_add(
            j, caches,
            array_json(r->walk_cache[i].name, &r->walk_cache[i].config, &r->walk_cache[i].counts));
    return caches;
}

static json_t *caches_json(struct vm_json *j, const struct vm_result *r)
{
    static const char *const sides[] = {"unified", "fetch", "data"};
    json_t *caches = json_array();
    for (size_t i = 0; i < r->ncaches; i++) {
        const struct vm_cache_config *c = &r->cache[i].config;
        const struct vm_cache_counts *n = &r->cache[i].counts;
        json_t *cache =
            json_pack("{s:s, s:i, s:s, s:I, s:i, s:i, s:s, s:s, s:s, s:s, s:f}", "name",
                      r->cache[i].name, "level", (int)c->level, "side", sides[c->side], "bytes",
                      (json_int_t)c->bytes, "ways", (int)c->ways, "line_bytes", (int)c->line_bytes,
                      "replace", vm_cache_replace_names[c->replace], "index",
                      vm_cache_index_names[c->index], "tags", vm_cache_tags_names[c->tags], "write",
                      vm_cache_write_names[c->write], "hit_ns", c->hit_ns);
#define VM_CACHE_COUNT_JSON(field, what)                                                           \
    vm_json_put(j, cache, #field, json_integer((json_int_t)n->field));
        VM_CACHE_COUNTS(VM_CACHE_COUNT_JSON)
#undef VM_CACHE_COUNT_JSON
        vm_json_add(j, caches, cache);
    }
    return caches;
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

static json_t *holes_json(const struct vm_holes *h)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "segments", (json_int_t)h->segments,
                     "holes", (json_int_t)h->holes, "free_bytes", (json_int_t)h->free_bytes,
                     "free_max_bytes", (json_int_t)h->free_max_bytes, "internal_bytes",
                     (json_int_t)h->internal_bytes, "fragmentation", h->fragmentation,
                     "fragmentation_misfits", h->fragmentation_misfits);
}

void vm_json_put_machine(struct vm_json *j, json_t *object, const struct vm_result *r)
{
    bool machine = r->config.model == VM_MODEL_MACHINE;
    json_t *members = json_pack(
        "{s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o}", "config",
        vm_json_config(j, &r->config), "frames", (json_int_t)r->nframes, "stray",
        r->stray == VM_STRAY_FAULTS ? "faults" : "maps", "counts", counts_json(j, &r->counts),
        "tlbs", tlbs_json(j, r), "walk_caches", walk_caches_json(j, r), "caches", caches_json(j, r),
        "prices", prices_json(j, &r->prices), "cases", cases_json(&r->prices), "distinct_pages",
        machine ? json_null() : json_integer((json_int_t)r->pages), "resident_frames",
        (json_int_t)r->resident, "table_frames", (json_int_t)r->table_frames, "tables",
        vm_json_footprint(&r->tables), "holes", holes_json(&r->holes));
    j->failed |= !members || json_object_update(object, members) != 0;
    json_decref(members);
    vm_json_put(j, object, "allocator", vm_json_frames(j, r));
    vm_json_put_devices(j, object, &r->config, r->device);
    vm_json_put(j, object, "regions", regions_json(j, r));
    vm_json_put(j, object, "regions_all", json_integer((json_int_t)r->regions_all));
}

bool vm_report_replay_json(FILE *out, const struct vm_result *r, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *root = json_pack("{s:i, s:s, s:s, s:o}", "schema", VM_JSON_SCHEMA, "kind", "replay",
                             "version", PAGODA_VERSION, "trace", vm_json_trace(&r->trace));
    vm_json_put_machine(&j, root, r);
    return vm_json_write(out, &j, root, e);
}
