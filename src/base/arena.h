/* arena.h - one zeroed block of address space from which a machine takes all its state.
 *
 * The idea: reserve once, when a machine opens, everything it may ever need; the host's kernel
 * gives a page of it only when it is first touched, so that a generous reservation costs nothing.
 * A run then neither allocates nor fails.
 *
 * Invariants
 *  1. used <= bytes; what lies past `used` has never been handed out and reads as zero.
 *  2. Taking more than was reserved is a broken invariant (asserts): sizes are computed before.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <pagoda/error.h>
#include <stddef.h>
#include <stdint.h>

struct vm_arena {
    uint8_t *block;
    size_t used, bytes;
};

#define VM_ARENA_ALIGN 64

/* Bytes that taking `bytes` uses up, alignment included. */
static inline size_t vm_arena_room(size_t bytes)
{
    return (bytes + VM_ARENA_ALIGN - 1) & ~(size_t)(VM_ARENA_ALIGN - 1);
}

/* Reserve `bytes` of zeroed memory. Errors: VM_ESYSTEM. */
bool vm_arena_open(struct vm_arena *a, size_t bytes, struct vm_error *e);
/* Zeroed, aligned to VM_ARENA_ALIGN; bytes may be 0. */
void *vm_arena_take(struct vm_arena *a, size_t bytes);
/* A wish: `bytes` from `taken` on, which are used all over, may be backed by the host's large
 * pages, where it has some. Less of the host's TLB is needed for them, and more memory if they are
 * not. */
void vm_arena_wants_large(void *taken, size_t bytes);
void vm_arena_close(struct vm_arena *a); /* a zeroed struct is fine */

#endif
