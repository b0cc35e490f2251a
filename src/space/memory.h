/* memory.h - the state of struct vm_memory, shared by the files of space/:
 *
 *   memory.c  opening, closing, the whole-structure check
 *   frame.c   frames: who maps them, getting one
 *   reclaim.c   pages that leave their frames, or their entries: evicted, given up, parked, cleaned
 *   writeback.c  dirty pages that are written together, and ahead of need
 *   store.c   frames that pages in slots take, on a device that keeps them in memory
 *   flusher.c  dirty pages that are written because they are old
 *   slots.c   the swap map: slots, references to them, clusters of them
 *   page_cache.c  frames by file and page
 *   contents.c  the bytes of pages, where they have any
 *   swap.c    a page's home, and the transfers to and from it
 *   table_page.c  pages of page tables that may be evicted
 *   vma.c     the mappings of an address space, ordered
 *   fault.c   the fault path
 *   huge.c    huge pages: made, split, shared
 *   reserve.c runs of frames set aside for huge pages to come
 *   suspend.c  a whole process leaves
 *   compact.c   runs for huge pages, made by moving base pages
 *   collapse.c  the scan that makes huge pages of base pages
 *   strip.c     entries that stand side by side
 *   lock.c    pages that no policy may choose
 *   move.c    a mapping that moves with its pages
 *   advise.c  what a program advises
 *   event.c   map, unmap, protect, advise, fork, exec, exit
 *   segment.h the same for schemes whose unit is the segment
 */
#ifndef SPACE_MEMORY_H
#define SPACE_MEMORY_H

#include "base/arena.h"
#include "base/links.h"

#include <pagoda/alloc.h>
#include <pagoda/frames.h>
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
    struct vm_huge_misses misses;
    struct vm_compactions compactions;
};

/* The swap map of one device: see slots.c. Slots [first, first + n), of which `used_all` are used;
 * arrays by what a slot's number is above the first. */
struct vm_slots {
    vm_slot first;
    uint32_t n, used_all;
    uint32_t *refs;         /* [n] swapped entries on the slot, SLOT_ZERO, SLOT_STORED */
    uint32_t *frame;        /* [n] frame + 1 whose home it is, 0: none */
    uint32_t *used;         /* [nclusters] slots of it that are used */
    struct vm_links *links; /* [nclusters + 1] nonfull clusters, head: nclusters; next: free ones */
    uint32_t cluster;       /* slots of one */
    uint32_t nclusters, fresh, free_head, current;
    uint32_t at; /* the next one of the current cluster to look at */
};

/* A swap device. */
struct vm_swap {
    void *state;           /* its own; NULL: there is none */
    struct vm_queue queue; /* before it */
    struct vm_slots slots; /* on it */
    uint8_t *contents;     /* [slots] pages, where they have bytes; else NULL */
    uint64_t gathered_ns;  /* when what was gathered for it last is written */
};

/* Pages in slots that take frames: see store.c. */
struct vm_store {
    uint64_t npages[VM_SWAP_LEVELS]; /* that slots of each device keep */
    uint64_t wanted, nframes;        /* frames that they take; that the store has */
    uint32_t first;                  /* frame + 1 of the first one, linked by `sharers`; 0: none */
};

/* The page cache: see page_cache.c. */
struct vm_files {
    uint32_t n;       /* so far */
    uint32_t *bucket; /* [mask + 1] frame + 1 */
    uint32_t mask;
    uint64_t
        *page; /* [nframes] the page of its file that a frame with a file as its home has; NULL:
                       its page number, for all files are known by their mappings */
    struct vm_links *links; /* [nframes + nlists] frames of named files, those of a file in one
                               list, heads behind the frames; NULL: no file is named */
    uint32_t nlists;        /* a power of two */
    vm_pfn *found;          /* [nframes] what vm_file_frames answers with */
};
/* Files that map events name; the others have lower numbers. */
#define VM_FILE_NAMED (UINT32_C(1) << 29)
#define VM_FILES_MAX  (VM_FILE_NAMED - 1)

