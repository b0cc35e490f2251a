/* requests_template.inc.h - the reader of a generator of requests, stamped around its pattern.
 *
 * Before including it a row file defines
 *
 *      WORKLOAD_OPS, WORKLOAD_NAME, WORKLOAD_SUMMARY
 *      static const struct vm_param param[]  with "requests" among them
 *      struct pattern
 *      pattern_open   fills a zeroed struct pattern and says how many slots it needs, at most
 *                     REQUEST_SLOTS_MAX; 0: the error is filled
 *      pattern_next   the next request
 *
 * Invariant: the requests are a function of the parameters and the seed alone, however they are cut
 * into batches.
 */
#include <stdlib.h>

struct workload {
    struct request_pool pool;
    uint64_t left;
    struct pattern pattern;
};

static void workload_close(void *state)
{
    struct workload *w = state;
    free(w->pool.slot);
    free(w);
}

static void *workload_open(const struct vm_params *p, uint64_t seed, struct vm_error *e)
{
    struct workload *w = calloc(1, sizeof *w);
    if (w)
        w->pool.slots = pattern_open(&w->pattern, p, e);
    if (w && !w->pool.slots) {
        workload_close(w);
        return NULL;
    }
    if (!w || !(w->pool.slot = calloc(w->pool.slots, sizeof *w->pool.slot))) {
        vm_fail(e, VM_ESYSTEM, "out of memory for workload " WORKLOAD_NAME);
        free(w);
        return NULL;
    }
    for (uint32_t i = 0; i < w->pool.slots; i++)
        w->pool.slot[i] = i;
    w->left = vm_params_count(p, "requests");
    vm_random_seed(&w->pool.random, seed);
    return w;
}

static void workload_read(void *state, struct vm_batch_builder *out)
{
    struct workload *w = state;
    for (; w->left > 0 && !vm_builder_full(out); w->left--)
        vm_builder_event(out, pattern_next(&w->pattern, &w->pool));
}

/* There are none: requests are events. */
static uint64_t workload_refs(const void *state)
{
    (void)state;
    return 0;
}

const struct vm_workload_ops WORKLOAD_OPS = {
    .name = WORKLOAD_NAME,
    .summary = WORKLOAD_SUMMARY,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .open = workload_open,
    .read = workload_read,
    .refs = workload_refs,
    .close = workload_close,
};
