/* readahead.c - every row of readaheads.def keeps the contract of include/pagoda/readahead.h. */
#include "base/random.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/readahead.h>
#include <stdlib.h>
#include <string.h>

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_readahead_ops *ops; (ops = vm_readahead_at(n)); n++) {
        assert_ptr_equal(vm_readahead_find(ops->name, &e), ops);
        assert_true(vm_readahead_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0 && ops->size && ops->ask);
    }
    assert_true(n > 0);
    assert_false(vm_readahead_list(n, &listed));
    assert_null(vm_readahead_find("clustre", &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.hint, "cluster"));
}

/* The next fault of a program that runs along, jumps, and goes back and forth in two mappings. */
static void next_fault(struct vm_readahead_fault *f, struct vm_random *random)
{
    static const uint64_t first[] = {0, 5000}, pages[] = {1 + 700, 40};
    uint64_t move = vm_random_below(random, 8), k = vm_random_below(random, 9) == 0;
    uint64_t at = f->page - f->first;
    if (first[k] != f->first)
        at = vm_random_below(random, pages[k]);
    f->first = first[k];
    f->end = first[k] + pages[k];
    at = move < 4 ? at + 1 + move % 3 : move < 6 ? at + pages[k] - 1 : vm_random_below(random, 700);
    f->page = f->first + at % pages[k];
    f->place = vm_random_below(random, 3) ? f->page + 2 : vm_random_below(random, 900);
    f->hits = vm_random_below(random, 3) ? 0 : (uint32_t)vm_random_below(random, 100);
}

static void assert_sound(const struct vm_readahead_fault *f, const struct vm_readahead_wish *w)
{
    bool pages = w->of == VM_READAHEAD_PAGES;
    assert_true(w->n <= VM_READAHEAD_MAX);
    for (uint32_t i = 0; i < w->n; i++) {
        assert_true(w->number[i] != (pages ? f->page : f->place));
        assert_true(!pages || (w->number[i] >= f->first && w->number[i] < f->end));
        for (uint32_t k = 0; k < i; k++)
            assert_true(w->number[k] != w->number[i]);
    }
}

#define FAULTS 300 /* in a world */

/* The faults so far, and what their wishes said that they turn on. */
struct past {
    uint64_t page[FAULTS];
    uint32_t n;
    uint64_t last[2]; /* fault in each of the two mappings */
    int64_t trend;    /* the last distance that was said to have a majority; 0: none */
};
#define NOWHERE (UINT64_MAX / 2)

static int64_t gap(const struct past *p, uint32_t back)
{
    return (int64_t)(p->page[p->n - 1 - back] - p->page[p->n - 2 - back]);
}

static void assert_multiples(const struct vm_readahead_fault *f, const struct vm_readahead_wish *w)
{
    assert_true(w->distance != 0);
    for (uint32_t i = 0; i < w->n; i++)
        assert_int_equal(w->number[i], f->page + (uint64_t)w->distance * (i + 1));
}

static void assert_steady(const struct past *p, int64_t distance)
{
    assert_true(p->n >= 3);
    for (uint32_t back = 0; back < 2; back++)
        assert_true(gap(p, back) % distance == 0 && gap(p, back) / distance > 0);
}

static void assert_majority(const struct past *p, const struct vm_readahead_wish *w)
{
    uint32_t votes = 0;
    assert_true(w->asked < p->n);
    for (uint32_t back = 0; back < w->asked; back++)
        votes += gap(p, back) == w->distance;
    assert_int_equal(votes, w->votes);
    assert_true(2 * votes > w->asked);
}

/* [first, first + n), without the page itself, in order. */
static void assert_run(const struct vm_readahead_wish *w, uint64_t first, uint64_t itself)
{
    for (uint32_t i = 0; i < w->n; i++)
        assert_int_equal(w->number[i], first + i + (first + i >= itself));
}

/* Where the last fault of the mapping was, as seen from the page: -1, 1, or neither. */
static int64_t beside(const struct past *p, const struct vm_readahead_fault *f)
{
    uint64_t last = p->last[f->first > 0];
    return last == f->page - 1 ? -1 : last == f->page + 1 ? 1 : 0;
}

