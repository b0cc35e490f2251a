/* linear.c - one flat table an address space: the page number is the index.
 *
 * The oldest and the simplest page table: one load a walk, and a table as long as the address
 * space, whatever is mapped. `bits` is the width of an address, so that the table has a word of
 * 8 bytes for each of its pages, in consecutive frames: 8 MiB for the 32 bits by default and pages
 * of 4 KiB. Pages of any size will do.
 *
 *      va   | page number | offset |        pte   a leaf of RISC-V Sv39 (riscv.inc.h)
 *                  |
 *      table ---> word
 *
 * An address at or above 2^bits is out of bounds.
 *
 * Invariants
 *  1. open() takes all frames of the table and close() gives them back; nothing else does either.
 *  2. filled[frame] is the number of words in that frame of a table that are not 0, so that next()
 *     passes over the empty entries of a frame at once; 0 for other frames.
 *
 * Source: Silberschatz, Galvin and Gagne, Operating System Concepts, 10th edition, section 9.3.1
 * ("Basic Method" of paging).
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#include <string.h>

enum { WORD_SHIFT = 3, PAGE_SHIFT_MIN = 3, PAGE_SHIFT_MAX = 24, BITS_MAX = 48 };

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 4, BITS_MAX, NULL, "width of an address: an entry a page"},
};

struct linear_space {
    vm_pfn table;
    bool open;
};

struct linear {
    struct vm_scheme_env env;
    uint64_t va_end;            /* 2^bits */
    unsigned frame_span_shift;  /* a frame of the table maps 2^this bytes */
    uint32_t nframes_table;     /* frames of one table */
    struct linear_space *space; /* [nasids] */
    uint32_t *filled;           /* [nframes] */
};

static size_t space_bytes(const struct vm_scheme_env *env)
{
    return env->nasids * sizeof(struct linear_space);
}

static unsigned linear_va_bits(const struct vm_scheme_env *env)
{
    return (unsigned)vm_params_count(env->params, "bits");
}

static uint64_t linear_orders(const struct vm_scheme_env *env)
{
    (void)env;
    return 1;
}

static bool linear_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    unsigned bits = linear_va_bits(env);
    if (bits > env->page_shift && bits < env->page_shift + 32)
        return true;
    return vm_fail(e, VM_EUSAGE,
                   "linear: %u bits of address with pages of %llu bytes: expected %u to %u bits, "
                   "at least two pages and at most 2^31",
                   bits, 1ULL << env->page_shift, env->page_shift + 1, env->page_shift + 31);
}

static size_t linear_size(const struct vm_scheme_env *env)
{
    return sizeof(struct linear) + space_bytes(env) + env->nframes * sizeof(uint32_t);
}

static void linear_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->nasids <= VM_ASID_MAX + 1);
    struct linear *s = state;
    s->env = *env;
    s->va_end = UINT64_C(1) << linear_va_bits(env);
    s->frame_span_shift = 2 * env->page_shift - WORD_SHIFT;
    s->nframes_table = (uint32_t)((s->va_end - 1) >> s->frame_span_shift) + 1;
    s->space = (struct linear_space *)(s + 1);
    s->filled = (uint32_t *)((uint8_t *)s->space + space_bytes(env));
}

static vm_pfn linear_table(const struct linear *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return s->space[asid].table;
}

static vm_pa linear_at(const struct linear *s, vm_asid asid, vm_va va)
{
    unsigned shift = s->env.page_shift;
    return ((vm_pa)linear_table(s, asid) << shift) + (va >> shift << WORD_SHIFT);
}

static uint64_t linear_load(const struct linear *s, vm_pa at)
{
    uint64_t word;
    memcpy(&word, s->env.memory + at, sizeof word);
    return word;
}

static void linear_store(struct linear *s, vm_pa at, uint64_t word)
{
    memcpy(s->env.memory + at, &word, sizeof word);
}

static bool linear_open(void *state, vm_asid asid)
{
    struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && !s->space[asid].open);
    vm_pfn table = s->env.take(s->env.host, s->nframes_table);
    if (table == VM_NOFRAME)
        return false;
    VM_ASSERT(table < s->env.nframes && s->nframes_table <= s->env.nframes - table);
    s->space[asid] = (struct linear_space){table, true};
    return true;
}

