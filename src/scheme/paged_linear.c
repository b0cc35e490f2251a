/* paged_linear.c - one flat table a process, in the kernel's virtual memory.
 *
 * A linear table is as long as the address space, but in virtual memory only the pages of it that
 * are used need frames, and those whose pages have all been evicted can be evicted themselves. A
 * walk loads two words: the kernel's, physical, for the page of the table, and then the page's own
 * by its kernel address; where a TLB has that page of the table, only the second.
 *
 * `bits` is the width of an address, as in linear; the kernel's table is made for `processes` of
 * them: a word for each page that their tables could have.
 *
 *      kva   2^48 + (slot * pages of an area) | word     entries: leaves of RISC-V Sv39
 *
 * Not a shipped architecture: what VAX, MIPS and the VM/370 of textbooks have in common.
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

enum { BITS_MAX = 48, AREAS_BITS_MAX = 40, PROCESSES_MAX = 4000 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 10, BITS_MAX, NULL, "width of an address: an entry a page"},
    {"processes", VM_PARAM_COUNT, "64", 1, PROCESSES_MAX, NULL,
     "address spaces that the kernel's table has room for"},
};

static unsigned paged_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static uint64_t paged_area_words(const struct vm_scheme_env *env)
{
    return UINT64_C(1) << (paged_va_bits(env) - env->page_shift);
}

static bool paged_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = paged_va_bits(env), shift = env->page_shift;
    if (bits <= shift)
        return vm_fail(e, VM_EUSAGE,
                       "paged-linear: %u bits of address with pages of %llu bytes: expected at "
                       "least two pages",
                       bits, 1ULL << shift);
    uint64_t processes = vm_params_count(env->params, "processes");
    unsigned area_bits = bits - shift + 3 > shift ? bits - shift + 3 : shift;
    if (area_bits + vm_bits_below(processes) <= AREAS_BITS_MAX)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "paged-linear: tables of 2^%u bytes for %llu processes: expected at most 2^%u "
                   "bytes in all",
                   area_bits, (unsigned long long)processes, AREAS_BITS_MAX);
}

/* The kernel's pages are its own, and the same in every address space. */
static uint64_t entry_of_kernel(uint64_t word)
{
    return (word & ~(uint64_t)PTE_USER) | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY;
}

static size_t paged_va_fields(const void *state, struct vm_field *out);

#define PAGED_OPS         vm_scheme_paged_linear
#define PAGED_NAME        "paged-linear"
#define PAGED_SUMMARY     "a flat table an address space, in kernel virtual memory: itself paged"
#define PAGED_WORD        uint64_t
#define PAGED_KERNEL_BASE (UINT64_C(1) << 48)
#define PAGED_SHIFT_MIN   9
#define PAGED_SHIFT_MAX   16
#define PAGED_MARKS       (VM_FRAME_REFERENCED | VM_FRAME_DIRTY)
#define PAGED_WITH_READ   0
#define PAGED_VA_FIRST    0
#define PAGED_LENGTHS     0
#include "scheme/paged_template.inc.h"

static size_t paged_va_fields(const void *state, struct vm_field *out)
{
    const struct paged *s = state;
    unsigned shift = s->env.page_shift;
    out[0] = (struct vm_field){"VPN", (uint8_t)(s->va_bits - 1), (uint8_t)shift};
    out[1] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return 2;
}
