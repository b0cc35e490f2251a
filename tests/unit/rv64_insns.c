/* What single instructions do, at the edges that the manual names. */
#include "oracle/rv64_machine.h"
#include "unit/test.h"

#include <string.h>

#define MIN64   UINT64_C(0x8000000000000000)
#define MAX64   UINT64_C(0x7fffffffffffffff)
#define ALL     UINT64_MAX
#define SEXT(x) ((uint64_t)(int64_t)(int32_t)(x))

/* A5 = the instruction's result of A0 and A1. */
struct row {
    const char *what;
    uint32_t word;
    uint64_t a, b, result;
};
#define R3(match)        ((match) | A5 << 7 | A0 << 15 | A1 << 20)
#define I2(match, imm)   ((match) | A5 << 7 | A0 << 15 | (uint32_t)(imm) << 20)
#define U1(match, imm20) ((match) | A5 << 7 | (uint32_t)(imm20) << 12)

static const struct row rows[] = {
    {"add wraps", R3(0x33), ALL, 2, 1},
    {"sub wraps", R3(0x40000033), 0, 1, ALL},
    {"sll takes 6 bits", R3(0x1033), 1, 64 + 63, MIN64},
    {"srl", R3(0x5033), MIN64, 63, 1},
    {"sra", R3(0x40005033), MIN64, 63, ALL},
    {"slt is signed", R3(0x2033), ALL, 0, 1},
    {"slt of equals", R3(0x2033), 5, 5, 0},
    {"sltu is not", R3(0x3033), ALL, 0, 0},
    {"sltu", R3(0x3033), 0, 1, 1},
    {"xor", R3(0x4033), 0xff00, 0x0ff0, 0xf0f0},
    {"or", R3(0x6033), 0xff00, 0x0ff0, 0xfff0},
    {"and", R3(0x7033), 0xff00, 0x0ff0, 0x0f00},
    {"addw drops the upper half", R3(0x3b), 0xffffffff7fffffff, 1, SEXT(0x80000000)},
    {"subw", R3(0x4000003b), 0x80000000, 1, 0x7fffffff},
    {"sllw takes 5 bits", R3(0x103b), 1, 32 + 31, SEXT(0x80000000)},
    {"srlw is of 32 bits", R3(0x503b), 0xffffffff80000000, 31, 1},
    {"srlw by 0 extends the sign", R3(0x503b), 0x80000000, 0, SEXT(0x80000000)},
    {"sraw", R3(0x4000503b), 0x80000000, 31, ALL},
    {"addi of a negative", I2(0x13, -2048), 0, 0, (uint64_t)-2048},
    {"slti", I2(0x2013, -1), (uint64_t)-2, 0, 1},
    {"sltiu extends, then has no sign", I2(0x3013, -1), (uint64_t)-2, 0, 1},
    {"xori of -1 is not", I2(0x4013, -1), 0x0f, 0, ~UINT64_C(0x0f)},
    {"ori", I2(0x6013, -2048), 1, 0, (uint64_t)-2047},
    {"andi", I2(0x7013, -1), MIN64, 0, MIN64},
    {"slli by 63", I2(0x1013, 63), 3, 0, MIN64},
    {"srli by 32", I2(0x5013, 32), ALL, 0, 0xffffffff},
    {"srai by 32", I2(0x40005013, 32), MIN64, 0, 0xffffffff80000000},
    {"addiw", I2(0x1b, -1), 0, 0, ALL},
    {"slliw", I2(0x101b, 31), 1, 0, SEXT(0x80000000)},
    {"srliw", I2(0x501b, 1), ALL, 0, 0x7fffffff},
    {"sraiw", I2(0x4000501b, 1), 0x80000000, 0, SEXT(0xc0000000)},
    {"lui extends the sign", U1(0x37, 0x80000), 0, 0, 0xffffffff80000000},
    {"auipc", U1(0x17, 1), 0, 0, RV64_CODE + 0x1000},
    {"auipc backwards", U1(0x17, 0xfffff), 0, 0, RV64_CODE - 0x1000},
    {"mul", R3(0x2000033), MAX64, 2, (uint64_t)-2},
    {"mulh", R3(0x2001033), MIN64, MIN64, UINT64_C(1) << 62},
    {"mulh of -1 and 1", R3(0x2001033), ALL, 1, ALL},
    {"mulhu", R3(0x2003033), ALL, ALL, ALL - 1},
    {"mulhsu", R3(0x2002033), ALL, ALL, ALL},
    {"mulhsu, the other way", R3(0x2002033), 1, ALL, 0},
    {"mulw", R3(0x200003b), 0x7fffffff, 2, SEXT(0xfffffffe)},
    {"div truncates", R3(0x2004033), (uint64_t)-7, 2, (uint64_t)-3},
    {"rem has the dividend's sign", R3(0x2006033), (uint64_t)-7, 2, ALL},
    {"div by 0", R3(0x2004033), 7, 0, ALL},
    {"divu by 0", R3(0x2005033), 7, 0, ALL},
    {"rem by 0", R3(0x2006033), (uint64_t)-7, 0, (uint64_t)-7},
    {"remu by 0", R3(0x2007033), 7, 0, 7},
    {"div overflows", R3(0x2004033), MIN64, ALL, MIN64},
    {"rem overflows", R3(0x2006033), MIN64, ALL, 0},
    {"divu of the same", R3(0x2005033), MIN64, ALL, 0},
    {"divw overflows", R3(0x200403b), 0x80000000, ALL, SEXT(0x80000000)},
    {"remw overflows", R3(0x200603b), 0x80000000, ALL, 0},
    {"divw by 0 of 32 bits", R3(0x200403b), 7, UINT64_C(1) << 32, ALL},
    {"divuw by 0", R3(0x200503b), 7, UINT64_C(1) << 32, ALL},
    {"remw by 0", R3(0x200603b), 0x80000000, UINT64_C(1) << 32, SEXT(0x80000000)},
    {"remuw by 0", R3(0x200703b), 0x80000000, UINT64_C(1) << 32, SEXT(0x80000000)},
    {"divuw extends its sign", R3(0x200503b), 0x80000000, 1, SEXT(0x80000000)},
};

