/* load_control.c - what load control stands on: working sets that are exact, a detection that
 * judges windows, and processes that leave memory whole and come back. */
#include "analysis/detector.h"
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

/* The list has each page that the references [from, to) touch, once, in order. */
static void check_list(struct working_set *w, struct page_list *list, const vm_va *va,
                       const uint16_t *meta, uint32_t from, uint32_t to)
{
    struct vm_error e;
    assert_true(working_set_list(w, list, &e));
    assert_int_equal(list->n, distinct(va, meta, from, to));
    for (size_t k = 0; k < list->n; k++) {
        bool touched = false;
        for (uint32_t i = from; i < to; i++)
            touched |= list->key[k] == vm_page_key(va[i], 12, 7) ||
                       list->key[k] == vm_page_key(va[i] + vm_ref_bytes(meta[i]) - 1, 12, 7);
        assert_true(touched && (k == 0 || list->key[k - 1] < list->key[k]));
    }
}

static void a_working_set_is_the_pages_of_its_window(void **unused)
{
    (void)unused;
    for (unsigned round = 0; round < test_rounds(300); round++) {
        vm_va va[REFS];
        uint16_t meta[REFS];
        struct working_set w;
        struct page_list list = {0};
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
            check_list(&w, &list, va, meta, from, i + 1);
            peak = now > peak ? now : peak;
        }
        assert_true(w.peak >= peak && w.peak <= peak + 1); /* within a crossing, too */
        working_set_close(&w);
        free(list.key);
    }
}

/* ---- detection ---- */

static struct detector detector_new(const char *spec, uint64_t window_ns)
{
    struct detector d;
    struct vm_error e;
    if (!detector_open(&d, spec, window_ns, &e))
        fail_msg("%s", e.text);
    return d;
}

/* Windows of 1 ms with a device that is asked for 0.4, 1.2, 0.8, 0.6, 0.2 and 1.5 times what the
 * processor works: above 1 it thrashes, below 0.5 no more. So it does from 2 ms to 5 ms, and from
 * 6 ms to the end. */
static void thrashing_lasts_from_a_high_rate_to_a_low_one(void **unused)
{
    (void)unused;
    static const double rates[] = {0.4, 1.2, 0.8, 0.6, 0.2, 1.5};
    struct detector d = detector_new("device:high=1,low=0.5", 1000000);
    struct detector_meter m = {0};
    for (size_t i = 0; i < 6; i++) {
        m.now_ns += 500000;
        assert_false(detector_look(&d, &m)); /* too early */
        m.now_ns += 500000;
        m.processor_ns += 100000;
        m.transfer_ns += (uint64_t)(rates[i] * 100000 + 0.5);
        assert_true(detector_look(&d, &m));
        assert_int_equal(d.thrashes, (i >= 1 && i < 4) || i == 5);
    }
    detector_end(&d, 6250000);
    assert_int_equal(d.result.windows, 6);
    assert_int_equal(d.result.times, 2);
    assert_int_equal(d.result.first_ns, 2000000);
    assert_int_equal(d.result.lasted_ns, 3000000 + 250000);
    assert_true(d.result.rate_peak == 1.5);
}

