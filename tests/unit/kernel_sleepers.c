/* kernel_sleepers.c - the table of sleepers beside a plain list of who sleeps for what, in the
 * order in which they began. */
#include "kernel/sleepers.h"

#include "base/random.h"
#include "unit/test.h"

enum { TASKS = 40, THINGS = 6 };

struct sleep {
    vm_task task;
    uint64_t what;
};

struct pair {
    struct sleepers it;
    struct sleep naive[TASKS];
    uint32_t n, ntasks;
    struct vm_random random;
};

static uint64_t below(struct pair *p, uint64_t n)
{
    return vm_random_below(&p->random, n);
}

/* Some things have the same list, whatever the hash. */
static uint64_t thing(struct pair *p)
{
    return below(p, THINGS) * UINT64_C(0x100000001);
}

static uint32_t naive_place(const struct pair *p, vm_task task)
{
    uint32_t i = 0;
    while (i < p->n && p->naive[i].task != task)
        i++;
    return i;
}

static void begin_sleep(struct pair *p, vm_task task)
{
    if (naive_place(p, task) < p->n)
        return;
    p->naive[p->n++] = (struct sleep){task, thing(p)};
    vm_sleepers_add(&p->it, task, p->naive[p->n - 1].what);
}

static void end_sleep(struct pair *p, vm_task task)
{
    uint32_t at = naive_place(p, task);
    vm_sleepers_remove(&p->it, task);
    if (at == p->n)
        return;
    p->n--;
    for (; at < p->n; at++)
        p->naive[at] = p->naive[at + 1];
}

static void compare(const struct pair *p, uint64_t what)
{
    vm_task task = VM_NOTASK;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->naive[i].what != what)
            continue;
        task = vm_sleepers_next(&p->it, what, task);
        assert_int_equal(task, p->naive[i].task);
    }
    assert_int_equal(vm_sleepers_next(&p->it, what, task), VM_NOTASK);
}

static void sleepers_are_found_in_the_order_in_which_they_came(void **unused)
{
    struct vm_error e;
    (void)unused;
    for (unsigned round = 0; round < 40; round++) {
        struct pair p = {.ntasks = 1 + round};
        vm_random_seed(&p.random, round);
        assert_true(vm_sleepers_open(&p.it, p.ntasks, &e));
        for (unsigned i = 0; i < 500; i++) {
            vm_task task = (vm_task)below(&p, p.ntasks);
            (below(&p, 2) ? begin_sleep : end_sleep)(&p, task);
            compare(&p, thing(&p));
        }
        vm_sleepers_close(&p.it);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleepers_are_found_in_the_order_in_which_they_came),
    };
    return cmocka_run_group_tests_name("kernel_sleepers", tests, NULL, NULL);
}
