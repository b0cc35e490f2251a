/* The interpreter against qemu-riscv64, which shares nothing with it: each floating-point
 * instruction in each rounding mode on edge and random operands, and random programs of all
 * instructions that compute. The same bytes are executed by both, as a program that writes what it
 * has found to its standard output. Without qemu-riscv64 the tests are skipped. */
#include "base/child.h"
#include "oracle/rv64_asm.h"
#include "oracle/rv64_world.h"
#include "rounds.h"
#include "rv64/decode.h"
#include "unit/test.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE UINT64_C(0x100000)

enum {
    PAGES = RV64_WORLD_PAGES,
    IMAGE = PAGES * RV64_WORLD_PAGE,
    CODE = 0x100,
    OPERANDS = 0x30000,
    RESULTS = 0x38000,
    TRIPLES = 256,
    SYS_WRITE = 64,
    SYS_EXIT = 93,
};

/* A program: an ELF file of one segment, which is all of its memory. */
struct program {
    uint8_t image[IMAGE];
    struct asm_code code;
};

static struct program *program_open(void)
{
    struct program *p = calloc(1, sizeof *p);
    assert_non_null(p);
    Elf64_Ehdr head = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = BASE + CODE,
        .e_phoff = sizeof head,
        .e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE,
        .e_ehsize = sizeof head,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
    };
    Elf64_Phdr segment = {
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_vaddr = BASE,
        .p_paddr = BASE,
        .p_filesz = IMAGE,
        .p_memsz = IMAGE,
        .p_align = RV64_WORLD_PAGE,
    };
    memcpy(p->image, &head, sizeof head);
    memcpy(p->image + sizeof head, &segment, sizeof segment);
    p->code = (struct asm_code){(uint32_t *)(p->image + CODE), 0, (OPERANDS - CODE) / 4};
    return p;
}

static void program_call(struct program *p, int number, int a0)
{
    asm_li(&p->code, A0, a0);
    asm_li(&p->code, A7, number);
    asm_put(&p->code, ASM_ECALL);
}

static void program_write(struct program *p, unsigned at, unsigned bytes)
{
    asm_li(&p->code, A1, (int32_t)(BASE + at));
    asm_li(&p->code, A2, (int32_t)bytes);
    program_call(p, SYS_WRITE, 1);
}

/* --- both ways to run it ------------------------------------------------------------------ */

/* What it writes, in memory that the caller frees. */
static char *run_here(const struct program *p, size_t *bytes)
{
    struct rv64_world w;
    struct vm_rv64 hart = {.pc = BASE + CODE};
    struct vm_rv64_trap trap;
    char *text;
    FILE *out = open_memstream(&text, bytes);
    rv64_world_open(&w, BASE, PAGES, 0);
    struct vm_rv64_bus bus = rv64_world_bus(&w);
    rv64_world_put(&w, BASE, p->image, IMAGE);
    for (;;) {
        assert_int_equal(vm_rv64_run(&hart, w.view, &bus, UINT64_MAX, &trap), VM_RV64_TRAPPED);
        assert_int_equal(trap.cause, VM_RV64_ECALL_USER);
        hart.pc += 4;
        if (hart.x[A7] == SYS_EXIT)
            break;
        fwrite(rv64_world_byte(&w, hart.x[A1]), 1, hart.x[A2], out);
    }
    fclose(out);
    rv64_world_close(&w);
    return text;
}

/* NULL: there is no qemu-riscv64. */
static char *run_qemu(const struct program *p, size_t *bytes)
{
    char path[] = "/tmp/pagoda-rv64-XXXXXX", complaint[VM_CHILD_COMPLAINT], *text;
    const char *argv[] = {"qemu-riscv64", path, NULL};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p->image, IMAGE), IMAGE);
    fchmod(fd, 0700);
    close(fd);
    FILE *out = open_memstream(&text, bytes);
    enum vm_child_end end = vm_child_filter(argv, "", 0, out, complaint);
    fclose(out);
    unlink(path);
    if (end == VM_CHILD_DONE)
        return text;
    free(text);
    if (end == VM_CHILD_FAILED)
        fail_msg("qemu-riscv64: %s", complaint);
    return NULL;
}

