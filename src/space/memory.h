/* memory.h - the state of struct vm_memory, shared by the files of space/:
 *
 *   memory.c  opening, closing, the whole-structure check
 *   frame.c   frames: who maps them, getting one, evicting one
 *   swap.c    the swap map: slots, references to them, transfers
 *   table_page.c  pages of page tables that may be evicted
 *   vma.c     the mappings of an address space, ordered
 *   fault.c   the fault path
 *   event.c   map, unmap, protect, advise, fork, exec, exit
 *   segment.h the same for schemes whose unit is the segment
 */
#ifndef SPACE_MEMORY_H
#define SPACE_MEMORY_H

#include "base/arena.h"

#include <pagoda/alloc.h>
#include <pagoda/space.h>

struct vm_memory {
    struct vm_memory_config c;
    struct vm_arena arena;

    /* frames; numbers [0, c.nframes) may hold pages, [c.nframes, frames_all) are tables apart */
    struct vm_frame *frame;
    uint8_t *bits;
    uint32_t frames_all;
    struct vm_frames *frames; /* which of [0, c.nframes) are free */
    struct vm_frames *apart;  /* and which of [c.nframes, frames_all); NULL: tables are inside */
    uint32_t apart_end;       /* frames from here on have never been tables */
    uint64_t nused, ntables, nresident;
    uint64_t ntables_loose;   /* table frames that the policy has: they may be evicted */
    uint64_t ntables_out;     /* table pages that are in swap slots */
    vm_va table_read;         /* the one that the event under way read last, or 0 */
    struct vm_sharer *sharer; /* pool; 0 is never used */
    uint32_t sharer_fresh, sharer_head, sharer_cap;

    /* swap */
    uint32_t *slot_refs;  /* [nslots] swapped entries on the slot; of a free slot: the next free */
    uint32_t *slot_frame; /* [nslots] frame + 1 that has the slot's copy, 0: none */
    uint32_t nslots, slot_fresh, slot_head;
    uint64_t slots_used;
    uint64_t read_ns, write_ns;

    struct vm_segments *seg;        /* segment.h; NULL: the scheme's unit is the page */
    struct vm_space *space;         /* [VM_ASID_MAX + 1] */
    void *scheme, *policy, *device; /* states */
    uint8_t *physical;              /* the frames' bytes; only tables' are ever touched */
    struct vm_error out;            /* why the last vm_frame_get or take answered VM_NOFRAME */
};

/* ---- frame.c ---- */

/* A frame for the page of `va`: a free one, of its colour if it can be, or the policy's victim's.
 * VM_NOFRAME: m->out says why. */
vm_pfn vm_frame_get(struct vm_memory *m, vm_va va);
void vm_frame_free(struct vm_memory *m, vm_pfn f);
/* A node of the pool of sharers, or 0: there is none left (m->out). */
uint32_t vm_sharer_take(struct vm_memory *m);
void vm_sharer_free(struct vm_memory *m, uint32_t node);
/* The page `key` now maps `f` too. False: no room for one more sharer (m->out). */
bool vm_frame_share(struct vm_memory *m, vm_pfn f, uint64_t key);
/* The page `key` maps `f` no more; a frame without mappers leaves the policy and is freed. */
void vm_frame_unmap(struct vm_memory *m, vm_pfn f, uint64_t key);
/* Mappers plus swapped entries on its slot. */
uint64_t vm_frame_users(const struct vm_memory *m, vm_pfn f);
/* Table frames, for scheme/. */
vm_pfn vm_frame_take(void *memory, uint32_t n);
void vm_frame_give(void *memory, vm_pfn first, uint32_t n);
bool vm_frame_extend(void *memory, vm_pfn first, uint32_t n, uint32_t more);
void vm_frame_table_moved(void *memory, uint64_t bytes);

/* ---- swap.c ---- */

/* A free slot, or 0: swap is full (m->out). */
vm_slot vm_swap_take(struct vm_memory *m);
/* One swapped entry on `s` is gone: frees the slot when nothing needs it. */
void vm_swap_unref(struct vm_memory *m, vm_slot s);
/* Frame `f` gives up its clean copy in its slot. */
void vm_swap_detach(struct vm_memory *m, vm_pfn f);
/* Price one page read from or written to slot `s` (or from the file, VM_SLOT_FILE). */
void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key);
void vm_swap_write(struct vm_memory *m, vm_slot s);
/* Where a page's file is on the device. */
uint64_t vm_swap_file_position(const struct vm_memory *m, uint64_t page_key);

/* ---- table_page.c ---- */

/* What the scheme is given to have its table pages evicted; NULL: they stay. */
const struct vm_table_pager *vm_table_pager(const struct vm_memory *m);
/* The frame's page is a page of a table. */
static inline bool vm_is_table_page(const struct vm_memory *m, vm_pfn f)
{
    return m->frame[f].owner < VM_FRAME_TABLE && vm_key_asid(m->frame[f].owner) == VM_ASID_KERNEL;
}
/* Frame `f`, a table page that the policy has given up, is about to be evicted: its bits. */
void vm_table_page_leaves(struct vm_memory *m, vm_pfn f);
/* Its entry becomes slot `s`, or empty: 0. */
void vm_table_page_out(struct vm_memory *m, vm_pfn f, vm_slot s);
/* Frame `f`, of a table, is given back: the policy and its slot forget it. */
void vm_table_page_freed(struct vm_memory *m, vm_pfn f);
/* The kernel looks at (VM_TRANSFER_READ) or changes the entry of va at an event: counts the
 * transfers if its table page is out. */
void vm_table_page_visit(struct vm_memory *m, vm_asid asid, vm_va va, enum vm_transfer kind);

/* ---- vma.c ---- all ranges page-aligned, start < end */

struct vm_vma *vm_vma_find(struct vm_space *s, vm_va va);
/* Make [v.start, v.end) one mapping, replacing what was there. False: the host is out of memory. */
bool vm_vma_map(struct vm_space *s, struct vm_vma v, struct vm_error *e);
bool vm_vma_unmap(struct vm_space *s, vm_va start, vm_va end, struct vm_error *e);
bool vm_vma_protect(struct vm_space *s, vm_va start, vm_va end, uint8_t prot, struct vm_error *e);
/* A mapping around a touch outside every other one: the block of 2^block_shift bytes about it, at
 * least a page, less what is mapped and what lies below va_first. */
struct vm_vma *vm_vma_first_touch(struct vm_space *s, vm_va va, unsigned page_shift,
                                  unsigned block_shift, vm_va va_first, struct vm_error *e);
void vm_vma_check(const struct vm_space *s, unsigned page_shift);

/* ---- fault.c ---- */

/* Count a fault that was resolved; a touch that was refused. */
void vm_fault_count(struct vm_memory *m, const struct vm_fault *f);
void vm_fault_count_refused(struct vm_memory *m, const struct vm_fault *f);

static inline uint64_t vm_memory_key(const struct vm_memory *m, vm_va va, vm_asid asid)
{
    return vm_page_key(va, m->c.page_shift, asid);
}

#endif
