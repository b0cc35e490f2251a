/* guests.c - the guests of guests/, each on many machines: the output is the same, which is the one
 * in guests/expected/, and counts that do not depend on the machine are the same too.
 *
 * Without a cross compiler there are no guests, and every test is skipped.
 */
#include "oracle/guest_run.h"

#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What depends on whose turn it is when: how often it looks, how much it reads at once. */
enum pace { STEADY, AS_TURNS_COME };

static const struct guest {
    const char *name;
    enum pace pace;
} guests[] = {
    {"border", STEADY},
    {"copy_on_write", STEADY},
    {"exec", STEADY},
    {"fork_wait", STEADY},
    {"forks", STEADY},
    {"hello", STEADY},
    {"mmap_shared", STEADY},
    {"null", STEADY},
    {"orphan", AS_TURNS_COME},
    {"pages", STEADY},
    {"parallel", STEADY},
    {"pipe", AS_TURNS_COME},
    {"processors", AS_TURNS_COME},
    {"select", AS_TURNS_COME},
    {"signals", AS_TURNS_COME},
    {"stack", STEADY},
    {"thrash", STEADY},
    {"threads", AS_TURNS_COME},
};
#define NGUESTS (sizeof guests / sizeof guests[0])

static void run(const struct guest *g, const char *settings, struct guest_run *out)
{
    guest_run(settings, (const char *const[]){g->name, NULL}, out);
}

/* Its output under the settings is what it must be; *out is to be freed. */
static void run_as_expected(const struct guest *g, const char *settings, struct guest_run *out)
{
    char *expected = guest_text("guests/expected", g->name);
    assert_non_null(expected);
    run(g, settings, out);
    if (strcmp(out->output, expected) != 0)
        print_message("# %s, %s:\n%s", g->name, settings, out->output);
    assert_string_equal(out->output, expected);
    free(expected);
}

static void assert_same_work(const struct guest *g, const char *settings,
                             const struct vm_run_result *a, const struct vm_run_result *b)
{
    if (a->instructions != b->instructions || a->syscalls != b->syscalls)
        print_message("# %s, %s\n", g->name, settings);
    assert_int_equal(a->instructions, b->instructions);
    assert_int_equal(a->syscalls, b->syscalls);
    assert_int_equal(a->processes, b->processes);
}

/* Every guest under each of the settings; with STEADY ones the work is that without settings. */
static void try_all(const char *const *settings, size_t n)
{
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < NGUESTS; i++) {
        struct guest_run plain, other;
        run_as_expected(&guests[i], "", &plain);
        for (size_t s = 0; s < n; s++) {
            run_as_expected(&guests[i], settings[s], &other);
            if (guests[i].pace == STEADY)
                assert_same_work(&guests[i], settings[s], &plain.result, &other.result);
            guest_run_free(&other);
        }
        guest_run_free(&plain);
    }
}

/* Every guest under each of the settings, whatever work that is: with other pages it is other. */
static void try_all_outputs(const char *const *settings, size_t n)
{
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < NGUESTS * n; i++) {
        struct guest_run out;
        run_as_expected(&guests[i / n], settings[i % n], &out);
        guest_run_free(&out);
    }
}

#define TRY_ALL_OUTPUTS(...)                                                                       \
    const char *const settings[] = {__VA_ARGS__};                                                  \
    try_all_outputs(settings, sizeof settings / sizeof settings[0])

#define TRY_ALL(...)                                                                               \
    const char *const settings[] = {__VA_ARGS__};                                                  \
    try_all(settings, sizeof settings / sizeof settings[0])

/* Who ran when, what the kernel did, which pages came and went: all but what a model counts of its
 * own. */
static void assert_same_history(const struct guest *g, const char *settings,
                                const struct vm_run_result *a, const struct vm_run_result *b)
{
    const struct vm_counts *m = &a->machine.counts, *n = &b->machine.counts;
    if (a->now_ns != b->now_ns || m->faults != n->faults)
        print_message("# %s, %s\n", g->name, settings);
    assert_same_work(g, settings, a, b);
    assert_int_equal(a->now_ns, b->now_ns);
    assert_int_equal(a->idle_ns, b->idle_ns);
    assert_int_equal(a->switches, b->switches);
    assert_int_equal(a->timer_interrupts, b->timer_interrupts);
    assert_int_equal(m->faults, n->faults);
    assert_int_equal(m->demand_zero, n->demand_zero);
    assert_int_equal(m->soft_faults, n->soft_faults);
    assert_int_equal(m->cow_breaks, n->cow_breaks);
    assert_int_equal(m->file_ins, n->file_ins);
    assert_int_equal(m->swap_ins, n->swap_ins);
    assert_int_equal(m->evictions, n->evictions);
    assert_int_equal(m->writebacks, n->writebacks);
    assert_int_equal(m->flushes, n->flushes);
}

