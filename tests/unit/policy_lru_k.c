/* policy_lru_k.c - the K-th last reference. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void lru_k_evicts_a_page_referenced_once_before_others(void **state)
{
    (void)state;
    leaves("lru-k", 2, "1 1 2 3", "1 3");
    leaves("lru-k", 3, "1 1 2 3 3 4", "1 3 4");
}

static void lru_k_of_two_evicts_the_one_whose_second_last_reference_is_longer_ago(void **state)
{
    (void)state;
    leaves("lru-k", 2, "1 2 2 1 3", "2 3");
    leaves("lru-k:k=1", 2, "1 2 2 1 3", "1 3");
    leaves("lru-k:k=3", 2, "1 2 2 2 1 1 3", "2 3");
}

static void lru_k_counts_immediate_repeats(void **state)
{
    (void)state;
    leaves("lru-k", 2, "1 2 2 2 1 3", "2 3");
}

static void lru_k_remembers_the_references_of_a_page_that_left(void **state)
{
    (void)state;
    leaves("lru-k", 2, "1 2 3 1 4 5", "1 5");
    leaves("lru-k:history=0", 2, "1 2 3 1 4 5", "4 5");
}

static void lru_k_remembers_for_the_retained_information_period(void **state)
{
    (void)state;
    leaves("lru-k:retained=3", 2, "1 2 3 1 4 5", "1 5");
    leaves("lru-k:retained=2", 2, "1 2 3 1 4 5", "4 5");
}

static void lru_k_takes_correlated_references_for_one(void **state)
{
    (void)state;
    leaves("lru-k:correlated=1", 2, "1 1 1 1 2 3 4", "3 4");
    leaves("lru-k", 2, "1 1 1 1 2 3 4", "1 4");
}

static void lru_k_moves_earlier_references_to_the_end_of_a_burst(void **state)
{
    (void)state;
    /* The first of 1 is moved from 1 to 4, past that of 2; 3 was touched just now. */
    leaves("lru-k:correlated=2", 3, "1 2 1 1 2 3 1 3 3 4", "1 3 4");
}

static void lru_k_keeps_a_page_for_the_correlated_reference_period(void **state)
{
    (void)state;
    /* 3 has come just now: 1 leaves though it has two references. */
    leaves("lru-k:correlated=1", 2, "1 2 1 /2 3 4", "3 4");
    leaves("lru-k", 2, "1 2 1 /2 3 4", "1 4");
}

static void lru_k_evicts_in_the_same_order_if_no_page_is_past_it(void **state)
{
    (void)state;
    leaves("lru-k:correlated=9", 2, "1 2 3", "2 3");
}

static void lru_k_forgets_a_dropped_page(void **state)
{
    (void)state;
    leaves("lru-k", 2, "1 1 2 2 /1 1 3", "2 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lru_k_evicts_a_page_referenced_once_before_others),
        cmocka_unit_test(lru_k_of_two_evicts_the_one_whose_second_last_reference_is_longer_ago),
        cmocka_unit_test(lru_k_counts_immediate_repeats),
        cmocka_unit_test(lru_k_remembers_the_references_of_a_page_that_left),
        cmocka_unit_test(lru_k_remembers_for_the_retained_information_period),
        cmocka_unit_test(lru_k_takes_correlated_references_for_one),
        cmocka_unit_test(lru_k_moves_earlier_references_to_the_end_of_a_burst),
        cmocka_unit_test(lru_k_keeps_a_page_for_the_correlated_reference_period),
        cmocka_unit_test(lru_k_evicts_in_the_same_order_if_no_page_is_past_it),
        cmocka_unit_test(lru_k_forgets_a_dropped_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
