/* copies.c - snapshots, which are one moment, and children of fork, which go their own way. */
#include "live/live_test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 1024 /* eight times the limit */
#define LIMIT (128 * PAGE)

static const char *const policies[] = {"fifo", "s3-fifo", "vms", "wsclock"};
enum { POLICIES = sizeof policies / sizeof *policies };

struct world {
    struct vm_live *l;
    uint64_t *data;
};

static struct world open_world(const char *policy, enum vm_live_fork fork)
{
    struct world w = {
        .l = open_pager(&(struct vm_live_options){
            .limit_bytes = LIMIT, .policy = policy, .store = "memory", .fork = fork})};
    w.data = (uint64_t *)(void *)map_region(w.l, PAGES * PAGE);
    return w;
}

static uint64_t *word(const struct world *w, size_t page)
{
    return w->data + page * (PAGE / 8) + page % (PAGE / 8);
}

static uint64_t of_snapshot(struct vm_live_snapshot *s, size_t page)
{
    struct vm_error e;
    uint64_t value;
    assert_true(vm_live_snapshot_read(s, page * PAGE + page % (PAGE / 8) * 8, &value, 8, &e));
    return value;
}

/* Each page is written 0 to 3 times before, and as often after; some are discarded. */
static void a_snapshot_keeps_what_was_and_gives_it_back(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_random r;
    vm_random_seed(&r, 1);
    for (int round = 0; round < 12; round++) {
        struct world w = open_world(policies[round % POLICIES], VM_LIVE_FORK_NONE);
        uint64_t before[PAGES] = {0}, after[PAGES];
        for (int i = 0; i < 2 * PAGES; i++) {
            size_t page = vm_random_u64(&r) % PAGES;
            *word(&w, page) = before[page] = vm_random_u64(&r) % 4;
        }
        struct vm_live_snapshot *s = vm_live_snapshot_take(w.l, w.data, &e);
        assert_non_null(s);
        memcpy(after, before, sizeof after);
        for (int i = 0; i < PAGES; i++) {
            size_t page = vm_random_u64(&r) % PAGES;
            *word(&w, page) = after[page] = vm_random_u64(&r) % 4;
        }
        size_t gone = vm_random_u64(&r) % (PAGES - 100);
        assert_true(
            vm_live_advise(w.l, w.data + gone * (PAGE / 8), 100 * PAGE, VM_LIVE_DONTNEED, &e));
        memset(after + gone, 0, 100 * sizeof *after);
        for (size_t page = 0; page < PAGES; page++) {
            assert_int_equal(of_snapshot(s, page), before[page]);
            assert_int_equal(*word(&w, page), after[page]);
        }
        assert_true(vm_live_snapshot_restore(s, &e));
        for (size_t page = 0; page < PAGES; page++)
            assert_int_equal(*word(&w, page), before[page]);
        vm_live_snapshot_drop(s);
        check_regions(w.l);
        vm_live_close(w.l);
    }
}

static void snapshots_do_not_know_each_other(void **state)
{
    (void)state;
    struct vm_error e;
    struct world w = open_world("fifo", VM_LIVE_FORK_NONE);
    struct vm_live_snapshot *s[4];
    for (uint64_t k = 0; k < 4; k++) {
        for (size_t page = 0; page < PAGES; page++)
            if (page % (k + 1) == 0)
                *word(&w, page) = k + 1;
        assert_non_null(s[k] = vm_live_snapshot_take(w.l, w.data, &e));
    }
    vm_live_snapshot_drop(s[1]);
    for (size_t page = 0; page < PAGES; page++)
        *word(&w, page) = 99;
    for (uint64_t k = 0; k < 4; k++)
        for (size_t page = 0; k != 1 && page < PAGES; page++) {
            uint64_t wanted = 0;
            for (uint64_t i = 0; i <= k; i++)
                wanted = page % (i + 1) == 0 ? i + 1 : wanted;
            assert_int_equal(of_snapshot(s[k], page), wanted);
        }
    for (uint64_t k = 0; k < 4; k++)
        vm_live_snapshot_drop(k == 1 ? NULL : s[k]);
    vm_live_close(w.l);
}

static void the_store_has_nothing_left_of_a_snapshot_that_was_dropped(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_live_stats before, after;
    struct world w = open_world("fifo", VM_LIVE_FORK_NONE);
    for (size_t page = 0; page < PAGES; page++)
        *word(&w, page) = 1;
    assert_true(vm_live_advise(w.l, w.data, PAGES * PAGE, VM_LIVE_COLD, &e));
    vm_live_stats(w.l, &before);
    struct vm_live_snapshot *s = vm_live_snapshot_take(w.l, w.data, &e);
    for (size_t page = 0; page < PAGES; page++)
        *word(&w, page) = 2;
    vm_live_snapshot_drop(s);
    assert_true(vm_live_advise(w.l, w.data, PAGES * PAGE, VM_LIVE_COLD, &e));
    vm_live_stats(w.l, &after);
    assert_int_equal(after.store_pages, before.store_pages);
    vm_live_close(w.l);
}

