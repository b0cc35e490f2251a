/* base_bits.c - the laws of base/bits.h. */
#include "base/bits.h"

#include "base/random.h"
#include "test.h"

static unsigned count_one_by_one(uint64_t x)
{
    unsigned n = 0;
    for (; x; x >>= 1)
        n += x & 1;
    return n;
}

static void bits_are_counted_as_one_by_one(void **state)
{
    (void)state;
    struct vm_random random;
    vm_random_seed(&random, 1);
    for (unsigned n = 0; n <= 64; n++)
        for (unsigned shift = 0; shift < 64; shift++) {
            uint64_t some = vm_low_bits(n) << shift, other = some ^ vm_random_u64(&random);
            assert_int_equal(vm_count_bits(some), count_one_by_one(some));
            assert_int_equal(vm_count_bits(other), count_one_by_one(other));
        }
    assert_int_equal(vm_count_bits(UINT64_MAX), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_counted_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
