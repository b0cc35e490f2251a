/* top.c - `pagoda top`: what the pagers of a process do, as they run. */
#include "cli/cli.h"
#include "cli/keys.h"
#include "cli/waiting.h"

#include <pagoda/live_view.h>
#include <stdlib.h>

#define INTERVAL "1s"

struct session {
    int pid;
    uint64_t interval_ns, count; /* count 0: until the process ends, or an interrupt */
    size_t n;
    struct vm_live_view *view[VM_LIVE_VIEWS_MAX];
    struct vm_live_told *before; /* [n] */
    bool is_json, is_screen;
    struct waiting waiting;
};

static bool open_views(struct session *s, struct vm_error *e)
{
    struct vm_error none;
    while (s->n < VM_LIVE_VIEWS_MAX &&
           (s->view[s->n] = vm_live_view_open(s->pid, (unsigned)s->n, s->n ? &none : e)))
        s->n++;
    if (!s->n)
        return false;
    s->before = calloc(s->n, sizeof *s->before);
    if (!s->before)
        return vm_fail(e, VM_ESYSTEM, "no memory for %zu pagers", s->n);
    for (size_t i = 0; i < s->n; i++)
        if (!vm_live_view_ask(s->view[i], &s->before[i], e))
            return false;
    return true;
}

static bool show(const struct session *s, const struct vm_live_told *during, struct vm_error *e)
{
    if (s->is_json)
        return vm_report_top_json(stdout, during, e);
    vm_report_top_row(stdout, during);
    return true;
}

/* Whether the pagers are still there; false: they are gone, or *failed. */
static bool show_interval(struct session *s, bool *failed, struct vm_error *e)
{
    if (s->is_screen) {
        printf("\033[H\033[J");
        vm_report_top_head(stdout, stdout_colour());
    }
    for (size_t i = 0; i < s->n; i++) {
        struct vm_live_told now, during;
        if (!vm_live_view_ask(s->view[i], &now, e))
            return false;
        vm_live_between(&s->before[i], &now, &during);
        s->before[i] = now;
        *failed = !show(s, &during, e);
        if (*failed)
            return false;
    }
    *failed = !stdout_finish(e);
    return !*failed;
}

static bool run_views(struct session *s, struct vm_error *e)
{
    bool failed = false, there = true;
    if (!s->is_json)
        vm_report_top_head(stdout, stdout_colour());
    for (uint64_t i = 0; there && (!s->count || i < s->count); i++)
        there = waiting_pass(&s->waiting, s->interval_ns) && show_interval(s, &failed, e);
    return !failed && stdout_finish(e);
}

static bool run_top(const struct args *a, struct vm_error *e)
{
    struct session s = {.is_json = args_has(a, "json")};
    const char *process = args_operand(a, "the number of a process", e);
    const char *count = args_value(a, "count");
    if (!process || !parse_pid(process, &s.pid, e) ||
        !parse_interval(args_value(a, "interval"), INTERVAL, &s.interval_ns, e) ||
        (count && !vm_parse_count(count, "--count", &s.count, e)))
        return false;
    s.is_screen = !s.is_json && stdout_colour() == VM_COLOUR_ANSI;
    waiting_begin(&s.waiting, s.pid);
    bool done = open_views(&s, e) && run_views(&s, e);
    waiting_end(&s.waiting);
    for (size_t i = 0; i < s.n; i++)
        vm_live_view_close(s.view[i]);
    free(s.before);
    return done;
}

static const struct flag flags[] = {
    {"interval", 'i', "TIME", "how long a row's interval is", INTERVAL},
    {"count", 'n', "N", "how many; without it until the process ends, or Ctrl-C", NULL},
    {0}};

const struct command command_top = {
    .name = "top",
    .usage = "PID",
    .summary = "what the pagers of a process do, as they run",
    .about =
        "A row a pager and interval: what is resident and may be; faults a second, of pages that\n"
        "were out (misses), parked (soft), new (zero); pages that came along; pages written; how\n"
        "long faults took in this interval; faults that ended in SIGBUS; what the store holds, "
        "and\n"
        "how many times less that is than its pages.\n\n"
        "The process has to offer its numbers: `pagoda live` does, and a program that opens a\n"
        "pager with .serve = VM_LIVE_SERVE_OWNER. On a terminal rows are drawn in place; --json\n"
        "prints an object a line.\n\n"
        "  pagoda top $(pidof redis-server)\n"
        "  pagoda top 4711 --interval 100ms --count 50 --json",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_top,
};
