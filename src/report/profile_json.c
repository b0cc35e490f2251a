/* profile_json.c - a trace's profile for programs. Every member: docs/formats/json.md. */
#include "report/json.h"
#include "report/words.h"

static json_t *by_access(struct vm_json *j, const uint64_t v[VM_ACCESSES])
{
    json_t *o = json_object();
    for (int a = 0; a < VM_ACCESSES; a++)
        vm_json_put(j, o, vm_access_names[a], json_integer((json_int_t)v[a]));
    return o;
}

static json_t *events(struct vm_json *j, const struct vm_profile *p)
{
    json_t *o = json_object();
    for (int k = 1; k < VM_EVENT_KINDS; k++)
        vm_json_put(j, o, vm_event_names[k], json_integer((json_int_t)p->events[k]));
    return o;
}

/* Map events by what they map. */
static json_t *maps(struct vm_json *j, const struct vm_profile *p)
{
    static const char *const keys[VM_BACKINGS] = {[VM_BACKING_UNKNOWN] = "unknown",
                                                  [VM_BACKING_ANON] = "anonymous",
                                                  [VM_BACKING_FILE] = "file",
                                                  [VM_BACKING_SHARED] = "shared_file"};
    json_t *o = json_object();
    for (int k = 0; k < VM_BACKINGS; k++)
        vm_json_put(j, o, keys[k], json_integer((json_int_t)p->maps[k]));
    return o;
}

static json_t *regions(struct vm_json *j, const struct vm_profile *p)
{
    json_t *a = json_array();
    char start[32], end[32];
    for (size_t i = 0; i < p->nregions && i < VM_PROFILE_REGIONS; i++)
        vm_json_add(j, a,
                    json_pack("{s:i, s:s, s:s, s:I}", "space", (int)p->region[i].asid, "start",
                              vm_json_hex(p->region[i].start, start), "end",
                              vm_json_hex(p->region[i].end, end), "pages",
                              (json_int_t)p->region[i].pages));
    return a;
}

/* [{"at_least": 1, "runs": n}, ...]: lengths in [at_least, 2 * at_least). */
static json_t *runs(struct vm_json *j, const struct vm_profile *p)
{
    json_t *a = json_array();
    for (int i = 0; i < VM_PROFILE_RUNS; i++)
        if (p->run_lengths[i])
            vm_json_add(j, a,
                        json_pack("{s:I, s:I}", "at_least", (json_int_t)1 << i, "runs",
                                  (json_int_t)p->run_lengths[i]));
    return a;
}

bool vm_report_profile_json(FILE *out, const struct vm_profile *p, const struct vm_trace_info *t,
                            struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
        "s:I}",
        "schema", VM_JSON_SCHEMA, "kind", "info", "version", PAGODA_VERSION, "trace",
        vm_json_trace(t), "origin", vm_json_text(t->origin ? t->origin : ""), "refs",
        by_access(&j, p->refs), "bytes", by_access(&j, p->bytes), "events", events(&j, p), "maps",
        maps(&j, p), "touches", (json_int_t)p->touches, "spaces", (json_int_t)p->spaces, "pages_4k",
        (json_int_t)p->pages_4k, "written_4k", (json_int_t)p->written_4k, "pages_2m",
        (json_int_t)p->pages_2m, "runs", (json_int_t)p->runs, "run_lengths", runs(&j, p), "regions",
        regions(&j, p), "regions_all", (json_int_t)p->nregions);
    return vm_json_write(out, &j, root, e);
}
