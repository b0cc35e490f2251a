/* naive_cache.c - see naive_cache.h. */
#include "oracle/naive_cache.h"

#include "base/assert.h"
#include "base/random.h"

#include <string.h>

void naive_caches_open(struct naive_caches *n, const struct vm_caches_config *c,
                       unsigned page_shift, uint64_t seed)
{
    memset(n, 0, sizeof *n);
    n->n = c->n;
    n->levels = c->levels;
    n->tables_level = c->tables_level;
    n->page_bytes = UINT64_C(1) << page_shift;
    for (size_t i = 0; i < c->n; i++) {
        uint64_t lines = c->cache[i].bytes / c->cache[i].line_bytes;
        VM_ASSERT(lines <= NAIVE_CACHE_LINES);
        n->cache[i].config = c->cache[i];
        n->cache[i].nsets = (uint32_t)(lines / c->cache[i].ways);
        n->cache[i].random = seed + i;
    }
}

/* The cache of a level that an access asks; NULL: memory. */
static struct naive_cache *cache_at(struct naive_caches *n, unsigned level, enum vm_access access)
{
    enum vm_cache_side other = access == VM_FETCH ? VM_CACHE_DATA : VM_CACHE_FETCH;
    for (size_t i = 0; i < n->n; i++)
        if (n->cache[i].config.level == level && n->cache[i].config.side != other)
            return &n->cache[i];
    return NULL;
}

static uint64_t line_of(const struct naive_cache *c, uint64_t address)
{
    return address / c->config.line_bytes * c->config.line_bytes;
}

static vm_asid tagged(const struct naive_cache *c, vm_asid asid)
{
    return c->config.tags == VM_CACHE_ASID || asid == VM_CACHE_TABLES ? asid : 0;
}

static uint32_t set_of(const struct naive_cache *c, vm_va va, vm_pa pa)
{
    uint64_t index = c->config.index == VM_CACHE_PIPT ? pa : va;
    return (uint32_t)(index / c->config.line_bytes % c->nsets);
}

static uint32_t nlines(const struct naive_cache *c)
{
    return c->nsets * c->config.ways;
}

/* ---- contents ---- */

static uint32_t *part_of(const struct naive_cache *c, struct naive_cache_line *l, vm_pa pa)
{
    return &l->content[(pa - line_of(c, pa)) / NAIVE_CACHE_GRAIN];
}

static void copy_from_memory(struct naive_caches *n, vm_pa pa, uint64_t bytes, uint32_t *out)
{
    for (uint64_t at = 0; at < bytes; at += NAIVE_CACHE_GRAIN)
        if ((pa + at) / NAIVE_CACHE_GRAIN < NAIVE_CACHE_GRAINS)
            *out++ = n->memory[(pa + at) / NAIVE_CACHE_GRAIN];
}

static void copy_to_memory(struct naive_caches *n, vm_pa pa, uint64_t bytes, const uint32_t *from)
{
    for (uint64_t at = 0; at < bytes; at += NAIVE_CACHE_GRAIN)
        if ((pa + at) / NAIVE_CACHE_GRAIN < NAIVE_CACHE_GRAINS)
            n->memory[(pa + at) / NAIVE_CACHE_GRAIN] = *from++;
}

/* ---- replacement ---- */

/* Ways [low, high) hang below `node`: leave a sign at each node to the half without `way`. */
static void sign(bool *upper, unsigned node, uint32_t low, uint32_t high, uint32_t way)
{
    uint32_t middle = low + (high - low) - (high - low) / 2;
    if (high - low == 1)
        return;
    upper[node] = way < middle;
    if (way < middle)
        sign(upper, 2 * node + 1, low, middle, way);
    else
        sign(upper, 2 * node + 2, middle, high, way);
}

static uint32_t follow(const bool *upper, unsigned node, uint32_t low, uint32_t high)
{
    uint32_t middle = low + (high - low) - (high - low) / 2;
    if (high - low == 1)
        return low;
    return upper[node] ? follow(upper, 2 * node + 2, middle, high)
                       : follow(upper, 2 * node + 1, low, middle);
}

