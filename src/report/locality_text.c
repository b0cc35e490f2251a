/* locality_text.c - a program's locality for people: the numbers; pictures are charts. */
#include "report/locality_view.h"
#include "report/words.h"

#define REGIONS_SHOWN 12

struct sheet {
    FILE *out;
    const struct vm_locality *l;
    const struct vm_locality_view *view;
    struct vm_style style;
};

/* "Working set, pages of 4 KiB". */
static void heading(const struct sheet *s, const char *what, uint64_t page_bytes)
{
    char size[32];
    fprintf(s->out, "\n%s%s%s   %spages of %s%s\n", s->style.bold, what, s->style.end, s->style.dim,
            vm_text_bytes(page_bytes, size, sizeof size), s->style.end);
}

/* ---- working sets ---- */

/* A mean number of pages, with a fraction where it is small. */
static const char *pages_text(double pages, char *out, size_t cap)
{
    if (pages >= 9999.5)
        return vm_text_count((uint64_t)(pages + 0.5), out, cap);
    snprintf(out, cap, "%.2f", pages);
    return out;
}

static void window_row(const struct sheet *s, const struct vm_locality_size *z, uint64_t window)
{
    const struct vm_intervals *v = &z->intervals;
    uint64_t misses = vm_working_set_misses(v, window);
    char text[32], set[32], bytes[32], vmin[32], missed[32], share[32];
    double mean = vm_working_set_mean(v, window);
    fprintf(s->out, "  %15s %12s %10s %12s %15s %10s\n", vm_text_count(window, text, sizeof text),
            pages_text(mean, set, sizeof set),
            vm_text_bytes((uint64_t)(mean * (double)z->page_bytes), bytes, sizeof bytes),
            pages_text(vm_vmin_mean(v, window), vmin, sizeof vmin),
            vm_text_count(misses, missed, sizeof missed),
            vm_text_share((double)misses, (double)v->touches, share, sizeof share));
}

static void show_working_set(const struct sheet *s, const struct vm_locality_size *z)
{
    uint64_t window[VM_WINDOWS_MAX];
    size_t n = locality_windows(s->view, z->intervals.touches, 1, window);
    heading(s, "Working set", z->page_bytes);
    fprintf(s->out, "  %s%15s %12s %10s %12s %15s %10s%s\n", s->style.dim, "window, touches",
            "mean pages", "", "VMIN's", "misses", "", s->style.end);
    for (size_t i = 0; i < n; i++)
        window_row(s, z, window[i]);
}

/* ---- histograms ---- */

static void show_bins(const struct sheet *s, const struct vm_histogram *h)
{
    struct locality_bin bin;
    char text[32], share[32], first[32];
    for (size_t at = 0; locality_bin(h, s->view->bins, &at, &bin);)
        fprintf(
            s->out, "  %s %12s %15s   %s%s%s\n", s->view->bins == VM_BINS_LOG2 ? "from" : "    ",
            vm_text_count(bin.first, first, sizeof first),
            vm_text_count(bin.count, text, sizeof text), s->style.dim,
            vm_text_share((double)bin.count, (double)h->count, share, sizeof share), s->style.end);
}

static void show_intervals(const struct sheet *s, const struct vm_locality_size *z)
{
    heading(s, "Touches from one use of a page to its next", z->page_bytes);
    show_bins(s, &z->intervals.between);
}

static void show_distances(const struct sheet *s, const struct vm_locality_size *z)
{
    heading(s, "Different pages between a use of a page and its next", z->page_bytes);
    show_bins(s, &z->distances);
}

/* ---- over time ---- */

