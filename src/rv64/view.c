/* view.c - the soft TLB, and which blocks there are (view.h). */
#include "rv64/view.h"
#include "base/assert.h"
#include <string.h>

#define BLOCK_BYTES (4u << 20) /* of all blocks: some 100,000 instructions */

/* Clear what may have entries of one access's table. */
static void table_clear(struct vm_rv64_view *v, enum vm_access access)
{
    for (unsigned word = 0; word < RV64_TLB_WORDS; word++) {
        for (uint64_t parts = v->tlb_parts[access][word]; parts; parts &= parts - 1) {
            unsigned part = 64 * word + (unsigned)__builtin_ctzll(parts);
            memset(&v->tlb[access][part * RV64_TLB_PART], 0,
                   RV64_TLB_PART * sizeof(struct rv64_tlb_entry));
        }
        v->tlb_parts[access][word] = 0;
    }
    v->tlb[access][0].tag = RV64_NO_TAG;
}

static void tlb_clear(struct vm_rv64_view *v)
{
    for (unsigned access = 0; access < VM_ACCESSES; access++)
        table_clear(v, (enum vm_access)access);
}

static void buckets_clear(struct vm_rv64_view *v)
{
    for (unsigned i = 0; i < RV64_BUCKETS; i++)
        v->bucket[i] = &v->nowhere;
    memset(v->page_bucket, 0, sizeof v->page_bucket);
    v->nblocks = 0;
}

struct vm_rv64_view *vm_rv64_view_open(struct vm_error *e)
{
    struct vm_arena arena;
    if (!vm_arena_open(&arena, vm_arena_room(sizeof(struct vm_rv64_view)) + BLOCK_BYTES, e))
        return NULL;
    struct vm_rv64_view *v = vm_arena_take(&arena, sizeof *v);
    v->arena = arena;
    v->places = vm_arena_take(&v->arena, BLOCK_BYTES);
    v->nowhere.pc = 1;
    tlb_clear(v);
    buckets_clear(v);
    return v;
}

void vm_rv64_view_close(struct vm_rv64_view *v)
{
    if (!v)
        return;
    struct vm_arena arena = v->arena;
    vm_arena_close(&arena);
}

/* --- blocks ------------------------------------------------------------------------------- */

static struct rv64_block **page_bucket(struct vm_rv64_view *v, vm_va va)
{
    return &v->page_bucket[va >> VM_RV64_PAGE_SHIFT & (RV64_PAGE_BUCKETS - 1)];
}

static bool block_same_page(const struct rv64_block *block, vm_va va)
{
    return (block->pc & RV64_PAGE_MASK) == (va & RV64_PAGE_MASK);
}

static bool block_straddles(const struct rv64_block *block)
{
    return !block_same_page(block, block->link[RV64_ONWARD].pc - 1);
}

void rv64_link_set(struct rv64_link *link, struct rv64_block *to)
{
    link->to = to;
    link->next = to->links_here;
    link->at = &to->links_here;
    if (link->next)
        link->next->at = &link->next;
    to->links_here = link;
}

static void link_cut(struct rv64_link *link)
{
    if (!link->to)
        return;
    *link->at = link->next;
    if (link->next)
        link->next->at = link->at;
    link->to = NULL;
}

/* Nothing leads to the block any more. */
static void block_kill(struct vm_rv64_view *v, struct rv64_block *block)
{
    struct rv64_block **at = &v->bucket[rv64_bucket_index(block->pc)];
    while (*at != block)
        at = &(*at)->next;
    *at = block->next;
    while (block->links_here)
        link_cut(block->links_here);
    for (unsigned i = 0; i < RV64_LINKS; i++)
        link_cut(&block->link[i]);
    v->nblocks--;
    v->stale = true;
}

/* Kill the blocks that begin in the page. */
static void blocks_kill_in(struct vm_rv64_view *v, vm_va page)
{
    struct rv64_block **at = page_bucket(v, page);
    while (*at) {
        struct rv64_block *block = *at;
        if (block_same_page(block, page)) {
            *at = block->next_of_page;
            block_kill(v, block);
        } else {
            at = &block->next_of_page;
        }
    }
}

