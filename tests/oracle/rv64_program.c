/* rv64_program.c - see rv64_program.h. */
#include "oracle/rv64_program.h"

#include "base/child.h"
#include "unit/test.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SYS_WRITE = 64, SYS_EXIT = 93 };

/* ---- programs ---- */

struct rv64_program *rv64_program_open(unsigned code_end)
{
    struct rv64_program *p = calloc(1, sizeof *p);
    assert_non_null(p);
    Elf64_Ehdr head = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_RISCV,
        .e_version = EV_CURRENT,
        .e_entry = RV64_PROGRAM_BASE + RV64_PROGRAM_CODE,
        .e_phoff = sizeof head,
        .e_flags = EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE,
        .e_ehsize = sizeof head,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1,
    };
    Elf64_Phdr segment = {
        .p_type = PT_LOAD,
        .p_flags = PF_R | PF_W | PF_X,
        .p_vaddr = RV64_PROGRAM_BASE,
        .p_paddr = RV64_PROGRAM_BASE,
        .p_filesz = RV64_PROGRAM_BYTES,
        .p_memsz = RV64_PROGRAM_BYTES,
        .p_align = RV64_WORLD_PAGE,
    };
    memcpy(p->image, &head, sizeof head);
    memcpy(p->image + sizeof head, &segment, sizeof segment);
    p->code = (struct asm_code){(uint32_t *)(p->image + RV64_PROGRAM_CODE), 0,
                                (code_end - RV64_PROGRAM_CODE) / 4};
    return p;
}

void rv64_program_call(struct rv64_program *p, int number, int a0)
{
    asm_li(&p->code, A0, a0);
    asm_li(&p->code, A7, number);
    asm_put(&p->code, ASM_ECALL);
}

void rv64_program_write(struct rv64_program *p, unsigned at, unsigned bytes)
{
    asm_li(&p->code, A1, (int32_t)(RV64_PROGRAM_BASE + at));
    asm_li(&p->code, A2, (int32_t)bytes);
    rv64_program_call(p, SYS_WRITE, 1);
}

void rv64_program_exit(struct rv64_program *p)
{
    rv64_program_call(p, SYS_EXIT, 0);
}

void rv64_program_store_registers(struct rv64_program *p)
{
    for (unsigned i = 0; i < 32; i++) {
        asm_put(&p->code, ASM_SD(i, (int32_t)(8 * i), S1));
        asm_put(&p->code, ASM_FSD(i, (int32_t)(256 + 8 * i), S1));
    }
    asm_put(&p->code, ASM_CSRRS(A4, 3, ZERO));
    asm_put(&p->code, ASM_SD(A4, 512, S1));
}

void rv64_program_save(const struct rv64_program *p, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p->image, sizeof p->image), sizeof p->image);
    close(fd);
}

/* ---- under QEMU ---- */

static uint64_t count_lines(const char *path)
{
    char part[65536];
    uint64_t n = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while ((got = read(fd, part, sizeof part)) > 0)
        for (ssize_t i = 0; i < got; i++)
            n += part[i] == '\n';
    close(fd);
    return n;
}

static enum vm_child_end run(const char *const *argv, FILE *out)
{
    char complaint[VM_CHILD_COMPLAINT];
    enum vm_child_end end = vm_child_filter(argv, "", 0, out, complaint);
    if (end == VM_CHILD_FAILED)
        fail_msg("%s: %s", argv[0], complaint);
    return end;
}

bool rv64_program_qemu(const char *path, FILE *out)
{
    return run((const char *const[]){"qemu-riscv64", path, NULL}, out) == VM_CHILD_DONE;
}

bool rv64_program_qemu_is_here(void)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool here = run((const char *const[]){"qemu-riscv64", "-version", NULL}, out) == VM_CHILD_DONE;
    fclose(out);
    free(text);
    return here;
}

uint64_t rv64_program_qemu_counted(const char *path, FILE *out)
{
    /* Statuses from 126 on are the shell's own, and of signals. */
    static const char command[] = "qemu-riscv64 -singlestep -d exec,nochain -D \"$1\" \"$2\" || "
                                  "test $? -lt 126";
    char log[] = "/tmp/pagoda-qemu-XXXXXX";
    int fd = mkstemp(log);
    assert_true(fd >= 0);
    close(fd);
    run((const char *const[]){"sh", "-c", command, "sh", log, path, NULL}, out);
    uint64_t instructions = count_lines(log);
    unlink(log);
    return instructions;
}

/* ---- at random ---- */

static uint64_t random_below(struct vm_random *r, uint64_t n)
{
    return vm_random_below(r, n);
}

/* Exponents near each other, and near both ends; fractions with few bits, so that ties happen. */
uint64_t rv64_random_double(struct vm_random *r)
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

uint64_t rv64_random_single(struct vm_random *r)
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

uint64_t rv64_random_integer(struct vm_random *r)
{
    static const uint64_t edge[] = {0, 1, UINT64_MAX, INT64_MAX, INT32_MAX, 0x80000000, UINT32_MAX};
    uint64_t value =
        random_below(r, 3) ? vm_random_u64(r) >> random_below(r, 64) : edge[random_below(r, 7)];
    return random_below(r, 2) ? value : -value;
}

bool rv64_format_rounds(enum rv64_format format)
{
    return format == RV64_F1 || format == RV64_F2 || format == RV64_F3 || format == RV64_X_FROM_F ||
           format == RV64_F_FROM_X;
}

uint32_t rv64_random_word(struct vm_random *r)
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
        if (rv64_format_rounds(row->format))
            word = (word & ~(7u << 12)) | (uint32_t)random_below(r, 5) << 12;
        word = (word & ~row->mask) | row->match;
        if (rv64_decode(word).code == code && code != RV64_sc_w && code != RV64_sc_d)
            return word;
    }
}

/* Compressed instructions that compute: of the first quadrant c.addi4spn, of the second all but the
 * jumps, of the third c.slli and c.mv, c.add. */
uint32_t rv64_random_half(struct vm_random *r)
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
