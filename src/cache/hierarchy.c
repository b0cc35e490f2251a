/* hierarchy.c - levels of caches over memory: see cache.h.
 *
 *   want    a line is asked of a level: there, or of the next one and then filled
 *   leave   a dirty line that was replaced, or stood in the way, goes to the next level: marks it
 *           dirty there; takes a place there where lines are as long, so that none of it need be
 *           fetched; else goes on
 *   flush   a dirty line of a page that leaves memory goes to the next level that has it, which is
 *           flushed after it; else to memory
 *
 * A miss fetches before it evicts: the victim waits in a write buffer meanwhile, as is usual.
 */
#include "base/arena.h"
#include "base/assert.h"

#include <pagoda/cache.h>

/* ---- what can be composed ---- */

static bool is_plain(const struct vm_cache_config *c, struct vm_error *e)
{
    if (c->level == 1)
        return true;
    if (c->side != VM_CACHE_UNIFIED)
        return vm_fail(e, VM_EMACHINE,
                       "a cache for one side at level %u: expected a unified one, since only level "
                       "1 may be split",
                       c->level);
    if (c->index != VM_CACHE_PIPT)
        return vm_fail(e, VM_EMACHINE,
                       "a %s cache at level %u: expected pipt, since level 1 asks it by physical "
                       "address",
                       vm_cache_index_names[c->index], c->level);
    if (c->write != VM_CACHE_BACK)
        return vm_fail(e, VM_EMACHINE,
                       "a write-through cache at level %u: expected back, since only level 1 may "
                       "pass writes on",
                       c->level);
    return true;
}

/* Sides of one level at most one of each, none beside a unified one, neither alone. */
static bool sides_fit(const struct vm_caches_config *c, unsigned level, struct vm_error *e)
{
    static const unsigned covers[] = {
        [VM_CACHE_UNIFIED] = 3, [VM_CACHE_FETCH] = 1, [VM_CACHE_DATA] = 2};
    unsigned sides = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->cache[i].level != level)
            continue;
        if (sides & covers[c->cache[i].side])
            return vm_fail(e, VM_EMACHINE,
                           "two caches of level %u for one side: expected one cache, or one for "
                           "fetches and one for data",
                           level);
        sides |= covers[c->cache[i].side];
    }
    if (!sides)
        return vm_fail(e, VM_EMACHINE, "no cache of level %u: expected levels from 1 without gaps",
                       level);
    if (sides != 3)
        return vm_fail(e, VM_EMACHINE,
                       "level %u has a cache for one side: expected one for the other side, too",
                       level);
    return true;
}

static bool lines_fit(const struct vm_caches_config *c, struct vm_error *e)
{
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < c->n; k++)
            if (c->cache[i].level < c->cache[k].level &&
                c->cache[i].line_bytes > c->cache[k].line_bytes)
                return vm_fail(e, VM_EMACHINE,
                               "lines of %u bytes at level %u and of %u at level %u: expected none "
                               "shorter than those of a nearer level",
                               c->cache[i].line_bytes, c->cache[i].level, c->cache[k].line_bytes,
                               c->cache[k].level);
    return true;
}

bool vm_caches_config_check(const struct vm_caches_config *c, struct vm_error *e)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->cache[i].level < 1 || c->cache[i].level > VM_CACHE_LEVELS)
            return vm_fail(e, VM_EMACHINE, "a cache of level %u: expected 1 to %d",
                           c->cache[i].level, VM_CACHE_LEVELS);
        if (!vm_cache_config_check(&c->cache[i], e) || !is_plain(&c->cache[i], e))
            return false;
    }
    for (unsigned level = 1; level <= c->levels; level++)
        if (!sides_fit(c, level, e))
            return false;
    return lines_fit(c, e);
}

/* ---- building ---- */

size_t vm_caches_size(const struct vm_caches_config *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < c->n; i++)
        bytes += vm_arena_room(vm_cache_size(&c->cache[i]));
    return bytes;
}

