/* jobs.c - see jobs.h: abstract jobs on processors, from one moment at which something happens to
 * the next.
 *
 * Invariants
 *  1. Between two moments every processor does one thing: nothing, a switch, or one job's work at
 *     one rate.
 *  2. A job waits for its arrival, then is ready, runs on one processor, is away, stands before the
 *     gate, or has ended; those that are away (in a transfer of theirs, or on the way through the
 *     gate) are in a list by the time when they are back, and then by when they left.
 *  3. done <= mark <= run: mark is where the job blocks or ends next.
 */
#include "analysis/job_cache.h"
#include "analysis/job_record.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/links.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct processor {
    uint32_t job, last;  /* what it runs, and ran before; or VM_NOJOB */
    uint64_t starts;     /* when the job's work begins, after the switch */
    uint64_t slice_ends; /* or VM_TIME_NEVER */
    struct job_cache cache;
};

struct progress {
    uint64_t done, mark; /* work */
    uint64_t ready_at;
    uint64_t back_at;
    uint64_t outside_since;
    uint32_t last_cpu;
    bool began; /* the scheduler knows it */
    enum { AWAY_TRANSFER, AWAY_IN, AWAY_OUT } away;
};

struct sim {
    const struct vm_jobs_request *r;
    struct vm_jobs_result *out;
    struct job_record record;
    struct vm_sched_env env;
    struct vm_random random;
    size_t ndrawn;
    void *state;
    struct vm_arena arena;
    uint64_t now;
    uint32_t nleft;        /* jobs that have not ended */
    uint32_t narrived;     /* of `arrival` */
    uint32_t *arrival;     /* [njobs] by arrival */
    struct vm_links *away; /* [njobs + 1], the last is the head; by back_at */
    uint64_t stalled_until;
    struct vm_sched_task *task;        /* [njobs] */
    struct progress *progress;         /* [njobs] */
    struct processor cpu[VM_CPUS_MAX]; /* [ncpus] */
};

/* ---- what the scheduler is told of ---- */

static bool may_run(void *host, vm_task task, uint32_t cpu)
{
    const struct sim *s = host;
    return s->r->job[task].cpus >> cpu & 1;
}

static uint64_t draw(void *host, uint64_t n)
{
    struct sim *s = host;
    if (s->ndrawn < s->r->ndrawn)
        return s->r->drawn[s->ndrawn++] % n;
    return vm_random_below(&s->random, n);
}

static void tell(struct sim *s, enum vm_job_event_kind kind, uint32_t job, uint32_t cpu)
{
    job_record_event(&s->record, (struct vm_job_event){.at = s->now, kind, job, cpu}, NULL);
}

static void make_ready(struct sim *s, uint32_t job, enum vm_ready why)
{
    struct progress *p = &s->progress[job];
    p->ready_at = s->now;
    s->task[job].left = p->mark - p->done;
    s->out->ops->ready(s->state, job, why);
}

/* The work after which the job blocks or ends next. */
static void set_mark(struct sim *s, uint32_t job)
{
    const struct vm_job *j = &s->r->job[job];
    struct progress *p = &s->progress[job];
    uint64_t burst = j->io_every ? j->io_every : j->run;
    p->mark = j->run - p->done < burst ? j->run : p->done + burst;
}

/* ---- time passes ---- */

static uint64_t rate_of(const struct sim *s, const struct processor *p)
{
    return job_cache_warm(&p->cache, p->job) ? s->r->warmth.rate : 1;
}

