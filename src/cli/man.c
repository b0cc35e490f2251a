/* man.c - `pagoda man`: the manual page pagoda(1) as roff, its lists made from the tables. */
#include "cli/cli.h"

#include <ctype.h>
#include <pagoda/alloc.h>
#include <pagoda/heap.h>
#include <pagoda/live.h>
#include <pagoda/partition.h>
#include <pagoda/readahead.h>
#include <pagoda/sched.h>
#include <pagoda/thrash.h>
#include <string.h>

#define WIDTH 76 /* of an input line at most; roff fills lines itself */

/* One word with roff's special characters made harmless; returns its width. */
static int roff_word(const char *word, size_t n)
{
    int width = 0;
    for (size_t i = 0; i < n; i++)
        if (word[i] == '\\')
            width += printf("\\e");
        else if (word[i] == '-')
            width += printf("\\-");
        else
            width += printf("%c", word[i]);
    return width;
}

static const char blanks[] = " \n";

/* Text as lines of input: broken between words, and after a sentence. */
static void roff(const char *text)
{
    int column = 0;
    for (text += strspn(text, blanks); *text;) {
        size_t n = strcspn(text, blanks);
        if (column + 1 + (int)n > WIDTH) {
            putchar('\n');
            column = 0;
        }
        if (column)
            column += printf(" ");
        else if (*text == '.' || *text == '\'')
            printf("\\&"); /* no request */
        column += roff_word(text, n);
        if (text[n - 1] == '.')
            column = WIDTH;
        text += n;
        text += strspn(text, blanks);
    }
    putchar('\n');
}

static void item(const char *bold, const char *italic, const char *text)
{
    printf(".TP\n.B \"");
    roff_word(bold, strlen(bold));
    printf("\"");
    if (italic && *italic) {
        printf(" \\fI");
        roff_word(italic, strlen(italic));
        printf("\\fR");
    }
    putchar('\n');
    roff(text);
}

static void heading(const char *title)
{
    fputs(".SH ", stdout);
    for (; *title; title++)
        putchar(toupper((unsigned char)*title));
    putchar('\n');
}

/* "--output, -o", and in its text the default. */
static void flag_item(const struct flag *f)
{
    char name[64], text[512];
    snprintf(name, sizeof name, f->letter ? "--%s, -%c" : "--%s", f->name, f->letter);
    snprintf(text, sizeof text, f->fallback ? "%s (default %s)" : "%s", f->help, f->fallback);
    puts(".RS");
    item(name, f->metavar, text);
    puts(".RE");
}

static bool is_machine_option(const char *name)
{
    for (size_t i = 0; vm_option_at(i); i++)
        if (!strcmp(vm_option_at(i)->flag, name))
            return true;
    return false;
}

/* Paragraphs of a command's text; those that are indented are examples, printed as they are. */
static void about(const char *text)
{
    for (bool fresh = true; *text; fresh = false) {
        bool example = *text == ' ';
        const char *gap = strstr(text, "\n\n");
        size_t n = gap ? (size_t)(gap - text) : strlen(text);
        char paragraph[2048];
        snprintf(paragraph, sizeof paragraph, "%.*s", (int)n, text);
        if (!fresh)
            puts(".IP");
        if (example) {
            puts(".nf");
            for (char *rest = paragraph, *line; (line = strsep(&rest, "\n"));) {
                roff_word(line, strlen(line));
                putchar('\n');
            }
            puts(".fi");
        } else {
            roff(paragraph);
        }
        text += n + (gap ? 2 : 0);
    }
}

static void commands(void)
{
    heading("commands");
    for (size_t i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        char name[64], summary[256];
        struct flag f;
        snprintf(name, sizeof name, "pagoda %s", c->name);
        snprintf(summary, sizeof summary, "%c%s.", toupper((unsigned char)c->summary[0]),
                 c->summary + 1);
        item(name, c->usage, summary);
        about(c->about);
        for (size_t k = 0; command_flag(c, k, &f); k++)
            if (c->machine == MACHINE_FLAGS_NONE || !is_machine_option(f.name))
                flag_item(&f);
    }
}

static void options(void)
{
    heading("machine options");
    roff("These describe the machine of a replay, on the command line or in a description file, "
         "which is an INI file given with --machine, as are the presets' names. The command line "
         "wins.");
    for (size_t i = 0; vm_option_at(i); i++) {
        const struct vm_option *o = vm_option_at(i);
        char flag[64], text[512];
        snprintf(flag, sizeof flag, "--%s", o->flag);
        snprintf(text, sizeof text, "%s. Default: %s. In a file: [%s] %s.", o->help, o->fallback,
                 o->section, o->key);
        item(flag, option_metavar(o), text);
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
            puts(".RS");
            item(name, NULL, text);
            puts(".RE");
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
    roff("Of pagoda run, where all went well, it is the program's: its exit status, or 128 and the "
         "number of the signal that ended it.");
}

static bool run_man(const struct args *a, struct vm_error *e)
{
    if (a->noperands)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\"", a->operand[0]);
    /* The date is the version's, not the build's: every build makes the same page. */
    puts(".TH PAGODA 1 \"2026-11-21\" \"Pagoda " PAGODA_VERSION "\" \"User Commands\"\n.SH NAME\n"
         "pagoda \\- a virtual memory system: replay a program's memory through any machine\n"
         ".SH SYNOPSIS\n.B pagoda\n.I COMMAND\n[\\fIARG\\fR ...]\n.SH DESCRIPTION");
    roff("Pagoda records what a real program does to memory, replays it through a machine of your "
         "choice (translation scheme, TLBs, memory size, replacement policy, swap device), and "
         "says exactly what happened and what it cost. A trace is a file in one of the formats "
         "below, found by its content and decompressed as needed (gzip, xz, zstd, zip), standard "
         "input (-), or a workload, written @NAME:PARAM=VALUE,...");
    commands();
    options();
    parts("policies", vm_policy_list);
    parts("schemes", vm_scheme_list);
    parts("devices", vm_device_list);
    parts("readaheads", vm_readahead_list);
    parts("allocators", vm_alloc_list);
    parts("storages", vm_partition_list);
    parts("heaps", vm_heap_list);
    parts("schedulers", vm_sched_list);
    parts("admissions", vm_admission_list);
    parts("detections", vm_detection_list);
    parts("stores", vm_store_list);
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
