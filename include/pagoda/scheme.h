/* scheme.h - address translation: how an address becomes a frame.
 *
 * A scheme keeps the translations of many address spaces. Where they are tables, these live in
 * simulated frames: their words are at env->memory, as a kernel's would be in physical memory, bit
 * for bit as the architecture lays them out. A walk says what it touches, never what it costs.
 *
 * A base page has 1 << env->page_shift bytes, as a frame has. A page of order k is 2^k base pages,
 * aligned, in 2^k consecutive frames that are aligned too; which orders a scheme has is its own
 * affair, several may stand in one address space.
 *
 * Invariants
 *  1. Tables take frames only through env->take and give them back only through env->give.
 *  2. ensure() may call take, which may evict pages and so call set() for other pages; set() itself
 *     takes and frees nothing. trim() frees tables that have become empty.
 *  3. An entry is empty, present (maps a frame) or swapped (keeps a slot); a not-present word
 *     with slot bits is the kernel's own use of it, which the hardware ignores.
 *  4. A page is mapped once: no entry of a smaller order that is not empty lies under a present one
 *     of a larger order.
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
    uint8_t order; /* the page has 2^order base pages; 0 where not present */
    union {
        vm_pfn pfn;   /* present: of the page's first base page */
        vm_slot slot; /* swapped */
    };
};

/* How the processor accesses; a set of bits. */
enum vm_mode {
    VM_MODE_USER = 0,
    VM_MODE_KERNEL = 1,    /* supervisor mode: user pages are denied unless SUM */
    VM_MODE_SUM = 2,       /* supervisor may use user memory (x86: SMAP, SMEP off or overridden) */
    VM_MODE_MXR = 4,       /* what may be fetched may be read (RISC-V) */
    VM_MODE_MARK_TRAPS = 8 /* the hardware does not set accessed and dirty bits: it traps */
};

enum vm_walk_fault {
    VM_WALK_OK,
    VM_WALK_ABSENT, /* some entry on the way is empty or not present */
    VM_WALK_DENIED, /* present, but the access is not allowed (VAX: or swapped, and not allowed) */
    VM_WALK_BOUNDS, /* the address is outside what the scheme can name */
    VM_WALK_RESERVED, /* an entry that the architecture reserves: bits, misaligned large pages */
    VM_WALK_UNMARKED, /* allowed, but accessed (or dirty, for a write) must be set by the kernel */
};

/* One table word that a walk reads. */
struct vm_walk_load {
    vm_pa at;
    uint64_t word;  /* as read, before any store */
    vm_va kva;      /* the kernel's virtual address by which it is read; 0: it is physical */
    uint8_t covers; /* the word stands for the 2^covers bytes about the address; a walk cache may
                       keep it under those bits. 0: not by address bits alone */
    uint8_t step;   /* loads of one step do not wait for each other; from 0, never falling */
    uint8_t role;   /* enum vm_load_role */
};
enum vm_load_role {
    VM_LOAD_TABLE,  /* points on, or is searched through */
    VM_LOAD_LEAF,   /* is the page's own entry */
    VM_LOAD_NESTED, /* translates the kva of the next load: not read where a TLB has that page */
};

#define VM_WALK_LOADS 64 /* loads that are listed; longer chains are only counted */

struct vm_walk {
    enum vm_walk_fault fault;
    uint8_t order; /* of the page found */
    uint8_t prot;
    uint8_t dirty;   /* the entry's dirty bit after the walk */
    uint8_t nstores; /* words written back: accessed or dirty set */
    vm_pfn pfn;      /* of the first base page of the page found */
    /* Which of its 2^order base pages are there, [first, end): all of them but where the page is a
     * segment with bounds. */
    uint32_t first, end;
    vm_va missing; /* ABSENT because the table itself is not resident: its kernel address; else 0 */
    uint32_t nloads; /* words read, root first; load[] has the first VM_WALK_LOADS */
    struct vm_walk_load load[VM_WALK_LOADS];
};

/* How tables that are pages of VM_ASID_KERNEL leave memory and come back. Such a page has an entry
 * of its own, which the host reads and replaces by get() and set() as it does a program's: swapped
 * when the frame has been evicted, empty when it was evicted without ever having been written.
 * What it held the scheme keeps meanwhile, as its copy on the swap device.
 *
 * A page of a table that maps any present page is pinned (VMS counts such pages in the process's
 * working set: Levy & Lipman 1982), so that evicting a page never has to read a table back, and no
 * fault on a table meets another one. */
