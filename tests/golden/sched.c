/* Worked examples of schedulers: the figures of Arpaci-Dusseau & Arpaci-Dusseau, "Operating
 * Systems: Three Easy Pieces", chapters 7 to 10, by section; and what the book's own simulators
 * (scheduler.py, mlfq.py, lottery.py, multi.py) print for the same jobs.
 *
 * A processor's time is written as a letter a unit of it: the job that runs, . for none.
 */
#include "unit/test.h"

#include <pagoda/jobs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct vm_jobs_result run_request(const char *jobs, const char *scheduler,
                                         struct vm_jobs_request r)
{
    struct vm_job_list list = {0};
    struct vm_jobs_result out;
    struct vm_error e = {0};
    if (!vm_job_list_parse(&list, "jobs", jobs, &e))
        fail_msg("%s", e.text);
    r.job = list.job;
    r.njobs = list.n;
    r.scheduler = scheduler;
    r.ncpus = r.ncpus ? r.ncpus : 1;
    r.quantum = r.quantum ? r.quantum : 10;
    r.timer = 1;
    r.record = VM_RECORD_EVENTS;
    if (!vm_jobs_run(&r, &out, &e))
        fail_msg("%s", e.text);
    vm_job_list_free(&list);
    return out;
}

static struct vm_jobs_result run(const char *jobs, const char *scheduler)
{
    return run_request(jobs, scheduler, (struct vm_jobs_request){0});
}

/* The processor's time from 0 to the end, a letter for every `unit`. To be freed. */
static char *times(const struct vm_jobs_result *r, uint32_t cpu, uint64_t unit)
{
    size_t n = (size_t)((r->end + unit - 1) / unit);
    char *text = calloc(n + 1, 1);
    assert_non_null(text);
    memset(text, '.', n);
    for (size_t i = 0; i < r->nspans; i++)
        for (uint64_t t = r->span[i].start; r->span[i].cpu == cpu && t < r->span[i].end; t++)
            if (t % unit == 0)
                text[t / unit] = (char)('A' + r->span[i].job);
    return text;
}

