/* base_arena.c - the laws of base/arena.c and base/bits.h. */
#include "base/arena.h"

#include "base/bits.h"
#include "test.h"

static void what_is_taken_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 64, 0, 65, 100000, 7};
    struct vm_arena a;
    struct vm_error e;
    size_t room = 0;
    for (size_t i = 0; i < 6; i++)
        room += vm_arena_room(sizes[i]);
    assert_true(vm_arena_open(&a, room, &e));
    for (size_t i = 0; i < 6; i++) {
        uint8_t *taken = vm_arena_take(&a, sizes[i]);
        assert_int_equal((uintptr_t)taken % VM_ARENA_ALIGN, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(taken[k], 0);
        for (size_t k = 0; k < sizes[i]; k++)
            taken[k] = 0xff;
    }
    assert_int_equal(a.used, room);
    vm_arena_close(&a);
    vm_arena_close(&a);
}

static void a_reservation_larger_than_memory_costs_only_what_is_touched(void **state)
{
    (void)state;
    struct vm_arena a;
    struct vm_error e;
    assert_true(vm_arena_open(&a, (size_t)1 << 42, &e));
    uint8_t *taken = vm_arena_take(&a, (size_t)1 << 42);
    taken[0] = taken[((size_t)1 << 42) - 1] = 1;
    vm_arena_close(&a);
}

static void more_than_there_is_address_space_is_an_error(void **state)
{
    (void)state;
    struct vm_arena a;
    struct vm_error e;
    assert_false(vm_arena_open(&a, (size_t)1 << 60, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    vm_arena_close(&a);
}

static void logarithms_agree_with_counting(void **state)
{
    (void)state;
    for (uint64_t x = 1; x < 5000; x++) {
        unsigned log = 0, bits = 0;
        while (x >> (log + 1))
            log++;
        while ((x - 1) >> bits)
            bits++;
        assert_int_equal(vm_log2(x), log);
        assert_int_equal(vm_bits_below(x), bits);
        assert_int_equal(vm_is_pow2(x), x == UINT64_C(1) << log);
    }
    assert_false(vm_is_pow2(0));
    assert_int_equal(vm_bits_below(0), 0);
    assert_int_equal(vm_log2(UINT64_MAX), 63);
    assert_true(vm_low_bits(0) == 0 && vm_low_bits(12) == 0xfff);
    assert_true(vm_low_bits(63) == UINT64_MAX >> 1 && vm_low_bits(64) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_zeroed_aligned_and_apart),
        cmocka_unit_test(a_reservation_larger_than_memory_costs_only_what_is_touched),
        cmocka_unit_test(more_than_there_is_address_space_is_an_error),
        cmocka_unit_test(logarithms_agree_with_counting),
    };
    return cmocka_run_group_tests_name("base_arena", tests, NULL, NULL);
}
