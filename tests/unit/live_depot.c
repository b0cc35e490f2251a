/* live_depot.c - pages on a medium that is late, and fails: src/live/depot.c. */
#include "oracle/faulty_io.h"
#include "oracle/store_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#define PAGE 4096

static void begin(struct store_world *w, size_t pages, uint64_t seed)
{
    struct vm_error e;
    assert_true(store_world_begin(w, &faulty_depot, PAGE, pages, seed, &e));
}

static void transfers_that_are_done_late_and_in_any_order_mix_nothing_up(void **unused)
{
    (void)unused;
    for (unsigned k = 0; k < test_rounds(150); k++) {
        struct store_world w;
        faulty_plan = (struct faulty_plan){.is_sync = k % 7 == 6};
        begin(&w, 1 + k * 7 % 400, k);
        for (int t = 0; t < 120; t++)
            store_world_step(&w);
        assert_int_equal(w.refused, 0);
        store_world_read_all(&w);
        store_world_close(&w);
    }
}

/* Whatever write kept is read, though many writes fail, and are tried again. */
static void what_could_not_be_written_is_not_lost(void **unused)
{
    (void)unused;
    uint64_t refused = 0;
    for (unsigned k = 0; k < test_rounds(150); k++) {
        struct store_world w;
        int error;
        faulty_plan = (struct faulty_plan){
            .writes_fail = 2 + k % 5, .error = EIO, .writes_short = k % 3 == 0, .is_sync = k & 1};
        begin(&w, 1 + k * 11 % 300, k);
        for (int t = 0; t < 100; t++) {
            store_world_write(&w, 1 + vm_random_below(&w.random, 40), &error);
            store_world_read(&w, 1 + vm_random_below(&w.random, 40));
            while (w.npages && vm_random_below(&w.random, 12))
                store_world_drop(&w, vm_random_below(&w.random, w.npages));
            w.ops->check(w.store);
        }
        refused += w.refused;
        store_world_read_all(&w);
        store_world_close(&w);
    }
    assert_true(refused > 100);
}

static void a_medium_that_takes_nothing_is_said_at_once_and_written_when_it_recovers(void **unused)
{
    (void)unused;
    struct store_world w;
    int error;
    faulty_plan = (struct faulty_plan){.writes_all_fail = true, .error = EIO};
    begin(&w, 400, 1);
    while (!w.npages) /* until one is late */
        store_world_write(&w, 64, &error);
    assert_int_equal(w.ops->flush(w.store), EIO);
    assert_int_equal(store_world_write(&w, 64, &error), 0);
    assert_int_equal(error, EIO);
    store_world_read_all(&w);
    faulty_plan.writes_all_fail = false;
    assert_int_equal(store_world_write(&w, 64, &error), 64);
    assert_int_equal(w.ops->flush(w.store), 0);
    faulty_plan.reads = 0;
    store_world_read_all(&w);
    assert_true(faulty_plan.reads > 0); /* from the medium: it was written */
    store_world_close(&w);
}

static void a_full_medium_refuses_and_takes_again_what_becomes_free(void **unused)
{
    (void)unused;
    struct store_world w;
    int error;
    faulty_plan = (struct faulty_plan){.room_bytes = 101 * PAGE};
    begin(&w, 400, 1);
    assert_int_equal(store_world_write(&w, 90, &error), 90);
    assert_int_equal(store_world_write(&w, 90, &error), 10);
    assert_int_equal(error, ENOSPC);
    assert_int_equal(store_world_write(&w, 1, &error), 0);
    store_world_read_all(&w);
    for (int i = 0; i < 30; i++)
        store_world_drop(&w, vm_random_below(&w.random, w.npages));
    assert_int_equal(store_world_write(&w, 90, &error), 30);
    faulty_plan.room_bytes = 0; /* others made room */
    assert_int_equal(store_world_write(&w, 90, &error), 90);
    store_world_read_all(&w);
    store_world_close(&w);
}

