/* wild.c - a guest that does what programs must not, each time in a child, and says how that ended.
 *
 * Its output is what Linux has for each misdeed: a signal, or a status that the child gives itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t instructions[] = {0x00000513, 0x00008067}; /* li a0, 0; ret */
static uint32_t data[2] = {0x00000513, 0x00008067};
static const char constant[] = "constant";

static volatile uint64_t *wild(uint64_t at)
{
    return (volatile uint64_t *)at;
}

static void jump(const volatile void *to)
{
    __asm__ volatile("jalr ra, 0(%0)" : : "r"(to) : "ra", "a0", "memory");
}

static int wild_read(void)
{
    return (int)*wild(UINT64_C(0x123456789abcd8));
}

static int kernel_read(void)
{
    return (int)*wild(UINT64_C(0xffffffff80000000));
}

static int wild_write(void)
{
    *wild(UINT64_C(0x2000000000)) = 1;
    return 0;
}

static int last_byte(void)
{
    return *(volatile unsigned char *)UINT64_MAX;
}

static int wild_jump(void)
{
    jump((void *)UINT64_C(0x1234567890));
    return 0;
}

static int null_jump(void)
{
    jump(NULL);
    return 0;
}

static int data_jump(void)
{
    jump(data);
    return 0;
}

static int heap_jump(void)
{
    void *copy = malloc(sizeof instructions);
    memcpy(copy, instructions, sizeof instructions);
    jump(copy);
    return 0;
}

static int allowed_jump(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, instructions, sizeof instructions);
    mprotect(page, 4096, PROT_READ | PROT_EXEC);
    __asm__ volatile("fence.i");
    jump(page);
    return 11;
}

static int write_text(void)
{
    *(volatile uint32_t *)(uintptr_t)write_text = 0;
    return 0;
}

static int write_constant(void)
{
    *(volatile char *)(uintptr_t)constant = 'K';
    return 0;
}

static volatile int depth_max = 1 << 30; /* more than any stack has room for */

static int deeper(int depth)
{
    volatile char room[4000];
    room[depth % 4000] = 1;
    return depth < depth_max ? deeper(depth + 1) + room[0] : 0;
}

static int recursion(void)
{
    return deeper(0);
}

static int illegal(void)
{
    __asm__ volatile(".word 0");
    return 0;
}

static int breakpoint(void)
{
    __asm__ volatile("ebreak");
    return 0;
}

static int supervisor(void)
{
    __asm__ volatile("csrr t0, sstatus" : : : "t0");
    return 0;
}

static int division(void)
{
    volatile int64_t zero = 0, least = INT64_MIN, minus_one = -1;
    int64_t quotient, rest, overflow;
    __asm__("div %0, %1, %2" : "=r"(quotient) : "r"(least), "r"(zero));
    __asm__("rem %0, %1, %2" : "=r"(rest) : "r"(least), "r"(zero));
    __asm__("div %0, %1, %2" : "=r"(overflow) : "r"(least), "r"(minus_one));
    return quotient == -1 && rest == INT64_MIN && overflow == INT64_MIN ? 12 : 1;
}

static int no_reader(void)
{
    int fd[2];
    if (pipe(fd) != 0 || close(fd[0]) != 0)
        return 1;
    return write(fd[1], "x", 1) == 1;
}

static int no_reader_ignored(void)
{
    signal(SIGPIPE, SIG_IGN);
    return no_reader() == 0 && errno == EPIPE ? 13 : 1;
}

static int closed_streams(void)
{
    char byte;
    close(0);
    close(1);
    int in = read(0, &byte, 1) == -1 && errno == EBADF;
    int out = write(1, "x", 1) == -1 && errno == EBADF;
    return in && out && dup(2) == 0 ? 14 : 1;
}

static int read_directory(void)
{
    char byte;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    return read(fd, &byte, 1) == -1 && errno == EISDIR ? 15 : 1;
}

static int huge_mmap(void)
{
    void *none = mmap(NULL, (size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return none == MAP_FAILED && errno == ENOMEM ? 16 : 1;
}

static int sparse_mmap(void)
{
    size_t bytes = (size_t)8 << 30;
    volatile char *much = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (much == MAP_FAILED)
        return 1;
    for (size_t at = bytes - 4096; at; at /= 2)
        much[at] = 1;
    return much[bytes / 2 - 2048] == 1 && much[1 << 20] == 0 ? 17 : 2;
}

static int own_stop(void)
{
    raise(SIGSTOP);
    return 18;
}

static int blocked_fault(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGSEGV, SIG_IGN);
    return wild_read();
}

static void on_fault(int number)
{
    (void)number;
}

/* The handler's frame has nowhere to be. */
static int no_stack_for_handler(void)
{
    signal(SIGSEGV, on_fault);
    __asm__ volatile("li sp, 64\n\tld t0, 0(zero)" : : : "t0");
    return 0;
}

static int bad_return(void)
{
    __asm__ volatile("li sp, 4096\n\tli a7, 139\n\tecall");
    return 0;
}

static int odd_jump(void)
{
    static volatile uintptr_t odd;
    odd = (uintptr_t)no_reader_ignored | 1; /* the lowest bit of a jump's target is dropped */
    return ((int (*)(void))odd)();
}

static const struct {
    const char *name;
    int (*misdeed)(void);
} misdeeds[] = {
    {"a read of an address that is in nothing", wild_read},
    {"a read of the kernel's half", kernel_read},
    {"a write to what is not mapped", wild_write},
    {"a read of the last byte", last_byte},
    {"a jump to what is not mapped", wild_jump},
    {"a jump to 0", null_jump},
    {"a jump into data", data_jump},
    {"a jump into the heap", heap_jump},
    {"a jump into a page made executable", allowed_jump},
    {"a write to instructions", write_text},
    {"a write to a constant", write_constant},
    {"endless recursion", recursion},
    {"an instruction that there is not", illegal},
    {"a breakpoint", breakpoint},
    {"a register of the supervisor", supervisor},
    {"a division by zero", division},
    {"a write to a pipe without reader", no_reader},
    {"the same with SIGPIPE ignored", no_reader_ignored},
    {"closed streams", closed_streams},
    {"a read of a directory", read_directory},
    {"a mapping of 2^62 bytes", huge_mmap},
    {"a mapping of 8 GiB, touched here and there", sparse_mmap},
    {"SIGSTOP to itself", own_stop},
    {"a fault that is blocked and ignored", blocked_fault},
    {"a handler without a stack", no_stack_for_handler},
    {"a return from no handler", bad_return},
    {"a jump to an odd address", odd_jump},
};

static void tell(const char *name, pid_t child)
{
    int status;
    waitpid(child, &status, WUNTRACED);
    if (WIFSTOPPED(status)) {
        printf("%s: stopped by %d\n", name, WSTOPSIG(status));
        kill(child, SIGCONT);
        waitpid(child, &status, 0);
    }
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", name, WTERMSIG(status));
    else
        printf("%s: status %d\n", name, WEXITSTATUS(status));
}

int main(void)
{
    for (size_t i = 0; i < sizeof misdeeds / sizeof misdeeds[0]; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            _exit(misdeeds[i].misdeed());
        tell(misdeeds[i].name, child);
    }
    return 0;
}