static void results_are_those_of_the_manual(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct rv64_machine m;
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, r->word);
        m.hart.x[A0] = r->a;
        m.hart.x[A1] = r->b;
        assert_int_equal(machine_run_to_trap(&m), VM_RV64_BREAKPOINT);
        if (m.hart.x[A5] != r->result)
            fail_msg("%s: 0x%llx", r->what, (unsigned long long)m.hart.x[A5]);
        machine_close(&m);
    }
}

static void nothing_is_written_to_x0(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_ADDI(ZERO, ZERO, 5), ASM_LD(ZERO, 0, A0), ASM_JAL(ZERO, 4),
                asm_r(0x800302f, ZERO, A0, ZERO), ASM_ADDI(A1, ZERO, 7),
                0x00004581 /* c.li a1, 0 */);
    m.hart.x[A0] = RV64_DATA;
    rv64_world_byte(&m.w, RV64_DATA)[0] = 9;
    assert_int_equal(machine_run_to_trap(&m),
                     VM_RV64_ILLEGAL); /* the upper half of the last word */
    assert_int_equal(m.hart.x[0], 0);
    assert_int_equal(m.hart.x[A1], 0);
    assert_int_equal(*rv64_world_byte(&m.w, RV64_DATA), 0); /* the swap was done all the same */
    machine_close(&m);
}

/* Each branch, with operands for which it is taken and others for which it is not. */
static void branches_compare(void **state)
{
    (void)state;
    static const struct {
        uint32_t match;
        uint64_t a, b;
        bool taken;
    } branch[] = {
        {0x63, 5, 5, true},      {0x63, 5, 6, false},     {0x1063, 5, 6, true},
        {0x1063, 5, 5, false},   {0x4063, ALL, 0, true},  {0x4063, 0, ALL, false},
        {0x4063, 1, 1, false},   {0x5063, 0, ALL, true},  {0x5063, 1, 1, true},
        {0x5063, ALL, 0, false}, {0x6063, 0, ALL, true},  {0x6063, ALL, 0, false},
        {0x7063, ALL, 0, true},  {0x7063, 0, ALL, false}, {0x7063, 1, 1, true},
    };
    for (unsigned i = 0; i < sizeof branch / sizeof *branch; i++) {
        struct rv64_machine m;
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, asm_b(branch[i].match, A0, A1, 12), ASM_EBREAK, ASM_EBREAK);
        m.hart.x[A0] = branch[i].a;
        m.hart.x[A1] = branch[i].b;
        machine_run_to_trap(&m);
        assert_int_equal(m.hart.pc, RV64_CODE + (branch[i].taken ? 12 : 4));
        machine_close(&m);
    }
}

