/* policy_s3_fifo.c - the small queue, the main one, and the ghosts. With 5 frames and small=40 the
 * small queue's share is 2, and there are 3 ghosts. */
#include "oracle/policy_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void leaves(const char *policy, uint32_t nframes, const char *text, const char *resident)
{
    assert_string_equal(policy_scene(policy, nframes, text).resident, resident);
}

static void s3_fifo_newcomers_without_hits_leave_first(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 1 1 2 3 4 5 6", "1 3 4 5 6");
    leaves("s3-fifo:small=40", 5, "1 1 1 2 3 4 5 6 7 8", "1 5 6 7 8");
}

static void s3_fifo_wants_more_than_one_hit(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 1 2 3 4 5 6", "2 3 4 5 6");
    leaves("s3-fifo:small=40,hits=1", 5, "1 1 2 3 4 5 6", "1 3 4 5 6");
    leaves("s3-fifo:small=40,hits=3", 5, "1 1 1 2 3 4 5 6", "2 3 4 5 6");
}

/* 1 is a ghost when it comes back: it outlives 5 to 9, which pass through the small queue. */
static void s3_fifo_a_ghosts_page_goes_to_main(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 2 3 4 5 6 1 7 8 9 10 11", "1 8 9 10 11");
    leaves("s3-fifo:small=40,ghosts=0", 5, "1 2 3 4 5 6 1 7 8 9 10 11", "7 8 9 10 11");
}

/* When 1 comes back, three others have left after it, or 1 is the oldest of three: then looking
 * after the eviction comes too late. */
static void s3_fifo_ghosts_are_forgotten_in_order(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 2 3 4 5 6 7 1 9 10 11 12 13", "1 10 11 12 13");
    leaves("s3-fifo:small=40", 5, "1 2 3 4 5 6 7 8 1 9 10 11 12 13", "9 10 11 12 13");
    leaves("s3-fifo:small=40,look=before", 5, "1 2 3 4 5 6 7 8 1 9 10 11 12 13", "1 10 11 12 13");
}

/* 1, 2 and 3 are in main when 1 and 2 are hit again; then 8 and 9 follow them, and the small queue
 * is empty: main passes 1 and 2, and 3 leaves; next 8, for they went behind it. */
static void s3_fifo_main_passes_a_page_with_hits(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 1 1 2 2 2 3 3 3 4 5 6 7 1 1 2 8 8 8 9 9 9 10", "1 2 8 9 10");
    leaves("s3-fifo:small=40", 5, "1 1 1 2 2 2 3 3 3 4 5 6 7 1 1 2 8 8 8 9 9 9 10 11",
           "1 2 9 10 11");
}

static void s3_fifo_forgets_what_the_host_drops(void **state)
{
    (void)state;
    leaves("s3-fifo:small=40", 5, "1 2 3 4 5 /2 /4 6 7 8", "3 5 6 7 8");
    leaves("s3-fifo:small=40", 5, "1 2 3 4 5 6 /3 1 7 8 9 10 /1 11 12", "8 9 10 11 12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_fifo_newcomers_without_hits_leave_first),
        cmocka_unit_test(s3_fifo_wants_more_than_one_hit),
        cmocka_unit_test(s3_fifo_a_ghosts_page_goes_to_main),
        cmocka_unit_test(s3_fifo_ghosts_are_forgotten_in_order),
        cmocka_unit_test(s3_fifo_main_passes_a_page_with_hits),
        cmocka_unit_test(s3_fifo_forgets_what_the_host_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
