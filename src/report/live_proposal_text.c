/* live_proposal_text.c - what is proposed for a pager of real memory, for people: a curve of costs
 * by memory, the policies at its knee, and the reason in a sentence. */
#include "report/words.h"

struct sheet {
    FILE *out;
    const struct vm_live_proposal *a;
    struct vm_style style;
};

static const struct vm_live_proposal_cell *best_at(const struct sheet *s, size_t memory)
{
    return &s->a->cell[s->a->best[memory]];
}

static const char *policy_at(const struct sheet *s, size_t memory)
{
    return s->a->policy[s->a->best[memory] / s->a->naheads % s->a->npolicies];
}

static const char *ahead_text(const struct sheet *s, size_t ahead, char out[32])
{
    uint32_t pages = s->a->ahead[ahead];
    return pages ? vm_text_bytes(pages * s->a->info.page_bytes, out, 32) : "none";
}

static const char *memory_text(const struct sheet *s, size_t memory, char out[32])
{
    return vm_text_bytes(s->a->frames[memory] * s->a->info.page_bytes, out, 32);
}

static void show_head(const struct sheet *s)
{
    const struct vm_touches_info *t = &s->a->info;
    char touches[32], pages[32], bytes[32];
    vm_text_trace(s->out, &t->trace, s->style);
    fprintf(s->out, "  %s page touches of %s pages (%s); paged to %s at its measured costs\n",
            vm_text_count(t->touches, touches, sizeof touches),
            vm_text_count(t->pages, pages, sizeof pages),
            vm_text_bytes(t->pages * t->page_bytes, bytes, sizeof bytes), s->a->cost.name);
    if (t->is_log && !t->is_exact)
        fprintf(s->out,
                "  A log of faults has what a pager with %u pages heard: with fewer pages there "
                "would be more\n  than it shows. Log accesses to know.\n",
                t->pager.frames);
}

static void show_curve(const struct sheet *s)
{
    char a[32], b[32], c[32];
    double knee = best_at(s, s->a->knee)->ns;
    fprintf(s->out, "\n  %s%12s %12s %12s %12s %10s %8s  %-9s %s%s\n", s->style.dim, "memory",
            "misses", "loads", "writebacks", "time", "", "ahead", "policy", s->style.end);
    for (size_t m = 0; m < s->a->nmemories; m++) {
        const struct vm_live_proposal_cell *cell = best_at(s, m);
        fprintf(s->out, "%s%s%12s", m == s->a->knee ? s->style.bold : "",
                m == s->a->knee ? "> " : "  ", memory_text(s, m, a));
        fprintf(s->out, " %12s", vm_text_count(cell->counts.misses, a, sizeof a));
        fprintf(s->out, " %12s %12s", vm_text_count(cell->counts.loads, a, sizeof a),
                vm_text_count(cell->counts.writebacks, b, sizeof b));
        fprintf(s->out, " %10s %7.2fx  %-9s %s%s\n", vm_text_ns(cell->ns, c, sizeof c),
                knee > 0 ? cell->ns / knee : 1, ahead_text(s, s->a->best[m] % s->a->naheads, a),
                policy_at(s, m), m == s->a->knee ? s->style.end : "");
    }
}

static void show_policies(const struct sheet *s)
{
    const struct vm_live_proposal *a = s->a;
    char text[32];
    fprintf(s->out, "\n  %sTime with %s by policy and what comes along%s\n  %-40s", s->style.dim,
            memory_text(s, a->knee, text), s->style.end, "");
    for (size_t h = 0; h < a->naheads; h++)
        fprintf(s->out, " %12s", ahead_text(s, h, text));
    fputc('\n', s->out);
    for (size_t p = 0; p < a->npolicies; p++) {
        fprintf(s->out, "  %-40s", a->policy[p]);
        for (size_t h = 0; h < a->naheads; h++) {
            size_t i = vm_live_proposal_cell(a, a->knee, p, h);
            bool best = i == a->best[a->knee];
            fprintf(s->out, " %s%12s%s", best ? s->style.bold : "",
                    a->cell[i].done ? vm_text_ns(a->cell[i].ns, text, sizeof text) : "-",
                    best ? s->style.end : "");
        }
        fputc('\n', s->out);
    }
}

static void tell(const struct sheet *s)
{
    const struct vm_live_proposal *a = s->a;
    size_t k = a->knee, ahead = a->best[k] % a->naheads;
    char memory[32], time[32], less[32], more[32], other[32];
    uint32_t pages = a->ahead[ahead];
    fprintf(s->out, "\n%sProposed: --memory %llu --policy %s --ahead %llu%s\n", s->style.bold,
            (unsigned long long)(a->frames[k] * a->info.page_bytes), policy_at(s, k),
            (unsigned long long)(pages * a->info.page_bytes), s->style.end);
    double knee = best_at(s, k)->ns;
    fprintf(s->out, "  With %s paging takes %s", memory_text(s, k, memory),
            vm_text_ns(knee, time, sizeof time));
    if (k > 0)
        fprintf(s->out, "; with %s it would take %s more", memory_text(s, k - 1, less),
                vm_text_ns(best_at(s, k - 1)->ns - knee, other, sizeof other));
    if (k + 1 < a->nmemories)
        fprintf(s->out, "; %s would save %s", memory_text(s, a->nmemories - 1, more),
                vm_text_ns(knee - best_at(s, a->nmemories - 1)->ns, other, sizeof other));
    fputs(".\n", s->out);
}

void vm_report_live_proposal_text(FILE *out, const struct vm_live_proposal *a,
                                  enum vm_colour colour)
{
    struct sheet s = {out, a, vm_style(colour)};
    show_head(&s);
    show_curve(&s);
    show_policies(&s);
    tell(&s);
}
