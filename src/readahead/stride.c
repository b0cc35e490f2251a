/* stride.c - multiples of the distance between the last faults, once it has come twice.
 *
 * Two faults give a distance; a third at the same distance makes it steady, and the pages at its
 * next `window` - 1 multiples are read. One that does not fit makes it unsteady again, and is the
 * new distance: the two-state form of the reference prediction of Chen & Baer, "Effective
 * hardware-based data prefetching for high-performance processors", IEEE Transactions on Computers
 * 44(5) 1995, without a table by instruction, which a kernel does not know.
 *
 * Pages that were read ahead do not fault, so that the next fault of a steady stream comes window
 * multiples on: a multiple of the distance keeps it.
 */
#include "readahead/window.h"

struct stride {
    uint64_t last;
    int64_t distance;
    uint32_t faults; /* seen, up to 2 */
    bool steady;
};

static size_t size(void)
{
    return sizeof(struct stride);
}

static void learn(struct stride *s, uint64_t page)
{
    int64_t distance = (int64_t)(page - s->last);
    bool fits =
        s->distance && distance && distance % s->distance == 0 && distance / s->distance > 0;
    s->steady = s->faults == 2 && fits;
    if (!s->steady && s->faults > 0)
        s->distance = distance;
    s->last = page;
    s->faults += s->faults < 2;
}

static void ask(void *state, const struct vm_params *params, const struct vm_readahead_fault *f,
                struct vm_readahead_wish *out)
{
    struct stride *s = state;
    learn(s, f->page);
    uint64_t page = f->page, window = s->steady ? vm_params_count(params, "window") : 1;
    out->of = VM_READAHEAD_PAGES;
    out->why = VM_READAHEAD_STEADY;
    out->window = (uint32_t)window;
    out->distance = s->distance;
    for (uint64_t k = 1; k < window; k++) {
        uint64_t room = s->distance > 0 ? f->end - 1 - page : page - f->first;
        if (room < (uint64_t)(s->distance > 0 ? s->distance : -s->distance))
            break;
        page += (uint64_t)s->distance;
        out->number[out->n++] = page;
    }
}

static const struct vm_param param[] = {WINDOW_PARAM};

const struct vm_readahead_ops vm_readahead_stride = {
    .name = "stride",
    .summary = "multiples of a distance between faults that has come twice",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .ask = ask,
};
