/* heap_random.c - requests in balance: blocks come and go at random, about as many live at a time.
 *
 * A request is an alloc with probability 1 - n / (2 live) where n blocks are live, so their number
 * swings around `live` (the urns of P. and T. Ehrenfest). Who is freed is any live block; so
 * lifetimes are geometric, without memory, which Wilson and others found to be what programs do not
 * have: this is the worst that an allocator's guesses can meet.
 *
 * Source: Knuth, The Art of Computer Programming, vol. 1, section 2.5, "Analysis and simulation":
 * sizes uniform, or a power of two with half the probability of the one before.
 */
#include "trace/requests_workload.h"

static const struct vm_param param[] = {
    {REQUESTS_COUNT},
    {REQUESTS_LIVE},
    {REQUESTS_MIN},
    {REQUESTS_MAX},
    {"sizes", VM_PARAM_WORD, "uniform", 0, 0, "uniform|halving",
     "uniform, or powers of two from min on, each half as likely as the one before"},
};

enum sizes { SIZES_UNIFORM, SIZES_HALVING };

struct pattern {
    uint64_t live, min, max;
    enum sizes sizes;
};

static uint32_t pattern_open(struct pattern *p, const struct vm_params *params, struct vm_error *e)
{
    *p = (struct pattern){vm_params_count(params, "live"), vm_params_count(params, "min"),
                          vm_params_count(params, "max"),
                          (enum sizes)vm_params_count(params, "sizes")};
    if (p->min <= p->max)
        return (uint32_t)(2 * p->live);
    vm_fail(e, VM_EUSAGE, "heap-random:min: more than max: expected at most that");
    return 0;
}

static uint64_t halving(struct request_pool *pool, uint64_t min, uint64_t max)
{
    uint64_t bytes = min;
    while (2 * bytes <= max && vm_random_u64(&pool->random) >> 63)
        bytes *= 2;
    return bytes;
}

static inline struct vm_event pattern_next(struct pattern *p, struct request_pool *pool)
{
    if (vm_random_below(&pool->random, 2 * p->live) < pool->live)
        return request_give_any(pool);
    return request_take(pool, p->sizes == SIZES_UNIFORM ? request_bytes(pool, p->min, p->max)
                                                        : halving(pool, p->min, p->max));
}

#define WORKLOAD_OPS     vm_workload_heap_random
#define WORKLOAD_NAME    "heap-random"
#define WORKLOAD_SUMMARY "requests to a heap: as many blocks live, any of them freed"
#include "trace/requests_template.inc.h"
