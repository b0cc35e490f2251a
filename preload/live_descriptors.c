/* live_descriptors.c - the pager's descriptors among the program's.
 *
 * They have numbers above those that programs give to theirs: while the pager opens, and again in a
 * child of fork, the numbers below are taken. To the program they are closed, and stay open: it may
 * close all that it does not know, and could not be paged any more.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define HIGH     900 /* select(2) ends at 1024, and limits often do */
#define LOW      64  /* where there are few */
#define OURS_MAX 64

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int ours_from;    /* the pager's are in [ours_from, ours_from + OURS_MAX) */
static uint64_t is_ours; /* a bit each */

static int open_none(void)
{
    return (int)live_call(SYS_openat, (unsigned long)AT_FDCWD, (unsigned long)"/dev/null",
                          O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

void live_descriptors_take(struct live_taken *t)
{
    struct rlimit most = {.rlim_cur = 0};
    live_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (unsigned long)&most, 0, 0);
    ours_from = most.rlim_cur >= HIGH + OURS_MAX ? HIGH : LOW;
    is_ours = 0;
    t->n = 0;
    for (int fd = open_none(); fd >= 0; fd = open_none()) {
        if (fd >= ours_from || t->n == LIVE_TAKEN_MAX) {
            live_call(SYS_close, (unsigned long)fd, 0, 0, 0, 0, 0);
            break;
        }
        t->fd[t->n++] = fd;
    }
    for (int i = 0; i < OURS_MAX; i++) /* the program's own, that are as high */
        if (live_call(SYS_fcntl, (unsigned long)(ours_from + i), F_GETFD, 0, 0, 0, 0) >= 0)
            is_ours |= UINT64_C(1) << i;
}

void live_descriptors_give(const struct live_taken *t)
{
    for (int i = 0; i < OURS_MAX; i++)
        if (live_call(SYS_fcntl, (unsigned long)(ours_from + i), F_GETFD, 0, 0, 0, 0) >= 0)
            is_ours ^= UINT64_C(1) << i;
    for (int i = 0; i < t->n; i++)
        live_call(SYS_close, (unsigned long)t->fd[i], 0, 0, 0, 0, 0);
}

static bool is_one(unsigned long fd)
{
    unsigned long i = fd - (unsigned long)ours_from;
    return i < OURS_MAX && (is_ours >> i & 1);
}

static enum live_done closed(struct live_call *c)
{
    c->result = -EBADF;
    return LIVE_DONE;
}

/* All but ours, from one of them to the next. */
static enum live_done close_range_call(struct live_call *c)
{
    unsigned long from = (unsigned)c->arg[0], last = (unsigned)c->arg[1];
    unsigned long end = (unsigned long)ours_from + OURS_MAX;
    if (from > last || last < (unsigned long)ours_from || from >= end)
        return LIVE_PASS;
    c->result = 0;
    for (unsigned long fd = (unsigned long)ours_from; fd < end && c->result == 0; fd++) {
        if (!is_one(fd) || fd < from || fd > last)
            continue;
        if (from < fd)
            c->result = live_call(c->number, from, fd - 1, c->arg[2], 0, 0, 0);
        from = fd + 1;
    }
    if (c->result == 0 && from <= last)
        c->result = live_call(c->number, from, last, c->arg[2], 0, 0, 0);
    return LIVE_DONE;
}

enum live_done live_descriptors_call(struct live_call *c)
{
    switch (c->number) {
    case SYS_close:
    case SYS_dup:
        return is_one(c->arg[0]) ? closed(c) : LIVE_PASS;
    case SYS_dup2:
    case SYS_dup3:
        return is_one(c->arg[0]) || is_one(c->arg[1]) ? closed(c) : LIVE_PASS;
    case SYS_close_range:
        return close_range_call(c);
    default:
        return LIVE_PASS;
    }
}
