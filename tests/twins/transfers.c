/* transfers.c - a twin: bytes from here to there, and the files that they are in. */
#include "twin.h"

#include <limits.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define DIGITS "0123456789"

static int letters; /* "abcdefghijklmnopqrstuvwxyz" */
static int fd[2], other[2];

static int fresh(const char *name, const char *text)
{
    int f = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    (void)!write(f, text, strlen(text));
    lseek(f, 0, SEEK_SET);
    return f;
}

/* What the file has, from its beginning. */
static void say_file(const char *name, int f)
{
    char text[200] = "";
    ssize_t n = pread(f, text, sizeof text - 1, 0);
    for (ssize_t i = 0; i < n; i++)
        if (!text[i])
            text[i] = '.';
    say("%s: \"%s\", %ld, at %ld", name, text, (long)n, (long)lseek(f, 0, SEEK_CUR));
}

static void say_pipe(const char *name, int f, size_t most)
{
    char text[200] = "";
    ssize_t n = read(f, text, most);
    say("%s: \"%s\", %ld", name, n > 0 ? text : "", (long)n);
}

/* ---- pieces ---- */

static void pieces(void)
{
    char a[4] = "", b[4] = "", c[9] = "";
    struct iovec all[4] = {{a, 3}, {NULL, 0}, {b, 2}, {c, 8}}, wrong[2] = {{a, 3}, {(void *)8, 5}};
    said("readv", readv(letters, all, 4));
    say("%s %s %s", a, b, c);
    said("preadv", preadv(letters, all, 4, 20));
    say("%s %s %s", a, b, c);
    said("preadv2, there", preadv2(letters, all, 4, -1, 0));
    say("%s %s %s", a, b, c);
    said("preadv2, such flags", preadv2(letters, all, 4, 0, 0x4000));
    said("before the beginning", preadv(letters, all, 4, -1));
    said("half of it bad", readv(letters, wrong, 2));
    wrong[0].iov_base = (void *)8;
    said("all of it bad", preadv(letters, wrong, 2, 0));
    wrong[0].iov_len = SIZE_MAX;
    said("too long", readv(letters, wrong, 2));
    said("too many", syscall(SYS_readv, letters, all, -1));
    said("1,025", syscall(SYS_readv, letters, all, 1025));
    said("none", readv(letters, all, 0));
    said("of a pipe there", preadv(fd[0], all, 4, 0));
    said("of nothing", preadv(77, all, 4, 0));
    int f = fresh("pieces", DIGITS);
    all[0].iov_base = (char[]){"XYZ"};
    all[2].iov_base = (char[]){"uv"};
    all[3].iov_len = 0;
    said("pwritev", pwritev(f, all, 4, 8));
    say_file("it", f);
    said("pwritev2, in sync", pwritev2(f, all, 4, -1, RWF_SYNC));
    say_file("it", f);
    int end = open("pieces", O_WRONLY | O_APPEND);
    said("pwrite of one that appends", pwrite(end, "end", 3, 0));
    say_file("it", f);
    said("not to be read", pread(end, a, 3, 0));
    close(end);
    close(f);
}

/* ---- files ---- */

static void from_file_to_file(void)
{
    int to = fresh("copy", DIGITS);
    off_t in = 5, out = 3;
    lseek(letters, 2, SEEK_SET);
    said("copy_file_range", copy_file_range(letters, NULL, to, NULL, 4, 0));
    say_file("it", to);
    said("there", copy_file_range(letters, &in, to, &out, 4, 0));
    say_file("it", to);
    say("%ld %ld %ld", (long)in, (long)out, (long)lseek(letters, 0, SEEK_CUR));
    in = 24;
    said("over the end", copy_file_range(letters, &in, to, &out, 100, 0));
    said("behind it", copy_file_range(letters, &in, to, &out, 100, 0));
    in = 0;
    out = 2;
    said("onto itself", copy_file_range(to, &in, to, &out, 4, 0));
    said("flags", copy_file_range(letters, &in, to, &out, 4, 1));
    said("from a pipe", copy_file_range(fd[0], NULL, to, NULL, 4, 0));
    in = 20;
    said("sendfile", sendfile(to, letters, &in, 3));
    say("%ld", (long)in);
    said("its own offset", sendfile(to, letters, NULL, 100));
    say_file("it", to);
    in = -1;
    said("before the beginning", sendfile(to, letters, &in, 3));
    said("into a pipe", sendfile(fd[1], letters, NULL, 3));
    lseek(letters, 0, SEEK_SET);
    said("into a pipe, from the beginning", sendfile(fd[1], letters, NULL, 3));
    say_pipe("it", fd[0], 3);
    said("what is read only", sendfile(letters, to, NULL, 3));
    close(to);
}

static void sizes(void)
{
    int f = fresh("sizes", DIGITS), reader = open("sizes", O_RDONLY);
    struct stat s;
    said("fallocate", fallocate(f, 0, 5, 10));
    say_file("it", f);
    said("keeping its size", fallocate(f, FALLOC_FL_KEEP_SIZE, 10, 100));
    said("a hole", fallocate(f, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 2, 3));
    say_file("it", f);
    said("nothing", fallocate(f, 0, 0, 0));
    said("a hole alone", fallocate(f, FALLOC_FL_PUNCH_HOLE, 2, 3));
    said("a reader", fallocate(reader, 0, 0, 10));
    said("a pipe", fallocate(fd[1], 0, 0, 10));
    said("ftruncate", ftruncate(f, 7));
    said("longer", ftruncate(f, 12));
    say_file("it", f);
    said("less than nothing", ftruncate(f, -1));
    said("a reader", ftruncate(reader, 1));
    fstat(reader, &s);
    say("%ld", (long)s.st_size);
    said("sync_file_range", sync_file_range(f, 0, 5, SYNC_FILE_RANGE_WRITE));
    said("syncfs", syncfs(f));
    said("readahead", readahead(f, 0, 10));
    close(f);
    close(reader);
}

