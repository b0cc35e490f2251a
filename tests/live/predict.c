/* predict.c - what `replay --as-live` says of a log is what happens: misses, soft faults, first
 * writes, evictions, writebacks, for every policy and several limits. */
#include "base/random.h"
#include "rounds.h"
#include "unit/test.h"

#include <errno.h>
#include <pagoda/as_live.h>
#include <pagoda/live.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE   4096
#define PAGES  600 /* of the program's first region */
#define LIMITS 3

static const uint32_t limit_pages[LIMITS] = {VM_PAGER_LIMIT_MIN, 200, 450};

struct memory {
    struct vm_live *live;
    uint8_t *at;
};

/* ---- programs of one thread ---- */

/* Each instruction of it touches one page. */
static void touch_around(struct memory *m)
{
    struct vm_random r;
    vm_random_seed(&r, 7);
    for (int i = 0; i < 3000; i++) {
        uint64_t skewed = vm_random_below(&r, 1 + vm_random_below(&r, PAGES));
        volatile uint8_t *byte = m->at + skewed * PAGE + vm_random_below(&r, PAGE);
        if (vm_random_below(&r, 4) == 0)
            *byte = (uint8_t)i;
        else
            (void)*byte;
    }
}

/* Copies by one instruction, bytes that lie across pages, and words that do. */
static void touch_several(struct memory *m)
{
    struct vm_random r;
    vm_random_seed(&r, 8);
    for (int i = 0; i < 150; i++) {
        uint8_t *from = m->at + vm_random_below(&r, (PAGES - 4) * (uint64_t)PAGE);
        uint8_t *to = m->at + vm_random_below(&r, (PAGES - 4) * (uint64_t)PAGE);
        size_t n = vm_random_below(&r, 3 * PAGE);
#if defined(__x86_64__)
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
#else
        memmove(to, from, n);
#endif
        uint64_t *across =
            (uint64_t *)(m->at + vm_random_below(&r, PAGES - 2) * PAGE + PAGE - 3); /* unaligned */
        __atomic_store_n((volatile uint8_t *)across, 1, __ATOMIC_RELAXED);
        uint64_t word;
        memcpy(&word, across, sizeof word);
        word++;
        memcpy(across, &word, sizeof word);
    }
}

/* As a heap does: several regions, grown, given back, walked in order; and system calls. */
static void use_regions(struct memory *m)
{
    struct vm_error e;
    uint8_t *other = vm_live_map(m->live, 100 * PAGE, &e);
    assert_non_null(other);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < PAGES; i++)
            m->at[i * PAGE + round] += (uint8_t)i;
    for (int i = 0; i < 100; i++)
        other[i * PAGE] = (uint8_t)i;
    assert_true(vm_live_advise(m->live, m->at + 40 * PAGE, 70 * PAGE, VM_LIVE_DONTNEED, &e));
    assert_true(vm_live_flush(m->live, m->at, 300 * PAGE, &e));
    assert_true(vm_live_advise(m->live, m->at, PAGE, VM_LIVE_RANDOM, &e));
    for (int i = PAGES; i-- > 0;)
        m->at[i * PAGE]++;
    assert_true(vm_live_advise(m->live, other, 30 * PAGE, VM_LIVE_COLD, &e));
    assert_true(vm_live_pin(m->live, other + 20 * PAGE, 20 * PAGE, VM_WRITE));
    for (int i = 0; i < 200; i++)
        m->at[i * 3 * PAGE]++;
    vm_live_unpin(m->live, other + 20 * PAGE, 20 * PAGE);
    assert_true(vm_live_advise(m->live, m->at, PAGE, VM_LIVE_SEQUENTIAL, &e));
    for (int i = 0; i < PAGES; i++)
        (void)*(volatile uint8_t *)(m->at + i * PAGE);
    assert_true(vm_live_advise(m->live, other, 50 * PAGE, VM_LIVE_WILLNEED, &e));
    assert_true(vm_live_unmap(m->live, other, 60 * PAGE, &e));
    other = vm_live_map(m->live, 50 * PAGE, &e);
    assert_non_null(other);
    for (int i = 0; i < 50; i++)
        (void)*(volatile uint8_t *)(other + i * PAGE);
}