static bool covers(enum vm_cache_side side, enum vm_access access)
{
    return side == VM_CACHE_UNIFIED || (side == VM_CACHE_FETCH) == (access == VM_FETCH);
}

static void place_cache(struct vm_caches *h, size_t i, const struct vm_cache_config *c)
{
    if (c->level > 1) {
        h->beyond[c->level - 1] = &h->cache[i];
        return;
    }
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        if (covers(c->side, a))
            h->first[a] = &h->cache[i];
}

void vm_caches_init(struct vm_caches *h, const struct vm_caches_config *c, unsigned page_shift,
                    uint64_t seed, void *memory)
{
    uint8_t *at = memory;
    VM_ASSERT(c->tables_level >= 1);
    *h = (struct vm_caches){
        .n = c->n,
        .levels = c->levels,
        .tables = c->tables_level <= c->levels ? c->tables_level - 1 : c->levels,
    };
    for (size_t i = 0; i < c->n; i++) {
        vm_cache_init(&h->cache[i], &c->cache[i], page_shift, seed + i, at);
        at += vm_arena_room(vm_cache_size(&c->cache[i]));
        place_cache(h, i, &c->cache[i]);
    }
}

static uint64_t line_bytes(const struct vm_cache *c)
{
    return -c->line_mask;
}

/* ---- lines that leave ---- */

/* The line at `pa`, `bytes` long and dirty, goes to level `to`, counted from 0. */
static void leave(struct vm_caches *h, unsigned to, vm_pa pa, uint64_t bytes)
{
    for (; to < h->levels; to++) {
        struct vm_cache *c = h->beyond[to];
        struct vm_cache_key key = vm_cache_key(c, pa, pa, VM_CACHE_TABLES);
        int64_t i = vm_cache_find(c, key);
        if (i >= 0) {
            vm_cache_soil(c, key, vm_cache_use(c, key, (uint64_t)i));
            return;
        }
        if (line_bytes(c) != bytes)
            continue;
        uint64_t replaced;
        vm_cache_soil(c, key, vm_cache_fill(c, key, &replaced));
        if (!(replaced & VM_CACHE_DIRTY))
            return;
        c->counts.writebacks++;
        pa = vm_cache_pa(replaced);
    }
    h->memory_writes++;
}

/* Entry `gone` is no longer in `c`, which is of level `at`. */
static void let_go(struct vm_caches *h, struct vm_cache *c, unsigned at, uint64_t gone)
{
    if (!(gone & VM_CACHE_DIRTY))
        return;
    c->counts.writebacks++;
    leave(h, at + 1, vm_cache_pa(gone), line_bytes(c));
}

/* ---- accesses ---- */

/* An access on its way through the levels. */
struct access {
    vm_va va;
    vm_pa pa;
    vm_asid asid;
};

static unsigned read_line(struct vm_caches *h, struct vm_cache *c, unsigned at, struct access a);

/* `c`, which is of level `at` and does not have the line, gets it. Answers the level that had it.
 */
static unsigned bring(struct vm_caches *h, struct vm_cache *c, unsigned at, struct access a,
                      struct vm_cache_key key, uint64_t *i)
{
    int64_t conflict;
    uint64_t replaced;
    unsigned had = at + 1;
    while ((conflict = vm_cache_conflict(c, key)) >= 0)
        let_go(h, c, at, vm_cache_drop(c, (uint64_t)conflict));
    if (had == h->levels)
        h->memory_reads++;
    else
        had = read_line(h, h->beyond[had], had, a);
    *i = vm_cache_fill(c, key, &replaced);
    let_go(h, c, at, replaced);
    return had;
}

/* The line is asked of `c`, which is of level `at`; entry *i has it then. Answers the level that
 * had it. */
static unsigned want(struct vm_caches *h, struct vm_cache *c, unsigned at, struct access a,
                     struct vm_cache_key key, uint64_t *i)
{
    int64_t found = vm_cache_find(c, key);
    c->counts.accesses++;
    if (found >= 0) {
        *i = vm_cache_use(c, key, (uint64_t)found);
        return at;
    }
    c->counts.misses++;
    return bring(h, c, at, a, key, i);
}

