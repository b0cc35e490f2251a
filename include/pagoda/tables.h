/* tables.h - what each translation scheme's tables cost for one program: `pagoda tables`.
 *
 * Every scheme gets the same three address spaces: the trace's own; a dense one, as many pages in a
 * row; and a sparse one, as many pages spread evenly over the addresses that the scheme names. Each
 * is a replay with tables apart and memory for all pages, so that nothing leaves and only the
 * tables differ.
 */
#ifndef PAGODA_TABLES_H
#define PAGODA_TABLES_H

#include <pagoda/engine.h>

enum vm_tables_space {
    VM_TABLES_TRACE,  /* the trace's own */
    VM_TABLES_DENSE,  /* its number of pages, one after the other */
    VM_TABLES_SPARSE, /* its number of pages, spread over the scheme's addresses */
};
#define VM_TABLES_SPACES 3

/* One scheme in one space. */
struct vm_tables_cell {
    bool built;                    /* else `why` says why not, and the rest is 0 */
    char why[160];                 /* the first line of the reason */
    struct vm_footprint footprint; /* at the end, of all address spaces */
    uint64_t frames_peak;          /* that tables held at most */
    uint64_t page_bytes;           /* of those frames */
    uint64_t pages;                /* first touched */
    uint64_t walks, walk_loads;
    uint64_t unnamed; /* touches that the scheme cannot name: the cell is of the others */
};

struct vm_tables_row {
    char scheme[VM_CONFIG_TEXT]; /* as asked for, with its parameters */
    struct vm_tables_cell cell[VM_TABLES_SPACES];
};

#define VM_TABLES_ROWS 48
struct vm_table_costs {
    struct vm_trace_info trace; /* its strings belong to the caller of vm_tables_compare */
    char trace_format[32];
    uint64_t pages;        /* of 4 KiB that the trace touches: those of the other two spaces */
    uint64_t memory_bytes; /* of every machine */
    size_t nrows;
    struct vm_tables_row row[VM_TABLES_ROWS];
};

struct vm_tables_request {
    const struct vm_config *config; /* what the schemes do not say: TLBs, caches, seed */
    uint64_t memory_bytes;          /* 0: four times what the pages take, and a power of two */
    const char *const *scheme;      /* [nschemes] "sv39", "linear:bits=30" */
    size_t nschemes;                /* 0: every row of schemes.def */
    const char *trace;              /* read several times: it cannot come from a pipe */
    const struct vm_trace_options *options;
    const struct vm_progress *progress; /* or NULL */
};

/* A machine that cannot be built is a cell that says why. Errors: a scheme's unknown name or
 * parameter (VM_EUSAGE), and what is wrong with the trace. */
bool vm_tables_compare(const struct vm_tables_request *r, struct vm_table_costs *out,
                       struct vm_error *e);

#endif