struct vm_table_pager {
    /* Frame `pfn`, taken before, is the kernel's page at kva: it may be evicted from now on; from
     * now on not any more. give() takes frames of either kind back. */
    void (*adopt)(void *host, vm_pfn pfn, vm_va kva);
    void (*pin)(void *host, vm_pfn pfn);
    /* Bring the kernel's page at kva back. The host has set its entry then, and the frame may be
     * evicted (as after adopt). False: no frame. */
    bool (*fetch)(void *host, vm_va kva);
    /* What was swapped to `slot` is not needed any more. */
    void (*forget)(void *host, vm_slot slot);
};

struct vm_scheme_env {
    uint8_t *memory;      /* simulated physical memory, zeroed; frame f at f << page_shift */
    unsigned page_shift;  /* of a frame and of a base page */
    uint32_t nframes;     /* frame numbers are below; those of tables too */
    uint32_t page_frames; /* those of pages are below this; what lies above is for tables alone */
    uint32_t nasids;      /* address-space ids are below */
    void *host;
    /* n consecutive frames for tables, zeroed by the host: the first, or VM_NOFRAME. */
    vm_pfn (*take)(void *host, uint32_t n);
    void (*give)(void *host, vm_pfn first, uint32_t n);
    /* Take the `more` frames behind the n from `first`, which are taken, too. False: they are not
     * free, and nothing has changed. NULL: they never are. */
    bool (*extend)(void *host, vm_pfn first, uint32_t n, uint32_t more);
    /* A table was moved to grow: its `bytes` were copied. NULL: nobody asks. */
    void (*moved)(void *host, uint64_t bytes);
    /* The kernel's page at kva, of a table, is mapped no more: no TLB may keep it. NULL: none
     * does. */
    void (*unmapped)(void *host, vm_va kva);
    /* NULL: no table ever leaves memory. */
    const struct vm_table_pager *pager;
    /* Where open() and ensure() say why they failed for another reason than take(). */
    struct vm_error *refusal;
    const struct vm_params *params; /* only during accept, orders, va_bits, size and init */
};

/* What the tables take, in bytes. */
struct vm_footprint {
    uint64_t own_bytes;    /* frames that only this address space's tables hold */
    uint64_t shared_bytes; /* frames of tables that all address spaces share */
    uint64_t kernel_bytes; /* what the kernel must keep beside tables that forget pages which are
                              not present; not in simulated frames */
};

/* Bits [low, high] of an address or of a table word, by their name in the manual. */
struct vm_field {
    const char *name;
    uint8_t high, low;
};
#define VM_FIELDS_MAX 24

/* What a scheme maps as one. */
enum vm_unit { VM_UNIT_PAGE, VM_UNIT_SEGMENT };

enum vm_span_role { VM_SPAN_ANY, VM_SPAN_CODE, VM_SPAN_HEAP, VM_SPAN_STACK };

/* The addresses that one segment can ever have. */
struct vm_span {
    vm_va start, end; /* [start, end) */
    enum vm_span_role role;
    bool grows_down; /* the segment lies at its end, not at its start */
};

/* What a base and a bound say, out of any architecture's bits; lengths are in base pages. */
struct vm_segment {
    enum vm_pte_state state;
    uint8_t prot;         /* enum vm_prot */
    bool accessed, dirty; /* set by walks, where the hardware has them */
    uint32_t pages;       /* its length: from its span's start up, or from its end down */
    union {
        vm_pfn pfn;   /* present: the first of `pages` consecutive frames */
        vm_slot slot; /* swapped */
    };
};

/* Schemes whose unit is the segment. An empty segment has no pages. */
struct vm_segment_ops {
    uint8_t rights; /* that it can tell apart: enum vm_prot; the others are always given */
    /* The span that va is in. False: in none; *out is then the gap about it. */
    bool (*span)(const void *state, vm_va va, struct vm_span *out);
    /* The segment of the span that va is in; empty where there is none. */
    struct vm_segment (*get)(const void *state, vm_asid asid, vm_va va);
    /* Replace it; what its descriptor lies in exists (ensure). */
    void (*set)(void *state, vm_asid asid, vm_va va, struct vm_segment segment);
};

/* Schemes in whose tables the entries of neighbouring base pages stand side by side: a strip of
 * them is read and replaced at once, where a fork or an exit would go from the root to each. */
