/* profile_text.c - a trace's profile for people. */
#include "report/words.h"

#define REGIONS_SHOWN 12

/* "events: 12 anonymous, 3 file". */
static void maps(FILE *out, const struct vm_profile *p, struct vm_style style)
{
    char n[32];
    const char *before = ": ";
    fprintf(out, "  %-20s %15s   %sevents", vm_event_names[VM_EVENT_MAP],
            vm_text_count(p->events[VM_EVENT_MAP], n, sizeof n), style.dim);
    for (int k = 0; k < VM_BACKINGS; k++) {
        if (!p->maps[k])
            continue;
        fprintf(out, "%s%s %s", before, vm_text_count(p->maps[k], n, sizeof n),
                vm_backing_names[k]);
        before = ", ";
    }
    fprintf(out, "%s\n", style.end);
}

static void counts(FILE *out, const struct vm_profile *p, struct vm_style style)
{
    char n[32], bytes[32];
    uint64_t all = p->refs[0] + p->refs[1] + p->refs[2];
    fprintf(out, "\n%sReferences%s %*s\n", style.bold, style.end, 27,
            vm_text_count(all, n, sizeof n));
    for (int a = 0; a < VM_ACCESSES; a++)
        fprintf(out, "  %-20s %15s   %s%5.1f %%, %s%s\n", vm_access_names[a],
                vm_text_count(p->refs[a], n, sizeof n), style.dim,
                vm_percent((double)p->refs[a], (double)all),
                vm_text_bytes(p->bytes[a], bytes, sizeof bytes), style.end);
    if (p->events[VM_EVENT_MAP])
        maps(out, p, style);
    for (int k = VM_EVENT_MAP + 1; k < VM_EVENT_KINDS; k++)
        if (p->events[k])
            fprintf(out, "  %-20s %15s   %sevents%s\n", vm_event_names[k],
                    vm_text_count(p->events[k], n, sizeof n), style.dim, style.end);
}

static void footprint(FILE *out, const struct vm_profile *p, struct vm_style style)
{
    char n[32], bytes[32];
    fprintf(out, "\n%sFootprint%s\n", style.bold, style.end);
    fprintf(out, "  %-20s %15s   %s%s%s\n", "pages of 4 KiB",
            vm_text_count(p->pages_4k, n, sizeof n), style.dim,
            vm_text_bytes(p->pages_4k << 12, bytes, sizeof bytes), style.end);
    fprintf(out, "  %-20s %15s   %s%.1f %% of the pages%s\n", "  written to",
            vm_text_count(p->written_4k, n, sizeof n), style.dim,
            vm_percent((double)p->written_4k, (double)p->pages_4k), style.end);
    fprintf(out, "  %-20s %15s   %s%s, %.1f %% of it touched%s\n", "pages of 2 MiB",
            vm_text_count(p->pages_2m, n, sizeof n), style.dim,
            vm_text_bytes(p->pages_2m << 21, bytes, sizeof bytes),
            vm_percent((double)p->pages_4k, (double)p->pages_2m * 512), style.end);
    fprintf(out, "  %-20s %15s\n", "address spaces", vm_text_count(p->spaces, n, sizeof n));
}

static void regions(FILE *out, const struct vm_profile *p, struct vm_style style)
{
    char pages[32], bytes[32];
    if (!p->nregions)
        return;
    fprintf(out, "\n%sRegions%s %s(pages with gaps of less than 1 MiB)%s\n", style.bold, style.end,
            style.dim, style.end);
    fprintf(out, "  %s%5s  %-33s %10s pages  %s%s\n", style.dim, "space", "addresses", "4 KiB",
            "share of the footprint, span", style.end);
    for (size_t i = 0; i < p->nregions && i < REGIONS_SHOWN; i++) {
        const struct vm_profile_region *r = &p->region[i];
        fprintf(out, "  %5u  %016llx-%016llx %10s pages  %s%5.1f %%, %s%s\n", r->asid,
                (unsigned long long)r->start, (unsigned long long)r->end,
                vm_text_count(r->pages, pages, sizeof pages), style.dim,
                vm_percent((double)r->pages, (double)p->pages_4k),
                vm_text_bytes(r->end - r->start, bytes, sizeof bytes), style.end);
    }
    if (p->nregions > REGIONS_SHOWN)
        fprintf(out, "  %s... %llu regions in all%s\n", style.dim, (unsigned long long)p->nregions,
                style.end);
}

static void runs(FILE *out, const struct vm_profile *p, struct vm_style style)
{
    char n[32];
    fprintf(out, "\n%sRuns%s %s(touches of one 4 KiB page in a row: %.2f in the mean)%s\n",
            style.bold, style.end, style.dim, p->runs ? (double)p->touches / (double)p->runs : 0,
            style.end);
    for (int i = 0; i < VM_PROFILE_RUNS; i++)
        if (p->run_lengths[i])
            fprintf(out, "  %10llu to %-10llu %15s   %s%5.1f %%%s\n", 1ULL << i, (2ULL << i) - 1,
                    vm_text_count(p->run_lengths[i], n, sizeof n), style.dim,
                    vm_percent((double)p->run_lengths[i], (double)p->runs), style.end);
}

void vm_report_profile_text(FILE *out, const struct vm_profile *p, const struct vm_trace_info *t,
                            enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    char n[32];
    vm_text_trace(out, t, style);
    if (t->origin && *t->origin)
        fprintf(out, "  made by %s\n", t->origin);
    fprintf(out, "  %s%s%s\n", style.dim,
            t->complete_maps ? "its events name every mapping"
                             : "mappings that its events do not name come by first touch",
            style.end);
    if (t->refs_lost)
        fprintf(out, "  %s references lost to damage\n", vm_text_count(t->refs_lost, n, sizeof n));
    counts(out, p, style);
    footprint(out, p, style);
    regions(out, p, style);
    runs(out, p, style);
}
