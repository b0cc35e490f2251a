/* pending.c - signals that were sent and not yet delivered, of one thread or one process.
 *
 *      set:    a bit a signal
 *      first:  what is told of each, in the order in which they were sent
 *
 * Signals up to 31 are pending once: another one of the same is as if it had not been sent. Those
 * from SIGRTMIN on are queued, and leave the queue in order. What is queued of all programs is
 * bounded: a call that would queue a value then fails with EAGAIN; any other signal is pending
 * without what is told of it.
 *
 * Invariants
 *  1. What is queued has its bit set.
 *
 * Source: POSIX.1-2017, 2.4.1 and sigqueue; Linux, signal(7).
 */
#include "kernel/kernel.h"

#include <signal.h>
#include <stdlib.h>

struct queued_signal {
    struct signal_info info;
    struct queued_signal *next;
};

static signal_set bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static bool is_queued(int signal)
{
    return signal > 31;
}

int64_t vm_pending_add(struct kernel *k, struct pending *p, const struct signal_info *info)
{
    if (!is_queued(info->signal) && (p->set & bit(info->signal)))
        return 0;
    struct queued_signal *q = k->nqueued < SIGNALS_QUEUED_MAX ? calloc(1, sizeof *q) : NULL;
    if (!q && is_queued(info->signal) && info->code < 0)
        return -EAGAIN;
    p->set |= bit(info->signal);
    if (!q)
        return 0;
    struct queued_signal **link = &p->first;
    while (*link)
        link = &(*link)->next;
    q->info = *info;
    *link = q;
    k->nqueued++;
    return 0;
}

static void unlink_queued(struct kernel *k, struct queued_signal **link)
{
    struct queued_signal *q = *link;
    *link = q->next;
    free(q);
    k->nqueued--;
}

/* The link to the first one of `signal` from `link` on, or to the end. */
static struct queued_signal **find(struct queued_signal **link, int signal)
{
    while (*link && (*link)->info.signal != signal)
        link = &(*link)->next;
    return link;
}

void vm_pending_take(struct kernel *k, struct pending *p, int signal, struct signal_info *out)
{
    struct queued_signal **link = find(&p->first, signal);
    *out = (struct signal_info){.signal = signal};
    if (*link) {
        *out = (*link)->info;
        unlink_queued(k, link);
    }
    if (!*find(link, signal))
        p->set &= ~bit(signal);
}

void vm_pending_drop(struct kernel *k, struct pending *p, signal_set which)
{
    for (struct queued_signal **link = &p->first; *link;) {
        if (which & bit((*link)->info.signal))
            unlink_queued(k, link);
        else
            link = &(*link)->next;
    }
    p->set &= ~which;
}

struct signal_info *vm_pending_timer(struct pending *p, int signal, int timer)
{
    for (struct queued_signal *q = p->first; q; q = q->next)
        if (q->info.signal == signal && q->info.code == SI_TIMER && q->info.timer.id == timer)
            return &q->info;
    return NULL;
}
