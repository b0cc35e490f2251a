/* tables_text.c - a comparison of translation schemes for people: a row a scheme. */
#include "report/words.h"

#include <pagoda/tables.h>
#include <stdio.h>

static uint64_t table_bytes(const struct vm_tables_cell *c)
{
    return c->frames_peak * c->page_bytes + c->footprint.kernel_bytes;
}

/* Bytes of one cell in `width` columns, or a dash where no machine could be built. */
static void bytes_cell(FILE *out, const struct vm_tables_cell *c)
{
    char text[32];
    fprintf(out, "  %10s", c->built ? vm_text_bytes(table_bytes(c), text, sizeof text) : "-");
}

static void show_row(FILE *out, const struct vm_tables_row *r, struct vm_style style)
{
    const struct vm_tables_cell *own = &r->cell[VM_TABLES_TRACE];
    char count[32], kernel[32];
    fprintf(out, "  %s%-24s%s", style.bold, r->scheme, style.end);
    for (unsigned s = 0; s < VM_TABLES_SPACES; s++)
        bytes_cell(out, &r->cell[s]);
    if (!own->built) {
        fputc('\n', out);
        return;
    }
    uint64_t walks = own->walks - own->unnamed; /* those that could be begun */
    double loads = walks ? (double)own->walk_loads / (double)walks : 0;
    double a_page = own->pages ? (double)table_bytes(own) / (double)own->pages : 0;
    fprintf(out, "  %7s  %8.2f  %9.1f%s", vm_text_count(own->frames_peak, count, sizeof count),
            loads, a_page, style.dim);
    if (own->footprint.kernel_bytes)
        fprintf(out, "  %s of it the kernel's",
                vm_text_bytes(own->footprint.kernel_bytes, kernel, sizeof kernel));
    fprintf(out, "%s\n", style.end);
}

static void show_reasons(FILE *out, const struct vm_table_costs *t, struct vm_style style)
{
    static const char *const names[] = {"this trace", "dense", "sparse"};
    char count[32];
    fputc('\n', out);
    for (size_t i = 0; i < t->nrows; i++)
        for (unsigned s = 0; s < VM_TABLES_SPACES; s++) {
            const struct vm_tables_cell *c = &t->row[i].cell[s];
            if (!c->built)
                fprintf(out, "%s%s, %s: %s%s\n", style.dim, t->row[i].scheme, names[s], c->why,
                        style.end);
            else if (c->unnamed)
                fprintf(out, "%s%s, %s: without %s touches that it cannot name%s\n", style.dim,
                        t->row[i].scheme, names[s], vm_text_count(c->unnamed, count, sizeof count),
                        style.end);
        }
}

void vm_report_tables_text(FILE *out, const struct vm_table_costs *t, enum vm_colour colour)
{
    struct vm_style style = vm_style(colour);
    char count[32], bytes[32], memory[32];
    vm_text_trace(out, &t->trace, style);
    fprintf(out,
            "\nIts %s pages of 4 KiB (%s), as many in a row (dense), and as many spread over the\n"
            "addresses that a scheme names (sparse); memory of %s, tables beside it.\n\n",
            vm_text_count(t->pages, count, sizeof count),
            vm_text_bytes(t->pages << 12, bytes, sizeof bytes),
            vm_text_bytes(t->memory_bytes, memory, sizeof memory));
    fprintf(out, "  %s%-24s  %10s  %10s  %10s  %7s  %8s  %9s%s\n", style.dim, "", "table", "table",
            "table", "table", "loads", "table", style.end);
    fprintf(out, "  %s%-24s  %10s  %10s  %10s  %7s  %8s  %9s%s\n", style.dim, "scheme", "bytes",
            "bytes", "bytes", "frames", "a walk", "bytes", style.end);
    fprintf(out, "  %s%-24s  %10s  %10s  %10s  %7s  %8s  %9s%s\n", style.dim, "", "this trace",
            "dense", "sparse", "", "", "a page", style.end);
    for (size_t i = 0; i < t->nrows; i++)
        show_row(out, &t->row[i], style);
    show_reasons(out, t, style);
}
