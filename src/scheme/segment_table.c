/* segment_table.c - many segments: a table of descriptors in memory, as Multics and the Burroughs
 * B5000 have.
 *
 *      va    | segment | offset |       descriptor, 8 bytes:
 *                 |                      0 P  1 R  2 W  3 X  4 A  5 D  6 swapped  7 -
 *      table --> descriptor              8 .. 33 bound: the segment's length in base pages
 *                 |                      34 .. 63 base: its first frame (swapped: its slot)
 *      pa = base + offset, if offset < bound
 *
 * A walk loads one descriptor; processors keep the last ones in an associative memory, here a TLB
 * whose entries are segments. A segment grows up within its 2^offset bytes, is brought in and
 * evicted whole, and may be shared by address spaces.
 *
 * The word is Pagoda's own, for no one's is usual: Multics has 36 bits of segment and offset, 18
 * each, and descriptors of 36 (GE-645) or 72 bits (6180). Here segment=18,bits=36 has its shape.
 *
 * Invariants
 *  1. open() takes all frames of the table and close() gives them back.
 *
 * Sources: Bensoussan, Clingen and Daley, "The Multics virtual memory: concepts and design", CACM
 * 15(5) 1972; Dennis, "Segmentation and the design of multiprogrammed computer systems", JACM 12(4)
 * 1965.
 */
#include "base/assert.h"
#include "scheme/segments.h"
#include "scheme/words.h"

#include <string.h>

enum { WORD_SHIFT = 3, BITS_MAX = 46, BOUND_BITS = 26, BOUND_SHIFT = 8, BASE_SHIFT = 34 };
enum { WORD_PRESENT = 1, WORD_RIGHTS = 1, WORD_ACCESSED = 16, WORD_DIRTY = 32, WORD_SWAPPED = 64 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 6, BITS_MAX, NULL, "width of an address"},
    {"segments", VM_PARAM_COUNT, "12", 2, 20, NULL, "top bits that are the segment's number"},
};

struct table_space {
    vm_pfn table;
    bool open;
};

struct segment_table {
    struct vm_scheme_env env;
    unsigned bits, offset_bits;
    uint32_t nframes_table;
    struct table_space *space; /* [nasids] */
};

static unsigned table_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static unsigned table_segment_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "segments");
}

static uint64_t table_orders(const struct vm_scheme_env *env)
{
    return 1 | UINT64_C(1) << (table_va_bits(env) - table_segment_bits(env) - env->page_shift);
}

static bool table_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = table_va_bits(env), top = table_segment_bits(env);
    unsigned least = env->page_shift + top + 1, most = env->page_shift + top + BOUND_BITS - 1;
    if (bits >= least && bits <= most)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "segment-table: %u bits of address, %u of them for the segment, with pages of "
                   "%llu bytes: expected %u to %u bits, at least two pages a segment and at most "
                   "2^%u",
                   bits, top, 1ULL << env->page_shift, least, most, BOUND_BITS - 1);
}

static size_t table_size(const struct vm_scheme_env *env)
{
    return sizeof(struct segment_table) + env->nasids * sizeof(struct table_space);
}

static void table_init(void *state, const struct vm_scheme_env *env)
{
    struct segment_table *s = state;
    unsigned top = table_segment_bits(env);
    s->env = *env;
    s->bits = table_va_bits(env);
    s->offset_bits = s->bits - top;
    s->nframes_table =
        (uint32_t)((((UINT64_C(1) << top) << WORD_SHIFT) - 1) >> env->page_shift) + 1;
    s->space = (struct table_space *)(s + 1);
}

static vm_pa table_at(const struct segment_table *s, vm_asid asid, vm_va va)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return ((vm_pa)s->space[asid].table << s->env.page_shift) +
           (va >> s->offset_bits << WORD_SHIFT);
}

