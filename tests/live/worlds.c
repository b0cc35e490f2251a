/* worlds.c - random worlds: regions that are written, read, advised, discarded, flushed, cut,
 * resized and pinned, against plain arrays of bytes.
 *
 * In the first kind one thread does everything, and after some steps the states of pages are held
 * against what the kernel has mapped. In the second several threads each own every third eight
 * bytes of a region, so that they meet in every page, while each advises and cuts as it likes.
 */
#include "live/live_test.h"
#include "rounds.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum { REGIONS = 4, PAGES_MOST = 420 };

struct area {
    uint8_t *start;
    uint8_t *should; /* [bytes], and room for twice as much */
    size_t bytes;
};

struct world {
    struct vm_live *l;
    struct vm_random random;
    struct vm_live_options options;
    struct area area[REGIONS];
    struct vm_error e;
};

static size_t below(struct world *w, size_t n)
{
    return vm_random_below(&w->random, n);
}

static size_t page_of(const struct world *w)
{
    return w->options.page_bytes;
}

static void map_area(struct world *w, struct area *a)
{
    a->bytes = (1 + below(w, PAGES_MOST)) * page_of(w);
    a->start = map_region(w->l, a->bytes);
    a->should = calloc(2 * PAGES_MOST, page_of(w));
    assert_non_null(a->should);
}

/* Some of it: short and long, aligned or not. */
struct part {
    size_t at, n;
};

static struct part some(struct world *w, const struct area *a, size_t most)
{
    struct part p = {.at = below(w, a->bytes)};
    p.n = below(w, 3) ? 1 + below(w, 64) : 1 + below(w, most);
    if (p.n > a->bytes - p.at)
        p.n = a->bytes - p.at;
    return p;
}

static struct part some_pages(struct world *w, const struct area *a)
{
    size_t page = page_of(w), n = a->bytes / page;
    struct part p = {.at = below(w, n)};
    p.n = 1 + below(w, n - p.at);
    return (struct part){p.at * page, p.n * page};
}

/* ---- what happens ---- */

static void write_some(struct world *w, struct area *a)
{
    struct part p = some(w, a, 6 * page_of(w));
    uint8_t byte = (uint8_t)below(w, 256);
    for (size_t i = p.at; i < p.at + p.n; i++)
        a->start[i] = a->should[i] = (uint8_t)(byte + i);
}

static void write_nothing(struct world *w, struct area *a)
{
    struct part p = some(w, a, 6 * page_of(w));
    memset(a->start + p.at, 0, p.n);
    memset(a->should + p.at, 0, p.n);
}

static void read_some(struct world *w, struct area *a)
{
    struct part p = some(w, a, 40 * page_of(w));
    assert_memory_equal(a->start + p.at, a->should + p.at, p.n);
}

static void advise_some(struct world *w, struct area *a)
{
    static const enum vm_live_advice advice[] = {VM_LIVE_NORMAL, VM_LIVE_RANDOM, VM_LIVE_SEQUENTIAL,
                                                 VM_LIVE_WILLNEED, VM_LIVE_COLD};
    struct part p = some(w, a, a->bytes);
    assert_true(vm_live_advise(w->l, a->start + p.at, p.n,
                               advice[below(w, sizeof advice / sizeof advice[0])], &w->e));
}

static void discard_some(struct world *w, struct area *a)
{
    struct part p = below(w, 2) ? some(w, a, 5 * page_of(w)) : some_pages(w, a);
    assert_true(vm_live_advise(w->l, a->start + p.at, p.n, VM_LIVE_DONTNEED, &w->e));
    memset(a->should + p.at, 0, p.n);
}

static void flush_some(struct world *w, struct area *a)
{
    struct part p = some(w, a, a->bytes);
    assert_true(vm_live_flush(w->l, a->start + p.at, p.n, &w->e));
}

/* The kernel reads and writes pages that are pinned. */
static void pin_some(struct world *w, struct area *a)
{
    struct part p = some(w, a, 3 * page_of(w)), other = some(w, a, 3 * page_of(w));
    int pipes[2];
    if (p.n > 30000)
        p.n = 30000;
    assert_int_equal(pipe(pipes), 0);
    assert_true(vm_live_pin(w->l, a->start + p.at, p.n, VM_READ));
    assert_int_equal(write(pipes[1], a->start + p.at, p.n), p.n);
    vm_live_unpin(w->l, a->start + p.at, p.n);
    if (other.n < p.n)
        p.n = other.n;
    assert_true(vm_live_pin(w->l, a->start + other.at, p.n, VM_WRITE));
    assert_true(vm_live_advise(w->l, a->start, a->bytes, VM_LIVE_COLD, &w->e));
    assert_true(vm_live_flush(w->l, a->start, a->bytes, &w->e));
    assert_int_equal(read(pipes[0], a->start + other.at, p.n), p.n);
    vm_live_unpin(w->l, a->start + other.at, p.n);
    memmove(a->should + other.at, a->should + p.at, p.n);
    close(pipes[0]);
    close(pipes[1]);
}

