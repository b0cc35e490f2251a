/* Prices of whole machines with caches, worked out by hand.
 *
 * The average memory access time: hit time + miss rate x miss penalty (Hennessy & Patterson,
 * Computer Architecture, app. B.2), where here each level's time is that of an access which it
 * answers, the nearer levels' included. */
#include "unit/folder.h"

#include <pagoda/engine.h>
#include <stdio.h>

static void set(struct vm_config *c, const char *flag, const char *value)
{
    struct vm_error e;
    const struct vm_option *o;
    for (size_t i = 0; (o = vm_option_at(i)); i++)
        if (!strcmp(o->flag, flag))
            assert_true(vm_config_set(c, o, value, &e));
}

/* A machine with these caches reads 32 KiB, `turns` times, eight bytes at a time. */
static struct vm_result sweep(const char *caches, const char *walks, unsigned turns)
{
    struct folder f = folder_new();
    struct vm_config c;
    struct vm_result r;
    struct vm_error e = {0};
    char path[256];
    folder_path(&f, "trace.lackey", path);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (unsigned turn = 0; turn < turns; turn++)
        for (unsigned at = 0; at < 32768; at += 8)
            fprintf(out, " L %x,8\n", 0x10000000 + at);
    fclose(out);
    vm_config_init(&c);
    set(&c, "cache", caches);
    set(&c, "cache-walks", walks);
    set(&c, "memory-ns", "100");
    if (!vm_replay(&c, path, NULL, NULL, &r, &e))
        fail_msg("%s", e.text);
    folder_remove(&f);
    return r;
}

static void assert_ns(double got, double expected)
{
    if (got < expected - 1e-6 || got > expected + 1e-6)
        fail_msg("%g ns, expected %g", got, expected);
}

/* 4096 references to 512 lines of 64 bytes: one in eight misses. */
static void one_level(void **unused)
{
    (void)unused;
    struct vm_result r = sweep("l1=64KiB/4@2", "memory", 1);
    assert_int_equal(r.counts.lines, 4096);
    assert_int_equal(r.counts.memory_reads, 512 + r.counts.walk_loads);
    assert_ns(r.prices.memory_ns, 4096 * (7. / 8 * 2 + 1. / 8 * 100));
    r = sweep("l1=64KiB/4@2", "memory", 2);
    assert_ns(r.prices.memory_ns, 4096 * (7. / 8 * 2 + 1. / 8 * 100) + 4096 * 2);
}

/* The second time all of it is in level 2, and nothing of it in level 1, which it passes through in
 * a circle. */
static void two_levels(void **unused)
{
    (void)unused;
    struct vm_result r = sweep("l1i=4KiB/4@1 l1d=16KiB/4@2 l2=64KiB/4@10", "memory", 2);
    assert_ns(r.prices.memory_ns, 4096 * (7. / 8 * 2 + 1. / 8 * 100) + 3584 * 2 + 512 * 10);
    assert_int_equal(r.counts.memory_reads, 512 + r.counts.walk_loads);
}

/* Without caches each access costs the same, and so does each table word. */
static void no_cache(void **unused)
{
    (void)unused;
    struct vm_result r = sweep("none", "l1", 1);
    assert_ns(r.prices.memory_ns, 4096 * 100);
    assert_ns(r.prices.walk_ns, (double)(r.counts.walk_loads + r.counts.walk_stores) * 100);
    assert_int_equal(r.counts.lines + r.counts.table_lines + r.counts.memory_reads, 0);
}

/* Eight pages of one leaf table of x86-64. The first walk reads the root's word, which is empty;
 * the second one that word again and those of three new tables; then it marks all four as accessed.
 * The other pages' words lie beside the first one's: their first walks read four words, the last of
 * which is empty; their second ones the four again, and mark the last. All but the first reading of
 * each table's line is answered by level 1. */
static void walks_through_level_1(void **unused)
{
    (void)unused;
    struct vm_result r = sweep("l1=64KiB/16@2", "l1", 1);
    assert_int_equal(r.counts.walks, 16);
    assert_int_equal(r.counts.walk_loads, 1 + 4 + 7 * (4 + 4));
    assert_int_equal(r.counts.walk_stores, 4 + 7);
    assert_int_equal(r.counts.table_lines, r.counts.walk_loads + r.counts.walk_stores);
    assert_ns(r.prices.walk_ns, 4 * 100 + (double)(r.counts.table_lines - 4) * 2);
    assert_int_equal(r.counts.memory_reads, 512 + 4);
}

/* The same where walks pass level 1 by: each reading of a word costs as much as level 2. */
static void walks_through_level_2(void **unused)
{
    (void)unused;
    struct vm_result r = sweep("l1=4KiB/4@2 l2=64KiB/16@10", "l2", 1);
    assert_ns(r.prices.walk_ns, 4 * 100 + (double)(r.counts.table_lines - 4) * 10);
    assert_int_equal(r.cache[0].counts.accesses, r.counts.lines);
    assert_int_equal(r.cache[1].counts.accesses, 512 + r.counts.table_lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_level),
        cmocka_unit_test(two_levels),
        cmocka_unit_test(no_cache),
        cmocka_unit_test(walks_through_level_1),
        cmocka_unit_test(walks_through_level_2),
    };
    return cmocka_run_group_tests_name("golden_caches", tests, NULL, NULL);
}
