/* null.c - lesson: page 0 is never mapped, so that a null pointer is found out.
 *
 * A child that reads through a null pointer is ended by SIGSEGV, and its parent is none the worse.
 * A handler gets the address that was to be read. At last the program itself does it.
 *
 * Try:  pagoda run --trace traps,faults,signals -- guests/null; echo $?
 * See:  "load page fault", stval 0x0, "refused (SIGSEGV)"; 139 is 128 + SIGSEGV.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
    volatile int value;
    struct node *next;
};

static sigjmp_buf back;
static void *volatile where = &back;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    where = info->si_addr;
    siglongjmp(back, 1);
}

static int next_value(struct node *volatile node)
{
    return node->next->value;
}

int main(void)
{
    struct node last = {1, NULL};
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(next_value(&last));
    waitpid(child, &status, 0);
    printf("the child ended by signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(back, 1) == 0)
        next_value(&last);
    printf("the fault was at %d\n", where == NULL ? 0 : -1);
    fflush(stdout);
    signal(SIGSEGV, SIG_DFL);
    return next_value(&last);
}
