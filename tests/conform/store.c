/* store.c - every row of stores.def keeps the contract of src/live/store.h. */
#include "oracle/nbd_server.h"
#include "oracle/store_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <errno.h>
#include <pagoda/live.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

/* Rows by name, and how else they are opened: with little room, in other ways. */
static const char *const specs_more[] = {
    "lz4:level=8",
    "zstd:level=3",
    "file:io=sync",
    "spill:limit=256KiB",
    "spill:limit=1MiB,codec=zstd",
};
#define NMORE (sizeof specs_more / sizeof specs_more[0])

static struct {
    struct nbd_server server;
    char spec[160]; /* "": there is no server */
} nbd;

/* Row i as it is opened; NULL: not here. */
static const char *row_spec(size_t i)
{
    const char *name = vm_store_at(i)->name;
    if (strcmp(name, "nbd") != 0)
        return name;
    return nbd.spec[0] ? nbd.spec : NULL;
}

static size_t nrows(void)
{
    size_t n = 0;
    while (vm_store_at(n))
        n++;
    return n;
}

/* The first spec from i on that can be opened here; NULL past the end. */
static const char *spec_from(size_t *i)
{
    size_t n = nrows();
    while (*i < n && !row_spec(*i))
        ++*i;
    return *i < n ? row_spec(*i) : *i - n < NMORE ? specs_more[*i - n] : NULL;
}

static void open_or_fail(struct store_world *w, const char *spec, uint32_t page_bytes, size_t pages,
                         uint64_t seed)
{
    struct vm_error e;
    if (!store_world_open(w, spec, page_bytes, pages, seed, &e))
        fail_msg("%s: %s", spec, e.text);
}

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_store_ops *ops; (ops = vm_store_at(n)); n++) {
        assert_ptr_equal(vm_store_find(ops->name, &e), ops);
        assert_true(vm_store_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0);
        assert_true(ops->open && ops->write && ops->read && ops->soon && ops->hold && ops->drop);
        assert_true(ops->flush && ops->usage && ops->fork_before && ops->fork_after);
        assert_true(ops->check && ops->close);
    }
    assert_true(n > 0);
    assert_false(vm_store_list(n, &listed));
    assert_null(vm_store_find("lz5", &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.hint, "lz4"));
}

/* Small worlds fill up, so that handles end and come again. */
static void what_is_read_is_what_was_written(void **unused)
{
    (void)unused;
    static const size_t rooms[] = {1, 40, 700};
    const char *spec;
    for (size_t i = 0; (spec = spec_from(&i)); i++)
        for (unsigned k = 0; k < test_rounds(8); k++) {
            struct store_world w;
            open_or_fail(&w, spec, k % 4 == 3 ? 65536 : PAGE, rooms[k % 3], k);
            for (int t = 0; t < 150; t++)
                store_world_step(&w);
            assert_int_equal(w.refused, 0);
            store_world_read_all(&w);
            store_world_close(&w);
        }
}

static void usage_counts_pages_and_their_room(void **unused)
{
    (void)unused;
    const char *spec;
    for (size_t i = 0; (spec = spec_from(&i)); i++) {
        struct store_world w;
        struct vm_store_usage before, after;
        int error;
        open_or_fail(&w, spec, PAGE, 500, 5);
        w.ops->usage(w.store, &before);
        assert_int_equal(before.pages, 0);
        assert_int_equal(store_world_write(&w, 200, &error), 200);
        w.ops->usage(w.store, &after);
        assert_int_equal(after.pages, 200);
        assert_int_equal(after.writes - before.writes, 200);
        assert_in_range(after.bytes, 200 * PAGE / 8, 200 * PAGE * 2);
        store_world_read(&w, 100);
        w.ops->usage(w.store, &after);
        assert_int_equal(after.reads - before.reads, 100);
        store_world_close(&w);
    }
}

static void no_more_pages_are_kept_than_there_is_room_for(void **unused)
{
    (void)unused;
    const char *spec;
    for (size_t i = 0; (spec = spec_from(&i)); i++) {
        struct store_world w;
        uint8_t page[PAGE];
        const void *pages[4] = {page, page, page, page};
        vm_stored handle[4] = {9, 9, 9, 9};
        int error = 0, given = 0;
        memset(page, 0x5a, sizeof page);
        open_or_fail(&w, spec, PAGE, 3, 1);
        for (size_t k = 0; k < PAGE / 8; k++) /* noise: it is nowhere free */
            ((uint64_t *)(void *)page)[k] = vm_random_u64(&w.random);
        /* A store may have more room than was asked for. */
        size_t kept = w.ops->write(w.store, pages, 4, handle, &error);
        assert_true(kept == 4 || (kept == 3 && error == ENOSPC && !handle[3]));
        for (size_t k = 0; k < 4; k++)
            if (handle[k]) {
                w.ops->drop(w.store, handle[k]);
                given++;
            }
        assert_int_equal(given, kept);
        store_world_close(&w);
    }
}

