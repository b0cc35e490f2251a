/* heap_textbook.c - the requests that a textbook goes through by hand.
 *
 * Ten requests to a heap of 100 units: +3 -3 +5 -5 +8 -8 +8 -8 +2 +7, each free of the block
 * before. Without merging, first fit looks at 13 free blocks to serve them, best fit at 18 and
 * worst fit at 20, and worst fit chooses others from the seventh request on; with merging each
 * looks at 6.
 *
 * A unit is 32 bytes here, the shortest block, of which a tag has 8; and one request before the
 * others takes what a region of 4 KiB has beyond 100 units and its last tag. So the heap is the
 * book's if it may not grow (`--limit 4KiB`). `pagoda heap` counts more than the book: one block
 * for that request, and those that a block which comes back passes on the way to its place.
 *
 * Source: Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 17, homework: malloc.py
 * -n 10 -H 0 -s 0 with the policies FIRST, BEST and WORST, and with -C.
 */
#include "trace/requests_workload.h"

#define UNIT   32
#define TAG    8
#define UNITS  100
#define REGION 4096

static const struct vm_param param[] = {
    {"requests", VM_PARAM_COUNT, "11", 1, 11, NULL, "of the book's, and the one before"},
};

struct pattern {
    unsigned next; /* in units_taken */
    bool filled;
};

static const uint8_t units_taken[] = {3, 0, 5, 0, 8, 0, 8, 0, 2, 7}; /* 0: a free of the last one */

static uint32_t pattern_open(struct pattern *p, const struct vm_params *params, struct vm_error *e)
{
    (void)params, (void)e;
    *p = (struct pattern){0};
    return 4; /* blocks are live at most */
}

static inline struct vm_event pattern_next(struct pattern *p, struct request_pool *pool)
{
    if (!p->filled) {
        p->filled = true;
        return request_take(pool, REGION - 2 * TAG - TAG - UNITS * UNIT);
    }
    unsigned units = units_taken[p->next++];
    return units ? request_take(pool, units * UNIT - TAG) : request_give(pool, pool->live - 1);
}

#define WORKLOAD_OPS     vm_workload_heap_textbook
#define WORKLOAD_NAME    "heap-textbook"
#define WORKLOAD_SUMMARY "requests to a heap: ten of a textbook's, to be done by hand"
#include "trace/requests_template.inc.h"
