/* working_set.c - processes run as long as their working sets fit in memory together.
 *
 * A process's working set is the pages that it touched in the last `window` references of its own.
 * If the sets of those that run outgrow memory, the newest leaves. Another is admitted when its
 * set, as large as when it ran last, fits into the part `fill` of memory beside the others'. That
 * of a process which has not run yet is unknown, so that one is admitted only when the newest has
 * run for a window: then its set is known, and whether there is room.
 *
 * Denning, "The working set model for program behavior", CACM 11(5) 1968, and "Working sets past
 * and present", IEEE TSE 6(1) 1980.
 */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"window", VM_PARAM_COUNT, "100k", 1, 1e9, NULL, "references that a working set looks back on"},
    {"fill", VM_PARAM_REAL, "0.9", 0.01, 1, NULL,
     "part of memory that working sets may take when one more is admitted"},
};

struct working_set {
    uint64_t window;
    double fill;
};

static size_t working_set_size(void)
{
    return sizeof(struct working_set);
}

static bool working_set_init(void *state, const struct vm_params *p, struct vm_error *e)
{
    struct working_set *s = state;
    s->window = vm_params_count(p, "window");
    s->fill = vm_params_real(p, "fill");
    (void)e;
    return true;
}

static uint64_t working_set_window(const void *state)
{
    return ((const struct working_set *)state)->window;
}

static enum vm_admit working_set_decide(void *state, const struct vm_admission_view *v)
{
    const struct working_set *s = state;
    if (v->demand > v->frames && v->running > 1)
        return VM_ADMIT_ONE_LESS;
    bool known = v->running == 0 || v->newest_refs >= s->window;
    bool fits = (double)(v->demand + v->next) <= s->fill * (double)v->frames;
    return v->waiting && known && fits ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
}

const struct vm_admission_ops vm_admission_working_set = {
    .name = "working-set",
    .summary = "processes run whose working sets fit in memory together",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = working_set_size,
    .init = working_set_init,
    .window = working_set_window,
    .decide = working_set_decide,
};
