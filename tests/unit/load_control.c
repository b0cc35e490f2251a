/* load_control.c - what load control stands on: working sets that are exact, and processes that
 * leave memory whole. */
#include "analysis/working_sets.h"
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "rounds.h"
#include "test.h"

#define REFS 400

/* ---- working sets ---- */

/* Distinct pages that the references [from, to) touch. */
static uint64_t distinct(const vm_va *va, const uint16_t *meta, uint32_t from, uint32_t to)
{
    uint64_t page[2 * REFS], n = 0;
    for (uint32_t i = from; i < to; i++) {
        vm_va ends[2] = {va[i] >> 12, (va[i] + vm_ref_bytes(meta[i]) - 1) >> 12};
        for (int k = 0; k < 2; k++) {
            uint64_t at = 0;
            while (at < n && page[at] != ends[k])
                at++;
            page[n] = ends[k];
            n += at == n;
        }
    }
    return n;
}

static void a_working_set_is_the_pages_of_its_window(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(300); round++) {
        vm_va va[REFS];
        uint16_t meta[REFS];
        struct working_set w;
        struct vm_random random;
        struct vm_error e;
        uint64_t peak = 0;
        vm_random_seed(&random, round);
        uint64_t window = 1 + vm_random_below(&random, 60),
                 pages = 1 + vm_random_below(&random, 20);
        assert_true(working_set_open(&w, window, 12, &e));
        for (uint32_t i = 0; i < REFS; i++) {
            va[i] = (i && vm_random_below(&random, 2)) ? va[i - 1]
                                                       : vm_random_below(&random, pages * 4096);
            meta[i] = vm_ref_meta(VM_READ, 1 + (unsigned)vm_random_below(&random, 64));
            assert_true(working_set_refs(&w, 7, &va[i], &meta[i], 1, &e));
            uint32_t from = i + 1 > window ? i + 1 - (uint32_t)window : 0;
            uint64_t now = distinct(va, meta, from, i + 1);
            assert_int_equal(working_set_pages(&w), now);
            peak = now > peak ? now : peak;
        }
        assert_true(w.peak >= peak && w.peak <= peak + 1); /* within a crossing, too */
        working_set_close(&w);
    }
}

/* ---- suspension ---- */

static void read_through(struct vm_engine *m, const char *spec)
{
    struct vm_error e;
    struct vm_batch b;
    struct vm_trace *t = vm_trace_open(spec, NULL, &e);
    assert_non_null(t);
    while (vm_trace_read(t, &b, &e) && b.nrefs)
        assert_true(vm_engine_run(m, &b, &e));
    vm_trace_close(t);
}

static void a_suspended_process_leaves_in_one_write_and_comes_back_by_faults(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_counts before, after;
    struct vm_config c = machine_config("lru", 100);
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    const struct vm_queue_counts *device =
        &vm_memory_queue(vm_engine_memory(m), VM_SWAP_FAST)->counts;
    read_through(m, "@loop:refs=300,pages=30,writes=1");
    assert_int_equal(vm_memory_resident(vm_engine_memory(m)), 30);
    struct vm_time then, now;
    vm_engine_time(m, &then);
    assert_true(vm_engine_suspend(m, 0, &e));
    vm_engine_time(m, &now);
    assert_int_equal(vm_memory_resident(vm_engine_memory(m)), 0);
    assert_int_equal(device->requests[VM_TRANSFER_WRITE], 1);
    assert_int_equal(device->bytes[VM_TRANSFER_WRITE], 30 * 4096);
    assert_int_equal(now.idle_ns, then.idle_ns); /* nobody waits */
    vm_engine_check(m);
    vm_engine_counts(m, &before);
    assert_int_equal(before.writebacks, 30);
    read_through(m, "@loop:refs=300,pages=30");
    assert_true(vm_engine_suspend(m, 0, &e)); /* clean: nothing to write */
    vm_engine_counts(m, &after);
    assert_int_equal(after.swap_ins, 30);
    assert_int_equal(after.writebacks, 30);
    assert_int_equal(device->requests[VM_TRANSFER_WRITE], 1);
    vm_engine_check(m);
    vm_engine_close(m);
}

static void a_suspended_process_keeps_what_it_shares(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_config c = machine_config("clock", 100);
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    read_through(m, "@loop:refs=40,pages=20,writes=1");
    struct vm_event fork = {.kind = VM_EVENT_FORK, .asid = 0, .child = 1};
    assert_true(vm_engine_run(m, &(struct vm_batch){.nevents = 1, .event = &fork}, &e));
    read_through(m, "@loop:refs=5,pages=5,writes=1"); /* five copies of its own */
    assert_true(vm_engine_suspend(m, 0, &e));
    assert_int_equal(vm_memory_resident(vm_engine_memory(m)), 20);
    vm_engine_check(m);
    vm_engine_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_working_set_is_the_pages_of_its_window),
        cmocka_unit_test(a_suspended_process_leaves_in_one_write_and_comes_back_by_faults),
        cmocka_unit_test(a_suspended_process_keeps_what_it_shares),
    };
    return cmocka_run_group_tests_name("load_control", tests, NULL, NULL);
}