static struct vm_segment word_decode(uint64_t word)
{
    struct vm_segment g = {.prot = (uint8_t)(word >> WORD_RIGHTS & VM_PROT_ALL),
                           .accessed = word & WORD_ACCESSED,
                           .dirty = word & WORD_DIRTY,
                           .pages = (uint32_t)(word >> BOUND_SHIFT & vm_low_bits(BOUND_BITS))};
    if (word & WORD_PRESENT) {
        g.state = VM_PTE_PRESENT;
        g.pfn = (vm_pfn)(word >> BASE_SHIFT);
    } else if (word & WORD_SWAPPED) {
        g.state = VM_PTE_SWAPPED;
        g.slot = (vm_slot)(word >> BASE_SHIFT);
    } else {
        g.state = VM_PTE_EMPTY;
    }
    return g;
}

static uint64_t word_encode(struct vm_segment g)
{
    uint64_t where = g.state == VM_PTE_PRESENT ? g.pfn : g.slot;
    if (g.state == VM_PTE_EMPTY)
        return 0;
    VM_ASSERT(where >> (64 - BASE_SHIFT) == 0 && g.pages >> BOUND_BITS == 0);
    return (g.state == VM_PTE_PRESENT ? WORD_PRESENT : WORD_SWAPPED) |
           (uint64_t)(g.prot & VM_PROT_ALL) << WORD_RIGHTS | (g.accessed ? WORD_ACCESSED : 0) |
           (g.dirty ? WORD_DIRTY : 0) | (uint64_t)g.pages << BOUND_SHIFT | where << BASE_SHIFT;
}

static bool table_open(void *state, vm_asid asid)
{
    struct segment_table *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    vm_pfn table = s->env.take(s->env.host, s->nframes_table);
    if (table == VM_NOFRAME)
        return false;
    s->space[asid] = (struct table_space){table, true};
    return true;
}

static void table_close(void *state, vm_asid asid)
{
    struct segment_table *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    s->space[asid].open = false;
    s->env.give(s->env.host, s->space[asid].table, s->nframes_table);
}

static bool table_span(const void *state, vm_va va, struct vm_span *out)
{
    const struct segment_table *s = state;
    vm_va start = va >> s->offset_bits << s->offset_bits;
    *out = (struct vm_span){start, start + (UINT64_C(1) << s->offset_bits), VM_SPAN_ANY, false};
    if (va >> s->bits == 0)
        return true;
    *out = (struct vm_span){.start = UINT64_C(1) << s->bits, .end = UINT64_MAX};
    return false;
}

static struct vm_segment table_segment(const void *state, vm_asid asid, vm_va va)
{
    const struct segment_table *s = state;
    return word_decode(va >> s->bits == 0 ? word_load(&s->env, table_at(s, asid, va)) : 0);
}

static void table_set_segment(void *state, vm_asid asid, vm_va va, struct vm_segment segment)
{
    const struct segment_table *s = state;
    VM_ASSERT(va >> s->bits == 0 && segment.pages <= UINT64_C(1)
                                                         << (s->offset_bits - s->env.page_shift));
    word_store(&s->env, table_at(s, asid, va), word_encode(segment));
}

static const struct vm_segment_ops table_segments = {
    .rights = VM_PROT_ALL, .span = table_span, .get = table_segment, .set = table_set_segment};

static bool table_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    const struct segment_table *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open && order == 0);
    return va >> s->bits == 0 ||
           vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx: segment-table names 0 to 0x%llx",
                   (unsigned long long)va, (unsigned long long)vm_low_bits(s->bits));
}

static struct vm_pte table_get(const void *state, vm_asid asid, vm_va va)
{
    const struct segment_table *s = state;
    struct vm_segment g = table_segment(s, asid, va);
    struct vm_span span;
    table_span(s, va, &span);
    return segment_pte(&span, &g, va, s->env.page_shift);
}

static void table_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    (void)state, (void)asid, (void)va, (void)pte;
    VM_ASSERT(!"pages of a segment are not set one by one");
}

