/* accesses.h - every touch of a region, heard: for logs that predict exactly. Private to live/.
 *
 * The pager hears of faults alone, and faults depend on its limit and policy. So that a log serves
 * for all of them, here regions are closed to the processor (PROT_NONE) but for the pages of the
 * current instruction: a touch of any other page is SIGSEGV, is logged, and opens the page, for
 * reading until it is written to. The pager works below as ever: a page that is open can be absent.
 *
 *      touch of a closed page --SIGSEGV--> the same instruction as the last?
 *          no   all that is open is closed; it is made again (what it touched before, too)
 *          yes  the page is logged and opened; then all pages of the instruction, in order
 *
 * The last: a fault of a pager makes the instruction anew from its beginning, and so the pages
 * that it had touched are touched again, and may have left. An instruction is the same if the
 * processor's registers are: those that make addresses, and the vector registers, in which a
 * gather notes how far it came. One that is made again later, with nothing else heard between,
 * touches the same pages and needs no record. Touches of one page on end are one.
 *
 * For one thread (what another touches while a page is open is not heard), and x86-64. SIGSEGV is
 * the pager's; nothing comes along with a page (ahead_bytes is VM_LIVE_AHEAD_NONE), for a transfer
 * into pages open and closed is refused by the kernel. Snapshots are not to be taken.
 */
#ifndef LIVE_ACCESSES_H
#define LIVE_ACCESSES_H

#include <pagoda/error.h>
#include <pagoda/types.h>
#include <stdint.h>

#define ACCESSES_OPEN_MAX  64 /* pages of one instruction */
#define ACCESSES_REGISTERS 17

struct vm_live;

/* What tells instructions from each other. */
struct instruction {
    uint64_t general[ACCESSES_REGISTERS]; /* and where it is */
    uint64_t vectors;                     /* a hash */
};

struct accesses {
    struct instruction now;
    uint32_t n;
    uint32_t page[ACCESSES_OPEN_MAX]; /* of the instruction, in the order of their first touches */
    bool written[ACCESSES_OPEN_MAX];
    uint32_t mask_registers; /* where a context's vector state has them; 0: there are none */
};

/* Errors: VM_EUSAGE (another processor). */
bool vm_accesses_open(struct vm_live *l, struct vm_error *e);
/* A SIGSEGV: whether it was a touch of a closed page of the pager's, which is open now. */
bool vm_accesses_signal(struct vm_live *l, const void *address, enum vm_access access,
                        const void *context);
/* Touches that a system call will make of a page that is about to be pinned, until it is not. */
void vm_accesses_pin(struct vm_live *l, const void *address, enum vm_access access);
void vm_accesses_unpin(struct vm_live *l, uint8_t *at); /* under the lock */
/* Pages that an advice brings, which is as if they were read. */
void vm_accesses_bring(struct vm_live *l, uint32_t first, uint32_t n);
/* A region that is mapped now. */
void vm_accesses_map(struct vm_live *l, void *start, size_t bytes);
/* Nothing is open any more; under the lock. */
void vm_accesses_close(struct vm_live *l);
/* The pager itself reads the page, and has read it. */
void vm_accesses_show(struct vm_live *l, uint8_t *at);
void vm_accesses_hide(struct vm_live *l, uint32_t page, uint8_t *at);

#endif
