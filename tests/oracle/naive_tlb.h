/* naive_tlb.h - a TLB as a plain list of entries with the times of their coming and last use. */
#ifndef ORACLE_NAIVE_TLB_H
#define ORACLE_NAIVE_TLB_H

#include <pagoda/tlb.h>

#define NAIVE_TLB_ENTRIES 64

struct naive_tlb_entry {
    bool valid;
    uint64_t tag, value;
    uint64_t came, used;
};

struct naive_tlb {
    uint32_t nsets, ways;
    enum vm_tlb_replace replace;
    struct naive_tlb_entry entry[NAIVE_TLB_ENTRIES]; /* set by set; a way never moves */
    bool upper[NAIVE_TLB_ENTRIES][64]; /* plru: [set][node] the half to take is the upper one */
    uint64_t now;
    struct vm_tlb_counts counts; /* fills, evictions, invalidations */
};

void naive_tlb_open(struct naive_tlb *t, const struct vm_tlb_config *c);
/* The entry of `tag`, or NULL. */
struct naive_tlb_entry *naive_tlb_find(struct naive_tlb *t, uint64_t tag);
void naive_tlb_use(struct naive_tlb *t, struct naive_tlb_entry *e);
/* The entry that a fill of `tag` overwrites; under random, when the set is full, NULL: any. */
struct naive_tlb_entry *naive_tlb_place(struct naive_tlb *t, uint64_t tag);
/* Put it into `place`, an entry of its set. */
void naive_tlb_fill(struct naive_tlb *t, struct naive_tlb_entry *place, uint64_t tag,
                    uint64_t value);
/* Every entry that says so goes; how many did. */
unsigned naive_tlb_drop(struct naive_tlb *t, bool (*says)(uint64_t tag, uint64_t arg),
                        uint64_t arg);
bool naive_tlb_is(uint64_t tag, uint64_t other);
bool naive_tlb_of_space(uint64_t tag, uint64_t asid);
bool naive_tlb_not_global(uint64_t tag, uint64_t unused);

#endif
