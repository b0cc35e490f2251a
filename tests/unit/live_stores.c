/* live_stores.c - stores whose file, disk or server says no: src/live/store/file.c, spill.c,
 * nbd.c. */
#include "oracle/nbd_server.h"
#include "oracle/store_world.h"
#include "unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

/* A folder of a test's own, and a spec of a store in it. */
struct place {
    char folder[48], path[60], spec[128];
};

static int place_open(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->folder, sizeof p->folder, "/var/tmp/pagoda-stores-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof p->path, "%s/s", p->folder);
    snprintf(p->spec, sizeof p->spec, "file:path=%s", p->path);
    *state = p;
    return 0;
}

static int place_close(void **state)
{
    struct place *p = *state;
    char command[96];
    umount(p->folder);
    snprintf(command, sizeof command, "rm -rf %s", p->folder);
    assert_int_equal(system(command), 0);
    free(p);
    return 0;
}

static void begin(struct store_world *w, const char *spec, size_t pages)
{
    struct vm_error e;
    if (!store_world_open(w, spec, PAGE, pages, 1, &e))
        fail_msg("%s: %s", spec, e.text);
}

/* ---- files ---- */

static void a_file_that_is_no_store_is_left_as_it_is(void **state)
{
    struct place *p = *state;
    struct store_world w;
    struct vm_error e;
    char text[32] = "";
    FILE *f = fopen(p->path, "w");
    fputs("a letter", f);
    fclose(f);
    assert_false(store_world_open(&w, p->spec, PAGE, 10, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, p->path));
    f = fopen(p->path, "r");
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "a letter");
}

