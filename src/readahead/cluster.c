/* cluster.c - the aligned run of places about the faulting page's, on the device.
 *
 * What was swapped out together lies together, and may be wanted together. The window is a power of
 * two and so is its alignment, as it grows and shrinks with the hits (window.h). mm/swap_state.c
 * (Linux 6.1), swap_cluster_readahead; its page_cluster of 3 is a window of 8.
 */
#include "readahead/window.h"

static size_t size(void)
{
    return sizeof(struct window);
}

static uint64_t aligned_down(uint64_t n)
{
    while (n & (n - 1))
        n &= n - 1;
    return n;
}

static void ask(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out)
{
    struct window *w = state;
    bool keeps_last = w->begun && f->hits;
    uint64_t last = w->last, most = aligned_down(vm_params_count(params, "window"));
    uint32_t n = window_next(w, f->place, f->hits, most);
    w->last = keeps_last ? last : f->place;
    out->of = VM_READAHEAD_PLACES;
    out->why = VM_READAHEAD_BESIDE;
    out->window = n;
    uint64_t first = f->place & ~(uint64_t)(n - 1);
    window_wish(out, first, first + n, f->place);
}

static const struct vm_param param[] = {WINDOW_PARAM};

const struct vm_readahead_ops vm_readahead_cluster = {
    .name = "cluster",
    .summary = "the aligned run of places on the device about the page's",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .ask = ask,
};
