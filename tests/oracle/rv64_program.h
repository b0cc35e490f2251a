/* rv64_program.h - RISC-V programs that tests make word by word and other executors run as well.
 *
 * The idea: an ELF file of one segment, which is all of its memory: the same bytes are a program to
 * Pagoda's hart, to its kernel and to qemu-riscv64. What a program has found out it writes to its
 * standard output.
 *
 *     RV64_PROGRAM_BASE + 0: headers   + CODE: instructions   further on: what the maker puts there
 */
#ifndef ORACLE_RV64_PROGRAM_H
#define ORACLE_RV64_PROGRAM_H

#include "base/random.h"
#include "oracle/rv64_asm.h"
#include "oracle/rv64_world.h"
#include "rv64/decode.h"

#include <stdbool.h>
#include <stdio.h>

#define RV64_PROGRAM_BASE UINT64_C(0x100000)

enum {
    RV64_PROGRAM_BYTES = RV64_WORLD_PAGES * RV64_WORLD_PAGE,
    RV64_PROGRAM_CODE = 0x100,
    RV64_PROGRAM_REGISTERS = 64 * 8 + 8, /* bytes: x, f, fcsr */
};

struct rv64_program {
    uint8_t image[RV64_PROGRAM_BYTES];
    struct asm_code code;
};

/* One without instructions, whose code ends before `code_end`. To be freed by free(). */
struct rv64_program *rv64_program_open(unsigned code_end);

/* A system call; a1 and further arguments are in their registers already. */
void rv64_program_call(struct rv64_program *p, int number, int a0);
void rv64_program_write(struct rv64_program *p, unsigned at, unsigned bytes);
void rv64_program_exit(struct rv64_program *p);
/* Store all registers but s1, from s1 on. */
void rv64_program_store_registers(struct rv64_program *p);

/* Run `path` under qemu-riscv64: what it writes goes to `out`. False: there is no qemu-riscv64.
 * Where it fails, or ends with another status than 0, the test does. */
bool rv64_program_qemu(const char *path, FILE *out);
/* The same with any status; answers how many instructions were executed, by it and by those that it
 * forked: one a line of qemu's log. There is a qemu-riscv64. */
uint64_t rv64_program_qemu_counted(const char *path, FILE *out);
bool rv64_program_qemu_is_here(void);
/* The program as a file that can be executed. */
void rv64_program_save(const struct rv64_program *p, const char *path);

/* ---- what random programs are made of ---- */

/* Of each kind those that make trouble. */
uint64_t rv64_random_double(struct vm_random *r);
uint64_t rv64_random_single(struct vm_random *r); /* in its box, mostly */
uint64_t rv64_random_integer(struct vm_random *r);
bool rv64_format_rounds(enum rv64_format format);
/* An instruction that computes, loads or stores. s0 points to the middle of 4 KiB of data, s1 is
 * for the program itself: neither is a result. When SC fails is left open by the manual, and qemu's
 * answer is not ours. */
uint32_t rv64_random_word(struct vm_random *r);
/* A compressed instruction that computes. */
uint32_t rv64_random_half(struct vm_random *r);

#endif
