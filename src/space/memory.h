/* memory.h - the state of struct vm_memory, shared by the files of space/:
 *
 *   memory.c  opening, closing, the whole-structure check
 *   frame.c   frames: who maps them, getting one, evicting one
 *   swap.c    the swap map: slots, references to them, transfers
 *   table_page.c  pages of page tables that may be evicted
 *   vma.c     the mappings of an address space, ordered
 *   fault.c   the fault path
 *   huge.c    huge pages: made, split, shared
 *   reserve.c runs of frames set aside for huge pages to come
 *   suspend.c  a whole process leaves
 *   collapse.c  the scan that makes huge pages of base pages
 *   event.c   map, unmap, protect, advise, fork, exec, exit
 *   segment.h the same for schemes whose unit is the segment
 */
#ifndef SPACE_MEMORY_H
#define SPACE_MEMORY_H

#include "base/arena.h"
#include "base/links.h"

#include <pagoda/alloc.h>
#include <pagoda/space.h>

/* An aligned run of frames that one huge page takes. */
struct vm_run {
    enum { VM_RUN_LOOSE, VM_RUN_HUGE, VM_RUN_RESERVED } state;
    uint32_t promised;  /* huge: frame + 1 of the first of the frames for tables that a split needs,
                           linked by `sharers`; 0: none */
    uint32_t populated; /* reserved: base pages that have their frame */
    uint32_t next;      /* reserved: run + 1 of the next in its bucket, 0: the last */
    uint64_t key;       /* reserved: of the region's first page */
};

/* Huge pages: all zero where there are none. */
struct vm_huge {
    struct vm_run *run; /* [nruns] */
    uint32_t nruns;
    unsigned order;
    uint32_t npages;    /* 2^order */
    uint32_t ntables;   /* frames that the tables of a split take; 0: they lie apart */
    uint64_t nreserved; /* frames set aside */
    struct vm_links
        *queue;       /* [nruns + 1] reserved runs, least lately populated first; head: nruns */
    uint32_t *bucket; /* [mask + 1] run + 1 of a reserved run by its key, 0: none */
    uint32_t mask;
    vm_asid scan_asid; /* where the next scan begins */
    vm_va scan_va;
};

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
    uint64_t nunits; /* frames that the policy has: of pages, and of tables */
    struct vm_huge huge;
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
    struct vm_queue queue; /* before the device */
    struct {
        bool on;
        uint64_t at, bytes; /* still to be written */
    } gather;

    struct vm_segments *seg;        /* segment.h; NULL: the scheme's unit is the page */
    struct vm_space *space;         /* [VM_ASID_MAX + 1] */
    void *scheme, *policy, *device; /* states */
    struct vm_policy_host policy_host;
    uint8_t *physical;   /* the frames' bytes; only tables' are ever touched */
    struct vm_error out; /* why the last vm_frame_get or take answered VM_NOFRAME */
};

/* ---- frame.c ---- */

/* A frame for the page `key` of `va`: a free one, of its colour if it can be, or the policy's
 * victim's. VM_NOFRAME: m->out says why. */
vm_pfn vm_frame_get(struct vm_memory *m, vm_va va, uint64_t key);
void vm_frame_free(struct vm_memory *m, vm_pfn f);
/* A node of the pool of sharers, or 0: there is none left (m->out). */
uint32_t vm_sharer_take(struct vm_memory *m);
void vm_sharer_free(struct vm_memory *m, uint32_t node);
/* The page `key` now maps `f` too. False: no room for one more sharer (m->out). */
bool vm_frame_share(struct vm_memory *m, vm_pfn f, uint64_t key);
/* The page `key` maps `f` no more; a frame without mappers leaves the policy and is freed. */
void vm_frame_unmap(struct vm_memory *m, vm_pfn f, uint64_t key);
/* The policy is told that the page `key` has come into frame `f`, or that it has gone. */
void vm_unit_insert(struct vm_memory *m, vm_pfn f, uint64_t key);
void vm_unit_remove(struct vm_memory *m, vm_pfn f);
/* n more frames are in use: that may be the most so far. */
void vm_frame_note_used(struct vm_memory *m, uint32_t n);
/* n free frames for tables to come, linked by `sharers`: the first + 1. 0: not as many are free.
 */
uint32_t vm_frame_promise(struct vm_memory *m, uint32_t n);
void vm_frame_unpromise(struct vm_memory *m, uint32_t promised);
/* A chain of sharers that no frame has any more. */
void vm_frame_free_sharers(struct vm_memory *m, uint32_t chain);
/* Mappers plus swapped entries on its slot. */
uint64_t vm_frame_users(const struct vm_memory *m, vm_pfn f);
/* The base page in `f` leaves memory, whoever it is; `f` is free. False: m->out. */
bool vm_frame_vacate(struct vm_memory *m, vm_pfn f);
/* Table frames, for scheme/. */
vm_pfn vm_frame_take(void *memory, uint32_t n);
void vm_frame_give(void *memory, vm_pfn first, uint32_t n);
bool vm_frame_extend(void *memory, vm_pfn first, uint32_t n, uint32_t more);
void vm_frame_table_moved(void *memory, uint64_t bytes);

/* ---- huge.c ---- */

