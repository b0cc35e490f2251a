/* analysis.h - what a trace is like, before any machine: `pagoda info`.
 *
 * References by kind, distinct pages at two sizes, the footprint by region (pages that lie close
 * together), and how long consecutive references stay on one page.
 */
#ifndef PAGODA_ANALYSIS_H
#define PAGODA_ANALYSIS_H

#include <pagoda/error.h>
#include <pagoda/trace.h>
#include <pagoda/types.h>

#define VM_PROFILE_REGIONS 64 /* the largest ones are kept */
#define VM_PROFILE_RUNS    33 /* histogram: run lengths [2^i, 2^(i+1)) */

/* Touched pages of one address space with gaps of less than VM_PROFILE_GAP between them. */
#define VM_PROFILE_GAP (UINT64_C(1) << 20)
struct vm_profile_region {
    vm_asid asid;
    vm_va start, end; /* of the pages touched */
    uint64_t pages;   /* distinct 4 KiB pages touched in it */
};

struct vm_profile {
    uint64_t refs[VM_ACCESSES];
    uint64_t bytes[VM_ACCESSES]; /* that the references name */
    uint64_t touches;            /* 4 KiB pages touched, with repetition */
    uint64_t events[VM_EVENT_KINDS];
    uint64_t maps[VM_BACKINGS];  /* map events, by enum vm_backing */
    uint64_t spaces;             /* address spaces that touch anything */
    uint64_t pages_4k, pages_2m; /* distinct */
    uint64_t written_4k;         /* distinct 4 KiB pages that are written to */
    uint64_t runs;               /* maximal sequences of touches of one page */
    uint64_t run_lengths[VM_PROFILE_RUNS];
    uint64_t nregions;
    struct vm_profile_region region[VM_PROFILE_REGIONS]; /* by pages, the largest first */
};

struct vm_profiler;
struct vm_profiler *vm_profiler_open(struct vm_error *e);
bool vm_profiler_batch(struct vm_profiler *p, const struct vm_batch *b, struct vm_error *e);
/* The profile of what came so far, which ends the current run. */
bool vm_profiler_result(struct vm_profiler *p, struct vm_profile *out, struct vm_error *e);
void vm_profiler_close(struct vm_profiler *p); /* NULL is fine */

#endif
