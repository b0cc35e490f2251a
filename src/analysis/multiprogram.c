/* multiprogram.c - see multiprogram.h: a memory as the gate before the processors.
 *
 * Invariants
 *  1. line[0..nline) are the jobs that stand before the gate, by the time when they came.
 *  2. What storage->areas says of jobs is what the changes so far, in order, lead to.
 *  3. leaving_bytes is what jobs on their way out hold.
 */
#include "base/arena.h"
#include "base/assert.h"

#include <pagoda/multiprogram.h>
#include <stdlib.h>
#include <string.h>

struct memory {
    const struct vm_multiprogram_request *r;
    struct vm_multiprogram_result *out;
    const struct vm_partition_ops *ops;
    struct vm_params params;
    struct vm_partition_env env;
    struct vm_arena arena;
    void *state;
    uint32_t *line, nline;
    uint32_t held_back;   /* the job that holes are known to keep out; or VM_NOJOB */
    struct vm_area *seat; /* [njobs] where jobs are; of those that are not, bytes is 0 */
    uint64_t *put_at;     /* [njobs] the last time */
    bool *leaving;        /* [njobs] on the way out */
    uint64_t used_bytes, asked_bytes, leaving_bytes;
    uint32_t nin;
    uint64_t device_free_at;
    uint64_t summed_to; /* the means have all that was before */
    bool failed;        /* no memory for the changes */
};

/* ---- what is told of it ---- */

static void change(struct memory *m, uint64_t now, enum vm_change_kind kind, struct vm_area area)
{
    struct vm_multiprogram_result *o = m->out;
    if (o->nchanges == o->changes_cap) {
        size_t cap = 2 * o->changes_cap + 64;
        struct vm_memory_change *grown = realloc(o->change, cap * sizeof *grown);
        m->failed |= !grown;
        if (!grown)
            return;
        o->change = grown;
        o->changes_cap = cap;
    }
    o->change[o->nchanges++] = (struct vm_memory_change){now, kind, area};
}

/* The time since the last change, as memory was. */
static void sum_up_to(struct memory *m, uint64_t now)
{
    double time = (double)(now - m->summed_to);
    m->out->used += time * (double)m->asked_bytes;
    m->out->internal += time * (double)(m->used_bytes - m->asked_bytes);
    m->out->free += time * (double)(m->r->memory - m->used_bytes);
    m->summed_to = now;
}

/* ---- putting jobs, and moving those that are there ---- */

struct seating {
    struct memory *m;
    uint64_t now;
};

/* Where an area of a job is not where it was, it was put or moved. */
static void compare_area(void *host, const struct vm_area *area)
{
    const struct seating *s = host;
    struct memory *m = s->m;
    if (area->job == VM_NOTENANT)
        return;
    struct vm_area *seat = &m->seat[area->job];
    if (seat->bytes && seat->start != area->start)
        change(m, s->now, VM_CHANGE_MOVED, *area);
    *seat = *area;
}

/* A job that was put is told of after those that had to move for it. */
static void take_seats(struct memory *m, uint64_t now)
{
    m->ops->areas(m->state, &(struct seating){m, now}, compare_area);
}

static bool put(struct memory *m, uint32_t job, uint64_t now)
{
    struct vm_tenant_result *t = &m->out->tenant[job];
    if (!m->ops->put(m->state, job, m->r->jobs.job[job].memory))
        return false;
    sum_up_to(m, now);
    take_seats(m, now);
    const struct vm_area *seat = &m->seat[job];
    change(m, now, VM_CHANGE_PUT, *seat);
    m->asked_bytes += seat->asked;
    m->used_bytes += seat->bytes;
    m->out->most_jobs = ++m->nin > m->out->most_jobs ? m->nin : m->out->most_jobs;
    if (t->bytes == 0)
        *t = (struct vm_tenant_result){now, seat->start, seat->bytes, 0};
    m->put_at[job] = now;
    return true;
}

/* When the processors have moved what compaction has since `before`. */
static uint64_t moved_at(struct memory *m, const struct vm_partition_usage *before, uint64_t now)
{
    struct vm_partition_usage after;
    m->ops->usage(m->state, &after);
    uint64_t bytes = after.moved_bytes - before->moved_bytes, rate = m->r->move_rate;
    uint64_t time = rate ? (bytes + rate - 1) / rate : 0;
    m->out->stalled += time;
    return now + time;
}

/* When a transfer of the job is done that the device begins as soon as it can, from `at` on. */
static uint64_t transfer(struct memory *m, uint32_t job, uint64_t at)
{
    uint64_t rate = m->r->swap_rate, bytes = m->r->jobs.job[job].memory;
    at = at > m->device_free_at ? at : m->device_free_at;
    m->device_free_at = at + m->r->swap_access + (bytes + rate - 1) / rate;
    return m->device_free_at;
}

/* ---- the gate ---- */

