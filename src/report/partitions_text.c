/* partitions_text.c - jobs in one memory, for people: a map of memory after each change, the tables
 * of areas at one time, a line a job; and several ways to share memory beside each other. */
#include "report/sched_words.h"
#include "report/words.h"

#include <string.h>

#define COLUMNS_LEFT 12  /* before a map's columns */
#define COLUMNS_MAX  128 /* a wider map shows no more */
#define COLUMNS_MIN  20
#define ROWS_MAX     48 /* a longer run shows as many moments, spread over its changes */

struct sheet {
    FILE *out;
    const struct vm_residence *s;
    const struct vm_multiprogram_request *q;
    const struct vm_multiprogram_result *r;
    struct vm_style style;
    enum vm_colour colour;
    size_t columns; /* of a map */
};

/* Exactly, in the largest unit that divides it: tables of areas are to be added up. */
static const char *exact_bytes(uint64_t bytes, char *out, size_t cap)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned i = 0;
    while (i < 4 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        i++;
    }
    snprintf(out, cap, "%llu %s", (unsigned long long)bytes, unit[bytes ? i : 0]);
    return out;
}

/* ---- the map ---- */

/* What fills most of a column. */
struct column {
    uint64_t bytes;
    uint32_t job;
    char mark;
};

struct row {
    const struct sheet *s;
    struct column column[COLUMNS_MAX];
};

static void fill(struct row *row, uint64_t start, uint64_t bytes, uint32_t job, char mark)
{
    uint64_t memory = row->s->q->memory, n = row->s->columns;
    for (uint64_t at = start, end = start + bytes; at < end;) {
        uint64_t i = (uint64_t)((unsigned __int128)at * n / memory);
        uint64_t next = (uint64_t)(((unsigned __int128)(i + 1) * memory + n - 1) / n);
        uint64_t here = (next < end ? next : end) - at;
        if (i < n && here > row->column[i].bytes)
            row->column[i] = (struct column){here, job, mark};
        at = next;
    }
}

static void fill_area(void *host, const struct vm_area *a)
{
    struct row *row = host;
    if (a->job == VM_NOTENANT) {
        fill(row, a->start, a->bytes, a->job, '.');
        return;
    }
    fill(row, a->start, a->asked, a->job, vm_job_mark(a->job));
    fill(row, a->start + a->asked, a->bytes - a->asked, VM_NOTENANT, ':');
}

static bool put_row(const struct sheet *s, uint64_t at, struct vm_error *e)
{
    struct row row = {.s = s};
    if (!vm_multiprogram_areas(s->q, s->r, at, &row, fill_area, e))
        return false;
    fprintf(s->out, "  %8llu  ", (unsigned long long)at);
    for (size_t i = 0; i < s->columns; i++)
        if (s->colour == VM_COLOUR_NONE || row.column[i].job == VM_NOTENANT)
            fputc(row.column[i].mark, s->out);
        else
            fprintf(s->out, "\033[3%um%c\033[0m", 1 + row.column[i].job % 6, row.column[i].mark);
    fputc('\n', s->out);
    return true;
}

/* Moments at which memory changed. */
static size_t count_moments(const struct vm_multiprogram_result *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->nchanges; i++)
        n += i == 0 || r->change[i].at != r->change[i - 1].at;
    return n;
}

static bool put_map(const struct sheet *s, struct vm_error *e)
{
    size_t moments = count_moments(s->r), step = (moments + ROWS_MAX - 1) / ROWS_MAX, moment = 0;
    char memory[32];
    exact_bytes(s->q->memory, memory, sizeof memory);
    fprintf(s->out, "  %s%8s  0%*s%s\n", s->style.dim, "time", (int)s->columns - 1, memory,
            s->style.end);
    for (size_t i = 0; i < s->r->nchanges; i++) {
        uint64_t at = s->r->change[i].at;
        bool next = i == 0 || at != s->r->change[i - 1].at;
        if (next && moment++ % step == 0 && !put_row(s, at, e))
            return false;
    }
    fprintf(s->out, "  %sletters: jobs; `:`: held beyond what was asked for; `.`: free",
            s->style.dim);
    if (step > 1)
        fprintf(s->out, "; every %zu. of %zu moments", step, moments);
    fprintf(s->out, "%s\n", s->style.end);
    return true;
}

/* ---- the tables of areas ---- */

struct listing {
    const struct sheet *s;
    bool used; /* else: free ones */
};

static void put_area(void *host, const struct vm_area *a)
{
    const struct listing *l = host;
    char start[32], bytes[32], asked[32];
    if ((a->job != VM_NOTENANT) != l->used)
        return;
    fprintf(l->s->out, "  %14s %14s", exact_bytes(a->start, start, sizeof start),
            exact_bytes(a->bytes, bytes, sizeof bytes));
    if (l->used)
        fprintf(l->s->out, " %14s  %s", exact_bytes(a->asked, asked, sizeof asked),
                l->s->q->jobs.job[a->job].name);
    fputc('\n', l->s->out);
}

static bool put_areas(const struct sheet *s, bool used, struct vm_error *e)
{
    struct listing list = {s, used};
    fprintf(s->out, "%s  %14s %14s%s%s\n", s->style.dim, used ? "used from" : "free from", "bytes",
            used ? "          asked  job" : "", s->style.end);
    return vm_multiprogram_areas(s->q, s->r, s->s->at, &list, put_area, e);
}

static bool put_tables(const struct sheet *s, struct vm_error *e)
{
    if (s->s->at == VM_TIME_NEVER)
        return true;
    fprintf(s->out, "\n  at %llu\n", (unsigned long long)s->s->at);
    return put_areas(s, true, e) && put_areas(s, false, e);
}

