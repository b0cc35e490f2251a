/* sched_json.c - what schedulers did with jobs, for programs. Every member: docs/formats/json.md.
 */
#include "report/json.h"
#include "report/sched_words.h"

static json_t *cpus_json(struct vm_json *j, uint64_t cpus, uint32_t ncpus)
{
    json_t *all = json_array();
    for (uint32_t c = 0; c < ncpus; c++)
        if (cpus >> c & 1)
            vm_json_add(j, all, json_integer(c));
    return all;
}

static json_t *job_json(struct vm_json *j, const struct vm_job *job, uint32_t ncpus)
{
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:o}", "name",
                     vm_json_text(job->name), "arrival", (json_int_t)job->arrival, "run",
                     (json_int_t)job->run, "io_every", (json_int_t)job->io_every, "io_time",
                     (json_int_t)job->io_time, "tickets", (json_int_t)job->tickets, "nice",
                     job->nice, "set", (json_int_t)job->set, "cpus",
                     cpus_json(j, job->cpus, ncpus));
}

static json_t *job_result_json(const struct vm_job *job, const struct vm_job_result *o)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "first",
                     (json_int_t)o->first, "end", (json_int_t)o->end, "response",
                     (json_int_t)vm_job_response(job, o), "turnaround",
                     (json_int_t)vm_job_turnaround(job, o), "waiting", (json_int_t)o->waited,
                     "blocked", (json_int_t)o->blocked, "ran", (json_int_t)o->ran, "warm",
                     (json_int_t)o->warm, "picks", (json_int_t)o->picks, "preemptions",
                     (json_int_t)o->preemptions, "migrations", (json_int_t)o->migrations);
}

static json_t *cpu_json(const struct vm_cpu_result *o)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "busy", (json_int_t)o->busy, "warm",
                     (json_int_t)o->warm, "switching", (json_int_t)o->switching, "switches",
                     (json_int_t)o->switches);
}

static json_t *span_json(const struct vm_job_span *p)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:s}", "start", (json_int_t)p->start, "end",
                     (json_int_t)p->end, "job", (json_int_t)p->job, "cpu", (json_int_t)p->cpu,
                     "kind", vm_span_names[p->kind]);
}

static json_t *event_json(struct vm_json *j, const struct vm_jobs_result *r,
                          const struct vm_job_event *v)
{
    json_t *event =
        json_pack("{s:I, s:s}", "at", (json_int_t)v->at, "kind", vm_job_event_names[v->kind]);
    json_t *facts = json_object();
    if (v->job != VM_NOJOB)
        vm_json_put(j, event, "job", json_integer(v->job));
    if (v->cpu != VM_NOCPU)
        vm_json_put(j, event, "cpu", json_integer(v->cpu));
    for (uint32_t i = 0; i < v->nfacts; i++)
        vm_json_put(j, facts, r->fact[v->fact + i].name,
                    json_integer((json_int_t)r->fact[v->fact + i].value));
    vm_json_put(j, event, "facts", facts);
    return event;
}

static json_t *result_json(struct vm_json *j, const struct vm_jobs_request *q,
                           const struct vm_jobs_result *r)
{
    json_t *jobs = json_array(), *cpus = json_array(), *spans = json_array(),
           *events = json_array();
    for (uint32_t i = 0; i < r->njobs; i++)
        vm_json_add(j, jobs, job_result_json(&q->job[i], &r->job[i]));
    for (uint32_t c = 0; c < r->ncpus; c++)
        vm_json_add(j, cpus, cpu_json(&r->cpu[c]));
    for (size_t i = 0; i < r->nspans; i++)
        vm_json_add(j, spans, span_json(&r->span[i]));
    for (size_t i = 0; i < r->nevents; i++)
        vm_json_add(j, events, event_json(j, r, &r->event[i]));
    return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:o, s:o, s:o, s:o}",
                     "scheduler", r->scheduler, "start", (json_int_t)r->start, "end",
                     (json_int_t)r->end, "response", r->response, "turnaround", r->turnaround,
                     "waiting", r->waiting, "fairness", r->fairness, "utilisation", r->utilisation,
                     "switches", (json_int_t)r->switches, "migrations", (json_int_t)r->migrations,
                     "jobs", jobs, "cpus", cpus, "spans", spans, "events", events);
}

bool vm_report_sched_json(FILE *out, const struct vm_schedules *s, struct vm_error *e)
{
    struct vm_json j = {0};
    const struct vm_jobs_request *q = s->request;
    json_t *jobs = json_array(), *results = json_array();
    for (uint32_t i = 0; i < q->njobs; i++)
        vm_json_add(&j, jobs, job_json(&j, &q->job[i], q->ncpus));
    for (size_t i = 0; i < s->nresults; i++)
        vm_json_add(&j, results, result_json(&j, q, &s->result[i]));
    json_t *warmth = json_pack("{s:I, s:I, s:I}", "size", (json_int_t)q->warmth.size, "warmup",
                               (json_int_t)q->warmth.warmup, "rate", (json_int_t)q->warmth.rate);
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "schema",
                  VM_JSON_SCHEMA, "kind", "sched", "version", PAGODA_VERSION, "cpus",
                  (json_int_t)q->ncpus, "quantum", (json_int_t)q->quantum, "timer",
                  (json_int_t)q->timer, "switch_cost", (json_int_t)q->switch_cost, "seed",
                  (json_int_t)q->seed, "warmth", warmth, "jobs", jobs, "results", results);
    return vm_json_write(out, &j, root, e);
}
