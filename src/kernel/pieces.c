/* pieces.c - memory of a program in pieces, as readv and its like name it. */
#include "kernel/pieces.h"

#define PIECES_MAX 1024 /* UIO_MAXIOV */

struct pieces vm_pieces_one(uint64_t va, uint64_t bytes)
{
    return (struct pieces){.n = 1, .one = {va, bytes < VM_TRANSFER_MAX ? bytes : VM_TRANSFER_MAX}};
}

int64_t vm_pieces_get(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t i,
                      struct piece *out)
{
    if (!all->at) {
        *out = all->one;
        return 0;
    }
    return vm_user_read(k, t, out, all->at + i * sizeof *out, sizeof *out);
}

int64_t vm_pieces_check(struct kernel *k, struct thread *t, const struct pieces *all,
                        uint64_t *bytes)
{
    struct piece p;
    *bytes = 0;
    if (all->n > PIECES_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < all->n; i++) {
        if (vm_pieces_get(k, t, all, i, &p))
            return -EFAULT;
        if (p.bytes > INT64_MAX || (*bytes += p.bytes) > INT64_MAX)
            return -EINVAL;
    }
    return 0;
}

/* The part of [from, from + n) that the piece has, which is behind `before` bytes; none: false. */
static bool part_of(const struct piece *p, uint64_t before, uint64_t from, uint64_t n, vm_va *va,
                    uint64_t *at, uint64_t *bytes)
{
    uint64_t first = from > before ? from : before;
    uint64_t end = from + n < before + p->bytes ? from + n : before + p->bytes;
    if (first >= end)
        return false;
    *va = p->va + (first - before);
    *at = first - from;
    *bytes = end - first;
    return true;
}

int64_t vm_pieces_read(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t from,
                       uint8_t *out, uint64_t n)
{
    struct piece p;
    vm_va va;
    uint64_t before = 0, at, bytes;
    for (uint64_t i = 0; i < all->n && before < from + n; i++, before += p.bytes) {
        if (vm_pieces_get(k, t, all, i, &p))
            return -EFAULT;
        if (!part_of(&p, before, from, n, &va, &at, &bytes))
            continue;
        if (k->check)
            vm_check_kernel_uses(k, t, va, bytes);
        if (vm_user_read(k, t, out + at, va, bytes))
            return -EFAULT;
    }
    return 0;
}

int64_t vm_pieces_write(struct kernel *k, struct thread *t, const struct pieces *all, uint64_t from,
                        const uint8_t *bytes, uint64_t n)
{
    struct piece p;
    vm_va va;
    uint64_t before = 0, at, step;
    for (uint64_t i = 0; i < all->n && before < from + n; i++, before += p.bytes)
        if (vm_pieces_get(k, t, all, i, &p) || (part_of(&p, before, from, n, &va, &at, &step) &&
                                                vm_user_write(k, t, va, bytes + at, step)))
            return -EFAULT;
    return 0;
}
