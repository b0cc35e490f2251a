/* vax.c - the VAX: pages of 512 bytes, three regions, process tables in system space.
 *
 *      va   | region 31:30 | VPN 29:9 | byte 8:0 |
 *           0  P0, program   PTE at P0BR + 4 * VPN, VPN < P0LR
 *           1  P1, control   PTE at P1BR + 4 * VPN, VPN >= P1LR: it grows down, with the stack
 *           2  S, system     PTE at SBR + 4 * VPN, physical: where the tables of P0 and P1 are
 *
 *      pte  | V 31 | PROT 30:27 | M 26 | Z 25 | OWN 24:23 | S 22:21 | PFN 20:0 |
 *
 * A process has an area (VMS: a balance slot) in system space that P0's table fills from its start
 * and P1's from its end, `virtualpagecnt` entries in all. Programs use P0 and P1, 2^31 bytes; a
 * touch beyond a length register is found absent without a load, and the kernel lengthens it.
 *
 * PROT says which of four modes may read and write; a program runs in user mode. It is checked even
 * where V is 0, so that a swapped entry keeps the rights of its page. Fetches are reads. Hardware
 * sets M, and has no referenced bit. VMS maps nothing at page 0, so that address 0 faults.
 *
 * Where V is 0 the kernel uses the rest: NA with Z set holds the frame of a page without rights; a
 * PROT that allows something, the slot of a swapped one in the 27 bits below it. A word of 0 denies
 * by its PROT (NA) and is told as absent: there is no page.
 *
 * Sources: VAX Architecture Reference Manual, ch. 4 (EY-3459E); VAX-11 Architecture Handbook,
 * memory management (PTE, protection codes, length violation); Levy & Lipman, IEEE Computer 15(3).
 * Not here: S as a place for programs, the other three modes' accesses, OWN.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "scheme/walk.h"

#include <string.h>

enum {
    PTE_PRESENT_SHIFT = 31,
    PROT_SHIFT = 27,
    PTE_PFN_BITS = 21,
    VA_BITS = 31,
    PAGE_SHIFT = 9,
    VPN_BITS = VA_BITS - PAGE_SHIFT,
};
#define PTE_PRESENT (UINT64_C(1) << PTE_PRESENT_SHIFT)
#define PTE_MODIFY  (UINT64_C(1) << 26)
#define PTE_HELD    (UINT64_C(1) << 25)
#define PTE_GLOBAL  (UINT64_C(1) << 22) /* S: software's */
#define PROT_MASK   (UINT64_C(15) << PROT_SHIFT)
#define PROT_NA     UINT64_C(0)
#define PROT_KW     UINT64_C(2)
#define PROT_UW     UINT64_C(4)
#define PROT_UR     UINT64_C(15)

/* What user mode may do under each code: NA, reserved, KW, KR, UW, EW, ERKW, ER, SW, SREW, SRKW,
 * SR, URSW, UREW, URKW, UR. */
static const uint8_t user_rights[16] = {
    [4] = VM_PROT_ALL,
    [12] = VM_PROT_READ | VM_PROT_FETCH,
    [13] = VM_PROT_READ | VM_PROT_FETCH,
    [14] = VM_PROT_READ | VM_PROT_FETCH,
    [15] = VM_PROT_READ | VM_PROT_FETCH,
};

static const struct vm_param params[] = {
    {"virtualpagecnt", VM_PARAM_COUNT, "4194304", 256, 1 << VPN_BITS, NULL,
     "entries of a process's P0 and P1 tables together"},
    {"processes", VM_PARAM_COUNT, "16", 1, 256, NULL,
     "balance slots: processes that system space has room for"},
};

static unsigned paged_va_bits(const struct vm_scheme_env *env)
{
    (void)env;
    return VA_BITS;
}

static uint64_t paged_area_words(const struct vm_scheme_env *env)
{
    return vm_params_count(env->params, "virtualpagecnt");
}

static bool paged_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    uint64_t npages = (paged_area_words(env) * 4 + 511) >> PAGE_SHIFT;
    uint64_t areas = npages * vm_params_count(env->params, "processes");
    uint64_t most = UINT64_C(1) << 21; /* VPNs of system space */
    if (env->nframes > UINT32_C(1) << PTE_PFN_BITS)
        return vm_fail(e, VM_EMACHINE,
                       "vax: %u frames, tables apart included: expected at most 2^%d, its PFNs",
                       env->nframes, PTE_PFN_BITS);
    return areas <= most ||
           vm_fail(e, VM_EUSAGE,
                   "vax: tables of %llu pages in system space: expected at most %llu; fewer "
                   "processes, or a smaller virtualpagecnt, have room",
                   (unsigned long long)areas, (unsigned long long)most);
}

