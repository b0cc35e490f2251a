/* alloc.c - every row of allocators.def keeps the contract of include/pagoda/alloc.h. */
#include "base/arena.h"
#include "oracle/alloc_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <string.h>
#include <sys/mman.h>

#define STEPS 300

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_alloc_ops *ops; (ops = vm_alloc_at(n)); n++) {
        assert_ptr_equal(vm_alloc_find(ops->name, &e), ops);
        assert_true(vm_alloc_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0);
    }
    assert_true(n > 0);
    assert_false(vm_alloc_list(n, &listed));
    assert_null(vm_alloc_find("no such allocator", &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

static void rows_have_all_their_functions(void **unused)
{
    (void)unused;
    const struct vm_alloc_ops *ops;
    for (size_t i = 0; (ops = vm_alloc_at(i)); i++) {
        assert_true(ops->size && ops->init && ops->take && ops->give && ops->extend);
        assert_true(ops->usage && ops->next_free && ops->check);
    }
}

static void parameters_have_fallbacks_that_parse_and_echo(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_params params;
    const struct vm_alloc_ops *ops;
    for (size_t i = 0; (ops = vm_alloc_at(i)); i++) {
        assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e));
        for (size_t k = 0; k < ops->nparams; k++) {
            assert_true(strlen(ops->param[k].help) > 0);
            assert_string_equal(vm_params_text(&params, ops->param[k].name),
                                ops->param[k].fallback);
        }
    }
}

static void in_worlds(void (*play)(struct alloc_world *w), unsigned nseeds)
{
    static const uint64_t units[] = {64, 100, 1, 37, 128, 255, 256, 2, 3, 65};
    struct alloc_world w;
    const struct vm_alloc_ops *ops;
    for (unsigned seed = 0; seed < test_rounds(nseeds); seed++)
        for (size_t i = 0; (ops = vm_alloc_at(i)); i++) {
            alloc_world_open(&w, ops, units[seed % (sizeof units / sizeof units[0])], seed);
            play(&w);
            if (w.wrong)
                fail_msg("%s, %llu units, seed %u: not so: %s", ops->name,
                         (unsigned long long)w.naive.units, seed, w.wrong);
            alloc_world_close(&w);
        }
}

static void many_steps(struct alloc_world *w)
{
    for (unsigned i = 0; i < STEPS && !w->wrong; i++) {
        alloc_world_step(w);
        alloc_world_inspect(w);
    }
}

static void no_unit_is_taken_twice_and_none_is_lost(void **unused)
{
    (void)unused;
    in_worlds(many_steps, 400);
}

/* As it was at first: the same free blocks. */
static void all_given_back(struct alloc_world *w)
{
    uint64_t n, blocks[16], nblocks = 0, now = 0;
    for (uint64_t at = 0; (at = w->ops->next_free(w->state, at, &n)) != VM_ALLOC_NONE; at++)
        blocks[nblocks++] = at;
    for (unsigned i = 0; i < STEPS; i++)
        alloc_world_step(w);
    alloc_world_give_all(w);
    alloc_world_inspect(w);
    for (uint64_t at = 0; (at = w->ops->next_free(w->state, at, &n)) != VM_ALLOC_NONE; at++)
        assert_int_equal(at, blocks[now++]);
    assert_int_equal(now, nblocks);
}

static void what_is_all_given_back_is_as_it_was_at_first(void **unused)
{
    (void)unused;
    in_worlds(all_given_back, 200);
}

static void a_range_can_be_taken_to_the_last_unit(struct alloc_world *w)
{
    for (uint64_t i = 0; i < w->naive.units; i++)
        assert_int_not_equal(alloc_world_take(w, 1, 1), VM_ALLOC_NONE);
    assert_int_equal(alloc_world_take(w, 1, 1), VM_ALLOC_NONE);
    assert_false(alloc_world_extend(w, 0, 1));
    alloc_world_inspect(w);
    alloc_world_give_all(w);
    alloc_world_inspect(w);
}

static void a_full_range_says_so(void **unused)
{
    (void)unused;
    in_worlds(a_range_can_be_taken_to_the_last_unit, 20);
}

static void more_than_there_is(struct alloc_world *w)
{
    static const uint64_t big[] = {257, 1u << 20, VM_ALLOC_UNITS_MAX, UINT64_C(1) << 63,
                                   UINT64_MAX};
    for (size_t i = 0; i < sizeof big / sizeof big[0]; i++) {
        assert_int_equal(w->ops->take(w->state, big[i], 1), VM_ALLOC_NONE);
        assert_int_equal(w->ops->take(w->state, big[i], UINT64_C(1) << 63), VM_ALLOC_NONE);
    }
    assert_int_not_equal(alloc_world_take(w, 1, 1), VM_ALLOC_NONE);
    for (size_t i = 0; i < sizeof big / sizeof big[0]; i++)
        assert_false(w->ops->extend(w->state, 0, 1, big[i] - 1));
}

