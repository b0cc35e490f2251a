/* flat_template.inc.h - flat tables in consecutive frames, stamped for each row: the page number is
 * the index.
 *
 *      one table, all of it   |words of all pages                       |        linear
 *      one table, as long as  |words of pages 0 to the highest used|             bounded
 *          it must be
 *      two tables             |words of 0, 1, ...|   |words of the last page, the last but one|
 *                                                                                two-way
 *
 * Before including it a row defines FLAT_OPS (its symbol), FLAT_NAME, FLAT_SUMMARY, FLAT_TABLES (1,
 * or 2: the lower and the upper half of the addresses) and FLAT_GROWS (whether a length register
 * bounds each table, or it is whole from the beginning).
 *
 * A table that grows has room for a power of two of frames. It is lengthened in place where the
 * host can, and else moved: its words are copied to a run twice as long. A page beyond the length
 * is found absent without a load. Entries are leaves of RISC-V Sv39 (riscv.inc.h), `bits` the width
 * of an address; one at or above 2^bits is out of bounds.
 *
 * Invariants
 *  1. A table's room is the least power of two of frames that has its length, unless an ensure()
 *     failed or the frames were not needed any more since; trim() makes it so again.
 *  2. Words from the length on are 0.
 *  3. filled[frame] is the number of words in that frame of a table that are not 0, so that next()
 *     passes over the empty entries of a frame at once; 0 for other frames.
 *
 * Sources: Silberschatz, Galvin and Gagne, Operating System Concepts, 10th edition, section 9.3.1
 * ("Basic Method" of paging: the page-table length register); VAX Architecture Reference Manual,
 * ch. 4 (P0LR, P1LR: a table up, a table down).
 */
#define PTE_PFN_BITS 44
#include "scheme/answers.h"
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"
#include "scheme/words.h"

#include <string.h>

enum { WORD_SHIFT = 3, PAGE_SHIFT_MIN = 3, PAGE_SHIFT_MAX = 24, BITS_MAX = 48 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 4, BITS_MAX, NULL, "width of an address: an entry a page"},
};

struct flat_table {
    vm_pfn first;
    uint32_t nframes; /* 0: there is none */
    uint64_t length;  /* words in use */
};

struct flat_space {
    struct flat_table table[FLAT_TABLES];
    bool open;
};

struct flat {
    struct vm_scheme_env env;
    uint64_t pages;           /* that an address can name */
    uint64_t split;           /* pages from this number on are the second table's */
    unsigned words_shift;     /* a frame has 2^this words */
    struct flat_space *space; /* [nasids] */
    uint32_t *filled;         /* [nframes] */
};

static size_t space_bytes(const struct vm_scheme_env *env)
{
    return (env->nasids * sizeof(struct flat_space) + 7) & ~(size_t)7;
}

static unsigned flat_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static bool flat_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = flat_va_bits(env);
    if (bits > env->page_shift && bits < env->page_shift + 32)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   FLAT_NAME ": %u bits of address with pages of %llu bytes: expected %u to %u "
                             "bits, at least two pages and at most 2^31",
                   bits, 1ULL << env->page_shift, env->page_shift + 1, env->page_shift + 31);
}

static size_t flat_size(const struct vm_scheme_env *env)
{
    return sizeof(struct flat) + space_bytes(env) + env->nframes * sizeof(uint32_t);
}

static void flat_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct flat *s = state;
    s->env = *env;
    s->pages = UINT64_C(1) << (flat_va_bits(env) - env->page_shift);
    s->split = s->pages / FLAT_TABLES;
    s->words_shift = env->page_shift - WORD_SHIFT;
    s->space = (struct flat_space *)(s + 1);
    s->filled = (uint32_t *)((uint8_t *)s->space + space_bytes(env));
}

static inline struct flat_space *flat_space(const struct flat *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return &s->space[asid];
}

static inline bool flat_names(const struct flat *s, vm_va va)
{
    return va >> s->env.page_shift < s->pages;
}

static inline unsigned flat_side(const struct flat *s, uint64_t vpn)
{
    return FLAT_TABLES == 2 && vpn >= s->split;
}

/* The number of the page's word in its table: the second one begins with the last page. */
static inline uint64_t flat_index(const struct flat *s, uint64_t vpn)
{
    return flat_side(s, vpn) ? s->pages - 1 - vpn : vpn;
}

static inline vm_pa flat_at(const struct flat *s, const struct flat_table *t, uint64_t index)
{
    return ((vm_pa)t->first << s->env.page_shift) + (index << WORD_SHIFT);
}

/* ---- length and room ---- */

/* Frames that a table of `length` words has room for: a power of two, or 0. */
static uint32_t flat_room(const struct flat *s, uint64_t length)
{
    if (length == 0)
        return 0;
    return UINT32_C(1) << vm_bits_below(((length - 1) >> s->words_shift) + 1);
}

