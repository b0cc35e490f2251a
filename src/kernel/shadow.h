/* shadow.h - of each byte of an address space: may a program touch it, and is its value known?
 *
 *   reachable   of bytes of the checked heap alone: a block that lives has it. All other addresses
 *               are the mappings' affair, and count as reachable here
 *   undefined   a bit for each bit of memory: nothing was ever written there, nor anything that was
 *               computed from what was written
 *   origin      for each word that has undefined bits, which byte of a block they come from
 *
 *     va -> table -> leaf -> page {undefined[4096], origin[512], reachable[512]}
 *
 * A page that the shadow does not have is defined, and not reachable if it is of the heap. Pages of
 * large blocks that are all undefined, or all defined, are one that all of them share.
 *
 * Invariants
 *  1. A page has `live` reachable bytes; one of the heap without any is not kept.
 *  2. origin[w] is 0 unless a value with undefined bits was stored there: a byte of a block that
 *     was never written is its own origin.
 *
 * Source: Seward and Nethercote, "Using Valgrind to detect undefined value errors with
 * bit-precision", USENIX 2005, for bits that are undefined; Bond, Nethercote, Kent, Guyer and
 * McKinley, "Tracking bad apples", OOPSLA 2007, for where they come from.
 */
#ifndef KERNEL_SHADOW_H
#define KERNEL_SHADOW_H

#include <pagoda/types.h>

#define SHADOW_PAGE_SHIFT 12
#define SHADOW_PAGE       (UINT64_C(1) << SHADOW_PAGE_SHIFT)
#define SHADOW_LEAF_SHIFT 13 /* pages of a leaf, leaves of the table: 38 bits of addresses */
#define SHADOW_LEAF       (1u << SHADOW_LEAF_SHIFT)

struct shadow_page {
    uint32_t live; /* reachable bytes */
    uint8_t undefined[SHADOW_PAGE];
    vm_va origin[SHADOW_PAGE / 8];
    uint8_t reachable[SHADOW_PAGE / 8];
};

struct shadow {
    vm_va heap_first, heap_end;
    const struct shadow_page **leaf[SHADOW_LEAF];
    bool starved; /* the host had no memory for a page: what is said of it is not true */
};

/* Of a space whose checked heap is [heap_first, heap_end), without a block. NULL: no memory. */
struct shadow *vm_shadow_open(vm_va heap_first, vm_va heap_end);
struct shadow *vm_shadow_copy(const struct shadow *s); /* NULL: no memory */
void vm_shadow_close(struct shadow *s);                /* NULL is fine */

/* [va, va + bytes) of the heap is reachable, and undefined. */
void vm_shadow_give(struct shadow *s, vm_va va, uint64_t bytes);
/* It is so no more; whoever reads it all the same has made one mistake, not two: it is defined. */
void vm_shadow_take(struct shadow *s, vm_va va, uint64_t bytes);
/* The first byte of [va, va + bytes) that may not be touched, or va + bytes. */
vm_va vm_shadow_barrier(const struct shadow *s, vm_va va, uint64_t bytes);
/* The page of the heap has a byte that may be touched. */
bool vm_shadow_lives(const struct shadow *s, vm_va va);

/* Which bits of the `bytes` (1 to 8) at va are undefined, the first byte's lowest. Where there are
 * any, *origin is where they come from; 0: nobody knows. */
uint64_t vm_shadow_load(const struct shadow *s, vm_va va, unsigned bytes, vm_va *origin);
void vm_shadow_store(struct shadow *s, vm_va va, unsigned bytes, uint64_t undefined, vm_va origin);
/* All of it is defined. */
void vm_shadow_define(struct shadow *s, vm_va va, uint64_t bytes);
/* The first byte of [va, va + bytes) with an undefined bit, or va + bytes. */
vm_va vm_shadow_gap(const struct shadow *s, vm_va va, uint64_t bytes, vm_va *origin);
/* `bytes` at `to` are what those at `from` were; they may overlap. */
void vm_shadow_move(struct shadow *s, vm_va to, vm_va from, uint64_t bytes);

#endif
