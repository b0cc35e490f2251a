/* riscv.inc.h - the bits of a RISC-V page table entry, for the Sv schemes and for linear.
 *
 *      N   PBMT   reserved  PPN          RSW  D   A   G   U   X   W   R   V
 *      63  62:61  60:54     from 10 up   9:8  7   6   5   4   3   2   1   0
 *
 * V = 1 with R = W = X = 0 points to the next table; anything else is a leaf, at any level, whose
 * PPN must be a multiple of its page's size. W without R is reserved, so that a mapping for writing
 * is given R too, as kernels do. D, A and U are reserved in a pointer; G in it makes every page
 * below it global. N (Svnapot) and PBMT (Svpbmt) are reserved: neither extension is here.
 *
 * A and D are set by the walk (Svadu); VM_MODE_MARK_TRAPS is Svade, by which they raise a page
 * fault and the kernel sets them.
 *
 * The steps of the manual's "Virtual Address Translation Process", in their order: 3 (V, W without
 * R, reserved bits), 4 (pointers; one at level 0 is no leaf), 5 (misaligned superpages), 6 (U, by
 * privilege and SUM, which never lets a supervisor fetch from a user's page), 8 (R, W, X; MXR), 9
 * (A and D). Physical memory ends at 2^32 frames (types.h): a PPN beyond it, for which the manual
 * has an access fault, is VM_WALK_RESERVED here.
 *
 * Source: The RISC-V Instruction Set Manual, volume II: Privileged Architecture (20240411), "Sv32:
 * Page-Based 32-bit Virtual-Memory Systems", "Addressing and Memory Protection" and "Virtual
 * Address Translation Process".
 *
 * Before including it a row defines PTE_PFN_BITS, the width of its PPN.
 */
#include "base/bits.h"

#include <pagoda/scheme.h>
#include <string.h>

#define PTE_PRESENT_NAME "V"

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
    PTE_BEYOND_SHIFT = PTE_PFN_SHIFT + 32, /* of the bits that no frame number reaches */
    PTE_POINTER = PTE_PRESENT,
    PTE_POINTER_ACCESSED = 0, /* what a walk sets in a pointer that it follows */
    PTE_ABOVE_NONE = 0,
};

static inline bool pte_points(uint64_t word)
{
    const uint64_t fixed = ~(vm_low_bits(32) << PTE_PFN_SHIFT) & ~(uint64_t)(PTE_GLOBAL | 3 << 8);
    return (word & fixed) == PTE_POINTER;
}

static inline uint64_t pte_leaf(unsigned order)
{
    (void)order;
    return PTE_PRESENT | PTE_USER;
}

static inline uint64_t pte_of_rights(unsigned prot)
{
    return (prot & VM_PROT_READ ? PTE_READ : 0) |
           (prot & VM_PROT_WRITE ? PTE_READ | PTE_WRITE : 0) |
           (prot & VM_PROT_FETCH ? PTE_FETCH : 0);
}

/* Of a present leaf. */
static inline unsigned pte_rights(uint64_t word)
{
    _Static_assert(VM_PROT_ALL == 7 && PTE_READ == VM_PROT_READ << 1 &&
                       PTE_WRITE == VM_PROT_WRITE << 1 && PTE_FETCH == VM_PROT_FETCH << 1,
                   "R, W and X stand as struct vm_pte has them");
    return (unsigned)(word >> 1) & VM_PROT_ALL;
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
    const unsigned no_leaf = 1 << 0 | 1 << VM_PROT_WRITE | 1 << (VM_PROT_WRITE | VM_PROT_FETCH);
    return no_leaf >> pte_rights(word) & 1 || word >> PTE_BEYOND_SHIFT ||
           (word >> PTE_PFN_SHIFT & vm_low_bits(order));
}

static inline uint64_t pte_inherit(uint64_t above, uint64_t word)
{
    return above | (word & PTE_GLOBAL);
}

static inline uint64_t pte_below(uint64_t word, uint64_t above)
{
    return word | above;
}

static inline unsigned pte_allowed(uint64_t word, unsigned mode)
{
    unsigned rights = pte_rights(word);
    bool user = word & PTE_USER;
    if (mode & VM_MODE_MXR) /* a leaf that cannot be read can be fetched */
        rights |= VM_PROT_READ;
    if (!(mode & VM_MODE_KERNEL))
        return user ? rights : VM_PROT_NONE;
    if (!user)
        return rights;
    return mode & VM_MODE_SUM ? rights & ~(unsigned)VM_PROT_FETCH : VM_PROT_NONE;
}

static inline uint64_t pte_marked(uint64_t word, enum vm_access access)
{
    return word | PTE_ACCESSED | (access == VM_WRITE ? PTE_DIRTY : 0);
}

#define PTE_LOW_FIELDS                                                                             \
    {"RSW", 9, 8}, {"D", 7, 7}, {"A", 6, 6}, {"G", 5, 5}, {"U", 4, 4}, {"X", 3, 3}, {"W", 2, 2},   \
        {"R", 1, 1},                                                                               \
    {                                                                                              \
        "V", 0, 0                                                                                  \
    }

/* Of a word whose PPN is one field. */
static const struct vm_field pte_fields[] = {
    {"PPN", PTE_PFN_SHIFT + PTE_PFN_BITS - 1, PTE_PFN_SHIFT},
    PTE_LOW_FIELDS,
};

/* Of a word at `level` of a tree in which a leaf of level i has order[i]: a pointer and a leaf have
 * the same ones. */
static inline size_t pte_word_fields(uint64_t word, unsigned level, const uint8_t *order,
                                     unsigned nlevels, struct vm_field *out)
{
    static const char *const ppn[] = {"PPN[0]", "PPN[1]", "PPN[2]", "PPN[3]", "PPN[4]"};
    static const struct vm_field high[] = {{"N", 63, 63}, {"PBMT", 62, 61}, {"reserved", 60, 54}};
    static const struct vm_field low[] = {PTE_LOW_FIELDS};
    (void)word, (void)level;
    size_t n = PTE_PFN_SHIFT + PTE_PFN_BITS == 54 ? sizeof high / sizeof high[0] : 0;
    memcpy(out, high, n * sizeof high[0]);
    unsigned top = PTE_PFN_SHIFT + PTE_PFN_BITS;
    for (unsigned i = nlevels; i-- > 0; top = PTE_PFN_SHIFT + order[i])
        out[n++] =
            (struct vm_field){ppn[i], (uint8_t)(top - 1), (uint8_t)(PTE_PFN_SHIFT + order[i])};
    memcpy(out + n, low, sizeof low);
    return n + sizeof low / sizeof low[0];
}
