/* run.c - `pagoda run`: a RISC-V program under Pagoda's own kernel. */
#include "cli/cli.h"

#include "base/sink.h"

#include <errno.h>
#include <pagoda/kernel.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCHED       "rr"
#define SCHED_CPUS  "sqms"
#define CPUS        "1"
#define QUANTUM     "10"
#define TICK        "1"
#define INSTRUCTION "0.4"
#define PROCESSES   "256"
#define STACK       "8MiB"
#define SCHEME      "sv39"

struct words {
    const char *name;
    unsigned value;
};

static const struct words models[] = {
    {"none", VM_RUN_NONE}, {"tlb", VM_RUN_TLB}, {"full", VM_RUN_FULL}, {NULL, 0}};
static const struct words overcommits[] = {{"always", VM_OVERCOMMIT_ALWAYS},
                                           {"never", VM_OVERCOMMIT_NEVER},
                                           {"guess", VM_OVERCOMMIT_GUESS},
                                           {NULL, 0}};
static const struct words traces[] = {{"traps", VM_TRACE_TRAPS},       {"faults", VM_TRACE_FAULTS},
                                      {"syscalls", VM_TRACE_SYSCALLS}, {"sched", VM_TRACE_SCHED},
                                      {"signals", VM_TRACE_SIGNALS},   {NULL, 0}};

static bool find_word(const struct words *table, const char *what, const char *text, unsigned *out,
                      struct vm_error *e)
{
    const char *names[16];
    size_t n = 0;
    for (; table[n].name; n++) {
        names[n] = table[n].name;
        if (strcmp(text, table[n].name) != 0)
            continue;
        *out = table[n].value;
        return true;
    }
    vm_fail_unknown(e, what, text, names, n);
    return false;
}

static bool parse_trace(const char *text, unsigned *out, struct vm_error *e)
{
    char list[256];
    unsigned bit;
    if (strlen(text) >= sizeof list)
        return vm_fail(e, VM_EUSAGE, "--trace: a list of more than %zu characters",
                       sizeof list - 1);
    strcpy(list, text);
    for (char *rest, *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (!find_word(traces, "trace", word, &bit, e))
            return false;
        *out |= bit;
    }
    return true;
}

/* ---- where traces and reports go ---- */

/* A file that is there whole at the end, or standard error: standard output is the programs'. */
struct outlet {
    struct vm_sink *sink; /* NULL: standard error */
    bool failed;          /* the sink, as why says */
    struct vm_error why;
};

static bool outlet_open(struct outlet *o, const struct args *a, const char *flag,
                        struct vm_error *e)
{
    if (args_has(a, flag))
        o->sink = vm_sink_open(args_value(a, flag), e);
    return o->sink || !args_has(a, flag);
}

static void outlet_write(struct outlet *o, const char *text, size_t bytes)
{
    if (!o->sink)
        fwrite(text, 1, bytes, stderr);
    else if (!o->failed)
        o->failed = !vm_sink_write(o->sink, text, bytes, &o->why);
}

/* Nothing is left of a file that has nothing in it. */
static bool outlet_close(struct outlet *o, struct vm_error *e)
{
    struct vm_sink *sink = o->sink;
    o->sink = NULL;
    if (sink && !o->failed && vm_sink_offset(sink))
        return vm_sink_commit(sink, e);
    vm_sink_abort(sink);
    if (o->failed)
        *e = o->why;
    return !o->failed;
}

static const struct {
    const char *name, *colour;
} kinds[] = {
    [VM_TRACE_TRAPS] = {"trap", "\033[2m"},      [VM_TRACE_FAULTS] = {"fault", "\033[33m"},
    [VM_TRACE_SYSCALLS] = {"call", "\033[36m"},  [VM_TRACE_SCHED] = {"sched", "\033[32m"},
    [VM_TRACE_SIGNALS] = {"signal", "\033[31m"},
};

