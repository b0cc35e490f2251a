/* stress.c - several threads count in memory of which a part is there: no increment may be lost.
 *
 * An increment is lost if a page is written between the moment at which its contents are read for
 * the store and the moment at which the kernel drops it. Write protection stands between; the last
 * test leaves it out (the linker puts a function of ours in its place) and must see some lost.
 */
#include "live/live_test.h"
#include "rounds.h"

#include <stdlib.h>

enum { THREADS = 3, WORDS = 4 };

/* ---- the step that can be left out ---- */

int __real_vm_uffd_protect(const struct vm_uffd *u, void *start, size_t bytes);
int __wrap_vm_uffd_protect(const struct vm_uffd *u, void *start, size_t bytes);
static _Atomic bool leaves_pages_unprotected;

int __wrap_vm_uffd_protect(const struct vm_uffd *u, void *start, size_t bytes)
{
    return atomic_load(&leaves_pages_unprotected) ? 0 : __real_vm_uffd_protect(u, start, bytes);
}

/* Without protection contents change under the checksum, too; the control is not to see that. */
uint64_t __real_vm_page_sum(const void *page, size_t bytes);
uint64_t __wrap_vm_page_sum(const void *page, size_t bytes);

uint64_t __wrap_vm_page_sum(const void *page, size_t bytes)
{
    return atomic_load(&leaves_pages_unprotected) ? 0 : __real_vm_page_sum(page, bytes);
}

/* ---- counting ---- */

struct count {
    uint8_t *start;
    size_t npages, page_bytes;
    unsigned increments; /* a thread */
    _Atomic unsigned seed;
    _Atomic uint64_t *made; /* [npages * WORDS] */
};

/* A word in each quarter of the page, so that all of it matters. */
static _Atomic uint64_t *word_at(const struct count *c, size_t page, size_t word)
{
    uint8_t *at = c->start + page * c->page_bytes + word * (c->page_bytes / WORDS) + 8 * word;
    return (_Atomic uint64_t *)(void *)at;
}

static void *increment(void *argument)
{
    struct count *c = argument;
    struct vm_random random;
    vm_random_seed(&random, atomic_fetch_add(&c->seed, 1));
    for (unsigned i = 0; i < c->increments; i++) {
        size_t page = vm_random_below(&random, c->npages), word = vm_random_below(&random, WORDS);
        if (vm_random_below(&random, 4) == 0) { /* a read: the page comes protected */
            (void)atomic_load(word_at(c, page, word));
            continue;
        }
        atomic_fetch_add(word_at(c, page, word), 1);
        atomic_fetch_add_explicit(&c->made[page * WORDS + word], 1, memory_order_relaxed);
    }
    return NULL;
}

static void count_in_threads(struct count *c)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, increment, c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

/* How many increments are not there; and none is there twice. */
static uint64_t lost(const struct count *c)
{
    uint64_t sum = 0;
    for (size_t page = 0; page < c->npages; page++)
        for (size_t word = 0; word < WORDS; word++) {
            uint64_t there = atomic_load(word_at(c, page, word));
            uint64_t made = atomic_load(&c->made[page * WORDS + word]);
            assert_true(there <= made);
            sum += made - there;
        }
    return sum;
}

/* In `times` of the limit, in quarters of it. */
static uint64_t lose(const struct vm_live_options *o, unsigned quarters, unsigned increments)
{
    struct vm_live *l = open_pager(o);
    struct count c = {
        .page_bytes = o->page_bytes ? o->page_bytes : 4096, .increments = increments, .seed = 1};
    c.npages = o->limit_bytes / c.page_bytes * quarters / 4;
    c.start = map_region(l, c.npages * c.page_bytes);
    c.made = calloc(c.npages * WORDS, sizeof *c.made);
    assert_non_null(c.made);
    count_in_threads(&c);
    uint64_t n = lost(&c);
    if (!atomic_load(&leaves_pages_unprotected))
        check_regions(l);
    struct vm_live_stats s;
    vm_live_stats(l, &s);
    assert_true(s.counts.evictions > c.npages && s.counts.writebacks > c.npages);
    assert_int_equal(s.failures, 0);
    free(c.made);
    vm_live_close(l);
    return n;
}

