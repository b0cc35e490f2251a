/* Caches: which can be built, textbooks' examples, and patterns whose misses can be counted by
 * hand. */
#include "base/random.h"
#include "unit/test.h"

#include <pagoda/cache.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SHIFT = 12, PAGE = 1 << PAGE_SHIFT };

/* ---- what can be built ---- */

static void assert_possible(struct vm_cache_config c)
{
    struct vm_error e = {0};
    c.level = 1;
    if (!vm_cache_config_check(&c, &e))
        fail_msg("%s", e.text);
}

static void assert_impossible(struct vm_cache_config c, const char *says, const char *hint)
{
    struct vm_error e = {0};
    c.level = 1;
    assert_false(vm_cache_config_check(&c, &e));
    assert_int_equal(e.code, VM_EMACHINE);
    if (!strstr(e.text, says) || !strstr(e.hint, hint))
        fail_msg("\"%s\" (%s), expected \"%s\" (%s)", e.text, e.hint, says, hint);
}

static void sets_are_a_power_of_two(void **unused)
{
    (void)unused;
    assert_possible((struct vm_cache_config){.bytes = 32768, .ways = 8, .line_bytes = 64});
    assert_possible((struct vm_cache_config){.bytes = 49152, .ways = 12, .line_bytes = 64});
    assert_possible((struct vm_cache_config){.bytes = 64, .ways = 1, .line_bytes = 64});
    assert_impossible((struct vm_cache_config){.bytes = 49152, .ways = 8, .line_bytes = 64},
                      "768 lines in 8 ways has 96 sets: expected a power of two",
                      "ways that would do: 3, 6, 12 ...");
    assert_impossible((struct vm_cache_config){.bytes = 128, .ways = 4, .line_bytes = 64},
                      "2 lines in sets of 4 leave 2 over", "1, 2, 4");
    assert_impossible((struct vm_cache_config){.bytes = 100, .ways = 1, .line_bytes = 64},
                      "100 bytes: expected a multiple of its lines' 64 bytes", "");
    assert_impossible((struct vm_cache_config){.bytes = 0, .ways = 1, .line_bytes = 64},
                      "0 bytes: expected a multiple", "");
    assert_impossible(
        (struct vm_cache_config){.bytes = UINT64_C(1) << 38, .ways = 1, .line_bytes = 64},
        "fewer than 2^32 lines", "");
}

static void ways_and_lines_have_bounds(void **unused)
{
    (void)unused;
    struct vm_cache_config c = {.bytes = 65536, .ways = 1024, .line_bytes = 64};
    assert_possible(c);
    c.replace = VM_CACHE_PLRU;
    assert_impossible(c, "a plru cache of 1024 ways: expected at most 64", "");
    c.ways = 64;
    assert_possible(c);
    c.ways = 0;
    assert_impossible(c, "0 ways: expected 1 to 1024", "");
    c.ways = 1025;
    assert_impossible(c, "1025 ways: expected 1 to 1024", "");
    c.ways = 1;
    c.line_bytes = 4;
    assert_impossible(c, "lines of 4 bytes: expected a power of two from 8 to 4096", "");
    c.line_bytes = 8192;
    assert_impossible(c, "lines of 8192 bytes", "");
    c.line_bytes = 96;
    assert_impossible(c, "lines of 96 bytes", "");
    c.line_bytes = 0;
    assert_impossible(c, "lines of 0 bytes", "");
    c.line_bytes = 4096;
    assert_possible(c);
}

static struct vm_cache_config small(unsigned level, enum vm_cache_side side)
{
    return (struct vm_cache_config){
        .level = level, .side = side, .bytes = 1024, .ways = 2, .line_bytes = 64};
}

static void assert_no_hierarchy(const struct vm_caches_config *c, const char *says)
{
    struct vm_error e = {0};
    assert_false(vm_caches_config_check(c, &e));
    assert_int_equal(e.code, VM_EMACHINE);
    if (!strstr(e.text, says))
        fail_msg("\"%s\", expected \"%s\"", e.text, says);
}

