/* heapcheck.h - what the files of the heap's checker share; kernel.h has what the kernel calls.
 *
 *   heapcheck.c     beginning and ending; what a fork, an exec, a thread, a mapping mean for it
 *   check_step.c    programs executed one instruction at a time, each looked at before it is made
 *   check_serve.c   malloc and its like, served by the kernel; which functions of a file these are
 *   check_string.c  functions of strings, likewise
 *   check_find.c    mistakes become findings, calls become stacks
 *   check_leak.c    what nothing points to any more
 *
 *     instruction --> definedness.h --> registers' undefined bits (struct check_thread)
 *          |                                  |
 *          +-- access --> shadow.h <----------+
 *          +-- entry of malloc ... --> guarded_heap.h
 *
 * The idea: the hart executes blocks of one instruction. Before each, the checker knows what it
 * will touch and what it depends on; once it has retired, the shadow follows. So nothing that an
 * instruction does is written a second time but what it does to definedness. Calls are followed one
 * by one, by jumps that leave a return address, so that a stack needs no frame pointers.
 *
 * What is a use of an undefined value: a branch, an address or a jump that it decides, bytes that a
 * system call takes, a comparison within a function of strings, an argument of malloc's like. To
 * load, copy, compute with or store one is none.
 *
 * malloc's like are served, so that no program has an allocator's rounding, reuse or notes in its
 * blocks. Functions of strings are, because a C library reads strings by words, beyond their ends.
 *
 * Not here: the stack and static variables have no guards, and are defined unless something
 * undefined was copied there; undefined flags of floating point; memory shared by processes.
 */
#ifndef KERNEL_HEAPCHECK_H
#define KERNEL_HEAPCHECK_H

#include "base/heap_findings.h"
#include "base/symbols.h"
#include "kernel/guarded_heap.h"
#include "kernel/kernel.h"
#include "kernel/shadow.h"
#include "rv64/decode.h"

/* ---- what is known ---- */

struct undefined_register {
    uint64_t bits;
    vm_va origin;
};

struct check_call {
    vm_va back, sp; /* it returns there; the stack pointer when it was made */
};

struct check_thread {
    struct undefined_register x[33], f[32]; /* x[32] takes what is written to x0 */
    struct check_call *call;                /* [ncalls], the innermost last */
    uint32_t ncalls, cap;
    /* A function that could not be served runs itself until it returns there, and has been told of
     * already; 0: none does. */
    vm_va unheard_until;
};

struct checked;
struct served {
    const char *name;
    /* Do what the function does, and leave its value in a0. False: its own code is to be run. */
    bool (*serve)(const struct checked *c);
};
/* Row i; false past the end. */
const struct served *vm_check_served_heap(size_t i);
const struct served *vm_check_served_string(size_t i);

#define HOOK_FILTER_BITS 4096

/* A program file at its place in memory. */
struct check_image {
    uint32_t number;
    struct hook {
        vm_va pc;
        const struct served *served;
    } * hook; /* [nhooks] by pc */
    size_t nhooks;
    bool has_heap;                          /* its malloc and free were found */
    uint64_t filter[HOOK_FILTER_BITS / 64]; /* bit pc / 2 % HOOK_FILTER_BITS */
    char path[REQUEST_RING_PATH];
    vm_va base;
    struct check_image *next;
};
const struct served *vm_check_hook(const struct check_image *im, vm_va pc); /* NULL: none */

struct check_space {
    struct shadow *shadow;
    struct guarded_heap heap;
    vm_va mapped; /* the heap's memory goes so far */
    const struct check_image *image;
};

#define CHECK_DECODED 8192

struct heapcheck {
    struct heap_findings *findings;
    struct check_thread *thread; /* [threads_max] by vm_task */
    struct check_image *images;
    struct heap_stack *stack; /* [nstacks]; that of number n is n - 1 */
    uint32_t nstacks, stacks_cap;
    uint32_t *stack_of; /* [stack_slots] numbers by hash; 0: free */
    uint32_t stack_slots;
    uint32_t first_process;
    bool serves;  /* what the kernel touches is the checker's own doing */
    bool starved; /* no memory of the host for what is known */
    struct decoded {
        uint32_t bits;
        struct rv64_insn insn;
    } decoded[CHECK_DECODED];
};

/* A thread that is being checked. */
struct checked {
    struct kernel *k;
    struct thread *t;
    struct heapcheck *all;
    struct check_space *space;
    struct check_thread *known;
};

/* ---- check_find.c ---- */

/* The calls that led here, innermost first; 0: no memory. */
uint32_t vm_check_stack(const struct checked *c);
const struct heap_stack *vm_check_stack_of(const struct heapcheck *all, uint32_t number);
/* [va, va + bytes) is about to be touched, at the thread's pc. */
void vm_check_touch(const struct checked *c, vm_va va, uint64_t bytes, enum vm_access access);
/* What came from `origin` decides something at the thread's pc. */
void vm_check_use(const struct checked *c, enum heap_use use, vm_va origin);
/* The bytes [va, va + bytes) do. */
void vm_check_use_bytes(const struct checked *c, enum heap_use use, vm_va va, uint64_t bytes);
/* So does register x. */
void vm_check_use_register(const struct checked *c, enum heap_use use, unsigned x);
/* A call of free with `va`, which is `mistake`. */
void vm_check_free(const struct checked *c, enum heap_mistake mistake, vm_va va,
                   const struct guarded_block *block);
/* A block that lives at the end. */
void vm_check_left(const struct checked *c, const struct guarded_block *block, bool reached);

/* ---- check_leak.c ---- */

/* The process ends by its own will. */
void vm_check_leaks(const struct checked *c);

/* ---- check_string.c ---- */

/* Bytes move, and what is known of them. False: they cannot be had. */
bool vm_check_move(const struct checked *c, vm_va to, vm_va from, uint64_t bytes);

#endif
