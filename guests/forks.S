# forks.S - lesson: copy-on-write with nothing else in the way.
#
# Writes 16 pages, forks; the child writes 5 of them and ends with what it reads from the others,
# 11; the parent waits and ends with 16 more.
#
# Try:  pagoda run --trace faults -- guests/forks; echo $?
# See:  the child's 5 "copied on write" and nothing more; the status is 11 + 16.
    .globl _start
    .text
_start:
    lla s0, bss
    li s3, 4096
    li s2, 16
    mv t0, s0
1:  li t1, 1
    sd t1, 0(t0)
    add t0, t0, s3
    addi s2, s2, -1
    bnez s2, 1b
    li a0, 17                   # SIGCHLD
    li a1, 0
    li a2, 0
    li a3, 0
    li a4, 0
    li a7, 220                  # clone
    ecall
    bnez a0, parent
    mv t0, s0
    li s2, 5
2:  sd zero, 0(t0)
    add t0, t0, s3
    addi s2, s2, -1
    bnez s2, 2b
    call sum
    li a7, 93                   # exit
    ecall
parent:
    lla a1, status
    li a2, 0
    li a3, 0
    li a7, 260                  # wait4
    ecall
    call sum
    lla t0, status
    lbu t1, 1(t0)
    add a0, a0, t1
    li a7, 93
    ecall
sum:
    li a0, 0
    mv t0, s0
    li s2, 16
3:  ld t1, 0(t0)
    add a0, a0, t1
    add t0, t0, s3
    addi s2, s2, -1
    bnez s2, 3b
    ret
    .bss
    .balign 4096
bss:
    .skip 65536
status:
    .skip 8
