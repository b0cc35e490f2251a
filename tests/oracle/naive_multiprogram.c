/* naive_multiprogram.c - see naive_multiprogram.h. */
#include "oracle/naive_multiprogram.h"

#include <string.h>

enum where { NOT_YET, OUTSIDE, READY, RUNNING, BLOCKED, DONE };

struct naive {
    const struct vm_multiprogram_request *r;
    struct naive_partition memory;
    struct naive_stay *out;
    enum where where[NAIVE_TENANTS];
    uint64_t done[NAIVE_TENANTS], burst[NAIVE_TENANTS], back_at[NAIVE_TENANTS],
        away_at[NAIVE_TENANTS];
    uint32_t line[NAIVE_TENANTS], nline;   /* before the gate */
    uint32_t ready[NAIVE_TENANTS], nready; /* in turn */
    uint64_t slice;                        /* of the running one, used */
    uint64_t now;
};

static void append(uint32_t *list, uint32_t *n, uint32_t job)
{
    list[(*n)++] = job;
}

static uint32_t take_out(uint32_t *list, uint32_t *n, uint32_t i)
{
    uint32_t job = list[i];
    memmove(&list[i], &list[i + 1], (--*n - i) * sizeof job);
    return job;
}

static void stop(struct naive *s, uint32_t i)
{
    const struct vm_job *j = &s->r->jobs.job[i];
    if (s->done[i] == j->run) {
        s->where[i] = DONE;
        s->out[i].end = s->now;
        naive_partition_leave(&s->memory, i);
    } else if (j->io_every && s->burst[i] == j->io_every) {
        s->where[i] = BLOCKED;
        s->burst[i] = 0;
        s->away_at[i] = s->now;
        s->back_at[i] = s->now + j->io_time;
    } else if (s->slice == s->r->jobs.quantum) {
        s->where[i] = READY;
        append(s->ready, &s->nready, i);
    }
}

static bool is_smaller(const struct naive *s, uint32_t a, uint32_t b)
{
    return s->r->jobs.job[a].memory < s->r->jobs.job[b].memory;
}

/* Let one in; false: there is nobody for whom there is room. */
static bool admit_one(struct naive *s)
{
    uint32_t first = 0, last;
    for (uint32_t i = 1; s->r->queue == VM_QUEUE_SMALLEST && i < s->nline; i++)
        first = is_smaller(s, s->line[i], s->line[first]) ? i : first;
    last = s->r->queue == VM_QUEUE_FITTING ? s->nline : first + 1;
    for (uint32_t i = first; i < last && i < s->nline; i++) {
        uint32_t job = s->line[i];
        if (!naive_partition_put(&s->memory, job, (uint32_t)s->r->jobs.job[job].memory))
            continue;
        take_out(s->line, &s->nline, i);
        s->out[job].put_at = s->now;
        s->out[job].start = naive_partition_start(&s->memory, job);
        s->where[job] = READY;
        append(s->ready, &s->nready, job);
        return true;
    }
    return false;
}

/* Whether transfer a is done before b; of two that are done at once, the one that began first. */
static bool is_sooner(const struct naive *s, uint32_t a, uint32_t b)
{
    return s->back_at[a] != s->back_at[b] ? s->back_at[a] < s->back_at[b]
                                          : s->away_at[a] < s->away_at[b];
}

static void come_back(struct naive *s, uint32_t n)
{
    for (;;) {
        uint32_t first = n;
        for (uint32_t i = 0; i < n; i++)
            if (s->where[i] == BLOCKED && s->back_at[i] <= s->now &&
                (first == n || is_sooner(s, i, first)))
                first = i;
        if (first == n)
            return;
        s->where[first] = READY;
        append(s->ready, &s->nready, first);
    }
}

static void spend(struct naive *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        s->out[i].outside += s->where[i] == OUTSIDE;
        s->out[i].waited += s->where[i] == READY;
        s->out[i].blocked += s->where[i] == BLOCKED;
        s->done[i] += s->where[i] == RUNNING;
        s->burst[i] += s->where[i] == RUNNING;
        s->slice += s->where[i] == RUNNING;
    }
    s->now++;
}

static uint32_t find(const struct naive *s, uint32_t n, enum where where)
{
    uint32_t i = 0;
    while (i < n && s->where[i] != where)
        i++;
    return i;
}

void naive_multiprogram_run(const struct vm_multiprogram_request *r,
                            const struct naive_rule_of_memory *rule,
                            struct naive_stay out[NAIVE_TENANTS])
{
    struct naive s = {.r = r, .out = out};
    uint32_t n = r->jobs.njobs, done = 0;
    memset(out, 0, NAIVE_TENANTS * sizeof *out);
    naive_partition_open(&s.memory, rule, (uint32_t)r->memory);
    while (done < n) {
        uint32_t running = find(&s, n, RUNNING);
        if (running < n)
            stop(&s, running);
        for (uint32_t i = 0; i < n; i++)
            if (s.where[i] == NOT_YET && r->jobs.job[i].arrival <= s.now) {
                s.where[i] = OUTSIDE;
                append(s.line, &s.nline, i);
            }
        come_back(&s, n);
        while (admit_one(&s)) {
        }
        if (find(&s, n, RUNNING) == n && s.nready) {
            s.where[take_out(s.ready, &s.nready, 0)] = RUNNING;
            s.slice = 0;
        }
        for (uint32_t i = done = 0; i < n; i++)
            done += s.where[i] == DONE;
        if (done < n)
            spend(&s, n);
    }
}
