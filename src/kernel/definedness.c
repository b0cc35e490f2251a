/* definedness.c - see definedness.h.
 *
 * Exact (for operands that do not depend on each other): and, or, xor, shifts by a known amount,
 * comparisons, loads, sums of up to two undefined operands as far as bounds tell. On the safe side:
 * products are undefined from the lowest undefined bit of a factor on, quotients and shifts by an
 * unknown amount altogether.
 */
#include "kernel/definedness.h"

#include "rv64/decode.h"

#define SIGN (UINT64_C(1) << 63)

static uint64_t least(struct partial a)
{
    return a.value & ~a.undefined;
}

static uint64_t greatest(struct partial a)
{
    return a.value | a.undefined;
}

static uint64_t all_if(uint64_t undefined)
{
    return undefined ? UINT64_MAX : 0;
}

static uint64_t extended(uint64_t word)
{
    return (uint64_t)(int64_t)(int32_t)word;
}

static struct partial word_of(struct partial a)
{
    return (struct partial){(uint32_t)a.value, (uint32_t)a.undefined};
}

/* As an unsigned number in the same order. */
static struct partial biased(struct partial a)
{
    return (struct partial){a.value ^ SIGN, a.undefined};
}

static uint64_t sum(struct partial a, struct partial b)
{
    uint64_t low = least(a) + least(b), high = greatest(a) + greatest(b);
    return a.undefined | b.undefined | (low ^ high);
}

static uint64_t difference(struct partial a, struct partial b)
{
    uint64_t low = least(a) - greatest(b), high = greatest(a) - least(b);
    return a.undefined | b.undefined | (low ^ high);
}

/* The lowest undefined bit, and all above. */
static uint64_t upwards(uint64_t undefined)
{
    return undefined | -undefined;
}

static bool less_unknown(struct partial a, struct partial b)
{
    bool always = greatest(a) < least(b), never = least(a) >= greatest(b);
    return !always && !never;
}

static bool equal_unknown(struct partial a, struct partial b)
{
    uint64_t unknown = a.undefined | b.undefined;
    return unknown && !((a.value ^ b.value) & ~unknown);
}

static uint64_t both(struct partial a, struct partial b)
{
    return (a.undefined & greatest(b)) | (b.undefined & greatest(a));
}

static uint64_t either(struct partial a, struct partial b)
{
    return (a.undefined & ~least(b)) | (b.undefined & ~least(a));
}

/* The amount is in `mask` bits of b. */
static uint64_t shifted(unsigned code, struct partial a, struct partial b, unsigned mask)
{
    unsigned by = (unsigned)(b.value & mask);
    if (b.undefined & mask)
        return UINT64_MAX;
    switch (code) {
    case RV64_sll:
    case RV64_slli:
        return a.undefined << by;
    case RV64_srl:
    case RV64_srli:
        return a.undefined >> by;
    case RV64_sra:
    case RV64_srai:
        return (uint64_t)((int64_t)a.undefined >> by);
    case RV64_sllw:
    case RV64_slliw:
        return extended(a.undefined << by);
    case RV64_srlw:
    case RV64_srliw:
        return extended((uint32_t)a.undefined >> by);
    default: /* sraw, sraiw */
        return (uint64_t)(int64_t)((int32_t)a.undefined >> by);
    }
}

/* Where nothing is undefined the answer is the same for every code. */
static uint64_t result(unsigned code, struct partial a, struct partial b)
{
    switch (code) {
    case RV64_add:
    case RV64_addi:
        return sum(a, b);
    case RV64_addw:
    case RV64_addiw:
        return extended(sum(word_of(a), word_of(b)));
    case RV64_sub:
        return difference(a, b);
    case RV64_subw:
        return extended(difference(word_of(a), word_of(b)));
    case RV64_and:
    case RV64_andi:
        return both(a, b);
    case RV64_or:
    case RV64_ori:
        return either(a, b);
    case RV64_xor:
    case RV64_xori:
        return a.undefined | b.undefined;
    case RV64_sltu:
    case RV64_sltiu:
        return less_unknown(a, b);
    case RV64_slt:
    case RV64_slti:
        return less_unknown(biased(a), biased(b));
    case RV64_mul:
        return upwards(a.undefined | b.undefined);
    case RV64_mulw:
        return extended(upwards((uint32_t)(a.undefined | b.undefined)));
    case RV64_sll:
    case RV64_slli:
    case RV64_srl:
    case RV64_srli:
    case RV64_sra:
    case RV64_srai:
        return shifted(code, a, b, 63);
    case RV64_sllw:
    case RV64_slliw:
    case RV64_srlw:
    case RV64_srliw:
    case RV64_sraw:
    case RV64_sraiw:
        return shifted(code, a, b, 31);
    case RV64_divw:
    case RV64_divuw:
    case RV64_remw:
    case RV64_remuw:
        return all_if((uint32_t)(a.undefined | b.undefined));
    default: /* the other products and quotients */
        return all_if(a.undefined | b.undefined);
    }
}

uint64_t vm_undefined_result(unsigned code, struct partial a, struct partial b)
{
    return a.undefined | b.undefined ? result(code, a, b) : 0;
}

bool vm_undefined_decides(unsigned code, struct partial a, struct partial b)
{
    if (!(a.undefined | b.undefined))
        return false;
    switch (code) {
    case RV64_beq:
    case RV64_bne:
        return equal_unknown(a, b);
    case RV64_bltu:
    case RV64_bgeu:
        return less_unknown(a, b);
    default: /* blt, bge */
        return less_unknown(biased(a), biased(b));
    }
}

uint64_t vm_undefined_loaded(unsigned code, uint64_t undefined)
{
    switch (code) {
    case RV64_lb:
        return (uint64_t)(int64_t)(int8_t)undefined;
    case RV64_lh:
        return (uint64_t)(int64_t)(int16_t)undefined;
    case RV64_lw:
    case RV64_lr_w:
        return extended(undefined);
    default:
        return undefined;
    }
}
