/* heap.h - heap allocators: which bytes of a region that grows serve a request, as malloc decides.
 *
 *     base                                   end                        limit
 *     [ live | free | live | live | free ... ] not the heap's yet        |
 *                                            ^ env->move_end moves it, as sbrk does
 *
 * A heap keeps its notes where a real one must: headers before its blocks, links in the free ones.
 * What it knows beside the region is its state, one block whose size is known before it begins. So
 * the same code is counted on a recorded program's requests (`pagoda heap`) and serves running ones
 * (libpagoda-malloc).
 *
 * Contract, checked by tests/conform/heap.c
 *  1. A block that take returned lies in [base, end), has the alignment and at least the bytes that
 *     were asked for, and overlaps no other live one. The heap neither reads nor writes its bytes
 *     until it is given back.
 *  2. walk names every byte of [base, end) once: live, free or overhead.
 *  3. The state is one block of ops->size bytes, zeroed, aligned to 64, touched only as far as the
 *     region was used. Equal calls give equal answers: addresses are relative to base.
 *  4. A block that is not live is refused when it is given, as far as ops->sees says; nothing has
 *     changed then.
 *  5. What was free stays usable: a request that was served can be served again after it is given
 *     back.
 *
 * Heaps are not safe in threads: their host locks. Knuth, "The Art of Computer Programming" vol. 1,
 * section 2.5; Wilson, Johnstone, Neely & Boles, "Dynamic storage allocation: a survey and critical
 * review", IWMM 1995; Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 17.
 */
#ifndef PAGODA_HEAP_H
#define PAGODA_HEAP_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

#define VM_HEAP_BASE_ALIGN ((size_t)1 << 21) /* of base */
#define VM_HEAP_GRAIN      ((size_t)1 << 12) /* the end moves by multiples of it */
#define VM_HEAP_ALIGN      ((size_t)16)      /* of every block at least, as malloc promises */
#define VM_HEAP_ALIGN_MAX  ((size_t)1 << 20) /* what can be asked for */
#define VM_HEAP_CPUS_MAX   64

struct vm_heap_env {
    unsigned char *base; /* of address space that is the heap's alone */
    size_t limit;        /* bytes of it; a multiple of VM_HEAP_GRAIN */
    uint32_t cpus;       /* 1 to VM_HEAP_CPUS_MAX: for heaps that keep something for each */
    void *host;
    /* The heap is [base, base + end) from now on. Bytes that it has for the first time, or again,
     * read as zero. False: that much cannot be had, and nothing has changed; smaller always can. */
    bool (*move_end)(void *host, size_t end);
    const struct vm_params *params; /* parsed against the heap's own table; only during init */
};

/* What giving back, or resizing, a block found. */
enum vm_heap_fault {
    VM_HEAP_FINE,
    VM_HEAP_NOT_A_BLOCK, /* no block of this heap begins there */
    VM_HEAP_FREE_TWICE,  /* it is free already */
    VM_HEAP_DAMAGED,     /* the notes of the heap at the block were overwritten */
};
const char *vm_heap_fault_name(enum vm_heap_fault fault); /* "free twice" */

/* Which faults a heap is sure to see (bits); others it may see, or not. */
enum vm_heap_sight {
    VM_HEAP_SEES_STRANGERS = 1, /* every address that is no live or free block's */
    VM_HEAP_SEES_TWICE = 2,     /* a block that is free, as long as it is not used otherwise */
    VM_HEAP_SEES_DAMAGE = 4,    /* the header of the block was overwritten */
};

struct vm_heap_usage {
    size_t held_bytes;     /* end: live + free + overhead */
    size_t live_bytes;     /* of live blocks, what their owners may use: more than they asked for */
    size_t free_bytes;     /* could serve a request, but for its overhead */
    size_t free_max;       /* of the largest free block */
    size_t overhead_bytes; /* headers, tables and gaps in the region */
    size_t state_bytes;    /* of the state, what has been touched */
    uint64_t live_blocks, free_blocks;
    uint64_t takes, gives; /* that were served */
    uint64_t failures;     /* takes that were not */
    uint64_t searched;     /* free blocks, lists or levels looked at: the heap's own steps */
    uint64_t splits, merges;
    uint64_t grows, shrinks; /* times the end moved up, down */
};

/* A run of bytes of the region, for maps of it. */
enum vm_heap_kind { VM_HEAP_LIVE, VM_HEAP_FREE, VM_HEAP_OVERHEAD };
struct vm_heap_piece {
    size_t start, bytes; /* from base on */
    enum vm_heap_kind kind;
};

struct vm_heap_damage {
    size_t at;      /* from base on */
    char what[128]; /* "the header of the block at +0x40: magic 0x0, expected 0x..." */
};

struct vm_heap_ops {
    const char *name;
    const char *summary; /* one line: where a block is found and where it goes back */
    unsigned sees;       /* enum vm_heap_sight bits */
    const struct vm_param *param;
    size_t nparams;

    size_t (*size)(const struct vm_heap_env *env);
    void (*init)(void *state, const struct vm_heap_env *env);
    /* A block of at least `bytes` >= 1, aligned to `align` (a power of two, VM_HEAP_ALIGN to
     * VM_HEAP_ALIGN_MAX), for processor `cpu` < env->cpus. NULL: there is no room. */
    void *(*take)(void *state, size_t bytes, size_t align, uint32_t cpu);
    enum vm_heap_fault (*give)(void *state, void *block, uint32_t cpu);
    /* The live block has at least `bytes` >= 1 from now on, where it is. False: it cannot, or it
     * would hold so much more than that that it had better move; nothing has changed. */
    bool (*resize)(void *state, void *block, size_t bytes);
    /* The bytes that a live block's owner may use. */
    size_t (*room)(const void *state, const void *block);
    void (*usage)(const void *state, struct vm_heap_usage *out);
    /* Every piece, by rising start. */
    void (*walk)(const void *state, void *host,
                 void (*piece)(void *host, const struct vm_heap_piece *));
    /* The whole structure holds its invariants. False: *out says where it was overwritten first;
     * nothing is followed that could lead astray. */
    bool (*check)(const void *state, struct vm_heap_damage *out);
};

/* The row of heaps.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_heap_ops *vm_heap_find(const char *name, struct vm_error *e);
const struct vm_heap_ops *vm_heap_at(size_t i); /* NULL past the end */
bool vm_heap_list(size_t i, struct vm_listed *out);

#endif
