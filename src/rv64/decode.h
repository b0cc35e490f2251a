/* decode.h - an instruction's bits taken apart.
 *
 * The idea: everything that depends only on the bits is worked out once. A compressed instruction
 * is first written as the 32-bit one that it stands for (volume I, chapter 16, says so of each), so
 * that there is one decoder and one text for both.
 *
 * Invariants
 *  1. Each word decodes to a row of insns.def, or to RV64_illegal.
 *  2. rd of an integer instruction is never 0: what goes to x0 goes to RV64_NOWHERE.
 *
 * Source: The RISC-V Instruction Set Manual, volume I, chapters 2.3 (immediates), 16 and 24.
 */
#ifndef RV64_DECODE_H
#define RV64_DECODE_H

#include <stdbool.h>
#include <stdint.h>

/* The operands, in the order of an assembler's text. Those of F_ are floating-point registers and
 * have a rounding mode, unless EXACT. */
enum rv64_format {
    RV64_R,              /* rd, rs1, rs2 */
    RV64_I,              /* rd, rs1, imm */
    RV64_SHIFT,          /* rd, rs1, shamt */
    RV64_LOAD,           /* rd, imm(rs1) */
    RV64_STORE,          /* rs2, imm(rs1) */
    RV64_B,              /* rs1, rs2, target */
    RV64_U,              /* rd, imm */
    RV64_J,              /* rd, target */
    RV64_JALR,           /* rd, imm(rs1) */
    RV64_CSR,            /* rd, csr, rs1 */
    RV64_CSRI,           /* rd, csr, uimm (in rs1) */
    RV64_LR,             /* rd, (rs1) */
    RV64_AMO,            /* rd, rs2, (rs1) */
    RV64_FLOAD,          /* fd, imm(rs1) */
    RV64_FSTORE,         /* fs2, imm(rs1) */
    RV64_F1,             /* fd, fs1 */
    RV64_F2,             /* fd, fs1, fs2 */
    RV64_F3,             /* fd, fs1, fs2, fs3 */
    RV64_F2_EXACT,       /* fd, fs1, fs2 */
    RV64_X_FROM_F,       /* rd, fs1 */
    RV64_X_FROM_F_EXACT, /* rd, fs1 */
    RV64_X_FROM_F2,      /* rd, fs1, fs2; exact */
    RV64_F_FROM_X,       /* fd, rs1 */
    RV64_F_FROM_X_EXACT, /* fd, rs1 */
    RV64_SYSTEM,         /* none; the block ends */
    RV64_NONE,
};

enum rv64_code {
#define INSN(name, text, mask, match, format) RV64_##name,
#include "rv64/insns.def"
#undef INSN
    RV64_illegal, /* imm: the bits */
    RV64_onward,  /* no instruction: the block ends, and what follows it is next */
    RV64_along,   /* jal, whose target is the next operation */
    RV64_CODES
};

/* The handlers of the loop: one a code; then those that take a carried operand; then those of pairs
 * and triples, four and eight of each. Of these the number's bit i says that operand i is carried.
 */
enum rv64_handler {
    RV64_PLAIN = RV64_CODES - 1,
#define CARRIED(name) RV64_##name##_c,
#include "rv64/carried.def"
#undef CARRIED
    RV64_PAIRS,
    RV64_BEFORE_PAIRS = RV64_PAIRS - 1,
#define PAIR(a, b) RV64_##a##_##b, RV64_##a##_##b##_last = RV64_##a##_##b + 3,
#define TRIPLE(a, b, c)
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE
    RV64_TRIPLES,
    RV64_BEFORE_TRIPLES = RV64_TRIPLES - 1,
#define PAIR(a, b)
#define TRIPLE(a, b, c)                                                                            \
    RV64_##a##_##b##_##c, RV64_##a##_##b##_##c##_last = RV64_##a##_##b##_##c + 7,
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE
    RV64_HANDLERS
};

/* A row of insns.def. */
struct rv64_row {
    const char *text;
    uint32_t mask, match;
    enum rv64_format format;
};
extern const struct rv64_row rv64_rows[RV64_illegal];

/* The CSRs that user mode has (volume I, table 24.3); the counters are read-only. */
enum rv64_csr {
    RV64_FFLAGS = 0x001,
    RV64_FRM = 0x002,
    RV64_FCSR = 0x003,
    RV64_CYCLE = 0xc00,
    RV64_TIME = 0xc01,
    RV64_INSTRET = 0xc02,
};

#define RV64_NOWHERE 32 /* x[32] takes what is written to x0 */

struct rv64_insn {
    uint16_t code; /* enum rv64_code */
    uint8_t rd, rs1, rs2;
    uint8_t bytes; /* 2 or 4 */
    int32_t imm;   /* also a shift's amount, a CSR's number, an illegal instruction's bits; of an
                      instruction that rounds: rv64_rounding */
};

/* What an instruction that rounds has in imm: its third operand, the rounding mode, and a mask for
 * frm: 7 if the mode is that of the hart (then it is 0 here). */
static inline int32_t rv64_rounding(unsigned rs3, unsigned mode, unsigned of_hart)
{
    return (int32_t)(rs3 | mode << 8 | of_hart << 16);
}
static inline unsigned rv64_rs3(int32_t rounding)
{
    return rounding & 31;
}
static inline unsigned rv64_mode(int32_t rounding, unsigned frm)
{
    return (rounding >> 8 & 7) | (frm & rounding >> 16);
}
/* The bits of an instruction that takes its rounding mode from the hart. */
uint32_t rv64_rounding_bits(unsigned code, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm);

/* Bytes of the instruction whose first 16 bits are these. */
static inline unsigned rv64_bytes(uint16_t first)
{
    return (first & 3) == 3 ? 4 : 2;
}
/* Take apart the instruction `bits`; of a short one the upper half is not looked at. */
struct rv64_insn rv64_decode(uint32_t bits);
/* Does the instruction access data, so that its fetch group ends? */
bool rv64_is_data(unsigned code);
/* Is its result, if it has one, what the loop carries: computed from, or loaded to, an integer
 * register? And does it write an integer register otherwise? */
bool rv64_computes(unsigned code);
bool rv64_writes_integer(unsigned code);
/* Has it a floating-point register? */
bool rv64_has_float(unsigned code);
bool rv64_branches(unsigned code);
/* Is no instruction in a block after it: a jump by register, a trap, or one that needs the hart's
 * counters? */
bool rv64_ends_block(unsigned code);
/* The 32-bit instruction that a compressed one stands for; 0, which is illegal, if for none. */
uint32_t rv64_expand(uint16_t bits);

#endif
