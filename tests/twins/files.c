/* files.c - names, and what is in files: written in pieces, cut, mapped, and many at once. */
#include "twin.h"

#include <sys/mman.h>

static void make(const char *name, int flags)
{
    int fd = open(name, O_WRONLY | O_CREAT | flags, 0600);
    if (fd >= 0)
        close(fd);
    say("%s: %s", name, fd >= 0 ? "made" : strerrorname_np(errno));
}

static long size_of(const char *name)
{
    struct stat s;
    return stat(name, &s) == 0 ? (long)s.st_size : -1;
}

/* The last component of the directory that we are in. */
static void say_place(const char *after)
{
    char path[4096];
    const char *last = getcwd(path, sizeof path) ? strrchr(path, '/') + 1 : "?";
    say("after %s: %s", after, last);
}

/* ---- names ---- */

static void names(void)
{
    int home = open(".", O_RDONLY | O_DIRECTORY);
    make("./a", O_EXCL);
    make(".//a", O_EXCL);
    make("a/b", 0);
    make("none/b", 0);
    make("/..", 0);
    said("a directory", mkdir("d", 0700));
    make("d/./b", 0);
    said("one in it", mkdir("d/e", 0700));
    said("go", chdir("./d/./e/."));
    say_place("./d/./e/.");
    said("up", chdir(".."));
    say_place("..");
    make("../d/e/../c", O_EXCL);
    said("back", fchdir(home));
    said("its size", size_of("d/c"));
    said("rename ..", rename("d/..", "f"));
    int file = open("a", O_RDWR), directory = open("d", O_RDONLY);
    said("from a file", openat(file, "b", O_RDONLY));
    said("from nothing", openat(99, "b", O_RDONLY));
    said("an absolute name from nothing", close(openat(99, "/", O_RDONLY)));
    said("write a directory", openat(directory, ".", O_WRONLY));
    said("no name", open("", O_RDONLY));
    close(file);
    close(directory);
    said("not empty", rmdir("d"));
    unlink("d/b");
    unlink("d/c");
    rmdir("d/e");
    said("empty", rmdir("d"));
    said("a file is no directory", rmdir("a"));
    unlink("a");
    close(home);
}

/* ---- bytes ---- */

static void pieces(void)
{
    char byte = 'x', many[100];
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 5; i++)
        (void)!write(fd, &byte, 1);
    said("after five bytes", size_of("f"));
    said("read more than there is", pread(fd, many, sizeof many, 2));
    said("read at the end", pread(fd, many, sizeof many, 5));
    said("read behind it", pread(fd, many, sizeof many, 50));
    said("write behind it", pwrite(fd, &byte, 1, 9000));
    said("read the hole", pread(fd, many, sizeof many, 8950));
    say("it is %d %d %d", many[49], many[50], many[51]);
    said("its size", size_of("f"));
    close(fd);
    fd = open("f", O_RDONLY | O_TRUNC);
    said("cut by one who only reads", size_of("f"));
    close(fd);
    fd = open("f", O_WRONLY | O_APPEND);
    (void)!write(fd, "abc", 3);
    close(fd);
    fd = open("f", O_WRONLY | O_TRUNC);
    said("cut by one who writes", size_of("f"));
    close(fd);
    unlink("f");
}

/* What was behind the end is zeros when the file is longer again. */
static void cut(void)
{
    static char text[9000];
    memset(text, 'x', sizeof text);
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    (void)!write(fd, text, sizeof text);
    char *mapped = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say("mapped: %d %d %d", mapped[0], mapped[8999], mapped[9000]);
    char *own = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    own[8000] = own[8200] = 'z';
    said("cut", ftruncate(fd, 100));
    say("mapped: %d %d %d", mapped[99], mapped[100], mapped[4095]);
    said("longer", ftruncate(fd, 9000));
    char seen[3];
    (void)!pread(fd, seen, 1, 99);
    (void)!pread(fd, seen + 1, 1, 100);
    (void)!pread(fd, seen + 2, 1, 8999);
    say("read: %d %d %d; mapped: %d %d", seen[0], seen[1], seen[2], mapped[100], mapped[8999]);
    say("my own: %d %d %d", own[99], own[8000], own[8200]);
    munmap(own, 12288);
    mapped[8999] = 'y';
    (void)!pread(fd, seen, 1, 8999);
    say("written by the mapping, read: %d", seen[0]);
    munmap(mapped, 12288);
    close(fd);
    unlink("f");
}

/* More than a kernel keeps at hand: each has what was written to it, first by one who had opened it
 * to read alone. */
static void many(void)
{
    enum { FILES = 600 };
    char name[32], text[64];
    int wrong = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "m%d", i);
            int reader = open(name, O_RDONLY), fd = open(name, O_RDWR | O_CREAT, 0600);
            int n = snprintf(text, sizeof text, "file %d, round %d\n", i, round);
            (void)!pwrite(fd, text, (size_t)n, 0);
            if (reader >= 0)
                close(reader);
            close(fd);
        }
    for (int i = 0; i < FILES; i++) {
        char expected[64];
        snprintf(name, sizeof name, "m%d", i);
        int length = snprintf(expected, sizeof expected, "file %d, round 1\n", i);
        int fd = open(name, O_RDONLY);
        ssize_t n = read(fd, text, sizeof text);
        wrong += n != length || memcmp(text, expected, (size_t)n) != 0;
        close(fd);
        unlink(name);
    }
    say("of %d files %d are wrong", FILES, wrong);
}

int main(void)
{
    names();
    pieces();
    cut();
    many();
    return 0;
}
