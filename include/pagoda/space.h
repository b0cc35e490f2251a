/* space.h - the kernel's half of virtual memory: address spaces over a bounded number of frames.
 *
 * A struct vm_memory is the physical memory of one machine with everything a kernel keeps about it:
 * frames and who maps them, the page tables (scheme/), the policy that chooses victims (policy/),
 * the swap map and its device (device/), and for each address space its mappings (VMAs).
 *
 *   fault(asid, va, access):
 *     find the VMA -> make its tables -> look at the entry
 *        present, read-only by sharing    copy-on-write: copy, or take it over if nobody shares it
 *        swapped, a frame still has it    soft: map that frame
 *        otherwise                        get a frame (free, or evict the policy's victim), fill it
 *                                         (zero, from the slot, from the file), map it
 *
 * The page's life: empty -> resident -> (evicted) swapped or dropped -> resident ... -> unmapped.
 * What eviction does depends on the page: dirty: one write to its slot; clean with a copy in a slot
 * or a file: dropped; clean and anonymous without a slot: still all zeros, forgotten.
 *
 * A page has a home while it is in a frame: the slot, or the file, that a fault on another entry of
 * the same page would go to. By it that fault finds the frame (the swap cache, the page cache),
 * even one that no entry maps any more.
 *
 * Invariants (vm_memory_check)
 *  1. A frame is free, a table's, the store's (store.c), or a page's. A page's frame is mapped, and
 *     each of its mappers' entries is present with its number, and no other entry is; or it is
 *     unmapped, and a swapped entry names its home, or its home is a named file.
 *  2. A frame that is shared (more mappers, or swapped entries on its slot; or of a named file) is
 *     mapped read-only, but where its mappings share the file itself.
 *  3. The slot map counts the swapped entries on s, and slot_frame[s] is the frame whose home s is,
 *     if one has it; a slot with neither is free.
 *  4. The policy has exactly the frames of pages that are not locked (lock.c), and those of table
 *     pages that the scheme lets go (vm_table_pager).
 *  5. A frame's home has its contents, or it is dirty. It is dirty and shared through its slot only
 *     where it is unmapped, or was so last: then nobody can write to it.
 *  6. A huge page lies in an aligned run of frames and, aligned, wholly in one VMA; its first frame
 *     stands for it: with the policy, for its mappers and with its bits. It has no slot.
 *
 * Sources: Levy & Lipman, "Virtual Memory Management in the VAX/VMS Operating System", IEEE
 * Computer 15(3) 1982; Gorman, Understanding the Linux Virtual Memory Manager, ch. 4, 10, 11 (the
 * swap map).
 */
#ifndef PAGODA_SPACE_H
#define PAGODA_SPACE_H

#include <pagoda/alloc.h>
#include <pagoda/counts.h>
#include <pagoda/device.h>
#include <pagoda/frames.h>
#include <pagoda/policy.h>
#include <pagoda/readahead.h>
#include <pagoda/scheme.h>
#include <pagoda/trace.h>
#include <pagoda/types.h>

enum vm_vma_origin { VM_VMA_MAPPED, VM_VMA_FIRST_TOUCH };

/* What was asked for a mapping (enum vm_advice). */
enum vm_vma_flags {
    VM_VMA_LOCKED = 1, /* its pages stay in memory; a child's copy of it is not locked */
    VM_VMA_HUGE = 2,
    VM_VMA_SMALL = 4,
    VM_VMA_NOT_FORKED = 8,
    VM_VMA_WIPED = 16, /* at a fork */
    VM_VMA_READ_ONLY = 32,
};

