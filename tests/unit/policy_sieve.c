/* policy_sieve.c - the hand that leaves survivors where they are. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void sieve_passes_a_referenced_page_and_takes_the_next(void **state)
{
    (void)state;
    leaves("sieve", 3, "1 2 3 1 4", "1 3 4");
}

/* clock moves a survivor behind the newest; here the hand goes on to the newcomers. */
static void sieve_leaves_survivors_where_they_are(void **state)
{
    (void)state;
    leaves("sieve", 3, "1 2 3 1 4 5", "1 4 5");
    leaves("sieve", 3, "1 2 3 1 4 5 6", "1 5 6");
    leaves("clock", 3, "1 2 3 1 4 5 6", "4 5 6");
}

static void sieve_begins_again_with_the_oldest(void **state)
{
    (void)state;
    /* The hand passes 1 and 2, takes 3, the newest, and is at the end when 4 and 5 come. */
    leaves("sieve", 3, "1 2 3 1 2 4 5", "2 4 5");
    /* Past the newest, all of them referenced, it finds 1 without its bit. */
    leaves("sieve", 3, "1 2 3 1 2 3 4", "2 3 4");
}

static void sieve_passes_each_page_once_a_turn(void **state)
{
    (void)state;
    leaves("sieve", 3, "1 2 3 1 4 5 6 7 8", "1 7 8");
    leaves("sieve", 3, "1 2 3 1 4 4 5 5 6 7", "5 6 7");
}

static void sieve_may_load_with_the_bit_set(void **state)
{
    (void)state;
    leaves("sieve:load=referenced", 3, "1 2 3 4", "2 3 4");
    leaves("sieve:load=referenced", 3, "1 2 3 4 2 5", "2 4 5");
}

static void sieve_survives_the_dropping_of_the_page_under_its_hand(void **state)
{
    (void)state;
    /* 3 is next when the host drops it: the hand goes on with 4, or begins again. */
    leaves("sieve", 3, "1 2 3 1 4 /3 5 6", "1 5 6");
    leaves("sieve", 3, "1 2 3 1 4 /3 /4 5 6 7", "5 6 7");
    leaves("sieve", 2, "1 2 /1 /2 3 4 5", "4 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sieve_passes_a_referenced_page_and_takes_the_next),
        cmocka_unit_test(sieve_leaves_survivors_where_they_are),
        cmocka_unit_test(sieve_begins_again_with_the_oldest),
        cmocka_unit_test(sieve_passes_each_page_once_a_turn),
        cmocka_unit_test(sieve_may_load_with_the_bit_set),
        cmocka_unit_test(sieve_survives_the_dropping_of_the_page_under_its_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
