/* paged_segments.c - paging with segmentation: a page table a segment, as long as the segment is.
 *
 *      va    | segment | page number | offset |
 *                 |            |
 *      base[segment], bound[segment]       page number < bound ?  no -> fault, nothing is read
 *                 |            |           yes: word base + 8 * page number
 *               table -------> word        pte: a leaf of RISC-V Sv39 (riscv.inc.h)
 *
 * The top bits choose one of 2^segments register pairs: the base of the segment's page table, which
 * lies in consecutive frames, and the number of its entries. The linear table's waste between heap
 * and stack is gone, a walk still loads one word; the tables now have all sizes, and growing one
 * means finding room for it and copying it. Segments grow up.
 *
 * A page beyond the bound is absent, not unnameable: the kernel decides whether the segment grows
 * or the program has violated it.
 *
 * Invariants
 *  1. bound is one above the last entry that ensure() was asked for, until trim() lowers it to one
 *     above the last that is not empty; the table has just the frames for it.
 *  2. filled[frame] is the number of words in that frame of a table that are not 0.
 *
 * Source: Arpaci-Dusseau & Arpaci-Dusseau, Operating Systems: Three Easy Pieces, ch. 20.2 ("Hybrid
 * Approach: Paging and Segments"); Multics has it with the tables' bases in descriptors.
 */
#define PTE_PFN_BITS 44
#include "scheme/answers.h"
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"
#include "scheme/words.h"

#include <string.h>

enum { WORD_SHIFT = 3, PAGE_SHIFT_MIN = 3, PAGE_SHIFT_MAX = 24, BITS_MAX = 48, TOP_MAX = 6 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 5, BITS_MAX, NULL, "width of an address"},
    {"segments", VM_PARAM_COUNT, "2", 1, TOP_MAX, NULL, "top bits that choose the segment"},
};

/* The registers of a segment. */
struct paged_segment {
    vm_pfn base;    /* of its table; nothing if bound is 0 */
    uint32_t bound; /* entries */
};

struct paged_space {
    bool open;
    struct paged_segment segment[1 << TOP_MAX];
};

struct paged {
    struct vm_scheme_env env;
    unsigned bits, span_shift; /* a segment has 2^span_shift bytes */
    struct paged_space *space; /* [nasids] */
    uint32_t *filled;          /* [nframes] */
};

static size_t space_bytes(const struct vm_scheme_env *env)
{
    return env->nasids * sizeof(struct paged_space);
}

static unsigned paged_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static unsigned paged_top_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "segments");
}

static bool paged_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = paged_va_bits(env), top = paged_top_bits(env);
    unsigned least = env->page_shift + top + 1, most = env->page_shift + top + 31;
    if (bits >= least && bits <= most)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "paged-segments: %u bits of address, %u of them for the segment, with pages of "
                   "%llu bytes: expected %u to %u bits, at least two pages a segment and at most "
                   "2^31",
                   bits, top, 1ULL << env->page_shift, least, most);
}

static size_t paged_size(const struct vm_scheme_env *env)
{
    return sizeof(struct paged) + space_bytes(env) + env->nframes * sizeof(uint32_t);
}

static void paged_init(void *state, const struct vm_scheme_env *env)
{
    struct paged *s = state;
    s->env = *env;
    s->bits = paged_va_bits(env);
    s->span_shift = s->bits - paged_top_bits(env);
    s->space = (struct paged_space *)(s + 1);
    s->filled = (uint32_t *)((uint8_t *)s->space + space_bytes(env));
}

/* ---- segments and their tables ---- */

static unsigned segments(const struct paged *s)
{
    return 1u << (s->bits - s->span_shift);
}

static struct paged_segment *segment_of(const struct paged *s, vm_asid asid, vm_va va)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open && va >> s->bits == 0);
    return &s->space[asid].segment[va >> s->span_shift];
}

/* The page's number in its segment. */
static uint32_t index_of(const struct paged *s, vm_va va)
{
    return (uint32_t)((va & vm_low_bits(s->span_shift)) >> s->env.page_shift);
}

static uint32_t frames_for(const struct paged *s, uint32_t bound)
{
    uint64_t bytes = (uint64_t)bound << WORD_SHIFT, page = UINT64_C(1) << s->env.page_shift;
    return (uint32_t)((bytes + page - 1) >> s->env.page_shift);
}