/* A virtual memory area: one mapping of an address space. */
struct vm_vma {
    vm_va start, end; /* [start, end), page-aligned */
    uint8_t prot;     /* enum vm_prot */
    uint8_t backing;  /* enum vm_backing; unknown: what is never written came from a file */
    uint8_t origin;   /* enum vm_vma_origin */
    uint8_t flags;    /* enum vm_vma_flags */
    uint32_t file;    /* whose pages they are where a process has not written to them: the same page
                         of the same file is the same page. 0: of no file that can be known again */
    uint64_t file_delta; /* page number + this (modulo 2^64): the page of the file */
    uint64_t faults;     /* resolved in it */
    uint64_t majors;     /* of those, with a transfer */
};

/* One address space. */
struct vm_space {
    struct vm_vma *vma; /* ordered, disjoint */
    size_t nvmas, cap;
    size_t last;       /* the VMA found last: where the next search begins */
    uint64_t resident; /* its pages that map a frame (RSS) */
    uint64_t born;     /* its number among all that have begun */
    bool killed;       /* out of memory: nothing that it touches is there any more */
    uint32_t image;    /* the file that is at hand where a first touch finds no mapping */
    bool open;
};

/* A frame, 16 bytes. Fields marked M are written when mappings change, E at eviction. */
struct vm_frame {
    uint64_t owner; /* M the page it holds (page key; of a huge page its first base page; where
                         nothing maps it, of who did last), or a word below */
    uint32_t home;  /* ME a slot, or VM_HOME_FILE and a file's number: where its contents go, or are
                         while it is clean; 0: nowhere yet */
    uint32_t sharers; /* M first of the other mappers in the pool of sharers, 0: none; or
                         VM_UNMAPPED and enum vm_unmapped bits */
};
#define VM_HOME_FILE   UINT32_C(0x80000000)
#define VM_HOME_SHARED UINT32_C(0x40000000) /* of a file: what is written is the file's */
#define VM_UNMAPPED    UINT32_C(0x80000000)
#define VM_FRAME_FREE  UINT64_MAX
#define VM_FRAME_TABLE (UINT64_MAX - 1) /* or promised to one: see huge.c */
#define VM_FRAME_TAIL                                                                              \
    (UINT64_MAX - 2) /* of a huge page, not its first; or of one being made or split */
#define VM_FRAME_RESERVED (UINT64_MAX - 3) /* set aside for a page: see reserve.c */
#define VM_FRAME_STORE    (UINT64_MAX - 4) /* of pages in slots: see store.c */
#define VM_FRAME_NO_PAGE  (UINT64_MAX - 4) /* owners from here on are no pages */

/* A further page that maps a frame, in a chain from vm_frame.sharers. */
struct vm_sharer {
    uint64_t owner;
    uint32_t next; /* 0: the last */
};

/* The slot number that stands for "in its file": never allocated, never counted. */
#define VM_SLOT_FILE 1

/* Swap devices: pages go to the fast one while it has a free slot, else to the slow one if there is
 * one, whose slots have the numbers from VM_SLOT_SLOW on. (Every scheme's entries can hold twice
 * as much.) Files are on the fast one, too. */
enum vm_swap_level { VM_SWAP_FAST, VM_SWAP_SLOW };
#define VM_SWAP_LEVELS     2
#define VM_SLOT_SLOW       (UINT32_C(1) << 26)
#define VM_SWAP_SLOTS_BOTH (VM_SLOT_SLOW - VM_SLOT_FILE - 1) /* of each, at most, where both are */

struct vm_swap_config {
    const struct vm_device_ops *device; /* NULL: there is no slow one */
    const struct vm_params *device_params;
    uint32_t nslots; /* 0: as many as there can be, which the fast of two must not have */
};

enum vm_fault_kind {
    VM_FAULT_DEMAND_ZERO,
    VM_FAULT_SOFT,
    VM_FAULT_COW,
    VM_FAULT_SWAP_IN,
    VM_FAULT_FILE_IN,
    VM_FAULT_VIOLATION, /* no VMA there: not resolved */
    VM_FAULT_DENIED,    /* the VMA forbids it: not resolved */
    VM_FAULT_KILLED,    /* its process was killed when memory and swap were full: not resolved */
};

