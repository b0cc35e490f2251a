/* entry.inc.h - struct vm_pte to and from a page's table word, whatever the architecture.
 *
 * The architecture's bits come from riscv.inc.h, x86.inc.h or arm.inc.h, included before. Hardware
 * looks at the present bit (bit 0 everywhere) alone when it is clear, so that the other bits are
 * the kernel's, and are used alike everywhere:
 *
 *      0                                  empty
 *      slot << 4 | 2                      swapped: the slot in hexadecimal, then a 2
 *      frame, USER, marks and GLOBAL      a page held without any right (PROT_NONE)
 *          in their usual places
 *
 * An entry present to hardware cannot be without rights: x86 would allow reading it, RISC-V would
 * follow it as a pointer. So a walk finds it absent, and get() finds it present with prot 0, its
 * dirty bit kept; Linux does the same on both. USER, always set in it, tells it from an empty entry
 * when its frame is 0; bit 1 (R, R/W, the type), always clear in it, from a swapped one.
 *
 * A swapped entry keeps its slot only. A 32-bit word has room for 2^28 slots, 1 TiB of swap.
 *
 * What the architecture says of a word:
 *      pte_points(word)             it is a sound pointer to a table
 *      pte_leaf(order)              the bits that make a word the leaf of a page of that order
 *      pte_of_rights, pte_rights    its protection, as bits and back
 *      pte_of_marks, pte_accessed, pte_dirty, pte_global
 *      pte_malformed(word, order)   present, but no leaf there: reserved, misaligned, a pointer
 *      pte_inherit, pte_below       what the pointers above a leaf take from it: PTE_ABOVE_NONE
 *      pte_allowed(word, mode)      the accesses that a leaf allows in a mode
 *      pte_marked(word, access)     the word as the hardware leaves it after an access
 */
#include "base/assert.h"
#include "base/bits.h"
#include "scheme/walk.h"

#include <string.h>

#define ENTRY_SWAPPED    2u
#define ENTRY_SLOT_SHIFT 4

static inline vm_pfn pte_pfn(uint64_t word)
{
    return (vm_pfn)(word >> PTE_PFN_SHIFT & vm_low_bits(PTE_PFN_BITS));
}

/* Of a present word, or of a page held without rights. */
static inline uint8_t entry_prot(uint64_t word)
{
    return (uint8_t)((word & PTE_PRESENT ? pte_rights(word) : VM_PROT_NONE) |
                     (pte_global(word) ? VM_PROT_GLOBAL : 0));
}

static uint64_t entry_encode(struct vm_pte pte)
{
    if (pte.state == VM_PTE_EMPTY)
        return 0;
    if (pte.state == VM_PTE_SWAPPED) {
        VM_ASSERT(pte.slot != 0);
        return (uint64_t)pte.slot << ENTRY_SLOT_SHIFT | ENTRY_SWAPPED;
    }
    uint64_t word = (uint64_t)pte.pfn << PTE_PFN_SHIFT | pte_of_marks(pte);
    return word | (pte.prot & VM_PROT_ALL ? pte_leaf(pte.order) | pte_of_rights(pte.prot)
                                          : (uint64_t)PTE_USER);
}

static inline bool entry_is_swapped(uint64_t word)
{
    return (word & (PTE_PRESENT | ENTRY_SWAPPED)) == ENTRY_SWAPPED;
}

/* The word stands where pages of `order` have theirs. */
static struct vm_pte entry_decode_order(uint64_t word, unsigned order)
{
    if (word == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    if (entry_is_swapped(word))
        return (struct vm_pte){.state = VM_PTE_SWAPPED,
                               .slot = (vm_slot)(word >> ENTRY_SLOT_SHIFT)};
    return (struct vm_pte){.state = VM_PTE_PRESENT,
                           .prot = entry_prot(word),
                           .accessed = pte_accessed(word),
                           .dirty = pte_dirty(word),
                           .order = (uint8_t)order,
                           .pfn = pte_pfn(word) & ~(vm_pfn)vm_low_bits(order)};
}

static inline struct vm_pte entry_decode(uint64_t word)
{
    return entry_decode_order(word, 0);
}

/* The end of a walk at the word of a page of `order` below pointers that left `above`: fills in
 * what it found, and returns the word as the hardware leaves it. A denied access leaves it alone.
 */
static inline uint64_t walk_leaf(struct vm_walk *out, enum vm_access access, unsigned mode,
                                 uint64_t word, uint64_t above, unsigned order)
{
    if (!(word & PTE_PRESENT)) {
        out->fault = VM_WALK_ABSENT;
        return word;
    }
    if (pte_malformed(word, order)) {
        out->fault = VM_WALK_RESERVED;
        return word;
    }
    uint64_t effective = pte_below(word, above), marked = pte_marked(word, access);
    out->pfn = pte_pfn(word) & ~(vm_pfn)vm_low_bits(order);
    out->order = (uint8_t)order;
    out->end = UINT32_C(1) << order;
    out->prot = entry_prot(effective);
    if (!(pte_allowed(effective, mode) & vm_access_needs(access)))
        out->fault = VM_WALK_DENIED;
    else if (!(mode & VM_MODE_MARK_TRAPS))
        word = marked;
    else if (word != marked)
        out->fault = VM_WALK_UNMARKED;
    out->dirty = pte_dirty(word);
    return word;
}

/* The same of a base page's word that nothing stands above. */
static inline uint64_t walk_end(struct vm_walk *out, enum vm_access access, unsigned mode,
                                uint64_t word)
{
    return walk_leaf(out, access, mode, word, PTE_ABOVE_NONE, 0);
}

/* The fields of a word of `bits` bits in which hardware sees nothing: the kernel's. */
static inline size_t entry_kernel_fields(uint64_t word, unsigned bits, struct vm_field *out)
{
    bool swapped = entry_is_swapped(word);
    out[0] = swapped ? (struct vm_field){"slot", (uint8_t)(bits - 1), ENTRY_SLOT_SHIFT}
                     : (struct vm_field){"software", (uint8_t)(bits - 1), 1};
    out[1] =
        swapped ? (struct vm_field){"swapped", 1, 1} : (struct vm_field){PTE_PRESENT_NAME, 0, 0};
    out[2] = (struct vm_field){PTE_PRESENT_NAME, 0, 0};
    return swapped ? 3 : 2;
}

static inline size_t entry_fields(const void *state, const struct vm_walk *walk, size_t i,
                                  struct vm_field *out)
{
    (void)state, (void)walk, (void)i;
    memcpy(out, pte_fields, sizeof pte_fields);
    return sizeof pte_fields / sizeof pte_fields[0];
}
