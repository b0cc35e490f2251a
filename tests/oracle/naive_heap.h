/* naive_heap.h - a free-list heap as two plain lists: its blocks in the order of their addresses,
 * and the places of the free ones in the order of the list. Every question is answered by looking
 * at all of them.
 *
 * Places and lengths are those of src/heap/tagged.h: a block begins where its contents do, and its
 * bytes reach to the next one. Nothing is written anywhere: there is no region.
 */
#ifndef ORACLE_NAIVE_HEAP_H
#define ORACLE_NAIVE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#define NAIVE_HEAP_BLOCKS 2000
#define NAIVE_HEAP_NONE   ((size_t)0)

enum naive_fit { NAIVE_FIRST, NAIVE_NEXT, NAIVE_BEST, NAIVE_WORST };
enum naive_order { NAIVE_ADDRESS, NAIVE_SIZE, NAIVE_LIFO, NAIVE_FIFO };
enum naive_coalesce { NAIVE_IMMEDIATE, NAIVE_DEFERRED, NAIVE_NEVER };

struct naive_heap_block {
    size_t place, bytes;
    bool live;
};

struct naive_heap {
    enum naive_fit fit;
    enum naive_order order;
    enum naive_coalesce coalesce;
    size_t every, split, lead, grow, trim, limit;

    size_t end, last, rover, given;
    struct naive_heap_block block[NAIVE_HEAP_BLOCKS];
    size_t nblocks;
    size_t list[NAIVE_HEAP_BLOCKS];
    size_t nlist;
    size_t looked_at; /* blocks of the list that the last search came to */
};

void naive_heap_init(struct naive_heap *h);
size_t naive_heap_take(struct naive_heap *h, size_t bytes, size_t align);
void naive_heap_give(struct naive_heap *h, size_t place);
bool naive_heap_resize(struct naive_heap *h, size_t place, size_t bytes);

#endif