static vm_pa word_at(const struct paged *s, const struct paged_segment *g, uint32_t index)
{
    return ((vm_pa)g->base << s->env.page_shift) + ((vm_pa)index << WORD_SHIFT);
}

/* The segment's table moves to more frames. Taking them may change its entries: they are copied
 * after. */
static bool table_grow(struct paged *s, struct paged_segment *g, uint32_t bound)
{
    uint32_t before = frames_for(s, g->bound), after = frames_for(s, bound);
    if (before == after) {
        g->bound = bound;
        return true;
    }
    vm_pfn base = s->env.take(s->env.host, after);
    if (base == VM_NOFRAME)
        return false;
    unsigned shift = s->env.page_shift;
    if (before > 0) {
        memcpy(s->env.memory + ((size_t)base << shift), s->env.memory + ((size_t)g->base << shift),
               (size_t)before << shift);
        memcpy(s->filled + base, s->filled + g->base, before * sizeof s->filled[0]);
        memset(s->filled + g->base, 0, before * sizeof s->filled[0]);
        s->env.give(s->env.host, g->base, before);
    }
    *g = (struct paged_segment){base, bound};
    return true;
}

/* One above the last entry that is not empty. */
static uint32_t bound_needed(const struct paged *s, const struct paged_segment *g)
{
    uint32_t bound = g->bound;
    while (bound > 0 && word_load(&s->env, word_at(s, g, bound - 1)) == 0)
        bound--;
    return bound;
}

static void table_shrink(struct paged *s, struct paged_segment *g, uint32_t bound)
{
    uint32_t before = frames_for(s, g->bound), after = frames_for(s, bound);
    if (after < before)
        s->env.give(s->env.host, g->base + after, before - after);
    g->bound = bound;
}

/* ---- the contract ---- */

static bool paged_open(void *state, vm_asid asid)
{
    struct paged *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    s->space[asid] = (struct paged_space){.open = true};
    return true;
}

static void paged_close(void *state, vm_asid asid)
{
    struct paged *s = state;
    struct paged_space *space = &s->space[asid];
    VM_ASSERT(asid < s->env.nasids && space->open);
    for (unsigned i = 0; i < segments(s); i++) {
        uint32_t n = frames_for(s, space->segment[i].bound);
        memset(s->filled + space->segment[i].base, 0, n * sizeof s->filled[0]);
        table_shrink(s, &space->segment[i], 0);
    }
    space->open = false;
}

static bool paged_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct paged *s = state;
    VM_ASSERT(order == 0);
    if (va >> s->bits)
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: paged-segments names 0 to 0x%llx", (unsigned long long)va,
                       (unsigned long long)vm_low_bits(s->bits));
    struct paged_segment *g = segment_of(s, asid, va);
    uint32_t index = index_of(s, va);
    return index < g->bound || table_grow(s, g, index + 1);
}

static struct vm_pte paged_get(const void *state, vm_asid asid, vm_va va)
{
    const struct paged *s = state;
    if (va >> s->bits)
        return entry_decode(0);
    const struct paged_segment *g = segment_of(s, asid, va);
    uint32_t index = index_of(s, va);
    return entry_decode(index < g->bound ? word_load(&s->env, word_at(s, g, index)) : 0);
}

static void paged_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct paged *s = state;
    const struct paged_segment *g = segment_of(s, asid, va);
    uint32_t index = index_of(s, va);
    if (index >= g->bound && pte.state == VM_PTE_EMPTY)
        return;
    VM_ASSERT(index < g->bound);
    VM_ASSERT(pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes);
    vm_pa at = word_at(s, g, index);
    uint64_t before = word_load(&s->env, at), after = entry_encode(pte);
    word_store(&s->env, at, after);
    uint32_t *filled = &s->filled[at >> s->env.page_shift];
    *filled = *filled + (after != 0) - (before != 0);
}

/* The first index in [index, end) with an entry, or end. */
static uint32_t next_index(const struct paged *s, const struct paged_segment *g, uint32_t index,
                           uint32_t end)
{
    uint32_t a_frame = UINT32_C(1) << (s->env.page_shift - WORD_SHIFT);
    end = end < g->bound ? end : g->bound;
    while (index < end) {
        vm_pa at = word_at(s, g, index);
        if (s->filled[at >> s->env.page_shift] == 0)
            index = (index | (a_frame - 1)) + 1;
        else if (word_load(&s->env, at) == 0)
            index++;
        else
            return index;
    }
    return UINT32_MAX;
}

