/* as_live.h - what the pager of real memory would do for a trace: `pagoda replay --as-live`.
 *
 * The trace becomes page touches in memory; each row drives the pager's own object (pager.h) by
 * them. A touch that needs no fault is not heard of, as it is not by the pager.
 *
 * A log of the live pager (its origin begins with VM_LIVE_ORIGIN) has the pager's page numbers for
 * addresses, and says all that the pager was told besides: regions, advice, pins, discards. Then
 * and for one thread without a background, what is predicted is what happened, or would have
 * happened with another policy, limit or readahead: to the fault, if the log is of accesses.
 *
 * Of any other trace, pages are numbered by address, in regions of neighbouring clusters of
 * VM_AS_LIVE_CLUSTER pages that it touches: what comes along lies in those. A child of fork has new
 * pages, as if all of it had been written.
 */
#ifndef PAGODA_AS_LIVE_H
#define PAGODA_AS_LIVE_H

#include <pagoda/engine.h>
#include <pagoda/footprint.h>
#include <pagoda/pager.h>

#define VM_AS_LIVE_CLUSTER  64
#define VM_AS_LIVE_POLICIES 64

/* How a log begins its origin; behind it "page=4096 limit=65536 ahead=64 batch=0 seed=0
 * policy=SPEC depth=faults; ", limit and the rest in pages, and what ran. */
#define VM_LIVE_ORIGIN "pagoda live: "

/* What a pager is asked by a trace, in memory: 4 bytes a touch. */
struct vm_touches;

/* `page_bytes` 0: that of the log, else 4096. Errors: as of vm_trace_open; VM_EUSAGE (a page size
 * that is not the log's), VM_EMACHINE (too many pages), VM_ESYSTEM. */
struct vm_touches *vm_touches_load(const struct vm_source *source, uint64_t page_bytes,
                                   const struct vm_progress *progress, struct vm_error *e);
void vm_touches_free(struct vm_touches *t); /* NULL is fine */

struct vm_touches_info {
    struct vm_trace_info trace; /* its strings live as long as the touches */
    uint64_t page_bytes;
    uint64_t touches;      /* of pages; a touch of the same page at once again is one more */
    uint64_t pages;        /* distinct */
    bool is_log, is_exact; /* of a live pager; of its accesses */
    /* How the pager of the log ran, zeros if there was none. */
    struct vm_pager_config pager; /* frames, batch, ahead, seed */
    char policy[VM_CONFIG_TEXT];
};
void vm_touches_info(const struct vm_touches *t, struct vm_touches_info *out);

/* Drive a pager by them. `c`: all but pages_max. Errors: vm_pager_open's; VM_EMACHINE: what was
 * pinned leaves no page to go. */
bool vm_as_live_count(const struct vm_touches *t, const struct vm_pager_config *c,
                      struct vm_pager_counts *out, struct vm_error *e);

/* A policy's spec, taken apart. Errors: VM_EUSAGE. */
bool vm_as_live_policy(const char *spec, const struct vm_policy_ops **ops, struct vm_params *params,
                       struct vm_error *e);

struct vm_as_live_request {
    struct vm_source source;
    const char *policies;  /* specs with commas; NULL: the log's, else the live pager's */
    const char *memory;    /* "64MiB", "25%"; NULL: the log's, else a quarter */
    uint64_t page_bytes;   /* 0: the log's, else 4096 */
    const uint64_t *ahead; /* bytes that come along at most; NULL: as logged, else 256 KiB */
    const uint64_t *batch; /* pages; NULL: as logged, else the pager's choice */
    const uint64_t *seed;  /* NULL: as logged, else 0 */
    unsigned workers;      /* 0: one a processor */
    const struct vm_progress *progress;
};

struct vm_as_live_row {
    char policy[VM_CONFIG_TEXT];
    bool done; /* else `why` says why not */
    char why[160];
    struct vm_pager_counts counts;
};

struct vm_as_live {
    struct vm_touches *touches; /* whose strings `info` has */
    struct vm_touches_info info;
    struct vm_pager_config config; /* frames, batch, ahead, seed as they were used */
    size_t nrows;
    struct vm_as_live_row row[VM_AS_LIVE_POLICIES];
};

/* Errors: as of the parts; with a single policy also that of its run. */
bool vm_as_live(const struct vm_as_live_request *r, struct vm_as_live *out, struct vm_error *e);
void vm_as_live_free(struct vm_as_live *a);

#endif
