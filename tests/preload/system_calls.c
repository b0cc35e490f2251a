/* system_calls.c - a program whose buffers, stacks, locks and arguments of every kind lie in one
 * large mapping, of which nothing is in memory when the kernel is given it (MADV_PAGEOUT, which
 * `pagoda live` heeds at once, and Linux when it likes). It says what is wrong, and "fine" at its
 * end; by itself it must say so, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("line %d: not so: %s (errno %d)\n", __LINE__, #what, errno);                    \
            fflush(stdout);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#define PAGE  ((size_t)4096)
#define BYTES ((size_t)3 << 20)

extern char **environ;
static char *memory; /* BYTES + BYTES */

static void send_away(void *at, size_t bytes)
{
    uintptr_t from = (uintptr_t)at & ~(PAGE - 1);
    madvise((void *)from, ((uintptr_t)at + bytes - from + PAGE - 1) & ~(PAGE - 1), MADV_PAGEOUT);
}

static void *away(void *at, size_t bytes)
{
    send_away(at, bytes);
    return at;
}

static void fill(char *at, size_t bytes, unsigned seed)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(i * 31 + i / PAGE + seed);
}

static bool is_filled(const char *at, size_t bytes, unsigned seed)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != (char)(i * 31 + i / PAGE + seed))
            return false;
    return true;
}

