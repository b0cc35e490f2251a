/* naive_tlb.h - a TLB as a plain list of entries with the times of their coming and last use. An
 * entry has the pages of one group: itself, or an even page and the odd one after it. */
#ifndef ORACLE_NAIVE_TLB_H
#define ORACLE_NAIVE_TLB_H

#include <pagoda/tlb.h>

#define NAIVE_TLB_ENTRIES 64

struct naive_tlb_entry {
    bool valid;
    uint64_t group; /* page number by pages of a group */
    uint64_t who;   /* asid, or VM_TLB_GLOBAL */
    unsigned order;
    bool has[2];
    uint64_t value[2]; /* by the page's place in the group */
    uint64_t came, used;
};

struct naive_tlb {
    uint32_t nsets, ways, pages; /* pages: of a group */
    uint32_t wired;
    enum vm_tlb_replace replace;
    enum vm_tlb_index index;
    struct naive_tlb_entry entry[NAIVE_TLB_ENTRIES]; /* set by set; a way never moves */
    bool upper[NAIVE_TLB_ENTRIES][64]; /* plru: [set][node] the half to take is the upper one */
    uint64_t now;
    struct vm_tlb_counts counts; /* fills, evictions, invalidations */
};

void naive_tlb_open(struct naive_tlb *t, const struct vm_tlb_config *c);
uint32_t naive_tlb_set(const struct naive_tlb *t, uint64_t group);
/* The entry that has the page of `tag` and `order`, or NULL; and where in it. */
struct naive_tlb_entry *naive_tlb_find(struct naive_tlb *t, uint64_t tag, unsigned order);
uint64_t *naive_tlb_value(struct naive_tlb *t, struct naive_tlb_entry *e, uint64_t tag);
void naive_tlb_use(struct naive_tlb *t, struct naive_tlb_entry *e);
/* The entry that a fill overwrites, or where the page's neighbour is; under random, when the set is
 * full, NULL: any. */
struct naive_tlb_entry *naive_tlb_place(struct naive_tlb *t, uint64_t tag, unsigned order);
/* Put it into `place`, an entry of its set. */
void naive_tlb_fill(struct naive_tlb *t, struct naive_tlb_entry *place, uint64_t tag,
                    unsigned order, uint64_t value);
/* Every entry of which this is true goes; how many did. */
typedef bool naive_tlb_says(const struct naive_tlb *t, const struct naive_tlb_entry *e,
                            uint64_t arg, unsigned order);
unsigned naive_tlb_drop(struct naive_tlb *t, naive_tlb_says *says, uint64_t arg, unsigned order);
naive_tlb_says naive_tlb_is, naive_tlb_of_space, naive_tlb_not_global;

#endif
