/* job_list.c - lists of jobs: written in a word, in a file, or drawn by chance. */
#include "base/random.h"

#include <pagoda/jobs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vm_job_list_free(struct vm_job_list *l)
{
    free(l->job);
    *l = (struct vm_job_list){0};
}

static struct vm_job *add_job(struct vm_job_list *l, struct vm_error *e)
{
    if (l->n == VM_JOBS_MAX) {
        vm_fail(e, VM_EUSAGE, "more than %u jobs", VM_JOBS_MAX);
        return NULL;
    }
    if (l->n == l->cap) {
        uint32_t cap = 2 * l->cap + 16;
        struct vm_job *grown = realloc(l->job, cap * sizeof *grown);
        if (!grown) {
            vm_fail(e, VM_ESYSTEM, "no memory for %u jobs", cap);
            return NULL;
        }
        l->job = grown;
        l->cap = cap;
    }
    struct vm_job *j = &l->job[l->n];
    *j = (struct vm_job){.cpus = UINT64_MAX, .tickets = 1};
    if (l->n < 26)
        snprintf(j->name, sizeof j->name, "%c", 'A' + (int)(l->n % 26));
    else
        snprintf(j->name, sizeof j->name, "%c%u", 'A' + (int)(l->n % 26), l->n / 26);
    l->n++;
    return j;
}

/* ---- one job as a word ---- */

/* Where a word stands, for messages. */
struct word {
    const char *place; /* "--jobs", "list.txt:3" */
    const char *text;  /* the whole job */
    enum vm_code code;
};

static bool parse_number(const struct word *w, const char *what, const char *text, uint64_t min,
                         uint64_t max, uint64_t *out, struct vm_error *e)
{
    struct vm_error ignored;
    if (vm_parse_count(text, what, out, &ignored) && *out >= min && *out <= max)
        return true;
    return vm_fail(e, w->code, "%s: job \"%.60s\": bad %s \"%.40s\": expected %llu to %llu",
                   w->place, w->text, what, text, (unsigned long long)min, (unsigned long long)max);
}

static bool parse_io(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    char *slash = strchr(value, '/');
    if (!slash)
        return vm_fail(e, w->code,
                       "%s: job \"%.60s\": bad io \"%.40s\": expected EVERY/TIME, such as 3/2: a "
                       "transfer of 2 after each 3 of its own time",
                       w->place, w->text, value);
    *slash = 0;
    return parse_number(w, "time before a transfer", value, 1, VM_TIME_MAX, &j->io_every, e) &&
           parse_number(w, "time of a transfer", slash + 1, 1, VM_TIME_MAX, &j->io_time, e);
}

static bool parse_tickets(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    uint64_t n;
    if (!parse_number(w, "number of tickets", value, 1, UINT32_MAX, &n, e))
        return false;
    j->tickets = (uint32_t)n;
    return true;
}

static bool parse_nice(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (!*value || *end || n < VM_NICE_MIN || n > VM_NICE_MAX)
        return vm_fail(e, w->code, "%s: job \"%.60s\": bad nice \"%.40s\": expected %d to %d",
                       w->place, w->text, value, VM_NICE_MIN, VM_NICE_MAX);
    j->nice = (int8_t)n;
    return true;
}

static bool parse_cpus(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    j->cpus = 0;
    for (char *number; (number = strsep(&value, "+"));) {
        uint64_t cpu;
        if (!parse_number(w, "processor", number, 0, VM_CPUS_MAX - 1, &cpu, e))
            return false;
        j->cpus |= UINT64_C(1) << cpu;
    }
    return true;
}

static bool parse_set(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    return parse_number(w, "working set", value, 0, VM_TIME_MAX, &j->set, e);
}

static bool parse_memory(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    struct vm_error ignored;
    if (vm_parse_bytes(value, "memory", &j->memory, &ignored) && j->memory >= 1 &&
        j->memory <= VM_TIME_MAX)
        return true;
    return vm_fail(e, w->code,
                   "%s: job \"%.60s\": bad memory \"%.40s\": expected bytes, such as 64K", w->place,
                   w->text, value);
}

static bool parse_name(const struct word *w, struct vm_job *j, char *value, struct vm_error *e)
{
    if (!*value || strlen(value) >= sizeof j->name)
        return vm_fail(e, w->code, "%s: job \"%.60s\": bad name: expected 1 to %zu bytes", w->place,
                       w->text, sizeof j->name - 1);
    strcpy(j->name, value);
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(const struct word *w, struct vm_job *j, char *value, struct vm_error *e);
} keys[] = {
    {"io", parse_io},   {"tickets", parse_tickets}, {"nice", parse_nice},     {"cpus", parse_cpus},
    {"set", parse_set}, {"name", parse_name},       {"memory", parse_memory},
};
#define NKEYS (sizeof keys / sizeof keys[0])

