/* rv64_naive.h - a hart that takes each instruction apart anew, and each byte by itself.
 *
 * The oracle of src/rv64: one switch after the manual's tables, compressed instructions done as
 * they stand, floating point by the host under the instruction's rounding mode. It shares no code
 * with the room that it is held against.
 */
#ifndef ORACLE_RV64_NAIVE_H
#define ORACLE_RV64_NAIVE_H

#include <pagoda/rv64.h>

struct naive_rv64_bus {
    void *host;
    /* The byte at va, or NULL: this access to it traps. */
    uint8_t *(*at)(void *host, vm_va va, enum vm_access access);
    void (*log)(void *host, vm_va va, uint16_t meta); /* each reference; NULL: nobody counts */
    bool misaligned_traps;
};

/* Execute one instruction; false: it trapped and changed nothing. */
bool naive_rv64_step(struct vm_rv64 *hart, const struct naive_rv64_bus *bus,
                     struct vm_rv64_trap *trap);

/* rv64_naive_float.c: the instruction of opcode 0x53, or one of the four that multiply and add.
 * False: it is none. */
bool naive_rv64_float(struct vm_rv64 *hart, uint32_t bits);

#endif