/* Kill the block whose one instruction begins in the page before and ends in this one. */
static void blocks_kill_into(struct vm_rv64_view *v, vm_va page)
{
    struct rv64_block **at = page_bucket(v, page - 1);
    while (*at && !((*at)->pc == page - 2 && block_straddles(*at)))
        at = &(*at)->next_of_page;
    if (*at) {
        struct rv64_block *block = *at;
        *at = block->next_of_page;
        block_kill(v, block);
    }
}

static void blocks_kill_of(struct vm_rv64_view *v, vm_va va)
{
    blocks_kill_in(v, va & RV64_PAGE_MASK);
    blocks_kill_into(v, va & RV64_PAGE_MASK);
}

void rv64_view_kill_all(struct vm_rv64_view *v)
{
    if (v->nblocks)
        buckets_clear(v);
    v->stale = true;
}

/* Killed blocks keep their places until all are taken, or no block is left. */
struct rv64_block *rv64_view_take(struct vm_rv64_view *v, unsigned nops)
{
    size_t bytes = sizeof(struct rv64_block) + nops * sizeof(struct rv64_op);
    if (v->places_used + bytes > BLOCK_BYTES)
        rv64_view_kill_all(v);
    if (!v->nblocks) {
        v->places_used = 0;
        v->stale = true; /* the place of a block that was made for once is used again, too */
    }
    struct rv64_block *block = (struct rv64_block *)(v->places + v->places_used);
    v->places_used += bytes;
    return block;
}

void rv64_view_add(struct vm_rv64_view *v, struct rv64_block *block)
{
    struct rv64_block **bucket = &v->bucket[rv64_bucket_index(block->pc)];
    block->next = *bucket;
    *bucket = block;
    struct rv64_block **of_page = page_bucket(v, block->pc);
    block->next_of_page = *of_page;
    *of_page = block;
    v->nblocks++;
}

struct rv64_block *rv64_view_find_block(struct vm_rv64_view *v, vm_va pc)
{
    struct rv64_block **first = &v->bucket[rv64_bucket_index(pc)], **at = first;
    while (*at != &v->nowhere && (*at)->pc != pc)
        at = &(*at)->next;
    struct rv64_block *block = *at;
    if (block == &v->nowhere)
        return NULL;
    *at = block->next;
    block->next = *first;
    *first = block;
    return block;
}

/* --- pages -------------------------------------------------------------------------------- */

void vm_rv64_view_map(struct vm_rv64_view *v, vm_va va, unsigned rights, uint8_t *bytes)
{
    vm_va page = va & RV64_PAGE_MASK;
    if (rights & VM_PROT_FETCH && rv64_view_byte(v, page, VM_FETCH) != bytes)
        blocks_kill_of(v, page);
    for (unsigned access = 0; access < VM_ACCESSES; access++) {
        if (!(rights & vm_access_needs((enum vm_access)access)))
            continue;
        unsigned index = rv64_tlb_index(page);
        v->tlb[access][index] = (struct rv64_tlb_entry){page, (uintptr_t)bytes - page};
        unsigned part = index / RV64_TLB_PART;
        v->tlb_parts[access][part / 64] |= UINT64_C(1) << part % 64;
    }
}

void vm_rv64_view_forget(struct vm_rv64_view *v, vm_va va)
{
    for (unsigned access = 0; access < VM_ACCESSES; access++) {
        struct rv64_tlb_entry *entry = &v->tlb[access][rv64_tlb_index(va)];
        if (entry->tag == (va & RV64_PAGE_MASK))
            entry->tag = RV64_NO_TAG;
    }
    blocks_kill_of(v, va);
}

void vm_rv64_view_forget_all(struct vm_rv64_view *v)
{
    tlb_clear(v);
    rv64_view_kill_all(v);
}

uint8_t *vm_rv64_view_find(const struct vm_rv64_view *v, vm_va va, enum vm_access access)
{
    return rv64_view_byte(v, va & RV64_PAGE_MASK, access);
}
