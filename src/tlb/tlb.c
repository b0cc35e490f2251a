/* tlb.c - see tlb.h. What happens on a miss, an invalidation, and at the second hit of a set;
 * the engine's loop has the search for the common hit inlined. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/plru.h"
#include "base/random.h"

#include <pagoda/tlb.h>
#include <string.h>

const char *const vm_tlb_replace_names[4] = {"lru", "plru", "fifo", "random"};

bool vm_tlb_config_check(const struct vm_tlb_config *c, struct vm_error *e)
{
    if (c->entries == 0 || c->ways == 0)
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u entries, %u ways: expected at least one of each", c->entries,
                       c->ways);
    if (c->entries % c->ways)
        return vm_fail(e, VM_EMACHINE,
                       "TLB ways do not divide the entries: %u entries in sets of %u leave %u over",
                       c->entries, c->ways, c->entries % c->ways);
    if (!vm_is_pow2(c->entries / c->ways))
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u entries in %u ways has %u sets: expected a power of two, since "
                       "low bits of the page number select the set",
                       c->entries, c->ways, c->entries / c->ways);
    if (c->replace == VM_TLB_PLRU && (!vm_is_pow2(c->ways) || c->ways > 64))
        return vm_fail(e, VM_EMACHINE,
                       "a plru TLB of %u ways: expected a power of two up to 64, since a binary "
                       "tree chooses the way",
                       c->ways);
    return true;
}

size_t vm_tlb_size(const struct vm_tlb_config *c)
{
    return sizeof(uint64_t) * ((size_t)c->entries * 2 + c->entries / c->ways);
}

void vm_tlb_init(struct vm_tlb *t, const struct vm_tlb_config *c, uint64_t seed, void *memory)
{
    uint64_t *words = memory;
    *t = (struct vm_tlb){
        .tag = words,
        .value = words + c->entries,
        .tree = words + 2 * (size_t)c->entries,
        .random = seed,
        .ways = c->ways,
        .set_mask = c->entries / c->ways - 1,
        .replace = c->replace,
    };
    memset(t->tag, 0xff, sizeof *t->tag * c->entries);
}

static uint32_t sets(const struct vm_tlb *t)
{
    return t->set_mask + 1;
}

/* Whether recency or age is the order of a set's ways. */
static bool is_ordered(const struct vm_tlb *t)
{
    return t->replace == VM_TLB_LRU || t->replace == VM_TLB_FIFO;
}

/* Shift ways [first, i) up by one and put (tag, value) in front. */
static void put_in_front(struct vm_tlb *t, uint64_t first, uint64_t i, uint64_t tag, uint64_t value)
{
    for (; i > first; i--) {
        t->tag[i] = t->tag[i - 1];
        t->value[i] = t->value[i - 1];
    }
    t->tag[first] = tag;
    t->value[first] = value;
}

static void tree_use(struct vm_tlb *t, uint64_t set, uint64_t way)
{
    t->tree[set] = vm_plru_use(t->tree[set], t->ways, (uint32_t)way);
}

uint64_t vm_tlb_use(struct vm_tlb *t, uint64_t i)
{
    uint64_t set = vm_tlb_set(t, t->tag[i]), first = set * t->ways;
    switch (t->replace) {
    case VM_TLB_LRU:
        put_in_front(t, first, i, t->tag[i], t->value[i]);
        return first;
    case VM_TLB_PLRU:
        tree_use(t, set, i - first);
        return i;
    case VM_TLB_FIFO:
    case VM_TLB_RANDOM:
        break;
    }
    return i;
}