/* Pages on their way out: see writeback.c. links is NULL where nothing waits. */
struct vm_writeback {
    struct vm_links *links; /* [nframes + 2] queued pages, head: nframes; written ones behind it */
    uint64_t *done_ns;      /* [nframes] when the write of a written one is done */
    uint32_t nqueued, nflying;
};

/* Who writes old dirty pages: see flusher.c. All zero where there is none. */
struct vm_flusher {
    uint64_t next_ns;      /* no wake before */
    uint64_t *found_ns;    /* [nframes] of one with VM_FRAME_FOUND: the wake that found it dirty */
    struct vm_flush *list; /* [nframes] a wake's */
};

/* Of a frame that nothing maps, in its `sharers`. */
enum vm_unmapped {
    VM_UNMAPPED_QUEUED = 2,    /* it waits to be written */
    VM_UNMAPPED_WRITTEN = 4,   /* it is being written */
    VM_UNMAPPED_AHEAD = 8,     /* read ahead: nobody has touched it yet */
    VM_UNMAPPED_PREPAGED = 16, /* read with its process, likewise */
    VM_UNMAPPED_PARKED = 1,    /* by the policy's wish: it hears of its next touch by `soft` */
};

/* Pages read ahead: all but done_ns zero where there is no readahead. */
struct vm_ahead {
    uint8_t *state; /* [VM_ASID_MAX + 1] the readahead's, one each */
    uint32_t *hits; /* [VM_ASID_MAX + 1] pages that came ahead and were touched, not told yet */
    /* [slots of the device] the page that lost an entry to the slot last; 0: none */
    uint64_t *slot_key[VM_SWAP_LEVELS];
    uint64_t *done_ns;    /* [nframes] when what was read ahead is there */
    uint64_t own_key;     /* the fault's own page, read with them; VM_NOPAGE: none */
    uint64_t own_done_ns; /* and when it is there */
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
    struct {
        bool on;         /* some mapping has been locked */
        uint64_t nunits; /* what the policy would have, and has not */
        uint64_t npages; /* base pages of these */
    } lock;
    struct vm_huge huge;
    uint64_t ntables_loose;   /* table frames that the policy has: they may be evicted */
    uint64_t ntables_out;     /* table pages that are in swap slots */
    vm_va table_read;         /* the one that the event under way read last, or 0 */
    struct vm_sharer *sharer; /* pool; 0 is never used */
    uint32_t sharer_fresh, sharer_head, sharer_cap;

    /* swap */
    struct vm_swap swap[VM_SWAP_LEVELS];
    struct vm_store store;
    struct vm_files files;
    uint64_t slots_used; /* of all devices */
    struct vm_writeback wb;
    struct vm_flusher flusher;
    struct vm_ahead ahead;
    struct {
        bool on;
        uint64_t at, bytes; /* still to be written */
    } gather;

    struct vm_segments *seg; /* segment.h; NULL: the scheme's unit is the page */
    uint64_t nborn;          /* address spaces that have begun */
    bool starved;            /* m->out says that memory or swap is full */
    struct vm_space *space;  /* [VM_ASID_MAX + 1] */
    unsigned asid_end;       /* no address space from here on has ever been open */
    void *scheme, *policy;   /* states */
    struct vm_policy_host policy_host;
    uint8_t *physical;   /* the frames' bytes; without contents only tables' are touched */
    struct vm_error out; /* why the last vm_frame_get or take answered VM_NOFRAME */
};

/* The device that slot `s` (or the file, VM_SLOT_FILE) is on; the slot among those of its own. */
static inline enum vm_swap_level vm_slot_level(const struct vm_memory *m, vm_slot s)
{
    return m->swap[VM_SWAP_SLOW].state && s >= VM_SLOT_SLOW ? VM_SWAP_SLOW : VM_SWAP_FAST;
}
static inline uint32_t vm_slot_index(const struct vm_memory *m, vm_slot s)
{
    return s - m->swap[vm_slot_level(m, s)].slots.first;
}

