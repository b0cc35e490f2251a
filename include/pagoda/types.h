/* types.h - the nouns of a virtual memory system as scalars.
 *
 * An address is a byte number; a page number is an address divided by the page size. *Page* is
 * virtual, *frame* is physical; see docs/glossary.md for every word.
 *
 * Invariants
 *  1. A frame number is an index below the machine's frame count, or VM_NOFRAME.
 *  2. An address-space id (ASID) is at most VM_ASID_MAX, so that a page's identity fits one word:
 *     the page number with the ASID in the 12 bits below it (vm_page_key). x86-64 PCIDs have 12
 *     bits for the same reason: CR3 is page-aligned.
 *  3. No program has the address space VM_ASID_KERNEL. Its pages are the same in all of them, so
 *     that their keys are the tags of global TLB entries as they stand.
 */
#ifndef PAGODA_TYPES_H
#define PAGODA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t vm_va;   /* virtual address, bytes */
typedef uint64_t vm_pa;   /* physical address, bytes */
typedef uint32_t vm_pfn;  /* physical frame number */
typedef uint16_t vm_asid; /* address-space id */
typedef uint32_t vm_slot; /* swap slot number; 0 is never a slot */

#define VM_NOFRAME     UINT32_MAX
#define VM_NOPAGE      UINT64_MAX
#define VM_ASID_MAX    4093 /* of a program; 4095 marks an empty TLB entry */
#define VM_ASID_KERNEL 4094 /* the kernel's own pages, such as tables that are paged */

#define VM_CPUS_MAX 64 /* processors of a machine: a bit each in one word */

/* What a reference does. The values index tables of three, so keep them dense. */
enum vm_access { VM_READ = 0, VM_WRITE = 1, VM_FETCH = 2 };
#define VM_ACCESSES 3

/* What a mapping allows; a set of bits. */
enum vm_prot {
    VM_PROT_NONE = 0,
    VM_PROT_READ = 1,
    VM_PROT_WRITE = 2,
    VM_PROT_FETCH = 4,
    VM_PROT_ALL = 7,
    VM_PROT_GLOBAL = 8, /* the same in every address space; survives a TLB flush at a switch */
};

/* What the machine keeps for each frame, set at every touch: the referenced and the dirty bit.
 * (IBM S/390 storage keys hold the same two bits for each frame.) */
enum vm_frame_bits {
    VM_FRAME_REFERENCED = 1,
    VM_FRAME_DIRTY = 2,
    VM_FRAME_TOUCHED = 4, /* of a base page in a huge page: used since it is part of it; no hardware
                             has this bit, and only counts and a split look at it */
    VM_FRAME_FOUND = 16,  /* only while it is dirty: the flusher has found it so */
    VM_FRAME_PARKED = 8,  /* its page is there and not mapped: a policy has parked it */
    VM_FRAME_LOCKED = 32  /* a mapping that is locked has its page: no policy knows it */
};

/* The protection bit that an access needs. */
static inline unsigned vm_access_needs(enum vm_access access)
{
    return 1u << access;
}

/* The identity of the page of `va` in address space `asid`. Page numbers have 52 bits: with pages
 * below 4 KiB addresses must be below 2^(52 + shift). */
static inline uint64_t vm_page_key(vm_va va, unsigned shift, vm_asid asid)
{
    return va >> shift << 12 | asid;
}
static inline vm_asid vm_key_asid(uint64_t key)
{
    return (vm_asid)(key & 0xfff);
}
static inline vm_va vm_key_va(uint64_t key, unsigned shift)
{
    return key >> 12 << shift;
}

#endif