/* A fault on its way: the caller fills the first line, the phases the rest. */
struct vm_fault {
    vm_asid asid;
    vm_va va;
    enum vm_access access;
    struct vm_vma *vma;      /* after the search */
    enum vm_fault_kind kind; /* the outcome */
    vm_pfn pfn;              /* resolved: the frame that the page has now */
    bool inserted; /* the page came into that frame: its first touch, told to the policy */
    bool told;     /* the policy was told of this touch: that one, or of a parked page */
    bool ahead;    /* soft: the page had been read ahead, and this is its first touch */
};

/* Whose wish it is that a page leaves. */
enum vm_leaves {
    VM_LEAVES_MAPPING, /* the program's */
    VM_LEAVES_CHOSEN,  /* the policy's: a frame was wanted, whichever */
    VM_LEAVES_CLAIMED, /* nobody's: its place is needed, whoever is there */
    VM_LEAVES_WRITTEN, /* the policy's, before: it was queued, and now its write has begun */
    VM_LEAVES_GIVEN,   /* the policy's: no frame was wanted, but its process has one too many */
    VM_LEAVES_MOVED,   /* nobody's: it moves to another frame, so that a run of them is free */
    VM_LEAVES_UNUSED,  /* nobody's: a part, never touched, of a huge page that is split */
};

/* A page that loses its frame, or its entries. */
struct vm_leaving {
    vm_pfn pfn;
    uint64_t key; /* of the page; of one of them where several share the frame */
    enum vm_leaves why;
    enum {
        VM_LEFT_UNMAPPED, /* its mapping went, or a copy took its place */
        VM_LEFT_DROPPED,  /* evicted, clean */
        VM_LEFT_WRITTEN,  /* evicted, dirty: written to `slot`, or to its file */
        VM_LEFT_QUEUED,   /* its entries went; it waits to be written with others */
        VM_LEFT_PARKED,   /* its entries went, its frame stays */
    } how;
    vm_slot slot;  /* that has the page now; 0: none */
    uint8_t order; /* 2^order frames from pfn on lose 2^order pages from key on */
    bool ahead;    /* it was read ahead, and nobody has touched it */
};

/* When huge pages are made. */
enum vm_huge_pages {
    VM_HUGE_NEVER,
    VM_HUGE_FAULT,    /* at the first touch of a region, if a run of frames is free */
    VM_HUGE_RESERVE,  /* a run is set aside at the first touch, and is one page when it is full */
    VM_HUGE_COLLAPSE, /* by a scan, of the base pages that are there, by copying them */
    VM_HUGE_ADVISED,  /* as VM_HUGE_FAULT, where the program has advised it */
};

struct vm_huge_config {
    enum vm_huge_pages pages;
    unsigned order;      /* a huge page has 2^order base pages; one of the scheme's, at least 1 */
    uint32_t scan_pages; /* collapse: base pages that one scan looks at, at least 1 */
    uint32_t empty_max;  /* collapse: base pages of a region that may be absent, below 2^order */
};

enum vm_tables { VM_TABLES_INSIDE, VM_TABLES_APART };
enum vm_stray { VM_STRAY_MAPS, VM_STRAY_FAULTS };
/* Swap is full, or no page is left to evict. */
enum vm_oom { VM_OOM_FAIL, VM_OOM_KILL };
/* Whose dirty pages are written when they are old. */
enum vm_flush_pages { VM_FLUSH_SHARED, VM_FLUSH_ALL };
enum vm_compact { VM_COMPACT_NEVER, VM_COMPACT_NEEDED };

/* Why a process cannot go on. */
enum vm_wait {
    VM_WAIT_READ,  /* its page is being read */
    VM_WAIT_WRITE, /* the page that makes room for it is being written: it reclaims directly */
    VM_WAIT_FRAME, /* every frame that could be free is still being written, by somebody else */
};
#define VM_WAITS 3

/* Where the bytes of file pages are, on machines that run programs: there frames, slots and files
 * have contents. */
