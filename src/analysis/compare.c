/* compare.c - see compare.h: a replay for each pair of policy and memory, then the first
 * divergences of each memory, for the pairs that ran to their end. Both are jobs that share
 * nothing, so that all processors have some.
 */
#include "analysis/divergence.h"
#include "analysis/joint_progress.h"
#include "base/assert.h"
#include "base/workers.h"
#include "engine/parts.h"

#include <pagoda/compare.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUND "opt"

struct comparing {
    const struct vm_compare_request *request;
    struct vm_comparison *out;
    size_t against; /* the reference policy; VM_COMPARE_NONE: the best of each memory */
    struct vm_workers *workers;
    struct joint_progress progress;
    struct vm_error *error; /* [jobs] why the job failed; its code VM_OK: it has not */
};

/* ---- what was asked for ---- */

static bool is_bound(const char *spec)
{
    return !strcmp(spec, BOUND);
}

static struct vm_config config_of(const struct vm_comparison *c, size_t memory, size_t policy)
{
    struct vm_config config = c->config;
    config.memory_bytes = c->memory[memory].bytes;
    strcpy(config.policy, c->policy[policy].spec);
    return config;
}

static bool add_policy(struct vm_comparison *c, const char *spec, struct vm_error *e)
{
    struct vm_parts parts;
    struct vm_config config = c->config;
    for (size_t i = 0; i < c->npolicies; i++)
        if (!strcmp(c->policy[i].spec, spec))
            return vm_fail(e, VM_EUSAGE, "policy %s is named twice", spec);
    if (c->npolicies == VM_COMPARE_POLICIES)
        return vm_fail(e, VM_EUSAGE, "more than %d policies to compare", VM_COMPARE_POLICIES);
    if (strlen(spec) >= sizeof config.policy)
        return vm_fail(e, VM_EUSAGE, "a policy of %zu characters: expected at most %zu",
                       strlen(spec), sizeof config.policy - 1);
    strcpy(config.policy, spec);
    if (!vm_parts_find(&parts, &config, e))
        return false;
    struct vm_compare_policy *p = &c->policy[c->npolicies++];
    strcpy(p->spec, spec);
    p->bound = is_bound(spec);
    return true;
}

static bool add_policies(struct vm_comparison *c, const char *list, struct vm_error *e)
{
    char spec[VM_CONFIG_TEXT + 1];
    bool all = !strcmp(list, "all"), bounded = false;
    for (size_t i = 0; all && vm_policy_at(i); i++)
        if (!is_bound(vm_policy_at(i)->name) && !add_policy(c, vm_policy_at(i)->name, e))
            return false;
    for (const char *rest = all ? "" : list; (rest = vm_spec_next(rest, spec, sizeof spec));) {
        bounded |= is_bound(spec);
        if (!add_policy(c, spec, e))
            return false;
    }
    if (!all && !c->npolicies)
        return vm_fail(e, VM_EUSAGE, "no policies to compare: expected names with commas between");
    return bounded || add_policy(c, BOUND, e);
}

static bool add_memories(struct vm_comparison *c, const char *list, struct vm_error *e)
{
    char text[64];
    while ((list = vm_spec_next(list, text, sizeof text))) {
        if (c->nmemories == VM_COMPARE_MEMORIES)
            return vm_fail(e, VM_EUSAGE, "more than %d memories to compare", VM_COMPARE_MEMORIES);
        if (!vm_size_parse(text, "--memory", &c->memory[c->nmemories++].asked, e))
            return false;
    }
    return c->nmemories ||
           vm_fail(e, VM_EUSAGE, "no memory to compare with: expected sizes: 10%%,64KiB");
}

/* The reference policy, by its name. */
static bool find_against(struct comparing *g, struct vm_error *e)
{
    const char *known[VM_COMPARE_POLICIES + 1], *name = g->request->against;
    struct vm_comparison *c = g->out;
    if (!name)
        name = strcmp(g->request->policies, "all") != 0 ? c->policy[0].spec : "best";
    g->against = VM_COMPARE_NONE;
    if (!strcmp(name, "best"))
        return true;
    for (size_t i = 0; i < c->npolicies; i++) {
        known[i] = c->policy[i].spec;
        if (!strcmp(name, known[i])) {
            g->against = i;
            return true;
        }
    }
    known[c->npolicies] = "best";
    return vm_fail_unknown(e, "policy among those compared", name, known, c->npolicies + 1);
}

