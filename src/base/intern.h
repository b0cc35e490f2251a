/* intern.h - dense ids for 64-bit keys, in order of first appearance.
 *
 * An open-addressed table of u32 ids over an array of the keys, so that a key costs 8 bytes plus 4
 * per table slot, at a load between 3/8 and 3/4: 13 to 19 bytes a key.
 *
 * Invariants: keys[id] is the id's key, ids are 0..n-1; a slot holds id + 1, 0 is empty; the table
 * is a power of two, never fuller than 3/4.
 */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_intern {
    uint64_t *keys;
    uint32_t *slots;
    uint32_t n, keys_cap, mask;
};

bool vm_intern_open(struct vm_intern *t, struct vm_error *e);
void vm_intern_close(struct vm_intern *t); /* a zeroed struct is fine */
/* The id of `key`, new ones being next in turn; UINT32_MAX when the host's memory or the 2^31 ids
 * are used up. */
uint32_t vm_intern_id(struct vm_intern *t, uint64_t key);
/* Forget which id `key` has: its next appearance is a new one. Its old id stays taken. */
void vm_intern_forget(struct vm_intern *t, uint64_t key);
/* The id of `key`, or UINT32_MAX if it has none. */
uint32_t vm_intern_peek(const struct vm_intern *t, uint64_t key);

#endif
