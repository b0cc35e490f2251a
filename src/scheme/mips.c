/* mips.c - the MIPS R4000's view of a page table: the words that its TLB is loaded with.
 *
 * The hardware walks nothing: a TLB miss is an exception, and the kernel's handler loads a word
 * and writes it to the TLB. The hardware helps by what it leaves in registers, BadVAddr, EntryHi
 * (VPN, ASID) and Context, the address of the word in a flat table in kseg2, the kernel's mapped
 * memory; its load may miss in the TLB in turn, and the general handler loads the kernel's word.
 *
 *      va       | 0 | VPN 30:12 | offset 11:0 |                      useg: below 2^31
 *      Context  | PTEBase 31:23 | BadVPN2 22:4 | 0 |                 a pair of words of 8 bytes
 *      EntryLo  | ... | PFN 29:6 | C 5:3 | D 2 | V 1 | G 0 |
 *
 * The hardware knows no accessed bit, and D allows writing: the kernel sets it at the first write
 * (TLB modified exception), if its own bit W, which the TLB does not take, allows that. Reading is
 * fetching, and a page that may be used may be read. The table's word, above what EntryLo takes:
 *
 *      | slot 63:32, of a swapped page | M 31 (written) | W 30 |
 *
 * M outlives W. C is 3 (cacheable) in every word that has a frame, and tells a page held without
 * rights, V = 0, from an empty entry. The dirty bit of `marks` is kept by the two together.
 *
 * What a miss costs where a handler does it is the engine's affair (refill). Here the walk lists
 * what it loads.
 *
 * Source: MIPS R4000 Microprocessor User's Manual, 2nd edition, ch. 4 "Memory Management" and ch. 5
 * "CPU Exception Processing" (Context, TLB exceptions).
 * Not here: that a TLB entry holds a pair of pages; page sizes above 4 KiB; kseg0, kseg1.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "scheme/walk.h"

#include <string.h>

enum {
    PTE_GLOBAL = 1 << 0,
    PTE_PRESENT = 1 << 1,
    PTE_DIRTY = 1 << 2,
    PTE_CACHED = 3 << 3,
    PTE_PFN_SHIFT = 6,
    PTE_PFN_BITS = 24,
    PTE_WRITE = 1 << 30,
    SLOT_SHIFT = 32,
    VA_BITS = 31,
    PAGE_SHIFT = 12,
};
#define PTE_WRITTEN (UINT64_C(1) << 31)

static const struct vm_param params[] = {
    {"processes", VM_PARAM_COUNT, "64", 1, 128, NULL,
     "address spaces that kseg2 has room for the tables of"},
};

static unsigned paged_va_bits(const struct vm_scheme_env *env)
{
    (void)env;
    return VA_BITS;
}

static uint64_t paged_area_words(const struct vm_scheme_env *env)
{
    (void)env;
    return UINT64_C(1) << 20; /* what Context can index, PTEBase 8 MiB apart; useg is half of it */
}

static bool paged_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    return env->nframes <= UINT32_C(1) << PTE_PFN_BITS ||
           vm_fail(e, VM_EMACHINE,
                   "mips: %u frames, tables apart included: expected at most 2^%d, its PFNs",
                   env->nframes, PTE_PFN_BITS);
}

static inline vm_pfn pte_pfn(uint64_t word)
{
    return (vm_pfn)(word >> PTE_PFN_SHIFT & vm_low_bits(PTE_PFN_BITS));
}

static inline uint8_t entry_prot(uint64_t word)
{
    unsigned prot = word & PTE_PRESENT ? VM_PROT_READ | VM_PROT_FETCH : VM_PROT_NONE;
    return (uint8_t)(prot | (word & PTE_WRITE ? VM_PROT_WRITE : 0) |
                     (word & PTE_GLOBAL ? VM_PROT_GLOBAL : 0));
}

