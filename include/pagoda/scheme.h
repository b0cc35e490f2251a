/* scheme.h - address translation: how a page table says which frame a page has.
 *
 * A scheme keeps the translations of many address spaces in tables that live in simulated frames:
 * their words are at env->memory, as a kernel's would be in physical memory, bit for bit as the
 * architecture lays them out. A walk says what it touches, never what it costs.
 *
 * Invariants
 *  1. Tables take frames only through env->take and give them back only through env->give.
 *  2. ensure() may call take, which may evict pages and so call set() for other pages; set() itself
 *     takes and frees nothing. trim() frees tables that have become empty.
 *  3. An entry is empty, present (maps a frame) or swapped (keeps a slot); a not-present word
 *     with slot bits is the kernel's own use of it, which the hardware ignores.
 */
#ifndef PAGODA_SCHEME_H
#define PAGODA_SCHEME_H

#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/types.h>

enum vm_pte_state { VM_PTE_EMPTY, VM_PTE_PRESENT, VM_PTE_SWAPPED };

/* A page table entry, out of any architecture's bits. */
struct vm_pte {
    enum vm_pte_state state;
    uint8_t prot;  /* enum vm_prot */
    bool accessed; /* set by a walk that uses the entry */
    bool dirty;    /* set by a walk for a write */
    union {
        vm_pfn pfn;   /* present */
        vm_slot slot; /* swapped */
    };
};

#define VM_WALK_LOADS 8 /* table words that one walk reads at most */

enum vm_walk_fault {
    VM_WALK_OK,
    VM_WALK_ABSENT, /* some entry on the way is empty or not present */
    VM_WALK_DENIED, /* present, but the access is not allowed */
    VM_WALK_BOUNDS, /* the address is outside what the scheme can name */
};

struct vm_walk {
    enum vm_walk_fault fault;
    uint8_t page_shift; /* of the page found */
    uint8_t prot;
    uint8_t dirty;   /* the entry's dirty bit after the walk */
    vm_pfn pfn;      /* of the page found */
    uint8_t nloads;  /* words read, root first */
    uint8_t nstores; /* words written back: accessed or dirty set */
    struct {
        vm_pa at;
        uint64_t word; /* as read, before any store */
    } load[VM_WALK_LOADS];
};

struct vm_scheme_env {
    uint8_t *memory;     /* simulated physical memory, zeroed; frame f at f << page_shift */
    unsigned page_shift; /* of a frame and of a base page */
    uint32_t nframes;    /* frame numbers are below */
    uint32_t nasids;     /* address-space ids are below */
    void *host;
    /* n consecutive frames for tables, zeroed by the host: the first, or VM_NOFRAME. */
    vm_pfn (*take)(void *host, uint32_t n);
    void (*give)(void *host, vm_pfn first, uint32_t n);
    const struct vm_params *params; /* only during init */
};

struct vm_scheme_ops {
    const char *name;
    const char *summary;
    unsigned page_shift; /* of a base page */
    unsigned va_bits;    /* that are translated; higher ones must be copies of the top one,
                            or zero, as the architecture says; linear: by default */
    const struct vm_param *param;
    size_t nparams;

    size_t (*size)(const struct vm_scheme_env *env);
    void (*init)(void *state, const struct vm_scheme_env *env);
    /* An address space begins (its root is taken) and ends (every table is given back).
     * open: false if no frame was to be had. */
    bool (*open)(void *state, vm_asid asid);
    void (*close)(void *state, vm_asid asid);
    /* Make the tables that an entry for va needs. False: no frame, or va outside the space. */
    bool (*ensure)(void *state, vm_asid asid, vm_va va);
    /* The entry of va; empty where tables are missing. */
    struct vm_pte (*get)(const void *state, vm_asid asid, vm_va va);
    /* Replace the entry of va; its tables exist (ensure). */
    void (*set)(void *state, vm_asid asid, vm_va va, struct vm_pte pte);
    /* The first va' in [va, end) whose entry is not empty, or end. */
    vm_va (*next)(const void *state, vm_asid asid, vm_va va, vm_va end);
    /* Give back tables in [va, end) that hold only empty entries. */
    void (*trim)(void *state, vm_asid asid, vm_va va, vm_va end);
    /* Translate as the hardware does: sets accessed, and dirty for a write. */
    void (*walk)(void *state, vm_asid asid, vm_va va, enum vm_access access, struct vm_walk *out);
    /* Frames that the tables of asid hold. */
    uint64_t (*footprint)(const void *state, vm_asid asid);
    void (*check)(const void *state);
};

/* The row of schemes.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_scheme_ops *vm_scheme_find(const char *name, struct vm_error *e);
const struct vm_scheme_ops *vm_scheme_at(size_t i); /* NULL past the end */
bool vm_scheme_list(size_t i, struct vm_listed *out);

#endif