static void use(struct naive_caches *n, struct naive_cache *c, struct naive_cache_line *l)
{
    uint32_t i = (uint32_t)(l - c->line);
    l->used = ++n->now;
    if (c->config.replace == VM_CACHE_PLRU)
        sign(c->upper[i / c->config.ways], 0, 0, c->config.ways, i % c->config.ways);
}

static struct naive_cache_line *oldest(struct naive_cache_line *set, uint32_t ways, bool by_use)
{
    struct naive_cache_line *best = NULL;
    for (struct naive_cache_line *l = set; l < set + ways; l++)
        if (l->valid && (!best || (by_use ? l->used < best->used : l->came < best->came)))
            best = l;
    return best;
}

static struct naive_cache_line *place(struct naive_cache *c, uint32_t set)
{
    uint32_t ways = c->config.ways;
    struct naive_cache_line *first = &c->line[set * ways];
    for (uint32_t w = 0; w < ways; w++)
        if (!first[w].valid)
            return &first[w];
    switch (c->config.replace) {
    case VM_CACHE_RANDOM:
        c->random += UINT64_C(0x9e3779b97f4a7c15);
        return &first[(uint64_t)((unsigned __int128)vm_mix64(c->random) * ways >> 64)];
    case VM_CACHE_PLRU:
        return &first[follow(c->upper[set], 0, 0, ways)];
    default:
        return oldest(first, ways, c->config.replace == VM_CACHE_LRU);
    }
}

/* ---- lines that leave ---- */

static struct naive_cache_line *find_line(struct naive_cache *c, vm_pa pa)
{
    for (struct naive_cache_line *l = c->line; l < c->line + nlines(c); l++)
        if (l->valid && l->pa == line_of(c, pa))
            return l;
    return NULL;
}

static void leave(struct naive_caches *n, unsigned to, vm_pa pa, uint64_t bytes,
                  const uint32_t *content);

/* `l` makes way in `c`: its contents are saved first. */
static void save(struct naive_caches *n, struct naive_cache *c, struct naive_cache_line *l)
{
    struct naive_cache_line gone = *l;
    l->valid = false;
    if (!gone.dirty)
        return;
    c->counts.writebacks++;
    leave(n, c->config.level + 1, gone.pa, c->config.line_bytes, gone.content);
}

/* Put `come` into `c`; what it replaces leaves after it has come. */
static struct naive_cache_line *put(struct naive_caches *n, struct naive_cache *c, uint32_t set,
                                    struct naive_cache_line come)
{
    struct naive_cache_line *l = place(c, set), gone = *l;
    c->counts.fills++;
    c->counts.evictions += gone.valid;
    *l = come;
    l->valid = true;
    l->came = ++n->now;
    use(n, c, l);
    if (gone.valid)
        save(n, c, &gone);
    return l;
}

static void leave(struct naive_caches *n, unsigned to, vm_pa pa, uint64_t bytes,
                  const uint32_t *content)
{
    struct naive_cache *c = cache_at(n, to, VM_READ);
    if (!c) {
        n->memory_writes++;
        copy_to_memory(n, pa, bytes, content);
        return;
    }
    struct naive_cache_line *l = find_line(c, pa);
    if (!l && c->config.line_bytes != bytes) {
        leave(n, to + 1, pa, bytes, content);
        return;
    }
    struct naive_cache_line come = {.pa = pa, .dirty = true};
    if (l) {
        use(n, c, l);
        l->dirty = true;
        memcpy(part_of(c, l, pa), content, bytes / NAIVE_CACHE_GRAIN * sizeof *content);
        return;
    }
    memcpy(come.content, content, bytes / NAIVE_CACHE_GRAIN * sizeof *content);
    put(n, c, set_of(c, pa, pa), come);
}

