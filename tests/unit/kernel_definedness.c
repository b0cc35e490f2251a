/* kernel_definedness.c - which bits of a result are undefined, against all values that the
 * undefined bits of the operands could have.
 */
#include "base/random.h"
#include "kernel/definedness.h"
#include "rounds.h"
#include "rv64/decode.h"

#include "unit/test.h"

#define UNKNOWN_MOST 6 /* undefined bits of both operands: so many worlds are tried, as a power */

/* ---- what the instructions compute (volume I of the manual) ---- */

static uint64_t word(uint64_t value)
{
    return (uint64_t)(int64_t)(int32_t)value;
}

static uint64_t computed(unsigned code, uint64_t a, uint64_t b)
{
    switch (code) {
    case RV64_add:
        return a + b;
    case RV64_addw:
        return word(a + b);
    case RV64_sub:
        return a - b;
    case RV64_subw:
        return word(a - b);
    case RV64_and:
        return a & b;
    case RV64_or:
        return a | b;
    case RV64_xor:
        return a ^ b;
    case RV64_sltu:
        return a < b;
    case RV64_slt:
        return (int64_t)a < (int64_t)b;
    case RV64_sll:
        return a << (b & 63);
    case RV64_srl:
        return a >> (b & 63);
    case RV64_sra:
        return (uint64_t)((int64_t)a >> (b & 63));
    case RV64_sllw:
        return word(a << (b & 31));
    case RV64_srlw:
        return word((uint32_t)a >> (b & 31));
    case RV64_sraw:
        return (uint64_t)(int64_t)((int32_t)a >> (b & 31));
    case RV64_mul:
        return a * b;
    case RV64_mulw:
        return word(a * b);
    case RV64_mulhu:
        return (uint64_t)((unsigned __int128)a * b >> 64);
    case RV64_divu:
        return b ? a / b : UINT64_MAX;
    case RV64_remuw:
        return (uint32_t)b ? word((uint32_t)a % (uint32_t)b) : word(a);
    default:
        assert_true(!"a code that the test computes");
        return 0;
    }
}

static bool taken(unsigned code, uint64_t a, uint64_t b)
{
    switch (code) {
    case RV64_beq:
        return a == b;
    case RV64_bne:
        return a != b;
    case RV64_blt:
        return (int64_t)a < (int64_t)b;
    case RV64_bge:
        return (int64_t)a >= (int64_t)b;
    case RV64_bltu:
        return a < b;
    default:
        return a >= b;
    }
}

/* ---- all worlds ---- */

/* Bits of `number` at the places that are set in `mask`, lowest first; the number is used up. */
static uint64_t scattered(uint64_t mask, unsigned *number)
{
    uint64_t bits = 0;
    for (; mask; mask &= mask - 1, *number >>= 1)
        if (*number & 1)
            bits |= mask & -mask;
    return bits;
}

/* World `i`: the operands as they could be. */
static void choose(struct partial a, struct partial b, unsigned i, uint64_t *x, uint64_t *y)
{
    *x = (a.value & ~a.undefined) | scattered(a.undefined, &i);
    *y = (b.value & ~b.undefined) | scattered(b.undefined, &i);
}

static unsigned worlds(struct partial a, struct partial b)
{
    int bits = __builtin_popcountll(a.undefined) + __builtin_popcountll(b.undefined);
    return 1u << bits;
}

static uint64_t varying(unsigned code, struct partial a, struct partial b)
{
    uint64_t x, y, differs = 0;
    choose(a, b, 0, &x, &y);
    uint64_t first = computed(code, x, y);
    for (unsigned i = 1; i < worlds(a, b); i++) {
        choose(a, b, i, &x, &y);
        differs |= computed(code, x, y) ^ first;
    }
    return differs;
}

/* Small numbers, and such as have a few bits at either end, come often. */
static struct partial some_partial(struct vm_random *r)
{
    struct partial p = {vm_random_u64(r), 0};
    unsigned n = (unsigned)vm_random_below(r, UNKNOWN_MOST / 2 + 1);
    if (vm_random_below(r, 2))
        p.value >>= vm_random_below(r, 64);
    if (!vm_random_below(r, 4))
        p.value = ~p.value;
    while (n--)
        p.undefined |= UINT64_C(1) << vm_random_below(r, vm_random_below(r, 2) ? 8 : 64);
    return p;
}