static char *map(size_t bytes, int protection)
{
    char *at = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

/* ---- files ---- */

static void files(void)
{
    int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *other = memory + BYTES;
    fill(memory, BYTES, 1);
    CHECK(write(fd, away(memory, BYTES), BYTES) == (ssize_t)BYTES);
    memset(other, 0, BYTES);
    CHECK(pread(fd, away(other, BYTES), BYTES, 0) == (ssize_t)BYTES);
    CHECK(is_filled(other, BYTES, 1));
    CHECK(lseek(fd, -100, SEEK_END) == (off_t)BYTES - 100);
    CHECK(read(fd, away(other, BYTES), BYTES) == 100);
    CHECK(read(fd, other, BYTES) == 0);
    CHECK(pwrite(fd, away(memory + 5, BYTES), BYTES - 5, 7) == (ssize_t)BYTES - 5);
    CHECK(pread(fd, other, 10, 7) == 10 && !memcmp(other, memory + 5, 10));
    CHECK(syscall(SYS_pread64, fd, 8, 10, 0) == -1 && errno == EFAULT);
    close(fd);
}

static void vectors(void)
{
    int fd = open("vectors", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *other = memory + BYTES, small[64] = "small";
    struct iovec *v = (struct iovec *)memory;
    fill(memory + 2 * PAGE, BYTES - 2 * PAGE, 2);
    v[0] = (struct iovec){memory + 2 * PAGE, BYTES / 2};
    v[1] = (struct iovec){small, sizeof small};
    v[2] = (struct iovec){memory + 2 * PAGE + BYTES / 2, 100};
    ssize_t all = (ssize_t)(BYTES / 2 + sizeof small + 100);
    CHECK(writev(fd, away(v, BYTES), 3) == all);
    struct iovec back[2] = {{other, 3}, {away(other + PAGE, BYTES - PAGE), BYTES - PAGE}};
    CHECK(preadv(fd, back, 2, 0) == all);
    CHECK(other[0] == memory[2 * PAGE] &&
          !memcmp(other + PAGE, memory + 2 * PAGE + 3, BYTES / 2 - 3));
    CHECK(!memcmp(other + PAGE + BYTES / 2 - 3, "small", 6));
    CHECK(!memcmp(other + PAGE + BYTES / 2 - 3 + 64, memory + 2 * PAGE + BYTES / 2, 100));
    close(fd);
}

static void names(void)
{
    struct stat *s = (struct stat *)(memory + 10 * PAGE - 8);
    char *name = memory + 20 * PAGE - 3, *text = memory + 30 * PAGE - 3;
    strcpy(name, "data");
    send_away(memory, 40 * PAGE);
    CHECK(stat(name, s) == 0 && s->st_size >= (off_t)BYTES);
    strcpy(text, "a name");
    send_away(memory, 40 * PAGE);
    CHECK(symlink(text, "link") == 0);
    memset(text, 0, 10);
    CHECK(readlink("link", away(text, PAGE), 100) == 6 && !memcmp(text, "a name", 6));
    CHECK(getcwd(away(text, PAGE), PAGE) == text && text[0] == '/');
    CHECK(syscall(SYS_getrandom, away(text, 10 * PAGE), 200, 0) == 200);
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    CHECK(syscall(SYS_getdents64, fd, away(text, 10 * PAGE), 10 * PAGE) > 100);
    close(fd);
}

/* ---- pipes and sockets ---- */

static void *drain(void *argument)
{
    int fd = *(int *)argument;
    size_t sum = 0;
    char *at = memory + BYTES;
    for (ssize_t n; (n = read(fd, away(at + sum, 100), BYTES - sum)) > 0;)
        sum += (size_t)n;
    return (void *)sum;
}

static void pipes(void)
{
    int ends[2];
    pthread_t thread;
    void *sum;
    CHECK(pipe(ends) == 0);
    fill(memory, BYTES, 3);
    CHECK(pthread_create(&thread, NULL, drain, &ends[0]) == 0);
    CHECK(write(ends[1], away(memory, BYTES), BYTES) == (ssize_t)BYTES);
    close(ends[1]);
    CHECK(pthread_join(thread, &sum) == 0 && (size_t)sum == BYTES);
    CHECK(is_filled(memory + BYTES, BYTES, 3));
    close(ends[0]);
}

struct parcel {
    struct msghdr m;
    struct iovec v[2];
    char control[CMSG_SPACE(sizeof(int))];
};

static struct parcel *parcel(char *at, char *data)
{
    struct parcel *p = (struct parcel *)at;
    memset(p, 0, sizeof *p);
    p->v[0] = (struct iovec){data, 5};
    p->v[1] = (struct iovec){data + PAGE, PAGE};
    p->m = (struct msghdr){.msg_iov = p->v,
                           .msg_iovlen = 2,
                           .msg_control = p->control,
                           .msg_controllen = sizeof p->control};
    return p;
}

static void sockets(int type)
{
    int ends[2], got;
    CHECK(socketpair(AF_UNIX, type, 0, ends) == 0);
    char *there = memory + BYTES;
    fill(memory, 8 * PAGE, 4);
    struct parcel *out = parcel(memory + 10 * PAGE, memory);
    struct cmsghdr *h = CMSG_FIRSTHDR(&out->m);
    *h = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(h), &ends[0], sizeof(int));
    send_away(memory, 20 * PAGE);
    CHECK(sendmsg(ends[0], &out->m, 0) == 5 + (ssize_t)PAGE);
    struct parcel *in = parcel(there + 10 * PAGE, there);
    send_away(there, 20 * PAGE);
    CHECK(recvmsg(ends[1], &in->m, 0) == 5 + (ssize_t)PAGE);
    CHECK(!memcmp(there, memory, 5) && !memcmp(there + PAGE, memory + PAGE, PAGE));
    CHECK(in->m.msg_controllen == CMSG_LEN(sizeof(int)) ||
          in->m.msg_controllen == sizeof in->control);
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&in->m)), sizeof got);
    CHECK(fcntl(got, F_GETFD) >= 0);
    close(got);
    CHECK(send(ends[1], away(memory, PAGE), 100, 0) == 100);
    CHECK(recv(ends[0], away(there + 3 * PAGE, PAGE), PAGE, 0) == 100);
    CHECK(!memcmp(memory, there + 3 * PAGE, 100));
    close(ends[0]);
    close(ends[1]);
}

