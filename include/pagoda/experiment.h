/* experiment.h - the figures of textbooks as commands: `pagoda experiment`.
 *
 * An experiment is a row of experiments.def: it runs replays that differ in one thing, and leaves
 * charts. What it may be given is in its table of parameters and in the machine's configuration.
 */
#ifndef PAGODA_EXPERIMENT_H
#define PAGODA_EXPERIMENT_H

#include <pagoda/chart.h>
#include <pagoda/engine.h>

#define VM_FIGURES_MAX 4

/* The charts of one experiment. They point into memory of their own. */
struct vm_figures {
    size_t n;
    struct vm_chart chart[VM_FIGURES_MAX];
    struct vm_arena *memory;
};
void vm_figures_free(struct vm_figures *f); /* a zeroed one is fine */

struct vm_experiment_request {
    const struct vm_config *config;     /* the seed; where a machine is built, what it is made of */
    const struct vm_params *params;     /* parsed against the experiment's table */
    const char *trace;                  /* where the experiment takes one */
    const struct vm_progress *progress; /* or NULL */
};

/* Which of a configuration's options an experiment heeds. */
enum vm_experiment_machine { VM_EXPERIMENT_SEED_ONLY, VM_EXPERIMENT_WHOLE_MACHINE };
enum vm_experiment_trace { VM_EXPERIMENT_OWN_REFERENCES, VM_EXPERIMENT_ANY_TRACE };

struct vm_experiment_ops {
    const char *name, *summary;
    const char *source; /* the textbook's figure, or the paper */
    const struct vm_param *param;
    size_t nparams;
    enum vm_experiment_machine machine;
    const char *preset; /* the machine description to start from if none is named; NULL: none */
    enum vm_experiment_trace trace;
    /* Fill `out`, which is empty and has memory. Errors: as of the parts. */
    bool (*run)(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e);
};

/* The row with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_experiment_ops *vm_experiment_find(const char *name, struct vm_error *e);
const struct vm_experiment_ops *vm_experiment_at(size_t i); /* NULL past the end */
bool vm_experiment_list(size_t i, struct vm_listed *out);
/* Run one; `out` is to be freed. Errors: as of the parts, VM_ESYSTEM. */
bool vm_experiment_run(const struct vm_experiment_ops *x, const struct vm_experiment_request *r,
                       struct vm_figures *out, struct vm_error *e);

#endif