static void levels_have_no_gaps_doubles_or_half_sides(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_caches_config c = {.n = 1, .levels = 1, .cache = {small(1, VM_CACHE_UNIFIED)}};
    assert_true(vm_caches_config_check(&c, &e));
    c.cache[c.n++] = small(1, VM_CACHE_DATA);
    assert_no_hierarchy(&c, "two caches of level 1 for one side");
    c.cache[0].side = VM_CACHE_FETCH;
    assert_true(vm_caches_config_check(&c, &e));
    c.cache[c.n++] = small(3, VM_CACHE_UNIFIED);
    c.levels = 3;
    assert_no_hierarchy(&c, "no cache of level 2");
    c.cache[c.n++] = small(2, VM_CACHE_UNIFIED);
    assert_true(vm_caches_config_check(&c, &e));
    c.cache[3].side = VM_CACHE_DATA;
    assert_no_hierarchy(&c, "only level 1 may be split");
    c.cache[3] = small(5, VM_CACHE_UNIFIED);
    assert_no_hierarchy(&c, "level 5: expected 1 to 4");
    c = (struct vm_caches_config){.n = 1, .levels = 1, .cache = {small(1, VM_CACHE_FETCH)}};
    assert_no_hierarchy(&c, "expected one for the other side");
    c = (struct vm_caches_config){.n = 0};
    assert_true(vm_caches_config_check(&c, &e));
}

static void only_level_1_is_virtual_or_writes_through(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_caches_config c = {
        .n = 2, .levels = 2, .cache = {small(1, VM_CACHE_UNIFIED), small(2, VM_CACHE_UNIFIED)}};
    c.cache[0].index = VM_CACHE_VIPT;
    c.cache[0].write = VM_CACHE_THROUGH;
    assert_true(vm_caches_config_check(&c, &e));
    c.cache[1].index = VM_CACHE_VIPT;
    assert_no_hierarchy(&c, "a vipt cache at level 2: expected pipt");
    c.cache[1] = small(2, VM_CACHE_UNIFIED);
    c.cache[1].write = VM_CACHE_THROUGH;
    assert_no_hierarchy(&c, "a write-through cache at level 2");
    c.cache[1] = small(2, VM_CACHE_UNIFIED);
    c.cache[1].line_bytes = 32;
    assert_no_hierarchy(&c, "lines of 64 bytes at level 1 and of 32 at level 2");
    c.cache[1].ways = 3;
    assert_no_hierarchy(&c, "32 lines in sets of 3 leave 2 over");
}

/* ---- one level, by hand ---- */

struct machine {
    struct vm_caches h;
    void *memory;
};

static struct machine *machine_new(struct vm_caches_config c)
{
    struct machine *m = calloc(1, sizeof *m);
    struct vm_error e = {0};
    for (size_t i = 0; i < c.n; i++)
        c.levels = c.cache[i].level > c.levels ? c.cache[i].level : c.levels;
    c.tables_level = c.tables_level ? c.tables_level : 1;
    if (!vm_caches_config_check(&c, &e))
        fail_msg("%s", e.text);
    m->memory = calloc(1, vm_caches_size(&c));
    vm_caches_init(&m->h, &c, PAGE_SHIFT, 1, m->memory);
    return m;
}

static struct machine *machine_one(uint64_t bytes, uint32_t ways, uint32_t line_bytes)
{
    return machine_new((struct vm_caches_config){
        .n = 1, .cache = {{.level = 1, .bytes = bytes, .ways = ways, .line_bytes = line_bytes}}});
}

static void machine_free(struct machine *m)
{
    vm_caches_check(&m->h);
    free(m->memory);
    free(m);
}

static unsigned touch(struct machine *m, vm_pa pa, enum vm_access access)
{
    return vm_caches_access(&m->h, pa, pa, 0, access);
}

/* Reads blocks, in units of lines; answers with a letter for each: m(iss) or h(it). */
static const char *read_blocks(struct machine *m, const unsigned *block, size_t n)
{
    static char out[32];
    uint64_t line_bytes = -m->h.cache[0].line_mask;
    for (size_t i = 0; i < n; i++)
        out[i] = touch(m, block[i] * line_bytes, VM_READ) ? 'm' : 'h';
    out[n] = 0;
    return out;
}

