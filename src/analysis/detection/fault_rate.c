/* fault_rate.c - thrashing is when too many pages are read back for the work that is done.
 *
 * The rate is that of page-fault frequency, of all processes together: major faults for each
 * millisecond in which the processor works. What rate is too high depends on the device: the
 * default, 10, is a fault each 100 us, about as long as a solid-state drive takes for one.
 *
 * Chu & Opderbeck, "The page fault frequency replacement algorithm", AFIPS FJCC 41, 1972 (bounds on
 * a rate); Silberschatz, Galvin & Gagne, Operating System Concepts, 10th ed., section 10.6.3.
 */
#include <pagoda/thrash.h>

#define MS 1e6

static const struct vm_param params[] = {
    {"high", VM_PARAM_REAL, "10", 0, 1e9, NULL,
     "major faults a ms of processor time above which it does"},
    {"low", VM_PARAM_REAL, "5", 0, 1e9, NULL, "and below which it does no more"},
};

static double fault_rate_rate(const struct vm_detection_view *v)
{
    return (double)v->majors * MS / (double)(v->processor_ns ? v->processor_ns : 1);
}

const struct vm_detection_ops vm_detection_fault_rate = {
    .name = "fault-rate",
    .summary = "too many major faults for the time that the processor works",
    .unit = "major faults a ms of processor time",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .rate = fault_rate_rate,
};
