/* pager.c - the pager's decisions equal those of the naive one, step by step, in small random
 * worlds: every policy that needs no future, pages ahead, batches, hosts that refuse, cannot write,
 * cannot read, clean, forget, and change the limit. */
#include "base/random.h"
#include "oracle/naive_pager.h"
#include "oracle/policy_worlds.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES   480
#define STEPS   420
#define REGIONS 3

struct world {
    struct vm_random random;
    uint64_t seed, step;
    uint32_t refuse; /* of 8 pages the host lets none of these go */
    bool broken;     /* nothing can be written */
    uint32_t edge[REGIONS + 1];
    uint32_t walker[3]; /* pages at which something runs along */
    struct vm_pager *pager;
    struct naive_pager naive;
    struct vm_pager_plan plan, expected;
};

static uint32_t below(struct world *w, uint64_t n)
{
    return (uint32_t)vm_random_below(&w->random, n);
}

/* The same answer whoever asks, as long as the step lasts. */
static bool claim(void *host, uint32_t page)
{
    const struct world *w = host;
    return vm_mix64(w->seed ^ w->step / 9 << 20 ^ page) % 8 >= w->refuse;
}

static bool take(void *host, uint32_t page)
{
    const struct world *w = host;
    return vm_mix64(w->seed ^ w->step / 5 << 20 ^ page) % 16 >= w->refuse;
}

static void assert_plans_equal(const struct vm_pager_plan *a, const struct vm_pager_plan *b)
{
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->nleave, b->nleave);
    assert_int_equal(a->nclean, b->nclean);
    assert_int_equal(a->npark, b->npark);
    assert_int_equal(a->ncome, b->ncome);
    assert_int_equal(a->nsoon, b->nsoon);
    for (uint32_t i = 0; i < a->nleave; i++)
        assert_true(a->leave[i].page == b->leave[i].page &&
                    a->leave[i].dirty == b->leave[i].dirty &&
                    a->leave[i].parked == b->leave[i].parked);
    for (uint32_t i = 0; i < a->nclean; i++)
        assert_true(a->clean[i].page == b->clean[i].page &&
                    a->clean[i].parked == b->clean[i].parked && a->clean[i].dirty);
    for (uint32_t i = 0; i < a->npark; i++)
        assert_true(a->park[i].page == b->park[i].page && a->park[i].dirty == b->park[i].dirty);
    for (uint32_t i = 0; i < a->ncome; i++)
        assert_true(a->come[i].page == b->come[i].page && a->come[i].how == b->come[i].how &&
                    a->come[i].dirty == b->come[i].dirty);
    assert_memory_equal(a->soon, b->soon, a->nsoon * sizeof a->soon[0]);
}

static void assert_equal(const struct world *w)
{
    assert_plans_equal(&w->plan, &w->expected);
    assert_memory_equal(vm_pager_counts(w->pager), &w->naive.counts, sizeof w->naive.counts);
    assert_int_equal(vm_pager_resident(w->pager), naive_pager_resident(&w->naive));
    for (uint32_t page = 0; page < PAGES; page++) {
        assert_int_equal(vm_pager_is_resident(w->pager, page), w->naive.page[page].in);
        assert_int_equal(vm_pager_is_dirty(w->pager, page), naive_pager_is_dirty(&w->naive, page));
    }
}

static uint32_t choose_page(struct world *w)
{
    uint32_t i = below(w, 8), *walker = &w->walker[i % 3];
    if (i < 3)
        *walker = (*walker + 1) % PAGES;
    else if (i == 3)
        *walker = (*walker + PAGES - 1) % PAGES;
    else
        return below(w, below(w, 2) ? PAGES : 150);
    return *walker;
}

static void fault(struct world *w)
{
    struct vm_pager_fault f = {.page = choose_page(w),
                               .access = below(w, 3) ? VM_READ : VM_WRITE,
                               .advice = (enum vm_pager_advice)(below(w, 12) ? 0 : below(w, 3))};
    for (int i = 0; i < REGIONS; i++)
        if (f.page >= w->edge[i] && f.page < w->edge[i + 1])
            f.first = w->edge[i], f.end = w->edge[i + 1];
    vm_pager_fault(w->pager, &f, &w->plan);
    naive_pager_fault(&w->naive, &f, &w->expected);
}

