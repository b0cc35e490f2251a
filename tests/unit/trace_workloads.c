/* trace_workloads.c - the generators of references: exact streams where they are short, frequencies
 * against exact probabilities where they are random, and what all of them promise.
 */
#include "trace/format.h"

#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKLOAD(name) extern const struct vm_workload_ops vm_workload_##name;
#include "trace/workloads.def"
#undef WORKLOAD

static const struct vm_workload_ops *const rows[] = {
#define WORKLOAD(name) &vm_workload_##name,
#include "trace/workloads.def"
#undef WORKLOAD
};
#define NROWS (sizeof rows / sizeof rows[0])

#define BASE UINT64_C(0x10000000)
#define PAGE 4096

/* A whole stream: the references of "name:params". */
struct stream {
    size_t n;
    vm_va *va;
    uint16_t *meta;
};

static void *workload_try(const struct vm_workload_ops *ops, const char *text, uint64_t seed,
                          struct vm_error *e)
{
    struct vm_params params;
    assert_true(vm_params_parse(&params, ops->name, ops->param, ops->nparams, text, e));
    return ops->open(&params, seed, e);
}

static const struct vm_workload_ops *row_of(const char *name)
{
    for (size_t i = 0; i < NROWS; i++)
        if (!strcmp(rows[i]->name, name))
            return rows[i];
    fail_msg("no workload %s", name);
    return NULL;
}

/* Read by batches of up to `batch` references. */
static struct stream stream_read(const char *spec, uint64_t seed, uint32_t batch)
{
    struct vm_error e;
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    const struct vm_workload_ops *ops = row_of(name);
    void *state = workload_try(ops, text, seed, &e);
    assert_non_null(state);
    struct stream s = {0};
    size_t refs = ops->refs(state);
    s.va = malloc(refs * sizeof *s.va);
    s.meta = malloc(refs * sizeof *s.meta);
    struct vm_batch_builder *b = malloc(sizeof *b);
    assert_true(s.va && s.meta && b);
    for (;;) {
        uint32_t full = VM_BATCH_REFS - 15; /* where vm_builder_full says stop */
        uint32_t filled = batch < full ? full - batch : 0;
        b->nevents = 0;
        b->nrefs = filled;
        ops->read(state, b);
        assert_int_equal(b->nevents, 0);
        uint32_t got = b->nrefs - filled;
        if (got == 0)
            break;
        assert_true(s.n + got <= refs);
        memcpy(s.va + s.n, b->va + filled, got * sizeof *s.va);
        memcpy(s.meta + s.n, b->meta + filled, got * sizeof *s.meta);
        s.n += got;
    }
    assert_int_equal(s.n, refs);
    free(b);
    ops->close(state);
    return s;
}

static struct stream stream_of(const char *spec)
{
    return stream_read(spec, 1, UINT32_MAX);
}

static void stream_free(struct stream *s)
{
    free(s->va);
    free(s->meta);
}

static uint64_t page_of(const struct stream *s, size_t i)
{
    return (s->va[i] - BASE) / PAGE;
}

/* How often each of `pages` pages is referenced; none beyond may be. */
static double *counts_of(const struct stream *s, size_t pages)
{
    double *count = calloc(pages, sizeof *count);
    assert_non_null(count);
    for (size_t i = 0; i < s->n; i++) {
        assert_true(page_of(s, i) < pages);
        count[page_of(s, i)]++;
    }
    return count;
}

/* Chi-square of counts against probabilities, in standard deviations from its mean: with k - 1
 * degrees of freedom the mean is k - 1 and the variance twice that. */
static double chi_square_sigmas(const double *count, const double *probability, size_t k, double n)
{
    double chi = 0;
    for (size_t i = 0; i < k; i++) {
        double expected = probability[i] * n;
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    }
    return (chi - (double)(k - 1)) / sqrt(2.0 * (double)(k - 1));
}

static void offsets_are(const char *spec, const uint64_t *offset, size_t n)
{
    struct stream s = stream_of(spec);
    assert_int_equal(s.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(s.va[i], BASE + offset[i]);
        assert_int_equal(s.meta[i], vm_ref_meta(VM_READ, 8));
    }
    stream_free(&s);
}

