/* float.c - floating-point instructions in integers (float.h): operands, operation, result. */
#include "rv64/float.h"
#include "base/assert.h"

void rv64_flags_take(struct vm_rv64 *hart)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    hart->fflags |= (raised & FE_INEXACT ? RV64_NX : 0) | (raised & FE_UNDERFLOW ? RV64_UF : 0) |
                    (raised & FE_OVERFLOW ? RV64_OF : 0) | (raised & FE_DIVBYZERO ? RV64_DZ : 0) |
                    (raised & FE_INVALID ? RV64_NV : 0);
}

/* An instruction taken apart into its precision and what it does; the codes of the two precisions
 * are rows of insns.def. */
#define FOR_EACH(X)                                                                                \
    X(fadd, ADD)                                                                                   \
    X(fsub, SUB)                                                                                   \
    X(fmul, MUL)                                                                                   \
    X(fdiv, DIV)                                                                                   \
    X(fsqrt, SQRT)                                                                                 \
    X(fmadd, MADD)                                                                                 \
    X(fmsub, MSUB)                                                                                 \
    X(fnmsub, NMSUB)                                                                               \
    X(fnmadd, NMADD)                                                                               \
    X(fmin, MIN)                                                                                   \
    X(fmax, MAX)                                                                                   \
    X(feq, EQUAL)                                                                                  \
    X(flt, LESS)                                                                                   \
    X(fle, LESS_EQUAL)                                                                             \
    X(fclass, CLASS)                                                                               \
    X(fcvt_w, TO_W)                                                                                \
    X(fcvt_wu, TO_WU)                                                                              \
    X(fcvt_l, TO_L)                                                                                \
    X(fcvt_lu, TO_LU)

enum operation {
#define X(name, operation) operation,
    FOR_EACH(X)
#undef X
        FROM_W,
    FROM_WU,
    FROM_L,
    FROM_LU,
    FROM_OTHER, /* from the other precision */
};

struct meaning {
    enum operation operation;
    bool is_double; /* the precision of the result, or of the operand of one that is an integer */
};

static struct meaning meaning_of(enum rv64_code code)
{
    switch (code) {
#define X(name, operation)                                                                         \
    case RV64_##name##_s:                                                                          \
        return (struct meaning){operation, false};                                                 \
    case RV64_##name##_d:                                                                          \
        return (struct meaning){operation, true};
        FOR_EACH(X)
#undef X
#define FROM(name, operation)                                                                      \
    case RV64_fcvt_s_##name:                                                                       \
        return (struct meaning){operation, false};                                                 \
    case RV64_fcvt_d_##name:                                                                       \
        return (struct meaning){operation, true};
        FROM(w, FROM_W)
        FROM(wu, FROM_WU)
        FROM(l, FROM_L)
        FROM(lu, FROM_LU)
#undef FROM
    case RV64_fcvt_s_d:
        return (struct meaning){FROM_OTHER, false};
    case RV64_fcvt_d_s:
        return (struct meaning){FROM_OTHER, true};
    default:
        VM_ASSERT(!"an instruction of F or D that computes");
        return (struct meaning){ADD, false};
    }
}

static uint64_t from_signed(struct rv64_soft *s, int64_t value)
{
    return rv64_soft_from_int(s, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

/* The operations whose result is a floating-point number, on the bits of their operands; `x` is the
 * integer register rs1. */
static uint64_t float_result(struct rv64_soft *s, enum operation operation, const uint64_t f[3],
                             uint64_t x)
{
    const struct rv64_precision *p = s->precision;
    switch (operation) {
    case ADD:
        return rv64_soft_add(s, f[0], f[1]);
    case SUB:
        return rv64_soft_add(s, f[0], rv64_soft_negate(p, f[1]));
    case MUL:
        return rv64_soft_mul(s, f[0], f[1]);
    case DIV:
        return rv64_soft_div(s, f[0], f[1]);
    case SQRT:
        return rv64_soft_sqrt(s, f[0]);
    case MADD:
        return rv64_soft_fma(s, f[0], f[1], f[2]);
    case MSUB:
        return rv64_soft_fma(s, f[0], f[1], rv64_soft_negate(p, f[2]));
    case NMSUB:
        return rv64_soft_fma(s, rv64_soft_negate(p, f[0]), f[1], f[2]);
    case NMADD:
        return rv64_soft_fma(s, rv64_soft_negate(p, f[0]), f[1], rv64_soft_negate(p, f[2]));
    case MIN:
        return rv64_soft_min(s, f[0], f[1]);
    case MAX:
        return rv64_soft_max(s, f[0], f[1]);
    case FROM_W:
        return from_signed(s, (int32_t)x);
    case FROM_WU:
        return rv64_soft_from_int(s, (uint32_t)x, false);
    case FROM_L:
        return from_signed(s, (int64_t)x);
    default:
        return rv64_soft_from_int(s, x, false);
    }
}

/* Those whose result is an integer. */
static uint64_t integer_result(struct rv64_soft *s, enum operation operation, const uint64_t f[2])
{
    switch (operation) {
    case EQUAL:
        return rv64_soft_equal(s, f[0], f[1]);
    case LESS:
        return rv64_soft_less(s, f[0], f[1]);
    case LESS_EQUAL:
        return rv64_soft_less_equal(s, f[0], f[1]);
    case CLASS:
        return rv64_soft_class(s->precision, f[0]);
    case TO_W:
        return (uint64_t)rv64_soft_to_int(s, f[0], 32);
    case TO_WU:
        return (uint64_t)(int64_t)(int32_t)rv64_soft_to_uint(s, f[0], 32);
    case TO_L:
        return (uint64_t)rv64_soft_to_int(s, f[0], 64);
    default:
        return rv64_soft_to_uint(s, f[0], 64);
    }
}

static uint64_t operand(const struct vm_rv64 *hart, unsigned reg, bool is_double)
{
    return is_double ? hart->f[reg] : rv64_unbox(hart->f[reg]);
}

void rv64_float(struct vm_rv64 *hart, enum rv64_code code, const struct rv64_op *op,
                enum rv64_rounding mode)
{
    struct meaning m = meaning_of(code);
    struct rv64_soft s = {m.is_double ? &rv64_double : &rv64_single, mode, 0};
    const uint64_t f[3] = {
        operand(hart, op->rs1, m.is_double),
        operand(hart, op->rs2, m.is_double),
        operand(hart, rv64_rs3(op->imm), m.is_double),
    };
    if (m.operation >= EQUAL && m.operation <= TO_LU) {
        hart->x[op->rd] = integer_result(&s, m.operation, f);
    } else {
        uint64_t result;
        if (m.operation == FROM_OTHER)
            result = rv64_soft_convert(&s, m.is_double ? &rv64_single : &rv64_double,
                                       operand(hart, op->rs1, !m.is_double));
        else
            result = float_result(&s, m.operation, f, hart->x[op->rs1]);
        hart->f[op->rd] = m.is_double ? result : RV64_BOX | result;
    }
    hart->fflags |= s.flags;
}