struct vm_contents {
    void *host;
    /* One page of a map event's `file`, to and from; what lies behind the file's end is 0, and is
     * not written. */
    void (*read)(void *host, uint32_t file, uint64_t page, uint8_t *bytes);
    void (*write)(void *host, uint32_t file, uint64_t page, const uint8_t *bytes);
};

struct vm_memory_config {
    uint32_t nframes;
    unsigned page_shift;
    enum vm_tables tables; /* inside: tables take frames from nframes; apart: from beyond */
    enum vm_stray stray;   /* a touch outside every VMA makes one, or is a violation */
    uint32_t colours;      /* page colours, a power of two; 0 or 1: none */
    struct vm_frames_config
        frames; /* zones, groups and lists; its nframes and ncolours are not asked */
    struct vm_huge_config huge;
    uint32_t watermark_low,
        watermark_high; /* frames: below low free, evict until high are; 0: no */
    enum vm_oom oom;
    uint64_t flush_ns;         /* from one wake of the flusher to the next; 0: there is none */
    uint64_t flush_age_ns;     /* a page is written that was dirty at two wakes so far apart */
    enum vm_flush_pages flush; /* shared: of shared files alone */
    uint32_t swap_cluster;     /* slots that are given out one after the other, at least 1 */
    uint64_t seed;
    const struct vm_scheme_ops *scheme;
    const struct vm_params *scheme_params;
    const struct vm_policy_ops *policy;
    const struct vm_params *policy_params;
    const struct vm_allotment *allotment; /* of a policy of policy/local.h; else NULL */
    struct vm_swap_config swap[VM_SWAP_LEVELS];
    const struct vm_readahead_ops *readahead; /* NULL: none */
    const struct vm_params *readahead_params;
    const struct vm_alloc_ops *fit; /* where segments are put; not asked for pages */
    const struct vm_params *fit_params;
    enum vm_compact compact; /* needed: segments are moved together where that makes room, and base
                                pages out of a run for a huge one */
    struct vm_future *future;
    const struct vm_policy_clock *clock;
    const struct vm_contents *contents; /* NULL: pages are only counted */
    struct vm_counts *counts;           /* where to count */
    void *host;
    /* The entry of this page has changed: no TLB may keep it. */
    void (*shootdown)(void *host, uint64_t page_key);
    /* The same of n base pages, VM_STRIP_MAX at most, of which this is the first. */
    void (*shootdown_pages)(void *host, uint64_t page_key, uint32_t n);
    /* That of every page of this space has. */
    void (*shootdown_space)(void *host, vm_asid asid);
    /* The policy is about to be asked or told: tell it first of the touches so far. */
    void (*settle)(void *host);
    /* The policy was told that what it knows by this number has come, for page `key`; that it has
     * gone, but for what it has chosen itself and what `left` tells of. */
    void (*joined)(void *host, vm_pfn unit, uint64_t key);
    void (*parted)(void *host, vm_pfn unit);
    /* A page is about to lose its frame: it is written back or forgotten; or its entries. */
    void (*left)(void *host, const struct vm_leaving *leaving);
    /* The page in a frame that it keeps was written to `slot` (0: its file), and is clean. */
    void (*cleaned)(void *host, vm_pfn pfn, uint64_t key, vm_slot slot);
    /* The fault under way, which reads its page from `slot` (0: its file), wishes for others, too.
     * One of them, or of a process that comes back, has come into frame `pfn` from `slot`; no entry
     * maps it yet. */
    void (*wished)(void *host, const struct vm_fault *f, vm_slot slot,
                   const struct vm_readahead_wish *wish);
    void (*came_ahead)(void *host, vm_pfn pfn, uint64_t key, vm_slot slot);
    /* Tables for pages of [start, end) may have been given back. */
    void (*trimmed)(void *host, vm_asid asid, vm_va start, vm_va end);
    /* The frames [first, first + n) no longer hold what they held: a page, a segment, tables. */
    void (*emptied)(void *host, vm_pfn first, uint32_t n);
    /* Nanoseconds since the machine began. For what a device does: as the process knows it for
     * whose sake the kernel works; what it has waited for has passed. For what the processor does:
     * as that knows it, to whom another process's waits are nothing. */
    uint64_t (*now)(void *host, enum vm_server server);
    /* That process cannot go on for so long, which has passed for it from here on: a device that is
     * so served works. */
    void (*wait)(void *host, uint64_t ns, enum vm_server server, enum vm_wait why);
};

