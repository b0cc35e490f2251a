/* curve_sizes.h - at which sizes curves are swept and shown: those that were asked for, or powers
 * of two, the footprint, and the knees between them. */
#ifndef ANALYSIS_CURVE_SIZES_H
#define ANALYSIS_CURVE_SIZES_H

#include <pagoda/curve.h>

struct curve_sizes {
    enum vm_curve_axis axis;
    size_t n;                                     /* 0: none was asked for */
    struct vm_size asked[VM_CURVE_SIZES];         /* on the axis of frames, `bytes` are frames */
    enum { SIZES_ABSOLUTE, SIZES_RELATIVE } kind; /* relative: they wait for the footprint */
};

/* What the request asks for. Errors: VM_EUSAGE, VM_EMACHINE (a size of no frame, or too many). */
bool curve_sizes_parse(struct curve_sizes *s, const struct vm_curve_request *r, struct vm_error *e);
/* The sizes of out->size[], rising, for a footprint of `pages` pages of `page_bytes`. */
void curve_sizes_of_footprint(const struct curve_sizes *s, uint64_t pages, uint64_t page_bytes,
                              struct vm_curves *out);
/* Where none was asked for: powers of two up to the largest of the footprints, pages[r->npages],
 * and that. */
void curve_sizes_powers(const struct vm_curve_request *r, const uint64_t *pages,
                        struct vm_curves *out);
/* Add those between which a straight line on a logarithmic axis would be farthest from `c`. */
void curve_sizes_knees(const struct vm_curve *c, struct vm_curves *out);

#endif
