#include "oracle/rv64_naive.h"
#include <pagoda/trace.h>
#include <string.h>

/* One step: what the instruction has found out so far. */
struct step {
    struct vm_rv64 *hart;
    const struct naive_rv64_bus *bus;
    struct vm_rv64_trap *trap;
    uint32_t bits;
    uint64_t next; /* pc */
};

static bool trap(struct step *s, enum vm_rv64_cause cause, uint64_t tval)
{
    *s->trap = (struct vm_rv64_trap){.cause = cause, .tval = tval};
    return false;
}

static bool illegal(struct step *s)
{
    return trap(s, VM_RV64_ILLEGAL, s->bits);
}

static void log_reference(struct step *s, vm_va va, enum vm_access access, unsigned bytes)
{
    if (s->bus->log)
        s->bus->log(s->bus->host, va, vm_ref_meta(access, bytes));
}

/* All bytes can be had; else it traps. */
static bool reach(struct step *s, vm_va va, unsigned bytes, enum vm_access access)
{
    static const enum vm_rv64_cause cause[] = {VM_RV64_LOAD_PAGE, VM_RV64_STORE_PAGE,
                                               VM_RV64_FETCH_PAGE};
    for (unsigned i = 0; i < bytes; i++) {
        if (s->bus->at(s->bus->host, va + i, access))
            continue;
        trap(s, cause[access], va + i);
        s->trap->va = va;
        s->trap->meta = vm_ref_meta(access, bytes);
        return false;
    }
    return true;
}

static uint64_t get_bytes(struct step *s, vm_va va, unsigned bytes, enum vm_access access)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*s->bus->at(s->bus->host, va + i, access) << 8 * i;
    return value;
}

static void put_bytes(struct step *s, vm_va va, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        *s->bus->at(s->bus->host, va + i, VM_WRITE) = (uint8_t)(value >> 8 * i);
}

static int64_t sext(uint64_t value, unsigned bits)
{
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

static void set(struct step *s, unsigned rd, uint64_t value)
{
    if (rd)
        s->hart->x[rd] = value;
}

static bool read_memory(struct step *s, vm_va va, unsigned bytes, uint64_t *value)
{
    if (va % bytes && s->bus->misaligned_traps)
        return trap(s, VM_RV64_LOAD_MISALIGNED, va);
    if (!reach(s, va, bytes, VM_READ))
        return false;
    log_reference(s, va, VM_READ, bytes);
    *value = get_bytes(s, va, bytes, VM_READ);
    return true;
}

static bool write_memory(struct step *s, vm_va va, unsigned bytes, uint64_t value)
{
    if (va % bytes && s->bus->misaligned_traps)
        return trap(s, VM_RV64_STORE_MISALIGNED, va);
    if (!reach(s, va, bytes, VM_WRITE))
        return false;
    log_reference(s, va, VM_WRITE, bytes);
    put_bytes(s, va, bytes, value);
    return true;
}

/* funct3 of LOAD: the low two bits are the size, the third is "unsigned". */
static bool load(struct step *s, unsigned funct3, unsigned rd, vm_va va)
{
    uint64_t value;
    unsigned bytes = 1u << (funct3 & 3);
    if (funct3 == 7)
        return illegal(s);
    if (!read_memory(s, va, bytes, &value))
        return false;
    set(s, rd, funct3 & 4 ? value : (uint64_t)sext(value, 8 * bytes));
    return true;
}

static bool load_float(struct step *s, unsigned bytes, unsigned rd, vm_va va)
{
    uint64_t value;
    if (!read_memory(s, va, bytes, &value))
        return false;
    s->hart->f[rd] = bytes == 4 ? value | 0xffffffff00000000 : value;
    return true;
}

static bool branch_taken(unsigned funct3, uint64_t a, uint64_t b)
{
    bool less = funct3 & 2 ? a < b : (int64_t)a < (int64_t)b;
    bool is = funct3 & 4 ? less : a == b;
    return funct3 & 1 ? !is : is;
}

static uint64_t mul_div(unsigned funct3, uint64_t a, uint64_t b)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    bool over = sa == INT64_MIN && sb == -1;
    switch (funct3) {
    case 0:
        return a * b;
    case 1:
        return (uint64_t)(((__int128)sa * sb) >> 64);
    case 2: /* b is unsigned: what the signed product lacks is a * 2^64 */
        return (uint64_t)(((__int128)sa * sb) >> 64) + (sb < 0 ? a : 0);
    case 3:
        return (uint64_t)(((unsigned __int128)a * b) >> 64);
    case 4:
        return !b ? UINT64_MAX : over ? a : (uint64_t)(sa / sb);
    case 5:
        return !b ? UINT64_MAX : a / b;
    case 6:
        return !b ? a : over ? 0 : (uint64_t)(sa % sb);
    default:
        return !b ? a : a % b;
    }
}

