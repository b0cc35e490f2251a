/* locality_view.h - what the reports of locality show of curves that have a point for every
 * number. */
#ifndef REPORT_LOCALITY_VIEW_H
#define REPORT_LOCALITY_VIEW_H

#include <pagoda/report.h>

/* The windows to show, into out[VM_WINDOWS_MAX], ascending: those of the view, or `each` from one
 * power of two to the next, up to all touches. Returns how many. */
size_t locality_windows(const struct vm_locality_view *view, uint64_t touches, unsigned each,
                        uint64_t *out);

/* Bins of a histogram. */
struct locality_bin {
    uint64_t first, count; /* first: its least number; 0 is a bin of its own */
};
/* The bin at or after *at, as the view has them, that is not empty; *at is 0 at first. False: no
 * more. */
bool locality_bin(const struct vm_histogram *h, enum vm_bins bins, size_t *at,
                  struct locality_bin *out);

#endif
