/* guarded_heap.h - where the blocks of a checked program lie, and which there were.
 *
 *     first                                                   next                    end
 *      | guard | block | guard | block that was freed | guard | never used  ...        |
 *
 * The idea: no address is ever used twice. So whatever a wild access hits is either a block that
 * lives, one that was freed (and which one, is known for ever), or a guard, which nobody may touch.
 * A program of 200 million instructions that takes 1,000 bytes every 1,000 of them uses 200 MB of
 * 64 GiB of addresses.
 *
 * Invariants
 *  1. Blocks stand in the table by rising address, at least HEAP_GUARD bytes apart.
 *  2. A block of 0 bytes has an address of its own, too.
 *
 * It knows nothing of memory: shadow.h has which bytes are reachable, a kernel the bytes.
 */
#ifndef KERNEL_GUARDED_HEAP_H
#define KERNEL_GUARDED_HEAP_H

#include <pagoda/types.h>

#define HEAP_GUARD 64
#define HEAP_ALIGN 16

struct guarded_block {
    vm_va start;
    uint64_t bytes;
    uint32_t allocated, freed; /* the stacks of its calls; freed 0: it lives */
};

struct guarded_heap {
    vm_va first, next, end;
    struct guarded_block *block; /* [n] */
    size_t n, cap;
    size_t inherited; /* of these, by fork: they are the parent's to free */
};

void vm_guarded_open(struct guarded_heap *h, vm_va first, vm_va end);
bool vm_guarded_copy(struct guarded_heap *h,
                     const struct guarded_heap *from); /* false: no memory */
void vm_guarded_close(struct guarded_heap *h);
/* A block of so many bytes at a multiple of `align`, a power of two; 0: there is no room. */
vm_va vm_guarded_take(struct guarded_heap *h, uint64_t bytes, uint64_t align, uint32_t allocated);

enum guarded_place {
    PLACE_NOWHERE, /* no block is near: it is not of the heap, or not used yet */
    PLACE_START,   /* of a block, whether it lives or not; so for the next ones */
    PLACE_INSIDE,
    PLACE_BEFORE, /* in the guard, nearer to this block, which follows it */
    PLACE_BEHIND, /* or to the one that ends there */
};
/* The block that `va` belongs to; *block is NULL if it is nowhere. Good until the next take. */
enum guarded_place vm_guarded_find(const struct guarded_heap *h, vm_va va,
                                   struct guarded_block **block);

#endif
