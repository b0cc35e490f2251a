/* memory.c - the system calls on memory, case by case: what each answers, and what is in the
 * pages after it. Built for the host it prints what Linux does: the two must print the same.
 *
 * Nothing is printed that Linux leaves open: no address, and no page that it may keep or not.
 * Files are made where it begins, and removed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

static size_t page;

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)

/* "name: 0", "name: EINVAL". */
static void say(const char *name, long result)
{
    const char *error = result == -1 ? strerrorname_np(errno) : NULL;
    if (error)
        printf("%s: %s\n", name, error);
    else
        printf("%s: %ld\n", name, result);
}

/* "name: mapped", or the error. */
static void *told(const char *name, void *at)
{
    if (at == MAP_FAILED)
        printf("%s: %s\n", name, strerrorname_np(errno));
    else
        printf("%s: mapped\n", name);
    return at;
}

static char *map(size_t pages, int prot, int flags, int fd)
{
    char *at = mmap(NULL, pages * page, prot, flags, fd, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

/* The first byte of each page, as a letter; '.' is 0. */
static void show(const char *name, const char *at, size_t pages)
{
    printf("%s: ", name);
    for (size_t i = 0; i < pages; i++)
        putchar(at[i * page] ? at[i * page] : '.');
    putchar('\n');
}

/* Pages begin with 'a', 'b', ... */
static char *letters(char *at, size_t pages)
{
    for (size_t i = 0; i < pages; i++)
        at[i * page] = (char)('a' + i);
    return at;
}

/* Which pages are in memory. */
static void show_core(const char *name, char *at, size_t pages)
{
    unsigned char here[64];
    long result = mincore(at, pages * page, here);
    printf("%s: ", name);
    if (result)
        printf("%s", strerrorname_np(errno));
    for (size_t i = 0; !result && i < pages; i++)
        putchar('0' + (here[i] & 1));
    putchar('\n');
}

/* What a touch of a byte does: to a child, so that it may end by a signal. */
static void show_touch(const char *name, volatile char *at, int writes)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (writes)
            *at = 'x';
        _exit(*at ? 1 : 0);
    }
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", name, WTERMSIG(status));
    else
        printf("%s: %d\n", name, WEXITSTATUS(status));
}

static int file_of(const char *name, size_t bytes)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
        perror(name);
        exit(1);
    }
    for (size_t i = 0; i < bytes / page; i++)
        if (pwrite(fd, &(char){(char)('A' + i)}, 1, (off_t)(i * page)) != 1)
            exit(1);
    return fd;
}

/* ---- mmap, munmap, mprotect ---- */

