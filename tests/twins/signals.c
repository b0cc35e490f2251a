/* signals.c - a twin: signals that queue, what their handlers are told, and who waits for them. */
#include "twin.h"

#include <sys/time.h>
#include <time.h>

static siginfo_t told[32];
static int order[32], count;
static pid_t self;

static void on_info(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (count < 32) {
        order[count] = signal;
        told[count++] = *info;
    }
}

static void catch (int signal, int flags)
{
    struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO | flags};
    sigfillset(&a.sa_mask);
    sigaction(signal, &a, NULL);
}

static sigset_t set_of(int a, int b, int c)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, a);
    sigaddset(&s, b ? b : a);
    sigaddset(&s, c ? c : a);
    return s;
}

static const char *code_of(const siginfo_t *i)
{
    switch (i->si_code) {
    case SI_USER:
        return "user";
    case SI_TKILL:
        return "tkill";
    case SI_QUEUE:
        return "queue";
    case SI_TIMER:
        return "timer";
    case SI_KERNEL:
        return "kernel";
    default:
        return i->si_code == CLD_EXITED && i->si_signo == SIGCHLD ? "exited" : "other";
    }
}

static void say_told(const char *name)
{
    for (int i = 0; i < count; i++)
        say("%s %d: signal %d, %s, mine %d, value %d", name, i,
            order[i] >= SIGRTMIN ? order[i] - SIGRTMIN + 100 : order[i], code_of(&told[i]),
            told[i].si_pid == self, told[i].si_code == SI_QUEUE ? told[i].si_value.sival_int : 0);
    count = 0;
}

/* ---- what queues ---- */

static void queue_of_both_kinds(void)
{
    const int high = SIGRTMIN + 3, low = SIGRTMIN + 1;
    sigset_t s = set_of(high, low, SIGUSR1), pending;
    catch (high, 0);
    catch (low, 0);
    catch (SIGUSR1, 0);
    sigprocmask(SIG_BLOCK, &s, NULL);
    for (int i = 0; i < 3; i++) {
        sigqueue(self, high, (union sigval){.sival_int = 30 + i});
        sigqueue(self, low, (union sigval){.sival_int = 10 + i});
        sigqueue(self, SIGUSR1, (union sigval){.sival_int = 1 + i});
    }
    kill(self, low);
    sigpending(&pending);
    say("pending: %d %d %d", sigismember(&pending, high), sigismember(&pending, low),
        sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    say_told("queued");
    raise(SIGUSR1);
    kill(self, SIGUSR1);
    say_told("raised");
}

static void refuse(void)
{
    siginfo_t info = {.si_code = SI_USER};
    pid_t other = fork();
    if (other == 0) {
        pause();
        _exit(0);
    }
    said("sigqueue, no signal", sigqueue(self, 0, (union sigval){0}));
    said("sigqueue, no such signal", sigqueue(self, 65, (union sigval){0}));
    said("sigqueue, nobody", sigqueue(0x3ffffff, SIGUSR1, (union sigval){0}));
    said("pretend to be kill", syscall(SYS_rt_sigqueueinfo, other, SIGUSR1, &info));
    said("to a bad address", syscall(SYS_rt_sigqueueinfo, other, SIGUSR1, 8));
    said("tgkill of nobody", syscall(SYS_tgkill, 0, 0, SIGUSR1));
    said("sigaction of KILL", sigaction(SIGKILL, &(struct sigaction){0}, NULL));
    kill(other, SIGTERM);
    say("the other: %d", ended(other));
}

static void forget_what_is_ignored(void)
{
    sigset_t s = set_of(SIGUSR2, 0, 0), pending;
    catch (SIGUSR2, 0);
    sigprocmask(SIG_BLOCK, &s, NULL);
    raise(SIGUSR2);
    signal(SIGUSR2, SIG_IGN);
    sigpending(&pending);
    say("pending after it is ignored: %d", sigismember(&pending, SIGUSR2));
    raise(SIGUSR2);
    sigpending(&pending);
    say("blocked, and sent while ignored: %d", sigismember(&pending, SIGUSR2));
    catch (SIGUSR2, 0);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    say_told("caught at last");
}

/* ---- waiting for them ---- */

static void later(void)
{
    pause_ms(30);
    sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = 77});
}

