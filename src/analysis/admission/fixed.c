/* fixed.c - so many processes run, and the others wait for one of them to end. */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"n", VM_PARAM_COUNT, "2", 1, VM_PROCESSES_MAX, NULL, "processes that run at once"},
};

struct fixed {
    size_t n;
};

static size_t fixed_size(void)
{
    return sizeof(struct fixed);
}

static bool fixed_init(void *state, const struct vm_params *p, struct vm_error *e)
{
    ((struct fixed *)state)->n = vm_params_count(p, "n");
    (void)e;
    return true;
}

static uint64_t fixed_window(const void *state)
{
    (void)state;
    return 0;
}

static enum vm_admit fixed_decide(void *state, const struct vm_admission_view *v)
{
    const struct fixed *s = state;
    return v->waiting && v->running < s->n ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
}

const struct vm_admission_ops vm_admission_fixed = {
    .name = "fixed",
    .summary = "so many processes run at once",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = fixed_size,
    .init = fixed_init,
    .window = fixed_window,
    .decide = fixed_decide,
};
