/* radix_template.inc.h - a page table as a radix tree of one-frame tables, stamped for each row.
 *
 * An address is cut into the page offset and one index for each level; the word at an index holds
 * the frame of the table below, and at level 0 the page itself:
 *
 *      va   | index 2 | index 1 | index 0 | offset |
 *              |         |         |
 *      root -> word -> table -> word -> table -> page's word
 *
 * Before including it a row defines RADIX_OPS (its symbol), RADIX_NAME, RADIX_SUMMARY,
 * RADIX_LEVELS, RADIX_WORD (uint32_t or uint64_t) and RADIX_SIGN_EXTENDED (whether an address's
 * bits above the translated ones must be copies of the highest translated one, or else zero), and
 * includes the bits of its entries, riscv.inc.h or x86.inc.h.
 *
 * Invariants
 *  1. A table fills its frame; an index has as many bits as that takes.
 *  2. filled[table] is the number of the table's words that are not 0, and 0 for other frames.
 *  3. Above level 0 a word is 0 or a pointer to a table that no other word points to.
 *  4. ntables of an address space is the number of its tables, the root included; 0: not open.
 *
 * A failed ensure() leaves the tables it got, empty: the next ensure() or trim() finds them.
 * trim() gives back every empty table that the range touches, even if the table reaches beyond it.
 *
 * Not here: pages larger than a frame. No interface maps one yet.
 */
#include "scheme/entry.inc.h"

#include <string.h>

enum {
    RADIX_PAGE_SHIFT = 12,
    RADIX_INDEX_BITS = RADIX_PAGE_SHIFT - (sizeof(RADIX_WORD) == 4 ? 2 : 3),
    RADIX_ENTRIES = 1 << RADIX_INDEX_BITS,
    RADIX_ROOT_LEVEL = RADIX_LEVELS - 1,
    RADIX_VA_BITS = RADIX_PAGE_SHIFT + RADIX_LEVELS * RADIX_INDEX_BITS,
};
_Static_assert(RADIX_LEVELS <= VM_WALK_LOADS, "a walk reads a word a level");

struct radix_space {
    vm_pfn root;
    uint32_t ntables; /* 0: not open */
};

struct radix {
    struct vm_scheme_env env;
    struct radix_space *space; /* [nasids] */
    uint16_t *filled;          /* [nframes] */
};

static inline uint64_t radix_span(unsigned level)
{
    return UINT64_C(1) << (RADIX_PAGE_SHIFT + level * RADIX_INDEX_BITS);
}

/* Positions are addresses without the bits above the translated ones: they grow as addresses do,
 * without the hole in the middle. */
static inline vm_va radix_va(uint64_t position)
{
    unsigned above = 64 - RADIX_VA_BITS;
    return RADIX_SIGN_EXTENDED ? (vm_va)((int64_t)(position << above) >> above) : position;
}

static inline bool radix_names(vm_va va)
{
    return radix_va(va & vm_low_bits(RADIX_VA_BITS)) == va;
}

/* The position of va, or of the first address after it that has one; 2^RADIX_VA_BITS if none. */
static uint64_t radix_position(vm_va va)
{
    if (radix_names(va))
        return va & vm_low_bits(RADIX_VA_BITS);
    return UINT64_C(1) << (RADIX_SIGN_EXTENDED ? RADIX_VA_BITS - 1 : RADIX_VA_BITS);
}

static inline vm_pa radix_at(vm_pfn table, uint64_t position, unsigned level)
{
    uint64_t index = position / radix_span(level) % RADIX_ENTRIES;
    return ((vm_pa)table << RADIX_PAGE_SHIFT) + index * sizeof(RADIX_WORD);
}

static inline uint64_t radix_load(const struct radix *s, vm_pa at)
{
    RADIX_WORD word;
    memcpy(&word, s->env.memory + at, sizeof word);
    return word;
}

static inline void radix_store(struct radix *s, vm_pa at, uint64_t word)
{
    RADIX_WORD narrow = (RADIX_WORD)word;
    VM_ASSERT(narrow == word);
    memcpy(s->env.memory + at, &narrow, sizeof narrow);
}

static inline struct radix_space *radix_space(const struct radix *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].ntables > 0);
    return &s->space[asid];
}

static size_t radix_space_bytes(const struct vm_scheme_env *env)
{
    return env->nasids * sizeof(struct radix_space);
}

static size_t radix_size(const struct vm_scheme_env *env)
{
    return sizeof(struct radix) + radix_space_bytes(env) + env->nframes * sizeof(uint16_t);
}

static void radix_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->page_shift == RADIX_PAGE_SHIFT && env->nasids <= VM_ASID_MAX + 1);
    VM_ASSERT(vm_bits_below(env->nframes) <= PTE_PFN_BITS);
    struct radix *s = state;
    s->env = *env;
    s->space = (struct radix_space *)(s + 1);
    s->filled = (uint16_t *)((uint8_t *)s->space + radix_space_bytes(env));
}