static void wait_for_them(void)
{
    sigset_t s = set_of(SIGRTMIN, SIGUSR1, 0);
    siginfo_t info;
    struct timespec none = {0, 0}, soon = {0, 20000000}, wrong = {0, -1};
    sigprocmask(SIG_BLOCK, &s, NULL);
    said("nothing there", sigtimedwait(&s, &info, &none));
    said("nor soon", sigtimedwait(&s, &info, &soon));
    said("no time at all", sigtimedwait(&s, &info, &wrong));
    raise(SIGUSR1);
    say("there already: %d", sigwaitinfo(&s, &info) == SIGUSR1);
    pid_t pid = child(later);
    say("waited for: %d", sigwaitinfo(&s, &info) == SIGRTMIN);
    say("by %d, value %d, %s", info.si_pid == pid, info.si_value.sival_int, code_of(&info));
    say("it: %d", ended(pid));
    catch (SIGALRM, SA_RESTART);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
    said("another one ends the wait", sigwaitinfo(&s, &info));
    say_told("alarm");
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}

static void suspend(void)
{
    sigset_t s = set_of(SIGALRM, 0, 0), none;
    sigemptyset(&none);
    catch (SIGALRM, 0);
    sigprocmask(SIG_BLOCK, &s, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 10000}}, NULL);
    pause_ms(20);
    say("before: %d", count);
    said("sigsuspend", sigsuspend(&none));
    say("after: %d", count);
    sigprocmask(SIG_BLOCK, NULL, &s);
    say("blocked again: %d", sigismember(&s, SIGALRM));
    sigprocmask(SIG_SETMASK, &none, NULL);
    count = 0;
}

static void sleep_less(void)
{
    struct timespec all = {0, 300000000}, rest = {0, 0};
    catch (SIGALRM, SA_RESTART);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 100000}}, NULL);
    said("a sleep ends for a handler", nanosleep(&all, &rest));
    say("what is left is about right: %d", rest.tv_nsec > 0 && rest.tv_nsec < 290000000);
    count = 0;
}

static void stop_me(void)
{
    struct timespec all = {0, 600000000}, before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    long result = nanosleep(&all, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    say("slept %ld, the whole time and no longer: %d", result, ms >= 599 && ms < 950);
}

/* ---- children ---- */

static void exit_7(void)
{
    _exit(7);
}

static void stop_and_go_on(void)
{
    catch (SIGCHLD, SA_RESTART);
    pid_t pid = child(stop_me);
    int status;
    pause_ms(200);
    kill(pid, SIGSTOP);
    said("stopped", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
    pause_ms(200);
    kill(pid, SIGCONT);
    said("goes on", waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
    say("ended %d", ended(pid));
    for (int i = 0; i < count; i++)
        say("child %d: code %d, status %d, its own %d", i, told[i].si_code, told[i].si_status,
            told[i].si_pid == pid);
    count = 0;
}

static void hear_of_children(void)
{
    catch (SIGCHLD, SA_RESTART | SA_NOCLDSTOP);
    pid_t pid = child(exit_7);
    say("status %d", ended(pid));
    say("told: %d, code %d, status %d, it %d", count, told[0].si_code, told[0].si_status,
        told[0].si_pid == pid);
    count = 0;
    catch (SIGCHLD, SA_RESTART | SA_NOCLDWAIT);
    pid = child(exit_7);
    said("nobody to wait for", waitpid(pid, NULL, 0));
    say("but told: %d", count);
    count = 0;
    signal(SIGCHLD, SIG_IGN);
    pid = child(exit_7);
    said("nor where it is ignored", wait(NULL));
    signal(SIGCHLD, SIG_DFL);
}

/* ---- handlers ---- */

static volatile int calls, depth, deepest, on_stack;
static char stack[65536];

static void nest(int signal)
{
    stack_t now;
    sigaltstack(NULL, &now);
    on_stack = (now.ss_flags & SS_ONSTACK) != 0;
    if (++depth > deepest)
        deepest = depth;
    if (++calls < 3)
        raise(signal);
    depth--;
}

static void handler_flags(void)
{
    struct sigaction a = {.sa_handler = nest};
    for (int i = 0; i < 3; i++) {
        a.sa_flags = (int[]){0, (int)SA_NODEFER, (int)SA_ONSTACK}[i];
        deepest = calls = 0;
        sigaction(SIGUSR1, &a, NULL);
        if (i == 2)
            said("sigaltstack",
                 sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL));
        raise(SIGUSR1);
        say("flags %d: depth %d, on its stack %d", i, deepest, on_stack);
    }
    a.sa_flags = (int)SA_RESETHAND;
    a.sa_handler = SIG_IGN;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    a.sa_handler = nest;
    calls = 3;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &a);
    say("reset: %d", a.sa_handler == SIG_DFL);
    stack_t old;
    said("too small", sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 100}, NULL));
    said("wrong flags", sigaltstack(&(stack_t){.ss_sp = stack, .ss_flags = 8}, NULL));
    said("none", sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, &old));
    say("it was: %d %zu", old.ss_sp == stack, old.ss_size);
}

