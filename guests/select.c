/* select.c - lesson: waiting for whichever comes first of several things, and for no longer.
 *
 * Two pipes, of which one has bytes later; an end that can be written at once; a time; a signal
 * that is let through only while the program waits, so that it cannot come just before.
 *
 * Try:  pagoda run --trace syscalls,signals -- guests/select
 * See:  pselect6 and ppoll sleep; the write of the child ends the sleep, or the time, or the alarm.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;

static void count(int signal)
{
    (void)signal;
    alarms++;
}

/* Which of two descriptors can be read within so many milliseconds, as bits; -1: errno. */
static int readable(const int fd[2], long ms, const sigset_t *mask)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd[0], &set);
    FD_SET(fd[1], &set);
    if (pselect((fd[0] > fd[1] ? fd[0] : fd[1]) + 1, &set, NULL, NULL, &time, mask) < 0)
        return -1;
    return FD_ISSET(fd[0], &set) | FD_ISSET(fd[1], &set) << 1;
}

static void wait_for_child(int first[2], int second[2])
{
    const int fd[2] = {first[0], second[0]};
    char byte;
    printf("nothing there: %d\n", readable(fd, 20, NULL));
    fflush(stdout);
    if (fork() == 0) {
        usleep(20000);
        exit(write(second[1], "x", 1) != 1);
    }
    printf("the second: %d\n", readable(fd, 60000, NULL));
    printf("read %zd\n", read(second[0], &byte, 1));
    wait(NULL);
}

static void wait_for_room(int end)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(end, &set);
    printf("room at once: %d\n", select(end + 1, NULL, &set, NULL, NULL));
    close(end);
    FD_SET(end, &set);
    printf("closed: %d, %d\n", select(end + 1, NULL, &set, NULL, NULL), errno == EBADF);
}

static void wait_for_alarm(const int fd[2])
{
    struct sigaction action = {.sa_handler = count};
    sigset_t blocked, open;
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGALRM);
    printf("kept back: %d\n", (int)alarms);
    int answer = readable(fd, 60000, &open);
    printf("let through: %d, %d, %d\n", answer, errno == EINTR, (int)alarms);
    raise(SIGALRM);
    struct pollfd p = {fd[0], POLLIN, 0};
    answer = ppoll(&p, 1, NULL, &open);
    printf("by ppoll too: %d, %d, %d\n", answer, errno == EINTR, (int)alarms);
    raise(SIGALRM);
    printf("kept back again: %d\n", (int)alarms);
}

int main(void)
{
    int first[2], second[2];
    if (pipe(first) != 0 || pipe(second) != 0)
        return 1;
    wait_for_child(first, second);
    wait_for_alarm((const int[2]){first[0], second[0]});
    wait_for_room(first[1]);
    return 0;
}
