/* huge.c - huge pages that a program asks for: by MAP_HUGETLB, and by advice. Of 2 MiB. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE_PAGE = 2 << 20 };

static char *map(size_t bytes, int flags)
{
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/* What /proc/self/smaps says of the mapping at `at`: kilobytes of huge pages in it. */
static long huge_kb(const char *at)
{
    char line[256];
    unsigned long start, end;
    long kb, found = -1;
    int here = 0;
    FILE *f = fopen("/proc/self/smaps", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = (uintptr_t)at >= start && (uintptr_t)at < end;
        if (here && sscanf(line, "AnonHugePages: %ld", &kb) == 1)
            found = kb;
    }
    if (f)
        fclose(f);
    return found;
}

static void show(const char *name, const char *at)
{
    if (at == MAP_FAILED)
        printf("%s: %s\n", name, strerrorname_np(errno));
    else
        printf("%s: %ld kB\n", name, huge_kb(at));
}

/* A region of the right alignment, in twice as much. */
static char *aligned(char *at)
{
    return (char *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
}

int main(void)
{
    show("one", map(4096, MAP_HUGETLB));
    show("two", map(2 * HUGE_PAGE, MAP_HUGETLB));
    show("too many", map((size_t)64 << 20, MAP_HUGETLB));
    show("of another size", map(HUGE_PAGE, MAP_HUGETLB | 30 << 26));
    char *small = aligned(map(2 * HUGE_PAGE, 0));
    madvise(small, HUGE_PAGE, MADV_NOHUGEPAGE);
    small[0] = 1;
    show("not welcome", small);
    madvise(small, HUGE_PAGE, MADV_HUGEPAGE);
    printf("collapse: %d\n", madvise(small, HUGE_PAGE, MADV_COLLAPSE));
    show("collapsed", small);
    small[4096] = small[0];
    munmap(small + HUGE_PAGE - 4096, 4096);
    show("a part was unmapped", small);
    printf("kept: %d\n", small[0] + small[4096]);
    char *large = aligned(map(2 * HUGE_PAGE, 0));
    madvise(large, HUGE_PAGE, MADV_HUGEPAGE);
    large[5] = 7;
    madvise(large, HUGE_PAGE, MADV_COLLAPSE);
    show("advised", large);
    return 0;
}