/* Every guest under `base` and each of `more`. */
static void compare(const char *base, const char *const *more, size_t n)
{
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < NGUESTS; i++) {
        struct guest_run first, other;
        char settings[256];
        for (size_t s = 0; s < n; s++) {
            snprintf(settings, sizeof settings, "%s %s", base, more[s]);
            run_as_expected(&guests[i], settings, s ? &other : &first);
            if (s) {
                assert_same_history(&guests[i], settings, &first.result, &other.result);
                guest_run_free(&other);
            }
        }
        guest_run_free(&first);
    }
}

/* Those with base pages of 4 KiB at least that map pages, not segments. Only where tables lie, and
 * how far addresses go, differs: who runs when, and which pages come and go, do not. */
static void every_scheme_that_can_hold_a_guest_runs_it_alike(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {
        "scheme sv39",
        "scheme linear",
        "scheme bounded",
        "scheme two-way",
        "scheme paged-segments",
        "scheme sv32",
        "scheme sv48",
        "scheme sv57",
        "scheme x86-64",
        "scheme mips",
        "scheme x86-64-la57",
        "scheme paged-linear",
        "scheme arm64",
        "scheme inverted",
        "scheme two-level",
        "scheme clustered",
        "scheme ech",
    };
    compare("", schemes, sizeof schemes / sizeof schemes[0]);
}

/* Programs are laid out for pages of 4 KiB: of larger ones several segments share some. */
static void every_page_size_gives_the_same_output(void **unused)
{
    (void)unused;
    TRY_ALL_OUTPUTS("scheme arm64-16k page 16KiB", "scheme linear page 64KiB",
                    "scheme two-level page 8KiB", "scheme two-level page 64KiB model none",
                    "scheme inverted page 16KiB model full cache l1=32KiB/8",
                    "scheme clustered page 64KiB memory 4MiB swap ssd",
                    "scheme paged-segments page 32KiB");
}

/* One message each, that says why. */
static void other_schemes_say_why_no_program_runs(void **unused)
{
    (void)unused;
    static const char *const refused[][2] = {
        {"scheme base-bounds", "segments"},
        {"scheme segmentation", "segments"},
        {"scheme segment-table", "segments"},
        {"scheme vax page 512", "pages of 512 bytes: expected 4096"},
        {"scheme two-level page 1KiB", "pages of 1024 bytes: expected 4096"},
        {"scheme sv39 page 16KiB", "expected 4096, those of scheme sv39"},
        {"scheme arm64-16k", "expected 16384, those of scheme arm64-16k"},
        {"policy opt", "must know what comes"},
    };
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct guest_run r;
        guest_run(refused[i][0], (const char *const[]){"hello", NULL}, &r);
        assert_false(r.good);
        assert_non_null(strstr(r.error.text, refused[i][1]));
        guest_run_free(&r);
    }
}

static void every_scheduler_and_quantum_gives_the_same_output(void **unused)
{
    (void)unused;
    TRY_ALL("sched fifo quantum 1", "sched rr quantum 1", "sched rr quantum 3 model none",
            "sched mlfq quantum 1", "sched mlfq quantum 10 model none", "sched lottery quantum 1",
            "sched stride quantum 3", "sched cfs quantum 1", "sched sjf model none",
            "sched stcf model none", "sched sqms quantum 1", "sched mqms quantum 1");
}

/* Not the same work: an SC that others ran before is tried again. */
static void any_number_of_processors_gives_the_same_output(void **unused)
{
    (void)unused;
    TRY_ALL_OUTPUTS("cpus 2 sched sqms", "cpus 3 sched sqms quantum 1",
                    "cpus 8 sched mqms model none", "cpus 64 sched rr",
                    "cpus 4 sched cfs tlb-tags flush");
}

/* ---- models ---- */

/* Where few pages are, too, and a policy counts touches between its ticks. */
static void how_many_references_a_model_is_told_of_at_once_changes_nothing(void **unused)
{
    (void)unused;
    static const char *const batches[] = {"log-refs 512", "log-refs 2048", "log-refs 100000"};
    compare("policy clock", batches, 3);
    compare("memory 192KiB policy lru swap ssd", batches, 3);
    compare("memory 192KiB policy arc swap hdd quantum 1 model full cache l1=32KiB/8", batches, 3);
}

static const char *const models[] = {"model none", "model tlb", "model full cache l1=32KiB/8"};
#define NMODELS (sizeof models / sizeof models[0])

