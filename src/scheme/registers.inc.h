/* registers.inc.h - schemes whose segments are all in the processor's registers.
 *
 * Define before including: SEGMENTS, how many an address space has, and
 *     static bool registers_find(const struct registers *s, vm_va va, struct vm_span *span,
 *                                unsigned *which);
 * after it (it is declared here): which segment va is in, and its span or the gap about it; and
 * REGISTERS_RIGHTS, the rights that registers tell apart.
 *
 * The kernel keeps a segment's registers with its process and loads them at a switch. There are no
 * accessed and dirty bits: a writable segment counts as dirty from the beginning.
 */
#include "base/assert.h"
#include "scheme/answers.h"
#include "scheme/segments.h"

struct registers_space {
    bool open;
    struct vm_segment segment[SEGMENTS];
};

struct registers {
    struct vm_scheme_env env;
    unsigned bits, segment_bits;   /* segment_bits: top bits that choose one */
    struct registers_space *space; /* [nasids] */
};

static bool registers_find(const struct registers *s, vm_va va, struct vm_span *span,
                           unsigned *which);

static unsigned registers_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static size_t registers_size(const struct vm_scheme_env *env)
{
    return sizeof(struct registers) + env->nasids * sizeof(struct registers_space);
}

static void registers_init(struct registers *s, const struct vm_scheme_env *env)
{
    s->env = *env;
    s->bits = registers_va_bits(env);
    s->space = (struct registers_space *)(s + 1);
}

static bool registers_open(void *state, vm_asid asid)
{
    struct registers *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    s->space[asid] = (struct registers_space){.open = true};
    return true;
}

static void registers_close(void *state, vm_asid asid)
{
    struct registers *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    s->space[asid].open = false;
}

static bool registers_span(const void *state, vm_va va, struct vm_span *out)
{
    unsigned which;
    return registers_find(state, va, out, &which);
}

static struct vm_segment registers_segment(const void *state, vm_asid asid, vm_va va)
{
    const struct registers *s = state;
    struct vm_span span;
    unsigned which;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    if (!registers_find(s, va, &span, &which))
        return (struct vm_segment){.state = VM_PTE_EMPTY};
    return s->space[asid].segment[which];
}

static void registers_set_segment(void *state, vm_asid asid, vm_va va, struct vm_segment segment)
{
    struct registers *s = state;
    struct vm_span span;
    unsigned which;
    bool found = registers_find(s, va, &span, &which);
    VM_ASSERT(found && s->space[asid].open);
    VM_ASSERT(segment.pages <= span_pages(&span, s->env.page_shift));
    segment.prot |= VM_PROT_ALL & ~REGISTERS_RIGHTS;
    segment.accessed = segment.dirty = false;
    s->space[asid].segment[which] = segment;
}

static const struct vm_segment_ops registers_segments = {.rights = REGISTERS_RIGHTS,
                                                         .span = registers_span,
                                                         .get = registers_segment,
                                                         .set = registers_set_segment};

static bool registers_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    const struct registers *s = state;
    struct vm_span span;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open && order == 0);
    return registers_span(s, va, &span) ||
           vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx is in no segment: expected %s",
                   (unsigned long long)va, REGISTERS_EXPECTED);
}

static struct vm_pte registers_get(const void *state, vm_asid asid, vm_va va)
{
    const struct registers *s = state;
    struct vm_span span;
    unsigned which;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    if (!registers_find(s, va, &span, &which))
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    return segment_pte(&span, &s->space[asid].segment[which], va, s->env.page_shift);
}

static void registers_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    (void)state, (void)asid, (void)va, (void)pte;
    VM_ASSERT(!"pages of a segment are not set one by one");
}

static vm_va registers_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct registers *s = state;
    vm_va limit = vm_low_bits(s->bits) + 1 < end ? vm_low_bits(s->bits) + 1 : end;
    struct vm_span span;
    unsigned which;
    while (va < limit) {
        bool found = registers_find(s, va, &span, &which);
        vm_va at = found
                       ? segment_next(&span, &s->space[asid].segment[which], va, s->env.page_shift)
                       : span.end;
        if (at < span.end)
            return at < end ? at : end;
        va = span.end;
    }
    return end;
}

static void registers_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    (void)state, (void)asid, (void)va, (void)end; /* there are no tables */
}

static void registers_walk(void *state, vm_asid asid, vm_va va, enum vm_access access,
                           unsigned mode, struct vm_walk *out)
{
    const struct registers *s = state;
    struct vm_span span;
    unsigned which;
    (void)mode;
    walk_begin(out);
    if (!registers_find(s, va, &span, &which)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    segment_walk(out, &span, &s->space[asid].segment[which], va, access, s->env.page_shift);
    out->dirty = (out->prot & VM_PROT_WRITE) != 0;
}

static void registers_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct registers *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    *out = (struct vm_footprint){.kernel_bytes = sizeof s->space[asid].segment};
}

static void registers_check(const void *state)
{
    const struct registers *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        for (unsigned i = 0; s->space[asid].open && i < SEGMENTS; i++)
            VM_ASSERT((s->space[asid].segment[i].state == VM_PTE_EMPTY) ==
                      (s->space[asid].segment[i].pages == 0));
}

static size_t registers_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                                    struct vm_field *out)
{
    (void)state, (void)walk, (void)i, (void)out; /* walks read no words */
    return 0;
}

#define REGISTERS_OPS                                                                              \
    .unit = VM_UNIT_SEGMENT, .segments = &registers_segments, .in_registers = true,                \
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY, .va_bits = registers_va_bits,                   \
    .orders = scheme_base_orders, .size = registers_size, .open = registers_open,                  \
    .close = registers_close, .ensure = registers_ensure, .get = registers_get,                    \
    .set = registers_set, .next = registers_next, .trim = registers_trim, .walk = registers_walk,  \
    .footprint = registers_footprint, .check = registers_check,                                    \
    .word_fields = registers_word_fields
