/* as_live_text.c - what a pager of real memory would do, for people: a table, a row a policy. */
#include "report/words.h"

#include <string.h>

struct sheet {
    FILE *out;
    const struct vm_as_live *a;
    struct vm_style style;
};

static const char *count_text(uint64_t n, char out[32])
{
    return vm_text_count(n, out, 32);
}

static void show_head(const struct sheet *s)
{
    const struct vm_touches_info *t = &s->a->info;
    const struct vm_pager_config *c = &s->a->config;
    char touches[32], pages[32], bytes[32], page[32], limit[32], ahead[32];
    vm_text_trace(s->out, &t->trace, s->style);
    fprintf(s->out, "  %s page touches of %s pages of %s (%s); %s\n",
            count_text(t->touches, touches), count_text(t->pages, pages),
            vm_text_bytes(t->page_bytes, page, sizeof page),
            vm_text_bytes(t->pages * t->page_bytes, bytes, sizeof bytes),
            t->is_exact ? "all that a pager's memory was touched"
            : t->is_log ? "what a pager heard: its faults"
                        : "a trace of any kind");
    fprintf(s->out, "  limit %s (%s pages), %s come along, batches of %s, seed %llu\n",
            vm_text_bytes(c->frames * t->page_bytes, limit, sizeof limit),
            count_text(c->frames, pages),
            c->ahead ? vm_text_bytes(c->ahead * t->page_bytes, ahead, sizeof ahead) : "none",
            c->batch ? count_text(c->batch, bytes) : "64 at most", (unsigned long long)c->seed);
}

static void show_row(const struct sheet *s, const struct vm_as_live_row *row, uint64_t least)
{
    char text[32];
    const struct vm_pager_counts *c = &row->counts;
    fprintf(s->out, "  %-36s", row->policy);
    if (!row->done) {
        fprintf(s->out, " %s%s%s\n", s->style.dim, row->why, s->style.end);
        return;
    }
    fprintf(s->out, " %s%13s%s%s", c->misses == least ? s->style.bold : "",
            count_text(c->misses, text), c->misses == least ? "*" : " ", s->style.end);
    fprintf(s->out, " %10s",
            vm_text_share((double)c->misses, (double)s->a->info.touches, text, sizeof text));
    fprintf(s->out, " %12s", count_text(c->soft_faults, text));
    fprintf(s->out, " %12s", count_text(c->dirty_faults, text));
    fprintf(s->out, " %12s", count_text(c->ahead, text));
    fprintf(s->out, " %12s", count_text(c->loads, text));
    fprintf(s->out, " %12s", count_text(c->evictions, text));
    fprintf(s->out, " %12s\n", count_text(c->writebacks, text));
}

static void show_table(const struct sheet *s)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < s->a->nrows; i++)
        if (s->a->row[i].done && s->a->row[i].counts.misses < least)
            least = s->a->row[i].counts.misses;
    fprintf(s->out, "\n  %s%-36s %13s  %10s %12s %12s %12s %12s %12s %12s%s\n", s->style.dim,
            "policy", "misses", "of touches", "soft", "first write", "along", "loads", "evictions",
            "writebacks", s->style.end);
    for (size_t i = 0; i < s->a->nrows; i++)
        show_row(s, &s->a->row[i], least);
    fprintf(s->out,
            "\n%s* fewest. soft: faults on parked pages. first write: to clean pages. along: pages "
            "that came with\nanother, unasked. loads: pages that came from the store.%s\n",
            s->style.dim, s->style.end);
}

static void show_one(const struct sheet *s)
{
    char text[32];
    const struct vm_pager_counts *c = &s->a->row[0].counts;
    fprintf(s->out, "\n%s%s%s\n", s->style.bold, s->a->row[0].policy, s->style.end);
#define SHOW_COUNT(name, what)                                                                     \
    fprintf(s->out, "  %-14s %15s   %s%s%s\n", #name, count_text(c->name, text), s->style.dim,     \
            what, s->style.end);
    VM_PAGER_COUNTS(SHOW_COUNT)
#undef SHOW_COUNT
}

void vm_report_as_live_text(FILE *out, const struct vm_as_live *a, enum vm_colour colour)
{
    struct sheet s = {out, a, vm_style(colour)};
    show_head(&s);
    if (a->nrows == 1)
        show_one(&s);
    else
        show_table(&s);
}
