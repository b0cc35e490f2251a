/* pages.h - the pages model: page references and a policy, nothing else.
 *
 * Memory holds pages only: no tables, no TLBs, no mappings. References become runs of touches of
 * one page (dense ids in order of first appearance), which the policy's stamped loop replays.
 * Of events only a switch of address space matters, to policies that know processes: a page that a
 * program unmaps stays until it is replaced.
 */
#ifndef ENGINE_PAGES_H
#define ENGINE_PAGES_H

#include "base/intern.h"

#include <pagoda/engine.h>

/* Turns batches into runs of page touches. */
struct vm_page_stream {
    struct vm_intern ids;
    unsigned page_shift;
    vm_asid asid;
    vm_asid told;               /* whose runs those emitted last are */
    struct vm_page_run pending; /* the run that may go on in the next batch; count 0: none */
    uint64_t pending_key;
    uint64_t kinds[VM_ACCESSES], crossings, switches;
    void *host;
    /* Runs in order; neighbours are of different pages, but where `switched` came between. False:
     * stop. */
    bool (*emit)(void *host, const struct vm_page_run *run, size_t n, struct vm_error *e);
    /* The runs to come are of this address space (0 at first), those emitted of another. NULL:
     * nobody asks. */
    void (*switched)(void *host, vm_asid asid);
    size_t nruns;
    struct vm_page_run run[1024];
};

bool vm_page_stream_open(struct vm_page_stream *s, unsigned page_shift, struct vm_error *e);
bool vm_page_stream_batch(struct vm_page_stream *s, const struct vm_batch *b, struct vm_error *e);
bool vm_page_stream_end(struct vm_page_stream *s, struct vm_error *e); /* emits what is pending */
void vm_page_stream_close(struct vm_page_stream *s);

/* A policy over page runs. */
struct vm_pages;
/* Whether memory and page size are possible. Errors: VM_EMACHINE. */
bool vm_pages_check(const struct vm_config *c, struct vm_error *e);
struct vm_pages *vm_pages_open(const struct vm_config *c, struct vm_future *future,
                               struct vm_error *e);
bool vm_pages_run(void *pages, const struct vm_page_run *run, size_t n, struct vm_error *e);
/* Runs are of this address space from now on, 0 at first: a page is of the one that ran when it was
 * first touched. */
void vm_pages_switched(void *pages, vm_asid asid);
/* Counts of replacement; those of the stream are the caller's. A page that comes back counts as a
 * swap_in, whether it had been written or not. */
void vm_pages_counts(struct vm_pages *p, struct vm_counts *out);
/* Waits for the device, each transfer priced as one that follows no other. */
void vm_pages_waits(struct vm_pages *p, uint64_t waits_ns[VM_WAITS]);
uint64_t vm_pages_resident(const struct vm_pages *p);
/* Which page is in which frame, now. */
const struct vm_replay *vm_pages_replay(const struct vm_pages *p);
void vm_pages_close(struct vm_pages *p); /* NULL is fine */

#endif
