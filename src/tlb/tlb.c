/* tlb.c - see tlb.h. What happens on a miss, an invalidation, and at a hit that the engine's loop
 * does not remember. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/plru.h"
#include "base/random.h"

#include <pagoda/tlb.h>
#include <string.h>

const char *const vm_tlb_replace_names[4] = {"lru", "plru", "fifo", "random"};

/* ---- building one ---- */

static uint32_t sets_of(const struct vm_tlb_config *c)
{
    return c->entries / c->ways;
}

static bool check_shape(const struct vm_tlb_config *c, struct vm_error *e)
{
    if (c->entries == 0 || c->ways == 0)
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u entries, %u ways: expected at least one of each", c->entries,
                       c->ways);
    if (c->entries % c->ways)
        return vm_fail(e, VM_EMACHINE,
                       "TLB ways do not divide the entries: %u entries in sets of %u leave %u over",
                       c->entries, c->ways, c->entries % c->ways);
    if (!vm_is_pow2(sets_of(c)))
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u entries in %u ways has %u sets: expected a power of two, since "
                       "bits of the page number select the set",
                       c->entries, c->ways, sets_of(c));
    return true;
}

bool vm_tlb_config_check(const struct vm_tlb_config *c, struct vm_error *e)
{
    if (!check_shape(c, e))
        return false;
    if (c->wired && sets_of(c) > 1)
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u sets with wired entries: expected a fully associative one",
                       sets_of(c));
    if (c->wired >= c->entries)
        return vm_fail(e, VM_EMACHINE,
                       "a TLB of %u entries, %u of them wired: expected one more at least",
                       c->entries, c->wired);
    if (c->replace == VM_TLB_PLRU &&
        (!vm_is_pow2(c->ways - c->wired) || c->ways - c->wired > VM_PLRU_WAYS))
        return vm_fail(e, VM_EMACHINE,
                       "a plru TLB of %u ways: expected a power of two up to %d, since a binary "
                       "tree chooses the way",
                       c->ways - c->wired, VM_PLRU_WAYS);
    return true;
}

/* Words of value[], and of bounds[] where there is one. */
static size_t pages_of(const struct vm_tlb_config *c)
{
    return (size_t)c->entries << c->pairs;
}

size_t vm_tlb_size(const struct vm_tlb_config *c)
{
    return sizeof(uint64_t) * (2 * c->entries + pages_of(c) * (1 + c->bounded) + sets_of(c));
}

void vm_tlb_init(struct vm_tlb *t, const struct vm_tlb_config *c, uint64_t seed, void *memory)
{
    uint64_t *words = memory;
    *t = (struct vm_tlb){
        .tag = words,
        .stamp = words + c->entries,
        .value = words + 2 * c->entries,
        .tree = words + 2 * c->entries + pages_of(c),
        .bounds = c->bounded ? words + 2 * c->entries + pages_of(c) + sets_of(c) : NULL,
        .random = seed,
        .ways = c->ways,
        .set_mask = sets_of(c) - 1,
        .open = c->ways - c->wired,
        .fold = 63,
        .pair_shift = c->pairs,
        .replace = c->replace,
    };
    if (c->index == VM_TLB_INDEX_XOR && sets_of(c) > 1)
        t->fold = (uint8_t)vm_log2(sets_of(c));
    memset(t->tag, 0xff, sizeof *t->tag * c->entries);
}

/* ---- entries ---- */

static uint32_t sets(const struct vm_tlb *t)
{
    return t->set_mask + 1;
}

/* Whether recency or age is the order of a set's ways. */
static bool is_ordered(const struct vm_tlb *t)
{
    return t->replace == VM_TLB_LRU || t->replace == VM_TLB_FIFO;
}

static bool is_global(uint64_t tag)
{
    return (tag & 0xfff) == VM_TLB_GLOBAL;
}

/* Which page of its entry has `tag`. */
static uint64_t half_of(const struct vm_tlb *t, uint64_t tag)
{
    return tag >> 12 & t->pair_shift;
}

/* Whether the page at value[i], whose entry is not empty, is there. */
static bool is_page(const struct vm_tlb *t, uint64_t i)
{
    return !t->pair_shift || t->value[i];
}