struct vm_memory; /* space/memory.h */

struct vm_memory *vm_memory_open(const struct vm_memory_config *c, struct vm_error *e);
void vm_memory_close(struct vm_memory *m); /* NULL is fine */

/* Resolve a page fault. Violations and denials are outcomes, not errors.
 * Errors: VM_EMACHINE: out of frames (tables hold them all) or of swap slots. */
bool vm_memory_fault(struct vm_memory *m, struct vm_fault *f, struct vm_error *e);

/* Bring the page of a table at kernel address `kva` back, as a walk that found it missing asks.
 * f: asid VM_ASID_KERNEL, no vma, the kind a swap-in. Errors: as above. */
bool vm_memory_table_fault(struct vm_memory *m, vm_va kva, struct vm_fault *f, struct vm_error *e);

/* Carry out an event (a switch is the engine's affair and ignored here). Errors: as above;
 * VM_EINPUT for an address space or a range that cannot be. */
bool vm_memory_event(struct vm_memory *m, const struct vm_event *event, struct vm_error *e);

/* The pages of [from, from + bytes), wholly in one mapping, become those of a mapping like it at
 * `to`, where nothing is mapped: frames and slots stay, and entries move. `from` stays mapped, and
 * empty, where `leaves` says so, and else not. On machines whose pages have contents alone. Errors:
 * as above. */
enum vm_move { VM_MOVE_UNMAPS, VM_MOVE_LEAVES_MAPPED };
bool vm_memory_move(struct vm_memory *m, vm_asid asid, vm_va from, uint64_t bytes, vm_va to,
                    enum vm_move leaves, struct vm_error *e);

/* A frame has the page of `va`, whether its entry says so, or its slot or its file leads there. */
bool vm_memory_has(const struct vm_memory *m, vm_asid asid, vm_va va);
/* Pages in frames that are locked. */
uint64_t vm_memory_locked(const struct vm_memory *m);

/* Make the address space ready for walks. Errors: VM_EMACHINE: no frame for its root table. */
bool vm_memory_use_space(struct vm_memory *m, vm_asid asid, struct vm_error *e);

/* All pages of the address space leave memory, but for those that others map too; nobody waits for
 * their writes, which are as long as they lie side by side. Errors: VM_EMACHINE: out of swap. */
bool vm_memory_suspend(struct vm_memory *m, vm_asid asid, struct vm_error *e);

/* These pages come into frames ahead of being asked for, unmapped, as far as they are out of memory
 * and not zeros; others leave for them as they do at a fault. What lies side by side on the device
 * is one read, and the process waits for all of them. n: at most VM_READAHEAD_MAX. Does nothing to
 * segments, nor while pages of tables are out. Errors: as of a fault. */
bool vm_memory_prepage(struct vm_memory *m, const uint64_t *key, size_t n, struct vm_error *e);

/* One look of the collapse daemon (VM_HUGE_COLLAPSE; else nothing), for hosts to call now and then.
 * Errors: VM_EMACHINE, as of a fault. */
bool vm_memory_scan(struct vm_memory *m, struct vm_error *e);

/* The flusher wakes, if its time has come: so it does at faults, and whenever the host asks. */
void vm_memory_flush(struct vm_memory *m);

/* A tick of the policy: it is told, and gives up and parks what it wishes to. *after: touches
 * before the next one; 0: there is none. Errors: as of a fault. */
