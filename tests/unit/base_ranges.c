/* base_ranges.c - sets of ranges against a plain array of numbers. */
#include "base/ranges.h"

#include "base/random.h"
#include "rounds.h"
#include "test.h"

#include <string.h>

#define NUMBERS 96

struct world {
    bool member[NUMBERS];
    struct vm_range room[NUMBERS];
    struct vm_ranges set;
};

static bool plain_all(const struct world *w, uint64_t from, uint64_t end, bool in)
{
    for (uint64_t i = from; i < end; i++)
        if (w->member[i] != in)
            return false;
    return true;
}

static uint64_t plain_gap(const struct world *w, uint64_t low, uint64_t high, uint64_t n,
                          uint64_t align)
{
    for (uint64_t at = low; at + n <= high; at++)
        if (at % align == 0 && plain_all(w, at, at + n, false))
            return at;
    return VM_RANGES_NONE;
}

static bool plain_part(const struct world *w, uint64_t from, uint64_t end, struct vm_range *part)
{
    while (from < end && !w->member[from])
        from++;
    *part = (struct vm_range){from, from};
    while (part->end < end && w->member[part->end])
        part->end++;
    return part->end > from;
}

static size_t plain_ranges(const struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < NUMBERS; i++)
        n += w->member[i] && (i == 0 || !w->member[i - 1]);
    return n;
}

static void compare(const struct world *w, struct vm_random *r)
{
    uint64_t from = vm_random_below(r, NUMBERS),
             end = from + vm_random_below(r, NUMBERS - from + 1);
    uint64_t n = 1 + vm_random_below(r, 9), align = 1 + vm_random_below(r, 4);
    struct vm_range part, plain;
    vm_ranges_check(&w->set);
    bool is_there = plain_part(w, from, end, &plain);
    assert_int_equal(vm_ranges_part(&w->set, from, end, &part), is_there);
    assert_true(!is_there || (part.from == plain.from && part.end == plain.end));
    assert_int_equal(w->set.n, plain_ranges(w));
    assert_int_equal(vm_ranges_has_all(&w->set, from, end), plain_all(w, from, end, true));
    assert_int_equal(vm_ranges_has_none(&w->set, from, end), plain_all(w, from, end, false));
    assert_int_equal(vm_ranges_gap(&w->set, from, end, n, align),
                     plain_gap(w, from, end, n, align));
}

static void ranges_are_as_an_array_of_numbers(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct vm_random r;
        struct world w = {.set = {.max = NUMBERS}};
        vm_random_seed(&r, seed);
        w.set.range = w.room;
        for (int step = 0; step < 200; step++) {
            uint64_t from = vm_random_below(&r, NUMBERS);
            uint64_t end =
                from + vm_random_below(&r, (NUMBERS - from < 20 ? NUMBERS - from : 20) + 1);
            bool in = vm_random_below(&r, 2);
            assert_true((in ? vm_ranges_add : vm_ranges_remove)(&w.set, from, end));
            memset(w.member + from, in, end - from);
            compare(&w, &r);
        }
    }
}

static void what_needs_more_ranges_than_there_is_room_for_changes_nothing(void **state)
{
    (void)state;
    struct vm_range room[2];
    struct vm_ranges set = {.range = room, .max = 2};
    assert_true(vm_ranges_add(&set, 10, 20));
    assert_true(vm_ranges_add(&set, 30, 40));
    assert_false(vm_ranges_add(&set, 50, 60));
    assert_false(vm_ranges_remove(&set, 12, 14));
    assert_true(vm_ranges_has_all(&set, 10, 20) && vm_ranges_has_all(&set, 30, 40));
    assert_true(vm_ranges_has_none(&set, 20, 30) && vm_ranges_has_none(&set, 40, 100));
    assert_true(vm_ranges_add(&set, 20, 30));
    assert_int_equal(set.n, 1);
    vm_ranges_check(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_as_an_array_of_numbers),
        cmocka_unit_test(what_needs_more_ranges_than_there_is_room_for_changes_nothing),
    };
    return cmocka_run_group_tests_name("base_ranges", tests, NULL, NULL);
}
