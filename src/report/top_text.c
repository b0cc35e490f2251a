/* top_text.c - what a pager did in an interval, for people: a row a pager. */
#include "report/words.h"

#include <pagoda/live_view.h>

void vm_report_top_head(FILE *out, enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    fprintf(out, "%s  %5s %10s %10s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %8s %10s %6s%s\n",
            style.dim, "pager", "resident", "limit", "misses", "soft", "zero", "along", "written",
            "p50", "p90", "p99", "p99.9", "max", "failed", "store", "ratio", style.end);
}

static double rate(uint64_t n, uint64_t ns)
{
    return ns ? (double)n * 1e9 / (double)ns : 0;
}

static void put_rates(FILE *out, const struct vm_live_told *d)
{
    const struct vm_pager_counts *c = &d->stats.counts;
    const uint64_t n[] = {c->misses, c->soft_faults, c->zero_fills, c->ahead, c->writebacks};
    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++)
        fprintf(out, " %8.0f", rate(n[i], d->at_ns));
}

static void put_times(FILE *out, const struct vm_live_times *t)
{
    static const double parts[] = {0.5, 0.9, 0.99, 0.999, 1};
    char text[32];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        fprintf(out, " %8s",
                t->n ? vm_text_ns((double)vm_live_percentile(t, parts[i]), text, sizeof text)
                     : "-");
}

void vm_report_top_row(FILE *out, const struct vm_live_told *during)
{
    const struct vm_live_stats *s = &during->stats;
    char resident[32], limit[32], store[32], ratio[16] = "-";
    if (s->store_bytes)
        snprintf(ratio, sizeof ratio, "%.2f",
                 (double)(s->store_pages * s->page_bytes) / (double)s->store_bytes);
    fprintf(out, "  %5u %10s %10s", during->pager,
            vm_text_bytes(s->resident_pages * s->page_bytes, resident, sizeof resident),
            vm_text_bytes(s->limit_pages * s->page_bytes, limit, sizeof limit));
    put_rates(out, during);
    put_times(out, &s->times);
    fprintf(out, " %8llu %10s %6s\n", (unsigned long long)s->failures,
            vm_text_bytes(s->store_bytes, store, sizeof store), ratio);
}
