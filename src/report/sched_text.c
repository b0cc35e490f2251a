/* sched_text.c - what a scheduler did with jobs, for people: a Gantt chart, a line a job, what it
 * decided and why; and several schedulers beside each other. */
#include "report/sched_words.h"
#include "report/words.h"

#include <string.h>

#define COLUMNS_LEFT 9   /* before a Gantt chart's columns */
#define COLUMNS_MAX  160 /* a wider chart shows no more */
#define COLUMNS_MIN  20

struct sheet {
    FILE *out;
    const struct vm_schedules *s;
    const struct vm_jobs_result *r;
    struct vm_style style;
    enum vm_colour colour;
    size_t columns; /* of a chart */
};

/* ---- the chart ---- */

/* What fills most of a column. */
struct column {
    uint64_t time;
    const struct vm_job_span *span; /* NULL: the processor was idle */
};

static void fill(void *data, const struct vm_job_span *span, size_t column, uint64_t time)
{
    struct column *c = (struct column *)data + column;
    if (time > c->time)
        *c = (struct column){time, span};
}

static void put_column(const struct sheet *s, const struct column *c)
{
    char mark = !c->span ? '.' : c->span->kind == VM_SPAN_SWITCH ? '~' : vm_job_mark(c->span->job);
    if (s->colour == VM_COLOUR_NONE || mark == '.' || mark == '~')
        fputc(mark, s->out);
    else
        fprintf(s->out, "\033[%s3%um%c\033[0m", c->span->kind == VM_SPAN_WARM ? "1;" : "",
                1 + c->span->job % 6, mark);
}

static void put_processor(const struct sheet *s, uint32_t cpu, uint64_t width)
{
    const struct vm_jobs_result *r = s->r;
    struct column column[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < r->nspans; i++)
        if (r->span[i].cpu == cpu)
            vm_span_columns(&r->span[i], r->start, width, s->columns, fill, column);
    fprintf(s->out, "  %scpu %-2u%s ", s->style.dim, cpu, s->style.end);
    for (size_t i = 0; i < s->columns && r->start + i * width < r->end; i++)
        put_column(s, &column[i]);
    fputc('\n', s->out);
}

static void put_times(const struct sheet *s, uint64_t width)
{
    char number[32];
    fprintf(s->out, "  %s       ", s->style.dim);
    for (size_t i = 0; i < s->columns && s->r->start + i * width < s->r->end; i += 10) {
        uint64_t at = s->r->start + i * width;
        snprintf(number, sizeof number, "%llu", (unsigned long long)at);
        fprintf(s->out, "%-10s", number);
    }
    fprintf(s->out, "%s\n", s->style.end);
}

static void put_chart(const struct sheet *s)
{
    uint64_t width = vm_column_width(s->r, s->columns);
    for (uint32_t c = 0; c < s->r->ncpus; c++)
        put_processor(s, c, width);
    put_times(s, width);
}

/* ---- a line a job ---- */

static void put_job(const struct sheet *s, uint32_t i)
{
    const struct vm_job *j = &s->s->request->job[i];
    const struct vm_job_result *o = &s->r->job[i];
    const char *name = j->name[0] == vm_job_mark(i) && !j->name[1] ? "" : j->name;
    fprintf(s->out, "  %c %-9s %9llu %9llu %9llu %10llu %9llu %9llu %7llu %9llu %8llu\n",
            vm_job_mark(i), name, (unsigned long long)j->arrival, (unsigned long long)j->run,
            (unsigned long long)vm_job_response(j, o), (unsigned long long)vm_job_turnaround(j, o),
            (unsigned long long)o->waited, (unsigned long long)o->blocked,
            (unsigned long long)o->picks, (unsigned long long)o->preemptions,
            (unsigned long long)o->migrations);
}

static void put_jobs(const struct sheet *s)
{
    fprintf(s->out, "%s  %-11s %9s %9s %9s %10s %9s %9s %7s %9s %8s%s\n", s->style.dim, "job",
            "arrival", "run", "response", "turnaround", "waiting", "blocked", "picks", "preempted",
            "migrated", s->style.end);
    for (uint32_t i = 0; i < s->r->njobs; i++)
        put_job(s, i);
    fprintf(s->out, "%s  %-11s %9s %9s %9.2f %10.2f %9.2f%s\n", s->style.bold, "mean", "", "",
            s->r->response, s->r->turnaround, s->r->waiting, s->style.end);
}

static void put_processors(const struct sheet *s)
{
    for (uint32_t c = 0; c < s->r->ncpus; c++) {
        const struct vm_cpu_result *o = &s->r->cpu[c];
        double time = (double)(s->r->end - s->r->start);
        fprintf(s->out, "  cpu %-2u for jobs %6.2f %%", c, vm_percent((double)o->busy, time));
        if (s->s->request->warmth.size)
            fprintf(s->out, ", warm %6.2f %%", vm_percent((double)o->warm, time));
        if (s->s->request->switch_cost)
            fprintf(s->out, ", for switches %6.2f %%", vm_percent((double)o->switching, time));
        fprintf(s->out, ", %llu switches\n", (unsigned long long)o->switches);
    }
}

