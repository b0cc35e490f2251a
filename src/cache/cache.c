/* cache.c - one cache of cache.h: where lines may be, who leaves, what conflicts. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/plru.h"
#include "base/random.h"

#include <pagoda/cache.h>

#define ASID_SHIFT VM_CACHE_PA_BITS

const char *const vm_cache_replace_names[4] = {"lru", "plru", "fifo", "random"};
const char *const vm_cache_index_names[3] = {"pipt", "vipt", "vivt"};
const char *const vm_cache_tags_names[3] = {"asid", "flush", "untagged"};
const char *const vm_cache_write_names[2] = {"back", "through"};

/* ---- what can be built ---- */

static bool check_line(const struct vm_cache_config *c, struct vm_error *e)
{
    if (vm_is_pow2(c->line_bytes) && c->line_bytes >= VM_CACHE_LINE_MIN &&
        c->line_bytes <= VM_CACHE_LINE_MAX)
        return true;
    return vm_fail(e, VM_EMACHINE, "cache lines of %u bytes: expected a power of two from %d to %d",
                   c->line_bytes, VM_CACHE_LINE_MIN, VM_CACHE_LINE_MAX);
}

static bool check_lines(const struct vm_cache_config *c, struct vm_error *e)
{
    if (c->ways == 0 || c->ways > VM_CACHE_WAYS_MAX)
        return vm_fail(e, VM_EMACHINE, "a cache of %u ways: expected 1 to %d", c->ways,
                       VM_CACHE_WAYS_MAX);
    if (c->bytes == 0 || c->bytes % c->line_bytes)
        return vm_fail(e, VM_EMACHINE,
                       "a cache of %llu bytes: expected a multiple of its lines' %u bytes",
                       (unsigned long long)c->bytes, c->line_bytes);
    if (c->bytes / c->line_bytes >= UINT32_MAX)
        return vm_fail(e, VM_EMACHINE, "a cache of %llu bytes: expected fewer than 2^32 lines",
                       (unsigned long long)c->bytes);
    return true;
}

static bool check_sets(const struct vm_cache_config *c, struct vm_error *e)
{
    uint64_t lines = c->bytes / c->line_bytes, odd = lines >> __builtin_ctzll(lines);
    if (lines % c->ways == 0 && vm_is_pow2(lines / c->ways))
        return true;
    if (lines % c->ways)
        vm_fail(e, VM_EMACHINE,
                "cache ways do not divide the lines: %llu lines in sets of %u leave %llu over",
                (unsigned long long)lines, c->ways, (unsigned long long)(lines % c->ways));
    else
        vm_fail(e, VM_EMACHINE,
                "a cache of %llu lines in %u ways has %llu sets: expected a power of two",
                (unsigned long long)lines, c->ways, (unsigned long long)(lines / c->ways));
    return vm_hint(e, "ways that would do: %llu, %llu, %llu ...", (unsigned long long)odd,
                   (unsigned long long)odd * 2, (unsigned long long)odd * 4);
}

bool vm_cache_config_check(const struct vm_cache_config *c, struct vm_error *e)
{
    if (!check_line(c, e) || !check_lines(c, e) || !check_sets(c, e))
        return false;
    if (c->replace == VM_CACHE_PLRU && c->ways > VM_PLRU_WAYS)
        return vm_fail(e, VM_EMACHINE, "a plru cache of %u ways: expected at most %d", c->ways,
                       VM_PLRU_WAYS);
    return true;
}

/* ---- building ---- */

static size_t nlines(const struct vm_cache_config *c)
{
    return (size_t)(c->bytes / c->line_bytes);
}

static size_t nhot(const struct vm_cache_config *c)
{
    return c->level == 1 ? nlines(c) / c->ways : 1;
}

static size_t nnames(const struct vm_cache_config *c)
{
    return c->index == VM_CACHE_VIVT ? nlines(c) : 0;
}

static size_t ntrees(const struct vm_cache_config *c)
{
    return c->replace == VM_CACHE_PLRU ? nlines(c) / c->ways : 0;
}

