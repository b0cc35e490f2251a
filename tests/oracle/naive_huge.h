/* naive_huge.h - which pages of a few address spaces are huge, where memory is ample: by the rules
 * of src/space/huge.c, reserve.c and collapse.c, recomputed from flags.
 *
 * Nothing is ever evicted here. A frame is a number that its sharers have in common, and so is a
 * huge page.
 */
#ifndef ORACLE_NAIVE_HUGE_H
#define ORACLE_NAIVE_HUGE_H

#include "oracle/space_world.h"

#define NAIVE_HUGE_SPACES  3
#define NAIVE_HUGE_REGIONS 6
#define NAIVE_HUGE_PARTS   4 /* base pages of a region at most */
#define NAIVE_HUGE_PAGES   (NAIVE_HUGE_REGIONS * NAIVE_HUGE_PARTS)
#define NAIVE_HUGE_MADE    2000 /* huge pages in one world */

struct naive_huge_page {
    bool mapped;
    uint8_t prot, backing;
    unsigned frame; /* of a base page that is there; 0: it is not, or it is part of a huge page */
};

struct naive_huge_region {
    unsigned huge; /* 0: none */
    bool reserved;
    unsigned populated;
};

struct naive_huge {
    enum vm_huge_pages pages;
    unsigned nparts; /* base pages of a region */
    unsigned empty_max;
    vm_va start; /* of page 0 */
    struct naive_huge_page page[NAIVE_HUGE_SPACES][NAIVE_HUGE_PAGES];
    struct naive_huge_region region[NAIVE_HUGE_SPACES][NAIVE_HUGE_REGIONS];
    bool touched[NAIVE_HUGE_MADE][NAIVE_HUGE_PARTS];
    unsigned nframes, nhuge; /* numbers given out */
    struct vm_counts counts; /* those of huge pages */
};

/* Pages from `start` on, which is aligned to a region; touches outside mappings are violations. */
void naive_huge_open(struct naive_huge *s, const struct space_plan *plan, vm_va start);
unsigned naive_huge_npages(const struct naive_huge *s);
/* A touch that was allowed; an event; a scan of all regions. */
void naive_huge_touch(struct naive_huge *s, vm_asid asid, unsigned page, enum vm_access access);
void naive_huge_event(struct naive_huge *s, const struct vm_event *event);
void naive_huge_scan(struct naive_huge *s);
/* Each page is there, or is not, as a base page or as a part of a huge one, as it is here. NULL, or
 * what is wrong. */
const char *naive_huge_inspect(const struct naive_huge *s, const struct space_world *w);

#endif