/* "    1.234567 ms      2 call    close(3) = 0" */
static void print_trace(void *host, enum vm_run_trace what, uint64_t now_ns, uint32_t tid,
                        const char *line)
{
    struct outlet *o = host;
    bool colour = !o->sink && stderr_colour() == VM_COLOUR_ANSI;
    char text[640];
    int n = snprintf(text, sizeof text, "%s%14.6f ms %6u %-6s  %s%s\n",
                     colour ? kinds[what].colour : "", (double)now_ns / 1e6, tid, kinds[what].name,
                     line, colour ? "\033[0m" : "");
    outlet_write(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* ---- what the command line asks for ---- */

static const char *value_or(const struct args *a, const char *name, const char *fallback)
{
    return args_has(a, name) ? args_value(a, name) : fallback;
}

static bool parse_ms(const struct args *a, const char *name, const char *fallback, uint64_t *ns,
                     struct vm_error *e)
{
    double ms;
    const char *text = value_or(a, name, fallback);
    if (!vm_parse_real(text, name, &ms, e))
        return false;
    if (!(ms > 0 && ms < 1e9))
        return vm_fail(e, VM_EUSAGE, "--%s %s: expected milliseconds, more than 0", name, text);
    *ns = (uint64_t)(ms * 1e6);
    *ns += *ns == 0;
    return true;
}

static bool parse_processor(const struct args *a, struct vm_run_config *c, struct vm_error *e)
{
    unsigned model, overcommit;
    uint64_t processes, cpus;
    if (!find_word(models, "model", value_or(a, "model", "tlb"), &model, e) ||
        !find_word(overcommits, "overcommit", value_or(a, "overcommit", "always"), &overcommit, e))
        return false;
    c->model = (enum vm_run_model)model;
    c->overcommit = (enum vm_overcommit)overcommit;
    const char *instruction = value_or(a, "instruction-ns", INSTRUCTION);
    if (!parse_ms(a, "quantum", QUANTUM, &c->quantum_ns, e) ||
        !parse_ms(a, "tick", TICK, &c->tick_ns, e) ||
        !vm_parse_real(instruction, "--instruction-ns", &c->instruction_ns, e) ||
        !vm_parse_count(value_or(a, "cpus", CPUS), "--cpus", &cpus, e) ||
        !vm_parse_count(value_or(a, "processes", PROCESSES), "--processes", &processes, e) ||
        !vm_parse_bytes(value_or(a, "stack", STACK), "--stack", &c->stack_bytes, e) ||
        !vm_parse_count(value_or(a, "instructions", "0"), "--instructions", &c->instructions, e))
        return false;
    if (!(c->instruction_ns > 0 && c->instruction_ns < 1e6))
        return vm_fail(e, VM_EUSAGE, "--instruction-ns %s: expected more than 0", instruction);
    if (processes < 1 || processes > 4000)
        return vm_fail(e, VM_EUSAGE, "--processes %llu: expected 1 to 4000",
                       (unsigned long long)processes);
    c->processes_max = (uint32_t)processes;
    if (cpus < 1 || cpus > VM_CPUS_MAX)
        return vm_fail(e, VM_EUSAGE, "--cpus %llu: expected 1 to %d", (unsigned long long)cpus,
                       VM_CPUS_MAX);
    c->cpus = (uint32_t)cpus;
    c->sched = value_or(a, "sched", cpus > 1 ? SCHED_CPUS : SCHED);
    return true;
}

/* Pagoda's own directory as a path below `root`, "/" where it does not lie there; to be freed.
 * NULL: no memory. */
static char *own_directory(const char *root)
{
    char *top = realpath(root, NULL), *here = realpath(".", NULL);
    size_t n = top ? strlen(top) : 0;
    while (n && top[n - 1] == '/')
        n--;
    bool below = top && here && !strncmp(here, top, n) && here[n] == '/';
    char *path = strdup(below ? here + n : "/");
    free(top);
    free(here);
    return path;
}

static bool parse_place(const struct args *a, struct vm_run_config *c, char **own,
                        struct vm_error *e)
{
    c->root = value_or(a, "root", "/");
    c->writable = args_has(a, "writable");
    *own = own_directory(c->root);
    c->cwd = value_or(a, "cwd", *own);
    return *own || vm_fail(e, VM_ESYSTEM, "no memory for the name of a directory");
}

static bool parse(const struct args *a, struct vm_run_config *c, struct vm_error *e)
{
    static char *const no_environment[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/",
                                           "TERM=dumb", NULL};
    if (!args_config(a, &c->machine, e) || !parse_processor(a, c, e))
        return false;
    if (!args_has(a, "machine") && !args_has(a, "scheme"))
        strcpy(c->machine.scheme, SCHEME);
    if (args_has(a, "trace") && !parse_trace(args_value(a, "trace"), &c->trace, e))
        return false;
    c->misaligned_traps = args_has(a, "misaligned-traps");
    c->argv = a->rest;
    c->envp = args_has(a, "env") ? environ : no_environment;
    if (args_has(a, "trace-to") && !c->trace)
        return vm_fail(e, VM_EUSAGE, "--trace-to without --trace: expected what to tell of");
    c->record = args_has(a, "record") ? args_value(a, "record") : NULL;
    c->told = print_trace;
    return true;
}

bool run_configure(const struct args *a, struct vm_run_config *c, char **own, struct vm_error *e)
{
    return parse(a, c, e) && parse_place(a, c, own, e);
}

#define STATUS_CUT_SHORT 124 /* as timeout(1) says it */

/* As a shell tells how a program ended. */
static int exit_status(int status)
{
    if (status == -1)
        return STATUS_CUT_SHORT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool put_report(const struct args *a, const struct vm_run_result *r, struct outlet *o,
                       struct vm_error *e)
{
    char *text = NULL;
    size_t bytes = 0;
    bool good = true;
    enum vm_colour colour = o->sink ? VM_COLOUR_NONE : stderr_colour();
    FILE *f = open_memstream(&text, &bytes);
    if (!f)
        return vm_fail(e, VM_ESYSTEM, "no memory for a report: %s", strerror(errno));
    if (args_has(a, "json"))
        good = vm_report_run_json(f, r, e);
    else
        vm_report_run_text(f, r, colour);
    if (!args_has(a, "json") && args_has(a, "show"))
        vm_report_frames_text(f, &r->machine, colour);
    bool whole = fclose(f) == 0;
    if (good && whole)
        outlet_write(o, text, bytes);
    free(text);
    return good && (whole || vm_fail(e, VM_ESYSTEM, "no memory for a report"));
}

static bool wants_report(const struct args *a)
{
    return args_has(a, "json") || args_has(a, "report") || args_has(a, "report-to") ||
           args_has(a, "show");
}

static bool run_and_report(const struct args *a, struct vm_run_config *c, struct outlet *report,
                           struct vm_error *e)
{
    struct vm_run_result result;
    if (!vm_kernel_run(c, &result, e))
        return false;
    bool good = !wants_report(a) || put_report(a, &result, report, e);
    *a->status = exit_status(result.status);
    vm_run_result_free(&result);
    return good;
}

/* What a trace has told is kept however the run ended: it may say why. */
static bool run_run(const struct args *a, struct vm_error *e)
{
    struct vm_run_config config = {0};
    struct outlet trace = {0}, report = {0};
    struct vm_error why = {0};
    char origin[1024], *own = NULL;
    signal(SIGPIPE, SIG_IGN); /* it is the program's that writes */
    if (!a->rest)
        return vm_fail(e, VM_EUSAGE, "which program? expected -- PROGRAM [ARGUMENT ...]");
    bool good = args_show(a, e) && run_configure(a, &config, &own, e) &&
                outlet_open(&trace, a, "trace-to", e) && outlet_open(&report, a, "report-to", e);
    config.host = &trace;
    describe_command("pagoda run --", a->rest, origin, sizeof origin);
    config.origin = origin;
    good = good && run_and_report(a, &config, &report, e);
    bool kept = outlet_close(&trace, &why);
    kept = outlet_close(&report, &why) && kept;
    free(own);
    if (good && !kept)
        *e = why;
    return good && kept;
}

static const struct flag flags[] = {
    {"model", 0, "none|tlb|full",
     "what sees each reference: nobody but at misses; TLBs and tables; the data caches too", "tlb"},
    {"cpus", 0, "N", "processors: 1 to 64, each with TLBs and nearer caches of its own", CPUS},
    {"sched", 0, "SPEC",
     "who runs, see `pagoda list schedulers`; of several processors sqms, where none is named: "
     "one queue for all, mqms: one for each",
     SCHED},
    {"quantum", 0, "MS", "a turn, where the scheduler leaves that open", QUANTUM},
    {"tick", 0, "MS", "from one timer interrupt to the next", TICK},
    {"instruction-ns", 0, "NS", "what an instruction takes beside its references", INSTRUCTION},
    {"root", 0, "DIR", "the directory of the host that programs see as /", "/"},
    {"cwd", 0, "DIR",
     "where the program begins, a path below the root; without it, where you are, if that lies "
     "below the root",
     NULL},
    {"writable", 0, NULL, "programs may change files below the root", NULL},
    {"env", 0, NULL, "programs get Pagoda's own environment", NULL},
    {"processes", 0, "N", "processes at once, at most", PROCESSES},
    {"stack", 0, "SIZE", "a stack may grow so far", STACK},
    {"overcommit", 0, "always|never|guess",
     "whether mappings may add up to more than memory and swap; guess: no single one may be more",
     "always"},
    {"misaligned-traps", 0, NULL, "a misaligned load or store is SIGBUS", NULL},
    {"instructions", 0, "N", "end the run after so many; 0: never", "0"},
    {"report", 0, NULL, "say at the end, on standard error, what happened and what it cost", NULL},
    {"json", 0, NULL, "the same as JSON", NULL},
    {"report-to", 0, "FILE", "the report, or with --json its JSON, into a file", NULL},
    SHOW_FLAG,
    {"trace", 0, "WHAT,...", "tell of traps, faults, syscalls, sched, signals, on standard error",
     NULL},
    {"trace-to", 0, "FILE", "that into a file", NULL},
    {"record", 0, "FILE", "what the machine is told, as a .pgt that `pagoda replay` reads", NULL},
    {0}};

const struct command command_run = {
    .name = "run",
    .usage = "[OPTION ...] -- PROGRAM [ARGUMENT ...]",
    .summary = "run a RISC-V program under Pagoda's own kernel",
    .about =
        "PROGRAM is a static ELF file for rv64gc Linux, a path below --root. It and the\n"
        "processes that it starts get their memory from the machine: pages come when they\n"
        "are touched, and leave when frames are few.\n\n"
        "  pagoda run -- ./busybox.rv sh -c 'ls / | wc -l'\n"
        "  pagoda run --memory 2MiB --policy clock --swap ssd -- ./guest\n"
        "  pagoda run --cpus 4 --sched mqms:base=mlfq --report -- ./guest\n"
        "  pagoda run --trace syscalls,faults --trace-to t.txt --report -- ./guest\n\n"
        "The exit status is the program's, or 128 and the number of the signal that ended it.\n"
        "It is 124 if the run ended before the program did (--instructions).\n"
        "Where Pagoda itself fails it is 2 to 5 (see the manual), with a line that begins\n"
        "with \"pagoda: \" on standard error; a program may exit with these too, and the report's\n"
        "\"exit\" is the program's always.\n\n"
        "A line of --trace has the time by the kernel's clock, the thread, the kind (trap, fault,\n"
        "call, sched, signal), and what happened:\n\n"
        "      0.118400 ms      1 call    write(1, \"hello\\n\", 6) = 6",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .dashes = DASHES_PROGRAM,
    .run = run_run,
};