static void many_messages(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    struct mmsghdr *m = (struct mmsghdr *)memory;
    struct iovec *v = (struct iovec *)(memory + PAGE);
    for (int round = 0; round < 2; round++) {
        memset(m, 0, PAGE);
        for (int i = 0; i < 5; i++) {
            char *at = memory + (size_t)(10 + 2 * i + 20 * round) * PAGE;
            v[i] = (struct iovec){at, 10 + (size_t)i};
            m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1};
            if (round == 0)
                fill(at, 20, (unsigned)i);
        }
        send_away(memory, 60 * PAGE);
        CHECK((round ? recvmmsg(ends[1], m, 5, 0, NULL) : sendmmsg(ends[0], m, 5, 0)) == 5);
        for (unsigned i = 0; i < 5; i++)
            CHECK(m[i].msg_len == 10 + i);
    }
    for (unsigned i = 0; i < 5; i++)
        CHECK(is_filled(memory + (30 + 2 * i) * PAGE, 10 + i, i));
    close(ends[0]);
    close(ends[1]);
}

static void waits(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    struct pollfd *p = (struct pollfd *)(memory + 2 * PAGE - 4);
    *p = (struct pollfd){ends[0], POLLIN, 0};
    CHECK(poll(away(p, PAGE), 1, -1) == 1 && p->revents == POLLIN);
    sigset_t *mask = (sigset_t *)(memory + 20 * PAGE);
    struct timespec *t = (struct timespec *)(memory + 22 * PAGE);
    sigfillset(mask);
    *t = (struct timespec){1, 0};
    p->revents = 0;
    send_away(memory, 30 * PAGE);
    CHECK(ppoll(p, 1, t, mask) == 1 && p->revents == POLLIN);
    fd_set *set = (fd_set *)(memory + 6 * PAGE - 8);
    FD_ZERO(set);
    FD_SET(ends[0], set);
    send_away(memory, 30 * PAGE);
    CHECK(pselect(ends[0] + 1, set, NULL, NULL, t, mask) == 1 && FD_ISSET(ends[0], set));
    int poller = epoll_create1(0);
    struct epoll_event *e = (struct epoll_event *)(memory + 12 * PAGE - 4);
    *e = (struct epoll_event){.events = EPOLLIN, .data.fd = 77};
    CHECK(epoll_ctl(poller, EPOLL_CTL_ADD, ends[0], away(e, PAGE)) == 0);
    memset(e, 0, sizeof *e);
    send_away(memory, 30 * PAGE);
    CHECK(epoll_pwait(poller, e, 4, -1, mask) == 1 && e->data.fd == 77);
    close(poller);
    close(ends[0]);
    close(ends[1]);
}

/* ---- signals ---- */

static sigjmp_buf jump;
static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
    caught = signal;
}

static void on_jump(int signal)
{
    caught = signal;
    siglongjmp(jump, 1);
}

static void on_info(int signal, siginfo_t *info, void *context)
{
    (void)context;
    caught = info->si_addr ? signal : -signal;
    siglongjmp(jump, 1);
}

static void handle(int signal, void (*handler)(int), int flags)
{
    struct sigaction *a = (struct sigaction *)(memory + 2 * PAGE - 16), *before = a + 10;
    memset(a, 0, sizeof *a);
    a->sa_handler = handler;
    a->sa_flags = flags;
    sigfillset(&a->sa_mask);
    send_away(memory, 4 * PAGE);
    CHECK(sigaction(signal, a, before) == 0);
}

static void masks(void)
{
    sigset_t *all = (sigset_t *)(memory + 4 * PAGE - 8), *before = (sigset_t *)(memory + 8 * PAGE);
    handle(SIGUSR1, on_signal, 0);
    sigfillset(all);
    send_away(memory, 10 * PAGE);
    CHECK(sigprocmask(SIG_SETMASK, all, before) == 0);
    CHECK(!sigismember(before, SIGUSR1));
    fill(away(memory + BYTES, 50 * PAGE), 50 * PAGE, 9); /* faults while all are blocked */
    CHECK(is_filled(away(memory + BYTES, 50 * PAGE), 50 * PAGE, 9));
    caught = 0;
    raise(SIGUSR1);
    CHECK(!caught);
    sigfillset(all);
    sigdelset(all, SIGUSR1);
    CHECK(sigsuspend(away(all, PAGE)) == -1 && errno == EINTR && caught == SIGUSR1);
    caught = 0;
    raise(SIGUSR1);
    int *which = (int *)(memory + 12 * PAGE);
    sigemptyset(all);
    sigaddset(all, SIGUSR1);
    send_away(memory, 14 * PAGE);
    CHECK(sigwait(all, which) == 0 && *which == SIGUSR1 && !caught);
    CHECK(sigprocmask(SIG_SETMASK, away(before, PAGE), NULL) == 0);
}

