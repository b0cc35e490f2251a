/* locality_view.c - see locality_view.h. */
#include "report/locality_view.h"
#include "base/bits.h"

#include <math.h>
#include <string.h>

size_t locality_windows(const struct vm_locality_view *view, uint64_t touches, unsigned each,
                        uint64_t *out)
{
    size_t n = 0;
    if (view->nwindows) {
        memcpy(out, view->window, view->nwindows * sizeof *out);
        return view->nwindows;
    }
    for (unsigned i = 0; n < VM_WINDOWS_MAX - 1; i++) {
        uint64_t window = (uint64_t)llround(exp2((double)i / each));
        if (window >= touches)
            break;
        if (n == 0 || window > out[n - 1])
            out[n++] = window;
    }
    if (touches)
        out[n++] = touches;
    return n;
}

bool locality_bin(const struct vm_histogram *h, enum vm_bins bins, size_t *at,
                  struct locality_bin *out)
{
    if (*at >= h->n)
        return false;
    const struct vm_bin *b = &h->bin[*at];
    if (bins == VM_BINS_EXACT || b->value == 0) {
        *out = (struct locality_bin){b->value, b->count};
        ++*at;
        return true;
    }
    *out = (struct locality_bin){UINT64_C(1) << vm_log2(b->value), 0};
    for (; *at < h->n && h->bin[*at].value / 2 < out->first; ++*at)
        out->count += h->bin[*at].count;
    return true;
}
