/* waiting.c - see waiting.h. */
#include "cli/waiting.h"

#include <limits.h>
#include <pagoda/params.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define INTERVAL_NS_MIN 1000000

void waiting_begin(struct waiting *w, int pid)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    w->interrupt = signalfd(-1, &set, SFD_CLOEXEC);
    w->process = (int)syscall(SYS_pidfd_open, pid, 0);
}

bool waiting_pass(const struct waiting *w, uint64_t ns)
{
    struct pollfd end[2] = {{.fd = w->process, .events = POLLIN},
                            {.fd = w->interrupt, .events = POLLIN}};
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                            .tv_nsec = (long)(ns % 1000000000)};
    return ppoll(end, 2, &time, NULL) == 0;
}

void waiting_end(struct waiting *w)
{
    if (w->process >= 0)
        close(w->process);
    if (w->interrupt >= 0)
        close(w->interrupt);
}

bool parse_pid(const char *text, int *pid, struct vm_error *e)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*text && !*end && n > 0 && n <= INT_MAX) {
        *pid = (int)n;
        return true;
    }
    return vm_fail(e, VM_EUSAGE, "\"%s\" is no process: expected its number", text);
}

bool parse_interval(const char *text, const char *fallback, uint64_t *ns, struct vm_error *e)
{
    if (!vm_parse_time(text ? text : fallback, "--interval", ns, e))
        return false;
    return *ns >= INTERVAL_NS_MIN ||
           vm_fail(e, VM_EUSAGE, "--interval %s: expected 1ms at least", text);
}
