/* multiprogram.c - whole jobs in one memory: as they are unit of time by unit of time; and what is
 * true of every run, with swapping and moving too. */
#include "base/random.h"
#include "oracle/naive_multiprogram.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY 128

static const struct naive_rule_of_memory rules[] = {
    {.spec = "single"},
    {"fixed:sizes=32B+8B+64B+24B", RULE_FIXED, PICK_BEST, {32, 8, 64, 24}, 0, 0},
    {"fixed:fit=own,sizes=16B+16B+32B+64B", RULE_FIXED, PICK_OWN, {16, 16, 32, 64}, 0, 0},
    {"variable:unit=1B", RULE_VARIABLE, PICK_FIRST, {0}, 1, MOVE_NEVER},
    {"variable:fit=best-fit,unit=4B", RULE_VARIABLE, PICK_BEST, {0}, 4, MOVE_NEVER},
    {"variable:unit=1B,compact=needed", RULE_VARIABLE, PICK_FIRST, {0}, 1, MOVE_NEEDED},
    {"variable:fit=worst-fit,unit=1B,compact=exit", RULE_VARIABLE, PICK_WORST, {0}, 1, MOVE_EXIT},
};
#define NRULES (sizeof rules / sizeof rules[0])

struct mix {
    struct vm_job job[NAIVE_TENANTS];
    struct vm_multiprogram_request request;
};

static void draw(struct mix *m, const char *storage, uint64_t seed)
{
    struct vm_random random;
    vm_random_seed(&random, seed);
    *m = (struct mix){0};
    uint32_t n = 1 + (uint32_t)vm_random_below(&random, 10);
    uint64_t at = 0, gap = 1 + vm_random_below(&random, 12);
    for (uint32_t i = 0; i < n; i++) {
        struct vm_job *j = &m->job[i];
        *j = (struct vm_job){.arrival = at, .run = 1 + vm_random_below(&random, 30), .tickets = 1};
        j->cpus = UINT64_MAX;
        j->memory = 1 + vm_random_below(&random, vm_random_below(&random, 3) ? 40 : 64);
        snprintf(j->name, sizeof j->name, "%c", 'A' + (char)i);
        if (vm_random_below(&random, 2)) {
            j->io_every = 1 + vm_random_below(&random, 6);
            j->io_time = 1 + vm_random_below(&random, 6);
        }
        at += vm_random_below(&random, gap);
    }
    m->request = (struct vm_multiprogram_request){
        .jobs = {.job = m->job, .njobs = n, .scheduler = "rr", .ncpus = 1, .timer = 1, .seed = 1},
        .memory = MEMORY,
        .storage = storage,
        .queue = (enum vm_memory_queue)vm_random_below(&random, 3)};
    m->request.jobs.quantum = 1 + vm_random_below(&random, 5);
}

static void as_unit_by_unit_of_time(void **unused)
{
    (void)unused;
    for (unsigned seed = 0; seed < test_rounds(2000); seed++) {
        const struct naive_rule_of_memory *rule = &rules[seed % NRULES];
        struct naive_stay naive[NAIVE_TENANTS];
        struct vm_multiprogram_result out;
        struct vm_error e = {0};
        struct mix m;
        draw(&m, rule->spec, seed);
        naive_multiprogram_run(&m.request, rule, naive);
        if (!vm_multiprogram_run(&m.request, &out, &e))
            fail_msg("%s, seed %u: %s", rule->spec, seed, e.text);
        for (uint32_t i = 0; i < out.jobs.njobs; i++) {
            const struct vm_job_result *o = &out.jobs.job[i];
            if (o->end != naive[i].end || out.tenant[i].put_at != naive[i].put_at ||
                out.tenant[i].start != naive[i].start || o->waited != naive[i].waited ||
                o->outside != naive[i].outside || o->blocked != naive[i].blocked)
                fail_msg("%s, seed %u, job %u: put at %llu, ends at %llu: expected %llu, %llu",
                         rule->spec, seed, i, (unsigned long long)out.tenant[i].put_at,
                         (unsigned long long)o->end, (unsigned long long)naive[i].put_at,
                         (unsigned long long)naive[i].end);
        }
        vm_multiprogram_free(&out);
    }
}

/* ---- laws of every run ---- */

struct picture {
    uint64_t end, used, free;
    bool has[NAIVE_TENANTS];
};

static void see_area(void *host, const struct vm_area *a)
{
    struct picture *p = host;
    assert_int_equal(a->start, p->end);
    p->end += a->bytes;
    if (a->job == VM_NOTENANT) {
        p->free += a->bytes;
        return;
    }
    assert_false(p->has[a->job]);
    p->has[a->job] = true;
    p->used += a->asked;
}

