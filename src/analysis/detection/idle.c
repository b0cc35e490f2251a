/* idle.c - thrashing is when all processes wait for the device at once for much of the time.
 *
 * The share of a window in which every admitted process is blocked and the processor has nothing to
 * do: what "full" pressure stalls are on Linux (Documentation/accounting/psi.rst), and what an
 * operator sees who looks at the use of the processor. One process that waits for its own pages
 * looks the same: this rule cannot tell too few processes from too many.
 *
 * Denning, "Thrashing: its causes and prevention", AFIPS Fall Joint Computer Conference 33, 1968.
 */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"high", VM_PARAM_REAL, "0.5", 0, 1, NULL,
     "part of the time in which all wait above which it does"},
    {"low", VM_PARAM_REAL, "0.25", 0, 1, NULL, "and below which it does no more"},
};

static double idle_rate(const struct vm_detection_view *v)
{
    return (double)v->idle_ns / (double)v->elapsed_ns;
}

const struct vm_detection_ops vm_detection_idle = {
    .name = "idle",
    .summary = "every process waits for the device for much of the time",
    .unit = "part of the time in which all wait",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .rate = idle_rate,
};
