/* live_text.c - what a pager of real memory did for a program, for people. */
#include "live/launch.h"
#include "report/words.h"

#include <pagoda/kernel.h>
#include <stdio.h>

struct sheet {
    FILE *out;
    const struct live_launch *l;
    struct vm_style style;
};

static void heading(const struct sheet *s, const char *text)
{
    fprintf(s->out, "%s%s%s\n", s->style.bold, text, s->style.end);
}

static void row(const struct sheet *s, const char *label, const char *text)
{
    fprintf(s->out, "  %-34s %15s\n", label, text);
}

static void count_row(const struct sheet *s, const char *label, uint64_t n)
{
    char text[32];
    row(s, label, vm_text_count(n, text, sizeof text));
}

static void bytes_row(const struct sheet *s, const char *label, uint64_t bytes)
{
    char text[32];
    row(s, label, vm_text_bytes(bytes, text, sizeof text));
}

static void time_row(const struct sheet *s, const char *label, uint64_t ns)
{
    char text[32];
    row(s, label, vm_text_ns((double)ns, text, sizeof text));
}

static void show_memory(const struct sheet *s)
{
    const struct vm_live_stats *n = &s->l->stats;
    heading(s, "Managed memory");
    bytes_row(s, "mapped, at most", s->l->calls.managed_bytes_most);
    bytes_row(s, "  at the end", s->l->calls.managed_bytes);
    bytes_row(s, "resident, limit", n->limit_pages * n->page_bytes);
    bytes_row(s, "  at the end", n->resident_pages * n->page_bytes);
    bytes_row(s, "in the store", n->store_bytes);
    count_row(s, "  pages", n->store_pages);
}

static void show_faults(const struct sheet *s)
{
    const struct vm_pager_counts *n = &s->l->stats.counts;
    heading(s, "Faults");
    count_row(s, "pages that were out", n->misses);
    count_row(s, "pages that were parked", n->soft_faults);
    count_row(s, "first writes to clean pages", n->dirty_faults);
    count_row(s, "pages that came as zeros", n->zero_fills);
    count_row(s, "pages that came from the store", n->loads);
    count_row(s, "  of both: along with another", n->ahead);
    count_row(s, "pages that left", n->evictions);
    count_row(s, "  written back", n->writebacks);
    count_row(s, "  of these: zeros, not stored", s->l->stats.zero_pages_unstored);
    if (s->l->stats.failures)
        count_row(s, "that failed (SIGBUS)", s->l->stats.failures);
}

static void show_times(const struct sheet *s)
{
    const struct vm_live_times *t = &s->l->stats.times;
    heading(s, "Time of a fault");
    time_row(s, "median", vm_live_percentile(t, 0.5));
    time_row(s, "99 of 100 are below", vm_live_percentile(t, 0.99));
    time_row(s, "longest", t->max_ns);
    time_row(s, "all together", t->sum_ns);
}

static void show_calls(const struct sheet *s)
{
    const struct live_call_counts *n = &s->l->calls;
    heading(s, "Program");
    count_row(s, "system calls", n->calls);
    count_row(s, "  with buffers in managed memory", n->pinned_calls);
    count_row(s, "mappings made in it", n->maps);
    count_row(s, "  given back", n->unmaps);
    if (n->threads)
        count_row(s, "threads started", n->threads);
    if (n->forks)
        count_row(s, "processes forked", n->forks);
}

void vm_report_live_text(FILE *out, const struct live_launch *l, int status, enum vm_colour colour)
{
    const struct sheet s = {out, l, vm_style(colour)};
    char ended[32];
    fprintf(out, "pagoda live: policy %s, store %s; the program ended: %s\n",
            l->policy[0] ? l->policy : VM_LIVE_POLICY, l->store[0] ? l->store : "lz4",
            vm_text_status(status, ended, sizeof ended));
    show_memory(&s);
    show_faults(&s);
    show_times(&s);
    show_calls(&s);
    if (l->stats.degraded[0])
        fprintf(out, "  %s\n", l->stats.degraded);
}
