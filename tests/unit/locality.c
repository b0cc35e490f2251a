/* What locality is made of: histograms, intervals longer than a tally's array, heat maps of more
 * places than there are buckets; and a textbook's working sets. */
#include "analysis/heat.h"
#include "analysis/intervals.h"
#include "analysis/slices.h"
#include "base/random.h"
#include "rounds.h"

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

static void a_histogram_counts_and_sums_up_to_any_number(void **unused)
{
    (void)unused;
    struct vm_error e;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        struct vm_random random;
        struct tally t;
        struct vm_histogram h;
        uint64_t number[100], times[100];
        vm_random_seed(&random, i);
        assert_true(tally_open(&t, &e));
        for (size_t k = 0; k < 100; k++) {
            number[k] = vm_random_below(&random, UINT64_C(1) << vm_random_below(&random, 40));
            times[k] = 1 + vm_random_below(&random, 3);
            assert_true(tally_add(&t, number[k], times[k], &e));
        }
        assert_true(tally_histogram(&t, &h, &e));
        for (size_t k = 0; k < 100; k++) {
            uint64_t x = number[k] + vm_random_below(&random, 3) - 1, count = 0, sum = 0;
            for (size_t m = 0; x != UINT64_MAX && m < 100; m++)
                if (number[m] <= x) {
                    count += times[m];
                    sum += times[m] * number[m];
                }
            if (x == UINT64_MAX)
                continue;
            struct vm_upto upto = vm_histogram_upto(&h, x);
            assert_int_equal(upto.count, count);
            assert_int_equal(upto.sum, sum);
        }
        for (size_t k = 1; k < h.n; k++)
            assert_true(h.bin[k - 1].value < h.bin[k].value && h.bin[k].count > 0);
        vm_histogram_free(&h);
        tally_close(&t);
    }
}

static void nothing_has_a_histogram_too(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct tally t;
    struct vm_histogram h;
    assert_true(tally_open(&t, &e));
    assert_true(tally_histogram(&t, &h, &e));
    assert_int_equal(h.n + h.count + h.sum, 0);
    assert_int_equal(vm_histogram_upto(&h, 1000).count, 0);
    vm_histogram_free(&h);
    vm_histogram_free(&h);
    tally_close(&t);
}

/* Page 0, `away` touches of page 1, page 0 again. */
static struct vm_intervals there_and_back(uint32_t away)
{
    const struct vm_page_run run[] = {{0, 1}, {2, away}, {0, 1}};
    struct intervals v;
    struct vm_intervals out;
    struct vm_error e;
    assert_true(intervals_open(&v, &e));
    assert_true(intervals_runs(&v, run, 3, &e));
    assert_true(intervals_result(&v, &out, &e));
    intervals_close(&v);
    return out;
}

static void an_interval_of_any_length_is_known_exactly(void **unused)
{
    (void)unused;
    static const uint32_t lengths[] = {1, 2, 65534, 65535, 65536, 1000000, 3000000000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint32_t away = lengths[i];
        struct vm_intervals v = there_and_back(away);
        assert_int_equal(v.touches, away + UINT64_C(2));
        assert_int_equal(v.pages, 2);
        assert_int_equal(vm_working_set_misses(&v, away), 3);
        assert_int_equal(vm_working_set_misses(&v, away + UINT64_C(1)), 2);
        /* Window `away`: page 0 alone, then with page 1 until it is `away` touches old: at the last
         * touch but one it is gone, and at the last it is back. */
        double sum = 1 + 2.0 * (away - 1) + 1 + (away > 1 ? 2 : 1);
        assert_true(vm_working_set_mean(&v, away) == sum / (away + 2.0));
        vm_histogram_free(&v.between);
        vm_histogram_free(&v.after);
    }
}

/* Silberschatz, Galvin and Gagne, "Operating System Concepts", 10th ed., figure 10.22: with a
 * window of 10, the working set is {1, 2, 5, 6, 7} at t1 and {3, 4} at t2. */