static void count_work(struct sim *s, uint32_t c, uint64_t time)
{
    struct processor *p = &s->cpu[c];
    struct progress *g = &s->progress[p->job];
    struct vm_job_result *job = &s->out->job[p->job];
    bool warm = job_cache_warm(&p->cache, p->job);
    uint64_t work = time * rate_of(s, p);
    g->done = work < g->mark - g->done ? g->done + work : g->mark;
    s->task[p->job].left = g->mark - g->done;
    if (job->ran == 0)
        job->first = s->now - time;
    job->ran += time;
    s->out->cpu[c].busy += time;
    job->warm += warm ? time : 0;
    s->out->cpu[c].warm += warm ? time : 0;
    job_record_span(&s->record, (struct vm_job_span){s->now - time, s->now, p->job, c,
                                                     warm ? VM_SPAN_WARM : VM_SPAN_RUN});
    s->out->ops->ran(s->state, p->job, time);
    if (job_cache_ran(&p->cache, p->job, time))
        tell(s, VM_JOB_WARM, p->job, c);
}

/* A processor's time since `from`: a switch first, then the job. */
static void pass_time(struct sim *s, uint32_t c, uint64_t from)
{
    const struct processor *p = &s->cpu[c];
    uint64_t begins = p->starts < s->now ? p->starts : s->now;
    begins = begins > from ? begins : from;
    s->out->cpu[c].switching += begins - from;
    job_record_span(&s->record, (struct vm_job_span){from, begins, p->job, c, VM_SPAN_SWITCH});
    count_work(s, c, s->now - begins);
}