/* The first difference, in 8-byte words; skips the test where there is no qemu. */
static bool same_output(const struct program *p, size_t *different)
{
    size_t bytes, qemu_bytes;
    char *text = run_here(p, &bytes), *qemu_text = run_qemu(p, &qemu_bytes);
    if (!qemu_text) {
        free(text);
        print_message("qemu-riscv64 is not installed (Debian: qemu-user)\n");
        skip();
    }
    size_t i = 0;
    while (i < bytes && i < qemu_bytes && !memcmp(text + i, qemu_text + i, 8))
        i += 8;
    bool same = i >= bytes && bytes == qemu_bytes;
    *different = i / 8;
    if (!same && i < bytes) {
        uint64_t here, there;
        memcpy(&here, text + i, 8);
        memcpy(&there, qemu_text + i, 8);
        print_message("word %zu: 0x%llx, but qemu has 0x%llx\n", i / 8, (unsigned long long)here,
                      (unsigned long long)there);
    }
    free(text);
    free(qemu_text);
    return same;
}

/* --- operands ----------------------------------------------------------------------------- */

static uint64_t random_below(struct vm_random *r, uint64_t n)
{
    return vm_random_below(r, n);
}

/* Exponents near each other, and near both ends; fractions with few bits, so that ties happen. */
static uint64_t random_double(struct vm_random *r)
{
    static const uint64_t exps[] = {0,    1,    2,    52,   971,  1000, 1022, 1023, 1024, 1050,
                                    1075, 1076, 1077, 1085, 1086, 1087, 2045, 2046, 2047};
    uint64_t frac = vm_random_u64(r) >> 12, exp = exps[random_below(r, sizeof exps / 8)];
    switch (random_below(r, 5)) {
    case 0:
        frac = 0;
        break;
    case 1:
        frac = UINT64_C(1) << random_below(r, 52);
        break;
    case 2:
        frac = 0xfffffffffffff ^ UINT64_C(1) << random_below(r, 52);
        break;
    case 3:
        frac &= ~UINT64_C(0) << random_below(r, 52) & 0xfffffffffffff;
        break;
    }
    return random_below(r, 2) << 63 | (exp + random_below(r, 2)) % 2048 << 52 | frac;
}

static uint64_t random_single(struct vm_random *r)
{
    static const uint32_t exps[] = {0,   1,   2,   23,  100, 103, 104, 125, 126, 127, 128, 140,
                                    149, 150, 151, 157, 158, 159, 189, 190, 253, 254, 255};
    uint32_t frac = (uint32_t)vm_random_u64(r) >> 9, exp = exps[random_below(r, sizeof exps / 4)];
    switch (random_below(r, 5)) {
    case 0:
        frac = 0;
        break;
    case 1:
        frac = UINT32_C(1) << random_below(r, 23);
        break;
    case 2:
        frac = 0x7fffff ^ UINT32_C(1) << random_below(r, 23);
        break;
    case 3:
        frac &= ~UINT32_C(0) << random_below(r, 23) & 0x7fffff;
        break;
    }
    uint64_t box = random_below(r, 16) ? 0xffffffff00000000 : 0xfffffffe00000000;
    return box | random_below(r, 2) << 31 | (exp + random_below(r, 2)) % 256 << 23 | frac;
}

static uint64_t random_integer(struct vm_random *r)
{
    static const uint64_t edge[] = {0, 1, UINT64_MAX, INT64_MAX, INT32_MAX, 0x80000000, UINT32_MAX};
    uint64_t value =
        random_below(r, 3) ? vm_random_u64(r) >> random_below(r, 64) : edge[random_below(r, 7)];
    return random_below(r, 2) ? value : -value;
}

/* --- each instruction in each mode -------------------------------------------------------- */

static bool is_float(enum rv64_format format)
{
    return format >= RV64_F1 && format <= RV64_F_FROM_X_EXACT;
}
static bool rounds(enum rv64_format format)
{
    return format == RV64_F1 || format == RV64_F2 || format == RV64_F3 || format == RV64_X_FROM_F ||
           format == RV64_F_FROM_X;
}
static bool to_integer(enum rv64_format format)
{
    return format == RV64_X_FROM_F || format == RV64_X_FROM_F_EXACT || format == RV64_X_FROM_F2;
}

