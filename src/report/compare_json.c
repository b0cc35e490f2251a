/* compare_json.c - policies beside each other for programs. Every member: docs/formats/json.md. */
#include "report/json.h"

#include <pagoda/compare.h>

static json_t *page_json(const struct vm_comparison *c, uint64_t key)
{
    char va[32];
    unsigned shift = (unsigned)__builtin_ctzll(c->config.page_bytes);
    if (key == VM_NOPAGE)
        return json_pack("{s:s, s:i}", "address", "", "space", 0);
    return json_pack("{s:s, s:i}", "address", vm_json_hex(vm_key_va(key, shift), va), "space",
                     (int)vm_key_asid(key));
}

static json_t *divergence_json(const struct vm_comparison *c, const struct vm_divergence *d)
{
    static const char *const outcomes[] = {"unknown", "itself", "never", "found"};
    bool found = d->outcome == VM_DIVERGENCE_FOUND;
    return json_pack("{s:s, s:I, s:o, s:o}", "outcome", outcomes[d->outcome], "ref",
                     (json_int_t)(found ? d->ref : 0), "kept",
                     page_json(c, found ? d->kept : VM_NOPAGE), "lacked",
                     page_json(c, found ? d->lacked : VM_NOPAGE));
}

static json_t *best_json(const struct vm_compare_memory *m, const struct vm_compare_cell *cell,
                         bool judged)
{
    return json_pack("{s:b, s:b, s:b}", "misses",
                     judged && vm_compare_misses(&cell->counts) == m->misses_min, "writebacks",
                     judged && vm_compare_writebacks(&cell->counts) == m->writebacks_min, "time",
                     judged && cell->prices.total_ns == m->ns_min);
}

static json_t *row_json(const struct vm_comparison *c, size_t memory, size_t policy)
{
    const struct vm_compare_cell *cell = vm_compare_at(c, memory, policy);
    const struct vm_counts *n = &cell->counts;
    const struct vm_prices *p = &cell->prices;
    bool bound = c->policy[policy].bound;
    uint64_t misses = vm_compare_misses(n);
    return json_pack(
        "{s:s, s:b, s:b, s:s, s:I, s:f, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o, s:o}", "policy",
        c->policy[policy].spec, "bound", bound, "done", cell->done, "why", cell->why, "misses",
        (json_int_t)misses, "miss_ratio", n->touches ? (double)misses / (double)n->touches : 0,
        "faults", (json_int_t)n->faults, "evictions", (json_int_t)n->evictions, "writebacks",
        (json_int_t)vm_compare_writebacks(n), "swap_in_ns", p->swap_in_ns, "swap_out_ns",
        p->swap_out_ns, "total_ns", p->total_ns, "access_ns", p->access_ns, "best",
        best_json(&c->memory[memory], cell, cell->done && !bound), "divergence",
        divergence_json(c, &cell->divergence));
}

static const char *spec_or_nothing(const struct vm_comparison *c, size_t policy)
{
    return policy == VM_COMPARE_NONE ? "" : c->policy[policy].spec;
}

static json_t *memory_json(struct vm_json *j, const struct vm_comparison *c, size_t memory)
{
    const struct vm_compare_memory *m = &c->memory[memory];
    json_t *rows = json_array();
    for (size_t p = 0; p < c->npolicies; p++)
        vm_json_add(j, rows, row_json(c, memory, p));
    return json_pack("{s:I, s:I, s:f, s:s, s:s, s:s, s:o}", "bytes", (json_int_t)m->bytes, "frames",
                     (json_int_t)(m->bytes / c->config.page_bytes), "percent", m->asked.percent,
                     "reference", spec_or_nothing(c, m->reference), "fewer",
                     spec_or_nothing(c, m->fewer), "faster", spec_or_nothing(c, m->faster), "rows",
                     rows);
}

bool vm_report_compare_json(FILE *out, const struct vm_comparison *c, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *memories = json_array();
    for (size_t m = 0; m < c->nmemories; m++)
        vm_json_add(&j, memories, memory_json(&j, c, m));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o}", "schema", VM_JSON_SCHEMA, "kind",
                  "compare", "version", PAGODA_VERSION, "trace", vm_json_trace(&c->trace), "config",
                  vm_json_config(&j, &c->config), "refs", (json_int_t)c->footprint.refs, "touches",
                  (json_int_t)c->footprint.touches, "pages", (json_int_t)c->footprint.pages,
                  "memories", memories);
    return vm_json_write(out, &j, root, e);
}
