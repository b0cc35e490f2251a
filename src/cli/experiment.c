/* experiment.c - `pagoda experiment`: the figures of textbooks, run anew. */
#include "cli/charts.h"

#include <pagoda/experiment.h>
#include <string.h>

static bool list(const struct args *a, struct vm_error *e)
{
    const struct vm_experiment_ops *x;
    if (args_has(a, "json")) {
        vm_fail(e, VM_EUSAGE, "expected an experiment");
        return vm_hint(e, "pagoda list experiments --json lists them");
    }
    for (size_t i = 0; (x = vm_experiment_at(i)); i++) {
        help_hang(stdout, x->summary, printf("  %-15s", x->name), 18);
        help_hang(stdout, x->source, 0, 18);
    }
    return stdout_finish(e);
}

/* ---- what it is given ---- */

static const struct vm_param *find_param(const struct vm_experiment_ops *x, const char *name)
{
    for (size_t i = 0; i < x->nparams; i++)
        if (!strcmp(x->param[i].name, name))
            return &x->param[i];
    return NULL;
}

/* Whether some other experiment has a parameter of that name. */
static bool is_param(const char *name)
{
    for (size_t i = 0; vm_experiment_at(i); i++)
        if (find_param(vm_experiment_at(i), name))
            return true;
    return false;
}

static bool is_machine(const char *flag)
{
    for (size_t i = 0; vm_option_at(i); i++)
        if (!strcmp(vm_option_at(i)->flag, flag))
            return strcmp(flag, "seed") != 0;
    return !strcmp(flag, "machine") || !strcmp(flag, "frames");
}

static bool check_flag(const struct vm_experiment_ops *x, const char *flag, struct vm_error *e)
{
    if (is_param(flag) && !find_param(x, flag)) {
        vm_fail(e, VM_EUSAGE, "experiment %s has no --%s", x->name, flag);
        return vm_hint(e, "pagoda list experiments shows what each has");
    }
    if (is_machine(flag) && x->machine == VM_EXPERIMENT_SEED_ONLY)
        return vm_fail(e, VM_EUSAGE, "experiment %s builds its own machines: expected no --%s",
                       x->name, flag);
    return true;
}

/* The flags that are parameters, as the text that a table of parameters is parsed from. */
static bool parse_params(const struct args *a, const struct vm_experiment_ops *x,
                         struct vm_params *out, struct vm_error *e)
{
    char text[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < x->nparams; i++) {
        const char *name = x->param[i].name, *value = args_value(a, name);
        if (!value)
            continue;
        if (strchr(value, ','))
            return vm_fail(e, VM_EUSAGE, "--%s %s: expected no comma", name, value);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s", n ? "," : "", name, value);
        if (n >= sizeof text)
            return vm_fail(e, VM_EUSAGE, "--%s: the parameters are too long", name);
    }
    return vm_params_parse(out, x->name, x->param, x->nparams, text, e);
}

/* The machine that flags describe, on the experiment's own description if they name none. */
static bool find_config(const struct args *a, const struct vm_experiment_ops *x,
                        struct vm_config *out, struct vm_error *e)
{
    struct args all = *a;
    if (x->preset && !args_has(a, "machine")) {
        if (all.nflags == ARGS_MAX)
            return vm_fail(e, VM_EUSAGE, "more than %d options", ARGS_MAX - 1);
        all.flag[all.nflags].name = "machine";
        all.flag[all.nflags++].value = x->preset;
    }
    return args_config(&all, out, e);
}

static bool find_trace(const struct args *a, const struct vm_experiment_ops *x, const char **out,
                       struct vm_error *e)
{
    size_t want = x->trace == VM_EXPERIMENT_ANY_TRACE ? 2 : 1;
    *out = NULL;
    if (a->noperands > want)
        return vm_fail(e, VM_EUSAGE, "unexpected \"%s\": expected no more than %s",
                       a->operand[want], want == 2 ? "an experiment and a trace" : "an experiment");
    if (a->noperands < want) {
        vm_fail(e, VM_EUSAGE, "experiment %s: expected a trace: a file or @WORKLOAD", x->name);
        return vm_hint(e, "pagoda experiment %s traces/ls.pgt", x->name);
    }
    if (want == 2)
        *out = a->operand[1];
    return true;
}

/* ---- what comes of it ---- */

static bool report(const struct args *a, const struct vm_experiment_ops *x,
                   const struct vm_experiment_request *r, const struct vm_figures *f,
                   struct vm_error *e)
{
    char title[128];
    snprintf(title, sizeof title, "pagoda experiment %s", x->name);
    if (!charts_write(a, title, f->chart, f->n, e))
        return false;
    if (args_has(a, "json"))
        return vm_report_experiment_json(stdout, x, r, f, e) && stdout_finish(e);
    if (charts_asked(a))
        return true;
    if (!charts_print(f->chart, f->n, e))
        return false;
    printf("\nSource: %s\n", x->source);
    return stdout_finish(e);
}

static bool run(const struct args *a, const struct vm_experiment_ops *x, struct vm_error *e)
{
    struct vm_config config;
    struct vm_params params;
    struct vm_figures figures;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    struct vm_experiment_request r = {.config = &config, .params = &params, .progress = &progress};
    for (size_t i = 0; i < a->nflags; i++)
        if (!check_flag(x, a->flag[i].name, e))
            return false;
    if (!find_trace(a, x, &r.trace, e) || !find_config(a, x, &config, e) ||
        !parse_params(a, x, &params, e))
        return false;
    progress_start(&bar);
    bool done = vm_experiment_run(x, &r, &figures, e);
    progress_end(&bar);
    if (!done)
        return false;
    done = report(a, x, &r, &figures, e);
    vm_figures_free(&figures);
    return done;
}

static bool run_experiment(const struct args *a, struct vm_error *e)
{
    if (a->noperands == 0)
        return list(a, e);
    const struct vm_experiment_ops *x = vm_experiment_find(a->operand[0], e);
    return x && run(a, x, e);
}

static const struct flag flags[] = {CHART_FLAGS, {0}};

const struct command command_experiment = {
    .name = "experiment",
    .usage = "[NAME [TRACE] [OPTION ...]]",
    .summary = "run a textbook's figure: its chart, its data, and what there is to see",
    .about =
        "Without a name, the experiments there are; `pagoda list experiments` has their\n"
        "parameters. Charts are drawn as text, or into the files that are named. Machine options\n"
        "count where an experiment builds a machine; --seed counts everywhere.\n\n"
        "  pagoda experiment looping\n"
        "  pagoda experiment eighty-twenty --policies 'opt lru clock' --html page.html\n"
        "  pagoda experiment tlb-staircase --machine skylake --svg staircase.svg",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .experiments = EXPERIMENT_FLAGS_TAKEN,
    .run = run_experiment,
};
