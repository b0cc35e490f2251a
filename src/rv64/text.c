/* text.c - instructions and causes as words, for people.
 *
 * A compressed instruction is written as the one that it stands for. Registers have the names of
 * the calling convention; targets of jumps are absolute.
 *
 * Source: The RISC-V Instruction Set Manual, volume I, chapter 25 (assembler names); volume II,
 * table 3.6 (causes).
 */
#include "rv64/decode.h"
#include <inttypes.h>
#include <pagoda/rv64.h>
#include <stdio.h>

const char *vm_rv64_cause_name(enum vm_rv64_cause cause)
{
    switch (cause) {
    case VM_RV64_FETCH_MISALIGNED:
        return "instruction address misaligned";
    case VM_RV64_FETCH_ACCESS:
        return "instruction access fault";
    case VM_RV64_ILLEGAL:
        return "illegal instruction";
    case VM_RV64_BREAKPOINT:
        return "breakpoint";
    case VM_RV64_LOAD_MISALIGNED:
        return "load address misaligned";
    case VM_RV64_LOAD_ACCESS:
        return "load access fault";
    case VM_RV64_STORE_MISALIGNED:
        return "store/AMO address misaligned";
    case VM_RV64_STORE_ACCESS:
        return "store/AMO access fault";
    case VM_RV64_ECALL_USER:
        return "environment call from U-mode";
    case VM_RV64_FETCH_PAGE:
        return "instruction page fault";
    case VM_RV64_LOAD_PAGE:
        return "load page fault";
    case VM_RV64_STORE_PAGE:
        return "store/AMO page fault";
    }
    return "unknown cause";
}

static const char *const x_name[] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
    "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
    "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6", "zero",
};

static const char *const f_name[] = {
    "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
    "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
    "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
};

static const char *csr_name(unsigned csr)
{
    switch (csr) {
    case RV64_FFLAGS:
        return "fflags";
    case RV64_FRM:
        return "frm";
    case RV64_FCSR:
        return "fcsr";
    case RV64_CYCLE:
        return "cycle";
    case RV64_TIME:
        return "time";
    }
    return "instret";
}

/* The words of an instruction of integer registers. */
static void text_integer(const struct rv64_insn *insn, vm_va pc, char *out, size_t cap)
{
    const struct rv64_row *row = &rv64_rows[insn->code];
    const char *rd = x_name[insn->rd], *rs1 = x_name[insn->rs1], *rs2 = x_name[insn->rs2];
    vm_va target = pc + (uint64_t)(int64_t)insn->imm;
    int32_t imm = insn->imm;
    switch (row->format) {
    case RV64_R:
        snprintf(out, cap, "%s %s, %s, %s", row->text, rd, rs1, rs2);
        break;
    case RV64_I:
    case RV64_SHIFT:
        snprintf(out, cap, "%s %s, %s, %" PRId32, row->text, rd, rs1, imm);
        break;
    case RV64_LOAD:
    case RV64_JALR:
        snprintf(out, cap, "%s %s, %" PRId32 "(%s)", row->text, rd, imm, rs1);
        break;
    case RV64_STORE:
        snprintf(out, cap, "%s %s, %" PRId32 "(%s)", row->text, rs2, imm, rs1);
        break;
    case RV64_B:
        snprintf(out, cap, "%s %s, %s, 0x%" PRIx64, row->text, rs1, rs2, target);
        break;
    case RV64_U:
        snprintf(out, cap, "%s %s, 0x%" PRIx32, row->text, rd, (uint32_t)imm >> 12);
        break;
    case RV64_J:
        snprintf(out, cap, "%s %s, 0x%" PRIx64, row->text, rd, target);
        break;
    case RV64_CSR:
        snprintf(out, cap, "%s %s, %s, %s", row->text, rd, csr_name((unsigned)imm), rs1);
        break;
    case RV64_CSRI:
        snprintf(out, cap, "%s %s, %s, %u", row->text, rd, csr_name((unsigned)imm), insn->rs1);
        break;
    case RV64_LR:
        snprintf(out, cap, "%s %s, (%s)", row->text, rd, rs1);
        break;
    case RV64_AMO:
        snprintf(out, cap, "%s %s, %s, (%s)", row->text, rd, rs2, rs1);
        break;
    default:
        snprintf(out, cap, "%s", row->text);
        break;
    }
}

/* Those of one with a floating-point register; the rounding mode is not said. */
static void text_float(const struct rv64_insn *insn, char *out, size_t cap)
{
    const struct rv64_row *row = &rv64_rows[insn->code];
    const char *rd = x_name[insn->rd], *rs1 = x_name[insn->rs1];
    const char *fd = f_name[insn->rd & 31], *fs1 = f_name[insn->rs1], *fs2 = f_name[insn->rs2];
    switch (row->format) {
    case RV64_FLOAD:
        snprintf(out, cap, "%s %s, %" PRId32 "(%s)", row->text, fd, insn->imm, rs1);
        break;
    case RV64_FSTORE:
        snprintf(out, cap, "%s %s, %" PRId32 "(%s)", row->text, fs2, insn->imm, rs1);
        break;
    case RV64_F1:
        snprintf(out, cap, "%s %s, %s", row->text, fd, fs1);
        break;
    case RV64_F3:
        snprintf(out, cap, "%s %s, %s, %s, %s", row->text, fd, fs1, fs2,
                 f_name[rv64_rs3(insn->imm)]);
        break;
    case RV64_X_FROM_F:
    case RV64_X_FROM_F_EXACT:
        snprintf(out, cap, "%s %s, %s", row->text, rd, fs1);
        break;
    case RV64_X_FROM_F2:
        snprintf(out, cap, "%s %s, %s, %s", row->text, rd, fs1, fs2);
        break;
    case RV64_F_FROM_X:
    case RV64_F_FROM_X_EXACT:
        snprintf(out, cap, "%s %s, %s", row->text, fd, rs1);
        break;
    default:
        snprintf(out, cap, "%s %s, %s, %s", row->text, fd, fs1, fs2);
        break;
    }
}

const char *vm_rv64_text(uint32_t bits, vm_va pc, char *out, size_t cap)
{
    struct rv64_insn insn = rv64_decode(bits);
    if (insn.code == RV64_illegal)
        snprintf(out, cap, "illegal 0x%" PRIx32, (uint32_t)insn.imm);
    else if (rv64_has_float(insn.code))
        text_float(&insn, out, cap);
    else
        text_integer(&insn, pc, out, cap);
    return out;
}