/* ---- frame.c ---- */

/* What the page that comes into a frame is, or VM_NOPAGE: a table. */
static inline enum vm_frame_use vm_frame_use_of(uint64_t incoming)
{
    if (incoming == VM_NOPAGE)
        return VM_FRAME_FOR_KERNEL;
    return vm_key_asid(incoming) == VM_ASID_KERNEL ? VM_FRAME_FOR_LOOSE_TABLE : VM_FRAME_FOR_PAGE;
}
/* A frame for the page `key` of `va`: a free one, of its colour if it can be, or the policy's
 * victim's. VM_NOFRAME: m->out says why. */
vm_pfn vm_frame_get(struct vm_memory *m, vm_va va, uint64_t key);
/* It is free, or the store's if that owes one. */
void vm_frame_free(struct vm_memory *m, vm_pfn f);
/* Who maps a frame: its owner, then its sharers. */
struct vm_mapper {
    uint64_t key; /* of the page; of a huge one's first base page */
    uint32_t rest;
};
static inline struct vm_mapper vm_mapper_first(const struct vm_memory *m, vm_pfn f)
{
    return (struct vm_mapper){m->frame[f].owner, m->frame[f].sharers};
}
/* False: that was the last. */
static inline bool vm_mapper_next(const struct vm_memory *m, struct vm_mapper *mapper)
{
    if (!mapper->rest)
        return false;
    const struct vm_sharer *sharer = &m->sharer[mapper->rest];
    *mapper = (struct vm_mapper){sharer->owner, sharer->next};
    return true;
}
/* A node of the pool of sharers, or 0: there is none left (m->out). fresh: never taken before. */
uint32_t vm_sharer_fresh(struct vm_memory *m);
static inline uint32_t vm_sharer_take(struct vm_memory *m)
{
    uint32_t node = m->sharer_head;
    if (!node)
        return vm_sharer_fresh(m);
    m->sharer_head = m->sharer[node].next;
    return node;
}
static inline void vm_sharer_free(struct vm_memory *m, uint32_t node)
{
    m->sharer[node] = (struct vm_sharer){.next = m->sharer_head};
    m->sharer_head = node;
}
/* The page `key` now maps `f` too. False: no room for one more sharer (m->out). */
bool vm_frame_share(struct vm_memory *m, vm_pfn f, uint64_t key);
/* The page `key` maps `f` no more; a frame without mappers for which nobody will come leaves the
 * policy and is freed. */
void vm_frame_unmap(struct vm_memory *m, vm_pfn f, uint64_t key);
/* Nobody will come any more for the page of `f`, which is unmapped: it is freed. */
void vm_frame_drop(struct vm_memory *m, vm_pfn f);
/* No entry maps the page in `f`. */
static inline bool vm_is_unmapped(const struct vm_memory *m, vm_pfn f)
{
    return m->frame[f].sharers & VM_UNMAPPED;
}
/* The slot that is the frame's home; 0: none is. */
static inline vm_slot vm_frame_slot(const struct vm_frame *frame)
{
    return frame->home & VM_HOME_FILE ? 0 : frame->home;
}
/* The policy is told that the page `key` has come into frame `f`, or that it has gone. */
void vm_unit_insert(struct vm_memory *m, vm_pfn f, uint64_t key);
void vm_unit_remove(struct vm_memory *m, vm_pfn f);
/* The policy does not have `f`, but its page could not leave: it is a newcomer. */
void vm_unit_stays(struct vm_memory *m, vm_pfn f);
/* ---- lock.c ---- */

/* Its mappers' wishes have changed, or its mappers: the policy gets the page in `f`, or loses it.
 */
