/* heat.h - counts touches by place and time, for struct vm_heat_map, without knowing beforehand
 * where a program will touch memory, or how long it will run.
 *
 * Places are buckets of consecutive pages, at first of one page. Where that makes too many, they
 * are joined two by two, as often as it takes; so are the periods of time, by whoever calls. What
 * is counted is never lost, and a bucket is never split: the map at the end is exact.
 */
#ifndef ANALYSIS_HEAT_H
#define ANALYSIS_HEAT_H

#include "base/intern.h"

#include <pagoda/locality.h>

struct heat {
    size_t columns_max;
    unsigned page_shift;
    unsigned bucket_shift;   /* a bucket has 2^bucket_shift bytes */
    struct vm_intern bucket; /* by bucket number and address space, as page keys */
    uint64_t *cell;          /* [HEAT_BUCKETS][columns_max] */
    uint32_t *bucket_of;     /* [npages] by page */
    uint32_t npages, cap;
};

#define HEAT_BUCKETS 4096

bool heat_open(struct heat *h, size_t columns_max, unsigned page_shift, struct vm_error *e);
/* Runs of pages whose ids `pages` gave, touched in period `column`. */
bool heat_runs(struct heat *h, const struct vm_intern *pages, size_t column,
               const struct vm_page_run *run, size_t n, struct vm_error *e);
/* Join periods 0 and 1, 2 and 3, and so on. */
void heat_halve(struct heat *h);
/* The map of the first `columns` periods, in at most rows_max rows, or two for each space. */
bool heat_result(const struct heat *h, size_t columns, size_t rows_max, struct vm_heat_map *out,
                 struct vm_error *e);
void heat_close(struct heat *h); /* a zeroed struct is fine */

#endif
