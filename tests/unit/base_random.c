/* base_random.c - the laws of base/random.h.
 *
 * Known answers: splitmix64 and xoshiro256** as their authors' reference programs give them
 * (prng.di.unimi.it), computed by a separate program in another language.
 */
#include "base/random.h"

#include "test.h"

#include <string.h>

static void mixing_is_splitmix64s_output(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    uint64_t seed = 1234567;
    for (size_t i = 0; i < 5; i++)
        assert_true(vm_mix64(seed += UINT64_C(0x9e3779b97f4a7c15)) == expected[i]);
}

static void the_sequence_is_xoshiro256_starstars(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        11520,
        0,
        1509978240,
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct vm_random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(vm_random_u64(&r) == expected[i]);
}

static void a_seed_fills_the_state_by_splitmix64(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, first[4];
    } row[] = {
        {0,
         {UINT64_C(0x99ec5f36cb75f2b4), UINT64_C(0xbf6e1f784956452a), UINT64_C(0x1a5f849d4933e6e0),
          UINT64_C(0x6aa594f1262d2d2c)}},
        {42,
         {UINT64_C(0x15780b2e0c2ec716), UINT64_C(0x6104d9866d113a7e), UINT64_C(0xae17533239e499a1),
          UINT64_C(0xecb8ad4703b360a1)}},
    };
    for (size_t i = 0; i < 2; i++) {
        struct vm_random r;
        vm_random_seed(&r, row[i].seed);
        for (size_t k = 0; k < 4; k++)
            assert_true(vm_random_u64(&r) == row[i].first[k]);
    }
}

static void reals_are_the_high_53_bits(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 0);
    assert_true(vm_random_real(&r) == 0.6012629994179048);
    assert_true(vm_random_real(&r) == 0.7477740925472398);
    assert_true(vm_random_real(&r) == 0.10301998939503632);
    for (int i = 0; i < 100000; i++) {
        double x = vm_random_real(&r);
        assert_true(x >= 0 && x < 1);
    }
}

#define CELLS_MAX 64

/* Pearson's chi-square of the counts of `draws` numbers below n. */
static double chi_square(uint64_t seed, uint64_t n, unsigned draws)
{
    struct vm_random r;
    uint64_t seen[CELLS_MAX] = {0};
    double expected = (double)draws / (double)n, sum = 0;
    vm_random_seed(&r, seed);
    for (unsigned i = 0; i < draws; i++) {
        uint64_t x = vm_random_below(&r, n);
        assert_true(x < n);
        seen[x]++;
    }
    for (uint64_t i = 0; i < n; i++)
        sum += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    return sum;
}

static void below_is_uniform(void **state)
{
    (void)state;
    /* n, and the chi-square that n - 1 degrees of freedom exceed with probability 0.001 */
    static const struct {
        uint64_t n;
        double bound;
    } row[] = {{2, 10.83}, {3, 13.82}, {7, 22.46}, {10, 27.88}, {50, 85.35}, {64, 103.44}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            assert_true(chi_square(seed, row[i].n, 100000) < row[i].bound);
}

/* With n = 3 x 2^62 a plain remainder would put half of the draws below 2^62, and a multiplication
 * without rejection would make half of them multiples of three. */
static void below_has_no_bias_for_large_n(void **state)
{
    (void)state;
    const uint64_t n = UINT64_C(3) << 62;
    struct vm_random r;
    unsigned low = 0, thirds[3] = {0}, draws = 90000;
    vm_random_seed(&r, 11);
    for (unsigned i = 0; i < draws; i++) {
        uint64_t x = vm_random_below(&r, n);
        assert_true(x < n);
        low += x < (UINT64_C(1) << 62);
        thirds[x % 3]++;
    }
    /* 30,000 expected, standard deviation 141: five of them */
    assert_in_range(low, 29293, 30707);
    for (size_t k = 0; k < 3; k++)
        assert_in_range(thirds[k], 29293, 30707);
}

static void below_one_is_zero(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 3);
    for (int i = 0; i < 100; i++)
        assert_int_equal(vm_random_below(&r, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixing_is_splitmix64s_output),
        cmocka_unit_test(the_sequence_is_xoshiro256_starstars),
        cmocka_unit_test(a_seed_fills_the_state_by_splitmix64),
        cmocka_unit_test(reals_are_the_high_53_bits),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(below_has_no_bias_for_large_n),
        cmocka_unit_test(below_one_is_zero),
    };
    return cmocka_run_group_tests_name("base_random", tests, NULL, NULL);
}
