/* curve_text.c - miss-ratio curves for people: a row a size, a column a curve. */
#include "report/curve_words.h"
#include "report/words.h"

#include <math.h>
#include <string.h>

#define COLUMN 11

static void show_head(FILE *out, const struct vm_curves *s, struct vm_style style)
{
    bool bytes = s->axis == VM_CURVE_BYTES, sizes = vm_curve_page_sizes(s) > 1;
    char name[VM_CURVE_NAME], page[32];
    fprintf(out, "  %s%10s", style.dim, bytes ? "memory" : vm_curve_unit(s));
    fprintf(out, " %10s", sizes ? "" : bytes ? vm_curve_unit(s) : "reach");
    for (size_t i = 0; i < s->ncurves; i++)
        fprintf(out, "  %*s", COLUMN, vm_curve_policy(&s->curve[i], name));
    fputc('\n', out);
    if (sizes) {
        fprintf(out, "  %10s %10s", "", "");
        for (size_t i = 0; i < s->ncurves; i++)
            fprintf(out, "  %*s", COLUMN, vm_text_bytes(s->curve[i].page_bytes, page, sizeof page));
        fputc('\n', out);
    }
    fputs(style.end, out);
}

/* The size in the axis's unit and, where pages have one size only, in the other. */
static void show_size(FILE *out, const struct vm_curves *s, size_t i, struct vm_style style)
{
    char first[32], second[32] = "";
    uint64_t page = s->curve[0].page_bytes, size = s->size[i];
    bool one = vm_curve_page_sizes(s) == 1;
    if (s->axis == VM_CURVE_BYTES) {
        vm_text_bytes(size, first, sizeof first);
        if (one)
            vm_text_count(size / page, second, sizeof second);
    } else {
        vm_text_count(size, first, sizeof first);
        if (one)
            vm_text_bytes(size * page, second, sizeof second);
    }
    fprintf(out, "  %10s %s%10s%s", first, style.dim, second, style.end);
}

/* A sample of one page in a hundred knows nothing of sizes below a hundred pages. */
static bool is_known(const struct vm_curve *c, uint64_t frames)
{
    return frames > 0 && (c->way != VM_CURVE_SAMPLED || (double)frames * c->rate >= 1);
}

static void show_row(FILE *out, const struct vm_curves *s, size_t i, struct vm_style style)
{
    char share[32];
    show_size(out, s, i, style);
    for (size_t k = 0; k < s->ncurves; k++) {
        const struct vm_curve *c = &s->curve[k];
        uint64_t frames = vm_curve_frames(s, c, i);
        if (!is_known(c, frames))
            fprintf(out, "  %*s", COLUMN, "-");
        else
            fprintf(out, "  %*s", COLUMN,
                    vm_text_share((double)vm_curve_misses(c, frames), (double)c->touches, share,
                                  sizeof share));
    }
    fputc('\n', out);
}

static void show_sample(FILE *out, const struct vm_curve *c, struct vm_style style)
{
    char pages[32], page[32];
    if (c->way != VM_CURVE_SAMPLED)
        return;
    fprintf(out, "%sSampled%s %s of about %s pages of %s: a rate of %.4g", style.bold, style.end,
            vm_text_count(c->pages_sampled, pages, sizeof pages),
            vm_text_count(c->pages, (char[32]){0}, 32),
            vm_text_bytes(c->page_bytes, page, sizeof page), c->rate);
    if (!isnan(c->error_mean))
        fprintf(out, "; off by %.5f in the mean of all sizes, %.4f at most", c->error_mean,
                c->error_max);
    fputc('\n', out);
}

static void show_footprints(FILE *out, const struct vm_curves *s, struct vm_style style)
{
    char pages[32], page[32], bytes[32], touches[32];
    for (size_t i = 0; i < s->ncurves; i++) {
        const struct vm_curve *c = &s->curve[i];
        if (i && c->page_bytes == c[-1].page_bytes)
            continue;
        fprintf(out, "%sFootprint%s %s pages of %s (%s), %s touches\n", style.bold, style.end,
                vm_text_count(c->pages, pages, sizeof pages),
                vm_text_bytes(c->page_bytes, page, sizeof page),
                vm_text_bytes(c->pages * c->page_bytes, bytes, sizeof bytes),
                vm_text_count(c->touches, touches, sizeof touches));
    }
}

void vm_report_curve_text(FILE *out, const struct vm_curves *s, enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    vm_text_trace(out, &s->trace, style);
    show_footprints(out, s, style);
    for (size_t i = 0; i < s->ncurves; i++)
        show_sample(out, &s->curve[i], style);
    fprintf(out, "\n%sMisses%s %sof all touches, first ones included%s\n", style.bold, style.end,
            style.dim, style.end);
    show_head(out, s, style);
    for (size_t i = 0; i < s->nsizes; i++)
        show_row(out, s, i, style);
}