/* The order of the pages of entry `way` (one of a pair may be missing). */
static unsigned order_of(const struct vm_tlb *t, uint64_t way)
{
    uint64_t i = way << t->pair_shift;
    return vm_tlb_order(t->value[is_page(t, i) ? i : i + 1]);
}

/* The entry with this own tag for pages of `order`, or -1. */
static int64_t find_way(const struct vm_tlb *t, uint64_t own, unsigned order)
{
    uint64_t first = vm_tlb_set(t, own) * t->ways;
    for (uint64_t way = first; way < first + t->ways; way++)
        if (t->tag[way] == own && order_of(t, way) == order)
            return (int64_t)way;
    return -1;
}

/* The same where an entry is one page. */
static int64_t find_plain(const struct vm_tlb *t, uint64_t tag, unsigned order)
{
    uint64_t first = vm_tlb_set(t, tag) * t->ways;
    for (uint64_t i = first; i < first + t->ways; i++)
        if (t->tag[i] == tag && vm_tlb_order(t->value[i]) == order)
            return (int64_t)i;
    return -1;
}

int64_t vm_tlb_find(const struct vm_tlb *t, uint64_t tag, unsigned order)
{
    if (!t->pair_shift)
        return find_plain(t, tag, order);
    int64_t way = find_way(t, vm_tlb_own_tag(t, tag), order);
    if (way < 0)
        return -1;
    uint64_t i = ((uint64_t)way << t->pair_shift) + half_of(t, tag);
    return is_page(t, i) ? (int64_t)i : -1;
}

uint64_t vm_tlb_tag_at(const struct vm_tlb *t, uint64_t i)
{
    uint64_t own = t->tag[i >> t->pair_shift];
    if (!t->pair_shift)
        return own;
    return (((own >> 12) << 1 | (i & 1)) << 12) | (own & 0xfff);
}

static struct vm_tlb_entry entry_of(const struct vm_tlb *t, uint64_t value, uint64_t bounds)
{
    if (t->bounds)
        return (struct vm_tlb_entry){value, (uint32_t)bounds, (uint32_t)(bounds >> 32)};
    return (struct vm_tlb_entry){.value = value, .end = 1u << vm_tlb_order(value)};
}

struct vm_tlb_entry vm_tlb_entry_at(const struct vm_tlb *t, uint64_t i)
{
    return entry_of(t, t->value[i], t->bounds ? t->bounds[i] : 0);
}

void vm_tlb_set_entry(struct vm_tlb *t, uint64_t i, struct vm_tlb_entry e)
{
    t->value[i] = e.value;
    if (t->bounds)
        t->bounds[i] = e.first | (uint64_t)e.end << 32;
}

/* What an entry holds. */
struct held {
    uint64_t tag, value[2], bounds[2];
};

static struct held hold(const struct vm_tlb *t, uint64_t way)
{
    struct held h = {.tag = t->tag[way]};
    for (uint64_t half = 0; half <= t->pair_shift; half++) {
        h.value[half] = t->value[(way << t->pair_shift) + half];
        if (t->bounds)
            h.bounds[half] = t->bounds[(way << t->pair_shift) + half];
    }
    return h;
}

static void put(struct vm_tlb *t, uint64_t way, const struct held *h)
{
    t->tag[way] = h->tag;
    for (uint64_t half = 0; half <= t->pair_shift; half++) {
        t->value[(way << t->pair_shift) + half] = h->value[half];
        if (t->bounds)
            t->bounds[(way << t->pair_shift) + half] = h->bounds[half];
    }
}

/* ---- use ---- */

void vm_tlb_use_tree(struct vm_tlb *t, uint64_t way)
{
    uint32_t set = (uint32_t)way / t->ways; /* entries are counted by 32 bits */
    t->tree[set] = vm_plru_use(t->tree[set], t->open, (uint32_t)way - set * t->ways);
}

/* ---- coming and leaving ---- */