static void silberschatz_working_sets(void **unused)
{
    (void)unused;
    static const uint32_t page[] = {2, 6, 1, 5, 7, 7, 7, 7, 5, 1, 6, 2, 3,
                                    4, 1, 2, 3, 4, 4, 4, 3, 4, 3, 4, 4, 4};
    struct intervals v;
    struct vm_intervals out;
    struct vm_error e;
    assert_true(intervals_open(&v, &e));
    for (size_t i = 0; i < sizeof page / sizeof page[0]; i++) {
        const struct vm_page_run run = {page[i] * 2, 1};
        assert_true(intervals_runs(&v, &run, 1, &e));
        if (i + 1 != 10 && i + 1 != 26)
            continue;
        assert_true(intervals_result(&v, &out, &e));
        assert_int_equal(vm_working_set_last(&out, 10), i + 1 == 10 ? 5 : 2);
        vm_histogram_free(&out.between);
        vm_histogram_free(&out.after);
    }
    intervals_close(&v);
}

/* ---- heat ---- */

enum { COLUMNS = 8, TOUCHES = 30000 };

struct touch {
    uint64_t key; /* as of a page stream */
    size_t column;
};

static size_t column_count(const struct vm_heat_map *map, const struct touch *t, size_t row,
                           size_t column)
{
    size_t n = 0;
    for (size_t k = 0; k < TOUCHES; k++)
        n += t[k].column == column && (t[k].key & 0xfff) == map->row[row].asid &&
             (t[k].key & ~UINT64_C(0xfff)) - map->row[row].start < map->row_bytes;
    return n;
}

/* Pages over `span_bytes` of three spaces: many more than there are buckets. */
static void spread(struct touch *t, uint64_t seed, uint64_t base, uint64_t span_bytes)
{
    struct vm_random random;
    vm_random_seed(&random, seed);
    for (size_t k = 0; k < TOUCHES; k++) {
        uint64_t va = base + vm_random_below(&random, span_bytes);
        t[k].key = (va & ~UINT64_C(0xfff)) | vm_random_below(&random, 3);
        t[k].column = k * COLUMNS / TOUCHES;
    }
}

static struct vm_heat_map heat_of(const struct touch *t, size_t rows_max)
{
    struct vm_error e;
    struct heat h;
    struct vm_intern pages;
    struct vm_heat_map map;
    assert_true(heat_open(&h, COLUMNS, 12, &e));
    assert_true(vm_intern_open(&pages, &e));
    for (size_t k = 0; k < TOUCHES; k++) {
        struct vm_page_run run = {vm_intern_id(&pages, t[k].key) * 2, 1};
        assert_true(heat_runs(&h, &pages, t[k].column, &run, 1, &e));
    }
    assert_true(pages.n > HEAT_BUCKETS);
    assert_true(h.bucket.n <= HEAT_BUCKETS && h.bucket_shift > 12);
    assert_true(heat_result(&h, COLUMNS, rows_max, &map, &e));
    heat_close(&h);
    vm_intern_close(&pages);
    return map;
}

static void joined_buckets_lose_no_touch(void **unused)
{
    (void)unused;
    static const struct {
        uint64_t base, span_bytes;
    } where[] = {{0, UINT64_C(64) << 20},
                 {UINT64_C(0x7f0000000000), UINT64_C(1) << 40},
                 {UINT64_C(0) - (UINT64_C(1) << 30), UINT64_C(1) << 30}, /* to the very top */
                 {0, UINT64_MAX}};
    static struct touch t[TOUCHES];
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        spread(t, i, where[i].base, where[i].span_bytes);
        struct vm_heat_map map = heat_of(t, 24);
        size_t all = 0;
        assert_true(map.rows >= 3 && map.rows <= 24);
        for (size_t r = 0; r < map.rows; r++)
            for (size_t c = 0; c < COLUMNS; c++) {
                assert_int_equal(map.touches[r * COLUMNS + c], column_count(&map, t, r, c));
                all += map.touches[r * COLUMNS + c];
            }
        assert_int_equal(all, TOUCHES);
        free(map.row);
        free(map.touches);
    }
}

