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

#include <pagoda/counts.h>
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
enum vm_model { VM_MODEL_MACHINE, VM_MODEL_PAGES };

/* The fields are options.def's; help there. */
struct vm_config {
    uint64_t memory_bytes, page_bytes;
    uint64_t tables; /* enum vm_tables */
    uint64_t stray;  /* enum vm_stray_option */
    uint64_t layout; /* enum vm_layout_option */
    uint64_t colours;
    char scheme[VM_CONFIG_TEXT], policy[VM_CONFIG_TEXT], tlb[VM_CONFIG_TEXT], swap[VM_CONFIG_TEXT];
    uint64_t tlb_tags; /* enum vm_tlb_tags */
    uint64_t swap_bytes;
    double memory_ns, fault_ns, copy_ns, shootdown_ns, switch_ns;
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
/* A machine description: INI text over the fallbacks of what it does not name. `name` is for
 * messages. Names of parts and TLBs must be possible ones too. Errors: VM_EUSAGE, VM_EMACHINE (a
 * TLB that cannot be built), with file and line. */
bool vm_config_parse(struct vm_config *c, const char *name, const char *text, struct vm_error *e);

/* ---- the TLBs that an option text describes (tlbs.c) ---- */

#define VM_TLBS_MAX 12
struct vm_tlb_plan {
    size_t n, levels;
    struct vm_tlb_config tlb[VM_TLBS_MAX]; /* by level, fetch side before data side */
    char name[VM_TLBS_MAX][8];             /* "l1i" */
};
bool vm_tlb_plan_parse(struct vm_tlb_plan *out, const char *text, struct vm_error *e);

/* ---- a machine (machine.c) ---- */

struct vm_engine;

/* Build the machine. `future` only for policies that need one. Errors: VM_EUSAGE (a name, a value),
 * VM_EMACHINE (cannot be built), VM_ESYSTEM. */
struct vm_engine *vm_engine_open(const struct vm_config *c, enum vm_stray stray,
                                 struct vm_future *future, struct vm_error *e);
/* Consume a batch. Errors: VM_EMACHINE (out of memory or swap), VM_EINPUT (an impossible event). */
bool vm_engine_run(struct vm_engine *m, const struct vm_batch *batch, struct vm_error *e);
/* Tell `tap` of every step from now on; NULL: no more. It must live as long as it is told. */
void vm_engine_listen(struct vm_engine *m, const struct vm_tap *tap);
/* Counts so far; the conservation laws are asserted. */
void vm_engine_counts(struct vm_engine *m, struct vm_counts *out);
size_t vm_engine_ntlbs(const struct vm_engine *m);
const char *vm_engine_tlb(const struct vm_engine *m, size_t i, struct vm_tlb_config *config,
                          struct vm_tlb_counts *counts); /* returns its name */
const struct vm_memory *vm_engine_memory(const struct vm_engine *m);
void vm_engine_check(const struct vm_engine *m); /* every part's check */
void vm_engine_close(struct vm_engine *m);       /* NULL is fine */

/* ---- prices (price.c) ---- */

#define VM_PRICES(X)                                                                               \
    X(memory, "the program's own accesses to memory")                                              \
    X(tlb, "hits in TLBs beyond the first level")                                                  \
    X(walk, "page-table walks")                                                                    \
    X(fault, "page faults: trap, kernel, return")                                                  \
    X(copy, "zeroing and copying pages")                                                           \
    X(swap_in, "reading pages back from the swap device or their file")                            \
    X(swap_out, "writing dirty pages to the swap device")                                          \
    X(shootdown, "removing pages from the TLBs")                                                   \
    X(switching, "switches of address space")

struct vm_prices {
#define VM_PRICE_FIELD(field, what) double field##_ns; /* what */
    VM_PRICES(VM_PRICE_FIELD)
#undef VM_PRICE_FIELD
    double total_ns;
    double access_ns; /* effective access time: total / references */
};

/* ---- a whole replay (replay.c) ---- */

#define VM_REGIONS_MAX 64

struct vm_region {
    vm_asid asid;
    struct vm_vma vma;
};

/* What a replay found; a plain value that outlives everything else. */
struct vm_result {
    struct vm_config config; /* effective */
    uint32_t nframes;
    enum vm_stray stray;
    struct vm_trace_info trace; /* its strings belong to the caller of vm_replay */
    char trace_format[32];
    struct vm_counts counts;
    size_t ntlbs;
    struct {
        char name[8];
        struct vm_tlb_config config;
        struct vm_tlb_counts counts;
    } tlb[VM_TLBS_MAX];
    struct vm_prices prices;
    uint64_t pages;                  /* distinct pages touched (pages model), 0: not counted */
    uint64_t resident, table_frames; /* at the end */
    struct vm_footprint tables;      /* at the end, of all address spaces */
    size_t nregions; /* the first regions by faults, of mappings that exist at the end */
    struct vm_region region[VM_REGIONS_MAX];
    uint64_t regions_all;
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

#endif
