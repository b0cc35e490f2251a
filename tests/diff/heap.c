/* heap.c - the free lists, and the tree, against lists that are looked through: the same blocks at
 * the same addresses, whatever the parameters. */
#include "oracle/heap_world.h"
#include "oracle/naive_heap.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 300

static const char *const orders[] = {"address", "size", "lifo", "fifo"};
static const char *const coalescings[] = {"immediate", "deferred", "never"};

struct pair {
    struct heap_world w;
    struct naive_heap naive;
    char text[160];
};

static size_t draw_of(struct vm_random *random, const size_t *from, size_t n)
{
    return from[vm_random_below(random, n)];
}

/* Both with the same parameters, drawn. */
static void open_lists(struct pair *p, const char *name, enum naive_fit fit, uint64_t seed)
{
    static const size_t splits[] = {32, 32, 48, 100, 512}, grows[] = {4096, 8192, 65536},
                        trims[] = {0, 4096, 16384, 131072}, everies[] = {1, 3, 20};
    struct vm_error e;
    struct vm_random random;
    vm_random_seed(&random, seed);
    p->naive = (struct naive_heap){
        .fit = fit,
        .order = (enum naive_order)vm_random_below(&random, 4),
        .coalesce = (enum naive_coalesce)vm_random_below(&random, 3),
        .split = draw_of(&random, splits, 5),
        .grow = draw_of(&random, grows, 3),
        .trim = draw_of(&random, trims, 4),
        .every = draw_of(&random, everies, 3),
        .lead = vm_random_below(&random, 2) ? 16 : 8,
        .limit = (size_t)1 << 18,
    };
    const struct naive_heap *h = &p->naive;
    snprintf(p->text, sizeof p->text,
             "order=%s,coalesce=%s,split=%zu,grow=%zu,trim=%zu,every=%zu,notes=%s",
             orders[h->order], coalescings[h->coalesce], h->split, h->grow, h->trim, h->every,
             h->lead == 16 ? "header" : "tags");
    heap_world_open(&p->w, vm_heap_find(name, &e), p->text, h->limit, seed);
    naive_heap_init(&p->naive);
}

static void open_tree(struct pair *p, uint64_t seed)
{
    struct vm_error e;
    p->naive = (struct naive_heap){.fit = NAIVE_BEST,
                                   .split = 32,
                                   .lead = 8,
                                   .grow = 8192,
                                   .trim = 16384,
                                   .limit = (size_t)1 << 18};
    snprintf(p->text, sizeof p->text, "grow=8KiB,trim=16KiB");
    heap_world_open(&p->w, vm_heap_find("tree-fit", &e), p->text, p->naive.limit, seed);
    naive_heap_init(&p->naive);
}

static size_t place_of(const struct heap_world *w, const void *block)
{
    return block ? (size_t)((const unsigned char *)block - w->env.base) : NAIVE_HEAP_NONE;
}

static size_t draw_bytes(struct vm_random *random)
{
    uint64_t kind = vm_random_below(random, 40);
    return 1 + vm_random_below(random, kind ? (kind < 30 ? 200 : 3000) : 100000);
}

/* The same step for both; whether both did the same. */
static bool step(struct pair *p)
{
    struct heap_world *w = &p->w;
    struct vm_random *random = &w->random;
    size_t bytes = draw_bytes(random), align = (size_t)16 << (vm_random_below(random, 8) ? 0 : 4);
    if (!w->nblocks || (w->nblocks < 200 && vm_random_below(random, 5) < 3)) {
        size_t expected = naive_heap_take(&p->naive, bytes, align);
        return place_of(w, heap_world_take(w, bytes, align)) == expected;
    }
    size_t i = vm_random_below(random, w->nblocks), place = place_of(w, w->block[i].at);
    if (vm_random_below(random, 4) == 0)
        return naive_heap_resize(&p->naive, place, bytes) == heap_world_resize(w, i, bytes);
    naive_heap_give(&p->naive, place);
    heap_world_give(w, i);
    return true;
}

/* Both have the same blocks, and the same of them are free. */
static bool same_blocks(const struct pair *p)
{
    static struct vm_heap_piece piece[3 * NAIVE_HEAP_BLOCKS];
    const struct naive_heap *h = &p->naive;
    size_t n = heap_world_pieces(&p->w, piece, 3 * NAIVE_HEAP_BLOCKS), k = 0;
    for (size_t i = 0; i < n; i++) {
        if (piece[i].kind == VM_HEAP_OVERHEAD)
            continue;
        size_t lead = piece[i].kind == VM_HEAP_FREE ? h->lead : 0;
        const struct naive_heap_block *b = &h->block[k++];
        if (k > h->nblocks || b->live != (lead == 0) || b->place != piece[i].start + lead ||
            b->bytes != piece[i].bytes + h->lead - lead)
            return false;
    }
    return k == h->nblocks && p->w.end == h->end;
}

static void play(struct pair *p, const char *name, uint64_t seed)
{
    for (unsigned i = 0; i < STEPS; i++) {
        bool same = step(p) && same_blocks(p);
        if (i % 16 == 0)
            heap_world_inspect(&p->w);
        if (!same || p->w.wrong)
            fail_msg("%s:%s, seed %llu, step %u: %s", name, p->text, (unsigned long long)seed, i,
                     p->w.wrong ? p->w.wrong : "not as by brute force");
    }
    heap_world_close(&p->w);
}

static void in_lists(const char *name, enum naive_fit fit)
{
    struct pair *p = malloc(sizeof *p);
    assert_non_null(p);
    uint64_t first = test_first_seed() + 1, end = first + test_long_rounds(80, STEPS);
    for (uint64_t seed = first; seed < end; seed++) {
        open_lists(p, name, fit, seed);
        play(p, name, seed);
    }
    free(p);
}

static void first_fit_is_that_of_brute_force(void **unused)
{
    (void)unused;
    in_lists("first-fit", NAIVE_FIRST);
}

static void next_fit_is_that_of_brute_force(void **unused)
{
    (void)unused;
    in_lists("next-fit", NAIVE_NEXT);
}

static void best_fit_is_that_of_brute_force(void **unused)
{
    (void)unused;
    in_lists("best-fit", NAIVE_BEST);
}

static void worst_fit_is_that_of_brute_force(void **unused)
{
    (void)unused;
    in_lists("worst-fit", NAIVE_WORST);
}

static void the_tree_finds_the_best_fit(void **unused)
{
    (void)unused;
    struct pair *p = malloc(sizeof *p);
    assert_non_null(p);
    uint64_t first = test_first_seed() + 1, end = first + test_long_rounds(80, STEPS);
    for (uint64_t seed = first; seed < end; seed++) {
        open_tree(p, seed);
        play(p, "tree-fit", seed);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_fit_is_that_of_brute_force),
        cmocka_unit_test(next_fit_is_that_of_brute_force),
        cmocka_unit_test(best_fit_is_that_of_brute_force),
        cmocka_unit_test(worst_fit_is_that_of_brute_force),
        cmocka_unit_test(the_tree_finds_the_best_fit),
    };
    return cmocka_run_group_tests_name("diff_heap", tests, NULL, NULL);
}