size_t vm_huge_bytes(const struct vm_memory *m); /* of its arrays */
void vm_huge_init(struct vm_memory *m, uint32_t ntables, void *block);

static inline bool vm_huge_has(const struct vm_memory *m, vm_pfn f)
{
    return m->huge.run && m->huge.run[f >> m->huge.order].state == VM_RUN_HUGE;
}
/* The base pages of the page whose unit is `f`. */
static inline uint32_t vm_huge_pages_of(const struct vm_memory *m, vm_pfn f)
{
    return vm_huge_has(m, f) ? m->huge.npages : 1;
}
/* The first address of the huge page, or what could be one, about `va`. */
static inline vm_va vm_huge_start(const struct vm_memory *m, vm_va va)
{
    return va >> (m->c.page_shift + m->huge.order) << (m->c.page_shift + m->huge.order);
}
/* Whether the region about `va` may be a huge page of `v`. */
bool vm_huge_may(const struct vm_memory *m, const struct vm_vma *v, vm_va va);
/* A free run of frames, with as many more free as tables of a split may take; or VM_NOFRAME. */
vm_pfn vm_huge_take(struct vm_memory *m);
/* The frames [head, head + npages), VM_FRAME_TAIL all of them and with the bits of a huge page,
 * become that of `v` at `va`, under which all entries are empty. False: m->out; the machine cannot
 * go on. */
bool vm_huge_make(struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va, vm_pfn head);
/* The first touch of a region makes a huge page, if it may and a run is free: *made. False: m->out.
 */
bool vm_huge_fault(struct vm_memory *m, struct vm_fault *f, bool *made);
/* A write to the huge page at `head`, which was shared: nobody shares it any more, and it may be
 * written: *taken; or it is split. False: m->out. */
bool vm_huge_write(struct vm_memory *m, struct vm_fault *f, vm_pfn head, bool *taken);
/* Split the huge page at `head` into base pages: split, after the policy has named it and so has it
 * no more; demote, while it has. False: m->out. */
bool vm_huge_split(struct vm_memory *m, vm_pfn head);
bool vm_huge_demote(struct vm_memory *m, vm_pfn head);
/* Split the huge page that `va` lies in, unless it is its first address. False: m->out. */
bool vm_huge_split_at(struct vm_memory *m, vm_asid asid, vm_va va);
/* The huge page at `head` has no mapper any more: its frames are free. */
void vm_huge_free(struct vm_memory *m, vm_pfn head);
void vm_huge_check(const struct vm_memory *m);

/* ---- reserve.c ---- */

/* A frame for the page of f from the reservation of its region, which is made if it can be; or
 * VM_NOFRAME. (A page that has been somewhere already is in no reserved region.) */
vm_pfn vm_reserve_get(struct vm_memory *m, const struct vm_fault *f);
/* The page of f has come into `pfn`: if that fills its reservation, a huge page is made of it.
 * False: m->out. */
bool vm_reserve_fill(struct vm_memory *m, const struct vm_fault *f, vm_pfn pfn);
/* Give up the reservation that was populated least lately; false: there is none. */
bool vm_reserve_break_first(struct vm_memory *m);
/* Give up those of address space `asid` that have pages in [start, end). */
void vm_reserve_break(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end);
void vm_reserve_check(const struct vm_memory *m);

/* ---- swap.c ---- */

/* A free slot, or 0: swap is full (m->out). */
vm_slot vm_swap_take(struct vm_memory *m);
/* One swapped entry on `s` is gone: frees the slot when nothing needs it. */
void vm_swap_unref(struct vm_memory *m, vm_slot s);
/* Frame `f` gives up its clean copy in its slot. */
void vm_swap_detach(struct vm_memory *m, vm_pfn f);
/* One page is read from slot `s` (or from the file, VM_SLOT_FILE), or written to it, and the
 * process waits for that. */
void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key);
void vm_swap_write(struct vm_memory *m, vm_slot s);
/* The same of any bytes of the device. */
void vm_swap_read_at(struct vm_memory *m, uint64_t position, uint64_t bytes);
void vm_swap_write_at(struct vm_memory *m, uint64_t position, uint64_t bytes);
/* Between these two nobody waits for a write, and what lies side by side is one transfer. */
void vm_swap_gather(struct vm_memory *m);
void vm_swap_gathered(struct vm_memory *m);
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
/* Its kernel address is free: the TLBs forget it. */
void vm_table_page_unmapped(void *memory, vm_va kva);
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

/* The first address behind the page that `va` lies in, whose entry is `pte`. */
static inline vm_va vm_memory_behind(const struct vm_memory *m, vm_va va, struct vm_pte pte)
{
    return ((va >> (m->c.page_shift + pte.order)) + 1) << (m->c.page_shift + pte.order);
}
/* ---- fault.c ---- */

/* Count a fault that was resolved; a touch that was refused. */
void vm_fault_count(struct vm_memory *m, const struct vm_fault *f);
void vm_fault_count_refused(struct vm_memory *m, const struct vm_fault *f);

static inline uint64_t vm_memory_key(const struct vm_memory *m, vm_va va, vm_asid asid)
{
    return vm_page_key(va, m->c.page_shift, asid);
}

#endif
