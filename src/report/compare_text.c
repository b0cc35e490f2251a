/* compare_text.c - policies beside each other for people: a table a memory, a row a policy, and in
 * words what the table does not show. */
#include "report/words.h"

#include <pagoda/compare.h>
#include <string.h>

struct sheet {
    FILE *out;
    const struct vm_comparison *c;
    struct vm_style style;
    size_t m; /* the memory */
};

static const struct vm_compare_cell *cell_of(const struct sheet *s, size_t policy)
{
    return vm_compare_at(s->c, s->m, policy);
}

static const char *policy_name(const struct sheet *s, size_t policy)
{
    return s->c->policy[policy].spec;
}

static const struct vm_compare_cell *bound_cell(const struct sheet *s)
{
    for (size_t p = 0; p < s->c->npolicies; p++)
        if (s->c->policy[p].bound)
            return cell_of(s, p);
    return NULL;
}

/* ---- the table ---- */

static void head(const struct sheet *s)
{
    const struct vm_compare_memory *m = &s->c->memory[s->m];
    char bytes[32], frames[32];
    fprintf(s->out, "\n%sMemory of %s%s   %s%s frames", s->style.bold,
            vm_text_bytes(m->bytes, bytes, sizeof bytes), s->style.end, s->style.dim,
            vm_text_count(m->bytes / s->c->config.page_bytes, frames, sizeof frames));
    if (m->asked.percent > 0)
        fprintf(s->out, ", %g %% of the footprint", m->asked.percent);
    fprintf(s->out, "%s\n  %s%-24s %14s  %10s %8s %14s  %10s  %10s  %12s%s\n", s->style.end,
            s->style.dim, "policy", "misses", "miss ratio", "bound", "writebacks", "time",
            "a touch", "parts at", s->style.end);
}

/* A text of a column, marked where it is the best. */
static void mark(const struct sheet *s, const char *text, int width, bool best)
{
    fprintf(s->out, " %s%*s%s%s", best ? s->style.bold : "", width, text, best ? "*" : " ",
            best ? s->style.end : "");
}

static const char *parting_text(const struct vm_divergence *d, char *out, size_t cap)
{
    switch (d->outcome) {
    case VM_DIVERGENCE_FOUND:
        return vm_text_count(d->ref, out, cap);
    case VM_DIVERGENCE_NEVER:
        return "never";
    case VM_DIVERGENCE_ITSELF:
        return "-";
    case VM_DIVERGENCE_UNKNOWN:
        break;
    }
    return "?";
}

/* The part of a policy's misses that no policy can do without. */
static const char *bound_text(const struct sheet *s, uint64_t misses, char *out, size_t cap)
{
    const struct vm_compare_cell *bound = bound_cell(s);
    if (!bound || !bound->done || !misses)
        return "-";
    snprintf(out, cap, "%.1f %%",
             vm_percent((double)vm_compare_misses(&bound->counts), (double)misses));
    return out;
}

static void row(const struct sheet *s, size_t policy)
{
    const struct vm_compare_cell *cell = cell_of(s, policy);
    const struct vm_compare_memory *m = &s->c->memory[s->m];
    bool judged = !s->c->policy[policy].bound;
    uint64_t misses = vm_compare_misses(&cell->counts), touches = cell->counts.touches;
    char text[32];
    fprintf(s->out, "  %-24s", policy_name(s, policy));
    if (!cell->done) {
        fprintf(s->out, " %s%s%s\n", s->style.dim, cell->why, s->style.end);
        return;
    }
    mark(s, vm_text_count(misses, text, sizeof text), 14, judged && misses == m->misses_min);
    fprintf(s->out, " %10s", vm_text_share((double)misses, (double)touches, text, sizeof text));
    fprintf(s->out, " %8s", bound_text(s, misses, text, sizeof text));
    mark(s, vm_text_count(vm_compare_writebacks(&cell->counts), text, sizeof text), 14,
         judged && vm_compare_writebacks(&cell->counts) == m->writebacks_min);
    mark(s, vm_text_ns(cell->prices.total_ns, text, sizeof text), 10,
         judged && cell->prices.total_ns == m->ns_min);
    double each = touches ? cell->prices.total_ns / (double)touches : 0;
    fprintf(s->out, " %10s", vm_text_ns(each, text, sizeof text));
    fprintf(s->out, "  %12s%s\n", parting_text(&cell->divergence, text, sizeof text),
            judged ? "" : "  (bound)");
}

