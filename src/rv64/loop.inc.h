/* loop.inc.h - the interpreter's loop, stamped once with a log and once without (run.c).
 *
 * Direct threaded code: each operation ends by a jump to the label of the next one. OP(name) is
 * what the row `name` of insns.def does. All the state of the loop is in locals, so that the
 * compiler keeps it in registers:
 *
 *   x      the hart's integer registers       op    the operation under way
 *   b      the block under way                left  instructions of the budget before b
 *   carry  what was computed last            n     entries of the log
 *
 * Instructions are counted, and the log's room is looked at, where a block is left: each way out
 * knows how many were executed until there.
 *
 * The stamps define LOOP, its name, and
 *   LOG_GROUP()      the fetch group that ends with this operation is a reference
 *   LOG_DATA(va, m)  so is an access that the soft TLB answered
 *   LOG_SAVE()       the log's owner may look at it
 *   LOG_LOAD()       it may have been drained
 *   LOG_FULL()       is there less room than a block may need?
 * The macros here are the same each time, so that none of them is taken back.
 */

#define RD       x[op->rd]
#define RS1      x[op->rs1]
#define RS2      x[op->rs2]
#define IMM      (uint64_t) op->imm
#define FD       hart->f[op->rd]
#define F1       hart->f[op->rs1]
#define F2       hart->f[op->rs2]
#define F3       hart->f[rv64_rs3((int32_t)op->imm)]
#define S1       rv64_get_float(F1)
#define S2       rv64_get_float(F2)
#define S3       rv64_get_float(F3)
#define D1       rv64_get_double(F1)
#define D2       rv64_get_double(F2)
#define D3       rv64_get_double(F3)
#define PLACE()  b->place[op - b->ops]
#define OP(name) on_##name:

#define JUMP() goto * op->handler
#define NEXT()                                                                                     \
    do {                                                                                           \
        op++;                                                                                      \
        JUMP();                                                                                    \
    } while (0)

#define BEGIN()                                                                                    \
    do {                                                                                           \
        op = b->ops;                                                                               \
        JUMP();                                                                                    \
    } while (0)

/* The block is left. Is it time to look whether the run goes on? */
#define COUNT(insns) __builtin_expect((left -= (insns)) <= 0 || LOG_FULL(), 0)

/* Leave the block by a link. */
#define GO(by)                                                                                     \
    do {                                                                                           \
        link = (by);                                                                               \
        if (COUNT(link->insns) || __builtin_expect(!link->to, 0))                                  \
            goto follow;                                                                           \
        b = link->to;                                                                              \
        BEGIN();                                                                                   \
    } while (0)

/* Go on with the next operation, which is a `name`. */
#define THEN(name)                                                                                 \
    do {                                                                                           \
        op++;                                                                                      \
        goto on_##name;                                                                            \
    } while (0)

/* An operation of registers whose result is `value`; `then` goes on. */
#define COMPUTE_THEN(label, value, then)                                                           \
    OP(label)                                                                                      \
    {                                                                                              \
        RD = carry = (uint64_t)(value);                                                            \
        then;                                                                                      \
    }
#define COMPUTE(name, value) COMPUTE_THEN(name, value, NEXT())

#define BRANCH_THEN(label, condition, then)                                                        \
    OP(label)                                                                                      \
    {                                                                                              \
        if (condition) {                                                                           \
            LOG_GROUP();                                                                           \
            GO(rv64_link_of(op));                                                                  \
        }                                                                                          \
        op += RV64_LINK_OPS;                                                                       \
        then;                                                                                      \
    }

/* The bus or the log's owner has been asked: is the block still there? */
#define NEXT_IF_THERE()                                                                            \
    do {                                                                                           \
        if (__builtin_expect(view->stale, 0))                                                      \
            goto leave;                                                                            \
        NEXT();                                                                                    \
    } while (0)

#define HIT(entry, va, type)                                                                       \
    __builtin_expect((entry)->tag == ((va) & (RV64_PAGE_MASK | (sizeof(type) - 1))), 1)

