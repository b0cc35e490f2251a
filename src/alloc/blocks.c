/* blocks.c - see blocks.h.
 *
 * The place of a block in its order's set: group * stride + number / groups, where the number is
 * start / 2^order, the group its low bits, and stride the blocks of a group at most. Without
 * colours there is one group, and the place is the number.
 */
#include "alloc/blocks.h"

#include "base/bits.h"

static unsigned group_bits(const struct blocks *b, unsigned order)
{
    unsigned colour_bits = vm_log2(b->ncolours);
    return colour_bits > order ? colour_bits - order : 0;
}

static uint64_t stride(const struct blocks *b, unsigned order)
{
    unsigned bits = group_bits(b, order);
    return ((b->end >> order) + vm_low_bits(bits)) >> bits;
}

static uint64_t place(const struct blocks *b, unsigned order, uint64_t start)
{
    uint64_t number = start >> order;
    unsigned bits = group_bits(b, order);
    if (bits == 0)
        return number;
    return (number & vm_low_bits(bits)) * stride(b, order) + (number >> bits);
}

/* Where the block at a place of a group begins. */
static uint64_t start_at(const struct blocks *b, unsigned order, uint64_t group, uint64_t at)
{
    uint64_t in_group = at - group * stride(b, order);
    return (in_group << group_bits(b, order) | group) << order;
}

static uint64_t places(const struct blocks *b, unsigned order)
{
    return stride(b, order) << group_bits(b, order);
}

size_t vm_blocks_size(uint64_t end, uint64_t ncolours)
{
    struct blocks b = {.end = end, .ncolours = ncolours};
    size_t bytes = 0;
    for (unsigned k = 0; k <= vm_log2(end); k++)
        bytes += vm_bitset_size(places(&b, k));
    return bytes;
}

void vm_blocks_init(struct blocks *b, void *memory, uint64_t end, uint64_t ncolours)
{
    VM_ASSERT(end >= 1 && end <= VM_ALLOC_UNITS_MAX && vm_is_pow2(ncolours));
    *b = (struct blocks){.end = end, .ncolours = ncolours, .norders = vm_log2(end) + 1};
    for (unsigned k = 0; k < b->norders; k++) {
        vm_bitset_init(&b->free[k], memory, places(b, k));
        memory = (uint8_t *)memory + vm_bitset_size(places(b, k));
    }
}

bool vm_blocks_has(const struct blocks *b, unsigned order, uint64_t start)
{
    return vm_bitset_has(&b->free[order], place(b, order, start));
}

static void put(struct blocks *b, unsigned order, uint64_t start)
{
    vm_bitset_add(&b->free[order], place(b, order, start));
    b->nblocks[order]++;
    b->orders |= UINT64_C(1) << order;
    b->nfree += UINT64_C(1) << order;
}

static void drop(struct blocks *b, unsigned order, uint64_t start)
{
    VM_ASSERT(vm_blocks_has(b, order, start));
    vm_bitset_drop(&b->free[order], place(b, order, start));
    if (--b->nblocks[order] == 0)
        b->orders &= ~(UINT64_C(1) << order);
    b->nfree -= UINT64_C(1) << order;
}

/* ---- finding ---- */

/* The root of an order, or VM_ALLOC_NONE: the last block of that order that there can be. */
static uint64_t root_of(const struct blocks *b, unsigned order)
{
    return b->end >> order & 1 ? ((b->end >> order) - 1) << order : VM_ALLOC_NONE;
}

/* The lowest free block of a group, or VM_ALLOC_NONE. */
static uint64_t lowest_of_group(const struct blocks *b, unsigned order, uint64_t group)
{
    uint64_t s = stride(b, order), at = vm_bitset_next(&b->free[order], group * s);
    if (at >= (group + 1) * s)
        return VM_ALLOC_NONE;
    return start_at(b, order, group, at);
}

uint64_t vm_blocks_lowest(const struct blocks *b, unsigned order)
{
    uint64_t start = VM_ALLOC_NONE;
    for (uint64_t group = 0; group >> group_bits(b, order) == 0; group++) {
        uint64_t of_group = lowest_of_group(b, order, group);
        start = of_group < start ? of_group : start;
    }
    return start;
}

unsigned vm_blocks_find(const struct blocks *b, unsigned order, uint64_t *start)
{
    uint64_t orders = order < b->norders ? b->orders >> order << order : 0;
    for (uint64_t left = orders; left; left &= left - 1) {
        unsigned k = (unsigned)__builtin_ctzll(left);
        if ((*start = vm_blocks_lowest(b, k)) != root_of(b, k))
            return k;
    }
    if (orders == 0)
        return BLOCKS_NONE;
    *start = root_of(b, vm_log2(orders)); /* only roots are left: the longest is the lowest */
    return vm_log2(orders);
}

