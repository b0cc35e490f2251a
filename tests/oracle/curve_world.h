/* curve_world.h - curves of small worlds whose references are told as numbers of pages. */
#ifndef ORACLE_CURVE_WORLD_H
#define ORACLE_CURVE_WORLD_H

#include <pagoda/curve.h>

/* Measure what `request` says on page[n]; its source and page sizes are filled in (4 KiB, unless
 * there are some). Asserts that it succeeds. */
void curve_of_pages(struct vm_curve_request request, const uint32_t *page, size_t n,
                    struct vm_curves *out);
/* The same on a trace by name. */
void curve_of_trace(struct vm_curve_request request, const char *spec, struct vm_curves *out);
/* The curve of a policy and way, at the i-th page size; asserts that there is one. */
const struct vm_curve *curve_find(const struct vm_curves *s, const char *policy,
                                  enum vm_curve_way way, uint64_t page_bytes);

#endif
