/* float.h - floating-point instructions on the host's arithmetic.
 *
 * The host rounds to nearest even, always: its mode is never changed. Where the instruction's mode
 * is that one too, the host's result is right, but for which NaN it is; and so are the flags that
 * the host raises, which stay in the host until somebody asks (rv64_flags_take). Everything else is
 * done by soft_float.h, through rv64_float.
 *
 * What differs between hosts and RISC-V, and is therefore not left to the host: NaNs (payloads and
 * signs; infinity * 0 + NaN), minimum and maximum, conversions of what does not fit.
 *
 * Invariants
 *  1. While the loop runs, the host's flags are those of the program: whoever calls other code
 *     takes them before and drops them after.
 *
 * Sources: IEEE 754-2008, section 9; Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 1, section 4.9 (tininess after rounding, as RISC-V has it).
 */
#ifndef RV64_FLOAT_H
#define RV64_FLOAT_H

#include "rv64/run.h"
#include "rv64/soft_float.h"
#include <fenv.h>
#include <math.h>
#include <string.h>

#define RV64_BOX        UINT64_C(0xffffffff00000000)
#define RV64_NAN_SINGLE UINT32_C(0x7fc00000)

/* A register as a single: one that is not boxed is NaN (volume I, section 12.2). */
static inline uint32_t rv64_unbox(uint64_t f)
{
    return f >= RV64_BOX ? (uint32_t)f : RV64_NAN_SINGLE;
}
static inline float rv64_get_float(uint64_t f)
{
    uint32_t bits = rv64_unbox(f);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline uint64_t rv64_put_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return RV64_BOX | bits;
}
static inline double rv64_get_double(uint64_t f)
{
    double value;
    memcpy(&value, &f, sizeof value);
    return value;
}
static inline uint64_t rv64_put_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The host forgets what it has raised. */
static inline void rv64_flags_drop(void)
{
    if (fetestexcept(FE_ALL_EXCEPT))
        feclearexcept(FE_ALL_EXCEPT);
}
/* What the host has raised becomes the hart's. */
void rv64_flags_take(struct vm_rv64 *hart);

/* Do the floating-point instruction `code` with the rounding mode `mode`, in integers. */
void rv64_float(struct vm_rv64 *hart, enum rv64_code code, const struct rv64_op *op,
                enum rv64_rounding mode);

#endif
