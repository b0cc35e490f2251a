/* base_sink.c - the laws of base/sink.c. */
#include "base/sink.h"

#include "folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void writes(struct vm_sink *s, const char *text)
{
    struct vm_error e;
    assert_true(vm_sink_write(s, text, strlen(text), &e));
}

static void a_committed_file_holds_what_was_written(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    struct vm_sink *s = vm_sink_open(folder_path(&f, "out", path), &e);
    assert_non_null(s);
    assert_int_equal(folder_walk(&f, NULL), 0);
    writes(s, "one ");
    writes(s, "two");
    assert_int_equal(vm_sink_offset(s), 7);
    assert_int_equal(folder_walk(&f, NULL), 0);
    assert_true(vm_sink_commit(s, &e));
    assert_file_holds(path, "one two", 7);
    assert_int_equal(folder_walk(&f, NULL), 1);
    folder_remove(&f);
}

static void pieces_of_any_size_arrive_in_order(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    size_t all = 3000000, at = 0;
    uint8_t *data = malloc(all);
    for (size_t i = 0; i < all; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    struct vm_sink *s = vm_sink_open(folder_path(&f, "out", path), &e);
    assert_non_null(s);
    for (size_t piece = 1; at < all; piece = piece * 3 + 1) {
        size_t some = all - at < piece ? all - at : piece;
        assert_true(vm_sink_write(s, data + at, some, &e));
        at += some;
        some = all - at < 5 ? all - at : 5;
        assert_true(vm_sink_write(s, data + at, some, &e));
        at += some;
        assert_int_equal(vm_sink_offset(s), at);
    }
    assert_true(vm_sink_commit(s, &e));
    assert_file_holds(path, data, all);
    free(data);
    folder_remove(&f);
}

static void an_aborted_file_leaves_nothing(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    struct vm_sink *s = vm_sink_open(folder_path(&f, "out", path), &e);
    assert_non_null(s);
    writes(s, "half");
    vm_sink_abort(s);
    vm_sink_abort(NULL);
    assert_int_equal(folder_walk(&f, NULL), 0);
    folder_remove(&f);
}

static void an_existing_file_is_untouched_until_commit(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    file_write(folder_path(&f, "out", path), "old", 3);
    for (int commits = 0; commits < 2; commits++) {
        struct vm_sink *s = vm_sink_open(path, &e);
        assert_non_null(s);
        writes(s, "newer");
        assert_file_holds(path, "old", 3);
        if (commits)
            assert_true(vm_sink_commit(s, &e));
        else
            vm_sink_abort(s);
        assert_file_holds(path, commits ? "newer" : "old", commits ? 5 : 3);
        assert_int_equal(folder_walk(&f, NULL), 1);
    }
    folder_remove(&f);
}

static void a_replaced_file_keeps_its_permissions_and_its_links(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    struct stat stat_new;
    char path[256], link[256];
    file_write(folder_path(&f, "out", path), "old", 3);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("out", folder_path(&f, "link", link)), 0);
    struct vm_sink *s = vm_sink_open(link, &e);
    assert_non_null(s);
    writes(s, "new");
    assert_true(vm_sink_commit(s, &e));
    assert_int_equal(lstat(link, &stat_new), 0);
    assert_true(S_ISLNK(stat_new.st_mode));
    assert_int_equal(stat(path, &stat_new), 0);
    assert_int_equal(stat_new.st_mode & 0777, 0640);
    assert_file_holds(path, "new", 3);
    folder_remove(&f);
}

static void a_full_device_is_an_error_that_says_so(void **state)
{
    (void)state;
    struct vm_error e;
    struct vm_sink *s = vm_sink_open("/dev/full", &e);
    assert_non_null(s);
    writes(s, "small enough to wait in the buffer");
    assert_false(vm_sink_commit(s, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_memory_equal(e.text, "/dev/full: the disk is full", 27);
    assert_non_null(strstr(e.text, "nothing was left behind"));
}

static void after_a_failed_write_commit_fails_too(void **state)
{
    (void)state;
    struct vm_error e, again;
    char *large = calloc(1, 1 << 20);
    struct vm_sink *s = vm_sink_open("/dev/full", &e);
    assert_non_null(s);
    assert_false(vm_sink_write(s, large, 1 << 20, &e));
    assert_non_null(strstr(e.text, "the disk is full"));
    assert_false(vm_sink_write(s, "x", 1, &again));
    assert_string_equal(again.text, e.text);
    assert_false(vm_sink_commit(s, &again));
    assert_string_equal(again.text, e.text);
    free(large);
}

/* A file size limit stands for a disk that fills up half way: the file is regular, and unnamed. */
static void a_file_that_cannot_be_finished_leaves_nothing(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    struct rlimit old, small = {.rlim_cur = 100000};
    char path[256];
    char *large = calloc(1, 1 << 20);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    struct vm_sink *s = vm_sink_open(folder_path(&f, "out", path), &e);
    assert_non_null(s);
    setrlimit(RLIMIT_FSIZE, &small);
    bool wrote = vm_sink_write(s, large, 1 << 20, &e);
    struct vm_error committed_error;
    bool committed = vm_sink_commit(s, &committed_error);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_false(wrote);
    assert_false(committed);
    assert_memory_equal(e.text, path, strlen(path));
    assert_non_null(strstr(e.text, "nothing was left behind"));
    assert_int_equal(folder_walk(&f, NULL), 0);
    free(large);
    folder_remove(&f);
}

static void a_target_that_became_a_folder_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    struct vm_sink *s = vm_sink_open(folder_path(&f, "out", path), &e);
    assert_non_null(s);
    writes(s, "text");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(vm_sink_commit(s, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_non_null(strstr(e.text, "cannot put it in place"));
    assert_int_equal(folder_walk(&f, NULL), 1);
    assert_int_equal(rmdir(path), 0);
    folder_remove(&f);
}

static void a_pipe_is_written_directly(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256], got[16] = "";
    assert_int_equal(mkfifo(folder_path(&f, "pipe", path), 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    struct vm_sink *s = vm_sink_open(path, &e);
    assert_non_null(s);
    writes(s, "through");
    assert_true(vm_sink_commit(s, &e));
    assert_int_equal(read(reader, got, sizeof got), 7);
    assert_string_equal(got, "through");
    close(reader);
    folder_remove(&f);
}

static void what_cannot_be_opened_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct folder f = folder_new();
    struct vm_error e;
    char path[256];
    assert_null(vm_sink_open(f.path, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_non_null(strstr(e.text, "is a directory"));
    assert_null(vm_sink_open(folder_path(&f, "no/such/folder", path), &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_memory_equal(e.text, path, strlen(path));
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_committed_file_holds_what_was_written),
        cmocka_unit_test(pieces_of_any_size_arrive_in_order),
        cmocka_unit_test(an_aborted_file_leaves_nothing),
        cmocka_unit_test(an_existing_file_is_untouched_until_commit),
        cmocka_unit_test(a_replaced_file_keeps_its_permissions_and_its_links),
        cmocka_unit_test(a_full_device_is_an_error_that_says_so),
        cmocka_unit_test(after_a_failed_write_commit_fails_too),
        cmocka_unit_test(a_file_that_cannot_be_finished_leaves_nothing),
        cmocka_unit_test(a_target_that_became_a_folder_is_an_error_and_leaves_nothing),
        cmocka_unit_test(a_pipe_is_written_directly),
        cmocka_unit_test(what_cannot_be_opened_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests_name("base_sink", tests, NULL, NULL);
}
