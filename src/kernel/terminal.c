/* terminal.c - the host's terminal, where Pagoda's standard input is one: whose turn it is there.
 *
 *     Ctrl-C --> the host's driver: SIGINT to Pagoda --> a descriptor --> the foreground group
 *
 * Pagoda does not take such signals itself: it has them kept for it (signalfd), looks after every
 * timer interrupt and where it waits, and passes them on. So no handler runs in the middle of
 * anything, and Ctrl-C ends a program and not the machine under it. Lines, echo and which key
 * means what are the host's driver's work; programs change its settings through Pagoda.
 *
 * Invariants
 *  1. What the settings were at the start, they are at the end, however the programs ended.
 *  2. Without a terminal no signal of Pagoda's is touched.
 *
 * Source: POSIX.1-2017, 11.1 General Terminal Interface; termios(3), ioctl_tty(2).
 * Not here: several terminals, a session without one, the host's hanging up (it ends Pagoda).
 */
#include "kernel/kernel.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
    int kept;            /* a descriptor: signals that the host sent; -1: no terminal */
    uint32_t foreground; /* a process group; 0: nobody has said, so the first process's */
    sigset_t before;     /* Pagoda's mask */
    struct termios settings;
};

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};

bool vm_terminal_open(struct kernel *k, struct vm_error *e)
{
    sigset_t set;
    struct terminal *t = k->terminal = calloc(1, sizeof *k->terminal);
    if (!t)
        return vm_fail(e, VM_ESYSTEM, "no memory for a kernel's files");
    t->kept = -1;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &t->settings) != 0)
        return true;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
        sigaddset(&set, passed_on[i]);
    if (sigprocmask(SIG_BLOCK, &set, &t->before) != 0)
        return vm_fail(e, VM_ESYSTEM, "signals of the terminal: %s", strerror(errno));
    t->kept = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return t->kept >= 0 || vm_fail(e, VM_ESYSTEM, "signals of the terminal: %s", strerror(errno));
}

void vm_terminal_close(struct kernel *k)
{
    struct terminal *t = k->terminal;
    struct signalfd_siginfo late; /* too late for a program, and not Pagoda's either */
    if (t && t->kept >= 0) {
        while (read(t->kept, &late, sizeof late) == sizeof late)
            ;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &t->settings);
        sigprocmask(SIG_SETMASK, &t->before, NULL);
        close(t->kept);
    }
    free(t);
}

int vm_terminal_kept(const struct kernel *k)
{
    return k->terminal->kept;
}

/* ---- the foreground ---- */

static uint32_t foreground(const struct kernel *k)
{
    return k->terminal->foreground ? k->terminal->foreground : k->first ? k->first->pgid : 0;
}

/* Nobody outside the group could continue it, if it stopped. */
static bool is_orphaned(const struct kernel *k, uint32_t group)
{
    for (const struct process *p = k->processes; p; p = p->next)
        if (p->pgid == group && p->parent && p->parent->pgid != group && p->parent->sid == p->sid)
            return false;
    return true;
}

static void signal_group(struct kernel *k, uint32_t group, int signal)
{
    for (struct process *p = k->processes; p; p = p->next)
        if (p->pgid == group)
            vm_signal_process(k, p, signal);
}

void vm_terminal_interrupts(struct kernel *k)
{
    struct signalfd_siginfo info;
    while (k->terminal->kept >= 0 && read(k->terminal->kept, &info, sizeof info) == sizeof info) {
        uint32_t group = foreground(k);
        if (info.ssi_signo != SIGTSTP || !is_orphaned(k, group))
            signal_group(k, group, (int)info.ssi_signo);
    }
}

int64_t vm_terminal_may_read(struct kernel *k, struct thread *t)
{
    const struct process *p = t->process;
    const signal_set ttin = UINT64_C(1) << (SIGTTIN - 1);
    if (k->terminal->kept < 0 || p->pgid == foreground(k))
        return 0;
    if ((t->blocked & ttin) || p->action[SIGTTIN].handler == (vm_va)(uintptr_t)SIG_IGN ||
        is_orphaned(k, p->pgid))
        return -EIO;
    signal_group(k, p->pgid, SIGTTIN);
    return vm_thread_sleep(k, t, p, VM_TIME_NEVER);
}

/* ---- requests ---- */

/* As Linux's generic table has them: the C library's own TCGETS is of another struct termios. */
enum {
    REQUEST_TCGETS = 0x5401,
    REQUEST_TCSETS = 0x5402,
    REQUEST_TCSETSW = 0x5403,
    REQUEST_TCSETSF = 0x5404,
    REQUEST_TCSBRK = 0x5409,
    REQUEST_TCFLSH = 0x540b,
    REQUEST_SCTTY = 0x540e,
    REQUEST_GPGRP = 0x540f,
    REQUEST_SPGRP = 0x5410,
    REQUEST_WINSIZE = 0x5413,
    REQUEST_INQ = 0x541b,
    REQUEST_GSID = 0x5429,
};
#define TERMIOS_BYTES 36 /* 4 words, a line and 19 characters */

/* The host's answer, or what the program wants to be so, of at most 64 bytes. */
static int64_t ask(struct kernel *k, struct thread *t, int fd, uint64_t request, vm_va at,
                   uint64_t bytes)
{
    uint8_t data[64] = {0};
    return ioctl(fd, request, data) != 0 ? -errno : vm_user_write(k, t, at, data, bytes);
}

static int64_t demand(struct kernel *k, struct thread *t, int fd, uint64_t request, vm_va at)
{
    uint8_t data[64] = {0};
    if (vm_user_read(k, t, data, at, TERMIOS_BYTES))
        return -EFAULT;
    return ioctl(fd, request, data) != 0 ? -errno : 0;
}

static int64_t answer(struct kernel *k, struct thread *t, vm_va at, uint32_t number)
{
    return vm_user_write(k, t, at, &number, sizeof number);
}

int64_t vm_terminal_ioctl(struct kernel *k, struct thread *t, int fd, uint64_t request, vm_va at)
{
    switch (request) {
    case REQUEST_TCGETS:
        return ask(k, t, fd, request, at, TERMIOS_BYTES);
    case REQUEST_TCSETS:
    case REQUEST_TCSETSW:
    case REQUEST_TCSETSF:
        return demand(k, t, fd, request, at);
    case REQUEST_WINSIZE:
        return ask(k, t, fd, request, at, sizeof(struct winsize));
    case REQUEST_INQ:
        return ask(k, t, fd, request, at, sizeof(uint32_t));
    case REQUEST_TCSBRK:
    case REQUEST_TCFLSH:
        return ioctl(fd, request, (long)at) != 0 ? -errno : 0;
    case REQUEST_SCTTY: /* it is everybody's already */
        return 0;
    case REQUEST_GPGRP:
        return answer(k, t, at, foreground(k));
    case REQUEST_SPGRP:
        return vm_user_read(k, t, &k->terminal->foreground, at, sizeof(uint32_t));
    case REQUEST_GSID:
        return answer(k, t, at, t->process->sid);
    default:
        return -ENOTTY;
    }
}