#define LOAD_THEN(label, a, type, result, then)                                                    \
    OP(label)                                                                                      \
    {                                                                                              \
        vm_va va = (a) + IMM;                                                                      \
        const struct rv64_tlb_entry *entry = &view->tlb[VM_READ][rv64_tlb_index(va)];              \
        LOG_GROUP();                                                                               \
        if (HIT(entry, va, type)) {                                                                \
            type value;                                                                            \
            LOG_DATA(va, vm_ref_meta(VM_READ, sizeof(type)));                                      \
            memcpy(&value, (const void *)(uintptr_t)(entry->addend + va), sizeof value);           \
            result;                                                                                \
            then;                                                                                  \
        }                                                                                          \
        uint64_t raw;                                                                              \
        LOG_SAVE();                                                                                \
        if (!rv64_load(run, va, sizeof(type), &raw))                                               \
            goto trapped;                                                                          \
        LOG_LOAD();                                                                                \
        type value = (type)raw;                                                                    \
        result;                                                                                    \
        NEXT_IF_THERE();                                                                           \
    }
#define LOAD(name, type, result) LOAD_THEN(name, RS1, type, result, NEXT())

#define STORE_THEN(label, a, type, source, then)                                                   \
    OP(label)                                                                                      \
    {                                                                                              \
        vm_va va = (a) + IMM;                                                                      \
        const struct rv64_tlb_entry *entry = &view->tlb[VM_WRITE][rv64_tlb_index(va)];             \
        LOG_GROUP();                                                                               \
        if (HIT(entry, va, type)) {                                                                \
            type value = (type)(source);                                                           \
            LOG_DATA(va, vm_ref_meta(VM_WRITE, sizeof(type)));                                     \
            memcpy((void *)(uintptr_t)(entry->addend + va), &value, sizeof value);                 \
            then;                                                                                  \
        }                                                                                          \
        LOG_SAVE();                                                                                \
        if (!rv64_store(run, va, sizeof(type), source))                                            \
            goto trapped;                                                                          \
        LOG_LOAD();                                                                                \
        NEXT_IF_THERE();                                                                           \
    }
#define STORE(name, type, source) STORE_THEN(name, RS1, type, source, NEXT())

#define AMO(name, type, result)                                                                    \
    OP(name)                                                                                       \
    {                                                                                              \
        LOG_GROUP();                                                                               \
        LOG_SAVE();                                                                                \
        uint8_t *place = rv64_place(run, RS1, sizeof(type), VM_WRITE);                             \
        if (!place)                                                                                \
            goto trapped;                                                                          \
        LOG_LOAD();                                                                                \
        type old, operand = (type)RS2;                                                             \
        memcpy(&old, place, sizeof old);                                                           \
        type value = (type)(result);                                                               \
        memcpy(place, &value, sizeof value);                                                       \
        RD = signed_of(old);                                                                       \
        NEXT_IF_THERE();                                                                           \
    }

#define LOAD_RESERVED(name, type)                                                                  \
    OP(name)                                                                                       \
    {                                                                                              \
        vm_va va = RS1;                                                                            \
        LOG_GROUP();                                                                               \
        LOG_SAVE();                                                                                \
        const uint8_t *place = rv64_place(run, va, sizeof(type), VM_READ);                         \
        if (!place)                                                                                \
            goto trapped;                                                                          \
        LOG_LOAD();                                                                                \
        type value;                                                                                \
        memcpy(&value, place, sizeof value);                                                       \
        RD = signed_of(value);                                                                     \
        hart->reserved_va = va;                                                                    \
        hart->reserved_bytes = sizeof(type);                                                       \
        NEXT_IF_THERE();                                                                           \
    }

/* Without a reservation it makes no access to memory; misaligned it traps even so. */
#define STORE_CONDITIONAL(name, type)                                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        vm_va va = RS1;                                                                            \
        bool held = hart->reserved_bytes == sizeof(type) && hart->reserved_va == va;               \
        LOG_GROUP();                                                                               \
        if (held || va & (sizeof(type) - 1)) {                                                     \
            LOG_SAVE();                                                                            \
            uint8_t *place = rv64_place(run, va, sizeof(type), VM_WRITE);                          \
            if (!place)                                                                            \
                goto trapped;                                                                      \
            LOG_LOAD();                                                                            \
            type value = (type)RS2;                                                                \
            memcpy(place, &value, sizeof value);                                                   \
        }                                                                                          \
        hart->reserved_bytes = 0;                                                                  \
        RD = !held;                                                                                \
        NEXT_IF_THERE();                                                                           \
    }

