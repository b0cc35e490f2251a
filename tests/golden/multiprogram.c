/* Worked example of partitioned memory: Silberschatz, Peterson & Galvin, "Operating System
 * Concepts", 3rd ed. 1991, section 8.4.2: a memory of 2560K, of which the resident monitor has
 * 400K, and a job queue served first come, first served; jobs in memory share the processor
 * round-robin with a quantum of 1. P2 ends at time 14 and P4 comes in its place; P1 ends at 28 and
 * P5 comes in its place. With compaction (section 8.4.3) P5 fits as soon as P4 does.
 */
#include "unit/test.h"

#include <pagoda/multiprogram.h>
#include <stdio.h>
#include <string.h>

#define K       UINT64_C(1024)
#define MONITOR (400 * K)

static const struct vm_job jobs[] = {
    {.name = "P1", .run = 10, .cpus = 1, .tickets = 1, .memory = 600 * K},
    {.name = "P2", .run = 5, .cpus = 1, .tickets = 1, .memory = 1000 * K},
    {.name = "P3", .run = 20, .cpus = 1, .tickets = 1, .memory = 300 * K},
    {.name = "P4", .run = 8, .cpus = 1, .tickets = 1, .memory = 700 * K},
    {.name = "P5", .run = 15, .cpus = 1, .tickets = 1, .memory = 500 * K},
};

static struct vm_multiprogram_request request(const char *storage)
{
    return (struct vm_multiprogram_request){.jobs = {.job = jobs,
                                                     .njobs = 5,
                                                     .scheduler = "rr",
                                                     .ncpus = 1,
                                                     .quantum = 1,
                                                     .timer = 1,
                                                     .seed = 1},
                                            .memory = 2560 * K - MONITOR,
                                            .storage = storage};
}

static void write_area(void *host, const struct vm_area *a)
{
    char *text = host;
    snprintf(text + strlen(text), 256 - strlen(text), "%s%s %llu-%lluK", *text ? ", " : "",
             a->job == VM_NOTENANT ? "hole" : jobs[a->job].name,
             (unsigned long long)((a->start + MONITOR) / K),
             (unsigned long long)((a->start + a->bytes + MONITOR) / K));
}

static void memory_is(const struct vm_multiprogram_request *r,
                      const struct vm_multiprogram_result *out, uint64_t at, const char *expected)
{
    char text[256] = "";
    struct vm_error e;
    assert_true(vm_multiprogram_areas(r, out, at, text, write_area, &e));
    assert_string_equal(text, expected);
}

static void the_job_queue_of_the_textbook(void **unused)
{
    (void)unused;
    struct vm_multiprogram_request r = request("variable");
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    assert_true(vm_multiprogram_run(&r, &out, &e));
    memory_is(&r, &out, 0, "P1 400-1000K, P2 1000-2000K, P3 2000-2300K, hole 2300-2560K");
    assert_int_equal(out.jobs.job[1].end, 14);
    memory_is(&r, &out, 14,
              "P1 400-1000K, P4 1000-1700K, hole 1700-2000K, P3 2000-2300K, hole 2300-2560K");
    assert_int_equal(out.jobs.job[0].end, 28);
    memory_is(&r, &out, 28,
              "P5 400-900K, hole 900-1000K, P4 1000-1700K, hole 1700-2000K, P3 2000-2300K, "
              "hole 2300-2560K");
    assert_int_equal(out.usage.compactions, 0);
    vm_multiprogram_free(&out);
}

static void compaction_lets_the_next_job_in_at_once(void **unused)
{
    (void)unused;
    struct vm_multiprogram_request r = request("variable:compact=exit");
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    assert_true(vm_multiprogram_run(&r, &out, &e));
    memory_is(&r, &out, 14,
              "P1 400-1000K, P3 1000-1300K, P4 1300-2000K, P5 2000-2500K, hole 2500-2560K");
    vm_multiprogram_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_job_queue_of_the_textbook),
        cmocka_unit_test(compaction_lets_the_next_job_in_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