static void rates_are_what_their_rules_say(void **unused)
{
    (void)unused;
    struct vm_error e;
    const struct vm_detection_view v = {.elapsed_ns = 10000000,
                                        .idle_ns = 8000000,
                                        .processor_ns = 2000000,
                                        .transfer_ns = 6000000,
                                        .majors = 60},
                                   nothing = {.elapsed_ns = 10, .idle_ns = 10};
    assert_true(vm_detection_find("device", &e)->rate(&v) == 3);
    assert_true(vm_detection_find("fault-rate", &e)->rate(&v) == 30);
    assert_true(vm_detection_find("idle", &e)->rate(&v) == 0.8);
    const struct vm_detection_ops *ops;
    for (size_t i = 0; (ops = vm_detection_at(i)); i++) {
        double rate = ops->rate(&nothing);
        struct detector d = detector_new(ops->name, 0);
        assert_true(rate >= 0 && rate < 1e300 && d.low < d.high && ops->unit[0]);
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

static void pages_of_a_suspended_process_come_back_in_one_read(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_counts before, after;
    uint64_t key[30];
    struct vm_config c = machine_config("lru", 100);
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    const struct vm_queue_counts *device =
        &vm_memory_queue(vm_engine_memory(m), VM_SWAP_FAST)->counts;
    vm_engine_share(m);
    read_through(m, "@loop:refs=300,pages=30,writes=1");
    assert_true(vm_engine_suspend(m, 0, &e));
    struct vm_trace *t = vm_trace_open("@loop:refs=30,pages=30", NULL, &e);
    struct vm_batch b;
    assert_true(t && vm_trace_read(t, &b, &e));
    for (size_t i = 0; i < 30; i++)
        key[i] = vm_page_key(b.va[i * (b.nrefs / 30)], 12, 0);
    struct vm_time then;
    vm_engine_time(m, &then);
    assert_true(vm_engine_prepage(m, key, 30, &e));
    assert_true(vm_engine_blocked(m) > then.now_ns); /* it waits for them */
    vm_trace_close(t);
    assert_int_equal(device->requests[VM_TRANSFER_READ], 1);
    assert_int_equal(device->bytes[VM_TRANSFER_READ], 30 * 4096);
    assert_true(vm_engine_prepage(m, key, 30, &e)); /* they are there */
    assert_int_equal(vm_engine_blocked(m), 0);
    assert_int_equal(device->requests[VM_TRANSFER_READ], 1);
    vm_engine_idle(m, then.now_ns + 1000000000);
    vm_engine_counts(m, &before);
    assert_int_equal(before.prepages, 30);
    read_through(m, "@loop:refs=300,pages=30");
    vm_engine_counts(m, &after);
    assert_int_equal(after.prepage_hits, 30);
    assert_int_equal(after.soft_faults - before.soft_faults, 30);
    assert_int_equal(after.swap_ins, before.swap_ins);
    vm_engine_check(m);
    vm_engine_close(m);
}

/* The machine has run 30 dirty pages, ten of which have room on the first device, and their process
 * has left: what it waits for as they all come back, in ns. */
static uint64_t wait_of_both(const char *first, const char *second)
{
    struct vm_error e;
    struct vm_counts counts;
    struct vm_time then;
    uint64_t key[30];
    struct vm_config c = machine_config("lru", 100);
    machine_set(&c, "swap", first);
    machine_set(&c, "swap-size", "40KiB");
    machine_set(&c, "swap-slow", second);
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    vm_engine_share(m);
    read_through(m, "@loop:refs=300,pages=30,writes=1");
    assert_true(vm_engine_suspend(m, 0, &e));
    struct vm_trace *t = vm_trace_open("@loop:refs=30,pages=30", NULL, &e);
    struct vm_batch b;
    assert_true(t && vm_trace_read(t, &b, &e));
    for (size_t i = 0; i < 30; i++)
        key[i] = vm_page_key(b.va[i * (b.nrefs / 30)], 12, 0);
    vm_trace_close(t);
    vm_engine_idle(m, 1000000000);
    vm_engine_time(m, &then);
    assert_true(vm_engine_prepage(m, key, 30, &e));
    uint64_t until = vm_engine_blocked(m);
    vm_engine_counts(m, &counts);
    assert_int_equal(counts.prepages, 30);
    assert_int_equal(counts.slow_reads, 20);
    vm_engine_check(m);
    vm_engine_close(m);
    return until - then.now_ns;
}

static void pages_come_back_from_both_devices_at_once(void **unused)
{
    (void)unused;
    /* n pages are one request, which takes 100 us + n us of the near one, 200 us + n us of the far
     * one; those in compressed memory take less time, but the processor's. */
    static const char near[] = "ssd:depth=1,read_us=101,read_mbps=4096";
    static const char far[] = "ssd:depth=1,read_us=201,read_mbps=4096";
    assert_int_equal(wait_of_both(near, far), 220000);
    assert_int_equal(wait_of_both(far, near), 210000);
    assert_int_equal(wait_of_both("zram", far), 220000);
    assert_int_equal(wait_of_both(far, "zram"), 210000);
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
        cmocka_unit_test(thrashing_lasts_from_a_high_rate_to_a_low_one),
        cmocka_unit_test(rates_are_what_their_rules_say),
        cmocka_unit_test(a_suspended_process_leaves_in_one_write_and_comes_back_by_faults),
        cmocka_unit_test(pages_of_a_suspended_process_come_back_in_one_read),
        cmocka_unit_test(pages_come_back_from_both_devices_at_once),
        cmocka_unit_test(a_suspended_process_keeps_what_it_shares),
    };
    return cmocka_run_group_tests_name("load_control", tests, NULL, NULL);
}