static uint64_t entry_encode(struct vm_pte pte)
{
    if (pte.state == VM_PTE_EMPTY)
        return 0;
    if (pte.state == VM_PTE_SWAPPED) {
        VM_ASSERT(pte.slot != 0);
        return (uint64_t)pte.slot << SLOT_SHIFT;
    }
    VM_ASSERT(pte.pfn < UINT64_C(1) << PTE_PFN_BITS);
    bool may_write = pte.prot & VM_PROT_WRITE;
    return (uint64_t)pte.pfn << PTE_PFN_SHIFT | PTE_CACHED |
           (pte.prot & VM_PROT_ALL ? PTE_PRESENT : 0) | (may_write ? PTE_WRITE : 0) |
           (pte.dirty ? PTE_WRITTEN : 0) | (pte.dirty && may_write ? PTE_DIRTY : 0) |
           (pte.prot & VM_PROT_GLOBAL ? PTE_GLOBAL : 0);
}

static struct vm_pte entry_decode(uint64_t word)
{
    if (word == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    if (word >> SLOT_SHIFT)
        return (struct vm_pte){.state = VM_PTE_SWAPPED, .slot = (vm_slot)(word >> SLOT_SHIFT)};
    return (struct vm_pte){.state = VM_PTE_PRESENT,
                           .prot = entry_prot(word),
                           .dirty = word & PTE_WRITTEN,
                           .pfn = pte_pfn(word)};
}

/* kseg2 is the kernel's by its addresses, and the same under every ASID. */
static uint64_t entry_of_kernel(uint64_t word)
{
    return word | PTE_GLOBAL | PTE_DIRTY | PTE_WRITTEN;
}

static inline uint64_t walk_end(struct vm_walk *out, enum vm_access access, unsigned mode,
                                uint64_t word)
{
    if (!(word & PTE_PRESENT)) {
        out->fault = VM_WALK_ABSENT;
        return word;
    }
    out->pfn = pte_pfn(word);
    out->prot = entry_prot(word);
    if (!(out->prot & vm_access_needs(access)))
        out->fault = VM_WALK_DENIED;
    else if (access == VM_WRITE && !(mode & VM_MODE_MARK_TRAPS))
        word |= PTE_DIRTY | PTE_WRITTEN;
    else if (access == VM_WRITE && !(word & PTE_DIRTY))
        out->fault = VM_WALK_UNMARKED;
    out->dirty = (word & PTE_WRITTEN) != 0;
    return word;
}

static size_t entry_fields(const void *state, const struct vm_walk *walk, size_t i,
                           struct vm_field *out)
{
    static const struct vm_field fields[] = {
        {"slot", 63, 32}, {"M", 31, 31}, {"W", 30, 30}, {"PFN", 29, 6},
        {"C", 5, 3},      {"D", 2, 2},   {"V", 1, 1},   {"G", 0, 0},
    };
    (void)state, (void)walk, (void)i;
    memcpy(out, fields, sizeof fields);
    return sizeof fields / sizeof fields[0];
}

static size_t paged_va_fields(const void *state, struct vm_field *out)
{
    (void)state;
    out[0] = (struct vm_field){"VPN", VA_BITS - 1, PAGE_SHIFT};
    out[1] = (struct vm_field){"offset", PAGE_SHIFT - 1, 0};
    return 2;
}

#define PAGED_OPS         vm_scheme_mips
#define PAGED_NAME        "mips"
#define PAGED_SUMMARY     "MIPS R4000: a flat table in kseg2 of the words that TLB refills load"
#define PAGED_WORD        uint64_t
#define PAGED_KERNEL_BASE UINT64_C(0xc0000000)
#define PAGED_SHIFT_MIN   PAGE_SHIFT
#define PAGED_SHIFT_MAX   PAGE_SHIFT
#define PAGED_MARKS       VM_FRAME_DIRTY
#define PAGED_WITH_READ   VM_PROT_FETCH
#define PAGED_VA_FIRST    0
#define PAGED_LENGTHS     0
#include "scheme/paged_template.inc.h"