static void advance(struct sim *s, uint64_t to)
{
    uint64_t from = s->now;
    s->now = to;
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        if (s->cpu[c].job != VM_NOJOB)
            pass_time(s, c, from);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_of_processor(const struct sim *s, const struct processor *p)
{
    const struct progress *g = &s->progress[p->job];
    uint64_t rate = rate_of(s, p), begins = p->starts > s->now ? p->starts : s->now;
    uint64_t mark = begins + (g->mark - g->done + rate - 1) / rate;
    uint64_t warms = job_cache_warms_in(&p->cache, p->job);
    warms = warms == VM_TIME_NEVER ? warms : begins + warms;
    return earlier(p->slice_ends, earlier(mark, warms));
}

/* The next moment at which something happens. */
static uint64_t next_moment(const struct sim *s)
{
    uint32_t n = s->r->njobs, first = s->away[n].next;
    uint64_t at = s->out->ops->ticks_at(s->state);
    if (s->narrived < n)
        at = earlier(at, s->r->job[s->arrival[s->narrived]].arrival);
    if (first != n)
        at = earlier(at, s->progress[first].back_at);
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        if (s->cpu[c].job != VM_NOJOB)
            at = earlier(at, next_of_processor(s, &s->cpu[c]));
    return at;
}

/* The timer's first interrupt at or after `at`. */
static uint64_t on_timer(const struct sim *s, uint64_t at)
{
    return (at + s->r->timer - 1) / s->r->timer * s->r->timer;
}

/* Work under way goes on after `until`, and slices end so much later. */
static void stall(struct sim *s, uint64_t until)
{
    uint64_t from = s->stalled_until > s->now ? s->stalled_until : s->now;
    if (until <= from)
        return;
    for (struct processor *p = s->cpu; p < s->cpu + s->r->ncpus; p++) {
        p->starts = (p->starts > from ? p->starts : from) + (until - from);
        if (p->slice_ends != VM_TIME_NEVER)
            p->slice_ends = on_timer(s, p->slice_ends + (until - from));
    }
    s->stalled_until = until;
}

/* ---- what happens at a moment ---- */

static void end_job(struct sim *s, uint32_t job, uint32_t cpu)
{
    s->out->job[job].end = s->now;
    s->nleft--;
    tell(s, VM_JOB_ENDS, job, cpu);
    s->out->ops->leave(s->state, job);
    if (s->r->gate)
        stall(s, s->r->gate->gone(s->r->gate->host, job, s->now));
}

static void go_away(struct sim *s, uint32_t job, int why, uint64_t back_at)
{
    uint32_t head = s->r->njobs, after = s->away[head].prev;
    while (after != head && s->progress[after].back_at > back_at)
        after = s->away[after].prev;
    s->progress[job].back_at = back_at;
    s->progress[job].away = why;
    vm_links_insert_after(s->away, after, job);
}

static void block_job(struct sim *s, uint32_t job, uint32_t cpu)
{
    go_away(s, job, AWAY_TRANSFER, s->now + s->r->job[job].io_time);
    s->out->job[job].blocked += s->r->job[job].io_time;
    tell(s, VM_JOB_BLOCKS, job, cpu);
    s->out->ops->block(s->state, job);
}

/* Whether the gate sends the job, which is stopped, out. */
static bool expel_job(struct sim *s, uint32_t job, uint32_t cpu)
{
    const struct vm_job_gate *gate = s->r->gate;
    uint64_t out_at = gate ? gate->expel(gate->host, job, s->now) : VM_TIME_NEVER;
    if (out_at == VM_TIME_NEVER)
        return false;
    tell(s, VM_JOB_EXPELLED, job, cpu);
    s->progress[job].outside_since = s->now;
    s->out->ops->block(s->state, job);
    go_away(s, job, AWAY_OUT, out_at);
    return true;
}

/* Whether the processor's job leaves it now by itself, or because its slice is used up. */
static bool stop_job(struct sim *s, uint32_t c)
{
    uint32_t job = s->cpu[c].job;
    const struct progress *g = &s->progress[job];
    if (g->done == s->r->job[job].run) {
        end_job(s, job, c);
    } else if (g->done == g->mark) {
        block_job(s, job, c);
    } else if (s->now >= s->cpu[c].slice_ends) {
        tell(s, VM_JOB_SLICE_END, job, c);
        if (!expel_job(s, job, c))
            make_ready(s, job, VM_READY_QUANTUM);
    } else {
        return false;
    }
    return true;
}

static void stop_jobs(struct sim *s)
{
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        if (s->cpu[c].job != VM_NOJOB && stop_job(s, c))
            s->cpu[c].job = VM_NOJOB;
}

/* A slice that begins when the job's work does ends with an interrupt of the timer. */
static void ask_slice(struct sim *s, struct processor *p)
{
    uint64_t slice = s->out->ops->slice(s->state, p->job);
    uint64_t begins = p->starts > s->now ? p->starts : s->now;
    p->slice_ends = VM_TIME_NEVER;
    if (slice < VM_TIME_NEVER - begins - s->r->timer)
        p->slice_ends = on_timer(s, begins + slice);
}

static void tick(struct sim *s)
{
    if (s->out->ops->ticks_at(s->state) > s->now)
        return;
    tell(s, VM_JOB_TICK, VM_NOJOB, VM_NOCPU);
    s->out->ops->tick(s->state);
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        if (s->cpu[c].job != VM_NOJOB)
            ask_slice(s, &s->cpu[c]);
}

/* The job can run from now on. */
static void begin(struct sim *s, uint32_t job)
{
    struct progress *p = &s->progress[job];
    enum vm_ready why = p->began ? VM_READY_WOKEN : VM_READY_NEW;
    s->out->job[job].outside += s->now - p->outside_since;
    p->began = true;
    make_ready(s, job, why);
}

static void come(struct sim *s, uint32_t job)
{
    if (s->r->gate)
        s->r->gate->come(s->r->gate->host, job, s->now);
    else
        begin(s, job);
}

static void arrive(struct sim *s)
{
    for (; s->narrived < s->r->njobs; s->narrived++) {
        uint32_t job = s->arrival[s->narrived];
        if (s->r->job[job].arrival > s->now)
            return;
        set_mark(s, job);
        s->progress[job].outside_since = s->now;
        tell(s, VM_JOB_ARRIVES, job, VM_NOCPU);
        come(s, job);
    }
}

static void end_transfer(struct sim *s, uint32_t job)
{
    set_mark(s, job);
    tell(s, VM_JOB_WAKES, job, VM_NOCPU);
    make_ready(s, job, VM_READY_WOKEN);
}

static void leave_gate(struct sim *s, uint32_t job)
{
    tell(s, VM_JOB_GONE, job, VM_NOCPU);
    stall(s, s->r->gate->gone(s->r->gate->host, job, s->now));
    come(s, job);
}

static void come_back(struct sim *s)
{
    uint32_t head = s->r->njobs, job;
    while ((job = s->away[head].next) != head && s->progress[job].back_at <= s->now) {
        vm_links_remove(s->away, job);
        if (s->progress[job].away == AWAY_TRANSFER)
            end_transfer(s, job);
        else if (s->progress[job].away == AWAY_OUT)
            leave_gate(s, job);
        else
            begin(s, job);
    }
}

/* ---- the gate ---- */

static void admit(struct sim *s)
{
    const struct vm_job_gate *gate = s->r->gate;
    struct vm_job_entry entry;
    uint32_t job;
    while (gate && (job = gate->enter(gate->host, s->now, &entry)) != VM_NOJOB) {
        tell(s, VM_JOB_ENTERS, job, VM_NOCPU);
        stall(s, entry.stall_until);
        if (entry.ready_at > s->now)
            go_away(s, job, AWAY_IN, entry.ready_at);
        else
            begin(s, job);
    }
}

/* ---- who runs ---- */

static void count_pick(struct sim *s, uint32_t c, uint32_t job)
{
    struct processor *p = &s->cpu[c];
    struct progress *g = &s->progress[job];
    struct vm_job_result *o = &s->out->job[job];
    bool switches = p->last != VM_NOJOB && p->last != job;
    bool migrates = g->last_cpu != VM_NOCPU && g->last_cpu != c;
    o->waited += s->now - g->ready_at;
    o->picks++;
    o->migrations += migrates;
    s->out->migrations += migrates;
    s->out->cpu[c].switches += switches;
    s->out->switches += switches;
    p->starts = s->stalled_until > s->now ? s->stalled_until : s->now;
    p->starts += switches ? s->r->switch_cost : 0;
    p->last = job;
    g->last_cpu = c;
}

static void pick(struct sim *s, uint32_t c)
{
    struct processor *p = &s->cpu[c];
    struct vm_sched_fact fact[VM_SCHED_FACTS_MAX];
    p->job = s->out->ops->pick(s->state, c);
    if (p->job == VM_NOTASK)
        return;
    VM_ASSERT(may_run(s, p->job, c));
    count_pick(s, c, p->job);
    job_cache_start(&p->cache, p->job);
    ask_slice(s, p);
    if (s->r->record == VM_RECORD_EVENTS) {
        size_t n = s->out->ops->facts(s->state, p->job, fact);
        job_record_event(&s->record,
                         (struct vm_job_event){s->now, VM_JOB_RUNS, p->job, c, (uint32_t)n, 0},
                         fact);
    }
}

static void fill_idle(struct sim *s)
{
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        if (s->cpu[c].job == VM_NOJOB)
            pick(s, c);
}

static void preempt(struct sim *s)
{
    uint32_t c;
    while ((c = s->out->ops->preempt(s->state)) != VM_NOCPU) {
        uint32_t job = s->cpu[c].job;
        s->out->job[job].preemptions++;
        tell(s, VM_JOB_PREEMPTED, job, c);
        make_ready(s, job, VM_READY_PREEMPTED);
        s->cpu[c].job = VM_NOJOB;
        pick(s, c);
        fill_idle(s);
    }
}

static void moment(struct sim *s)
{
    stop_jobs(s);
    tick(s);
    arrive(s);
    come_back(s);
    admit(s);
    fill_idle(s);
    preempt(s);
    VM_EXPECT((s->out->ops->check(s->state), true));
}

static bool simulate(struct sim *s, struct vm_error *e)
{
    for (uint64_t steps = 0; s->nleft; steps++) {
        uint64_t at = next_moment(s);
        VM_ASSERT(at != VM_TIME_NEVER);
        if (steps == VM_STEPS_MAX)
            return vm_fail(e, VM_EUSAGE,
                           "%s: more than %llu moments at which something happens: expected "
                           "shorter jobs or a longer quantum",
                           s->r->scheduler, (unsigned long long)VM_STEPS_MAX);
        advance(s, at);
        moment(s);
    }
    return !s->record.failed || vm_fail(e, VM_ESYSTEM, "no memory for what the jobs did");
}

/* ---- opening and closing ---- */

static bool check_job(const struct vm_jobs_request *r, uint32_t i, struct vm_error *e)
{
    const struct vm_job *j = &r->job[i];
    uint64_t all = r->ncpus == VM_CPUS_MAX ? UINT64_MAX : (UINT64_C(1) << r->ncpus) - 1;
    VM_ASSERT(j->run && j->tickets && (!j->io_every || j->io_time));
    if (!(j->cpus & all))
        return vm_fail(e, VM_EUSAGE,
                       "job %s: it may run on none of the processors: expected one of 0 to %u",
                       j->name, r->ncpus - 1);
    return true;
}

static bool check_request(const struct vm_jobs_request *r, struct vm_error *e)
{
    if (r->njobs == 0 || r->njobs > VM_JOBS_MAX)
        return vm_fail(e, VM_EUSAGE, "%u jobs: expected 1 to %u", r->njobs, VM_JOBS_MAX);
    if (r->ncpus == 0 || r->ncpus > VM_CPUS_MAX)
        return vm_fail(e, VM_EUSAGE, "%u processors: expected 1 to %u", r->ncpus, VM_CPUS_MAX);
    if (r->timer == 0 || r->quantum == 0 || r->quantum % r->timer)
        return vm_fail(e, VM_EUSAGE,
                       "a quantum of %llu with a timer of %llu: expected a multiple of the timer",
                       (unsigned long long)r->quantum, (unsigned long long)r->timer);
    if (r->quantum > VM_TIME_MAX || r->switch_cost > VM_TIME_MAX ||
        r->warmth.warmup > VM_TIME_MAX || r->warmth.size > VM_TIME_MAX ||
        (r->warmth.size && r->warmth.rate - 1 >= VM_TIME_MAX))
        return vm_fail(e, VM_EUSAGE, "a time, size or rate out of range: expected at most %llu",
                       (unsigned long long)VM_TIME_MAX);
    for (uint32_t i = 0; i < r->njobs; i++)
        if (!check_job(r, i, e))
            return false;
    return true;
}

static int by_arrival(const void *a, const void *b, void *jobs)
{
    const struct vm_job *job = jobs;
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    if (job[i].arrival != job[k].arrival)
        return job[i].arrival < job[k].arrival ? -1 : 1;
    return i < k ? -1 : i > k;
}

/* The scheduler's block is zeroed and aligned, as an arena's are. */
static bool open_scheduler(struct sim *s, struct vm_error *e)
{
    struct vm_jobs_result *out = s->out;
    out->ops = vm_sched_parse(s->r->scheduler, &out->params, e);
    if (!out->ops)
        return false;
    s->env = (struct vm_sched_env){.ntasks = s->r->njobs,
                                   .ncpus = s->r->ncpus,
                                   .unit = 1,
                                   .quantum = s->r->quantum,
                                   .now = &s->now,
                                   .task = s->task,
                                   .params = &out->params,
                                   .host = s,
                                   .may = may_run,
                                   .draw = draw};
    size_t bytes = out->ops->size(&s->env, e);
    if (!bytes || !vm_arena_open(&s->arena, vm_arena_room(bytes), e))
        return false;
    s->state = vm_arena_take(&s->arena, bytes);
    out->ops->init(s->state, &s->env);
    return true;
}

static bool open_processors(struct sim *s, struct vm_error *e)
{
    for (uint32_t c = 0; c < s->r->ncpus; c++) {
        s->cpu[c] = (struct processor){.job = VM_NOJOB, .last = VM_NOJOB};
        if (!job_cache_open(&s->cpu[c].cache, s->r, e))
            return false;
    }
    return true;
}

static void open_jobs(struct sim *s)
{
    for (uint32_t i = 0; i < s->r->njobs; i++) {
        const struct vm_job *j = &s->r->job[i];
        s->arrival[i] = i;
        s->progress[i].last_cpu = VM_NOCPU;
        s->task[i] = (struct vm_sched_task){.tickets = j->tickets, .nice = j->nice};
    }
    qsort_r(s->arrival, s->r->njobs, sizeof *s->arrival, by_arrival, (void *)s->r->job);
    vm_links_head(s->away, s->r->njobs);
    s->nleft = s->r->njobs;
}

static bool open_sim(struct sim *s, struct vm_error *e)
{
    uint32_t n = s->r->njobs;
    s->out->job = calloc(n, sizeof *s->out->job);
    s->arrival = calloc(n, sizeof *s->arrival);
    s->away = calloc(n + (size_t)1, sizeof *s->away);
    s->task = calloc(n, sizeof *s->task);
    s->progress = calloc(n, sizeof *s->progress);
    if (!s->out->job || !s->arrival || !s->away || !s->task || !s->progress)
        return vm_fail(e, VM_ESYSTEM, "no memory for %u jobs", n);
    open_jobs(s);
    vm_random_seed(&s->random, s->r->seed);
    return open_processors(s, e) && open_scheduler(s, e);
}

static void close_sim(struct sim *s)
{
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        job_cache_close(&s->cpu[c].cache);
    free(s->arrival);
    free(s->away);
    free(s->task);
    free(s->progress);
    vm_arena_close(&s->arena);
}

static void sum_up(struct sim *s)
{
    struct vm_jobs_result *out = s->out;
    double n = out->njobs, sum = 0, squares = 0, busy = 0;
    out->start = s->r->job[s->arrival[0]].arrival;
    out->end = s->now;
    for (uint32_t i = 0; i < out->njobs; i++) {
        const struct vm_job_result *o = &out->job[i];
        double slowdown = (double)(o->ran + o->waited) / (double)o->ran;
        out->response += (double)vm_job_response(&s->r->job[i], o) / n;
        out->turnaround += (double)vm_job_turnaround(&s->r->job[i], o) / n;
        out->waiting += (double)o->waited / n;
        sum += slowdown;
        squares += slowdown * slowdown;
    }
    for (uint32_t c = 0; c < out->ncpus; c++)
        busy += (double)out->cpu[c].busy;
    out->fairness = sum * sum / (n * squares);
    out->utilisation = busy / ((double)(out->end - out->start) * out->ncpus);
}

bool vm_jobs_run(const struct vm_jobs_request *r, struct vm_jobs_result *out, struct vm_error *e)
{
    *out = (struct vm_jobs_result){.njobs = r->njobs, .ncpus = r->ncpus};
    if (!check_request(r, e))
        return false;
    struct sim *s = calloc(1, sizeof *s);
    if (!s)
        return vm_fail(e, VM_ESYSTEM, "no memory for a run of jobs");
    s->r = r;
    s->out = out;
    s->record = (struct job_record){.out = out, .what = r->record};
    strncpy(out->scheduler, r->scheduler, sizeof out->scheduler - 1);
    bool done = open_sim(s, e) && simulate(s, e);
    if (done)
        sum_up(s);
    close_sim(s);
    free(s);
    if (!done)
        vm_jobs_free(out);
    return done;
}

void vm_jobs_free(struct vm_jobs_result *r)
{
    free(r->job);
    free(r->span);
    free(r->event);
    free(r->fact);
    *r = (struct vm_jobs_result){0};
}
