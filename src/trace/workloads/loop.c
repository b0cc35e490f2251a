/* loop.c - the same pages in the same order, for ever: LRU's worst case.
 *
 * With one frame too few LRU and FIFO miss at every reference, since each page leaves just before
 * its turn; OPT and MRU miss once in about as many references as there are frames. Reference i
 * is to the first word of page i mod pages.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t pages, page;
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)c;
    (void)e;
    p->pages = vm_params_count(params, "pages");
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    struct workload_ref ref = workload_touch(c, p->page * WORKLOAD_PAGE_BYTES);
    p->page = p->page + 1 < p->pages ? p->page + 1 : 0;
    return ref;
}

#define WORKLOAD_OPS     vm_workload_loop
#define WORKLOAD_NAME    "loop"
#define WORKLOAD_SUMMARY "the same pages in the same order, again and again"
#include "trace/workload_template.inc.h"
