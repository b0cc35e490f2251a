/* locality.h - how a program uses its pages over time: `pagoda locality`.
 *
 * Time is counted in touches of pages: references, and one more for each page boundary that one
 * crosses. It is the program's own (virtual) time, of all its address spaces together.
 *
 * Sources: P. J. Denning, "The working set model for program behavior", CACM 11(5) 1968;
 * P. J. Denning and S. C. Schwartz, "Properties of the working-set model", CACM 15(3) 1972;
 * B. G. Prieve and R. S. Fabry, "VMIN - an optimal variable-space page replacement algorithm",
 * CACM 19(5) 1976.
 */
#ifndef PAGODA_LOCALITY_H
#define PAGODA_LOCALITY_H

#include <pagoda/engine.h>
#include <pagoda/footprint.h>
#include <pagoda/histogram.h>

/* ---- working sets ----
 *
 * The working set of window T after touch t is the set of pages among the last T touches, of the
 * first t where t < T. All of it follows from two histograms, exactly, for a trace of any length:
 *
 *  - between: for each touch that is not its page's last, the touches to its page's next;
 *  - after: for each page, the touches from its last to the trace's end, both included.
 *
 * A touch keeps its page in the working set for min(T, that number) touches, which add up to the
 * mean size; and a touch finds its page there if at most T touches lie between. (Denning and
 * Schwartz let the trace go on for ever, and get s(T + 1) - s(T) = m(T), the miss ratio. Here it is
 * s(T + 1) - s(T) = m(T) - w(T) / K, where K is the number of touches and w(T) the size of the
 * working set at the end: those pages would have stayed.)
 *
 * VMIN knows the future: a page stays after a touch if its next comes within T, and goes at once
 * otherwise. It has the working set's misses, and no way to have them needs less memory.
 */
struct vm_intervals {
    struct vm_histogram between, after;
    uint64_t touches, pages;
};

double vm_working_set_mean(const struct vm_intervals *v, uint64_t window);   /* pages */
uint64_t vm_working_set_last(const struct vm_intervals *v, uint64_t window); /* at the end, pages */
/* Touches that do not find their page in the working set of the touches before: VMIN's, too. */
uint64_t vm_working_set_misses(const struct vm_intervals *v, uint64_t window);
double vm_vmin_mean(const struct vm_intervals *v, uint64_t window); /* pages */

/* ---- faults over time ---- */

struct vm_fault_period {
    uint64_t faults;
    uint64_t firsts; /* of these, first touches of a page: no memory is large enough for them */
};

/* Periods of equal length, of which the last may be cut short. */
struct vm_fault_times {
    uint64_t memory_bytes;
    uint64_t period_refs;
    size_t n;
    struct vm_fault_period *period; /* [n] */
};

/* ---- heat ---- */

/* row_bytes of one address space, aligned. */
struct vm_heat_row {
    vm_asid asid;
    vm_va start;
    bool gap; /* it does not go on where the row before ended */
};

/* Rows of equal length, without the addresses between them that nobody touched. */
struct vm_heat_map {
    uint64_t period_refs; /* of a column; the last may be cut short */
    uint64_t row_bytes;
    size_t columns, rows;
    struct vm_heat_row *row; /* [rows] by space, then address */
    uint64_t *touches;       /* [rows][columns] */
};

/* ---- all of it ---- */

enum vm_locality_part {
    VM_LOCALITY_WORKING_SET = 1,
    VM_LOCALITY_INTERVALS = 2,
    VM_LOCALITY_DISTANCES = 4,
    VM_LOCALITY_FAULTS = 8,
    VM_LOCALITY_HEAT = 16,
    VM_LOCALITY_ALL = 31,
};

#define VM_LOCALITY_SIZES 8

/* At one page size. */
struct vm_locality_size {
    uint64_t page_bytes;
    uint64_t touches, pages;
    struct vm_intervals intervals;
    struct vm_histogram distances; /* the different pages between a touch of a page and its next */
    struct vm_fault_times faults;
};

struct vm_locality {
    unsigned parts;             /* set of enum vm_locality_part: the rest is empty */
    struct vm_trace_info trace; /* its name belongs to the caller of vm_locality_measure */
    char trace_format[32];
    char policy[VM_CONFIG_TEXT]; /* of the faults */
    uint64_t refs;
    size_t nsizes;
    struct vm_locality_size size[VM_LOCALITY_SIZES];
    struct vm_heat_map heat; /* at the first page size */
};

struct vm_locality_request {
    unsigned parts;
    size_t nsizes;
    uint64_t page_bytes[VM_LOCALITY_SIZES]; /* the first one is the heat map's, too */
    const char *policy;                     /* of the faults */
    struct vm_size memory;                  /* of the faults; a part is one of the footprint at each
                                               page size, and reads the trace once before */
    size_t periods_max;                     /* that time is cut into, of faults and heat; even */
    size_t heat_rows_max;                   /* unless there are more address spaces */
    uint64_t seed;
    struct vm_source source;
    const struct vm_progress *progress; /* or NULL */
};

/* One pass over the trace; others before it for opt and for a memory in parts of the footprint.
 * Errors: VM_EUSAGE (a name, a trace that would have to be read twice), VM_EMACHINE (a page size, a
 * memory), and what is wrong with the trace. */
bool vm_locality_measure(const struct vm_locality_request *r, struct vm_locality *out,
                         struct vm_error *e);
void vm_locality_free(struct vm_locality *l); /* a zeroed struct is fine */

#endif
