/* processes.c - what a process hands on, what its parent hears of it, and what it may not touch. */
#include "twin.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

/* ---- what goes through fork and exec ---- */

static const char *handler_name(int signal)
{
    struct sigaction a;
    sigaction(signal, NULL, &a);
    return a.sa_handler == SIG_DFL ? "default" : a.sa_handler == SIG_IGN ? "ignored" : "caught";
}

static bool is_blocked(int signal)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signal);
}

static void say_inherited(const char *where)
{
    say("%s: SIGUSR1 %s, SIGUSR2 %s, SIGTERM blocked %d, SIGHUP blocked %d", where,
        handler_name(SIGUSR1), handler_name(SIGUSR2), is_blocked(SIGTERM), is_blocked(SIGHUP));
}

static void never(int signal)
{
    (void)signal;
}

static void go_on_in_another_program(void)
{
    say_inherited("after fork");
    execl("/proc/self/exe", "twin", "again", (char *)NULL);
}

static void inherit(void)
{
    sigset_t set;
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, never);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    said("it ends", ended(child(go_on_in_another_program)));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

static pid_t session, group;

static void say_family(void)
{
    say("its session is its parent's: %d, its group: %d", getsid(0) == session,
        getpgid(0) == group);
    setpgid(0, 0);
    say("a group of its own: %d, the session as before: %d", getpgid(0) == getpid(),
        getsid(0) == session);
}

static void family(void)
{
    session = getsid(0);
    group = getpgid(0);
    said("it ends", ended(child(say_family)));
}

/* Until the child has another program, or has ended, its parent does nothing. */
static void borrow_memory(void)
{
    static volatile int left;
    pid_t pid = vfork();
    if (pid == 0) {
        pause_ms(20);
        left = 7;
        _exit(3);
    }
    say("the child that shares memory left %d", left);
    said("it ended", ended(pid));
}

/* Scripts of scripts: the last one's interpreter is not there. */
static void scripts(void)
{
    char name[16], line[32];
    for (int n = 1; n <= 8; n++) {
        snprintf(name, sizeof name, "./s%d", n);
        /* No newline ends it, but what the one before had there may still stand behind it. */
        snprintf(line, sizeof line, n % 2 ? "#!./s%d" : "#!././././././s%d", n - 1);
        int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
        (void)!write(fd, line, strlen(line));
        close(fd);
        say("a script, %d deep: %s", n,
            execl(name, name, (char *)NULL) ? strerrorname_np(errno) : "");
    }
    for (int n = 1; n <= 8; n++) {
        snprintf(name, sizeof name, "./s%d", n);
        unlink(name);
    }
}

/* ---- what parents hear ---- */

static void end_3(void)
{
    _exit(3);
}

static void end_4(void)
{
    _exit(4);
}

static void sleep_long(void)
{
    pause_ms(20000);
}

static void oldest_first(void)
{
    int status;
    siginfo_t info;
    pid_t first = child(end_3), second = child(end_4);
    waitid(P_PID, (id_t)second, &info, WEXITED | WNOWAIT);
    waitid(P_PID, (id_t)first, &info, WEXITED | WNOWAIT);
    pid_t pid = waitpid(-1, &status, 0);
    say("of two that have ended the older one: %d, %d", pid == first, WEXITSTATUS(status));
    said("then the other", ended(second));
    said("then none", waitpid(-1, &status, WNOHANG));
}

static void by_group(void)
{
    int status;
    pid_t stays = child(sleep_long), leaves = child(sleep_long);
    setpgid(leaves, leaves);
    kill(leaves, SIGKILL);
    pause_ms(20);
    said("of my own group", waitpid(0, &status, WNOHANG));
    say("of its group: %d", waitpid(-leaves, &status, 0) == leaves);
    said("of a group that is not", waitpid(-leaves, &status, WNOHANG));
    kill(stays, SIGKILL);
    said("the other ends", ended(stays));
}

static void stops_and_goes_on(void)
{
    int status = 0;
    pid_t pid = child(sleep_long);
    kill(pid, SIGSTOP);
    pause_ms(20);
    said("stopped, to one who did not ask", waitpid(pid, &status, WNOHANG));
    pid_t heard = waitpid(pid, &status, WUNTRACED);
    say("to one who did: %d, %d", heard == pid, WIFSTOPPED(status));
    said("once", waitpid(pid, &status, WUNTRACED | WNOHANG));
    kill(pid, SIGCONT);
    pause_ms(20);
    said("going on, to one who did not ask", waitpid(pid, &status, WNOHANG));
    heard = waitpid(pid, &status, WCONTINUED);
    say("to one who did: %d, %d", heard == pid, WIFCONTINUED(status));
    said("once", waitpid(pid, &status, WCONTINUED | WNOHANG));
    kill(pid, SIGSTOP);
    pause_ms(20);
    kill(pid, SIGKILL);
    said("killed while it is stopped", ended(pid));
}

static void nobody_asks(void)
{
    int status;
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = never, .sa_flags = SA_NOCLDWAIT}, NULL);
    child(end_3);
    said("children are not kept", waitpid(-1, &status, 0));
    signal(SIGCHLD, SIG_IGN);
    child(end_4);
    said("nor where SIGCHLD is ignored", waitpid(-1, &status, 0));
    signal(SIGCHLD, SIG_DFL);
}

static int tried;

/* In a group of its own, whose parent is in another: only then do terminals' signals stop it. */
static void raise_it(void)
{
    setpgid(0, 0);
    raise(tried);
    _exit(42);
}