static bool parse_key(const struct word *w, struct vm_job *j, char *field, struct vm_error *e)
{
    const char *known[NKEYS];
    char *value = strchr(field, '=');
    if (!value)
        return vm_fail(e, w->code, "%s: job \"%.60s\": bad \"%.40s\": expected KEY=VALUE", w->place,
                       w->text, field);
    *value++ = 0;
    for (size_t i = 0; i < NKEYS; i++) {
        known[i] = keys[i].name;
        if (!strcmp(field, keys[i].name))
            return keys[i].parse(w, j, value, e);
    }
    vm_fail_unknown(e, "key of a job", field, known, NKEYS);
    char text[sizeof e->text];
    snprintf(text, sizeof text, "%s: job \"%.60s\": %.150s", w->place, w->text, e->text);
    strcpy(e->text, text);
    e->code = w->code;
    return false;
}

/* "ARRIVAL:RUN[:KEY=VALUE]..." */
static bool parse_job(struct vm_job_list *l, const struct word *w, struct vm_error *e)
{
    char copy[256], *rest = copy;
    if (snprintf(copy, sizeof copy, "%s", w->text) >= (int)sizeof copy)
        return vm_fail(e, w->code, "%s: job \"%.60s...\": more than %zu bytes", w->place, w->text,
                       sizeof copy - 1);
    struct vm_job *j = add_job(l, e);
    if (!j)
        return false;
    const char *arrival = strsep(&rest, ":"), *run = strsep(&rest, ":");
    if (!run)
        return vm_fail(e, w->code, "%s: job \"%.60s\": expected ARRIVAL:RUN, such as 0:8", w->place,
                       w->text);
    if (!parse_number(w, "arrival", arrival, 0, VM_TIME_MAX, &j->arrival, e) ||
        !parse_number(w, "run time", run, 1, VM_TIME_MAX, &j->run, e))
        return false;
    for (char *field; (field = strsep(&rest, ":"));)
        if (!parse_key(w, j, field, e))
            return false;
    return true;
}

bool vm_job_list_parse(struct vm_job_list *l, const char *place, const char *text,
                       struct vm_error *e)
{
    char *copy = strdup(text), *rest = copy;
    bool good = copy || vm_fail(e, VM_ESYSTEM, "no memory for a list of jobs");
    for (char *item; good && (item = strsep(&rest, ","));)
        good = parse_job(l, &(struct word){place, item, VM_EUSAGE}, e);
    free(copy);
    return good;
}

/* Without the comment and the blanks around it. */
static char *trim(char *line)
{
    static const char blanks[] = " \t\r";
    line[strcspn(line, "#")] = 0;
    line += strspn(line, blanks);
    for (size_t n = strlen(line); n && strchr(blanks, line[n - 1]);)
        line[--n] = 0;
    return line;
}

bool vm_job_list_lines(struct vm_job_list *l, const char *name, const char *text,
                       struct vm_error *e)
{
    char place[128], *copy = strdup(text), *rest = copy;
    bool good = copy || vm_fail(e, VM_ESYSTEM, "no memory for a list of jobs");
    unsigned number = 0;
    for (char *line; good && (line = strsep(&rest, "\n"));) {
        snprintf(place, sizeof place, "%.100s:%u", name, ++number);
        line = trim(line);
        if (*line)
            good = parse_job(l, &(struct word){place, line, VM_EINPUT}, e);
    }
    free(copy);
    return good;
}

/* ---- by chance ---- */

static bool check_recipe(const struct vm_job_recipe *r, struct vm_error *e)
{
    if (r->n == 0 || r->run_max == 0 || r->tickets_max == 0 || r->io_every_max == 0 ||
        r->io_time == 0)
        return vm_fail(e, VM_EUSAGE, "jobs by chance: a number is 0: expected 1 or more");
    if (r->run_max > VM_TIME_MAX || r->gap_max > VM_TIME_MAX / VM_JOBS_MAX ||
        r->io_every_max > VM_TIME_MAX || r->io_time > VM_TIME_MAX || r->set_max > VM_TIME_MAX ||
        r->memory_max > VM_TIME_MAX || r->tickets_max > UINT32_MAX)
        return vm_fail(e, VM_EUSAGE,
                       "jobs by chance: a number is too large: expected times of at "
                       "most %llu",
                       (unsigned long long)VM_TIME_MAX);
    if (r->io_percent > 100)
        return vm_fail(e, VM_EUSAGE,
                       "jobs by chance: %llu percent with transfers: expected 0 to "
                       "100",
                       (unsigned long long)r->io_percent);
    return true;
}

bool vm_job_list_draw(struct vm_job_list *l, const struct vm_job_recipe *r, struct vm_error *e)
{
    struct vm_random random;
    uint64_t at = 0;
    if (!check_recipe(r, e))
        return false;
    vm_random_seed(&random, r->seed);
    for (uint32_t i = 0; i < r->n; i++) {
        struct vm_job *j = add_job(l, e);
        if (!j)
            return false;
        j->arrival = at;
        j->run = 1 + vm_random_below(&random, r->run_max);
        at += vm_random_below(&random, r->gap_max + 1);
        if (vm_random_below(&random, 100) < r->io_percent) {
            j->io_every = 1 + vm_random_below(&random, r->io_every_max);
            j->io_time = r->io_time;
        }
        j->tickets = (uint32_t)(1 + vm_random_below(&random, r->tickets_max));
        j->set = vm_random_below(&random, r->set_max + 1);
        j->memory = r->memory_max ? 1 + vm_random_below(&random, r->memory_max) : 0;
    }
    return true;
}
