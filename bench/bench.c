/* bench.c - pagoda-bench [FILTER] [--json] [--traces DIR]: how fast each part is, on this machine.
 *
 * Each rate whose name contains FILTER runs once to warm up and then RUNS times; its value is the
 * median by processor time (of rows with threads, by the clock on the wall), and the slowest and
 * the fastest run are shown beside it. The first line tells the machine, without which no value
 * means anything; the build defines BENCH_COMPILER.
 *
 * The shipped traces are read from DIR, traces/ by default; the program `pagoda` is the one of the
 * build in which this one is.
 */
#include "bench.h"

#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define RUNS 7 /* odd, so that the median is a run */

#define BENCH(name) extern const struct bench_group bench_##name;
#include "benches.def"
#undef BENCH

static const struct bench_group *const groups[] = {
#define BENCH(name) &bench_##name,
#include "benches.def"
#undef BENCH
};

/* Of this process, so that what else the machine does is not measured: what has one thread does not
 * wait. */
static double seconds(enum bench_kind kind)
{
    struct timespec t;
    struct rusage r;
    if (kind == BENCH_CHILD) {
        getrusage(RUSAGE_CHILDREN, &r);
        return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
               (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
    }
    clock_gettime(kind == BENCH_ELAPSED ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The first "model name" of /proc/cpuinfo, without its newline. */
static void cpu_model(char *out, size_t cap)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(out, cap, "unknown CPU");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon)
            continue;
        snprintf(out, cap, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

static void print_machine(bool json)
{
    char model[128];
    cpu_model(model, sizeof model);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    printf(json ? "{\"machine\": {\"cpu\": \"%s\", \"cores\": %ld, \"compiler\": \"%s\"},\n"
                  " \"rows\": ["
                : "machine: %s, %ld cores, compiled by %s\n",
           model, cores, BENCH_COMPILER);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs of a row; value[] is sorted. */
static size_t measure(const struct bench_group *g, void *group, size_t i,
                      const struct bench_row *row, double value[RUNS])
{
    if (row->kind == BENCH_AMOUNT) {
        g->prepare(group, i);
        value[0] = g->run(group, i) / row->scale;
        return 1;
    }
    for (int k = -1; k < RUNS; k++) { /* the run before the first warms up */
        g->prepare(group, i);
        double start = seconds(row->kind);
        double work = g->run(group, i);
        double took = seconds(row->kind) - start;
        if (k >= 0)
            value[k] = work / row->scale / took;
    }
    qsort(value, RUNS, sizeof value[0], by_value);
    return RUNS;
}

static void print_json(const struct bench_row *row, const double *value, size_t n, bool first)
{
    printf("%s\n  {\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"runs\": %zu, "
           "\"min\": %.4g, \"max\": %.4g",
           first ? "" : ",", row->name, value[n / 2], row->unit, n, value[0], value[n - 1]);
    if (row->goal > 0)
        printf(", \"goal\": %.4g", row->goal);
    printf("}");
}

static void print_text(const struct bench_row *row, const double *value, size_t n)
{
    printf("%-36s %10.4g %-11s", row->name, value[n / 2], row->unit);
    if (n > 1)
        printf(" %zu runs, %.4g..%.4g", n, value[0], value[n - 1]);
    if (row->goal > 0) {
        bool amount = row->kind == BENCH_AMOUNT;
        bool met = amount ? value[n / 2] < row->goal : value[n / 2] > row->goal;
        printf("  goal %c %.4g%s", amount ? '<' : '>', row->goal, met ? "" : ": MISSED");
    }
    printf("\n");
}

/* What is asked of this program. */
struct request {
    const char *filter, *traces;
    bool json;
};

/* Measure the group's rows that match. */
static bool run_group(const struct bench_group *g, const struct bench_host *host,
                      const struct request *r, size_t *nshown, struct vm_error *e)
{
    void *group = NULL;
    for (size_t i = 0; i < g->nrows(host); i++) {
        struct bench_row row;
        double value[RUNS];
        g->row(host, i, &row);
        if (!strstr(row.name, r->filter))
            continue;
        if (!group && !(group = g->open(host, e)))
            return false;
        size_t n = measure(g, group, i, &row, value);
        if (r->json)
            print_json(&row, value, n, *nshown == 0);
        else
            print_text(&row, value, n);
        fflush(stdout);
        ++*nshown;
    }
    if (group)
        g->close(group);
    return true;
}

void bench_fail(const struct vm_error *e)
{
    fflush(stdout);
    fprintf(stderr, "pagoda-bench: %s\n", e->text);
    exit(4);
}

void bench_load(const char *path, struct vm_columns *out)
{
    struct vm_error e;
    struct vm_trace *t = vm_trace_open(path, NULL, &e);
    if (!t || !vm_columns_load(out, t, &e))
        bench_fail(&e);
    vm_trace_close(t);
}

uint64_t bench_drain(struct vm_trace *t, struct vm_error *e)
{
    struct vm_batch b;
    uint64_t refs = 0;
    do {
        if (!t || !vm_trace_read(t, &b, e))
            bench_fail(e);
        refs += b.nrefs;
    } while (b.nrefs || b.nevents);
    vm_trace_close(t);
    return refs;
}

const char *bench_trace_name(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(out, cap, "%.*s", (int)strcspn(name, "."), name);
    return out;
}

static bool is_of_requests(const char *path)
{
    char name[NAME_MAX];
    return !strncmp(bench_trace_name(path, name, sizeof name), "heap-", 5);
}

/* Traces of references first; else by name. */
static int by_content(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int order = (int)is_of_requests(x) - (int)is_of_requests(y);
    return order ? order : strcmp(x, y);
}

static void sort_traces(const glob_t *found, struct bench_host *host)
{
    size_t n = 0;
    qsort(found->gl_pathv, found->gl_pathc, sizeof *found->gl_pathv, by_content);
    while (n < found->gl_pathc && !is_of_requests(found->gl_pathv[n]))
        n++;
    host->ntraces = n;
    host->trace = found->gl_pathv;
    host->nheaps = found->gl_pathc - n;
    host->heap = found->gl_pathv + n;
}

static bool find_traces(const char *dir, glob_t *found, struct vm_error *e)
{
    char pattern[PATH_MAX];
    snprintf(pattern, sizeof pattern, "%s/*.pgt", dir);
    if (glob(pattern, 0, NULL, found) == 0)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "%s: no .pgt there: expected the folder of the shipped traces (run this in the "
                   "project's folder, or with --traces DIR)",
                   dir);
}

/* build/pagoda for build/bench/pagoda-bench. */
static bool find_program(char *out, size_t cap, struct vm_error *e)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return vm_fail(e, VM_ESYSTEM, "/proc/self/exe: cannot be read");
    self[n] = 0;
    snprintf(out, cap, "%s/pagoda", dirname(dirname(self)));
    if (access(out, X_OK) == 0)
        return true;
    return vm_fail(e, VM_ESYSTEM, "%s: not there: build it first (./dev build)", out);
}

static bool parse(int argc, char **argv, struct request *r)
{
    *r = (struct request){.filter = "", .traces = "traces"};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            r->json = true;
        else if (!strcmp(argv[i], "--traces") && i + 1 < argc)
            r->traces = argv[++i];
        else if (argv[i][0] != '-')
            r->filter = argv[i];
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    char program[PATH_MAX];
    struct request r;
    struct vm_error e;
    glob_t found;
    size_t nshown = 0;
    if (!parse(argc, argv, &r)) {
        fprintf(stderr, "usage: pagoda-bench [FILTER] [--json] [--traces DIR]\n");
        return 2;
    }
    struct bench_host host = {.program = program};
    if (!find_traces(r.traces, &found, &e) || !find_program(program, sizeof program, &e))
        bench_fail(&e);
    sort_traces(&found, &host);
    print_machine(r.json);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (!run_group(groups[i], &host, &r, &nshown, &e))
            bench_fail(&e);
    globfree(&found);
    if (r.json)
        printf("\n ]}\n");
    if (nshown == 0)
        fprintf(stderr, "pagoda-bench: no row's name contains \"%s\"\n", r.filter);
    return nshown == 0 ? 2 : 0;
}
