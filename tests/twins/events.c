/* events.c - a twin: counts, timers and signals as descriptors, and who waits for many of them. */
#include "twin.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static long long_read(int f)
{
    uint64_t n = 0;
    ssize_t got = read(f, &n, sizeof n);
    return got == sizeof n ? (long)n : got;
}

static long add(int f, uint64_t n)
{
    return write(f, &n, sizeof n);
}

static int is_ready(int f, int events)
{
    struct pollfd p = {.fd = f, .events = (short)events};
    poll(&p, 1, 0);
    return p.revents;
}

static void counts(void)
{
    int f = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    char small[4];
    said("close on exec", fcntl(f, F_GETFD));
    said("what it begins with", long_read(f));
    said("nothing", long_read(f));
    said("add", add(f, 5));
    said("and more", add(f, 6));
    said("all of it", long_read(f));
    said("too much", add(f, UINT64_MAX));
    said("all that goes", add(f, UINT64_MAX - 1));
    said("ready", is_ready(f, POLLIN | POLLOUT));
    said("no more", add(f, 1));
    said("a short read", read(f, small, sizeof small));
    said("a short write", write(f, small, sizeof small));
    said("one", long_read(s));
    said("one", long_read(s));
    said("none", long_read(s));
    said("ready", is_ready(s, POLLIN | POLLOUT));
    said("flags", eventfd(0, 2));
    close(f);
    close(s);
}

static int shared;

static void add_later(void)
{
    pause_ms(30);
    add(shared, 7);
}

static void wait_for_a_count(void)
{
    shared = eventfd(0, 0);
    pid_t pid = child(add_later);
    said("waited for", long_read(shared));
    ended(pid);
    close(shared);
}

static void timers(void)
{
    int f = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec often = {{0, 5000000}, {0, 5000000}}, old;
    said("not set", long_read(f));
    said("set", timerfd_settime(f, 0, &often, NULL));
    said("not yet", is_ready(f, POLLIN));
    pause_ms(28);
    said("ready", is_ready(f, POLLIN));
    say("some times: %d", long_read(f) >= 4);
    fcntl(f, F_SETFL, 0);
    say("waits: %d", long_read(f) >= 1);
    said("no more", timerfd_settime(f, 0, &(struct itimerspec){0}, &old));
    say("it was %ld", old.it_interval.tv_nsec);
    said("gettime", timerfd_gettime(f, &old));
    say("%ld %ld", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
    clock_gettime(CLOCK_MONOTONIC, &often.it_value);
    often.it_interval.tv_nsec = 0;
    said("at a moment that was", timerfd_settime(f, TFD_TIMER_ABSTIME, &often, NULL));
    said("at once", long_read(f));
    said("write", add(f, 1));
    said("no such clock", timerfd_create(99, 0));
    said("flags", timerfd_create(CLOCK_MONOTONIC, 1));
    said("no timer", timerfd_settime(0, 0, &often, NULL) == -1);
    often.it_value.tv_nsec = -1;
    said("no such time", timerfd_settime(f, 0, &often, NULL));
    close(f);
}

static void send_later(void)
{
    pause_ms(30);
    sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = 9});
}

static void signals(void)
{
    sigset_t set;
    struct signalfd_siginfo info[3];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGCHLD);
    int f = signalfd(-1, &set, SFD_NONBLOCK);
    said("nothing", read(f, info, sizeof info));
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 4});
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
    raise(SIGUSR1);
    said("ready", is_ready(f, POLLIN));
    said("all", read(f, info, sizeof info) / (long)sizeof info[0]);
    for (int i = 0; i < 3; i++)
        say("%d: %d, code %d, value %d", i, info[i].ssi_signo == SIGUSR1, info[i].ssi_code,
            info[i].ssi_int);
    fcntl(f, F_SETFL, 0);
    pid_t pid = child(send_later);
    said("waited for", read(f, info, sizeof info[0]) / (long)sizeof info[0]);
    say("%d, from it: %d", info[0].ssi_int, info[0].ssi_pid == (uint32_t)pid);
    pause_ms(20);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    said("another set", signalfd(f, &set, 0) == f);
    said("the child's end", read(f, info, sizeof info[0]) / (long)sizeof info[0]);
    say("%d %d %d", info[0].ssi_signo == SIGCHLD, info[0].ssi_code, info[0].ssi_status);
    ended(pid);
    said("too small", read(f, info, 100));
    said("of another kind", signalfd(1, &set, 0) == -1);
    said("flags", signalfd(-1, &set, 1));
    close(f);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- epoll ---- */

static int epoll, fd[2];

static long control(int what, int file, uint32_t events, uint64_t data)
{
    struct epoll_event e = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, what, file, &e);
}