static void jumps_link_and_drop_the_low_bit(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_JAL(RA, 8), ASM_EBREAK, ASM_JALR(A0, 5, A0));
    m.hart.x[A0] = RV64_CODE + 0x100; /* its own result, too */
    machine_end(&m, RV64_CODE + 0x104);
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.pc, RV64_CODE + 0x104);
    assert_int_equal(m.hart.x[RA], RV64_CODE + 4);
    assert_int_equal(m.hart.x[A0], RV64_CODE + 12);
    machine_close(&m);
}

static void a_compressed_jump_links_two_bytes_on(void **state)
{
    (void)state;
    struct rv64_machine m;
    uint16_t c_jalr_a0 = 0x9502;
    machine_open(&m, 0);
    rv64_world_put(&m.w, RV64_CODE, &c_jalr_a0, 2);
    machine_end(&m, RV64_CODE + 0x40);
    m.hart.x[A0] = RV64_CODE + 0x40;
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.pc, RV64_CODE + 0x40);
    assert_int_equal(m.hart.x[RA], RV64_CODE + 2);
    machine_close(&m);
}

static void loads_extend_as_they_are_named(void **state)
{
    (void)state;
    static const struct {
        uint32_t match;
        uint64_t result;
    } load[] = {{0x3, ALL - 0xf},
                {0x4003, 0xf0},
                {0x1003, 0xfffffffffffff1f0},
                {0x5003, 0xf1f0},
                {0x2003, 0xfffffffff3f2f1f0},
                {0x6003, 0xf3f2f1f0},
                {0x3003, 0xf7f6f5f4f3f2f1f0}};
    for (unsigned i = 0; i < sizeof load / sizeof *load; i++) {
        struct rv64_machine m;
        machine_open(&m, 0);
        for (unsigned k = 0; k < 8; k++)
            *rv64_world_byte(&m.w, RV64_DATA + k) = (uint8_t)(0xf0 + k);
        MACHINE_PUT(&m, RV64_CODE, asm_i(load[i].match, A5, A0, -8));
        m.hart.x[A0] = RV64_DATA + 8;
        machine_run_to_trap(&m);
        assert_int_equal(m.hart.x[A5], load[i].result);
        machine_close(&m);
    }
}

static void stores_write_their_bytes_only(void **state)
{
    (void)state;
    static const uint64_t after[] = {0xffffffffffffff88, 0xffffffffffff7788, 0xffffffff55667788,
                                     0x1122334455667788};
    for (unsigned i = 0; i < 4; i++) {
        struct rv64_machine m;
        uint64_t ones = ALL;
        machine_open(&m, 0);
        rv64_world_put(&m.w, RV64_DATA, &ones, 8);
        MACHINE_PUT(&m, RV64_CODE, asm_s(0x23 | i << 12, A1, A0, 0));
        m.hart.x[A0] = RV64_DATA;
        m.hart.x[A1] = 0x1122334455667788;
        machine_run_to_trap(&m);
        assert_int_equal(machine_word(&m, RV64_DATA), after[i]);
        machine_close(&m);
    }
}

/* --- A ------------------------------------------------------------------------------------ */

struct amo {
    uint32_t funct5;
    uint64_t old, operand, word_result, double_result;
};

static void amos_give_the_old_value_and_leave_the_new(void **state)
{
    (void)state;
    static const struct amo amo[] = {
        {1, 5, 7, 7, 7},
        {0, ALL, 2, 1, 1},
        {4, 0xff, 0x0f, 0xf0, 0xf0},
        {12, 0xff, 0x0f, 0x0f, 0x0f},
        {8, 0xf0, 0x0f, 0xff, 0xff},
        {16, 0x80000000, 1, 0x80000000, 1},
        {20, 0x80000000, 1, 1, 0x80000000},
        {24, 0x80000000, 1, 1, 1},
        {28, 0x80000000, 1, 0x80000000, 0x80000000},
    };
    for (unsigned i = 0; i < 2 * sizeof amo / sizeof *amo; i++) {
        const struct amo *a = &amo[i / 2];
        bool wide = i % 2;
        struct rv64_machine m;
        machine_open(&m, 0);
        rv64_world_put(&m.w, RV64_DATA, &a->old, 8);
        MACHINE_PUT(&m, RV64_CODE,
                    asm_r(0x2f | a->funct5 << 27 | (wide ? 3 : 2) << 12, A5, A0, A1));
        m.hart.x[A0] = RV64_DATA;
        m.hart.x[A1] = a->operand;
        machine_run_to_trap(&m);
        assert_int_equal(m.hart.x[A5], wide ? a->old : SEXT(a->old));
        uint64_t kept = wide ? 0 : a->old & 0xffffffff00000000;
        assert_int_equal(machine_word(&m, RV64_DATA),
                         (wide ? a->double_result : a->word_result) | kept);
        machine_close(&m);
    }
}