#define VM_STRIP_MAX 512
struct vm_strip_ops {
    /* The entries from that of base page va on that stand in one frame of a table, as far as none
     * is empty and before `end`, VM_STRIP_MAX at most: how many; 0 where va has no entry of a base
     * page. What ensure() made for one of these pages, in any address space, is there for all. */
    uint32_t (*get)(const void *state, vm_asid asid, vm_va va, vm_va end, struct vm_pte *out);
    /* As n times set() of base pages from va on, whose entries stand so. */
    void (*set)(void *state, vm_asid asid, vm_va va, uint32_t n, const struct vm_pte *pte);
};

struct vm_scheme_ops {
    const char *name;
    const char *summary;
    enum vm_unit unit;
    /* Of VM_UNIT_SEGMENT, else NULL. Pages of such a scheme are parts of segments: get, next and
     * walk tell of them; set is not for them (it asserts). A base page is a granule there, from
     * 1 byte. */
    const struct vm_segment_ops *segments;
    /* NULL: entries are anywhere, and are had one by one. */
    const struct vm_strip_ops *strips;
    /* Every translation is in the processor's registers: walks load nothing, TLBs have no use. */
    bool in_registers;
    uint8_t page_shift_min, page_shift_max; /* base pages that it can have */
    uint8_t marks;     /* enum vm_frame_bits that its hardware keeps: VAX has no referenced bit */
    uint8_t with_read; /* rights that come with reading: VM_PROT_FETCH where a fetch is a read */
    vm_va va_first;    /* lower addresses are never mapped: VMS leaves page 0 out */
    const struct vm_param *param;
    size_t nparams;

    /* Whether it can be built so. Errors: VM_EUSAGE with what would be possible. The page shift is
     * in range already. */
    bool (*accept)(const struct vm_scheme_env *env, struct vm_error *e);
    /* Address bits that are translated; higher ones must be copies of the top one, or zero, as the
     * architecture says. */
    unsigned (*va_bits)(const struct vm_scheme_env *env);
    /* The orders of pages that it has: bit k for order k; bit 0 is always set. */
    uint64_t (*orders)(const struct vm_scheme_env *env);

    size_t (*size)(const struct vm_scheme_env *env);
    void (*init)(void *state, const struct vm_scheme_env *env);
    /* An address space begins (its root is taken) and ends (every table is given back).
     * open: false if no frame was to be had. */
    bool (*open)(void *state, vm_asid asid);
    void (*close)(void *state, vm_asid asid);
    /* Make the tables that an entry of `order` for va needs; they are there until the next ensure()
     * or trim(), which may take away what holds no entry. False: no frame, or va outside the space.
     * Entries of smaller orders in its way must be empty, and their tables are freed. */
    bool (*ensure)(void *state, vm_asid asid, vm_va va, unsigned order);
    /* The entry of the page that has va; empty where tables are missing. */
    struct vm_pte (*get)(const void *state, vm_asid asid, vm_va va);
    /* Replace the entry of va, which is of pte.order or empties one of that order (va aligned to
     * it); its tables exist (ensure). */
    void (*set)(void *state, vm_asid asid, vm_va va, struct vm_pte pte);
    /* The first base page va' in [va, end) whose entry is not empty, or end. */
    vm_va (*next)(const void *state, vm_asid asid, vm_va va, vm_va end);
    /* Give back tables in [va, end) that hold only empty entries. */
    void (*trim)(void *state, vm_asid asid, vm_va va, vm_va end);
    /* Translate as the hardware does: sets accessed, and dirty for a write, unless `mode` has
     * VM_MODE_MARK_TRAPS. mode: enum vm_mode bits. */
    void (*walk)(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                 struct vm_walk *out);
    void (*footprint)(const void *state, vm_asid asid, struct vm_footprint *out);
    void (*check)(const void *state);

    /* For explanations: how an address is cut into fields, highest first, and the fields of the
     * word that load i of a walk read. Answer how many; out has VM_FIELDS_MAX. */
    size_t (*va_fields)(const void *state, struct vm_field *out);
    size_t (*word_fields)(const void *state, const struct vm_walk *walk, size_t i,
                          struct vm_field *out);
};

/* The row of schemes.def with that name. Errors: VM_EUSAGE with the nearest name. */
const struct vm_scheme_ops *vm_scheme_find(const char *name, struct vm_error *e);
const struct vm_scheme_ops *vm_scheme_at(size_t i); /* NULL past the end */
bool vm_scheme_list(size_t i, struct vm_listed *out);

#endif
