/* slab.h - caches of objects that stay initialized between uses, by the slab allocator.
 *
 *     struct vm_slab_kind inodes = {.name = "inode", .bytes = sizeof(struct inode),
 *                                   .make = inode_make, .unmake = inode_unmake};
 *     struct vm_slab *slab = vm_slab_init(block, &env);
 *     struct vm_slab_cache *c = vm_slab_cache(slab, &inodes);
 *     struct inode *i = vm_slab_take(c, cpu);     made once, not at each take
 *     vm_slab_give(c, i, cpu);                    as it was made, for the next taker
 *
 * A slab is a few pages that hold objects of one cache. Its objects are made when it comes and
 * unmade when it goes, which it does when none of them is in use: between that the allocator
 * writes nothing into them. Slabs of a cache begin at different colours, so that objects of
 * equal number do not compete for the same lines of a data cache. Before the slabs each processor
 * has two magazines of objects, one loaded and the previous one, which it exchanges for full or
 * empty ones at the cache's depot: most takes and gives move one word.
 *
 * The heap `slab` (heap.h) is caches of sizes upon this. Like any heap, it is not safe in threads.
 *
 * Bonwick, "The slab allocator: an object-caching kernel memory allocator", USENIX Summer 1994;
 * Bonwick & Adams, "Magazines and Vmem: extending the slab allocator to many CPUs and arbitrary
 * resources", USENIX 2001.
 */
#ifndef PAGODA_SLAB_H
#define PAGODA_SLAB_H

#include <pagoda/heap.h>

#define VM_SLAB_CACHES_MAX 56          /* that have a name */
#define VM_SLAB_BYTES_MAX  (32u << 10) /* of an object, rounded up to its alignment */

struct vm_slab;
struct vm_slab_cache;

struct vm_slab_kind {
    const char *name; /* lives as long as the cache */
    size_t bytes;     /* 1 to VM_SLAB_BYTES_MAX */
    size_t align;     /* a power of two up to VM_HEAP_GRAIN; 0: VM_HEAP_ALIGN */
    /* Bring an object into the state that takers find and givers leave; and out of it. NULL:
     * there is nothing to do. */
    void (*make)(void *object, void *host);
    void (*unmake)(void *object, void *host);
    void *host;
};

struct vm_slab_usage {
    uint64_t full, partial, empty; /* slabs by how many of their objects are out of them */
    uint64_t live, loaded;         /* objects in use; in magazines */
    uint64_t makes, unmakes;       /* objects made, unmade */
    uint64_t takes, gives;
    uint64_t rounds;    /* of takes, those that a processor's magazines served */
    uint64_t exchanges; /* of a magazine at the depot */
};

/* The parameters that env->params must have been parsed against. */
#define VM_SLAB_PARAMS 5
extern const struct vm_param vm_slab_param[VM_SLAB_PARAMS];

/* As ops->size and ops->init of a heap (heap.h). */
size_t vm_slab_size(const struct vm_heap_env *env);
struct vm_slab *vm_slab_init(void *block, const struct vm_heap_env *env);

/* A new cache. NULL: there are VM_SLAB_CACHES_MAX. */
struct vm_slab_cache *vm_slab_cache(struct vm_slab *s, const struct vm_slab_kind *kind);
/* Unmake all objects and give up the cache. False: some are in use, and nothing has changed. */
bool vm_slab_close(struct vm_slab_cache *c);

/* An object as it was made, for processor `cpu` < env->cpus. NULL: there is no room. */
void *vm_slab_take(struct vm_slab_cache *c, uint32_t cpu);
/* An object of the cache is as it was made, and no longer in use. */
enum vm_heap_fault vm_slab_give(struct vm_slab_cache *c, void *object, uint32_t cpu);
/* Empty all magazines, and give up all slabs none of whose objects is in use; whether any was. */
bool vm_slab_reap(struct vm_slab *s);
void vm_slab_usage(const struct vm_slab_cache *c, struct vm_slab_usage *out);

#endif
