/* top_json.c - what a pager did in an interval, as a line of JSON; docs/formats/json.md has the
 * members.
 */
#include "report/json.h"

#include <pagoda/live_view.h>

static json_t *percentiles(const struct vm_live_times *t)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "n", (json_int_t)t->n, "p50_ns",
        (json_int_t)vm_live_percentile(t, 0.5), "p90_ns", (json_int_t)vm_live_percentile(t, 0.9),
        "p99_ns", (json_int_t)vm_live_percentile(t, 0.99), "p999_ns",
        (json_int_t)vm_live_percentile(t, 0.999), "max_ns", (json_int_t)vm_live_percentile(t, 1),
        "mean_ns", t->n ? (double)t->sum_ns / (double)t->n : 0.0);
}

static json_t *counts(struct vm_json *j, const struct vm_pager_counts *c)
{
    json_t *object = json_object();
#define PUT_COUNT(name, what) vm_json_put(j, object, #name, json_integer((json_int_t)c->name));
    VM_PAGER_COUNTS(PUT_COUNT)
#undef PUT_COUNT
    return object;
}

bool vm_report_top_json(FILE *out, const struct vm_live_told *during, struct vm_error *e)
{
    struct vm_json j = {0};
    const struct vm_live_stats *s = &during->stats;
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:i, s:i, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:I, s:o, s:o}",
        "schema", VM_JSON_SCHEMA, "kind", "top", "version", PAGODA_VERSION, "pid", during->pid,
        "pager", (int)during->pager, "policy", vm_json_text(during->policy), "store",
        vm_json_text(during->store), "degraded", s->degraded, "interval_ns",
        (json_int_t)during->at_ns, "resident_bytes",
        (json_int_t)(s->resident_pages * s->page_bytes), "limit_bytes",
        (json_int_t)(s->limit_pages * s->page_bytes), "mapped_bytes",
        (json_int_t)(s->mapped_pages * s->page_bytes), "pinned_bytes",
        (json_int_t)(s->pinned_pages * s->page_bytes), "stored_bytes",
        (json_int_t)(s->store_pages * s->page_bytes), "store_bytes", (json_int_t)s->store_bytes,
        "zero_pages_unstored", (json_int_t)s->zero_pages_unstored, "waits", (json_int_t)s->waits,
        "failures", (json_int_t)s->failures, "events", counts(&j, &s->counts), "times",
        percentiles(&s->times));
    return vm_json_line(out, &j, root, e);
}