static void drop(struct naive_caches *n, struct naive_cache *c, struct naive_cache_line *l)
{
    c->counts.invalidations++;
    save(n, c, l);
}

/* ---- accesses ---- */

/* What real hardware would confuse with the line that is asked for goes. */
static void part_ways(struct naive_caches *n, struct naive_cache *c, vm_va va, vm_pa pa,
                      vm_asid asid)
{
    struct naive_cache_line *l = find_line(c, pa);
    if (l) {
        VM_ASSERT(c->config.index != VM_CACHE_PIPT);
        c->counts.aliases += c->config.index == VM_CACHE_VIPT;
        c->counts.synonyms += c->config.index == VM_CACHE_VIVT;
        drop(n, c, l);
    }
    for (l = c->line; l < c->line + nlines(c); l++)
        if (c->config.index == VM_CACHE_VIVT && l->valid && l->va == line_of(c, va) &&
            l->asid == tagged(c, asid)) {
            c->counts.homonyms++;
            drop(n, c, l);
        }
}

static bool answers(const struct naive_cache *c, const struct naive_cache_line *l, vm_va va,
                    vm_pa pa, vm_asid asid)
{
    if (!l || !l->valid || l->pa != line_of(c, pa))
        return false;
    if (c->config.index == VM_CACHE_VIVT)
        return l->va == line_of(c, va) && l->asid == tagged(c, asid);
    return (uint32_t)(l - c->line) / c->config.ways == set_of(c, va, pa);
}

/* The line at pa, brought to `level` if that is a cache. *had: the level that had it. */
static struct naive_cache_line *want(struct naive_caches *n, unsigned level, vm_va va, vm_pa pa,
                                     vm_asid asid, enum vm_access access, unsigned *had)
{
    struct naive_cache *c = cache_at(n, level, access), *next = cache_at(n, level + 1, access);
    struct naive_cache_line *l = find_line(c, pa);
    c->counts.accesses++;
    if (answers(c, l, va, pa, asid)) {
        *had = level;
        use(n, c, l);
        return l;
    }
    c->counts.misses++;
    part_ways(n, c, va, pa, asid);
    struct naive_cache_line come = {
        .va = line_of(c, va), .pa = line_of(c, pa), .asid = tagged(c, asid)};
    if (next) {
        l = want(n, level + 1, va, pa, asid, access, had);
        memcpy(come.content, part_of(next, l, come.pa),
               c->config.line_bytes / NAIVE_CACHE_GRAIN * sizeof come.content[0]);
    } else {
        *had = level + 1;
        n->memory_reads++;
        copy_from_memory(n, come.pa, c->config.line_bytes, come.content);
    }
    return put(n, c, set_of(c, va, pa), come);
}

static void write_to(struct naive_caches *n, unsigned level, vm_va va, vm_pa pa, vm_asid asid,
                     unsigned *had)
{
    struct naive_cache *c = cache_at(n, level, VM_WRITE);
    unsigned unused;
    if (!c) {
        n->memory_writes++;
        copy_to_memory(n, pa, NAIVE_CACHE_GRAIN, &n->version);
        return;
    }
    struct naive_cache_line *l = want(n, level, va, pa, asid, VM_WRITE, had);
    *part_of(c, l, pa) = n->version;
    if (c->config.write == VM_CACHE_BACK) {
        l->dirty = true;
        return;
    }
    c->counts.throughs++;
    write_to(n, level + 1, va, pa, asid, &unused);
}

