/* curve_sizes.c - see curve_sizes.h. */
#include "analysis/curve_sizes.h"

#include "base/assert.h"

#include <math.h>
#include <pagoda/params.h>
#include <stdlib.h>
#include <string.h>

#define KNEES_MAX   8
#define KNEE_LEAST  0.02 /* of the miss ratio: what a reader of the table would be wrong by */
#define TLB_ENTRIES 2048 /* that are shown if none are asked for: more than TLBs have */

/* ---- a curve's values ---- */

/* The last point of at most so many frames. */
static size_t point_at(const struct vm_curve *c, uint64_t frames)
{
    size_t low = 0, high = c->npoints;
    VM_ASSERT(high && c->point[0].frames == 0);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->point[middle].frames <= frames)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t vm_curve_misses(const struct vm_curve *c, uint64_t frames)
{
    return c->point[point_at(c, frames)].misses;
}

double vm_curve_ratio(const struct vm_curve *c, uint64_t frames)
{
    return c->touches ? (double)vm_curve_misses(c, frames) / (double)c->touches : 0;
}

/* ---- asked for ---- */

static bool parse_frames(const char *text, struct vm_size *out, struct vm_error *e)
{
    size_t n = strlen(text);
    if (n && text[n - 1] == '%')
        return vm_size_parse(text, "--frames", out, e);
    *out = (struct vm_size){0};
    if (!vm_parse_count(text, "--frames", &out->bytes, e))
        return false;
    return (out->bytes >= 1 && out->bytes < VM_NOFRAME / 4) ||
           vm_fail(e, VM_EMACHINE, "a memory of %llu frames: expected 1 to %u",
                   (unsigned long long)out->bytes, VM_NOFRAME / 4 - 1);
}

static bool parse_bytes(const char *text, uint64_t page_bytes, struct vm_size *out,
                        struct vm_error *e)
{
    if (!vm_size_parse(text, "--sizes", out, e))
        return false;
    uint64_t frames = out->bytes / page_bytes;
    return out->percent > 0 || (frames >= 1 && frames < VM_NOFRAME / 4) ||
           vm_fail(e, VM_EMACHINE,
                   "--sizes %s: a memory of %llu frames of %llu bytes: expected 1 to %u", text,
                   (unsigned long long)frames, (unsigned long long)page_bytes, VM_NOFRAME / 4 - 1);
}

static uint64_t smallest_page(const struct vm_curve_request *r)
{
    uint64_t least = r->page_bytes[0];
    for (size_t i = 1; i < r->npages; i++)
        least = r->page_bytes[i] < least ? r->page_bytes[i] : least;
    return least;
}

bool curve_sizes_parse(struct curve_sizes *s, const struct vm_curve_request *r, struct vm_error *e)
{
    char item[64];
    *s = (struct curve_sizes){.axis = r->frames || r->of == VM_CURVE_OF_TLB ? VM_CURVE_FRAMES
                                                                            : VM_CURVE_BYTES};
    const char *list = r->frames ? r->frames : r->sizes;
    if (r->frames && r->sizes)
        return vm_fail(e, VM_EUSAGE, "--frames and --sizes both say at which sizes");
    if (r->sizes && r->of == VM_CURVE_OF_TLB)
        return vm_fail(e, VM_EUSAGE, "a TLB has entries, not bytes: expected --frames N,...");
    while ((list = vm_spec_next(list, item, sizeof item))) {
        if (s->n == VM_CURVE_SIZES)
            return vm_fail(e, VM_EUSAGE, "more than %d sizes", VM_CURVE_SIZES);
        struct vm_size *size = &s->asked[s->n++];
        if (r->frames ? !parse_frames(item, size, e)
                      : !parse_bytes(item, smallest_page(r), size, e))
            return false;
        if (size->percent > 0)
            s->kind = SIZES_RELATIVE;
    }
    if ((r->frames || r->sizes) && !s->n)
        return vm_fail(e, VM_EUSAGE, "no sizes: expected a list: 64KiB,1MiB,10%%");
    if (!s->n)
        s->kind = SIZES_RELATIVE;
    return true;
}