/* The table moves to a run of n frames. */
static bool flat_move(struct flat *s, struct flat_table *t, uint32_t n)
{
    unsigned shift = s->env.page_shift;
    vm_pfn first = s->env.take(s->env.host, n);
    if (first == VM_NOFRAME)
        return false;
    VM_ASSERT(first < s->env.nframes && n <= s->env.nframes - first);
    struct flat_table old = *t; /* read after the take, which may have changed its words */
    t->first = first;
    t->nframes = n;
    if (old.nframes == 0)
        return true;
    memcpy(s->env.memory + ((size_t)first << shift), s->env.memory + ((size_t)old.first << shift),
           (size_t)old.nframes << shift);
    memcpy(s->filled + first, s->filled + old.first, old.nframes * sizeof *s->filled);
    memset(s->filled + old.first, 0, old.nframes * sizeof *s->filled);
    if (s->env.moved)
        s->env.moved(s->env.host, old.length << WORD_SHIFT);
    s->env.give(s->env.host, old.first, old.nframes);
    return true;
}

static bool flat_lengthen(struct flat *s, struct flat_table *t, uint64_t length)
{
    uint32_t n = flat_room(s, length);
    if (length <= t->length)
        return true;
    if (n > t->nframes) {
        bool in_place = t->nframes > 0 && s->env.extend &&
                        s->env.extend(s->env.host, t->first, t->nframes, n - t->nframes);
        if (in_place)
            t->nframes = n;
        else if (!flat_move(s, t, n))
            return false;
    }
    t->length = length;
    return true;
}

/* Give back the frames beyond the first n, a power of two or 0: half of what is left at a time, as
 * they would be taken. */
static void flat_cut(struct flat *s, struct flat_table *t, uint32_t n)
{
    while (t->nframes > n) {
        uint32_t half = t->nframes > 1 ? t->nframes / 2 : 0;
        s->env.give(s->env.host, t->first + half, t->nframes - half);
        t->nframes = half;
    }
}

/* The table becomes as long as its entries need. */
static void flat_shorten(struct flat *s, struct flat_table *t)
{
    uint64_t length = t->length;
    while (length > 0) {
        uint64_t frame = (length - 1) >> s->words_shift;
        if (s->filled[t->first + frame] == 0)
            length = frame << s->words_shift;
        else if (word_load(&s->env, flat_at(s, t, length - 1)) == 0)
            length--;
        else
            break;
    }
    t->length = length;
    flat_cut(s, t, flat_room(s, length));
}

/* ---- address spaces ---- */

static void flat_close(void *state, vm_asid asid)
{
    struct flat *s = state;
    struct flat_space *space = flat_space(s, asid);
    for (unsigned side = 0; side < FLAT_TABLES; side++) {
        struct flat_table *t = &space->table[side];
        if (t->nframes == 0)
            continue;
        memset(s->filled + t->first, 0, t->nframes * sizeof s->filled[0]);
        s->env.give(s->env.host, t->first, t->nframes);
    }
    *space = (struct flat_space){.open = false};
}

static bool flat_open(void *state, vm_asid asid)
{
    struct flat *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    s->space[asid] = (struct flat_space){.open = true};
    for (unsigned side = 0; side < FLAT_TABLES && !FLAT_GROWS; side++)
        if (!flat_lengthen(s, &s->space[asid].table[side], s->split)) {
            flat_close(s, asid);
            return false;
        }
    return true;
}

static bool flat_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct flat *s = state;
    struct flat_space *space = flat_space(s, asid);
    VM_ASSERT(order == 0);
    uint64_t vpn = va >> s->env.page_shift;
    if (!flat_names(s, va))
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: " FLAT_NAME " names 0 to 0x%llx", (unsigned long long)va,
                       (unsigned long long)((s->pages << s->env.page_shift) - 1));
    return flat_lengthen(s, &space->table[flat_side(s, vpn)], flat_index(s, vpn) + 1);
}

/* Whether the page has a word: then it is at *at. */
static inline bool flat_find(const struct flat *s, vm_asid asid, vm_va va, vm_pa *at)
{
    uint64_t vpn = va >> s->env.page_shift;
    const struct flat_table *t = &flat_space(s, asid)->table[flat_side(s, vpn)];
    uint64_t index = flat_index(s, vpn);
    *at = flat_at(s, t, index);
    return index < t->length;
}

static struct vm_pte flat_get(const void *state, vm_asid asid, vm_va va)
{
    const struct flat *s = state;
    vm_pa at;
    bool has_word = flat_names(s, va) && flat_find(s, asid, va, &at);
    return entry_decode(has_word ? word_load(&s->env, at) : 0);
}

static void flat_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct flat *s = state;
    vm_pa at;
    bool has_word = flat_names(s, va) && flat_find(s, asid, va, &at);
    VM_ASSERT(has_word && (pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes));
    uint64_t before = word_load(&s->env, at), after = entry_encode(pte);
    word_store(&s->env, at, after);
    uint32_t *filled = &s->filled[at >> s->env.page_shift];
    *filled = *filled + (after != 0) - (before != 0);
}