#define LIMIT (200 * 4 * KIB)

static bool has_store(const char *name)
{
    struct vm_error e;
    return vm_store_find(name, &e);
}

/* ---- what is tried ---- */

static void no_increment_is_lost_in_any_store(void **state)
{
    (void)state;
    static const char *const stores[] = {"memory", "lz4", "zstd", "file", "spill"};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        if (has_store(stores[i]))
            assert_int_equal(
                lose(&(struct vm_live_options){.limit_bytes = LIMIT, .store = stores[i]}, 16,
                     test_rounds(8000)),
                0);
}

static void no_increment_is_lost_under_any_policy(void **state)
{
    (void)state;
    for (size_t i = 0; vm_policy_at(i); i++)
        if (vm_policy_at(i)->future != VM_FUTURE_NEEDED)
            assert_int_equal(lose(&(struct vm_live_options){.limit_bytes = LIMIT,
                                                            .store = "memory",
                                                            .policy = vm_policy_at(i)->name},
                                  16, test_rounds(3000)),
                             0);
}

static void no_increment_is_lost_in_batches_of_any_size(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 2, 17, 128, 256};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
        assert_int_equal(lose(&(struct vm_live_options){.limit_bytes = 1024 * 4 * KIB,
                                                        .store = "memory",
                                                        .batch_pages = batches[i]},
                              8, test_rounds(12000)),
                         0);
}

static void no_increment_is_lost_in_pages_of_any_size(void **state)
{
    (void)state;
    enum { LARGE = 350 }; /* a megabyte is slow, and fewer drive too few pages out */
    static const uint32_t sizes[] = {4 * KIB, 64 * KIB, 2 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(lose(&(struct vm_live_options){.limit_bytes = 128 * (uint64_t)sizes[i],
                                                        .page_bytes = sizes[i],
                                                        .ahead_bytes = 2 * sizes[i],
                                                        .store = "memory"},
                              sizes[i] < MIB ? 16 : 8, sizes[i] < MIB ? test_rounds(4000) : LARGE),
                         0);
}

static void no_increment_is_lost_beside_a_thread_that_makes_room(void **state)
{
    (void)state;
    assert_int_equal(lose(&(struct vm_live_options){.limit_bytes = LIMIT,
                                                    .store = "memory",
                                                    .free_low = 100,
                                                    .free_high = 300},
                          16, test_rounds(10000)),
                     0);
}

static void no_increment_is_lost_where_a_thread_reads_the_faults(void **state)
{
    (void)state;
    assert_int_equal(lose(&(struct vm_live_options){.limit_bytes = LIMIT,
                                                    .store = "memory",
                                                    .resolve = VM_LIVE_BY_HANDLER},
                          16, test_rounds(4000)),
                     0);
}

static void without_write_protection_increments_are_lost(void **state)
{
    (void)state;
    uint64_t n = 0;
    atomic_store(&leaves_pages_unprotected, true);
    for (int round = 0; round < 50 && n == 0; round++)
        n = lose(&(struct vm_live_options){.limit_bytes = LIMIT, .store = "memory"}, 6, 20000);
    atomic_store(&leaves_pages_unprotected, false);
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_increment_is_lost_in_any_store),
        cmocka_unit_test(no_increment_is_lost_under_any_policy),
        cmocka_unit_test(no_increment_is_lost_in_batches_of_any_size),
        cmocka_unit_test(no_increment_is_lost_in_pages_of_any_size),
        cmocka_unit_test(no_increment_is_lost_beside_a_thread_that_makes_room),
        cmocka_unit_test(no_increment_is_lost_where_a_thread_reads_the_faults),
        cmocka_unit_test(without_write_protection_increments_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
