/* chase.c - a chain of pointers: each node is visited once a round, in an order that no prefetcher
 * guesses.
 *
 * The nodes fill the region; their order is one random cycle through all of them, by Sattolo's
 * algorithm, which draws each cyclic permutation with the same probability. (A shuffle by
 * Fisher and Yates would fall into several cycles, and the chase into one of them.)
 *
 * Source: S. Sattolo, "An algorithm to generate a random cyclic permutation", Information
 * Processing Letters 22(6), 1986.
 */
#include "trace/workload.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct vm_param param[] = {
    {WORKLOAD_REFS},
    {WORKLOAD_PAGES},
    {"node", VM_PARAM_BYTES, "4096", 8, 1 << 20, NULL, "bytes from one node to its neighbour"},
    {WORKLOAD_WRITES},
    {WORKLOAD_BASE},
};

struct pattern {
    const uint32_t *next; /* [nodes] */
    uint64_t node_bytes;
    uint32_t node;
};

static void cycle_fill(uint32_t *next, uint32_t n, struct vm_random *random)
{
    for (uint32_t i = 0; i < n; i++)
        next[i] = i;
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = (uint32_t)vm_random_below(random, i), kept = next[i];
        next[i] = next[j];
        next[j] = kept;
    }
}

static bool pattern_open(struct pattern *p, struct workload_common *c,
                         const struct vm_params *params, struct vm_error *e)
{
    p->node_bytes = vm_params_count(params, "node");
    uint64_t n = vm_params_count(params, "pages") * WORKLOAD_PAGE_BYTES / p->node_bytes;
    if (n < 1 || n > UINT32_MAX)
        return vm_fail(e, VM_EUSAGE, "chase:node: %" PRIu64 " nodes: expected 1 to %" PRIu32, n,
                       UINT32_MAX);
    uint32_t *next = malloc(n * sizeof *next);
    if (!next)
        return vm_fail(e, VM_ESYSTEM, "out of memory for %" PRIu64 " nodes to chase", n);
    cycle_fill(next, (uint32_t)n, &c->random);
    c->table = next;
    p->next = next;
    return true;
}

static inline struct workload_ref pattern_next(struct pattern *p, struct workload_common *c)
{
    struct workload_ref ref = workload_touch(c, p->node * p->node_bytes);
    p->node = p->next[p->node];
    return ref;
}

#define WORKLOAD_OPS     vm_workload_chase
#define WORKLOAD_NAME    "chase"
#define WORKLOAD_SUMMARY "pointers from node to node, one random cycle"
#include "trace/workload_template.inc.h"
