/* live_stubs.c - the instructions from which system calls are not dispatched.
 *
 * The kernel lets calls pass that are made between live_stubs_begin and live_stubs_end (prctl(2),
 * PR_SET_SYSCALL_USER_DISPATCH). What the program wants done as it is, is done here, on its own
 * stack and not in a signal handler: so its signals, its cancellations and its stack are what they
 * would be. The address to return to is kept below the red zone (System V ABI, AMD64, 3.2.2), which
 * a call must not touch; `ret $128` leaves the stack as it was. A child of vfork writes over its
 * parent's stack, so for vfork the address is kept in the thread.
 *
 * A system call changes rax, rcx and r11 and nothing else; so do the stubs. live_stub_restore is
 * byte for byte what unwinders know as the end of a signal handler (libgcc, x86_64/linux-unwind.h).
 */
#include "live.h"

_Static_assert(offsetof(struct live_thread, selector) == 0, "written below");
_Static_assert(offsetof(struct live_thread, in_vfork) == 1, "written below");
_Static_assert(offsetof(struct live_thread, vfork_return) == 8, "read below");

/* clang-format off: a column of instructions */

/* The child calls `function`, its argument in rdi, with all registers as they are afterwards. */
#define IN_CHILD(argument, function)                                                               \
    "lea -128(%rsp), %rsp\n"                                                                       \
    "push %rax; push %rbx; push %rdi; push %rsi; push %rdx; push %r8; push %r9; push %r10\n"       \
    "mov %rsp, %rbx\n" argument "\n"                                                               \
    "and $-16, %rsp\n"                                                                             \
    "call " function "\n"                                                                          \
    "mov %rbx, %rsp\n"                                                                             \
    "pop %r10; pop %r9; pop %r8; pop %rdx; pop %rsi; pop %rdi; pop %rbx; pop %rax\n"               \
    "lea 128(%rsp), %rsp\n"

/* Who this thread is, in `to`. */
#define SELF(to) "mov live_self@gottpoff(%rip), " to "; mov %fs:(" to "), " to "\n"

/* The parent is itself again: a child of vfork that was killed may have let calls pass. */
#define PARENT_AGAIN                                                                               \
    SELF("%rcx")                                                                                   \
    "movb $0, 1(%rcx)\n"                                                                           \
    "movb $1, (%rcx)\n"

#define LABEL(name) ".globl " name "; .hidden " name "\n" name ":\n"
#define STUB(name)                                                                                 \
    ".p2align 4\n"                                                                                 \
    ".type " name ", @function\n" LABEL(name)

__asm__(".pushsection .text.live_stubs, \"ax\", @progbits\n"
        ".p2align 4\n" LABEL(
            "live_stubs_begin") "nop\n" /* unwinders look one byte before a return address */
        LABEL("live_stub_restore") "mov $15, %rax\n" /* rt_sigreturn */
                                   "syscall\n"

        STUB("live_stub_pass") ".cfi_startproc\n"
                               ".cfi_def_cfa %rsp, 136\n"
                               ".cfi_offset %rip, -136\n"
                               "syscall\n"
                               "ret $128\n"
                               ".cfi_endproc\n"

        STUB("live_stub_clone") "syscall\n"
                                "test %rax, %rax\n"
                                "jnz 1f\n" IN_CHILD(
                                    "mov 184(%rbx), %rdi",
                                    "live_thread_begin") /* -8 of the stack it began with */
        "ret $128\n"
        "1:\n" PARENT_AGAIN "ret $128\n"

        STUB("live_stub_vfork") "syscall\n"
                                "test %rax, %rax\n"
                                "jnz 2f\n" IN_CHILD(
                                    SELF("%rdi"),
                                    "live_thread_begin") "jmp 3f\n"
                                                         "2:\n" PARENT_AGAIN
                                                         "3:\n" SELF("%rcx") "jmp *8(%rcx)\n"

        STUB("live_call") ".cfi_startproc\n"
                          "mov %rdi, %rax\n"
                          "mov %rsi, %rdi\n"
                          "mov %rdx, %rsi\n"
                          "mov %rcx, %rdx\n"
                          "mov %r8, %r10\n"
                          "mov %r9, %r8\n"
                          "mov 8(%rsp), %r9\n"
                          "syscall\n"
                          "ret\n"
                          ".cfi_endproc\n" LABEL("live_stubs_end") ".popsection\n");
/* clang-format on */