/* The way of the set that a fill replaces: an empty one if there is any. */
static uint64_t place_of_fill(struct vm_tlb *t, uint64_t set)
{
    uint64_t first = set * t->ways;
    if (is_ordered(t))
        return first + t->ways - 1;
    for (uint32_t w = 0; w < t->ways; w++)
        if (t->tag[first + w] == VM_TLB_EMPTY)
            return first + w;
    if (t->replace == VM_TLB_PLRU)
        return first + vm_plru_victim(t->tree[set], t->ways);
    t->random += UINT64_C(0x9e3779b97f4a7c15);
    return first + (uint64_t)((unsigned __int128)vm_mix64(t->random) * t->ways >> 64);
}

static bool is_global(uint64_t tag)
{
    return (tag & 0xfff) == VM_TLB_GLOBAL;
}

uint64_t vm_tlb_fill(struct vm_tlb *t, uint64_t tag, uint64_t value)
{
    VM_EXPECT(vm_tlb_find(t, tag) < 0);
    uint64_t set = vm_tlb_set(t, tag), i = place_of_fill(t, set);
    uint64_t replaced = t->tag[i];
    t->counts.fills++;
    if (replaced != VM_TLB_EMPTY) {
        t->counts.evictions++;
        t->nglobal -= is_global(replaced);
    }
    t->nglobal += is_global(tag);
    if (is_ordered(t)) {
        put_in_front(t, set * t->ways, i, tag, value);
        return replaced;
    }
    t->tag[i] = tag;
    t->value[i] = value;
    if (t->replace == VM_TLB_PLRU)
        tree_use(t, set, i - set * t->ways);
    return replaced;
}

/* Empty entry `i`; where ways are ordered, those behind it close the gap. */
static void drop(struct vm_tlb *t, uint64_t i)
{
    t->counts.invalidations++;
    t->nglobal -= is_global(t->tag[i]);
    if (is_ordered(t)) {
        uint64_t end = (i / t->ways + 1) * t->ways;
        for (; i + 1 < end; i++) {
            t->tag[i] = t->tag[i + 1];
            t->value[i] = t->value[i + 1];
        }
    }
    t->tag[i] = VM_TLB_EMPTY;
}

bool vm_tlb_invalidate(struct vm_tlb *t, uint64_t tag)
{
    int64_t i = vm_tlb_find(t, tag);
    if (i >= 0)
        drop(t, (uint64_t)i);
    return i >= 0;
}

void vm_tlb_invalidate_space(struct vm_tlb *t, vm_asid asid)
{
    /* From the last entry down: closing a gap moves only entries that were looked at. */
    for (uint64_t i = (uint64_t)sets(t) * t->ways; i-- > 0;)
        if (t->tag[i] != VM_TLB_EMPTY && (t->tag[i] & 0xfff) == asid)
            drop(t, i);
}

void vm_tlb_flush(struct vm_tlb *t)
{
    for (uint64_t i = (uint64_t)sets(t) * t->ways; i-- > 0;)
        if (t->tag[i] != VM_TLB_EMPTY && !is_global(t->tag[i]))
            drop(t, i);
}

static void check_set(const struct vm_tlb *t, uint64_t set, uint32_t *nglobal)
{
    const uint64_t *tag = t->tag + set * t->ways;
    for (uint32_t w = 0; w < t->ways; w++) {
        if (tag[w] == VM_TLB_EMPTY)
            continue;
        VM_ASSERT(vm_tlb_set(t, tag[w]) == set);
        for (uint32_t v = w + 1; v < t->ways; v++)
            VM_ASSERT(tag[v] != tag[w]);
        VM_ASSERT(!is_ordered(t) || w == 0 || tag[w - 1] != VM_TLB_EMPTY);
        uint64_t value = t->value[set * t->ways + w];
        VM_ASSERT(!(value & VM_TLB_DIRTY) || (value & VM_PROT_WRITE));
        *nglobal += is_global(tag[w]);
    }
}

void vm_tlb_check(const struct vm_tlb *t)
{
    uint32_t nglobal = 0;
    for (uint64_t set = 0; set < sets(t); set++)
        check_set(t, set, &nglobal);
    VM_ASSERT(nglobal == t->nglobal);
}
