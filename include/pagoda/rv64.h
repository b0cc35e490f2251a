/* rv64.h - a RISC-V hart in user mode: RV64IMAFDC with Zicsr and Zifencei, as an interpreter.
 *
 * The hart sees memory through a *view*: what the processor remembers of one address space. It has
 *
 *   a software TLB   for each kind of access: page -> where its bytes are, in this process. A hit
 *                    is one compare and one addition
 *   basic blocks     the instructions of fetched pages, decoded once
 *
 * Whatever the view does not have is asked of the *bus*, whose answer is a translation, given by
 * vm_rv64_view_map, or a trap. The bus's owner (a kernel) takes translations back
 * (vm_rv64_view_forget) when they are no longer true: so the hart never sees a page table.
 *
 * Where there is a *log*, every reference goes into it in program order, for models that count: the
 * fetch of each run of instructions that follow one another in a page with no access to data
 * between them, then the access. Both are references as trace.h has them. The log is drained when
 * it is full, and by its owner whenever it wishes to.
 *
 *   run:  fetch a block -> execute it -> ... until the budget is used, or a trap
 *
 * Invariants
 *  1. A trap leaves the hart as it was before the instruction that trapped: no register, no byte of
 *     memory is changed, even where the access crosses into a page that is absent. pc is its
 *     address.
 *     (ecall and ebreak trap at their own address, too.)
 *  2. The outcome of a program does not depend on whether there is a log, nor on the budget.
 *  3. A reference that was refused is not in the log: its owner knows it from the trap.
 *
 * Sources: The RISC-V Instruction Set Manual, volume I (unprivileged, 20191213) and volume II
 * (privileged, 20211203): causes and trap values, section 4.1 and table 4.2.
 */
#ifndef PAGODA_RV64_H
#define PAGODA_RV64_H

#include <pagoda/error.h>
#include <pagoda/types.h>

#define VM_RV64_PAGE_SHIFT 12

/* A hart's architectural state; whoever switches threads copies it. */
struct vm_rv64 {
    uint64_t x[33]; /* x[0] is 0; x[32] is no register: it takes what is written to x0 */
    uint64_t f[32]; /* single-precision values are NaN-boxed */
    uint64_t pc;
    uint64_t instret; /* instructions retired; `cycle` and `instret` read it */
    uint64_t time_ns; /* what `time` reads, in units of 100 ns: set by the owner before a run */
    uint8_t fflags, frm;
    /* LR's reservation: SC succeeds if it is of the same address and width and nothing but the
     * hart's own run came between (the owner cancels it at a switch). */
    uint64_t reserved_va;
    uint8_t reserved_bytes; /* 0: none */
};

/* scause of the exceptions that user mode can make (volume II, table 4.2). */
enum vm_rv64_cause {
    VM_RV64_FETCH_MISALIGNED = 0,
    VM_RV64_FETCH_ACCESS = 1,
    VM_RV64_ILLEGAL = 2,
    VM_RV64_BREAKPOINT = 3,
    VM_RV64_LOAD_MISALIGNED = 4,
    VM_RV64_LOAD_ACCESS = 5,
    VM_RV64_STORE_MISALIGNED = 6, /* AMO too, and of the next ones */
    VM_RV64_STORE_ACCESS = 7,
    VM_RV64_ECALL_USER = 8,
    VM_RV64_FETCH_PAGE = 12,
    VM_RV64_LOAD_PAGE = 13,
    VM_RV64_STORE_PAGE = 15,
};
const char *vm_rv64_cause_name(enum vm_rv64_cause cause); /* "store/AMO page fault" */

/* sepc is the hart's pc. */
struct vm_rv64_trap {
    enum vm_rv64_cause cause;
    uint64_t tval; /* the address, of a page fault the first byte that could not be had; the
                      instruction's bits if it is illegal; else 0 */
    uint16_t meta; /* of a page fault: the reference that was refused (trace.h) */
    vm_va va;      /* and its address, which may lie in the page before tval's */
};

/* References, oldest first; the owner empties it by n = 0. It is quickest where it fits the host's
 * first-level cache: some 2,000 entries. */
struct vm_rv64_log {
    vm_va *va;       /* [cap] */
    uint16_t *meta;  /* [cap] vm_ref_meta */
    uint32_t n, cap; /* cap is at least VM_RV64_LOG_MIN */
};
#define VM_RV64_LOG_MIN 512

struct vm_rv64_view; /* opaque */

struct vm_rv64_bus {
    void *host;
    /* The view lacks what a reference needs: give it by vm_rv64_view_map (of both pages, where it
     * reaches into two), and answer true; or false: the access traps, a page fault at *tval. Where
     * there is a log, it is the owner that adds this reference to it. Of a fetch it is the first 2
     * bytes that are asked for, or the 4 of an instruction in two pages (where the view has neither
     * page: first the 2, then the 4): the group that begins there is not logged again. */
    bool (*refill)(void *host, vm_va va, uint16_t meta, uint64_t *tval);
    struct vm_rv64_log *log;   /* NULL: nobody counts */
    void (*drain)(void *host); /* the log is full: consume it */
    enum { VM_RV64_MISALIGNED_WORKS, VM_RV64_MISALIGNED_TRAPS } misaligned; /* of loads, stores */
    /* A block has so many at most; 0: VM_RV64_BLOCK_MAX. With 1, a budget of 1 is one instruction.
     * It stays the same for a view. */
    unsigned block_insns;
};

/* An empty view. Errors: VM_ESYSTEM. */
struct vm_rv64_view *vm_rv64_view_open(struct vm_error *e);
void vm_rv64_view_close(struct vm_rv64_view *v); /* NULL is fine */
/* The page of `va` has its bytes at `bytes`; accesses of `rights` (enum vm_prot bits) need not ask.
 * It replaces what the view had of the page for these. */
void vm_rv64_view_map(struct vm_rv64_view *v, vm_va va, unsigned rights, uint8_t *bytes);
/* The view has nothing of the page of `va` any more: no access may use it without asking. Allowed
 * while the hart is in refill or drain. */
void vm_rv64_view_forget(struct vm_rv64_view *v, vm_va va);
void vm_rv64_view_forget_all(struct vm_rv64_view *v);
/* Where the page's bytes are, if `access` need not ask; else NULL. */
uint8_t *vm_rv64_view_find(const struct vm_rv64_view *v, vm_va va, enum vm_access access);

enum vm_rv64_stop { VM_RV64_SPENT, VM_RV64_TRAPPED };
/* Run until at least `budget` instructions have retired (the block under way is finished; a block
 * has at most VM_RV64_BLOCK_MAX), or one traps: *trap. */
#define VM_RV64_BLOCK_MAX 64
enum vm_rv64_stop vm_rv64_run(struct vm_rv64 *hart, struct vm_rv64_view *view,
                              const struct vm_rv64_bus *bus, uint64_t budget,
                              struct vm_rv64_trap *trap);

/* The instruction `bits` (16 or 32) at `pc` as assembler text, for traces: into out[cap]; returns
 * out. */
const char *vm_rv64_text(uint32_t bits, vm_va pc, char *out, size_t cap);

#endif
