/* base_intern.c - the laws of base/intern.c, against a map that is one array. */
#include "base/intern.h"

#include "base/random.h"
#include "test.h"

#include <stdlib.h>

#define NONE UINT32_MAX

static struct vm_intern opened(void)
{
    struct vm_intern t;
    struct vm_error e;
    assert_true(vm_intern_open(&t, &e));
    return t;
}

/* A slot for every id that is not forgotten, reachable from its key's home, and not one more. */
static void check_table(const struct vm_intern *t)
{
    uint64_t slots = (uint64_t)t->mask + 1;
    assert_int_equal(slots & t->mask, 0);
    assert_true(t->n <= slots / 4 * 3 && t->n <= t->keys_cap);
    for (uint64_t i = 0; i < slots; i++) {
        if (!t->slots[i])
            continue;
        uint32_t id = t->slots[i] - 1;
        assert_true(id < t->n);
        assert_int_equal(vm_intern_peek(t, t->keys[id]), id);
    }
}

static void ids_are_dense_in_order_of_first_appearance(void **state)
{
    (void)state;
    struct vm_intern t = opened();
    for (uint64_t i = 0; i < 50000; i++) {
        uint64_t key = i * 4096 + UINT64_C(0x7fff00000000);
        assert_int_equal(vm_intern_peek(&t, key), NONE);
        assert_int_equal(vm_intern_id(&t, key), i);
        assert_int_equal(vm_intern_id(&t, i / 2 * 4096 + UINT64_C(0x7fff00000000)), i / 2);
        assert_int_equal(t.keys[i], key);
    }
    assert_int_equal(t.n, 50000);
    check_table(&t);
    vm_intern_close(&t);
}

static void zero_and_all_ones_are_keys_like_others(void **state)
{
    (void)state;
    struct vm_intern t = opened();
    assert_int_equal(vm_intern_peek(&t, 0), NONE);
    assert_int_equal(vm_intern_id(&t, UINT64_MAX), 0);
    assert_int_equal(vm_intern_id(&t, 0), 1);
    assert_int_equal(vm_intern_peek(&t, UINT64_MAX), 0);
    assert_int_equal(vm_intern_peek(&t, 0), 1);
    vm_intern_close(&t);
}

static void a_forgotten_key_comes_back_as_a_new_one(void **state)
{
    (void)state;
    struct vm_intern t = opened();
    assert_int_equal(vm_intern_id(&t, 7), 0);
    assert_int_equal(vm_intern_id(&t, 8), 1);
    vm_intern_forget(&t, 7);
    vm_intern_forget(&t, 999);
    assert_int_equal(vm_intern_peek(&t, 7), NONE);
    assert_int_equal(vm_intern_peek(&t, 8), 1);
    assert_int_equal(vm_intern_id(&t, 7), 2);
    assert_int_equal(t.n, 3);
    vm_intern_close(&t);
}

static void growth_does_not_bring_forgotten_keys_back(void **state)
{
    (void)state;
    struct vm_intern t = opened();
    for (uint64_t key = 0; key < 700; key++)
        vm_intern_id(&t, key);
    for (uint64_t key = 0; key < 700; key += 2)
        vm_intern_forget(&t, key);
    for (uint64_t key = 10000; key < 30000; key++)
        vm_intern_id(&t, key);
    for (uint64_t key = 0; key < 700; key++)
        assert_int_equal(vm_intern_peek(&t, key), key % 2 ? key : NONE);
    check_table(&t);
    vm_intern_close(&t);
}

/* Keys below NKEYS, as ids in an array. */
#define NKEYS 3000
struct naive {
    uint32_t id[NKEYS], n;
};

static void random_step(struct vm_intern *t, struct naive *naive, struct vm_random *random)
{
    uint64_t number = vm_random_below(random, NKEYS), key = number << 12;
    uint32_t *id = &naive->id[number];
    switch (vm_random_below(random, 4)) {
    case 0:
        assert_int_equal(vm_intern_peek(t, key), *id);
        break;
    case 1:
        vm_intern_forget(t, key);
        *id = NONE;
        break;
    default:
        *id = *id == NONE ? naive->n++ : *id;
        assert_int_equal(vm_intern_id(t, key), *id);
    }
}

static void it_equals_a_naive_map_under_random_operations(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct vm_intern t = opened();
        struct naive naive = {.n = 0};
        struct vm_random random;
        vm_random_seed(&random, seed);
        for (size_t i = 0; i < NKEYS; i++)
            naive.id[i] = NONE;
        for (int i = 0; i < 20000; i++) {
            random_step(&t, &naive, &random);
            if (i % 1000 == 0)
                check_table(&t);
        }
        for (uint64_t i = 0; i < NKEYS; i++)
            assert_int_equal(vm_intern_peek(&t, i << 12), naive.id[i]);
        assert_int_equal(t.n, naive.n);
        vm_intern_close(&t);
    }
}

/* A key whose home is `home` in a table of any size up to 2^32 slots whose low bits agree. */
static uint64_t key_at_home(uint32_t home, uint32_t mask, uint64_t *from)
{
    while (((uint32_t)vm_mix64(*from) & mask) != home)
        ++*from;
    return (*from)++;
}

static void a_cluster_around_the_tables_end_survives_forgetting_and_growth(void **state)
{
    (void)state;
    for (uint32_t forgotten = 0; forgotten < 40; forgotten++) {
        struct vm_intern t = opened();
        uint64_t from = 1, key[40];
        for (uint32_t i = 0; i < 40; i++) {
            key[i] = key_at_home((t.mask - 5 + i / 4) & t.mask, t.mask, &from);
            assert_int_equal(vm_intern_id(&t, key[i]), i);
        }
        vm_intern_forget(&t, key[forgotten]);
        check_table(&t);
        for (uint64_t more = 0; more < 800; more++)
            vm_intern_id(&t, UINT64_C(1) << 40 | more);
        check_table(&t);
        for (uint32_t i = 0; i < 40; i++)
            assert_int_equal(vm_intern_peek(&t, key[i]), i == forgotten ? NONE : i);
        vm_intern_close(&t);
    }
}

static void a_key_costs_at_most_the_promised_bytes(void **state)
{
    (void)state;
    struct vm_intern t = opened();
    for (uint64_t key = 0; key < 300000; key++) {
        vm_intern_id(&t, key);
        uint64_t bytes = ((uint64_t)t.mask + 1) * sizeof *t.slots + t.n * sizeof *t.keys;
        if (t.n > 1024)
            assert_true(bytes <= 19 * (uint64_t)t.n);
    }
    vm_intern_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_dense_in_order_of_first_appearance),
        cmocka_unit_test(zero_and_all_ones_are_keys_like_others),
        cmocka_unit_test(a_forgotten_key_comes_back_as_a_new_one),
        cmocka_unit_test(growth_does_not_bring_forgotten_keys_back),
        cmocka_unit_test(it_equals_a_naive_map_under_random_operations),
        cmocka_unit_test(a_cluster_around_the_tables_end_survives_forgetting_and_growth),
        cmocka_unit_test(a_key_costs_at_most_the_promised_bytes),
    };
    return cmocka_run_group_tests_name("base_intern", tests, NULL, NULL);
}
