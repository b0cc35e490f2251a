/* What a pager decides, by hand: streams, the guard, hosts that refuse. Random worlds are in
 * diff/pager.c. */
#include "unit/test.h"

#include <pagoda/as_live.h>
#include <pagoda/pager.h>
#include <stdio.h>
#include <string.h>

#define FRAMES 128
#define PAGES  1000

struct host {
    struct vm_pager *pager;
    struct vm_pager_plan plan;
    bool refuses;
};

static bool claim(void *host, uint32_t page)
{
    const struct host *h = host;
    (void)page;
    return !h->refuses;
}

static bool take(void *host, uint32_t page)
{
    (void)host, (void)page;
    return true;
}

static void begin(struct host *h, const char *policy, uint32_t ahead)
{
    struct vm_params params;
    struct vm_error e;
    struct vm_pager_config c = {
        .policy_params = &params, .frames = FRAMES, .pages_max = PAGES, .ahead = ahead};
    const struct vm_pager_host host = {h, claim, take};
    memset(h, 0, sizeof *h);
    assert_true(vm_as_live_policy(policy, &c.policy, &params, &e));
    h->pager = vm_pager_open(&c, &host, &e);
    assert_non_null(h->pager);
}

static enum vm_pager_outcome touch(struct host *h, uint32_t page, enum vm_access access)
{
    const struct vm_pager_fault f = {.page = page, .access = access, .end = PAGES};
    vm_pager_fault(h->pager, &f, &h->plan);
    return h->plan.outcome;
}

/* What came along with a fault, as "first-last"; "" for nothing. */
static const char *along(struct host *h, uint32_t page)
{
    static char text[32];
    assert_int_equal(touch(h, page, VM_READ), VM_PAGER_MISS);
    text[0] = 0;
    if (h->plan.ncome > 1)
        snprintf(text, sizeof text, "%u-%u", h->plan.come[1].page,
                 h->plan.come[h->plan.ncome - 1].page);
    return text;
}

static void a_stream_doubles_its_window_upwards_and_downwards(void **unused)
{
    (void)unused;
    struct host h;
    begin(&h, "fifo", 16);
    assert_string_equal(along(&h, 10), "");
    assert_string_equal(along(&h, 11), "12-15");
    assert_string_equal(along(&h, 16), "17-24");
    assert_string_equal(along(&h, 25), "26-41");
    assert_string_equal(along(&h, 42), "43-58"); /* 16 at most */
    vm_pager_close(h.pager);
    begin(&h, "fifo", 16);
    assert_string_equal(along(&h, 900), "");
    assert_string_equal(along(&h, 899), "898-895");
    assert_string_equal(along(&h, 894), "893-886");
    vm_pager_close(h.pager);
}

static void streams_go_on_beside_each_other_and_end_with_their_region(void **unused)
{
    (void)unused;
    struct host h;
    begin(&h, "fifo", 16);
    assert_string_equal(along(&h, 10), "");
    assert_string_equal(along(&h, 500), "");
    assert_string_equal(along(&h, 11), "12-15");
    assert_string_equal(along(&h, 501), "502-505");
    assert_string_equal(along(&h, 16), "17-24");
    assert_string_equal(along(&h, 506), "507-514");
    assert_string_equal(along(&h, 997), "");
    assert_string_equal(along(&h, 998), "999-999");
    vm_pager_close(h.pager);
}

static void page_0_alone_is_no_stream(void **unused)
{
    (void)unused;
    struct host h;
    begin(&h, "fifo", 16);
    assert_string_equal(along(&h, 0), "");
    assert_string_equal(along(&h, 1), "2-5");
    assert_string_equal(along(&h, 7), ""); /* 6 is where it goes on */
    assert_string_equal(along(&h, 6), "8-14");
    vm_pager_close(h.pager);
}

static void who_came_by_the_last_faults_does_not_leave(void **unused)
{
    (void)unused;
    struct host h;
    begin(&h, "mru", 0); /* would let go of the newest */
    for (uint32_t page = 0; page < PAGES; page++) {
        assert_int_equal(touch(&h, page, VM_READ), VM_PAGER_MISS);
        for (uint32_t i = 0; i < h.plan.nleave; i++)
            assert_true(h.plan.leave[i].page + VM_PAGER_GUARD < page);
        for (uint32_t k = 0; k < VM_PAGER_GUARD && k <= page; k++)
            assert_true(vm_pager_is_resident(h.pager, page - k));
    }
    vm_pager_check(h.pager);
    vm_pager_close(h.pager);
}

static void a_host_that_lets_nobody_go_is_asked_to_wait(void **unused)
{
    (void)unused;
    struct host h;
    uint32_t page = 0;
    begin(&h, "lru", 0);
    h.refuses = true;
    for (; touch(&h, page, VM_READ) == VM_PAGER_MISS; page++)
        assert_int_equal(h.plan.nleave, 0);
    assert_int_equal(h.plan.outcome, VM_PAGER_FULL);
    assert_int_equal(page, 2 * FRAMES); /* as much again */
    assert_int_equal(vm_pager_counts(h.pager)->overruns, FRAMES);
    assert_int_equal(vm_pager_counts(h.pager)->misses, page);
    h.refuses = false;
    assert_int_equal(touch(&h, page, VM_READ), VM_PAGER_FULL); /* first a batch leaves */
    assert_true(h.plan.nleave > 0);
    assert_int_equal(touch(&h, page, VM_READ), VM_PAGER_MISS);
    vm_pager_check(h.pager);
    vm_pager_close(h.pager);
}

/* A disk that is full: all that leaves comes back. */
static void what_cannot_be_written_always_finds_a_frame_again(void **unused)
{
    (void)unused;
    struct host h;
    uint32_t page = 0, full = 0;
    begin(&h, "fifo", 0);
    for (int i = 0; i < 3000 && page < PAGES; i++) {
        bool came = touch(&h, page, VM_WRITE) == VM_PAGER_MISS;
        page += came;
        full += !came;
        for (uint32_t k = 0; k < h.plan.nleave; k++) {
            assert_true(h.plan.leave[k].dirty);
            vm_pager_came_back(h.pager, h.plan.leave[k].page);
        }
        assert_true(vm_pager_resident(h.pager) <= vm_pager_resident_max(h.pager));
    }
    assert_true(full > 2000 && page == 2 * FRAMES);
    for (uint32_t k = 0; k < page; k++)
        assert_true(vm_pager_is_dirty(h.pager, k));
    vm_pager_check(h.pager);
    vm_pager_close(h.pager);
}

static void a_policy_of_the_future_and_little_memory_are_refused(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_params params;
    struct vm_pager_config c = {.policy_params = &params, .frames = FRAMES, .pages_max = PAGES};
    const struct vm_pager_host host = {NULL, claim, take};
    assert_true(vm_as_live_policy("opt", &c.policy, &params, &e));
    assert_null(vm_pager_open(&c, &host, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_true(vm_as_live_policy("fifo", &c.policy, &params, &e));
    c.frames = VM_PAGER_LIMIT_MIN - 1;
    assert_null(vm_pager_open(&c, &host, &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_doubles_its_window_upwards_and_downwards),
        cmocka_unit_test(streams_go_on_beside_each_other_and_end_with_their_region),
        cmocka_unit_test(page_0_alone_is_no_stream),
        cmocka_unit_test(who_came_by_the_last_faults_does_not_leave),
        cmocka_unit_test(a_host_that_lets_nobody_go_is_asked_to_wait),
        cmocka_unit_test(what_cannot_be_written_always_finds_a_frame_again),
        cmocka_unit_test(a_policy_of_the_future_and_little_memory_are_refused),
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}