#define LR_D asm_r(0x1000302f, A2, A0, 0)
#define SC_D asm_r(0x1800302f, A3, A0, A1)
#define SC_W asm_r(0x1800202f, A3, A0, A1)

/* Runs the words with a0 = data, a1 = 77, a4 = data + 8; answers what is at the data after. */
static uint64_t run_on_data(struct rv64_machine *m, const uint32_t *word, unsigned n)
{
    machine_open(m, 0);
    machine_put(m, RV64_CODE, word, n);
    m->hart.x[A0] = RV64_DATA;
    m->hart.x[A1] = 77;
    m->hart.x[A4] = RV64_DATA + 8;
    machine_run_to_trap(m);
    return machine_word(m, RV64_DATA);
}

static void sc_succeeds_once_after_lr_of_the_same(void **state)
{
    (void)state;
    const struct {
        uint32_t word[4];
        unsigned n;
        uint64_t failed, value;
    } sequence[] = {
        {{LR_D, SC_D}, 2, 0, 77},
        {{SC_D}, 1, 1, 0},
        {{LR_D, SC_D, ASM_SD(ZERO, 0, A0), SC_D}, 4, 1, 0},
        {{LR_D, SC_W}, 2, 1, 0},
        {{LR_D, ASM_ADDI(A0, A0, 8), SC_D, ASM_NOP}, 4, 1, 0},
        {{LR_D, asm_r(0x1000302f, A2, A4, 0), SC_D}, 3, 1, 0},
    };
    for (unsigned i = 0; i < sizeof sequence / sizeof *sequence; i++) {
        struct rv64_machine m;
        assert_int_equal(run_on_data(&m, sequence[i].word, sequence[i].n), sequence[i].value);
        assert_int_equal(m.hart.x[A3], sequence[i].failed);
        machine_close(&m);
    }
}

/* --- CSRs --------------------------------------------------------------------------------- */

static void counters_count_what_has_retired(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_NOP, ASM_CSRRS(A0, 0xc02, ZERO), ASM_CSRRS(A1, 0xc00, ZERO),
                ASM_NOP, ASM_CSRRS(A2, 0xc02, ZERO), ASM_CSRRS(A3, 0xc01, ZERO));
    m.hart.instret = 1000;
    m.hart.time_ns = 31;
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.x[A0], 1001);
    assert_int_equal(m.hart.x[A1], 1002);
    assert_int_equal(m.hart.x[A2], 1004);
    assert_int_equal(m.hart.x[A3], 31);
    assert_int_equal(m.hart.instret, 1006);
    machine_close(&m);
}

static void fcsr_is_frm_and_fflags(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, ASM_CSRRW(A1, 3, A0), ASM_CSRRS(A2, 1, ZERO), ASM_CSRRS(A3, 2, ZERO),
                asm_i(0x7073, A4, 3, 1) /* csrrci fflags, 3 */, ASM_CSRRS(A5, 3, ZERO));
    m.hart.x[A0] = 0xfff;
    m.hart.fflags = 1;
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.x[A1], 1);
    assert_int_equal(m.hart.x[A2], 0x1f);
    assert_int_equal(m.hart.x[A3], 7);
    assert_int_equal(m.hart.x[A4], 0x1f);
    assert_int_equal(m.hart.x[A5], 0xfc);
    machine_close(&m);
}

/* --- F and D ------------------------------------------------------------------------------ */