static void gate_come(void *host, uint32_t job, uint64_t now)
{
    struct memory *m = host;
    (void)now;
    m->line[m->nline++] = job;
}

static bool is_smaller(const struct memory *m, uint32_t a, uint32_t b)
{
    return m->r->jobs.job[a].memory < m->r->jobs.job[b].memory;
}

/* The one in line whose turn it is: its place; nline: there is none. */
static uint32_t next_in_line(const struct memory *m)
{
    uint32_t next = 0;
    for (uint32_t i = 1; m->r->queue == VM_QUEUE_SMALLEST && i < m->nline; i++)
        if (is_smaller(m, m->line[i], m->line[next]))
            next = i;
    return next;
}

/* One in line is put, and leaves the line: VM_NOJOB: none has room. */
static uint32_t put_one(struct memory *m, uint64_t now)
{
    uint32_t first = next_in_line(m);
    uint32_t last = m->r->queue == VM_QUEUE_FITTING ? m->nline : first + 1;
    for (uint32_t i = first; i < last && i < m->nline; i++) {
        uint32_t job = m->line[i];
        if (!put(m, job, now))
            continue;
        memmove(&m->line[i], &m->line[i + 1], (--m->nline - i) * sizeof job);
        m->held_back = VM_NOJOB;
        return job;
    }
    if (m->nline && m->line[first] != m->held_back &&
        m->r->memory - m->used_bytes >= m->r->jobs.job[m->line[first]].memory) {
        m->held_back = m->line[first];
        m->out->blocked_by_holes++;
    }
    return VM_NOJOB;
}

static uint32_t gate_enter(void *host, uint64_t now, struct vm_job_entry *entry)
{
    struct memory *m = host;
    struct vm_partition_usage before;
    m->ops->usage(m->state, &before);
    uint32_t job = put_one(m, now);
    if (job == VM_NOJOB)
        return VM_NOJOB;
    uint64_t moved = moved_at(m, &before, now);
    bool back = m->out->tenant[job].swaps;
    *entry = (struct vm_job_entry){back ? transfer(m, job, moved) : moved, moved};
    return job;
}

/* Whether those on their way out leave enough for the next one, if in one piece. */
static bool enough_leave(const struct memory *m)
{
    uint64_t next = m->r->jobs.job[m->line[next_in_line(m)]].memory;
    return m->leaving_bytes && m->r->memory - m->used_bytes + m->leaving_bytes >= next;
}

static uint64_t gate_expel(void *host, uint32_t job, uint64_t now)
{
    struct memory *m = host;
    if (!m->r->swap_rate || !m->nline || now - m->put_at[job] < m->r->residence || enough_leave(m))
        return VM_TIME_NEVER;
    m->out->tenant[job].swaps++;
    m->out->swaps++;
    m->leaving[job] = true;
    m->leaving_bytes += m->seat[job].bytes;
    return transfer(m, job, now);
}

static uint64_t gate_gone(void *host, uint32_t job, uint64_t now)
{
    struct memory *m = host;
    struct vm_area seat = m->seat[job];
    struct vm_partition_usage before;
    m->ops->usage(m->state, &before);
    sum_up_to(m, now);
    m->ops->leave(m->state, job);
    change(m, now, VM_CHANGE_LEFT, seat);
    m->leaving_bytes -= m->leaving[job] ? seat.bytes : 0;
    m->leaving[job] = false;
    m->asked_bytes -= seat.asked;
    m->used_bytes -= seat.bytes;
    m->nin--;
    m->seat[job] = (struct vm_area){0};
    take_seats(m, now);
    return moved_at(m, &before, now);
}

/* ---- opening and closing ---- */

static bool check_jobs(const struct vm_jobs_request *r, struct vm_error *e)
{
    if (r->njobs == 0 || r->njobs > VM_PARTITION_JOBS_MAX)
        return vm_fail(e, VM_EUSAGE, "%u jobs in a memory: expected 1 to %u", r->njobs,
                       VM_PARTITION_JOBS_MAX);
    for (uint32_t i = 0; i < r->njobs; i++)
        if (r->job[i].memory == 0)
            return vm_fail(e, VM_EUSAGE, "job %s: it has no size: expected memory=BYTES",
                           r->job[i].name);
    return true;
}

static bool check_sizes(const struct memory *m, struct vm_error *e)
{
    uint64_t most = m->ops->most(m->state);
    for (uint32_t i = 0; i < m->r->jobs.njobs; i++) {
        const struct vm_job *j = &m->r->jobs.job[i];
        char asked[32], had[32];
        if (j->memory > most)
            return vm_fail(e, VM_EUSAGE,
                           "job %s: memory=%s: expected at most %s, which %s can hold", j->name,
                           vm_text_bytes(j->memory, asked, sizeof asked),
                           vm_text_bytes(most, had, sizeof had), m->r->storage);
    }
    return true;
}

