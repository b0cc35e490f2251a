/* kernel_guests.c - laws of the kernel, by guests: what is shared is counted, what has ended has
 * left nothing, and who misbehaves ends as Linux has it.
 */
#include "oracle/guest_run.h"

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

static void run(const char *settings, const char *guest, struct guest_run *out)
{
    guest_run(settings, (const char *const[]){guest, NULL}, out);
    if (!out->good)
        print_message("# %s, %s: %s\n", guest, settings, out->error.text);
    assert_true(out->good);
}

static void run_if_here(const char *settings, const char *guest, struct guest_run *out)
{
    if (!guests_are_here())
        skip();
    run(settings, guest, out);
}

/* ---- frames ---- */

static void what_has_ended_has_no_frame(void **unused)
{
    static const char *const guest[] = {"forks",  "fork_wait", "copy_on_write", "null",
                                        "orphan", "pipe",      "threads",       "wild"};
    static const char *const settings[] = {"", "policy lru scheme x86-64", "model none"};
    (void)unused;
    if (!guests_are_here())
        skip();
    for (size_t g = 0; g < sizeof guest / sizeof guest[0]; g++)
        for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
            struct guest_run r;
            run(settings[s], guest[g], &r);
            assert_int_equal(r.result.frames_left, 0);
            guest_run_free(&r);
        }
}

/* ---- copy-on-write ---- */

/* 16 pages and the stack's are shared by the fork. The child breaks 5; the parent's wait4 writes
 * the status, into a page that it alone has. Neither writes its stack. */
static void each_written_page_that_is_shared_is_copied_once(void **unused)
{
    (void)unused;
    struct guest_run r;
    run_if_here("", "forks", &r);
    assert_string_equal(r.output, "status 27\n");
    assert_int_equal(r.result.machine.counts.cow_breaks, 5);
    guest_run_free(&r);
}

static void a_page_that_is_read_is_not_copied(void **unused)
{
    (void)unused;
    struct guest_run r;
    run_if_here("", "pages", &r);
    assert_string_equal(r.output, "status 25\n");
    assert_int_equal(r.result.machine.counts.cow_breaks, 0);
    assert_in_range(r.result.machine.counts.demand_zero, 100, 103);
    guest_run_free(&r);
}

/* ---- bounds ---- */

static void processes_end_where_the_machine_has_no_more(void **unused)
{
    (void)unused;
    static const char *const settings[] = {"processes 2", "processes 16",
                                           "processes 64 model none"};
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < 3; i++) {
        struct guest_run r;
        run(settings[i], "forkbomb", &r);
        assert_string_equal(r.output, "forks: some, then EAGAIN: 1\nand again: 7\nstatus 0\n");
        guest_run_free(&r);
    }
}

static void a_stack_ends_where_its_limit_is(void **unused)
{
    (void)unused;
    struct guest_run small, large;
    run_if_here("stack 1048576", "stack", &small);
    assert_string_equal(small.output, "status 139\n");
    run("stack 4194304", "stack", &large);
    assert_string_equal(large.output, "3000 calls found what they had\nstatus 0\n");
    guest_run_free(&small);
    guest_run_free(&large);
}

static void a_run_ends_after_so_many_instructions(void **unused)
{
    (void)unused;
    struct guest_run r;
    run_if_here("instructions 30000", "thrash", &r);
    assert_in_range(r.result.instructions, 30000, 30100);
    assert_non_null(strstr(r.output, "ended: as many instructions"));
    guest_run_free(&r);
}

/* ---- misdeeds ---- */

static void a_misdeed_ends_as_on_linux_and_harms_nobody_else(void **unused)
{
    static const char *const settings[] = {"", "model none", "memory 256KiB policy random",
                                           "scheme x86-64 sched mlfq quantum 1"};
    (void)unused;
    if (!guests_are_here())
        skip();
    char *expected = guest_text("tests/guests", "wild");
    assert_non_null(expected);
    for (size_t i = 0; i < 4; i++) {
        struct guest_run r;
        run(settings[i], "wild", &r);
        assert_string_equal(r.output, expected);
        guest_run_free(&r);
    }
    free(expected);
}

static void no_argument_of_a_system_call_harms_the_kernel(void **unused)
{
    static const char *const settings[] = {"model none", "memory 512KiB policy lru"};
    (void)unused;
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < 2; i++) {
        struct guest_run r;
        guest_run(settings[i],
                  (const char *const[]){"calls", i ? "7" : "3", "0", "500", "20", NULL}, &r);
        assert_string_equal(r.output, "500 calls, 500 ended\nstatus 0\n");
        guest_run_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_ended_has_no_frame),
        cmocka_unit_test(each_written_page_that_is_shared_is_copied_once),
        cmocka_unit_test(a_page_that_is_read_is_not_copied),
        cmocka_unit_test(processes_end_where_the_machine_has_no_more),
        cmocka_unit_test(a_stack_ends_where_its_limit_is),
        cmocka_unit_test(a_run_ends_after_so_many_instructions),
        cmocka_unit_test(a_misdeed_ends_as_on_linux_and_harms_nobody_else),
        cmocka_unit_test(no_argument_of_a_system_call_harms_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