/* Of a batch only the page that lies there fails, whatever it was read with. */
static void a_bad_place_fails_its_page_alone(void **unused)
{
    (void)unused;
    for (unsigned k = 0; k < test_rounds(60); k++) {
        struct store_world w;
        int error;
        uint8_t *to[64];
        vm_stored handle[64];
        bool ok[64];
        faulty_plan = (struct faulty_plan){.error = EIO};
        begin(&w, 200, k);
        store_world_write(&w, 64, &error);
        assert_int_equal(w.ops->flush(w.store), 0);
        uint64_t bad = vm_random_below(&w.random, 64);
        faulty_plan.bad_from = (bad + 1) * PAGE + 512;
        faulty_plan.bad_to = faulty_plan.bad_from + 512;
        for (size_t i = 0; i < 64; i++) {
            handle[i] = w.page[i].handle;
            to[i] = w.buffer + i * PAGE;
        }
        if (k & 1)
            w.ops->soon(w.store, handle, 64);
        assert_int_equal(w.ops->read(w.store, handle, (void *const *)to, 64, ok), EIO);
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(ok[i], handle[i] - 1 != bad);
            assert_true(!ok[i] || store_page_is(to[i], PAGE, w.page[i].seed));
        }
        faulty_plan.bad_to = 0;
        store_world_read_all(&w);
        store_world_close(&w);
    }
}

/* A stream is read far ahead: no page of it more than once. */
static void a_stream_is_read_ahead_once(void **unused)
{
    (void)unused;
    struct store_world w;
    int error;
    faulty_plan = (struct faulty_plan){0};
    begin(&w, 2048, 3);
    while (w.npages < 2048)
        store_world_write(&w, 64, &error);
    assert_int_equal(w.ops->flush(w.store), 0);
    faulty_plan.reads = 0;
    for (size_t i = 0; i < 2048; i += 64) {
        vm_stored handle[64];
        uint8_t *to[64];
        bool ok[64];
        for (size_t k = 0; k < 64; k++) {
            handle[k] = w.page[i + k].handle;
            to[k] = w.buffer + k * PAGE;
        }
        assert_int_equal(w.ops->read(w.store, handle, (void *const *)to, 64, ok), 0);
        for (size_t k = 0; k < 64; k++)
            assert_true(store_page_is(to[k], PAGE, w.page[i + k].seed));
        for (size_t k = 0; k < 64 && i + 64 < 2048; k++)
            handle[k] = w.page[i + 64 + k].handle;
        if (i + 64 < 2048)
            w.ops->soon(w.store, handle, 64);
    }
    w.ops->check(w.store);
    assert_int_equal(faulty_plan.reads, 2048 / 64);
    store_world_close(&w);
}

static void what_is_read_ahead_in_vain_gives_way(void **unused)
{
    (void)unused;
    struct store_world w;
    int error;
    faulty_plan = (struct faulty_plan){.is_sync = true};
    begin(&w, 2000, 3);
    while (w.npages < 2000)
        store_world_write(&w, 50, &error);
    for (int t = 0; t < 300; t++) {
        vm_stored handle[6];
        for (size_t k = 0; k < 6; k++)
            handle[k] = w.page[vm_random_below(&w.random, w.npages)].handle;
        w.ops->soon(w.store, handle, 6);
        w.ops->check(w.store);
        if (t % 10 == 9)
            store_world_read(&w, 30);
    }
    store_world_read_all(&w);
    store_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfers_that_are_done_late_and_in_any_order_mix_nothing_up),
        cmocka_unit_test(what_could_not_be_written_is_not_lost),
        cmocka_unit_test(a_medium_that_takes_nothing_is_said_at_once_and_written_when_it_recovers),
        cmocka_unit_test(a_full_medium_refuses_and_takes_again_what_becomes_free),
        cmocka_unit_test(a_bad_place_fails_its_page_alone),
        cmocka_unit_test(a_stream_is_read_ahead_once),
        cmocka_unit_test(what_is_read_ahead_in_vain_gives_way),
    };
    return cmocka_run_group_tests_name("unit/live_depot", tests, NULL, NULL);
}
