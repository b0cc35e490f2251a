/* inject.c - a library for LD_PRELOAD that makes the n-th allocation, read or write fail.
 *
 * PAGODA_FAIL_MALLOC=n: the n-th malloc, calloc, realloc or mmap answers NULL (ENOMEM)
 * PAGODA_FAIL_READ=n:   the n-th read or pread fails (EIO)
 * PAGODA_FAIL_WRITE=n:  the n-th write or pwrite fails (ENOSPC)
 *
 * Counting begins with main: what the loader does is not the program's. When the failure has
 * happened, a line on the descriptor PAGODA_FAIL_TOLD says so; a run without that line had fewer
 * than n such calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own names of what is wrapped here. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);

enum kind { ALLOCATION, READ, WRITE, KINDS };

static long left[KINDS]; /* calls before the one that fails; 0: none fails */

static long count_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    left[ALLOCATION] = count_of("PAGODA_FAIL_MALLOC");
    left[READ] = count_of("PAGODA_FAIL_READ");
    left[WRITE] = count_of("PAGODA_FAIL_WRITE");
}

static bool fails(enum kind kind)
{
    static const char told[] = "failed\n";
    if (left[kind] == 0 || --left[kind] > 0)
        return false;
    syscall(SYS_write, count_of("PAGODA_FAIL_TOLD"), told, sizeof told - 1);
    return true;
}

void *malloc(size_t size)
{
    return fails(ALLOCATION) ? (errno = ENOMEM, NULL) : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    return fails(ALLOCATION) ? (errno = ENOMEM, NULL) : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    return fails(ALLOCATION) ? (errno = ENOMEM, NULL) : __libc_realloc(ptr, size);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    if (fails(ALLOCATION))
        return errno = ENOMEM, MAP_FAILED;
    return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    return fails(READ) ? (errno = EIO, -1) : syscall(SYS_read, fd, buf, nbytes);
}

ssize_t pread(int fd, void *buf, size_t nbytes, off_t offset)
{
    return fails(READ) ? (errno = EIO, -1) : syscall(SYS_pread64, fd, buf, nbytes, offset);
}

ssize_t write(int fd, const void *buf, size_t n)
{
    return fails(WRITE) ? (errno = ENOSPC, -1) : syscall(SYS_write, fd, buf, n);
}

ssize_t pwrite(int fd, const void *buf, size_t nbytes, off_t offset)
{
    return fails(WRITE) ? (errno = ENOSPC, -1) : syscall(SYS_pwrite64, fd, buf, nbytes, offset);
}