static void by_default(void)
{
    for (tried = 1; tried < 32; tried++) {
        int status;
        pid_t pid = child(raise_it);
        waitpid(pid, &status, WUNTRACED);
        say("SIG%s by default: %s", sigabbrev_np(tried),
            WIFSTOPPED(status)    ? "stops"
            : WIFSIGNALED(status) ? "ends"
                                  : "nothing");
        if (WIFSTOPPED(status)) {
            kill(pid, SIGCONT);
            said("goes on", ended(pid));
        }
    }
}

/* ---- what may not be touched ---- */

static sigjmp_buf back;
static volatile int told_signal, told_code;
static char *volatile told_place;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    told_signal = signal;
    told_code = info->si_code;
    told_place = info->si_addr;
    siglongjmp(back, 1);
}

static void touch(const char *name, char *base, long offset, bool writes)
{
    volatile char *at = base + offset;
    if (sigsetjmp(back, 1) == 0) {
        if (writes)
            *at = 1;
        else
            (void)*at;
        say("%s: done", name);
    } else {
        say("%s: SIG%s, code %d, at %ld", name, sigabbrev_np(told_signal), told_code,
            (long)(told_place - base));
    }
}

/* Eight bytes, the last of which is in the next page. */
static void touch_border(const char *name, char *base)
{
    if (sigsetjmp(back, 1) == 0) {
        volatile uint64_t *at = (volatile uint64_t *)(void *)(base + 4089);
        *at = ~UINT64_C(0);
        say("%s: done", name);
    } else {
        say("%s: SIG%s, code %d, and the first page has %d", name, sigabbrev_np(told_signal),
            told_code, base[4089]);
    }
}

static void faults(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS};
    for (int i = 0; i < 2; i++)
        sigaction(signals[i], &(struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO},
                  NULL);
    int fd = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
    (void)!ftruncate(fd, 4096);
    char *file = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    touch("the last byte of a file", file, 4095, true);
    touch("the first byte behind it", file, 4096, true);
    touch_border("over its end", file);
    (void)!ftruncate(fd, 4097);
    touch("a byte more: the same", file, 4096, true);
    touch("behind that page", file, 8192, false);
    munmap(file, 16384);
    char *own = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(own + 4096, 4096, PROT_READ);
    munmap(own + 8192, 4096);
    touch("read only, read", own, 4096, false);
    touch("read only, written", own, 4100, true);
    touch("nothing there", own, 8200, false);
    touch_border("over a border", own);
    touch_border("and again", own);
    munmap(own, 8192);
    close(fd);
    unlink("pages");
}

static void touch_nothing(void)
{
    volatile char *volatile nothing = NULL;
    nothing[100] = 1;
}

static void fault_blocked(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    touch_nothing();
}

static void fault_ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    touch_nothing();
}

static void faults_that_cannot_wait(void)
{
    said("a fault whose signal is blocked, though it has a handler", ended(child(fault_blocked)));
    said("a fault whose signal is ignored", ended(child(fault_ignored)));
}

static volatile uintptr_t frame;

static void note_frame(int signal)
{
    (void)signal;
    frame = (uintptr_t)__builtin_frame_address(0);
}

static void stand_on_an_odd_stack(void)
{
    static char room[1 << 16];
    stack_t odd = {.ss_sp = room + 1, .ss_size = sizeof room - 8}, none = {.ss_flags = SS_DISABLE};
    sigaltstack(&odd, NULL);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = note_frame, .sa_flags = SA_ONSTACK}, NULL);
    raise(SIGUSR1);
    say("the handler's frame is in it: %d, and at a multiple of 16: %d",
        frame - (uintptr_t)room < sizeof room, frame % 16 == 0);
    sigaltstack(&none, NULL);
    signal(SIGUSR1, SIG_DFL);
}

/* ---- what a handler leaves as it was ---- */

static volatile int turns;
static volatile double scrap[8];

static void compute(int signal)
{
    (void)signal;
    for (int i = 0; i < 8; i++)
        scrap[i] = (scrap[i] + i) / 3;
    feraiseexcept(FE_DIVBYZERO);
    turns++;
}

static void ask_for_all(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info;
    sigfillset(&((ucontext_t *)context)->uc_sigmask);
}

/* Sums of halves are exact. */
static void compute_under_a_timer(void)
{
    double sum = 0, n = 0;
    signal(SIGALRM, compute);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 500}, {0, 500}}, NULL);
    for (; turns < 20; n++)
        sum += n * 0.5;
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    say("a sum that was interrupted is right: %d", sum == n * (n - 1) * 0.25);
}

static void handlers_leave_registers(void)
{
    compute_under_a_timer();
    feclearexcept(FE_ALL_EXCEPT);
    signal(SIGUSR1, compute);
    raise(SIGUSR1);
    say("its exceptions are its own: %d", !fetestexcept(FE_DIVBYZERO));
    sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = ask_for_all, .sa_flags = SA_SIGINFO},
              NULL);
    raise(SIGUSR1);
    say("all are blocked: %d, but not SIGKILL: %d", is_blocked(SIGTERM), !is_blocked(SIGKILL));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
}

/* ---- sleeping twice ---- */

static long passed_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_again(void)
{
    for (int i = 0; i < 3; i++) {
        long before = passed_ms();
        nanosleep(&(struct timespec){0, 30000000}, NULL);
        say("it slept as long as it wanted to: %d", passed_ms() - before >= 30);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        say_inherited("after exec");
        return 5;
    }
    inherit();
    family();
    borrow_memory();
    scripts();
    oldest_first();
    by_group();
    stops_and_goes_on();
    nobody_asks();
    by_default();
    faults();
    faults_that_cannot_wait();
    stand_on_an_odd_stack();
    handlers_leave_registers();
    sleep_again();
    return 0;
}