/* ---- in words ---- */

static const char *page_text(const struct sheet *s, uint64_t key, char *out, size_t cap)
{
    unsigned shift = (unsigned)__builtin_ctzll(s->c->config.page_bytes);
    int n = snprintf(out, cap, "0x%llx", (unsigned long long)(vm_key_va(key, shift) >> shift));
    if (vm_key_asid(key))
        snprintf(out + n, cap - (size_t)n, " of space %u", vm_key_asid(key));
    return out;
}

static void tell_parting(const struct sheet *s, size_t policy)
{
    const struct vm_divergence *d = &cell_of(s, policy)->divergence;
    const char *reference = policy_name(s, s->c->memory[s->m].reference);
    char ref[32], page[64];
    if (d->outcome != VM_DIVERGENCE_FOUND)
        return;
    fprintf(s->out, "  %s parts from %s at reference %s: it", policy_name(s, policy), reference,
            vm_text_count(d->ref, ref, sizeof ref));
    if (d->kept != VM_NOPAGE)
        fprintf(s->out, " keeps page %s", page_text(s, d->kept, page, sizeof page));
    if (d->lacked != VM_NOPAGE)
        fprintf(s->out, "%s lets go of page %s", d->kept != VM_NOPAGE ? " and" : "",
                page_text(s, d->lacked, page, sizeof page));
    fputs(".\n", s->out);
}

static void tell_misled(const struct sheet *s)
{
    const struct vm_compare_memory *m = &s->c->memory[s->m];
    char written[32], time[32];
    if (m->fewer == VM_COMPARE_NONE)
        return;
    const struct vm_compare_cell *a = cell_of(s, m->fewer), *b = cell_of(s, m->faster);
    double misses = (double)vm_compare_misses(&b->counts);
    double less = misses - (double)vm_compare_misses(&a->counts);
    int64_t writebacks =
        (int64_t)(vm_compare_writebacks(&a->counts) - vm_compare_writebacks(&b->counts));
    double longer = a->prices.total_ns - b->prices.total_ns;
    fprintf(s->out,
            "  %sFewer misses are not less time here%s: %s has %.2f %% fewer than %s, and takes "
            "%s longer: %s writebacks %s.\n",
            s->style.bold, s->style.end, policy_name(s, m->fewer), vm_percent(less, misses),
            policy_name(s, m->faster), vm_text_ns(longer, time, sizeof time),
            vm_text_count((uint64_t)(writebacks < 0 ? -writebacks : writebacks), written,
                          sizeof written),
            writebacks < 0 ? "fewer" : "more");
}

static void show_memory(const struct sheet *s)
{
    head(s);
    for (size_t p = 0; p < s->c->npolicies; p++)
        row(s, p);
    fputc('\n', s->out);
    tell_misled(s);
    if (s->c->memory[s->m].reference == VM_COMPARE_NONE)
        return;
    for (size_t p = 0; p < s->c->npolicies; p++)
        tell_parting(s, p);
}

void vm_report_compare_text(FILE *out, const struct vm_comparison *c, enum vm_colour colour)
{
    struct sheet s = {out, c, vm_style(colour), 0};
    char pages[32], bytes[32], touches[32], page[32];
    vm_text_trace(out, &c->trace, s.style);
    fprintf(out, "  %s page touches of %s pages of %s (%s); %s\n",
            vm_text_count(c->footprint.touches, touches, sizeof touches),
            vm_text_count(c->footprint.pages, pages, sizeof pages),
            vm_text_bytes(c->config.page_bytes, page, sizeof page),
            vm_text_bytes(c->footprint.pages * c->config.page_bytes, bytes, sizeof bytes),
            c->config.model == VM_MODEL_PAGES ? "pages and the policy alone" : "the whole machine");
    for (s.m = 0; s.m < c->nmemories; s.m++)
        show_memory(&s);
    fprintf(out,
            "\n%s* best of its column. bound: the part of a policy's misses that opt has, too. "
            "parts at: the\nreference after which it first holds other pages.%s%s\n",
            s.style.dim,
            c->config.model == VM_MODEL_MACHINE ? " pagoda explain --at it shows the choice." : "",
            s.style.end);
}
