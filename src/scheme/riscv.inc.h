/* riscv.inc.h - the bits of a RISC-V page table entry, for the Sv schemes and for linear.
 *
 *      PPN           RSW  D   A   G   U   X   W   R   V
 *      from 10 up    9:8  7   6   5   4   3   2   1   0
 *
 * V = 1 with R = W = X = 0 points to the next table; W without R is reserved, so that a mapping
 * for writing is given R too, as kernels do. A and D belong to leaves only: in a pointer they are
 * reserved. They are set by the walk (the Svadu extension; without it they raise a page fault and
 * the kernel sets them).
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture, "Sv32:
 * Page-Based 32-bit Virtual-Memory Systems", "Addressing and Memory Protection" and "Virtual
 * Address Translation Process".
 *
 * Before including it a row defines PTE_PFN_BITS, the width of its PPN.
 */
#include <pagoda/scheme.h>

enum {
    PTE_PRESENT = 1 << 0,
    PTE_READ = 1 << 1,
    PTE_WRITE = 1 << 2,
    PTE_FETCH = 1 << 3,
    PTE_USER = 1 << 4,
    PTE_GLOBAL = 1 << 5,
    PTE_ACCESSED = 1 << 6,
    PTE_DIRTY = 1 << 7,
    PTE_PFN_SHIFT = 10,
    PTE_POINTER = PTE_PRESENT,
    PTE_POINTER_ACCESSED = 0, /* what a walk sets in a pointer that it follows */
};

static inline uint64_t pte_of_rights(unsigned prot)
{
    return (prot & VM_PROT_READ ? PTE_READ : 0) |
           (prot & VM_PROT_WRITE ? PTE_READ | PTE_WRITE : 0) |
           (prot & VM_PROT_FETCH ? PTE_FETCH : 0);
}

/* Of a present leaf. */
static inline unsigned pte_rights(uint64_t word)
{
    return (word & PTE_READ ? VM_PROT_READ : 0) | (word & PTE_WRITE ? VM_PROT_WRITE : 0) |
           (word & PTE_FETCH ? VM_PROT_FETCH : 0);
}

static const struct vm_field pte_fields[] = {
    {"PPN", PTE_PFN_SHIFT + PTE_PFN_BITS - 1, PTE_PFN_SHIFT},
    {"RSW", 9, 8},
    {"D", 7, 7},
    {"A", 6, 6},
    {"G", 5, 5},
    {"U", 4, 4},
    {"X", 3, 3},
    {"W", 2, 2},
    {"R", 1, 1},
    {"V", 0, 0},
};
