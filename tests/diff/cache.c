/* Levels of caches in many shapes against naive ones that keep contents, over random operations of
 * a small machine: three address spaces whose pages move between frames. */
#include "base/random.h"
#include "oracle/naive_cache.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

/* Small pages let small caches have index bits beyond the page offset. */
enum { PAGE_SHIFT = 7, PAGE = 1 << PAGE_SHIFT };
enum { FRAMES = 20, TABLE_FRAMES = 3, PAGES = 12, SPACES = 3, STEPS = 500 };

/* The first pages have addresses that physical table words have, too. */
static vm_va page_va(uint32_t page)
{
    return page < PAGES / 2 ? (uint64_t)(FRAMES - 2 + page) * PAGE
                            : UINT64_C(0x7ffc00000000) + page * PAGE;
}

struct world {
    struct vm_caches fast;
    struct naive_caches naive;
    struct vm_random random;
    uint32_t frame[SPACES][PAGES];
    vm_asid asid;
    uint64_t answers; /* of level 1, by vm_caches_is_hot */
};

static void compare_cache(const struct vm_cache *fast, const struct naive_cache *naive)
{
    uint64_t n = 0;
    for (size_t i = 0; i < NAIVE_CACHE_LINES; i++) {
        const struct naive_cache_line *l = &naive->line[i];
        if (!l->valid)
            continue;
        int64_t at = vm_cache_find_line(fast, l->pa);
        n++;
        assert_true(at >= 0);
        assert_int_equal(fast->line[at] & VM_CACHE_DIRTY, l->dirty);
        assert_int_equal(vm_cache_pa(fast->line[at]), l->pa);
        if (fast->name)
            assert_int_equal(fast->name[at], l->va);
    }
    assert_int_equal(n, fast->counts.fills - fast->counts.evictions - fast->counts.invalidations);
#define SAME(field, what) assert_int_equal(fast->counts.field, naive->counts.field);
    VM_CACHE_COUNTS(SAME)
#undef SAME
}

static void compare(struct world *w)
{
    vm_caches_check(&w->fast);
    for (size_t i = 0; i < w->fast.n; i++)
        compare_cache(&w->fast.cache[i], &w->naive.cache[i]);
    assert_int_equal(w->fast.memory_reads, w->naive.memory_reads);
    assert_int_equal(w->fast.memory_writes, w->naive.memory_writes);
    assert_int_equal(w->naive.old_reads, 0);
}

static void access_some(struct world *w)
{
    uint32_t page = (uint32_t)vm_random_below(&w->random, PAGES);
    uint64_t offset = vm_random_below(&w->random, PAGE), what = vm_random_below(&w->random, 8);
    enum vm_access access = what < 4 ? VM_READ : what < 7 ? VM_WRITE : VM_FETCH;
    vm_va va = page_va(page) + offset;
    vm_pa pa = w->frame[w->asid][page] * PAGE + offset;
    unsigned had = 0;
    if (vm_caches_is_hot(&w->fast, va, pa, access)) {
        w->fast.first[access]->counts.accesses++;
        w->answers++;
    } else {
        had = vm_caches_access(&w->fast, va, pa, w->asid, access);
    }
    assert_int_equal(had, naive_caches_access(&w->naive, va, pa, w->asid, access));
}

static void access_table(struct world *w)
{
    vm_pa pa = FRAMES * PAGE + vm_random_below(&w->random, TABLE_FRAMES * PAGE / 8) * 8;
    enum vm_access access = vm_random_below(&w->random, 4) ? VM_READ : VM_WRITE;
    assert_int_equal(vm_caches_table(&w->fast, pa, access),
                     naive_caches_table(&w->naive, pa, access));
}

/* A page's frame leaves memory: nobody maps it any more, and another page is brought to it. */
static void replace_frame(struct world *w)
{
    uint32_t frame = (uint32_t)vm_random_below(&w->random, FRAMES);
    vm_caches_flush_frames(&w->fast, frame * PAGE, PAGE);
    naive_caches_flush(&w->naive, frame * PAGE, PAGE);
    naive_caches_bring(&w->naive, frame * PAGE, PAGE);
}

/* A page has another frame from now on: as after a copy-on-write break, or to share it. */
static void move_page(struct world *w)
{
    w->frame[vm_random_below(&w->random, SPACES)][vm_random_below(&w->random, PAGES)] =
        (uint32_t)vm_random_below(&w->random, FRAMES);
}

static void switch_space(struct world *w)
{
    w->asid = (vm_asid)vm_random_below(&w->random, SPACES);
    vm_caches_switch(&w->fast);
    naive_caches_switch(&w->naive);
}

static void step(struct world *w)
{
    uint64_t what = vm_random_below(&w->random, 256);
    if (what < 210)
        access_some(w);
    else if (what < 238)
        access_table(w);
    else if (what < 244)
        replace_frame(w);
    else if (what < 250)
        move_page(w);
    else
        switch_space(w);
    if (what >= 210 || what % 8 == 0)
        compare(w);
}

/* Every line leaves: memory has all that was ever written. */
static void flush_all(struct world *w)
{
    for (vm_pa pa = 0; pa < (FRAMES + TABLE_FRAMES) * PAGE; pa += PAGE) {
        vm_caches_flush_frames(&w->fast, pa, PAGE);
        naive_caches_flush(&w->naive, pa, PAGE);
    }
    compare(w);
    assert_memory_equal(w->naive.memory, w->naive.latest, sizeof w->naive.memory);
    for (size_t i = 0; i < w->fast.n; i++)
        for (size_t k = 0; k < NAIVE_CACHE_LINES; k++)
            assert_false(w->naive.cache[i].line[k].valid);
}

