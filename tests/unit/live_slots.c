/* live_slots.c - slots along a log, their holders, and those that children read:
 * src/live/slots.c. */
#include "base/random.h"
#include "live/slots.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static void begin(struct vm_store_slots *s, uint64_t n)
{
    struct vm_error e;
    assert_true(vm_store_slots_open(s, n, &e));
}

static void give_back(struct vm_store_slots *s, uint64_t slot)
{
    if (vm_store_slots_drop(s, slot))
        vm_store_slots_give(s, slot);
}

static void what_is_taken_together_adjoins(void **unused)
{
    (void)unused;
    struct vm_store_slots s;
    uint64_t first;
    begin(&s, 640);
    for (uint64_t i = 0; i < 640; i += 16) {
        assert_int_equal(vm_store_slots_take(&s, 16, &first), 16);
        assert_int_equal(first, i);
    }
    assert_int_equal(vm_store_slots_take(&s, 1, &first), 0);
    vm_store_slots_check(&s);
    vm_store_slots_close(&s);
}

static void every_slot_is_taken_once_before_any_is_taken_again(void **unused)
{
    (void)unused;
    for (unsigned k = 1; k < 1 + test_rounds(200); k++) {
        struct vm_store_slots s;
        bool *taken = calloc(k, sizeof *taken);
        uint64_t first, all = 0;
        uint32_t n;
        begin(&s, k);
        while ((n = vm_store_slots_take(&s, 1 + k % 9, &first)))
            for (; n; n--, all++) {
                assert_true(first + n <= k && !taken[first + n - 1]);
                taken[first + n - 1] = true;
            }
        assert_int_equal(all, k);
        free(taken);
        vm_store_slots_close(&s);
    }
}

static void none_is_taken_past_what_is_usable(void **unused)
{
    (void)unused;
    struct vm_store_slots s;
    uint64_t first, all = 0;
    uint32_t n;
    begin(&s, 640);
    s.usable = 100;
    while ((n = vm_store_slots_take(&s, 7, &first))) {
        assert_true(first + n <= 100);
        all += n;
    }
    assert_int_equal(all, 100);
    vm_store_slots_close(&s);
}

/* Pages written anew at random, in batches of 64, with twice as many slots as pages: docs/theory
 * has four pages and a half for a run. */
static void batches_stay_in_runs_when_pages_are_rewritten_at_random(void **unused)
{
    (void)unused;
    enum { PAGES = 16384, BATCH = 64, ROUNDS = 12 * PAGES / BATCH };
    struct vm_store_slots s;
    struct vm_random random;
    uint64_t *slot = calloc(PAGES, sizeof *slot), first;
    double runs = 0, pages = 0;
    vm_random_seed(&random, 1);
    begin(&s, 2 * PAGES);
    for (uint64_t i = 0, n; i < PAGES; i += n)
        for (n = 0; n < BATCH; n++) {
            assert_int_equal(vm_store_slots_take(&s, 1, &first), 1);
            slot[i + n] = first;
        }
    for (int t = 0; t < ROUNDS; t++) {
        uint64_t page = vm_random_below(&random, PAGES),
                 step = 1 + 2 * vm_random_below(&random, 4000);
        for (uint64_t k = 0; k < BATCH; k++)
            give_back(&s, slot[(page + k * step) % PAGES]);
        for (uint64_t k = 0, n; k < BATCH; k += n) {
            n = vm_store_slots_take(&s, (uint32_t)(BATCH - k), &first);
            for (uint64_t i = 0; i < n; i++)
                slot[(page + (k + i) * step) % PAGES] = first + i;
            runs += t >= ROUNDS / 2;
            pages += t >= ROUNDS / 2 ? (double)n : 0;
        }
    }
    vm_store_slots_check(&s);
    assert_true(pages / runs > 3.5);
    free(slot);
    vm_store_slots_close(&s);
}