#define CSR(name, source, result, writes)                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        uint64_t operand = (source), old;                                                          \
        LOG_GROUP();                                                                               \
        old = rv64_csr_read(hart, (unsigned)op->imm, (uint64_t)(budget - left + PLACE().insns));   \
        if (writes)                                                                                \
            rv64_csr_write(hart, (unsigned)op->imm, result);                                       \
        RD = old;                                                                                  \
        GO(&b->last);                                                                              \
    }

#define JUMP_BY_REGISTER(label, a)                                                                 \
    OP(label)                                                                                      \
    {                                                                                              \
        LOG_GROUP();                                                                               \
        pc = ((a) + IMM) & ~UINT64_C(1);                                                           \
        RD = b->end;                                                                               \
        if (COUNT(b->last.insns))                                                                  \
            goto look;                                                                             \
        b = rv64_view_block(view, pc);                                                             \
        if (__builtin_expect(b->pc != pc, 0))                                                      \
            goto look;                                                                             \
        BEGIN();                                                                                   \
    }

/* What stands in carried.def, or is the first of a pair: of the operand `a`; `then` goes on. */
#define DO_addi(label, a, then)  COMPUTE_THEN(label, (a) + IMM, then)
#define DO_add(label, a, then)   COMPUTE_THEN(label, (a) + RS2, then)
#define DO_sub(label, a, then)   COMPUTE_THEN(label, (a)-RS2, then)
#define DO_addiw(label, a, then) COMPUTE_THEN(label, word((a) + IMM), then)
#define DO_addw(label, a, then)  COMPUTE_THEN(label, word((a) + RS2), then)
#define DO_subw(label, a, then)  COMPUTE_THEN(label, word((a)-RS2), then)
#define DO_slli(label, a, then)  COMPUTE_THEN(label, (a) << op->imm, then)
#define DO_srli(label, a, then)  COMPUTE_THEN(label, (a) >> op->imm, then)
#define DO_srai(label, a, then)  COMPUTE_THEN(label, (int64_t)(a) >> op->imm, then)
#define DO_slliw(label, a, then) COMPUTE_THEN(label, word((a) << op->imm), then)
#define DO_srliw(label, a, then) COMPUTE_THEN(label, word((uint32_t)(a) >> op->imm), then)
#define DO_sraiw(label, a, then) COMPUTE_THEN(label, (int32_t)(a) >> op->imm, then)
#define DO_andi(label, a, then)  COMPUTE_THEN(label, (a)&IMM, then)
#define DO_and(label, a, then)   COMPUTE_THEN(label, (a)&RS2, then)
#define DO_or(label, a, then)    COMPUTE_THEN(label, (a) | RS2, then)
#define DO_xor(label, a, then)   COMPUTE_THEN(label, (a) ^ RS2, then)
#define DO_mul(label, a, then)   COMPUTE_THEN(label, (a)*RS2, then)
#define DO_lui(label, a, then)   COMPUTE_THEN(label, IMM, then)
#define DO_auipc(label, a, then) COMPUTE_THEN(label, b->pc + IMM, then)
#define DO_ld(label, a, then)    LOAD_THEN(label, a, uint64_t, RD = carry = value, then)
#define DO_lw(label, a, then)    LOAD_THEN(label, a, int32_t, RD = carry = word_of(value), then)
#define DO_lwu(label, a, then)   LOAD_THEN(label, a, uint32_t, RD = carry = value, then)
#define DO_lbu(label, a, then)   LOAD_THEN(label, a, uint8_t, RD = carry = value, then)
#define DO_lhu(label, a, then)   LOAD_THEN(label, a, uint16_t, RD = carry = value, then)
#define DO_fld(label, a, then)   LOAD_THEN(label, a, uint64_t, FD = value, then)
#define DO_sd(label, a, then)    STORE_THEN(label, a, uint64_t, RS2, then)
#define DO_sw(label, a, then)    STORE_THEN(label, a, uint32_t, RS2, then)
#define DO_sh(label, a, then)    STORE_THEN(label, a, uint16_t, RS2, then)
#define DO_sb(label, a, then)    STORE_THEN(label, a, uint8_t, RS2, then)
#define DO_beq(label, a, then)   BRANCH_THEN(label, (a) == RS2, then)
#define DO_bne(label, a, then)   BRANCH_THEN(label, (a) != RS2, then)
#define DO_blt(label, a, then)   BRANCH_THEN(label, (int64_t)(a) < (int64_t)RS2, then)
#define DO_bge(label, a, then)   BRANCH_THEN(label, (int64_t)(a) >= (int64_t)RS2, then)
#define DO_bltu(label, a, then)  BRANCH_THEN(label, (a) < RS2, then)
#define DO_bgeu(label, a, then)  BRANCH_THEN(label, (a) >= RS2, then)
#define DO_jalr(label, a, then)  JUMP_BY_REGISTER(label, a)

