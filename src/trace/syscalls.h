/* syscalls.h - the memory calls in a valgrind log (--trace-syscalls=yes) as events.
 *
 * Valgrind writes a call, and after it what became of it, in one of these shapes (seen in 3.19):
 *
 *     SYSCALL[PID,TID](9) sys_mmap ( 0x0, 8192, 3, 34, 4294967295, 0 ) --> [pre-success]
 * Success(0x4835000) SYSCALL[PID,TID](11) sys_munmap ( 0x483c000, 4096 )[sync] --> Success(0x0)
 *     SYSCALL[PID,TID](28) sys_madvise ( 0x4a2c000, 8368128, 4 ) --> [async] ...
 *     SYSCALL[PID,TID](28) ... [async] --> Success(0x0)
 *
 * each with one blank at its end. Other threads run between the last two. After a clone the newline
 * can be missing, so that the next line follows the blank. A warning of valgrind's own can
 * break a line off after the ")"; it does so only to refuse the call, except in execve, where
 * the banner of the new program follows: then everything that was mapped is gone.
 *
 * Calls are known by name, not number, which differs between architectures. Sizes are rounded up to
 * pages of 4 KiB as the kernel does. Only the break that brk moves is kept; where the program and
 * its stack were mapped before its first call, the log does not say.
 */
#ifndef TRACE_SYSCALLS_H
#define TRACE_SYSCALLS_H

#include "trace/areas.h"
#include "trace/format.h"

#define VM_CALL_ARGS    6
#define VM_CALL_THREADS 512 /* thread numbers below; valgrind's own bound is 500 */

struct vm_call {
    uint8_t kind; /* a call of syscalls.c, 0: none */
    uint64_t arg[VM_CALL_ARGS];
};

struct vm_syscalls {
    struct vm_areas areas;
    uint64_t brk;                            /* the break, 0: not yet known */
    struct vm_call pending[VM_CALL_THREADS]; /* of each thread: the call not yet answered */
};

/* Read the line [line, end) that begins with "SYSCALL[": its events, two at most, go to `out`.
 * Returns the start of the line that follows on the same one, or `end`. NULL: error (VM_ESYSTEM).
 */
const uint8_t *vm_syscalls_read(struct vm_syscalls *s, const uint8_t *line, const uint8_t *end,
                                struct vm_batch_builder *out, struct vm_error *e);
void vm_syscalls_close(struct vm_syscalls *s);

#endif
