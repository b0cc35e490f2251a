/* Lists of jobs: what they say, and what is wrong with those that say nothing. */
#include "base/random.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/jobs.h>
#include <string.h>

static struct vm_job_list parsed(const char *text)
{
    struct vm_job_list l = {0};
    struct vm_error e = {0};
    if (!vm_job_list_parse(&l, "--jobs", text, &e))
        fail_msg("%s", e.text);
    return l;
}

static void a_job_has_an_arrival_and_a_run_time(void **unused)
{
    (void)unused;
    struct vm_job_list l = parsed("0:8,5:3");
    assert_int_equal(l.n, 2);
    assert_int_equal(l.job[1].arrival, 5);
    assert_int_equal(l.job[1].run, 3);
    assert_int_equal(l.job[1].io_every, 0);
    assert_int_equal(l.job[1].tickets, 1);
    assert_true(l.job[1].cpus == UINT64_MAX);
    assert_string_equal(l.job[0].name, "A");
    assert_string_equal(l.job[1].name, "B");
    vm_job_list_free(&l);
}

static void keys_say_the_rest(void **unused)
{
    (void)unused;
    struct vm_job_list l = parsed("1k:2k:io=3/2:tickets=50:nice=-5:cpus=0+2+63:set=40:name=editor");
    const struct vm_job *j = l.job;
    assert_int_equal(j->arrival, 1000);
    assert_int_equal(j->run, 2000);
    assert_int_equal(j->io_every, 3);
    assert_int_equal(j->io_time, 2);
    assert_int_equal(j->tickets, 50);
    assert_int_equal(j->nice, -5);
    assert_true(j->cpus == (UINT64_C(1) << 63 | 5));
    assert_int_equal(j->set, 40);
    assert_string_equal(j->name, "editor");
    vm_job_list_free(&l);
}

static void names_go_on_after_z(void **unused)
{
    (void)unused;
    struct vm_job_list l = {0};
    struct vm_error e;
    struct vm_job_recipe r = {
        .n = 60, .run_max = 1, .io_every_max = 1, .io_time = 1, .tickets_max = 1};
    assert_true(vm_job_list_draw(&l, &r, &e));
    assert_string_equal(l.job[25].name, "Z");
    assert_string_equal(l.job[26].name, "A1");
    assert_string_equal(l.job[59].name, "H2");
    vm_job_list_free(&l);
}

