/* engine.h - one machine's memory side, composed from parts named in a configuration.
 *
 *   references -> TLBs -> (miss) walk of the page table -> (absent, denied) fault path -> retry
 *                                                            policy, frames, swap
 *
 * A configuration is a plain value. A machine opened from it consumes batches of references and
 * events and counts; prices are applied to the counts afterwards. `vm_replay` does all of it for a
 * trace, with the second pass that opt needs.
 */
#ifndef PAGODA_ENGINE_H
#define PAGODA_ENGINE_H

#include <pagoda/cache.h>
#include <pagoda/counts.h>
#include <pagoda/device.h>
#include <pagoda/error.h>
#include <pagoda/params.h>
#include <pagoda/space.h>
#include <pagoda/tap.h>
#include <pagoda/tlb.h>
#include <pagoda/trace.h>

/* ---- configuration (config.c, options.def) ---- */

#define VM_CONFIG_TEXT 256

enum vm_stray_option { VM_STRAY_OPTION_AUTO, VM_STRAY_OPTION_MAPS, VM_STRAY_OPTION_FAULTS };
enum vm_layout_option { VM_LAYOUT_AUTO, VM_LAYOUT_AS_IS, VM_LAYOUT_PACKED };
enum vm_tlb_tags { VM_TLB_TAGS_ASID, VM_TLB_TAGS_FLUSH };
/* Who sets an entry's referenced and dirty bits, and when: the walk; the TLB when its entry leaves
 * it; the kernel, which a walk traps to. */
enum vm_marks { VM_MARKS_AT_ONCE, VM_MARKS_ON_LEAVING, VM_MARKS_TRAP };
enum vm_refill { VM_REFILL_HARDWARE, VM_REFILL_SOFTWARE };
enum vm_prefetch { VM_PREFETCH_NONE, VM_PREFETCH_NEXT, VM_PREFETCH_STRIDE, VM_PREFETCH_DISTANCE };
enum vm_cache_walks { VM_WALKS_L1, VM_WALKS_L2, VM_WALKS_L3, VM_WALKS_MEMORY };
enum vm_mobility { VM_MOBILITY_OFF, VM_MOBILITY_ON };
enum vm_model { VM_MODEL_MACHINE, VM_MODEL_PAGES };

/* The fields are options.def's; help there. */
struct vm_config {
    uint64_t memory_bytes, page_bytes;
    uint64_t tables; /* enum vm_tables */
    uint64_t stray;  /* enum vm_stray_option */
    uint64_t layout; /* enum vm_layout_option */
    char fit[VM_CONFIG_TEXT];
    uint64_t compact; /* enum vm_compact */
    uint64_t colours;
    char zones[VM_CONFIG_TEXT], zone_min[VM_CONFIG_TEXT];
    uint64_t mobility; /* enum vm_mobility */
    uint64_t pageblock_bytes, list_high, list_batch;
    uint64_t huge_pages; /* enum vm_huge_pages */
    uint64_t huge_bytes, huge_scan_touches, huge_scan_pages;
    double huge_empty;
    char scheme[VM_CONFIG_TEXT], policy[VM_CONFIG_TEXT], tlb[VM_CONFIG_TEXT];
    char swap[VM_CONFIG_TEXT], swap_slow[VM_CONFIG_TEXT];
    uint64_t allot; /* enum vm_allot */
    uint64_t allot_frames;
    uint64_t tlb_tags; /* enum vm_tlb_tags */
    char walk_caches[VM_CONFIG_TEXT];
    uint64_t walkers, walk_window;
    uint64_t marks;    /* enum vm_marks */
    uint64_t refill;   /* enum vm_refill */
    uint64_t prefetch; /* enum vm_prefetch */
    uint64_t prefetch_entries;
    char cache[VM_CONFIG_TEXT];
    uint64_t cache_walks;  /* enum vm_cache_walks */
    uint64_t cache_shared; /* a level; 0: the last one of three or more */
    uint64_t swap_bytes, swap_slow_bytes, swap_cluster;
    char readahead[VM_CONFIG_TEXT];
    uint64_t oom; /* enum vm_oom */
    char watermark_low[VM_CONFIG_TEXT], watermark_high[VM_CONFIG_TEXT];
    uint64_t flush; /* enum vm_flush_pages */
    double flush_ms, flush_age_ms;
    double memory_ns, refill_ns, fault_ns, copy_ns, shootdown_ns, ipi_ns, switch_ns;
    uint64_t model; /* enum vm_model */
    uint64_t seed;
};