static void resize_some(struct world *w, struct area *a)
{
    size_t wanted = 1 + below(w, 2 * PAGES_MOST * page_of(w) - 1);
    size_t whole = (wanted + page_of(w) - 1) / page_of(w) * page_of(w);
    a->start = vm_live_resize(w->l, a->start, a->bytes, wanted, &w->e);
    assert_non_null(a->start);
    if (whole < a->bytes)
        memset(a->should + whole, 0, a->bytes - whole);
    a->bytes = whole;
}

/* Its middle goes, then all of it; another comes. */
static void unmap_some(struct world *w, struct area *a)
{
    struct part p = some_pages(w, a);
    assert_true(vm_live_unmap(w->l, a->start + p.at, p.n, &w->e));
    assert_false(vm_live_owns(w->l, a->start + p.at, p.n));
    assert_memory_equal(a->start, a->should, p.at);
    assert_memory_equal(a->start + p.at + p.n, a->should + p.at + p.n, a->bytes - p.at - p.n);
    assert_true(vm_live_unmap(w->l, a->start, a->bytes, &w->e));
    assert_false(vm_live_owns(w->l, a->start, a->bytes));
    free(a->should);
    map_area(w, a);
}

static void limit_some(struct world *w, struct area *a)
{
    (void)a;
    uint64_t least = VM_PAGER_LIMIT_MIN * w->options.page_bytes;
    uint64_t limit = least + below(w, w->options.limit_bytes - least + 1);
    assert_true(vm_live_limit(w->l, limit, &w->e));
}

static void step(struct world *w)
{
    static const struct {
        void (*happens)(struct world *w, struct area *a);
        unsigned weight;
    } kinds[] = {{write_some, 300},  {write_nothing, 40}, {read_some, 200}, {advise_some, 60},
                 {discard_some, 12}, {flush_some, 12},    {pin_some, 12},   {resize_some, 4},
                 {unmap_some, 3},    {limit_some, 2}};
    const size_t n = sizeof kinds / sizeof kinds[0];
    unsigned all = 0;
    for (size_t i = 0; i < n; i++)
        all += kinds[i].weight;
    size_t choice = below(w, all), i = 0;
    while (choice >= kinds[i].weight)
        choice -= kinds[i++].weight;
    kinds[i].happens(w, &w->area[below(w, REGIONS)]);
}

static void live_through(struct vm_live_options o, uint64_t seed, unsigned steps)
{
    struct world w = {.options = o};
    vm_random_seed(&w.random, seed);
    w.l = open_pager(&o);
    for (int i = 0; i < REGIONS; i++)
        map_area(&w, &w.area[i]);
    for (unsigned i = 1; i <= steps; i++) {
        step(&w);
        if (i % (steps / 4) == 0 && !o.free_high)
            check_regions(w.l);
    }
    for (int i = 0; i < REGIONS; i++) {
        assert_memory_equal(w.area[i].start, w.area[i].should, w.area[i].bytes);
        free(w.area[i].should);
    }
    assert_int_equal(atomic_load(&w.l->pinned), 0);
    vm_live_close(w.l);
}

static struct vm_live_options small(const char *store)
{
    return (struct vm_live_options){
        .limit_bytes = 300 * 4 * KIB, .page_bytes = 4 * KIB, .store = store};
}

static void worlds_of_any_policy(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t i = 0; vm_policy_at(i); i++) {
        struct vm_live_options o = small("memory");
        o.policy = vm_policy_at(i)->name;
        if (vm_policy_at(i)->future != VM_FUTURE_NEEDED)
            live_through(o, seed++, test_rounds(600));
    }
}

static void worlds_of_any_store(void **state)
{
    (void)state;
    static const char *const stores[] = {"memory", "lz4", "zstd", "file", "spill"};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        for (uint64_t seed = 1; vm_store_find(stores[i], &(struct vm_error){0}) && seed <= 3;
             seed++)
            live_through(small(stores[i]), 100 * i + seed, test_rounds(800));
}

static void worlds_of_any_batch_and_page(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct vm_live_options o = small("memory");
        o.batch_pages = 1u << seed;
        o.page_bytes = seed & 1 ? 4 * KIB : 16 * KIB;
        o.limit_bytes = (128 + 40 * seed) * o.page_bytes;
        o.ahead_bytes = seed & 2 ? VM_LIVE_AHEAD_NONE : 3 * o.page_bytes;
        live_through(o, seed, test_rounds(600));
    }
}

