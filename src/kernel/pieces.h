/* pieces.h - memory of a program that a call moves bytes from, or to: one piece, or several. */
#ifndef KERNEL_PIECES_H
#define KERNEL_PIECES_H

#include "kernel/kernel.h"

/* A struct iovec of a program. */
struct piece {
    uint64_t va, bytes;
};

struct pieces {
    vm_va at; /* an array of them there; 0: the one here */
    uint64_t n;
    struct piece one;
};

/* A call moves no more than VM_TRANSFER_MAX. */
struct pieces vm_pieces_one(uint64_t va, uint64_t bytes);
int64_t vm_pieces_get(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t i,
                      struct piece *out);
/* What they have together is a number of bytes: *bytes. 0; -EINVAL, -EFAULT. */
int64_t vm_pieces_check(struct kernel *k, struct thread *t, const struct pieces *all,
                        uint64_t *bytes);
/* n of their bytes from `from` on, which they have: 0 or -EFAULT. */
int64_t vm_pieces_read(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t from,
                       uint8_t *out, uint64_t n);
int64_t vm_pieces_write(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t from,
                        const uint8_t *bytes, uint64_t n);

#endif