/* The way with the least stamp: an empty one if there is any. */
static uint64_t oldest(const struct vm_tlb *t, uint64_t first)
{
    uint64_t least = t->stamp[first], way = first;
    for (uint64_t i = first + 1; i < first + t->open; i++) {
        way = t->stamp[i] < least ? i : way;
        least = t->stamp[i] < least ? t->stamp[i] : least;
    }
    return way;
}

/* The way of the set that a fill replaces: an empty one if there is any. */
static uint64_t place_of_fill(struct vm_tlb *t, uint64_t set)
{
    uint64_t first = set * t->ways;
    if (is_ordered(t))
        return oldest(t, first);
    for (uint32_t w = 0; w < t->open; w++)
        if (t->tag[first + w] == VM_TLB_EMPTY)
            return first + w;
    if (t->replace == VM_TLB_PLRU)
        return first + vm_plru_victim(t->tree[set], t->open);
    t->random += UINT64_C(0x9e3779b97f4a7c15);
    return first + (uint64_t)((unsigned __int128)vm_mix64(t->random) * t->open >> 64);
}

/* What was in an entry is not in the TLB any more. */
static void tell_left(struct vm_tlb *t, const struct held *h)
{
    t->nglobal -= is_global(h->tag);
    if (!t->leaving)
        return;
    for (uint64_t half = 0; half <= t->pair_shift; half++) {
        uint64_t page = (h->tag >> 12) << t->pair_shift | half;
        if (h->value[half] & VM_TLB_OWES)
            t->leaving(t->host, t, page << 12 | (h->tag & 0xfff),
                       entry_of(t, h->value[half], h->bounds[half]));
    }
}

/* Entry `way` has come. */
static void note_fill(struct vm_tlb *t, uint64_t way)
{
    t->last = way;
    if (is_ordered(t))
        t->stamp[way] = ++t->now;
    else if (t->replace == VM_TLB_PLRU)
        vm_tlb_use_tree(t, way);
}

/* What a fill replaced, if anything, is gone. */
static uint64_t filled(struct vm_tlb *t, uint64_t tag, const struct held *gone)
{
    t->nglobal += is_global(tag);
    if (gone->tag != VM_TLB_EMPTY) {
        t->gone_order = (uint8_t)vm_tlb_order(gone->value[0] | gone->value[1]);
        t->counts.evictions++;
        tell_left(t, gone);
    }
    return gone->tag;
}

/* Where an entry is one page without bounds, as in most TLBs: each miss comes here. */
static uint64_t fill_plain(struct vm_tlb *t, uint64_t tag, uint64_t value)
{
    uint64_t first = vm_tlb_set(t, tag) * t->ways, way = place_of_fill(t, first / t->ways);
    struct held gone;
    gone.tag = t->tag[way];
    gone.value[0] = t->value[way];
    gone.value[1] = gone.bounds[0] = 0;
    t->tag[way] = tag;
    t->value[way] = value;
    note_fill(t, way);
    return filled(t, tag, &gone);
}

uint64_t vm_tlb_fill(struct vm_tlb *t, uint64_t tag, struct vm_tlb_entry e)
{
    VM_EXPECT(vm_tlb_find(t, tag, vm_tlb_order(e.value)) < 0);
    if (!t->pair_shift && !t->bounds) {
        t->counts.fills++;
        return fill_plain(t, tag, e.value);
    }
    uint64_t own = vm_tlb_own_tag(t, tag), set = vm_tlb_set(t, own), half = half_of(t, tag);
    int64_t pair = t->pair_shift ? find_way(t, own, vm_tlb_order(e.value)) : -1;
    t->counts.fills++;
    if (pair >= 0) { /* beside its neighbour */
        uint64_t i = ((uint64_t)pair << 1) + half;
        vm_tlb_use(t, i);
        vm_tlb_set_entry(t, i, e);
        return VM_TLB_EMPTY;
    }
    uint64_t way = place_of_fill(t, set);
    struct held gone = hold(t, way), come = {.tag = own};
    come.value[half] = e.value;
    come.bounds[half] = e.first | (uint64_t)e.end << 32;
    put(t, way, &come);
    note_fill(t, way);
    return filled(t, tag, &gone);
}

