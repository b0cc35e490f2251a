/* man.c - `pagoda man`: the manual page pagoda(1) as roff, its lists made from the tables. */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

/* Text with roff's special characters made harmless. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
}

static void item(const char *bold, const char *italic, const char *text)
{
    fputs(".TP\n.B \"", stdout);
    roff(bold);
    fputs("\"", stdout);
    if (italic && *italic) {
        fputs(" \\fI", stdout);
        roff(italic);
        fputs("\\fR", stdout);
    }
    fputs("\n", stdout);
    roff(text);
    fputs("\n", stdout);
}

static void heading(const char *title)
{
    fputs(".SH ", stdout);
    for (; *title; title++)
        putchar(toupper((unsigned char)*title));
    putchar('\n');
}

static void commands(void)
{
    heading("commands");
    for (size_t i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        char name[64], text[2048];
        struct flag f;
        snprintf(name, sizeof name, "pagoda %s", c->name);
        snprintf(text, sizeof text, "%c%s. %s", toupper((unsigned char)c->summary[0]),
                 c->summary + 1, c->about);
        item(name, c->usage, text);
        for (size_t k = 0; c->flag[k].name && command_flag(c, k, &f); k++) {
            char flag[64];
            snprintf(flag, sizeof flag, f.letter ? "--%s, -%c" : "--%s", f.name, f.letter);
            fputs(".RS\n", stdout);
            item(flag, f.metavar, f.help);
            fputs(".RE\n", stdout);
        }
    }
}

static void options(void)
{
    heading("machine options");
    puts("These describe the machine of a replay, on the command line or in a description file,\n"
         "which is an INI file given with\n.B \\-\\-machine\nor a preset's name. The command line "
         "wins.");
    for (size_t i = 0; vm_option_at(i); i++) {
        const struct vm_option *o = vm_option_at(i);
        char flag[64], text[512];
        snprintf(flag, sizeof flag, "--%s", o->flag);
        snprintf(text, sizeof text, "%s. Default: %s. In a file: [%s] %s.", o->help, o->fallback,
                 o->section, o->key);
        item(flag, o->words ? o->words : "VALUE", text);
    }
}

static void parts(const char *title, bool (*list)(size_t, struct vm_listed *))
{
    struct vm_listed row;
    heading(title);
    for (size_t i = 0; list(i, &row); i++) {
        item(row.name, NULL, row.summary);
        for (size_t k = 0; k < row.nparams; k++) {
            char name[64], text[512];
            const struct vm_param *p = &row.param[k];
            snprintf(name, sizeof name, "%s=%s", p->name, p->fallback);
            snprintf(text, sizeof text, "%s%s%s%s", p->help, p->words ? " (" : "",
                     p->words ? p->words : "", p->words ? ")" : "");
            fputs(".RS\n", stdout);
            item(name, NULL, text);
            fputs(".RE\n", stdout);
        }
    }
}

static void presets(void)
{
    char summary[256];
    heading("presets");
    for (size_t i = 0; preset_at(i); i++)
        item(preset_at(i)->name, NULL, preset_summary(preset_at(i), summary, sizeof summary));
}

static void statuses(void)
{
    heading("exit status");
    item("0", NULL, "Done.");
    item("2", NULL, "Usage: an unknown option, key or name, or a value out of range.");
    item("3", NULL, "Bad input: a trace that is truncated, corrupt or of the wrong kind.");
    item("4", NULL, "The system said no: no such file, disk full, out of memory.");
    item("5", NULL, "A machine that cannot be built, or that ran out of memory or swap.");
}

static bool run_man(const struct args *a, struct vm_error *e)
{
    if (a->noperands)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\"", a->operand[0]);
    puts(".TH PAGODA 1 \"\" \"Pagoda\" \"User Commands\"\n.SH NAME\n"
         "pagoda \\- a virtual memory system: replay a program's memory through any machine\n"
         ".SH SYNOPSIS\n.B pagoda\n.I COMMAND\n[\\fIARG\\fR ...]\n.SH DESCRIPTION\n"
         "Pagoda records what a real program does to memory, replays it through a machine of\n"
         "your choice (translation scheme, TLBs, memory size, replacement policy, swap device),\n"
         "and says exactly what happened and what it cost.\n"
         "A trace is a file in one of the formats below, found by its content and decompressed\n"
         "as needed (gzip, xz, zstd, zip), standard input (\\fB\\-\\fR), or a workload written\n"
         "\\fB@NAME:PARAM=VALUE,...\\fR.");
    commands();
    options();
    parts("policies", vm_policy_list);
    parts("schemes", vm_scheme_list);
    parts("devices", vm_device_list);
    parts("formats", vm_format_list);
    parts("workloads", vm_workload_list);
    presets();
    statuses();
    return stdout_finish(e);
}

static const struct flag no_flags[] = {{0}};

const struct command command_man = {
    .name = "man",
    .usage = "",
    .summary = "print the manual page as roff",
    .about = "Read it with: pagoda man | man -l -",
    .flag = no_flags,
    .machine = MACHINE_FLAGS_NONE,
    .run = run_man,
};
