/* kernel_processors.c - laws of programs on several processors: nothing is lost, time is shared
 * out, and who is idle takes what waits.
 */
#include "oracle/guest_run.h"

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define INSTRUCTION_NS 0.4
#define REACH_NS       20000 /* of instructions that one may be ahead: generously */

#define LONG "4000000" /* loops of parallel: some milliseconds each */

static void run_with(const char *settings, const char *guest, const char *argument,
                     struct guest_run *out)
{
    if (!guests_are_here())
        skip();
    guest_run(settings, (const char *const[]){guest, argument, NULL}, out);
    if (!out->good)
        print_message("# %s, %s: %s\n", guest, settings, out->error.text);
    assert_true(out->good);
}

static void run(const char *settings, const char *guest, struct guest_run *out)
{
    run_with(settings, guest, NULL, out);
}

/* Since when the first program's pages had come. */
static uint64_t busy_ns(const struct vm_run_result *r)
{
    return r->now_ns - r->idle_ns;
}

/* ---- time ---- */

static void independent_processes_take_a_part_of_the_time(void **unused)
{
    static const struct {
        const char *settings;
        double least, most; /* times as fast as one */
    } runs[] = {
        {"cpus 2 sched sqms", 1.9, 2.05},
        {"cpus 2 sched mqms", 1.9, 2.05},
        {"cpus 4 sched sqms", 3.7, 4.1},
        {"cpus 4 sched mqms", 3.7, 4.1},
        {"cpus 4 sched rr", 3.7, 4.1},
        {"cpus 4 sched fifo", 3.7, 4.1},
        {"cpus 3 sched sqms:patience=0 quantum 1", 2.5, 3.05},
        {"cpus 64 sched cfs", 3.7, 4.1},
        {"cpus 4 sched sqms model none", 3.7, 4.1},
    };
    struct guest_run one, many;
    (void)unused;
    run_with("", "parallel", LONG, &one);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        run_with(runs[i].settings, "parallel", LONG, &many);
        double faster = (double)busy_ns(&one.result) / (double)busy_ns(&many.result);
        if (faster < runs[i].least || faster > runs[i].most)
            print_message("# %s: %.3f\n", runs[i].settings, faster);
        assert_true(faster >= runs[i].least && faster <= runs[i].most);
        assert_string_equal(one.output, many.output);
        assert_int_equal(one.result.instructions, many.result.instructions);
        assert_int_equal(one.result.machine.counts.faults, many.result.machine.counts.faults);
        guest_run_free(&many);
    }
    guest_run_free(&one);
}

static void assert_times_add_up(const struct vm_run_result *r)
{
    uint64_t instructions = 0, switches = 0, ticks = 0, shootdowns = 0;
    for (uint32_t n = 0; n < r->ncpus; n++) {
        const struct vm_run_cpu *c = &r->cpu[n];
        double ns = (double)c->instructions * INSTRUCTION_NS + (double)c->idle_ns;
        assert_in_range((uint64_t)ns, r->now_ns > REACH_NS ? r->now_ns - REACH_NS : 0,
                        r->now_ns + REACH_NS);
        assert_true(c->idle_ns >= r->idle_ns);
        instructions += c->instructions;
        switches += c->switches;
        ticks += c->timer_interrupts;
        shootdowns += c->shootdowns;
    }
    assert_int_equal(instructions, r->instructions);
    assert_int_equal(switches, r->switches);
    assert_int_equal(ticks, r->timer_interrupts);
    assert_int_equal(shootdowns, r->machine.counts.ipis);
}

static void each_processor_works_or_is_idle_at_every_moment(void **unused)
{
    static const char *const guests[] = {"parallel", "processors", "pipe",
                                         "threads",  "fork_wait",  "orphan"};
    static const char *const settings[] = {"cpus 1", "cpus 2 sched sqms", "cpus 5 sched mqms",
                                           "cpus 3 sched rr quantum 1 model none"};
    (void)unused;
    for (size_t g = 0; g < sizeof guests / sizeof guests[0]; g++)
        for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++) {
            struct guest_run r;
            run(settings[s], guests[g], &r);
            assert_times_add_up(&r.result);
            assert_int_equal(r.result.frames_left, 0);
            guest_run_free(&r);
        }
}