static size_t npaths(const struct vm_cache_config *c)
{
    return c->replace == VM_CACHE_PLRU ? c->ways : 0;
}

size_t vm_cache_size(const struct vm_cache_config *c)
{
    return sizeof(uint64_t) * (nlines(c) + nnames(c) + ntrees(c) + 2 * npaths(c) + 2 * nhot(c));
}

uint32_t vm_cache_colours(const struct vm_cache_config *c, unsigned page_shift)
{
    uint64_t way_bytes = c->bytes / c->ways, page = UINT64_C(1) << page_shift;
    return c->index != VM_CACHE_PIPT && way_bytes > page ? (uint32_t)(way_bytes / page) : 1;
}

void vm_cache_init(struct vm_cache *c, const struct vm_cache_config *config, unsigned page_shift,
                   uint64_t seed, void *memory)
{
    uint64_t *words = memory;
    uint32_t sets = (uint32_t)(nlines(config) / config->ways);
    *c = (struct vm_cache){
        .line = words,
        .name = nnames(config) ? words + nlines(config) : NULL,
        .tree = ntrees(config) ? words + nlines(config) + nnames(config) : NULL,
        .path = (void *)(words + nlines(config) + nnames(config) + ntrees(config)),
        .hot =
            (void *)(words + nlines(config) + nnames(config) + ntrees(config) + 2 * npaths(config)),
        .line_mask = ~(uint64_t)(config->line_bytes - 1),
        .va_mask = config->index == VM_CACHE_PIPT ? 0 : ~UINT64_C(0),
        .line_shift = vm_log2(config->line_bytes),
        .set_mask = sets - 1,
        .hot_mask = (uint32_t)nhot(config) - 1,
        .ways = config->ways,
        .colours = vm_cache_colours(config, page_shift),
        .replace = config->replace,
        .write = config->write,
        .tags = config->tags,
        .random = seed,
    };
    for (uint32_t way = 0; way < npaths(config); way++)
        vm_plru_path(config->ways, way, c->path[way]);
}

/* ---- finding ---- */

static uint64_t first_of(const struct vm_cache *c, uint32_t set)
{
    return (uint64_t)set * c->ways;
}

struct vm_cache_key vm_cache_key(const struct vm_cache *c, vm_va va, vm_pa pa, vm_asid asid)
{
    VM_EXPECT(pa >> VM_CACHE_PA_BITS == 0);
    uint64_t index = pa ^ ((pa ^ va) & c->va_mask), line = (pa & c->line_mask) | VM_CACHE_VALID;
    if (c->name && (asid == VM_CACHE_TABLES || c->tags == VM_CACHE_ASID))
        line |= (uint64_t)asid << ASID_SHIFT;
    return (struct vm_cache_key){
        .line = line,
        .name = va & c->line_mask,
        .set = (uint32_t)(index >> c->line_shift) & c->set_mask,
    };
}

int64_t vm_cache_find(const struct vm_cache *c, struct vm_cache_key key)
{
    uint64_t first = first_of(c, key.set);
    for (uint64_t i = first; i < first + c->ways; i++)
        if ((c->line[i] & ~(uint64_t)VM_CACHE_DIRTY) == key.line)
            return !c->name || c->name[i] == key.name ? (int64_t)i : -1;
    return -1;
}

static bool same_line(uint64_t a, uint64_t b)
{
    return ((a ^ b) & (VM_CACHE_PA_MASK | VM_CACHE_VALID)) == 0;
}

/* The entry of the set with this physical line, or -1. */
static int64_t find_in_set(const struct vm_cache *c, uint32_t set, uint64_t line)
{
    uint64_t first = first_of(c, set);
    for (uint64_t i = first; i < first + c->ways; i++)
        if (same_line(c->line[i], line))
            return (int64_t)i;
    return -1;
}

