/* none.c - no readahead: a fault reads its page. */
#include <pagoda/readahead.h>

static size_t size(void)
{
    return 0;
}

static void ask(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out)
{
    (void)state, (void)params, (void)f, (void)out;
}

const struct vm_readahead_ops vm_readahead_none = {
    .name = "none",
    .summary = "a fault reads its page and no other",
    .size = size,
    .ask = ask,
};
