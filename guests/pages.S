# pages.S - lesson: a page comes at its first touch, zeroed.
#
# Adds up one word of each of 100 pages, which are all zeros, after writing a one to every fourth;
# ends with the sum, 25.
#
# Try:  pagoda run --trace faults -- guests/pages; echo $?
# See:  100 faults for `bss`, zeroed one after the other: 25 by a write, 75 by a read.
    .globl _start
    .text
_start:
    lla s0, bss
    li s1, 0                    # page
    li s2, 100
    li s3, 4096
    li s4, 0                    # sum
1:  andi t0, s1, 3
    bnez t0, 2f
    li t1, 1
    sd t1, 0(s0)
2:  ld t1, 0(s0)
    add s4, s4, t1
    add s0, s0, s3
    addi s1, s1, 1
    bne s1, s2, 1b
    mv a0, s4
    li a7, 93                   # exit
    ecall
    .bss
    .balign 4096
bss:
    .skip 409600
