/* device.c - thrashing is when faults ask more of the device than the processor gets done.
 *
 * The time that the transfers of a window take the device at least is set against the time that the
 * processor worked. The quotient is a fault rate in natural units: faults in the time of one
 * transfer, S / L. At 1 the mean time between faults, L, is the time that one takes, S: beyond, the
 * device cannot follow however many processes there are.
 *
 * Denning, Kahn, Leroudier, Potier & Suri, "Optimal multiprogramming", Acta Informatica 7, 1976
 * (the L = S criterion).
 */
#include <pagoda/thrash.h>

static const struct vm_param params[] = {
    {"high", VM_PARAM_REAL, "1", 0, 1e6, NULL, "device time by processor time above which it does"},
    {"low", VM_PARAM_REAL, "0.5", 0, 1e6, NULL, "and below which it does no more"},
};

static double device_rate(const struct vm_detection_view *v)
{
    return (double)v->transfer_ns / (double)(v->processor_ns ? v->processor_ns : 1);
}

const struct vm_detection_ops vm_detection_device = {
    .name = "device",
    .summary = "transfers take the device longer than the processor works: Denning's L = S",
    .unit = "device time by processor time",
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .rate = device_rate,
};