/* Signals that the pager or the dispatcher wants, wanted by the program, too. */
static void their_signals(void)
{
    struct sigaction a = {.sa_sigaction = on_info, .sa_flags = SA_SIGINFO}, before, got;
    int fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(file != MAP_FAILED);
    CHECK(sigaction(SIGBUS, &a, &before) == 0 && before.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGBUS, NULL, &got) == 0 && got.sa_sigaction == on_info);
    caught = 0;
    if (!sigsetjmp(jump, 1))
        CHECK(*(volatile char *)file && false);
    CHECK(caught == SIGBUS);
    fill(away(memory, 50 * PAGE), 50 * PAGE, 5);
    CHECK(is_filled(away(memory, 50 * PAGE), 50 * PAGE, 5));
    handle(SIGSYS, on_signal, 0);
    caught = 0;
    raise(SIGSYS);
    CHECK(caught == SIGSYS);
    CHECK(sigaction(SIGBUS, &before, NULL) == 0);
    munmap(file, PAGE);
    close(fd);
}

static void interrupted(void)
{
    int ends[2];
    struct itimerval soon = {.it_value = {0, 20000}};
    CHECK(pipe(ends) == 0);
    handle(SIGALRM, on_signal, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK(read(ends[0], away(memory, PAGE), PAGE) == -1 && errno == EINTR);
    handle(SIGALRM, on_jump, 0);
    for (int i = 0; i < 40; i++) { /* what was pinned must not stay so */
        soon.it_value.tv_usec = 2000;
        setitimer(ITIMER_REAL, &soon, NULL);
        if (!sigsetjmp(jump, 1)) {
            read(ends[0], away(memory + (size_t)i * 16 * PAGE, 16 * PAGE), 16 * PAGE);
            CHECK(false);
        }
    }
    CHECK(write(ends[1], away(memory, 16 * PAGE), 16 * PAGE) == (ssize_t)(16 * PAGE));
    close(ends[0]);
    close(ends[1]);
}

static void timers_and_faults(void)
{
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    handle(SIGALRM, on_signal, SA_RESTART);
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned round = 0; round < 10; round++) {
        fill(memory, BYTES, round);
        CHECK(is_filled(memory, BYTES, round));
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

static void stacks(void)
{
    stack_t s = {.ss_sp = memory + BYTES, .ss_size = 16 * PAGE}, before = {0}, now = {0};
    CHECK(sigaltstack(&s, &before) == 0 && (before.ss_flags & SS_DISABLE));
    CHECK(sigaltstack(NULL, &now) == 0 && now.ss_sp == s.ss_sp && now.ss_size == s.ss_size);
    handle(SIGUSR2, on_signal, SA_ONSTACK);
    caught = 0;
    send_away(memory + BYTES, 16 * PAGE);
    raise(SIGUSR2);
    CHECK(caught == SIGUSR2);
    s.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&s, NULL) == 0);
}

/* ---- threads ---- */

static struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char between[PAGE];
    int turn;
} * shared;

static void *take_turns(void *argument)
{
    int self = argument != NULL;
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&shared->lock);
        while (shared->turn % 2 != self)
            pthread_cond_wait(&shared->changed, &shared->lock);
        shared->turn++;
        pthread_cond_broadcast(&shared->changed);
        pthread_mutex_unlock(&shared->lock);
        if (i % 8 == 0)
            send_away(shared, sizeof *shared);
    }
    return NULL;
}

