/* thrash_text.c - how a machine bears several programs, for people: a row a degree, the processes
 * of the last one, and in words where it thrashes.
 */
#include "report/words.h"

#include <pagoda/thrash.h>

struct sheet {
    FILE *out;
    const struct vm_thrash *t;
    struct vm_style style;
};

/* ---- by degree ---- */

/* Columns of a table with a row a degree: once, or twice if an admission has runs of its own. */
struct table {
    size_t ncolumns;
    const char *column[4];
    void (*cells)(const struct sheet *s, const struct vm_mix_result *r);
};
#define COLUMN_WIDTH 10

/* `beside`: further columns. */
static void head(const struct sheet *s, const struct table *t, const char *beside)
{
    int side_width = (int)t->ncolumns * (COLUMN_WIDTH + 1) + 1;
    if (s->t->limited)
        fprintf(s->out, "%s%13s%-*s%s%s\n", s->style.dim, "", side_width + 2, "  all at once",
                s->t->admission, s->style.end);
    fprintf(s->out, "%s  %-9s", s->style.dim, "processes");
    for (int side = 0; side < (s->t->limited ? 2 : 1); side++)
        for (size_t i = 0; i < t->ncolumns; i++)
            fprintf(s->out, "%s%*s", i ? " " : "  ", COLUMN_WIDTH, t->column[i]);
    fprintf(s->out, "%s%s\n", beside, s->style.end);
}

static void row(const struct sheet *s, const struct table *t, const struct vm_thrash_point *p)
{
    fprintf(s->out, "  %-9zu", p->degree);
    t->cells(s, &p->free);
    if (s->t->limited)
        t->cells(s, &p->admitted);
}

static void rows(const struct sheet *s, const struct table *t)
{
    head(s, t, "");
    for (size_t i = 0; i < s->t->npoints; i++) {
        row(s, t, &s->t->point[i]);
        fputc('\n', s->out);
    }
}

/* ---- how busy, how fast ---- */

static void use_cells(const struct sheet *s, const struct vm_mix_result *r)
{
    char useful[32], elapsed[32];
    fprintf(s->out, "  %10s %10.3f %10s", vm_text_share(vm_mix_useful(r), 1, useful, sizeof useful),
            vm_mix_fault_rate(r), vm_text_ns((double)r->time.now_ns, elapsed, sizeof elapsed));
}

static uint64_t suspensions(const struct vm_mix_result *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += r->process[i].suspensions;
    return n;
}

static void uses(const struct sheet *s)
{
    static const struct table t = {3, {"processor", "faults", "elapsed"}, use_cells};
    head(s, &t, s->t->limited ? "  at once  suspensions" : "");
    for (size_t i = 0; i < s->t->npoints; i++) {
        const struct vm_mix_result *r = &s->t->point[i].admitted;
        row(s, &t, &s->t->point[i]);
        if (s->t->limited)
            fprintf(s->out, "  %7llu  %11llu", (unsigned long long)r->admitted_max,
                    (unsigned long long)suspensions(r));
        fputc('\n', s->out);
    }
    fprintf(s->out,
            "%s  processor: its time for programs, of elapsed time; faults: pages read back for "
            "1000 references%s\n",
            s->style.dim, s->style.end);
}

/* ---- when it thrashes ---- */

static void detected_cells(const struct sheet *s, const struct vm_mix_result *r)
{
    const struct vm_detected *d = &r->detected;
    char first[32] = "-", lasted[32] = "-";
    if (d->times) {
        vm_text_ns((double)d->first_ns, first, sizeof first);
        vm_text_ns((double)d->lasted_ns, lasted, sizeof lasted);
    }
    fprintf(s->out, "  %10s %10s %10llu %10.3f", first, lasted, (unsigned long long)d->times,
            d->rate_peak);
}

static void detections(const struct sheet *s)
{
    static const struct table t = {4, {"first", "lasted", "times", "peak rate"}, detected_cells};
    char window[32];
    fprintf(s->out, "\n%sThrashing, detected by %s over windows of %s%s\n", s->style.bold,
            s->t->detection, vm_text_ns((double)s->t->window_ns, window, sizeof window),
            s->style.end);
    rows(s, &t);
    fprintf(s->out,
            "%s  first: when a window was first above the high mark; lasted: until one was below "
            "the low mark, in all\n  rate: %s%s\n",
            s->style.dim, s->t->detection_unit, s->style.end);
}

/* ---- the devices ---- */

static void device_cells(const struct sheet *s, const struct vm_mix_result *r,
                         enum vm_swap_level level)
{
    char busy[32], queued[32], requests[32];
    const struct vm_queue_counts *c = &r->device[level];
    uint64_t n = c->requests[VM_TRANSFER_READ] + c->requests[VM_TRANSFER_WRITE];
    fprintf(s->out, "  %10s %10s %10s", vm_text_count(n, requests, sizeof requests),
            vm_text_share((double)c->busy_ns, (double)r->time.now_ns, busy, sizeof busy),
            vm_text_ns(n ? (double)c->queued_ns / (double)n : 0, queued, sizeof queued));
}

static void fast_cells(const struct sheet *s, const struct vm_mix_result *r)
{
    device_cells(s, r, VM_SWAP_FAST);
}

