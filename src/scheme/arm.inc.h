/* arm.inc.h - the bits of an Arm VMSAv8-64 translation table descriptor, stage 1 of EL1&0.
 *
 *      page, block   UXN PXN Cont DBM  address  nG  AF  SH   AP[2:1]  NS  AttrIndx  type  valid
 *                    54  53  52   51   47:m     11  10  9:8  7:6      5   4:2       1     0
 *      table         NSTable 63  APTable 62:61  UXNTable 60  PXNTable 59  address 47:m  1  1
 *
 * Bits [1:0] are 11 for a table and for a page, 01 for a block (a large page); 01 where no block
 * can be is reserved, as is an address beyond physical memory's 2^32 frames (types.h), for which
 * the manual has an address size fault. What it has as RES0 is ignored.
 *
 * AP[1] lets EL0 in and AP[2] takes writing away; UXN and PXN take fetching away from EL0 and EL1,
 * and what EL0 may write EL1 never fetches. The page of a mapping for fetching alone has AP[1]
 * clear: EL0 can fetch but not read it. The table bits take rights from everything below.
 *
 * AF is set by the walk, and a write to a page with DBM clears AP[2] (FEAT_HAFDBS): DBM is the
 * right to write, AP[2] then says that nothing has been written yet. A page that was written and
 * lost the right to be keeps that in bit 55, which is software's. VM_MODE_MARK_TRAPS leaves AF and
 * AP[2] to the kernel; a right that is missing is told before a mark that is, though the
 * architecture's Access flag fault comes before its Permission fault.
 *
 * VM_MODE_SUM clears PSTATE.PAN, by which EL1 does not read or write what EL0 may.
 *
 * Not here: stage 2, EL2, NS and memory attributes (kept, and mean nothing), the contiguous hint,
 * FEAT_LPA2 and its blocks at level 0, FEAT_HAFT, permission indirection.
 *
 * Source: Arm Architecture Reference Manual for A-profile architecture, DDI 0487, chapter D8:
 * "VMSAv8-64 translation table format descriptors", "Memory access control" and "Hardware
 * management of the Access flag and dirty state".
 *
 * Before including it a row defines PTE_PFN_SHIFT, the shift of its granule: 12, 14 or 16.
 */
#include "base/bits.h"

#include <pagoda/scheme.h>
#include <string.h>

#define PTE_PRESENT_NAME    "valid"
#define PTE_WRITE           (UINT64_C(1) << 51) /* DBM */
#define PTE_NO_FETCH        (UINT64_C(1) << 54) /* UXN */
#define PTE_SOFT_DIRTY      (UINT64_C(1) << 55)
#define PTE_NO_KERNEL_FETCH (UINT64_C(1) << 53) /* PXN */
#define PTE_BEYOND          (vm_low_bits(48) & ~vm_low_bits(PTE_PFN_SHIFT + 32))
#define PTE_TABLE_RIGHTS    (UINT64_C(0xf) << 59)

enum {
    PTE_PRESENT = 1 << 0,
    PTE_TYPE = 1 << 1,
    PTE_USER = 1 << 6,      /* AP[1] */
    PTE_READ_ONLY = 1 << 7, /* AP[2] */
    PTE_SHARED = 3 << 8,    /* SH: inner shareable, as all memory of several processors is */
    PTE_ACCESSED = 1 << 10,
    PTE_NOT_GLOBAL = 1 << 11,
    PTE_PFN_BITS = 48 - PTE_PFN_SHIFT,
    PTE_POINTER = PTE_PRESENT | PTE_TYPE,
    PTE_POINTER_ACCESSED = 0,
    PTE_ABOVE_NONE = 0,
};

static inline bool pte_points(uint64_t word)
{
    return (word & (PTE_BEYOND | PTE_TYPE | PTE_PRESENT)) == PTE_POINTER;
}

static inline uint64_t pte_leaf(unsigned order)
{
    return PTE_PRESENT | (order > 0 ? 0 : PTE_TYPE) | PTE_SHARED | PTE_NO_KERNEL_FETCH;
}

static inline uint64_t pte_of_rights(unsigned prot)
{
    return (prot & (VM_PROT_READ | VM_PROT_WRITE) ? PTE_USER : 0) |
           (prot & VM_PROT_WRITE ? PTE_WRITE : 0) | (prot & VM_PROT_FETCH ? 0 : PTE_NO_FETCH);
}

static inline bool pte_writable(uint64_t word)
{
    return word & PTE_WRITE || !(word & PTE_READ_ONLY);
}