static uint64_t mul_div_word(unsigned funct3, uint32_t a, uint32_t b)
{
    int32_t sa = (int32_t)a, sb = (int32_t)b;
    bool over = sa == INT32_MIN && sb == -1;
    switch (funct3) {
    case 0:
        return a * b;
    case 4:
        return !b ? UINT32_MAX : over ? a : (uint32_t)(sa / sb);
    case 5:
        return !b ? UINT32_MAX : a / b;
    case 6:
        return !b ? a : over ? 0 : (uint32_t)(sa % sb);
    default:
        return !b ? a : a % b;
    }
}

/* funct3 of OP and OP-IMM; `alternative` is bit 30: subtract, or shift in the sign. */
static uint64_t compute(unsigned funct3, bool alternative, uint64_t a, uint64_t b)
{
    switch (funct3) {
    case 0:
        return alternative ? a - b : a + b;
    case 1:
        return a << b % 64;
    case 2:
        return (int64_t)a < (int64_t)b;
    case 3:
        return a < b;
    case 4:
        return a ^ b;
    case 5:
        return alternative ? (uint64_t)((int64_t)a >> b % 64) : a >> b % 64;
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

static uint32_t compute_word(unsigned funct3, bool alternative, uint32_t a, uint32_t b)
{
    if (funct3 == 0)
        return alternative ? a - b : a + b;
    if (funct3 == 1)
        return a << b % 32;
    return alternative ? (uint32_t)((int32_t)a >> b % 32) : a >> b % 32;
}

static bool op(struct step *s, unsigned rd, uint64_t a, uint64_t b)
{
    unsigned funct3 = s->bits >> 12 & 7, funct7 = s->bits >> 25;
    bool alternative = funct7 == 0x20 && (funct3 == 0 || funct3 == 5);
    if (funct7 == 1)
        set(s, rd, mul_div(funct3, a, b));
    else if (funct7 == 0 || alternative)
        set(s, rd, compute(funct3, alternative, a, b));
    else
        return illegal(s);
    return true;
}

static bool op_word(struct step *s, unsigned rd, uint64_t a, uint64_t b)
{
    unsigned funct3 = s->bits >> 12 & 7, funct7 = s->bits >> 25;
    bool alternative = funct7 == 0x20 && (funct3 == 0 || funct3 == 5);
    if (funct7 == 1 && (funct3 == 0 || funct3 >= 4))
        set(s, rd, (uint64_t)sext(mul_div_word(funct3, (uint32_t)a, (uint32_t)b), 32));
    else if ((funct7 == 0 && (funct3 < 2 || funct3 == 5)) || alternative)
        set(s, rd, (uint64_t)sext(compute_word(funct3, alternative, (uint32_t)a, (uint32_t)b), 32));
    else
        return illegal(s);
    return true;
}

static bool op_imm(struct step *s, unsigned rd, uint64_t a)
{
    unsigned funct3 = s->bits >> 12 & 7, upper = s->bits >> 26;
    uint64_t imm = (uint64_t)((int64_t)(int32_t)s->bits >> 20);
    bool shifts = funct3 == 1 || funct3 == 5, alternative = upper == 0x10 && funct3 == 5;
    if (shifts && upper && !alternative)
        return illegal(s);
    set(s, rd, compute(funct3, alternative, a, shifts ? imm & 63 : imm));
    return true;
}

static bool op_imm_word(struct step *s, unsigned rd, uint64_t a)
{
    unsigned funct3 = s->bits >> 12 & 7, funct7 = s->bits >> 25;
    uint32_t imm = (uint32_t)((int32_t)s->bits >> 20);
    bool alternative = funct7 == 0x20 && funct3 == 5;
    if (funct3 != 0 && !(funct3 == 1 && !funct7) && !(funct3 == 5 && (!funct7 || alternative)))
        return illegal(s);
    if (funct3 == 0)
        set(s, rd, (uint64_t)sext((uint32_t)a + imm, 32));
    else
        set(s, rd, (uint64_t)sext(compute_word(funct3, alternative, (uint32_t)a, imm & 31), 32));
    return true;
}

static uint64_t csr_get(const struct vm_rv64 *hart, unsigned csr)
{
    switch (csr) {
    case 1:
        return hart->fflags;
    case 2:
        return hart->frm;
    case 3:
        return hart->fflags | hart->frm << 5;
    case 0xc01:
        return hart->time_ns;
    default:
        return hart->instret;
    }
}

static void csr_set(struct vm_rv64 *hart, unsigned csr, uint64_t value)
{
    if (csr == 1)
        hart->fflags = value & 31;
    if (csr == 2)
        hart->frm = value & 7;
    if (csr == 3) {
        hart->fflags = value & 31;
        hart->frm = value >> 5 & 7;
    }
}

static bool csr(struct step *s, unsigned rd, unsigned rs1)
{
    unsigned funct3 = s->bits >> 12 & 7, number = s->bits >> 20;
    bool counter = number >= 0xc00 && number <= 0xc02, writes = (funct3 & 3) == 1 || rs1;
    if (!(funct3 & 3) || !((number >= 1 && number <= 3) || counter) || (counter && writes))
        return illegal(s);
    uint64_t operand = funct3 & 4 ? rs1 : s->hart->x[rs1], old = csr_get(s->hart, number);
    uint64_t value = (funct3 & 3) == 1   ? operand
                     : (funct3 & 3) == 2 ? old | operand
                                         : old & ~operand;
    if (writes)
        csr_set(s->hart, number, value);
    set(s, rd, old);
    return true;
}

static bool system(struct step *s, unsigned rd, unsigned rs1)
{
    if (s->bits == 0x73)
        return trap(s, VM_RV64_ECALL_USER, 0);
    if (s->bits == 0x00100073)
        return trap(s, VM_RV64_BREAKPOINT, 0);
    return csr(s, rd, rs1);
}

static uint64_t amo_result(unsigned funct5, int64_t old, int64_t operand, unsigned bits)
{
    uint64_t mask = bits == 32 ? UINT32_MAX : UINT64_MAX, a = (uint64_t)old & mask;
    uint64_t b = (uint64_t)operand & mask;
    switch (funct5) {
    case 0:
        return a + b;
    case 1:
        return b;
    case 4:
        return a ^ b;
    case 8:
        return a | b;
    case 12:
        return a & b;
    case 16:
        return old < operand ? a : b;
    case 20:
        return old > operand ? a : b;
    case 24:
        return a < b ? a : b;
    default:
        return a > b ? a : b;
    }
}

static bool load_reserved(struct step *s, unsigned rd, vm_va va, unsigned bytes)
{
    uint64_t value;
    if (va % bytes)
        return trap(s, VM_RV64_LOAD_MISALIGNED, va);
    if (!read_memory(s, va, bytes, &value))
        return false;
    set(s, rd, (uint64_t)sext(value, 8 * bytes));
    s->hart->reserved_va = va;
    s->hart->reserved_bytes = (uint8_t)bytes;
    return true;
}

static bool store_conditional(struct step *s, unsigned rd, vm_va va, unsigned bytes, uint64_t value)
{
    bool held = s->hart->reserved_bytes == bytes && s->hart->reserved_va == va;
    if (va % bytes)
        return trap(s, VM_RV64_STORE_MISALIGNED, va);
    if (held && !write_memory(s, va, bytes, value))
        return false;
    s->hart->reserved_bytes = 0;
    set(s, rd, !held);
    return true;
}

static bool atomic(struct step *s, unsigned rd, vm_va va, unsigned rs2)
{
    unsigned funct5 = s->bits >> 27, funct3 = s->bits >> 12 & 7, bytes = 1u << funct3;
    bool known = funct5 < 5 || (funct5 % 4 == 0 && funct5 <= 28);
    uint64_t operand = s->hart->x[rs2];
    if ((funct3 != 2 && funct3 != 3) || !known || (funct5 == 2 && rs2))
        return illegal(s);
    if (funct5 == 2)
        return load_reserved(s, rd, va, bytes);
    if (funct5 == 3)
        return store_conditional(s, rd, va, bytes, operand);
    if (va % bytes)
        return trap(s, VM_RV64_STORE_MISALIGNED, va);
    if (!reach(s, va, bytes, VM_WRITE))
        return false;
    log_reference(s, va, VM_WRITE, bytes);
    int64_t old = sext(get_bytes(s, va, bytes, VM_WRITE), 8 * bytes);
    put_bytes(s, va, bytes, amo_result(funct5, old, sext(operand, 8 * bytes), 8 * bytes));
    set(s, rd, (uint64_t)old);
    return true;
}

static int64_t offset_of_branch(uint32_t b)
{
    return sext((b >> 31) << 12 | (b >> 7 & 1) << 11 | (b >> 25 & 63) << 5 | (b >> 8 & 15) << 1,
                13);
}

static int64_t offset_of_jal(uint32_t b)
{
    return sext(
        (b >> 31) << 20 | (b >> 12 & 255) << 12 | (b >> 20 & 1) << 11 | (b >> 21 & 1023) << 1, 21);
}

static bool jump(struct step *s, unsigned rd, vm_va target)
{
    set(s, rd, s->next);
    s->next = target;
    return true;
}

/* LOAD-FP, STORE-FP, the arithmetic of F and D, and MISC-MEM. */
static bool execute_float(struct step *s, unsigned rd, uint64_t a, unsigned rs2)
{
    uint32_t b = s->bits;
    unsigned funct3 = b >> 12 & 7;
    int64_t imm_i = (int32_t)b >> 20, imm_s = sext((b >> 25) << 5 | (b >> 7 & 31), 12);
    switch (b & 0x7f) {
    case 0x07:
        return funct3 == 2 || funct3 == 3 ? load_float(s, 1u << funct3, rd, a + (uint64_t)imm_i)
                                          : illegal(s);
    case 0x27:
        return funct3 == 2 || funct3 == 3
                   ? write_memory(s, a + (uint64_t)imm_s, 1u << funct3, s->hart->f[rs2])
                   : illegal(s);
    case 0x0f:
        return funct3 < 2 || illegal(s);
    }
    return naive_rv64_float(s->hart, b) || illegal(s);
}

static bool execute_word(struct step *s)
{
    uint32_t b = s->bits;
    unsigned rd = b >> 7 & 31, rs1 = b >> 15 & 31, rs2 = b >> 20 & 31, funct3 = b >> 12 & 7;
    uint64_t x1 = s->hart->x[rs1], x2 = s->hart->x[rs2], pc = s->hart->pc;
    uint64_t imm_i = (uint64_t)((int64_t)(int32_t)b >> 20),
             imm_u = (uint64_t)(int32_t)(b & ~0xfffu);
    switch (b & 0x7f) {
    case 0x03:
        return load(s, funct3, rd, x1 + imm_i);
    case 0x13:
        return op_imm(s, rd, x1);
    case 0x17:
        return set(s, rd, pc + imm_u), true;
    case 0x1b:
        return op_imm_word(s, rd, x1);
    case 0x23:
        return funct3 > 3 ? illegal(s)
                          : write_memory(s, x1 + (uint64_t)sext((b >> 25) << 5 | rd, 12),
                                         1u << funct3, x2);
    case 0x2f:
        return atomic(s, rd, x1, rs2);
    case 0x33:
        return op(s, rd, x1, x2);
    case 0x37:
        return set(s, rd, imm_u), true;
    case 0x3b:
        return op_word(s, rd, x1, x2);
    case 0x63:
        if (funct3 == 2 || funct3 == 3)
            return illegal(s);
        if (branch_taken(funct3, x1, x2))
            s->next = pc + (uint64_t)offset_of_branch(b);
        return true;
    case 0x67:
        return funct3 ? illegal(s) : jump(s, rd, (x1 + imm_i) & ~UINT64_C(1));
    case 0x6f:
        return jump(s, rd, pc + (uint64_t)offset_of_jal(b));
    case 0x73:
        return system(s, rd, rs1);
    }
    return execute_float(s, rd, x1, rs2);
}

/* --- compressed, by quadrant (volume I, tables 16.5 to 16.7) ------------------------------- */

/* Bits of the instruction gathered: `places` has, for the bits of the immediate from the highest
 * to the lowest, where each is in the instruction; 0 ends it. */
static uint64_t gather(uint32_t c, const char *places, unsigned shift)
{
    uint64_t value = 0;
    for (; *places; places++)
        value = value << 1 | (c >> *places & 1);
    return value << shift;
}

static bool quadrant_0(struct step *s)
{
    uint32_t c = s->bits;
    unsigned rd = 8 + (c >> 2 & 7), rs1 = 8 + (c >> 7 & 7);
    uint64_t x1 = s->hart->x[rs1], wide = gather(c, "\6\5\14\13\12", 3);
    uint64_t narrow = gather(c, "\5\14\13\12\6", 2), size = gather(c, "\12\11\10\7\14\13\5\6", 2);
    switch (c >> 13) {
    case 0:
        return size ? set(s, rd, s->hart->x[2] + size), true : illegal(s);
    case 1:
        return load_float(s, 8, rd, x1 + wide);
    case 2:
        return load(s, 2, rd, x1 + narrow);
    case 3:
        return load(s, 3, rd, x1 + wide);
    case 5:
        return write_memory(s, x1 + wide, 8, s->hart->f[rd]);
    case 6:
        return write_memory(s, x1 + narrow, 4, s->hart->x[rd]);
    case 7:
        return write_memory(s, x1 + wide, 8, s->hart->x[rd]);
    }
    return illegal(s);
}

static bool misc_alu(struct step *s, unsigned rd, unsigned rs2, int64_t imm)
{
    uint32_t c = s->bits;
    uint64_t a = s->hart->x[rd], b = s->hart->x[rs2];
    unsigned kind = c >> 10 & 3, which = (c >> 12 & 1) << 2 | (c >> 5 & 3);
    if (kind == 0)
        return set(s, rd, a >> (imm & 63)), true;
    if (kind == 1)
        return set(s, rd, (uint64_t)((int64_t)a >> (imm & 63))), true;
    if (kind == 2)
        return set(s, rd, a & (uint64_t)imm), true;
    const uint64_t result[] = {
        a - b, a ^ b, a | b, a & b, (uint64_t)sext(a - b, 32), (uint64_t)sext(a + b, 32)};
    return which < 6 ? set(s, rd, result[which]), true : illegal(s);
}

static bool quadrant_1(struct step *s)
{
    uint32_t c = s->bits;
    unsigned rd = c >> 7 & 31, low = 8 + (c >> 7 & 7);
    int64_t imm = sext(gather(c, "\14\6\5\4\3\2", 0), 6);
    int64_t far = sext(gather(c, "\14\10\12\11\6\7\2\13\5\4\3", 1), 12);
    int64_t near = sext(gather(c, "\14\6\5\2\13\12\4\3", 1), 9);
    int64_t frame = sext(gather(c, "\14\4\3\5\2\6", 4), 10);
    uint64_t a = s->hart->x[rd], pc = s->hart->pc;
    switch (c >> 13) {
    case 0:
        return set(s, rd, a + (uint64_t)imm), true;
    case 1:
        return rd ? set(s, rd, (uint64_t)sext(a + (uint64_t)imm, 32)), true : illegal(s);
    case 2:
        return set(s, rd, (uint64_t)imm), true;
    case 3:
        if (!imm)
            return illegal(s);
        return set(s, rd, rd == 2 ? a + (uint64_t)frame : (uint64_t)imm << 12), true;
    case 4:
        return misc_alu(s, low, 8 + (c >> 2 & 7), imm);
    case 5:
        return s->next = pc + (uint64_t)far, true;
    default:
        if ((s->hart->x[low] == 0) == (c >> 13 == 6))
            s->next = pc + (uint64_t)near;
        return true;
    }
}

static bool jump_or_move(struct step *s, unsigned rd, unsigned rs2)
{
    bool upper = s->bits >> 12 & 1;
    uint64_t a = s->hart->x[rd], b = s->hart->x[rs2];
    if (rs2)
        return set(s, rd, upper ? a + b : b), true;
    if (rd)
        return jump(s, upper, a & ~UINT64_C(1));
    return upper ? trap(s, VM_RV64_BREAKPOINT, 0) : illegal(s);
}

static bool quadrant_2(struct step *s)
{
    uint32_t c = s->bits;
    unsigned rd = c >> 7 & 31, rs2 = c >> 2 & 31;
    uint64_t sp = s->hart->x[2];
    switch (c >> 13) {
    case 0:
        return set(s, rd, s->hart->x[rd] << gather(c, "\14\6\5\4\3\2", 0)), true;
    case 1:
        return load_float(s, 8, rd, sp + gather(c, "\4\3\2\14\6\5", 3));
    case 2:
        return rd ? load(s, 2, rd, sp + gather(c, "\3\2\14\6\5\4", 2)) : illegal(s);
    case 3:
        return rd ? load(s, 3, rd, sp + gather(c, "\4\3\2\14\6\5", 3)) : illegal(s);
    case 4:
        return jump_or_move(s, rd, rs2);
    case 5:
        return write_memory(s, sp + gather(c, "\11\10\7\14\13\12", 3), 8, s->hart->f[rs2]);
    case 6:
        return write_memory(s, sp + gather(c, "\10\7\14\13\12\11", 2), 4, s->hart->x[rs2]);
    default:
        return write_memory(s, sp + gather(c, "\11\10\7\14\13\12", 3), 8, s->hart->x[rs2]);
    }
}

static bool execute(struct step *s)
{
    switch (s->bits & 3) {
    case 0:
        return quadrant_0(s);
    case 1:
        return quadrant_1(s);
    case 2:
        return quadrant_2(s);
    }
    return execute_word(s);
}

bool naive_rv64_step(struct vm_rv64 *hart, const struct naive_rv64_bus *bus,
                     struct vm_rv64_trap *trapped)
{
    struct step s = {.hart = hart, .bus = bus, .trap = trapped};
    if (hart->pc & 1)
        return trap(&s, VM_RV64_FETCH_MISALIGNED, hart->pc);
    if (!reach(&s, hart->pc, 2, VM_FETCH))
        return false;
    unsigned bytes = (get_bytes(&s, hart->pc, 1, VM_FETCH) & 3) == 3 ? 4 : 2;
    if (!reach(&s, hart->pc, bytes, VM_FETCH))
        return false;
    s.bits = (uint32_t)get_bytes(&s, hart->pc, bytes, VM_FETCH);
    s.next = hart->pc + bytes;
    log_reference(&s, hart->pc, VM_FETCH, bytes);
    if (!execute(&s))
        return false;
    hart->pc = s.next;
    hart->instret++;
    return true;
}
