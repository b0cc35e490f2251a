/* naive_cache.h - levels of caches as plain lists of lines with their times and contents.
 *
 * Contents are versions: each 16 bytes of memory have a number that grows with each write to them,
 * so that a lost write or an old copy shows: `old_reads` counts reads that saw one. Fetches are not
 * looked at where level 1 is split: its sides do not watch each other.
 */
#ifndef ORACLE_NAIVE_CACHE_H
#define ORACLE_NAIVE_CACHE_H

#include <pagoda/cache.h>

#define NAIVE_CACHE_LINES  256
#define NAIVE_CACHE_GRAIN  16                        /* bytes with one version */
#define NAIVE_CACHE_PARTS  (128 / NAIVE_CACHE_GRAIN) /* of the longest line */
#define NAIVE_CACHE_GRAINS (1 << 15) /* of memory that has contents; beyond it nothing is kept */

struct naive_cache_line {
    bool valid, dirty;
    vm_va va;
    vm_asid asid; /* as tagged */
    vm_pa pa;
    uint64_t came, used;
    uint32_t content[NAIVE_CACHE_PARTS];
};

struct naive_cache {
    struct vm_cache_config config;
    uint32_t nsets;
    uint64_t random;
    struct vm_cache_counts counts;
    struct naive_cache_line line[NAIVE_CACHE_LINES]; /* set by set; a way never moves */
    bool upper[NAIVE_CACHE_LINES][64]; /* plru: [set][node] the half to take is the upper one */
};

struct naive_caches {
    size_t n;
    unsigned levels, tables_level;
    uint64_t page_bytes, now, memory_reads, memory_writes, old_reads;
    uint32_t version, memory[NAIVE_CACHE_GRAINS], latest[NAIVE_CACHE_GRAINS];
    struct naive_cache cache[VM_CACHES_MAX];
};

void naive_caches_open(struct naive_caches *n, const struct vm_caches_config *c,
                       unsigned page_shift, uint64_t seed);
/* As vm_caches_access, vm_caches_table, vm_caches_flush_frames and vm_caches_switch. */
unsigned naive_caches_access(struct naive_caches *n, vm_va va, vm_pa pa, vm_asid asid,
                             enum vm_access access);
unsigned naive_caches_table(struct naive_caches *n, vm_pa pa, enum vm_access access);
void naive_caches_flush(struct naive_caches *n, vm_pa pa, uint64_t bytes);
void naive_caches_switch(struct naive_caches *n);
/* Something else than the caches writes [pa, pa + bytes): a device that brings a page. */
void naive_caches_bring(struct naive_caches *n, vm_pa pa, uint64_t bytes);

#endif
