/* explain.c - `pagoda explain`: one reference, step by step. */
#include "cli/cli.h"

#include <pagoda/story.h>
#include <stdlib.h>
#include <string.h>

/* What is to be explained. */
struct question {
    struct vm_source source;
    uint64_t ref; /* the first reference that is told */
    uint64_t n;   /* how many are */
};

static bool report(const struct vm_explanation *x, const struct args *a, struct vm_error *e)
{
    bool done;
    if (args_has(a, "json"))
        done = vm_report_explain_json(stdout, x, e);
    else if (args_has(a, "html"))
        done = vm_report_explain_html(stdout, x, e);
    else
        done = vm_report_explain_text(stdout, x, stdout_colour(), e);
    return done && stdout_finish(e);
}

static bool tell(struct vm_cursor *c, const struct question *q, const struct args *a,
                 struct vm_error *e)
{
    const struct vm_story *story[2];
    struct vm_explanation x = {.nstories = q->n, .story = story};
    for (size_t i = 0; i < q->n; i++) {
        if (!vm_cursor_go(c, q->ref + i, e))
            return false;
        story[i] = vm_cursor_story(c);
    }
    vm_cursor_info(c, &x.trace);
    x.trace.name = q->source.spec;
    return report(&x, a, e);
}

static bool explain(const struct vm_config *config, const struct question *q, const struct args *a,
                    struct vm_error *e)
{
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    progress_start(&bar);
    struct vm_cursor *c = vm_cursor_open(config, &q->source, &progress, e);
    bool done = c && vm_cursor_go(c, q->ref, e);
    progress_end(&bar);
    done = done && tell(c, q, a, e);
    vm_cursor_close(c);
    return done;
}

/* ---- a reference of a trace ---- */

static bool parse_at(const char *text, uint64_t *out, struct vm_error *e)
{
    if (!text)
        return vm_fail(e, VM_EUSAGE, "expected --at N, the reference to explain, from 1");
    if (!vm_parse_count(text, "--at", out, e))
        return false;
    return *out > 0 || vm_fail(e, VM_EUSAGE, "--at 0: references are counted from 1");
}

static bool explain_trace(const struct vm_config *config, const char *trace, const struct args *a,
                          struct vm_error *e)
{
    struct vm_trace_options options;
    struct question q = {.n = 1, .source = {.spec = trace, .options = &options}};
    if (args_has(a, "va") || args_has(a, "access"))
        return vm_fail(e, VM_EUSAGE,
                       "--va and --access make a reference of their own: expected no trace");
    if (!parse_at(args_value(a, "at"), &q.ref, e) || !args_trace_options(a, &options, e))
        return false;
    options.seed = config->seed;
    return explain(config, &q, a, e);
}

/* ---- an address on a fresh machine ---- */

static bool parse_va(const char *text, vm_va *out, struct vm_error *e)
{
    char *end;
    if (text[0] != '0' || (text[1] | 0x20) != 'x')
        return vm_parse_count(text, "--va", out, e);
    *out = strtoull(text, &end, 16);
    bool good = text[2] && !*end && strspn(text + 2, "0123456789abcdefABCDEF") <= 16;
    return good || vm_fail(e, VM_EUSAGE, "--va %s: expected an address: 0x7f3d8c1f2a10", text);
}

static bool parse_access(const char *text, char *letter, struct vm_error *e)
{
    static const char *const known[] = {"r", "w", "x"};
    for (size_t i = 0; i < 3; i++)
        if (!strcmp(text, known[i])) {
            *letter = "RWI"[i];
            return true;
        }
    return vm_fail_unknown(e, "--access", text, known, 3);
}

/* The same reference twice, as a trace: the first one meets an empty machine. */
static bool explain_address(const struct vm_config *config, const struct args *a,
                            struct vm_error *e)
{
    static const struct vm_trace_options options = {.format = "rwi"};
    const char *access = args_value(a, "access");
    char text[64], name[32], letter = 'R';
    vm_va va;
    struct question q = {.ref = 1, .n = 2};
    if (!parse_va(args_value(a, "va"), &va, e) || (access && !parse_access(access, &letter, e)))
        return false;
    int n = snprintf(text, sizeof text, "%c %llx\n%c %llx\n", letter, (unsigned long long)va,
                     letter, (unsigned long long)va);
    snprintf(name, sizeof name, "--va 0x%llx", (unsigned long long)va);
    q.source =
        (struct vm_source){.spec = name, .options = &options, .bytes = text, .nbytes = (size_t)n};
    return explain(config, &q, a, e);
}

static bool run_explain(const struct args *a, struct vm_error *e)
{
    struct vm_config config;
    const char *trace = args_value(a, "trace");
    if (args_has(a, "json") && args_has(a, "html"))
        return vm_fail(e, VM_EUSAGE, "--json and --html: expected one of them");
    if (!trace && a->noperands == 0 && args_has(a, "va"))
        return args_config(a, &config, e) && explain_address(&config, a, e);
    if (!trace)
        trace = args_operand(a, "a trace and --at N, or --va ADDRESS", e);
    else if (a->noperands > 0)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\": expected one trace", a->operand[0]);
    return trace && args_config(a, &config, e) && explain_trace(&config, trace, a, e);
}

static const struct flag flags[] = {
    {"trace", 't', "TRACE", "the trace, as an operand", NULL},
    {"at", 0, "N", "the reference to explain, from 1", NULL},
    {"va", 0, "ADDRESS", "an address on a fresh machine, touched twice: 0x7f3d8c1f2a10", NULL},
    {"access", 0, "r|w|x", "what --va does: read, write or fetch", "r"},
    {"html", 0, NULL, "print a page for a browser, in one file", NULL},
    TRACE_FLAGS,
    {0}};

const struct command command_explain = {
    .name = "explain",
    .usage = "TRACE --at N | --va ADDRESS [OPTION ...]",
    .summary = "tell one reference step by step: TLBs, walk, fault, who leaves and why, price",
    .about = "Each step with its numbers: the address in fields, the TLB's set, every table entry\n"
             "with its place and bits, the fault and what the kernel does about it, the page that\n"
             "leaves and the numbers that it was chosen by, the physical address, the price.\n"
             "TRACE and the machine are as of `pagoda replay`.\n\n"
             "  pagoda explain ls.pgt --at 4711 --machine skylake --frames 64\n"
             "  pagoda explain --va 0x7f3d8c1f2a10 --access w --scheme sv39\n"
             "  pagoda explain ls.pgt --at 4711 --html >page.html",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_explain,
};
