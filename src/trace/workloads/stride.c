/* stride.c - every so many bytes, around a region: what sets of caches and TLBs suffer from.
 *
 * Reference i is at (i * stride) mod (pages * 4096), so that a stride that does not divide the
 * region comes round elsewhere each time.
 */
#include "trace/workload.h"

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {"stride", VM_PARAM_BYTES, "64", 1, 0x1p42, NULL, "bytes from one reference to the next"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    uint64_t bytes, stride, offset; /* stride, offset < bytes */
};

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    (void)c;
    (void)e;
    p->bytes = vm_params_count(params, "pages") * WORKLOAD_PAGE_BYTES;
    p->stride = vm_params_count(params, "stride") % p->bytes;
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    struct workload_ref ref = workload_touch(c, p->offset);
    p->offset += p->stride;
    p->offset -= p->offset >= p->bytes ? p->bytes : 0;
    return ref;
}

#define WORKLOAD_OPS     vm_workload_stride
#define WORKLOAD_NAME    "stride"
#define WORKLOAD_SUMMARY "every so many bytes, around a region"
#include "trace/workload_template.inc.h"
