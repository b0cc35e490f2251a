/* explain_html.c - a story as one HTML page: no script, nothing from elsewhere, for light and dark
 * screens and for paper. Bits are shown as cells, a colour a field.
 */
#include "report/explain_lines.h"
#include "report/html.h"
#include "report/words.h"

#include <errno.h>
#include <string.h>

#define NCOLOURS 6

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2330;--dim:#5d6678;--paper:#fff;--card:#f5f6f9;"
    "--line:#d5d9e2;--good:#12703f;--bad:#a14300;"
    "--c0:#cfe3ff;--c1:#ffe3b0;--c2:#cdeecb;--c3:#ead6fb;--c4:#ffd3d6;--c5:#c9eef0}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9f0;--dim:#9aa3b5;--paper:#14171d;"
    "--card:#1d222b;--line:#353c49;--good:#6fd39a;--bad:#f0a668;"
    "--c0:#1f3f6b;--c1:#5f4710;--c2:#20502a;--c3:#4a2f66;--c4:#642a30;--c5:#17494e}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:62rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.4rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}"
    "h3{font-size:1rem;margin:0;display:flex;justify-content:space-between;gap:1rem}\n"
    ".dim,.ns{color:var(--dim);font-weight:normal}.good h3>span:first-child{color:var(--good)}"
    ".bad h3>span:first-child{color:var(--bad)}\n"
    "ol{list-style:none;counter-reset:s;padding:0;margin:0}"
    "ol>li{counter-increment:s;background:var(--card);border:1px solid var(--line);"
    "border-radius:6px;padding:.6rem .9rem;margin:.5rem 0;break-inside:avoid}"
    "ol>li h3>span:first-child::before{content:counter(s)\".\\00a0\";color:var(--dim)}\n"
    "table{border-collapse:collapse;font-size:.92rem;margin:.35rem 0 0}"
    "td,th{padding:.1rem 1rem .1rem 0;text-align:left;vertical-align:top;font-weight:normal}"
    "th{color:var(--dim);white-space:nowrap}td.n{text-align:right}\n"
    "code,.word{font-family:ui-monospace,monospace;font-size:.9em}"
    ".word{display:flex;flex-wrap:wrap;gap:3px;margin:.15rem 0}"
    ".word span{display:inline-block;text-align:center;border-radius:3px;padding:0 .35em}"
    ".word small{display:block;font-size:.75em;color:var(--dim)}\n"
    ".c0{background:var(--c0)}.c1{background:var(--c1)}.c2{background:var(--c2)}"
    ".c3{background:var(--c3)}.c4{background:var(--c4)}.c5{background:var(--c5)}"
    ".off{opacity:.45}\n"
    "@media print{body{margin:0;max-width:none;font-size:11pt}"
    ".word span{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

/* A page being written: what is open is closed before the next thing begins. */
struct page {
    FILE *out;
    const struct vm_story *story;
    bool in_step, in_list, in_table;
};

static void close_table(struct page *p)
{
    if (p->in_table)
        fputs("</table>\n", p->out);
    p->in_table = false;
}

static void open_table(struct page *p)
{
    if (!p->in_table)
        fputs("<table>\n", p->out);
    p->in_table = true;
}

static void close_step(struct page *p)
{
    close_table(p);
    if (p->in_step)
        fputs("</li>\n", p->out);
    p->in_step = false;
}

static void close_list(struct page *p)
{
    close_step(p);
    if (p->in_list)
        fputs("</ol>\n", p->out);
    p->in_list = false;
}

static void show_step(struct page *p, const struct explain_line *l)
{
    static const char *const moods[] = {
        [EXPLAIN_PLAIN] = "plain", [EXPLAIN_GOOD] = "good", [EXPLAIN_BAD] = "bad"};
    char ns[32];
    close_step(p);
    if (!p->in_list)
        fputs("<ol>\n", p->out);
    p->in_step = p->in_list = true;
    fprintf(p->out, "<li class=\"%s\"><h3><span>", moods[l->mood]);
    vm_html_text(p->out, l->text);
    fprintf(p->out, "</span><span class=\"ns\">%s</span></h3>\n",
            l->ns > 0 ? vm_text_ns(l->ns, ns, sizeof ns) : "");
}

static void show_part(struct page *p, const struct explain_line *l)
{
    close_list(p);
    fputs("<h2>", p->out);
    vm_html_text(p->out, l->text);
    fputs("</h2>\n", p->out);
}

static void open_row(struct page *p, const char *label)
{
    open_table(p);
    fputs("<tr><th>", p->out);
    vm_html_text(p->out, label);
    fputs("</th>", p->out);
}

static void show_row(struct page *p, const struct explain_line *l)
{
    open_row(p, l->label);
    fputs("<td>", p->out);
    vm_html_text(p->out, l->text);
    fputs("</td></tr>\n", p->out);
}

