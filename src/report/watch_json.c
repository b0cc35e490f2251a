/* watch_json.c - a process that was watched, as JSON; docs/formats/json.md has the members. */
#include "report/json.h"

static json_t *known(uint64_t bytes)
{
    return bytes == VM_WATCH_UNKNOWN ? json_null() : json_integer((json_int_t)bytes);
}

static void put_use(struct vm_json *j, json_t *object, const struct vm_watch_use *use)
{
    vm_json_put(j, object, "rss_bytes", json_integer((json_int_t)use->rss));
    vm_json_put(j, object, "swapped_bytes", json_integer((json_int_t)use->swapped));
    vm_json_put(j, object, "touched_bytes", known(use->touched));
    vm_json_put(j, object, "written_bytes", known(use->written));
}

static json_t *sample_json(struct vm_json *j, const struct vm_watch_sample *s)
{
    json_t *kinds = json_object();
    json_t *sample =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "at_ns", (json_int_t)s->at_ns, "window_ns",
                  (json_int_t)s->interval_ns, "minor_faults", (json_int_t)s->minor_faults,
                  "major_faults", (json_int_t)s->major_faults, "mark_ns", (json_int_t)s->mark_ns,
                  "look_ns", (json_int_t)s->look_ns);
    put_use(j, sample, &s->all);
    for (int i = 0; i < VM_WATCH_KINDS; i++) {
        json_t *kind = json_object();
        put_use(j, kind, &s->kind[i]);
        vm_json_put(j, kinds, vm_watch_kinds[i], kind);
    }
    vm_json_put(j, sample, "kinds", kinds);
    return sample;
}

bool vm_report_watch_json(FILE *out, const struct vm_watching *w, struct vm_error *e)
{
    struct vm_json j = {0};
    json_t *samples = json_array();
    for (size_t i = 0; i < w->nsamples; i++)
        vm_json_add(&j, samples, sample_json(&j, &w->sample[i]));
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:i, s:o, s:s, s:I, s:b, s:f, s:b, s:o}", "schema",
                  VM_JSON_SCHEMA, "kind", "watch", "version", PAGODA_VERSION, "pid", w->info.pid,
                  "command", vm_json_text(w->info.command), "method", w->info.method, "interval_ns",
                  (json_int_t)w->interval_ns, "grows", w->grows, "touch_ns", w->info.touch_ns,
                  "ended", w->is_over, "samples", samples);
    return vm_json_write(out, &j, root, e);
}
