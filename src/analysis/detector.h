/* detector.h - whether a mix thrashes, window by window of the machine's clock.
 *
 *      rate   ------ high --------------------------------
 *                  *        .     .   *
 *             ---- . - low- . --- . - . ------------------
 *             *    .        .  *  .   .          *
 *      window 1    2        3  4  5   6          7
 *                  |--thrashes-|      |-thrashes-|
 *
 * Windows follow one another. One ends at the first look that is as late, so it may be longer by
 * what happens between two looks: a turn, or a time in which all wait.
 *
 * Invariants
 *  1. It thrashes from the end of a window whose rate is above `high` to that of one whose rate is
 *     below `low`; high >= low, so that it does not flicker.
 *  2. The last window of a run is not judged unless it is whole.
 */
#ifndef ANALYSIS_DETECTOR_H
#define ANALYSIS_DETECTOR_H

#include <pagoda/thrash.h>

/* What is counted, since the machine was opened. */
struct detector_meter {
    uint64_t now_ns, idle_ns, processor_ns, transfer_ns, majors;
};

struct detector {
    const struct vm_detection_ops *ops;
    double high, low;
    uint64_t window_ns;
    struct detector_meter start; /* of the present window */
    enum vm_rate_level level;    /* of the window before */
    bool thrashes;
    uint64_t since_ns; /* it thrashes since */
    struct vm_detected result;
};

/* spec: "fault-rate:high=20", NULL for the usual one; a window of 0 for the usual one. Errors:
 * VM_EUSAGE. */
bool detector_open(struct detector *d, const char *spec, uint64_t window_ns, struct vm_error *e);
/* Whether a window has ended, which is judged then. Time never runs back. */
bool detector_look(struct detector *d, const struct detector_meter *now);
/* The run ends, and if it thrashes, that does too. */
void detector_end(struct detector *d, uint64_t now_ns);

#endif
