/* soft_float.h - IEEE 754 arithmetic in integers, for every rounding mode.
 *
 * The definition of what a floating-point instruction gives, to the bit and to the flag. The loop
 * uses the host's arithmetic where it is the same (float.h) and this where it may not be: another
 * mode than to nearest even, and results that are NaN.
 *
 *   unpack -> an exact result, of 128 bits the last of which is sticky -> round once, pack
 *
 * Values are the bits of either precision, a single in the low half of its word (boxing is the
 * caller's). Flags are or-ed into *flags.
 *
 * Invariants
 *  1. A result that is NaN is the canonical one.
 *  2. A result is rounded once, from an exact value or one with a sticky bit below 64 exact ones.
 *  3. Tininess is detected after rounding.
 *
 * Sources: IEEE 754-2008; The RISC-V Instruction Set Manual, volume I, chapters 11 and 12.
 */
#ifndef RV64_SOFT_FLOAT_H
#define RV64_SOFT_FLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* As frm has them (volume I, table 11.1). */
enum rv64_rounding { RV64_RNE, RV64_RTZ, RV64_RDN, RV64_RUP, RV64_RMM, RV64_ROUNDINGS };

/* As fflags has them (volume I, figure 11.2). */
enum rv64_fflags { RV64_NX = 1, RV64_UF = 2, RV64_OF = 4, RV64_DZ = 8, RV64_NV = 16 };

struct rv64_precision {
    unsigned frac_bits, exp_bits;
};
extern const struct rv64_precision rv64_single, rv64_double;

/* How an operation rounds, and what it raises. */
struct rv64_soft {
    const struct rv64_precision *precision;
    enum rv64_rounding mode;
    uint8_t flags;
};

uint64_t rv64_soft_add(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits);
uint64_t rv64_soft_mul(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits);
uint64_t rv64_soft_div(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits);
uint64_t rv64_soft_sqrt(struct rv64_soft *s, uint64_t a_bits);
/* a * b + c */
uint64_t rv64_soft_fma(struct rv64_soft *s, uint64_t a_bits, uint64_t b_bits, uint64_t c_bits);
/* To the precision of `s`, from another. */
uint64_t rv64_soft_convert(struct rv64_soft *s, const struct rv64_precision *from, uint64_t bits);
uint64_t rv64_soft_from_int(struct rv64_soft *s, uint64_t magnitude, bool negative);
/* To an integer of `width` bits (32 or 64), the nearest one where it has none such. */
int64_t rv64_soft_to_int(struct rv64_soft *s, uint64_t bits, unsigned width);
uint64_t rv64_soft_to_uint(struct rv64_soft *s, uint64_t bits, unsigned width);

/* The operations that never round. */
uint64_t rv64_soft_negate(const struct rv64_precision *p, uint64_t bits);
uint64_t rv64_soft_min(struct rv64_soft *s, uint64_t a, uint64_t b);
uint64_t rv64_soft_max(struct rv64_soft *s, uint64_t a, uint64_t b);
/* Where an operand is NaN no comparison holds: that is NV, of `equal` only if one signals. */
bool rv64_soft_equal(struct rv64_soft *s, uint64_t a, uint64_t b);
bool rv64_soft_less(struct rv64_soft *s, uint64_t a, uint64_t b);
bool rv64_soft_less_equal(struct rv64_soft *s, uint64_t a, uint64_t b);
/* The mask of FCLASS (volume I, table 11.5). */
unsigned rv64_soft_class(const struct rv64_precision *p, uint64_t bits);

#endif
