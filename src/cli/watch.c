/* watch.c - `pagoda watch`: the working set of a running process. */
#include "cli/charts.h"
#include "cli/waiting.h"

#include <pagoda/watch.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL     "1s"
#define GROWS_COUNT  8 /* windows: the last is 128 intervals */
#define COUNT_MAX    1000000
#define GROWTH_LIMIT 40

/* One run of the command. */
struct session {
    struct vm_watch *watch;
    struct vm_watching seen;
    struct vm_watch_sample *sample;
    size_t capacity;
    uint64_t count; /* of samples; 0: until the process ends, or an interrupt */
    enum vm_watch_detail detail;
    bool is_json;
    struct waiting waiting;
};

/* ---- samples ---- */

static bool keep(struct session *s, const struct vm_watch_sample *sample, struct vm_error *e)
{
    if (s->seen.nsamples == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 64;
        struct vm_watch_sample *more = realloc(s->sample, capacity * sizeof *more);
        if (!more)
            return vm_fail(e, VM_ESYSTEM, "no memory for %zu samples", capacity);
        s->seen.sample = s->sample = more;
        s->capacity = capacity;
    }
    s->sample[s->seen.nsamples++] = *sample;
    if (!s->is_json)
        vm_report_watch_row(stdout, sample, s->detail);
    return s->is_json || stdout_finish(e);
}

/* A process that ends while it is looked at is no error. */
static bool mark(struct session *s, struct vm_error *e)
{
    s->seen.is_over = !vm_watch_mark(s->watch, e);
    return !s->seen.is_over || vm_watch_is_over(s->watch);
}

static bool look(struct session *s, struct vm_error *e)
{
    struct vm_watch_sample sample;
    s->seen.is_over = !vm_watch_look(s->watch, &sample, e);
    return s->seen.is_over ? vm_watch_is_over(s->watch) : keep(s, &sample, e);
}

static bool watch_windows(struct session *s, struct vm_error *e)
{
    for (uint64_t i = 0; (!s->count || i < s->count); i++) {
        if (!mark(s, e))
            return false;
        if (s->seen.is_over || !waiting_pass(&s->waiting, s->seen.interval_ns))
            break;
        if (!look(s, e))
            return false;
        if (s->seen.is_over)
            break;
    }
    s->seen.is_over |= vm_watch_is_over(s->watch);
    return true;
}

/* One mark; looks after 1, 2, 4, 8 ... intervals. */
static bool watch_growing(struct session *s, struct vm_error *e)
{
    uint64_t waited = 0, count = s->count ? s->count : GROWS_COUNT;
    if (!mark(s, e))
        return false;
    for (uint64_t i = 0; i < count && !s->seen.is_over; i++) {
        uint64_t until = s->seen.interval_ns << i;
        if (!waiting_pass(&s->waiting, until - waited))
            break;
        waited = until;
        if (!look(s, e))
            return false;
    }
    s->seen.is_over |= vm_watch_is_over(s->watch);
    return true;
}

/* ---- the report ---- */

static bool tell(const struct args *a, struct session *s, struct vm_error *e)
{
    struct vm_charts charts = {0};
    bool done = true;
    if (s->is_json && !vm_report_watch_json(stdout, &s->seen, e))
        return false;
    if (!s->is_json)
        vm_report_watch_end(stdout, &s->seen, stdout_colour());
    if (s->seen.nsamples > 1 && (!s->is_json || charts_asked(a))) {
        done = vm_report_watch_charts(&s->seen, &charts, e);
        if (done && !s->is_json) {
            putchar('\n');
            done = charts_print(charts.chart, charts.n, e);
        }
        done = done && (!charts_asked(a) ||
                        charts_write(a, s->seen.info.command, charts.chart, charts.n, e));
        vm_charts_free(&charts);
    }
    return done && stdout_finish(e);
}

/* ---- the command line ---- */

static bool parse(const struct args *a, struct session *s, struct vm_error *e)
{
    const char *interval = args_value(a, "interval"), *count = args_value(a, "count");
    s->seen.grows = args_has(a, "curve");
    s->detail = args_has(a, "maps") ? VM_WATCH_BY_KIND : VM_WATCH_WHOLE;
    s->is_json = args_has(a, "json");
    if (!parse_interval(interval, INTERVAL, &s->seen.interval_ns, e) ||
        (count && !vm_parse_count(count, "--count", &s->count, e)))
        return false;
    if (s->count > (s->seen.grows ? GROWTH_LIMIT : COUNT_MAX))
        return vm_fail(e, VM_EUSAGE, "--count %s: expected %d at most", count,
                       s->seen.grows ? GROWTH_LIMIT : COUNT_MAX);
    return true;
}

static bool watch(const struct args *a, struct session *s, struct vm_error *e)
{
    vm_watch_info(s->watch, &s->seen.info);
    waiting_begin(&s->waiting, s->seen.info.pid);
    if (!s->is_json)
        vm_report_watch_head(stdout, &s->seen.info, s->detail, stdout_colour());
    bool done = (s->seen.grows ? watch_growing(s, e) : watch_windows(s, e)) && tell(a, s, e);
    waiting_end(&s->waiting);
    return done;
}

static bool run_watch(const struct args *a, struct vm_error *e)
{
    struct session s = {0};
    int pid;
    const char *process = args_operand(a, "the number of a process", e);
    const char *method = args_value(a, "method");
    if (!process || !parse_pid(process, &pid, e) || !parse(a, &s, e))
        return false;
    s.watch = vm_watch_open(pid, method && strcmp(method, "auto") != 0 ? method : NULL, e);
    bool done = s.watch && watch(a, &s, e);
    free(s.sample);
    vm_watch_close(s.watch);
    return done;
}

static const struct flag flags[] = {
    {"interval", 'i', "TIME", "how long a window is", INTERVAL},
    {"count", 'n', "N", "how many windows; without it until the process ends, or Ctrl-C", NULL},
    {"curve", 0, NULL, "mark once, and look after 1, 2, 4, 8 ... intervals (8 times)", NULL},
    {"maps", 0, NULL, "by kind of mapping, too: heap, anon, stack, file, shared", NULL},
    {"method", 0, "auto|clear-refs|idle|pagemap-scan", "how touched pages are seen", "auto"},
    CHART_FLAGS,
    {0}};

const struct command command_watch = {
    .name = "watch",
    .usage = "PID",
    .summary = "the working set of a running process, without paging it",
    .about =
        "The processor marks each page that is touched. The marks are cleared, a window of time\n"
        "passes, and they are read: what was touched is the working set of that window. With\n"
        "--curve there is one mark, and windows that grow: how the working set grows with its\n"
        "window tells how much memory is needed to keep faults rare.\n\n"
        "clear-refs sees what the process itself touched (its owner may, and root); idle sees\n"
        "frames, and disturbs reclaim least (root, a kernel that has it); pagemap-scan sees what\n"
        "was written. What watching did to the process is told at the end, as measured.\n\n"
        "  pagoda watch $(pidof redis-server) --count 10\n"
        "  pagoda watch 4711 --curve --interval 100ms --maps",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_watch,
};