/* The page from which to look on, none before it in [vpn, ...) having a word that is not 0; vpn
 * itself if it has one. */
static uint64_t flat_skip(const struct flat *s, const struct flat_space *space, uint64_t vpn)
{
    unsigned side = flat_side(s, vpn);
    const struct flat_table *t = &space->table[side];
    uint64_t index = flat_index(s, vpn), low = vm_low_bits(s->words_shift);
    if (index >= t->length)
        return side ? s->pages - t->length : s->split;
    if (s->filled[t->first + (index >> s->words_shift)] == 0) {
        uint64_t after = side ? s->pages - (index & ~low) : (index | low) + 1;
        return side || after < s->split ? after : s->split;
    }
    return word_load(&s->env, flat_at(s, t, index)) == 0 ? vpn + 1 : vpn;
}

static vm_va flat_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct flat *s = state;
    const struct flat_space *space = flat_space(s, asid);
    unsigned shift = s->env.page_shift;
    VM_ASSERT((va & vm_low_bits(shift)) == 0 && va <= end);
    uint64_t vpn = va >> shift, limit = end >> shift < s->pages ? end >> shift : s->pages;
    while (vpn < limit) {
        uint64_t on = flat_skip(s, space, vpn);
        if (on == vpn)
            return vpn << shift;
        vpn = on;
    }
    return end;
}

static void flat_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct flat *s = state;
    VM_ASSERT(va <= end);
    /* A table that does not grow stays whole until close. */
    for (unsigned side = 0; side < FLAT_TABLES && FLAT_GROWS; side++)
        flat_shorten(s, &flat_space(s, asid)->table[side]);
}

static void flat_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                      struct vm_walk *out)
{
    struct flat *s = state;
    vm_pa at;
    walk_begin(out);
    if (!flat_names(s, va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    if (!flat_find(s, asid, va, &at)) {
        out->fault = VM_WALK_ABSENT;
        return;
    }
    uint64_t word = word_load(&s->env, at);
    walk_load(out, at, word, s->env.page_shift, VM_LOAD_LEAF);
    uint64_t after = walk_end(out, access, mode, word);
    if (after != word) {
        word_store(&s->env, at, after);
        out->nstores++;
    }
}

static void flat_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct flat *s = state;
    *out = (struct vm_footprint){.own_bytes = 0};
    for (unsigned side = 0; side < FLAT_TABLES; side++)
        out->own_bytes += (uint64_t)flat_space(s, asid)->table[side].nframes << s->env.page_shift;
}

/* ---- the check ---- */

static void flat_check_table(const struct flat *s, const struct flat_table *t)
{
    uint64_t words = (uint64_t)t->nframes << s->words_shift;
    VM_ASSERT(t->length <= words && t->length <= s->split);
    for (uint32_t i = 0; i < t->nframes; i++) {
        uint32_t filled = 0;
        for (uint64_t k = 0; k <= vm_low_bits(s->words_shift); k++) {
            uint64_t index = ((uint64_t)i << s->words_shift) + k;
            uint64_t word = word_load(&s->env, flat_at(s, t, index));
            VM_ASSERT(entry_encode(entry_decode(word)) == word);
            VM_ASSERT(word == 0 || index < t->length);
            filled += word != 0;
        }
        VM_ASSERT(filled == s->filled[t->first + i]);
    }
}

static void flat_check(const void *state)
{
    const struct flat *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        for (unsigned side = 0; side < FLAT_TABLES && s->space[asid].open; side++)
            flat_check_table(s, &s->space[asid].table[side]);
}

static size_t flat_va_fields(const void *state, struct vm_field *out)
{
    const struct flat *s = state;
    unsigned shift = s->env.page_shift, bits = vm_log2(s->pages) + shift, n = 0;
    if (FLAT_TABLES == 2)
        out[n++] = (struct vm_field){"table", (uint8_t)(bits - 1), (uint8_t)(bits - 1)};
    if (bits - n > shift) {
        out[n] = (struct vm_field){"VPN", (uint8_t)(bits - 1 - n), (uint8_t)shift};
        n++;
    }
    out[n++] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return n;
}

const struct vm_scheme_ops FLAT_OPS = {
    .name = FLAT_NAME,
    .summary = FLAT_SUMMARY,
    .page_shift_min = PAGE_SHIFT_MIN,
    .page_shift_max = PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = flat_accept,
    .va_bits = flat_va_bits,
    .orders = scheme_base_orders,
    .size = flat_size,
    .init = flat_init,
    .open = flat_open,
    .close = flat_close,
    .ensure = flat_ensure,
    .get = flat_get,
    .set = flat_set,
    .next = flat_next,
    .trim = flat_trim,
    .walk = flat_walk,
    .footprint = flat_footprint,
    .check = flat_check,
    .va_fields = flat_va_fields,
    .word_fields = entry_fields,
};
