/* detection.c - processes leave while the machine is found to thrash, and come back when it is not
 * and there is room for them.
 *
 * At first everybody runs. Behind each window of the detection whose rate is above its high mark
 * one process is suspended; behind each whose rate is below the low mark one comes back, if its
 * working set, as large as when it ran last, fits into the part `fill` of memory beside the
 * others'. So there is one decision a window, and the next one sees what it did.
 *
 * Denning, "Working sets past and present", IEEE TSE 6(1) 1980 (load control by feedback, and by
 * the working set); Carr, Virtual Memory Management, UMI Research Press 1984.
 */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"window", VM_PARAM_COUNT, "100k", 1, 1e9, NULL, "references that a working set looks back on"},
    {"fill", VM_PARAM_REAL, "0.9", 0.01, 1, NULL,
     "part of memory that working sets may take when one comes back"},
};

struct detection {
    uint64_t window;
    double fill;
    uint64_t seen; /* windows of the detection that were acted on */
};

static size_t detection_size(void)
{
    return sizeof(struct detection);
}

static bool detection_init(void *state, const struct vm_params *p, struct vm_error *e)
{
    *(struct detection *)state = (struct detection){.window = vm_params_count(p, "window"),
                                                    .fill = vm_params_real(p, "fill")};
    (void)e;
    return true;
}

static uint64_t detection_window(const void *state)
{
    return ((const struct detection *)state)->window;
}

static enum vm_admit detection_decide(void *state, const struct vm_admission_view *v)
{
    struct detection *s = state;
    if (v->windows == 0)
        return v->waiting ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
    if (v->windows == s->seen)
        return VM_ADMIT_AS_IT_IS;
    s->seen = v->windows;
    if (v->level == VM_RATE_HIGH && v->running > 1)
        return VM_ADMIT_ONE_LESS;
    bool fits = (double)(v->demand + v->next) <= s->fill * (double)v->frames;
    return v->level == VM_RATE_LOW && v->waiting && fits ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
}

const struct vm_admission_ops vm_admission_detection = {
    .name = "detection",
    .summary = "processes leave while thrashing is detected, and come back if they fit",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = detection_size,
    .init = detection_init,
    .window = detection_window,
    .decide = detection_decide,
};
