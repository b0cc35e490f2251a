/* files.c - regions of files: the file has what was flushed, all of it or nothing, whenever the
 * process dies.
 */
#include "live/live_test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 512
#define LIMIT (128 * PAGE)
#define BYTES (PAGES * PAGE + 100) /* its last page is not whole */

static char path[] = "live-file-XXXXXX", journal[64];

static void make_file(void)
{
    uint8_t page[PAGE];
    snprintf(path, sizeof path, "live-file-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (int i = 0; i <= PAGES; i++) {
        memset(page, i % 251, sizeof page);
        size_t n = i < PAGES ? PAGE : BYTES % PAGE;
        assert_int_equal(write(fd, page, n), n);
    }
    close(fd);
    snprintf(journal, sizeof journal, "%s.pagoda-journal", path);
}

static struct vm_live *open_small(void)
{
    return open_pager(&(struct vm_live_options){.limit_bytes = LIMIT, .store = "memory"});
}

static uint8_t *map_it(struct vm_live *l)
{
    struct vm_error e = {0};
    size_t bytes;
    uint8_t *data = vm_live_map_file(l, path, &bytes, &e);
    if (!data)
        print_message("# %s\n", e.text);
    assert_non_null(data);
    assert_int_equal(bytes, BYTES);
    return data;
}

static uint8_t of_file(size_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    close(fd);
    return byte;
}

static void a_file_changes_in_a_flush_and_not_before(void **state)
{
    (void)state;
    struct vm_error e;
    make_file();
    struct vm_live *l = open_small();
    uint8_t *data = map_it(l);
    for (size_t at = 0; at < BYTES; at++)
        assert_int_equal(data[at], at / PAGE % 251);
    for (size_t at = BYTES; at < (PAGES + 1) * PAGE; at++)
        assert_int_equal(data[at], 0);
    for (size_t page = 0; page <= PAGES; page += 3)
        data[page * PAGE + 50] = 255;
    for (size_t page = 0; page <= PAGES; page++) /* and the changed ones have left meanwhile */
        assert_int_equal(data[page * PAGE + 50], page % 3 ? page % 251 : 255);
    for (size_t page = 0; page <= PAGES; page++)
        assert_int_equal(of_file(page * PAGE + 50), page % 251);
    assert_true(vm_live_flush(l, data, BYTES, &e));
    for (size_t page = 0; page <= PAGES; page++)
        assert_int_equal(of_file(page * PAGE + 50), page % 3 ? page % 251 : 255);
    struct vm_live_stats stats;
    vm_live_stats(l, &stats);
    assert_int_equal(stats.store_pages, 0);
    check_region(l, &l->region[0]);
    struct stat now;
    assert_int_equal(stat(path, &now), 0);
    assert_int_equal(now.st_size, BYTES);
    data[7] = 9;
    assert_true(vm_live_advise(l, data, PAGE, VM_LIVE_DONTNEED, &e));
    assert_int_equal(data[7], 0);
    vm_live_close(l);
    unlink(path);
}

static void what_is_unmapped_was_flushed(void **state)
{
    (void)state;
    struct vm_error e;
    make_file();
    struct vm_live *l = open_small();
    uint8_t *data = map_it(l);
    data[10 * PAGE] = 99;
    data[300 * PAGE] = 98;
    assert_true(vm_live_unmap(l, data, 20 * PAGE, &e));
    assert_int_equal(of_file(10 * PAGE), 99);
    assert_int_equal(of_file(300 * PAGE), 300 % 251);
    vm_live_close(l);
    assert_int_equal(of_file(300 * PAGE), 98);
    unlink(path);
}

static void a_file_has_one_pager(void **state)
{
    (void)state;
    struct vm_error e;
    size_t bytes;
    make_file();
    struct vm_live *l = open_small(), *other = open_small();
    map_it(l);
    assert_null(vm_live_map_file(other, path, &bytes, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, "another pager has it open"));
    assert_null(vm_live_map_file(other, "no-such-file", &bytes, &e));
    assert_int_equal(e.code, VM_EINPUT);
    assert_null(vm_live_map_file(other, ".", &bytes, &e));
    vm_live_close(other);
    vm_live_close(l);
    unlink(path);
}

static void a_journal_of_others_is_left_alone(void **state)
{
    (void)state;
    struct vm_error e;
    size_t bytes;
    make_file();
    FILE *f = fopen(journal, "w");
    fputs("a diary, of somebody else", f);
    fclose(f);
    struct vm_live *l = open_small();
    assert_null(vm_live_map_file(l, path, &bytes, &e));
    assert_int_equal(e.code, VM_EINPUT);
    assert_int_equal(access(journal, F_OK), 0);
    vm_live_close(l);
    unlink(journal);
    unlink(path);
}