static void gaps_are_cut_out_and_said(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct heat h;
    struct vm_intern pages;
    struct vm_heat_map map;
    /* Two near pages, one far away, two of other spaces. */
    static const uint64_t key[] = {0x10000, 0x13000, 0x7f0000000000, 0x10001, 0x12002};
    assert_true(heat_open(&h, 2, 12, &e));
    assert_true(vm_intern_open(&pages, &e));
    for (size_t k = 0; k < 5; k++) {
        struct vm_page_run run = {vm_intern_id(&pages, key[k]) * 2, (uint32_t)k + 1};
        assert_true(heat_runs(&h, &pages, 0, &run, 1, &e));
    }
    assert_true(heat_result(&h, 1, 16, &map, &e));
    assert_int_equal(map.row_bytes, 4096);
    assert_int_equal(map.rows, 4 + 1 + 1 + 1);
    static const uint64_t touches[] = {1, 0, 0, 2, 3, 4, 5};
    static const bool gap[] = {false, false, false, false, true, true, true};
    static const vm_asid space[] = {0, 0, 0, 0, 0, 1, 2};
    for (size_t r = 0; r < 7; r++) {
        assert_int_equal(map.touches[r], touches[r]);
        assert_int_equal(map.row[r].gap, gap[r]);
        assert_int_equal(map.row[r].asid, space[r]);
    }
    assert_int_equal(map.row[3].start, 0x13000);
    free(map.row);
    free(map.touches);
    heat_close(&h);
    vm_intern_close(&pages);
}

/* A hundred pages with gaps of a mebibyte and a half: ten rows must bridge them. */
static void rows_bridge_gaps_where_there_are_too_many(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct heat h;
    struct vm_intern pages;
    struct vm_heat_map map;
    uint64_t all = 0;
    assert_true(heat_open(&h, 2, 12, &e));
    assert_true(vm_intern_open(&pages, &e));
    for (uint64_t k = 0; k < 100; k++) {
        struct vm_page_run run = {vm_intern_id(&pages, k * 0x180000) * 2, 1};
        assert_true(heat_runs(&h, &pages, 0, &run, 1, &e));
    }
    assert_true(heat_result(&h, 1, 10, &map, &e));
    assert_true(map.rows <= 10 && map.rows > 4);
    for (size_t r = 0; r < map.rows; r++) {
        all += map.touches[r];
        assert_int_equal(map.row[r].start, r * map.row_bytes);
        assert_false(map.row[r].gap);
    }
    assert_int_equal(all, 100);
    free(map.row);
    free(map.touches);
    heat_close(&h);
    vm_intern_close(&pages);
}

/* ---- slices ---- */

static void slices_put_together_are_the_batch(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < test_rounds(2000); i++) {
        struct vm_random random;
        vm_va va[20];
        uint16_t meta[20];
        struct vm_event event[10];
        uint32_t nrefs, nevents, refs = 0, events = 0;
        vm_random_seed(&random, i);
        nrefs = (uint32_t)vm_random_below(&random, 20);
        nevents = (uint32_t)vm_random_below(&random, 10);
        for (uint32_t k = 0; k < nrefs; k++) {
            va[k] = k;
            meta[k] = (uint16_t)(k + 100);
        }
        uint32_t at = 0;
        for (uint32_t k = 0; k < nevents; k++) {
            at += (uint32_t)vm_random_below(&random, nrefs - at + 1);
            event[k] = (struct vm_event){.at = at, .va = k};
        }
        struct vm_batch whole = {nrefs, nevents, va, meta, event}, part;
        struct slices s;
        slices_of(&s, &whole);
        while (slices_next(&s, 1 + vm_random_below(&random, 4), &part)) {
            assert_true(part.nrefs <= 4);
            for (uint32_t k = 0; k < part.nevents; k++, events++) {
                assert_int_equal(part.event[k].va, events);
                assert_int_equal(part.event[k].at + refs, event[events].at);
                assert_true(part.event[k].at < part.nrefs || refs + part.nrefs == nrefs);
            }
            for (uint32_t k = 0; k < part.nrefs; k++, refs++) {
                assert_int_equal(part.va[k], refs);
                assert_int_equal(part.meta[k], refs + 100);
            }
        }
        assert_int_equal(refs, nrefs);
        assert_int_equal(events, nevents);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_histogram_counts_and_sums_up_to_any_number),
        cmocka_unit_test(nothing_has_a_histogram_too),
        cmocka_unit_test(an_interval_of_any_length_is_known_exactly),
        cmocka_unit_test(silberschatz_working_sets),
        cmocka_unit_test(joined_buckets_lose_no_touch),
        cmocka_unit_test(gaps_are_cut_out_and_said),
        cmocka_unit_test(rows_bridge_gaps_where_there_are_too_many),
        cmocka_unit_test(slices_put_together_are_the_batch),
    };
    return cmocka_run_group_tests_name("unit_locality", tests, NULL, NULL);
}
