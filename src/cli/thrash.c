/* thrash.c - `pagoda thrash`: several programs at once, and how many of them a machine can bear. */
#include "cli/charts.h"

#include <pagoda/thrash.h>
#include <stdlib.h>
#include <string.h>

#define QUANTUM   "50k" /* 4 ms of references that hit memory of 80 ns */
#define ADMISSION "working-set"

/* What the command line names: copies share a name. */
struct programs {
    size_t n;
    struct vm_source source[VM_PROCESSES_MAX];
    char name[ARGS_MAX][4096];
};

/* "TRACE" or "TRACE*8", operand number i. */
static bool add_program(struct programs *p, size_t i, const char *operand,
                        const struct vm_trace_options *options, struct vm_error *e)
{
    uint64_t copies = 1;
    const char *star = strrchr(operand, '*');
    if (star && star[1] && strspn(star + 1, "0123456789") == strlen(star + 1)) {
        if (!vm_parse_count(star + 1, operand, &copies, e))
            return false;
    } else {
        star = operand + strlen(operand);
    }
    if (copies == 0 || copies > VM_PROCESSES_MAX - p->n)
        return vm_fail(e, VM_EUSAGE, "%s: expected 1 to %d processes in all", operand,
                       VM_PROCESSES_MAX);
    if ((size_t)snprintf(p->name[i], sizeof p->name[i], "%.*s", (int)(star - operand), operand) >=
        sizeof p->name[i])
        return vm_fail(e, VM_EUSAGE, "%.40s...: a name of more than %zu bytes", operand,
                       sizeof p->name[i] - 1);
    for (uint64_t k = 0; k < copies; k++)
        p->source[p->n++] = (struct vm_source){.spec = p->name[i], .options = options};
    return true;
}

/* "N" or "A..B". */
static bool parse_degrees(const char *text, struct vm_thrash_request *r, struct vm_error *e)
{
    char first[32];
    const char *dots = strstr(text, "..");
    uint64_t a, b;
    if (!dots)
        return vm_parse_count(text, "--degree", &a, e) &&
               (r->degree_first = r->degree_last = a, true);
    snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    if (!vm_parse_count(first, "--degree", &a, e) || !vm_parse_count(dots + 2, "--degree", &b, e))
        return false;
    r->degree_first = a;
    r->degree_last = b;
    return true;
}

/* "50k" references, or "10ms". */
static bool parse_quantum(const char *text, struct vm_mix_request *r, struct vm_error *e)
{
    size_t n = strlen(text);
    return n && text[n - 1] == 's' ? vm_parse_time(text, "--quantum", &r->quantum_ns, e)
                                   : vm_parse_count(text, "--quantum", &r->quantum, e);
}

/* The place of `name` among the names of a kind of `what`; 0 where it is not given. */
static bool parse_name(const char *name, const char *what, const char *const *names, size_t n,
                       size_t *out, struct vm_error *e)
{
    *out = 0;
    if (!name)
        return true;
    while (*out < n && strcmp(names[*out], name) != 0)
        ++*out;
    return *out < n || vm_fail_unknown(e, what, name, names, n);
}

/* Who is suspended and comes back, and when thrashing is detected. */
static bool parse_load_control(const struct args *a, struct vm_mix_request *r, struct vm_error *e)
{
    const char *window = args_value(a, "thrash-window");
    size_t leaver, prepage;
    r->admission = args_has(a, "admission") ? args_value(a, "admission") : ADMISSION;
    r->detection = args_value(a, "thrash-rule");
    if (!parse_name(args_value(a, "suspend"), "way to choose whom to suspend", vm_leaver_names,
                    VM_LEAVERS, &leaver, e) ||
        !parse_name(args_value(a, "prepage"), "way to prepage", vm_prepage_names, VM_PREPAGES,
                    &prepage, e) ||
        (window && !vm_parse_time(window, "--thrash-window", &r->window_ns, e)))
        return false;
    r->leaver = leaver;
    r->prepage = prepage;
    return !window || r->window_ns ||
           vm_fail(e, VM_EUSAGE, "--thrash-window: a window of no time: expected 1ns at least");
}