static void whatever_could_be_otherwise_is_undefined(void **state)
{
    static const unsigned codes[] = {RV64_add,  RV64_addw,  RV64_sub,  RV64_subw, RV64_mul,
                                     RV64_mulw, RV64_mulhu, RV64_divu, RV64_remuw};
    struct vm_random r;
    (void)state;
    vm_random_seed(&r, 1);
    for (unsigned round = 0; round < test_rounds(20000); round++) {
        struct partial a = some_partial(&r), b = some_partial(&r);
        unsigned code = codes[vm_random_below(&r, sizeof codes / sizeof codes[0])];
        assert_int_equal(varying(code, a, b) & ~vm_undefined_result(code, a, b), 0);
    }
}

static void of_bits_shifts_and_comparisons_nothing_else_is(void **state)
{
    static const unsigned codes[] = {RV64_and, RV64_or,  RV64_xor,  RV64_sltu, RV64_slt, RV64_sll,
                                     RV64_srl, RV64_sra, RV64_sllw, RV64_srlw, RV64_sraw};
    struct vm_random r;
    (void)state;
    vm_random_seed(&r, 2);
    for (unsigned round = 0; round < test_rounds(20000); round++) {
        struct partial a = some_partial(&r), b = some_partial(&r);
        unsigned i = (unsigned)vm_random_below(&r, sizeof codes / sizeof codes[0]);
        if (i >= 5) /* an amount is known, or all is undefined */
            b.undefined = 0;
        assert_int_equal(vm_undefined_result(codes[i], a, b), varying(codes[i], a, b));
    }
}

static void a_sum_is_undefined_no_lower_than_its_operands(void **state)
{
    struct vm_random r;
    (void)state;
    vm_random_seed(&r, 3);
    for (unsigned round = 0; round < test_rounds(5000); round++) {
        struct partial a = some_partial(&r), b = some_partial(&r);
        uint64_t unknown = a.undefined | b.undefined, upwards = unknown | -unknown;
        assert_int_equal(vm_undefined_result(RV64_add, a, b) & ~upwards, 0);
        assert_int_equal(vm_undefined_result(RV64_sub, a, b) & ~upwards, 0);
    }
    /* 0x10 or 0x11, and 2: no carry goes up. */
    assert_int_equal(
        vm_undefined_result(RV64_add, (struct partial){0x10, 1}, (struct partial){2, 0}), 1);
}

static void a_branch_is_decided_if_it_could_go_both_ways(void **state)
{
    static const unsigned codes[] = {RV64_beq, RV64_bne, RV64_blt, RV64_bge, RV64_bltu, RV64_bgeu};
    struct vm_random r;
    (void)state;
    vm_random_seed(&r, 4);
    for (unsigned round = 0; round < test_rounds(20000); round++) {
        struct partial a = some_partial(&r), b = some_partial(&r);
        unsigned code = codes[vm_random_below(&r, sizeof codes / sizeof codes[0])];
        if (vm_random_below(&r, 3) == 0)
            b.value = a.value ^ (vm_random_below(&r, 2) ? a.undefined : 0);
        uint64_t x, y;
        choose(a, b, 0, &x, &y);
        bool first = taken(code, x, y), both = false;
        for (unsigned i = 1; i < worlds(a, b); i++) {
            choose(a, b, i, &x, &y);
            both = both || taken(code, x, y) != first;
        }
        assert_int_equal(vm_undefined_decides(code, a, b), both);
    }
}

static void a_load_extends_what_is_unknown_of_its_sign(void **state)
{
    (void)state;
    assert_int_equal(vm_undefined_loaded(RV64_lb, 0x80), UINT64_MAX << 7);
    assert_int_equal(vm_undefined_loaded(RV64_lbu, 0x80), 0x80);
    assert_int_equal(vm_undefined_loaded(RV64_lh, 0x8000), UINT64_MAX << 15);
    assert_int_equal(vm_undefined_loaded(RV64_lhu, 0x8001), 0x8001);
    assert_int_equal(vm_undefined_loaded(RV64_lw, 0x80000000), UINT64_MAX << 31);
    assert_int_equal(vm_undefined_loaded(RV64_lwu, 0x80000000), 0x80000000);
    assert_int_equal(vm_undefined_loaded(RV64_ld, 5), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_could_be_otherwise_is_undefined),
        cmocka_unit_test(of_bits_shifts_and_comparisons_nothing_else_is),
        cmocka_unit_test(a_sum_is_undefined_no_lower_than_its_operands),
        cmocka_unit_test(a_branch_is_decided_if_it_could_go_both_ways),
        cmocka_unit_test(a_load_extends_what_is_unknown_of_its_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
