/* frames_text.c - the frame allocator at the end of a run, for people: the zones, what is free in
 * each by the length of blocks, how fragmented that is, and the lists of processors. */
#include "base/bits.h"
#include "report/words.h"

struct table {
    FILE *out;
    const struct vm_frames_result *f;
    struct vm_style style;
    unsigned norders; /* that blocks of this memory can have */
};

static void heading(const struct table *t, const char *text)
{
    fprintf(t->out, "\n%s%s%s\n", t->style.bold, text, t->style.end);
}

static void zone_row(const struct table *t, const struct vm_zone_state *z)
{
    char frames[32], free[32], takes[32], fallbacks[32], refusals[32];
    fprintf(t->out, "  %-8s %10u %11s %11s %9u %9u %9u %12s %10s %10s\n", z->name, z->start,
            vm_text_count(z->nframes, frames, sizeof frames),
            vm_text_count(z->nfree, free, sizeof free), z->nlisted, z->kept[VM_FRAME_FOR_PAGE],
            z->kept[VM_FRAME_FOR_KERNEL], vm_text_count(z->takes, takes, sizeof takes),
            vm_text_count(z->fallbacks, fallbacks, sizeof fallbacks),
            vm_text_count(z->refusals, refusals, sizeof refusals));
}

static void show_zones(const struct table *t)
{
    heading(t, "Frames");
    fprintf(t->out, "  %s%-8s %10s %11s %11s %9s %9s %9s %12s %10s %10s%s\n", t->style.dim, "zone",
            "from", "frames", "free", "in lists", "kept:page", "kernel", "takes", "fell back",
            "refused", t->style.end);
    for (size_t i = 0; i < t->f->nzones; i++)
        zone_row(t, &t->f->zone[i]);
}

static void show_pageblocks(const struct table *t)
{
    uint32_t all = 0;
    for (size_t i = 0; i < t->f->nzones; i++)
        for (unsigned g = 0; g < VM_FRAME_GROUPS; g++)
            all += t->f->zone[i].pageblocks[g];
    if (all == 0)
        return;
    heading(t, "Pageblocks");
    fprintf(t->out, "  %s%-8s %10s %12s %10s %9s %9s%s\n", t->style.dim, "zone", "movable",
            "reclaimable", "unmovable", "claimed", "borrowed", t->style.end);
    for (size_t i = 0; i < t->f->nzones; i++) {
        const struct vm_zone_state *z = &t->f->zone[i];
        fprintf(t->out, "  %-8s %10u %12u %10u %9llu %9llu\n", z->name,
                z->pageblocks[VM_GROUP_MOVABLE], z->pageblocks[VM_GROUP_RECLAIMABLE],
                z->pageblocks[VM_GROUP_UNMOVABLE], (unsigned long long)z->claims,
                (unsigned long long)z->borrows);
    }
}

static void order_row(const struct table *t, unsigned order)
{
    double index = vm_fragmentation_index(&t->f->blocks, order);
    fprintf(t->out, "  %5u", order);
    for (size_t i = 0; i < t->f->nzones; i++)
        fprintf(t->out, " %9llu", (unsigned long long)t->f->zone[i].blocks.n[order]);
    fprintf(t->out, " %9.3f", vm_unusable_index(&t->f->blocks, order));
    if (index == -1)
        fprintf(t->out, " %14s\n", "would not fail");
    else
        fprintf(t->out, " %14.3f\n", index);
}

static void show_blocks(const struct table *t)
{
    heading(t, "Free blocks");
    fprintf(t->out, "  %s%5s", t->style.dim, "order");
    for (size_t i = 0; i < t->f->nzones; i++)
        fprintf(t->out, " %9s", t->f->zone[i].name);
    fprintf(t->out, " %9s %14s%s\n", "unusable", "fragmentation", t->style.end);
    for (unsigned order = 0; order < t->norders; order++)
        order_row(t, order);
}

static void show_lists(const struct table *t)
{
    if (t->f->nlists == 0)
        return;
    heading(t, "Lists of processors");
    fprintf(t->out, "  %s%3s %12s %10s %12s %10s %12s%s\n", t->style.dim, "cpu", "hits", "refills",
            "frames", "drains", "frames", t->style.end);
    for (size_t i = 0; i < t->f->nlists; i++) {
        const struct vm_list_counts *c = &t->f->list[i];
        fprintf(t->out, "  %3zu %12llu %10llu %12llu %10llu %12llu\n", i,
                (unsigned long long)c->hits, (unsigned long long)c->refills,
                (unsigned long long)c->refilled, (unsigned long long)c->drains,
                (unsigned long long)c->drained);
    }
}

static void show_huge(const struct table *t)
{
    char size[32];
    const struct vm_huge_misses *m = &t->f->misses;
    const struct vm_compactions *c = &t->f->compactions;
    if (t->f->nsizes == 0)
        return;
    heading(t, "Huge pages that could be had now");
    for (size_t i = 0; i < t->f->nsizes; i++)
        fprintf(t->out, "  %10s %12llu\n", vm_text_bytes(t->f->size[i].bytes, size, sizeof size),
                (unsigned long long)t->f->size[i].available);
    if (m->lacking)
        fprintf(t->out, "  not made for lack of free frames: %llu\n",
                (unsigned long long)m->lacking);
    if (m->fragmented)
        fprintf(t->out, "  not made as free frames lay apart: %llu (fragmentation index %.3f)\n",
                (unsigned long long)m->fragmented, m->index / (double)m->fragmented);
    if (c->runs + c->failures)
        fprintf(t->out,
                "  runs made by moving pages: %llu, of %llu pages; not to be had: %llu times\n",
                (unsigned long long)c->runs, (unsigned long long)c->pages,
                (unsigned long long)c->failures);
}

void vm_report_frames_text(FILE *out, const struct vm_result *r, enum vm_colour colour)
{
    struct table t = {out, &r->frames, vm_style(colour), vm_log2(r->nframes) + 1};
    if (r->frames.nzones == 0) {
        fprintf(out, "\nNo frame allocator: %s\n",
                r->config.model == VM_MODEL_PAGES ? "the model is pages alone"
                                                  : "segments are put by --fit");
        return;
    }
    show_zones(&t);
    show_pageblocks(&t);
    show_blocks(&t);
    show_lists(&t);
    show_huge(&t);
}
