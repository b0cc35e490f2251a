/* decode.c - the row of insns.def that an instruction is, and its operands. */
#include "rv64/decode.h"

const struct rv64_row rv64_rows[RV64_illegal] = {
#define INSN(name, text, mask, match, format) {text, mask, match, RV64_##format},
#include "rv64/insns.def"
#undef INSN
};

/* Bits [at, at + n) of an instruction. */
static uint32_t field(uint32_t bits, unsigned at, unsigned n)
{
    return bits >> at & ((1u << n) - 1);
}

static int32_t imm_i(uint32_t bits)
{
    return (int32_t)bits >> 20;
}

static int32_t imm_s(uint32_t bits)
{
    return (int32_t)(bits & 0xfe000000) >> 20 | (int32_t)field(bits, 7, 5);
}

static int32_t imm_b(uint32_t bits)
{
    return (int32_t)(bits & 0x80000000) >> 19 | (int32_t)(field(bits, 7, 1) << 11) |
           (int32_t)(field(bits, 25, 6) << 5) | (int32_t)(field(bits, 8, 4) << 1);
}

static int32_t imm_j(uint32_t bits)
{
    return (int32_t)(bits & 0x80000000) >> 11 | (int32_t)(bits & 0xff000) |
           (int32_t)(field(bits, 20, 1) << 11) | (int32_t)(field(bits, 21, 10) << 1);
}

/* Modes 5 and 6 are reserved; 7 is the hart's. */
enum { MODES = 5, MODE_OF_HART = 7 };

static bool format_rounds(enum rv64_format format)
{
    return format == RV64_F1 || format == RV64_F2 || format == RV64_F3 || format == RV64_X_FROM_F ||
           format == RV64_F_FROM_X;
}

static int32_t imm_rounding(uint32_t bits)
{
    uint32_t rs3 = field(bits, 27, 5), mode = field(bits, 12, 3);
    bool of_hart = mode == MODE_OF_HART;
    return rv64_rounding(rs3, of_hart ? 0 : mode, of_hart ? MODE_OF_HART : 0);
}

uint32_t rv64_rounding_bits(unsigned code, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    const struct rv64_row *row = &rv64_rows[code];
    uint32_t operands = (rd & 31) << 7 | rs1 << 15 | rs2 << 20 | rv64_rs3(imm) << 27;
    return row->match | (operands & ~row->mask) | MODE_OF_HART << 12;
}

static int32_t imm_of(uint32_t bits, enum rv64_format format)
{
    switch (format) {
    case RV64_I:
    case RV64_LOAD:
    case RV64_FLOAD:
    case RV64_JALR:
        return imm_i(bits);
    case RV64_SHIFT:
        return (int32_t)field(bits, 20, 6);
    case RV64_STORE:
    case RV64_FSTORE:
        return imm_s(bits);
    case RV64_B:
        return imm_b(bits);
    case RV64_U:
        return (int32_t)(bits & 0xfffff000);
    case RV64_J:
        return imm_j(bits);
    case RV64_CSR:
    case RV64_CSRI:
        return (int32_t)field(bits, 20, 12);
    default:
        return format_rounds(format) ? imm_rounding(bits) : 0;
    }
}

/* The formats whose rd is a floating-point register: f0 is one like the others. */
static bool format_writes_f(enum rv64_format format)
{
    return format == RV64_FLOAD || format == RV64_F1 || format == RV64_F2 || format == RV64_F3 ||
           format == RV64_F2_EXACT || format == RV64_F_FROM_X || format == RV64_F_FROM_X_EXACT;
}

static bool csr_known(uint32_t csr)
{
    return (csr >= RV64_FFLAGS && csr <= RV64_FCSR) || (csr >= RV64_CYCLE && csr <= RV64_INSTRET);
}

/* User mode has the CSR and may do this to it. Setting or clearing the bits of x0, or of an
 * immediate 0, is no write. */
static bool csr_allowed(uint32_t bits)
{
    uint32_t csr = field(bits, 20, 12);
    bool swaps = field(bits, 12, 2) == 1, writes = swaps || field(bits, 15, 5);
    return csr_known(csr) && !(writes && csr >= RV64_CYCLE);
}

static bool fields_allowed(uint32_t bits, enum rv64_format format)
{
    if (format == RV64_CSR || format == RV64_CSRI)
        return csr_allowed(bits);
    uint32_t mode = field(bits, 12, 3);
    return !format_rounds(format) || mode < MODES || mode == MODE_OF_HART;
}

static struct rv64_insn decode_word(uint32_t bits)
{
    unsigned code = 0;
    while (code < RV64_illegal && (bits & rv64_rows[code].mask) != rv64_rows[code].match)
        code++;
    if (code == RV64_illegal || !fields_allowed(bits, rv64_rows[code].format))
        return (struct rv64_insn){.code = RV64_illegal};
    enum rv64_format format = rv64_rows[code].format;
    uint32_t rd = field(bits, 7, 5);
    return (struct rv64_insn){
        .code = (uint16_t)code,
        .rd = (uint8_t)(rd || format_writes_f(format) ? rd : RV64_NOWHERE),
        .rs1 = (uint8_t)field(bits, 15, 5),
        .rs2 = (uint8_t)field(bits, 20, 5),
        .imm = imm_of(bits, format),
    };
}

struct rv64_insn rv64_decode(uint32_t bits)
{
    unsigned bytes = rv64_bytes((uint16_t)bits);
    uint32_t word = bytes == 2 ? rv64_expand((uint16_t)bits) : bits;
    struct rv64_insn insn = decode_word(word);
    insn.bytes = (uint8_t)bytes;
    if (insn.code == RV64_illegal)
        insn.imm = (int32_t)(bytes == 2 ? bits & 0xffff : bits);
    return insn;
}

bool rv64_is_data(unsigned code)
{
    if (code >= RV64_illegal)
        return false;
    enum rv64_format format = rv64_rows[code].format;
    return format == RV64_LOAD || format == RV64_STORE || format == RV64_LR || format == RV64_AMO ||
           format == RV64_FLOAD || format == RV64_FSTORE;
}

bool rv64_computes(unsigned code)
{
    if (code >= RV64_illegal)
        return false;
    enum rv64_format format = rv64_rows[code].format;
    return format == RV64_R || format == RV64_I || format == RV64_SHIFT || format == RV64_LOAD ||
           format == RV64_U;
}

bool rv64_writes_integer(unsigned code)
{
    if (code >= RV64_illegal)
        return false;
    enum rv64_format format = rv64_rows[code].format;
    return format == RV64_LR || format == RV64_AMO || format == RV64_X_FROM_F ||
           format == RV64_X_FROM_F_EXACT || format == RV64_X_FROM_F2;
}

bool rv64_has_float(unsigned code)
{
    if (code >= RV64_illegal)
        return false;
    enum rv64_format format = rv64_rows[code].format;
    return format >= RV64_FLOAD && format <= RV64_F_FROM_X_EXACT;
}

bool rv64_branches(unsigned code)
{
    return code < RV64_illegal && rv64_rows[code].format == RV64_B;
}

bool rv64_ends_block(unsigned code)
{
    if (code >= RV64_illegal)
        return true;
    enum rv64_format format = rv64_rows[code].format;
    return format == RV64_JALR || format == RV64_SYSTEM || format == RV64_CSR ||
           format == RV64_CSRI;
}