/* Patterson & Hennessy, Computer Organization and Design, RISC-V edition, 5.3, "Accessing a Cache":
 * nine references to a direct-mapped cache of eight blocks. */
static void patterson_hennessy_accessing_a_cache(void **unused)
{
    (void)unused;
    static const unsigned block[] = {22, 26, 22, 26, 16, 3, 16, 18, 16};
    struct machine *m = machine_one(8 * 16, 1, 16);
    assert_string_equal(read_blocks(m, block, 9), "mmhhmmhmh");
    assert_int_equal(m->h.cache[0].counts.evictions, 1); /* 26 by 18 */
    assert_int_equal(m->h.memory_reads, 5);
    machine_free(m);
}

/* The same, 5.4, "Misses and Associativity in Caches": four blocks in one, two and four ways. */
static void patterson_hennessy_misses_and_associativity(void **unused)
{
    (void)unused;
    static const unsigned block[] = {0, 8, 0, 6, 8};
    static const char *const expected[] = {[1] = "mmmmm", [2] = "mmhmm", [4] = "mmhmh"};
    for (uint32_t ways = 1; ways <= 4; ways *= 2) {
        struct machine *m = machine_one(4 * 16, ways, 16);
        assert_string_equal(read_blocks(m, block, 5), expected[ways]);
        machine_free(m);
    }
}

/* Hennessy & Patterson, Computer Architecture, app. B.1: write, write 100, read, write 200, write
 * 100 in a write-back cache that allocates on writes: two misses, three hits. */
static void hennessy_patterson_write_allocate(void **unused)
{
    (void)unused;
    struct machine *m = machine_one(1024, 64, 16);
    assert_int_equal(touch(m, 0x100, VM_WRITE), 1);
    assert_int_equal(touch(m, 0x100, VM_WRITE), 0);
    assert_int_equal(touch(m, 0x200, VM_READ), 1);
    assert_int_equal(touch(m, 0x200, VM_WRITE), 0);
    assert_int_equal(touch(m, 0x100, VM_WRITE), 0);
    assert_int_equal(m->h.memory_writes, 0);
    vm_caches_flush_frames(&m->h, 0, PAGE);
    assert_int_equal(m->h.memory_writes, 2);
    assert_int_equal(m->h.cache[0].counts.invalidations, 2);
    machine_free(m);
}

static void write_through_writes_each_time_and_leaves_nothing_dirty(void **unused)
{
    (void)unused;
    struct vm_caches_config c = {.n = 1, .cache = {small(1, VM_CACHE_UNIFIED)}};
    c.cache[0].write = VM_CACHE_THROUGH;
    struct machine *m = machine_new(c);
    for (int i = 0; i < 5; i++)
        assert_int_equal(touch(m, 64, VM_WRITE), i == 0);
    assert_int_equal(m->h.cache[0].counts.throughs, 5);
    assert_int_equal(m->h.memory_writes, 5);
    assert_int_equal(m->h.memory_reads, 1);
    vm_caches_flush_frames(&m->h, 0, PAGE);
    assert_int_equal(m->h.cache[0].counts.writebacks, 0);
    assert_int_equal(m->h.memory_writes, 5);
    machine_free(m);
}

/* A loop over `n` lines, `turns` times. */
static uint64_t loop_misses(enum vm_cache_replace replace, unsigned n, unsigned turns)
{
    struct machine *m = machine_new((struct vm_caches_config){
        .n = 1,
        .cache = {
            {.level = 1, .bytes = 64 * 64, .ways = 64, .line_bytes = 64, .replace = replace}}});
    for (unsigned turn = 0; turn < turns; turn++)
        for (unsigned i = 0; i < n; i++)
            touch(m, i * 64, VM_READ);
    uint64_t misses = m->h.cache[0].counts.misses;
    machine_free(m);
    return misses;
}

static void a_loop_one_line_too_long_always_misses_under_lru_and_fifo_alone(void **unused)
{
    (void)unused;
    for (enum vm_cache_replace replace = 0; replace < 4; replace++)
        assert_int_equal(loop_misses(replace, 64, 10), 64);
    assert_int_equal(loop_misses(VM_CACHE_LRU, 65, 10), 650);
    assert_int_equal(loop_misses(VM_CACHE_FIFO, 65, 10), 650);
    assert_in_range(loop_misses(VM_CACHE_RANDOM, 65, 10), 66, 400);
    assert_in_range(loop_misses(VM_CACHE_PLRU, 65, 10), 66, 649);
}