/* From change to change, areas name memory once; and their sums are what the means say. */
static void memory_adds_up(const struct vm_multiprogram_request *r,
                           const struct vm_multiprogram_result *out)
{
    double used = 0, free_bytes = 0;
    uint64_t last = out->jobs.start;
    struct picture p = {0};
    struct vm_error e;
    for (size_t i = 0; i <= out->nchanges; i++) {
        uint64_t at = i < out->nchanges ? out->change[i].at : out->jobs.end;
        if (i) {
            used += (double)((at - last) * p.used);
            free_bytes += (double)((at - last) * p.free);
        } else {
            free_bytes += (double)((at - last) * MEMORY);
        }
        last = at;
        p = (struct picture){0};
        assert_true(vm_multiprogram_areas(r, out, at, &p, see_area, &e));
        assert_int_equal(p.end, MEMORY);
    }
    double time = (double)(out->jobs.end - out->jobs.start);
    assert_true(used / time - out->used < 1e-6 && out->used - used / time < 1e-6);
    assert_true(free_bytes / time - out->free < 1e-6 && out->free - free_bytes / time < 1e-6);
    assert_true(out->used + out->internal + out->free - MEMORY < 1e-6);
}

static void time_adds_up(const struct vm_multiprogram_request *r,
                         const struct vm_multiprogram_result *out)
{
    uint64_t switching = 0, swaps = 0;
    for (uint32_t c = 0; c < out->jobs.ncpus; c++)
        switching += out->jobs.cpu[c].switching;
    for (uint32_t i = 0; i < out->jobs.njobs; i++) {
        const struct vm_job *j = &r->jobs.job[i];
        const struct vm_job_result *o = &out->jobs.job[i];
        uint64_t known = o->ran + o->waited + o->blocked + o->outside, whole = o->end - j->arrival;
        assert_int_equal(o->ran, j->run);
        assert_true(known <= whole && whole - known <= switching);
        swaps += out->tenant[i].swaps;
    }
    assert_int_equal(swaps, out->swaps);
    assert_true(switching <= out->stalled * out->jobs.ncpus);
}

static void the_sums_of_every_run_are_right(void **unused)
{
    (void)unused;
    uint64_t swaps = 0, stalled = 0;
    for (unsigned seed = 0; seed < test_rounds(1500); seed++) {
        struct vm_multiprogram_result out;
        struct vm_error e = {0};
        struct mix m;
        draw(&m, rules[seed % NRULES].spec, seed);
        m.request.move_rate = seed % 3 ? 16 : 0;
        m.request.swap_rate = seed % 2 ? 32 : 0;
        m.request.swap_access = seed % 5;
        m.request.residence = seed % 7;
        m.request.jobs.ncpus = 1 + seed % 3;
        if (!vm_multiprogram_run(&m.request, &out, &e))
            fail_msg("seed %u: %s", seed, e.text);
        time_adds_up(&m.request, &out);
        memory_adds_up(&m.request, &out);
        swaps += out.swaps;
        stalled += out.stalled;
        vm_multiprogram_free(&out);
    }
    assert_true(swaps > 0 && stalled > 0);
}

/* One job swaps another out and in: by hand. */
static void two_jobs_too_large_for_both_take_turns(void **unused)
{
    (void)unused;
    struct vm_job jobs[] = {{.name = "A", .run = 4, .cpus = 1, .tickets = 1, .memory = 100},
                            {.name = "B", .run = 4, .cpus = 1, .tickets = 1, .memory = 60}};
    struct vm_multiprogram_request r = {.jobs = {.job = jobs,
                                                 .njobs = 2,
                                                 .scheduler = "rr",
                                                 .ncpus = 1,
                                                 .quantum = 2,
                                                 .timer = 1,
                                                 .seed = 1},
                                        .memory = MEMORY,
                                        .storage = "variable:unit=1B",
                                        .swap_rate = 20,
                                        .swap_access = 1};
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    assert_true(vm_multiprogram_run(&r, &out, &e));
    /* A runs from 0 to 2, and is out 1 + 100/20 later; B is new, runs from 8 to 10, and is out 1 +
     * 60/20 later; A comes back by 20, runs to 22, and ends; B comes back by 26, and ends at 28. */
    assert_int_equal(out.tenant[1].put_at, 8);
    assert_int_equal(out.jobs.job[0].end, 22);
    assert_int_equal(out.jobs.job[1].end, 28);
    assert_int_equal(out.tenant[0].swaps, 1);
    assert_int_equal(out.tenant[1].swaps, 1);
    assert_int_equal(out.jobs.job[0].outside, 18);
    vm_multiprogram_free(&out);
}

/* ---- swapping, by hand ---- */

struct by_hand {
    struct vm_job job[3];
    uint32_t ncpus;
    uint64_t rate, access, residence;
};

static struct vm_multiprogram_result swap_by_hand(const struct by_hand *h)
{
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    uint32_t n = h->job[2].run ? 3 : 2;
    struct vm_multiprogram_request r = {.jobs = {.job = h->job,
                                                 .njobs = n,
                                                 .scheduler = "rr",
                                                 .ncpus = h->ncpus,
                                                 .quantum = 2,
                                                 .timer = 1,
                                                 .seed = 1},
                                        .memory = MEMORY,
                                        .storage = "variable:unit=1B",
                                        .swap_rate = h->rate,
                                        .swap_access = h->access,
                                        .residence = h->residence};
    if (!vm_multiprogram_run(&r, &out, &e))
        fail_msg("%s", e.text);
    return out;
}