/* ---- jobs ---- */

/* Do each job once. Errors: that of the first job, by its number, that has one. */
static bool do_all(struct comparing *g, size_t njobs, const char *what, uint64_t passes,
                   void (*job)(void *host, size_t i), struct vm_error *e)
{
    g->progress = (struct joint_progress){.told = g->request->progress,
                                          .what = what,
                                          .refs_all = passes * g->out->footprint.refs,
                                          .telling = ATOMIC_FLAG_INIT};
    VM_ASSERT(njobs > 0);
    g->error = calloc(njobs, sizeof *g->error);
    if (!g->error)
        return vm_fail(e, VM_ESYSTEM, "no memory for a comparison");
    vm_workers_run(g->workers, njobs, job, g);
    size_t i = 0;
    while (i < njobs && g->error[i].code == VM_OK)
        i++;
    if (i < njobs)
        *e = g->error[i];
    free(g->error);
    return i == njobs;
}

/* ---- replays ---- */

/* A machine that cannot be, or runs out, is a result; a host or a trace that fails is not. */
static bool is_result(const struct vm_error *e)
{
    return e->code == VM_EMACHINE || e->code == VM_EUSAGE;
}

static void fill_cell(void *host, size_t i)
{
    struct comparing *g = host;
    struct vm_compare_cell *cell = &g->out->cell[i];
    const struct vm_source *source = &g->request->source;
    struct vm_config config = config_of(g->out, i / g->out->npolicies, i % g->out->npolicies);
    struct joint_part part;
    struct vm_result result;
    struct vm_error e;
    joint_part_open(&part, &g->progress);
    cell->done = vm_replay(&config, source->spec, source->options, &part.progress, &result, &e);
    if (cell->done) {
        cell->counts = result.counts;
        cell->prices = result.prices;
    } else if (is_result(&e)) {
        snprintf(cell->why, sizeof cell->why, "%.*s", (int)sizeof cell->why - 1, e.text);
    } else {
        g->error[i] = e;
    }
}

/* Passes over the trace: policies that read the future make two. */
static uint64_t passes_of(const struct vm_comparison *c)
{
    uint64_t n = 0;
    for (size_t p = 0; p < c->npolicies; p++) {
        struct vm_parts parts;
        struct vm_error unused;
        struct vm_config config = config_of(c, 0, p);
        bool found = vm_parts_find(&parts, &config, &unused);
        n += found && parts.policy->future == VM_FUTURE_NEEDED ? 2 : 1;
    }
    return n * c->nmemories;
}

/* ---- what the cells of one memory say ---- */

static void find_least(const struct vm_comparison *c, size_t m, struct vm_compare_memory *out)
{
    out->misses_min = out->writebacks_min = UINT64_MAX;
    out->ns_min = 1e300;
    for (size_t p = 0; p < c->npolicies; p++) {
        const struct vm_compare_cell *cell = vm_compare_at(c, m, p);
        if (!cell->done || c->policy[p].bound)
            continue;
        uint64_t misses = vm_compare_misses(&cell->counts);
        if (misses < out->misses_min)
            out->misses_min = misses;
        if (vm_compare_writebacks(&cell->counts) < out->writebacks_min)
            out->writebacks_min = vm_compare_writebacks(&cell->counts);
        if (cell->prices.total_ns < out->ns_min)
            out->ns_min = cell->prices.total_ns;
    }
}

/* By how much `a` takes longer than `b` although it has fewer misses; at most 0: it is not so. */
static double misled_ns(const struct vm_compare_cell *a, const struct vm_compare_cell *b)
{
    if (!a->done || !b->done || vm_compare_misses(&a->counts) >= vm_compare_misses(&b->counts))
        return 0;
    return a->prices.total_ns - b->prices.total_ns;
}

static void find_misled(const struct vm_comparison *c, size_t m, struct vm_compare_memory *out)
{
    double most = 0;
    out->fewer = out->faster = VM_COMPARE_NONE;
    for (size_t a = 0; a < c->npolicies; a++)
        for (size_t b = 0; b < c->npolicies; b++) {
            double ns = misled_ns(vm_compare_at(c, m, a), vm_compare_at(c, m, b));
            if (ns <= most || c->policy[a].bound || c->policy[b].bound)
                continue;
            most = ns;
            out->fewer = a;
            out->faster = b;
        }
}

