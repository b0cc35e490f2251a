/* calls.c - a guest that makes every system call with arguments that are wrong in every way.
 *
 *     calls SEED FIRST LAST ROUNDS    numbers FIRST to LAST (exclusive), each ROUNDS times
 *
 * Each number has a child of its own, which an alarm ends if it waits; a child may die of what it
 * asked for, its parent and the machine may not. The parent says how many it has tried, and at last
 * that a child works as ever.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t area[512];
static char name[] = "there"; /* no file of the host, lest a fault of the kernel cost it one */

/* Something that a call may take for a pointer, a number, a descriptor or flags. */
static uint64_t argument(const void *protected)
{
    uint64_t bits = draw();
    switch (bits % 16) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX - (bits >> 8) % 5000;
    case 2:
        return (bits >> 8) % 8;
    case 3:
        return UINT64_C(1) << ((bits >> 8) % 64);
    case 4:
        return (uint64_t)(uintptr_t)area + (bits >> 8) % sizeof area;
    case 5:
        return (uint64_t)(uintptr_t) protected + (bits >> 8) % 4096;
    case 6:
        return (uint64_t)(uintptr_t)name;
    case 7:
        return (uint64_t)(uintptr_t)draw; /* not to be written */
    case 8:
        return (bits >> 8) % 70000 * 4096;
    case 9:
        return (bits >> 8) & 0x3fffffffff;
    case 10:
        return (uint64_t)INT64_MIN + (bits >> 8) % 3;
    case 11:
        return (uint64_t)(uintptr_t) protected - 1 - (bits >> 8) % 16; /* across into it */
    case 12:
        return (bits >> 8) % 1024;
    case 13:
        return (uint64_t)(uintptr_t)area & ~UINT64_C(4095);
    case 14:
        return bits >> 32;
    default:
        return bits;
    }
}

static int64_t make(uint64_t number, const uint64_t *a)
{
    register uint64_t a0 __asm__("a0") = a[0], a1 __asm__("a1") = a[1], a2 __asm__("a2") = a[2],
                         a3 __asm__("a3") = a[3], a4 __asm__("a4") = a[4], a5 __asm__("a5") = a[5],
                         a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                     : "memory");
    return (int64_t)a0;
}

static void fill_area(void)
{
    for (size_t i = 0; i < sizeof area / sizeof area[0]; i++)
        area[i] = draw() % 4 ? draw() >> (draw() % 64) : (uint64_t)(uintptr_t)area;
}

static void child(uint64_t number, unsigned rounds)
{
    struct itimerval soon = {.it_value = {.tv_usec = 3000}, .it_interval = {.tv_usec = 3000}};
    int fd[2];
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    close(0); /* what the run was given is not to be read, nor written */
    close(1);
    close(2);
    open("/dev/zero", O_RDWR);
    (void)!pipe(fd);
    open("/", O_RDONLY);
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t a[6];
        fill_area();
        for (int n = 0; n < 6; n++)
            a[n] = argument(page + 4096);
        /* No signal but to itself: whom else it may end is no question of arguments. */
        if ((number >= 129 && number <= 131) || number == 138 || number == 240)
            a[0] = (uint64_t)getpid();
        if (number == 220) /* nor at its end */
            a[0] = (a[0] & ~UINT64_C(255)) | SIGCHLD;
        setitimer(ITIMER_REAL, &soon, NULL);       /* whoever waits for ever dies of it */
        if (make(number, a) == 0 && number == 220) /* one that it cloned: the parent goes on */
            _exit(0);
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    unsigned tried = 0, ended = 0;
    if (argc != 5)
        return 2;
    uint64_t seed = strtoull(argv[1], NULL, 0);
    for (uint64_t number = strtoull(argv[2], NULL, 0); number < strtoull(argv[3], NULL, 0);
         number++) {
        state = (seed << 20) + number + 1;
        pid_t pid = fork();
        if (pid == 0)
            child(number, (unsigned)atoi(argv[4]));
        tried++;
        ended += pid > 0 && waitpid(pid, NULL, 0) == pid;
    }
    printf("%u calls, %u ended\n", tried, ended);
    return 0;
}
