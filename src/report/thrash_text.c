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

static void head(const struct sheet *s)
{
    static const char *const columns[] = {"processor", "faults", "elapsed"};
    if (s->t->limited)
        fprintf(s->out, "%s%13s%-36s%s%s\n", s->style.dim, "", "  all at once", s->t->admission,
                s->style.end);
    fprintf(s->out, "%s  %-9s", s->style.dim, "processes");
    for (int side = 0; side < (s->t->limited ? 2 : 1); side++)
        fprintf(s->out, "  %10s %10s %10s", columns[0], columns[1], columns[2]);
    if (s->t->limited)
        fprintf(s->out, "  %7s  %11s", "at once", "suspensions");
    fprintf(s->out, "%s\n", s->style.end);
}

static void cells(const struct sheet *s, const struct vm_mix_result *r)
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

static void row(const struct sheet *s, const struct vm_thrash_point *p)
{
    fprintf(s->out, "  %-9zu", p->degree);
    cells(s, &p->free);
    if (s->t->limited) {
        cells(s, &p->admitted);
        fprintf(s->out, "  %7llu  %11llu", (unsigned long long)p->admitted.admitted_max,
                (unsigned long long)suspensions(&p->admitted));
    }
    fputc('\n', s->out);
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
static void devices(const struct sheet *s, const struct vm_mix_result *r)
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
    devices(s, r);
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
    if (t->limited && last->admitted.time.now_ns > 0)
        fprintf(s->out, "\nAdmission %s makes %zu take %.2f times as long as without.",
                t->admission, last->degree,
                (double)last->admitted.time.now_ns / (double)last->free.time.now_ns);
    fputc('\n', s->out);
}

void vm_report_thrash_text(FILE *out, const struct vm_thrash *t, enum vm_colour colour)
{
    struct sheet s = {out, t, vm_style(colour)};
    head(&s);
    for (size_t i = 0; i < t->npoints; i++)
        row(&s, &t->point[i]);
    fprintf(out,
            "%s  processor: its time for programs, of elapsed time; faults: pages read back for "
            "1000 references%s\n",
            s.style.dim, s.style.end);
    processes(&s);
    verdict(&s);
}
