/* entry.inc.h - struct vm_pte to and from a page's table word, whatever the architecture.
 *
 * The architecture's bits come from riscv.inc.h or x86.inc.h, included before. Hardware looks at
 * the present bit alone when it is clear, so that the other bits are the kernel's, and are used
 * alike everywhere:
 *
 *      0                                  empty
 *      slot << 4 | 2                      swapped: the slot in hexadecimal, then a 2
 *      frame, USER, ACCESSED, DIRTY,      a page held without any right (PROT_NONE)
 *          GLOBAL in their usual places
 *
 * An entry present to hardware cannot be without rights: x86 would allow reading it, RISC-V would
 * follow it as a pointer. So a walk finds it absent, and get() finds it present with prot 0, its
 * dirty bit kept; Linux does the same on both. USER, always set in it, tells it from an empty entry
 * when its frame is 0; bit 1 (R or R/W), always clear in it, from a swapped one.
 *
 * A swapped entry keeps its slot only. A 32-bit word has room for 2^28 slots, 1 TiB of swap.
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
                     (word & PTE_GLOBAL ? VM_PROT_GLOBAL : 0));
}

static uint64_t entry_encode(struct vm_pte pte)
{
    if (pte.state == VM_PTE_EMPTY)
        return 0;
    if (pte.state == VM_PTE_SWAPPED) {
        VM_ASSERT(pte.slot != 0);
        return (uint64_t)pte.slot << ENTRY_SLOT_SHIFT | ENTRY_SWAPPED;
    }
    uint64_t word = PTE_USER | (uint64_t)pte.pfn << PTE_PFN_SHIFT |
                    (pte.accessed ? PTE_ACCESSED : 0) | (pte.dirty ? PTE_DIRTY : 0) |
                    (pte.prot & VM_PROT_GLOBAL ? PTE_GLOBAL : 0);
    return pte.prot & VM_PROT_ALL ? word | PTE_PRESENT | pte_of_rights(pte.prot) : word;
}

static struct vm_pte entry_decode(uint64_t word)
{
    if (word == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    if ((word & (PTE_PRESENT | ENTRY_SWAPPED)) == ENTRY_SWAPPED)
        return (struct vm_pte){.state = VM_PTE_SWAPPED,
                               .slot = (vm_slot)(word >> ENTRY_SLOT_SHIFT)};
    return (struct vm_pte){.state = VM_PTE_PRESENT,
                           .prot = entry_prot(word),
                           .accessed = word & PTE_ACCESSED,
                           .dirty = word & PTE_DIRTY,
                           .pfn = pte_pfn(word)};
}

/* The end of a walk at the page's own word: fills in what it found, and returns the word as the
 * hardware leaves it. A denied access leaves it alone. */
static inline uint64_t walk_end(struct vm_walk *out, enum vm_access access, unsigned mode,
                                uint64_t word)
{
    if (!(word & PTE_PRESENT)) {
        out->fault = VM_WALK_ABSENT;
        return word;
    }
    out->pfn = pte_pfn(word);
    out->prot = entry_prot(word);
    uint64_t marks = PTE_ACCESSED | (access == VM_WRITE ? PTE_DIRTY : 0);
    if (!(out->prot & vm_access_needs(access)))
        out->fault = VM_WALK_DENIED;
    else if (!(mode & VM_MODE_MARK_TRAPS))
        word |= marks;
    else if ((word & marks) != marks)
        out->fault = VM_WALK_UNMARKED;
    out->dirty = (word & PTE_DIRTY) != 0;
    return word;
}

static size_t entry_fields(const void *state, const struct vm_walk *walk, size_t i,
                           struct vm_field *out)
{
    (void)state, (void)walk, (void)i;
    memcpy(out, pte_fields, sizeof pte_fields);
    return sizeof pte_fields / sizeof pte_fields[0];
}
