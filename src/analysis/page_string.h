/* page_string.h - a reference string in memory, and how often policies miss in it.
 *
 * A trace is read once and kept as runs of touches of one page; then each policy and each size of
 * memory is a replay over the runs. For strings of some million references: a run takes 12 bytes.
 */
#ifndef ANALYSIS_PAGE_STRING_H
#define ANALYSIS_PAGE_STRING_H

#include <pagoda/engine.h>
#include <pagoda/policy.h>

struct page_string {
    struct vm_page_run *run; /* [nruns] neighbours are of different pages */
    uint32_t *next;          /* [nruns] the next run of the same page, or VM_NEVER */
    size_t nruns;
    uint32_t npages;
    uint64_t touches;
};

/* Read the trace `spec`, of pages of 4 KiB. Errors: as of vm_trace_open; VM_ESYSTEM. */
bool page_string_load(struct page_string *s, const char *spec, uint64_t seed, struct vm_error *e);
/* The string of n page numbers. Errors: VM_ESYSTEM. */
bool page_string_make(struct page_string *s, const uint64_t *page, size_t n, struct vm_error *e);
void page_string_free(struct page_string *s); /* a zeroed one is fine */
/* How often `policy` ("clock:load=referenced") misses with so many frames, empty at first.
 * Errors: VM_EUSAGE (a name, a parameter), VM_EMACHINE (no frames), VM_ESYSTEM. */
bool page_string_misses(const struct page_string *s, const char *policy, uint64_t frames,
                        uint64_t seed, uint64_t *misses, struct vm_error *e);

#endif
