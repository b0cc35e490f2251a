/* policy_future.c - the backward pass, in memory and through a spool. */
#include "policy/future.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_next_touch_of_each_page_is_found(void **state)
{
    (void)state;
    struct vm_error e;
    uint32_t word[] = {3, 1, 3, 2, 1, 3};
    const uint32_t next[] = {2, 4, 5, VM_NEVER, VM_NEVER, VM_NEVER};
    assert_true(vm_future_of_array(word, 6, 4, &e));
    assert_memory_equal(word, next, sizeof next);
}

static void no_touches_have_no_future(void **state)
{
    (void)state;
    struct vm_error e;
    assert_true(vm_future_of_array(NULL, 0, 0, &e));
}

static void more_touches_than_can_be_numbered_are_refused(void **state)
{
    (void)state;
    struct vm_error e = {0};
    assert_false(vm_future_of_array(NULL, VM_NEVER, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, "4294967295"));
}

/* The same touches by an array and by a spool that keeps `memory_bytes` in memory. */
static void by_spool(size_t n, size_t memory_bytes)
{
    enum { NPAGES = 5000 };
    struct vm_error e;
    struct vm_random random;
    struct vm_future_reader reader;
    uint32_t *word = malloc((n + 1) * sizeof *word);
    struct vm_spool *spool = vm_spool_open(memory_bytes, &e);
    assert_true(word && spool);
    vm_random_seed(&random, n);
    for (size_t i = 0; i < n; i++)
        word[i] = (uint32_t)vm_random_below(&random, NPAGES);
    assert_true(vm_spool_push(spool, word, n, &e) && vm_spool_seal(spool, &e));
    assert_true(vm_future_of_array(word, n, NPAGES, &e));
    assert_true(vm_future_of_spool(spool, NPAGES, &e));
    vm_future_open(&reader, spool);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(vm_future_take(&reader.future), word[i]);
    assert_true(vm_future_sound(&reader, &e));
    vm_spool_close(spool);
    free(word);
}

static void a_spool_has_the_same_future_as_an_array(void **state)
{
    (void)state;
    by_spool(0, 0);
    by_spool(1, 0);
    by_spool(VM_SPOOL_BLOCK, 0);
    by_spool(3 * VM_SPOOL_BLOCK + 17, 0);
    by_spool(3 * VM_SPOOL_BLOCK + 17, 2 * VM_SPOOL_BLOCK * sizeof(uint32_t));
    by_spool(2 * VM_SPOOL_BLOCK, 100 * VM_SPOOL_BLOCK * sizeof(uint32_t));
}

static void a_reader_that_failed_says_never_and_says_so(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_future_reader reader;
    vm_future_open(&reader, NULL);
    reader.failed = true;
    vm_fail(&reader.error, VM_ESYSTEM, "the disk is gone");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(vm_future_take(&reader.future), VM_NEVER);
    assert_false(vm_future_sound(&reader, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_string_equal(e.text, "the disk is gone");
}

static void a_trace_that_has_grown_since_is_told(void **state)
{
    (void)state;
    struct vm_error e = {0};
    struct vm_future_reader reader;
    struct vm_spool *spool = vm_spool_open(1 << 20, &e);
    const uint32_t page[] = {0, 1, 0};
    assert_true(vm_spool_push(spool, page, 3, &e) && vm_spool_seal(spool, &e));
    assert_true(vm_future_of_spool(spool, 2, &e));
    vm_future_open(&reader, spool);
    for (int i = 0; i < 3; i++) {
        assert_false(vm_future_used_up(&reader));
        vm_future_take(&reader.future);
    }
    assert_true(vm_future_used_up(&reader) && vm_future_sound(&reader, &e));
    assert_int_equal(vm_future_take(&reader.future), VM_NEVER);
    assert_false(vm_future_sound(&reader, &e));
    assert_int_equal(e.code, VM_EINPUT);
    vm_spool_close(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_that_has_grown_since_is_told),
        cmocka_unit_test(the_next_touch_of_each_page_is_found),
        cmocka_unit_test(no_touches_have_no_future),
        cmocka_unit_test(more_touches_than_can_be_numbered_are_refused),
        cmocka_unit_test(a_spool_has_the_same_future_as_an_array),
        cmocka_unit_test(a_reader_that_failed_says_never_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
