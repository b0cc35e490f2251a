/* base_bitset.c - a set of numbers against a plain array. */
#include "base/bitset.h"

#include "base/random.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

struct plain {
    struct vm_bitset set;
    bool *member;
    uint64_t n;
    void *words;
};

static struct plain plain_open(uint64_t n)
{
    struct plain p = {.n = n, .member = calloc(n, 1)};
    p.words = aligned_alloc(64, vm_bitset_size(n));
    assert_true(p.member && p.words);
    memset(p.words, 0, vm_bitset_size(n));
    vm_bitset_init(&p.set, p.words, n);
    return p;
}

static void plain_close(struct plain *p)
{
    vm_bitset_check(&p->set);
    free(p->member);
    free(p->words);
}

static uint64_t plain_next(const struct plain *p, uint64_t at)
{
    while (at < p->n && !p->member[at])
        at++;
    return at < p->n ? at : VM_BITSET_NONE;
}

static uint64_t plain_prev(const struct plain *p, uint64_t at)
{
    while (at != VM_BITSET_NONE && !p->member[at])
        at--;
    return at;
}

static void change(struct plain *p, uint64_t number, bool in)
{
    p->member[number] = in;
    if (in)
        vm_bitset_add(&p->set, number);
    else
        vm_bitset_drop(&p->set, number);
    assert_int_equal(vm_bitset_has(&p->set, number), in);
}

/* One in `out_of` numbers asked for comes in, the others go: full and nearly empty sets. */
static void against_plain(uint64_t n, uint64_t out_of)
{
    struct plain p = plain_open(n);
    struct vm_random random;
    vm_random_seed(&random, n);
    for (int i = 0; i < 2000; i++) {
        change(&p, vm_random_below(&random, n), vm_random_below(&random, out_of) == 0);
        uint64_t at = vm_random_below(&random, n);
        assert_int_equal(vm_bitset_next(&p.set, at), plain_next(&p, at));
        assert_int_equal(vm_bitset_prev(&p.set, at), plain_prev(&p, at));
    }
    assert_int_equal(vm_bitset_next(&p.set, n), VM_BITSET_NONE);
    plain_close(&p);
}

static void a_set_finds_the_members_beside_a_number(void **unused)
{
    (void)unused;
    static const uint64_t n[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 262144, 262145};
    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++) {
        against_plain(n[i], 3);
        against_plain(n[i], 40);
    }
}

static void a_set_written_as_a_whole_is_refitted(void **unused)
{
    (void)unused;
    enum { NUMBERS = 300000 };
    struct plain p = plain_open(NUMBERS);
    vm_bitset_add(&p.set, 70000);
    p.set.level[0][70000 / 64] = 0;
    p.set.level[0][NUMBERS / 64 - 1] = 2;
    vm_bitset_refit(&p.set);
    assert_int_equal(vm_bitset_next(&p.set, 0), (NUMBERS / 64 - 1) * 64 + 1);
    assert_int_equal(vm_bitset_prev(&p.set, NUMBERS - 1), (NUMBERS / 64 - 1) * 64 + 1);
    plain_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_finds_the_members_beside_a_number),
        cmocka_unit_test(a_set_written_as_a_whole_is_refitted),
    };
    return cmocka_run_group_tests_name("base_bitset", tests, NULL, NULL);
}