/* A loop over the operands: f1, f2, f3 and a0 of each triple in, the result and the flags out. */
static void put_loop(struct program *p, const struct rv64_row *row, unsigned mode, bool of_hart)
{
    struct asm_code *c = &p->code;
    uint32_t operands = 1 << 15 | 2 << 20 | 3u << 27;
    bool integer = row->format == RV64_F_FROM_X || row->format == RV64_F_FROM_X_EXACT;
    if (integer)
        operands = A0 << 15;
    uint32_t word = row->match | (operands & ~row->mask) | 4 << 7;
    if (to_integer(row->format))
        word = (word & ~(31u << 7)) | A3 << 7;
    if (rounds(row->format))
        word |= (of_hart ? 7 : mode) << 12;
    asm_li(c, S0, (int32_t)(BASE + OPERANDS));
    asm_li(c, S1, (int32_t)(BASE + RESULTS));
    asm_li(c, T0, TRIPLES);
    asm_li(c, T1, of_hart ? (int32_t)(mode << 5) : 0);
    unsigned top = c->n;
    asm_put(c, ASM_FLD(1, 0, S0));
    asm_put(c, ASM_FLD(2, 8, S0));
    asm_put(c, ASM_FLD(3, 16, S0));
    asm_put(c, ASM_LD(A0, 24, S0));
    asm_put(c, ASM_CSRRW(ZERO, 3, T1));
    asm_put(c, word);
    asm_put(c, to_integer(row->format) ? ASM_SD(A3, 0, S1) : ASM_FSD(4, 0, S1));
    asm_put(c, ASM_CSRRS(A4, 3, ZERO));
    asm_put(c, ASM_SD(A4, 8, S1));
    asm_put(c, ASM_ADDI(S0, S0, 32));
    asm_put(c, ASM_ADDI(S1, S1, 16));
    asm_put(c, ASM_ADDI(T0, T0, -1));
    asm_put(c, ASM_BNE(T0, ZERO, ((int32_t)top - (int32_t)c->n) * 4));
    program_write(p, RESULTS, TRIPLES * 16);
}

/* All operands of a program are of one precision. */
static void put_operands(struct program *p, struct vm_random *r, bool singles)
{
    uint64_t triple[4];
    for (unsigned i = 0; i < TRIPLES; i++) {
        for (unsigned k = 0; k < 3; k++)
            triple[k] = singles ? random_single(r) : random_double(r);
        if (!random_below(r, 8))
            triple[2] = triple[0] ^ random_below(r, 2) << 63 ^ random_below(r, 2) << 31;
        triple[3] = random_integer(r);
        memcpy(p->image + OPERANDS + i * sizeof triple, triple, sizeof triple);
    }
}

/* Which rows the program has, in the order of their output. */
struct section {
    unsigned code, mode;
    bool of_hart;
};

static unsigned put_sections(struct program *p, struct section *sections)
{
    unsigned n = 0;
    for (unsigned code = 0; code < RV64_illegal; code++) {
        const struct rv64_row *row = &rv64_rows[code];
        if (!is_float(row->format))
            continue;
        for (unsigned mode = 0; mode < (rounds(row->format) ? 10 : 1); mode++) {
            sections[n++] = (struct section){code, mode % 5, mode >= 5};
            put_loop(p, row, mode % 5, mode >= 5);
        }
    }
    return n;
}

static void every_float_instruction_in_every_mode_is_qemus(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < test_rounds(8); seed++) {
        struct program *p = program_open();
        struct section sections[1000];
        struct vm_random random;
        size_t at;
        vm_random_seed(&random, seed);
        put_operands(p, &random, seed % 2);
        unsigned n = put_sections(p, sections);
        assert_true(n > 300);
        program_call(p, SYS_EXIT, 0);
        if (!same_output(p, &at)) {
            const struct section *s = &sections[at / (2 * TRIPLES)];
            fail_msg("%s, mode %u%s, operands %zu of seed %u", rv64_rows[s->code].text, s->mode,
                     s->of_hart ? " of the hart" : "", at / 2 % TRIPLES, seed);
        }
        free(p);
    }
}

/* --- random programs ---------------------------------------------------------------------- */