static void sequential_goes_on_by_its_step(void **unused)
{
    (void)unused;
    offsets_are("sequential:refs=5", (const uint64_t[]){0, 8, 16, 24, 32}, 5);
    offsets_are("sequential:refs=3,step=4096", (const uint64_t[]){0, 4096, 8192}, 3);
}

static void loop_begins_again_after_its_last_page(void **unused)
{
    (void)unused;
    offsets_are("loop:refs=7,pages=3", (const uint64_t[]){0, 4096, 8192, 0, 4096, 8192, 0}, 7);
    offsets_are("loop:refs=2,pages=1", (const uint64_t[]){0, 0}, 2);
}

/* Misses of LRU with `frames` frames: a page's place is the number of the others used since. */
static size_t lru_misses(const struct stream *s, size_t frames)
{
    uint64_t stack[16];
    size_t depth = 0, misses = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t at = 0;
        while (at < depth && stack[at] != page_of(s, i))
            at++;
        if (at == depth) {
            misses++;
            at = depth < frames ? depth++ : depth - 1;
        }
        memmove(stack + 1, stack, at * sizeof stack[0]);
        stack[0] = page_of(s, i);
    }
    return misses;
}

static void a_loop_one_page_too_long_always_misses_under_lru(void **unused)
{
    (void)unused;
    struct stream s = stream_of("loop:refs=1000,pages=9");
    assert_int_equal(lru_misses(&s, 8), 1000);
    assert_int_equal(lru_misses(&s, 9), 9);
    stream_free(&s);
}

static void stride_comes_round_modulo_the_region(void **unused)
{
    (void)unused;
    offsets_are("stride:refs=5,pages=2,stride=3000", (const uint64_t[]){0, 3000, 6000, 808, 3808},
                5);
    offsets_are("stride:refs=3,pages=1,stride=4096", (const uint64_t[]){0, 0, 0}, 3);
    offsets_are("stride:refs=3,pages=1,stride=10000", (const uint64_t[]){0, 1808, 3616}, 3);
}

static void uniform_makes_each_page_as_likely(void **unused)
{
    (void)unused;
    enum { PAGES = 50 };
    double probability[PAGES];
    for (size_t i = 0; i < PAGES; i++)
        probability[i] = 1.0 / PAGES;
    struct stream s = stream_of("uniform:refs=500k,pages=50");
    double *count = counts_of(&s, PAGES);
    assert_true(fabs(chi_square_sigmas(count, probability, PAGES, 500e3)) < 4);
    free(count);
    stream_free(&s);
}

static void eighty_twenty_keeps_both_shares(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        size_t hot;
        double hot_refs;
    } row[] = {
        {"80-20:refs=500k,pages=50", 10, 0.8},
        {"80-20:refs=500k,pages=50,hot_pages=0.1,hot_refs=0.5", 5, 0.5},
    };
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        double probability[50];
        for (size_t i = 0; i < 50; i++)
            probability[i] = i < row[k].hot ? row[k].hot_refs / (double)row[k].hot
                                            : (1 - row[k].hot_refs) / (double)(50 - row[k].hot);
        struct stream s = stream_of(row[k].spec);
        double *count = counts_of(&s, 50);
        assert_true(fabs(chi_square_sigmas(count, probability, 50, 500e3)) < 4);
        free(count);
        stream_free(&s);
    }
}

static void eighty_twenty_without_hot_or_cold_pages_is_uniform(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"80-20:refs=100,pages=2,hot_pages=0,hot_refs=1",
                                        "80-20:refs=100,pages=2,hot_pages=1,hot_refs=0"};
    for (size_t k = 0; k < 2; k++) {
        struct stream s = stream_of(specs[k]);
        double *count = counts_of(&s, 2);
        assert_true(count[0] > 25 && count[1] > 25);
        free(count);
        stream_free(&s);
    }
}

static int larger_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void zipf_probabilities(double *probability, size_t n, double s)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += probability[i] = pow((double)(i + 1), -s);
    for (size_t i = 0; i < n; i++)
        probability[i] /= sum;
}