#define JOB(letter, time, bytes)                                                                   \
    {                                                                                              \
        .name = letter, .run = time, .cpus = UINT64_MAX, .tickets = 1, .memory = bytes             \
    }

static void a_job_stays_for_its_residence(void **unused)
{
    (void)unused;
    struct by_hand h = {{JOB("A", 4, 100), JOB("B", 4, 60)}, 1, 20, 1, 3};
    struct vm_multiprogram_result out = swap_by_hand(&h);
    assert_int_equal(out.swaps, 0); /* at 2 A has been in for less than 3; at 4 it ends */
    assert_int_equal(out.tenant[1].put_at, 4);
    vm_multiprogram_free(&out);
}

static void transfers_take_one_device_one_after_the_other(void **unused)
{
    (void)unused;
    struct by_hand h = {{JOB("A", 9, 60), JOB("B", 9, 60), JOB("C", 1, 100)}, 2, 20, 1, 0};
    struct vm_multiprogram_result out = swap_by_hand(&h);
    /* Both slices end at 2; A is out 1 + 60/20 later, at 6, and B as much after that. */
    assert_int_equal(out.tenant[2].put_at, 10);
    vm_multiprogram_free(&out);
}

/* What is free would do for C, but lies in two holes: 30 below B and 38 above. */
static void who_is_kept_out_by_holes_is_made_room_for(void **unused)
{
    (void)unused;
    struct by_hand h = {{JOB("A", 1, 30), JOB("B", 9, 60), JOB("C", 2, 50)}, 1, 60, 0, 0};
    struct vm_multiprogram_result out = swap_by_hand(&h);
    assert_int_equal(out.blocked_by_holes, 1);
    assert_int_equal(out.tenant[1].swaps > 0, 1);
    assert_int_equal(out.tenant[2].put_at, 4); /* B runs from 1 to 3, and is out 1 later */
    vm_multiprogram_free(&out);
}

/* What is moved stops the processor, and the job that runs goes on after it. */
static void compaction_takes_the_time_of_what_it_moves(void **unused)
{
    (void)unused;
    struct vm_job jobs[] = {{.name = "A", .run = 2, .cpus = 1, .tickets = 1, .memory = 40},
                            {.name = "B", .run = 9, .cpus = 1, .tickets = 1, .memory = 60},
                            {.name = "C", .run = 1, .cpus = 1, .tickets = 1, .memory = 50}};
    struct vm_multiprogram_request r = {.jobs = {.job = jobs,
                                                 .njobs = 3,
                                                 .scheduler = "fifo",
                                                 .ncpus = 1,
                                                 .quantum = 1,
                                                 .timer = 1,
                                                 .seed = 1},
                                        .memory = MEMORY,
                                        .storage = "variable:unit=1B,compact=needed",
                                        .move_rate = 20};
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    assert_true(vm_multiprogram_run(&r, &out, &e));
    /* A leaves at 2; C fits once B's 60 bytes have moved down to 0, which takes 3. */
    assert_int_equal(out.tenant[2].put_at, 2);
    assert_int_equal(out.tenant[2].start, 60);
    assert_int_equal(out.stalled, 3);
    assert_int_equal(out.jobs.job[1].first, 5);
    assert_int_equal(out.jobs.job[1].end, 14);
    assert_int_equal(out.jobs.job[2].end, 15);
    assert_int_equal(out.usage.relocations, 1);
    assert_int_equal(out.blocked_by_holes, 0);
    vm_multiprogram_free(&out);
}

static void what_can_never_be_in_memory_is_refused(void **unused)
{
    (void)unused;
    struct vm_multiprogram_result out;
    struct vm_error e = {0};
    struct mix m;
    draw(&m, "fixed:parts=4", 1);
    m.request.jobs.njobs = 1;
    m.job[0].memory = 33;
    m.request.jobs.njobs = 1;
    assert_false(vm_multiprogram_run(&m.request, &out, &e));
    assert_non_null(strstr(e.text, "job A: memory=33 B: expected at most 32 B"));
    m.job[0].memory = 0;
    assert_false(vm_multiprogram_run(&m.request, &out, &e));
    assert_non_null(strstr(e.text, "expected memory=BYTES"));
    m.request.storage = "fixd";
    m.job[0].memory = 1;
    assert_false(vm_multiprogram_run(&m.request, &out, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    m.request.memory = 0;
    assert_false(vm_multiprogram_run(&m.request, &out, &e));
    assert_non_null(strstr(e.text, "memory of 0 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_unit_by_unit_of_time),
        cmocka_unit_test(the_sums_of_every_run_are_right),
        cmocka_unit_test(two_jobs_too_large_for_both_take_turns),
        cmocka_unit_test(a_job_stays_for_its_residence),
        cmocka_unit_test(transfers_take_one_device_one_after_the_other),
        cmocka_unit_test(who_is_kept_out_by_holes_is_made_room_for),
        cmocka_unit_test(compaction_takes_the_time_of_what_it_moves),
        cmocka_unit_test(what_can_never_be_in_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
