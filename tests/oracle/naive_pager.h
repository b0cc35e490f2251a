/* naive_pager.h - what include/pagoda/pager.h says, done by looking through lists: for tests.
 *
 * Pages are records, what was done lately is lists that are searched from end to end. It has a
 * policy of its own, of the same row, which has oracles elsewhere: here it is whom the pager asks.
 * Frames are given out as policies may notice: the one given back last first, then the lowest.
 */
#ifndef ORACLE_NAIVE_PAGER_H
#define ORACLE_NAIVE_PAGER_H

#include <pagoda/pager.h>

#define NAIVE_PAGER_PAGES   1024
#define NAIVE_PAGER_FRAMES  8192
#define NAIVE_PAGER_STREAMS 8

struct naive_pager_page {
    bool in, kept;
    vm_pfn frame;
};

struct naive_pager_stream {
    int64_t next, step, window; /* next: -1, no page */
};

struct naive_pager {
    struct vm_pager_config config;
    struct vm_pager_host host;
    uint32_t limit, batch, ahead, spare_for_faults, nframes;
    struct naive_pager_page page[NAIVE_PAGER_PAGES];
    uint8_t bits[NAIVE_PAGER_FRAMES];
    vm_pfn free[NAIVE_PAGER_FRAMES]; /* given out from the end */
    uint32_t nfree;
    uint32_t needed[VM_PAGER_GUARD]; /* the pages of the last faults, the latest first */
    uint32_t nneeded;
    uint32_t moved[4 * VM_PAGER_BATCH_MAX]; /* by this plan, or came by it */
    uint32_t nmoved;
    uint32_t aside[NAIVE_PAGER_PAGES]; /* pages that the policy named, and that stay */
    uint32_t naside;
    struct naive_pager_stream stream[NAIVE_PAGER_STREAMS]; /* used last, first */
    int64_t lately[NAIVE_PAGER_STREAMS];                   /* the latest first */
    struct vm_policy_clock clock;
    struct vm_policy_host asked;
    void *policy;
    uint64_t tick_next;
    struct vm_pager_plan *plan;
    struct vm_pager_counts counts;
};

/* The config's memory and pages are within the sizes above; asserts. */
void naive_pager_open(struct naive_pager *p, const struct vm_pager_config *c,
                      const struct vm_pager_host *host);
void naive_pager_close(struct naive_pager *p);

/* As their namesakes in pager.h. */
void naive_pager_fault(struct naive_pager *p, const struct vm_pager_fault *f,
                       struct vm_pager_plan *plan);
bool naive_pager_reclaim(struct naive_pager *p, uint32_t frames, struct vm_pager_plan *plan);
void naive_pager_limit(struct naive_pager *p, uint32_t frames);
uint32_t naive_pager_resident(const struct naive_pager *p);
void naive_pager_not_come(struct naive_pager *p, uint32_t page);
void naive_pager_came_back(struct naive_pager *p, uint32_t page);
void naive_pager_cleaned(struct naive_pager *p, uint32_t page);
void naive_pager_not_cleaned(struct naive_pager *p, uint32_t page);
void naive_pager_keep(struct naive_pager *p, uint32_t first, uint32_t n);
void naive_pager_forget(struct naive_pager *p, uint32_t first, uint32_t n);
bool naive_pager_is_dirty(const struct naive_pager *p, uint32_t page);

#endif