static void worlds_with_a_thread_that_makes_room(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct vm_live_options o = small("memory");
        o.free_low = 100;
        o.free_high = 250;
        live_through(o, seed, test_rounds(800));
    }
}

static void worlds_of_which_a_thread_reads_the_faults(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct vm_live_options o = small("memory");
        o.resolve = VM_LIVE_BY_HANDLER;
        live_through(o, seed, test_rounds(300));
    }
}

/* ---- several threads ---- */

enum { THREADS = 3, LANE = 8, SHARED = 500 };

struct shared {
    struct vm_live *l;
    uint8_t *start;
    unsigned steps;
    _Atomic unsigned thread;
    _Atomic uint64_t wrong; /* bytes that were not as they should be; threads cannot fail a test */
};

static void expect(struct shared *s, const uint8_t *at, uint8_t should)
{
    uint8_t is = *at;
    if (is != should && atomic_fetch_add(&s->wrong, 1) < 5)
        print_message("# %p: %u, expected %u; read again: %u\n", (const void *)at, is, should,
                      *(const volatile uint8_t *)at);
}

/* A byte that only this thread writes. */
static size_t own(struct vm_random *r, unsigned thread)
{
    size_t slot = vm_random_below(r, SHARED * 4096 / (LANE * THREADS));
    return (slot * THREADS + thread) * LANE + vm_random_below(r, LANE);
}

/* A region of the thread's own, of which parts go while its neighbours come along. */
static void cut_some(struct shared *s, struct vm_random *r)
{
    struct vm_error e = {0};
    enum { N = 90 };
    uint8_t *start = vm_live_map(s->l, N * 4096, &e);
    for (size_t page = 0; start && page < N; page++)
        start[page * 4096] = (uint8_t)(page + 1);
    size_t from = vm_random_below(r, N), n = 1 + vm_random_below(r, N - from);
    bool done = start && vm_live_unmap(s->l, start + from * 4096, n * 4096, &e);
    for (size_t page = 0; done && page < N; page++)
        if (page < from || page >= from + n)
            expect(s, start + page * 4096, (uint8_t)(page + 1));
    /* What is gone may be another thread's by now. */
    done = done && vm_live_unmap(s->l, start, from * 4096, &e) &&
           vm_live_unmap(s->l, start + (from + n) * 4096, (N - from - n) * 4096, &e);
    if (!done && atomic_fetch_add(&s->wrong, 1) < 5)
        print_message("# %s\n", e.text);
}

static void meet_once(struct shared *s, struct vm_random *r, unsigned me, uint8_t *should)
{
    struct vm_error e;
    size_t at = own(r, me), kind = vm_random_below(r, 300);
    uint8_t byte = (uint8_t)(1 + kind);
    if (kind < 160)
        s->start[at] = should[at] = byte;
    else if (kind < 296)
        expect(s, s->start + at, should[at]);
    else if (kind == 296)
        vm_live_advise(s->l, s->start + at, SHARED * 4096 - at, VM_LIVE_COLD, &e);
    else if (kind == 297)
        vm_live_flush(s->l, s->start + at, SHARED * 4096 - at, &e);
    else if (kind == 298)
        vm_live_advise(s->l, s->start + at, 16 * 4096, VM_LIVE_WILLNEED, &e);
    else
        cut_some(s, r);
}

static void *meet_others(void *argument)
{
    struct shared *s = argument;
    unsigned me = atomic_fetch_add(&s->thread, 1);
    struct vm_random r;
    uint8_t *should = calloc(SHARED, 4096);
    vm_random_seed(&r, 77 + me);
    for (unsigned i = 0; should && i < s->steps; i++)
        meet_once(s, &r, me, should);
    for (size_t at = 0; should && at < SHARED * 4096; at++)
        if (at / LANE % THREADS == me)
            expect(s, s->start + at, should[at]);
    free(should);
    return NULL;
}

static void meet(const struct vm_live_options *o)
{
    struct shared s = {.l = open_pager(o), .steps = test_rounds(6000)};
    pthread_t thread[THREADS];
    s.start = map_region(s.l, (SHARED + 1) * 4096);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, meet_others, &s), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(s.wrong, 0);
    check_regions(s.l);
    vm_live_close(s.l);
}

static void threads_see_what_they_wrote(void **state)
{
    (void)state;
    static const char *const policies[] = {"s3-fifo", "vms", "clock"};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct vm_live_options o = small("memory");
        o.policy = policies[i];
        meet(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worlds_of_any_policy),
        cmocka_unit_test(worlds_of_any_store),
        cmocka_unit_test(worlds_of_any_batch_and_page),
        cmocka_unit_test(worlds_with_a_thread_that_makes_room),
        cmocka_unit_test(worlds_of_which_a_thread_reads_the_faults),
        cmocka_unit_test(threads_see_what_they_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
