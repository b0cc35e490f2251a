/* live_proposal.h - which policy, readahead and memory a pager should have for a program: `pagoda
 * advise`.
 *
 * A trace, best a log of accesses of the live pager (as_live.h), is replayed as the pager would
 * take it: each policy with each readahead and each size of memory. What was counted is priced by a
 * store's costs, and the cheapest pair is kept for each size. The size proposed is the knee of that
 * curve: where more memory saves little and less costs much (the point farthest below the line from
 * the curve's one end to its other; Satopaa, Albrecht, Irwin & Raghavan, "Finding a 'Kneedle' in a
 * haystack", ICDCS workshops 2011).
 */
#ifndef PAGODA_LIVE_PROPOSAL_H
#define PAGODA_LIVE_PROPOSAL_H

#include <pagoda/as_live.h>

#define VM_LIVE_PROPOSAL_POLICIES 16
#define VM_LIVE_PROPOSAL_AHEADS   8
#define VM_LIVE_PROPOSAL_MEMORIES 24

/* VM_STORE_COSTS(X): X(name, what), in ns a page of 4 KiB; a larger page takes as many times as
 * much of those that move contents. */
#define VM_STORE_COSTS(X)                                                                          \
    X(fault, "a fault, until the handler has decided, and its return")                             \
    X(copy, "contents into a page, or zeros")                                                      \
    X(load, "the first page of a transfer from the store")                                         \
    X(along, "each further page of it")                                                            \
    X(write, "writing a page back, in a batch")                                                    \
    X(evict, "taking a page out, in a batch")

struct vm_store_cost {
    const char *name;
#define VM_STORE_COST_FIELD(name, what) double name##_ns;
    VM_STORE_COSTS(VM_STORE_COST_FIELD)
#undef VM_STORE_COST_FIELD
};
/* The store's, as measured (docs/theory/live.md has how); NULL past the end. */
const struct vm_store_cost *vm_store_cost_at(size_t i);
/* "lz4", "file:load=90000,write=4000": a store's, with changes in ns. Errors: VM_EUSAGE. */
bool vm_store_cost_parse(const char *text, struct vm_store_cost *out, struct vm_error *e);
/* The time of what was counted. */
double vm_store_cost_of(const struct vm_store_cost *c, const struct vm_pager_counts *n,
                        uint64_t page_bytes);

struct vm_live_proposal_request {
    struct vm_source source;
    const char *policies; /* NULL: some that differ */
    const char *memories; /* "64MiB,10%"; NULL: parts of the footprint */
    const char *aheads;   /* "0,64KiB"; NULL: none, 64 KiB, 256 KiB */
    const char *cost;     /* NULL: "lz4" */
    uint64_t page_bytes;  /* 0: the log's, else 4096 */
    uint64_t seed;
    unsigned workers;
    const struct vm_progress *progress;
};

struct vm_live_proposal_cell {
    bool done;
    struct vm_pager_counts counts;
    double ns;
};

struct vm_live_proposal {
    struct vm_touches *touches; /* whose strings `info` has */
    struct vm_touches_info info;
    struct vm_store_cost cost;
    size_t npolicies, naheads, nmemories;
    char policy[VM_LIVE_PROPOSAL_POLICIES][VM_CONFIG_TEXT];
    uint32_t ahead[VM_LIVE_PROPOSAL_AHEADS];    /* pages */
    uint32_t frames[VM_LIVE_PROPOSAL_MEMORIES]; /* ascending, each once */
    struct vm_live_proposal_cell *cell;         /* by memory, policy, ahead */
    size_t best[VM_LIVE_PROPOSAL_MEMORIES];     /* a cell: the cheapest of the memory */
    size_t knee;                                /* a memory */
};

/* Errors: as of the parts. */
bool vm_live_propose(const struct vm_live_proposal_request *r, struct vm_live_proposal *out,
                     struct vm_error *e);
void vm_live_proposal_free(struct vm_live_proposal *a);
static inline size_t vm_live_proposal_cell(const struct vm_live_proposal *a, size_t memory,
                                           size_t policy, size_t ahead)
{
    return (memory * a->npolicies + policy) * a->naheads + ahead;
}

#endif