static void assert_same_run(const char *settings, const char *guest)
{
    struct guest_run a, b;
    run(settings, guest, &a);
    run(settings, guest, &b);
    assert_string_equal(a.output, b.output);
    assert_memory_equal(a.result.cpu, b.result.cpu, sizeof a.result.cpu);
    assert_memory_equal(&a.result.machine.counts, &b.result.machine.counts,
                        sizeof a.result.machine.counts);
    assert_int_equal(a.result.now_ns, b.result.now_ns);
    guest_run_free(&a);
    guest_run_free(&b);
}

static void a_run_on_several_processors_can_be_had_again(void **unused)
{
    (void)unused;
    assert_same_run("cpus 4 sched sqms", "processors");
    assert_same_run("cpus 3 sched mqms", "parallel");
    assert_same_run("cpus 3 sched lottery memory 512KiB", "threads");
}

/* ---- who runs where ---- */

static uint64_t migrations(const struct vm_run_result *r)
{
    uint64_t n = 0;
    for (uint32_t cpu = 0; cpu < r->ncpus; cpu++)
        n += r->cpu[cpu].migrations;
    return n;
}

/* Four processes and three queues: where nobody steals two of them share a processor to the end. */
static void an_idle_processor_steals(void **unused)
{
    struct guest_run stays, steals;
    (void)unused;
    run_with("cpus 3 sched mqms:peek=0 quantum 1", "parallel", LONG, &stays);
    run_with("cpus 3 sched mqms:peek=1 quantum 1", "parallel", LONG, &steals);
    assert_int_equal(migrations(&stays.result), 0);
    assert_true(migrations(&steals.result) > 0);
    assert_true(busy_ns(&steals.result) * 10 < busy_ns(&stays.result) * 9);
    guest_run_free(&stays);
    guest_run_free(&steals);
}

/* Each run of the guest confines itself to every processor in turn and looks where it is. */
static void a_thread_runs_where_it_may(void **unused)
{
    static const char *const settings[] = {"cpus 2 sched sqms", "cpus 7 sched mqms",
                                           "cpus 64 sched rr", "cpus 3 sched mlfq"};
    (void)unused;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct guest_run r;
        run(settings[i], "processors", &r);
        assert_non_null(strstr(r.output, "confined to: yes\non none at all: refused\n"));
        for (uint32_t n = 0; n < r.result.ncpus; n++)
            assert_true(r.result.cpu[n].switches > 0);
        guest_run_free(&r);
    }
}

/* The guest unmaps a page that another thread reads all the time. */
static void a_page_that_is_unmapped_interrupts_its_readers(void **unused)
{
    struct guest_run one, two;
    (void)unused;
    run("cpus 1", "processors", &one);
    run("cpus 2 sched sqms", "processors", &two);
    assert_string_equal(one.output, two.output);
    assert_int_equal(one.result.machine.counts.ipis, 0);
    assert_true(two.result.machine.counts.ipis > 0);
    guest_run_free(&one);
    guest_run_free(&two);
}

static void misdeeds_harm_nobody_on_several_processors(void **unused)
{
    static const char *const settings[] = {"cpus 4 sched sqms", "cpus 2 sched mqms model none",
                                           "cpus 3 sched rr"};
    (void)unused;
    char *expected = guest_text("tests/guests", "wild");
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        struct guest_run r;
        run(settings[i], "wild", &r);
        assert_string_equal(r.output, expected);
        guest_run_free(&r);
        run_with(settings[i], "forkbomb", NULL, &r);
        assert_int_equal(r.result.frames_left, 0);
        guest_run_free(&r);
    }
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_processes_take_a_part_of_the_time),
        cmocka_unit_test(each_processor_works_or_is_idle_at_every_moment),
        cmocka_unit_test(a_run_on_several_processors_can_be_had_again),
        cmocka_unit_test(an_idle_processor_steals),
        cmocka_unit_test(a_thread_runs_where_it_may),
        cmocka_unit_test(a_page_that_is_unmapped_interrupts_its_readers),
        cmocka_unit_test(misdeeds_harm_nobody_on_several_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
