/* partition.h - contiguous storage for whole jobs: which piece of memory each one gets.
 *
 * Before pages, a job was in memory whole, in one piece, addressed by a base register: or it was
 * not there. A way to share memory out (partitions.def) answers for a job of some bytes: where it
 * is put, or that there is no room now. How long jobs stay, and who waits, its host decides.
 *
 *     memory  [ A        ::|  free  | B  :|  C    |   free       ]
 *                        ^ held beyond what was asked for (internal fragmentation)
 *
 * Contract, checked by tests/conform/partition.c
 *  1. Areas do not overlap, lie in memory, and name every byte of it once.
 *  2. A job that is put holds at least the bytes that it asked for; one of at most `most` bytes
 *     has room where nobody else is.
 *  3. Only compaction moves a job, and it keeps the order of their addresses.
 *  4. The state is one block of ops->size bytes, zeroed, aligned to 64; nothing is allocated, and
 *     nothing fails after init. Equal calls give equal answers.
 *
 * Knuth, "The Art of Computer Programming" vol. 1, section 2.5; Madnick & Donovan, "Operating
 * Systems", McGraw-Hill 1974, chapter 3 (single contiguous, partitioned, relocatable partitioned).
 */
#ifndef PAGODA_PARTITION_H
#define PAGODA_PARTITION_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

#define VM_PARTITION_JOBS_MAX   4096
#define VM_PARTITION_MEMORY_MAX (UINT64_C(1) << 40)
#define VM_NOTENANT             UINT32_MAX

struct vm_partition_env {
    uint64_t memory;                /* bytes, 1 to VM_PARTITION_MEMORY_MAX */
    uint32_t njobs;                 /* job numbers are below, 1 to VM_PARTITION_JOBS_MAX */
    const struct vm_params *params; /* parsed against the row's own table; in size and init only */
};

/* A piece of memory. */
struct vm_area {
    uint64_t start, bytes;
    uint32_t job;   /* whose it is, or VM_NOTENANT: free */
    uint64_t asked; /* of a job's: what it asked for, at most `bytes` */
};

struct vm_partition_usage {
    uint64_t searched;    /* free areas (or partitions) that were looked at */
    uint64_t compactions; /* times that jobs were moved together */
    uint64_t relocations; /* jobs that were moved: base registers that were set anew */
    uint64_t moved_bytes;
};

struct vm_partition_ops {
    const char *name;
    const char *summary; /* one line: who gets what */
    const struct vm_param *param;
    size_t nparams;

    /* Bytes of state. 0: the parameters contradict each other, or memory; VM_EUSAGE in `e`. */
    size_t (*size)(const struct vm_partition_env *env, struct vm_error *e);
    void (*init)(void *state, const struct vm_partition_env *env);
    uint64_t (*most)(const void *state); /* bytes of the largest job that it can hold */
    /* Put the job, which is not in memory and asks for 1 to `most` bytes. False: no room now. */
    bool (*put)(void *state, uint32_t job, uint64_t bytes);
    void (*leave)(void *state, uint32_t job); /* the job, which is in memory, leaves it */
    /* Every area of memory, by rising start. */
    void (*areas)(const void *state, void *host, void (*area)(void *host, const struct vm_area *));
    void (*usage)(const void *state, struct vm_partition_usage *out);
};

/* The row of partitions.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_partition_ops *vm_partition_find(const char *name, struct vm_error *e);
const struct vm_partition_ops *vm_partition_at(size_t i); /* NULL past the end */
bool vm_partition_list(size_t i, struct vm_listed *out);

#endif
