/* fuzz_calls.c - bytes as system calls of a program, with stores and loads between them.
 *
 * The first byte chooses the machine (model, overcommit) and whether files may be changed; what
 * follows is calls: two bytes for the number, and six arguments, each a byte for its kind and what
 * that kind takes. The program is an ELF file with a loop over a table of them:
 *
 *     0x10000  the loop     0x11000  the table: number, a0 to a5, answer     0x13000  an area
 *
 * It closes the streams of the host first. What it forks goes on with the same table.
 */
#include "fuzz/kernel_world.h"

#include <elf.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { CALLS = 64, WORDS = 8, STORE = 1000, LOAD = 1001 };
#define LOOP  0x10000
#define TABLE 0x11000
#define AREA  0x13000
#define ZONE  UINT64_C(0x10000000) /* for mappings of its own */

/* As assembled: close 0, 1, 2; then the table. */
static const uint32_t loop[] = {
    0x03900893, 0x00000513, 0x00000073, 0x00100513,
    0x00000073, 0x00200513, 0x00000073, 0x00011437, /* lui s0, 0x11 */
    0x3e800493,                                     /* li s1, 1000 */
    0x00043883,                                     /* next: ld a7, 0(s0), and the arguments */
    0x00843503, 0x01043583, 0x01843603, 0x02043683,
    0x02843703, 0x03043783, 0x0098cc63, /* blt a7, s1, call */
    0x00988663,                         /* beq a7, s1, store */
    0x00053503, 0x0100006f,             /* ld a0, 0(a0); j done */
    0x00b53023, 0x0080006f,             /* store: sd a1, 0(a0); j done */
    0x00000073,                         /* call: ecall */
    0x02a43c23, 0x04040413, 0xfc1ff06f, /* done: the answer; the next one */
};

struct program {
    Elf64_Ehdr head;
    Elf64_Phdr segment[2];
    uint8_t rest[0x1000 - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
    uint64_t table[CALLS + 1][WORDS];
    uint8_t between[0x2000 - (CALLS + 1) * WORDS * 8];
    char area[64]; /* at AREA */
};
_Static_assert(offsetof(struct program, area) == 0x1000 + AREA - TABLE, "AREA");

struct input {
    const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes && in->at < in->end; i++)
        value |= (uint64_t)*in->at++ << (8 * i);
    return value;
}

static uint64_t argument(struct input *in)
{
    unsigned kind = (unsigned)take(in, 1);
    switch (kind % 12) {
    case 0:
        return 0;
    case 1:
        return take(in, 1);
    case 2:
        return AREA + take(in, 2) % 0x2000;
    case 3:
        return UINT64_C(1) << (take(in, 1) % 64);
    case 4:
        return -take(in, 1);
    case 5:
        return ZONE + (take(in, 1) << 12);
    case 6:
        return take(in, 1) << 12;
    case 7:
        return take(in, 4);
    case 8:
        return take(in, 8);
    case 9:
        return AREA + 4 * (take(in, 1) % 8); /* a name */
    case 10:
        return ZONE + take(in, 3);
    default:
        return (uint64_t)(int64_t)-100; /* AT_FDCWD */
    }
}

/* By its number, so that seeds stay right when calls are added; those beyond are no calls. */
static uint64_t number(struct input *in)
{
    uint64_t number = take(in, 2) % 512;
    return number < 448 ? number : STORE + number % 2;
}

static void make_program(struct input *in, struct program *p)
{
    static const char names[] = "f\0\0\0d/f\0..\0\0/p\0\0o\0\0\0d\0\0\0g\0\0\0/\0\0";
    uint64_t bytes = sizeof *p - 0x1000;
    memset(p, 0, sizeof *p);
    memcpy(p->head.e_ident, ELFMAG "\2\1\1", 7);
    p->head.e_type = ET_EXEC;
    p->head.e_machine = EM_RISCV;
    p->head.e_phoff = sizeof p->head;
    p->head.e_phentsize = sizeof p->segment[0];
    p->head.e_phnum = 2;
    p->head.e_entry = LOOP + 0x200;
    memcpy((uint8_t *)p + 0x200, loop, sizeof loop);
    p->segment[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R | PF_X,
                                 .p_vaddr = LOOP,
                                 .p_filesz = 0x1000,
                                 .p_memsz = 0x1000};
    p->segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
                                 .p_flags = PF_R | PF_W,
                                 .p_vaddr = TABLE,
                                 .p_offset = 0x1000,
                                 .p_filesz = bytes,
                                 .p_memsz = 0x4000};
    memcpy(p->area, names, sizeof names);
    unsigned n = 0;
    for (; n < CALLS && in->at < in->end; n++) {
        p->table[n][0] = number(in);
        for (int a = 1; a <= 6; a++)
            p->table[n][a] = argument(in);
    }
    p->table[n][0] = 94; /* exit_group */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct program program;
    struct input in = {data, data + n};
    struct fuzz_root root;
    unsigned choice = (unsigned)take(&in, 1);
    make_program(&in, &program);
    root_make(&root, &program, sizeof program);
    struct vm_run_config c = small_machine(root.path);
    c.writable = choice & 1;
    c.overcommit = choice & 2 ? VM_OVERCOMMIT_NEVER : VM_OVERCOMMIT_ALWAYS;
    c.model = choice & 4 ? VM_RUN_NONE : VM_RUN_TLB;
    run_checked(&c);
    root_remove(&root);
    return 0;
}
