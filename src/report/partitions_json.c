/* partitions_json.c - jobs in one memory, for programs. Every member: docs/formats/json.md. */
#include "report/json.h"
#include "report/sched_words.h"

static const char *const queue_names[] = {
    [VM_QUEUE_FIFO] = "fifo", [VM_QUEUE_FITTING] = "fitting", [VM_QUEUE_SMALLEST] = "smallest"};
static const char *const change_names[] = {
    [VM_CHANGE_PUT] = "put", [VM_CHANGE_MOVED] = "moved", [VM_CHANGE_LEFT] = "left"};

static json_t *job_json(const struct vm_job *j, const struct vm_job_result *o,
                        const struct vm_tenant_result *t)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
                     vm_json_text(j->name), "arrival", (json_int_t)j->arrival, "run",
                     (json_int_t)j->run, "memory", (json_int_t)j->memory, "put_at",
                     (json_int_t)t->put_at, "start", (json_int_t)t->start, "bytes",
                     (json_int_t)t->bytes, "end", (json_int_t)o->end, "outside",
                     (json_int_t)o->outside, "waiting", (json_int_t)o->waited, "turnaround",
                     (json_int_t)vm_job_turnaround(j, o), "swaps", (json_int_t)t->swaps);
}

static json_t *change_json(const struct vm_memory_change *c)
{
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I}", "at", (json_int_t)c->at, "kind",
                     change_names[c->kind], "job", (json_int_t)c->area.job, "start",
                     (json_int_t)c->area.start, "bytes", (json_int_t)c->area.bytes, "asked",
                     (json_int_t)c->area.asked);
}

struct area_list {
    struct vm_json *j;
    json_t *array;
};

static void add_area(void *host, const struct vm_area *a)
{
    const struct area_list *l = host;
    json_t *area = json_pack("{s:I, s:I, s:I}", "start", (json_int_t)a->start, "bytes",
                             (json_int_t)a->bytes, "asked", (json_int_t)a->asked);
    if (a->job != VM_NOTENANT)
        vm_json_put(l->j, area, "job", json_integer(a->job));
    vm_json_add(l->j, l->array, area);
}

static json_t *usage_json(const struct vm_multiprogram_result *r)
{
    return json_pack(
        "{s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "used", r->used, "internal",
        r->internal, "free", r->free, "most_jobs", (json_int_t)r->most_jobs, "blocked_by_holes",
        (json_int_t)r->blocked_by_holes, "searched", (json_int_t)r->usage.searched, "compactions",
        (json_int_t)r->usage.compactions, "relocations", (json_int_t)r->usage.relocations,
        "moved_bytes", (json_int_t)r->usage.moved_bytes, "stalled", (json_int_t)r->stalled, "swaps",
        (json_int_t)r->swaps);
}

static bool result_json(struct vm_json *j, const struct vm_residence *s, size_t i, json_t *results,
                        struct vm_error *e)
{
    const struct vm_multiprogram_request *q = &s->request[i];
    const struct vm_multiprogram_result *r = &s->result[i];
    json_t *jobs = json_array(), *changes = json_array();
    for (uint32_t k = 0; k < r->jobs.njobs; k++)
        vm_json_add(j, jobs, job_json(&q->jobs.job[k], &r->jobs.job[k], &r->tenant[k]));
    for (size_t k = 0; k < r->nchanges; k++)
        vm_json_add(j, changes, change_json(&r->change[k]));
    json_t *result =
        json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:o, s:o, s:o}", "storage", r->storage, "start",
                  (json_int_t)r->jobs.start, "end", (json_int_t)r->jobs.end, "outside", r->outside,
                  "turnaround", r->jobs.turnaround, "utilisation", r->jobs.utilisation, "memory",
                  usage_json(r), "jobs", jobs, "changes", changes);
    if (s->at != VM_TIME_NEVER) {
        struct area_list list = {j, json_array()};
        bool found = vm_multiprogram_areas(q, r, s->at, &list, add_area, e);
        vm_json_put(j, result, "areas", list.array);
        if (!found) {
            json_decref(result);
            return false;
        }
    }
    vm_json_add(j, results, result);
    return true;
}

bool vm_report_partitions_json(FILE *out, const struct vm_residence *s, struct vm_error *e)
{
    struct vm_json j = {0};
    const struct vm_multiprogram_request *q = s->request;
    json_t *results = json_array();
    for (size_t i = 0; i < s->nresults; i++)
        if (!result_json(&j, s, i, results, e)) {
            json_decref(results);
            return false;
        }
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "schema",
        VM_JSON_SCHEMA, "kind", "partitions", "version", PAGODA_VERSION, "memory",
        (json_int_t)q->memory, "queue", queue_names[q->queue], "scheduler", q->jobs.scheduler,
        "cpus", (json_int_t)q->jobs.ncpus, "quantum", (json_int_t)q->jobs.quantum, "timer",
        (json_int_t)q->jobs.timer, "switch_cost", (json_int_t)q->jobs.switch_cost, "move_rate",
        (json_int_t)q->move_rate, "swap_rate", (json_int_t)q->swap_rate, "swap_access",
        (json_int_t)q->swap_access, "residence", (json_int_t)q->residence, "results", results);
    return vm_json_write(out, &j, root, e);
}