static size_t find_reference(const struct comparing *g, size_t m)
{
    const struct vm_comparison *c = g->out;
    if (g->against != VM_COMPARE_NONE)
        return vm_compare_at(c, m, g->against)->done ? g->against : VM_COMPARE_NONE;
    for (size_t p = 0; p < c->npolicies; p++) {
        const struct vm_compare_cell *cell = vm_compare_at(c, m, p);
        if (cell->done && !c->policy[p].bound &&
            vm_compare_misses(&cell->counts) == c->memory[m].misses_min)
            return p;
    }
    return VM_COMPARE_NONE;
}

/* Where neither evicts anything, nothing differs; and nothing is known of what did not run. */
static bool may_diverge(const struct vm_compare_cell *a, struct vm_compare_cell *b)
{
    if (!a->done || !b->done)
        return false;
    if (a == b)
        b->divergence.outcome = VM_DIVERGENCE_ITSELF;
    else if (a->counts.evictions + b->counts.evictions == 0)
        b->divergence.outcome = VM_DIVERGENCE_NEVER;
    else
        return true;
    return false;
}

static void diverge(void *host, size_t m)
{
    struct comparing *g = host;
    struct vm_comparison *c = g->out;
    struct rival rival[VM_COMPARE_POLICIES];
    struct vm_config config[VM_COMPARE_POLICIES], reference;
    struct joint_part part;
    struct vm_error e;
    size_t n = 0, r = c->memory[m].reference;
    if (r == VM_COMPARE_NONE)
        return;
    for (size_t p = 0; p < c->npolicies; p++) {
        struct vm_compare_cell *cell = &c->cell[m * c->npolicies + p];
        if (!may_diverge(vm_compare_at(c, m, r), cell))
            continue;
        config[n] = config_of(c, m, p);
        rival[n] = (struct rival){&config[n], &cell->divergence};
        n++;
    }
    reference = config_of(c, m, r);
    joint_part_open(&part, &g->progress);
    if (n && !find_divergences(&reference, rival, n, &g->request->source, &part.progress, &e))
        g->error[m] = e;
}

/* ---- the whole ---- */

static bool look(struct comparing *g, struct vm_error *e)
{
    struct vm_comparison *c = g->out;
    if (!vm_footprint_count(&g->request->source, c->config.page_bytes, "a comparison",
                            g->request->progress, &c->footprint, &c->trace, e))
        return false;
    snprintf(c->trace_format, sizeof c->trace_format, "%s", c->trace.format);
    c->trace.format = c->trace_format;
    for (size_t m = 0; m < c->nmemories; m++)
        c->memory[m].bytes =
            vm_size_bytes(c->memory[m].asked, c->footprint.pages, c->config.page_bytes);
    VM_ASSERT(c->nmemories > 0 && c->npolicies > 0);
    c->cell = calloc(c->nmemories * c->npolicies, sizeof *c->cell);
    return c->cell || vm_fail(e, VM_ESYSTEM, "no memory for a comparison");
}

static bool run(struct comparing *g, struct vm_error *e)
{
    struct vm_comparison *c = g->out;
    if (!do_all(g, c->nmemories * c->npolicies, "replaying", passes_of(c), fill_cell, e))
        return false;
    for (size_t m = 0; m < c->nmemories; m++) {
        find_least(c, m, &c->memory[m]);
        find_misled(c, m, &c->memory[m]);
        c->memory[m].reference = find_reference(g, m);
    }
    return do_all(g, c->nmemories, "comparing", passes_of(c), diverge, e);
}

static bool look_and_run(struct comparing *g, struct vm_error *e)
{
    g->workers = vm_workers_open(g->request->workers, e);
    bool done = g->workers && look(g, e) && run(g, e);
    vm_workers_close(g->workers);
    return done;
}

bool vm_compare(const struct vm_compare_request *r, struct vm_comparison *out, struct vm_error *e)
{
    struct comparing g = {.request = r, .out = out};
    *out = (struct vm_comparison){.config = *r->config};
    bool done = add_policies(out, r->policies, e) && add_memories(out, r->memories, e) &&
                find_against(&g, e) && look_and_run(&g, e);
    if (!done)
        vm_comparison_free(out);
    return done;
}

void vm_comparison_free(struct vm_comparison *c)
{
    free(c->cell);
    c->cell = NULL;
}
