/* The interpreter against qemu-riscv64, which shares nothing with it: each floating-point
 * instruction in each rounding mode on edge and random operands, and random programs of all
 * instructions that compute. The same bytes are executed by both, as a program that writes what it
 * has found to its standard output. Without qemu-riscv64 the tests are skipped. */
#include "oracle/rv64_program.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE RV64_PROGRAM_BASE

enum { OPERANDS = 0x30000, RESULTS = 0x38000, TRIPLES = 256, SYS_EXIT = 93 };

/* --- both ways to run it ------------------------------------------------------------------ */

/* What it writes, in memory that the caller frees. */
static char *run_here(const struct rv64_program *p, size_t *bytes)
{
    struct rv64_world w;
    struct vm_rv64 hart = {.pc = BASE + RV64_PROGRAM_CODE};
    struct vm_rv64_trap trap;
    char *text;
    FILE *out = open_memstream(&text, bytes);
    rv64_world_open(&w, BASE, RV64_WORLD_PAGES, 0);
    struct vm_rv64_bus bus = rv64_world_bus(&w);
    rv64_world_put(&w, BASE, p->image, sizeof p->image);
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
static char *run_qemu(const struct rv64_program *p, size_t *bytes)
{
    char path[] = "/tmp/pagoda-rv64-XXXXXX", *text;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    rv64_program_save(p, path);
    FILE *out = open_memstream(&text, bytes);
    bool there = rv64_program_qemu(path, out);
    fclose(out);
    unlink(path);
    if (there)
        return text;
    free(text);
    return NULL;
}

/* The first difference, in 8-byte words; skips the test where there is no qemu. */
static bool same_output(const struct rv64_program *p, size_t *different)
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

/* --- each instruction in each mode -------------------------------------------------------- */

static bool is_float(enum rv64_format format)
{
    return format >= RV64_F1 && format <= RV64_F_FROM_X_EXACT;
}
static bool to_integer(enum rv64_format format)
{
    return format == RV64_X_FROM_F || format == RV64_X_FROM_F_EXACT || format == RV64_X_FROM_F2;
}

/* A loop over the operands: f1, f2, f3 and a0 of each triple in, the result and the flags out. */
static void put_loop(struct rv64_program *p, const struct rv64_row *row, unsigned mode,
                     bool of_hart)
{
    struct asm_code *c = &p->code;
    uint32_t operands = 1 << 15 | 2 << 20 | 3u << 27;
    bool integer = row->format == RV64_F_FROM_X || row->format == RV64_F_FROM_X_EXACT;
    if (integer)
        operands = A0 << 15;
    uint32_t word = row->match | (operands & ~row->mask) | 4 << 7;
    if (to_integer(row->format))
        word = (word & ~(31u << 7)) | A3 << 7;
    if (rv64_format_rounds(row->format))
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
    rv64_program_write(p, RESULTS, TRIPLES * 16);
}

/* All operands of a program are of one precision. */
static void put_operands(struct rv64_program *p, struct vm_random *r, bool singles)
{
    uint64_t triple[4];
    for (unsigned i = 0; i < TRIPLES; i++) {
        for (unsigned k = 0; k < 3; k++)
            triple[k] = singles ? rv64_random_single(r) : rv64_random_double(r);
        if (!vm_random_below(r, 8))
            triple[2] = triple[0] ^ vm_random_below(r, 2) << 63 ^ vm_random_below(r, 2) << 31;
        triple[3] = rv64_random_integer(r);
        memcpy(p->image + OPERANDS + i * sizeof triple, triple, sizeof triple);
    }
}

/* Which rows the program has, in the order of their output. */
struct section {
    unsigned code, mode;
    bool of_hart;
};

static unsigned put_sections(struct rv64_program *p, struct section *sections)
{
    unsigned n = 0;
    for (unsigned code = 0; code < RV64_illegal; code++) {
        const struct rv64_row *row = &rv64_rows[code];
        if (!is_float(row->format))
            continue;
        for (unsigned mode = 0; mode < (rv64_format_rounds(row->format) ? 10 : 1); mode++) {
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
        struct rv64_program *p = rv64_program_open(OPERANDS);
        struct section sections[1000];
        struct vm_random random;
        size_t at;
        vm_random_seed(&random, seed);
        put_operands(p, &random, seed % 2);
        unsigned n = put_sections(p, sections);
        assert_true(n > 300);
        rv64_program_exit(p);
        if (!same_output(p, &at)) {
            const struct section *s = &sections[at / (2 * TRIPLES)];
            fail_msg("%s, mode %u%s, operands %zu of seed %u", rv64_rows[s->code].text, s->mode,
                     s->of_hart ? " of the hart" : "", at / 2 % TRIPLES, seed);
        }
        free(p);
    }
}

/* --- random programs ---------------------------------------------------------------------- */

enum { STRAIGHT = 3000 };

static void put_dump(struct rv64_program *p)
{
    asm_li(&p->code, S1, (int32_t)(BASE + RESULTS + 0x1000));
    rv64_program_store_registers(p);
    rv64_program_write(p, RESULTS, 0x1000 + RV64_PROGRAM_REGISTERS);
}

static void put_straight(struct rv64_program *p, struct vm_random *r)
{
    asm_li(&p->code, S0, (int32_t)(BASE + RESULTS + 0x800));
    for (unsigned i = 0; i < 0x1000; i += 8) {
        uint64_t value = i % 16 ? rv64_random_double(r) : rv64_random_integer(r);
        memcpy(p->image + RESULTS + i, &value, 8);
    }
    for (unsigned i = 0; i < 32; i++) {
        asm_put(&p->code, ASM_FLD(i, (int32_t)(i * 8), S0));
        if (i && i != S0)
            asm_put(&p->code, ASM_LD(i, (int32_t)(i * 8) - 256, S0));
    }
    for (unsigned i = 0; i < STRAIGHT; i++)
        asm_put(&p->code, vm_random_below(r, 3) ? rv64_random_word(r)
                                                : rv64_random_half(r) | rv64_random_half(r) << 16);
}

static void random_straight_programs_end_as_under_qemu(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < test_rounds(20); seed++) {
        struct rv64_program *p = rv64_program_open(OPERANDS);
        struct vm_random random;
        size_t at;
        vm_random_seed(&random, 77 + seed);
        put_straight(p, &random);
        put_dump(p);
        rv64_program_exit(p);
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
