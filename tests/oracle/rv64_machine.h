/* rv64_machine.h - a world, a hart and a program from words, for tests of single instructions. */
#ifndef ORACLE_RV64_MACHINE_H
#define ORACLE_RV64_MACHINE_H

#include "oracle/rv64_asm.h"
#include "oracle/rv64_world.h"

#define RV64_CODE UINT64_C(0x10000) /* where the program is: the first page */
#define RV64_DATA UINT64_C(0x12000) /* the third page; there are six */

struct rv64_machine {
    struct rv64_world w;
    struct vm_rv64 hart;
    struct vm_rv64_bus bus;
    struct vm_rv64_trap trap;
};

static inline void machine_open(struct rv64_machine *m, uint32_t log_room)
{
    rv64_world_open(&m->w, RV64_CODE, 6, log_room);
    m->bus = rv64_world_bus(&m->w);
    m->hart = (struct vm_rv64){.pc = RV64_CODE};
}
static inline void machine_close(struct rv64_machine *m)
{
    rv64_world_close(&m->w);
}
static inline void machine_end(struct rv64_machine *m, vm_va va)
{
    uint32_t end = ASM_EBREAK;
    rv64_world_put(&m->w, va, &end, sizeof end);
}
/* `word`s at va, the last of which is followed by an ebreak. */
static inline void machine_put(struct rv64_machine *m, vm_va va, const uint32_t *word, unsigned n)
{
    rv64_world_put(&m->w, va, word, n * sizeof *word);
    machine_end(m, va + n * sizeof *word);
}
#define MACHINE_PUT(m, va, ...)                                                                    \
    machine_put(m, va, (const uint32_t[]){__VA_ARGS__},                                            \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Run to a trap, or until the budget is spent. */
static inline enum vm_rv64_stop machine_run(struct rv64_machine *m, uint64_t budget)
{
    return vm_rv64_run(&m->hart, m->w.view, &m->bus, budget, &m->trap);
}
/* Run the words at RV64_CODE to the ebreak after them, or to another trap: its cause. */
static inline enum vm_rv64_cause machine_run_to_trap(struct rv64_machine *m)
{
    enum vm_rv64_stop stop = machine_run(m, 100000);
    assert(stop == VM_RV64_TRAPPED);
    return m->trap.cause;
}
static inline uint64_t machine_word(struct rv64_machine *m, vm_va va)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)*rv64_world_byte(&m->w, va + i) << 8 * i;
    return value;
}

#endif
