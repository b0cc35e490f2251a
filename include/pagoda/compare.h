/* compare.h - replacement policies beside each other on one trace: `pagoda compare`.
 *
 * Each policy gets the same machine with each of some memories: a replay for each pair, of which
 * the counts and prices are kept. Two things are said that a table of misses hides:
 *
 *  - the first divergence: up to which reference a policy has done exactly what another did, and
 *    which page it then kept that the other let go. The two agree on every reference before it.
 *  - where the order by misses is not the order by time: a miss that evicts a clean page costs one
 *    transfer, one that evicts a dirty page two.
 *
 * opt (Belady 1966) is always there: no policy has fewer misses. It is a bound, and so never
 * "best"; nor is it one for writebacks or time, for it chooses without regard to dirty pages.
 */
#ifndef PAGODA_COMPARE_H
#define PAGODA_COMPARE_H

#include <pagoda/engine.h>
#include <pagoda/footprint.h>

#define VM_COMPARE_POLICIES 64
#define VM_COMPARE_MEMORIES 16
#define VM_COMPARE_NONE     SIZE_MAX

/* Where a policy's resident set first differs from the reference policy's. */
struct vm_divergence {
    enum {
        VM_DIVERGENCE_UNKNOWN, /* one of the two did not run to its end */
        VM_DIVERGENCE_ITSELF,  /* it is the reference policy */
        VM_DIVERGENCE_NEVER,
        VM_DIVERGENCE_FOUND,
    } outcome;
    uint64_t ref;    /* FOUND: after this reference, from 1, they differ for the first time */
    uint64_t kept;   /* the page (key) that it has, and the other not; VM_NOPAGE: none */
    uint64_t lacked; /* the page that the other has, and it not; VM_NOPAGE: none */
};

/* One policy with one memory. */
struct vm_compare_cell {
    bool done;     /* else `why` says why not, and the rest is 0 */
    char why[160]; /* the first line of the reason */
    struct vm_counts counts;
    struct vm_prices prices;
    struct vm_divergence divergence;
};

struct vm_compare_policy {
    char spec[VM_CONFIG_TEXT]; /* as asked for, with its parameters */
    bool bound;                /* opt */
};

struct vm_compare_memory {
    struct vm_size asked;
    uint64_t bytes;
    size_t reference; /* the policy that the others are held against, or VM_COMPARE_NONE */
    /* The least of each column, bound apart; where no policy is done, the greatest there is. */
    uint64_t misses_min, writebacks_min;
    double ns_min;
    /* Two policies of which one has fewer misses and yet takes longer, by the most time that there
     * is; VM_COMPARE_NONE: the order by misses is the order by time. */
    size_t fewer, faster;
};

struct vm_comparison {
    struct vm_trace_info trace; /* its name belongs to the caller of vm_compare */
    char trace_format[32];
    struct vm_config config; /* of every machine, but for its policy and memory */
    struct vm_footprint_pages footprint;
    size_t npolicies, nmemories;
    struct vm_compare_policy policy[VM_COMPARE_POLICIES];
    struct vm_compare_memory memory[VM_COMPARE_MEMORIES];
    struct vm_compare_cell *cell; /* [nmemories][npolicies] */
};

struct vm_compare_request {
    const struct vm_config *config; /* what policies and memories do not say */
    const char *policies;           /* "lru,clock:load=referenced,fifo"; "all": every row */
    const char *memories;           /* "10%,64KiB" */
    const char *against;            /* the reference policy; "best": the one with the fewest misses;
                                       NULL: the first named, or with "all" the best */
    unsigned workers;               /* threads; 0: as many as there are processors */
    struct vm_source source;
    const struct vm_progress *progress; /* or NULL */
};

/* A machine that cannot be built, or runs out, is a cell that says why. Errors: unknown names and
 * impossible sizes (VM_EUSAGE), a trace that can be read only once, what is wrong with it. */
bool vm_compare(const struct vm_compare_request *r, struct vm_comparison *out, struct vm_error *e);
void vm_comparison_free(struct vm_comparison *c); /* a zeroed struct is fine */

static inline const struct vm_compare_cell *vm_compare_at(const struct vm_comparison *c,
                                                          size_t memory, size_t policy)
{
    return &c->cell[memory * c->npolicies + policy];
}
/* Faults that brought a page: what policies are judged by. */
static inline uint64_t vm_compare_misses(const struct vm_counts *c)
{
    return c->demand_zero + c->swap_ins + c->file_ins;
}
/* Dirty pages that were written, as they left or ahead of that. */
static inline uint64_t vm_compare_writebacks(const struct vm_counts *c)
{
    return c->writebacks + c->cleanings;
}

#endif