/* What the host's arithmetic does not give is done in integers. */
#define SOFT(name)                                                                                 \
    do {                                                                                           \
        code = RV64_##name;                                                                        \
        goto soft;                                                                                 \
    } while (0)

#define MODE() rv64_mode((int32_t)op->imm, hart->frm)

/* An instruction that rounds to nearest even what the host rounds to nearest even. */
#define FLOAT(name, type, put, expression)                                                         \
    OP(name)                                                                                       \
    {                                                                                              \
        if (__builtin_expect(MODE() == RV64_RNE, 1)) {                                             \
            type value = (expression);                                                             \
            if (__builtin_expect(value == value, 1)) {                                             \
                FD = put(value);                                                                   \
                NEXT();                                                                            \
            }                                                                                      \
        }                                                                                          \
        SOFT(name);                                                                                \
    }
#define SINGLE(name, expression) FLOAT(name, float, rv64_put_float, expression)
#define DOUBLE(name, expression) FLOAT(name, double, rv64_put_double, expression)

/* A conversion to an integer as C has it: towards zero. `fits` is false of NaN. */
#define TO_INTEGER(name, type, operand, fits, result)                                              \
    OP(name)                                                                                       \
    {                                                                                              \
        type value = (operand);                                                                    \
        if (MODE() != RV64_RTZ || !(fits))                                                         \
            SOFT(name);                                                                            \
        RD = (uint64_t)(int64_t)(result);                                                          \
        NEXT();                                                                                    \
    }

/* A comparison: of NaN none holds. */
#define COMPARE(name, type, left_operand, relation, right_operand)                                 \
    OP(name)                                                                                       \
    {                                                                                              \
        type first = (left_operand), second = (right_operand);                                     \
        if (isunordered(first, second))                                                            \
            SOFT(name);                                                                            \
        RD = first relation second;                                                                \
        NEXT();                                                                                    \
    }

#define IN_INTEGERS(name)                                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        SOFT(name);                                                                                \
    }

/* Operations on the bits of a register. */
#define BITS(name, value)                                                                          \
    OP(name)                                                                                       \
    {                                                                                              \
        FD = (value);                                                                              \
        NEXT();                                                                                    \
    }