static void linear_close(void *state, vm_asid asid)
{
    struct linear *s = state;
    vm_pfn table = linear_table(s, asid);
    memset(s->filled + table, 0, s->nframes_table * sizeof s->filled[0]);
    s->space[asid].open = false;
    s->env.give(s->env.host, table, s->nframes_table);
}

static bool linear_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    const struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open && order == 0);
    return va < s->va_end ||
           vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx: linear names 0 to 0x%llx",
                   (unsigned long long)va, (unsigned long long)s->va_end - 1);
}

static struct vm_pte linear_get(const void *state, vm_asid asid, vm_va va)
{
    const struct linear *s = state;
    return entry_decode(va < s->va_end ? linear_load(s, linear_at(s, asid, va)) : 0);
}

static void linear_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct linear *s = state;
    VM_ASSERT(va < s->va_end);
    VM_ASSERT(pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes);
    vm_pa at = linear_at(s, asid, va);
    uint64_t before = linear_load(s, at), after = entry_encode(pte);
    linear_store(s, at, after);
    uint32_t *filled = &s->filled[at >> s->env.page_shift];
    *filled = *filled + (after != 0) - (before != 0);
}

static vm_va linear_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct linear *s = state;
    vm_va page = UINT64_C(1) << s->env.page_shift, frame_span = UINT64_C(1) << s->frame_span_shift;
    VM_ASSERT(va % page == 0 && va <= end);
    const uint32_t *filled = s->filled + linear_table(s, asid);
    vm_va limit = end < s->va_end ? end : s->va_end;
    while (va < limit) {
        if (filled[va >> s->frame_span_shift] == 0)
            va = (va | (frame_span - 1)) + 1;
        else if (linear_load(s, linear_at(s, asid, va)) == 0)
            va += page;
        else
            return va;
    }
    return end;
}

static void linear_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    /* The table stays whole until close: consecutive frames given back would not come again. */
    const struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open && va <= end);
}

static void linear_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                        struct vm_walk *out)
{
    struct linear *s = state;
    walk_begin(out);
    if (va >= s->va_end) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    vm_pa at = linear_at(s, asid, va);
    uint64_t word = linear_load(s, at), after;
    walk_load(out, at, word, s->env.page_shift, VM_LOAD_LEAF);
    after = walk_end(out, access, mode, word);
    if (after != word) {
        linear_store(s, at, after);
        out->nstores++;
    }
}

static void linear_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    *out = (struct vm_footprint){.own_bytes = (uint64_t)s->nframes_table << s->env.page_shift};
}

/* The words of one frame of a table; those beyond the end of the space are 0. */
static void linear_check_frame(const struct linear *s, vm_pfn frame)
{
    uint32_t filled = 0;
    vm_pa at = (vm_pa)frame << s->env.page_shift, end = at + (UINT64_C(1) << s->env.page_shift);
    for (; at < end; at += UINT64_C(1) << WORD_SHIFT) {
        uint64_t word = linear_load(s, at);
        VM_ASSERT(entry_encode(entry_decode(word)) == word);
        filled += word != 0;
    }
    VM_ASSERT(filled == s->filled[frame]);
}

static void linear_check(const void *state)
{
    const struct linear *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        for (uint32_t i = 0; s->space[asid].open && i < s->nframes_table; i++)
            linear_check_frame(s, s->space[asid].table + i);
}

static size_t linear_va_fields(const void *state, struct vm_field *out)
{
    const struct linear *s = state;
    unsigned bits = vm_log2(s->va_end), shift = s->env.page_shift;
    out[0] = (struct vm_field){"VPN", (uint8_t)(bits - 1), (uint8_t)shift};
    out[1] = (struct vm_field){"offset", (uint8_t)(shift - 1), 0};
    return 2;
}

const struct vm_scheme_ops vm_scheme_linear = {
    .name = "linear",
    .summary = "one flat table an address space, in consecutive frames",
    .page_shift_min = PAGE_SHIFT_MIN,
    .page_shift_max = PAGE_SHIFT_MAX,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = linear_accept,
    .va_bits = linear_va_bits,
    .orders = linear_orders,
    .size = linear_size,
    .init = linear_init,
    .open = linear_open,
    .close = linear_close,
    .ensure = linear_ensure,
    .get = linear_get,
    .set = linear_set,
    .next = linear_next,
    .trim = linear_trim,
    .walk = linear_walk,
    .footprint = linear_footprint,
    .check = linear_check,
    .va_fields = linear_va_fields,
    .word_fields = entry_fields,
};
