/* footprint.h - how much memory a trace touches, and memory sizes told as parts of it: "25%".
 *
 * A size in bytes means the same for every trace; a part of the footprint means the same trouble
 * for each of them, and so lets programs of different sizes be compared.
 */
#ifndef PAGODA_FOOTPRINT_H
#define PAGODA_FOOTPRINT_H

#include <pagoda/engine.h>

/* What one pass over a trace counts, at one page size. */
struct vm_footprint_pages {
    uint64_t refs;
    uint64_t touches; /* references, and one more for each page boundary crossed */
    uint64_t pages;   /* distinct */
};

/* Count the trace's pages of `page_bytes`. `who` is for the refusal of a trace that can be read
 * only once, for the caller will read it again. Errors: VM_EUSAGE, as of vm_trace_open, VM_EMACHINE
 * (page size). */
bool vm_footprint_count(const struct vm_source *source, uint64_t page_bytes, const char *who,
                        const struct vm_progress *progress, struct vm_footprint_pages *out,
                        struct vm_trace_info *info, struct vm_error *e);

/* A memory's size as it was asked for. */
struct vm_size {
    uint64_t bytes;
    double percent; /* of the footprint, above 0 to 100; 0: `bytes` says it */
};
/* "64MiB", "10%". `what` is for messages. Errors: VM_EUSAGE. */
bool vm_size_parse(const char *text, const char *what, struct vm_size *out, struct vm_error *e);
/* In bytes: of a part, whole pages, the nearest number of them and at least one. */
uint64_t vm_size_bytes(struct vm_size s, uint64_t pages, uint64_t page_bytes);

#endif