enum { STRAIGHT = 3000, DUMP = 64 * 8 + 8 };

/* s0 points to the middle of the data, s1 is for the program itself: neither is a result. When SC
 * fails is left open by the manual, and qemu's answer is not ours. */
static uint32_t random_word(struct vm_random *r)
{
    for (;;) {
        unsigned code = (unsigned)random_below(r, RV64_illegal);
        const struct rv64_row *row = &rv64_rows[code];
        uint32_t word = (uint32_t)vm_random_u64(r);
        switch (row->format) {
        case RV64_B:
        case RV64_J:
        case RV64_JALR:
        case RV64_CSR:
        case RV64_CSRI:
        case RV64_SYSTEM:
        case RV64_NONE:
        case RV64_LR:
            continue;
        case RV64_LOAD:
        case RV64_FLOAD:
        case RV64_STORE:
        case RV64_FSTORE:
        case RV64_AMO:
            word = (word & ~(31u << 15)) | S0 << 15;
            break;
        default:
            break;
        }
        bool writes = row->format != RV64_STORE && row->format != RV64_FSTORE;
        if (writes && ((word >> 7 & 31) == S0 || (word >> 7 & 31) == S1))
            word ^= 16u << 7;
        if (rounds(row->format))
            word = (word & ~(7u << 12)) | (uint32_t)random_below(r, 5) << 12;
        word = (word & ~row->mask) | row->match;
        if (rv64_decode(word).code == code && code != RV64_sc_w && code != RV64_sc_d)
            return word;
    }
}

/* Compressed instructions that compute: of the first quadrant c.addi4spn, of the second all but the
 * jumps, of the third c.slli and c.mv, c.add. */
static uint32_t random_half(struct vm_random *r)
{
    for (;;) {
        uint32_t half = (uint32_t)random_below(r, 0x10000);
        struct rv64_insn insn = rv64_decode(half);
        if ((half & 3) == 3 || insn.code == RV64_illegal || insn.rd == S0 || insn.rd == S1)
            continue;
        enum rv64_format format = rv64_rows[insn.code].format;
        if (format == RV64_R || format == RV64_I || format == RV64_SHIFT || format == RV64_U)
            return half;
    }
}

static void put_dump(struct program *p)
{
    asm_li(&p->code, S1, (int32_t)(BASE + RESULTS + 0x1000));
    for (unsigned i = 0; i < 32; i++) {
        asm_put(&p->code, ASM_SD(i, (int32_t)(8 * i), S1));
        asm_put(&p->code, ASM_FSD(i, (int32_t)(256 + 8 * i), S1));
    }
    asm_put(&p->code, ASM_CSRRS(A4, 3, ZERO));
    asm_put(&p->code, ASM_SD(A4, 512, S1));
    program_write(p, RESULTS, 0x1000 + DUMP);
}

static void put_straight(struct program *p, struct vm_random *r)
{
    asm_li(&p->code, S0, (int32_t)(BASE + RESULTS + 0x800));
    for (unsigned i = 0; i < 0x1000; i += 8) {
        uint64_t value = i % 16 ? random_double(r) : random_integer(r);
        memcpy(p->image + RESULTS + i, &value, 8);
    }
    for (unsigned i = 0; i < 32; i++) {
        asm_put(&p->code, ASM_FLD(i, (int32_t)(i * 8), S0));
        if (i && i != S0)
            asm_put(&p->code, ASM_LD(i, (int32_t)(i * 8) - 256, S0));
    }
    for (unsigned i = 0; i < STRAIGHT; i++)
        asm_put(&p->code,
                random_below(r, 3) ? random_word(r) : random_half(r) | random_half(r) << 16);
}

static void random_straight_programs_end_as_under_qemu(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < test_rounds(20); seed++) {
        struct program *p = program_open();
        struct vm_random random;
        size_t at;
        vm_random_seed(&random, 77 + seed);
        put_straight(p, &random);
        put_dump(p);
        program_call(p, SYS_EXIT, 0);
        if (!same_output(p, &at))
            fail_msg("word %zu of seed %u", at, seed);
        free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_float_instruction_in_every_mode_is_qemus),
        cmocka_unit_test(random_straight_programs_end_as_under_qemu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