int64_t vm_cache_find_line(const struct vm_cache *c, vm_pa pa)
{
    uint64_t line = (pa & c->line_mask) | VM_CACHE_VALID;
    uint32_t apart = (c->set_mask + 1) / c->colours; /* sets between two colours' */
    uint32_t set = (uint32_t)(pa >> c->line_shift) & (apart - 1);
    if (c->colours == 1)
        return find_in_set(c, set, line);
    for (uint32_t colour = 0; colour < c->colours; colour++) {
        int64_t i = find_in_set(c, set + colour * apart, line);
        if (i >= 0)
            return i;
    }
    return -1;
}

/* Another line in the key's set that goes by the key's name, or -1. */
static int64_t find_homonym(const struct vm_cache *c, struct vm_cache_key key)
{
    uint64_t first = first_of(c, key.set);
    for (uint64_t i = first; i < first + c->ways; i++)
        if (c->name[i] == key.name && c->line[i] & VM_CACHE_VALID &&
            c->line[i] >> ASID_SHIFT == key.line >> ASID_SHIFT && !same_line(c->line[i], key.line))
            return (int64_t)i;
    return -1;
}

int64_t vm_cache_conflict(struct vm_cache *c, struct vm_cache_key key)
{
    if (c->colours == 1 && !c->name)
        return -1;
    int64_t i = vm_cache_find_line(c, vm_cache_pa(key.line));
    if (i >= 0) {
        ++*(c->name ? &c->counts.synonyms : &c->counts.aliases);
        return i;
    }
    i = c->name ? find_homonym(c, key) : -1;
    c->counts.homonyms += i >= 0;
    return i;
}

/* ---- using, filling, dropping ---- */

/* Whether recency or age is the order of a set's ways. */
static bool is_ordered(const struct vm_cache *c)
{
    return c->replace == VM_CACHE_LRU || c->replace == VM_CACHE_FIFO;
}

/* Shift the entries [first, i) up by one, over entry i, and put this one in front. */
static void put_in_front(uint64_t *entry, uint64_t first, uint64_t i, uint64_t it)
{
    for (; i > first; i--)
        entry[i] = entry[i - 1];
    entry[first] = it;
}

static void note_hot(struct vm_cache *c, struct vm_cache_key key, uint64_t entry)
{
    if (c->name)
        return;
    uint64_t *hot = c->hot[key.set & c->hot_mask];
    hot[0] = key.line;
    hot[1] = entry & VM_CACHE_DIRTY ? key.line : 0;
}

uint64_t vm_cache_use(struct vm_cache *c, struct vm_cache_key key, uint64_t i)
{
    uint64_t first = first_of(c, key.set), entry = c->line[i];
    note_hot(c, key, entry);
    switch (c->replace) {
    case VM_CACHE_LRU:
        put_in_front(c->line, first, i, entry);
        if (c->name)
            put_in_front(c->name, first, i, key.name);
        return first;
    case VM_CACHE_PLRU:
        c->tree[key.set] = vm_plru_follow(c->tree[key.set], c->path[i - first]);
        return i;
    case VM_CACHE_FIFO:
    case VM_CACHE_RANDOM:
        break;
    }
    return i;
}

void vm_cache_soil(struct vm_cache *c, struct vm_cache_key key, uint64_t i)
{
    VM_EXPECT(c->write == VM_CACHE_BACK && (vm_cache_find(c, key) == (int64_t)i));
    c->line[i] |= VM_CACHE_DIRTY;
    note_hot(c, key, VM_CACHE_DIRTY);
}

/* The way of the set that a fill replaces: an empty one if there is any. */
static uint64_t place_of_fill(struct vm_cache *c, uint32_t set)
{
    uint64_t first = first_of(c, set);
    if (is_ordered(c))
        return first + c->ways - 1;
    for (uint32_t w = 0; w < c->ways; w++)
        if (!c->line[first + w])
            return first + w;
    if (c->replace == VM_CACHE_PLRU)
        return first + vm_plru_victim(c->tree[set], c->ways);
    c->random += UINT64_C(0x9e3779b97f4a7c15);
    return first + (uint64_t)((unsigned __int128)vm_mix64(c->random) * c->ways >> 64);
}