static void slow_cells(const struct sheet *s, const struct vm_mix_result *r)
{
    device_cells(s, r, VM_SWAP_SLOW);
}

static void device(const struct sheet *s, const char *which,
                   void (*cells)(const struct sheet *s, const struct vm_mix_result *r))
{
    const struct table t = {3, {"requests", "busy", "queued"}, cells};
    fprintf(s->out, "\n%sThe %sswap device%s\n", s->style.bold, which, s->style.end);
    rows(s, &t);
}

static bool is_used(const struct vm_queue_counts *c)
{
    return c->requests[VM_TRANSFER_READ] + c->requests[VM_TRANSFER_WRITE] > 0;
}

/* Whether pages went to a slow device in some run. */
static bool spills(const struct vm_thrash *t)
{
    for (size_t i = 0; i < t->npoints; i++)
        if (is_used(&t->point[i].free.device[VM_SWAP_SLOW]) ||
            is_used(&t->point[i].admitted.device[VM_SWAP_SLOW]))
            return true;
    return false;
}

static void devices(const struct sheet *s)
{
    bool both = spills(s->t);
    device(s, both ? "fast " : "", fast_cells);
    if (both)
        device(s, "slow ", slow_cells);
    fprintf(s->out,
            "%s  busy: some request was under way, of elapsed time; queued: what a request waited "
            "for others%s\n",
            s->style.dim, s->style.end);
}

/* ---- by process ---- */

static void process_row(const struct sheet *s, size_t i, const struct vm_process_result *p)
{
    char refs[32], majors[32], blocked[32], done[32], set[32];
    fprintf(s->out, "  %-7zu %14s %12s %10llu %10llu %12s %12s %12s\n", i + 1,
            vm_text_count(p->refs, refs, sizeof refs),
            vm_text_count(p->majors, majors, sizeof majors), (unsigned long long)p->dispatches,
            (unsigned long long)p->suspensions,
            vm_text_ns((double)p->blocked_ns, blocked, sizeof blocked),
            p->working_set_peak ? vm_text_count(p->working_set_peak, set, sizeof set) : "-",
            vm_text_ns((double)p->done_ns, done, sizeof done));
}

/* Of two swap devices, what the slow one did. */
static void slow_share(const struct sheet *s, const struct vm_mix_result *r)
{
    const uint64_t *fast = r->device[VM_SWAP_FAST].bytes, *slow = r->device[VM_SWAP_SLOW].bytes;
    double percent[VM_TRANSFERS];
    if (slow[VM_TRANSFER_READ] + slow[VM_TRANSFER_WRITE] == 0)
        return;
    for (int kind = 0; kind < VM_TRANSFERS; kind++)
        percent[kind] =
            slow[kind] ? 100.0 * (double)slow[kind] / (double)(fast[kind] + slow[kind]) : 0;
    fprintf(s->out, "%s  of all pages the slow swap device read %.1f %% and wrote %.1f %%%s\n",
            s->style.dim, percent[VM_TRANSFER_READ], percent[VM_TRANSFER_WRITE], s->style.end);
}

static void processes(const struct sheet *s)
{
    const struct vm_mix_result *r = &s->t->point[s->t->npoints - 1].admitted;
    fprintf(s->out, "\n%sThe processes of the last row%s%s%s\n", s->style.bold,
            s->t->limited ? ", admission " : "", s->t->limited ? s->t->admission : "",
            s->style.end);
    fprintf(s->out, "%s  %-7s %14s %12s %10s %10s %12s %12s %12s%s\n", s->style.dim, "process",
            "references", "pages read", "turns", "suspended", "blocked", "working set",
            "turnaround", s->style.end);
    for (size_t i = 0; i < r->n; i++)
        process_row(s, i, &r->process[i]);
    slow_share(s, r);
}

/* ---- in words ---- */

static void verdict(const struct sheet *s)
{
    const struct vm_thrash *t = s->t;
    const struct vm_thrash_point *last = &t->point[t->npoints - 1];
    fprintf(s->out, "\nThe processor works most with %zu process%s at once. ", t->best,
            t->best == 1 ? "" : "es");
    if (t->thrashes)
        fprintf(s->out, "With %zu the machine thrashes: it works less than half as much.",
                t->thrashes);
    else
        fputs("It does not thrash: with no more of them does it work less than half as much.",
              s->out);
    if (t->detected)
        fprintf(s->out, "\nThrashing is detected with %zu process%s first.", t->detected,
                t->detected == 1 ? "" : "es");
    else
        fputs("\nThrashing is detected nowhere.", s->out);
    if (t->limited && last->admitted.time.now_ns > 0)
        fprintf(s->out, "\nAdmission %s makes %zu take %.2f times as long as without.",
                t->admission, last->degree,
                (double)last->admitted.time.now_ns / (double)last->free.time.now_ns);
    fputc('\n', s->out);
}

void vm_report_thrash_text(FILE *out, const struct vm_thrash *t, enum vm_colour colour)
{
    struct sheet s = {out, t, vm_style(colour)};
    uses(&s);
    detections(&s);
    devices(&s);
    processes(&s);
    verdict(&s);
}