/* One field as a cell: its name, where it stands, its bits and what they come to. */
static void show_field(struct page *p, const struct explain_line *l, uint32_t i)
{
    const struct vm_field *f = &p->story->field[l->field.first + i];
    uint64_t value = l->value >> f->low & ((UINT64_C(2) << (f->high - f->low)) - 1);
    fprintf(p->out, "<span class=\"c%u%s\"><small>", i % NCOLOURS, value ? "" : " off");
    vm_html_text(p->out, f->name);
    if (f->high != f->low)
        fprintf(p->out, " %u:%u", f->high, f->low);
    fputs("</small>", p->out);
    if (f->high - f->low < 16)
        for (unsigned bit = f->high + 1u; bit-- > f->low;)
            fputc('0' + (int)(l->value >> bit & 1), p->out);
    if (f->high - f->low >= 16)
        fprintf(p->out, "0x%llx", (unsigned long long)value);
    if (f->high != f->low)
        fprintf(p->out, "<small>%llu</small>", (unsigned long long)value);
    fputs("</span>", p->out);
}

static void show_bits(struct page *p, const struct explain_line *l)
{
    open_row(p, l->label);
    fputs("<td>", p->out);
    if (*l->text) {
        fputs("<code>", p->out);
        vm_html_text(p->out, l->text);
        fprintf(p->out, "</code> holds <code>0x%0*llx</code>", (int)l->bits / 4,
                (unsigned long long)l->value);
    }
    fputs("<div class=\"word\">", p->out);
    for (uint32_t i = 0; i < l->field.n; i++)
        show_field(p, l, i);
    fputs("</div></td></tr>\n", p->out);
}

static void show_frame(struct page *p, const struct explain_line *l)
{
    char text[48], came[64], touched[96];
    const struct vm_story_frame *f = l->frame;
    snprintf(text, sizeof text, "frame %u", f->pfn);
    open_row(p, text);
    fprintf(p->out, "<td>page %s</td><td>%c%c</td><td>%s</td><td>%s</td><td><b>",
            explain_page(p->story, f->key, text, sizeof text),
            f->bits & VM_FRAME_REFERENCED ? 'R' : '-', f->bits & VM_FRAME_DIRTY ? 'D' : '-',
            explain_came(f, came, sizeof came), explain_touched(f, touched, sizeof touched));
    vm_html_text(p->out, l->text);
    fputs("</b></td></tr>\n", p->out);
}

static void show_price(struct page *p, const struct explain_line *l)
{
    char ns[32];
    open_row(p, l->text);
    fprintf(p->out, "<td class=\"n\">%s</td></tr>\n", vm_text_ns(l->ns, ns, sizeof ns));
}

static void show_line(struct page *p, const struct explain_line *l)
{
    switch (l->kind) {
    case EXPLAIN_STEP:
        show_step(p, l);
        break;
    case EXPLAIN_PART:
        show_part(p, l);
        break;
    case EXPLAIN_ROW:
        show_row(p, l);
        break;
    case EXPLAIN_BITS:
        show_bits(p, l);
        break;
    case EXPLAIN_FRAME:
        show_frame(p, l);
        break;
    case EXPLAIN_PRICE:
        show_price(p, l);
        break;
    }
}

static bool show_story(FILE *out, const struct vm_story *s)
{
    struct page p = {.out = out, .story = s};
    struct explain_lines lines;
    char title[160];
    explain_lines_make(&lines, s);
    fputs("<section>\n<h2>", out);
    vm_html_text(out, explain_title(s, title, sizeof title));
    fputs("</h2>\n", out);
    for (size_t i = 0; i < lines.n; i++)
        show_line(&p, &lines.line[i]);
    close_list(&p);
    fputs("</section>\n", out);
    explain_lines_free(&lines);
    return !lines.failed;
}

/* The machine in short: the options, one after the other. */
static void show_machine(const struct page *p, const struct vm_config *c)
{
    char value[VM_CONFIG_TEXT];
    fputs("<details><summary>The machine</summary>\n<table>\n", p->out);
    for (size_t i = 0; vm_option_at(i); i++) {
        const struct vm_option *o = vm_option_at(i);
        fprintf(p->out, "<tr><th>%s %s</th><td>", o->section, o->key);
        vm_html_text(p->out, vm_config_text(c, o, value, sizeof value));
        fputs("</td></tr>\n", p->out);
    }
    fputs("</table></details>\n", p->out);
}

bool vm_report_explain_html(FILE *out, const struct vm_explanation *x, struct vm_error *e)
{
    struct page p = {.out = out};
    bool good = true;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>pagoda explain: ",
          out);
    vm_html_text(out, x->trace.name);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    vm_html_text(out, x->trace.name);
    fprintf(out, " <span class=\"dim\">%s, hash 0x%llx</span></h1>\n", x->trace.format,
            (unsigned long long)x->trace.hash);
    for (size_t i = 0; i < x->nstories && good; i++)
        good = show_story(out, x->story[i]);
    if (x->nstories)
        show_machine(&p, x->story[0]->config);
    fprintf(out, "<p class=\"dim\">Pagoda %s</p>\n</body>\n</html>\n", PAGODA_VERSION);
    if (!good)
        return vm_fail(e, VM_ESYSTEM, "no memory to explain a reference");
    return !ferror(out) || vm_fail(e, VM_ESYSTEM, "the page: cannot write: %s", strerror(errno));
}