static void wait_once(const char *name, int most, int ms)
{
    struct epoll_event e[8];
    int n = epoll_wait(epoll, e, most, ms);
    said(name, n);
    for (unsigned long data = 0; data < 400; data++) /* in which order is nobody's promise */
        for (int i = 0; i < n; i++)
            if (e[i].data.u64 == data)
                say("  %#x of %lu", e[i].events, data);
}

static void levels(void)
{
    char bytes[10];
    epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)!pipe(fd);
    said("add", control(EPOLL_CTL_ADD, fd[0], EPOLLIN, 100));
    wait_once("nothing", 8, 0);
    wait_once("nothing for a while", 8, 10);
    (void)!write(fd[1], "abc", 3);
    wait_once("ready", 8, -1);
    wait_once("still", 8, 0);
    said("modify", control(EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 101));
    wait_once("once", 8, 0);
    wait_once("no more", 8, 0);
    said("modify", control(EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLET, 102));
    wait_once("an edge", 8, 0);
    wait_once("no other", 8, 0);
    (void)!write(fd[1], "d", 1);
    wait_once("another", 8, 0);
    said("read", read(fd[0], bytes, 10));
    (void)!write(fd[1], "d", 1);
    wait_once("and one that came in between", 8, 0);
    said("add the other end", control(EPOLL_CTL_ADD, fd[1], EPOLLOUT, 200));
    wait_once("it", 8, 0);
    said("delete", control(EPOLL_CTL_DEL, fd[1], 0, 0));
    wait_once("nothing", 8, 0);
}

static void mistakes(void)
{
    int file = open("file", O_RDWR | O_CREAT, 0600), second = epoll_create1(0);
    struct epoll_event e[2];
    said("twice", control(EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
    said("not there", control(EPOLL_CTL_MOD, fd[1], EPOLLIN, 1));
    said("nor to delete", control(EPOLL_CTL_DEL, fd[1], EPOLLIN, 1));
    said("a file", control(EPOLL_CTL_ADD, file, EPOLLIN, 1));
    said("itself", control(EPOLL_CTL_ADD, epoll, EPOLLIN, 1));
    said("nothing", control(EPOLL_CTL_ADD, 99, EPOLLIN, 1));
    said("no such thing", control(9, fd[0], EPOLLIN, 1));
    said("no place", epoll_ctl(epoll, EPOLL_CTL_ADD, fd[1], NULL));
    said("to one that is none", epoll_ctl(fd[0], EPOLL_CTL_ADD, fd[1], e));
    said("nowhere to tell", epoll_wait(epoll, e, 0, 0));
    said("of one that is none", epoll_wait(fd[0], e, 2, 0));
    said("of nothing", epoll_wait(99, e, 2, 0));
    said("flags", epoll_create1(1));
    said("nested", control(EPOLL_CTL_ADD, second, EPOLLIN, 300));
    e[0].events = EPOLLIN;
    said("in a circle", epoll_ctl(second, EPOLL_CTL_ADD, epoll, e));
    said("below",
         epoll_ctl(second, EPOLL_CTL_ADD, fd[1], &(struct epoll_event){.events = EPOLLOUT}));
    wait_once("by way of it", 8, 0);
    close(second);
    wait_once("closed", 8, 0);
    close(file);
}

static void write_later(void)
{
    pause_ms(30);
    (void)!write(fd[1], "x", 1);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void wait_for_many(void)
{
    int count = eventfd(1, 0), copy;
    char bytes[10];
    while (is_ready(fd[0], POLLIN))
        (void)!read(fd[0], bytes, sizeof bytes);
    control(EPOLL_CTL_MOD, fd[0], EPOLLIN, 1);
    control(EPOLL_CTL_ADD, count, EPOLLIN, 2);
    wait_once("one of two", 1, 0);
    (void)!write(fd[1], "x", 1);
    wait_once("two", 8, 0);
    (void)!read(fd[0], bytes, sizeof bytes);
    long_read(count);
    pid_t pid = child(write_later);
    wait_once("one that is written later", 8, -1);
    ended(pid);
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &a, NULL);
    (void)!read(fd[0], bytes, sizeof bytes);
    alarm(1);
    wait_once("a signal ends the wait", 8, -1);
    copy = dup(count);
    add(count, 1);
    close(count);
    wait_once("one of its descriptors is left", 8, 0);
    close(copy);
    wait_once("none", 8, 0);
    close(fd[1]);
    wait_once("the pipe's writer is gone", 8, -1);
}

int main(void)
{
    counts();
    wait_for_a_count();
    timers();
    signals();
    levels();
    mistakes();
    wait_for_many();
    return 0;
}