static unsigned read_line(struct vm_caches *h, struct vm_cache *c, unsigned at, struct access a)
{
    uint64_t i;
    return want(h, c, at, a, vm_cache_key(c, a.va, a.pa, a.asid), &i);
}

static unsigned write_line(struct vm_caches *h, struct vm_cache *c, unsigned at, struct access a)
{
    uint64_t i;
    struct vm_cache_key key = vm_cache_key(c, a.va, a.pa, a.asid);
    unsigned had = want(h, c, at, a, key, &i);
    if (c->write == VM_CACHE_BACK) {
        vm_cache_soil(c, key, i);
        return had;
    }
    c->counts.throughs++;
    if (at + 1 == h->levels)
        h->memory_writes++;
    else
        write_line(h, h->beyond[at + 1], at + 1, a);
    return had;
}

unsigned vm_caches_access(struct vm_caches *h, vm_va va, vm_pa pa, vm_asid asid,
                          enum vm_access access)
{
    struct access a = {va, pa, asid};
    return access == VM_WRITE ? write_line(h, h->first[access], 0, a)
                              : read_line(h, h->first[access], 0, a);
}

unsigned vm_caches_table(struct vm_caches *h, vm_pa pa, enum vm_access access)
{
    struct access a = {pa, pa, VM_CACHE_TABLES};
    if (h->tables == h->levels) {
        ++*(access == VM_WRITE ? &h->memory_writes : &h->memory_reads);
        return h->levels;
    }
    struct vm_cache *c = h->tables ? h->beyond[h->tables] : h->first[access];
    return access == VM_WRITE ? write_line(h, c, h->tables, a) : read_line(h, c, h->tables, a);
}

/* ---- flushes ---- */

/* A dirty line of a nearer level goes to the nearest level from `to` on that has it, or memory. */
static void flush_line(struct vm_caches *h, unsigned to, vm_pa pa)
{
    for (; to < h->levels; to++) {
        int64_t i = vm_cache_find_line(h->beyond[to], pa);
        if (i >= 0) {
            h->beyond[to]->line[i] |= VM_CACHE_DIRTY; /* which is dropped next */
            return;
        }
    }
    h->memory_writes++;
}

/* The lines at [pa, end) leave `c`, which is of level `at`. */
static void flush_cache(struct vm_caches *h, struct vm_cache *c, unsigned at, vm_pa pa, vm_pa end)
{
    for (; pa < end; pa += line_bytes(c)) {
        int64_t i = vm_cache_find_line(c, pa);
        if (i < 0 || !(vm_cache_drop(c, (uint64_t)i) & VM_CACHE_DIRTY))
            continue;
        c->counts.writebacks++;
        flush_line(h, at + 1, pa);
    }
}

/* Levels [0, end). */
static void flush_levels(struct vm_caches *h, unsigned end, vm_pa pa, uint64_t bytes)
{
    if (!h->levels)
        return;
    flush_cache(h, h->first[VM_READ], 0, pa, pa + bytes);
    if (h->first[VM_FETCH] != h->first[VM_READ])
        flush_cache(h, h->first[VM_FETCH], 0, pa, pa + bytes);
    for (unsigned at = 1; at < end; at++)
        flush_cache(h, h->beyond[at], at, pa, pa + bytes);
}

void vm_caches_flush_frames(struct vm_caches *h, vm_pa pa, uint64_t bytes)
{
    flush_levels(h, h->levels, pa, bytes);
}

void vm_caches_flush_own(struct vm_caches *h, unsigned shared, vm_pa pa, uint64_t bytes)
{
    flush_levels(h, shared - 1, pa, bytes);
}

/* Every line leaves `c`, which is of level 1. From the last entry down: closing a gap moves only
 * entries that were looked at. */
