/* x86.inc.h - the bits of an x86-64 page table entry.
 *
 *      XD   frame         G   PS  D   A   PCD PWT U/S R/W P
 *      63   51:12         8   7   6   5   4   3   2   1   0
 *
 * Reading is implied by P; R/W adds writing and XD (with EFER.NXE on) takes fetching away, so
 * that a mapping for writing or fetching alone can also be read. The processor sets A in every
 * entry that a walk uses, pointers included, and D in the leaf. Here the pointers
 * followed to a page that is absent or denied are marked too.
 *
 * A pointer allows everything (P, R/W, U/S, not XD): rights are those that all levels allow, and
 * the leaf's decide.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, sections 4.5
 * ("4-Level Paging and 5-Level Paging"), 4.6 (rights) and 4.8 (A and D); AMD64 Architecture
 * Programmer's Manual, volume 2, sections 5.3 and 5.4.
 */
#include <pagoda/scheme.h>

#define PTE_NO_FETCH (UINT64_C(1) << 63)

enum {
    PTE_PRESENT = 1 << 0,
    PTE_WRITE = 1 << 1,
    PTE_USER = 1 << 2,
    PTE_ACCESSED = 1 << 5,
    PTE_DIRTY = 1 << 6,
    PTE_GLOBAL = 1 << 8,
    PTE_PFN_SHIFT = 12,
    PTE_PFN_BITS = 40,
    PTE_POINTER = PTE_PRESENT | PTE_WRITE | PTE_USER,
    PTE_POINTER_ACCESSED = PTE_ACCESSED, /* what a walk sets in a pointer that it follows */
};

static inline uint64_t pte_of_rights(unsigned prot)
{
    return (prot & VM_PROT_WRITE ? PTE_WRITE : 0) | (prot & VM_PROT_FETCH ? 0 : PTE_NO_FETCH);
}

/* Of a present leaf. */
static inline unsigned pte_rights(uint64_t word)
{
    return VM_PROT_READ | (word & PTE_WRITE ? VM_PROT_WRITE : 0) |
           (word & PTE_NO_FETCH ? 0 : VM_PROT_FETCH);
}

static const struct vm_field pte_fields[] = {
    {"XD", 63, 63}, {"frame", 51, 12}, {"G", 8, 8},   {"PS", 7, 7},  {"D", 6, 6}, {"A", 5, 5},
    {"PCD", 4, 4},  {"PWT", 3, 3},     {"U/S", 2, 2}, {"R/W", 1, 1}, {"P", 0, 0},
};
