/* cli.h - commands: the only room that talks to the user, exits, and has main().
 *
 * A command declares its flags in a table, which parses them, suggests the nearest for one that is
 * misspelt, and prints them in its help and in the man page.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <pagoda/engine.h>
#include <pagoda/error.h>
#include <pagoda/report.h>
#include <pagoda/trace.h>
#include <stdio.h>

struct flag {
    const char *name;    /* without the dashes */
    char letter;         /* short form, or 0 */
    const char *metavar; /* of its value; NULL: it takes none */
    const char *help;
    const char *fallback; /* the value without it; NULL: none */
};

#define ARGS_MAX 64

/* A command line, taken apart. Strings belong to argv. */
struct args {
    const struct command *command;
    size_t noperands;
    const char *operand[ARGS_MAX];
    size_t nflags;
    struct {
        const char *name, *value; /* value: NULL for a flag without one */
    } flag[ARGS_MAX];
    char **rest; /* after "--" where a program stands there; else NULL */
    int *status; /* Pagoda's exit status, where all went well: 0 unless the command sets it */
};

enum machine_flags { MACHINE_FLAGS_NONE, MACHINE_FLAGS_TAKEN };
/* What "--" begins: operands that may begin with a dash, or a program and its arguments. */
enum dashes { DASHES_OPERANDS, DASHES_PROGRAM };
enum json_flag { JSON_FLAG_NONE, JSON_FLAG_TAKEN };
enum experiment_flags { EXPERIMENT_FLAGS_NONE, EXPERIMENT_FLAGS_TAKEN };

struct command {
    const char *name, *usage, *summary;
    const char *about;          /* some sentences for its help; "" if the summary says it all */
    const struct flag *flag;    /* its own flags, ended by a zeroed row */
    enum machine_flags machine; /* whether options.def's flags, --machine and --frames are too */
    enum dashes dashes;
    enum json_flag json;               /* whether --json is taken */
    enum experiment_flags experiments; /* whether parameters of experiments are flags */
    bool (*run)(const struct args *a, struct vm_error *e);
};

const struct command *command_at(size_t i); /* NULL past the end */
const struct command *command_find(const char *name, struct vm_error *e);

/* ---- args.c ---- */

/* Take argv[0..argc) apart by the command's flags. Errors: VM_EUSAGE. */
bool args_parse(struct args *a, const struct command *c, int argc, char **argv, struct vm_error *e);
/* The last value given for a flag, or NULL. */
const char *args_value(const struct args *a, const char *name);
bool args_has(const struct args *a, const char *name);
/* The only operand. Errors: VM_EUSAGE naming what was expected. */
const char *args_operand(const struct args *a, const char *what, struct vm_error *e);
/* The i-th flag that a command accepts, its own before the machine's; false past the end. */
bool command_flag(const struct command *c, size_t i, struct flag *out);
/* What stands for a machine option's value in its help. */
const char *option_metavar(const struct vm_option *o);

/* The machine that --machine and the option flags describe. Errors: VM_EUSAGE, VM_ESYSTEM. */
bool args_config(const struct args *a, struct vm_config *out, struct vm_error *e);
/* --format, --seed, --skip, --refs, --salvage. */
bool args_trace_options(const struct args *a, struct vm_trace_options *out, struct vm_error *e);
/* Those flags, for a command's table. */
#define TRACE_FLAGS                                                                                \
    {"format", 0, "FORMAT", "the trace's format, if its content does not tell: csv:address=addr",  \
     NULL},                                                                                        \
        {"skip", 0, "N", "pass over the first N references", NULL},                                \
        {"refs", 0, "N", "read N references at most; 0: all", "0"},                                \
    {                                                                                              \
        "salvage", 0, NULL, "pass over torn blocks of a .pgt, and say how much was lost", NULL     \
    }
/* Whether --show, if it is there, names a section. Errors: VM_EUSAGE. */
bool args_show(const struct args *a, struct vm_error *e);
/* Of a command that reports a machine: sections that only who asks for them sees. */
#define SHOW_FLAG                                                                                  \
    {                                                                                              \
        "show", 0, "frames",                                                                       \
            "one section more: frames, the frame allocator's zones, free blocks and lists", NULL   \
    }
/* Of a command that reads a trace and builds no machine, whose --seed it otherwise is. */
#define SEED_FLAG                                                                                  \
    {                                                                                              \
        "seed", 0, "N", "of a workload's random choices", "1"                                      \
    }

/* The value of --pages, "4KiB,2MiB": page sizes, at least one, into out[most]. */
bool args_page_sizes(const char *list, uint64_t *out, size_t most, size_t *n, struct vm_error *e);
/* --workers: how many threads; 0 without it, for as many as there are processors. */
bool args_workers(const struct args *a, unsigned *out, struct vm_error *e);

/* The text of a small file, which is a `noun`; to be freed. Errors: VM_ESYSTEM, VM_EINPUT. */
char *args_read_text(const char *path, const char *noun, struct vm_error *e);

/* ---- presets.c ---- */

struct preset {
    const char *name;
    const char *text; /* the INI file */
};
const struct preset *preset_at(size_t i); /* NULL past the end */
const struct preset *preset_find(const char *name);
/* The preset's summary: its first comment line, into out[cap]. */
const char *preset_summary(const struct preset *p, char *out, size_t cap);

/* ---- progress.c ---- */

/* A bar on standard error if that is a terminal, nothing otherwise. */
struct progress {
    bool shown;
    long long next_ms;
};
void progress_start(struct progress *p);
void progress_report(void *progress, const char *what, const struct vm_trace_info *info,
                     uint64_t refs);
void progress_end(struct progress *p);

/* Colours for a terminal, unless NO_COLOR or TERM=dumb says otherwise. */
enum vm_colour stdout_colour(void);
enum vm_colour stderr_colour(void);
/* Flush standard output. Errors: VM_ESYSTEM if anything could not be written. */
bool stdout_finish(struct vm_error *e);

/* ---- help.c ---- */

void help_command(FILE *out, const struct command *c);
/* Text where `column` columns are already printed, broken between words, hanging from `indent`. */
void help_hang(FILE *out, const char *text, int column, int indent);
void help_all(FILE *out);

/* ---- run.c ---- */

struct vm_run_config;
/* What `pagoda run` would do with such flags, and by default: of the first program, the rest. *own,
 * which *c may point to, is the caller's to free, even where it fails. Errors: VM_EUSAGE. */
bool run_configure(const struct args *a, struct vm_run_config *c, char **own, struct vm_error *e);

/* ---- origin.c ---- */

/* `begin` and the words of `program` (NULL at the end) as they would be typed into a shell, or as
 * much of it as fits. */
void describe_command(const char *begin, char *const *program, char *out, size_t cap);

#endif
