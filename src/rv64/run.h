/* run.h - what the loop asks when its own tables do not have the answer.
 *
 * The loop (loop.inc.h) does what is frequent. Here is the rest: accesses that miss in the soft TLB
 * or are misaligned, blocks that are not decoded yet, CSRs.
 *
 * Each function that can trap fills run->trap and says so by false or NULL. None of them knows
 * which instruction is under way: pc and the count of instructions are the loop's.
 */
#ifndef RV64_RUN_H
#define RV64_RUN_H

#include "rv64/view.h"
#include <pagoda/trace.h>

/* One call of vm_rv64_run. */
struct rv64_run {
    struct vm_rv64 *hart;
    struct vm_rv64_view *view;
    const struct vm_rv64_bus *bus;
    struct vm_rv64_trap *trap;
    const void *const *handler; /* [RV64_HANDLERS] of the loop in use */
};

/* Entries that the log must have free when a block begins: each instruction makes at most two, and
 * the owner adds at most two for the fetch of an instruction in two pages. */
#define RV64_LOG_ROOM (2 * VM_RV64_BLOCK_MAX + 8)

/* access.c. The reference is put into the log, by them or, if they need refill, by the owner. */
bool rv64_load(struct rv64_run *run, vm_va va, unsigned bytes, uint64_t *value);
bool rv64_store(struct rv64_run *run, vm_va va, unsigned bytes, uint64_t value);
/* Where the `bytes` at va are, for an access that must be aligned; NULL: it traps. */
uint8_t *rv64_place(struct rv64_run *run, vm_va va, unsigned bytes, enum vm_access access);
/* Ask the bus; false: it traps. */
bool rv64_refill(struct rv64_run *run, vm_va va, uint16_t meta);
void rv64_drain(struct rv64_run *run);
bool rv64_trap(struct rv64_run *run, enum vm_rv64_cause cause, uint64_t tval); /* false */

/* block.c: the block at pc, which `link` (or NULL) leads to from now on; NULL: its fetch traps. No
 * block may be under way. */
struct rv64_block *rv64_block_next(struct rv64_run *run, vm_va pc, struct rv64_link *link);
/* csr.c: what the CSR reads when `retired` instructions precede; and a write, where one is allowed
 * (decode.c). */
uint64_t rv64_csr_read(struct vm_rv64 *hart, unsigned csr, uint64_t retired);
void rv64_csr_write(struct vm_rv64 *hart, unsigned csr, uint64_t value);

#endif