static vm_pfn radix_take(struct radix *s, struct radix_space *space)
{
    vm_pfn table = s->env.take(s->env.host, 1);
    if (table != VM_NOFRAME) {
        VM_ASSERT(table < s->env.nframes && s->filled[table] == 0);
        space->ntables++;
    }
    return table;
}

static void radix_give(struct radix *s, struct radix_space *space, vm_pfn table)
{
    s->filled[table] = 0;
    space->ntables--;
    s->env.give(s->env.host, table, 1);
}

static bool radix_open(void *state, vm_asid asid)
{
    struct radix *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].ntables == 0);
    vm_pfn root = radix_take(s, &s->space[asid]);
    s->space[asid].root = root;
    return root != VM_NOFRAME;
}

static void radix_drop(struct radix *s, struct radix_space *space, vm_pfn table, unsigned level)
{
    vm_pa at = radix_at(table, 0, 0);
    for (unsigned left = level > 0 ? s->filled[table] : 0; left > 0; at += sizeof(RADIX_WORD)) {
        uint64_t word = radix_load(s, at);
        if (word == 0)
            continue;
        radix_drop(s, space, pte_pfn(word), level - 1);
        left--;
    }
    radix_give(s, space, table);
}

static void radix_close(void *state, vm_asid asid)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    radix_drop(s, space, space->root, RADIX_ROOT_LEVEL);
    VM_ASSERT(space->ntables == 0);
}

static bool radix_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    VM_ASSERT(order == 0);
    if (!radix_names(va))
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "address 0x%llx: " RADIX_NAME " names %u bits of address",
                       (unsigned long long)va, (unsigned)RADIX_VA_BITS);
    vm_pfn table = space->root;
    for (unsigned level = RADIX_ROOT_LEVEL; level > 0; level--) {
        vm_pa at = radix_at(table, va, level);
        if (radix_load(s, at) == 0) {
            vm_pfn fresh = radix_take(s, space);
            if (fresh == VM_NOFRAME)
                return false;
            VM_ASSERT(radix_load(s, at) == 0); /* taking may set entries, but makes no table */
            radix_store(s, at, PTE_POINTER | (uint64_t)fresh << PTE_PFN_SHIFT);
            s->filled[table]++;
        }
        table = pte_pfn(radix_load(s, at));
    }
    return true;
}

/* The level-0 table of va, or VM_NOFRAME. */
static vm_pfn radix_leaf(const struct radix *s, vm_asid asid, vm_va va)
{
    vm_pfn table = radix_space(s, asid)->root;
    for (unsigned level = RADIX_ROOT_LEVEL; level > 0; level--) {
        uint64_t word = radix_load(s, radix_at(table, va, level));
        if (word == 0)
            return VM_NOFRAME;
        table = pte_pfn(word);
    }
    return table;
}

static struct vm_pte radix_get(const void *state, vm_asid asid, vm_va va)
{
    const struct radix *s = state;
    vm_pfn table = radix_names(va) ? radix_leaf(s, asid, va) : VM_NOFRAME;
    return entry_decode(table == VM_NOFRAME ? 0 : radix_load(s, radix_at(table, va, 0)));
}

static void radix_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct radix *s = state;
    VM_ASSERT(radix_names(va));
    VM_ASSERT(pte.state != VM_PTE_PRESENT || pte.pfn < s->env.nframes);
    vm_pfn table = radix_leaf(s, asid, va);
    VM_ASSERT(table != VM_NOFRAME);
    vm_pa at = radix_at(table, va, 0);
    uint64_t before = radix_load(s, at), after = entry_encode(pte);
    radix_store(s, at, after);
    s->filled[table] = (uint16_t)(s->filled[table] + (after != 0) - (before != 0));
}

/* The first position in [position, end), all under this table, whose entry is not empty; or end. */
static uint64_t radix_scan(const struct radix *s, vm_pfn table, unsigned level, uint64_t position,
                           uint64_t end)
{
    while (s->filled[table] > 0 && position < end) {
        uint64_t word = radix_load(s, radix_at(table, position, level));
        uint64_t after = (position | (radix_span(level) - 1)) + 1;
        uint64_t limit = after < end ? after : end;
        if (word != 0) {
            uint64_t found =
                level == 0 ? position : radix_scan(s, pte_pfn(word), level - 1, position, limit);
            if (found < limit)
                return found;
        }
        position = limit;
    }
    return end;
}

static vm_va radix_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct radix *s = state;
    VM_ASSERT(va % radix_span(0) == 0 && va <= end);
    uint64_t position_end = radix_position(end);
    uint64_t found = radix_scan(s, radix_space(s, asid)->root, RADIX_ROOT_LEVEL, radix_position(va),
                                position_end);
    return found < position_end ? radix_va(found) : end;
}

/* Trim below `table` in [position, end), all under it. */
static void radix_prune(struct radix *s, struct radix_space *space, vm_pfn table, unsigned level,
                        uint64_t position, uint64_t end)
{
    while (level > 0 && s->filled[table] > 0 && position < end) {
        vm_pa at = radix_at(table, position, level);
        uint64_t word = radix_load(s, at);
        uint64_t after = (position | (radix_span(level) - 1)) + 1;
        uint64_t limit = after < end ? after : end;
        if (word != 0) {
            radix_prune(s, space, pte_pfn(word), level - 1, position, limit);
            if (s->filled[pte_pfn(word)] == 0) {
                radix_give(s, space, pte_pfn(word));
                radix_store(s, at, 0);
                s->filled[table]--;
            }
        }
        position = limit;
    }
}