static bool parse(const struct args *a, struct programs *p, const struct vm_trace_options *options,
                  struct vm_thrash_request *r, struct vm_error *e)
{
    const char *degrees = args_value(a, "degree"), *quantum = args_value(a, "quantum");
    for (size_t i = 0; i < a->noperands; i++)
        if (!add_program(p, i, a->operand[i], options, e))
            return false;
    r->mix.source = p->source;
    r->mix.n = p->n;
    r->degree_first = 1;
    r->degree_last = p->n;
    return parse_load_control(a, &r->mix, e) &&
           parse_quantum(quantum ? quantum : QUANTUM, &r->mix, e) &&
           (!degrees || parse_degrees(degrees, r, e));
}

static bool show(const struct args *a, const struct vm_thrash *t, const struct vm_thrash_request *r,
                 struct vm_error *e)
{
    struct vm_thrash_picture picture;
    vm_thrash_draw(t, &picture);
    if (charts_asked(a) && !charts_write(a, "Thrashing", picture.chart, VM_THRASH_CHARTS, e))
        return false;
    if (args_has(a, "json"))
        return vm_report_thrash_json(stdout, t, r, e) && stdout_finish(e);
    vm_report_thrash_text(stdout, t, stdout_colour());
    if (t->npoints > 1 && !charts_print(picture.chart, 1, e))
        return false;
    return stdout_finish(e);
}

static bool run_programs(const struct args *a, struct programs *p, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_thrash thrash = {0};
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    if (!args_config(a, &config, e) || !args_trace_options(a, &options, e))
        return false;
    options.seed = config.seed;
    struct vm_thrash_request r = {.mix = {.machine = &config, .progress = &progress}};
    if (!parse(a, p, &options, &r, e))
        return false;
    progress_start(&bar);
    bool done = vm_thrash_run(&r, &thrash, e);
    progress_end(&bar);
    done = done && show(a, &thrash, &r, e);
    vm_thrash_free(&thrash);
    return done;
}

static bool run_thrash(const struct args *a, struct vm_error *e)
{
    if (a->noperands == 0)
        return args_operand(a, "traces: files or @WORKLOADs, TRACE*8 for eight copies", e);
    struct programs *p = calloc(1, sizeof *p);
    bool done = p ? run_programs(a, p, e) : vm_fail(e, VM_ESYSTEM, "no memory for programs");
    free(p);
    return done;
}

static const struct flag flags[] = {
    {"quantum", 0, "N|TIME", "references, or time (10ms), of a process before the next one's turn",
     QUANTUM},
    {"admission", 0, "HOW", "who may run: see `pagoda list admissions`", ADMISSION},
    {"suspend", 0, "newest|faulting|smallest|largest",
     "who leaves when one is to: admitted last, most major faults, fewest or most pages", "newest"},
    {"prepage", 0, "none|working-set", "what is read with one that comes back, before it runs",
     "none"},
    {"thrash-rule", 0, "RULE", "when the machine thrashes: see `pagoda list detections`",
     VM_DETECTION_USUAL},
    {"thrash-window", 0, "TIME", "what the rule looks at: the time between two verdicts", "50ms"},
    {"degree", 0, "A..B", "how many of the processes at once; else 1 to all of them", NULL},
    TRACE_FLAGS,
    CHART_FLAGS,
    {0}};

const struct command command_thrash = {
    .name = "thrash",
    .usage = "TRACE[*COPIES] ... [OPTION ...]",
    .summary = "several programs at once: how busy they keep a machine, and when it thrashes",
    .about =
        "Each trace is a process with memory of its own; they share the processor in turns, the\n"
        "frames and the swap device. A process whose page is being read waits, and another runs.\n"
        "The first 1, 2, 3 ... processes run at once, without and with an admission that keeps\n"
        "some out when their working sets do not fit together.\n\n"
        "  pagoda thrash sort.pgt*8 --memory 8MiB --swap hdd\n"
        "  pagoda thrash ls.pgt gcc.pgt sqlite.pgt --memory 4MiB --admission fixed:n=2\n\n"
        "Window by window of the machine's clock a rule says from a rate whether the machine\n"
        "thrashes: from a window above the rule's high mark to one below its low mark. The\n"
        "admission `detection` acts on that: it suspends a process whole while the rate is high,\n"
        "and lets it come back when the rate is low and its working set fits.\n\n"
        "  pagoda thrash gcc.pgt*6 --memory 3MiB --admission detection --thrash-window 20ms \\\n"
        "      --thrash-rule fault-rate:high=20,low=10 --prepage working-set --quantum 10ms",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_thrash,
};