static void flags_of_the_host_reach_the_hart_and_stay(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    uint32_t divide = asm_r(0x1a007053, 3, 1, 2);
    MACHINE_PUT(&m, RV64_CODE, divide, ASM_CSRRS(A0, 1, ZERO), asm_r(0x2007053, 3, 2, 2),
                ASM_CSRRS(A1, 1, ZERO), ASM_CSRRW(ZERO, 1, ZERO), ASM_CSRRS(A2, 1, ZERO));
    m.hart.f[1] = 0x3ff0000000000000;
    m.hart.f[2] = 0;
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.f[3], 0); /* the sum of zeros */
    assert_int_equal(m.hart.x[A0], 8);
    assert_int_equal(m.hart.x[A1], 8);
    assert_int_equal(m.hart.x[A2], 0);
    machine_close(&m);
}

/* (1 - 2^-27) * (1 + 2^-27) * 2^-1022 has 54 bits below the least normal number. Where it is
 * rounded up to that number it is not tiny, though its exponent was. */
static void tininess_is_that_of_the_rounded_result(void **state)
{
    (void)state;
    static const uint64_t least = 0x0010000000000000;
    static const uint64_t flags[] = {1, 3, 3, 1, 1}; /* NX, and UF */
    for (unsigned mode = 0; mode < 5; mode++) {
        struct rv64_machine m;
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, asm_r(0x12000053 | mode << 12, 3, 1, 2));
        m.hart.f[1] = 0x3fefffffffffffff & ~UINT64_C(0x3ffffff);
        m.hart.f[2] = least | 1 << 25;
        machine_run_to_trap(&m);
        bool down = mode == 1 || mode == 2;
        assert_int_equal(m.hart.f[3], least - down);
        assert_int_equal(m.hart.fflags, flags[mode]);
        machine_close(&m);
    }
}

static void what_is_not_boxed_is_nan(void **state)
{
    (void)state;
    struct rv64_machine m;
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, asm_r(0x7053, 3, 1, 2) /* fadd.s */,
                asm_r(0xe0001053, A0, 1, 0) /* fclass.s */,
                asm_r(0xe0000053, A1, 1, 0) /* fmv.x.w */,
                asm_r(0x20000053, 4, 1, 1) /* fsgnj.s */);
    m.hart.f[1] = 0x3f800000;
    m.hart.f[2] = 0xffffffff3f800000;
    machine_run_to_trap(&m);
    assert_int_equal(m.hart.f[3], 0xffffffff7fc00000);
    assert_int_equal(m.hart.x[A0], 1 << 9);
    assert_int_equal(m.hart.x[A1], 0x3f800000); /* moves take the bits as they are */
    assert_int_equal(m.hart.f[4], 0xffffffff7fc00000);
    machine_close(&m);
}

static void a_reserved_rounding_mode_is_illegal(void **state)
{
    (void)state;
    struct rv64_machine m;
    uint32_t add = asm_r(0x02007053, 3, 1, 2),
             madd = 0x02007043 | 3 << 7 | 1 << 15 | 2 << 20 | 9u << 27;
    const uint32_t word[] = {add, madd};
    for (unsigned i = 0; i < 2; i++) {
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, ASM_NOP, word[i]);
        m.hart.frm = 5;
        m.hart.f[3] = 42;
        assert_int_equal(machine_run_to_trap(&m), VM_RV64_ILLEGAL);
        assert_int_equal(m.trap.tval, word[i]);
        assert_int_equal(m.hart.pc, RV64_CODE + 4);
        assert_int_equal(m.hart.f[3], 42);
        machine_close(&m);
    }
    machine_open(&m, 0);
    MACHINE_PUT(&m, RV64_CODE, add ^ 2 << 12);
    assert_int_equal(machine_run_to_trap(&m), VM_RV64_ILLEGAL);
    assert_int_equal(m.trap.tval, add ^ 2 << 12);
    machine_close(&m);
}

/* --- illegal and words -------------------------------------------------------------------- */

static void what_user_mode_has_not_is_illegal(void **state)
{
    (void)state;
    static const uint32_t word[] = {
        0x10500073 /* wfi */,
        0x10200073 /* sret */,
        0x30200073 /* mret */,
        0x12000073 /* sfence.vma */,
        0x30002573 /* mstatus */,
        0x10002573 /* sstatus */,
        0xc0001073 /* cycle written */,
        0xc0202073 | 5 << 15,
        0xffffffff,
        0x00002063 /* a branch of no kind */,
        0x0000707b,
        0x1000a02f | 1 << 20 /* lr.w, rs2 */,
        0x0600705b,
        0x02001053 | 3 << 12 | 0x4000000 /* of half precision */,
    };
    for (unsigned i = 0; i < sizeof word / sizeof *word; i++) {
        struct rv64_machine m;
        machine_open(&m, 0);
        MACHINE_PUT(&m, RV64_CODE, ASM_NOP, word[i]);
        assert_int_equal(machine_run_to_trap(&m), VM_RV64_ILLEGAL);
        assert_int_equal(m.trap.tval, word[i]);
        assert_int_equal(m.hart.pc, RV64_CODE + 4);
        assert_int_equal(m.hart.instret, 1);
        machine_close(&m);
    }
}

