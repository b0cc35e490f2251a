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

/* A memory of `policy` with 5 frames after `text`, for a host that frees ahead of need. */
static void open_after(struct policy_host *h, const char *policy, const char *text)
{
    struct policy_world w = {.policy = policy, .nframes = 5, .npages = SCENE_PAGES};
    policy_host_open(h, &w);
    for (; *text; text++)
        policy_host_step(h, (vm_pageref)(*text - 'a') * 2);
}

/* The page in the victim's frame. */
static char victim_for(struct policy_host *h, char incoming)
{
    vm_pfn frame = h->ops->victim(h->state, (uint64_t)(incoming - 'a'));
    h->ops->check(h->state);
    return (char)('a' + h->r.page_of[frame]);
}

static void insert_page(struct policy_host *h, char page)
{
    vm_pfn frame = h->r.frame_of[page - 'a'] - 1;
    h->ops->insert(h->state, frame, (uint64_t)(page - 'a'));
    h->ops->check(h->state);
}

static void s3_fifo_asked_twice_for_a_page_knows_it_still(void **state)
{
    (void)state;
    struct policy_host h;
    open_after(&h, "s3-fifo:small=40,look=before", "abcdef");
    assert_int_equal(victim_for(&h, 'a'), 'b');
    assert_int_equal(victim_for(&h, 'a'), 'c');
    h.ops->insert(h.state, 1, 0); /* a, in b's frame: into main */
    assert_int_equal(victim_for(&h, 'b'), 'd');
    assert_int_equal(victim_for(&h, 'b'), 'e');
    assert_int_equal(victim_for(&h, 'b'), 'b'); /* a: one page is left in the small queue */
    policy_host_close(&h);
}

static void s3_fifo_fills_main_only_until_the_first_eviction(void **state)
{
    (void)state;
    struct policy_host h;
    open_after(&h, "s3-fifo:small=40,fill=main", "abcde"); /* a b in small, c d e in main */
    assert_int_equal(victim_for(&h, 'x'), 'a');
    assert_int_equal(victim_for(&h, 'x'), 'c');
    assert_int_equal(victim_for(&h, 'x'), 'd');
    insert_page(&h, 'c');
    insert_page(&h, 'd'); /* the small queue has its share and gets more */
    assert_int_equal(victim_for(&h, 'x'), 'b');
    assert_int_equal(victim_for(&h, 'x'), 'c');
    assert_int_equal(victim_for(&h, 'x'), 'e');
    policy_host_close(&h);
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
        cmocka_unit_test(s3_fifo_asked_twice_for_a_page_knows_it_still),
        cmocka_unit_test(s3_fifo_fills_main_only_until_the_first_eviction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
