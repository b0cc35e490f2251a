/* frame_state.c - what the frame allocator says of itself: each zone and list, and how fragmented
 * free memory is. */
#include "alloc/frame_zone.h"

static uint64_t frames_below(const struct vm_free_blocks *b, unsigned order)
{
    uint64_t n = 0;
    VM_ASSERT(order <= VM_FRAME_ORDERS);
    for (unsigned k = 0; k < order; k++)
        n += b->n[k] << k;
    return n;
}

double vm_unusable_index(const struct vm_free_blocks *b, unsigned order)
{
    uint64_t all = frames_below(b, VM_FRAME_ORDERS);
    return all ? (double)frames_below(b, order) / (double)all : 0;
}

double vm_fragmentation_index(const struct vm_free_blocks *b, unsigned order)
{
    uint64_t blocks = 0;
    double nfree = (double)frames_below(b, VM_FRAME_ORDERS);
    for (unsigned k = 0; k < VM_FRAME_ORDERS; k++)
        blocks += b->n[k];
    if (blocks == 0)
        return 0;
    if (vm_blocks_of_order(b, order) > 0)
        return -1;
    return 1 - (1 + nfree / (double)(UINT64_C(1) << order)) / (double)blocks;
}

uint64_t vm_blocks_of_order(const struct vm_free_blocks *b, unsigned order)
{
    uint64_t n = 0;
    for (unsigned k = order; k < VM_FRAME_ORDERS; k++)
        n += b->n[k] << (k - order);
    return n;
}

static struct vm_free_blocks zone_blocks(const struct frame_zone *z)
{
    struct vm_free_blocks b = {0};
    for (unsigned g = 0; g < z->ngroups; g++)
        for (unsigned k = 0; k < VM_FRAME_ORDERS; k++)
            b.n[k] += z->free[g].nblocks[k];
    return b;
}

static void count_pageblocks(const struct frame_zone *z, uint32_t out[VM_FRAME_GROUPS])
{
    uint64_t size = UINT64_C(1) << z->block_order;
    for (uint64_t at = z->start; z->group && at < z->end; at = (at / size + 1) * size)
        out[vm_zone_group_of(z, (vm_pfn)at)]++;
}

bool vm_frames_zone(const struct vm_frames *s, unsigned i, struct vm_zone_state *out)
{
    if (i >= s->nzones)
        return false;
    const struct frame_zone *z = &s->zone[i];
    *out = (struct vm_zone_state){.name = z->name,
                                  .start = z->start,
                                  .nframes = z->end - z->start,
                                  .nfree = (uint32_t)(z->nfree + z->nlisted),
                                  .nlisted = (uint32_t)z->nlisted,
                                  .blocks = zone_blocks(z),
                                  .takes = z->takes,
                                  .fallbacks = z->fallbacks,
                                  .refusals = z->refusals,
                                  .claims = z->claims,
                                  .borrows = z->borrows};
    for (unsigned use = 0; use < VM_FRAME_USES; use++)
        out->kept[use] = (uint32_t)z->kept[use];
    count_pageblocks(z, out->pageblocks);
    return true;
}

void vm_frames_blocks(const struct vm_frames *s, struct vm_free_blocks *out)
{
    *out = (struct vm_free_blocks){0};
    for (unsigned i = 0; i < s->nzones; i++) {
        struct vm_free_blocks b = zone_blocks(&s->zone[i]);
        for (unsigned k = 0; k < VM_FRAME_ORDERS; k++)
            out->n[k] += b.n[k];
    }
}

bool vm_frames_lists(const struct vm_frames *s, uint32_t processor, struct vm_list_counts *out)
{
    if (s->lists.high == 0 || processor >= s->lists.processors)
        return false;
    *out = s->lists.counts[processor];
    return true;
}

uint64_t vm_frames_available(const struct vm_frames *s, unsigned order)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < s->nzones; i++) {
        const struct frame_zone *z = &s->zone[i];
        struct vm_free_blocks b = zone_blocks(z);
        uint64_t nfree = z->nfree + z->nlisted, kept = z->kept[VM_FRAME_FOR_PAGE],
                 may = nfree > kept ? (nfree - kept) >> order : 0,
                 has = vm_blocks_of_order(&b, order);
        n += may < has ? may : has;
    }
    return n;
}
