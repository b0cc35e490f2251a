/* heap_world.h - a heap and a host that knows every block it has taken, and holds the heap to the
 * contract of include/pagoda/heap.h at each call.
 *
 * The host keeps what it was given as a list of intervals, and writes each block full with a
 * pattern of its own, so that a byte that the heap touched shows. Behind the end of the region
 * nothing can be read or written. Pages come back as zero, and are looked at when they come.
 */
#ifndef ORACLE_HEAP_WORLD_H
#define ORACLE_HEAP_WORLD_H

#include "base/random.h"

#include <pagoda/heap.h>

#define HEAP_WORLD_BLOCKS 256

struct heap_block {
    unsigned char *at;
    size_t bytes; /* that were asked for */
    size_t align;
    unsigned char fill;
};

struct heap_world {
    const struct vm_heap_ops *ops;
    struct vm_heap_env env;
    struct vm_params params;
    void *state, *reserved; /* aligned_alloc; mmap */
    size_t end, refuse;     /* refuse: ends past it cannot be had */
    struct vm_random random;
    struct heap_block block[HEAP_WORLD_BLOCKS]; /* what is live */
    size_t nblocks;
    uint64_t takes, gives, failures, grows, shrinks;
    unsigned char fill;
    const char *wrong; /* what the first breach of the contract was, or NULL */
};

/* `text`: the heap's parameters; limit: a multiple of VM_HEAP_GRAIN. */
void heap_world_open(struct heap_world *w, const struct vm_heap_ops *ops, const char *text,
                     size_t limit, uint64_t seed);
void heap_world_close(struct heap_world *w);

/* The block, which is the last of block[] then; NULL: there is no room, or for another one here. */
void *heap_world_take(struct heap_world *w, size_t bytes, size_t align);
void heap_world_give(struct heap_world *w, size_t i);
bool heap_world_resize(struct heap_world *w, size_t i, size_t bytes);
void heap_world_give_all(struct heap_world *w);
/* A take, give or resize as the world's random numbers have it. */
void heap_world_step(struct heap_world *w);
/* walk, usage and check agree with what the host knows. */
void heap_world_inspect(struct heap_world *w);

/* The pieces of walk; at most `most`, of which as many are written as there are: their number. */
size_t heap_world_pieces(const struct heap_world *w, struct vm_heap_piece *piece, size_t most);

#endif