static void zipf_frequencies_fall_with_the_rank_as_they_must(void **unused)
{
    (void)unused;
    enum { PAGES = 100 };
    static const struct {
        const char *spec;
        double s;
    } row[] = {
        {"zipf:refs=1M,pages=100,order=ranked", 1},
        {"zipf:refs=1M,pages=100,order=ranked,s=0.5", 0.5},
        {"zipf:refs=1M,pages=100,order=ranked,s=1.5", 1.5},
        {"zipf:refs=1M,pages=100,order=ranked,s=0", 0},
    };
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        double probability[PAGES];
        zipf_probabilities(probability, PAGES, row[k].s);
        struct stream s = stream_of(row[k].spec);
        double *count = counts_of(&s, PAGES);
        assert_true(fabs(chi_square_sigmas(count, probability, PAGES, 1e6)) < 4);
        free(count);
        stream_free(&s);
    }
}

static void zipf_scatters_its_ranks_over_the_pages(void **unused)
{
    (void)unused;
    enum { PAGES = 1000 };
    double probability[PAGES];
    zipf_probabilities(probability, PAGES, 1);
    struct stream s = stream_of("zipf:refs=1M,pages=1000");
    double *count = counts_of(&s, PAGES), first = 0;
    for (size_t i = 0; i < PAGES / 2; i++)
        first += count[i];
    assert_true(first < 0.9e6); /* ranked, they would have 91 % */
    qsort(count, PAGES, sizeof *count, larger_first);
    for (size_t i = 0; i < 10; i++) /* the likely ones stand apart by many deviations */
        assert_true(fabs(count[i] - probability[i] * 1e6) < 5 * sqrt(probability[i] * 1e6));
    free(count);
    stream_free(&s);
}

static void zipf_of_one_page_is_that_page(void **unused)
{
    (void)unused;
    struct stream s = stream_of("zipf:refs=100,pages=1,s=2");
    free(counts_of(&s, 1));
    stream_free(&s);
}

static void chase_visits_each_node_once_a_round(void **unused)
{
    (void)unused;
    enum { NODES = 4 * PAGE / 64 };
    struct stream s = stream_of("chase:refs=512,pages=4,node=64");
    unsigned seen[NODES] = {0}, jumps = 0;
    assert_int_equal(s.n, 2 * NODES);
    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal((s.va[i] - BASE) % 64, 0);
        seen[(s.va[i] - BASE) / 64]++;
        assert_int_equal(s.va[NODES + i], s.va[i]);
        jumps += i > 0 && s.va[i] != s.va[i - 1] + 64;
    }
    for (size_t i = 0; i < NODES; i++)
        assert_int_equal(seen[i], 1);
    assert_true(jumps > NODES * 9 / 10);
    stream_free(&s);
}

struct operand {
    unsigned matrix, row, column;
    enum vm_access access;
};

static void matmul_is(const char *spec, const struct operand *want, size_t n)
{
    struct stream s = stream_of(spec);
    assert_int_equal(s.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(s.va[i],
                         BASE + want[i].matrix * PAGE + (want[i].row * 2 + want[i].column) * 8);
        assert_int_equal(s.meta[i], vm_ref_meta(want[i].access, 8));
    }
    stream_free(&s);
}

#define A(i, k)     ((struct operand){0, i, k, VM_READ})
#define B(k, j)     ((struct operand){1, k, j, VM_READ})
#define C(i, j)     ((struct operand){2, i, j, VM_READ})
#define C_SET(i, j) ((struct operand){2, i, j, VM_WRITE})
#define C_ADD(i, j) C(i, j), C_SET(i, j)

static void matmul_by_columns_is_the_textbook_s_product(void **unused)
{
    (void)unused;
    const struct operand want[] = {
        A(0, 0), B(0, 0), A(0, 1), B(1, 0), C_SET(0, 0), /* C[0][0] */
        A(0, 0), B(0, 1), A(0, 1), B(1, 1), C_SET(0, 1), /* C[0][1] */
        A(1, 0), B(0, 0), A(1, 1), B(1, 0), C_SET(1, 0), /* C[1][0] */
        A(1, 0), B(0, 1), A(1, 1), B(1, 1), C_SET(1, 1), /* C[1][1] */
    };
    matmul_is("matmul:n=2", want, 2 * 2 * (2 * 2 + 1));
}