static void show_faults(const struct sheet *s, const struct vm_locality_size *z)
{
    const struct vm_fault_times *f = &z->faults;
    uint64_t faults = 0, firsts = 0;
    size_t most = 0;
    char text[32], share[32];
    for (size_t i = 0; i < f->n; i++) {
        faults += f->period[i].faults;
        firsts += f->period[i].firsts;
        if (f->period[i].faults > f->period[most].faults)
            most = i;
    }
    heading(s, "Faults over time", z->page_bytes);
    fprintf(s->out, "  %s in a memory of %s\n", s->l->policy,
            vm_text_bytes(f->memory_bytes, text, sizeof text));
    fprintf(s->out, "  %-26s %15s\n", "faults", vm_text_count(faults, text, sizeof text));
    fprintf(s->out, "  %-26s %15s   %s%s of the faults%s\n", "  first touches",
            vm_text_count(firsts, text, sizeof text), s->style.dim,
            vm_text_share((double)firsts, (double)faults, share, sizeof share), s->style.end);
    uint64_t from = most * f->period_refs + 1;
    if (f->n)
        fprintf(s->out, "  %-26s %15s   %s%s of the faults, from reference %llu on%s\n",
                "most in a period", vm_text_count(f->period[most].faults, text, sizeof text),
                s->style.dim,
                vm_text_share((double)f->period[most].faults, (double)faults, share, sizeof share),
                (unsigned long long)from, s->style.end);
}

/* Rows from `first` to the one before the next gap. */
static size_t region_end(const struct vm_heat_map *h, size_t first)
{
    size_t end = first + 1;
    while (end < h->rows && !h->row[end].gap)
        end++;
    return end;
}

static uint64_t touches_of(const struct vm_heat_map *h, size_t first, size_t end)
{
    uint64_t touches = 0;
    for (size_t i = first * h->columns; i < end * h->columns; i++)
        touches += h->touches[i];
    return touches;
}

static void show_heat(const struct sheet *s)
{
    const struct vm_heat_map *h = &s->l->heat;
    uint64_t all = touches_of(h, 0, h->rows);
    char text[32], share[32], row[32];
    size_t shown = 0, first = 0;
    fprintf(s->out, "\n%sHeat%s   %sof addresses that are touched, %s a row%s\n", s->style.bold,
            s->style.end, s->style.dim, vm_text_bytes(h->row_bytes, row, sizeof row), s->style.end);
    for (size_t end; first < h->rows && shown < REGIONS_SHOWN; first = end, shown++) {
        end = region_end(h, first);
        uint64_t touches = touches_of(h, first, end);
        vm_va past = h->row[end - 1].start + h->row_bytes;
        fprintf(s->out, "  %5u  %016llx-%016llx %15s touches  %s%s%s\n", h->row[first].asid,
                (unsigned long long)h->row[first].start, (unsigned long long)past,
                vm_text_count(touches, text, sizeof text), s->style.dim,
                vm_text_share((double)touches, (double)all, share, sizeof share), s->style.end);
    }
    if (first < h->rows)
        fprintf(s->out, "  %s... and more%s\n", s->style.dim, s->style.end);
}

void vm_report_locality_text(FILE *out, const struct vm_locality *l,
                             const struct vm_locality_view *view, enum vm_colour colour)
{
    static const struct {
        enum vm_locality_part part;
        void (*show)(const struct sheet *s, const struct vm_locality_size *z);
    } parts[] = {
        {VM_LOCALITY_WORKING_SET, show_working_set},
        {VM_LOCALITY_INTERVALS, show_intervals},
        {VM_LOCALITY_DISTANCES, show_distances},
        {VM_LOCALITY_FAULTS, show_faults},
    };
    struct sheet s = {out, l, view, vm_style(colour)};
    char refs[32], touches[32], pages[32], size[32];
    vm_text_trace(out, &l->trace, s.style);
    fprintf(out, "  %s references\n", vm_text_count(l->refs, refs, sizeof refs));
    for (size_t i = 0; i < l->nsizes; i++)
        fprintf(out, "  %s touches of %s pages of %s\n",
                vm_text_count(l->size[i].touches, touches, sizeof touches),
                vm_text_count(l->size[i].pages, pages, sizeof pages),
                vm_text_bytes(l->size[i].page_bytes, size, sizeof size));
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++)
        for (size_t i = 0; (l->parts & parts[p].part) && i < l->nsizes; i++)
            parts[p].show(&s, &l->size[i]);
    if (l->parts & VM_LOCALITY_HEAT)
        show_heat(&s);
}
