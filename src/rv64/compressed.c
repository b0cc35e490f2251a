/* compressed.c - the C extension: 16 bits that stand for an instruction of 32.
 *
 * One function a quadrant (the low two bits), one line an instruction. The builders put fields
 * together the way the 32-bit formats have them.
 *
 * Source: The RISC-V Instruction Set Manual, volume I, chapter 16, tables 16.5 to 16.7 (RV64).
 */
#include "rv64/decode.h"

enum { X_ZERO = 0, X_RA = 1, X_SP = 2 };

/* Bits [at, at + n) of c, moved to begin at `to`. */
static uint32_t put(uint32_t c, unsigned at, unsigned n, unsigned to)
{
    return (c >> at & ((1u << n) - 1)) << to;
}

/* `value`'s low n bits as a signed number. */
static uint32_t extend(uint32_t value, unsigned n)
{
    return (uint32_t)((int32_t)(value << (32 - n)) >> (32 - n));
}

static uint32_t make_r(uint32_t opcode, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return opcode | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t make_i(uint32_t opcode, uint32_t rd, uint32_t rs1, uint32_t imm)
{
    return opcode | rd << 7 | rs1 << 15 | imm << 20;
}

static uint32_t make_s(uint32_t opcode, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return opcode | put(imm, 0, 5, 7) | rs1 << 15 | rs2 << 20 | put(imm, 5, 7, 25);
}

static uint32_t make_b(uint32_t opcode, uint32_t rs1, uint32_t imm)
{
    return opcode | put(imm, 11, 1, 7) | put(imm, 1, 4, 8) | rs1 << 15 | put(imm, 5, 6, 25) |
           put(imm, 12, 1, 31);
}

static uint32_t make_j(uint32_t rd, uint32_t imm)
{
    return 0x6f | rd << 7 | put(imm, 12, 8, 12) | put(imm, 11, 1, 20) | put(imm, 1, 10, 21) |
           put(imm, 20, 1, 31);
}

enum {
    ADDI = 0x13,
    SLLI = 0x1013,
    SRLI = 0x5013,
    SRAI = 0x40005013,
    ANDI = 0x7013,
    ADDIW = 0x1b,
    LUI = 0x37,
    ADD = 0x33,
    SUB = 0x40000033,
    XOR = 0x4033,
    OR = 0x6033,
    AND = 0x7033,
    SUBW = 0x4000003b,
    ADDW = 0x3b,
    FLD = 0x3007,
    LW = 0x2003,
    LD = 0x3003,
    FSD = 0x3027,
    SW = 0x2023,
    SD = 0x3023,
    BEQ = 0x63,
    BNE = 0x1063,
    JALR = 0x67,
    EBREAK = 0x100073,
};

/* The registers of three bits: x8 to x15. */
static uint32_t rd_low(uint32_t c)
{
    return 8 + put(c, 2, 3, 0);
}
static uint32_t rs1_low(uint32_t c)
{
    return 8 + put(c, 7, 3, 0);
}

static uint32_t offset_w(uint32_t c)
{
    return put(c, 10, 3, 3) | put(c, 6, 1, 2) | put(c, 5, 1, 6);
}
static uint32_t offset_d(uint32_t c)
{
    return put(c, 10, 3, 3) | put(c, 5, 2, 6);
}
static uint32_t offset_j(uint32_t c)
{
    return extend(put(c, 12, 1, 11) | put(c, 11, 1, 4) | put(c, 9, 2, 8) | put(c, 8, 1, 10) |
                      put(c, 7, 1, 6) | put(c, 6, 1, 7) | put(c, 3, 3, 1) | put(c, 2, 1, 5),
                  12);
}
static uint32_t offset_b(uint32_t c)
{
    return extend(put(c, 12, 1, 8) | put(c, 10, 2, 3) | put(c, 5, 2, 6) | put(c, 3, 2, 1) |
                      put(c, 2, 1, 5),
                  9);
}
static uint32_t imm6(uint32_t c)
{
    return extend(put(c, 12, 1, 5) | put(c, 2, 5, 0), 6);
}
static uint32_t shift6(uint32_t c)
{
    return put(c, 12, 1, 5) | put(c, 2, 5, 0);
}

static uint32_t expand_q0(uint32_t c)
{
    uint32_t rd = rd_low(c), rs1 = rs1_low(c);
    uint32_t size = put(c, 11, 2, 4) | put(c, 7, 4, 6) | put(c, 6, 1, 2) | put(c, 5, 1, 3);
    switch (c >> 13) {
    case 0:
        return size ? make_i(ADDI, rd, X_SP, size) : 0;
    case 1:
        return make_i(FLD, rd, rs1, offset_d(c));
    case 2:
        return make_i(LW, rd, rs1, offset_w(c));
    case 3:
        return make_i(LD, rd, rs1, offset_d(c));
    case 5:
        return make_s(FSD, rs1, rd, offset_d(c));
    case 6:
        return make_s(SW, rs1, rd, offset_w(c));
    case 7:
        return make_s(SD, rs1, rd, offset_d(c));
    }
    return 0;
}

/* c.srli, c.srai, c.andi, and the operations on two registers */
static uint32_t expand_alu(uint32_t c)
{
    static const uint32_t two[8] = {SUB, XOR, OR, AND, SUBW, ADDW, 0, 0};
    uint32_t rd = rs1_low(c), op = two[put(c, 12, 1, 2) | put(c, 5, 2, 0)];
    switch (put(c, 10, 2, 0)) {
    case 0:
        return make_i(SRLI, rd, rd, shift6(c));
    case 1:
        return make_i(SRAI, rd, rd, shift6(c));
    case 2:
        return make_i(ANDI, rd, rd, imm6(c));
    }
    return op ? make_r(op, rd, rd, rd_low(c)) : 0;
}

/* c.addi16sp where rd is sp, else c.lui; an immediate of 0 is reserved. */
static uint32_t expand_lui(uint32_t c, uint32_t rd)
{
    uint32_t step = extend(put(c, 12, 1, 9) | put(c, 6, 1, 4) | put(c, 5, 1, 6) | put(c, 3, 2, 7) |
                               put(c, 2, 1, 5),
                           10);
    if (!shift6(c))
        return 0;
    return rd == X_SP ? make_i(ADDI, X_SP, X_SP, step) : LUI | rd << 7 | imm6(c) << 12;
}

static uint32_t expand_q1(uint32_t c)
{
    uint32_t rd = put(c, 7, 5, 0);
    switch (c >> 13) {
    case 0:
        return make_i(ADDI, rd, rd, imm6(c));
    case 1:
        return rd ? make_i(ADDIW, rd, rd, imm6(c)) : 0;
    case 2:
        return make_i(ADDI, rd, X_ZERO, imm6(c));
    case 3:
        return expand_lui(c, rd);
    case 4:
        return expand_alu(c);
    case 5:
        return make_j(X_ZERO, offset_j(c));
    case 6:
        return make_b(BEQ, rs1_low(c), offset_b(c));
    default:
        return make_b(BNE, rs1_low(c), offset_b(c));
    }
}

/* c.jr, c.mv, c.ebreak, c.jalr, c.add */
static uint32_t expand_jump(uint32_t c, uint32_t rd, uint32_t rs2)
{
    bool upper = c >> 12 & 1;
    if (rs2)
        return make_r(ADD, rd, upper ? rd : X_ZERO, rs2);
    if (rd)
        return make_i(JALR, upper ? X_RA : X_ZERO, rd, 0);
    return upper ? EBREAK : 0;
}

static uint32_t expand_q2(uint32_t c)
{
    uint32_t rd = put(c, 7, 5, 0), rs2 = put(c, 2, 5, 0);
    uint32_t load_d = put(c, 12, 1, 5) | put(c, 5, 2, 3) | put(c, 2, 3, 6);
    uint32_t load_w = put(c, 12, 1, 5) | put(c, 4, 3, 2) | put(c, 2, 2, 6);
    uint32_t store_d = put(c, 10, 3, 3) | put(c, 7, 3, 6);
    uint32_t store_w = put(c, 9, 4, 2) | put(c, 7, 2, 6);
    switch (c >> 13) {
    case 0:
        return make_i(SLLI, rd, rd, shift6(c));
    case 1:
        return make_i(FLD, rd, X_SP, load_d);
    case 2:
        return rd ? make_i(LW, rd, X_SP, load_w) : 0;
    case 3:
        return rd ? make_i(LD, rd, X_SP, load_d) : 0;
    case 4:
        return expand_jump(c, rd, rs2);
    case 5:
        return make_s(FSD, X_SP, rs2, store_d);
    case 6:
        return make_s(SW, X_SP, rs2, store_w);
    default:
        return make_s(SD, X_SP, rs2, store_d);
    }
}

uint32_t rv64_expand(uint16_t bits)
{
    switch (bits & 3) {
    case 0:
        return expand_q0(bits);
    case 1:
        return expand_q1(bits);
    case 2:
        return expand_q2(bits);
    }
    return 0;
}