/* A fork whose child is the holder of the pipe's end that is returned. */
static int fork_one(struct vm_store_slots *s)
{
    assert_true(vm_store_slots_fork_before(s));
    int child = dup(s->pipe[1]);
    vm_store_slots_fork_parent(s);
    return child;
}

static void what_a_living_child_may_read_is_not_taken(void **unused)
{
    (void)unused;
    struct vm_store_slots s;
    uint64_t first, before, after;
    begin(&s, 2);
    assert_int_equal(vm_store_slots_take(&s, 1, &before), 1);
    int child = fork_one(&s);
    assert_int_equal(vm_store_slots_take(&s, 1, &after), 1);
    give_back(&s, before);
    assert_int_equal(vm_store_slots_take(&s, 1, &first), 0);
    give_back(&s, after); /* the child never knew it */
    assert_int_equal(vm_store_slots_take(&s, 1, &first), 1);
    assert_int_equal(first, after);
    int later = fork_one(&s); /* nor this one the other */
    vm_store_slots_check(&s);
    close(child);
    assert_int_equal(vm_store_slots_take(&s, 1, &first), 1);
    assert_int_equal(first, before);
    give_back(&s, first);
    assert_int_equal(s.nlimbo, 0);
    close(later);
    vm_store_slots_close(&s);
}

/* Children come and go; what each may read is kept beside, by name. */
static void limbo_is_what_any_child_that_lives_may_read(void **unused)
{
    (void)unused;
    enum { SLOTS = 40, CHILDREN = 12 };
    for (unsigned k = 0; k < test_rounds(60); k++) {
        struct vm_store_slots s;
        struct vm_random random;
        bool held[SLOTS] = {0}, seen[CHILDREN][SLOTS] = {0};
        int child[CHILDREN];
        uint32_t nchildren = 0;
        uint64_t first;
        vm_random_seed(&random, k);
        begin(&s, SLOTS);
        for (int t = 0; t < 400; t++) {
            uint64_t slot = vm_random_below(&random, SLOTS);
            uint32_t which = (uint32_t)vm_random_below(&random, CHILDREN);
            switch (vm_random_below(&random, 8)) {
            case 0:
                if (nchildren == CHILDREN)
                    break;
                for (int i = 0; i < SLOTS; i++)
                    seen[nchildren][i] = held[i];
                child[nchildren++] = fork_one(&s);
                break;
            case 1:
                if (which >= nchildren)
                    break;
                close(child[which]);
                child[which] = child[--nchildren];
                for (int i = 0; i < SLOTS; i++)
                    seen[which][i] = seen[nchildren][i];
                break;
            case 2 ... 4:
                if (held[slot])
                    give_back(&s, slot);
                held[slot] = false;
                break;
            default:
                if (!vm_store_slots_take(&s, 1, &first))
                    break;
                assert_false(held[first]);
                for (uint32_t c = 0; c < nchildren; c++)
                    assert_false(seen[c][first]);
                held[first] = true;
            }
            vm_store_slots_check(&s);
        }
        /* And no more than that. */
        bool expected = false;
        for (int i = 0; i < SLOTS; i++) {
            bool is_kept = held[i];
            for (uint32_t c = 0; c < nchildren; c++)
                is_kept |= seen[c][i];
            expected |= !is_kept;
        }
        assert_int_equal(vm_store_slots_take(&s, 1, &first) > 0, expected);
        while (nchildren)
            close(child[--nchildren]);
        vm_store_slots_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_together_adjoins),
        cmocka_unit_test(every_slot_is_taken_once_before_any_is_taken_again),
        cmocka_unit_test(none_is_taken_past_what_is_usable),
        cmocka_unit_test(batches_stay_in_runs_when_pages_are_rewritten_at_random),
        cmocka_unit_test(what_a_living_child_may_read_is_not_taken),
        cmocka_unit_test(limbo_is_what_any_child_that_lives_may_read),
    };
    return cmocka_run_group_tests_name("unit/live_slots", tests, NULL, NULL);
}