/* c[i] = a[i] + b[i] with arrays a multiple of the cache apart: each of the three evicts another,
 * unless the set has room for all. */
static void arrays_of_equal_colour_thrash_until_the_ways_suffice(void **unused)
{
    (void)unused;
    for (uint32_t ways = 1; ways <= 4; ways++) {
        struct machine *m = machine_one(ways * 4096, ways, 64);
        for (unsigned i = 0; i < 512; i++)
            for (unsigned array = 0; array < 3; array++)
                touch(m, array * 65536 + i * 8, array == 2 ? VM_WRITE : VM_READ);
        bool fits = ways >= 3;
        assert_int_equal(m->h.cache[0].counts.misses, fits ? 3 * 64 : 3 * 512);
        assert_int_equal(m->h.cache[0].counts.writebacks, fits ? 0 : 512 - 64);
        machine_free(m);
    }
}

/* Mattson et al. 1970, for each set: what LRU holds in w ways it holds in w + 1. */
static void a_way_more_never_adds_a_miss_under_lru(void **unused)
{
    (void)unused;
    struct vm_random r;
    uint64_t before = UINT64_MAX;
    for (uint32_t ways = 1; ways <= 12; ways++) {
        struct machine *m = machine_one(ways * 1024, ways, 64);
        vm_random_seed(&r, 3);
        for (unsigned i = 0; i < 20000; i++)
            touch(m, vm_random_below(&r, 1 + vm_random_below(&r, 16384)), VM_READ);
        assert_true(m->h.cache[0].counts.misses < before);
        before = m->h.cache[0].counts.misses;
        machine_free(m);
    }
}

/* ---- levels ---- */

static struct machine *machine_three(unsigned tables_level)
{
    return machine_new((struct vm_caches_config){
        .n = 4,
        .tables_level = tables_level,
        .cache = {{.level = 1, .side = VM_CACHE_FETCH, .bytes = 32768, .ways = 8, .line_bytes = 64},
                  {.level = 1, .side = VM_CACHE_DATA, .bytes = 32768, .ways = 8, .line_bytes = 64},
                  {.level = 2, .bytes = 262144, .ways = 4, .line_bytes = 64},
                  {.level = 3, .bytes = 1048576, .ways = 16, .line_bytes = 64}}});
}

/* Twice through 64 KiB: too long for level 1, which lru makes miss each line each time; level 2 has
 * it all the second time. Written, each line that leaves level 1 is written to level 2. */
static void a_sweep_misses_where_it_does_not_fit(void **unused)
{
    (void)unused;
    struct machine *m = machine_three(1);
    for (unsigned turn = 0; turn < 2; turn++)
        for (vm_pa pa = 0; pa < 65536; pa += 8)
            touch(m, pa, VM_WRITE);
    const struct vm_cache *l1 = &m->h.cache[1], *l2 = &m->h.cache[2], *l3 = &m->h.cache[3];
    assert_int_equal(l1->counts.accesses, 2 * 8192);
    assert_int_equal(l1->counts.misses, 2 * 1024);
    assert_int_equal(l1->counts.writebacks, 2 * 1024 - 512);
    assert_int_equal(l2->counts.accesses, 2 * 1024);
    assert_int_equal(l2->counts.misses, 1024);
    assert_int_equal(l3->counts.accesses, 1024);
    assert_int_equal(m->h.memory_reads, 1024);
    assert_int_equal(m->h.memory_writes, 0);
    machine_free(m);
}

