/* naive_multiprogram.h - jobs in one memory on one processor in turns, one unit of time after the
 * other; without swapping, and with compaction in no time. */
#ifndef ORACLE_NAIVE_MULTIPROGRAM_H
#define ORACLE_NAIVE_MULTIPROGRAM_H

#include "oracle/naive_partition.h"

#include <pagoda/multiprogram.h>

struct naive_stay {
    uint64_t put_at, end;
    uint32_t start; /* where it was put */
    uint64_t waited, blocked, outside;
};

/* Round-robin by r->jobs.quantum. The jobs may have transfers. */
void naive_multiprogram_run(const struct vm_multiprogram_request *r,
                            const struct naive_rule_of_memory *rule,
                            struct naive_stay out[NAIVE_TENANTS]);

#endif