static void neither_is_a_folder_or_what_cannot_be_made(void **state)
{
    struct place *p = *state;
    struct store_world w;
    struct vm_error e;
    char spec[128];
    snprintf(spec, sizeof spec, "file:path=%s", p->folder);
    assert_false(store_world_open(&w, spec, PAGE, 10, 1, &e));
    snprintf(spec, sizeof spec, "file:path=%s/no/s", p->folder);
    assert_false(store_world_open(&w, spec, PAGE, 10, 1, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
    assert_false(store_world_open(&w, "file:path=/dev/full", PAGE, 10, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
}

static void a_named_file_is_one_stores_at_a_time_and_leaves_with_it(void **state)
{
    struct place *p = *state;
    struct store_world w, other;
    struct vm_error e;
    struct stat st;
    int error;
    begin(&w, p->spec, 100);
    assert_int_equal(store_world_write(&w, 80, &error), 80);
    assert_false(store_world_open(&other, p->spec, PAGE, 10, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    store_world_read_all(&w);
    store_world_close(&w);
    assert_int_equal(stat(p->path, &st), -1);
}

/* Killed, a store leaves its file; the next one knows it, takes it, and leaves it there, short. */
static void what_a_killed_store_left_is_taken_again(void **state)
{
    struct place *p = *state;
    struct store_world w;
    struct stat st;
    int error;
    pid_t child = fork();
    if (child == 0) {
        begin(&w, p->spec, 100);
        store_world_write(&w, 80, &error);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(stat(p->path, &st), 0);
    begin(&w, p->spec, 100);
    store_world_write(&w, 80, &error);
    store_world_read_all(&w);
    store_world_close(&w);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_size, PAGE);
}

/* What is on the disk is what was written: a byte that changes there changes here. */
static void pages_come_from_the_file(void **state)
{
    struct place *p = *state;
    struct store_world w;
    int error;
    uint8_t byte;
    bool ok;
    begin(&w, p->spec, 100);
    store_world_write(&w, 10, &error);
    assert_int_equal(w.ops->flush(w.store), 0);
    int fd = open(p->path, O_RDWR);
    uint64_t offset = w.page[3].handle * PAGE + 100; /* slot + 1, and the header's page */
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
    uint8_t *to = w.buffer;
    assert_int_equal(w.ops->read(w.store, &w.page[3].handle, (void *const *)&to, 1, &ok), 0);
    assert_true(ok && !store_page_is(to, PAGE, w.page[3].seed));
    to[100] ^= 1;
    assert_true(store_page_is(to, PAGE, w.page[3].seed));
    /* A file that was cut gives nothing. */
    assert_int_equal(truncate(p->path, 5 * PAGE), 0);
    assert_int_equal(w.ops->read(w.store, &w.page[8].handle, (void *const *)&to, 1, &ok), EIO);
    assert_false(ok);
    store_world_close(&w);
}

/* A small file system, or where that cannot be, a small limit of files. */
static void disk_shrink(const struct place *p)
{
    signal(SIGXFSZ, SIG_IGN);
    if (mount("tmpfs", p->folder, "tmpfs", 0, "size=1m") == 0)
        return;
    print_message("# no file system can be mounted here: RLIMIT_FSIZE instead\n");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20}), 0);
}

/* In a process of its own, whose limit is its own. Returns its failures. */
static int fill_disk(const struct place *p, const char *spec)
{
    struct store_world w;
    int error;
    disk_shrink(p);
    begin(&w, spec, 4000);
    while (store_world_write(&w, 64, &error) == 64)
        if (w.npages > 3000)
            return 1;
    bool is_full = error == ENOSPC || error == EFBIG;
    store_world_read_all(&w);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 100; i++)
            store_world_drop(&w, vm_random_below(&w.random, w.npages));
        size_t kept = store_world_write(&w, 64, &error);
        /* Compressed memory that is full and cannot move has holes of other sizes, too. */
        if (kept != 64 && (!kept || strncmp(spec, "spill", 5) != 0))
            return 2;
        while (store_world_write(&w, 64, &error) == 64)
            ;
        store_world_read_all(&w);
    }
    w.ops->check(w.store);
    store_world_close(&w);
    return !is_full;
}

static void a_full_disk_is_said_by_write_and_nothing_is_lost(void **state)
{
    struct place *p = *state;
    char spec[3][160];
    snprintf(spec[0], sizeof spec[0], "%s", p->spec);
    snprintf(spec[1], sizeof spec[1], "%s,io=sync", p->spec);
    snprintf(spec[2], sizeof spec[2], "spill:limit=256KiB,path=%s", p->path);
    for (int i = 0; i < 3; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(fill_disk(p, spec[i]));
        waitpid(child, &status, 0);
        umount(p->folder);
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            fail_msg("%s: %#x", spec[i], (unsigned)status);
    }
}

/* ---- servers ---- */

struct served {
    struct nbd_server server;
    char spec[160], trigger[80], disk[80];
};

static int serve(void **state)
{
    struct served *s = calloc(1, sizeof *s);
    assert_non_null(s);
    *state = s;
    if (!nbd_server_open(&s->server))
        return 0;
    snprintf(s->spec, sizeof s->spec, "nbd:timeout=0.6,uri=nbd+unix:///?socket=%s",
             s->server.socket);
    snprintf(s->trigger, sizeof s->trigger, "error-file=%s/e", s->server.folder);
    snprintf(s->disk, sizeof s->disk, "%s/d", s->server.folder);
    int fd = open(s->disk, O_CREAT | O_RDWR, 0600);
    assert_int_equal(ftruncate(fd, 16 << 20), 0);
    close(fd);
    return 0;
}

static int serve_no_more(void **state)
{
    struct served *s = *state;
    if (s->spec[0])
        nbd_server_close(&s->server);
    free(s);
    return 0;
}

static void need_server(const struct served *s)
{
    if (s->spec[0])
        return;
    print_message("# skip: nbdkit is not installed\n");
    skip();
}

static void restart(struct served *s)
{
    nbd_server_start(&s->server, (const char *const[]){"file", s->disk, NULL});
}

/* As a process that does not know of the other would have it. */
static bool reads(struct store_world *w, size_t i, int *error)
{
    uint8_t *to = w->buffer;
    bool ok;
    *error = w->ops->read(w->store, &w->page[i].handle, (void *const *)&to, 1, &ok);
    assert_int_equal(ok, *error == 0);
    return ok && store_page_is(to, PAGE, w->page[i].seed);
}

static void a_server_that_is_gone_fails_reads_refuses_writes_and_may_come_back(void **state)
{
    struct served *s = *state;
    struct store_world w;
    int error;
    need_server(s);
    restart(s);
    begin(&w, s->spec, 1000);
    assert_int_equal(store_world_write(&w, 200, &error), 200);
    assert_int_equal(w.ops->flush(w.store), 0);
    nbd_server_stop(&s->server);
    assert_false(reads(&w, 0, &error));
    assert_int_equal(error, EIO);
    store_world_write(&w, 40, &error); /* may be late */
    assert_int_equal(w.ops->flush(w.store), w.npages > 200 ? EIO : 0);
    assert_int_equal(store_world_write(&w, 40, &error), 0);
    assert_int_equal(error, EIO);
    assert_true(w.npages == 200 || reads(&w, w.npages - 1, &error));
    restart(s);
    assert_int_equal(store_world_write(&w, 40, &error), 40);
    assert_int_equal(w.ops->flush(w.store), 0);
    store_world_read_all(&w);
    store_world_close(&w);
}

static void a_server_that_comes_back_in_time_is_waited_for(void **state)
{
    struct served *s = *state;
    struct store_world w;
    char spec[200];
    int error;
    need_server(s);
    snprintf(spec, sizeof spec, "nbd:timeout=20%s", strchr(s->spec, ','));
    restart(s);
    begin(&w, spec, 1000);
    store_world_write(&w, 200, &error);
    assert_int_equal(w.ops->flush(w.store), 0);
    nbd_server_stop(&s->server);
    pid_t child = fork();
    if (child == 0) {
        usleep(300000);
        char command[300];
        snprintf(command, sizeof command, "exec nbdkit -f -U %s file %s >/dev/null 2>&1",
                 s->server.socket, s->disk);
        unlink(s->server.socket);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    s->server.pid = child;
    store_world_read_all(&w);
    store_world_close(&w);
}

static void errors_of_a_server_are_those_of_its_pages(void **state)
{
    struct served *s = *state;
    struct store_world w;
    int error;
    need_server(s);
    nbd_server_start(&s->server,
                     (const char *const[]){"--filter=error", "memory", "16M", "error=EIO",
                                           "error-rate=100%", s->trigger, NULL});
    begin(&w, s->spec, 500);
    assert_int_equal(store_world_write(&w, 200, &error), 200);
    assert_int_equal(w.ops->flush(w.store), 0);
    int fd = open(strchr(s->trigger, '=') + 1, O_CREAT | O_RDWR, 0600);
    close(fd);
    assert_false(reads(&w, 7, &error));
    assert_int_equal(error, EIO);
    store_world_write(&w, 10, &error);
    assert_int_equal(w.ops->flush(w.store), w.npages > 200 ? EIO : 0);
    unlink(strchr(s->trigger, '=') + 1);
    assert_int_equal(store_world_write(&w, 64, &error), 64);
    store_world_read_all(&w);
    store_world_close(&w);
}

static void a_device_that_is_no_store_is_left_as_it_is(void **state)
{
    struct served *s = *state;
    struct store_world w;
    struct vm_error e;
    char text[8] = "";
    need_server(s);
    int fd = open(s->disk, O_RDWR);
    assert_int_equal(pwrite(fd, "ext4", 4, 100), 4);
    restart(s);
    assert_false(store_world_open(&w, s->spec, PAGE, 100, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_int_equal(pread(fd, text, 4, 100), 4);
    assert_string_equal(text, "ext4");
    close(fd);
    nbd_server_stop(&s->server);
    nbd_server_start(&s->server, (const char *const[]){"-r", "memory", "16M", NULL});
    assert_false(store_world_open(&w, s->spec, PAGE, 100, 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    nbd_server_stop(&s->server);
    assert_false(store_world_open(&w, s->spec, PAGE, 100, 1, &e));
    assert_int_equal(e.code, VM_ESYSTEM);
}

/* A device with little room is full soon. */
static void a_small_device_is_full(void **state)
{
    struct served *s = *state;
    struct store_world w;
    int error;
    need_server(s);
    nbd_server_start(&s->server, (const char *const[]){"memory", "400K", NULL});
    begin(&w, s->spec, 500);
    assert_int_equal(store_world_write(&w, 256, &error), 99);
    assert_int_equal(error, ENOSPC);
    store_world_read_all(&w);
    store_world_close(&w);
}

/* Processes that ask servers, and work in the folder; *last is one of them. */
static int helpers(const char *folder, pid_t *last)
{
    char path[300], name[32], where[128];
    struct dirent *entry;
    int n = 0;
    DIR *all = opendir("/proc");
    while ((entry = readdir(all))) {
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *f = fopen(path, "r");
        bool asks = f && fgets(name, sizeof name, f) && !strcmp(name, "pagoda-nbd\n");
        if (f)
            fclose(f);
        snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
        ssize_t bytes = asks ? readlink(path, where, sizeof where - 1) : -1;
        where[bytes < 0 ? 0 : bytes] = 0;
        if (asks && !strcmp(where, folder)) {
            *last = atoi(entry->d_name);
            n++;
        }
    }
    closedir(all);
    return n;
}

/* A store whose helper can be told from others'. */
static pid_t begin_known(struct store_world *w, const struct served *s)
{
    pid_t helper;
    assert_int_equal(chdir(s->server.folder), 0);
    begin(w, s->spec, 500);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(helpers(s->server.folder, &helper), 1);
    return helper;
}

static void await_no_helper(const struct served *s)
{
    pid_t helper;
    for (int i = 0; i < 200 && helpers(s->server.folder, &helper); i++)
        usleep(20000);
    assert_int_equal(helpers(s->server.folder, &helper), 0);
}

static void the_process_that_asks_the_server_goes_with_its_store(void **state)
{
    struct served *s = *state;
    struct store_world w;
    need_server(s);
    restart(s);
    begin_known(&w, s);
    store_world_close(&w);
    await_no_helper(s);
}

static void without_that_process_reads_fail_and_writes_are_refused(void **state)
{
    struct served *s = *state;
    struct store_world w;
    int error;
    need_server(s);
    restart(s);
    pid_t helper = begin_known(&w, s);
    assert_int_equal(store_world_write(&w, 100, &error), 100);
    assert_int_equal(w.ops->flush(w.store), 0);
    assert_int_equal(kill(helper, SIGKILL), 0);
    await_no_helper(s);
    assert_false(reads(&w, 3, &error));
    assert_int_equal(error, EIO);
    for (int i = 0; i < 3 && w.npages == 100; i++)
        store_world_write(&w, 10, &error);
    assert_int_equal(w.ops->flush(w.store), w.npages > 100 ? EIO : 0);
    assert_true(w.npages == 100 || reads(&w, 105, &error));
    store_world_close(&w);
}

/* Refuses io_uring_setup to this process, as a container's filter does. */
static void refuse_uring(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void where_io_uring_is_refused_files_work_without_it(void **unused)
{
    (void)unused;
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct store_world w;
        refuse_uring();
        begin(&w, "file", 300);
        for (int t = 0; t < 200; t++)
            store_world_step(&w);
        store_world_read_all(&w);
        store_world_close(&w);
        _exit(7);
    }
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

#define OF_FILES(test)   cmocka_unit_test_setup_teardown(test, place_open, place_close)
#define OF_SERVERS(test) cmocka_unit_test_setup_teardown(test, serve, serve_no_more)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_FILES(a_file_that_is_no_store_is_left_as_it_is),
        OF_FILES(neither_is_a_folder_or_what_cannot_be_made),
        OF_FILES(a_named_file_is_one_stores_at_a_time_and_leaves_with_it),
        OF_FILES(what_a_killed_store_left_is_taken_again),
        OF_FILES(pages_come_from_the_file),
        OF_FILES(a_full_disk_is_said_by_write_and_nothing_is_lost),
        cmocka_unit_test(where_io_uring_is_refused_files_work_without_it),
        OF_SERVERS(a_server_that_is_gone_fails_reads_refuses_writes_and_may_come_back),
        OF_SERVERS(a_server_that_comes_back_in_time_is_waited_for),
        OF_SERVERS(errors_of_a_server_are_those_of_its_pages),
        OF_SERVERS(a_device_that_is_no_store_is_left_as_it_is),
        OF_SERVERS(a_small_device_is_full),
        OF_SERVERS(the_process_that_asks_the_server_goes_with_its_store),
        OF_SERVERS(without_that_process_reads_fail_and_writes_are_refused),
    };
    return cmocka_run_group_tests_name("unit/live_stores", tests, NULL, NULL);
}