void vm_lock_settle(struct vm_memory *m, vm_pfn f);
/* One of its mappers is locked. */
bool vm_lock_holds(const struct vm_memory *m, vm_pfn f);
/* The page in `f`, which the policy has not, is locked, is not any more. */
void vm_lock_add(struct vm_memory *m, vm_pfn f);
void vm_lock_remove(struct vm_memory *m, vm_pfn f);
static inline bool vm_is_locked(const struct vm_memory *m, vm_pfn f)
{
    return m->bits[f] & VM_FRAME_LOCKED;
}
/* The mappings of [start, end) are locked from now on, or not any more. */
bool vm_lock_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, struct vm_error *e);
bool vm_unlock_range(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end, struct vm_error *e);

/* ---- advise.c ---- */

/* Carry out an advise event on pages [start, end). *e is m->out where memory is wanting. */
bool vm_advise(struct vm_memory *m, const struct vm_event *event, struct vm_error *e);

/* ---- event.c ---- */

/* The pages that an event's bytes touch, as [*start, *end), less those that are never mapped. */
bool vm_event_range(const struct vm_memory *m, const struct vm_event *event, vm_va *start,
                    vm_va *end, struct vm_error *e);
/* The same of pages that are about to change by themselves: no huge page lies across the ends, and
 * no reservation waits for more of them. */
bool vm_event_own_range(struct vm_memory *m, const struct vm_event *event, vm_va *start, vm_va *end,
                        struct vm_error *e);
/* Every page of [start, end) loses its frame or slot; of a segment, its contents. No huge page lies
 * across the ends. */
void vm_release_pages(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end);
/* The next entry in [va, end) that is not empty: where it begins, or end. */
vm_va vm_next_entry(const struct vm_memory *m, vm_asid asid, vm_va va, vm_va end,
                    struct vm_pte *pte);

/* ---- collapse.c ---- */

/* The region of `v` that begins at `va` becomes a huge page, if its pages can, however few of them
 * are there, and a run is free. False: m->out. */
bool vm_collapse_region(struct vm_memory *m, vm_asid asid, const struct vm_vma *v, vm_va va);

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
/* Whether the region about `va` can be a huge page of `v`; whether one may be made of it. */
bool vm_huge_fits(const struct vm_memory *m, const struct vm_vma *v, vm_va va);
bool vm_huge_may(const struct vm_memory *m, const struct vm_vma *v, vm_va va);
/* A free run of frames, where `wanted` are free at least; or VM_NOFRAME: a miss. */
vm_pfn vm_huge_run(struct vm_memory *m, uint32_t wanted);
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

/* ---- compact.c ---- */

/* A run, taken, whose pages were moved; the fragmentation index says whether that is worth a try.
 * VM_NOFRAME: it is not, or no run can be emptied. */
vm_pfn vm_compact_run(struct vm_memory *m, double index);

/* ---- reserve.c ---- */

/* A frame for the page of f from the reservation of its region, which is made if it can be; or
 * VM_NOFRAME. (A page that has been somewhere already is in no reserved region.) */
vm_pfn vm_reserve_get(struct vm_memory *m, const struct vm_fault *f);
/* The page of f has come into `pfn`: if that fills its reservation, a huge page is made of it.
 * False: m->out. */
bool vm_reserve_fill(struct vm_memory *m, const struct vm_fault *f, vm_pfn pfn);
/* Give up the reservation that was populated least lately; false: there is none. */
bool vm_reserve_break_first(struct vm_memory *m);
/* Give up the one that frame `f` is part of, if it is. */
void vm_reserve_break_at(struct vm_memory *m, vm_pfn f);
/* Give up those of address space `asid` that have pages in [start, end). */
void vm_reserve_break(struct vm_memory *m, vm_asid asid, vm_va start, vm_va end);
void vm_reserve_check(const struct vm_memory *m);

/* ---- reclaim.c ---- */

/* A frame for the page `incoming` (VM_NOPAGE: for a table), where none is free: the policy's
 * victim's. VM_NOFRAME: m->out says why. */