static void locks(void)
{
    pthread_t a, b;
    shared = (struct shared *)(memory + PAGE - 40);
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->changed, NULL);
    shared->turn = 0;
    CHECK(pthread_create(&a, NULL, take_turns, NULL) == 0);
    CHECK(pthread_create(&b, NULL, take_turns, shared) == 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    CHECK(shared->turn == 400);
    send_away(shared, sizeof *shared);
    CHECK(syscall(SYS_futex, &shared->turn, 0, 5, NULL, NULL, 0) == -1 && errno == EAGAIN);
    send_away(shared, sizeof *shared);
    CHECK(syscall(SYS_futex, &shared->turn, 1, 5, NULL, NULL, 0) == 0);
}

static int deep(int n)
{
    volatile char room[PAGE];
    room[0] = (char)n;
    return n ? deep(n - 1) + room[0] - (char)n + 1 : (int)getppid() * 0;
}

static void *on_managed_stack(void *argument)
{
    char text[100] = "";
    int fd = open("data", O_RDONLY);
    int sum = deep(100);
    send_away((void *)((uintptr_t)text - 110 * PAGE), 100 * PAGE);
    sum += deep(100);
    sum += read(fd, text, sizeof text) == sizeof text;
    close(fd);
    return argument == memory ? (void *)(intptr_t)sum : NULL;
}

static void stacks_of_threads(void)
{
    pthread_attr_t a;
    pthread_t thread;
    void *result;
    pthread_attr_init(&a);
    CHECK(pthread_attr_setstack(&a, memory + BYTES, 200 * PAGE) == 0);
    for (int i = 0; i < 3; i++) {
        send_away(memory + BYTES, 200 * PAGE);
        CHECK(pthread_create(&thread, &a, on_managed_stack, memory) == 0);
        CHECK(pthread_join(thread, &result) == 0 && (intptr_t)result == 201);
    }
}

static ucontext_t back, there;

static void in_context(void)
{
    CHECK(on_managed_stack(memory) == (void *)201);
}

static void contexts(void)
{
    CHECK(getcontext(&there) == 0);
    there.uc_stack = (stack_t){.ss_sp = memory + BYTES, .ss_size = 200 * PAGE};
    there.uc_link = &back;
    makecontext(&there, in_context, 0);
    CHECK(swapcontext(&back, &there) == 0);
}

static void *read_for_ever(void *argument)
{
    char *at = argument;
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(read(ends[0], at, 100) == 100);
    return NULL;
}

static void cancelled(void)
{
    char *buffer[2] = {memory, NULL}, own[100];
    buffer[1] = own;
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, read_for_ever, buffer[i]) == 0);
        usleep(20000);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
}

/* ---- processes ---- */

static int status_of(pid_t child)
{
    int *status = (int *)(memory + 300 * PAGE);
    CHECK(waitpid(child, away(status, 4), 0) == child);
    return WIFEXITED(*status) ? WEXITSTATUS(*status) : -WTERMSIG(*status);
}

static _Atomic bool is_over;

static void *touch_for_ever(void *argument)
{
    const size_t bytes = 150 * PAGE; /* two of them do not fit */
    char *at = map(bytes, PROT_READ | PROT_WRITE);
    for (unsigned round = 0; !is_over; round++) {
        fill(at, bytes, round);
        CHECK(is_filled(at, bytes, round));
    }
    munmap(at, bytes);
    return argument;
}

/* Processes, while threads fault. */
static void forks_beside_threads(void)
{
    pthread_t thread[2];
    is_over = false;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&thread[i], NULL, touch_for_ever, NULL) == 0);
    fill(memory, 100 * PAGE, 15);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            bool fine = is_filled(memory, 100 * PAGE, 15);
            fill(memory, 100 * PAGE, 16);
            _exit(fine && is_filled(away(memory, 100 * PAGE), 100 * PAGE, 16) ? 0 : 1);
        }
        CHECK(status_of(child) == 0);
    }
    is_over = true;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
}