/* What the plan writes, or reads, fails. */
static void fail_some(struct world *w)
{
    for (uint32_t i = 0; i < w->plan.nleave; i++)
        if (w->plan.leave[i].dirty) {
            vm_pager_came_back(w->pager, w->plan.leave[i].page);
            naive_pager_came_back(&w->naive, w->plan.leave[i].page);
        }
    for (uint32_t i = 0; i < w->plan.nclean; i++)
        if (below(w, 2)) {
            vm_pager_not_cleaned(w->pager, w->plan.clean[i].page);
            naive_pager_not_cleaned(&w->naive, w->plan.clean[i].page);
        }
    if (w->plan.outcome == VM_PAGER_MISS && !w->broken) {
        uint32_t page = w->plan.come[below(w, w->plan.ncome)].page;
        vm_pager_not_come(w->pager, page);
        naive_pager_not_come(&w->naive, page);
    }
}

static void happen(struct world *w)
{
    uint32_t page = below(w, PAGES), n = below(w, below(w, 4) ? 4 : PAGES - page + 1);
    n = n < PAGES - page ? n : PAGES - page;
    switch (below(w, 5)) {
    case 0:
        vm_pager_forget(w->pager, page, n);
        naive_pager_forget(&w->naive, page, n);
        break;
    case 1:
        vm_pager_keep(w->pager, page, n);
        naive_pager_keep(&w->naive, page, n);
        break;
    case 2:
        vm_pager_cleaned(w->pager, page);
        naive_pager_cleaned(&w->naive, page);
        break;
    case 3:
        n = VM_PAGER_LIMIT_MIN + below(w, w->naive.config.frames - VM_PAGER_LIMIT_MIN + 1);
        vm_pager_limit(w->pager, n);
        naive_pager_limit(&w->naive, n);
        break;
    default:
        n = below(w, 40);
        assert_int_equal(vm_pager_reclaim(w->pager, n, &w->plan),
                         naive_pager_reclaim(&w->naive, n, &w->expected));
    }
}

static void play(struct world *w)
{
    for (w->step = 0; w->step < STEPS; w->step++) {
        if (w->step < 140 || below(w, 10))
            fault(w);
        else
            happen(w);
        assert_equal(w);
        if (w->broken || below(w, 25) == 0)
            fail_some(w);
        w->plan.nleave = w->expected.nleave = w->plan.ncome = w->expected.ncome = 0;
        w->plan.nclean = w->expected.nclean = w->plan.npark = w->expected.npark = 0;
        w->plan.nsoon = w->expected.nsoon = 0;
        if (w->step % 20 == 0)
            vm_pager_check(w->pager);
    }
    vm_pager_check(w->pager);
}

static void open_world(struct world *w, const struct vm_policy_ops *ops,
                       const struct vm_params *params)
{
    static const uint32_t batch[] = {0, 1, 7, VM_PAGER_BATCH_MAX},
                          ahead[] = {0, 1, 5, 20, VM_PAGER_AHEAD_MAX};
    struct vm_error e;
    struct vm_pager_config c = {.policy = ops,
                                .policy_params = params,
                                .frames = VM_PAGER_LIMIT_MIN + below(w, 40),
                                .pages_max = PAGES,
                                .batch = batch[below(w, 4)],
                                .ahead = ahead[below(w, 5)],
                                .seed = w->seed};
    struct vm_pager_host host = {w, claim, take};
    w->refuse = below(w, 3) ? below(w, 4) : 8 * (below(w, 3) == 0);
    w->broken = below(w, 10) == 0;
    w->edge[1] = 1 + below(w, PAGES / 2);
    w->edge[2] = w->edge[1] + 1 + below(w, PAGES / 3);
    w->edge[REGIONS] = PAGES;
    for (int i = 0; i < 3; i++)
        w->walker[i] = below(w, PAGES);
    w->pager = vm_pager_open(&c, &host, &e);
    assert_non_null(w->pager);
    naive_pager_open(&w->naive, &c, &host);
}

static void play_policy(const char *spec, unsigned worlds)
{
    static struct world w;
    struct vm_params params;
    struct vm_error e;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    const struct vm_policy_ops *ops = vm_policy_find(name, &e);
    assert_non_null(ops);
    assert_true(vm_params_parse(&params, name, ops->param, ops->nparams, text, &e));
    for (unsigned i = 0; i < worlds && ops->future != VM_FUTURE_NEEDED; i++) {
        memset(&w, 0, sizeof w);
        w.seed = vm_mix64(i);
        vm_random_seed(&w.random, w.seed);
        open_world(&w, ops, &params);
        play(&w);
        vm_pager_close(w.pager);
        naive_pager_close(&w.naive);
    }
}

static void the_pager_decides_as_the_naive_one(void **unused)
{
    (void)unused;
    const char *spec;
    for (size_t i = 0; (spec = policy_spec_at(i)); i++)
        play_policy(spec, test_rounds(16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pager_decides_as_the_naive_one),
    };
    return cmocka_run_group_tests_name("pager", tests, NULL, NULL);
}
