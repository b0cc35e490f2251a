/* words.h - names and small formats that the text and the JSON report share. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include <pagoda/engine.h>
#include <pagoda/report.h>

extern const char *const vm_event_names[VM_EVENT_KINDS]; /* [0] is unused */
extern const char *const vm_backing_names[VM_BACKINGS];
extern const char *const vm_access_names[VM_ACCESSES];

/* "rwx" with - for what is not allowed. */
const char *vm_prot_text(unsigned prot, char out[4]);
const char *vm_backing_text(const struct vm_vma *v);
/* "350 ns", "1.27 ms", "3.4 s". */
const char *vm_text_ns(double ns, char *out, size_t cap);
/* "64/4 lru", "48/full random of pairs, 8 wired": entries, ways, replacement, and what else. */
const char *vm_tlb_text(const struct vm_tlb_config *c, char *out, size_t cap);
/* "48 KiB/12 plru vipt". */
const char *vm_cache_text(const struct vm_cache_config *c, char *out, size_t cap);
/* "4 KiB + 2 MiB": of a set of powers of two. */
const char *vm_sizes_text(uint64_t sizes, char *out, size_t cap);
/* 100 * part / whole, 0 where there is no whole. */
double vm_percent(double part, double whole);
/* " 12.345 %", points under points; "< 0.001 %". */
const char *vm_text_share(double part, double whole, char *out, size_t cap);

/* Start and end of bold, of dim; "" without colours. */
struct vm_style {
    const char *bold, *dim, *end;
};
struct vm_style vm_style(enum vm_colour colour);

/* A report's first line: which trace. */
void vm_text_trace(FILE *out, const struct vm_trace_info *t, struct vm_style style);

#endif