static void try_mmap(int fd)
{
    char *a = map(4, RW, ANON, -1);
    told("mmap of nothing", mmap(NULL, 0, RW, ANON, -1, 0));
    told("mmap neither private nor shared", mmap(NULL, page, RW, MAP_ANONYMOUS, -1, 0));
    told("mmap of no file", mmap(NULL, page, RW, MAP_PRIVATE, 77, 0));
    told("mmap at an odd offset", mmap(NULL, page, RW, MAP_PRIVATE, fd, 100));
    told("mmap fixed at an odd address", mmap(a + 1, page, RW, ANON | MAP_FIXED, -1, 0));
    told("mmap not to replace", mmap(a, page, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    told("mmap fixed", mmap(a + page, page, RW, ANON | MAP_FIXED, -1, 0));
    told("mmap of too much", mmap(NULL, (size_t)1 << 62, RW, ANON, -1, 0));
    say("munmap of nothing", munmap(a, 0));
    say("munmap at an odd address", munmap(a + 1, page));
    say("munmap of the middle", munmap(a + page, page));
    say("munmap of it again", munmap(a + page, page));
    show_touch("the hole", a + page, 0);
    show_touch("behind the hole", a + 2 * page, 1);
    say("munmap across the hole", munmap(a, 4 * page));
    show_core("mincore of it", a, 4);
}

static void try_mprotect(int read_only)
{
    char *a = letters(map(4, RW, ANON, -1), 4);
    say("mprotect at an odd address", mprotect(a + 1, page, PROT_READ));
    say("mprotect of nothing", mprotect(a, 0, PROT_READ));
    say("mprotect with unknown rights", mprotect(a, page, 0x4000));
    say("mprotect to read", mprotect(a + page, page, PROT_READ));
    show_touch("write to it", a + page, 1);
    show_touch("read it", a + page, 0);
    say("mprotect to nothing", mprotect(a + page, page, PROT_NONE));
    show_touch("read it then", a + page, 0);
    say("mprotect back", mprotect(a + page, page, RW));
    show("as it was", a, 4);
    munmap(a + 2 * page, page);
    say("mprotect across a hole", mprotect(a, 4 * page, PROT_READ));
    show_touch("write before the hole", a, 1);
    show_touch("write behind the hole", a + 3 * page, 1);
    char *f = map(1, PROT_READ, MAP_SHARED, read_only);
    say("mprotect of a file that is read only", mprotect(f, page, RW));
    munmap(f, page);
    f = map(1, PROT_READ, MAP_PRIVATE, read_only);
    say("mprotect of a private mapping of it", mprotect(f, page, RW));
    munmap(f, page);
    told("mmap shared, to write, of it", mmap(NULL, page, RW, MAP_SHARED, read_only, 0));
    munmap(a, 4 * page);
}

/* ---- mremap ---- */

static void try_mremap_refused(void)
{
    char *a = letters(map(6, RW, ANON, -1), 6), *b = map(4, RW, ANON, -1);
    munmap(a + 4 * page, 2 * page);
    told("mremap at an odd address", mremap(a + 1, page, page, 0));
    told("mremap to nothing", mremap(a, page, 0, 0));
    told("mremap with unknown flags", mremap(a, page, page, 64));
    told("mremap fixed alone", mremap(a, page, page, MREMAP_FIXED, b));
    told("mremap fixed, odd", mremap(a, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, b + 1));
    told("mremap onto itself",
         mremap(a, 2 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, a + page));
    told("mremap of what is not mapped", mremap(a + 4 * page, page, 2 * page, MREMAP_MAYMOVE));
    told("mremap of more than a mapping", mremap(a, 6 * page, 8 * page, MREMAP_MAYMOVE));
    told("mremap from nothing, private", mremap(a, 0, page, MREMAP_MAYMOVE));
    told("mremap that leaves, alone", mremap(a, page, page, MREMAP_DONTUNMAP));
    told("mremap that leaves and grows",
         mremap(a, page, 2 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
    show("after all these", a, 4);
    munmap(a, 4 * page);
    munmap(b, 4 * page);
}

static void try_mremap(int fd)
{
    char *a = letters(map(8, RW, ANON, -1), 8), *b = map(8, RW, ANON, -1), *c;
    say("mremap to less", mremap(a, 8 * page, 6 * page, 0) == a);
    show_touch("what was cut off", a + 6 * page, 0);
    say("mremap to more, in place", mremap(a, 6 * page, 7 * page, 0) == a);
    show("with a page of zeros", a, 7);
    told("mremap to a place", c = mremap(a, 7 * page, 7 * page, MREMAP_MAYMOVE | MREMAP_FIXED, b));
    show("there", b, 8);
    show_touch("where it was", a, 0);
    told("mremap of the middle",
         c = mremap(b + 2 * page, 2 * page, 3 * page, MREMAP_MAYMOVE | MREMAP_FIXED, a));
    show("it went there", a, 3);
    show_touch("and left a hole", b + 2 * page, 0);
    show("around which", b, 2);
    show("all is as it was", b + 4 * page, 4);
    told("mremap to another place, and less",
         mremap(b + 4 * page, 4 * page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, b + page));
    show("what came", b, 3);
    munmap(a, 8 * page);
    munmap(b, 8 * page);
    a = letters(map(4, RW, ANON, -1), 4);
    told("mremap that leaves its place",
         c = mremap(a, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
    show("where it went", c, 4);
    show("where it was", a, 4);
    munmap(a, 4 * page);
    munmap(c, 4 * page);
    a = map(4, RW, MAP_PRIVATE, fd);
    a[page] = 'x';
    told("mremap of a private file", c = mremap(a, 4 * page, 6 * page, MREMAP_MAYMOVE));
    show("with what was written", c, 4);
    show_touch("behind the file's end", c + 5 * page, 0);
    munmap(c, 6 * page);
    a = map(2, RW, MAP_SHARED, fd);
    told("mremap from nothing, shared", c = mremap(a + page, 0, 2 * page, MREMAP_MAYMOVE));
    c[0] = 'y';
    show("both have it", a, 2);
    show("and what is behind", c, 2);
    c[0] = 'B';
    munmap(a, 2 * page);
    munmap(c, 2 * page);
}

/* After a fork, both ways: the pages are shared until they are written. */
static void try_mremap_forked(void)
{
    char *a = letters(map(4, RW, ANON, -1), 4);
    fflush(stdout);
    pid_t child = fork();
    char *b = mremap(a, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    if (b == MAP_FAILED)
        exit(1);
    b[page] = child ? 'p' : 'q';
    if (child == 0) {
        show("the child's", b, 4);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    show("the parent's", b, 4);
    show("the place that both left", a, 4);
    munmap(a, 4 * page);
    munmap(b, 4 * page);
}

/* ---- madvise ---- */

static void try_madvise_refused(int fd)
{
    char *a = letters(map(6, RW, ANON, -1), 6), *f = map(2, RW, MAP_SHARED, fd);
    say("madvise at an odd address", madvise(a + 1, page, MADV_NORMAL));
    say("madvise, unknown", madvise(a, page, 999));
    say("madvise, unknown and odd", madvise(a + 1, page, 999));
    say("madvise of nothing", madvise(a, 0, MADV_DONTNEED));
    say("madvise of nothing, unknown", madvise(a, 0, 999));
    munmap(a + 2 * page, page);
    say("madvise across a hole", madvise(a, 4 * page, MADV_DONTNEED));
    show("before the hole", a, 2);
    show("behind the hole", a + 3 * page, 3);
    say("madvise to free a file", madvise(f, page, MADV_FREE));
    say("madvise to wipe a file on fork", madvise(f, page, MADV_WIPEONFORK));
    say("madvise to remove what is private", madvise(a, page, MADV_REMOVE));
    say("populate across a hole", madvise(a, 6 * page, MADV_POPULATE_READ));
    mprotect(a, page, PROT_NONE);
    say("populate what is not to be read", madvise(a, page, MADV_POPULATE_READ));
    mprotect(a, page, PROT_READ);
    say("populate to write what is read only", madvise(a, page, MADV_POPULATE_WRITE));
    say("populate to read it", madvise(a, page, MADV_POPULATE_READ));
    munmap(a, 6 * page);
    munmap(f, 2 * page);
}

static void try_madvise(int fd)
{
    char *a = letters(map(4, RW, ANON, -1), 4), *f = map(4, RW, MAP_PRIVATE, fd), *s;
    say("don't need", madvise(a + page, 2 * page, MADV_DONTNEED));
    show("the middle is zeros", a, 4);
    letters(f, 2);
    say("don't need what was written", madvise(f, 4 * page, MADV_DONTNEED));
    show("the file's again", f, 4);
    munmap(f, 4 * page);
    s = letters(map(4, RW, SHARED_ANON, -1), 4);
    say("don't need what is shared", madvise(s, 4 * page, MADV_DONTNEED));
    show("it stays", s, 4);
    say("remove what is shared", madvise(s + page, page, MADV_REMOVE));
    show("it is zeros", s, 4);
    munmap(s, 4 * page);
    say("cold", madvise(a, 4 * page, MADV_COLD));
    say("page out", madvise(a, 4 * page, MADV_PAGEOUT));
    show("it comes back", a, 4);
    static const int harmless[] = {MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL,
                                   MADV_WILLNEED, MADV_DODUMP, MADV_DONTDUMP};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        say("harmless", madvise(a, 4 * page, harmless[i]));
    show("as it was", a, 4);
    munmap(a, 4 * page);
    a = map(4, RW, ANON, -1);
    show_core("not touched", a, 4);
    say("populate", madvise(a + page, 2 * page, MADV_POPULATE_WRITE));
    show_core("populated", a, 4);
    say("don't need that", madvise(a, 4 * page, MADV_DONTNEED));
    show_core("not any more", a, 4);
    munmap(a, 4 * page);
    a = map(4, RW, ANON | MAP_POPULATE, -1);
    show_core("mapped populated", a, 4);
    munmap(a, 4 * page);
}

static void try_fork_advice(void)
{
    char *a = letters(map(4, RW, ANON, -1), 4);
    say("wipe on fork", madvise(a, page, MADV_WIPEONFORK));
    say("don't fork", madvise(a + page, page, MADV_DONTFORK));
    say("wipe, and keep", madvise(a + 2 * page, page, MADV_WIPEONFORK) |
                              madvise(a + 2 * page, page, MADV_KEEPONFORK));
    show_touch("the child's first page", a, 0);
    show_touch("its second", a + page, 0);
    show_touch("its third", a + 2 * page, 0);
    say("do fork", madvise(a + page, page, MADV_DOFORK));
    show_touch("its second then", a + page, 0);
    show("the parent's", a, 4);
    munmap(a, 4 * page);
}

/* ---- mincore, msync ---- */

static void try_mincore(void)
{
    unsigned char here[8];
    char *a = map(4, RW, ANON, -1);
    a[page] = a[3 * page] = 'x';
    show_core("mincore", a, 4);
    say("mincore at an odd address", mincore(a + 1, page, here));
    say("mincore of nothing", mincore(a, 0, here));
    say("mincore to nowhere", mincore(a, page, NULL));
    munmap(a + 2 * page, page);
    show_core("mincore across a hole", a, 4);
    munmap(a, 4 * page);
}

static void try_msync(int fd)
{
    char *a = map(4, RW, MAP_SHARED, fd), byte;
    a[page] = 'm';
    say("msync", msync(a, 4 * page, MS_SYNC));
    say("what the file has", pread(fd, &byte, 1, (off_t)page) == 1 ? byte : 0);
    a[page] = 'B';
    say("msync at an odd address", msync(a + 1, page, MS_SYNC));
    say("msync, both ways", msync(a, page, MS_SYNC | MS_ASYNC));
    say("msync, unknown", msync(a, page, 64));
    say("msync of nothing", msync(a, 0, MS_SYNC));
    say("msync, later", msync(a, page, MS_ASYNC));
    say("msync, neither", msync(a, page, 0));
    say("msync and invalidate", msync(a, page, MS_SYNC | MS_INVALIDATE));
    mlock(a, page);
    say("msync and invalidate what is locked", msync(a, page, MS_SYNC | MS_INVALIDATE));
    munlock(a, page);
    munmap(a + 2 * page, page);
    say("msync across a hole", msync(a, 4 * page, MS_SYNC));
    munmap(a, 4 * page);
}

/* ---- mlock ---- */

static void try_mlock(void)
{
    char *a = map(6, RW, ANON, -1);
    say("mlock", mlock(a + page + 1, page));
    show_core("what it brought", a, 6);
    say("mlock on fault", (long)syscall(SYS_mlock2, a + 4 * page, 2 * page, MLOCK_ONFAULT));
    show_core("what that brought", a, 6);
    say("mlock2, unknown", (long)syscall(SYS_mlock2, a, page, 8));
    say("don't need what is locked", madvise(a + page, page, MADV_DONTNEED));
    say("free what is locked", madvise(a + page, page, MADV_FREE));
    say("cold, what is locked", madvise(a + page, page, MADV_COLD));
    say("munlock", munlock(a + page, 2 * page));
    say("don't need it then", madvise(a + page, 2 * page, MADV_DONTNEED));
    say("munlock of what is not locked", munlock(a, page));
    munmap(a + 3 * page, page);
    say("mlock across a hole", mlock(a, 6 * page));
    say("munlock across a hole", munlock(a, 6 * page));
    mprotect(a, page, PROT_NONE);
    say("mlock of what is not to be read", mlock(a, page));
    munlock(a, page);
    say("mlock of nothing", mlock(a, 0));
    say("mlock past the end", mlock((void *)-page, 2 * page));
    munmap(a, 6 * page);
    a = map(2, RW, ANON | MAP_LOCKED, -1);
    show_core("mapped locked", a, 2);
    show_touch("a child has it", a, 1);
    munmap(a, 2 * page);
    say("mlockall of nothing", mlockall(0));
    say("mlockall, unknown", mlockall(64));
    say("mlockall of what comes", mlockall(MCL_FUTURE));
    a = map(2, RW, ANON, -1);
    show_core("mapped then", a, 2);
    say("don't need that", madvise(a, page, MADV_DONTNEED));
    say("munlockall", munlockall());
    say("don't need it then", madvise(a, page, MADV_DONTNEED));
    munmap(a, 2 * page);
}

int main(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    int fd = file_of("memory.tmp", 4 * page), read_only = open("memory.tmp", O_RDONLY);
    try_mmap(fd);
    try_mprotect(read_only);
    try_mremap_refused();
    try_mremap(fd);
    try_mremap_forked();
    try_madvise_refused(fd);
    try_madvise(fd);
    try_fork_advice();
    try_mincore();
    try_msync(fd);
    try_mlock();
    unlink("memory.tmp");
    return 0;
}
