/* guarded_heap.c - see guarded_heap.h. */
#include "kernel/guarded_heap.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void vm_guarded_open(struct guarded_heap *h, vm_va first, vm_va end)
{
    *h = (struct guarded_heap){.first = first, .next = first, .end = end};
}

bool vm_guarded_copy(struct guarded_heap *h, const struct guarded_heap *from)
{
    *h = *from;
    h->inherited = h->cap = from->n;
    h->block = malloc((from->n + 1) * sizeof *h->block);
    if (h->block && from->n)
        memcpy(h->block, from->block, from->n * sizeof *h->block);
    return h->block;
}

void vm_guarded_close(struct guarded_heap *h)
{
    free(h->block);
    *h = (struct guarded_heap){0};
}

static bool has_room(struct guarded_heap *h)
{
    if (h->n < h->cap)
        return true;
    size_t cap = h->cap ? 2 * h->cap : 1024;
    struct guarded_block *grown = realloc(h->block, cap * sizeof *grown);
    if (!grown)
        return false;
    h->block = grown;
    h->cap = cap;
    return true;
}

vm_va vm_guarded_take(struct guarded_heap *h, uint64_t bytes, uint64_t align, uint32_t allocated)
{
    VM_ASSERT(align && !(align & (align - 1)));
    uint64_t most = h->end - h->next, unit = align < HEAP_ALIGN ? HEAP_ALIGN : align;
    if (bytes > most || unit > most || most - bytes < 2 * HEAP_GUARD + unit || !has_room(h))
        return 0;
    vm_va start = (h->next + HEAP_GUARD + unit - 1) & ~(unit - 1);
    h->block[h->n++] = (struct guarded_block){start, bytes, allocated, 0};
    h->next = start + bytes;
    return start;
}

/* The number of blocks that begin at `va` or before it. */
static size_t begun_by(const struct guarded_heap *h, vm_va va)
{
    size_t low = 0, high = h->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->block[middle].start <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum guarded_place vm_guarded_find(const struct guarded_heap *h, vm_va va,
                                   struct guarded_block **block)
{
    size_t i = begun_by(h, va);
    struct guarded_block *here = i ? &h->block[i - 1] : NULL;
    struct guarded_block *next = i < h->n ? &h->block[i] : NULL;
    *block = here;
    if (here && va == here->start)
        return PLACE_START;
    if (here && va - here->start < here->bytes)
        return PLACE_INSIDE;
    uint64_t behind = here ? va - here->start - here->bytes : UINT64_MAX;
    uint64_t before = next ? next->start - 1 - va : UINT64_MAX;
    *block = before < behind ? next : here;
    if (va < h->first || va >= h->next + HEAP_GUARD || !*block) {
        *block = NULL;
        return PLACE_NOWHERE;
    }
    return before < behind ? PLACE_BEFORE : PLACE_BEHIND;
}