/* One row of options.def. */
struct vm_option {
    const char *section, *key, *flag;
    enum vm_param_kind kind;
    size_t offset; /* of the field in struct vm_config */
    const char *fallback;
    const char *words; /* of a WORD */
    const char *help;
};
const struct vm_option *vm_option_at(size_t i); /* NULL past the end */

void vm_config_init(struct vm_config *c); /* every option at its fallback */
/* Set an option from text. Errors: VM_EUSAGE, naming it --flag. */
bool vm_config_set(struct vm_config *c, const struct vm_option *o, const char *text,
                   struct vm_error *e);
/* The option's value as text that vm_config_set reads back, into out[cap]; returns out. */
const char *vm_config_text(const struct vm_config *c, const struct vm_option *o, char *out,
                           size_t cap);
/* Whether it has a slow swap device behind the other. */
bool vm_config_has_slow(const struct vm_config *c);
/* A machine description: INI text over the fallbacks of what it does not name. `name` is for
 * messages. Names of parts and TLBs must be possible ones too. Errors: VM_EUSAGE, VM_EMACHINE (a
 * TLB that cannot be built), with file and line. */
bool vm_config_parse(struct vm_config *c, const char *name, const char *text, struct vm_error *e);

/* ---- the TLBs and walk caches that option texts describe (tlbs.c, walk_caches.c) ---- */

#define VM_TLBS_MAX        16 /* with the prefetch buffer */
#define VM_WALK_CACHES_MAX 6
struct vm_tlb_plan {
    size_t n, levels;
    struct vm_tlb_config tlb[VM_TLBS_MAX]; /* in the order of the text */
    char name[VM_TLBS_MAX][8];             /* "l1i" */
};
bool vm_tlb_plan_parse(struct vm_tlb_plan *out, const char *text, struct vm_error *e);
/* Give each TLB the sizes that it holds of those that there are: orders `orders` of pages of
 * 2^page_shift bytes. Errors: VM_EMACHINE: a size that the scheme lacks. */
bool vm_tlb_plan_fit(struct vm_tlb_plan *p, unsigned page_shift, const char *scheme,
                     uint64_t orders, struct vm_error *e);

struct vm_walk_cache_plan {
    size_t n;
    struct vm_tlb_config cache[VM_WALK_CACHES_MAX]; /* level K: entries K tables above the page's */
};
bool vm_walk_cache_plan_parse(struct vm_walk_cache_plan *out, const char *text, struct vm_error *e);

/* ---- the caches that an option text describes (caches.c) ---- */

struct vm_cache_plan {
    struct vm_caches_config caches;
    char name[VM_CACHES_MAX][8]; /* "l1i" */
};
/* Walks enter at level 1. Errors: VM_EUSAGE, VM_EMACHINE (cannot be built). */
bool vm_cache_plan_parse(struct vm_cache_plan *out, const char *text, struct vm_error *e);

/* ---- a machine (machine.c) ---- */

/* How many lines each level of caches answered, level 1 at [0]; memory is after the last level. */
struct vm_answers {
    unsigned levels;
    uint64_t fetches[VM_CACHE_LEVELS + 1];
    uint64_t data[VM_CACHE_LEVELS + 1]; /* reads and writes */
    /* Steps of walks: the loads of a step are made together, so that the farthest one counts. */
    uint64_t walk_steps[VM_CACHE_LEVELS + 1];
    uint64_t walk_stores[VM_CACHE_LEVELS + 1];
};

struct vm_engine;

/* Build the machine. `future` only for policies that need one. Errors: VM_EUSAGE (a name, a value),
 * VM_EMACHINE (cannot be built), VM_ESYSTEM. */
struct vm_engine *vm_engine_open(const struct vm_config *c, enum vm_stray stray,
                                 struct vm_future *future, struct vm_error *e);
/* ---- a machine that programs run on (program.c) ---- */

/* Who runs them: he gives the contents of files, and keeps translations of his own. */
struct vm_programs {
    const struct vm_contents *contents;
    void *host;
    /* The entries of n base pages, of which this is the first (or n is 1, and it is one of any
     * size), of this whole address space, are not what they were: no translation that was made of
     * them holds. */
    void (*forget)(void *host, uint64_t page_key, uint32_t n);
    void (*forget_space)(void *host, vm_asid asid);
    uint32_t processors; /* 1 to VM_CPUS_MAX */
};
/* As vm_engine_open; a touch outside every mapping is a violation. *programs must outlive it.
 * Errors: VM_EMACHINE too where programs cannot run: a policy that must know the future, segments.
 */
