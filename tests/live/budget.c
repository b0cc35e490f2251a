/* budget.c - several pagers, one memory: their pages are never more than it has, and go to who
 * misses most.
 */
#include "live/live_test.h"

#define PAGE  4096
#define PAGES 2048
#define ALL   1024 /* pages of the budget */

static struct vm_live_budget *open_budget(void)
{
    struct vm_error e;
    struct vm_live_budget *b = vm_live_budget_open(ALL * PAGE, &e);
    assert_non_null(b);
    return b;
}

static struct vm_live_options member(struct vm_live_budget *b, uint64_t least)
{
    return (struct vm_live_options){.limit_bytes = ALL * PAGE,
                                    .policy = "clock",
                                    .store = "memory",
                                    .budget = b,
                                    .least_bytes = least * PAGE};
}

static uint64_t resident(struct vm_live *l)
{
    struct vm_live_stats s;
    vm_live_stats(l, &s);
    return s.resident_pages;
}

static void use(struct vm_live *l, uint8_t *data, int rounds)
{
    for (int k = 0; k < rounds; k++)
        for (size_t i = 0; i < PAGES; i++)
            data[i * 1237 % PAGES * PAGE]++;
    check_region(l, &l->region[0]);
}

static void memory_goes_to_who_misses_most_and_back(void **state)
{
    (void)state;
    struct vm_live_budget *b = open_budget();
    struct vm_live *l[2];
    uint8_t *data[2];
    for (int i = 0; i < 2; i++) {
        struct vm_live_options o = member(b, 200);
        l[i] = open_pager(&o);
        data[i] = map_region(l[i], PAGES * PAGE);
    }
    for (int turn = 0; turn < 4; turn++) {
        use(l[turn % 2], data[turn % 2], 100);
        uint64_t mine = resident(l[turn % 2]), others = resident(l[1 - turn % 2]);
        assert_true(mine + others <= ALL);
        assert_in_range(mine, ALL - 200 - 64, ALL - 200); /* a batch has just left */
        assert_true(others <= 200 + ALL / 32);
    }
    for (size_t i = 0; i < PAGES; i++) {
        assert_int_equal(data[0][i * PAGE], 200);
        assert_int_equal(data[1][i * PAGE], 200);
    }
    vm_live_close(l[0]);
    vm_live_close(l[1]);
    vm_live_budget_close(b);
}

static void who_needs_too_much_is_not_admitted(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_live_budget *b = open_budget();
    struct vm_live_options first = member(b, 600), second = member(b, 425);
    struct vm_live *l = open_pager(&first);
    uint8_t *data = map_region(l, PAGES * PAGE);
    use(l, data, 60);
    assert_int_equal(resident(l) > 900, 1);
    assert_null(vm_live_open(&second, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, "not admitted"));
    second.least_bytes = 424 * PAGE;
    struct vm_live *other = open_pager(&second);
    assert_true(resident(l) <= 600);
    vm_live_close(other);
    use(l, data, 60);
    assert_int_equal(resident(l) > 900, 1);
    vm_live_close(l);
    vm_live_budget_close(b);
}

static void a_budget_is_of_one_process(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_live_budget *b = open_budget();
    struct vm_live_options o = member(b, 200);
    vm_live_close(open_pager(&o));
    o.fork = VM_LIVE_FORK_COPY;
    assert_null(vm_live_open(&o, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    vm_live_budget_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_goes_to_who_misses_most_and_back),
        cmocka_unit_test(who_needs_too_much_is_not_admitted),
        cmocka_unit_test(a_budget_is_of_one_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
