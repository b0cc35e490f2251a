/* signals.c - lesson: signals come between two instructions, and what they do to a waiting call.
 *
 * A handler runs; a blocked signal waits; an alarm interrupts a read, which begins anew or ends
 * with EINTR as its handler's flags have it; and a handler repairs the cause of a fault, so that
 * the instruction that faulted succeeds.
 *
 * Try:  pagoda run --trace signals,faults -- guests/signals
 * See:  the store to the protected page is refused, its handler called, and the store made again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static int wakes; /* the end of a pipe to write to when the alarm comes; 0: none */
static unsigned char *page;

static void on_signal(int number)
{
    seen = number;
    if (wakes)
        (void)!write(wakes, "x", 1);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    seen = info->si_addr == page + 100;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void set(int number, int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(number, &action, NULL);
}

static void alarm_soon(void)
{
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
}

static void block_and_unblock(void)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    seen = 0;
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigpending(&pending);
    printf("blocked: seen %d, pending %d\n", (int)seen, sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("unblocked: seen %d\n", (int)seen == SIGUSR1);
}

static void interrupt_reads(void)
{
    char byte = 0;
    int fd[2];
    if (pipe(fd) != 0)
        return;
    set(SIGALRM, 0);
    alarm_soon();
    ssize_t n = read(fd[0], &byte, 1);
    printf("without SA_RESTART: %zd, EINTR %d\n", n, errno == EINTR);
    set(SIGALRM, SA_RESTART);
    wakes = fd[1];
    alarm_soon();
    n = read(fd[0], &byte, 1);
    printf("with SA_RESTART: %zd, %c\n", n, byte);
    wakes = 0;
}

static void repair_a_fault(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    seen = 0;
    *(volatile unsigned char *)(page + 100) = 42;
    printf("the fault was where it should be: %d, and the page has %d\n", (int)seen, page[100]);
}

int main(void)
{
    set(SIGUSR1, 0);
    raise(SIGUSR1);
    printf("a handler: %d\n", seen == SIGUSR1);
    block_and_unblock();
    interrupt_reads();
    repair_a_fault();
    fflush(stdout);
    raise(SIGTERM);
    return 0;
}