static void bad_jobs_are_refused_with_what_was_expected(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"", "--jobs: job \"\": expected ARRIVAL:RUN"},
        {"5", "--jobs: job \"5\": expected ARRIVAL:RUN, such as 0:8"},
        {"0:8,", "job \"\": expected ARRIVAL:RUN"},
        {"x:8", "bad arrival \"x\": expected 0 to"},
        {"-1:8", "bad arrival \"-1\""},
        {"0:0", "bad run time \"0\": expected 1 to 1099511627776"},
        {"0:", "bad run time \"\""},
        {"0:1099511627777", "bad run time"},
        {"0:8:", "bad \"\": expected KEY=VALUE"},
        {"0:8:io", "bad \"io\": expected KEY=VALUE"},
        {"0:8:io=3", "bad io \"3\": expected EVERY/TIME"},
        {"0:8:io=0/2", "bad time before a transfer \"0\": expected 1"},
        {"0:8:io=3/0", "bad time of a transfer \"0\": expected 1"},
        {"0:8:io=3/2/1", "bad time of a transfer \"2/1\""},
        {"0:8:tickets=0", "bad number of tickets \"0\": expected 1 to 4294967295"},
        {"0:8:nice=20", "bad nice \"20\": expected -20 to 19"},
        {"0:8:nice=", "bad nice \"\""},
        {"0:8:nice=1x", "bad nice \"1x\""},
        {"0:8:cpus=", "bad processor \"\": expected 0 to 63"},
        {"0:8:cpus=1+64", "bad processor \"64\": expected 0 to 63"},
        {"0:8:set=-", "bad working set \"-\""},
        {"0:8:name=", "bad name: expected 1 to 15 bytes"},
        {"0:8:name=1234567890123456", "bad name: expected 1 to 15 bytes"},
        {"0:8:ticket=5", "--jobs: job \"0:8:ticket=5\": unknown key of a job \"ticket\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vm_job_list l = {0};
        struct vm_error e = {0};
        assert_false(vm_job_list_parse(&l, "--jobs", rows[i].text, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        if (!strstr(e.text, rows[i].said))
            fail_msg("%s: %s", rows[i].text, e.text);
        vm_job_list_free(&l);
    }
}

static void a_misspelt_key_gets_a_hint(void **unused)
{
    (void)unused;
    struct vm_job_list l = {0};
    struct vm_error e = {0};
    assert_false(vm_job_list_parse(&l, "--jobs", "0:8:ticket=5", &e));
    assert_non_null(strstr(e.hint, "tickets"));
    vm_job_list_free(&l);
}

static void a_file_has_lines_blanks_and_comments(void **unused)
{
    (void)unused;
    struct vm_job_list l = {0};
    struct vm_error e = {0};
    assert_true(vm_job_list_lines(&l, "x.jobs", "# two\n\n 0:8 # the first\r\n\t1:2:nice=3", &e));
    assert_int_equal(l.n, 2);
    assert_int_equal(l.job[1].nice, 3);
    assert_false(vm_job_list_lines(&l, "x.jobs", "0:8\n\n0:y\n", &e));
    assert_int_equal(e.code, VM_EINPUT);
    assert_non_null(strstr(e.text, "x.jobs:3: job \"0:y\": bad run time \"y\""));
    vm_job_list_free(&l);
}

static void a_recipe_keeps_to_its_bounds_and_its_seed(void **unused)
{
    (void)unused;
    struct vm_job_list a = {0}, b = {0};
    struct vm_error e;
    struct vm_job_recipe r = {.n = 2000,
                              .seed = 7,
                              .run_max = 20,
                              .gap_max = 3,
                              .io_percent = 40,
                              .io_every_max = 6,
                              .io_time = 9,
                              .tickets_max = 50,
                              .set_max = 30};
    uint64_t longest = 0, io = 0;
    assert_true(vm_job_list_draw(&a, &r, &e) && vm_job_list_draw(&b, &r, &e));
    assert_int_equal(a.n, 2000);
    assert_memory_equal(a.job, b.job, a.n * sizeof *a.job);
    for (uint32_t i = 0; i < a.n; i++) {
        const struct vm_job *j = &a.job[i];
        assert_in_range(j->run, 1, 20);
        assert_true(i == 0 || j->arrival - a.job[i - 1].arrival <= 3);
        assert_true(j->io_every <= 6 && (j->io_every == 0 || j->io_time == 9));
        assert_in_range(j->tickets, 1, 50);
        assert_in_range(j->set, 0, 30);
        longest = j->run > longest ? j->run : longest;
        io += j->io_every > 0;
    }
    assert_int_equal(longest, 20);
    assert_in_range(io, 700, 900);
    assert_in_range(a.job[1999].arrival, 2700, 3300); /* a mean gap of 1.5 */
    vm_job_list_free(&a);
    vm_job_list_free(&b);
}

static void recipes_without_sense_are_refused(void **unused)
{
    (void)unused;
    static const struct vm_job_recipe good = {
        .n = 1, .run_max = 1, .io_every_max = 1, .io_time = 1, .tickets_max = 1};
    struct vm_job_recipe bad[] = {good, good, good, good, good, good, good};
    struct vm_job_list l = {0};
    struct vm_error e;
    bad[0].n = 0;
    bad[1].run_max = 0;
    bad[2].io_percent = 101;
    bad[3].tickets_max = UINT64_C(1) << 32;
    bad[4].io_time = 0;
    bad[5].gap_max = VM_TIME_MAX;
    bad[6].n = VM_JOBS_MAX + 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        e.code = VM_OK;
        assert_false(vm_job_list_draw(&l, &bad[i], &e));
        assert_int_equal(e.code, VM_EUSAGE);
    }
    vm_job_list_free(&l);
}

/* Words out of the alphabet of jobs: whatever they are, they are jobs or an error. */
static void any_text_is_a_list_of_jobs_or_an_error(void **unused)
{
    (void)unused;
    static const char *const bits[] = {
        "0",    "8", ":", ",",     "io=", "/",  "3",    "+", "k",        "nice=", "-",
        "name", "=", "x", "cpus=", "63",  "64", "set=", " ", "tickets=", "0:8",   ":name=a"};
    struct vm_random random;
    unsigned good = 0;
    vm_random_seed(&random, 3);
    for (unsigned i = 0; i < test_rounds(20000); i++) {
        char text[256] = "";
        struct vm_job_list l = {0};
        struct vm_error e = {0};
        for (uint64_t n = vm_random_below(&random, 14); n; n--)
            strcat(text, bits[vm_random_below(&random, sizeof bits / sizeof bits[0])]);
        if (vm_job_list_parse(&l, "p", text, &e)) {
            good++;
            for (uint32_t k = 0; k < l.n; k++)
                assert_true(l.job[k].run && l.job[k].tickets && l.job[k].cpus &&
                            !l.job[k].io_every == !l.job[k].io_time && l.job[k].name[0]);
        } else {
            assert_true(e.code == VM_EUSAGE && !strncmp(e.text, "p: job", 6));
        }
        vm_job_list_free(&l);
    }
    assert_true(good > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_has_an_arrival_and_a_run_time),
        cmocka_unit_test(keys_say_the_rest),
        cmocka_unit_test(names_go_on_after_z),
        cmocka_unit_test(bad_jobs_are_refused_with_what_was_expected),
        cmocka_unit_test(a_misspelt_key_gets_a_hint),
        cmocka_unit_test(a_file_has_lines_blanks_and_comments),
        cmocka_unit_test(a_recipe_keeps_to_its_bounds_and_its_seed),
        cmocka_unit_test(recipes_without_sense_are_refused),
        cmocka_unit_test(any_text_is_a_list_of_jobs_or_an_error),
    };
    return cmocka_run_group_tests_name("job_list", tests, NULL, NULL);
}