struct vm_engine *vm_engine_open_programs(const struct vm_config *c,
                                          const struct vm_programs *programs, struct vm_error *e);

/* Where a page is at this moment. */
struct vm_place {
    uint8_t *bytes;  /* of the base page; good until forget() of it, or of its space */
    unsigned prot;   /* enum vm_prot bits: what its entry allows */
    unsigned rights; /* enum vm_prot bits: of accesses that the machine may be told of later, for
                        they change nothing but counts, recency and referenced bits. A write to a
                        page that is clean must be told before it is made. */
};
/* Each processor has TLBs, walk caches, the nearer levels of caches and an address space (0 at
 * first) of its own. What is run from now on is done by processor n; at first it is 0. A batch of
 * one and that of another never run at once: their order is the caller's. */
void vm_engine_processor(struct vm_engine *m, uint32_t n);
uint32_t vm_engine_processors(const struct vm_engine *m);
/* Interrupts that processor n had from others, for pages to leave its TLBs. */
uint64_t vm_engine_ipis(const struct vm_engine *m, uint32_t n);
/* The current processor has worked for so long on instructions: that, with waits, is its time on
 * such a machine, and not what their references cost. */
void vm_engine_work(struct vm_engine *m, uint64_t ns);
/* Processor n had nothing to do for so long. */
void vm_engine_rest(struct vm_engine *m, uint32_t n, uint64_t ns);
/* How long whoever made the current processor's references since this was asked last has to wait:
 * nanoseconds. From here on he has not waited at all: somebody else may run, or the time passes. */
uint64_t vm_engine_waited(struct vm_engine *m);
/* vm_memory_move. */
bool vm_engine_move(struct vm_engine *m, vm_asid asid, vm_va from, uint64_t bytes, vm_va to,
                    enum vm_move leaves, struct vm_error *e);
/* The flusher wakes, if it is time: on such a machine its kernel asks, not the references. */
void vm_engine_flush(struct vm_engine *m);
/* Look without a touch. False: it is not present. */
bool vm_engine_look(struct vm_engine *m, vm_asid asid, vm_va va, struct vm_place *out);
/* The kernel accesses the page by means of its own, not by the program's translation: it is brought
 * if it is absent (a fault without a walk), marked and told to the policy. Errors: as of
 * vm_engine_run; a page that cannot be had is VM_EINPUT. */
bool vm_engine_reach(struct vm_engine *m, vm_asid asid, vm_va va, enum vm_access access,
                     struct vm_place *out, struct vm_error *e);
/* Write what is dirty of a map event's file to it; nobody waits. 0: of all of them. */
void vm_engine_sync_file(struct vm_engine *m, uint32_t file);
/* Forget what is cached of it. */
void vm_engine_drop_file(struct vm_engine *m, uint32_t file);

/* ---- running ---- */

/* Consume a batch. Errors: VM_EMACHINE (out of memory or swap), VM_EINPUT (an impossible event). */
bool vm_engine_run(struct vm_engine *m, const struct vm_batch *batch, struct vm_error *e);
/* Nanoseconds since the machine was opened: what its processor did, and what it waited. Of several
 * the current one's. */
uint64_t vm_engine_now(struct vm_engine *m);
/* Of the batch that was run last: how much of it is done, all of it unless a process must wait. */
void vm_engine_done(const struct vm_engine *m, uint32_t *refs, uint32_t *events);
/* Tell `tap` of every step from now on; NULL: no more. It must live as long as it is told. */
void vm_engine_listen(struct vm_engine *m, const struct vm_tap *tap);
/* Counts so far; the conservation laws are asserted. */
void vm_engine_counts(struct vm_engine *m, struct vm_counts *out);
/* The TLBs of the plan; after them, where there is one, the prefetch buffer ("pb"). */
size_t vm_engine_ntlbs(const struct vm_engine *m);
const char *vm_engine_tlb(const struct vm_engine *m, size_t i, struct vm_tlb_config *config,
                          struct vm_tlb_counts *counts); /* returns its name */
size_t vm_engine_nwalk_caches(const struct vm_engine *m);
void vm_engine_walk_cache(const struct vm_engine *m, size_t i, struct vm_tlb_config *config,
                          struct vm_tlb_counts *counts);