static void play(const struct vm_caches_config *c, uint64_t seed, struct vm_cache_counts *sum)
{
    static struct world w;
    struct vm_error e = {0};
    if (!vm_caches_config_check(c, &e))
        fail_msg("%s", e.text);
    void *memory = calloc(1, vm_caches_size(c));
    memset(&w, 0, sizeof w);
    vm_caches_init(&w.fast, c, PAGE_SHIFT, seed, memory);
    naive_caches_open(&w.naive, c, PAGE_SHIFT, seed);
    vm_random_seed(&w.random, seed);
    for (size_t i = 0; i < SPACES * PAGES; i++)
        w.frame[i / PAGES][i % PAGES] = (uint32_t)vm_random_below(&w.random, FRAMES);
    for (unsigned i = 0; i < STEPS; i++)
        step(&w);
    flush_all(&w);
    for (size_t i = 0; i < w.fast.n; i++) {
#define ADD(field, what) sum->field += w.fast.cache[i].counts.field;
        VM_CACHE_COUNTS(ADD)
#undef ADD
    }
    free(memory);
}

/* ---- shapes ---- */

static uint64_t below(struct vm_random *r, uint64_t n)
{
    return vm_random_below(r, n);
}

/* A cache of at most NAIVE_CACHE_LINES lines. */
static struct vm_cache_config some_cache(struct vm_random *r, unsigned level, uint32_t line_bytes,
                                         enum vm_cache_replace replace)
{
    static const uint32_t ways[] = {1, 1, 2, 2, 3, 4, 6, 8};
    struct vm_cache_config c = {
        .level = level,
        .ways = ways[below(r, 8)],
        .line_bytes = line_bytes,
        .replace = replace,
    };
    c.bytes = (uint64_t)c.line_bytes * c.ways << below(r, 6);
    return c;
}

struct wish {
    enum vm_cache_replace replace;
    enum vm_cache_index index;
    enum vm_cache_tags tags;
    enum vm_cache_write write;
};

static void add_first(struct vm_caches_config *c, struct vm_random *r, struct wish w,
                      uint32_t line_bytes)
{
    bool split = below(r, 2);
    for (int side = 0; side <= split; side++) {
        struct vm_cache_config *it = &c->cache[c->n++];
        *it = some_cache(r, 1, line_bytes, w.replace);
        it->side = !split ? VM_CACHE_UNIFIED : side ? VM_CACHE_DATA : VM_CACHE_FETCH;
        it->index = w.index;
        it->tags = w.tags;
        it->write = w.write;
    }
}

static struct vm_caches_config some_caches(struct vm_random *r, struct wish w)
{
    struct vm_caches_config c = {.levels = 1 + (unsigned)below(r, VM_CACHE_LEVELS)};
    uint32_t line_bytes = 16u << below(r, 2);
    add_first(&c, r, w, line_bytes);
    for (unsigned level = 2; level <= c.levels; level++) {
        if (line_bytes < PAGE && below(r, 4) == 0)
            line_bytes *= 2;
        c.cache[c.n++] = some_cache(r, level, line_bytes, w.replace);
    }
    c.tables_level = 1 + (unsigned)below(r, c.levels + 1);
    return c;
}

static struct vm_cache_counts play_many(struct wish w, uint64_t seed, unsigned rounds)
{
    struct vm_cache_counts sum = {0};
    struct vm_random r;
    for (unsigned i = test_rounds(rounds); i-- > 0;) {
        vm_random_seed(&r, seed + i);
        struct vm_caches_config c = some_caches(&r, w);
        play(&c, seed + i, &sum);
    }
    assert_true(sum.misses > 0 && sum.evictions > 0 && sum.invalidations > 0);
    assert_true((sum.throughs > 0) == (w.write == VM_CACHE_THROUGH));
    assert_true((sum.aliases > 0) == (w.index == VM_CACHE_VIPT));
    assert_true((sum.synonyms > 0) == (w.index == VM_CACHE_VIVT));
    assert_true(w.index == VM_CACHE_VIVT || sum.homonyms == 0);
    return sum;
}

/* ---- laws ---- */

static void each_replacement_is_as_a_naive_one(void **unused)
{
    (void)unused;
    for (enum vm_cache_replace replace = 0; replace < 4; replace++)
        play_many((struct wish){.replace = replace}, 1000 * replace, 400);
}

static void a_vipt_cache_has_no_line_twice_and_no_old_one(void **unused)
{
    (void)unused;
    for (enum vm_cache_replace replace = 0; replace < 4; replace++)
        play_many((struct wish){replace, VM_CACHE_VIPT, VM_CACHE_ASID, replace % 2}, 5000 + replace,
                  200);
}

static void a_vivt_cache_has_no_line_under_two_names(void **unused)
{
    (void)unused;
    for (enum vm_cache_replace replace = 0; replace < 4; replace++)
        for (enum vm_cache_tags tags = 0; tags < 3; tags++)
            play_many((struct wish){replace, VM_CACHE_VIVT, tags, 0}, 10000 + 10 * replace + tags,
                      100);
}

static void a_write_through_cache_leaves_nothing_to_write(void **unused)
{
    (void)unused;
    for (enum vm_cache_index index = 0; index < 3; index++)
        play_many((struct wish){VM_CACHE_LRU, index, VM_CACHE_FLUSH, VM_CACHE_THROUGH},
                  20000 + index, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_replacement_is_as_a_naive_one),
        cmocka_unit_test(a_vipt_cache_has_no_line_twice_and_no_old_one),
        cmocka_unit_test(a_vivt_cache_has_no_line_under_two_names),
        cmocka_unit_test(a_write_through_cache_leaves_nothing_to_write),
    };
    return cmocka_run_group_tests_name("diff_cache", tests, NULL, NULL);
}