static void assert_said(const struct past *p, const struct vm_readahead_fault *f,
                        const struct vm_readahead_wish *w)
{
    assert_true(w->n < w->window);
    switch (w->why) {
    case VM_READAHEAD_BESIDE:
        assert_int_equal(w->n, w->window - 1);
        assert_run(w, f->place / w->window * w->window, f->place);
        break;
    case VM_READAHEAD_AROUND:
        assert_int_equal(beside(p, f), 0);
        assert_run(w, w->number[0] < f->page ? w->number[0] : f->page, f->page);
        break;
    case VM_READAHEAD_FORWARD:
        assert_int_equal(beside(p, f), -1);
        assert_run(w, f->page, f->page);
        break;
    case VM_READAHEAD_BACKWARD:
        assert_int_equal(beside(p, f), 1);
        assert_run(w, f->page - w->n, f->page);
        break;
    case VM_READAHEAD_STEADY:
        assert_multiples(f, w);
        assert_steady(p, w->distance);
        break;
    case VM_READAHEAD_MAJORITY:
        assert_multiples(f, w);
        assert_majority(p, w);
        break;
    case VM_READAHEAD_TREND:
        assert_multiples(f, w);
        assert_int_equal(w->distance, p->trend);
        break;
    }
}

/* One fault more, with its wish: what it says is so. */
static void follow(struct past *p, const struct vm_readahead_fault *f,
                   const struct vm_readahead_wish *w, unsigned seen[])
{
    p->page[p->n++] = f->page;
    if (w->n > 0)
        assert_said(p, f, w);
    seen[w->why] += w->n > 0;
    p->last[f->first > 0] = f->page;
    if (w->why == VM_READAHEAD_MAJORITY)
        p->trend = w->distance;
}

/* Each row with the parameters given, or without those that it does not have. */
static void in_worlds(const char *text, unsigned seen[])
{
    const struct vm_readahead_ops *ops;
    for (size_t i = 0; (ops = vm_readahead_at(i)); i++) {
        struct vm_error e;
        struct vm_params params;
        if (!vm_params_parse(&params, ops->name, ops->param, ops->nparams, text, &e))
            continue;
        for (uint64_t seed = 0; seed < test_rounds(60); seed++) {
            void *state = calloc(1, ops->size() + 1), *twin = calloc(1, ops->size() + 1);
            struct vm_readahead_fault f = {.end = 701};
            struct past past = {.last = {NOWHERE, NOWHERE}};
            struct vm_random random;
            vm_random_seed(&random, seed);
            for (int step = 0; step < FAULTS; step++) {
                struct vm_readahead_wish w = {0}, again = {0};
                next_fault(&f, &random);
                ops->ask(state, &params, &f, &w);
                ops->ask(twin, &params, &f, &again);
                assert_sound(&f, &w);
                follow(&past, &f, &w, seen);
                assert_int_equal(w.n, again.n);
                assert_memory_equal(w.number, again.number, w.n * sizeof w.number[0]);
            }
            assert_int_equal(((char *)state)[ops->size()], 0);
            free(state);
            free(twin);
        }
    }
}

static void wishes_are_of_other_pages_of_the_mapping_each_once_and_as_they_say(void **unused)
{
    (void)unused;
    unsigned seen[VM_READAHEAD_TREND + 1] = {0};
    in_worlds(NULL, seen);
    in_worlds("window=1", seen);
    in_worlds("window=64", seen);
    in_worlds("window=13", seen);
    in_worlds("window=64,history=64,split=3", seen);
    in_worlds("history=1,split=1", seen);
    for (unsigned why = 0; why <= VM_READAHEAD_TREND; why++)
        assert_true(seen[why] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(wishes_are_of_other_pages_of_the_mapping_each_once_and_as_they_say),
    };
    return cmocka_run_group_tests_name("readahead", tests, NULL, NULL);
}