static void a_short_illegal_instruction_has_16_bits(void **state)
{
    (void)state;
    static const uint16_t half[] = {0,
                                    0x2001 /* c.addiw x0 */,
                                    0x6101 /* c.addi16sp 0 */,
                                    0x4002 /* c.lwsp x0 */,
                                    0x6002 /* c.ldsp x0 */,
                                    0x8002 /* c.jr x0 */,
                                    0x8000,
                                    0x9c41};
    for (unsigned i = 0; i < sizeof half / sizeof *half; i++) {
        struct rv64_machine m;
        machine_open(&m, 0);
        uint16_t program[] = {half[i], 0xffff};
        rv64_world_put(&m.w, RV64_CODE, program, sizeof program);
        assert_int_equal(machine_run_to_trap(&m), VM_RV64_ILLEGAL);
        assert_int_equal(m.trap.tval, half[i]);
        machine_close(&m);
    }
}

static void instructions_have_words(void **state)
{
    (void)state;
    const struct {
        uint32_t bits;
        const char *text;
    } text[] = {
        {ASM_ADDI(A0, SP, -16), "addi a0, sp, -16"},
        {ASM_LD(RA, 8, SP), "ld ra, 8(sp)"},
        {ASM_SD(S0, -8, SP), "sd s0, -8(sp)"},
        {ASM_BNE(A0, ZERO, -4), "bne a0, zero, 0xfffc"},
        {ASM_JAL(ZERO, 16), "jal zero, 0x10010"},
        {ASM_LUI(A5, 0xfffff), "lui a5, 0xfffff"},
        {ASM_CSRRW(ZERO, 3, A0), "csrrw zero, fcsr, a0"},
        {0x4505, "addi a0, zero, 1"},
        {asm_r(0x02007053, 10, 11, 12), "fadd.d fa0, fa1, fa2"},
        {asm_r(0xc2200053, A0, 10, 2), "fcvt.l.d a0, fa0"},
        {asm_r(0x1800302f, A3, A0, A1), "sc.d a3, a1, (a0)"},
        {ASM_ECALL, "ecall"},
        {0xffffffff, "illegal 0xffffffff"},
        {0, "illegal 0x0"},
    };
    char out[64];
    for (unsigned i = 0; i < sizeof text / sizeof *text; i++)
        assert_string_equal(vm_rv64_text(text[i].bits, 0x10000, out, sizeof out), text[i].text);
    assert_string_equal(vm_rv64_cause_name(VM_RV64_STORE_PAGE), "store/AMO page fault");
    assert_string_equal(vm_rv64_text(ASM_ECALL, 0, out, 3), "ec");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_manual),
        cmocka_unit_test(nothing_is_written_to_x0),
        cmocka_unit_test(branches_compare),
        cmocka_unit_test(jumps_link_and_drop_the_low_bit),
        cmocka_unit_test(a_compressed_jump_links_two_bytes_on),
        cmocka_unit_test(loads_extend_as_they_are_named),
        cmocka_unit_test(stores_write_their_bytes_only),
        cmocka_unit_test(amos_give_the_old_value_and_leave_the_new),
        cmocka_unit_test(sc_succeeds_once_after_lr_of_the_same),
        cmocka_unit_test(counters_count_what_has_retired),
        cmocka_unit_test(fcsr_is_frm_and_fflags),
        cmocka_unit_test(flags_of_the_host_reach_the_hart_and_stay),
        cmocka_unit_test(tininess_is_that_of_the_rounded_result),
        cmocka_unit_test(what_is_not_boxed_is_nan),
        cmocka_unit_test(a_reserved_rounding_mode_is_illegal),
        cmocka_unit_test(what_user_mode_has_not_is_illegal),
        cmocka_unit_test(a_short_illegal_instruction_has_16_bits),
        cmocka_unit_test(instructions_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