static void put_result(const struct sheet *s)
{
    const struct vm_jobs_result *r = s->r;
    fprintf(s->out, "%s%s%s: %s\n\n", s->style.bold, r->scheduler, s->style.end, r->ops->summary);
    put_chart(s);
    fputc('\n', s->out);
    put_jobs(s);
    fputc('\n', s->out);
    put_processors(s);
    fprintf(s->out, "  all done at %llu, fairness %.3f (Jain), %llu migrations\n",
            (unsigned long long)r->end, r->fairness, (unsigned long long)r->migrations);
}

/* ---- several schedulers ---- */

static void put_row(const struct sheet *s, const struct vm_jobs_result *r, int width)
{
    fprintf(s->out, "  %-*s %9.2f %10.2f %9.2f %8.3f %6.1f %% %9llu %9llu %9llu\n", width,
            r->scheduler, r->response, r->turnaround, r->waiting, r->fairness, 100 * r->utilisation,
            (unsigned long long)r->switches, (unsigned long long)r->migrations,
            (unsigned long long)r->end);
}

static void put_comparison(const struct sheet *s)
{
    int width = 9;
    for (size_t i = 0; i < s->s->nresults; i++) {
        int own = (int)strlen(s->s->result[i].scheduler);
        width = own > width ? own : width;
    }
    fprintf(s->out, "%s  %-*s %9s %10s %9s %8s %8s %9s %9s %9s%s\n", s->style.dim, width,
            "scheduler", "response", "turnaround", "waiting", "fairness", "for jobs", "switches",
            "migrated", "done at", s->style.end);
    for (size_t i = 0; i < s->s->nresults; i++)
        put_row(s, &s->s->result[i], width);
    fprintf(s->out,
            "%s  response, turnaround, waiting: means of the jobs; fairness: Jain's, 1 if all were "
            "slowed alike;\n  for jobs: of the processors' time%s\n",
            s->style.dim, s->style.end);
}

void vm_report_sched_text(FILE *out, const struct vm_schedules *s, unsigned columns,
                          enum vm_colour colour)
{
    struct sheet sheet = {.out = out, .s = s, .style = vm_style(colour), .colour = colour};
    columns = columns > COLUMNS_LEFT + COLUMNS_MIN ? columns - COLUMNS_LEFT : COLUMNS_MIN;
    sheet.columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    for (size_t i = 0; i < s->nresults; i++) {
        sheet.r = &s->result[i];
        put_result(&sheet);
        fputs(i + 1 < s->nresults ? "\n\n" : "", out);
    }
    if (s->nresults > 1) {
        fputc('\n', out);
        put_comparison(&sheet);
    }
}

/* ---- decisions ---- */

static void put_facts(FILE *out, const struct vm_jobs_result *r, const struct vm_job_event *v)
{
    for (uint32_t i = 0; i < v->nfacts; i++) {
        const struct vm_sched_fact *f = &r->fact[v->fact + i];
        fprintf(out, "%s%s %llu", i ? ", " : " (", f->name, (unsigned long long)f->value);
    }
    if (v->nfacts)
        fputc(')', out);
}

static void put_event(FILE *out, const struct vm_schedules *s, const struct vm_jobs_result *r,
                      const struct vm_job_event *v)
{
    static const char *const said[VM_JOB_EVENTS] = {
        [VM_JOB_ARRIVES] = "arrives",
        [VM_JOB_RUNS] = "runs: ",
        [VM_JOB_SLICE_END] = "has used its slice up",
        [VM_JOB_PREEMPTED] = "makes way",
        [VM_JOB_BLOCKS] = "starts a transfer",
        [VM_JOB_WAKES] = "has its transfer done",
        [VM_JOB_ENDS] = "ends",
        [VM_JOB_WARM] = "is warm",
        [VM_JOB_ENTERS] = "is let in",
        [VM_JOB_EXPELLED] = "has to go out",
        [VM_JOB_GONE] = "is out",
        [VM_JOB_TICK] = "the scheduler's tick",
    };
    char cpu[16] = "";
    if (v->cpu != VM_NOCPU)
        snprintf(cpu, sizeof cpu, "cpu %u", v->cpu);
    fprintf(out, "  %8llu  %-6s  %s%s%s%s", (unsigned long long)v->at, cpu,
            v->job == VM_NOJOB ? "" : s->request->job[v->job].name, v->job == VM_NOJOB ? "" : " ",
            said[v->kind], v->kind == VM_JOB_RUNS ? r->ops->reason : "");
    put_facts(out, r, v);
    fputc('\n', out);
}

void vm_report_sched_events(FILE *out, const struct vm_schedules *s, enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    for (size_t i = 0; i < s->nresults; i++) {
        const struct vm_jobs_result *r = &s->result[i];
        fprintf(out, "%s%s%s\n", style.bold, r->scheduler, style.end);
        for (size_t k = 0; k < r->nevents; k++)
            put_event(out, s, r, &r->event[k]);
        fputc('\n', out);
    }
}
