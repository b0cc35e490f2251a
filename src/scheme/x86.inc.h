/* x86.inc.h - the bits of an x86-64 page table entry.
 *
 *      XD   frame or table   G   PS   D   A   PCD PWT U/S R/W P
 *      63   51:12            8   7    6   5   4   3   2   1   0
 *
 * A PDPTE or PDE with PS maps a page of 1 GiB or 2 MiB; its bit 12 is PAT, and bits 29:13 or 20:13
 * are reserved, so that a misaligned frame cannot be named. In a PTE bit 7 is PAT, in a PML4E or
 * PML5E it is reserved. Reading is implied by P; R/W adds writing and XD (EFER.NXE is on) takes
 * fetching away, so that a mapping for writing or fetching alone can also be read.
 *
 * Rights are those that all levels allow: R/W, U/S and not XD, over every entry used. The pointers
 * made here allow everything, and the leaf decides. CR0.WP is on: a supervisor obeys R/W too.
 * VM_MODE_SUM turns SMAP and SMEP off for a supervisor's access to a user's page.
 *
 * The processor sets A in every entry that a walk uses, pointers included, and D in the leaf. Here
 * the pointers followed to a page that is absent or denied are marked too, and none where
 * VM_MODE_MARK_TRAPS leaves marks to the kernel, which no x86 does.
 *
 * MAXPHYADDR is 44, since physical memory ends at 2^32 frames (types.h): bits 51:44 are reserved.
 * Not here: protection keys, memory types (PAT, PCD, PWT are kept and mean nothing), what PCIDs
 * and global pages mean to TLBs (tlb/), and HLAT.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, sections 4.5
 * ("4-Level Paging and 5-Level Paging"), 4.6 (rights), 4.7 (reserved bits) and 4.8 (A and D); AMD64
 * Architecture Programmer's Manual, volume 2, sections 5.3, 5.4 and 5.6.
 */
#include "base/bits.h"

#include <pagoda/scheme.h>
#include <string.h>

#define PTE_PRESENT_NAME "P"
#define PTE_NO_FETCH     (UINT64_C(1) << 63)
#define PTE_RESERVED     (UINT64_C(0xff) << 44)
/* What every level must allow; XD turned round while it is gathered. */
#define PTE_ABOVE_NONE (PTE_NO_FETCH | PTE_WRITE | PTE_USER)

enum {
    PTE_PRESENT = 1 << 0,
    PTE_WRITE = 1 << 1,
    PTE_USER = 1 << 2,
    PTE_ACCESSED = 1 << 5,
    PTE_DIRTY = 1 << 6,
    PTE_LARGE = 1 << 7,
    PTE_GLOBAL = 1 << 8,
    PTE_PFN_SHIFT = 12,
    PTE_PFN_BITS = 40,
    PTE_POINTER = PTE_PRESENT | PTE_WRITE | PTE_USER,
    PTE_POINTER_ACCESSED = PTE_ACCESSED, /* what a walk sets in a pointer that it follows */
};

static inline bool pte_points(uint64_t word)
{
    return (word & (PTE_RESERVED | PTE_LARGE | PTE_PRESENT)) == PTE_PRESENT;
}

static inline uint64_t pte_leaf(unsigned order)
{
    return PTE_PRESENT | PTE_USER | (order > 0 ? PTE_LARGE : 0);
}

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

static inline uint64_t pte_of_marks(struct vm_pte pte)
{
    return (pte.accessed ? PTE_ACCESSED : 0) | (pte.dirty ? PTE_DIRTY : 0) |
           (pte.prot & VM_PROT_GLOBAL ? PTE_GLOBAL : 0);
}

static inline bool pte_accessed(uint64_t word)
{
    return word & PTE_ACCESSED;
}

static inline bool pte_dirty(uint64_t word)
{
    return word & PTE_DIRTY;
}

static inline bool pte_global(uint64_t word)
{
    return word & PTE_GLOBAL;
}

static inline bool pte_malformed(uint64_t word, unsigned order)
{
    /* Below the frame of a large page: all but its lowest bit, which is PAT. */
    uint64_t below = (vm_low_bits(order) & ~UINT64_C(1)) << PTE_PFN_SHIFT;
    return word & (PTE_RESERVED | below) || (order > 0 && !(word & PTE_LARGE));
}

static inline uint64_t pte_inherit(uint64_t above, uint64_t word)
{
    return above & (word ^ PTE_NO_FETCH);
}

static inline uint64_t pte_below(uint64_t word, uint64_t above)
{
    uint64_t all = (word ^ PTE_NO_FETCH) & above;
    return (word & ~PTE_ABOVE_NONE) | (all ^ PTE_NO_FETCH);
}

static inline unsigned pte_allowed(uint64_t word, unsigned mode)
{
    unsigned rights = pte_rights(word);
    bool user = word & PTE_USER;
    if (!(mode & VM_MODE_KERNEL))
        return user ? rights : VM_PROT_NONE;
    return user && !(mode & VM_MODE_SUM) ? VM_PROT_NONE : rights;
}

static inline uint64_t pte_marked(uint64_t word, enum vm_access access)
{
    return word | PTE_ACCESSED | (access == VM_WRITE ? PTE_DIRTY : 0);
}

#define PTE_LOW_FIELDS                                                                             \
    {"A", 5, 5}, {"PCD", 4, 4}, {"PWT", 3, 3}, {"U/S", 2, 2}, {"R/W", 1, 1},                       \
    {                                                                                              \
        "P", 0, 0                                                                                  \
    }

/* Of a word of a page table proper. */
static const struct vm_field pte_fields[] = {
    {"XD", 63, 63}, {"frame", 51, 12}, {"G", 8, 8}, {"PAT", 7, 7}, {"D", 6, 6}, PTE_LOW_FIELDS,
};

/* Of a word at `level` of a tree in which a leaf of level i has order[i]. */
static inline size_t pte_word_fields(uint64_t word, unsigned level, const uint8_t *order,
                                     unsigned nlevels, struct vm_field *out)
{
    static const struct vm_field pointer[] = {
        {"XD", 63, 63}, {"table", 51, 12}, {"PS", 7, 7}, PTE_LOW_FIELDS};
    static const struct vm_field large[] = {{"XD", 63, 63}, {"frame", 51, 0}, {"PAT", 12, 12},
                                            {"G", 8, 8},    {"PS", 7, 7},     {"D", 6, 6},
                                            PTE_LOW_FIELDS};
    (void)nlevels;
    if (level > 0 && !(word & PTE_LARGE)) {
        memcpy(out, pointer, sizeof pointer);
        return sizeof pointer / sizeof pointer[0];
    }
    if (level > 0) {
        memcpy(out, large, sizeof large);
        out[1].low = (uint8_t)(PTE_PFN_SHIFT + order[level]);
        return sizeof large / sizeof large[0];
    }
    memcpy(out, pte_fields, sizeof pte_fields);
    return sizeof pte_fields / sizeof pte_fields[0];
}
