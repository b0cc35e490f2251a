/* rv64_naive_float.c - F and D by the host, which is told the rounding mode and asked for the flags
 * around each single operation.
 *
 * A host has no RMM, which differs from RNE only where the exact result lies in the middle of two
 * neighbours. The middle has one bit more, and that much room is in a long double: so a result is a
 * tie if and only if long doubles give it exactly and it is the middle of what RDN and RUP give.
 */
#include "oracle/rv64_naive.h"
#include <fenv.h>
#include <math.h>
#include <string.h>

#define BOX 0xffffffff00000000

struct operation {
    struct vm_rv64 *hart;
    unsigned funct7, rd, rs1, rs2, rs3, funct3;
    unsigned mode; /* effective */
    bool wide;     /* double */
};

static const int host_mode[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static uint32_t single_bits(const struct operation *o, unsigned reg)
{
    uint64_t f = o->hart->f[reg];
    return f >> 32 == UINT32_MAX ? (uint32_t)f : 0x7fc00000;
}

static double get_d(const struct operation *o, unsigned reg)
{
    double d;
    memcpy(&d, &o->hart->f[reg], 8);
    return d;
}

static float get_f(const struct operation *o, unsigned reg)
{
    uint32_t bits = single_bits(o, reg);
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

static void put_d(const struct operation *o, double d)
{
    memcpy(&o->hart->f[o->rd], &d, 8);
    if (isnan(d))
        o->hart->f[o->rd] = 0x7ff8000000000000;
}

static void put_f(const struct operation *o, float f)
{
    uint32_t bits;
    memcpy(&bits, &f, 4);
    o->hart->f[o->rd] = BOX | (isnan(f) ? 0x7fc00000 : bits);
}

static void put_x(const struct operation *o, uint64_t value)
{
    if (o->rd)
        o->hart->x[o->rd] = value;
}

static bool signalling_d(uint64_t bits)
{
    return (bits & 0x7ff8000000000000) == 0x7ff0000000000000 && bits << 12;
}
static bool signalling_f(uint32_t bits)
{
    return (bits & 0x7fc00000) == 0x7f800000 && bits << 9;
}

enum kind { ADD, SUB, MUL, DIV, SQRT, FMA, CONVERT };

struct operands {
    long double a, b, c;
};

/* compute_NAME(kind, operands): the operation on operands that were made `type`s first. */
#define COMPUTE(name, type, root, fused)                                                           \
    static type compute_##name(enum kind kind, struct operands v)                                  \
    {                                                                                              \
        volatile long double exact = v.a;                                                          \
        volatile type a = (type)exact, b = (type)v.b, c = (type)v.c;                               \
        switch (kind) {                                                                            \
        case ADD:                                                                                  \
            return a + b;                                                                          \
        case SUB:                                                                                  \
            return a - b;                                                                          \
        case MUL:                                                                                  \
            return a * b;                                                                          \
        case DIV:                                                                                  \
            return a / b;                                                                          \
        case SQRT:                                                                                 \
            return root(a);                                                                        \
        case FMA:                                                                                  \
            return fused(a, b, c);                                                                 \
        case CONVERT:                                                                              \
            break;                                                                                 \
        }                                                                                          \
        return a;                                                                                  \
    }
COMPUTE(long, long double, sqrtl, fmal)
COMPUTE(double, double, sqrt, fma)
COMPUTE(float, float, sqrtf, fmaf)

/* In a mode of the host's; what is raised is left in the host. */
static double compute(bool wide, int mode, enum kind kind, struct operands v)
{
    fesetround(mode);
    feclearexcept(FE_ALL_EXCEPT);
    volatile double r = wide ? compute_double(kind, v) : compute_float(kind, v);
    fesetround(FE_TONEAREST);
    return r;
}

static bool is_tie(enum kind kind, struct operands v, double low, double high)
{
    if (low == high || !isfinite(low) || !isfinite(high))
        return false;
    feclearexcept(FE_ALL_EXCEPT);
    volatile long double exact = compute_long(kind, v);
    return !fetestexcept(FE_INEXACT) && exact == ((long double)low + high) / 2;
}

static void raise_flags(const struct operation *o)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    static const int flag[] = {FE_INEXACT, FE_UNDERFLOW, FE_OVERFLOW, FE_DIVBYZERO, FE_INVALID};
    for (unsigned i = 0; i < 5; i++)
        o->hart->fflags |= raised & flag[i] ? 1 << i : 0;
}

static void put(const struct operation *o, double r)
{
    if (o->wide)
        put_d(o, r);
    else
        put_f(o, (float)r);
}

static void finish(const struct operation *o, enum kind kind, struct operands v)
{
    bool away = o->mode == 4;
    double r = compute(o->wide, host_mode[away ? 0 : o->mode], kind, v);
    raise_flags(o);
    double low = compute(o->wide, FE_DOWNWARD, kind, v);
    double high = compute(o->wide, FE_UPWARD, kind, v);
    if (away && is_tie(kind, v, low, high))
        r = fabs(low) > fabs(high) ? low : high;
    put(o, r);
}

static bool signals(const struct operation *o, unsigned reg, bool wide)
{
    return wide ? signalling_d(o->hart->f[reg]) : signalling_f(single_bits(o, reg));
}

static long double get(const struct operation *o, unsigned reg)
{
    return o->wide ? (long double)get_d(o, reg) : (long double)get_f(o, reg);
}

static bool arithmetic(const struct operation *o, enum kind kind)
{
    struct operands v = {get(o, o->rs1), kind == SQRT ? 0 : get(o, o->rs2), 0};
    if (signals(o, o->rs1, o->wide) || (kind != SQRT && signals(o, o->rs2, o->wide)))
        o->hart->fflags |= 16;
    finish(o, kind, v);
    return true;
}

/* Zero times infinity raises NV whatever is added; a host may not when that is NaN. */
static void multiply_add(const struct operation *o, bool minus_product, bool minus_addend)
{
    struct operands v = {get(o, o->rs1), get(o, o->rs2), get(o, o->rs3)};
    if ((v.a == 0 && isinf(v.b)) || (isinf(v.a) && v.b == 0) || signals(o, o->rs1, o->wide) ||
        signals(o, o->rs2, o->wide) || signals(o, o->rs3, o->wide))
        o->hart->fflags |= 16;
    v.a = minus_product ? -v.a : v.a;
    v.c = minus_addend ? -v.c : v.c;
    finish(o, FMA, v);
}

static bool sign(const struct operation *o)
{
    uint64_t top = o->wide ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    uint64_t a = o->wide ? o->hart->f[o->rs1] : single_bits(o, o->rs1);
    uint64_t b = o->wide ? o->hart->f[o->rs2] : single_bits(o, o->rs2);
    uint64_t with = o->funct3 == 0 ? b : o->funct3 == 1 ? ~b : a ^ b;
    if (o->funct3 > 2)
        return false;
    o->hart->f[o->rd] = (a & ~top) | (with & top) | (o->wide ? 0 : BOX);
    return true;
}

static bool least_or_most(const struct operation *o)
{
    double a = o->wide ? get_d(o, o->rs1) : get_f(o, o->rs1);
    double b = o->wide ? get_d(o, o->rs2) : get_f(o, o->rs2);
    bool first = a < b || (a == b && signbit(a));
    if (o->funct3 > 1)
        return false;
    if (signals(o, o->rs1, o->wide) || signals(o, o->rs2, o->wide))
        o->hart->fflags |= 16;
    if (o->funct3 == 1)
        first = !first;
    double r = isnan(a) ? b : isnan(b) ? a : first ? a : b;
    if (o->wide)
        put_d(o, r);
    else
        put_f(o, (float)r);
    return true;
}

static bool compare(const struct operation *o)
{
    volatile double a = o->wide ? get_d(o, o->rs1) : get_f(o, o->rs1);
    volatile double b = o->wide ? get_d(o, o->rs2) : get_f(o, o->rs2);
    bool quiet = o->funct3 == 2;
    bool signal = signals(o, o->rs1, o->wide) || signals(o, o->rs2, o->wide);
    if (o->funct3 > 2)
        return false;
    if (signal || (!quiet && (isnan(a) || isnan(b))))
        o->hart->fflags |= 16;
    bool unordered = isnan(a) || isnan(b);
    put_x(o, !unordered && (quiet ? a == b : o->funct3 == 1 ? a < b : a <= b));
    return true;
}

/* As an integer, by way of the widest type that holds all of them. */
static bool to_integer(const struct operation *o)
{
    static const long double least[] = {-0x1p31L, 0, -0x1p63L, 0};
    static const long double most[] = {0x1p31L - 1, 0x1p32L - 1, 0x1p63L - 1, 0x1p64L - 1};
    volatile long double a = get(o, o->rs1);
    if (o->rs2 > 3)
        return false;
    fesetround(host_mode[o->mode == 4 ? 0 : o->mode]);
    volatile long double r = o->mode == 4 ? roundl(a) : nearbyintl(a);
    fesetround(FE_TONEAREST);
    bool high = isnan(a) || r > most[o->rs2], low = r < least[o->rs2];
    o->hart->fflags |= high || low ? 16 : r != a ? 1 : 0;
    long double limited = high ? most[o->rs2] : low ? least[o->rs2] : r;
    uint64_t value = limited < 0 ? -(uint64_t)-limited : (uint64_t)limited;
    put_x(o, o->rs2 < 2 ? (uint64_t)(int64_t)(int32_t)value : value);
    return true;
}

static bool from_integer(const struct operation *o)
{
    uint64_t x = o->hart->x[o->rs1];
    long double exact = o->rs2 == 0   ? (int32_t)x
                        : o->rs2 == 1 ? (uint32_t)x
                        : o->rs2 == 2 ? (long double)(int64_t)x
                                      : (long double)x;
    if (o->rs2 > 3)
        return false;
    finish(o, CONVERT, (struct operands){exact, 0, 0});
    return true;
}

static bool other_precision(const struct operation *o)
{
    if (o->rs2 != (o->wide ? 0 : 1))
        return false;
    if (signals(o, o->rs1, !o->wide))
        o->hart->fflags |= 16;
    long double a = o->wide ? (long double)get_f(o, o->rs1) : (long double)get_d(o, o->rs1);
    finish(o, CONVERT, (struct operands){a, 0, 0});
    return true;
}

static unsigned class_of(const struct operation *o)
{
    double a = get_d(o, o->rs1);
    float f = get_f(o, o->rs1);
    bool negative = o->wide ? signbit(a) : signbit(f);
    switch (o->wide ? fpclassify(a) : fpclassify(f)) {
    case FP_INFINITE:
        return negative ? 1 : 1 << 7;
    case FP_NORMAL:
        return negative ? 1 << 1 : 1 << 6;
    case FP_SUBNORMAL:
        return negative ? 1 << 2 : 1 << 5;
    case FP_ZERO:
        return negative ? 1 << 3 : 1 << 4;
    }
    return signals(o, o->rs1, o->wide) ? 1 << 8 : 1 << 9;
}

static bool move_out(const struct operation *o)
{
    uint64_t bits = o->hart->f[o->rs1];
    if (o->rs2 || o->funct3 > 1)
        return false;
    if (o->funct3 == 1)
        put_x(o, class_of(o));
    else
        put_x(o, o->wide ? bits : (uint64_t)(int64_t)(int32_t)bits);
    return true;
}

static bool move_in(const struct operation *o)
{
    uint64_t x = o->hart->x[o->rs1];
    if (o->rs2 || o->funct3)
        return false;
    o->hart->f[o->rd] = o->wide ? x : BOX | (uint32_t)x;
    return true;
}

static bool dispatch(const struct operation *o, bool mode_allowed)
{
    switch (o->funct7 >> 2) {
    case 0x04:
        return sign(o);
    case 0x05:
        return least_or_most(o);
    case 0x14:
        return compare(o);
    case 0x1c:
        return move_out(o);
    case 0x1e:
        return move_in(o);
    }
    if (!mode_allowed)
        return false;
    switch (o->funct7 >> 2) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03:
        return arithmetic(o, (enum kind)(o->funct7 >> 2));
    case 0x0b:
        return !o->rs2 && arithmetic(o, SQRT);
    case 0x08:
        return other_precision(o);
    case 0x18:
        return to_integer(o);
    case 0x1a:
        return from_integer(o);
    }
    return false;
}

bool naive_rv64_float(struct vm_rv64 *hart, uint32_t bits)
{
    unsigned opcode = bits & 0x7f, static_mode = bits >> 12 & 7;
    struct operation o = {
        .hart = hart,
        .funct7 = bits >> 25,
        .rd = bits >> 7 & 31,
        .rs1 = bits >> 15 & 31,
        .rs2 = bits >> 20 & 31,
        .rs3 = bits >> 27,
        .funct3 = static_mode,
        .mode = static_mode == 7 ? hart->frm : static_mode,
        .wide = bits >> 25 & 1,
    };
    bool multiplies = opcode == 0x43 || opcode == 0x47 || opcode == 0x4b || opcode == 0x4f;
    if ((opcode != 0x53 && !multiplies) || (bits >> 26 & 1))
        return false;
    bool mode_allowed = o.mode <= 4;
    if (!multiplies)
        return dispatch(&o, mode_allowed);
    if (!mode_allowed)
        return false;
    multiply_add(&o, opcode == 0x4b || opcode == 0x4f, opcode == 0x47 || opcode == 0x4f);
    return true;
}
