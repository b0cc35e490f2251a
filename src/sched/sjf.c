/* sjf.c - shortest job first: of the ready tasks the one whose burst is the shortest runs, to the
 * burst's end.
 *
 * Of all that do not preempt it has the least mean turnaround, if all come at once; who comes just
 * after a long one began waits for its end. Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems:
 * Three Easy Pieces", section 7.4.
 */
#include "sched/bursts.h"

static const struct vm_param param[] = {BURSTS_PARAM};

const struct vm_sched_ops vm_sched_sjf = {
    .name = "sjf",
    .summary = "shortest job first: who will block or end soonest runs until then",
    .reason = "it is the shortest",
    .ran = vm_bursts_ran,
    .preempt = vm_line_preempt_never,
    BURSTS_OPS,
};
