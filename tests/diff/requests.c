/* requests.c - analysis/requests.c against a list of blocks, and analysis/heap_replay.c's accounts
 * of every heap against it, on random requests of which many are faults.
 */
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "oracle/naive_requests.h"
#include "rounds.h"

#include "unit/folder.h"
#include "unit/test.h"

#include <pagoda/engine.h>

#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 400, PLACES = 24 };

struct world {
    struct vm_columns columns;
    struct vm_event event[EVENTS_MAX];
    uint64_t ref[EVENTS_MAX];
};

/* Mostly what a program would do; an address now and then that is not its block's. */
static struct vm_event random_request(struct vm_random *r)
{
    static const uint64_t sizes[] = {0, 1, 24, 100, 4000, 70000};
    uint64_t n = vm_random_below(r, 100);
    struct vm_event v = {
        .kind = n < 50   ? VM_EVENT_ALLOC
                : n < 80 ? VM_EVENT_FREE
                : n < 98 ? VM_EVENT_RESIZE
                : n < 99 ? VM_EVENT_EXEC
                         : VM_EVENT_MAP,
        .va = 0x1000 * (1 + vm_random_below(r, PLACES)),
        .from = 0x1000 * (1 + vm_random_below(r, PLACES)),
        .bytes = sizes[vm_random_below(r, 6)] + vm_random_below(r, 50),
        .thread = (uint32_t)vm_random_below(r, 5),
    };
    if (vm_random_below(r, 30) == 0)
        v.va = v.kind == VM_EVENT_FREE ? v.va : 0;
    if (vm_random_below(r, 30) == 0)
        v.bytes = vm_random_below(r, 2) ? VM_REQUEST_BYTES_MAX + 1 : UINT64_MAX;
    if (v.kind == VM_EVENT_ALLOC && vm_random_below(r, 6) == 0)
        v.align = vm_random_below(r, 4) ? UINT64_C(1) << vm_random_below(r, 13) : 24;
    return v;
}

static struct vm_trace *random_world(struct world *w, struct vm_random *r)
{
    struct vm_error e;
    uint64_t n = 1 + vm_random_below(r, EVENTS_MAX);
    w->event[0] = (struct vm_event){.kind = VM_EVENT_ALLOC, .va = 0x1000, .bytes = 5};
    for (uint64_t i = 1; i < n; i++)
        w->event[i] = random_request(r);
    memset(w->ref, 0, sizeof w->ref);
    w->columns = (struct vm_columns){.nevents = n, .event = w->event, .event_ref = w->ref};
    struct vm_trace *t = vm_trace_open_columns(&w->columns, "world", &e);
    assert_non_null(t);
    return t;
}

static void load(struct world *w, struct vm_random *r, struct vm_requests *out)
{
    struct vm_error e;
    struct vm_trace *t = random_world(w, r);
    assert_true(vm_requests_load(out, t, &e));
    vm_trace_close(t);
}

static void loading_counts_what_a_list_of_blocks_counts(void **state)
{
    (void)state;
    static struct world w;
    static struct naive_requests naive;
    struct vm_random r;
    vm_random_seed(&r, 61);
    for (unsigned i = 0; i < test_rounds(3000); i++) {
        struct vm_requests got;
        uint64_t faults = 0;
        load(&w, &r, &got);
        naive = (struct naive_requests){0};
        for (uint64_t k = 0; k < w.columns.nevents; k++) {
            naive_requests_event(&naive, &w.event[k]);
            if (naive.last_fault >= 0 && faults < VM_REQUEST_FAULTS_KEPT &&
                got.fault[faults].number == naive.number)
                faults++;
        }
        assert_int_equal(got.n, naive.number);
        assert_int_equal(got.takes, naive.takes);
        assert_int_equal(got.gives, naive.gives);
        assert_int_equal(got.changes, naive.changes);
        assert_int_equal(got.resets, naive.resets);
        assert_int_equal(got.refused, naive.refused);
        assert_int_equal(got.zeros, naive.zeros);
        assert_int_equal(got.asked_peak, naive.asked_peak);
        assert_int_equal(got.peak_number, naive.peak_number);
        assert_int_equal(got.asked_all, naive.asked_all);
        assert_int_equal(got.asked_end, naive_requests_asked(&naive));
        assert_memory_equal(got.faults, naive.faults, sizeof got.faults);
        assert_int_equal(faults < VM_REQUEST_FAULTS_KEPT ? got.nfaults : faults, faults);
        vm_requests_free(&got);
    }
}

static void assert_moment(const struct vm_heap_moment *m, uint64_t number,
                          const struct naive_requests *naive)
{
    const struct vm_heap_usage *u = &m->usage;
    assert_int_equal(m->number, number);
    assert_int_equal(m->asked, naive_requests_asked(naive));
    assert_int_equal(u->live_blocks, naive_requests_live(naive));
    assert_int_equal(u->held_bytes, u->live_bytes + u->free_bytes + u->overhead_bytes);
    assert_true(u->live_bytes >= m->asked && u->free_max <= u->free_bytes);
}

/* Each request is a sample, in so short a trace. */
static void assert_accounts(const struct world *w, const struct vm_heap_result *got)
{
    static struct naive_requests naive;
    uint64_t sample = 0, held = 0;
    naive = (struct naive_requests){0};
    for (uint64_t k = 0; k < w->columns.nevents; k++) {
        uint64_t before = naive.number;
        naive_requests_event(&naive, &w->event[k]);
        if (naive.number == before)
            continue;
        const struct vm_heap_moment *m = &got->sample[sample++];
        assert_moment(m, naive.number, &naive);
        held = m->usage.held_bytes > held ? m->usage.held_bytes : held;
    }
    assert_int_equal(sample, got->nsamples);
    assert_true(got->held_peak >= held);
    assert_int_equal(got->peak.asked, naive.asked_peak);
    assert_int_equal(got->peak.number, naive.peak_number);
    assert_memory_equal(&got->peak, &got->sample[naive.peak_number - 1], sizeof got->peak);
    assert_moment(&got->end, naive.number, &naive);
    assert_int_equal(got->failures + got->lost, 0);
}

