/* segmentation.c - a base and a bound for code, heap and stack: the top bits of an address say
 * which.
 *
 *      segments=2      | 2 bits | offset |      00 code, 01 heap: grow up from their start
 *                                                11 stack: grows down from the top
 *                                                10 none: an address there cannot be named
 *      segments=1      | 1 bit  | offset |      0 code and heap in one, 1 stack
 *
 * Each segment has a base, a size, a direction and rights in registers; it lies anywhere in
 * physical memory and moves by itself. What lies between them takes no memory. For the stack the
 * offset counts from its top: pa = base + size - (end of the span - va), and the fault is beyond
 * `size` downwards. A walk loads nothing.
 *
 * Source: Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces, ch. 16
 * (segmentation), with its figure 16.4 of VAX/VMS-like registers: base, size, grows positive,
 * protection. The PDP-11 and the VAX's P0 and P1 regions count stacks so.
 */
#include <pagoda/scheme.h>

#define SEGMENTS           3
#define REGISTERS_RIGHTS   VM_PROT_ALL
#define REGISTERS_EXPECTED "one of code, heap or stack"
#include "scheme/registers.inc.h"

enum { BITS_MAX = 46, PAGES_SHIFT_MAX = 31 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 4, BITS_MAX, NULL, "width of an address"},
    {"segments", VM_PARAM_COUNT, "2", 1, 2, NULL,
     "top bits that choose it: 2: code, heap, none, stack; 1: code with heap, stack"},
};

static unsigned top_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "segments");
}

static bool registers_find(const struct registers *s, vm_va va, struct vm_span *span,
                           unsigned *which)
{
    static const enum vm_span_role of_1[] = {VM_SPAN_HEAP, VM_SPAN_STACK};
    static const enum vm_span_role of_2[] = {VM_SPAN_CODE, VM_SPAN_HEAP, VM_SPAN_ANY,
                                             VM_SPAN_STACK};
    unsigned shift = s->bits - s->segment_bits;
    if (va >> s->bits) {
        *span = (struct vm_span){.start = UINT64_C(1) << s->bits, .end = UINT64_MAX};
        return false;
    }
    unsigned top = (unsigned)(va >> shift);
    enum vm_span_role role = s->segment_bits == 1 ? of_1[top] : of_2[top];
    *which = role == VM_SPAN_CODE ? 0 : role == VM_SPAN_HEAP ? 1 : 2;
    *span = (struct vm_span){.start = (vm_va)top << shift,
                             .end = ((vm_va)top + 1) << shift,
                             .role = role,
                             .grows_down = role == VM_SPAN_STACK};
    return role != VM_SPAN_ANY;
}

static bool segmentation_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = registers_va_bits(env), top = top_bits(env);
    unsigned least = env->page_shift + top + 1, most = env->page_shift + top + PAGES_SHIFT_MAX;
    if (bits >= least && bits <= most)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "segmentation: %u bits of address, %u of them for the segment, with pages of "
                   "%llu bytes: expected %u to %u bits, at least two pages a segment and at most "
                   "2^31",
                   bits, top, 1ULL << env->page_shift, least, most);
}

static void segmentation_init(void *state, const struct vm_scheme_env *env)
{
    struct registers *s = state;
    registers_init(s, env);
    s->segment_bits = top_bits(env);
}

static size_t segmentation_va_fields(const void *state, struct vm_field *out)
{
    const struct registers *s = state;
    unsigned shift = s->bits - s->segment_bits;
    out[0] = (struct vm_field){"segment", (uint8_t)(s->bits - 1), (uint8_t)shift};
    out[1] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return 2;
}

const struct vm_scheme_ops vm_scheme_segmentation = {
    .name = "segmentation",
    .summary = "base, bound and rights for code, heap and stack, chosen by the top bits",
    .page_shift_min = 0,
    .page_shift_max = 24,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = segmentation_accept,
    .init = segmentation_init,
    .va_fields = segmentation_va_fields,
    REGISTERS_OPS,
};