/* A line that is dirty in two levels is written to memory once. */
static void a_page_that_leaves_is_written_once(void **unused)
{
    (void)unused;
    struct machine *m = machine_three(1);
    touch(m, 0, VM_WRITE);
    for (unsigned i = 1; i <= 8; i++) /* out of its set of level 1, into level 2 */
        touch(m, i * 4096, VM_READ);
    assert_int_equal(m->h.cache[1].counts.writebacks, 1);
    touch(m, 0, VM_WRITE);
    touch(m, 0, VM_FETCH);
    vm_caches_flush_frames(&m->h, 0, PAGE);
    assert_int_equal(m->h.memory_writes, 1);
    assert_int_equal(m->h.cache[0].counts.invalidations, 1);
    assert_int_equal(m->h.cache[1].counts.invalidations, 1);
    assert_int_equal(m->h.cache[2].counts.invalidations, 1);
    assert_int_equal(m->h.cache[2].counts.writebacks, 1);
    assert_int_equal(m->h.cache[3].counts.invalidations, 1);
    assert_int_equal(m->h.cache[3].counts.writebacks, 1); /* from level to level, as far as it is */
    assert_int_equal(touch(m, 0, VM_READ), 3);
    machine_free(m);
}

static void walks_begin_at_their_level(void **unused)
{
    (void)unused;
    for (unsigned level = 1; level <= 5; level++) {
        struct machine *m = machine_three(level);
        unsigned entered = level <= 4 ? level - 1 : 3;
        assert_int_equal(vm_caches_table(&m->h, 8192, VM_READ), 3);
        assert_int_equal(vm_caches_table(&m->h, 8200, VM_WRITE), entered);
        for (unsigned i = 1; i <= 3; i++)
            assert_int_equal(m->h.cache[i].counts.misses, i > entered);
        assert_int_equal(m->h.cache[0].counts.accesses, 0);
        assert_int_equal(m->h.memory_reads, 1);
        assert_int_equal(m->h.memory_writes, entered == 3);
        machine_free(m);
    }
}

/* ---- virtual indexes ---- */

static struct machine *machine_virtual(enum vm_cache_index index, enum vm_cache_tags tags)
{
    return machine_new((struct vm_caches_config){.n = 1,
                                                 .cache = {{.level = 1,
                                                            .bytes = 16384,
                                                            .ways = 1,
                                                            .line_bytes = 64,
                                                            .index = index,
                                                            .tags = tags}}});
}

static void aliases_are_of_pages_that_differ_in_colour(void **unused)
{
    (void)unused;
    struct machine *m = machine_virtual(VM_CACHE_VIPT, VM_CACHE_ASID);
    const vm_pa pa = 5 * PAGE;
    assert_int_equal(vm_caches_access(&m->h, 1 * PAGE, pa, 0, VM_WRITE), 1);
    assert_int_equal(vm_caches_access(&m->h, 5 * PAGE, pa, 0, VM_READ), 0); /* of colour 1 too */
    assert_int_equal(m->h.cache[0].counts.aliases, 0);
    assert_int_equal(vm_caches_access(&m->h, 2 * PAGE, pa, 0, VM_READ), 1);
    assert_int_equal(m->h.cache[0].counts.aliases, 1);
    assert_int_equal(m->h.memory_writes, 1); /* before it was read again */
    assert_int_equal(vm_caches_access(&m->h, 1 * PAGE, pa, 1, VM_READ), 1);
    assert_int_equal(m->h.cache[0].counts.aliases, 2);
    assert_int_equal(m->h.memory_writes, 1);
    machine_free(m);
}

static void frames_of_the_pages_colour_have_no_aliases(void **unused)
{
    (void)unused;
    struct vm_cache_config c = {.bytes = 65536, .ways = 4, .line_bytes = 64};
    struct vm_random r;
    assert_int_equal(vm_cache_colours(&c, PAGE_SHIFT), 1);
    c.index = VM_CACHE_VIPT;
    assert_int_equal(vm_cache_colours(&c, PAGE_SHIFT), 4);
    assert_int_equal(vm_cache_colours(&c, 14), 1);
    for (unsigned offset = 0; offset < 4; offset++) {
        struct machine *m = machine_virtual(VM_CACHE_VIPT, VM_CACHE_ASID);
        vm_random_seed(&r, 1);
        for (unsigned i = 0; i < 5000; i++) {
            /* Page and frame numbers differ by `offset` in colour, or not, where it is 0. */
            uint64_t frame = vm_random_below(&r, 16), page = 4 * vm_random_below(&r, 9) + frame % 4;
            page += offset * vm_random_below(&r, 2);
            uint64_t at = vm_random_below(&r, PAGE);
            vm_caches_access(&m->h, page * PAGE + at, frame * PAGE + at, 0, VM_READ);
        }
        assert_int_equal(m->h.cache[0].counts.aliases > 0, offset != 0);
        machine_free(m);
    }
}

