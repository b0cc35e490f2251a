/* bench.h - what a group of measured rows must be.
 *
 * A group prepares its input once (open, untimed), then each of its rows runs several times:
 * `prepare` untimed, `run` timed. A rate is work done over time taken; an amount (bytes, a peak of
 * memory) is the same in every run, so that it runs once.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <pagoda/trace.h>
#include <stddef.h>
#include <stdint.h>

/* A rate by processor time, by the clock on the wall (of what has several threads), by the time of
 * the processes that it starts and waits for; an amount. */
enum bench_kind { BENCH_RATE, BENCH_ELAPSED, BENCH_CHILD, BENCH_AMOUNT };

struct bench_row {
    char name[64];    /* what.with.which: "replay.policy.lru.zipf" */
    const char *unit; /* of the value: "M refs/s" */
    double scale;     /* what `run` answers in one unit: 1e6 for "M refs/s" */
    enum bench_kind kind;
    double goal; /* that the value promises to be above, an amount below; 0: none */
};

/* What there is to measure with. */
struct bench_host {
    const char *program; /* pagoda */
    size_t ntraces, nheaps;
    char **trace; /* [ntraces] paths of the shipped .pgt of references, by name */
    char **heap;  /* [nheaps] of requests to a heap: heap-*.pgt */
};

struct bench_group {
    size_t (*nrows)(const struct bench_host *host);
    void (*row)(const struct bench_host *host, size_t i, struct bench_row *out);
    /* Everything the group's rows read; NULL: error. */
    void *(*open)(const struct bench_host *host, struct vm_error *e);
    /* Bring row i's state to its beginning. */
    void (*prepare)(void *group, size_t i);
    /* Do the row's work once; answers how much it was (references, faults, bytes). */
    double (*run)(void *group, size_t i);
    void (*close)(void *group);
};

/* The program's last words, for what a group meets after open. */
__attribute__((noreturn)) void bench_fail(const struct vm_error *e);
/* The whole file in memory; vm_columns_free it. */
void bench_load(const char *path, struct vm_columns *out);
/* Read the trace to its end and close it; answers its references. NULL ends the program with *e. */
uint64_t bench_drain(struct vm_trace *t, struct vm_error *e);
/* "ls" of "traces/ls.pgt", into out[cap]; returns out. */
const char *bench_trace_name(const char *path, char *out, size_t cap);

#endif
