/* region.h - address space of the host with an end that moves: what a heap takes for all memory.
 *
 * The idea: the whole region is reserved when it opens, and the host's kernel gives a page of it
 * only when it is first touched. Moving the end up is a number; moving it down gives the pages
 * behind it back, so that they read as zero when the end comes again.
 *
 * Invariant: bytes at or past `end` have no pages of the host, unless somebody wrote beyond it.
 */
#ifndef BASE_REGION_H
#define BASE_REGION_H

#include <pagoda/error.h>

struct vm_region {
    unsigned char *base; /* aligned as asked */
    size_t end, limit;   /* bytes that may be used; that are reserved */
    void *block;         /* what was reserved, for its alignment a little more */
    size_t block_bytes;
};

/* Reserve `limit` bytes (a multiple of the host's page) aligned to `align`, a power of two; none of
 * them may be used yet. Errors: VM_ESYSTEM. */
bool vm_region_open(struct vm_region *r, size_t limit, size_t align, struct vm_error *e);
/* As struct vm_heap_env has it, host: the region. `end` is a multiple of the host's page. False: it
 * is past the limit. */
bool vm_region_move_end(void *host, size_t end);
void vm_region_close(struct vm_region *r); /* a zeroed struct is fine */

#endif