static void assert_map(const struct vm_heap_result *got)
{
    uint64_t end = 0, bytes[3] = {0};
    for (size_t i = 0; i < got->npieces; i++) {
        assert_int_equal(got->piece[i].start, end);
        bytes[got->piece[i].kind] += got->piece[i].bytes;
        end += got->piece[i].bytes;
    }
    assert_int_equal(end, got->map.usage.held_bytes);
    assert_int_equal(bytes[VM_HEAP_LIVE], got->map.usage.live_bytes);
    assert_int_equal(bytes[VM_HEAP_FREE], got->map.usage.free_bytes);
}

static void every_heap_keeps_the_accounts_of_the_list(void **state)
{
    (void)state;
    static struct world w;
    static struct vm_heap_result got, again;
    struct vm_random r;
    vm_random_seed(&r, 62);
    for (unsigned i = 0; i < test_rounds(25); i++) {
        struct vm_requests requests;
        struct vm_error e;
        load(&w, &r, &requests);
        for (size_t k = 0; vm_heap_at(k); k++) {
            struct vm_heap_options options = {.at = 1 + vm_random_below(&r, requests.n),
                                              .cpus = (uint32_t)vm_random_below(&r, 4)};
            assert_true(vm_heap_replay(&requests, vm_heap_at(k)->name, &options, &got, &e));
            assert_accounts(&w, &got);
            assert_map(&got);
            assert_true(vm_heap_replay(&requests, vm_heap_at(k)->name, &options, &again, &e));
            assert_memory_equal(got.sample, again.sample, sizeof got.sample);
            vm_heap_result_free(&got);
            vm_heap_result_free(&again);
        }
        vm_requests_free(&requests);
    }
}

static void what_a_heap_cannot_serve_is_counted_and_no_more(void **state)
{
    (void)state;
    static struct world w;
    static struct vm_heap_result got;
    struct vm_random r;
    uint64_t failures = 0, lost = 0;
    vm_random_seed(&r, 63);
    for (unsigned i = 0; i < test_rounds(25); i++) {
        struct vm_requests requests;
        struct vm_error e;
        load(&w, &r, &requests);
        for (size_t k = 0; vm_heap_at(k); k++) {
            struct vm_heap_options options = {.limit = VM_HEAP_GRAIN << vm_random_below(&r, 8)};
            assert_true(vm_heap_replay(&requests, vm_heap_at(k)->name, &options, &got, &e));
            assert_true(got.held_peak <= options.limit);
            assert_true(got.end.usage.live_bytes >= got.end.asked);
            assert_true(got.end.asked <= requests.asked_end);
            failures += got.failures;
            lost += got.lost;
            vm_heap_result_free(&got);
        }
        vm_requests_free(&requests);
    }
    assert_true(failures && lost);
}

/* ---- beside references ---- */

enum { REFS = 3000 };

/* References to 60 pages, some fetched, each twice in a row; requests before one of four. */
static void write_refs(const char *path, unsigned requests_of_4)
{
    struct vm_error e;
    struct vm_random r, q;
    vm_random_seed(&r, 64);
    vm_random_seed(&q, 65);
    struct vm_pgt_writer *w = vm_pgt_create(path, NULL, &e);
    assert_non_null(w);
    for (unsigned i = 0; i < REFS; i++) {
        vm_va va[2] = {0x400000 + 8 * vm_random_below(&r, 60 * 512)};
        uint16_t meta = vm_ref_meta((enum vm_access)vm_random_below(&r, VM_ACCESSES), 8);
        uint16_t metas[2] = {meta, meta};
        struct vm_event event = random_request(&q);
        bool asks = vm_event_is_request(event.kind) && vm_random_below(&q, 4) < requests_of_4;
        struct vm_batch b = {2, asks, va, metas, &event};
        va[1] = va[0];
        event.at = (uint32_t)vm_random_below(&q, 3);
        assert_true(vm_pgt_append(w, &b, &e));
    }
    assert_true(vm_pgt_finish(w, &e));
}

static void requests_beside_references_change_no_replay(void **state)
{
    (void)state;
    struct folder f = folder_new();
    char with[256], without[256];
    write_refs(folder_path(&f, "with.pgt", with), 4);
    write_refs(folder_path(&f, "without.pgt", without), 0);
    static const char *const models[] = {"machine", "pages"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct vm_config c;
        struct vm_result a, b;
        struct vm_error e;
        vm_config_init(&c);
        machine_set(&c, "model", models[i]);
        machine_set(&c, "memory", "128KiB");
        assert_true(vm_replay(&c, with, NULL, NULL, &a, &e));
        assert_true(vm_replay(&c, without, NULL, NULL, &b, &e));
        assert_int_equal(a.counts.refs, 2 * REFS);
        assert_true(a.counts.faults > 60);
        assert_memory_equal(&a.counts, &b.counts, sizeof a.counts);
    }
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_counts_what_a_list_of_blocks_counts),
        cmocka_unit_test(every_heap_keeps_the_accounts_of_the_list),
        cmocka_unit_test(what_a_heap_cannot_serve_is_counted_and_no_more),
        cmocka_unit_test(requests_beside_references_change_no_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