/* ---- a line a job ---- */

static void put_job(const struct sheet *s, uint32_t i)
{
    const struct vm_job *j = &s->q->jobs.job[i];
    const struct vm_job_result *o = &s->r->jobs.job[i];
    const struct vm_tenant_result *t = &s->r->tenant[i];
    const char *name = j->name[0] == vm_job_mark(i) && !j->name[1] ? "" : j->name;
    char memory[32], start[32];
    fprintf(s->out, "  %c %-9s %10s %8llu %7llu %8llu %12s %8llu %8llu %10llu %5llu\n",
            vm_job_mark(i), name, exact_bytes(j->memory, memory, sizeof memory),
            (unsigned long long)j->arrival, (unsigned long long)j->run,
            (unsigned long long)t->put_at, exact_bytes(t->start, start, sizeof start),
            (unsigned long long)o->end, (unsigned long long)o->outside,
            (unsigned long long)vm_job_turnaround(j, o), (unsigned long long)t->swaps);
}

static void put_jobs(const struct sheet *s)
{
    fprintf(s->out, "%s  %-11s %10s %8s %7s %8s %12s %8s %8s %10s %5s%s\n", s->style.dim, "job",
            "memory", "arrival", "run", "put at", "first place", "end", "outside", "turnaround",
            "swaps", s->style.end);
    for (uint32_t i = 0; i < s->r->jobs.njobs; i++)
        put_job(s, i);
    fprintf(s->out, "%s  %-11s %59s %8.2f %10.2f%s\n", s->style.bold, "mean", "", s->r->outside,
            s->r->jobs.turnaround, s->style.end);
}

/* ---- what became of memory ---- */

static void put_share(const struct sheet *s, const char *what, double bytes)
{
    char mean[32];
    fprintf(s->out, "  %-34s %14s  %6.2f %%\n", what,
            vm_text_bytes((uint64_t)bytes, mean, sizeof mean),
            vm_percent(bytes, (double)s->q->memory));
}

static void put_count(const struct sheet *s, const char *what, uint64_t count)
{
    char text[32];
    fprintf(s->out, "  %-34s %14s\n", what, vm_text_count(count, text, sizeof text));
}

static void put_memory(const struct sheet *s)
{
    const struct vm_multiprogram_result *r = s->r;
    char moved[32];
    put_share(s, "used by jobs, on average", r->used);
    put_share(s, "internal fragmentation", r->internal);
    put_share(s, "free", r->free);
    put_count(s, "jobs in memory at most", r->most_jobs);
    put_count(s, "the next one kept out by holes", r->blocked_by_holes);
    put_count(s, "areas searched", r->usage.searched);
    put_count(s, "compactions", r->usage.compactions);
    put_count(s, "base registers set anew by them", r->usage.relocations);
    fprintf(s->out, "  %-34s %14s\n", "bytes that they moved",
            vm_text_bytes(r->usage.moved_bytes, moved, sizeof moved));
    put_count(s, "time that they took", r->stalled);
    put_count(s, "jobs swapped out", r->swaps);
    fprintf(s->out, "  %-34s %14llu  %6.2f %% of it for jobs\n", "all done at",
            (unsigned long long)r->jobs.end, 100 * r->jobs.utilisation);
}

static bool put_result(const struct sheet *s, struct vm_error *e)
{
    fprintf(s->out, "%s%s%s: %s\n\n", s->style.bold, s->r->storage, s->style.end,
            s->r->ops->summary);
    if (!put_map(s, e) || !put_tables(s, e))
        return false;
    fputc('\n', s->out);
    put_jobs(s);
    fputc('\n', s->out);
    put_memory(s);
    return true;
}

/* ---- several storages ---- */

static void put_comparison(const struct sheet *s)
{
    int width = 9;
    for (size_t i = 0; i < s->s->nresults; i++) {
        int own = (int)strlen(s->s->result[i].storage);
        width = own > width ? own : width;
    }
    fprintf(s->out, "%s  %-*s %9s %9s %9s %9s %10s %9s %8s %9s%s\n", s->style.dim, width, "storage",
            "used", "internal", "free", "outside", "turnaround", "compacted", "swapped", "done at",
            s->style.end);
    for (const struct vm_multiprogram_result *r = s->s->result; r < s->s->result + s->s->nresults;
         r++) {
        double memory = (double)s->q->memory;
        fprintf(s->out, "  %-*s %7.2f %% %7.2f %% %7.2f %% %9.2f %10.2f %9llu %8llu %9llu\n", width,
                r->storage, vm_percent(r->used, memory), vm_percent(r->internal, memory),
                vm_percent(r->free, memory), r->outside, r->jobs.turnaround,
                (unsigned long long)r->usage.compactions, (unsigned long long)r->swaps,
                (unsigned long long)r->jobs.end);
    }
}

bool vm_report_partitions_text(FILE *out, const struct vm_residence *s, unsigned columns,
                               enum vm_colour colour, struct vm_error *e)
{
    struct sheet sheet = {.out = out, .s = s, .style = vm_style(colour), .colour = colour};
    columns = columns > COLUMNS_LEFT + COLUMNS_MIN ? columns - COLUMNS_LEFT : COLUMNS_MIN;
    sheet.columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    for (size_t i = 0; i < s->nresults; i++) {
        sheet.q = &s->request[i];
        sheet.r = &s->result[i];
        if (!put_result(&sheet, e))
            return false;
        fputs(i + 1 < s->nresults ? "\n\n" : "", out);
    }
    if (s->nresults > 1) {
        fputc('\n', out);
        put_comparison(&sheet);
    }
    return true;
}
