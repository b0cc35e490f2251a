/* rv64_asm.h - instructions as words, for tests that make programs.
 *
 * One builder a format, named after it; operands in the order of an assembler's text. The match
 * words are those of rv64_rows, or of the listings in the manual (volume I, chapter 24).
 */
#ifndef ORACLE_RV64_ASM_H
#define ORACLE_RV64_ASM_H

#include <assert.h>
#include <stdint.h>

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7 };

static inline uint32_t asm_r(uint32_t match, unsigned rd, unsigned rs1, unsigned rs2)
{
    return match | rd << 7 | rs1 << 15 | rs2 << 20;
}
static inline uint32_t asm_i(uint32_t match, unsigned rd, unsigned rs1, int32_t imm)
{
    return match | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}
static inline uint32_t asm_s(uint32_t match, unsigned rs2, unsigned rs1, int32_t imm)
{
    uint32_t u = (uint32_t)imm;
    return match | (u & 31) << 7 | rs1 << 15 | rs2 << 20 | (u >> 5 & 127) << 25;
}
static inline uint32_t asm_b(uint32_t match, unsigned rs1, unsigned rs2, int32_t offset)
{
    uint32_t u = (uint32_t)offset;
    return match | (u >> 11 & 1) << 7 | (u >> 1 & 15) << 8 | rs1 << 15 | rs2 << 20 |
           (u >> 5 & 63) << 25 | (u >> 12 & 1) << 31;
}
static inline uint32_t asm_u(uint32_t match, unsigned rd, int32_t imm20)
{
    return match | rd << 7 | (uint32_t)imm20 << 12;
}
static inline uint32_t asm_j(uint32_t match, unsigned rd, int32_t offset)
{
    uint32_t u = (uint32_t)offset;
    return match | rd << 7 | (u >> 12 & 255) << 12 | (u >> 11 & 1) << 20 | (u >> 1 & 1023) << 21 |
           (u >> 20 & 1) << 31;
}

#define ASM_ADDI(rd, rs1, imm)     asm_i(0x13, rd, rs1, imm)
#define ASM_ADD(rd, rs1, rs2)      asm_r(0x33, rd, rs1, rs2)
#define ASM_LUI(rd, imm20)         asm_u(0x37, rd, imm20)
#define ASM_LD(rd, imm, rs1)       asm_i(0x3003, rd, rs1, imm)
#define ASM_SD(rs2, imm, rs1)      asm_s(0x3023, rs2, rs1, imm)
#define ASM_LW(rd, imm, rs1)       asm_i(0x2003, rd, rs1, imm)
#define ASM_SW(rs2, imm, rs1)      asm_s(0x2023, rs2, rs1, imm)
#define ASM_FLD(fd, imm, rs1)      asm_i(0x3007, fd, rs1, imm)
#define ASM_FSD(fs2, imm, rs1)     asm_s(0x3027, fs2, rs1, imm)
#define ASM_BNE(rs1, rs2, offset)  asm_b(0x1063, rs1, rs2, offset)
#define ASM_BEQ(rs1, rs2, offset)  asm_b(0x63, rs1, rs2, offset)
#define ASM_BLTU(rs1, rs2, offset) asm_b(0x6063, rs1, rs2, offset)
#define ASM_JAL(rd, offset)        asm_j(0x6f, rd, offset)
#define ASM_JALR(rd, imm, rs1)     asm_i(0x67, rd, rs1, imm)
#define ASM_CSRRW(rd, csr, rs1)    asm_i(0x1073, rd, rs1, csr)
#define ASM_CSRRS(rd, csr, rs1)    asm_i(0x2073, rd, rs1, csr)
#define ASM_ECALL                  UINT32_C(0x73)
#define ASM_EBREAK                 UINT32_C(0x100073)
#define ASM_FENCE_I                UINT32_C(0x100f)
#define ASM_NOP                    UINT32_C(0x13)

/* A program as it is written, from its first word on. */
struct asm_code {
    uint32_t *word;
    unsigned n, room;
};

static inline void asm_put(struct asm_code *c, uint32_t word)
{
    assert(c->n < c->room);
    c->word[c->n++] = word;
}

/* rd = value, of 32 bits and signed. */
static inline void asm_li(struct asm_code *c, unsigned rd, int32_t value)
{
    asm_put(c, ASM_LUI(rd, (int32_t)(((uint32_t)value + 0x800) >> 12)));
    asm_put(c, asm_i(0x1b, rd, rd, value & 0xfff)); /* addiw */
}

#endif