static void synonyms_are_of_one_line_with_two_names(void **unused)
{
    (void)unused;
    struct machine *m = machine_virtual(VM_CACHE_VIVT, VM_CACHE_ASID);
    const vm_pa pa = 5 * PAGE;
    assert_int_equal(vm_caches_access(&m->h, 1 * PAGE, pa, 0, VM_WRITE), 1);
    assert_int_equal(vm_caches_access(&m->h, 1 * PAGE, pa, 0, VM_READ), 0);
    assert_int_equal(vm_caches_access(&m->h, 2 * PAGE, pa, 0, VM_READ), 1); /* another page */
    assert_int_equal(m->h.memory_writes, 1);
    assert_int_equal(vm_caches_access(&m->h, 2 * PAGE, pa, 7, VM_READ), 1); /* another space */
    assert_int_equal(m->h.cache[0].counts.synonyms, 2);
    assert_int_equal(m->h.cache[0].counts.homonyms, 0);
    machine_free(m);
}

/* Two spaces have different lines at one address, in turn: what each way to tell them apart makes
 * of the second space's access, and of the first one's after it. */
static void homonyms_are_of_two_lines_with_one_name(void **unused)
{
    (void)unused;
    static const struct {
        enum vm_cache_tags tags;
        uint64_t homonyms, invalidations, evictions;
    } expected[] = {
        {VM_CACHE_ASID, 0, 0, 2}, {VM_CACHE_FLUSH, 0, 2, 0}, {VM_CACHE_UNTAGGED, 2, 2, 0}};
    for (int i = 0; i < 3; i++) {
        struct machine *m = machine_virtual(VM_CACHE_VIVT, expected[i].tags);
        for (vm_asid turn = 0; turn < 3; turn++) {
            vm_asid asid = turn % 2;
            assert_int_equal(vm_caches_access(&m->h, PAGE, asid * PAGE, asid, VM_WRITE), 1);
            vm_caches_switch(&m->h);
        }
        bool flushed = expected[i].tags == VM_CACHE_FLUSH; /* after the last one, too */
        assert_int_equal(m->h.cache[0].counts.homonyms, expected[i].homonyms);
        assert_int_equal(m->h.cache[0].counts.invalidations, expected[i].invalidations + flushed);
        assert_int_equal(m->h.cache[0].counts.evictions, expected[i].evictions);
        assert_int_equal(m->h.memory_writes, 2 + flushed);
        machine_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_a_power_of_two),
        cmocka_unit_test(ways_and_lines_have_bounds),
        cmocka_unit_test(levels_have_no_gaps_doubles_or_half_sides),
        cmocka_unit_test(only_level_1_is_virtual_or_writes_through),
        cmocka_unit_test(patterson_hennessy_accessing_a_cache),
        cmocka_unit_test(patterson_hennessy_misses_and_associativity),
        cmocka_unit_test(hennessy_patterson_write_allocate),
        cmocka_unit_test(write_through_writes_each_time_and_leaves_nothing_dirty),
        cmocka_unit_test(a_loop_one_line_too_long_always_misses_under_lru_and_fifo_alone),
        cmocka_unit_test(arrays_of_equal_colour_thrash_until_the_ways_suffice),
        cmocka_unit_test(a_way_more_never_adds_a_miss_under_lru),
        cmocka_unit_test(a_sweep_misses_where_it_does_not_fit),
        cmocka_unit_test(a_page_that_leaves_is_written_once),
        cmocka_unit_test(walks_begin_at_their_level),
        cmocka_unit_test(aliases_are_of_pages_that_differ_in_colour),
        cmocka_unit_test(frames_of_the_pages_colour_have_no_aliases),
        cmocka_unit_test(synonyms_are_of_one_line_with_two_names),
        cmocka_unit_test(homonyms_are_of_two_lines_with_one_name),
    };
    return cmocka_run_group_tests_name("unit_cache", tests, NULL, NULL);
}