static void forks(void)
{
    fill(memory + BYTES, BYTES, 11);
    send_away(memory + BYTES, BYTES / 2);
    fflush(stdout);
    for (unsigned i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            CHECK(is_filled(memory + BYTES, BYTES, 11));
            fill(memory + BYTES, BYTES, 12);
            send_away(memory + BYTES, BYTES);
            CHECK(is_filled(memory + BYTES, BYTES, 12));
            if (i == 1) { /* a child's child */
                child = fork();
                if (child == 0)
                    _exit(is_filled(memory + BYTES, BYTES, 12) ? 42 : 1);
                CHECK(status_of(child) == 42);
            }
            _exit(40 + (int)i);
        }
        memory[BYTES + i] = (char)(i * 31 + 11);
        CHECK(status_of(child) == 40 + (int)i);
    }
    CHECK(is_filled(memory + BYTES, BYTES, 11));
}

static void programs(void)
{
    char **argv = (char **)(memory + 10 * PAGE), *name = memory + 20 * PAGE - 4;
    strcpy(name, "/bin/sh");
    argv[0] = name;
    argv[1] = strcpy(memory + 30 * PAGE - 1, "-c");
    argv[2] = strcpy(memory + 40 * PAGE - 8, "exit $((40 + ${#0}))");
    argv[3] = strcpy(memory + 50 * PAGE - 2, "four");
    argv[4] = NULL;
    send_away(memory, 60 * PAGE);
    pid_t child = vfork();
    if (child == 0) {
        close_range(3, ~0U, 0);
        execv(name, argv);
        _exit(1);
    }
    CHECK(status_of(child) == 44);
    send_away(memory, 60 * PAGE);
    struct sigaction own = {.sa_handler = on_signal}, got; /* which the child resets for itself */
    CHECK(sigaction(SIGBUS, &own, NULL) == 0);
    CHECK(posix_spawn(&child, name, NULL, NULL, argv, environ) == 0);
    CHECK(status_of(child) == 44);
    CHECK(sigaction(SIGBUS, NULL, &got) == 0 && got.sa_handler == on_signal);
    strcpy(name, "/none");
    CHECK(posix_spawn(&child, name, NULL, NULL, argv, environ) == ENOENT);
    CHECK(WEXITSTATUS(system(away(strcpy(name, "exit 5"), 10))) == 5);
    CHECK(!getenv("PAGODA_LIVE"));
    for (int fd = 3; fd < 2000; fd++)
        close(fd);
    CHECK(system("test -z \"$PAGODA_LIVE$LD_PRELOAD\"") == 0);
}

/* ---- mappings ---- */

static bool touches(volatile char *at)
{
    struct sigaction a = {.sa_handler = on_jump}, before;
    caught = 0;
    sigaction(SIGSEGV, &a, &before);
    if (!sigsetjmp(jump, 1))
        *at = 1;
    sigaction(SIGSEGV, &before, NULL);
    return caught != SIGSEGV;
}

