/* linear.c - one flat table an address space: the page number is the index.
 *
 * The oldest and the simplest page table: one load a walk, and a table as long as the address
 * space, whatever is mapped. `bits` is the width of an address, so that the table has 2^(bits - 12)
 * words of 8 bytes, in consecutive frames: 2^(bits - 21) of them, 8 MiB for the 32 bits by default.
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
 *     passes over 512 empty entries at a time; 0 for other frames.
 *
 * Source: Silberschatz, Galvin and Gagne, Operating System Concepts, 10th edition, section 9.3.1
 * ("Basic Method" of paging).
 */
#define PTE_PFN_BITS 44
#include "scheme/riscv.inc.h"

#include "scheme/entry.inc.h"

#include <string.h>

enum { PAGE_SHIFT = 12, WORD_SHIFT = 3, BITS_DEFAULT = 32 };
/* Bytes of address space that one frame of a table maps. */
#define FRAME_SPAN (UINT64_C(1) << (2 * PAGE_SHIFT - WORD_SHIFT))

static const struct vm_param params[] = {
    {"bits", VM_PARAM_COUNT, "32", 13, 48, NULL, "width of an address: 2^(bits - 12) entries"},
};

struct linear_space {
    vm_pfn table;
    bool open;
};

struct linear {
    struct vm_scheme_env env;
    uint64_t va_end;            /* 2^bits */
    uint32_t nframes_table;     /* frames of one table */
    struct linear_space *space; /* [nasids] */
    uint16_t *filled;           /* [nframes] */
};

static size_t space_bytes(const struct vm_scheme_env *env)
{
    return env->nasids * sizeof(struct linear_space);
}

static size_t linear_size(const struct vm_scheme_env *env)
{
    return sizeof(struct linear) + space_bytes(env) + env->nframes * sizeof(uint16_t);
}

static void linear_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->page_shift == PAGE_SHIFT && env->nasids <= VM_ASID_MAX + 1);
    struct linear *s = state;
    s->env = *env;
    s->va_end = UINT64_C(1) << vm_params_count(env->params, "bits");
    s->nframes_table = (uint32_t)((s->va_end + FRAME_SPAN - 1) / FRAME_SPAN);
    s->space = (struct linear_space *)(s + 1);
    s->filled = (uint16_t *)((uint8_t *)s->space + space_bytes(env));
}

static vm_pfn linear_table(const struct linear *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return s->space[asid].table;
}

static vm_pa linear_at(const struct linear *s, vm_asid asid, vm_va va)
{
    return ((vm_pa)linear_table(s, asid) << PAGE_SHIFT) + (va >> PAGE_SHIFT << WORD_SHIFT);
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

static bool linear_ensure(void *state, vm_asid asid, vm_va va)
{
    const struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return va < s->va_end;
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
    uint16_t *filled = &s->filled[at >> PAGE_SHIFT];
    *filled = (uint16_t)(*filled + (after != 0) - (before != 0));
}

static vm_va linear_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct linear *s = state;
    VM_ASSERT(va % (UINT64_C(1) << PAGE_SHIFT) == 0 && va <= end);
    const uint16_t *filled = s->filled + linear_table(s, asid);
    vm_va limit = end < s->va_end ? end : s->va_end;
    while (va < limit) {
        if (filled[va / FRAME_SPAN] == 0)
            va = (va | (FRAME_SPAN - 1)) + 1;
        else if (linear_load(s, linear_at(s, asid, va)) == 0)
            va += UINT64_C(1) << PAGE_SHIFT;
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

static void linear_walk(void *state, vm_asid asid, vm_va va, enum vm_access access,
                        struct vm_walk *out)
{
    struct linear *s = state;
    walk_begin(out, PAGE_SHIFT);
    if (va >= s->va_end) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    vm_pa at = linear_at(s, asid, va);
    uint64_t word = linear_load(s, at), after;
    walk_load(out, at, word);
    after = walk_end(out, access, word);
    if (after != word) {
        linear_store(s, at, after);
        out->nstores++;
    }
}

static uint64_t linear_footprint(const void *state, vm_asid asid)
{
    const struct linear *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].open);
    return s->nframes_table;
}

static void linear_check(const void *state)
{
    const struct linear *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        if (!s->space[asid].open)
            continue;
        for (vm_va base = 0; base < s->va_end; base += FRAME_SPAN) {
            unsigned filled = 0;
            for (vm_va va = base; va < base + FRAME_SPAN && va < s->va_end; va += 1 << PAGE_SHIFT) {
                uint64_t word = linear_load(s, linear_at(s, (vm_asid)asid, va));
                VM_ASSERT(entry_encode(entry_decode(word)) == word);
                filled += word != 0;
            }
            VM_ASSERT(filled == s->filled[s->space[asid].table + base / FRAME_SPAN]);
        }
    }
}

const struct vm_scheme_ops vm_scheme_linear = {
    .name = "linear",
    .summary = "one flat table an address space, in consecutive frames",
    .page_shift = PAGE_SHIFT,
    .va_bits = BITS_DEFAULT,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
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
};
