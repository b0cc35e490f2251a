/* heap_json.c - what heaps made of a trace's requests, for programs. Every member:
 * docs/formats/json.md. */
#include "report/json.h"
#include "report/words.h"

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *moment(const struct vm_heap_moment *m)
{
    const struct vm_heap_usage *u = &m->usage;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f}", "request",
                     number(m->number), "asked", number(m->asked), "held_bytes",
                     number(u->held_bytes), "live", number(u->live_bytes), "free",
                     number(u->free_bytes), "free_max", number(u->free_max), "overhead",
                     number(u->overhead_bytes), "state", number(u->state_bytes), "live_blocks",
                     number(u->live_blocks), "free_blocks", number(u->free_blocks), "internal",
                     vm_heap_internal(m), "external", vm_heap_external(m));
}

static json_t *samples(struct vm_json *j, const struct vm_heap_result *r)
{
    json_t *a = json_array();
    for (size_t i = 0; i < r->nsamples; i++)
        vm_json_add(j, a,
                    json_pack("[o, o, o]", number(r->sample[i].number), number(r->sample[i].asked),
                              number(r->sample[i].usage.held_bytes)));
    return a;
}

static json_t *map(struct vm_json *j, const struct vm_heap_result *r)
{
    static const char *const kinds[] = {
        [VM_HEAP_LIVE] = "live", [VM_HEAP_FREE] = "free", [VM_HEAP_OVERHEAD] = "overhead"};
    json_t *a = json_array();
    for (size_t i = 0; i < r->npieces; i++)
        vm_json_add(j, a,
                    json_pack("[o, o, s]", number(r->piece[i].start), number(r->piece[i].bytes),
                              kinds[r->piece[i].kind]));
    return a;
}

static json_t *heap(struct vm_json *j, const struct vm_heaps *h, size_t i)
{
    const struct vm_heap_result *r = &h->result[i];
    json_t *o = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "heap",
        r->spec, "held_peak", number(r->held_peak), "peak", moment(&r->peak), "end",
        moment(&r->end), "requests", number(r->requests), "failures", number(r->failures), "lost",
        number(r->lost), "searched", number(r->searched), "splits", number(r->splits), "merges",
        number(r->merges), "grows", number(r->grows), "shrinks", number(r->shrinks), "moves",
        number(r->moves), "moved_bytes", number(r->moved_bytes), "samples", samples(j, r));
    if (h->ns)
        vm_json_put(j, o, "ns", json_real(h->ns[i]));
    if (r->piece) {
        vm_json_put(j, o, "map_at", moment(&r->map));
        vm_json_put(j, o, "map", map(j, r));
    }
    return o;
}

static json_t *measured(const struct vm_heap_measured *m)
{
    return json_pack("{s:s, s:o, s:f, s:o}", "allocator", m->name, "rss_peak", number(m->rss_peak),
                     "ns", m->ns, "failures", number(m->failures));
}

static json_t *fault(const struct vm_heaps *h, const struct vm_request_fault *f)
{
    char va[32];
    uint32_t site = f->event.site;
    const char *name = site && site <= h->trace.nsites ? h->trace.site[site - 1] : "";
    return json_pack(
        "{s:o, s:s, s:o, s:s, s:o, s:o}", "request", number(f->number), "what",
        vm_request_fault_text(f->kind), "thread", number(f->event.thread), "address",
        vm_json_hex(f->event.kind == VM_EVENT_RESIZE ? f->event.from : f->event.va, va), "bytes",
        number(f->event.bytes), "site", vm_json_text(name));
}

static json_t *requests(struct vm_json *j, const struct vm_heaps *h)
{
    const struct vm_requests *r = h->requests;
    json_t *faults = json_array();
    for (uint64_t i = 0; i < r->nfaults && i < VM_REQUEST_FAULTS_KEPT; i++)
        vm_json_add(j, faults, fault(h, &r->fault[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "all", number(r->n), "alloc", number(r->takes), "free", number(r->gives),
                     "resize", number(r->changes), "resets", number(r->resets), "zeros",
                     number(r->zeros), "refused", number(r->refused), "threads",
                     number(r->nthreads), "asked_peak", number(r->asked_peak), "peak_request",
                     number(r->peak_number), "asked_end", number(r->asked_end), "asked_all",
                     number(r->asked_all), "faults_all", number(r->nfaults), "faults", faults);
}

bool vm_report_heap_json(FILE *out, const struct vm_heaps *h, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *heaps = json_array(), *others = json_array();
    for (size_t i = 0; i < h->nresults; i++)
        vm_json_add(&j, heaps, heap(&j, h, i));
    for (size_t i = 0; i < h->nmeasured; i++)
        vm_json_add(&j, others, measured(&h->measured[i]));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", VM_JSON_SCHEMA, "kind",
                  "heap", "version", PAGODA_VERSION, "trace", vm_json_trace(&h->trace), "origin",
                  vm_json_text(h->trace.origin ? h->trace.origin : ""), "limit", number(h->limit),
                  "requests", requests(&j, h), "results", heaps, "measured", others);
    return vm_json_write(out, &j, root, e);
}
