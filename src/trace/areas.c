/* areas.c - see areas.h. Every change first cuts the areas at its two ends, after which it
 * concerns whole areas only. */
#include "trace/areas.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* The first area that ends after va. */
static size_t area_index(const struct vm_areas *a, vm_va va)
{
    size_t low = 0, high = a->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->area[middle].end <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for n more areas. */
static bool areas_reserve(struct vm_areas *a, size_t n, struct vm_error *e)
{
    if (a->n + n <= a->cap)
        return true;
    size_t cap = a->cap ? a->cap * 2 : 64;
    struct vm_area *area = realloc(a->area, cap * sizeof *area);
    if (!area)
        return vm_fail(e, VM_ESYSTEM, "out of memory for %zu mapped areas", cap);
    a->area = area;
    a->cap = cap;
    return true;
}

static void area_insert(struct vm_areas *a, size_t i, struct vm_area area)
{
    VM_ASSERT(a->n < a->cap && i <= a->n);
    memmove(a->area + i + 1, a->area + i, (a->n - i) * sizeof *a->area);
    a->area[i] = area;
    a->n++;
}

/* Make va a border between areas; the index of the first area at or after it. */
static size_t areas_cut(struct vm_areas *a, vm_va va)
{
    size_t i = area_index(a, va);
    if (i == a->n || a->area[i].start >= va)
        return i;
    area_insert(a, i, a->area[i]);
    a->area[i].end = a->area[i + 1].start = va;
    return i + 1;
}

bool vm_areas_unmap(struct vm_areas *a, vm_va start, vm_va end, struct vm_error *e)
{
    VM_ASSERT(start < end);
    if (!areas_reserve(a, 2, e))
        return false;
    size_t first = areas_cut(a, start), last = areas_cut(a, end);
    memmove(a->area + first, a->area + last, (a->n - last) * sizeof *a->area);
    a->n -= last - first;
    return true;
}

bool vm_areas_map(struct vm_areas *a, struct vm_area area, struct vm_error *e)
{
    if (!vm_areas_unmap(a, area.start, area.end, e) || !areas_reserve(a, 1, e))
        return false;
    area_insert(a, area_index(a, area.start), area);
    return true;
}

bool vm_areas_protect(struct vm_areas *a, vm_va start, vm_va end, uint8_t prot, struct vm_error *e)
{
    VM_ASSERT(start < end);
    if (!areas_reserve(a, 2, e))
        return false;
    size_t first = areas_cut(a, start), last = areas_cut(a, end);
    for (size_t i = first; i < last; i++)
        a->area[i].prot = prot;
    return true;
}

const struct vm_area *vm_areas_find(const struct vm_areas *a, vm_va va)
{
    size_t i = area_index(a, va);
    return i < a->n && a->area[i].start <= va ? &a->area[i] : NULL;
}

void vm_areas_check(const struct vm_areas *a)
{
    VM_ASSERT(a->n <= a->cap);
    for (size_t i = 0; i < a->n; i++) {
        VM_ASSERT(a->area[i].start < a->area[i].end);
        VM_ASSERT(i == 0 || a->area[i - 1].end <= a->area[i].start);
    }
}

void vm_areas_close(struct vm_areas *a)
{
    free(a->area);
    *a = (struct vm_areas){0};
}
