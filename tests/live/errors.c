/* errors.c - stores that fill up, break and lie under a pager of real memory: nothing is lost,
 * nothing is read that was not written, and what is mended works again.
 */
#include "live/live_test.h"
#include "oracle/faulty_store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/wait.h>

#define LIMIT (256 * 4 * KIB)
enum { PAGES = 700, PAGE = 4096 };

struct world {
    struct vm_live *l;
    struct faulty_store store;
    uint8_t *data;
};

static void open_world(struct world *w, const char *policy)
{
    w->l = open_pager(
        &(struct vm_live_options){.limit_bytes = LIMIT, .store = "memory", .policy = policy});
    faulty_store_enter(&w->store, w->l);
    w->data = map_region(w->l, PAGES * PAGE);
}

static void write_page(struct world *w, size_t page, unsigned version)
{
    uint64_t *words = (uint64_t *)(void *)(w->data + page * PAGE);
    for (size_t i = 0; i < PAGE / 8; i++)
        words[i] = vm_mix64(page * 1000 + version) + i;
}

static bool is_page(const struct world *w, size_t page, unsigned version)
{
    const uint64_t *words = (const uint64_t *)(const void *)(w->data + page * PAGE);
    for (size_t i = 0; i < PAGE / 8; i++)
        if (words[i] != vm_mix64(page * 1000 + version) + i)
            return false;
    return true;
}

/* ---- a touch that may end in SIGBUS ---- */

static sigjmp_buf back;
static void *_Atomic blamed;

static void on_bus(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    atomic_store(&blamed, info->si_addr);
    siglongjmp(back, 1);
}

/* Before the pager opens: it passes on to us what it could not resolve. */
static void catch_bus(void)
{
    struct sigaction action = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
}

/* Whether the byte could be read, into *out. */
static bool try_read(const volatile uint8_t *at, uint8_t *out)
{
    if (sigsetjmp(back, 1))
        return false;
    *out = *at;
    return true;
}

static bool try_write(volatile uint8_t *at, uint8_t byte)
{
    if (sigsetjmp(back, 1))
        return false;
    *at = byte;
    return true;
}

/* What is said on standard error meanwhile, into out[cap]. */
struct listener {
    int before, pipe[2];
};

static void listen_to_errors(struct listener *s)
{
    assert_int_equal(pipe(s->pipe), 0);
    s->before = dup(2);
    dup2(s->pipe[1], 2);
}

static void hear_errors(struct listener *s, char *out, size_t cap)
{
    dup2(s->before, 2);
    close(s->before);
    close(s->pipe[1]);
    ssize_t n = read(s->pipe[0], out, cap - 1);
    out[n > 0 ? n : 0] = 0;
    close(s->pipe[0]);
}

/* ---- writing fails ---- */

static void fail_nth_write(int64_t nth, int error)
{
    struct world w;
    open_world(&w, NULL);
    for (size_t page = 0; page < PAGES; page++) {
        if (page == 300)
            faulty_store_refuse(&w.store, nth, error);
        if (page == 450)
            faulty_store_mend(&w.store);
        write_page(&w, page, 1);
    }
    assert_true(w.store.refused > 0);
    for (size_t page = 0; page < PAGES; page++)
        assert_true(is_page(&w, page, 1));
    check_regions(w.l);
    struct vm_live_stats s;
    vm_live_stats(w.l, &s);
    assert_int_equal(s.failures, 0);
    vm_live_close(w.l);
}

static void a_page_that_cannot_be_written_stays_and_is_written_later(void **state)
{
    (void)state;
    for (int64_t nth = 0; nth < 40; nth += 1 + nth / 4) {
        fail_nth_write(nth, EIO);
        fail_nth_write(nth, ENOSPC);
    }
}