static void impossible_lengths_are_refused(void **unused)
{
    (void)unused;
    in_worlds(more_than_there_is, 10);
}

static void the_same_calls_give_the_same_answers(void **unused)
{
    (void)unused;
    struct alloc_world a, b;
    const struct vm_alloc_ops *ops;
    for (size_t i = 0; (ops = vm_alloc_at(i)); i++) {
        alloc_world_open(&a, ops, 200, 7);
        alloc_world_open(&b, ops, 200, 7);
        for (unsigned k = 0; k < STEPS; k++) {
            alloc_world_step(&a);
            alloc_world_step(&b);
            assert_int_equal(a.nruns, b.nruns);
            assert_memory_equal(a.run, b.run, a.nruns * sizeof a.run[0]);
        }
        alloc_world_close(&a);
        alloc_world_close(&b);
    }
}

/* ---- the block that the host gives ---- */

struct opened {
    void *state;
    size_t bytes;
};

static struct opened open_in(uint8_t *block, const struct vm_alloc_ops *ops, uint64_t units)
{
    struct vm_error e;
    struct vm_params params;
    assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e));
    struct vm_alloc_env env = {.units = units, .params = &params};
    if (block)
        ops->init(block, &env);
    return (struct opened){block, ops->size(&env)};
}

/* Around the words of bits and the powers of two. */
static void the_state_stays_in_its_block(void **unused)
{
    (void)unused;
    static const uint64_t units[] = {1, 2, 3, 63, 64, 65, 127, 128, 4095, 4096, 4097};
    enum { FENCE = 64 };
    const struct vm_alloc_ops *ops;
    for (size_t i = 0; (ops = vm_alloc_at(i)); i++)
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            size_t bytes = (open_in(NULL, ops, units[k]).bytes + 63) / 64 * 64;
            uint8_t *block = aligned_alloc(64, bytes + FENCE);
            assert_non_null(block);
            memset(block, 0, bytes);
            memset(block + bytes, 0x5a, FENCE);
            open_in(block, ops, units[k]);
            while (ops->take(block, 1, 1) != VM_ALLOC_NONE)
                ;
            for (uint64_t u = units[k]; u-- > 0;)
                if (u % 2 == 0)
                    ops->give(block, u, 1);
            ops->check(block);
            for (size_t b = 0; b < FENCE; b++)
                assert_int_equal(block[bytes + b], 0x5a);
            free(block);
        }
}

/* Pages of the host's own memory that lie in it. */
static size_t host_pages(const struct vm_arena *a)
{
    size_t n = 0, pages = (a->bytes + 4095) / 4096;
    unsigned char *in = malloc(pages);
    assert_non_null(in);
    assert_int_equal(mincore(a->block, a->bytes, in), 0);
    for (size_t i = 0; i < pages; i++)
        n += in[i] & 1;
    free(in);
    return n;
}

static void a_large_range_that_is_little_used_costs_little(void **unused)
{
    (void)unused;
    enum { UNITS = 1 << 30 };
    const struct vm_alloc_ops *ops;
    for (size_t i = 0; (ops = vm_alloc_at(i)); i++) {
        struct vm_arena a;
        struct vm_error e;
        assert_true(vm_arena_open(&a, open_in(NULL, ops, UNITS).bytes, &e));
        void *state = vm_arena_take(&a, a.bytes);
        open_in(state, ops, UNITS);
        for (uint64_t n = 1; n < 50; n++)
            assert_true(ops->take(state, n, 1) < UNITS);
        assert_in_range(host_pages(&a), 1, 200);
        vm_arena_close(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(rows_have_all_their_functions),
        cmocka_unit_test(parameters_have_fallbacks_that_parse_and_echo),
        cmocka_unit_test(no_unit_is_taken_twice_and_none_is_lost),
        cmocka_unit_test(what_is_all_given_back_is_as_it_was_at_first),
        cmocka_unit_test(a_full_range_says_so),
        cmocka_unit_test(impossible_lengths_are_refused),
        cmocka_unit_test(the_same_calls_give_the_same_answers),
        cmocka_unit_test(the_state_stays_in_its_block),
        cmocka_unit_test(a_large_range_that_is_little_used_costs_little),
    };
    return cmocka_run_group_tests_name("conform_alloc", tests, NULL, NULL);
}