static inline vm_pfn pte_pfn(uint64_t word)
{
    return (vm_pfn)(word & vm_low_bits(PTE_PFN_BITS));
}

static inline unsigned pte_code(uint64_t word)
{
    return (unsigned)((word & PROT_MASK) >> PROT_SHIFT);
}

static uint64_t code_of_rights(unsigned prot)
{
    if (prot & VM_PROT_WRITE)
        return PROT_UW;
    return prot & VM_PROT_ALL ? PROT_UR : PROT_NA;
}

static uint64_t entry_encode(struct vm_pte pte)
{
    if (pte.state == VM_PTE_EMPTY)
        return 0;
    uint64_t code = code_of_rights(pte.prot);
    if (pte.state == VM_PTE_SWAPPED) {
        VM_ASSERT(pte.slot != 0 && pte.slot < UINT64_C(1) << PROT_SHIFT);
        return pte.slot | (code ? code : PROT_UW) << PROT_SHIFT;
    }
    VM_ASSERT(pte.pfn < UINT64_C(1) << PTE_PFN_BITS);
    return pte.pfn | code << PROT_SHIFT | (code ? PTE_PRESENT : PTE_HELD) |
           (pte.dirty ? PTE_MODIFY : 0) | (pte.prot & VM_PROT_GLOBAL ? PTE_GLOBAL : 0);
}

static struct vm_pte entry_decode(uint64_t word)
{
    if (word == 0)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    uint8_t rights = user_rights[pte_code(word)];
    if (!(word & PTE_PRESENT) && pte_code(word) != PROT_NA)
        return (struct vm_pte){.state = VM_PTE_SWAPPED,
                               .prot = rights,
                               .slot = (vm_slot)(word & vm_low_bits(PROT_SHIFT))};
    return (struct vm_pte){.state = VM_PTE_PRESENT,
                           .prot = rights | (word & PTE_GLOBAL ? VM_PROT_GLOBAL : 0),
                           .dirty = word & PTE_MODIFY,
                           .pfn = pte_pfn(word)};
}

/* System pages are the kernel's alone: KW. */
static uint64_t entry_of_kernel(uint64_t word)
{
    return (word & ~PROT_MASK) | PROT_KW << PROT_SHIFT;
}

static inline uint64_t walk_end(struct vm_walk *out, enum vm_access access, unsigned mode,
                                uint64_t word)
{
    unsigned code = pte_code(word);
    bool allowed = user_rights[code] & vm_access_needs(access);
    if (!(word & PTE_PRESENT)) {
        out->fault = code != PROT_NA && !allowed ? VM_WALK_DENIED : VM_WALK_ABSENT;
        return word;
    }
    out->pfn = pte_pfn(word);
    out->prot = user_rights[code] | (word & PTE_GLOBAL ? VM_PROT_GLOBAL : 0);
    if (!allowed)
        out->fault = VM_WALK_DENIED;
    else if (access == VM_WRITE && !(mode & VM_MODE_MARK_TRAPS))
        word |= PTE_MODIFY;
    else if (access == VM_WRITE && !(word & PTE_MODIFY))
        out->fault = VM_WALK_UNMARKED;
    out->dirty = (word & PTE_MODIFY) != 0;
    return word;
}

static size_t entry_fields(const void *state, const struct vm_walk *walk, size_t i,
                           struct vm_field *out)
{
    static const struct vm_field fields[] = {
        {"V", 31, 31},   {"PROT", 30, 27}, {"M", 26, 26},  {"Z", 25, 25},
        {"OWN", 24, 23}, {"S", 22, 21},    {"PFN", 20, 0},
    };
    (void)state, (void)walk, (void)i;
    memcpy(out, fields, sizeof fields);
    return sizeof fields / sizeof fields[0];
}

static size_t paged_va_fields(const void *state, struct vm_field *out)
{
    (void)state;
    out[0] = (struct vm_field){"region", 31, 30};
    out[1] = (struct vm_field){"VPN", 29, PAGE_SHIFT};
    out[2] = (struct vm_field){"byte", PAGE_SHIFT - 1, 0};
    return 3;
}

#define PAGED_OPS         vm_scheme_vax
#define PAGED_NAME        "vax"
#define PAGED_SUMMARY     "VAX: 512-byte pages, P0 up and P1 down, their tables in system space"
#define PAGED_WORD        uint32_t
#define PAGED_KERNEL_BASE UINT64_C(0x80000000)
#define PAGED_SHIFT_MIN   PAGE_SHIFT
#define PAGED_SHIFT_MAX   PAGE_SHIFT
#define PAGED_MARKS       VM_FRAME_DIRTY
#define PAGED_WITH_READ   VM_PROT_FETCH
#define PAGED_VA_FIRST    512
#define PAGED_LENGTHS     1
#include "scheme/paged_template.inc.h"
