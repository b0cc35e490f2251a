/* hit_ratios.c - see hit_ratios.h. The references are made once, and replayed for each policy and
 * each of about a hundred sizes of memory, which always begins empty. */
#include "analysis/hit_ratios.h"

#include "analysis/figures.h"
#include "analysis/page_string.h"

#include <stdio.h>
#include <string.h>

#define SIZES        100
#define POLICIES_MAX 16

struct sweep {
    const struct page_string *string;
    uint64_t seed, step, frames_max; /* memory: step, 2 step, ... frames_max */
};

static bool sweep_policy(const struct sweep *w, const char *policy, struct figure *g, size_t series,
                         struct vm_error *e)
{
    for (uint64_t frames = w->step; frames <= w->frames_max; frames += w->step) {
        uint64_t misses;
        if (!page_string_misses(w->string, policy, frames, w->seed, &misses, e))
            return false;
        figure_point(g, series, (double)frames, 1 - (double)misses / (double)w->string->touches);
    }
    return true;
}

/* Every word of the parameter, in its order. */
static bool sweep_policies(const struct sweep *w, const char *words, struct vm_figures *out,
                           struct figure *g, struct vm_error *e)
{
    char policy[64];
    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        size_t n = strcspn(words, " ");
        if (g->chart->nseries == POLICIES_MAX)
            return vm_fail(e, VM_EUSAGE, "more than %d policies", POLICIES_MAX);
        snprintf(policy, sizeof policy, "%.*s", (int)n, words);
        if (!sweep_policy(w, policy, g, figure_series(out, g, policy, VM_SERIES_LINE), e))
            return false;
        words += n;
    }
    return g->chart->nseries || vm_fail(e, VM_EUSAGE, "no policies: expected one or more");
}

bool hit_ratios_run(const struct hit_ratios *what, const struct vm_experiment_request *r,
                    struct vm_figures *out, struct vm_error *e)
{
    struct page_string string;
    uint64_t refs = vm_params_count(r->params, "refs"), pages = vm_params_count(r->params, "pages");
    struct vm_chart shape = {.name = "hit_ratio",
                             .title = what->title,
                             .about = what->about,
                             .x = {.label = "memory, frames"},
                             .y = {.label = "hit ratio", .unit = VM_AXIS_RATIO}};
    const char *spec = figures_text(out, "@%s:pages=%llu,refs=%llu", what->workload,
                                    (unsigned long long)pages, (unsigned long long)refs);
    if (!page_string_load(&string, spec, r->config->seed, e))
        return false;
    uint64_t step = (pages * what->room + SIZES - 1) / SIZES;
    struct sweep w = {.string = &string,
                      .seed = r->config->seed,
                      .step = step,
                      .frames_max = (pages * what->room + step - 1) / step * step};
    shape.note =
        figures_text(out, "%s, seed %llu, memory empty at first", spec, (unsigned long long)w.seed);
    struct figure g = figure_add(out, &shape, POLICIES_MAX, SIZES);
    bool done = sweep_policies(&w, vm_params_text(r->params, "policies"), out, &g, e);
    page_string_free(&string);
    return done;
}