/* ---- making them ---- */

static void add_size(struct vm_curves *out, uint64_t size)
{
    size_t at = 0;
    while (at < out->nsizes && out->size[at] < size)
        at++;
    if (size == 0 || (at < out->nsizes && out->size[at] == size) || out->nsizes == VM_CURVE_SIZES)
        return;
    memmove(&out->size[at + 1], &out->size[at], (out->nsizes - at) * sizeof out->size[0]);
    out->size[at] = size;
    out->nsizes++;
}

void curve_sizes_of_footprint(const struct curve_sizes *s, uint64_t pages, uint64_t page_bytes,
                              struct vm_curves *out)
{
    uint64_t unit = s->axis == VM_CURVE_BYTES ? page_bytes : 1;
    for (size_t i = 0; i < s->n; i++)
        add_size(out, vm_size_bytes(s->asked[i], pages, unit));
}

static uint64_t unit_of(const struct vm_curves *s, uint64_t page_bytes)
{
    return s->axis == VM_CURVE_BYTES ? page_bytes : 1;
}

void curve_sizes_powers(const struct vm_curve_request *r, const uint64_t *pages,
                        struct vm_curves *out)
{
    uint64_t most = 0;
    for (size_t i = 0; i < r->npages; i++) {
        uint64_t all = pages[i] * unit_of(out, r->page_bytes[i]);
        most = all > most ? all : most;
    }
    if (out->of == VM_CURVE_OF_TLB && most > TLB_ENTRIES)
        most = TLB_ENTRIES;
    for (uint64_t size = unit_of(out, smallest_page(r)); size < most; size *= 2)
        add_size(out, size);
    add_size(out, most);
}

uint64_t vm_curve_frames(const struct vm_curves *s, const struct vm_curve *c, size_t size)
{
    return s->size[size] / unit_of(s, c->page_bytes);
}

/* ---- knees ---- */

struct knee {
    uint64_t frames;
    double off; /* from the straight line */
};

/* Between two sizes, and the miss ratios there. */
struct stretch {
    uint64_t low, high; /* frames */
    double at_low, at_high;
};

static void try_knee(const struct stretch *s, uint64_t frames, double ratio, struct knee *best)
{
    if (frames <= s->low || frames >= s->high)
        return;
    double along = log((double)frames / (double)s->low) / log((double)s->high / (double)s->low);
    double off = fabs(ratio - s->at_low * (1 - along) - s->at_high * along);
    if (off > best->off)
        *best = (struct knee){frames, off};
}

/* Right after a fall and right before it the curve is farthest from any line. */
static void try_between(const struct vm_curve *c, uint64_t low, uint64_t high, struct knee *best)
{
    struct stretch s = {low, high, vm_curve_ratio(c, low), vm_curve_ratio(c, high)};
    if (low == 0 || s.at_low - s.at_high <= best->off)
        return;
    for (size_t i = point_at(c, low) + 1; i < c->npoints && c->point[i].frames <= high; i++) {
        uint64_t frames = c->point[i].frames;
        try_knee(&s, frames, (double)c->point[i].misses / (double)c->touches, best);
        try_knee(&s, frames - 1, (double)c->point[i - 1].misses / (double)c->touches, best);
    }
}

void curve_sizes_knees(const struct vm_curve *c, struct vm_curves *out)
{
    for (unsigned n = 0; n < KNEES_MAX && out->nsizes < VM_CURVE_SIZES; n++) {
        struct knee best = {0, KNEE_LEAST};
        for (size_t i = 0; i + 1 < out->nsizes; i++)
            try_between(c, vm_curve_frames(out, c, i), vm_curve_frames(out, c, i + 1), &best);
        if (!best.frames)
            return;
        add_size(out, best.frames * unit_of(out, c->page_bytes));
    }
}
