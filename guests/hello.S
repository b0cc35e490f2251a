# hello.S - lesson: the least that is a program: two system calls, no library.
#
# Try:  pagoda run --trace traps,faults,syscalls -- guests/hello
# See:  three pages come: the instructions, the text behind them in the same page, the stack.
    .globl _start
    .text
_start:
    li a0, 1
    lla a1, text
    li a2, 6
    li a7, 64                   # write
    ecall
    li a0, 0
    li a7, 93                   # exit
    ecall
text:
    .ascii "hello\n"
