/* base_region.c - address space with an end that moves (src/base/region.h). */
#include "base/region.h"
#include "unit/test.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)

static void a_region_lies_as_aligned_as_asked_for(void **unused)
{
    (void)unused;
    struct vm_region r;
    struct vm_error e;
    for (size_t align = PAGE; align <= (size_t)1 << 30; align *= 4) {
        assert_true(vm_region_open(&r, 16 * PAGE, align, &e));
        assert_int_equal((uintptr_t)r.base % align, 0);
        assert_int_equal(r.end, 0);
        vm_region_close(&r);
    }
    vm_region_close(&r); /* a zeroed one is fine */
}

static void the_end_moves_up_to_the_limit(void **unused)
{
    (void)unused;
    struct vm_region r;
    struct vm_error e;
    assert_true(vm_region_open(&r, 4 * PAGE, PAGE, &e));
    assert_true(vm_region_move_end(&r, 4 * PAGE));
    r.base[4 * PAGE - 1] = 1;
    assert_false(vm_region_move_end(&r, 5 * PAGE));
    assert_int_equal(r.end, 4 * PAGE);
    vm_region_close(&r);
}

static void bytes_that_were_given_up_come_back_as_zero(void **unused)
{
    (void)unused;
    struct vm_region r;
    struct vm_error e;
    unsigned char in[4];
    assert_true(vm_region_open(&r, 4 * PAGE, PAGE, &e));
    vm_region_move_end(&r, 4 * PAGE);
    for (size_t i = 0; i < 4; i++)
        r.base[i * PAGE] = 7;
    vm_region_move_end(&r, PAGE);
    assert_int_equal(mincore(r.base, 4 * PAGE, in), 0);
    assert_int_equal(in[0] & 1, 1);
    assert_int_equal(in[1] & 1, 0); /* the host has the page again */
    vm_region_move_end(&r, 4 * PAGE);
    assert_int_equal(r.base[0], 7);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(r.base[i * PAGE], 0);
    vm_region_close(&r);
}

static void more_than_there_is_of_address_space_is_an_error(void **unused)
{
    (void)unused;
    struct vm_region r;
    struct vm_error e;
    assert_false(vm_region_open(&r, (size_t)1 << 60, PAGE, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_false(vm_region_open(&r, SIZE_MAX & ~(PAGE - 1), (size_t)1 << 21, &e));
    vm_region_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_region_lies_as_aligned_as_asked_for),
        cmocka_unit_test(the_end_moves_up_to_the_limit),
        cmocka_unit_test(bytes_that_were_given_up_come_back_as_zero),
        cmocka_unit_test(more_than_there_is_of_address_space_is_an_error),
    };
    return cmocka_run_group_tests_name("base_region", tests, NULL, NULL);
}
