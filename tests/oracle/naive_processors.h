/* naive_processors.h - several processors' TLBs over the same few pages, as plain lists.
 *
 * Each processor has one TLB (naive_tlb.h) and runs one space. Pages are there from their first
 * touch on; memory is without end. What unmaps a page, or changes its rights, takes it from every
 * list, and interrupts those who may have it: who has run the space since it was last shot down as
 * a whole, or where a switch empties the TLB who runs it now.
 */
#ifndef ORACLE_NAIVE_PROCESSORS_H
#define ORACLE_NAIVE_PROCESSORS_H

#include "oracle/naive_tlb.h"

enum { NAIVE_CPUS = 5, NAIVE_CPU_SPACES = 4, NAIVE_CPU_PAGES = 24 };
enum { NAIVE_CPU_FIRST = 16 }; /* number of the first page */

struct naive_processors {
    unsigned ncpus, current;
    bool tagged;
    struct naive_cpu {
        struct naive_tlb tlb;
        unsigned space; /* from 1; 0: none yet */
        uint64_t ipis;
    } cpu[NAIVE_CPUS];
    struct naive_space_pages {
        bool ran_on[NAIVE_CPUS];
        struct {
            bool mapped, may_write, there, dirty;
        } page[NAIVE_CPU_PAGES];
    } space[NAIVE_CPU_SPACES + 1];
    uint64_t misses, upgrades, shootdowns, ipis;
};

void naive_processors_open(struct naive_processors *n, unsigned ncpus, bool tagged,
                           const struct vm_tlb_config *tlb);
void naive_processors_run_on(struct naive_processors *n, unsigned cpu);
void naive_processors_switch(struct naive_processors *n, unsigned space);
void naive_processors_touch(struct naive_processors *n, unsigned page, bool write);
void naive_processors_map(struct naive_processors *n, unsigned space, unsigned page, bool write);
/* Pages [first, end), together. */
void naive_processors_unmap(struct naive_processors *n, unsigned space, unsigned first,
                            unsigned end);
void naive_processors_protect(struct naive_processors *n, unsigned space, unsigned first,
                              unsigned end, bool write);
void naive_processors_exec(struct naive_processors *n, unsigned space);
/* Sums over all of them. */
struct vm_tlb_counts naive_processors_counts(const struct naive_processors *n);

#endif
