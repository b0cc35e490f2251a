/* explain_text.c - a story for people, in a terminal or a file.
 *
 *     Address 0x15 (21): read in space 0
 *       address       0x15
 *                     VPN 01  offset 0101          the bits, a colour a field
 */
#include "report/explain_lines.h"
#include "report/words.h"

#include <string.h>

#define NCOLOURS 6
#define LABEL    17 /* columns of a row's label, and where its text ends */
#define WIDTH    100

struct screen {
    FILE *out;
    const struct vm_story *story;
    struct vm_style style;
    enum vm_colour colour;
    unsigned steps; /* shown so far */
};

static const char *paint(const struct screen *s, unsigned i)
{
    static const char *const colours[NCOLOURS] = {"\033[36m", "\033[33m", "\033[32m",
                                                  "\033[35m", "\033[34m", "\033[31m"};
    return s->colour == VM_COLOUR_ANSI ? colours[i % NCOLOURS] : "";
}

static const char *mood_paint(const struct screen *s, enum explain_mood mood)
{
    static const char *const colours[] = {
        [EXPLAIN_PLAIN] = "", [EXPLAIN_GOOD] = "\033[32m", [EXPLAIN_BAD] = "\033[33m"};
    return s->colour == VM_COLOUR_ANSI ? colours[mood] : "";
}

static void show_step(struct screen *s, const struct explain_line *l)
{
    char ns[32];
    fprintf(s->out, "\n%s%2u  %s%s%s", s->style.bold, ++s->steps, mood_paint(s, l->mood), l->text,
            s->style.end);
    if (l->ns > 0)
        fprintf(s->out, "   %s%s%s", s->style.dim, vm_text_ns(l->ns, ns, sizeof ns), s->style.end);
    fputc('\n', s->out);
}

/* One bit of a word that is named by a letter or two is shown by it where it is set. */
static bool is_flag(const struct vm_field *f)
{
    return f->high == f->low;
}

static void show_field(const struct screen *s, const struct explain_line *l, uint32_t i)
{
    const struct vm_field *f = &s->story->field[l->field.first + i];
    uint64_t value = l->value >> f->low & ((UINT64_C(2) << (f->high - f->low)) - 1);
    const char *colour = paint(s, i);
    if (is_flag(f)) {
        fprintf(s->out, "  %s%s%s", value ? colour : s->style.dim, value ? f->name : "-",
                s->style.end);
        return;
    }
    fprintf(s->out, "  %s%s=%llu%s", colour, f->name, (unsigned long long)value, s->style.end);
}

/* The bits, each field in its colour, a dot between fields. */
static void show_binary(const struct screen *s, const struct explain_line *l)
{
    for (uint32_t i = 0; i < l->field.n; i++) {
        const struct vm_field *f = &s->story->field[l->field.first + i];
        fprintf(s->out, "%s%s", i ? "." : "", paint(s, i));
        for (unsigned bit = f->high + 1u; bit-- > f->low;)
            fputc('0' + (int)(l->value >> bit & 1), s->out);
        fputs(s->style.end, s->out);
    }
}

static void show_bits(const struct screen *s, const struct explain_line *l)
{
    if (*l->text) { /* a table word: its place, then itself */
        fprintf(s->out, "      %-*s %s\n      %-*s %s0x%0*llx%s", LABEL, l->label, l->text, LABEL,
                "", s->style.bold, (int)l->bits / 4, (unsigned long long)l->value, s->style.end);
    } else {
        fprintf(s->out, "      %-*s ", LABEL, l->label);
        show_binary(s, l);
        fprintf(s->out, "\n      %-*s", LABEL, "");
    }
    for (uint32_t i = 0; i < l->field.n; i++)
        show_field(s, l, i);
    fputc('\n', s->out);
}

static void show_frame(const struct screen *s, const struct explain_line *l)
{
    char page[48], came[64], touched[96];
    const struct vm_story_frame *f = l->frame;
    explain_page(s->story, f->key, page, sizeof page);
    fprintf(s->out, "      %sframe %-4u page %-12s %s%c%c  %s, %s", mood_paint(s, l->mood), f->pfn,
            page, s->style.end, f->bits & VM_FRAME_REFERENCED ? 'R' : '-',
            f->bits & VM_FRAME_DIRTY ? 'D' : '-', explain_came(f, came, sizeof came),
            explain_touched(f, touched, sizeof touched));
    if (*l->text)
        fprintf(s->out, "   %s%s%s", s->style.bold, l->text, s->style.end);
    fputc('\n', s->out);
}

/* Text that is too long goes on under itself. */
static void show_row(const struct screen *s, const struct explain_line *l)
{
    const char *text = l->text;
    int column = fprintf(s->out, "      %-*s", LABEL, l->label);
    for (bool first = true; *text || first; first = false) {
        int word = (int)strcspn(text, " ");
        if (!first && column + 1 + word > WIDTH)
            column = fprintf(s->out, "\n      %*s", LABEL, "") - 1;
        column += fprintf(s->out, " %.*s", word, text);
        text += word + (text[word] == ' ');
    }
    fputc('\n', s->out);
}

static void show_line(struct screen *s, const struct explain_line *l)
{
    char ns[32];
    switch (l->kind) {
    case EXPLAIN_STEP:
        show_step(s, l);
        break;
    case EXPLAIN_PART:
        fprintf(s->out, "\n%s%s%s\n", s->style.bold, l->text, s->style.end);
        break;
    case EXPLAIN_ROW:
        show_row(s, l);
        break;
    case EXPLAIN_BITS:
        show_bits(s, l);
        break;
    case EXPLAIN_FRAME:
        show_frame(s, l);
        break;
    case EXPLAIN_PRICE:
        fprintf(s->out, "      %-44s %10s\n", l->text, vm_text_ns(l->ns, ns, sizeof ns));
        break;
    }
}

bool vm_report_story_text(FILE *out, const struct vm_story *s, enum vm_colour colour,
                          struct vm_error *e)
{
    struct screen screen = {.out = out, .story = s, .style = vm_style(colour), .colour = colour};
    struct explain_lines lines;
    char title[160];
    explain_lines_make(&lines, s);
    fprintf(out, "%s%s%s\n", screen.style.bold, explain_title(s, title, sizeof title),
            screen.style.end);
    for (size_t i = 0; i < lines.n; i++)
        show_line(&screen, &lines.line[i]);
    explain_lines_free(&lines);
    return !lines.failed || vm_fail(e, VM_ESYSTEM, "no memory to explain a reference");
}

bool vm_report_explain_text(FILE *out, const struct vm_explanation *x, enum vm_colour colour,
                            struct vm_error *e)
{
    vm_text_trace(out, &x->trace, vm_style(colour));
    for (size_t i = 0; i < x->nstories; i++) {
        fputc('\n', out);
        if (!vm_report_story_text(out, x->story[i], colour, e))
            return false;
    }
    return true;
}
