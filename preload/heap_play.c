/* heap_play.c - requests, made by a process that does nothing else: what an allocator of the host
 * takes for them.
 *
 *     pagoda-heap-play < requests       prints: peak of memory in bytes, nanoseconds, failures
 *
 * The input is what analysis/heap_measure.c writes: a struct play_head, then that many struct
 * play_request. Each block is written to once a page, as a program would use it, so its memory is
 * real. Which allocator serves is the loader's matter (LD_PRELOAD). All that the program itself
 * needs is there, and touched, before the first request; the peak is what came on top.
 */
#include "base/heap_play.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

struct play {
    struct play_head head;
    struct play_request *request;
    void **block;
    uint64_t failures;
};

/* Memory that is no heap's, all of it touched. */
static void *room(size_t bytes)
{
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool read_all(void *to, size_t bytes)
{
    char *p = to;
    while (bytes) {
        ssize_t n = read(STDIN_FILENO, p, bytes);
        if (n <= 0)
            return false;
        p += n;
        bytes -= (size_t)n;
    }
    return true;
}

static bool load(struct play *p)
{
    if (!read_all(&p->head, sizeof p->head))
        return false;
    p->request = room(p->head.requests * sizeof *p->request);
    p->block = room(p->head.blocks * sizeof *p->block);
    return p->request && p->block && read_all(p->request, p->head.requests * sizeof *p->request);
}

static void use(volatile char *block, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += PAGE)
        block[at] = 1;
}

static void play(struct play *p, const struct play_request *q)
{
    void **block = &p->block[q->block], *got;
    switch ((enum play_kind)q->kind) {
    case PLAY_TAKE:
        got =
            q->align_shift > 4 ? memalign((size_t)1 << q->align_shift, q->bytes) : malloc(q->bytes);
        p->failures += !got;
        *block = got;
        break;
    case PLAY_GIVE:
        free(*block);
        *block = NULL;
        return;
    case PLAY_CHANGE:
        if (!*block)
            return;
        got = realloc(*block, q->bytes);
        p->failures += !got;
        *block = got ? got : *block;
        break;
    default:
        return;
    }
    if (got)
        use(got, q->bytes);
}

/* A line of /proc/self/status, in bytes: read without a stream, which would ask the heap. (What
 * getrusage calls the peak is also that of the program before exec.) */
static uint64_t status_bytes(const char *line)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, line);
    return at ? strtoull(at + strlen(line), NULL, 10) << 10 : 0;
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    struct play p = {0};
    if (!load(&p)) {
        fputs("pagoda-heap-play: the input is none of pagoda's\n", stderr);
        return 1;
    }
    uint64_t before = status_bytes("VmRSS:");
    double start = now_ns();
    for (uint64_t i = 0; i < p.head.requests; i++)
        play(&p, &p.request[i]);
    double ns = now_ns() - start;
    uint64_t peak = status_bytes("VmHWM:");
    printf("%llu %.0f %llu\n", (unsigned long long)(peak > before ? peak - before : 0), ns,
           (unsigned long long)p.failures);
    return 0;
}
