/* readahead.h - which pages to read beside the one that a fault waits for.
 *
 * One state for each address space, so that programs do not blur each other's patterns. Its host
 * asks at every fault that reads, says how many pages of earlier wishes were touched since, and
 * reads what is wished for as far as it is out of memory and there is room: a wish is no promise.
 *
 * Contract, checked by tests/conform
 *  1. A wish names at most VM_READAHEAD_MAX pages, each once, never the faulting one; pages lie in
 *     the fault's mapping.
 *  2. State is of ops->size bytes; a zeroed block is a state at its beginning. Nothing fails.
 *  3. What a wish with pages says it turns on is so: they lie there, and faults came so.
 */
#ifndef PAGODA_READAHEAD_H
#define PAGODA_READAHEAD_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

#define VM_READAHEAD_MAX 64

struct vm_readahead_fault {
    uint64_t page;       /* the page number that is read */
    uint64_t first, end; /* page numbers of its mapping, [first, end) */
    uint64_t place;      /* of the page on its device, in pages: its slot, or its place in a file */
    uint32_t hits;       /* pages read ahead for this space that were touched since the last ask */
};

/* What a wish turns on. */
enum vm_readahead_why {
    VM_READAHEAD_BESIDE,   /* the aligned run of `window` places about the page's own */
    VM_READAHEAD_AROUND,   /* pages about the page: the fault before was not on one beside it */
    VM_READAHEAD_FORWARD,  /* pages ahead of it: that one was on the page before */
    VM_READAHEAD_BACKWARD, /* pages behind it: that one was on the page after */
    VM_READAHEAD_STEADY,   /* multiples of `distance`, which has come twice between faults */
    VM_READAHEAD_MAJORITY, /* multiples of `distance`, which `votes` of the last `asked` had */
    VM_READAHEAD_TREND,    /* multiples of `distance`, which had a majority when one had last */
};

struct vm_readahead_wish {                               /* zeroed when it is asked for */
    enum { VM_READAHEAD_PAGES, VM_READAHEAD_PLACES } of; /* what the numbers are */
    enum vm_readahead_why why;
    uint32_t window;       /* pages to read, the faulting one too, before bounds cut them */
    uint32_t votes, asked; /* MAJORITY: of distances between faults; else 0 */
    int64_t distance;      /* in pages, from a fault to the next; 0 where `why` has none */
    uint32_t n;
    uint64_t number[VM_READAHEAD_MAX]; /* [n] in the order of their worth */
};

struct vm_readahead_ops {
    const char *name;
    const char *summary;
    const struct vm_param *param;
    size_t nparams;
    size_t (*size)(void);
    void (*ask)(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out);
};

/* The row of readaheads.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_readahead_ops *vm_readahead_find(const char *name, struct vm_error *e);
const struct vm_readahead_ops *vm_readahead_at(size_t i); /* NULL past the end */
bool vm_readahead_list(size_t i, struct vm_listed *out);

#endif
