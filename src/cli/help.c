/* help.c - `pagoda help`, `pagoda help COMMAND`, and the manual page, from the same tables. */
#include "cli/cli.h"

#include <string.h>

/* ---- for terminals ---- */

static void help_flag(FILE *out, const struct flag *f)
{
    char name[64];
    const char *metavar = !f->metavar ? "" : *f->metavar ? f->metavar : "VALUE";
    snprintf(name, sizeof name, "--%s%s%s", f->name, f->metavar ? " " : "", metavar);
    if (f->letter)
        fprintf(out, "  -%c, %-22s %s\n", f->letter, name, f->help);
    else
        fprintf(out, "      %-22s %s\n", name, f->help);
}

/* The option's words or default behind its help. */
static void help_option(FILE *out, const struct vm_option *o)
{
    char name[64];
    snprintf(name, sizeof name, "--%s %s", o->flag, o->words ? o->words : "VALUE");
    fprintf(out, "      %-22s %s (%s)\n", name, o->help, o->fallback);
}

static const struct vm_option *option_of(const struct command *c, const char *flag)
{
    for (size_t i = 0; c->machine == MACHINE_FLAGS_TAKEN && vm_option_at(i); i++)
        if (!strcmp(vm_option_at(i)->flag, flag))
            return vm_option_at(i);
    return NULL;
}

void help_command(FILE *out, const struct command *c)
{
    struct flag f;
    fprintf(out, "usage: pagoda %s %s\n\n%s.\n", c->name, c->usage, c->summary);
    if (*c->about)
        fprintf(out, "\n%s\n", c->about);
    fputs("\noptions:\n", out);
    for (size_t i = 0; command_flag(c, i, &f); i++) {
        const struct vm_option *o = option_of(c, f.name);
        if (o)
            help_option(out, o);
        else
            help_flag(out, &f);
    }
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
          "  pagoda record -o ls.pgt -- ls /usr/bin       record a program (needs valgrind)\n"
          "  pagoda info ls.pgt                           what it touched\n"
          "  pagoda replay ls.pgt --memory 512KiB         run it in too little memory\n"
          "  pagoda replay ls.pgt --frames 128 --policy opt   at best?\n"
          "  pagoda replay @zipf:pages=10k --policy lru --model pages --frames 1000\n"
          "  pagoda list policies\n\n"
          "pagoda help COMMAND has a command's options; pagoda man is the manual.\n"
          "exit status: 0 done, 2 usage, 3 bad input, 4 the system said no, 5 an impossible "
          "machine.\n",
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
