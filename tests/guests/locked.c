/* locked.c - what is locked stays in memory, whatever else is wanted, and no more may be locked
 * than the limits allow.
 *
 * Begun with a number N it walks N pages over and over, of which 16 are locked, and prints how
 * many of these are in memory each time; without one it tries the limits.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOCKED = 16, ROUNDS = 4 };
static size_t page;

static void say(const char *name, long result)
{
    printf("%s: %s\n", name, result == -1 ? strerrorname_np(errno) : "done");
}

static char *map(size_t bytes, int flags)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void limit(size_t bytes)
{
    struct rlimit r = {bytes, bytes};
    say("limit", setrlimit(RLIMIT_MEMLOCK, &r));
    getrlimit(RLIMIT_MEMLOCK, &r);
    printf("pages: %zu\n", (size_t)r.rlim_cur / page);
}

static void try_limits(void)
{
    char *a = map(16 * page, 0);
    limit(8 * page);
    say("8 pages", mlock(a, 8 * page));
    say("the same again", mlock(a, 8 * page));
    say("another one", mlock(a + 8 * page, page));
    say("a mapping of one", map(page, MAP_LOCKED) == MAP_FAILED ? -1 : 0);
    say("half as many", munlock(a, 4 * page));
    say("another one then", mlock(a + 8 * page, page));
    say("all of them", mlockall(MCL_CURRENT));
    say("what comes", mlockall(MCL_FUTURE));
    say("more than that", map(16 * page, 0) == MAP_FAILED ? -1 : 0);
    say("heap for that", sbrk((intptr_t)(64 * page)) == (void *)-1 ? -1 : 0);
    fflush(stdout);
    if (fork() == 0) {
        say("a child's mapping is not locked", map(16 * page, 0) == MAP_FAILED ? -1 : 0);
        say("it may lock as many itself", mlock(map(8 * page, 0), 8 * page));
        say("and no more", mlock(a, page));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    say("none", munlockall());
    say("more then", map(16 * page, 0) == MAP_FAILED ? -1 : 0);
    limit((size_t)1 << 40);
    a = map((size_t)1 << 32, MAP_NORESERVE);
    say("more than memory", mlock(a, (size_t)1 << 32));
    say("a mapping of more than memory", map((size_t)1 << 32, MAP_LOCKED) == MAP_FAILED ? -1 : 0);
}

static void walk(size_t pages)
{
    unsigned char here[LOCKED];
    char *locked = map(LOCKED * page, MAP_LOCKED), *others = map(pages * page, 0);
    for (int round = 0; round < ROUNDS; round++) {
        int n = 0;
        for (size_t i = 0; i < pages; i++)
            others[i * page] = (char)(others[i * page] + 1);
        mincore(locked, LOCKED * page, here);
        for (int i = 0; i < LOCKED; i++)
            n += here[i] & 1;
        printf("locked pages in memory: %d\n", n);
    }
    for (size_t i = 0; i < pages; i++)
        if (others[i * page] != ROUNDS)
            printf("page %zu is lost\n", i);
}

int main(int argc, char **argv)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    if (argc > 1)
        walk(strtoul(argv[1], NULL, 10));
    else
        try_limits();
    return 0;
}
