/* Random programs (oracle/rv64_walk.h) under Pagoda's kernel, each on another machine, and under
 * qemu-riscv64: what they write, their memory and all registers at the end among it, and how many
 * instructions they execute. Likewise the guests that need no C library.
 *
 * qemu's log has a line for each instruction. An environment call is one there, and is none that a
 * hart retires (Privileged Architecture, 3.3.1): Pagoda counts these apart.
 *
 * `./dev stress` runs thousands of programs: PAGODA_LOCKSTEP_PROGRAMS, from the seed
 * PAGODA_LOCKSTEP_SEED on.
 * Without qemu-riscv64 the tests are skipped. */
#include "oracle/guest_run.h"
#include "oracle/rv64_walk.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const machines[] = {
    "model none",
    "",
    "model full cache l1=32KiB/8",
    "memory 288KiB policy clock swap ssd",
    "memory 288KiB policy lru model none quantum 1",
    "scheme sv48 memory 320KiB policy arc readahead vma",
    "scheme x86-64 memory 320KiB policy random swap hdd model none",
    "scheme arm64 sched mlfq quantum 1 policy fifo memory 400KiB",
    "scheme inverted memory 320KiB policy aging",
    "memory 1MiB swap zram policy linux model none",
    "huge fault scheme sv39",
    "sched cfs quantum 1 memory 288KiB watermark-low 4 watermark-high 8",
};
#define NMACHINES (sizeof machines / sizeof machines[0])

static size_t first_difference(const char *a, const char *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static uint64_t executed(const struct guest_run *r)
{
    return r->result.instructions + r->result.syscalls;
}

/* The run is what qemu's was; else `what` is said of it. */
static bool is_same(const char *what, const struct guest_run *here, const char *there, size_t bytes,
                    uint64_t instructions)
{
    size_t n = here->output_bytes < bytes ? here->output_bytes : bytes;
    if (here->output_bytes == bytes && memcmp(here->output, there, n) == 0 &&
        executed(here) == instructions)
        return true;
    print_message("# %s: %zu bytes, %llu instructions; qemu has %zu and %llu; "
                  "they differ at byte %zu; %s\n",
                  what, here->output_bytes, (unsigned long long)executed(here), bytes,
                  (unsigned long long)instructions, first_difference(here->output, there, n),
                  here->output + here->output_bytes);
    return false;
}

static void run_both(const char *path, const char *settings, const char *what)
{
    struct guest_run here;
    size_t bytes;
    char *there;
    FILE *out = open_memstream(&there, &bytes);
    uint64_t instructions = rv64_program_qemu_counted(path, out);
    fclose(out);
    guest_run(settings, (const char *const[]){path, NULL}, &here);
    bool same = is_same(what, &here, there, bytes, instructions);
    guest_run_free(&here);
    free(there);
    assert_true(same);
}

static void skip_without_qemu(void)
{
    if (rv64_program_qemu_is_here())
        return;
    print_message("# qemu-riscv64 is not installed (Debian: qemu-user)\n");
    skip();
}

/* ---- random programs ---- */

static void random_programs_end_as_under_qemu_after_as_many_instructions(void **unused)
{
    char path[] = "/tmp/pagoda-walk-XXXXXX", what[160];
    (void)unused;
    skip_without_qemu();
    close(mkstemp(path));
    uint64_t first = test_asked("PAGODA_LOCKSTEP_SEED", 0);
    uint64_t end = first + test_asked("PAGODA_LOCKSTEP_PROGRAMS", test_rounds(40));
    for (uint64_t seed = first; seed < end; seed++) {
        struct rv64_program *p = rv64_walk_make(seed);
        const char *settings = machines[seed % NMACHINES];
        snprintf(what, sizeof what, "seed %llu, %s", (unsigned long long)seed, settings);
        unlink(path);
        rv64_program_save(p, path);
        free(p);
        run_both(path, settings, what);
    }
    unlink(path);
}

/* ---- guests ---- */

static void guests_without_a_library_execute_as_many_instructions_as_under_qemu(void **unused)
{
    static const char *const names[] = {"hello", "forks", "pages"};
    char path[4096];
    (void)unused;
    skip_without_qemu();
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < 3 * NMACHINES; i++) {
        const char *name = names[i % 3];
        int n = snprintf(path, sizeof path, "%s/%s", getenv("PAGODA_GUESTS"), name);
        assert_in_range(n, 1, sizeof path - 1);
        run_both(path, machines[i / 3], name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs_end_as_under_qemu_after_as_many_instructions),
        cmocka_unit_test(guests_without_a_library_execute_as_many_instructions_as_under_qemu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
