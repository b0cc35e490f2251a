/* heap.c - every row of heaps.def keeps the contract of include/pagoda/heap.h, with each of its
 * parameters' values. */
#include "base/assert.h"
#include "oracle/heap_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 200
#define LIFE  20000 /* operations of a long one */
#define LIMIT ((size_t)1 << 18)

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_heap_ops *ops; (ops = vm_heap_at(n)); n++) {
        assert_ptr_equal(vm_heap_find(ops->name, &e), ops);
        assert_true(vm_heap_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0);
    }
    assert_true(n > 0);
    assert_false(vm_heap_list(n, &listed));
    assert_null(vm_heap_find("no such heap", &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

static void rows_have_all_their_functions(void **unused)
{
    (void)unused;
    const struct vm_heap_ops *ops;
    for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
        assert_true(ops->size && ops->init && ops->take && ops->give && ops->resize);
        assert_true(ops->room && ops->usage && ops->walk && ops->check);
    }
}

static void parameters_have_fallbacks_that_parse_and_echo(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_params params;
    const struct vm_heap_ops *ops;
    for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
        assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, NULL, &e));
        for (size_t k = 0; k < ops->nparams; k++) {
            assert_true(strlen(ops->param[k].help) > 0);
            assert_string_equal(vm_params_text(&params, ops->param[k].name),
                                ops->param[k].fallback);
        }
    }
}

static void faults_have_names(void **unused)
{
    (void)unused;
    for (int f = VM_HEAP_FINE; f <= VM_HEAP_DAMAGED; f++)
        assert_true(strlen(vm_heap_fault_name((enum vm_heap_fault)f)) > 0);
    assert_string_equal(vm_heap_fault_name(VM_HEAP_FREE_TWICE), "free twice");
}

/* ---- worlds ---- */

/* A value of the parameter, drawn: any word, or a number that makes a difference in a small world.
 */
static void draw_value(const struct vm_param *p, struct vm_random *random, char *out, size_t cap)
{
    static const char *const numbers[] = {"0", "1", "2", "3", "32", "48", "4KiB", "8KiB", "64KiB"};
    struct vm_error e;
    struct vm_params parsed;
    char words[64], *word = words;
    snprintf(words, sizeof words, "%s", p->words ? p->words : "");
    for (;;) {
        if (p->words) {
            for (uint64_t skip = vm_random_below(random, 4); skip && strchr(word, '|'); skip--)
                word = strchr(word, '|') + 1;
            snprintf(out, cap, "%s=%.*s", p->name, (int)strcspn(word, "|"), word);
            return;
        }
        size_t n = sizeof numbers / sizeof numbers[0];
        snprintf(out, cap, "%s=%s", p->name, numbers[vm_random_below(random, n)]);
        if (vm_params_parse(&parsed, "x", p, 1, out, &e))
            return;
    }
}

static void draw_params(const struct vm_heap_ops *ops, uint64_t seed, char *out, size_t cap)
{
    struct vm_random random;
    vm_random_seed(&random, seed);
    out[0] = '\0';
    for (size_t k = 0; seed && k < ops->nparams; k++) {
        size_t used = strlen(out);
        if (used)
            out[used++] = ',';
        draw_value(&ops->param[k], &random, out + used, cap - used);
    }
}

/* A world of each heap. Seed 0 has the fallbacks. */
static void in_world_of_each(void (*play)(struct heap_world *w), uint64_t seed)
{
    struct heap_world *w = malloc(sizeof *w);
    const struct vm_heap_ops *ops;
    char text[256];
    assert_non_null(w);
    for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
        draw_params(ops, seed, text, sizeof text);
        heap_world_open(w, ops, text, LIMIT << seed % 3, seed);
        play(w);
        if (w->wrong)
            fail_msg("%s:%s, seed %llu: not so: %s", ops->name, text, (unsigned long long)seed,
                     w->wrong);
        heap_world_close(w);
    }
    free(w);
}

static void in_worlds(void (*play)(struct heap_world *w), unsigned nseeds)
{
    for (unsigned seed = 0; seed < test_rounds(nseeds); seed++)
        in_world_of_each(play, seed);
}

