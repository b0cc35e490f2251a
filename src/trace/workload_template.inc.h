/* workload_template.inc.h - the reader of a workload, stamped around its pattern.
 *
 * Before including it a row file defines
 *
 *      WORKLOAD_OPS, WORKLOAD_NAME, WORKLOAD_SUMMARY
 *      static const struct vm_param param[]  with "refs" and "base" among them
 *      struct pattern
 *      pattern_open   fills a zeroed struct pattern; false: the error is filled
 *      pattern_next   the next reference; it is inlined into the loop that fills a batch
 *
 * Invariant: the references are a function of the parameters and the seed alone, however they are
 * cut into batches.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORKLOAD_NPARAMS (sizeof param / sizeof param[0])

struct workload {
    struct workload_common common;
    uint64_t left;
    struct pattern pattern;
};

static bool workload_has(const char *name)
{
    for (size_t i = 0; i < WORKLOAD_NPARAMS; i++)
        if (!strcmp(param[i].name, name))
            return true;
    return false;
}

static bool workload_base_check(const struct workload_common *c, struct vm_error *e)
{
    if (c->base % WORKLOAD_PAGE_BYTES == 0)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   WORKLOAD_NAME ":base: %" PRIu64 " is not a page's: expected a multiple of %d",
                   c->base, WORKLOAD_PAGE_BYTES);
}

static void workload_close(void *state)
{
    struct workload *w = state;
    free(w->common.table);
    free(w);
}

static void *workload_open(const struct vm_params *p, uint64_t seed, struct vm_error *e)
{
    struct workload *w = calloc(1, sizeof *w);
    if (!w) {
        vm_fail(e, VM_ESYSTEM, "out of memory for workload " WORKLOAD_NAME);
        return NULL;
    }
    struct workload_common *c = &w->common;
    c->refs = vm_params_count(p, "refs");
    c->base = vm_params_count(p, "base");
    c->writes = workload_has("writes") ? vm_params_real(p, "writes") : 0;
    vm_random_seed(&c->random, seed);
    vm_random_seed(&c->coin, ~seed);
    bool opened = workload_base_check(c, e) && pattern_open(&w->pattern, c, p, e);
    w->left = c->refs;
    if (opened)
        return w;
    workload_close(w);
    return NULL;
}

static void workload_read(void *state, struct vm_batch_builder *out)
{
    struct workload *w = state;
    for (; w->left > 0 && !vm_builder_full(out); w->left--) {
        struct workload_ref ref = pattern_next(&w->pattern, &w->common);
        vm_builder_ref(out, ref.access, ref.va, WORKLOAD_REF_BYTES);
    }
}

static uint64_t workload_refs(const void *state)
{
    return ((const struct workload *)state)->common.refs;
}

const struct vm_workload_ops WORKLOAD_OPS = {
    .name = WORKLOAD_NAME,
    .summary = WORKLOAD_SUMMARY,
    .param = param,
    .nparams = WORKLOAD_NPARAMS,
    .open = workload_open,
    .read = workload_read,
    .refs = workload_refs,
    .close = workload_close,
};