static void drop(struct vm_tlb *t, uint64_t way)
{
    struct held gone = hold(t, way);
    t->counts.invalidations++;
    t->tag[way] = VM_TLB_EMPTY;
    t->stamp[way] = 0;
    tell_left(t, &gone);
}

uint64_t vm_tlb_first_in(const struct vm_tlb *t, uint64_t way, uint64_t page, uint64_t n)
{
    unsigned shift = order_of(t, way) + t->pair_shift;
    uint64_t first = (t->tag[way] >> 12) << shift, end = first + (UINT64_C(1) << shift);
    if (first >= page + n || end <= page)
        return n;
    return first < page ? 0 : first - page;
}

bool vm_tlb_invalidate(struct vm_tlb *t, uint64_t tag, unsigned order)
{
    int64_t way = find_way(t, vm_tlb_own_tag(t, tag), order);
    if (way >= 0)
        drop(t, (uint64_t)way);
    return way >= 0;
}

void vm_tlb_invalidate_space(struct vm_tlb *t, vm_asid asid)
{
    for (uint64_t i = 0, end = (uint64_t)sets(t) * t->ways; i < end; i++)
        if (t->tag[i] != VM_TLB_EMPTY && (t->tag[i] & 0xfff) == asid)
            drop(t, i);
}

void vm_tlb_flush(struct vm_tlb *t)
{
    for (uint64_t i = 0, end = (uint64_t)sets(t) * t->ways; i < end; i++)
        if (t->tag[i] != VM_TLB_EMPTY && !is_global(t->tag[i]))
            drop(t, i);
}

/* ---- the order of a set ---- */

static bool is_before(const struct vm_tlb *t, uint64_t a, uint64_t b)
{
    return t->stamp[a] != t->stamp[b] ? t->stamp[a] > t->stamp[b] : a < b;
}

uint64_t vm_tlb_rank(const struct vm_tlb *t, uint64_t way)
{
    uint64_t first = way / t->ways * t->ways, rank = 0;
    if (!is_ordered(t))
        return way - first;
    for (uint64_t i = first; i < first + t->ways; i++)
        rank += is_before(t, i, way);
    return rank;
}

/* ---- the check ---- */

static void check_page(const struct vm_tlb *t, uint64_t i, unsigned order)
{
    uint64_t value = t->value[i];
    if (!is_page(t, i))
        return;
    VM_ASSERT(vm_tlb_order(value) == order);
    VM_ASSERT(!(value & VM_TLB_DIRTY) || (value & VM_PROT_WRITE));
    VM_ASSERT(!(value & VM_TLB_OWES_DIRTY) || (value & VM_TLB_DIRTY));
    VM_ASSERT(!(value & VM_TLB_OWES) || t->leaving);
    if (t->bounds) {
        struct vm_tlb_entry e = vm_tlb_entry_at(t, i);
        VM_ASSERT(e.first < e.end && e.end <= UINT64_C(1) << order);
    }
}

static void check_set(const struct vm_tlb *t, uint64_t set, uint32_t *nglobal)
{
    uint64_t first = set * t->ways;
    for (uint64_t way = first; way < first + t->ways; way++) {
        VM_ASSERT(t->tag[way] != VM_TLB_EMPTY || !t->stamp[way]);
        if (t->tag[way] == VM_TLB_EMPTY)
            continue;
        unsigned order = order_of(t, way);
        VM_ASSERT(way < first + t->open && vm_tlb_set(t, t->tag[way]) == set);
        VM_ASSERT(find_way(t, t->tag[way], order) == (int64_t)way);
        VM_ASSERT(!is_ordered(t) || (t->stamp[way] && t->stamp[way] <= t->now));
        for (uint64_t half = 0; half <= t->pair_shift; half++)
            check_page(t, (way << t->pair_shift) + half, order);
        *nglobal += is_global(t->tag[way]);
    }
}

void vm_tlb_check(const struct vm_tlb *t)
{
    uint32_t nglobal = 0;
    for (uint64_t set = 0; set < sets(t); set++)
        check_set(t, set, &nglobal);
    VM_ASSERT(nglobal == t->nglobal);
}