uint64_t vm_cache_fill(struct vm_cache *c, struct vm_cache_key key, uint64_t *replaced)
{
    VM_EXPECT(vm_cache_find_line(c, vm_cache_pa(key.line)) < 0);
    uint64_t i = place_of_fill(c, key.set);
    *replaced = c->line[i];
    c->counts.fills++;
    c->counts.evictions += *replaced != 0;
    c->line[i] = key.line;
    if (c->name)
        c->name[i] = key.name;
    if (c->replace != VM_CACHE_FIFO)
        return vm_cache_use(c, key, i);
    put_in_front(c->line, first_of(c, key.set), i, key.line);
    if (c->name)
        put_in_front(c->name, first_of(c, key.set), i, key.name);
    note_hot(c, key, key.line);
    return first_of(c, key.set);
}

/* Close the gap at `i` in a set that ends at `end`. */
static void close_gap(uint64_t *entry, uint64_t i, uint64_t end)
{
    for (; i + 1 < end; i++)
        entry[i] = entry[i + 1];
    entry[i] = 0;
}

uint64_t vm_cache_drop(struct vm_cache *c, uint64_t i)
{
    uint64_t set = i / c->ways, end = is_ordered(c) ? (set + 1) * c->ways : i + 1;
    uint64_t dropped = c->line[i], *hot = c->hot[set & c->hot_mask];
    c->counts.invalidations++;
    close_gap(c->line, i, end);
    if (c->name)
        close_gap(c->name, i, end);
    if (hot[0] == (dropped & ~(uint64_t)VM_CACHE_DIRTY))
        hot[0] = hot[1] = 0;
    return dropped;
}

void vm_cache_clean(struct vm_cache *c, uint64_t i)
{
    uint64_t *hot = c->hot[i / c->ways & c->hot_mask];
    c->line[i] &= ~(uint64_t)VM_CACHE_DIRTY;
    if (hot[0] == c->line[i])
        hot[1] = 0;
}

/* ---- the check ---- */

static void check_hot(const struct vm_cache *c, uint32_t set)
{
    const uint64_t *hot = c->hot[set & c->hot_mask];
    if (c->hot_mask != c->set_mask || !hot[0])
        return;
    int64_t i = find_in_set(c, set, hot[0]);
    VM_ASSERT(i >= 0 && !c->name);
    VM_ASSERT(hot[1] == (c->line[i] & VM_CACHE_DIRTY ? hot[0] : 0));
    VM_ASSERT(c->replace != VM_CACHE_LRU || (uint64_t)i == first_of(c, set));
}

static void check_name(const struct vm_cache *c, uint64_t i, uint32_t set)
{
    VM_ASSERT(((c->name[i] >> c->line_shift) & c->set_mask) == set);
    struct vm_cache_key key = {.line = c->line[i], .name = c->name[i], .set = set};
    VM_ASSERT(find_homonym(c, key) < 0);
}

static uint64_t check_set(const struct vm_cache *c, uint32_t set)
{
    uint64_t first = first_of(c, set), n = 0;
    check_hot(c, set);
    for (uint64_t i = first; i < first + c->ways; i++) {
        if (!c->line[i])
            continue;
        n++;
        VM_ASSERT(c->line[i] & VM_CACHE_VALID);
        VM_ASSERT(vm_cache_find_line(c, vm_cache_pa(c->line[i])) == (int64_t)i);
        VM_ASSERT(!is_ordered(c) || i == first || c->line[i - 1]);
        VM_ASSERT(c->write == VM_CACHE_BACK || !(c->line[i] & VM_CACHE_DIRTY));
        if (c->name)
            check_name(c, i, set);
    }
    return n;
}

void vm_cache_check(const struct vm_cache *c)
{
    uint64_t n = 0;
    for (uint32_t set = 0; set <= c->set_mask; set++)
        n += check_set(c, set);
    VM_ASSERT(n == c->counts.fills - c->counts.evictions - c->counts.invalidations);
}