/* The atomic instructions of one width. */
#define ATOMIC(w, type, signed_type)                                                               \
    LOAD_RESERVED(lr_##w, type);                                                                   \
    STORE_CONDITIONAL(sc_##w, type);                                                               \
    AMO(amoswap_##w, type, operand);                                                               \
    AMO(amoadd_##w, type, old + operand);                                                          \
    AMO(amoxor_##w, type, old ^ operand);                                                          \
    AMO(amoand_##w, type, old &operand);                                                           \
    AMO(amoor_##w, type, old | operand);                                                           \
    AMO(amomin_##w, type, (signed_type)old < (signed_type)operand ? old : operand);                \
    AMO(amomax_##w, type, (signed_type)old > (signed_type)operand ? old : operand);                \
    AMO(amominu_##w, type, old < operand ? old : operand);                                         \
    AMO(amomaxu_##w, type, old > operand ? old : operand)

/* The floating-point instructions of one precision, on its operands a, z and y. */
#define FLOATING(p, STAMP, type, a, z, y, sqrt_of, fma_of)                                         \
    STAMP(fadd_##p, (a) + (z));                                                                    \
    STAMP(fsub_##p, (a) - (z));                                                                    \
    STAMP(fmul_##p, (a) * (z));                                                                    \
    STAMP(fdiv_##p, (a) / (z));                                                                    \
    STAMP(fsqrt_##p, sqrt_of(a));                                                                  \
    STAMP(fmadd_##p, fma_of(a, z, y));                                                             \
    STAMP(fmsub_##p, fma_of(a, z, -(y)));                                                          \
    STAMP(fnmsub_##p, fma_of(-(a), z, y));                                                         \
    STAMP(fnmadd_##p, fma_of(-(a), z, -(y)));                                                      \
    STAMP(fcvt_##p##_w, (type)(int32_t)RS1);                                                       \
    STAMP(fcvt_##p##_wu, (type)(uint32_t)RS1);                                                     \
    STAMP(fcvt_##p##_l, (type)(int64_t)RS1);                                                       \
    STAMP(fcvt_##p##_lu, (type)RS1);                                                               \
    TO_INTEGER(fcvt_w_##p, type, a, value >= (type)-0x1p31 && value < (type)0x1p31,                \
               (int32_t)value);                                                                    \
    TO_INTEGER(fcvt_wu_##p, type, a, value > -1 && value < (type)0x1p32, word_of(value));          \
    TO_INTEGER(fcvt_l_##p, type, a, value >= (type)-0x1p63 && value < (type)0x1p63,                \
               (int64_t)value);                                                                    \
    TO_INTEGER(fcvt_lu_##p, type, a, value > -1 && value < (type)0x1p63, (int64_t)value);          \
    COMPARE(fle_##p, type, a, <=, z);                                                              \
    COMPARE(flt_##p, type, a, <, z);                                                               \
    COMPARE(feq_##p, type, a, ==, z);                                                              \
    IN_INTEGERS(fmin_##p);                                                                         \
    IN_INTEGERS(fmax_##p);                                                                         \
    IN_INTEGERS(fclass_##p)

#define TRAP(cause, tval)                                                                          \
    do {                                                                                           \
        rv64_trap(run, cause, tval);                                                               \
        LOG_SAVE();                                                                                \
        goto trapped;                                                                              \
    } while (0)

/* long: a table of what each instruction does; labels are known in one function only. Sanitizers
 * leave it alone: between hundreds of jumps to hundreds of labels their checks take a compiler many
 * minutes. */
static __attribute__((noinline, no_sanitize("address", "undefined"))) enum vm_rv64_stop LOOP(
    struct rv64_run *run, int64_t budget)
{
    static const void *const handlers[RV64_HANDLERS] = {
#define INSN(name, text, mask, match, format) [RV64_##name] = &&on_##name,
#include "rv64/insns.def"
#undef INSN
        [RV64_illegal] = &&on_illegal,
        [RV64_onward] = &&on_onward,
        [RV64_along] = &&on_along,
#define CARRIED(name) [RV64_##name##_c] = &&on_##name##_c,
#include "rv64/carried.def"
#undef CARRIED
#define PAIR(a, b)                                                                                 \
    [RV64_##a##_##b] = &&on_##a##_##b##_0, &&on_##a##_##b##_1, &&on_##a##_##b##_2,                 \
    &&on_##a##_##b##_3,
#define TRIPLE(a, b, c)                                                                            \
    [RV64_##a##_##b##_##c] = &&on_##a##_##b##_##c##_0, &&on_##a##_##b##_##c##_1,                   \
    &&on_##a##_##b##_##c##_2, &&on_##a##_##b##_##c##_3, &&on_##a##_##b##_##c##_4,                  \
    &&on_##a##_##b##_##c##_5, &&on_##a##_##b##_##c##_6, &&on_##a##_##b##_##c##_7,
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE
    };
    struct vm_rv64 *const hart = run->hart;
    struct vm_rv64_view *const view = run->view;
    uint64_t *const x = hart->x;
    int64_t left = budget;
    uint64_t carry = 0;
    vm_va pc = hart->pc;
    struct rv64_block *b;
    struct rv64_link *link;
    struct rv64_op *op;
    enum rv64_code code;
    LOG_STATE;

    run->handler = handlers;
    LOG_LOAD();

look:
    link = NULL;
    goto find;
follow:
    pc = link->pc;
    if (link->to)
        link = NULL;
find:
    if (left <= 0)
        goto spent;
    if (LOG_FULL()) {
        LOG_SAVE();
        rv64_drain(run);
        LOG_LOAD();
    }
    LOG_SAVE();
    b = rv64_block_next(run, pc, link);
    if (!b)
        goto refused;
    LOG_LOAD();
    BEGIN();

#define CARRIED(name)                                                                              \
    DO_##name(name, RS1, NEXT());                                                                  \
    DO_##name(name##_c, carry, NEXT());
#include "rv64/carried.def"
#undef CARRIED

    DO_lui(lui, RS1, NEXT());
    DO_auipc(auipc, RS1, NEXT());
    COMPUTE(ori, RS1 | IMM);
    COMPUTE(xori, RS1 ^ IMM);
    COMPUTE(slti, (int64_t)RS1 < (int64_t)IMM);
    COMPUTE(sltiu, RS1 < IMM);
    COMPUTE(slt, (int64_t)RS1 < (int64_t)RS2);
    COMPUTE(sltu, RS1 < RS2);
    COMPUTE(sll, RS1 << (RS2 & 63));
    COMPUTE(srl, RS1 >> (RS2 & 63));
    COMPUTE(sra, (int64_t)RS1 >> (RS2 & 63));
    COMPUTE(sllw, word(RS1 << (RS2 & 31)));
    COMPUTE(srlw, word((uint32_t)RS1 >> (RS2 & 31)));
    COMPUTE(sraw, (int32_t)RS1 >> (RS2 & 31));

    /* M */
    COMPUTE(mulw, word(RS1 * RS2));
    COMPUTE(mulh, multiply_high(RS1, RS2));
    COMPUTE(mulhsu, multiply_high_mixed(RS1, RS2));
    COMPUTE(mulhu, (unsigned __int128)RS1 * RS2 >> 64);
    COMPUTE(div, divide(RS1, RS2));
    COMPUTE(divu, RS2 ? RS1 / RS2 : UINT64_MAX);
    COMPUTE(rem, remainder_of(RS1, RS2));
    COMPUTE(remu, RS2 ? RS1 % RS2 : RS1);
    COMPUTE(divw, word(divide(word(RS1), word(RS2))));
    COMPUTE(divuw, (uint32_t)RS2 ? word((uint32_t)RS1 / (uint32_t)RS2) : UINT64_MAX);
    COMPUTE(remw, word(remainder_of(word(RS1), word(RS2))));
    COMPUTE(remuw, word((uint32_t)RS2 ? (uint32_t)RS1 % (uint32_t)RS2 : RS1));

    /* loads and stores */
    LOAD(lh, int16_t, RD = carry = (uint64_t)value);
    LOAD(lb, int8_t, RD = carry = (uint64_t)value);
    LOAD(flw, uint32_t, FD = RV64_BOX | value);
    STORE(fsd, uint64_t, F2);
    STORE(fsw, uint32_t, F2);

    ATOMIC(w, uint32_t, int32_t);
    ATOMIC(d, uint64_t, int64_t);
    FLOATING(s, SINGLE, float, S1, S2, S3, sqrtf, fmaf);
    FLOATING(d, DOUBLE, double, D1, D2, D3, sqrt, fma);
    SINGLE(fcvt_s_d, (float)D1);
    DOUBLE(fcvt_d_s, (double)S1);

    OP(fmadd_d_c) /* of a pair; it has no operand that is carried */
    {
        goto on_fmadd_d;
    }
    BITS(fsgnj_d, (F1 & ~SIGN_D) | (F2 & SIGN_D));
    BITS(fsgnjn_d, (F1 & ~SIGN_D) | (~F2 & SIGN_D));
    BITS(fsgnjx_d, F1 ^ (F2 & SIGN_D));
    BITS(fsgnj_s, RV64_BOX | (rv64_unbox(F1) & ~SIGN_S) | (rv64_unbox(F2) & SIGN_S));
    BITS(fsgnjn_s, RV64_BOX | (rv64_unbox(F1) & ~SIGN_S) | (~rv64_unbox(F2) & SIGN_S));
    BITS(fsgnjx_s, RV64_BOX | (rv64_unbox(F1) ^ (rv64_unbox(F2) & SIGN_S)));
    BITS(fmv_d_x, RS1);
    BITS(fmv_w_x, RV64_BOX | (uint32_t)RS1);
    COMPUTE(fmv_x_d, F1);
    COMPUTE(fmv_x_w, word(F1));

    OP(jal_c) /* of a pair; it has no operand */
    OP(jal)
    {
        LOG_GROUP();
        RD = b->end;
        GO(&b->last);
    }
    OP(along)
    {
        LOG_GROUP();
        RD = IMM;
        NEXT();
    }
    OP(onward)
    {
        LOG_GROUP();
        GO(&b->last);
    }

#define PAIR(a, b)                                                                                 \
    DO_##a(a##_##b##_0, RS1, THEN(b));                                                             \
    DO_##a(a##_##b##_1, carry, THEN(b));                                                           \
    DO_##a(a##_##b##_2, RS1, THEN(b##_c));                                                         \
    DO_##a(a##_##b##_3, carry, THEN(b##_c));
#define TRIPLE(a, b, c)                                                                            \
    DO_##a(a##_##b##_##c##_0, RS1, THEN(b##_##c##_0));                                             \
    DO_##a(a##_##b##_##c##_1, carry, THEN(b##_##c##_0));                                           \
    DO_##a(a##_##b##_##c##_2, RS1, THEN(b##_##c##_1));                                             \
    DO_##a(a##_##b##_##c##_3, carry, THEN(b##_##c##_1));                                           \
    DO_##a(a##_##b##_##c##_4, RS1, THEN(b##_##c##_2));                                             \
    DO_##a(a##_##b##_##c##_5, carry, THEN(b##_##c##_2));                                           \
    DO_##a(a##_##b##_##c##_6, RS1, THEN(b##_##c##_3));                                             \
    DO_##a(a##_##b##_##c##_7, carry, THEN(b##_##c##_3));
#include "rv64/pairs.def"
#undef PAIR
#undef TRIPLE

    OP(fence)
    {
        NEXT(); /* there is one hart, and it does all in order */
    }
    OP(fence_i)
    {
        LOG_GROUP();
        pc = b->end;
        left -= b->last.insns;
        rv64_view_kill_all(view);
        goto look;
    }
    CSR(csrrw, RS1, operand, true);
    CSR(csrrs, RS1, old | operand, op->rs1);
    CSR(csrrc, RS1, old & ~operand, op->rs1);
    CSR(csrrwi, op->rs1, operand, true);
    CSR(csrrsi, op->rs1, old | operand, op->rs1);
    CSR(csrrci, op->rs1, old & ~operand, op->rs1);
    OP(ecall)
    {
        LOG_GROUP();
        TRAP(VM_RV64_ECALL_USER, 0);
    }
    OP(ebreak)
    {
        LOG_GROUP();
        TRAP(VM_RV64_BREAKPOINT, 0);
    }
    OP(illegal)
    {
        LOG_GROUP();
        TRAP(VM_RV64_ILLEGAL, (uint32_t)op->imm);
    }

soft:
    if (MODE() >= RV64_ROUNDINGS) {
        LOG_GROUP();
        TRAP(VM_RV64_ILLEGAL, rv64_rounding_bits(code, op->rd, op->rs1, op->rs2, (int32_t)op->imm));
    }
    rv64_float(hart, code, op, (enum rv64_rounding)MODE());
    NEXT();

leave:
    op++;
    pc = b->page + 2u * PLACE().at;
    left -= PLACE().insns;
    goto look;

trapped: /* run->trap says why; the log is saved */
    pc = b->page + 2u * PLACE().at;
    left -= PLACE().insns;
refused:
    hart->pc = pc;
    hart->instret += (uint64_t)(budget - left);
    return VM_RV64_TRAPPED;

spent:
    LOG_SAVE();
    hart->pc = pc;
    hart->instret += (uint64_t)(budget - left);
    return VM_RV64_SPENT;
}