/* ---- timers ---- */

static void timers(void)
{
    timer_t id, silent;
    sigset_t s = set_of(SIGRTMIN + 2, 0, 0);
    struct sigevent e = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2, .sigev_value.sival_int = 4711};
    struct itimerspec i = {{0, 10000000}, {0, 10000000}}, left;
    siginfo_t info;
    sigprocmask(SIG_BLOCK, &s, NULL);
    said("timer_create", timer_create(CLOCK_MONOTONIC, &e, &id));
    said("timer_settime", timer_settime(id, 0, &i, NULL));
    pause_ms(55);
    say("its signal: %d", sigwaitinfo(&s, &info) == SIGRTMIN + 2);
    say("%s, value %d, some overruns: %d", code_of(&info), info.si_value.sival_int,
        info.si_overrun >= 3 && info.si_overrun <= 1000);
    say("the same: %d", timer_getoverrun(id) == info.si_overrun);
    i = (struct itimerspec){{0, 0}, {100, 0}};
    said("again", timer_settime(id, 0, &i, &left));
    say("it was each %ld ns", left.it_interval.tv_nsec);
    said("timer_gettime", timer_gettime(id, &left));
    say("left: %d", left.it_value.tv_sec == 99 || left.it_value.tv_sec == 100);
    i.it_value.tv_nsec = 1000000000;
    said("no such time", timer_settime(id, 0, &i, NULL));
    said("timer_delete", timer_delete(id));
    said("no such timer", timer_settime(id, 0, &left, NULL));
    said("no such clock", timer_create(77, &e, &silent));
    e.sigev_signo = 99;
    said("no such signal", timer_create(CLOCK_MONOTONIC, &e, &silent));
    e.sigev_notify = SIGEV_NONE;
    said("one that is silent", timer_create(CLOCK_REALTIME, &e, &silent));
    clock_gettime(CLOCK_REALTIME, &i.it_value);
    i.it_value.tv_sec += 50;
    said("until then", timer_settime(silent, TIMER_ABSTIME, &i, NULL));
    said("timer_gettime", timer_gettime(silent, &left));
    say("left: %d", left.it_value.tv_sec == 49 || left.it_value.tv_sec == 50);
    sigprocmask(SIG_UNBLOCK, &s, NULL);
}

static void the_alarm(void)
{
    struct itimerval old;
    said("alarm", alarm(100));
    say("was %u", alarm(50) == 100);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 5000}, {0, 5000}}, &old);
    say("was %ld", (long)(old.it_value.tv_sec + 1) / 10);
    catch (SIGALRM, SA_RESTART);
    for (int i = 0; i < 3; i++)
        pause();
    alarm(0);
    say("rang: %d, %s", count >= 3, code_of(&told[0]));
    said("a wrong one",
         setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 1000000}}, NULL));
    count = 0;
}

/* ---- a transfer that is interrupted ---- */

static void write_until_interrupted(void)
{
    int fd[2];
    static char bytes[200000];
    (void)!pipe(fd);
    catch (SIGALRM, 0);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
    said("a long write into a pipe", write(fd[1], bytes, sizeof bytes));
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 20000}}, NULL);
    said("another one", write(fd[1], bytes, 1));
    count = 0;
}

int main(void)
{
    self = getpid();
    queue_of_both_kinds();
    refuse();
    forget_what_is_ignored();
    wait_for_them();
    suspend();
    sleep_less();
    stop_and_go_on();
    hear_of_children();
    handler_flags();
    timers();
    the_alarm();
    write_until_interrupted();
    return 0;
}
