/* thrashing.c - how busy the processor is against how many processes run at once.
 *
 * Every process is an 80-20-like program: a small hot set, and now and then one of many cold pages,
 * more than memory has room for. Alone it often waits for a cold page, and the processor idles; a
 * few of them fill each other's waits. When their hot sets no longer fit in memory together, each
 * loses its own while it waits, and all of them wait for the device. An admission keeps the
 * processes out whose working sets do not fit.
 *
 * The device takes four transfers at once: with one, waits could hardly overlap, and with many it
 * would hide much of the collapse.
 *
 * Source: Denning, "Thrashing: its causes and prevention", AFIPS Fall Joint Computer Conference 33,
 * 1968; Silberschatz, Galvin & Gagne, Operating System Concepts, 10th ed., figure 10.20.
 */
#include "analysis/figures.h"

#include <pagoda/thrash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOT_PAGES "0.05"
#define HOT_REFS  "0.98"

/* The processes: the same program, each with its own chances. */
struct processes {
    char spec[128];
    size_t n;
    struct vm_trace_options options[VM_PROCESSES_MAX];
    struct vm_source source[VM_PROCESSES_MAX];
};

static void make_processes(struct processes *p, const struct vm_experiment_request *r)
{
    p->n = vm_params_count(r->params, "processes");
    snprintf(p->spec, sizeof p->spec,
             "@80-20:pages=%llu,refs=%llu,hot_pages=" HOT_PAGES ",hot_refs=" HOT_REFS,
             (unsigned long long)vm_params_count(r->params, "pages"),
             (unsigned long long)vm_params_count(r->params, "refs"));
    for (size_t i = 0; i < p->n; i++) {
        p->options[i] = (struct vm_trace_options){.seed = r->config->seed + i};
        p->source[i] = (struct vm_source){.spec = p->spec, .options = &p->options[i]};
    }
}

static struct vm_config machine_of(const struct vm_experiment_request *r)
{
    struct vm_config c = *r->config;
    c.tables = VM_TABLES_APART;
    c.memory_bytes = vm_params_count(r->params, "room") * c.page_bytes;
    strcpy(c.policy, "lru");
    strcpy(c.swap, "nvme:depth=4");
    return c;
}

/* A curve of both ways to run, or of the one that there is. */
static void draw(struct vm_figures *out, const struct vm_chart *shape, const struct vm_thrash *t,
                 double (*measure)(const struct vm_mix_result *))
{
    struct figure g = figure_add(out, shape, 2, VM_PROCESSES_MAX);
    figure_series(out, &g, "all at once", VM_SERIES_LINE);
    if (t->limited)
        figure_series(out, &g, t->admission, VM_SERIES_LINE);
    for (size_t i = 0; i < t->npoints; i++) {
        const struct vm_thrash_point *p = &t->point[i];
        figure_point(&g, 0, (double)p->degree, measure(&p->free));
        if (t->limited)
            figure_point(&g, 1, (double)p->degree, measure(&p->admitted));
    }
}

static void draw_charts(struct vm_figures *out, const struct vm_thrash *t, const char *spec,
                        const struct vm_experiment_request *r)
{
    struct vm_chart shape = {
        .name = "processor",
        .title = "Use of the processor against processes at once",
        .about = "One process leaves the processor idle while it waits for pages. A few more fill "
                 "its waits, and the curve climbs. Then their working sets no longer fit in memory "
                 "together: each takes the pages that the others need next, all of them wait for "
                 "the device, and the more there are the less is done. An admission that lets only "
                 "so many run as have room for their working sets stays near the top.",
        .note = figures_text(out, "%s each, %llu frames, lru, nvme:depth=4, seeds from %llu", spec,
                             (unsigned long long)vm_params_count(r->params, "room"),
                             (unsigned long long)r->config->seed),
        .x = {.label = "processes at once"},
        .y = {.label = "time for programs, of all", .unit = VM_AXIS_RATIO}};
    draw(out, &shape, t, vm_mix_useful);
    shape.name = "faults";
    shape.title = "Pages read back";
    shape.about = "The cause: beyond the top each reference is more likely to find its page gone.";
    shape.y = (struct vm_axis){.label = "for each 1000 references"};
    draw(out, &shape, t, vm_mix_fault_rate);
}

static bool run_processes(const struct vm_experiment_request *r, struct processes *p,
                          struct vm_figures *out, struct vm_error *e)
{
    struct vm_thrash thrash = {0};
    make_processes(p, r);
    const struct vm_config machine = machine_of(r);
    const struct vm_thrash_request request = {
        .mix = {.machine = &machine,
                .source = p->source,
                .n = p->n,
                .quantum = vm_params_count(r->params, "quantum"),
                .admission = vm_params_text(r->params, "admission"),
                .progress = r->progress},
        .degree_first = 1,
        .degree_last = p->n};
    if (!vm_thrash_run(&request, &thrash, e))
        return false;
    draw_charts(out, &thrash, p->spec, r);
    vm_thrash_free(&thrash);
    return true;
}

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    struct processes *p = calloc(1, sizeof *p);
    bool done = p ? run_processes(r, p, out, e) : vm_fail(e, VM_ESYSTEM, "no memory for processes");
    free(p);
    return done;
}

static const struct vm_param param[] = {
    {"processes", VM_PARAM_COUNT, "16", 1, VM_PROCESSES_MAX, NULL, "at most at once"},
    {"refs", VM_PARAM_COUNT, "50k", 1, 1e7, NULL, "references of each"},
    {"pages", VM_PARAM_COUNT, "400", 20, 1e6, NULL, "of each, a twentieth of them hot"},
    {"room", VM_PARAM_COUNT, "200", 8, 1e7, NULL, "frames for all"},
    {"quantum", VM_PARAM_COUNT, "1k", 1, 1e9, NULL, "references in turn"},
    {"admission", VM_PARAM_TEXT, "working-set:window=1k", 0, 0, NULL,
     "who may run in the second curve; none: no such curve"},
};

const struct vm_experiment_ops vm_experiment_thrashing = {
    .name = "thrashing",
    .summary = "use of the processor against processes at once, and where it collapses",
    .source = "Denning, AFIPS FJCC 33, 1968; Silberschatz, figure 10.20",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