/* ---- threads ---- */

#define NTHREADS 4

/* Each thread has pages of its own in the common store, and reads some that all hold. */
static void *hammer(void *world)
{
    struct store_world *w = world;
    for (unsigned t = 0; t < test_rounds(250); t++)
        store_world_step(w);
    store_world_read_all(w);
    return NULL;
}

static void threads_do_not_disturb_each_other(void **unused)
{
    (void)unused;
    const char *spec;
    for (size_t i = 0; (spec = spec_from(&i)); i++) {
        struct store_world w[NTHREADS], common;
        pthread_t thread[NTHREADS];
        open_or_fail(&common, spec, PAGE, NTHREADS * 300, 77);
        for (int t = 0; t < NTHREADS; t++) {
            open_or_fail(&w[t], "memory", PAGE, 300, 100 + (uint64_t)t);
            w[t].ops->close(w[t].store);
            w[t].ops = common.ops;
            w[t].store = common.store;
            w[t].is_alone = false;
            assert_int_equal(pthread_create(&thread[t], NULL, hammer, &w[t]), 0);
        }
        for (int t = 0; t < NTHREADS; t++) {
            pthread_join(thread[t], NULL);
            while (w[t].npages)
                store_world_drop(&w[t], w[t].npages - 1);
            assert_int_equal(w[t].refused, 0);
            free(w[t].page);
            free(w[t].buffer);
        }
        store_world_close(&common);
    }
}

/* ---- forks ---- */

/* The child's half: what was there is there, whatever parent and child write or drop. */
static int child_lives(struct store_world *w, int generations)
{
    int error;
    store_world_read_all(w);
    for (int k = 0; k < 5; k++) {
        for (int n = 0; n < 60 && w->npages; n++)
            store_world_drop(w, vm_random_below(&w->random, w->npages));
        store_world_write(w, 60, &error);
        store_world_read(w, 100);
        store_world_read_all(w);
    }
    for (int t = 0; t < 40; t++)
        store_world_step(w);
    store_world_read_all(w);
    if (generations) {
        w->ops->fork_before(w->store);
        pid_t child = fork();
        bool lives = w->ops->fork_after(w->store, child == 0);
        if (child == 0)
            _exit(lives ? child_lives(w, generations - 1) : 2);
        int status;
        for (int t = 0; t < 40; t++)
            store_world_step(w);
        store_world_read_all(w);
        if (waitpid(child, &status, 0) < 0 || status)
            return 3;
    }
    store_world_close(w);
    return 0;
}

static void a_child_has_the_same_pages_and_neither_sees_what_the_other_does(void **unused)
{
    (void)unused;
    const char *spec;
    for (size_t i = 0; (spec = spec_from(&i)); i++) {
        struct store_world w;
        int error, status;
        pid_t child[3];
        open_or_fail(&w, spec, PAGE, 400, i);
        store_world_write(&w, 200, &error);
        store_world_write(&w, 100, &error);
        for (int c = 0; c < 3; c++) {
            w.ops->fork_before(w.store);
            child[c] = fork();
            bool lives = w.ops->fork_after(w.store, child[c] == 0);
            if (child[c] == 0)
                _exit(lives ? child_lives(&w, 2) : 77);
            assert_true(child[c] > 0 && lives);
            for (int t = 0; t < 60; t++)
                store_world_step(&w);
            store_world_read_all(&w);
        }
        for (int c = 0; c < 3; c++) {
            assert_int_equal(waitpid(child[c], &status, 0), child[c]);
            assert_true(WIFEXITED(status));
            assert_true(WEXITSTATUS(status) == 0 ||
                        (WEXITSTATUS(status) == 77 && !strcmp(w.ops->name, "nbd")));
        }
        for (int t = 0; t < 100; t++)
            store_world_step(&w);
        store_world_read_all(&w);
        store_world_close(&w);
    }
}

static void every_row_can_be_tried_here(void **unused)
{
    (void)unused;
    if (!nbd.spec[0]) {
        print_message("# skip: nbd: nbdkit is not installed\n");
        skip();
    }
}

static int setup(void **unused)
{
    (void)unused;
    if (!nbd_server_open(&nbd.server))
        return 0;
    nbd_server_start(&nbd.server, (const char *const[]){"memory", "128M", NULL});
    snprintf(nbd.spec, sizeof nbd.spec, "nbd:uri=nbd+unix:///?socket=%s", nbd.server.socket);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    if (nbd.spec[0])
        nbd_server_close(&nbd.server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_can_be_tried_here),
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(what_is_read_is_what_was_written),
        cmocka_unit_test(usage_counts_pages_and_their_room),
        cmocka_unit_test(no_more_pages_are_kept_than_there_is_room_for),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(a_child_has_the_same_pages_and_neither_sees_what_the_other_does),
    };
    return cmocka_run_group_tests_name("conform/store", tests, setup, teardown);
}
