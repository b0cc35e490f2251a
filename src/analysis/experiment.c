/* experiment.c - the experiments by name: experiments.def as a table; and running one. */
#include "analysis/figures.h"

#include <pagoda/experiment.h>
#include <string.h>

#define EXPERIMENT(name) extern const struct vm_experiment_ops vm_experiment_##name;
#include "analysis/experiments.def"
#undef EXPERIMENT

static const struct vm_experiment_ops *const rows[] = {
#define EXPERIMENT(name) &vm_experiment_##name,
#include "analysis/experiments.def"
#undef EXPERIMENT
};

#define REGISTRY      experiment
#define REGISTRY_NOUN "experiment"
#include "base/registry.inc.h"

bool vm_experiment_run(const struct vm_experiment_ops *x, const struct vm_experiment_request *r,
                       struct vm_figures *out, struct vm_error *e)
{
    if (!figures_open(out, e))
        return false;
    if (x->run(r, out, e))
        return true;
    vm_figures_free(out);
    return false;
}
