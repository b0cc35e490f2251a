/* view.h - what a hart remembers of an address space: where pages are, and blocks of operations.
 *
 *   soft TLB   a direct-mapped table for each kind of access, of 65,536 entries. A compare answers
 *              three questions: is it this page, is it aligned, is there an entry at all. For the
 *              address's page number and its low bits (those that alignment to the access's size
 *              wants zero) are compared at once with the tag, of which the latter are zero
 *   blocks     instructions that are executed one after the other as long as no branch is taken:
 *              up to a jump by register or out of the page, or VM_RV64_BLOCK_MAX. A block is found
 *              by the address of its first instruction, and from the one before it by a link
 *
 *     pc -> bucket -> block {pc, ops ...} --branch-> block
 *                                         --last---> block
 *
 * All memory is reserved when the view opens; the host gives it as it is touched. Blocks are taken
 * from one end of it to the other; once it is full all of them go, and decoding begins anew.
 *
 * Invariants
 *  1. A block that can be reached (by bucket or by link) was decoded from bytes that the view still
 *     has for fetching, in each page that it lies in.
 *  2. The memory of a killed block stays as it is until the next block is decoded: the hart may be
 *     in it.
 *  3. `stale` is set whenever a block is killed: the hart leaves its block after the instruction
 *     under way.
 *
 * Sources: Bellard, "QEMU, a fast and portable dynamic translator" (2005), for blocks that are
 * linked; Bell, "Threaded code" (1973). That a page's loss kills its blocks one by one costs a
 * decoding each when the page comes back, about 50 ns an instruction.
 */
#ifndef RV64_VIEW_H
#define RV64_VIEW_H

#include "base/arena.h"
#include "rv64/decode.h"
#include <pagoda/rv64.h>

#define RV64_PAGE         (UINT64_C(1) << VM_RV64_PAGE_SHIFT)
#define RV64_PAGE_MASK    (~(RV64_PAGE - 1))
#define RV64_TLB_ENTRIES  65536
#define RV64_NO_TAG       UINT64_MAX /* matches no address */
#define RV64_TLB_PART     256        /* entries that are cleared together */
#define RV64_TLB_WORDS    (RV64_TLB_ENTRIES / RV64_TLB_PART / 64)
#define RV64_BUCKETS      4096
#define RV64_PAGE_BUCKETS 1024

/* A zeroed entry, too, matches nothing: 0 is the tag of a page that belongs to the first entry, and
 * that one is never zeroed. */
struct rv64_tlb_entry {
    uint64_t tag;    /* the page's address, or RV64_NO_TAG */
    uint64_t addend; /* the bytes' place in this process, less the page's address */
};

/* An operation: an instruction ready to be executed. */
struct rv64_op {
    const void *handler; /* the label in the loop */
    int64_t imm;         /* of a jump whose target is the next operation: what it leaves in rd */
    uint8_t rd, rs1, rs2;
    uint8_t counted; /* of an operation that may log its fetch group: 1, or 0 if refill logged it */
    uint16_t group;  /* where that group begins in the page, in units of 2 bytes */
    uint16_t fetch;  /* the group's vm_ref_meta, this instruction included */
};

/* A way out of a block: its last one, or that of a branch, which stands behind its operation. */
struct rv64_link {
    struct rv64_block *to;        /* NULL: not looked for yet */
    int64_t insns;                /* that were executed by then */
    vm_va pc;                     /* where it leads */
    struct rv64_link *next, **at; /* the links to the same block; what points to this one */
};

#define RV64_LINK_OPS ((sizeof(struct rv64_link) - 1) / sizeof(struct rv64_op) + 1)

/* Where an operation is in its program. */
struct rv64_place {
    uint16_t at;    /* from the beginning of the page, in units of 2 bytes */
    uint16_t insns; /* of the block, before it */
};

struct rv64_block {
    vm_va pc, page; /* of its first instruction */
    vm_va end;      /* of its last one */
    struct rv64_link last;
    struct rv64_link *links_here;    /* links of others that lead here */
    struct rv64_block *next;         /* in its bucket */
    struct rv64_block *next_of_page; /* in the bucket of its page */
    struct rv64_place *place;        /* [nops], as ops */
    uint16_t *branch;                /* [nbranches] which operations have links behind them */
    uint32_t nops, nbranches;        /* a link counts as RV64_LINK_OPS */
    struct rv64_op ops[];
};

struct vm_rv64_view {
    struct rv64_tlb_entry tlb[VM_ACCESSES][RV64_TLB_ENTRIES];
    struct rv64_block *bucket[RV64_BUCKETS];
    struct rv64_block *page_bucket[RV64_PAGE_BUCKETS];
    /* Bit i: part i of the table may have entries. */
    uint64_t tlb_parts[VM_ACCESSES][RV64_TLB_WORDS];
    struct vm_arena arena; /* of the view itself and of the blocks' places */
    uint8_t *places;       /* [RV64_BLOCK_BYTES] */
    size_t places_used;
    uint32_t nblocks;          /* that are not killed */
    bool stale, logs;          /* logs: the blocks' handlers are those of the loop with a log */
    struct rv64_block nowhere; /* ends every bucket: its pc is odd */
};

static inline struct rv64_link *rv64_link_of(struct rv64_op *branch)
{
    return (struct rv64_link *)(branch + 1);
}
static inline unsigned rv64_tlb_index(vm_va va)
{
    return va >> VM_RV64_PAGE_SHIFT & (RV64_TLB_ENTRIES - 1);
}
static inline unsigned rv64_bucket_index(vm_va pc)
{
    return pc >> 1 & (RV64_BUCKETS - 1);
}

/* The block at `pc`, or one whose pc is not `pc`. */
static inline struct rv64_block *rv64_view_block(const struct vm_rv64_view *v, vm_va pc)
{
    return v->bucket[rv64_bucket_index(pc)];
}

/* Where the byte at va is, if `access` need not ask; else NULL. */
static inline uint8_t *rv64_view_byte(const struct vm_rv64_view *v, vm_va va, enum vm_access access)
{
    const struct rv64_tlb_entry *entry = &v->tlb[access][rv64_tlb_index(va)];
    bool here = entry->tag == (va & RV64_PAGE_MASK);
    return here ? (uint8_t *)(uintptr_t)(entry->addend + va) : NULL;
}

/* A block with room for so many operations, links among them, and branches; its arrays are not
 * cleared. All blocks may be killed for it. */
struct rv64_block *rv64_view_take(struct vm_rv64_view *v, uint32_t nops, uint32_t nbranches);
/* The block can be found from now on. */
void rv64_view_add(struct vm_rv64_view *v, struct rv64_block *block);
/* Find the block at pc and put it first in its bucket; NULL if there is none. */
struct rv64_block *rv64_view_find_block(struct vm_rv64_view *v, vm_va pc);
void rv64_view_kill_all(struct vm_rv64_view *v);
void rv64_link_set(struct rv64_link *link, struct rv64_block *to);

#endif
