/* slots.h - places of a page each on a medium: who holds them, which are free, and which a child of
 * fork may still read. Private to live/.
 *
 * Pages that are written together shall lie together, whatever their addresses: slots are taken
 * along a log. A segment is 64 slots; within the current one the free slots are taken in order,
 * then a segment is chosen that is nearly free, of the next thousand. There are twice as many slots
 * as pages, so that segments empty before their turn comes again.
 *
 * A fork numbers itself. The child holds the write end of a pipe: while it lives, the parent does
 * not reuse a slot that was held at the fork, and is dropped now; such a slot waits in limbo.
 *
 * Invariants (vm_store_slots_check)
 *  1. A slot is free, held, or in limbo.
 *  2. A slot in limbo was born before the fork of a child that lives, and died after it.
 *
 * Source: Rosenblum & Ousterhout, "The design and implementation of a log-structured file system",
 * SOSP 1991; of it the writing of holes ("threaded log"), not the copying of what lives.
 *
 * Not thread-safe: its store has a lock.
 */
#ifndef LIVE_SLOTS_H
#define LIVE_SLOTS_H

#include "base/arena.h"

#define VM_STORE_SLOTS_SEGMENT  64
#define VM_STORE_SLOTS_CHILDREN 256

struct vm_store_slot {
    uint32_t holders; /* 0: free, or in limbo */
    uint32_t born;    /* the forks that there were when it was taken */
    uint32_t died;    /* and dropped, if it is in limbo */
};

struct vm_store_slots_child {
    int pipe;      /* its end is the child's */
    uint32_t fork; /* its number, from 1 */
};

struct vm_store_slots {
    struct vm_arena arena;
    uint64_t nslots, nsegments, nheld, nlimbo;
    uint64_t usable; /* only slots below are taken: what there is room for, as far as is known */
    struct vm_store_slot *slot; /* [nslots] */
    uint64_t *free;             /* [nsegments] a bit a slot */
    uint32_t *limbo;            /* [nlimbo] */
    uint64_t segment;           /* the current one */
    uint32_t next;              /* slot of it that is tried next */
    uint32_t nforks, nchildren;
    struct vm_store_slots_child child[VM_STORE_SLOTS_CHILDREN];
    int pipe[2]; /* of the fork under way */
};

/* `nslots` of them. Errors: VM_ESYSTEM. */
bool vm_store_slots_open(struct vm_store_slots *s, uint64_t nslots, struct vm_error *e);
/* Up to n slots that adjoin, with one holder each: *first and those behind it. Returns how many; 0:
 * none is free. */
uint32_t vm_store_slots_take(struct vm_store_slots *s, uint32_t n, uint64_t *first);
void vm_store_slots_hold(struct vm_store_slots *s, uint64_t slot);
/* True: that was the last holder; then the slot is to be given, when nothing is under way to it. */
bool vm_store_slots_drop(struct vm_store_slots *s, uint64_t slot);
void vm_store_slots_give(struct vm_store_slots *s, uint64_t slot);

/* Around fork. False: too many children live, or no descriptors are left; then the child must not
 * read the slots. */
bool vm_store_slots_fork_before(struct vm_store_slots *s);
void vm_store_slots_fork_parent(struct vm_store_slots *s);
/* In the child these are now the parent's: nothing is taken any more. Returns the descriptor that
 * says that it reads them, until it is closed; -1: it must not. */
int vm_store_slots_fork_child(struct vm_store_slots *s);

void vm_store_slots_check(const struct vm_store_slots *s); /* asserts */
void vm_store_slots_close(struct vm_store_slots *s);

#endif
