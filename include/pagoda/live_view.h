/* live_view.h - the numbers of a pager in another process, as it runs.
 *
 * A pager that was opened with `serve` listens on a Unix socket, pagoda-live.PID.N in
 * $XDG_RUNTIME_DIR, else in /tmp, that only its user may open; N tells the pagers of a process
 * apart. Who connects writes "stats" and a newline, as often as it likes, and reads one JSON object
 * a line (docs/formats/json.md, "The live view"). All numbers count from when the pager was opened:
 * what happened in an interval is the difference of two answers.
 */
#ifndef PAGODA_LIVE_VIEW_H
#define PAGODA_LIVE_VIEW_H

#include <pagoda/error.h>
#include <pagoda/live.h>

#define VM_LIVE_VIEWS_MAX 64 /* pagers of a process */

struct vm_live_told {
    int pid;
    unsigned pager; /* N of its socket */
    char policy[64], store[64];
    uint64_t at_ns; /* of the process's monotonic clock */
    struct vm_live_stats stats;
};

struct vm_live_view;

/* Pager `nth` of the process. Errors: VM_ESYSTEM (no such pager, not ours, not of that process). */
struct vm_live_view *vm_live_view_open(int pid, unsigned nth, struct vm_error *e);
/* Errors: VM_ESYSTEM (the pager is gone), VM_EINPUT (no answer of a pager's). */
bool vm_live_view_ask(struct vm_live_view *v, struct vm_live_told *out, struct vm_error *e);
void vm_live_view_close(struct vm_live_view *v); /* NULL is fine */

/* What happened from `a` to `b`: counts, times and at_ns are differences; what is a level (resident
 * pages, bytes of the store) is b's. Of the longest time only the bucket is known. */
void vm_live_between(const struct vm_live_told *a, const struct vm_live_told *b,
                     struct vm_live_told *out);

#endif