static void flush_names(struct vm_caches *h, struct vm_cache *c)
{
    if (!c->name || c->tags != VM_CACHE_FLUSH)
        return;
    for (uint64_t i = ((uint64_t)c->set_mask + 1) * c->ways; i-- > 0;)
        if (c->line[i])
            let_go(h, c, 0, vm_cache_drop(c, i));
}

void vm_caches_switch(struct vm_caches *h)
{
    if (!h->levels)
        return;
    flush_names(h, h->first[VM_READ]);
    if (h->first[VM_FETCH] != h->first[VM_READ])
        flush_names(h, h->first[VM_FETCH]);
}

/* ---- several processors ---- */

void vm_caches_share(struct vm_caches *h, struct vm_caches *with, unsigned shared)
{
    VM_ASSERT(shared >= 2);
    for (unsigned at = shared - 1; at < h->levels; at++)
        h->beyond[at] = with->beyond[at];
}

/* A line of `c`, of level `at`, that is dirty no more: its next own level has it dirty if it has it
 * at all, and is dealt with next; else it goes to those that are shared. */
static void hand_on(struct vm_caches *h, const struct vm_cache *c, unsigned at, unsigned shared,
                    vm_pa pa)
{
    for (unsigned to = at + 1; to < shared - 1; to++) {
        int64_t i = vm_cache_find_line(h->beyond[to], pa);
        if (i >= 0) {
            h->beyond[to]->line[i] |= VM_CACHE_DIRTY;
            return;
        }
    }
    leave(h, shared - 1, pa, line_bytes(c));
}

static void lose_line(struct vm_caches *h, struct vm_cache *c, unsigned at, unsigned shared,
                      vm_pa pa)
{
    int64_t i = vm_cache_find_line(c, pa);
    if (i < 0)
        return;
    c->counts.lost++;
    if (!(vm_cache_drop(c, (uint64_t)i) & VM_CACHE_DIRTY))
        return;
    c->counts.writebacks++;
    hand_on(h, c, at, shared, pa);
}

static void show_line(struct vm_caches *h, struct vm_cache *c, unsigned at, unsigned shared,
                      vm_pa pa)
{
    int64_t i = vm_cache_find_line(c, pa);
    if (i < 0 || !(c->line[i] & VM_CACHE_DIRTY))
        return;
    vm_cache_clean(c, (uint64_t)i);
    c->counts.shown++;
    hand_on(h, c, at, shared, pa);
}

typedef void line_change(struct vm_caches *h, struct vm_cache *c, unsigned at, unsigned shared,
                         vm_pa pa);

/* Own levels, nearest first; of those with shorter lines each that is part of the longest. */
static void change_own(struct vm_caches *h, unsigned shared, vm_pa pa, line_change *change)
{
    unsigned own = shared - 1 < h->levels ? shared - 1 : h->levels;
    uint64_t block = line_bytes(own > 1 ? h->beyond[own - 1] : h->first[VM_READ]);
    uint64_t other = line_bytes(h->first[VM_FETCH]);
    block = other > block ? other : block;
    pa &= -block;
    for (unsigned at = 0; at < own; at++) {
        struct vm_cache *c = at ? h->beyond[at] : h->first[VM_READ];
        for (vm_pa line = pa; line < pa + block; line += line_bytes(c))
            change(h, c, at, shared, line);
        if (at == 0 && h->first[VM_FETCH] != c)
            for (vm_pa line = pa; line < pa + block; line += other)
                change(h, h->first[VM_FETCH], at, shared, line);
    }
}

void vm_caches_lose(struct vm_caches *h, unsigned shared, vm_pa pa)
{
    change_own(h, shared, pa, lose_line);
}

void vm_caches_show(struct vm_caches *h, unsigned shared, vm_pa pa)
{
    change_own(h, shared, pa, show_line);
}

void vm_caches_check(const struct vm_caches *h)
{
    for (size_t i = 0; i < h->n; i++)
        vm_cache_check(&h->cache[i]);
}
