/* two_level.c - the two-level page table of textbooks, with any split of the page number.
 *
 *      va   | directory index | table index | offset |
 *                  |                 |
 *      directory -> word -> table -> word
 *
 * `dir` and `table` are the bits of the two indexes, the rest of an address is the offset in a page
 * of the machine's size. A table that is smaller than a page takes a whole frame, a larger one
 * consecutive frames. `entry` is the size of a word:
 *
 *      4, 8   a RISC-V leaf or pointer (riscv.inc.h), so that dir=10,table=10 is Sv32, and a word
 *             of the directory may map a large page of 2^table pages
 *      1      the one of OSTEP's exercises: valid 7, PFN 6:0. A byte has no room for rights, marks
 *             and slots: these are kept beside the tables, where a walk finds them without a load.
 *             128 frames, and base pages only.
 *
 * Invariants
 *  1. entry=1: kept[a] is the whole entry of the byte at physical address a, as a word of entry=8;
 *     the byte is valid when that is present. kept is 0 outside tables.
 *
 * Source: R. and A. Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 20 ("Paging:
 * Smaller Tables") and its exercise paging-multilevel-translate; Silberschatz, Galvin and Gagne,
 * Operating System Concepts, 10th edition, section 9.4.1 ("Hierarchical Paging").
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

enum {
    RADIX_LEVELS = 2,
    RADIX_PAGE_SHIFT_MIN = 3,
    RADIX_PAGE_SHIFT_MAX = 24,
    INDEX_BITS_MAX = 20,
    VA_BITS_MAX = 63, /* so that the end of the space is a number */
    BYTE_VALID = 0x80,
};

static const struct vm_param params[] = {
    {"dir", VM_PARAM_COUNT, "10", 1, INDEX_BITS_MAX, NULL, "bits of the index into the directory"},
    {"table", VM_PARAM_COUNT, "10", 1, INDEX_BITS_MAX, NULL, "bits of the index into a table"},
    {"entry", VM_PARAM_WORD, "4", 0, 0, "1|4|8", "bytes of an entry"},
};
#define RADIX_PARAMS  params
#define RADIX_NPARAMS (sizeof params / sizeof params[0])

struct radix_form {
    uint8_t
        low[RADIX_LEVELS + 1]; /* where the index of a level begins; last: where addresses end */
    uint8_t word_shift;
    uint64_t *kept; /* entry=1: [nframes << page_shift] */
};

static unsigned word_shift_of(const struct vm_scheme_env *env)
{
    static const uint8_t shift[] = {0, 2, 3};
    return shift[vm_params_count(env->params, "entry")];
}

static struct radix_form form_of(const struct vm_scheme_env *env)
{
    unsigned table = env->page_shift + (unsigned)vm_params_count(env->params, "table");
    unsigned top = table + (unsigned)vm_params_count(env->params, "dir");
    return (struct radix_form){.low = {(uint8_t)env->page_shift, (uint8_t)table, (uint8_t)top},
                               .word_shift = (uint8_t)word_shift_of(env)};
}

/* How many frames an entry has numbers for. */
static uint64_t form_frames(const struct radix_form *f)
{
    static const uint64_t frames[] = {128, 0, UINT64_C(1) << 22, VM_NOFRAME};
    return frames[f->word_shift];
}

static bool form_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    struct radix_form f = form_of(env);
    unsigned bits = f.low[RADIX_LEVELS];
    if (bits > VA_BITS_MAX)
        return vm_fail(e, VM_EUSAGE,
                       "two-level: dir, table and an offset of %u bits make %u bits of address: "
                       "expected at most %u, so dir and table together at most %u",
                       env->page_shift, bits, VA_BITS_MAX, VA_BITS_MAX - env->page_shift);
    return true;
}

static size_t form_beside_bytes(const struct vm_scheme_env *env)
{
    return word_shift_of(env) ? 0 : ((size_t)env->nframes << env->page_shift) * sizeof(uint64_t);
}

static void form_begin(struct radix_form *f, void *beside)
{
    f->kept = beside;
}

static inline unsigned form_low(const struct radix_form *f, unsigned level)
{
    return f->low[level];
}

/* A byte has no bit to tell a leaf from a pointer. */
static inline unsigned form_leaf_level_max(const struct radix_form *f)
{
    return f->word_shift > 0;
}

static inline unsigned form_word_shift(const struct radix_form *f)
{
    return f->word_shift;
}

static inline uint64_t form_load(const struct radix_form *f, const uint8_t *memory, vm_pa at)
{
    uint32_t narrow;
    uint64_t word;
    if (f->word_shift == 0)
        return f->kept[at];
    if (f->word_shift == 2) {
        memcpy(&narrow, memory + at, sizeof narrow);
        return narrow;
    }
    memcpy(&word, memory + at, sizeof word);
    return word;
}

/* What a walk's load reads where form_load has `word`. */
static inline uint64_t form_seen(const struct radix_form *f, uint64_t word)
{
    if (f->word_shift > 0)
        return word;
    return word & PTE_PRESENT ? BYTE_VALID | pte_pfn(word) : 0;
}

static inline void form_store(const struct radix_form *f, uint8_t *memory, vm_pa at, uint64_t word)
{
    uint64_t seen = form_seen(f, word);
    size_t bytes = (size_t)1 << f->word_shift;
    VM_ASSERT(bytes == sizeof seen || seen >> 8 * bytes == 0);
    memcpy(memory + at, &seen, bytes); /* the least significant bytes come first */
    if (f->word_shift == 0)
        f->kept[at] = word;
}

/* A table's words at `at` are given back with its frames. */
static void form_forget(const struct radix_form *f, vm_pa at, uint64_t nwords)
{
    if (f->word_shift == 0)
        memset(f->kept + at, 0, nwords * sizeof f->kept[0]);
}

static uint64_t form_kept_bytes(const struct radix_form *f, uint64_t table_bytes)
{
    return f->word_shift ? 0 : table_bytes * sizeof f->kept[0];
}

static size_t form_word_fields(const struct radix_form *f, uint64_t word, unsigned level,
                               const uint8_t *order, struct vm_field *out)
{
    static const struct vm_field byte[] = {{"valid", 7, 7}, {"PFN", 6, 0}};
    static const struct vm_field half[] = {{"PPN", 31, PTE_PFN_SHIFT}, PTE_LOW_FIELDS};
    if (f->word_shift == 0) {
        memcpy(out, byte, sizeof byte);
        return sizeof byte / sizeof byte[0];
    }
    if (!(word & PTE_PRESENT))
        return entry_kernel_fields(word, 8U << f->word_shift, out);
    if (f->word_shift == 3)
        return pte_word_fields(word, level, order, RADIX_LEVELS, out);
    memcpy(out, half, sizeof half);
    return sizeof half / sizeof half[0];
}

#define RADIX_OPS           vm_scheme_two_level
#define RADIX_NAME          "two-level"
#define RADIX_SUMMARY       "two levels of tables with any split of the address, any page size"
#define RADIX_VA_NAMES      "table index", "directory index"
#define RADIX_SIGN_EXTENDED 0
#include "scheme/radix_template.inc.h"