vm_pfn vm_reclaim_frame(struct vm_memory *m, uint64_t incoming);
/* The page in `f`, which the policy has given up, leaves memory; `f` is nobody's then. False: it is
 * dirty and swap is full (m->out); nothing has changed but that the policy does not have it. */
bool vm_evict(struct vm_memory *m, vm_pfn f, enum vm_leaves why);
/* Who leaves, a base page: a huge page that is named is split, and the policy asked again. A split
 * may free frames, which is enough too: then *freed has one, taken. False: m->out. */
bool vm_unit_victim(struct vm_memory *m, uint64_t incoming, vm_pfn *victim, vm_pfn *freed);
/* Every mapper of `f` loses it to its home, or to nowhere. */
void vm_take_entries(struct vm_memory *m, vm_pfn f);
/* The policy gives up the frames that it wishes to before `incoming` comes; parks those that it
 * wishes to, but for the frame `touched`. False: m->out. */
bool vm_policy_release(struct vm_memory *m, uint64_t incoming);
bool vm_policy_park(struct vm_memory *m, vm_pfn touched);
/* Between vm_swap_gather and vm_swap_gathered: the page in `f` is written home if it is dirty, and
 * stays, clean. False: it is not, or cannot be; nothing has changed. */
bool vm_page_clean(struct vm_memory *m, vm_pfn f);
/* struct vm_policy_host's. */
bool vm_policy_clean(void *memory, vm_pfn f);

/* ---- writeback.c ---- */

size_t vm_writeback_bytes(const struct vm_memory *m);
void vm_writeback_init(struct vm_memory *m, struct vm_arena *a);
/* As vm_evict, of the policy's victim; a dirty page may be queued instead, and keeps its frame. */
enum vm_evicted { VM_EVICT_FAILED, VM_EVICTED, VM_EVICT_QUEUED };
enum vm_evicted vm_evict_lazily(struct vm_memory *m, vm_pfn f);
/* A frame is wanted, and none is free: wait for one that is being written, or write what is queued
 * if that is a cluster (or `last`: there is nobody else to evict). False: there is nothing to wait
 * for. */
bool vm_writeback_wait(struct vm_memory *m, bool last);
/* A frame is about to be wanted: those that are written are free; if few are, more will be. */
void vm_writeback_ahead(struct vm_memory *m);
/* The queued or written frame is dropped. */
void vm_writeback_forget(struct vm_memory *m, vm_pfn f);
/* It is mapped again, or evicted after all: what was being written is in its slot, or, where the
 * store cannot have it, the page is dirty again. */
void vm_writeback_rescue(struct vm_memory *m, vm_pfn f);
static inline bool vm_is_leaving(const struct vm_memory *m, vm_pfn f)
{
    return vm_is_unmapped(m, f) &&
           (m->frame[f].sharers & (VM_UNMAPPED_QUEUED | VM_UNMAPPED_WRITTEN));
}
uint32_t vm_writeback_check(const struct vm_memory *m); /* answers how many frames are leaving */

/* ---- flusher.c ---- */

size_t vm_flusher_bytes(const struct vm_memory *m);
void vm_flusher_init(struct vm_memory *m, struct vm_arena *a);
void vm_flusher_check(const struct vm_memory *m);

/* ---- ahead.c ---- */

size_t vm_ahead_bytes(const struct vm_memory *m);
void vm_ahead_init(struct vm_memory *m, struct vm_arena *a);
/* The fault is about to get a frame for its page: if it will read it, others are read too. False:
 * m->out. */
bool vm_ahead_read(struct vm_memory *m, const struct vm_fault *f);
/* The page, in slot `s` or its file, is the fault's own and was read with the others: its transfer
 * has been waited for. */
