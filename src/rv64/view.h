/* view.h - what a hart remembers of an address space: where pages are, and blocks of operations.
 *
 *   soft TLB   a direct-mapped table for each kind of access, of 65,536 entries. One compare answers
 *              three questions: is it this page, is it aligned, is there an entry at all. For the
 *              address's page number and its low bits (those that alignment to the access's size
 *              wants zero) are compared at once with the tag, of which the latter are zero
 *   blocks     instructions that are executed one after the other: up to a jump, the end of the
 *              page, or VM_RV64_BLOCK_MAX. A block is found by the address of its first
 *              instruction, and from the block before it by a link
 *
 *     pc -> bucket -> block {pc, ops ...} --taken--> block
 *                                         --onward-> block
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
    int64_t imm;
    uint8_t rd, rs1, rs2;
    uint8_t counted; /* of an operation that logs its fetch group: 1, or 0 if refill logged it */
    uint8_t at;      /* the instruction's place in its block, in units of 2 bytes */
    uint8_t group;   /* the place of its fetch group's first instruction, likewise */
    uint16_t fetch;  /* the group's vm_ref_meta */
};

struct rv64_block;
struct rv64_link {
    struct rv64_block *to;        /* NULL: not looked for yet */
    vm_va pc;                     /* where it leads */
    struct rv64_link *next, **at; /* the links to the same block; what points to this one */
};
enum { RV64_ONWARD, RV64_TAKEN, RV64_LINKS };

struct rv64_block {
    vm_va pc;
    struct rv64_link link[RV64_LINKS];
    struct rv64_link *links_here;    /* links of others that lead here */
    struct rv64_block *next;         /* in its bucket */
    struct rv64_block *next_of_page; /* in the bucket of its page */
    unsigned insns; /* as many operations, and perhaps one more, which leaves the block */
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

/* A place for a block of `nops` operations, not cleared. All blocks may be killed for it. */
struct rv64_block *rv64_view_take(struct vm_rv64_view *v, unsigned nops);
/* The block can be found from now on. */
void rv64_view_add(struct vm_rv64_view *v, struct rv64_block *block);
/* Find the block at pc and put it first in its bucket; NULL if there is none. */
struct rv64_block *rv64_view_find_block(struct vm_rv64_view *v, vm_va pc);
void rv64_view_kill_all(struct vm_rv64_view *v);
void rv64_link_set(struct rv64_link *link, struct rv64_block *to);

#endif
