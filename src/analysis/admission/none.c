/* none.c - every process runs. */
#include <pagoda/thrash.h>

static size_t none_size(void)
{
    return 0;
}

static bool none_init(void *state, const struct vm_params *params, struct vm_error *e)
{
    (void)state, (void)params, (void)e;
    return true;
}

static uint64_t none_window(const void *state)
{
    (void)state;
    return 0;
}

static enum vm_admit none_decide(void *state, const struct vm_admission_view *v)
{
    (void)state;
    return v->waiting ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
}

const struct vm_admission_ops vm_admission_none = {
    .name = "none",
    .summary = "every process runs",
    .size = none_size,
    .init = none_init,
    .window = none_window,
    .decide = none_decide,
};