unsigned vm_blocks_find_colour(const struct blocks *b, uint64_t colour, uint64_t *start)
{
    unsigned root = BLOCKS_NONE;
    for (uint64_t left = b->orders; left; left &= left - 1) {
        unsigned k = (unsigned)__builtin_ctzll(left);
        *start = lowest_of_group(b, k, colour >> k);
        if (*start == VM_ALLOC_NONE)
            continue;
        if (*start != root_of(b, k))
            return k;
        root = k;
    }
    if (root != BLOCKS_NONE)
        *start = root_of(b, root);
    return root;
}

unsigned vm_blocks_around(const struct blocks *b, uint64_t unit, uint64_t *start)
{
    for (unsigned k = 0; k < b->norders; k++) {
        *start = unit >> k << k;
        if (*start + (UINT64_C(1) << k) <= b->end && vm_blocks_has(b, k, *start))
            return k;
    }
    return BLOCKS_NONE;
}

uint64_t vm_blocks_next(const struct blocks *b, unsigned order, uint64_t at)
{
    VM_ASSERT(b->ncolours == 1);
    uint64_t number = (at + vm_low_bits(order)) >> order;
    number = vm_bitset_next(&b->free[order], number);
    return number == VM_BITSET_NONE ? VM_ALLOC_NONE : number << order;
}

/* ---- taking and giving ---- */

/* The order of the largest block that begins at `start` and ends at `end` or before. */
static unsigned largest(uint64_t start, uint64_t end)
{
    unsigned order = vm_log2(end - start);
    return start && (unsigned)__builtin_ctzll(start) < order ? (unsigned)__builtin_ctzll(start)
                                                             : order;
}

/* [start, end), a part of a block of which another part is taken: nothing merges. */
static void put_part(struct blocks *b, uint64_t start, uint64_t end)
{
    while (start < end) {
        unsigned order = largest(start, end);
        put(b, order, start);
        start += UINT64_C(1) << order;
    }
}

void vm_blocks_cut(struct blocks *b, unsigned order, uint64_t start, uint64_t at, uint64_t n)
{
    uint64_t end = start + (UINT64_C(1) << order);
    VM_ASSERT(n >= 1 && start <= at && at + n <= end);
    drop(b, order, start);
    put_part(b, start, at);
    put_part(b, at + n, end);
}

/* A block is free, and one with its buddy as often as that is free too. */
static void give_block(struct blocks *b, unsigned order, uint64_t start)
{
    VM_ASSERT(!vm_blocks_has(b, order, start));
    for (;; order++) {
        uint64_t size = UINT64_C(1) << order, buddy = start ^ size;
        if (buddy + size > b->end || !vm_blocks_has(b, order, buddy))
            break;
        drop(b, order, buddy);
        start &= ~size;
    }
    put(b, order, start);
}

void vm_blocks_give(struct blocks *b, uint64_t start, uint64_t end)
{
    VM_ASSERT(end <= b->end);
    while (start < end) {
        unsigned order = largest(start, end);
        give_block(b, order, start);
        start += UINT64_C(1) << order;
    }
}

/* ---- the check ---- */

/* Of one order: no block inside a larger free one, no two free buddies. Answers their number. */
static uint64_t check_order(const struct blocks *b, unsigned order)
{
    uint64_t n = 0, size = UINT64_C(1) << order;
    for (uint64_t at = 0; (at = vm_bitset_next(&b->free[order], at)) != VM_BITSET_NONE; at++, n++) {
        uint64_t start = start_at(b, order, at / stride(b, order), at);
        VM_ASSERT(start + size <= b->end && place(b, order, start) == at);
        VM_ASSERT((start ^ size) + size > b->end || !vm_blocks_has(b, order, start ^ size));
        for (unsigned k = order + 1; k < b->norders; k++) {
            uint64_t around = start >> k << k;
            VM_ASSERT(around + (UINT64_C(1) << k) > b->end || !vm_blocks_has(b, k, around));
        }
    }
    vm_bitset_check(&b->free[order]);
    return n;
}

void vm_blocks_check(const struct blocks *b)
{
    uint64_t nfree = 0;
    for (unsigned k = 0; k < BLOCKS_ORDERS; k++) {
        uint64_t n = k < b->norders ? check_order(b, k) : 0;
        VM_ASSERT(n == b->nblocks[k] && (b->orders >> k & 1) == (n > 0));
        nfree += n << k;
    }
    VM_ASSERT(nfree == b->nfree);
}