static void many_steps(struct heap_world *w)
{
    for (unsigned i = 0; i < STEPS && !w->wrong; i++) {
        heap_world_step(w);
        heap_world_inspect(w);
    }
    heap_world_give_all(w);
    heap_world_inspect(w);
}

static void blocks_do_not_overlap_and_every_byte_is_accounted_for(void **unused)
{
    (void)unused;
    in_worlds(many_steps, 40);
}

static void long_life(struct heap_world *w)
{
    for (unsigned i = 0; i < LIFE && !w->wrong; i++) {
        heap_world_step(w);
        if (i % 500 == 0)
            heap_world_inspect(w);
        if (i % (LIFE / 4) == 0)
            heap_world_give_all(w);
    }
    heap_world_inspect(w);
}

/* Of each heap one at least; `./dev stress heaps` has as many as it is asked for. */
static void long_lives_keep_the_contract(void **unused)
{
    (void)unused;
    uint64_t first = test_first_seed(), end = first + test_long_rounds(1, LIFE);
    for (uint64_t seed = first; seed < end; seed++)
        in_world_of_each(long_life, seed);
}

/* Of blocks that are live one after the other goes and comes again. */
static void again(struct heap_world *w)
{
    for (unsigned i = 0; i < STEPS && !w->wrong; i++) {
        heap_world_step(w);
        if (!w->nblocks || i % 4)
            continue;
        w->refuse = w->end; /* what was there must do */
        struct heap_block b = w->block[vm_random_below(&w->random, w->nblocks)];
        for (size_t k = 0; k < w->nblocks; k++)
            if (w->block[k].at == b.at)
                heap_world_give(w, k);
        size_t there = w->end;
        w->refuse = w->env.limit;
        if (!heap_world_take(w, b.bytes, b.align) && !w->wrong)
            w->wrong = "what was given back can be taken again";
        if (w->end > there && there >= w->refuse)
            w->wrong = "and the end need not move for it";
    }
}

static void what_was_given_back_can_be_taken_again(void **unused)
{
    (void)unused;
    in_worlds(again, 20);
}

static void host_that_refuses(struct heap_world *w)
{
    while (heap_world_take(w, 1000, VM_HEAP_ALIGN))
        if (w->end >= 1 << 16)
            w->refuse = 1 << 16;
    assert_true(w->failures > 0 || w->nblocks == HEAP_WORLD_BLOCKS || w->wrong);
    assert_null(w->ops->take(w->state, w->env.limit + 1, VM_HEAP_ALIGN, 0));
    assert_null(w->ops->take(w->state, SIZE_MAX, VM_HEAP_ALIGN, 0));
    assert_null(w->ops->take(w->state, SIZE_MAX - 15, VM_HEAP_ALIGN_MAX, 0));
    assert_null(w->ops->take(w->state, w->env.limit, VM_HEAP_ALIGN_MAX, 0));
    w->failures += 4;
    if (w->nblocks) {
        assert_false(w->ops->resize(w->state, w->block[0].at, SIZE_MAX));
        assert_false(w->ops->resize(w->state, w->block[0].at, w->env.limit));
    }
    heap_world_inspect(w);
    heap_world_give_all(w);
    heap_world_inspect(w);
}

static void a_heap_that_cannot_grow_says_so_and_goes_on(void **unused)
{
    (void)unused;
    in_worlds(host_that_refuses, 12);
}

