/* caches.h - what is behind include/pagoda/slab.h: slabs, magazines and depots.
 *
 *     take  <-  loaded magazine  <->  previous      of each processor
 *                      |
 *               depot: full magazines, vacant ones  of the cache
 *                      |
 *               slabs: in between, empty, full      (objects.h)
 *
 * An object is in use, in a magazine, or free in its slab; `free` of its span has a bit for the
 * last, `used` one for the first. Magazines are objects themselves, of a cache that has none. They
 * lie in the region, where a program may write over them: a round is an object only if its cache,
 * its place and both bits agree, and a link leads only to a magazine.
 *
 * A depot keeps a bounded number of full magazines. Beyond it their objects go back to their slabs,
 * or no slab would ever be empty.
 */
#ifndef HEAP_CACHES_H
#define HEAP_CACHES_H

#include "heap/objects.h"

#include <pagoda/slab.h>

#define CACHE_MAGAZINES   OBJECT_CLASSES /* behind the caches of sizes */
#define CACHE_NAMED       (CACHE_MAGAZINES + 1)
#define CACHE_COLOUR_STEP 64 /* bytes of a line of a data cache */
#define CACHES            (CACHE_NAMED + VM_SLAB_CACHES_MAX)

struct magazine {
    struct magazine *next; /* in a depot */
    void *round[];
};

/* A magazine as a processor has it. */
struct clip {
    struct magazine *magazine; /* NULL: none, and no rounds */
    uint32_t n;                /* rounds in it, the last of which is taken first */
};

struct vm_slab_cache {
    struct vm_slab *slab;
    struct vm_slab_kind kind; /* name NULL: not in use */
    uint32_t id;
    uint32_t colour, colour_max; /* of the next slab, of any: bytes */
    struct clip (*cpu)[2];       /* [cpus] loaded and previous */
    struct magazine *full, *vacant;
    uint32_t nfull;
    uint64_t makes, unmakes, rounds, exchanges;
};

struct vm_slab {
    struct spans spans;
    struct object_class class[CACHES];
    struct vm_slab_cache cache[CACHES];
    uint64_t (*used)[SPAN_WORDS]; /* [pages] by the first page of a slab: objects in use */
    uint32_t ncpus, rounds, depot_max, empty_max;
};

/* An object as its number in a slab. */
struct place {
    struct span *span; /* NULL: there is none */
    unsigned object;
};

struct place vm_slab_find(const struct vm_slab_cache *c, const void *object);
bool vm_slab_check(const struct vm_slab_cache *c, struct vm_heap_damage *out);

static inline bool place_is_used(const struct vm_slab *s, struct place p)
{
    return s->used[p.span->head][p.object / 64] >> p.object % 64 & 1;
}

#endif