static void assert_times(const struct vm_jobs_result *r, uint32_t cpu, uint64_t unit,
                         const char *expected)
{
    char *text = times(r, cpu, unit);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_near(double a, double b)
{
    assert_true(a - b < 0.005 && b - a < 0.005);
}

static void assert_means(const char *jobs, const char *scheduler, double response,
                         double turnaround)
{
    struct vm_jobs_result r = run(jobs, scheduler);
    assert_near(r.response, response);
    assert_near(r.turnaround, turnaround);
    vm_jobs_free(&r);
}

static void assert_schedule(const char *jobs, const char *scheduler, uint64_t unit,
                            const char *expected)
{
    struct vm_jobs_result r = run(jobs, scheduler);
    assert_times(&r, 0, unit, expected);
    vm_jobs_free(&r);
}

/* ---- chapter 7 ---- */

static void turnaround_of_fifo_sjf_and_stcf_is_that_of_chapter_7(void **unused)
{
    (void)unused;
    assert_means("0:10,0:10,0:10", "fifo", 10, 20);              /* 7.3, figure 7.1 */
    assert_means("0:100,0:10,0:10", "fifo", 70, 110);            /* figure 7.2 */
    assert_means("0:100,0:10,0:10", "sjf", 10, 50);              /* 7.4, figure 7.3 */
    assert_means("0:100,10:10,10:10", "sjf", 190.0 / 3, 103.33); /* figure 7.4 */
    assert_means("0:100,10:10,10:10", "stcf", 10.0 / 3, 50);     /* 7.5, figure 7.5 */
}

static void response_of_round_robin_is_that_of_section_7_7(void **unused)
{
    (void)unused;
    assert_means("0:5,0:5,0:5", "sjf", 5, 10);
    assert_means("0:5,0:5,0:5", "rr:quantum=1", 1, 14);
    assert_schedule("0:5,0:5,0:5", "rr:quantum=1", 1, "ABCABCABCABCABC");
}

static void stcf_overlaps_transfers_and_work_as_in_section_7_8(void **unused)
{
    (void)unused;
    /* figure 7.9, but that B is longer: its last burst would be as long as A's */
    assert_schedule("0:50:io=10/10,0:60", "stcf", 10, "ABABABABABB");
    /* figure 7.8 */
    assert_schedule("0:50:io=10/10,90:50", "fifo", 10, "A.A.A.A.ABBBBB");
}

/* `scheduler.py -p RR -q 2 -l 5,3 -c`, and the others on 12,3,7. */
static void statistics_are_those_of_scheduler_py(void **unused)
{
    (void)unused;
    static const struct {
        const char *jobs, *scheduler;
        uint64_t n, value[3][3]; /* response, turnaround, wait of each job */
    } rows[] = {
        {"0:5,0:3", "rr:quantum=2", 2, {{0, 8, 3}, {2, 7, 4}}},
        {"0:12,0:3,0:7", "fifo", 3, {{0, 12, 0}, {12, 15, 12}, {15, 22, 15}}},
        {"0:12,0:3,0:7", "sjf", 3, {{10, 22, 10}, {0, 3, 0}, {3, 10, 3}}},
        {"0:12,0:3,0:7", "rr:quantum=3", 3, {{0, 22, 10}, {3, 6, 3}, {6, 19, 12}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vm_jobs_result r = run(rows[i].jobs, rows[i].scheduler);
        for (uint32_t j = 0; j < rows[i].n; j++) {
            assert_int_equal(r.job[j].first, rows[i].value[j][0]);
            assert_int_equal(r.job[j].end, rows[i].value[j][1]);
            assert_int_equal(r.job[j].waited, rows[i].value[j][2]);
        }
        vm_jobs_free(&r);
    }
}

/* ---- chapter 8 ---- */

static uint64_t fact(const struct vm_jobs_result *r, const struct vm_job_event *v, const char *name)
{
    for (uint32_t i = 0; i < v->nfacts; i++)
        if (!strcmp(r->fact[v->fact + i].name, name))
            return r->fact[v->fact + i].value;
    fail_msg("no fact %s", name);
    return 0;
}

/* The values of a fact at each pick of a job: "2 1 0". */
static void assert_facts(const struct vm_jobs_result *r, uint32_t job, const char *name,
                         const char *expected)
{
    char text[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < r->nevents; i++)
        if (r->event[i].kind == VM_JOB_RUNS && r->event[i].job == job)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu", n ? " " : "",
                                  (unsigned long long)fact(r, &r->event[i], name));
    assert_string_equal(text, expected);
}

static void a_long_job_sinks_through_the_queues_as_in_figure_8_2(void **unused)
{
    (void)unused;
    struct vm_jobs_result r = run("0:60", "mlfq");
    assert_facts(&r, 0, "queue", "2 1 0 0 0 0");
    vm_jobs_free(&r);
}

static void a_short_job_comes_along_as_in_figure_8_3(void **unused)
{
    (void)unused;
    struct vm_jobs_result r = run("0:180,100:20", "mlfq");
    assert_times(&r, 0, 10, "AAAAAAAAAABBAAAAAAAA");
    assert_facts(&r, 1, "queue", "2 1");
    vm_jobs_free(&r);
}

static void an_interactive_job_stays_in_the_highest_queue_as_in_figure_8_4(void **unused)
{
    (void)unused;
    struct vm_jobs_result r = run("0:175,50:25:io=1/5", "mlfq:io=stay");
    assert_facts(&r, 1, "queue", "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2");
    assert_int_equal(r.job[1].waited, 0);
    vm_jobs_free(&r);
}

/* Two interactive jobs leave nothing to a long one, but for the boosts. */
static void a_boost_ends_starvation_as_in_figure_8_5(void **unused)
{
    (void)unused;
    static const char jobs[] = "0:120,100:50:io=5/5,100:50:io=5/5";
    struct vm_jobs_result starved = run(jobs, "mlfq:io=stay"),
                          boosted = run(jobs, "mlfq:io=stay,boost=50");
    assert_times(&starved, 0, 5, "AAAAAAAAAAAAAAAAAAAABCBCBCBCBCBCBCBCBCBCAAAA");
    assert_int_equal(starved.job[0].picks, 12);
    assert_int_equal(starved.job[0].waited, 100);
    assert_true(boosted.job[0].waited < 100 && boosted.job[0].end < boosted.end);
    vm_jobs_free(&starved);
    vm_jobs_free(&boosted);
}

/* A job that blocks just before its quantum ends has the processor, until it is accounted for. */
static void a_cheat_sinks_when_its_allotment_is_accounted_as_in_figure_8_6(void **unused)
{
    (void)unused;
    static const char jobs[] = "0:200,0:99:io=9/1";
    struct vm_jobs_result cheated = run(jobs, "mlfq:io=stay"), fair = run(jobs, "mlfq");
    assert_facts(&cheated, 1, "queue", "2 2 2 2 2 2 2 2 2 2 2");
    assert_true(cheated.job[1].end == 119);
    assert_true(fair.job[1].end > 180);
    vm_jobs_free(&cheated);
    vm_jobs_free(&fair);
}

static void a_lower_queue_has_a_longer_quantum_as_in_figure_8_7(void **unused)
{
    (void)unused;
    assert_schedule("0:140,0:140", "mlfq:quantum=10+20+40,allot=2+2+1", 10,
                    "ABABAABBAABBAAAABBBBAAAABBBB");
}

/* `mlfq.py -l 0,10,3:2,7,0 -q 2 -n 3 -B 9 -c`, and with -S -I -Q 2,3 -A 1,2 -i 4. */
static void schedules_are_those_of_mlfq_py(void **unused)
{
    (void)unused;
    assert_schedule("0:10:io=3/5,2:7", "mlfq:quantum=2,boost=9", 1, "AABBABBBBBAAA.....AAA.....A");
    assert_schedule("0:9:io=3/4,2:7:io=2/4,3:6", "mlfq:quantum=2+3,allot=1+2,io=stay,woken=first",
                    1, "AABBCCACBBCAAABBCCAABA");
}

/* ---- chapter 9 ---- */

/* 9.1: A has tickets 0 to 74, B 75 to 99. */
static void draws_are_won_as_in_section_9_1(void **unused)
{
    (void)unused;
    static const uint64_t drawn[] = {63, 85, 70, 39, 76, 17, 29, 41, 36, 39,
                                     10, 99, 68, 83, 63, 62, 43, 0,  49, 49};
    struct vm_jobs_result r =
        run_request("0:20:tickets=75,0:20:tickets=25", "lottery:quantum=1",
                    (struct vm_jobs_request){.drawn = drawn, .ndrawn = 20, .seed = 1});
    char *text = times(&r, 0, 1);
    assert_memory_equal(text, "ABAABAAAAAABABAAAAAA", 20);
    free(text);
    vm_jobs_free(&r);
}

/* `lottery.py -s 0 -l 5:20,4:75,3:5 -c`. */
static void winners_are_those_of_lottery_py(void **unused)
{
    (void)unused;
    static const uint64_t drawn[] = {844422, 757955, 420572, 258917, 511275, 404934,
                                     783799, 303313, 476597, 583382, 908113, 504687};
    struct vm_jobs_result r =
        run_request("0:5:tickets=20,0:4:tickets=75,0:3:tickets=5", "lottery:quantum=1",
                    (struct vm_jobs_request){.drawn = drawn, .ndrawn = 12});
    assert_times(&r, 0, 1, "BBBABACACAAC");
    vm_jobs_free(&r);
}

/* 9.6: 100, 50 and 250 tickets, with strides of 100, 200 and 40. */
static void strides_are_those_of_section_9_6(void **unused)
{
    (void)unused;
    struct vm_jobs_result r =
        run("0:8:tickets=100,0:4:tickets=50,0:20:tickets=250", "stride:quantum=1,new=floor");
    char *text = times(&r, 0, 1);
    assert_memory_equal(text, "ABCCCACC", 8);
    assert_facts(&r, 2, "pass",
                 "0 40 80 120 160 200 240 280 320 360 400 440 480 520 560 600 640 "
                 "680 720 760");
    free(text);
    vm_jobs_free(&r);
}

/* 9.7: four jobs with a slice of 12 each; when two are done, 24. */
static void slices_of_cfs_are_those_of_figure_9_5(void **unused)
{
    (void)unused;
    struct vm_jobs_result r = run("0:96,0:96,0:24,0:24", "cfs:new=floor");
    assert_times(&r, 0, 12, "ABCDABCDAABBAABBAABB");
    vm_jobs_free(&r);
}

/* 9.7: nice -5 and 0 have weights of 3121 and 1024, and such parts of the latency: three quarters
 * and one. */
static void weights_of_cfs_are_those_of_section_9_7(void **unused)
{
    (void)unused;
    struct vm_jobs_result r = run("0:6242:nice=-5,0:2048", "cfs:new=floor,latency=4145");
    assert_facts(&r, 0, "weight", "3121 3121");
    assert_facts(&r, 1, "of", "4145 1024");
    assert_facts(&r, 1, "vruntime", "0 1024");
    assert_int_equal(r.span[0].end, 3121);
    assert_int_equal(r.span[1].end, 4145);
    vm_jobs_free(&r);
}

/* ---- chapter 10 ---- */

static void assert_processors(const struct vm_jobs_result *r, uint64_t unit, ...)
{
    va_list rows;
    va_start(rows, unit);
    for (uint32_t c = 0; c < r->ncpus; c++)
        assert_times(r, c, unit, va_arg(rows, const char *));
    va_end(rows);
}

static void one_queue_makes_jobs_wander_as_in_section_10_4(void **unused)
{
    (void)unused;
    static const char jobs[] = "0:4,0:4,0:4,0:4,0:4";
    struct vm_jobs_request q = {.ncpus = 4, .quantum = 1};
    struct vm_jobs_result r = run_request(jobs, "rr", q);
    assert_processors(&r, 1, "AEDCB", "BAEDC", "CBAED", "DCBAE");
    vm_jobs_free(&r);
    r = run_request(jobs, "sqms:patience=0", q);
    assert_processors(&r, 1, "AEDCB", "BAEDC", "CBAED", "DCBAE");
    vm_jobs_free(&r);
}

static void a_preference_makes_jobs_stay(void **unused)
{
    (void)unused;
    static const char jobs[] = "0:20,0:20,0:20,0:20,0:20";
    struct vm_jobs_request q = {.ncpus = 4, .quantum = 1};
    struct vm_jobs_result wander = run_request(jobs, "sqms:patience=0", q),
                          stay = run_request(jobs, "sqms:patience=2", q);
    assert_int_equal(wander.migrations, 95);
    assert_int_equal(stay.migrations, 32);
    assert_int_equal(wander.end, stay.end);
    vm_jobs_free(&wander);
    vm_jobs_free(&stay);
}

/* 10.5: two queues; when C is done A has a processor to itself; then there is one idle. */
static void queues_become_unlike_as_in_section_10_5(void **unused)
{
    (void)unused;
    struct vm_jobs_request q = {.ncpus = 2, .quantum = 2};
    struct vm_jobs_result r = run_request("0:6,0:8,0:6,0:8", "mqms:peek=0", q);
    assert_processors(&r, 1, "AACCAACCAACC....", "BBDDBBDDBBDDBBDD");
    vm_jobs_free(&r);
    r = run_request("0:12,0:8,0:4,0:8", "mqms:peek=0", q);
    assert_processors(&r, 1, "AACCAACCAAAAAAAA", "BBDDBBDDBBDDBBDD");
    vm_jobs_free(&r);
    r = run_request("0:2,0:8,0:2,0:8", "mqms:peek=4", q);
    assert_processors(&r, 1, "AACCBBBBBB", "BBDDDDDDDD");
    assert_int_equal(r.migrations, 1);
    vm_jobs_free(&r);
}

/* What multi.py prints as `Finished time`, `utilization` and `warm`. */
static void times_with_caches_are_those_of_multi_py(void **unused)
{
    (void)unused;
    static const struct {
        const char *jobs, *scheduler;
        uint32_t ncpus;
        uint64_t size, end;
        double busy[2], warm[2];
    } rows[] = {
        /* -n 1 -L a:30:200, and with -M 300 */
        {"0:30:set=200", "rr:align=clock", 1, 100, 30, {100}, {0}},
        {"0:30:set=200", "rr:align=clock", 1, 300, 20, {100}, {50}},
        /* -n 2 -L a:100:100,b:100:50,c:100:50; -A a:0,b:1,c:1; -A a:0.1,b:0.1,c:1 */
        {"0:100:set=100,0:100:set=50,0:100:set=50", "rr:align=clock", 2, 100, 150, {100, 100}, {0}},
        {"0:100:set=100:cpus=0,0:100:set=50:cpus=1,0:100:set=50:cpus=1",
         "rr:align=clock",
         2,
         100,
         110,
         {50, 100},
         {40.91, 81.82}},
        {"0:100:set=100,0:100:set=50,0:100:set=50:cpus=1",
         "rr:align=clock",
         2,
         100,
         115,
         {91.30, 100},
         {39.13, 30.43}},
        /* -n 2 -p -L a:60:50,b:20:40,c:50:60,d:10:30,e:40:20, and with -P 20 */
        {"0:60:set=50,0:20:set=40,0:50:set=60,0:10:set=30,0:40:set=20",
         "mqms:base=rr/align=clock",
         2,
         100,
         70,
         {85.71, 92.86},
         {42.86, 35.71}},
        {"0:60:set=50,0:20:set=40,0:50:set=60,0:10:set=30,0:40:set=20",
         "mqms:base=rr/align=clock,peek=20",
         2,
         100,
         75,
         {100, 66.67},
         {46.67, 26.67}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vm_jobs_result r = run_request(
            rows[i].jobs, rows[i].scheduler,
            (struct vm_jobs_request){.ncpus = rows[i].ncpus, .warmth = {rows[i].size, 10, 2}});
        assert_int_equal(r.end, rows[i].end);
        for (uint32_t c = 0; c < r.ncpus; c++) {
            assert_near(100.0 * (double)r.cpu[c].busy / (double)r.end, rows[i].busy[c]);
            assert_near(100.0 * (double)r.cpu[c].warm / (double)r.end, rows[i].warm[c]);
        }
        vm_jobs_free(&r);
    }
}

/* ---- what the simulators of the book do ---- */

static struct vm_warmth warmth_of(const char *text)
{
    unsigned long long size, warmup, rate;
    assert_int_equal(sscanf(text, "%llu/%llu/%llu", &size, &warmup, &rate), 3);
    return (struct vm_warmth){size, warmup, rate};
}

static size_t parse_drawn(char *text, uint64_t *out, size_t most)
{
    size_t n = 0;
    if (!strcmp(text, "-"))
        return 0;
    for (char *number; (number = strsep(&text, ","));) {
        assert_true(n < most);
        out[n++] = strtoull(number, NULL, 10);
    }
    return n;
}

/* A line of the file: see there. */
static void assert_line(char *line)
{
    enum { SIMULATOR, SCHEDULER, CPUS, WARMTH, DRAWN, JOBS, TIMES, FIELDS };
    char *field[FIELDS];
    uint64_t drawn[64];
    for (size_t i = 0; i < FIELDS; i++)
        assert_non_null(field[i] = strsep(&line, " "));
    size_t ndrawn = parse_drawn(field[DRAWN], drawn, 64);
    struct vm_jobs_result r =
        run_request(field[JOBS], field[SCHEDULER],
                    (struct vm_jobs_request){.ncpus = (uint32_t)atoi(field[CPUS]),
                                             .warmth = warmth_of(field[WARMTH]),
                                             .drawn = drawn,
                                             .ndrawn = ndrawn});
    for (uint32_t c = 0; c < r.ncpus; c++)
        assert_times(&r, c, 1, strsep(&field[TIMES], "/"));
    assert_null(field[TIMES]);
    vm_jobs_free(&r);
}

static void schedules_are_those_of_the_simulators(void **unused)
{
    (void)unused;
    char path[4096], line[8192];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/golden/data/ostep_schedules.txt", getenv("PAGODA_TESTS"));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (*line == '#')
            continue;
        assert_line(line);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 160);
}

/* ---- laws ---- */

/* A share of 1 in 4: after n draws its standard deviation is sqrt(n * 3 / 16). */
static void lottery_shares_converge(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct vm_jobs_result r =
            run_request("0:100000:tickets=30,0:100000:tickets=10", "lottery:quantum=1",
                        (struct vm_jobs_request){.seed = seed});
        uint64_t end = r.job[0].end, other = end - 100000;
        double deviation = 5 * 158.2; /* of 133,333 draws, five times */
        assert_true((double)other > (double)end / 4 - deviation &&
                    (double)other < (double)end / 4 + deviation);
        vm_jobs_free(&r);
    }
}

/* At no time is a task further than a quantum from its share, as against each other one: the time
 * of i by tickets less that of j by tickets is below a quantum by the smaller tickets. */
static void a_stride_is_never_a_quantum_off(void **unused)
{
    (void)unused;
    static const uint64_t tickets[] = {7, 3, 11, 1};
    uint64_t ran[4] = {0};
    struct vm_jobs_result r = run("0:700:tickets=7,0:300:tickets=3,0:1100:tickets=11,0:100:tickets="
                                  "1",
                                  "stride:quantum=1,new=floor");
    char *text = times(&r, 0, 1);
    for (size_t t = 0; t < 2100; t++) {
        ran[text[t] - 'A']++;
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 4; j++) {
                double off =
                    (double)ran[i] / (double)tickets[i] - (double)ran[j] / (double)tickets[j];
                assert_true(off <= 1.0 / (double)tickets[i] + 1e-9);
            }
    }
    free(text);
    vm_jobs_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turnaround_of_fifo_sjf_and_stcf_is_that_of_chapter_7),
        cmocka_unit_test(response_of_round_robin_is_that_of_section_7_7),
        cmocka_unit_test(stcf_overlaps_transfers_and_work_as_in_section_7_8),
        cmocka_unit_test(statistics_are_those_of_scheduler_py),
        cmocka_unit_test(a_long_job_sinks_through_the_queues_as_in_figure_8_2),
        cmocka_unit_test(a_short_job_comes_along_as_in_figure_8_3),
        cmocka_unit_test(an_interactive_job_stays_in_the_highest_queue_as_in_figure_8_4),
        cmocka_unit_test(a_boost_ends_starvation_as_in_figure_8_5),
        cmocka_unit_test(a_cheat_sinks_when_its_allotment_is_accounted_as_in_figure_8_6),
        cmocka_unit_test(a_lower_queue_has_a_longer_quantum_as_in_figure_8_7),
        cmocka_unit_test(schedules_are_those_of_mlfq_py),
        cmocka_unit_test(draws_are_won_as_in_section_9_1),
        cmocka_unit_test(winners_are_those_of_lottery_py),
        cmocka_unit_test(strides_are_those_of_section_9_6),
        cmocka_unit_test(slices_of_cfs_are_those_of_figure_9_5),
        cmocka_unit_test(weights_of_cfs_are_those_of_section_9_7),
        cmocka_unit_test(one_queue_makes_jobs_wander_as_in_section_10_4),
        cmocka_unit_test(a_preference_makes_jobs_stay),
        cmocka_unit_test(queues_become_unlike_as_in_section_10_5),
        cmocka_unit_test(times_with_caches_are_those_of_multi_py),
        cmocka_unit_test(schedules_are_those_of_the_simulators),
        cmocka_unit_test(lottery_shares_converge),
        cmocka_unit_test(a_stride_is_never_a_quantum_off),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