/* Every page has the number of the round; a round ends with a flush. */
__attribute__((noreturn)) static void write_rounds(int told)
{
    struct vm_error e;
    struct vm_live *l = open_small();
    uint8_t *data = map_it(l);
    for (uint8_t round = 1;; round++) {
        for (size_t page = 0; page <= PAGES; page++)
            data[page * PAGE] = round;
        if (!vm_live_flush(l, data, BYTES, &e) || write(told, &round, 1) != 1)
            _exit(1);
    }
}

static uint8_t last_told(int from)
{
    uint8_t round = 0, next;
    while (read(from, &next, 1) == 1)
        round = next;
    return round;
}

static void a_process_killed_at_any_moment_leaves_its_last_flush_whole(void **state)
{
    (void)state;
    struct vm_random r;
    vm_random_seed(&r, 3);
    vm_live_close(open_small()); /* skipped here, if it must be */
    int finished = 0;
    for (int i = 0; i < 40; i++) {
        int told[2];
        make_file();
        assert_int_equal(pipe(told), 0);
        pid_t pid = fork();
        if (pid == 0)
            write_rounds(told[1]);
        close(told[1]);
        uint8_t round;
        assert_int_equal(read(told[0], &round, 1), 1);
        usleep((useconds_t)(vm_random_u64(&r) % 30000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        uint8_t told_last = last_told(told[0]);
        round = told_last ? told_last : round;
        close(told[0]);
        finished += access(journal, F_OK) == 0;
        struct vm_live *l = open_small();
        uint8_t *data = map_it(l);
        assert_true(access(journal, F_OK) != 0);
        assert_true(data[0] == round || data[0] == (uint8_t)(round + 1));
        for (size_t page = 0; page <= PAGES; page++)
            assert_int_equal(data[page * PAGE], data[0]);
        for (size_t page = 0; page <= PAGES; page++)
            assert_int_equal(data[page * PAGE + 1], page % 251);
        vm_live_close(l);
        unlink(path);
    }
    print_message("# %d of 40 died in a flush\n", finished);
}

/* A journal that was cut anywhere is no journal; a whole one is finished. */
static void a_journal_counts_only_if_it_is_whole(void **state)
{
    (void)state;
    struct vm_error e;
    make_file();
    struct vm_live *l = open_small();
    uint8_t *data = map_it(l);
    data[0] = 77;
    data[5 * PAGE] = 78;
    /* The file cannot be written: its journal stays. */
    int fd = ((int *)l->region[0].of)[0], nothing = open("/dev/null", O_RDONLY);
    int kept = dup(fd);
    dup2(nothing, fd);
    assert_false(vm_live_flush(l, data, BYTES, &e));
    assert_non_null(strstr(e.text, "its journal stays"));
    dup2(kept, fd);
    close(kept);
    close(nothing);
    assert_int_equal(of_file(0), 0);
    struct stat whole;
    assert_int_equal(stat(journal, &whole), 0);
    assert_int_equal(rename(journal, "kept-journal"), 0);
    vm_live_close(l);
    unlink(path);
    for (off_t bytes = whole.st_size; bytes >= 0; bytes -= bytes > 40 ? 1234 : 7) {
        make_file();
        char command[200];
        snprintf(command, sizeof command, "cp kept-journal %s && truncate -s %lld %s", journal,
                 (long long)bytes, journal);
        assert_int_equal(system(command), 0);
        l = open_small();
        data = map_it(l);
        bool is_whole = bytes == whole.st_size;
        assert_int_equal(data[0], is_whole ? 77 : 0);
        assert_int_equal(data[5 * PAGE], is_whole ? 78 : 5);
        assert_true(access(journal, F_OK) != 0);
        vm_live_close(l);
        unlink(path);
    }
    unlink("kept-journal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_changes_in_a_flush_and_not_before),
        cmocka_unit_test(what_is_unmapped_was_flushed),
        cmocka_unit_test(a_file_has_one_pager),
        cmocka_unit_test(a_journal_of_others_is_left_alone),
        cmocka_unit_test(a_journal_counts_only_if_it_is_whole),
        cmocka_unit_test(a_process_killed_at_any_moment_leaves_its_last_flush_whole),
    };
    char folder[] = "/tmp/pagoda-live-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return chdir("/") != 0 || rmdir(folder) != 0 || failed;
}
