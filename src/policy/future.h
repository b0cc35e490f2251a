/* future.h - when each page is touched again: what opt reads.
 *
 * Belady's backward pass: from the last touch to the first, remember for each page where it was
 * seen last. Touches are numbered from 0 as a policy of VM_TOUCH_ORDER is told of them: immediate
 * repeats are not in the sequence. One pass; it needs 4 bytes a page, and the sequence itself,
 * which is replaced in place: in memory, or in a spool, so that memory bounds no trace.
 *
 * Invariant of the result: word t is the number of the next touch of word t's page, > t, or
 * VM_NEVER.
 */
#ifndef POLICY_FUTURE_H
#define POLICY_FUTURE_H

#include "base/spool.h"

#include <pagoda/policy.h>

/* Replace each of the n page ids, all below npages, by its next touch.
 * Errors: VM_EUSAGE (more than 2^32 - 2 touches), VM_ESYSTEM. */
bool vm_future_of_array(uint32_t *word, size_t n, uint32_t npages, struct vm_error *e);
/* The same for the words of a sealed spool. */
bool vm_future_of_spool(struct vm_spool *ids, uint32_t npages, struct vm_error *e);

/* Reads a spool that vm_future_of_spool has made, block by block. `future` is what a policy takes.
 */
struct vm_future_reader {
    struct vm_future future; /* first: its refill finds the reader */
    struct vm_spool *spool;
    uint64_t block; /* the next to read */
    struct vm_error error;
    bool failed; /* unread, or past the end: all that follows is VM_NEVER */
};

/* Read `spool`, which outlives the reader. Nothing is read before the first take. */
void vm_future_open(struct vm_future_reader *r, struct vm_spool *spool);
/* Whether all that was taken was there and could be read; false: `e` says why not, and the replay
 * is void. Errors: VM_ESYSTEM, VM_EINPUT (a trace that has changed since it was looked through). */
bool vm_future_sound(const struct vm_future_reader *r, struct vm_error *e);
/* Whether every word was taken: the replay had as many touches as the look ahead. */
bool vm_future_used_up(const struct vm_future_reader *r);

#endif