/* Of a present leaf, at EL0. */
static inline unsigned pte_rights(uint64_t word)
{
    unsigned data = VM_PROT_READ | (pte_writable(word) ? VM_PROT_WRITE : 0);
    return (word & PTE_USER ? data : 0) | (word & PTE_NO_FETCH ? 0 : VM_PROT_FETCH);
}

static inline uint64_t pte_of_marks(struct vm_pte pte)
{
    bool clean = !pte.dirty || !(pte.prot & VM_PROT_WRITE);
    return (pte.accessed ? PTE_ACCESSED : 0) | (clean ? PTE_READ_ONLY : 0) |
           (pte.dirty && clean ? PTE_SOFT_DIRTY : 0) |
           (pte.prot & VM_PROT_GLOBAL ? 0 : PTE_NOT_GLOBAL);
}

static inline bool pte_accessed(uint64_t word)
{
    return word & PTE_ACCESSED;
}

static inline bool pte_dirty(uint64_t word)
{
    return !(word & PTE_READ_ONLY) || word & PTE_SOFT_DIRTY;
}

static inline bool pte_global(uint64_t word)
{
    return !(word & PTE_NOT_GLOBAL);
}

static inline bool pte_malformed(uint64_t word, unsigned order)
{
    return word & PTE_BEYOND || !(word & PTE_TYPE) != (order > 0);
}

static inline uint64_t pte_inherit(uint64_t above, uint64_t word)
{
    return above | (word & PTE_TABLE_RIGHTS);
}

static inline uint64_t pte_below(uint64_t word, uint64_t above)
{
    if (above & UINT64_C(1) << 62) /* APTable[1] */
        word = (word & ~PTE_WRITE) | PTE_READ_ONLY;
    if (above & UINT64_C(1) << 61) /* APTable[0] */
        word &= ~(uint64_t)PTE_USER;
    if (above & UINT64_C(1) << 60)
        word |= PTE_NO_FETCH;
    if (above & UINT64_C(1) << 59)
        word |= PTE_NO_KERNEL_FETCH;
    return word;
}

static inline unsigned pte_allowed(uint64_t word, unsigned mode)
{
    if (!(mode & VM_MODE_KERNEL))
        return pte_rights(word);
    bool user = word & PTE_USER,
         fetch = !(word & PTE_NO_KERNEL_FETCH) && !(user && pte_writable(word));
    unsigned data = VM_PROT_READ | (pte_writable(word) ? VM_PROT_WRITE : 0);
    return (user && !(mode & VM_MODE_SUM) ? 0 : data) | (fetch ? VM_PROT_FETCH : 0);
}

static inline uint64_t pte_marked(uint64_t word, enum vm_access access)
{
    return (word | PTE_ACCESSED) & ~(uint64_t)(access == VM_WRITE ? PTE_READ_ONLY : 0);
}

/* Of a page. */
static const struct vm_field pte_fields[] = {{"software", 58, 55}, {"UXN", 54, 54},
                                             {"PXN", 53, 53},      {"contiguous", 52, 52},
                                             {"DBM", 51, 51},      {"address", 47, PTE_PFN_SHIFT},
                                             {"nG", 11, 11},       {"AF", 10, 10},
                                             {"SH", 9, 8},         {"AP[2:1]", 7, 6},
                                             {"NS", 5, 5},         {"AttrIndx", 4, 2},
                                             {"type", 1, 1},       {PTE_PRESENT_NAME, 0, 0}};

/* Of a word at `level` of a tree in which a leaf of level i has order[i]. */
static inline size_t pte_word_fields(uint64_t word, unsigned level, const uint8_t *order,
                                     unsigned nlevels, struct vm_field *out)
{
    static const struct vm_field table[] = {{"NSTable", 63, 63},
                                            {"APTable", 62, 61},
                                            {"UXNTable", 60, 60},
                                            {"PXNTable", 59, 59},
                                            {"address", 47, PTE_PFN_SHIFT},
                                            {"type", 1, 1},
                                            {PTE_PRESENT_NAME, 0, 0}};
    (void)nlevels;
    if (level > 0 && word & PTE_TYPE) {
        memcpy(out, table, sizeof table);
        return sizeof table / sizeof table[0];
    }
    memcpy(out, pte_fields, sizeof pte_fields);
    out[5].low = (uint8_t)(PTE_PFN_SHIFT + order[level]);
    return sizeof pte_fields / sizeof pte_fields[0];
}
