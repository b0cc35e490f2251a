/* bench.c - pagoda-bench [FILTER] [--json]: how fast each part is, on this machine.
 *
 * Each row whose name contains FILTER runs once to warm up and then RUNS times; its value is the
 * median by processor time, and the slowest and the fastest run are shown beside it. The first line
 * tells the machine, without which no value means anything; the build defines BENCH_COMPILER.
 */
#include "bench.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Of this process, so that what else the machine does is not measured; nothing here waits. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

static void measure(const struct bench_group *g, void *group, size_t i, double scale,
                    double value[RUNS])
{
    for (int k = -1; k < RUNS; k++) { /* the run before the first warms up */
        g->prepare(group, i);
        double start = cpu_seconds();
        double work = (double)g->run(group, i);
        double took = cpu_seconds() - start;
        if (k >= 0)
            value[k] = work / scale / took;
    }
    qsort(value, RUNS, sizeof value[0], by_value);
}

static void print_row(const struct bench_row *row, const double value[RUNS], bool json, bool first)
{
    if (json)
        printf("%s\n  {\"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"runs\": %d, "
               "\"min\": %.4g, \"max\": %.4g}",
               first ? "" : ",", row->name, value[RUNS / 2], row->unit, RUNS, value[0],
               value[RUNS - 1]);
    else
        printf("%-40s %10.4g %-10s %d runs, %.4g..%.4g\n", row->name, value[RUNS / 2], row->unit,
               RUNS, value[0], value[RUNS - 1]);
    fflush(stdout);
}

/* Measure the group's rows that match; false: its input cannot be made. */
static bool run_group(const struct bench_group *g, const char *filter, bool json, size_t *nshown)
{
    void *group = NULL;
    for (size_t i = 0; i < g->nrows(); i++) {
        struct bench_row row;
        double value[RUNS];
        g->row(i, &row);
        if (!strstr(row.name, filter))
            continue;
        if (!group && !(group = g->open()))
            return false;
        measure(g, group, i, row.scale, value);
        print_row(&row, value, json, *nshown == 0);
        ++*nshown;
    }
    if (group)
        g->close(group);
    return true;
}

int main(int argc, char **argv)
{
    const char *filter = "";
    bool json = false;
    size_t nshown = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json")) {
            json = true;
        } else if (argv[i][0] != '-') {
            filter = argv[i];
        } else {
            fprintf(stderr, "usage: pagoda-bench [FILTER] [--json]\n");
            return 2;
        }
    }
    print_machine(json);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (!run_group(groups[i], filter, json, &nshown)) {
            fprintf(stderr, "pagoda-bench: no memory for the input of a group\n");
            return 4;
        }
    if (json)
        printf("\n ]}\n");
    if (nshown == 0)
        fprintf(stderr, "pagoda-bench: no row's name contains \"%s\"\n", filter);
    return nshown == 0 ? 2 : 0;
}