static void append(void)
{
    int f = fresh("append", ""), a = open("append", O_WRONLY | O_APPEND);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int own = open("append", O_WRONLY | O_APPEND);
            for (int n = 0; n < 20; n++)
                (void)!write(n % 2 ? own : a, "12345", 5);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    struct stat s;
    fstat(f, &s);
    say("nothing lost: %ld", (long)s.st_size);
    close(f);
    close(a);
}

/* ---- pipes ---- */

static void splices(void)
{
    int to = fresh("spliced", DIGITS);
    off_t at = 4;
    said("file to pipe", splice(letters, &at, fd[1], NULL, 6, 0));
    say("%ld", (long)at);
    said("tee", tee(fd[0], other[1], 100, 0));
    said("pipe to file", splice(fd[0], NULL, to, NULL, 100, 0));
    say_file("it", to);
    said("pipe to pipe", splice(other[0], NULL, fd[1], NULL, 4, 0));
    say_pipe("it", fd[0], 100);
    say_pipe("the rest", other[0], 100);
    said("nothing there", splice(fd[0], NULL, to, NULL, 4, SPLICE_F_NONBLOCK));
    said("nor to tee", tee(fd[0], other[1], 4, SPLICE_F_NONBLOCK));
    said("a place in a pipe", splice(fd[0], &at, to, NULL, 4, 0));
    said("no pipe", splice(letters, NULL, to, NULL, 4, 0));
    said("tee of files", tee(letters, to, 4, 0));
    said("one pipe", splice(fd[0], NULL, fd[1], NULL, 4, 0));
    said("flags", splice(fd[0], NULL, to, NULL, 4, 0x100));
    said("none", splice(fd[0], NULL, to, NULL, 0, 0));
    lseek(letters, 0, SEEK_END);
    said("at the end", splice(letters, NULL, fd[1], NULL, 4, 0));
    struct iovec words[2] = {{"two ", 4}, {"words", 5}};
    said("vmsplice", vmsplice(fd[1], words, 2, 0));
    say_pipe("it", fd[0], 100);
    said("vmsplice of a file", vmsplice(to, words, 2, 0));
    close(to);
}

static void write_later(void)
{
    pause_ms(30);
    (void)!write(fd[1], "later", 5);
}

static void wait_to_splice(void)
{
    int to = fresh("spliced", "");
    pid_t pid = child(write_later);
    said("waits for it", splice(fd[0], NULL, to, NULL, 100, 0));
    say_file("it", to);
    ended(pid);
    close(to);
}

/* ---- named pipes ---- */

static void open_to_write(void)
{
    int f = open("fifo", O_WRONLY);
    say("open to be written: %d", f >= 0);
    (void)!write(f, "through", 7);
    close(f);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void named(void)
{
    struct stat s;
    said("mkfifo", mkfifo("fifo", 0640));
    said("mkfifo, again", mkfifo("fifo", 0640));
    stat("fifo", &s);
    say("%o", s.st_mode);
    said("nobody reads", open("fifo", O_WRONLY | O_NONBLOCK));
    int f = open("fifo", O_RDONLY | O_NONBLOCK);
    say_pipe("nobody writes", f, 10);
    close(f);
    pid_t pid = child(open_to_write);
    f = open("fifo", O_RDONLY);
    ended(pid);
    say_pipe("came", f, 100);
    say_pipe("the end", f, 100);
    fstat(f, &s);
    say("%o", s.st_mode);
    said("no seeking", lseek(f, 0, SEEK_SET));
    close(f);
    f = open("fifo", O_RDWR);
    (void)!write(f, "mine", 4);
    say_pipe("both ends", f, 100);
    close(f);
    f = open("fifo", O_RDWR);
    fcntl(f, F_SETFL, O_NONBLOCK);
    said("what was in it is gone", read(f, (char[1]){0}, 1));
    close(f);
    said("a directory", open("fifo", O_RDONLY | O_DIRECTORY));
    said("a new one", open("fifo", O_WRONLY | O_CREAT | O_EXCL, 0600));
    struct sigaction a = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &a, NULL);
    alarm(1);
    said("a signal ends the wait", open("fifo", O_RDONLY));
    said("mknod of a file", mknod("made", S_IFREG | 0600, 0));
    said("stat", stat("made", &s) == 0 && S_ISREG(s.st_mode));
    said("mknod of nothing", mknod("other", S_IFLNK | 0600, 0));
}

int main(void)
{
    umask(022);
    letters = fresh("letters", "abcdefghijklmnopqrstuvwxyz");
    close(letters);
    letters = open("letters", O_RDONLY);
    (void)!pipe(fd);
    (void)!pipe(other);
    pieces();
    from_file_to_file();
    sizes();
    append();
    splices();
    wait_to_splice();
    named();
    return 0;
}
