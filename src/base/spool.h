/* spool.h - a long array of u32 that is written once, front to back, then read either way.
 *
 * It keeps the first `memory_bytes` in memory and the rest in an unnamed temporary file, so that
 * the memory it needs does not grow with what goes through it. Blocks of VM_SPOOL_BLOCK words are
 * the unit of reading.
 *
 * Invariant: words are written in order by vm_spool_push until vm_spool_seal; after it only read.
 */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <pagoda/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_SPOOL_BLOCK 65536 /* words: 256 KiB */

struct vm_spool;

struct vm_spool *vm_spool_open(size_t memory_bytes, struct vm_error *e);
bool vm_spool_push(struct vm_spool *s, const uint32_t *word, size_t n, struct vm_error *e);
bool vm_spool_seal(struct vm_spool *s, struct vm_error *e);
uint64_t vm_spool_words(const struct vm_spool *s);
/* Block `i` (words [i * VM_SPOOL_BLOCK, ...)): its words, writable in place and valid until the
 * next call; *n how many. NULL: error (VM_ESYSTEM). */
uint32_t *vm_spool_block(struct vm_spool *s, uint64_t i, size_t *n, struct vm_error *e);
/* Keep what the caller changed in the block that vm_spool_block returned last. */
bool vm_spool_keep(struct vm_spool *s, struct vm_error *e);
void vm_spool_close(struct vm_spool *s); /* NULL is fine */

#endif