static void the_model_changes_nothing_but_what_is_counted_of_it(void **unused)
{
    (void)unused;
    compare("", models, NMODELS);
    compare("swap hdd flush all flush-ms 2 flush-age-ms 4 sched mlfq quantum 1", models, NMODELS);
}

/* Where pages must leave, a policy that looks at no touches chooses the same ones. */
static void a_policy_without_touches_gives_every_model_the_same_faults(void **unused)
{
    (void)unused;
    compare("memory 192KiB policy fifo swap hdd", models, NMODELS);
    compare("memory 2MiB policy random swap zram quantum 1", models, NMODELS);
}

/* And any other for those that see every touch. */
static void caches_change_no_fault(void **unused)
{
    (void)unused;
    compare("memory 192KiB policy lru swap ssd", models + 1, NMODELS - 1);
    compare("memory 192KiB policy clock swap hdd quantum 1", models + 1, NMODELS - 1);
}

/* ---- memory ---- */

/* A quarter of the most that a process of the guest had in memory, but room for an instruction,
 * what it refers to and the tables of that. */
#define FRAMES_LEAST 40

static uint64_t quarter(const struct guest *g)
{
    struct guest_run plain;
    uint64_t most = 0;
    run_as_expected(g, "", &plain);
    for (size_t i = 0; i < plain.result.nlisted; i++)
        if (plain.result.listed[i].rss_peak_bytes > most)
            most = plain.result.listed[i].rss_peak_bytes;
    guest_run_free(&plain);
    return most / 4 > FRAMES_LEAST * 4096 ? most / 4 & ~UINT64_C(4095) : FRAMES_LEAST * 4096;
}

static void try_quarter(const struct guest *g, const char *more)
{
    char settings[256];
    struct guest_run cut;
    snprintf(settings, sizeof settings, "memory %llu %s", (unsigned long long)quarter(g), more);
    run_as_expected(g, settings, &cut);
    if (!strcmp(g->name, "thrash"))
        assert_in_range(cut.result.machine.counts.swap_ins, 600, UINT64_MAX);
    guest_run_free(&cut);
}

static void with_a_quarter_of_its_memory_a_guest_gives_the_same_output(void **unused)
{
    (void)unused;
    static const char *const settings[] = {
        "policy clock model none",
        "policy lru swap ssd swap-cluster 8",
        "policy fifo readahead vma sched mlfq quantum 1",
        "policy arc scheme x86-64",
        "policy random watermark-low 4 watermark-high 8 model full cache l1=32KiB/8",
    };
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < NGUESTS; i++)
        for (size_t s = 0; s < sizeof settings / sizeof settings[0]; s++)
            try_quarter(&guests[i], settings[s]);
}

/* Which keeps what leaves in memory: 512 frames are few then. */
static void with_compressed_memory_a_guest_gives_the_same_output(void **unused)
{
    (void)unused;
    TRY_ALL("memory 2MiB swap zram policy arc", "memory 2MiB swap zram scheme x86-64");
}

static void a_run_can_be_had_again(void **unused)
{
    (void)unused;
    if (!guests_are_here())
        skip();
    for (size_t i = 0; i < NGUESTS; i++) {
        struct guest_run one, two;
        const char *settings = "memory 160KiB policy random sched lottery quantum 1";
        run_as_expected(&guests[i], settings, &one);
        run_as_expected(&guests[i], settings, &two);
        assert_same_work(&guests[i], settings, &one.result, &two.result);
        assert_int_equal(one.result.now_ns, two.result.now_ns);
        assert_memory_equal(&one.result.machine.counts, &two.result.machine.counts,
                            sizeof one.result.machine.counts);
        guest_run_free(&one);
        guest_run_free(&two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_changes_nothing_but_what_is_counted_of_it),
        cmocka_unit_test(a_policy_without_touches_gives_every_model_the_same_faults),
        cmocka_unit_test(caches_change_no_fault),
        cmocka_unit_test(how_many_references_a_model_is_told_of_at_once_changes_nothing),
        cmocka_unit_test(every_scheme_that_can_hold_a_guest_runs_it_alike),
        cmocka_unit_test(every_page_size_gives_the_same_output),
        cmocka_unit_test(other_schemes_say_why_no_program_runs),
        cmocka_unit_test(every_scheduler_and_quantum_gives_the_same_output),
        cmocka_unit_test(any_number_of_processors_gives_the_same_output),
        cmocka_unit_test(with_a_quarter_of_its_memory_a_guest_gives_the_same_output),
        cmocka_unit_test(with_compressed_memory_a_guest_gives_the_same_output),
        cmocka_unit_test(a_run_can_be_had_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