size_t vm_engine_ncaches(const struct vm_engine *m);
const char *vm_engine_cache(const struct vm_engine *m, size_t i, struct vm_cache_config *config,
                            struct vm_cache_counts *counts); /* returns its name */
void vm_engine_answers(const struct vm_engine *m, struct vm_answers *out);
const struct vm_memory *vm_engine_memory(const struct vm_engine *m);

/* What a machine is made of, for explanations. */
struct vm_engine_parts {
    const struct vm_config *config;
    const struct vm_scheme_ops *scheme;
    const void *scheme_state;
    const struct vm_policy_ops *policy;
    const struct vm_params *policy_params;
    const struct vm_memory *memory;
    const struct vm_counts
        *counts; /* so far, within a touch too: vm_engine_counts is for between */
    unsigned page_shift;
    unsigned va_bits;         /* of addresses that the scheme translates */
    uint32_t nframes;         /* of memory for pages */
    const uint8_t *bits;      /* [nframes] enum vm_frame_bits */
    const uint64_t *waits_ns; /* [VM_WAITS] so far, within a touch too */
};
void vm_engine_parts(const struct vm_engine *m, struct vm_engine_parts *out);
void vm_engine_check(const struct vm_engine *m); /* every part's check */
void vm_engine_close(struct vm_engine *m);       /* NULL is fine */

/* ---- several processes on one machine (clock.c), whose scheduler is the caller ---- */

/* From now on a process that must wait ends the run behind the reference, or the event, that makes
 * it wait: another can run meanwhile. (Nobody waits where the processor itself does the device's
 * work.) */
void vm_engine_share(struct vm_engine *m);
/* Until when the process that ran last must wait; 0: it need not. */
uint64_t vm_engine_blocked(struct vm_engine *m);
/* A run ends behind the first reference, or event, at whose end it is `at_ns` or later; 0: no more.
 * The one that has begun is done in any case. */
void vm_engine_alarm(struct vm_engine *m, uint64_t at_ns);
/* No process can run before: the processor is idle until then. */
void vm_engine_idle(struct vm_engine *m, uint64_t until_ns);

/* All pages of these leave memory: vm_memory_suspend. */
bool vm_engine_suspend(struct vm_engine *m, vm_asid asid, struct vm_error *e);
/* These pages, which references named before, come back: vm_memory_prepage. The process waits for
 * them as one whose run has ended: vm_engine_blocked. */
bool vm_engine_prepage(struct vm_engine *m, const uint64_t *key, size_t n, struct vm_error *e);

struct vm_time {
    uint64_t now_ns, idle_ns;
    double program_ns; /* the processor's own work for programs: accesses and their translation */
    double kernel_ns;  /* and for the kernel: faults, copies, shootdowns, switches */
    uint64_t waits_ns[VM_WAITS]; /* of all processes; they overlap, and with others' work */
};
void vm_engine_time(struct vm_engine *m, struct vm_time *out); /* between runs */

/* ---- prices (price.c) ---- */

#define VM_PRICES(X)                                                                               \
    X(memory, "the program's own accesses to memory")                                              \
    X(tlb, "hits in TLBs beyond the first level")                                                  \
    X(walk, "page-table walks")                                                                    \
    X(refill, "traps to the handler that refills the TLBs, its loads apart")                       \
    X(mark, "referenced and dirty bits written apart from walks, or by the kernel")                \
    X(fault, "page faults: trap, kernel, return")                                                  \
    X(copy, "zeroing and copying pages")                                                           \
    X(swap_in, "waiting for pages that are read back from the swap device or their file")          \
    X(swap_out, "waiting for dirty pages that are written to the swap device to make room")        \
    X(stall, "waiting for a frame whose page is still being written")                              \
    X(shootdown, "removing pages from the TLBs")                                                   \
    X(ipi, "interrupting other processors to remove pages from theirs")                            \
    X(switching, "switches of address space")

struct vm_prices {
#define VM_PRICE_FIELD(field, what) double field##_ns; /* what */
    VM_PRICES(VM_PRICE_FIELD)
#undef VM_PRICE_FIELD
    double total_ns;
    double access_ns; /* effective access time: total / references */
    /* The three cases of a touch, as textbooks tell them apart: a TLB had the translation; none had
     * it, and the page was present; the kernel was asked. A walk counts with the mean price of a
     * walk. The cases add up to the total without marks, shootdowns and switches. */
    struct vm_case {
        uint64_t touches;
        double each_ns; /* the mean price of one; 0: there is none */
    } hit, miss, fault;
};