static void protections(void)
{
    char *at = map(BYTES, PROT_NONE);
    CHECK(!touches(at));
    CHECK(mmap(at + 16 * PAGE, BYTES / 2, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + 16 * PAGE);
    fill(at + 16 * PAGE, BYTES / 2, 6);
    CHECK(!touches(at + 15 * PAGE) && !touches(at + 16 * PAGE + BYTES / 2));
    CHECK(mprotect(at + 32 * PAGE, 16 * PAGE, PROT_READ) == 0);
    send_away(at + 16 * PAGE, BYTES / 2);
    CHECK(is_filled(at + 16 * PAGE, BYTES / 2, 6));
    CHECK(!touches(at + 40 * PAGE) && touches(at + 48 * PAGE));
    CHECK(mprotect(at + 32 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE) == 0 &&
          touches(at + 40 * PAGE));
    CHECK(munmap(at + 64 * PAGE, 16 * PAGE) == 0);
    CHECK(!touches(at + 64 * PAGE) && touches(at + 63 * PAGE) && touches(at + 80 * PAGE));
    CHECK(munmap(at, BYTES) == 0 && !touches(at + 48 * PAGE));
    at = map(BYTES, PROT_READ | PROT_WRITE);
    for (size_t i = 0; i < BYTES; i += PAGE)
        CHECK(at[i] == 0);
    munmap(at, BYTES);
}

static void moves(void)
{
    char *at = map(BYTES, PROT_READ | PROT_WRITE);
    fill(at, BYTES, 7);
    send_away(at, BYTES);
    at = mremap(at, BYTES, 3 * BYTES, MREMAP_MAYMOVE);
    CHECK(at != MAP_FAILED && is_filled(at, BYTES, 7));
    fill(at, 3 * BYTES, 8);
    CHECK(at[3 * BYTES - 1] == (char)((3 * BYTES - 1) * 31 + (3 * BYTES - 1) / PAGE + 8));
    char *blocking = map(BYTES, PROT_READ | PROT_WRITE);
    at = mremap(at, 3 * BYTES, 40 * BYTES, MREMAP_MAYMOVE);
    CHECK(at != MAP_FAILED && is_filled(at, 3 * BYTES, 8) && at[39 * BYTES] == 0);
    CHECK(mremap(at, 40 * BYTES, BYTES, 0) == at && is_filled(at, BYTES, 8));
    CHECK(!touches(at + BYTES));
    munmap(blocking, BYTES);
    munmap(at, BYTES);
}

static void advice(void)
{
    char *at = map(BYTES, PROT_READ | PROT_WRITE);
    unsigned char *in = (unsigned char *)(memory + 3 * PAGE - 10);
    fill(at, BYTES, 10);
    CHECK(madvise(at + PAGE, PAGE, MADV_DONTNEED) == 0);
    CHECK(at[PAGE] == 0 && at[2 * PAGE - 1] == 0 && at[PAGE - 1] != 0);
    CHECK(is_filled(at, PAGE, 10) && at[2 * PAGE] == (char)(2 * PAGE * 31 + 2 + 10));
    fill(at, BYTES, 10);
    CHECK(madvise(at + 12 * PAGE, 24 * PAGE, MADV_DONTNEED) == 0);
    CHECK(is_filled(at, 12 * PAGE, 10) && at[12 * PAGE] == 0 && at[36 * PAGE - 1] == 0);
    CHECK(at[36 * PAGE] == (char)(36 * PAGE * 31 + 36 + 10));
    CHECK(mincore(at, 20 * PAGE, away(in, 20)) == 0);
    CHECK(madvise(at, BYTES, MADV_WILLNEED) == 0 && madvise(at, BYTES, MADV_SEQUENTIAL) == 0);
    munmap(at, BYTES);
}

static void files_in_the_middle(void)
{
    char *at = map(BYTES, PROT_READ | PROT_WRITE);
    int fd = open("data", O_RDONLY);
    char first[16];
    CHECK(pread(fd, first, sizeof first, 0) == sizeof first);
    fill(at, BYTES, 13);
    CHECK(mmap(at + 16 * PAGE, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) ==
          at + 16 * PAGE);
    CHECK(!memcmp(at + 16 * PAGE, first, sizeof first));
    send_away(at, 16 * PAGE);
    CHECK(is_filled(at, 16 * PAGE, 13) && at[32 * PAGE] == (char)(32 * PAGE * 31 + 32 + 13));
    CHECK(munmap(at, BYTES) == 0);
    close(fd);
    at = malloc(8 * BYTES); /* malloc's own mappings */
    fill(at, 8 * BYTES, 14);
    CHECK((at = realloc(at, 9 * BYTES)) && is_filled(at, 8 * BYTES, 14));
    free(at);
}

int main(void)
{
    memory = map(2 * BYTES, PROT_READ | PROT_WRITE);
    files();
    vectors();
    names();
    pipes();
    sockets(SOCK_STREAM);
    sockets(SOCK_DGRAM);
    many_messages();
    waits();
    masks();
    their_signals();
    interrupted();
    timers_and_faults();
    stacks();
    locks();
    stacks_of_threads();
    contexts();
    cancelled();
    forks();
    forks_beside_threads();
    protections();
    moves();
    advice();
    files_in_the_middle();
    programs();
    puts("fine");
    return 0;
}