bool vm_ahead_has(struct vm_memory *m, vm_slot s, uint64_t key);
/* A fault of this space maps the page in `pfn`, which was read ahead: of enum vm_unmapped, why. */
void vm_ahead_touched(struct vm_memory *m, vm_asid asid, vm_pfn pfn, uint32_t why);
/* The page in `f` was read ahead, or with its process, and nobody has touched it. */
static inline bool vm_is_ahead(const struct vm_memory *m, vm_pfn f)
{
    return vm_is_unmapped(m, f) &&
           (m->frame[f].sharers & (VM_UNMAPPED_AHEAD | VM_UNMAPPED_PREPAGED));
}
/* The page lost its entry to slot `s`. */
static inline void vm_ahead_note_slot(struct vm_memory *m, vm_slot s, uint64_t key)
{
    if (m->ahead.state)
        m->ahead.slot_key[vm_slot_level(m, s)][vm_slot_index(m, s)] = key;
}

/* ---- oom.c ---- */

/* What failed for want of memory or swap (m->out) may be begun again: a process was killed for it.
 */
bool vm_oom_relieve(struct vm_memory *m);
/* event.c: every page, mapping and table of the space goes. */
void vm_space_empty(struct vm_memory *m, vm_asid asid);

/* ---- slots.c ---- */

/* How many each device has: asked for first. */
void vm_slots_plan(struct vm_memory *m);
size_t vm_slots_bytes(const struct vm_memory *m);
void vm_slots_init(struct vm_memory *m, struct vm_arena *a);
/* A free slot becomes the home of `f`, which has none. False: swap is full (m->out). */
bool vm_slot_take(struct vm_memory *m, vm_pfn f);
/* Slot `s` is the home of `f`; is not any more, and is freed if nothing needs it. */
void vm_slot_attach(struct vm_memory *m, vm_slot s, vm_pfn f);
void vm_slot_detach(struct vm_memory *m, vm_pfn f);
/* One more entry is swapped to `s`; one less: what nothing needs is freed, a frame too. */
void vm_slot_ref(struct vm_memory *m, vm_slot s);
void vm_slot_unref(struct vm_memory *m, vm_slot s);
uint32_t vm_slot_refs(const struct vm_memory *m, vm_slot s);
vm_pfn vm_slot_frame(const struct vm_memory *m, vm_slot s); /* whose home it is, or VM_NOFRAME */
/* The slot's page is zeros that need not be read; it was written, and has to be. */
void vm_slot_note_zero(struct vm_memory *m, vm_slot s);
void vm_slot_note_written(struct vm_memory *m, vm_slot s);
/* The write to slot `s` is done: the store has its page (vm_store_add); whether it may be done
 * where the page stays in its frame. 0: a slot that is not taken yet. */
void vm_slot_store(struct vm_memory *m, vm_slot s);
bool vm_slot_may_store(const struct vm_memory *m, vm_slot s);
bool vm_slot_is_zero(const struct vm_memory *m, vm_slot s);
/* Count slots that were taken and freed. */
void vm_slots_note(struct vm_memory *m, uint32_t taken, uint32_t freed);
/* Slots of the device that were ever used, from its first on. */
uint32_t vm_slots_touched(const struct vm_memory *m, enum vm_swap_level level);
/* A number that is that of such a slot. */
bool vm_slot_is_touched(const struct vm_memory *m, uint64_t number);
/* swapped: for each device [vm_slots_touched] entries by slot, as the tables have them. */
void vm_slots_check(const struct vm_memory *m, uint32_t *const swapped[VM_SWAP_LEVELS]);

/* ---- page_cache.c ---- */

size_t vm_page_cache_bytes(const struct vm_memory *m);
void vm_page_cache_init(struct vm_memory *m, struct vm_arena *a);
/* A file that nobody has; 0: it cannot be told from others, and its pages are not found. */
uint32_t vm_file_new(struct vm_memory *m);
/* The home of a clean page of `v`; 0: it has none. */
uint32_t vm_file_home(const struct vm_vma *v);
/* The file has a number of its own, which others map it by: it may be there at first touch, and its
 * pages stay when nobody maps them. */