/* ---- a whole replay (replay.c) ---- */

#define VM_REGIONS_MAX 64

struct vm_region {
    vm_asid asid;
    struct vm_vma vma;
};

/* The frame allocator at the end; all 0 where segments are put by another. */
struct vm_frames_result {
    size_t nzones, nlists, nsizes;
    struct vm_zone_state zone[VM_ZONES_MAX];
    struct vm_free_blocks blocks;            /* of all zones */
    struct vm_list_counts list[VM_CPUS_MAX]; /* of each processor */
    struct vm_huge_misses misses;
    struct vm_compactions compactions;
    struct vm_frames_size {
        unsigned order;
        uint64_t bytes, available; /* huge pages of this size that could be had now */
    } size[VM_FRAME_ORDERS];       /* the scheme's larger pages */
};

/* What a replay found; a plain value that outlives everything else. */
struct vm_result {
    struct vm_config config; /* effective */
    uint32_t nframes;
    enum vm_stray stray;
    struct vm_trace_info trace; /* its strings belong to the caller of vm_replay */
    char trace_format[32];
    struct vm_counts counts;
    size_t ntlbs, nwalk_caches;
    struct {
        char name[8];
        struct vm_tlb_config config;
        struct vm_tlb_counts counts;
    } tlb[VM_TLBS_MAX], walk_cache[VM_WALK_CACHES_MAX];
    size_t ncaches;
    struct {
        char name[8];
        struct vm_cache_config config;
        struct vm_cache_counts counts;
    } cache[VM_CACHES_MAX];
    struct vm_answers answers;
    struct vm_queue_counts device[VM_SWAP_LEVELS]; /* zeros where there is none, or no machine */
    struct vm_prices prices;
    uint64_t pages;                  /* distinct pages touched (pages model), 0: not counted */
    uint64_t resident, table_frames; /* at the end */
    struct vm_footprint tables;      /* at the end, of all address spaces */
    struct vm_holes holes;           /* at the end */
    struct vm_frames_result frames;  /* at the end */
    size_t nregions; /* the first regions by faults, of mappings that exist at the end */
    struct vm_region region[VM_REGIONS_MAX];
    uint64_t regions_all;
};

/* What the machine has counted so far, and what that cost: all of *out but the trace and the
 * configuration, which is the machine's own already. */
void vm_engine_result(struct vm_engine *m, struct vm_result *out);

/* Where references come from. */
struct vm_source {
    const char *spec; /* as vm_trace_open takes it; of bytes in memory: what messages call them */
    const struct vm_trace_options *options; /* may be NULL */
    const void *bytes;                      /* NULL: open spec */
    size_t nbytes;
};

/* Told now and then how far a pass is. */
struct vm_progress {
    void *host;
    void (*report)(void *host, const char *what, const struct vm_trace_info *info, uint64_t refs);
};

/* Replay the trace `spec` (vm_trace_open) through the machine. opt reads it twice, so that it can
 * not come from a pipe. progress may be NULL. Errors: as of the parts. */
bool vm_replay(const struct vm_config *c, const char *spec, const struct vm_trace_options *options,
               const struct vm_progress *progress, struct vm_result *out, struct vm_error *e);

/* ---- a replay that stops where it is asked to (run.c) ---- */

struct vm_run;

/* The machine before the first reference. What the arguments point to must outlive the run. Errors:
 * as of vm_replay; VM_EUSAGE for the model pages, which has no steps. */
struct vm_run *vm_run_open(const struct vm_config *c, const struct vm_source *source,
                           const struct vm_progress *progress, struct vm_error *e);
/* Replay on until `refs` references are done, or the trace ends; events after the last of them wait
 * for the next call. Errors: as of the parts; the run can then only be closed. */
bool vm_run_to(struct vm_run *r, uint64_t refs, struct vm_error *e);
uint64_t vm_run_refs(const struct vm_run *r); /* done */
/* Back to before the first reference, with a new machine. Errors: VM_EUSAGE: a trace that can be
 * read only once. */
bool vm_run_restart(struct vm_run *r, struct vm_error *e);
struct vm_engine *vm_run_engine(struct vm_run *r); /* until a restart */
/* The reference done last; its bytes and first address. */
void vm_run_last(const struct vm_run *r, vm_va *va, unsigned *bytes);
void vm_run_info(const struct vm_run *r, struct vm_trace_info *out);
void vm_run_close(struct vm_run *r); /* NULL is fine */

#endif