static void never_any_memory(struct heap_world *w)
{
    w->refuse = 0;
    assert_null(heap_world_take(w, 1, VM_HEAP_ALIGN));
    assert_int_equal(w->ops->give(w->state, w->env.base, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(w->ops->give(w->state, w->env.base + 16, 0), VM_HEAP_NOT_A_BLOCK);
    heap_world_inspect(w);
    w->refuse = w->env.limit;
    assert_non_null(heap_world_take(w, 1, VM_HEAP_ALIGN));
    heap_world_inspect(w);
}

static void a_heap_without_memory_has_no_blocks(void **unused)
{
    (void)unused;
    in_worlds(never_any_memory, 6);
}

static void alignments(struct heap_world *w)
{
    for (size_t align = VM_HEAP_ALIGN; align <= VM_HEAP_ALIGN_MAX; align *= 2)
        for (size_t bytes = 1; bytes < 70000 && !w->wrong; bytes = bytes * 3 + 1)
            if (heap_world_take(w, bytes, align) && vm_random_below(&w->random, 2))
                heap_world_give(w, w->nblocks - 1);
    heap_world_inspect(w);
}

static void blocks_are_aligned_as_asked_for(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    const struct vm_heap_ops *ops;
    for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
        heap_world_open(w, ops, NULL, (size_t)1 << 26, i);
        alignments(w);
        if (w->wrong)
            fail_msg("%s: not so: %s", ops->name, w->wrong);
        assert_int_equal(w->failures, 0);
        heap_world_close(w);
    }
    free(w);
}

static void the_same_calls_give_the_same_answers(void **unused)
{
    (void)unused;
    struct heap_world *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    const struct vm_heap_ops *ops;
    for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
        heap_world_open(a, ops, NULL, LIMIT, 7);
        heap_world_open(b, ops, NULL, LIMIT, 7);
        for (unsigned k = 0; k < STEPS; k++) {
            heap_world_step(a);
            heap_world_step(b);
            assert_int_equal(a->nblocks, b->nblocks);
            for (size_t n = 0; n < a->nblocks; n++)
                assert_int_equal(a->block[n].at - a->env.base, b->block[n].at - b->env.base);
        }
        heap_world_close(a);
        heap_world_close(b);
    }
    free(a);
    free(b);
}

/* ---- faults ---- */

static bool is_live(const struct heap_world *w, const unsigned char *at)
{
    for (size_t i = 0; i < w->nblocks; i++)
        if (w->block[i].at == at)
            return true;
    return false;
}

