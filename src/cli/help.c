/* help.c - `pagoda help` and `pagoda help COMMAND`, from the tables of commands and flags. */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

#define WIDTH  96 /* of help at most */
#define COLUMN 32 /* where the texts of flags begin */

void help_hang(FILE *out, const char *text, int column, int indent)
{
    fprintf(out, "%*s", column < indent ? indent - column : 1, "");
    column = column < indent ? indent : column + 1;
    for (bool first = true; *text; first = false) {
        int word = (int)strcspn(text, " ");
        if (!first && column + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", word, text);
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

static void help_flag(FILE *out, const struct flag *f)
{
    char text[512];
    int column = f->letter ? fprintf(out, "  -%c, ", f->letter) : fprintf(out, "      ");
    column +=
        fprintf(out, "--%s%s%s", f->name, f->metavar ? " " : "", f->metavar ? f->metavar : "");
    snprintf(text, sizeof text, f->fallback ? "%s (default %s)" : "%s", f->help, f->fallback);
    help_hang(out, text, column, COLUMN);
}

void help_command(FILE *out, const struct command *c)
{
    struct flag f;
    fprintf(out, "usage: pagoda %s%s%s\n\n%c%s.\n", c->name, *c->usage ? " " : "", c->usage,
            toupper((unsigned char)c->summary[0]), c->summary + 1);
    if (*c->about)
        fprintf(out, "\n%s\n", c->about);
    fputs("\noptions:\n", out);
    for (size_t i = 0; command_flag(c, i, &f); i++)
        help_flag(out, &f);
}

void help_all(FILE *out)
{
    fputs("usage: pagoda COMMAND [ARG ...]\n\n"
          "Pagoda replays what a program did to memory through a machine of your choice, and says\n"
          "exactly what happened and what it cost.\n\ncommands:\n",
          out);
    for (size_t i = 0; command_at(i); i++)
        fprintf(out, "  %-9s %s\n", command_at(i)->name, command_at(i)->summary);
    fputs("\ntry:\n"
          "  pagoda record -o ls.pgt -- ls /usr/bin             record a program (needs valgrind)\n"
          "  pagoda info ls.pgt                                 what it touched\n"
          "  pagoda replay ls.pgt --memory 512KiB               run it in too little memory\n"
          "  pagoda replay ls.pgt --frames 128 --policy opt     the best that any policy could do\n"
          "  pagoda replay @zipf:pages=10k --model pages --frames 1000 --policy lru\n"
          "  pagoda list policies                               what can stand after --policy\n\n"
          "`pagoda help COMMAND` has a command's options, `pagoda man | man -l -` is the manual.\n"
          "Exit status: 0 done, 2 wrong usage, 3 bad input, 4 the system said no, 5 an impossible\n"
          "machine, or one that ran out of memory or swap.\n",
          out);
}

static bool run_help(const struct args *a, struct vm_error *e)
{
    if (a->noperands == 0) {
        help_all(stdout);
        return stdout_finish(e);
    }
    const char *name = args_operand(a, "one command", e);
    const struct command *c = name ? command_find(name, e) : NULL;
    if (!c)
        return false;
    help_command(stdout, c);
    return stdout_finish(e);
}

static const struct flag no_flags[] = {{0}};

const struct command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "how to use pagoda, or one command",
    .about = "",
    .flag = no_flags,
    .machine = MACHINE_FLAGS_NONE,
    .run = run_help,
};