struct writer {
    struct world w;
    _Atomic bool stop;
};

/* Round k writes k to all pages in their order. */
static void *write_in_order(void *argument)
{
    struct writer *it = argument;
    for (uint64_t k = 1; !it->stop; k++)
        for (size_t page = 0; page < PAGES / 4 && !it->stop; page++)
            *word(&it->w, page) = k;
    return NULL;
}

/* So at any moment the numbers fall by one, once. */
static void a_snapshot_is_one_moment_whatever_threads_write(void **state)
{
    (void)state;
    struct vm_error e;
    struct writer it = {.w = open_world("clock", VM_LIVE_FORK_NONE)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_in_order, &it), 0);
    for (int i = 0; i < 100; i++) {
        struct vm_live_snapshot *s = vm_live_snapshot_take(it.w.l, it.w.data, &e);
        assert_non_null(s);
        usleep(300);
        uint64_t first = of_snapshot(s, 0), last = first;
        for (size_t page = 0; page < PAGES / 4; page++) {
            uint64_t value = of_snapshot(s, page);
            assert_true(value == last || (last == first && value == first - 1));
            last = value;
        }
        vm_live_snapshot_drop(s);
    }
    it.stop = true;
    pthread_join(thread, NULL);
    vm_live_close(it.w.l);
}

/* ---- fork ---- */

/* The numbers of the pages, times `by`. */
static bool all_are(const struct world *w, uint64_t by)
{
    for (size_t page = 0; page < PAGES; page++)
        if (*word(w, page) != page * by)
            return false;
    return true;
}

static void write_all(const struct world *w, uint64_t by)
{
    for (size_t page = 0; page < PAGES; page++)
        *word(w, page) = page * by;
}

static int ended(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static pid_t fork_with(struct world *w)
{
    struct vm_error e;
    uint64_t signals;
    vm_live_fork_before(w->l, &signals);
    pid_t pid = fork();
    if (!vm_live_fork_after(w->l, pid == 0, &signals, &e)) {
        print_message("# %s\n", e.text);
        if (pid == 0)
            _exit(9);
        fail();
    }
    return pid;
}

static void a_child_has_a_copy_of_its_own(void **state)
{
    (void)state;
    for (int round = 0; round < POLICIES; round++) {
        struct world w = open_world(policies[round], VM_LIVE_FORK_COPY);
        write_all(&w, 3);
        pid_t pid = fork_with(&w);
        if (pid == 0) {
            bool right = all_are(&w, 3);
            write_all(&w, 5);
            pid_t grandchild = fork_with(&w);
            if (grandchild == 0) {
                right = all_are(&w, 5);
                write_all(&w, 6);
                _exit(right && all_are(&w, 6) ? 0 : 1);
            }
            right = right && all_are(&w, 5) && ended(grandchild) == 0;
            _exit(right ? 0 : 1);
        }
        assert_true(all_are(&w, 3));
        write_all(&w, 7);
        assert_int_equal(ended(pid), 0);
        assert_true(all_are(&w, 7));
        check_regions(w.l);
        vm_live_close(w.l);
    }
}

/* The last pages that were read are there and clean when the child writes them first. */
static void what_a_child_writes_to_clean_pages_is_not_lost(void **state)
{
    (void)state;
    struct world w = open_world("fifo", VM_LIVE_FORK_COPY);
    write_all(&w, 3);
    assert_true(all_are(&w, 3));
    pid_t pid = fork_with(&w);
    if (pid == 0) {
        for (size_t page = PAGES; page-- > 0;)
            *word(&w, page) = page * 5;
        _exit(all_are(&w, 5) ? 0 : 1);
    }
    assert_int_equal(ended(pid), 0);
    vm_live_close(w.l);
}

static void a_process_can_fork_while_its_threads_have_faults(void **state)
{
    (void)state;
    struct writer it = {.w = open_world("fifo", VM_LIVE_FORK_COPY)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_in_order, &it), 0);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork_with(&it.w);
        if (pid == 0) { /* the numbers fall by one, once: it, too, is a moment */
            uint64_t first = *word(&it.w, 0), last = first;
            for (size_t page = 0; page < PAGES / 4; page++) {
                uint64_t value = *word(&it.w, page);
                if (value != last && !(last == first && value == first - 1))
                    _exit(1);
                last = value;
            }
            _exit(0);
        }
        assert_int_equal(ended(pid), 0);
    }
    it.stop = true;
    pthread_join(thread, NULL);
    vm_live_close(it.w.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_keeps_what_was_and_gives_it_back),
        cmocka_unit_test(snapshots_do_not_know_each_other),
        cmocka_unit_test(the_store_has_nothing_left_of_a_snapshot_that_was_dropped),
        cmocka_unit_test(a_snapshot_is_one_moment_whatever_threads_write),
        cmocka_unit_test(a_child_has_a_copy_of_its_own),
        cmocka_unit_test(what_a_child_writes_to_clean_pages_is_not_lost),
        cmocka_unit_test(a_process_can_fork_while_its_threads_have_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
