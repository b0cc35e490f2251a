/* space_world.h - a machine's memory with the least of a host around it: no TLB, every touch walks.
 *
 * The device writes down when each slot was written, so that a test can see a lost writeback.
 */
#ifndef ORACLE_SPACE_WORLD_H
#define ORACLE_SPACE_WORLD_H

#include <pagoda/space.h>

#define WORLD_SLOTS   1024 /* of each device */
#define WORLD_ENTRIES 4096

#define WORLD_FILE_PAGES 4096

/* What a TLB without end would hold. */
struct world_entry {
    vm_asid asid;
    vm_va va; /* of the page's first base page */
    uint8_t order, prot;
    vm_pfn pfn;
};

struct space_plan {
    const char *scheme, *policy;            /* "name" or "name:params" */
    const struct vm_policy_ops *policy_ops; /* instead of one by name; NULL: none */
    uint32_t nframes, nslots;               /* nslots 0: WORLD_SLOTS */
    uint32_t slow_slots;                    /* on a slow device; 0: there is none */
    uint32_t swap_cluster;                  /* 0: 1 */
    uint32_t low, high;                     /* watermarks; 0: none */
    enum vm_oom oom;
    uint64_t flush_ns, flush_age_ns; /* 0: no flusher */
    enum vm_flush_pages flush;
    enum vm_tables tables;
    enum vm_stray stray;
    uint32_t colours;               /* 0: none */
    struct vm_frames_config frames; /* one zone and no more, if all zero */
    struct vm_huge_config huge;     /* never, if all zero */
    uint64_t scan_every;            /* steps between scans of the collapse daemon; 0: none */
    uint64_t seed;
    uint64_t kept, slow_kept; /* bytes of memory that the device takes of each page in a slot */
    const char *fit;          /* NULL: first-fit */
    const char *readahead;    /* NULL: none */
    enum vm_compact compact;
    unsigned page_shift; /* 0: 12 */
};

struct space_world {
    struct vm_memory *memory;
    const struct vm_scheme_ops *scheme;
    const struct vm_policy_ops *policy;
    void *scheme_state, *policy_state;
    const struct vm_alloc_ops *fit;
    const struct vm_readahead_ops *readahead;
    struct vm_params scheme_params, policy_params, device_params, fit_params, readahead_params;
    struct vm_counts counts;
    struct vm_policy_clock clock;
    uint64_t tick_next, scan_every;
    uint64_t kept[VM_SWAP_LEVELS];
    uint64_t now; /* steps so far */
    /* [slot of the device] the step of its last write */
    uint64_t written_at[VM_SWAP_LEVELS][WORLD_SLOTS + 2];
    uint64_t file_written_at[WORLD_FILE_PAGES];      /* by the low bits of the place in the file */
    uint64_t reads, writes, file_reads, file_writes; /* transfers of 1 ns */
    uint64_t slow_reads, slow_writes;                /* of those, by the slow device */
    uint64_t requests;                               /* that wrote to slots */
    uint64_t time_ns, waits_ns[VM_WAITS];
    uint64_t shootdowns, space_shootdowns, left, cleaned;
    uint64_t came_ahead,
        left_ahead; /* pages read ahead: told of; that left and were never touched */
    struct world_entry entry[WORLD_ENTRIES]; /* pages touched, and not shot down since */
    size_t nentries;
    struct vm_error error; /* of the last call that failed */
};

enum touch_outcome {
    TOUCH_DONE,
    TOUCH_VIOLATION,
    TOUCH_DENIED,
    TOUCH_UNNAMED,
    TOUCH_KILLED,
    TOUCH_FAILED
};
struct touch {
    enum touch_outcome outcome;
    unsigned nfaults;        /* resolved, on the page */
    unsigned ntables;        /* resolved, on the page of its table */
    enum vm_fault_kind kind; /* of the last fault */
    vm_pfn pfn;              /* of the base page */
    unsigned order;          /* of the page that it is part of */
};

/* Asserts that the plan's names are known. False: it cannot be built (error). */
bool space_world_open(struct space_world *w, const struct space_plan *plan);
void space_world_close(struct space_world *w);

/* One touch, faults resolved, the policy told; and one event. Each is a step. */
struct touch space_world_touch(struct space_world *w, vm_asid asid, vm_va va,
                               enum vm_access access);
bool space_world_event(struct space_world *w, struct vm_event event);
/* The step of the last write to the slot; 0: none. */
uint64_t space_world_written_at(const struct space_world *w, vm_slot slot);
/* The entry of the page that has `va`; of a huge page with the frame of va's base page. */
struct vm_pte space_world_pte(const struct space_world *w, vm_asid asid, vm_va va);
/* vm_memory_check, and the laws of the counts that faults obey; and no TLB would know more than the
 * table does. */
void space_world_check(const struct space_world *w);

#endif
