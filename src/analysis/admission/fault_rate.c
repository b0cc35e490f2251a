/* fault_rate.c - processes leave when faults ask too much of the device, and come when they do not.
 *
 * Over `window` references of all processes, the time that their transfers take the device at
 * least is set against the time that the processor worked. The quotient is a fault rate in natural
 * units: faults in the time of one transfer. At 1 the mean time between faults is the time that one
 * takes, Denning's L = S: beyond, the device cannot follow however many processes there are. So one
 * leaves above `high`, and one is admitted below `low`; then a window passes before the next
 * decision.
 *
 * Chu & Opderbeck, "The page fault frequency replacement algorithm", AFIPS FJCC 41, 1972 (bounds on
 * a rate); Denning, Kahn, Leroudier, Potier & Suri, "Optimal multiprogramming", Acta Informatica 7,
 * 1976 (L = S).
 */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"high", VM_PARAM_REAL, "1", 0, 1e6, NULL,
     "device time by processor time above which one process leaves"},
    {"low", VM_PARAM_REAL, "0.5", 0, 1e6, NULL, "and below which one is admitted"},
    {"window", VM_PARAM_COUNT, "100k", 1, 1e9, NULL, "references between decisions"},
};

struct fault_rate {
    double high, low;
    uint64_t window;
    uint64_t refs, transfer_ns, processor_ns; /* at the last decision */
};

static size_t fault_rate_size(void)
{
    return sizeof(struct fault_rate);
}

static bool fault_rate_init(void *state, const struct vm_params *p, struct vm_error *e)
{
    struct fault_rate *s = state;
    *s = (struct fault_rate){.high = vm_params_real(p, "high"),
                             .low = vm_params_real(p, "low"),
                             .window = vm_params_count(p, "window")};
    return s->low <= s->high ||
           vm_fail(e, VM_EUSAGE, "fault-rate: high=%g and low=%g: expected low at most high",
                   s->high, s->low);
}

static uint64_t fault_rate_window(const void *state)
{
    (void)state;
    return 0;
}

static enum vm_admit fault_rate_decide(void *state, const struct vm_admission_view *v)
{
    struct fault_rate *s = state;
    if (v->refs - s->refs < s->window)
        return VM_ADMIT_AS_IT_IS;
    double device = (double)(v->transfer_ns - s->transfer_ns);
    double processor = (double)(v->processor_ns - s->processor_ns);
    s->refs = v->refs;
    s->transfer_ns = v->transfer_ns;
    s->processor_ns = v->processor_ns;
    if (device > s->high * processor && v->running > 1)
        return VM_ADMIT_ONE_LESS;
    return device < s->low * processor && v->waiting ? VM_ADMIT_ONE : VM_ADMIT_AS_IT_IS;
}

const struct vm_admission_ops vm_admission_fault_rate = {
    .name = "fault-rate",
    .summary = "processes leave while faults ask more of the device than the processor gets done",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = fault_rate_size,
    .init = fault_rate_init,
    .window = fault_rate_window,
    .decide = fault_rate_decide,
};
