/* vma.c - the mappings of one address space: an ordered array of disjoint ranges.
 *
 * An array, not a tree: a process has tens to hundreds of mappings, they are searched only at page
 * faults, mostly where the last search ended, and change only at events.
 *
 * Invariants (vm_vma_check): start < end, page-aligned; vma[i].end <= vma[i + 1].start; neighbours
 * that touch differ in something (else they would be one).
 */
#include "base/assert.h"
#include "space/memory.h"

#include <stdlib.h>
#include <string.h>

/* The first VMA that ends after va, or nvmas. */
static size_t lower_bound(const struct vm_space *s, vm_va va)
{
    size_t low = 0, high = s->nvmas;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->vma[middle].end > va)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool contains(const struct vm_vma *v, vm_va va)
{
    return v->start <= va && va < v->end;
}

struct vm_vma *vm_vma_find(struct vm_space *s, vm_va va)
{
    if (s->last < s->nvmas && contains(&s->vma[s->last], va))
        return &s->vma[s->last];
    size_t i = lower_bound(s, va);
    if (i == s->nvmas || !contains(&s->vma[i], va))
        return NULL;
    s->last = i;
    return &s->vma[i];
}

/* Room for `n` more. */
static bool reserve(struct vm_space *s, size_t n, struct vm_error *e)
{
    if (s->nvmas + n <= s->cap)
        return true;
    size_t cap = s->cap ? s->cap * 2 : 32;
    struct vm_vma *grown = realloc(s->vma, cap * sizeof *grown);
    if (!grown)
        return vm_fail(e, VM_ESYSTEM, "no memory for %zu mappings of an address space", cap);
    s->vma = grown;
    s->cap = cap;
    return true;
}

static void insert_at(struct vm_space *s, size_t i, struct vm_vma v)
{
    VM_ASSERT(s->nvmas < s->cap);
    memmove(&s->vma[i + 1], &s->vma[i], (s->nvmas - i) * sizeof v);
    s->vma[i] = v;
    s->nvmas++;
}

static void remove_range(struct vm_space *s, size_t from, size_t to)
{
    memmove(&s->vma[from], &s->vma[to], (s->nvmas - to) * sizeof *s->vma);
    s->nvmas -= to - from;
}

/* Make `at` a boundary: a VMA that spans it becomes two; its statistics stay with the lower one. */
static void split(struct vm_space *s, vm_va at)
{
    size_t i = lower_bound(s, at);
    if (i == s->nvmas || s->vma[i].start >= at)
        return;
    struct vm_vma upper = s->vma[i];
    upper.start = at;
    upper.faults = upper.majors = 0;
    s->vma[i].end = at;
    insert_at(s, i + 1, upper);
}

static bool alike(const struct vm_vma *a, const struct vm_vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->backing == b->backing &&
           a->origin == b->origin && a->flags == b->flags && a->file == b->file &&
           a->file_delta == b->file_delta;
}

/* Join VMA i with its upper neighbour where nothing tells them apart. */
static void join_with_next(struct vm_space *s, size_t i)
{
    if (i + 1 >= s->nvmas || !alike(&s->vma[i], &s->vma[i + 1]))
        return;
    s->vma[i].end = s->vma[i + 1].end;
    s->vma[i].faults += s->vma[i + 1].faults;
    s->vma[i].majors += s->vma[i + 1].majors;
    remove_range(s, i + 1, i + 2);
}

bool vm_vma_unmap(struct vm_space *s, vm_va start, vm_va end, struct vm_error *e)
{
    VM_ASSERT(start < end);
    if (!reserve(s, 2, e))
        return false;
    split(s, start);
    split(s, end);
    size_t from = lower_bound(s, start), to = from;
    while (to < s->nvmas && s->vma[to].start < end)
        to++;
    remove_range(s, from, to);
    return true;
}

bool vm_vma_map(struct vm_space *s, struct vm_vma v, struct vm_error *e)
{
    if (!reserve(s, 3, e) || !vm_vma_unmap(s, v.start, v.end, e))
        return false;
    size_t i = lower_bound(s, v.start);
    insert_at(s, i, v);
    join_with_next(s, i);
    if (i > 0)
        join_with_next(s, i - 1);
    return true;
}

/* What is to be changed of mappings: what they are to have, and of what they have already. */
struct change {
    uint8_t prot, prot_kept, flags, flags_kept;
};

static bool change(struct vm_space *s, vm_va start, vm_va end, struct change c, struct vm_error *e)
{
    if (!reserve(s, 2, e))
        return false;
    split(s, start);
    split(s, end);
    size_t from = lower_bound(s, start), to = from;
    for (; to < s->nvmas && s->vma[to].start < end; to++) {
        s->vma[to].prot = (s->vma[to].prot & c.prot_kept) | c.prot;
        s->vma[to].flags = (s->vma[to].flags & c.flags_kept) | c.flags;
    }
    /* From above: joining moves only what was passed already. */
    for (size_t i = to < s->nvmas ? to + 1 : s->nvmas; i-- > (from ? from - 1 : 0);)
        join_with_next(s, i);
    return true;
}

bool vm_vma_protect(struct vm_space *s, vm_va start, vm_va end, uint8_t prot, struct vm_error *e)
{
    return change(s, start, end, (struct change){.prot = prot, .flags_kept = 0xff}, e);
}

bool vm_vma_flag(struct vm_space *s, vm_va start, vm_va end, uint8_t flags, uint8_t kept,
                 struct vm_error *e)
{
    return change(s, start, end,
                  (struct change){.prot_kept = 0xff, .flags = flags, .flags_kept = kept}, e);
}

struct vm_vma *vm_vma_first_touch(struct vm_space *s, vm_va va, unsigned page_shift,
                                  unsigned block_shift, vm_va va_first, struct vm_error *e)
{
    unsigned shift = page_shift > block_shift ? page_shift : block_shift;
    vm_va block = UINT64_C(1) << shift, start = va & ~(block - 1), last = start + (block - 1);
    size_t i = lower_bound(s, va);
    if (start < va_first)
        start = va_first;
    if (i > 0 && s->vma[i - 1].end > start)
        start = s->vma[i - 1].end;
    if (i < s->nvmas && s->vma[i].start <= last)
        last = s->vma[i].start - 1;
    /* The block at the very top cannot be half open: it ends one page early. */
    vm_va end = last == UINT64_MAX ? last >> page_shift << page_shift : last + 1;
    struct vm_vma v = {.start = start,
                       .end = end,
                       .prot = VM_PROT_ALL,
                       .backing = VM_BACKING_UNKNOWN,
                       .origin = VM_VMA_FIRST_TOUCH,
                       .file = s->image};
    if (va >= end || !vm_vma_map(s, v, e))
        return NULL;
    return vm_vma_find(s, va);
}

void vm_vma_check(const struct vm_space *s, unsigned page_shift)
{
    vm_va mask = (UINT64_C(1) << page_shift) - 1;
    VM_ASSERT(s->nvmas <= s->cap);
    for (size_t i = 0; i < s->nvmas; i++) {
        const struct vm_vma *v = &s->vma[i];
        VM_ASSERT(v->start < v->end && !(v->start & mask) && !(v->end & mask));
        VM_ASSERT(v->majors <= v->faults);
        if (i + 1 < s->nvmas)
            VM_ASSERT(v->end <= v[1].start && !alike(v, v + 1));
    }
}
