/* base_bounds.c - dynamic relocation: one base and one bound register.
 *
 * The whole address space of a process is one block of physical memory. The processor adds the base
 * register to each address, if that is below the bound:
 *
 *      va < bound ?  no -> fault         process   0 ............ bound
 *           | yes                                  |                |
 *      pa = base + va                    memory   base ...... base + bound
 *
 * A walk loads nothing; there is no table and nothing for a TLB to do. A process can be moved while
 * it lives: its bytes are copied and the base is changed. There is no protection within the block:
 * a register of two numbers cannot say it.
 *
 * An address of `bits` bits is the whole register; the bound is in base pages, which may be as
 * small as 1 byte.
 *
 * Source: Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces, ch. 15 (address
 * translation); the mechanism is that of the CDC 6600 (1964) and the Cray-1.
 */
#include <pagoda/scheme.h>

#define SEGMENTS           1
#define REGISTERS_RIGHTS   VM_PROT_NONE
#define REGISTERS_EXPECTED "one within the bits of base-bounds (base-bounds:bits=...)"
#include "scheme/registers.inc.h"

enum { BITS_MAX = 46, PAGES_SHIFT_MAX = 31 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 4, BITS_MAX, NULL, "width of an address"},
};

static bool registers_find(const struct registers *s, vm_va va, struct vm_span *span,
                           unsigned *which)
{
    *which = 0;
    *span = (struct vm_span){0, UINT64_C(1) << s->bits, VM_SPAN_ANY, false};
    if (va < span->end)
        return true;
    *span = (struct vm_span){.start = span->end, .end = UINT64_MAX};
    return false;
}

static bool base_bounds_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = registers_va_bits(env);
    if (bits > env->page_shift && bits <= env->page_shift + PAGES_SHIFT_MAX)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "base-bounds: %u bits of address with pages of %llu bytes: expected %u to %u "
                   "bits, at least two pages and at most 2^31",
                   bits, 1ULL << env->page_shift, env->page_shift + 1,
                   env->page_shift + PAGES_SHIFT_MAX);
}

static void base_bounds_init(void *state, const struct vm_scheme_env *env)
{
    registers_init(state, env);
}

static size_t base_bounds_va_fields(const void *state, struct vm_field *out)
{
    const struct registers *s = state;
    out[0] = (struct vm_field){"offset", (uint8_t)(s->bits - 1), 0};
    return 1;
}

const struct vm_scheme_ops vm_scheme_base_bounds = {
    .name = "base-bounds",
    .summary = "one block of memory a process, a base and a bound register",
    .page_shift_min = 0,
    .page_shift_max = 24,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = base_bounds_accept,
    .init = base_bounds_init,
    .va_fields = base_bounds_va_fields,
    REGISTERS_OPS,
};