static bool open_storage(struct memory *m, struct vm_error *e)
{
    char name[64];
    const char *text = vm_spec_split(m->r->storage, name, sizeof name);
    m->ops = m->out->ops = vm_partition_find(name, e);
    if (!m->ops ||
        !vm_params_parse(&m->params, m->ops->name, m->ops->param, m->ops->nparams, text, e))
        return false;
    m->env = (struct vm_partition_env){m->r->memory, m->r->jobs.njobs, &m->params};
    size_t bytes = m->ops->size(&m->env, e);
    if (!bytes || !vm_arena_open(&m->arena, vm_arena_room(bytes), e))
        return false;
    m->state = vm_arena_take(&m->arena, bytes);
    m->ops->init(m->state, &m->env);
    return true;
}

static bool open_memory(struct memory *m, struct vm_error *e)
{
    uint32_t n = m->r->jobs.njobs;
    if (m->r->memory == 0 || m->r->memory > VM_PARTITION_MEMORY_MAX)
        return vm_fail(e, VM_EUSAGE, "memory of %llu bytes: expected 1 to 1 TiB",
                       (unsigned long long)m->r->memory);
    if (!check_jobs(&m->r->jobs, e))
        return false;
    m->line = calloc(n, sizeof *m->line);
    m->seat = calloc(n, sizeof *m->seat);
    m->put_at = calloc(n, sizeof *m->put_at);
    m->leaving = calloc(n, sizeof *m->leaving);
    m->out->tenant = calloc(n, sizeof *m->out->tenant);
    if (!m->line || !m->seat || !m->put_at || !m->leaving || !m->out->tenant)
        return vm_fail(e, VM_ESYSTEM, "no memory for %u jobs", n);
    return open_storage(m, e) && check_sizes(m, e);
}

static void close_memory(struct memory *m)
{
    free(m->line);
    free(m->seat);
    free(m->put_at);
    free(m->leaving);
    vm_arena_close(&m->arena);
}

static bool run_jobs(struct memory *m, struct vm_error *e)
{
    struct vm_jobs_request jobs = m->r->jobs;
    jobs.gate = &(struct vm_job_gate){m, gate_come, gate_enter, gate_expel, gate_gone};
    for (m->summed_to = VM_TIME_NEVER; jobs.njobs--;)
        if (jobs.job[jobs.njobs].arrival < m->summed_to)
            m->summed_to = jobs.job[jobs.njobs].arrival;
    jobs.njobs = m->r->jobs.njobs;
    return vm_jobs_run(&jobs, &m->out->jobs, e) &&
           (!m->failed || vm_fail(e, VM_ESYSTEM, "no memory for what the jobs did"));
}

static void finish(struct memory *m)
{
    struct vm_multiprogram_result *o = m->out;
    double time = (double)(o->jobs.end - o->jobs.start);
    m->ops->usage(m->state, &o->usage);
    o->used /= time;
    o->internal /= time;
    o->free /= time;
    for (uint32_t i = 0; i < o->jobs.njobs; i++)
        o->outside += (double)o->jobs.job[i].outside / o->jobs.njobs;
}

bool vm_multiprogram_run(const struct vm_multiprogram_request *r,
                         struct vm_multiprogram_result *out, struct vm_error *e)
{
    *out = (struct vm_multiprogram_result){0};
    struct memory m = {.r = r, .out = out, .held_back = VM_NOJOB};
    strncpy(out->storage, r->storage, sizeof out->storage - 1);
    bool done = open_memory(&m, e) && run_jobs(&m, e);
    if (done)
        finish(&m);
    close_memory(&m);
    if (!done)
        vm_multiprogram_free(out);
    return done;
}

void vm_multiprogram_free(struct vm_multiprogram_result *r)
{
    vm_jobs_free(&r->jobs);
    free(r->tenant);
    free(r->change);
    *r = (struct vm_multiprogram_result){0};
}

/* Equal calls give equal answers: what was put and left is put and leaves again. */
bool vm_multiprogram_areas(const struct vm_multiprogram_request *r,
                           const struct vm_multiprogram_result *m, uint64_t at, void *host,
                           void (*each)(void *host, const struct vm_area *), struct vm_error *e)
{
    struct vm_multiprogram_result scratch = {0};
    struct memory again = {.r = r, .out = &scratch};
    bool open = open_storage(&again, e);
    for (size_t i = 0; open && i < m->nchanges && m->change[i].at <= at; i++) {
        const struct vm_memory_change *c = &m->change[i];
        if (c->kind == VM_CHANGE_LEFT)
            again.ops->leave(again.state, c->area.job);
        else if (c->kind == VM_CHANGE_PUT &&
                 !again.ops->put(again.state, c->area.job, c->area.asked))
            VM_ASSERT(!"a job was put where there was no room");
    }
    if (open)
        again.ops->areas(again.state, host, each);
    vm_arena_close(&again.arena);
    return open;
}
