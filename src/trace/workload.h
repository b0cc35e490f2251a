/* workload.h - what every workload shares: how many references, where, and which of them write.
 *
 * A workload is a pattern of addresses. Its row file writes the pattern down, one reference at a
 * time, and workload_template.inc.h makes a reader of it.
 */
#ifndef TRACE_WORKLOAD_H
#define TRACE_WORKLOAD_H

#include "base/random.h"
#include "trace/format.h"

#define WORKLOAD_PAGE_BYTES 4096
#define WORKLOAD_REF_BYTES  8 /* each reference is to one word */

/* Rows of parameter tables that more than one workload has. */
#define WORKLOAD_REFS   "refs", VM_PARAM_COUNT, "1M", 1, 1e15, NULL, "references in all"
#define WORKLOAD_PAGES  "pages", VM_PARAM_COUNT, "1000", 1, 1 << 30, NULL, "pages of 4 KiB in use"
#define WORKLOAD_WRITES "writes", VM_PARAM_REAL, "0", 0, 1, NULL, "share of references that write"
#define WORKLOAD_BASE   "base", VM_PARAM_BYTES, "256MiB", 0, 0x1p62, NULL, "where the pages begin"

struct workload_ref {
    vm_va va;
    enum vm_access access;
};

struct workload_common {
    uint64_t refs; /* in all */
    vm_va base;
    struct vm_random random; /* of the pattern */
    struct vm_random coin;   /* of the writes: their share does not move the addresses */
    double writes;
    void *table; /* what the pattern holds, freed with the workload; or NULL */
};

/* A reference at `offset` from the base, which writes as often as `writes` says. */
static inline struct workload_ref workload_touch(struct workload_common *c, uint64_t offset)
{
    bool write = c->writes > 0 && vm_random_real(&c->coin) < c->writes;
    return (struct workload_ref){c->base + offset, write ? VM_WRITE : VM_READ};
}

/* The same at a random word of page `page`, so that the references of page-grained patterns do not
 * all meet in one set of a cache. */
static inline struct workload_ref workload_touch_page(struct workload_common *c, uint64_t page)
{
    uint64_t words = WORKLOAD_PAGE_BYTES / WORKLOAD_REF_BYTES;
    uint64_t word = vm_random_u64(&c->random) & (words - 1);
    return workload_touch(c, page * WORKLOAD_PAGE_BYTES + word * WORKLOAD_REF_BYTES);
}

#endif