static inline bool vm_file_is_named(uint32_t file)
{
    return file & VM_FILE_NAMED;
}
/* The page of its file that `va` is in `v`; that the frame has. */
static inline uint64_t vm_file_page(const struct vm_memory *m, const struct vm_vma *v, vm_va va)
{
    return (va >> m->c.page_shift) + v->file_delta;
}
static inline uint64_t vm_frame_file_page(const struct vm_memory *m, vm_pfn f)
{
    return m->files.page ? m->files.page[f] : m->frame[f].owner >> 12;
}
/* The page in `f`, which has its owner and no home, is page `page` of file `home`; is not any more.
 */
void vm_page_cache_add(struct vm_memory *m, vm_pfn f, uint32_t home, uint64_t page);
void vm_page_cache_remove(struct vm_memory *m, vm_pfn f);
/* The frame with that page of that home, or VM_NOFRAME. */
vm_pfn vm_page_cache_find(struct vm_memory *m, uint32_t home, uint64_t page);
/* The same, or a frame whose page was that until it was written to. */
vm_pfn vm_page_cache_look(const struct vm_memory *m, uint32_t home, uint64_t page);
/* What was written to a private page is not its file's: such a frame's home is no file. */
void vm_home_settle(struct vm_memory *m, vm_pfn f);
/* The frames of the named file (0: of all of these), in the order of their numbers: in
 * m->files.found, until it is asked again. How many. */
uint32_t vm_file_frames(struct vm_memory *m, uint32_t file);
/* Another address space than that of `key` has dropped the page to its file, and may come for it;
 * for a page of a named file, anybody may. */
bool vm_file_is_awaited(struct vm_memory *m, uint32_t home, uint64_t key);
/* The page `key` was dropped to its file, and is no page any more: a frame that waits is freed. */
void vm_file_unref(struct vm_memory *m, uint64_t key);
void vm_page_cache_check(const struct vm_memory *m);

/* ---- store.c ---- */

/* A slot of the device keeps one more page, one less. Adding may leave the store owing a frame,
 * which the caller sees to: the page's own when it leaves, or a free one (may_add, then add and
 * pay). */
void vm_store_add(struct vm_memory *m, enum vm_swap_level level);
void vm_store_remove(struct vm_memory *m, enum vm_swap_level level);
bool vm_store_may_add(const struct vm_memory *m, enum vm_swap_level level);
void vm_store_pay(struct vm_memory *m);
/* Bytes of the machine's memory that the device takes of a page in a slot. */
uint64_t vm_store_kept(const struct vm_memory *m, enum vm_swap_level level);
bool vm_store_owes(const struct vm_memory *m);
/* Frame `f`, in use and nobody's, is what it owes. */
void vm_store_add_frame(struct vm_memory *m, vm_pfn f);
void vm_store_check(const struct vm_memory *m);

/* ---- swap.c ---- */

/* Frame `f` has no home any more. */
void vm_home_leave(struct vm_memory *m, vm_pfn f);
/* The page `page_key` is read from slot `s`, or written there, and the process waits for that. */
void vm_swap_read(struct vm_memory *m, vm_slot s, uint64_t page_key);
void vm_swap_write(struct vm_memory *m, vm_slot s);
/* The same from page `page` of the file `home`. */
void vm_swap_read_file(struct vm_memory *m, uint32_t home, uint64_t page, uint64_t page_key);
/* The page in `f` is written to its home. */
void vm_home_write(struct vm_memory *m, vm_pfn f);
/* The same of any bytes of a device. */
void vm_swap_read_at(struct vm_memory *m, uint64_t at, uint64_t bytes);
void vm_swap_write_at(struct vm_memory *m, uint64_t at, uint64_t bytes);
/* Between these two nobody waits for a write, and what lies side by side is one transfer. When the
 * last of them is done on each device, its gathered_ns has. */
