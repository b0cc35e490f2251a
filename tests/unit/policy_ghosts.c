/* policy_ghosts.c - the table of pages that have left, against an array that is searched from end
 * to end. */
#include "policy/ghosts.h"
#include "rounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAP_MAX 40
#define NLISTS  3

/* The naive map: what is in, in no order; on which list each is, lists by the order of coming. */
struct naive {
    struct {
        uint64_t page, came;
        uint32_t ghost;
        unsigned list;
    } in[CAP_MAX];
    uint32_t n;
    uint64_t now;
};

static uint32_t naive_find(const struct naive *m, uint64_t page)
{
    uint32_t i = 0;
    while (i < m->n && m->in[i].page != page)
        i++;
    return i;
}

struct table {
    struct ghosts ghosts;
    void *block;
};

/* npages: 0, or the map is an array. */
static void table_open(struct table *t, uint32_t cap, uint64_t npages)
{
    struct block b = {0};
    struct vm_policy_env env = {.npages = npages};
    memset(t, 0, sizeof *t);
    ghosts_layout(&t->ghosts, &b, &env, cap, NLISTS);
    t->block = aligned_alloc(64, b.used);
    assert_non_null(t->block);
    memset(t->block, 0, b.used);
    b = (struct block){.start = (uintptr_t)t->block};
    ghosts_layout(&t->ghosts, &b, &env, cap, NLISTS);
    ghosts_init(&t->ghosts, NLISTS);
}

static void add(struct ghosts *g, struct naive *m, uint64_t page, unsigned list)
{
    uint32_t ghost = ghosts_add(g, page);
    assert_true(ghost < g->cap);
    for (uint32_t i = 0; i < m->n; i++)
        assert_int_not_equal(m->in[i].ghost, ghost);
    vm_links_push_last(g->link, g->cap + list, ghost);
    m->in[m->n].page = page;
    m->in[m->n].ghost = ghost;
    m->in[m->n].list = list;
    m->in[m->n++].came = m->now++;
}

static void drop(struct ghosts *g, struct naive *m, uint32_t i)
{
    vm_links_remove(g->link, m->in[i].ghost);
    ghosts_drop(g, m->in[i].ghost);
    m->in[i] = m->in[--m->n];
}

/* Each list has its ghosts, in the order in which they came. */
static void assert_lists_equal(const struct ghosts *g, const struct naive *m)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < NLISTS; k++) {
        uint64_t before = 0;
        for (uint32_t at = g->link[g->cap + k].next; at != g->cap + k; at = g->link[at].next) {
            uint32_t i = naive_find(m, g->page[at]);
            assert_true(i < m->n && m->in[i].ghost == at && m->in[i].list == k);
            assert_true(m->in[i].came >= before);
            before = m->in[i].came;
            n++;
        }
    }
    assert_int_equal(n, m->n);
}

/* The page that vm_mix64 makes `mixed` of: its steps, undone from the last to the first. */
static uint64_t unmix(uint64_t mixed)
{
    uint64_t x = mixed;
    x = (x ^ (x >> 31) ^ (x >> 62)) * UINT64_C(0x319642b2d24d8ec3);
    x = (x ^ (x >> 27) ^ (x >> 54)) * UINT64_C(0x96de1b173f119089);
    x = x ^ (x >> 30) ^ (x >> 60);
    assert_true(vm_mix64(x) == mixed);
    return x;
}

#define NPAGES (3 * CAP_MAX / 2)

/* A page of the world: few, so that they come again; close together, spread over all 64 bits, or
 * all of one hash. */
static uint64_t any_page(struct vm_random *random, uint64_t seed)
{
    uint64_t page = vm_random_below(random, NPAGES);
    switch (seed % 4) {
    case 0:
    case 3:
        return page;
    case 1:
        return page << 40 | page;
    default:
        return unmix(page << 32 | 0xfeed);
    }
}

static void what_was_added_and_not_dropped_is_found_and_nothing_else(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < test_rounds(300); seed++) {
        struct table t;
        struct naive m = {0};
        struct vm_random random;
        vm_random_seed(&random, seed);
        table_open(&t, 1 + (uint32_t)(seed / 4 % CAP_MAX), seed % 4 == 3 ? NPAGES : 0);
        for (int step = 0; step < 1000; step++) {
            uint64_t page = any_page(&random, seed);
            uint32_t i = naive_find(&m, page), ghost = ghosts_find(&t.ghosts, page);
            assert_int_equal(ghost, i < m.n ? m.in[i].ghost : GHOST_NONE);
            if (i < m.n)
                drop(&t.ghosts, &m, i);
            else if (m.n == t.ghosts.cap)
                drop(&t.ghosts, &m, (uint32_t)vm_random_below(&random, m.n));
            else
                add(&t.ghosts, &m, page, (unsigned)vm_random_below(&random, NLISTS));
            ghosts_check(&t.ghosts);
            assert_int_equal(t.ghosts.n, m.n);
        }
        assert_lists_equal(&t.ghosts, &m);
        free(t.block);
    }
}

/* Pages whose homes are the last slots, so that the run of full ones goes round the table's end. */
static void a_run_of_full_slots_goes_round_the_end(void **state)
{
    (void)state;
    struct table t;
    struct naive m = {0};
    table_open(&t, 8, 0);
    for (uint64_t page = 0; m.n < 8; page++)
        if ((ghosts_hash(page) & t.ghosts.mask) >= t.ghosts.mask - 1)
            add(&t.ghosts, &m, page, 0);
    ghosts_check(&t.ghosts);
    for (uint32_t i = 0; m.n; i = (i * 5 + 1) % m.n) {
        drop(&t.ghosts, &m, i);
        ghosts_check(&t.ghosts);
        for (uint32_t k = 0; k < m.n; k++)
            assert_int_equal(ghosts_find(&t.ghosts, m.in[k].page), m.in[k].ghost);
        if (m.n == 0)
            break;
    }
    free(t.block);
}

/* Such as VM_NOPAGE, when a victim is wanted for no page. */
static void a_page_that_is_not_numbered_is_no_ghost(void **state)
{
    (void)state;
    struct table t;
    table_open(&t, 4, 10);
    for (uint64_t page = 0; page < 10; page += 3)
        ghosts_push(&t.ghosts, 0, page);
    assert_int_equal(ghosts_find(&t.ghosts, 9), 3);
    assert_int_equal(ghosts_find(&t.ghosts, 10), GHOST_NONE);
    assert_int_equal(ghosts_find(&t.ghosts, VM_NOPAGE), GHOST_NONE);
    free(t.block);
}

static void a_table_may_have_room_for_none(void **state)
{
    (void)state;
    for (uint64_t npages = 0; npages <= 10; npages += 10) {
        struct table t;
        table_open(&t, 0, npages);
        assert_int_equal(ghosts_find(&t.ghosts, 7), GHOST_NONE);
        assert_int_equal(ghosts_find(&t.ghosts, VM_NOPAGE), GHOST_NONE);
        ghosts_check(&t.ghosts);
        free(t.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_and_not_dropped_is_found_and_nothing_else),
        cmocka_unit_test(a_run_of_full_slots_goes_round_the_end),
        cmocka_unit_test(a_page_that_is_not_numbered_is_no_ghost),
        cmocka_unit_test(a_table_may_have_room_for_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