static void nothing_is_lost_under_any_policy_when_writing_fails(void **state)
{
    (void)state;
    for (size_t i = 0; vm_policy_at(i); i++) {
        struct world w;
        if (vm_policy_at(i)->future == VM_FUTURE_NEEDED)
            continue;
        open_world(&w, vm_policy_at(i)->name);
        for (unsigned round = 1; round <= 6; round++) {
            faulty_store_refuse(&w.store, 37 * (int64_t)round, EIO);
            for (size_t page = 0; page < PAGES; page += 1 + page % 3)
                write_page(&w, page, round);
            faulty_store_mend(&w.store);
            for (size_t page = 0; page < PAGES; page += 1 + page % 3)
                assert_true(is_page(&w, page, round));
        }
        assert_true(w.store.refused > 0);
        check_regions(w.l);
        vm_live_close(w.l);
    }
}

static void a_flush_says_that_the_store_is_full(void **state)
{
    (void)state;
    struct world w;
    struct vm_error e = {0};
    open_world(&w, NULL);
    for (size_t page = 0; page < 100; page++)
        write_page(&w, page, 1);
    faulty_store_refuse(&w.store, 10, ENOSPC);
    assert_false(vm_live_flush(w.l, w.data, 100 * PAGE, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_non_null(strstr(e.text, strerror(ENOSPC)));
    check_regions(w.l);
    faulty_store_mend(&w.store);
    assert_true(vm_live_flush(w.l, w.data, 100 * PAGE, &e));
    check_regions(w.l);
    for (size_t page = 0; page < 100; page++) {
        assert_int_equal(state_of(w.l, w.l->region[0].first + (uint32_t)page), CLEAN);
        assert_true(is_page(&w, page, 1));
    }
    vm_live_close(w.l);
}

/* More than fits is written while the store refuses: what is there keeps its contents, what is too
 * much ends in SIGBUS, and after the store is mended it can be had. */
static void a_store_that_stays_full_ends_in_a_signal_and_not_in_a_loss(void **state)
{
    (void)state;
    enum { MANY = 4 * LIMIT / PAGE };
    struct world w;
    catch_bus();
    open_world(&w, NULL);
    uint8_t *data = map_region(w.l, MANY * PAGE);
    faulty_store_refuse(&w.store, 0, ENOSPC);
    size_t written = 0;
    while (written < MANY && try_write(data + written * PAGE, (uint8_t)(written % 251 + 1)))
        written++;
    assert_in_range(written, 256, MANY - 1);
    assert_ptr_equal(atomic_load(&blamed), data + written * PAGE);
    for (size_t page = 0; page < written; page++)
        assert_int_equal(data[page * PAGE], page % 251 + 1);
    faulty_store_mend(&w.store);
    assert_true(try_write(data + written * PAGE, 7));
    for (size_t page = 0; page < written; page++)
        assert_int_equal(data[page * PAGE], page % 251 + 1);
    check_regions(w.l);
    vm_live_close(w.l);
}

static void a_region_that_cannot_be_written_can_still_move(void **state)
{
    (void)state;
    struct world w;
    struct vm_error e = {0};
    open_world(&w, NULL);
    uint8_t *other = map_region(w.l, PAGE); /* so that it has to move */
    for (size_t page = 0; page < 300; page++)
        write_page(&w, page, 1);
    *other = 1;
    faulty_store_refuse(&w.store, 0, EIO);
    w.data = vm_live_resize(w.l, w.data, PAGES * PAGE, 2 * PAGES * PAGE, &e);
    assert_non_null(w.data);
    faulty_store_mend(&w.store);
    for (size_t page = 0; page < 300; page++)
        assert_true(is_page(&w, page, 1));
    assert_int_equal(w.data[2 * PAGES * PAGE - 1], 0);
    check_regions(w.l);
    vm_live_close(w.l);
}

/* ---- reading fails ---- */

/* Every page is written, and the first hundred have left. */
static void send_away(struct world *w)
{
    struct vm_error e;
    for (size_t page = 0; page < 100; page++)
        write_page(w, page, 3);
    assert_true(vm_live_advise(w->l, w->data, 100 * PAGE, VM_LIVE_COLD, &e));
}

static void read_spoiled(enum spoiled how)
{
    struct world w;
    struct listener listener;
    char said[4096], place[32];
    uint8_t byte = 0x55;
    catch_bus();
    open_world(&w, NULL);
    send_away(&w);
    uint8_t *at = w.data + 5 * PAGE + 4000;
    w.store.reads = how;
    listen_to_errors(&listener);
    bool could = try_read(at, &byte) || try_write(at, 1);
    hear_errors(&listener, said, sizeof said);
    assert_false(could);
    assert_int_equal(byte, 0x55);
    assert_ptr_equal(atomic_load(&blamed), at);
    snprintf(place, sizeof place, "%p", (void *)at);
    assert_non_null(strstr(said, place));
    assert_false(vm_live_pin(w.l, at, 1, VM_READ));
    check_regions(w.l);
    struct vm_live_stats s;
    vm_live_stats(w.l, &s);
    assert_int_equal(s.failures, 3);
    faulty_store_mend(&w.store);
    for (size_t page = 0; page < 100; page++)
        assert_true(is_page(&w, page, 3));
    check_regions(w.l);
    vm_live_close(w.l);
}

static void no_byte_is_read_past_an_error_of_the_store(void **state)
{
    (void)state;
    read_spoiled(READS_FAIL);
}

static void no_byte_of_a_torn_page_is_read(void **state)
{
    (void)state;
    read_spoiled(READS_TORN);
    read_spoiled(READS_NOTHING);
}

/* A stream reads ahead into a page that is torn: only who touches that page is told. */
static void a_torn_page_that_came_along_hurts_nobody_else(void **state)
{
    (void)state;
    struct world w;
    uint8_t byte;
    catch_bus();
    open_world(&w, NULL);
    send_away(&w);
    for (size_t page = 0; page < 20; page++)
        assert_true(is_page(&w, page, 3)); /* a stream */
    w.store.reads = READS_TORN;
    size_t could = 20;
    while (could < 100 && try_read(w.data + could * PAGE, &byte))
        could++;
    for (size_t page = 0; page < could; page++)
        assert_true(is_page(&w, page, 3));
    assert_true(could < 100 && w.store.spoiled > 0);
    faulty_store_mend(&w.store);
    for (size_t page = 0; page < 100; page++)
        assert_true(is_page(&w, page, 3));
    check_regions(w.l);
    vm_live_close(w.l);
}

/* In handler mode the kernel makes the signal, from a page that is poisoned. */
static void a_handler_thread_poisons_what_cannot_be_had(void **state)
{
    (void)state;
    struct world w;
    struct vm_error e;
    uint8_t byte = 0x55;
    catch_bus();
    w.l = open_pager(&(struct vm_live_options){
        .limit_bytes = LIMIT, .store = "memory", .resolve = VM_LIVE_BY_HANDLER});
    faulty_store_enter(&w.store, w.l);
    w.data = map_region(w.l, PAGES * PAGE);
    send_away(&w);
    w.store.reads = READS_FAIL;
    assert_false(try_read(w.data + 5 * PAGE, &byte));
    assert_int_equal(byte, 0x55);
    faulty_store_mend(&w.store);
    assert_true(vm_live_advise(w.l, w.data, PAGE * 100, VM_LIVE_WILLNEED, &e));
    for (size_t page = 0; page < 100; page++)
        assert_true(is_page(&w, page, 3));
    vm_live_close(w.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_cannot_be_written_stays_and_is_written_later),
        cmocka_unit_test(nothing_is_lost_under_any_policy_when_writing_fails),
        cmocka_unit_test(a_flush_says_that_the_store_is_full),
        cmocka_unit_test(a_store_that_stays_full_ends_in_a_signal_and_not_in_a_loss),
        cmocka_unit_test(a_region_that_cannot_be_written_can_still_move),
        cmocka_unit_test(no_byte_is_read_past_an_error_of_the_store),
        cmocka_unit_test(no_byte_of_a_torn_page_is_read),
        cmocka_unit_test(a_torn_page_that_came_along_hurts_nobody_else),
        cmocka_unit_test(a_handler_thread_poisons_what_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
