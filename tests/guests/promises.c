/* promises.c - may mappings add up to more than there is? For 16 MiB of memory and swap. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void map(const char *name, int flags)
{
    void *at = mmap(NULL, (size_t)9 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    printf("%s: %s\n", name, at == MAP_FAILED ? strerrorname_np(errno) : "done");
}

int main(void)
{
    map("half", 0);
    map("half", 0);
    map("half, without reserve", MAP_NORESERVE);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    printf("fork: %s\n", child < 0 ? strerrorname_np(errno) : "done");
    waitpid(child, NULL, 0);
    return 0;
}