static vm_va paged_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct paged *s = state;
    unsigned shift = s->env.page_shift;
    VM_ASSERT(va <= end);
    while (va < end && va >> s->bits == 0) {
        vm_va span = va >> s->span_shift << s->span_shift;
        vm_va top = span + (UINT64_C(1) << s->span_shift), limit = end < top ? end : top;
        uint32_t i = next_index(s, segment_of(s, asid, va), index_of(s, va),
                                (uint32_t)((limit - span) >> shift));
        if (i != UINT32_MAX)
            return span + ((vm_va)i << shift);
        va = top;
    }
    return end;
}

static void paged_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct paged *s = state;
    for (unsigned i = 0; va < end && i < segments(s); i++) {
        vm_va span = (vm_va)i << s->span_shift;
        if (span + (UINT64_C(1) << s->span_shift) > va && span < end) {
            struct paged_segment *g = segment_of(s, asid, span);
            table_shrink(s, g, bound_needed(s, g));
        }
    }
}

static void paged_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct paged *s = state;
    walk_begin(out);
    if (va >> s->bits) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    const struct paged_segment *g = segment_of(s, asid, va);
    uint32_t index = index_of(s, va);
    if (index >= g->bound) {
        out->fault = VM_WALK_ABSENT;
        return;
    }
    vm_pa at = word_at(s, g, index);
    uint64_t word = word_load(&s->env, at), after;
    walk_load(out, at, word, s->env.page_shift, VM_LOAD_LEAF);
    after = walk_end(out, access, mode, word);
    if (after != word) {
        word_store(&s->env, at, after);
        out->nstores++;
    }
}

static void paged_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct paged *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    *out = (struct vm_footprint){.own_bytes = 0};
    for (unsigned i = 0; i < segments(s); i++)
        out->own_bytes += (uint64_t)frames_for(s, s->space[asid].segment[i].bound)
                          << s->env.page_shift;
}

/* The words of a table; those behind its last entry are 0. */
static void check_table(const struct paged *s, const struct paged_segment *g)
{
    uint32_t a_frame = UINT32_C(1) << (s->env.page_shift - WORD_SHIFT);
    for (uint32_t f = 0; f < frames_for(s, g->bound); f++) {
        uint32_t filled = 0;
        for (uint32_t i = f * a_frame; i < (f + 1) * a_frame; i++) {
            uint64_t word = word_load(&s->env, word_at(s, g, i));
            VM_ASSERT(entry_encode(entry_decode(word)) == word);
            VM_ASSERT(i < g->bound || word == 0);
            filled += word != 0;
        }
        VM_ASSERT(filled == s->filled[g->base + f]);
    }
}

static void paged_check(const void *state)
{
    const struct paged *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        for (unsigned i = 0; s->space[asid].open && i < segments(s); i++)
            check_table(s, &s->space[asid].segment[i]);
}

static size_t paged_va_fields(const void *state, struct vm_field *out)
{
    const struct paged *s = state;
    unsigned shift = s->env.page_shift;
    out[0] = (struct vm_field){"segment", (uint8_t)(s->bits - 1), (uint8_t)s->span_shift};
    out[1] = (struct vm_field){"VPN", (uint8_t)(s->span_shift - 1), (uint8_t)shift};
    out[2] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return 3;
}

const struct vm_scheme_ops vm_scheme_paged_segments = {
    .name = "paged-segments",
    .summary = "a page table a segment, with base and bound registers",
    .page_shift_min = PAGE_SHIFT_MIN,
    .page_shift_max = PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = paged_accept,
    .va_bits = paged_va_bits,
    .orders = scheme_base_orders,
    .size = paged_size,
    .init = paged_init,
    .open = paged_open,
    .close = paged_close,
    .ensure = paged_ensure,
    .get = paged_get,
    .set = paged_set,
    .next = paged_next,
    .trim = paged_trim,
    .walk = paged_walk,
    .footprint = paged_footprint,
    .check = paged_check,
    .va_fields = paged_va_fields,
    .word_fields = entry_fields,
};