static void radix_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct radix *s = state;
    struct radix_space *space = radix_space(s, asid);
    radix_prune(s, space, space->root, RADIX_ROOT_LEVEL, radix_position(va), radix_position(end));
}

static inline void radix_write_back(struct radix *s, struct vm_walk *out, vm_pa at, uint64_t before,
                                    uint64_t after)
{
    if (after != before) {
        radix_store(s, at, after);
        out->nstores++;
    }
}

static void radix_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                       struct vm_walk *out)
{
    struct radix *s = state;
    walk_begin(out);
    if (!radix_names(va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    vm_pfn table = radix_space(s, asid)->root;
    for (unsigned level = RADIX_ROOT_LEVEL; level > 0; level--) {
        vm_pa at = radix_at(table, va, level);
        uint64_t word = radix_load(s, at);
        walk_load(out, at, word, RADIX_PAGE_SHIFT + level * RADIX_INDEX_BITS, VM_LOAD_TABLE);
        if (word == 0) {
            out->fault = VM_WALK_ABSENT;
            return;
        }
        radix_write_back(s, out, at, word, word | PTE_POINTER_ACCESSED);
        table = pte_pfn(word);
    }
    vm_pa at = radix_at(table, va, 0);
    uint64_t word = radix_load(s, at);
    walk_load(out, at, word, RADIX_PAGE_SHIFT, VM_LOAD_LEAF);
    radix_write_back(s, out, at, word, walk_end(out, access, mode, word));
}

static void radix_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    *out = (struct vm_footprint){.own_bytes = (uint64_t)radix_space(state, asid)->ntables
                                              << RADIX_PAGE_SHIFT};
}

static bool radix_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    (void)env, (void)e;
    return true;
}

static unsigned radix_va_bits(const struct vm_scheme_env *env)
{
    (void)env;
    return RADIX_VA_BITS;
}

static uint64_t radix_orders(const struct vm_scheme_env *env)
{
    (void)env;
    return 1;
}

static size_t radix_va_fields(const void *state, struct vm_field *out)
{
    static const char *const names[] = {"index[0]", "index[1]", "index[2]", "index[3]", "index[4]"};
    (void)state;
    for (unsigned level = RADIX_LEVELS; level-- > 0; out++) {
        unsigned low = RADIX_PAGE_SHIFT + level * RADIX_INDEX_BITS;
        *out = (struct vm_field){names[level], (uint8_t)(low + RADIX_INDEX_BITS - 1), (uint8_t)low};
    }
    *out = (struct vm_field){"offset", RADIX_PAGE_SHIFT - 1, 0};
    return RADIX_LEVELS + 1;
}

/* Asserts invariants 2 and 3 of `table` and all below; returns how many tables that is. */
static uint32_t radix_check_table(const struct radix *s, vm_pfn table, unsigned level)
{
    uint32_t ntables = 1;
    unsigned filled = 0;
    VM_ASSERT(table < s->env.nframes);
    for (uint64_t i = 0; i < RADIX_ENTRIES; i++) {
        uint64_t word = radix_load(s, radix_at(table, i * radix_span(level), level));
        filled += word != 0;
        if (level == 0) {
            VM_ASSERT(entry_encode(entry_decode(word)) == word);
        } else if (word != 0) {
            uint64_t fixed = word & ~(uint64_t)PTE_POINTER_ACCESSED;
            VM_ASSERT(fixed == (PTE_POINTER | (uint64_t)pte_pfn(word) << PTE_PFN_SHIFT));
            ntables += radix_check_table(s, pte_pfn(word), level - 1);
        }
    }
    VM_ASSERT(filled == s->filled[table]);
    return ntables;
}

static void radix_check(const void *state)
{
    const struct radix *s = state;
    for (uint32_t asid = 0; asid < s->env.nasids; asid++) {
        const struct radix_space *space = &s->space[asid];
        if (space->ntables > 0)
            VM_ASSERT(radix_check_table(s, space->root, RADIX_ROOT_LEVEL) == space->ntables);
    }
}

const struct vm_scheme_ops RADIX_OPS = {
    .name = RADIX_NAME,
    .summary = RADIX_SUMMARY,
    .page_shift_min = RADIX_PAGE_SHIFT,
    .page_shift_max = RADIX_PAGE_SHIFT,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .accept = radix_accept,
    .va_bits = radix_va_bits,
    .orders = radix_orders,
    .size = radix_size,
    .init = radix_init,
    .open = radix_open,
    .close = radix_close,
    .ensure = radix_ensure,
    .get = radix_get,
    .set = radix_set,
    .next = radix_next,
    .trim = radix_trim,
    .walk = radix_walk,
    .footprint = radix_footprint,
    .check = radix_check,
    .va_fields = radix_va_fields,
    .word_fields = entry_fields,
};
