/* ranges.c - see ranges.h. */
#include "base/ranges.h"

#include "base/assert.h"

#include <string.h>

/* The number of ranges that end before `at`: all below do not touch it. */
static size_t below(const struct vm_ranges *r, uint64_t at)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (r->range[middle].end < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The ranges [at, at + old) give way to `fresh` new ones, not yet written; false: no room. */
static bool replace(struct vm_ranges *r, size_t at, size_t old, size_t fresh)
{
    if (r->n - old + fresh > r->max)
        return false;
    memmove(&r->range[at + fresh], &r->range[at + old], (r->n - at - old) * sizeof r->range[0]);
    r->n += fresh;
    r->n -= old;
    return true;
}

bool vm_ranges_add(struct vm_ranges *r, uint64_t from, uint64_t end)
{
    if (from >= end)
        return true;
    size_t first = below(r, from), last = first;
    struct vm_range all = {from, end};
    while (last < r->n && r->range[last].from <= end)
        last++;
    if (last > first) {
        const struct vm_range *a = &r->range[first], *z = &r->range[last - 1];
        all.from = a->from < from ? a->from : from;
        all.end = z->end > end ? z->end : end;
    }
    if (!replace(r, first, last - first, 1))
        return false;
    r->range[first] = all;
    return true;
}

bool vm_ranges_remove(struct vm_ranges *r, uint64_t from, uint64_t end)
{
    if (from >= end)
        return true;
    size_t first = below(r, from + 1), last = first, fresh = 0;
    struct vm_range rest[2];
    while (last < r->n && r->range[last].from < end)
        last++;
    if (last == first)
        return true;
    if (r->range[first].from < from)
        rest[fresh++] = (struct vm_range){r->range[first].from, from};
    if (r->range[last - 1].end > end)
        rest[fresh++] = (struct vm_range){end, r->range[last - 1].end};
    if (!replace(r, first, last - first, fresh))
        return false;
    memcpy(&r->range[first], rest, fresh * sizeof rest[0]);
    return true;
}

bool vm_ranges_has_none(const struct vm_ranges *r, uint64_t from, uint64_t end)
{
    size_t i = below(r, from + 1);
    return from >= end || i == r->n || r->range[i].from >= end;
}

bool vm_ranges_has_all(const struct vm_ranges *r, uint64_t from, uint64_t end)
{
    size_t i = below(r, from + 1);
    return from >= end || (i < r->n && r->range[i].from <= from && r->range[i].end >= end);
}

bool vm_ranges_part(const struct vm_ranges *r, uint64_t from, uint64_t end, struct vm_range *part)
{
    size_t i = below(r, from + 1);
    if (from >= end || i == r->n || r->range[i].from >= end)
        return false;
    *part = r->range[i];
    part->from = part->from > from ? part->from : from;
    part->end = part->end < end ? part->end : end;
    return true;
}

uint64_t vm_ranges_gap(const struct vm_ranges *r, uint64_t low, uint64_t high, uint64_t n,
                       uint64_t align)
{
    VM_ASSERT(align > 0);
    uint64_t at = (low + align - 1) / align * align;
    for (size_t i = below(r, at + 1);; i++) {
        uint64_t end = i < r->n && r->range[i].from < high ? r->range[i].from : high;
        if (end >= at && end - at >= n)
            return at;
        if (end == high)
            return VM_RANGES_NONE;
        at = (r->range[i].end + align - 1) / align * align;
    }
}

void vm_ranges_check(const struct vm_ranges *r)
{
    VM_ASSERT(r->n <= r->max);
    for (size_t i = 0; i < r->n; i++) {
        VM_ASSERT(r->range[i].from < r->range[i].end);
        VM_ASSERT(i == 0 || r->range[i - 1].end < r->range[i].from);
    }
}