bool vm_memory_tick(struct vm_memory *m, uint64_t *after, struct vm_error *e);

/* The number by which the policy knows what is in frame `pfn`, and by which its referenced and
 * dirty bits are kept: the first frame of a huge page, the segment's number, else pfn itself. */
vm_pfn vm_memory_unit(const struct vm_memory *m, vm_pfn pfn);
/* The base page in frame `pfn`, part of a huge page, is used and has not VM_FRAME_TOUCHED yet: set
 * it. (A host sets the unit's other bits itself.) */
void vm_memory_note_touched(struct vm_memory *m, vm_pfn pfn);

/* What the engine's loop works on. */
uint8_t *vm_memory_bits(struct vm_memory *m); /* [nframes] enum vm_frame_bits */
/* What frame `pfn` contains, on machines whose pages have contents. */
uint8_t *vm_memory_frame(struct vm_memory *m, vm_pfn pfn);
/* Write the dirty pages of this file, a map event's, to it (0: of all such files). */
void vm_memory_sync_file(struct vm_memory *m, uint32_t file);
/* Nobody needs what is cached of this file: frames that nothing maps are free; what
 * was written to them is forgotten. */
void vm_memory_drop_file(struct vm_memory *m, uint32_t file);
void *vm_memory_scheme_state(struct vm_memory *m);
void *vm_memory_policy_state(struct vm_memory *m);

/* Who takes and frees frames from now on: processor n of config.frames. */
void vm_memory_processor(struct vm_memory *m, uint32_t n);

/* For reports. */
const struct vm_space *vm_memory_space(const struct vm_memory *m, vm_asid asid); /* NULL: none */
uint64_t vm_memory_resident(const struct vm_memory *m); /* frames that hold pages */
/* Frames that tables hold, or that are promised to those which splitting huge pages would take. */
uint64_t vm_memory_table_frames(const struct vm_memory *m);
/* What the tables of all open address spaces take; what they share, once. */
void vm_memory_footprint(const struct vm_memory *m, struct vm_footprint *out);
/* What segments leave between them; all 0 where the unit is the page. */
struct vm_holes {
    uint64_t segments;   /* that are resident */
    uint64_t holes;      /* free blocks */
    uint64_t free_bytes; /* in all of them */
    uint64_t free_max_bytes;
    uint64_t internal_bytes; /* that segments hold and do not need */
    double fragmentation;    /* external: (free - largest) / free, now; 0 where nothing is free */
    double fragmentation_misfits; /* its mean over the takes that found no hole long enough */
};
void vm_memory_holes(const struct vm_memory *m, struct vm_holes *out);
/* The frame allocator; NULL where segments are put by another. */
const struct vm_frames *vm_memory_frames(const struct vm_memory *m);
/* Huge pages that were not made as no run of frames was free, by the reason: fewer frames than they
 * take were free; or as many, and not together. */
struct vm_huge_misses {
    uint64_t lacking, fragmented;
    double index; /* the fragmentation index at each of `fragmented`, summed */
};
void vm_memory_huge_misses(const struct vm_memory *m, struct vm_huge_misses *out);
/* Runs of frames that were emptied for huge pages by moving the pages in them. */
struct vm_compactions {
    uint64_t runs, pages; /* made; moved */
    uint64_t failures;    /* times that no run could be emptied */
    uint64_t deferred;    /* tries that were put off after such */
    uint32_t put_off;     /* of tries to come; the next failure puts off 2^shift */
    unsigned shift;
};
void vm_memory_compactions(const struct vm_memory *m, struct vm_compactions *out);
/* Before that device; NULL: there is none. */
const struct vm_queue *vm_memory_queue(const struct vm_memory *m, enum vm_swap_level level);

/* What the devices did; zeros for one that there is not. */
void vm_memory_transfers(const struct vm_memory *m, struct vm_queue_counts out[VM_SWAP_LEVELS]);

/* Assert every invariant above. */
void vm_memory_check(const struct vm_memory *m);

#endif