static vm_va table_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct segment_table *s = state;
    struct vm_span span;
    for (; va < end && table_span(s, va, &span); va = span.end) {
        struct vm_segment g = table_segment(s, asid, va);
        vm_va at = segment_next(&span, &g, va, s->env.page_shift);
        if (at < span.end)
            return at < end ? at : end;
    }
    return end;
}

static void table_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    (void)state, (void)asid, (void)va, (void)end; /* the table stays whole until close */
}

static void table_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct segment_table *s = state;
    struct vm_span span;
    walk_begin(out);
    if (!table_span(s, va, &span)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    vm_pa at = table_at(s, asid, va);
    uint64_t word = word_load(&s->env, at), after = word;
    uint64_t marks = WORD_ACCESSED | (access == VM_WRITE ? WORD_DIRTY : 0);
    struct vm_segment g = word_decode(word);
    walk_load(out, at, word, s->offset_bits, VM_LOAD_LEAF);
    segment_walk(out, &span, &g, va, access, s->env.page_shift);
    if (out->fault == VM_WALK_OK && !(mode & VM_MODE_MARK_TRAPS))
        after |= marks;
    else if (out->fault == VM_WALK_OK && (word & marks) != marks)
        out->fault = VM_WALK_UNMARKED;
    out->dirty = out->pfn != VM_NOFRAME && (after & WORD_DIRTY);
    if (after != word) {
        word_store(&s->env, at, after);
        out->nstores++;
    }
}

static void table_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct segment_table *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    *out = (struct vm_footprint){.own_bytes = (uint64_t)s->nframes_table << s->env.page_shift};
}

static void table_check(const void *state)
{
    const struct segment_table *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        for (vm_va va = 0; s->space[asid].open && va >> s->bits == 0;
             va += UINT64_C(1) << s->offset_bits) {
            uint64_t word = word_load(&s->env, table_at(s, (vm_asid)asid, va));
            struct vm_segment g = word_decode(word);
            VM_ASSERT(word_encode(g) == word && (g.pages == 0) == (word == 0));
        }
}

static size_t table_va_fields(const void *state, struct vm_field *out)
{
    const struct segment_table *s = state;
    out[0] = (struct vm_field){"segment", (uint8_t)(s->bits - 1), (uint8_t)s->offset_bits};
    out[1] = (struct vm_field){"offset", (uint8_t)(s->offset_bits - 1), 0};
    return 2;
}

static size_t table_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                                struct vm_field *out)
{
    static const struct vm_field fields[] = {{"base", 63, BASE_SHIFT},
                                             {"bound", BASE_SHIFT - 1, BOUND_SHIFT},
                                             {"swapped", 6, 6},
                                             {"D", 5, 5},
                                             {"A", 4, 4},
                                             {"X", 3, 3},
                                             {"W", 2, 2},
                                             {"R", 1, 1},
                                             {"P", 0, 0}};
    (void)state, (void)walk, (void)i;
    memcpy(out, fields, sizeof fields);
    return sizeof fields / sizeof fields[0];
}

const struct vm_scheme_ops vm_scheme_segment_table = {
    .name = "segment-table",
    .summary = "many segments, each with a base and a bound in a table of descriptors",
    .unit = VM_UNIT_SEGMENT,
    .segments = &table_segments,
    .page_shift_min = 0,
    .page_shift_max = 24,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = table_accept,
    .va_bits = table_va_bits,
    .orders = table_orders,
    .size = table_size,
    .init = table_init,
    .open = table_open,
    .close = table_close,
    .ensure = table_ensure,
    .get = table_get,
    .set = table_set,
    .next = table_next,
    .trim = table_trim,
    .walk = table_walk,
    .footprint = table_footprint,
    .check = table_check,
    .va_fields = table_va_fields,
    .word_fields = table_word_fields,
};