/* ---- running them ---- */

typedef void program(struct memory *m);

static void on_signal(int number, siginfo_t *info, void *context)
{
    if (!vm_live_signal(info, context))
        signal(number, SIG_DFL);
}

/* cmocka has actions of its own for these signals, and sets them before each test. */
static void set_actions(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

static bool open_memory(struct memory *m, const struct vm_live_options *o, struct vm_error *e)
{
    struct vm_live_options ours = *o;
    ours.signal = VM_LIVE_SIGNAL_YOURS;
    set_actions();
    m->live = vm_live_open(&ours, e);
    if (!m->live)
        return false;
    m->at = vm_live_map(m->live, PAGES * PAGE, e);
    assert_non_null(m->at);
    return true;
}

static struct vm_pager_counts measure(program *p, const struct vm_live_options *o)
{
    struct memory m;
    struct vm_error e;
    struct vm_live_stats stats;
    if (!open_memory(&m, o, &e))
        fail_msg("%s", e.text);
    p(&m);
    vm_live_stats(m.live, &stats);
    vm_live_close(m.live);
    return stats.counts;
}

static void assert_counts_equal(const char *policy, uint32_t limit, struct vm_pager_counts a,
                                struct vm_pager_counts b)
{
#define SHOW_COUNT(name, what)                                                                     \
    if (a.name != b.name)                                                                          \
        fprintf(stderr, "# %s, %u pages: %s: predicted %llu, measured %llu\n", policy, limit,      \
                #name, (unsigned long long)a.name, (unsigned long long)b.name);
    VM_PAGER_COUNTS(SHOW_COUNT)
#undef SHOW_COUNT
    assert_memory_equal(&a, &b, sizeof a);
}

static void log_name(char out[64])
{
    snprintf(out, 64, "predict_%d.pgt", (int)getpid());
}

/* The log of a run, in memory. */
static struct vm_touches *logged(program *p, struct vm_live_options o)
{
    char path[64];
    struct vm_error e;
    log_name(path);
    o.log = path;
    measure(p, &o);
    struct vm_touches *t = vm_touches_load(&(struct vm_source){.spec = path}, 0, NULL, &e);
    unlink(path);
    if (!t)
        fail_msg("%s", e.text);
    return t;
}

static struct vm_pager_counts predict(const struct vm_touches *t, const char *policy,
                                      uint32_t limit, uint32_t ahead)
{
    struct vm_params params;
    struct vm_error e;
    struct vm_pager_counts counts;
    struct vm_pager_config c = {.policy_params = &params, .frames = limit, .ahead = ahead};
    assert_true(vm_as_live_policy(policy, &c.policy, &params, &e));
    if (!vm_as_live_count(t, &c, &counts, &e))
        fail_msg("%s", e.text);
    return counts;
}

static bool may_page(void)
{
    struct vm_error e;
    struct vm_live *l =
        vm_live_open(&(struct vm_live_options){.limit_bytes = 1 << 20, .store = "memory"}, &e);
    if (!l)
        print_message("# skip: %s\n", e.text);
    vm_live_close(l);
    return l;
}

static void every_policy_is_predicted(program *p)
{
    if (!may_page())
        skip();
    struct vm_live_options o = {
        .limit_bytes = 1000 * PAGE, .store = "memory", .log_depth = VM_LIVE_LOG_ACCESSES};
    struct vm_touches *t = logged(p, o);
    o.log_depth = VM_LIVE_LOG_FAULTS;
    for (size_t i = 0; vm_policy_at(i); i++)
        for (int k = 0; k < LIMITS && vm_policy_at(i)->future != VM_FUTURE_NEEDED; k++) {
            bool ahead = (i + (size_t)k) % 2;
            o.policy = vm_policy_at(i)->name;
            o.limit_bytes = limit_pages[k] * (uint64_t)PAGE;
            o.ahead_bytes = ahead ? VM_LIVE_AHEAD_DEFAULT : VM_LIVE_AHEAD_NONE;
            assert_counts_equal(o.policy, limit_pages[k],
                                predict(t, o.policy, limit_pages[k], ahead ? 64 : 0),
                                measure(p, &o));
        }
    vm_touches_free(t);
}

static void touches_of_one_page_at_a_time_are_predicted(void **unused)
{
    (void)unused;
    every_policy_is_predicted(touch_around);
}

static void instructions_that_touch_several_pages_are_predicted(void **unused)
{
    (void)unused;
    every_policy_is_predicted(touch_several);
}

static void regions_advice_and_pins_are_predicted(void **unused)
{
    (void)unused;
    every_policy_is_predicted(use_regions);
}

static void a_log_of_accesses_does_not_depend_on_the_limit(void **unused)
{
    (void)unused;
    if (!may_page())
        skip();
    struct vm_live_options o = {.store = "memory", .log_depth = VM_LIVE_LOG_ACCESSES};
    o.limit_bytes = 1000 * PAGE;
    struct vm_touches *wide = logged(touch_several, o);
    o.limit_bytes = VM_PAGER_LIMIT_MIN * PAGE;
    struct vm_touches *narrow = logged(touch_several, o);
    struct vm_touches_info a, b;
    vm_touches_info(wide, &a);
    vm_touches_info(narrow, &b);
    assert_int_equal(a.touches, b.touches);
    assert_true(a.is_log && a.is_exact && b.pager.frames == VM_PAGER_LIMIT_MIN);
    assert_counts_equal("fifo", 150, predict(wide, "fifo", 150, 4),
                        predict(narrow, "fifo", 150, 4));
    vm_touches_free(wide);
    vm_touches_free(narrow);
}

/* What a pager heard is told to an equal one, and it does the same. */
static void a_log_of_faults_is_its_own_run_again(void **unused)
{
    (void)unused;
    static program *const programs[] = {touch_around, touch_several, use_regions};
    if (!may_page())
        skip();
    for (size_t i = 0; i < 3; i++) {
        struct vm_live_options o = {
            .store = "memory", .limit_bytes = 200 * PAGE, .policy = "clock"};
        struct vm_touches *t = logged(programs[i], o);
        assert_counts_equal("clock", 200, predict(t, "clock", 200, 64), measure(programs[i], &o));
        vm_touches_free(t);
    }
}

/* A process that was killed leaves a log that can be finished. */
static void a_log_can_be_finished_by_another(void **unused)
{
    (void)unused;
    char path[64], part[72];
    struct vm_error e;
    struct memory m;
    if (!may_page())
        skip();
    log_name(path);
    snprintf(part, sizeof part, "%s.part", path);
    struct vm_live_options o = {.store = "memory", .limit_bytes = 200 * PAGE, .log = path};
    if (!open_memory(&m, &o, &e))
        fail_msg("%s", e.text);
    touch_around(&m);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(vm_live_log_finish(path, &e)); /* as if it were dead */
    struct vm_touches *t = vm_touches_load(&(struct vm_source){.spec = path}, 0, NULL, &e);
    assert_non_null(t);
    assert_counts_equal(VM_LIVE_POLICY, 200, predict(t, VM_LIVE_POLICY, 200, 64),
                        measure(touch_around, &(struct vm_live_options){
                                                  .store = "memory", .limit_bytes = 200 * PAGE}));
    vm_touches_free(t);
    unlink(path);
    assert_false(vm_live_log_finish(path, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    o.log = NULL;
    vm_live_close(m.live);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touches_of_one_page_at_a_time_are_predicted),
        cmocka_unit_test(instructions_that_touch_several_pages_are_predicted),
        cmocka_unit_test(regions_advice_and_pins_are_predicted),
        cmocka_unit_test(a_log_of_accesses_does_not_depend_on_the_limit),
        cmocka_unit_test(a_log_of_faults_is_its_own_run_again),
        cmocka_unit_test(a_log_can_be_finished_by_another),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
