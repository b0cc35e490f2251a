/* twin.h - what the twins share: programs that are built for the host and for RISC-V, and say the
 * same under Linux and under Pagoda, line for line.
 *
 * A line is a name and what a call answered: a number, or the name of its error after a minus sign.
 * Nothing is said that differs between two runs on one system: no process's number, no address.
 */
#ifndef TWIN_H
#define TWIN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Each line at once, so that children's come in their order and none twice. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[512];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    line[n++] = '\n';
    (void)!write(1, line, (size_t)n);
}

/* "name: 3", or "name: -EBADF" where the result is -1. Returns it. */
static inline long said(const char *name, long result)
{
    if (result == -1)
        say("%s: -%s", name, strerrorname_np(errno));
    else
        say("%s: %ld", name, result);
    return result;
}

/* "name: 0", or "name: EINVAL", of a function that returns its error. */
static inline void said_error(const char *name, int error)
{
    say("%s: %s", name, error ? strerrorname_np(error) : "0");
}

static inline void pause_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* A child that calls `body` and ends; its number. */
static inline pid_t child(void (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(0);
    }
    return pid;
}

/* How it ended, as one number: its status, or 1000 and the signal. */
static inline int ended(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) != pid)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