/* Every address of the region, and some that are not of it, but those of live blocks. */
static void strangers(struct heap_world *w)
{
    for (unsigned i = 0; i < 60 && !w->wrong; i++)
        heap_world_step(w);
    unsigned char *base = w->env.base;
    for (size_t at = 0; at < w->end + 64; at += at % 16 ? 7 : 1) {
        if (is_live(w, base + at))
            continue;
        enum vm_heap_fault fault = w->ops->give(w->state, base + at, 0);
        if (fault == VM_HEAP_FINE && !w->wrong)
            w->wrong = "what is no live block is not taken back";
    }
    assert_int_equal(w->ops->give(w->state, NULL, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(w->ops->give(w->state, base - 16, 0), VM_HEAP_NOT_A_BLOCK);
    assert_int_equal(w->ops->give(w->state, w, 0), VM_HEAP_NOT_A_BLOCK);
    heap_world_inspect(w);
}

static void what_is_no_block_is_refused_and_nothing_changes(void **unused)
{
    (void)unused;
    in_worlds(strangers, 6);
}

static void twice(struct heap_world *w)
{
    for (unsigned i = 0; i < STEPS && !w->wrong; i++) {
        heap_world_step(w);
        if (!w->nblocks)
            continue;
        unsigned char *at = w->block[w->nblocks - 1].at;
        heap_world_give(w, w->nblocks - 1);
        if ((size_t)(at - w->env.base) >= w->end)
            continue; /* its page is the host's again */
        enum vm_heap_fault fault = w->ops->give(w->state, at, 1);
        if (fault != VM_HEAP_FREE_TWICE && w->ops->sees & VM_HEAP_SEES_TWICE && !w->wrong)
            w->wrong = "a block that is free is said to be free twice";
    }
    heap_world_inspect(w);
}

static void a_block_that_is_given_back_twice_is_told(void **unused)
{
    (void)unused;
    in_worlds(twice, 20);
}

/* Each byte before each live block, one at a time. */
static void destroyed_headers(struct heap_world *w)
{
    for (unsigned i = 0; i < 60 && !w->wrong; i++)
        heap_world_step(w);
    for (size_t i = 0; i < w->nblocks; i++)
        for (size_t k = 1; k <= 8; k++) {
            unsigned char *byte = w->block[i].at - k, was = *byte;
            struct vm_heap_damage damage;
            *byte ^= (unsigned char)(1 + vm_random_below(&w->random, 255));
            if (w->ops->give(w->state, w->block[i].at, 0) != VM_HEAP_DAMAGED && !w->wrong)
                w->wrong = "a block with an overwritten header is not taken back";
            if (w->ops->check(w->state, &damage) && !w->wrong)
                w->wrong = "check sees it";
            assert_in_range(damage.at, 0, w->end);
            assert_true(strlen(damage.what) > 10);
            *byte = was;
        }
    heap_world_inspect(w);
}

static void an_overwritten_header_is_told_by_name(void **unused)
{
    (void)unused;
    struct heap_world *w = malloc(sizeof *w);
    const struct vm_heap_ops *ops;
    char text[256];
    for (unsigned seed = 0; seed < test_rounds(12); seed++)
        for (size_t i = 0; (ops = vm_heap_at(i)); i++) {
            if (!(ops->sees & VM_HEAP_SEES_DAMAGE))
                continue;
            draw_params(ops, seed, text, sizeof text);
            heap_world_open(w, ops, text, LIMIT, seed);
            destroyed_headers(w);
            if (w->wrong)
                fail_msg("%s:%s, seed %u: not so: %s", ops->name, text, seed, w->wrong);
            heap_world_close(w);
        }
    free(w);
}

/* Any byte that is not a live block's, overwritten for good: the heap may lose what it had, and say
 * so; it must stay in its region, and come to an end. */
static void destroyed_notes(struct heap_world *w)
{
    enum { PIECES = 2000 };
    static struct vm_heap_piece piece[PIECES];
    for (unsigned i = 0; i < 80 && !w->wrong; i++)
        heap_world_step(w);
    size_t n = heap_world_pieces(w, piece, PIECES);
    for (size_t i = 0; i < n && i < PIECES; i++) {
        if (piece[i].kind == VM_HEAP_LIVE)
            continue;
        size_t most = piece[i].bytes < 40 ? piece[i].bytes : 40;
        size_t at = piece[i].start + vm_random_below(&w->random, most);
        if (at >= w->end)
            break;
        w->env.base[at] ^= (unsigned char)(1 + vm_random_below(&w->random, 255));
        struct vm_heap_damage damage;
        struct vm_heap_usage u;
        w->ops->check(w->state, &damage);
        w->ops->take(w->state, 1 + vm_random_below(&w->random, 600), VM_HEAP_ALIGN, 0);
        if (w->nblocks)
            w->ops->give(w->state, w->block[--w->nblocks].at, 0);
        if (w->nblocks)
            w->ops->resize(w->state, w->block[0].at, 1 + vm_random_below(&w->random, 600));
        heap_world_pieces(w, piece, 0);
        w->ops->usage(w->state, &u);
    }
    w->wrong = NULL; /* moves of the end are as they are */
}

static void no_overwritten_note_leads_the_heap_astray(void **unused)
{
    (void)unused;
    in_worlds(destroyed_notes, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(rows_have_all_their_functions),
        cmocka_unit_test(parameters_have_fallbacks_that_parse_and_echo),
        cmocka_unit_test(faults_have_names),
        cmocka_unit_test(blocks_do_not_overlap_and_every_byte_is_accounted_for),
        cmocka_unit_test(long_lives_keep_the_contract),
        cmocka_unit_test(what_was_given_back_can_be_taken_again),
        cmocka_unit_test(a_heap_that_cannot_grow_says_so_and_goes_on),
        cmocka_unit_test(a_heap_without_memory_has_no_blocks),
        cmocka_unit_test(blocks_are_aligned_as_asked_for),
        cmocka_unit_test(the_same_calls_give_the_same_answers),
        cmocka_unit_test(what_is_no_block_is_refused_and_nothing_changes),
        cmocka_unit_test(a_block_that_is_given_back_twice_is_told),
        cmocka_unit_test(an_overwritten_header_is_told_by_name),
        cmocka_unit_test(no_overwritten_note_leads_the_heap_astray),
    };
    return cmocka_run_group_tests_name("conform_heap", tests, NULL, NULL);
}
