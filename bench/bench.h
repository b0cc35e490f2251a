/* bench.h - what a group of measured rows must be.
 *
 * A group prepares its input once (open, untimed), then each of its rows runs several times:
 * `prepare` untimed, `run` timed. A row's value is work done over time taken.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench_row {
    char name[64];    /* what.with.which: "replay.policy.lru.zipf" */
    const char *unit; /* of the value: "M refs/s" */
    double scale;     /* work of one unit: 1e6 for "M refs/s" */
};

struct bench_group {
    size_t (*nrows)(void);
    void (*row)(size_t i, struct bench_row *out);
    /* Everything the group's rows read; NULL: the host has no memory for it. */
    void *(*open)(void);
    /* Bring row i's state to its beginning. */
    void (*prepare)(void *group, size_t i);
    /* Do the row's work once; returns how much it was (references, faults, bytes). */
    uint64_t (*run)(void *group, size_t i);
    void (*close)(void *group);
};

#endif