static void matmul_by_rows_goes_along_b_and_c(void **unused)
{
    (void)unused;
    const struct operand want[] = {
        A(0, 0), B(0, 0), C_ADD(0, 0), B(0, 1), C_ADD(0, 1), /* i 0, k 0 */
        A(0, 1), B(1, 0), C_ADD(0, 0), B(1, 1), C_ADD(0, 1), /* i 0, k 1 */
        A(1, 0), B(0, 0), C_ADD(1, 0), B(0, 1), C_ADD(1, 1), /* i 1, k 0 */
        A(1, 1), B(1, 0), C_ADD(1, 0), B(1, 1), C_ADD(1, 1), /* i 1, k 1 */
    };
    matmul_is("matmul:n=2,order=row", want, 2 * 2 * (3 * 2 + 1));
}

static void matmul_goes_on_with_the_next_product_or_stops_early(void **unused)
{
    (void)unused;
    struct stream twice = stream_of("matmul:n=3,refs=126"), once = stream_of("matmul:n=3,refs=60");
    for (size_t i = 0; i < 63; i++)
        assert_int_equal(twice.va[63 + i], twice.va[i]);
    assert_int_equal(once.n, 60);
    stream_free(&twice);
    stream_free(&once);
}

static void phases_stay_in_their_sets_and_come_round(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        uint64_t moved;
    } row[] = {
        {"phases:refs=4000,pages=10,phase=1000,sets=3", 10},
        {"phases:refs=4000,pages=10,phase=1000,sets=3,keep=0.7", 3},
        {"phases:refs=4000,pages=10,phase=1000,sets=3,keep=1", 0},
    };
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        struct stream s = stream_of(row[k].spec);
        for (size_t phase = 0; phase < 4; phase++) {
            uint64_t low = UINT64_MAX, high = 0;
            for (size_t i = phase * 1000; i < (phase + 1) * 1000; i++) {
                low = page_of(&s, i) < low ? page_of(&s, i) : low;
                high = page_of(&s, i) > high ? page_of(&s, i) : high;
            }
            assert_int_equal(low, phase % 3 * row[k].moved);
            assert_int_equal(high, phase % 3 * row[k].moved + 9);
        }
        stream_free(&s);
    }
}

/* Others make requests to a heap: unit/trace_requests.c. */
static bool makes_refs(size_t row)
{
    for (size_t i = 0; i < rows[row]->nparams; i++)
        if (!strcmp(rows[row]->param[i].name, "refs"))
            return true;
    return false;
}

/* A stream of each row, long enough for three batches; `more` are parameters after refs. */
static struct stream row_stream(size_t row, const char *more, uint64_t seed, uint32_t batch)
{
    char spec[96];
    snprintf(spec, sizeof spec, "%s:refs=10000%s", rows[row]->name, more);
    return stream_read(spec, seed, batch);
}

static bool streams_equal(const struct stream *a, const struct stream *b)
{
    return a->n == b->n && !memcmp(a->va, b->va, a->n * sizeof *a->va) &&
           !memcmp(a->meta, b->meta, a->n * sizeof *a->meta);
}

static void batches_of_any_size_give_the_same_stream(void **unused)
{
    (void)unused;
    static const uint32_t batches[] = {1, 2, 7, 100, 4080};
    for (size_t row = 0; row < NROWS; row++) {
        if (!makes_refs(row))
            continue;
        struct stream whole = row_stream(row, "", 3, UINT32_MAX);
        for (size_t k = 0; k < sizeof batches / sizeof batches[0]; k++) {
            struct stream cut = row_stream(row, "", 3, batches[k]);
            assert_true(streams_equal(&whole, &cut));
            stream_free(&cut);
        }
        stream_free(&whole);
    }
}

static void the_seed_is_all_that_makes_random_streams_differ(void **unused)
{
    (void)unused;
    for (size_t row = 0; row < NROWS; row++) {
        if (!makes_refs(row))
            continue;
        const char *name = rows[row]->name;
        bool random = strcmp(name, "sequential") != 0 && strcmp(name, "loop") != 0 &&
                      strcmp(name, "stride") != 0 && strcmp(name, "matmul") != 0;
        struct stream a = row_stream(row, "", 5, 50), b = row_stream(row, "", 5, UINT32_MAX),
                      c = row_stream(row, "", 6, 50);
        assert_true(streams_equal(&a, &b));
        assert_int_equal(streams_equal(&a, &c), !random);
        stream_free(&a);
        stream_free(&b);
        stream_free(&c);
    }
}

