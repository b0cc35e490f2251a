/* pool.h - objects of any size up to a page, packed by size class: where compressed pages lie.
 * Private to live/.
 *
 * The idea (zsmalloc's, and Bonwick's slabs before it): a span of 16 pages holds objects of one
 * class, each as large as the class. 128 classes part a page, so that an object wastes less than a
 * 128th of a page (at the limit a fourth of itself: then larger classes serve, too). Spans with
 * room are in a list of their class; a span that is empty gives its memory back and serves any
 * class. An object is known by its offset in the pool.
 *
 * Invariants (vm_pool_check)
 *  1. A span is in its class's list iff it has room and an object; spans without objects are free.
 *  2. held_bytes is what objects ever took in the spans that are in use: memory that the host has
 *     given. It never exceeds the limit.
 *
 * Source: Linux mm/zsmalloc.c's comments; Bonwick, "The Slab Allocator", USENIX 1994.
 * Not done: compaction. A span stays as long as one object lives in it.
 */
#ifndef LIVE_POOL_H
#define LIVE_POOL_H

#include "base/arena.h"
#include "live/lock.h"

#define VM_POOL_CLASSES 128
#define VM_POOL_SPAN    16 /* pages */
#define VM_POOL_NONE    UINT64_MAX

struct vm_pool_span; /* pool.c */
struct vm_pool {
    struct vm_lock lock;
    struct vm_arena arena;
    uint8_t *base;
    struct vm_pool_span *span;         /* [nspans] */
    uint32_t *free;                    /* [nfree] spans that were emptied */
    uint32_t partial[VM_POOL_CLASSES]; /* the first span with room, + 1 */
    uint32_t step;                     /* bytes from class to class */
    uint64_t span_bytes, nspans, nused, nfree;
    uint64_t held_bytes, limit_bytes;
};

/* For objects up to `page_bytes` (4096 and up, a power of two), at most `pages_max` of them, which
 * take `limit_bytes` at most. Errors: VM_ESYSTEM. */
bool vm_pool_open(struct vm_pool *p, uint32_t page_bytes, uint64_t pages_max, uint64_t limit_bytes,
                  struct vm_error *e);
/* Room for 1 <= bytes <= page_bytes; VM_POOL_NONE: that would pass the limit. */
uint64_t vm_pool_take(struct vm_pool *p, uint32_t bytes);
void vm_pool_give(struct vm_pool *p, uint64_t object);
static inline void *vm_pool_at(const struct vm_pool *p, uint64_t object)
{
    return p->base + object;
}
void vm_pool_check(struct vm_pool *p); /* asserts */
void vm_pool_close(struct vm_pool *p); /* a zeroed struct is fine */

#endif