void vm_swap_gather(struct vm_memory *m);
void vm_swap_gathered(struct vm_memory *m);
/* A request for bytes that lie on one device: answers when it is done there. */
uint64_t vm_swap_submit(struct vm_memory *m, enum vm_transfer kind, uint64_t at, uint64_t bytes);
/* The process waits until then, for a page that lies (or will) on that device. */
void vm_swap_wait(struct vm_memory *m, enum vm_swap_level level, uint64_t done_ns,
                  enum vm_wait why);
/* The device that has the home of frame `f`. */
enum vm_swap_level vm_home_level(const struct vm_memory *m, vm_pfn f);
/* Where a page is, in bytes of all that devices have: in slot `s`; page `page` of the file `home`;
 * the page in `f`, at its home. What lies on two devices never lies side by side. */
uint64_t vm_swap_position(const struct vm_memory *m, vm_slot s);
uint64_t vm_swap_file_position(const struct vm_memory *m, uint32_t home, uint64_t page);
uint64_t vm_home_position(const struct vm_memory *m, vm_pfn f);

/* ---- contents.c: nothing is done where pages have none ---- */

size_t vm_contents_bytes(const struct vm_memory *m);
void vm_contents_init(struct vm_memory *m, struct vm_arena *a);
/* Frame `f` becomes zeros; what frame `from` has; what is in slot `s`; what page `page` of the file
 * `home` is. */
void vm_contents_zero(struct vm_memory *m, vm_pfn f);
void vm_contents_copy(struct vm_memory *m, vm_pfn f, vm_pfn from);
void vm_contents_load(struct vm_memory *m, vm_pfn f, vm_slot s);
void vm_contents_load_file(struct vm_memory *m, vm_pfn f, uint32_t home, uint64_t page);
/* The home of frame `f` becomes what the frame has. */
void vm_contents_save(struct vm_memory *m, vm_pfn f);

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
/* Their flags become these, but for those in `kept`. */
bool vm_vma_flag(struct vm_space *s, vm_va start, vm_va end, uint8_t flags, uint8_t kept,
                 struct vm_error *e);
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

/* ---- strip.c ---- */

/* Entries of [va, ...) that are not empty: of base pages side by side, or one of any order. */
struct vm_strip {
    vm_va va;
    uint32_t n;
    struct vm_pte pte[VM_STRIP_MAX];
};
static inline uint64_t vm_strip_key(const struct vm_memory *m, vm_asid asid,
                                    const struct vm_strip *strip, uint32_t i)
{
    return vm_page_key(strip->va, m->c.page_shift, asid) + ((uint64_t)i << 12);
}
/* The first address behind it; of an empty one, behind its first page. */
static inline vm_va vm_strip_end(const struct vm_memory *m, const struct vm_strip *strip)
{
    vm_va pages = strip->n > 1 ? strip->n - 1 : 0;
    return vm_memory_behind(m, strip->va, strip->pte[0]) + (pages << m->c.page_shift);
}
/* The strip of the first entry in [va, end) that is not empty. False: there is none. */
bool vm_strip_next(const struct vm_memory *m, vm_asid asid, vm_va va, vm_va end,
                   struct vm_strip *strip);
/* The strip from strip->va on again. False: its first entry, which it has, is empty. */
bool vm_strip_get(const struct vm_memory *m, vm_asid asid, vm_va end, struct vm_strip *strip);
/* Its entries become those of `asid`, whose tables are there; become empty. */
void vm_strip_set(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip);
void vm_strip_empty(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip);
/* No TLB keeps its present pages. */
void vm_strip_shootdown(struct vm_memory *m, vm_asid asid, const struct vm_strip *strip);

/* ---- fault.c ---- */

/* Count a fault that was resolved; a touch that was refused. */
void vm_fault_count(struct vm_memory *m, const struct vm_fault *f);
void vm_fault_count_refused(struct vm_memory *m, const struct vm_fault *f);

static inline uint64_t vm_memory_key(const struct vm_memory *m, vm_va va, vm_asid asid)
{
    return vm_page_key(va, m->c.page_shift, asid);
}

#endif