static unsigned access_from(struct naive_caches *n, unsigned level, vm_va va, vm_pa pa,
                            vm_asid asid, enum vm_access access)
{
    size_t grain = pa / NAIVE_CACHE_GRAIN;
    struct naive_cache *c = cache_at(n, level, access);
    unsigned had = level;
    pa = grain * NAIVE_CACHE_GRAIN;
    if (access == VM_WRITE) {
        n->version++;
        if (grain < NAIVE_CACHE_GRAINS)
            n->latest[grain] = n->version;
        write_to(n, level, va, pa, asid, &had);
        return had - 1;
    }
    uint32_t seen = 0;
    if (c) {
        seen = *part_of(c, want(n, level, va, pa, asid, access, &had), pa);
    } else {
        n->memory_reads++;
        copy_from_memory(n, pa, NAIVE_CACHE_GRAIN, &seen);
    }
    bool looks = access != VM_FETCH || cache_at(n, 1, VM_FETCH) == cache_at(n, 1, VM_READ);
    n->old_reads += looks && grain < NAIVE_CACHE_GRAINS && seen != n->latest[grain];
    return had - 1;
}

unsigned naive_caches_access(struct naive_caches *n, vm_va va, vm_pa pa, vm_asid asid,
                             enum vm_access access)
{
    return access_from(n, 1, va, pa, asid, access);
}

unsigned naive_caches_table(struct naive_caches *n, vm_pa pa, enum vm_access access)
{
    unsigned level = n->tables_level <= n->levels ? n->tables_level : n->levels + 1;
    return access_from(n, level, pa, pa, VM_CACHE_TABLES, access);
}

void naive_caches_bring(struct naive_caches *n, vm_pa pa, uint64_t bytes)
{
    n->version++;
    for (uint64_t i = pa / NAIVE_CACHE_GRAIN; i < (pa + bytes) / NAIVE_CACHE_GRAIN; i++)
        if (i < NAIVE_CACHE_GRAINS)
            n->memory[i] = n->latest[i] = n->version;
}

/* ---- flushes ---- */

/* The contents of a line that is flushed go to the nearest further level that has it. */
static void flush_to(struct naive_caches *n, unsigned level, vm_pa pa, uint64_t bytes,
                     const uint32_t *content)
{
    struct naive_cache *c = cache_at(n, level, VM_READ);
    if (!c) {
        n->memory_writes++;
        copy_to_memory(n, pa, bytes, content);
        return;
    }
    struct naive_cache_line *l = find_line(c, pa);
    if (!l) {
        flush_to(n, level + 1, pa, bytes, content);
        return;
    }
    memcpy(part_of(c, l, pa), content, bytes / NAIVE_CACHE_GRAIN * sizeof *content);
    l->dirty = true;
}

void naive_caches_flush(struct naive_caches *n, vm_pa pa, uint64_t bytes)
{
    for (size_t i = 0; i < n->n; i++) {
        struct naive_cache *c = &n->cache[i];
        for (struct naive_cache_line *l = c->line; l < c->line + nlines(c); l++) {
            if (!l->valid || l->pa < pa || l->pa >= pa + bytes)
                continue;
            l->valid = false;
            c->counts.invalidations++;
            if (!l->dirty)
                continue;
            c->counts.writebacks++;
            flush_to(n, c->config.level + 1, l->pa, c->config.line_bytes, l->content);
        }
    }
}

/* Set by set from the last; in each, the line that came or was used longest ago first, or where
 * ways have fixed places, the last. */
static void empty(struct naive_caches *n, struct naive_cache *c)
{
    uint32_t ways = c->config.ways;
    bool ordered = c->config.replace == VM_CACHE_LRU || c->config.replace == VM_CACHE_FIFO;
    for (uint32_t set = c->nsets; set-- > 0;)
        for (uint32_t w = ways; w-- > 0;) {
            struct naive_cache_line *first = &c->line[set * ways], *l = &first[w];
            if (ordered)
                l = oldest(first, ways, c->config.replace == VM_CACHE_LRU);
            if (l && l->valid)
                drop(n, c, l);
        }
}

void naive_caches_switch(struct naive_caches *n)
{
    static const enum vm_access sides[] = {VM_READ, VM_FETCH};
    for (int i = 0; i < 2; i++) {
        struct naive_cache *c = cache_at(n, 1, sides[i]);
        if (c && c->config.index == VM_CACHE_VIVT && c->config.tags == VM_CACHE_FLUSH)
            empty(n, c);
    }
}
