/* frames.c - the machine's frames: the buddy system of blocks.h, in frame numbers and with colours.
 *
 * Frames are given back in any pieces: the host knows which it holds, and pages of a huge page that
 * was split go one by one. Nothing is noted for a frame that is held.
 */
#include "alloc/blocks.h"

#include "base/bits.h"

struct vm_frames {
    struct blocks free;
};
_Static_assert(VM_FRAME_ORDERS <= BLOCKS_ORDERS, "every order of frames is one of blocks");

size_t vm_frames_size(uint32_t nframes, uint32_t ncolours)
{
    return vm_arena_room(sizeof(struct vm_frames)) + vm_blocks_size(nframes, ncolours);
}

struct vm_frames *vm_frames_init(void *block, uint32_t nframes, uint32_t ncolours)
{
    struct vm_frames *s = block;
    VM_ASSERT(nframes <= UINT32_C(1) << (VM_FRAME_ORDERS - 1));
    vm_blocks_init(&s->free, (uint8_t *)block + vm_arena_room(sizeof *s), nframes, ncolours);
    return s;
}

vm_pfn vm_frames_take(struct vm_frames *s, unsigned order)
{
    uint64_t start;
    unsigned found = vm_blocks_find(&s->free, order, &start);
    if (found == BLOCKS_NONE)
        return VM_NOFRAME;
    vm_blocks_cut(&s->free, found, start, start, UINT64_C(1) << order);
    return (vm_pfn)start;
}

vm_pfn vm_frames_take_run(struct vm_frames *s, uint32_t n)
{
    unsigned order = vm_bits_below(n);
    vm_pfn first = vm_frames_take(s, order);
    if (first != VM_NOFRAME)
        vm_blocks_give(&s->free, first + n, first + (UINT64_C(1) << order));
    return first;
}

vm_pfn vm_frames_take_colour(struct vm_frames *s, uint32_t colour)
{
    uint64_t start;
    VM_ASSERT(colour < s->free.ncolours);
    unsigned found = vm_blocks_find_colour(&s->free, colour, &start);
    if (found == BLOCKS_NONE)
        return vm_frames_take(s, 0);
    uint64_t frame = start + ((colour - start) & (s->free.ncolours - 1));
    vm_blocks_cut(&s->free, found, start, frame, 1);
    return (vm_pfn)frame;
}

bool vm_frames_is_free(const struct vm_frames *s, vm_pfn frame)
{
    uint64_t start;
    return vm_blocks_around(&s->free, frame, &start) != BLOCKS_NONE;
}

/* The end of the free block that `frame` lies in, or `frame`: it lies in none. */
static uint64_t free_until(const struct vm_frames *s, uint64_t frame)
{
    uint64_t start;
    unsigned order = vm_blocks_around(&s->free, frame, &start);
    return order == BLOCKS_NONE ? frame : start + (UINT64_C(1) << order);
}

bool vm_frames_take_at(struct vm_frames *s, vm_pfn first, uint32_t n)
{
    uint64_t at, end = (uint64_t)first + n, start;
    VM_ASSERT(end <= s->free.end);
    for (uint64_t until = at = first; at < end; at = until)
        if ((until = free_until(s, at)) == at)
            return false;
    for (at = first; at < end;) {
        unsigned order = vm_blocks_around(&s->free, at, &start);
        uint64_t until = start + (UINT64_C(1) << order);
        until = until < end ? until : end;
        vm_blocks_cut(&s->free, order, start, at, until - at);
        at = until;
    }
    return true;
}

void vm_frames_give(struct vm_frames *s, vm_pfn start, uint32_t n)
{
    VM_EXPECT(!vm_frames_is_free(s, start) && !vm_frames_is_free(s, start + n - 1));
    vm_blocks_give(&s->free, start, (uint64_t)start + n);
}

uint32_t vm_frames_free(const struct vm_frames *s)
{
    return (uint32_t)s->free.nfree;
}

uint32_t vm_frames_free_blocks(const struct vm_frames *s, unsigned order)
{
    VM_ASSERT(order < VM_FRAME_ORDERS);
    return (uint32_t)s->free.nblocks[order];
}

double vm_frames_unusable(const struct vm_frames *s, unsigned order)
{
    uint64_t small = 0;
    VM_ASSERT(order < VM_FRAME_ORDERS);
    for (unsigned k = 0; k < order; k++)
        small += s->free.nblocks[k] << k;
    return s->free.nfree ? (double)small / (double)s->free.nfree : 0;
}

void vm_frames_check(const struct vm_frames *s)
{
    vm_blocks_check(&s->free);
}
