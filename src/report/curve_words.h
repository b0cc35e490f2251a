/* curve_words.h - what curves are called in tables and charts. */
#ifndef REPORT_CURVE_WORDS_H
#define REPORT_CURVE_WORDS_H

#include <pagoda/curve.h>

#define VM_CURVE_NAME (VM_CONFIG_TEXT + 48)

/* How many page sizes there are curves of. */
size_t vm_curve_page_sizes(const struct vm_curves *s);
/* What a frame is called: "frames", or "entries" of a TLB. */
const char *vm_curve_unit(const struct vm_curves *s);
/* "lru", "lru sampled". */
const char *vm_curve_policy(const struct vm_curve *c, char out[VM_CURVE_NAME]);
/* The same, with the page size where there are several. */
const char *vm_curve_name(const struct vm_curves *s, const struct vm_curve *c,
                          char out[VM_CURVE_NAME]);

#endif