static void writes_have_their_share_and_leave_the_addresses_alone(void **unused)
{
    (void)unused;
    for (size_t row = 0; row < NROWS; row++) {
        if (!makes_refs(row))
            continue;
        if (!strcmp(rows[row]->name, "matmul"))
            continue; /* its writes are the algorithm's */
        struct stream none = row_stream(row, "", 7, UINT32_MAX),
                      some = row_stream(row, ",writes=0.3", 7, UINT32_MAX),
                      all = row_stream(row, ",writes=1", 7, UINT32_MAX);
        double writes = 0;
        for (size_t i = 0; i < none.n; i++) {
            assert_int_equal(none.va[i], some.va[i]);
            assert_int_equal(none.va[i], all.va[i]);
            assert_int_equal(vm_ref_access(none.meta[i]), VM_READ);
            assert_int_equal(vm_ref_access(all.meta[i]), VM_WRITE);
            writes += vm_ref_access(some.meta[i]) == VM_WRITE;
        }
        assert_true(fabs(writes - 3000) < 5 * sqrt(10000 * 0.3 * 0.7));
        stream_free(&none);
        stream_free(&some);
        stream_free(&all);
    }
}

static void the_base_moves_the_whole_stream(void **unused)
{
    (void)unused;
    for (size_t row = 0; row < NROWS; row++) {
        if (!makes_refs(row))
            continue;
        struct stream a = row_stream(row, "", 9, UINT32_MAX),
                      b = row_stream(row, ",base=1TiB", 9, UINT32_MAX);
        for (size_t i = 0; i < a.n; i++) {
            assert_true(a.va[i] >= BASE);
            assert_int_equal(b.va[i] - (UINT64_C(1) << 40), a.va[i] - BASE);
        }
        stream_free(&a);
        stream_free(&b);
    }
}

static void what_cannot_be_generated_is_an_error(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *params, *says;
    } row[] = {
        {"loop", "base=4097", "multiple of 4096"},
        {"sequential", "refs=100000G,step=1GiB", "highest address"},
        {"chase", "pages=1,node=8192", "0 nodes"},
        {"chase", "pages=1G,node=8", "nodes"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct vm_error e = {0};
        void *state = workload_try(row_of(row[i].name), row[i].params, 1, &e);
        assert_null(state);
        assert_int_equal(e.code, VM_EUSAGE);
        assert_non_null(strstr(e.text, row[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequential_goes_on_by_its_step),
        cmocka_unit_test(loop_begins_again_after_its_last_page),
        cmocka_unit_test(a_loop_one_page_too_long_always_misses_under_lru),
        cmocka_unit_test(stride_comes_round_modulo_the_region),
        cmocka_unit_test(uniform_makes_each_page_as_likely),
        cmocka_unit_test(eighty_twenty_keeps_both_shares),
        cmocka_unit_test(eighty_twenty_without_hot_or_cold_pages_is_uniform),
        cmocka_unit_test(zipf_frequencies_fall_with_the_rank_as_they_must),
        cmocka_unit_test(zipf_scatters_its_ranks_over_the_pages),
        cmocka_unit_test(zipf_of_one_page_is_that_page),
        cmocka_unit_test(chase_visits_each_node_once_a_round),
        cmocka_unit_test(matmul_by_columns_is_the_textbook_s_product),
        cmocka_unit_test(matmul_by_rows_goes_along_b_and_c),
        cmocka_unit_test(matmul_goes_on_with_the_next_product_or_stops_early),
        cmocka_unit_test(phases_stay_in_their_sets_and_come_round),
        cmocka_unit_test(batches_of_any_size_give_the_same_stream),
        cmocka_unit_test(the_seed_is_all_that_makes_random_streams_differ),
        cmocka_unit_test(writes_have_their_share_and_leave_the_addresses_alone),
        cmocka_unit_test(the_base_moves_the_whole_stream),
        cmocka_unit_test(what_cannot_be_generated_is_an_error),
    };
    return cmocka_run_group_tests_name("trace_workloads", tests, NULL, NULL);
}
