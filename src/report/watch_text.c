/* watch_text.c - a process under watch, for people: a row a sample, then what it used and what
 * watching did to it.
 */
#include "report/words.h"

#include <inttypes.h>
#include <string.h>

/* ---- as it goes on ---- */

void vm_report_watch_head(FILE *out, const struct vm_watch_info *info, enum vm_watch_detail detail,
                          enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    fprintf(out, "%sProcess %d (%s), by %s%s\n", style.bold, info->pid, info->command, info->method,
            style.end);
    fprintf(out, "%s  %9s %9s %10s %10s %10s %9s %9s", style.dim, "time", "window", "resident",
            "touched", "written", "minor", "major");
    for (int i = 0; detail == VM_WATCH_BY_KIND && i < VM_WATCH_KINDS; i++)
        fprintf(out, " %10s", vm_watch_kinds[i]);
    fprintf(out, "%s\n", style.end);
}

static const char *known_bytes(uint64_t bytes, char *out, size_t cap)
{
    return bytes == VM_WATCH_UNKNOWN ? "-" : vm_text_bytes(bytes, out, cap);
}

void vm_report_watch_row(FILE *out, const struct vm_watch_sample *s, enum vm_watch_detail detail)
{
    char at[32], window[32], resident[32], touched[32], written[32];
    fprintf(out, "  %9s %9s %10s %10s %10s %9" PRIu64 " %9" PRIu64,
            vm_text_ns((double)s->at_ns, at, sizeof at),
            vm_text_ns((double)s->interval_ns, window, sizeof window),
            vm_text_bytes(s->all.rss, resident, sizeof resident),
            known_bytes(s->all.touched, touched, sizeof touched),
            known_bytes(s->all.written, written, sizeof written), s->minor_faults, s->major_faults);
    for (int i = 0; detail == VM_WATCH_BY_KIND && i < VM_WATCH_KINDS; i++) {
        const struct vm_watch_use *use = &s->kind[i];
        uint64_t used = use->touched == VM_WATCH_UNKNOWN ? use->written : use->touched;
        fprintf(out, " %10s", known_bytes(used, touched, sizeof touched));
    }
    fputc('\n', out);
}

/* ---- at the end ---- */

static uint64_t used(const struct vm_watch_sample *s)
{
    return s->all.touched == VM_WATCH_UNKNOWN ? s->all.written : s->all.touched;
}

static void say_use(FILE *out, const struct vm_watching *w)
{
    char low[32], mean[32], high[32], resident[32];
    uint64_t least = UINT64_MAX, most = 0, rss = 0;
    double sum = 0;
    for (size_t i = 0; i < w->nsamples; i++) {
        uint64_t x = used(&w->sample[i]);
        least = x < least ? x : least;
        most = x > most ? x : most;
        rss = w->sample[i].all.rss > rss ? w->sample[i].all.rss : rss;
        sum += (double)x;
    }
    fprintf(out, "%s in a window: %s at least, %s in the mean, %s at most; resident: %s at most\n",
            w->sample[0].all.touched == VM_WATCH_UNKNOWN ? "Written" : "Touched",
            vm_text_bytes(least, low, sizeof low),
            vm_text_bytes((uint64_t)(sum / (double)w->nsamples), mean, sizeof mean),
            vm_text_bytes(most, high, sizeof high), vm_text_bytes(rss, resident, sizeof resident));
}

/* "1.946 %": no table's column. */
static const char *share_of(double part, double whole, char *out, size_t cap)
{
    const char *text = vm_text_share(part, whole, out, cap);
    return text + strspn(text, " ");
}

/* One mark a sample, or one in all; each page that is touched again costs touch_ns more. */
static void say_cost(FILE *out, const struct vm_watching *w)
{
    char mark[32], look[32], touch[32], share[32];
    double marks = 0, looks = 0, touches = 0, time = 0;
    for (size_t i = w->grows ? w->nsamples - 1 : 0; i < w->nsamples; i++) {
        const struct vm_watch_sample *s = &w->sample[i];
        marks += (double)s->mark_ns;
        looks += (double)s->look_ns;
        touches += (double)(used(s) / 4096) * w->info.touch_ns;
        time += (double)s->interval_ns;
    }
    size_t n = w->grows ? 1 : w->nsamples;
    fprintf(
        out,
        "Watching cost: a mark %s, with its page tables locked and its TLBs flushed; a look %s; "
        "the first touch of each page after a mark %s more, so some %s of its time\n",
        vm_text_ns(marks / (double)n, mark, sizeof mark),
        vm_text_ns(looks / (double)n, look, sizeof look),
        vm_text_ns(w->info.touch_ns, touch, sizeof touch),
        share_of(marks + touches, time, share, sizeof share));
    if (!strcmp(w->info.method, "clear-refs"))
        fputs("Each mark takes from the kernel's reclaim the bits by which it chooses what to "
              "evict\n",
              out);
}

void vm_report_watch_end(FILE *out, const struct vm_watching *w, enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    if (w->is_over)
        fprintf(out, "%sThe process has ended%s\n", style.dim, style.end);
    if (!w->nsamples)
        return;
    say_use(out, w);
    say_cost(out, w);
}
