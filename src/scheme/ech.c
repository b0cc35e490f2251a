/* ech.c - elastic cuckoo page tables: three hashed places for a line of entries, read at once.
 *
 * Each address space has a table for each of its page sizes. A table has three ways; a line of
 * eight neighbouring entries, one cache line, is in exactly one of the places that the ways' hash
 * functions name. A walk need not search: it reads all three places of every table in parallel.
 *
 *      line number = VPN / 8 --+-- hash 0 -> way 0, line    \
 *                              +-- hash 1 -> way 1, line     > eight words each, the page's one
 *                              +-- hash 2 -> way 2, line    /  at VPN mod 8
 *
 *      word   a leaf of x86-64 (x86.inc.h; PS in larger pages); its bits 58:52, which x86-64
 *             ignores, are a seventh of the line's tag: line number and, on top, whether in use
 *
 * A line goes to a random way; what stands there moves on to another of its places, and so on. A
 * table whose occupancy would pass 0.6 is resized to twice its lines, one below 0.2 to half, and
 * gradually: with each line that comes, some lines of each way move to the new table. The rehash
 * pointer of a way, `moved`, tells which have; so a line has three places even then.
 *
 * Invariants
 *  1. A line in use stands in one of its places. It has a word that is not 0, or is the line that
 *     the last ensure() made (`fresh_line`); used counts them.
 *  2. After an insertion used <= 0.6 * the new table's lines.
 *  3. `index` has 1 for the first page of each entry that is not empty.
 *  4. The table of base pages has `lines` a way at least; those of larger pages come with their
 *     first line and go when trim() finds them without any.
 *
 * `index` only finds the next entry; a kernel would look at its VMAs, so it is in no footprint.
 *
 * Source: D. Skarlatos, A. Kokolis, T. Xu and J. Torrellas, "Elastic Cuckoo Page Tables: Rethinking
 * Virtual Memory Translation for Parallelism", ASPLOS 2020. Not here: its cuckoo walk tables and
 * their caches, by which a walk skips ways and page sizes that cannot have the page.
 */
#include "scheme/x86.inc.h"

#include "base/random.h"
#include "scheme/entry.inc.h"
#include "scheme/kernel_map.h"
#include "scheme/words.h"

enum {
    PAGE_SHIFT = 12,
    VA_BITS = 48,
    WAYS = 3,
    SIZES = 3,
    LINE_BITS = 3, /* log2 of its entries */
    LINE_WORDS = 1 << LINE_BITS,
    LINE_BYTES = 8 * LINE_WORDS,
    LINE_SHIFT = 6,
    FRAME_LINES = 1 << (PAGE_SHIFT - LINE_SHIFT),
    WAY_LINES_MAX = 1 << 30,
    TAG_SHIFT = 52,
    TAG_PART_BITS = 7,
    TAG_USED_BIT = TAG_PART_BITS * LINE_WORDS - 1,
    DISPLACEMENTS = 32, /* an insertion moves at most so many lines */
    /* Lines of each way that move with an insertion. Halving at 0.2 leaves room for 0.3 lines an
     * old way's line until 0.6 of the new ones are in use, doubling for 1.8: four end before. */
    REHASH_LINES = 4,
};
#define TAG_PARTS (vm_low_bits(TAG_PART_BITS) << TAG_SHIFT)
#define NO_LINE   UINT64_MAX

static const uint8_t size_order[SIZES] = {0, 9, 18};

static const struct vm_param params[] = {
    {"lines", VM_PARAM_COUNT, "128", FRAME_LINES, 1 << 20, NULL,
     "lines of a way that an address space begins with; a power of two"},
};

struct ways {
    uint32_t lines; /* of each; a power of two, or 0: there is no table */
    vm_pfn way[WAYS];
};

struct table {
    struct ways now, old; /* old: while it is being resized */
    uint32_t moved[WAYS]; /* lines of the old way below are in the new table */
    uint64_t used;        /* lines, in both */
};

struct ech_space {
    struct table table[SIZES];
};

struct line {
    uint64_t word[LINE_WORDS];
};

struct ech {
    struct vm_scheme_env env;
    struct kernel_map index;
    struct vm_random random;
    uint32_t lines;
    struct ech_space *space; /* [nasids] */
    /* Of the last ensure(): kept although it may be empty. */
    struct {
        struct table *table; /* NULL: none */
        uint64_t line;
        vm_asid asid;
    } fresh_line;
};

static size_t ech_size(const struct vm_scheme_env *env)
{
    return sizeof(struct ech) + kernel_map_size(env->nasids) +
           env->nasids * sizeof(struct ech_space);
}

static void ech_init(void *state, const struct vm_scheme_env *env)
{
    VM_ASSERT(env->page_shift == PAGE_SHIFT && env->nasids <= VM_ASID_MAX + 1);
    struct ech *s = state;
    s->env = *env;
    s->lines = (uint32_t)vm_params_count(env->params, "lines");
    vm_random_seed(&s->random, 1);
    uint8_t *room = (uint8_t *)(s + 1);
    kernel_map_init(&s->index, room, env->nasids, env->refusal);
    s->space = (struct ech_space *)(room + kernel_map_size(env->nasids));
}

static bool ech_accept(const struct vm_scheme_env *env, struct vm_error *e)
{
    uint64_t lines = vm_params_count(env->params, "lines");
    return vm_is_pow2(lines) ||
           vm_fail(e, VM_EUSAGE, "ech: %llu lines a way: expected a power of two",
                   (unsigned long long)lines);
}

static unsigned ech_va_bits(const struct vm_scheme_env *env)
{
    (void)env;
    return VA_BITS;
}

static uint64_t ech_orders(const struct vm_scheme_env *env)
{
    uint64_t orders = 0;
    (void)env;
    for (unsigned size = 0; size < SIZES; size++)
        orders |= UINT64_C(1) << size_order[size];
    return orders;
}

/* Whether the address is canonical. */
static inline bool ech_names(vm_va va)
{
    return (vm_va)((int64_t)(va << (64 - VA_BITS)) >> (64 - VA_BITS)) == va;
}

static inline struct ech_space *ech_space(const struct ech *s, vm_asid asid)
{
    VM_ASSERT(asid < s->env.nasids && s->space[asid].table[0].now.lines > 0);
    return &s->space[asid];
}

static unsigned size_of_order(unsigned order)
{
    unsigned size = 0;
    while (size_order[size] != order)
        VM_ASSERT(++size < SIZES);
    return size;
}

/* The number of va's entry in the table of a page size; lines have eight. */
static inline uint64_t entry_of(vm_va va, unsigned size)
{
    return va >> (PAGE_SHIFT + size_order[size]);
}

/* ---- lines ---- */

/* Where way `way` of t has or would have that line. */
static inline vm_pa place_of(const struct table *t, uint64_t line, unsigned way)
{
    uint64_t hash = vm_mix64(line + way * UINT64_C(0x9e3779b97f4a7c15));
    uint64_t i = hash & (t->old.lines - 1);
    if (t->old.lines && i >= t->moved[way])
        return ((vm_pa)t->old.way[way] << PAGE_SHIFT) + (i << LINE_SHIFT);
    return ((vm_pa)t->now.way[way] << PAGE_SHIFT) + ((hash & (t->now.lines - 1)) << LINE_SHIFT);
}

static inline struct line line_load(const struct ech *s, vm_pa at)
{
    struct line l;
    memcpy(&l, s->env.memory + at, sizeof l);
    return l;
}

static void line_store(struct ech *s, vm_pa at, const struct line *l)
{
    memcpy(s->env.memory + at, l, sizeof *l);
}

static inline uint64_t line_tag(const struct line *l)
{
    uint64_t tag = 0;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        tag |= (l->word[i] >> TAG_SHIFT & vm_low_bits(TAG_PART_BITS)) << i * TAG_PART_BITS;
    return tag;
}

static inline uint64_t tag_of(uint64_t line)
{
    return UINT64_C(1) << TAG_USED_BIT | line;
}

/* The number of a line in use. */
static uint64_t line_number(const struct line *l)
{
    return line_tag(l) & vm_low_bits(TAG_USED_BIT);
}

static bool line_used(const struct line *l)
{
    return line_tag(l) != 0;
}

static inline struct line line_new(uint64_t line)
{
    struct line l;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        l.word[i] = (tag_of(line) >> i * TAG_PART_BITS & vm_low_bits(TAG_PART_BITS)) << TAG_SHIFT;
    return l;
}

static bool line_empty(const struct line *l)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        all |= l->word[i] & ~TAG_PARTS;
    return all == 0;
}

/* Whether l is the line that `like`, of line_new, is. */
static inline bool line_same(const struct line *l, const struct line *like)
{
    uint64_t differ = 0;
    for (unsigned i = 0; i < LINE_WORDS; i++)
        differ |= l->word[i] ^ like->word[i];
    return (differ & TAG_PARTS) == 0;
}

static vm_pa line_find(const struct ech *s, const struct table *t, uint64_t line)
{
    const struct line like = line_new(line);
    for (unsigned way = 0; t->now.lines && way < WAYS; way++) {
        vm_pa at = place_of(t, line, way);
        struct line l = line_load(s, at);
        if (line_same(&l, &like))
            return at;
    }
    return NO_LINE;
}

static void line_clear(struct ech *s, struct table *t, vm_pa at)
{
    memset(s->env.memory + at, 0, LINE_BYTES);
    t->used--;
}

/* Put l, which is nowhere yet, in its place in `way`, what is there in another of its places, and
 * so on. False: too many would move; nothing has changed. */
static bool line_place(struct ech *s, const struct table *t, struct line l, unsigned way)
{
    vm_pa path[DISPLACEMENTS];
    unsigned n = 0;
    for (; n < DISPLACEMENTS; n++) {
        vm_pa at = place_of(t, line_number(&l), way);
        struct line there = line_load(s, at);
        line_store(s, at, &l);
        if (!line_used(&there))
            return true;
        path[n] = at;
        l = there;
        way = (way + 1 + (unsigned)vm_random_below(&s->random, WAYS - 1)) % WAYS;
    }
    while (n-- > 0) {
        struct line there = line_load(s, path[n]);
        line_store(s, path[n], &l);
        l = there;
    }
    return false;
}

/* ---- ways ---- */

static void ways_give(struct ech *s, struct ways *w)
{
    for (unsigned way = 0; w->lines && way < WAYS; way++)
        s->env.give(s->env.host, w->way[way], w->lines / FRAME_LINES);
    w->lines = 0;
}

/* Taking may set entries and so change lines, but moves none. */
static bool ways_take(struct ech *s, struct ways *out, uint32_t lines)
{
    struct ways w = {.lines = lines};
    VM_ASSERT(lines >= FRAME_LINES);
    if (lines > WAY_LINES_MAX)
        return vm_fail(s->env.refusal, VM_EMACHINE,
                       "ech: a table of more than %d lines a way: expected fewer mappings",
                       WAY_LINES_MAX);
    for (unsigned way = 0; way < WAYS; way++) {
        w.way[way] = s->env.take(s->env.host, lines / FRAME_LINES);
        if (w.way[way] != VM_NOFRAME)
            continue;
        while (way-- > 0)
            s->env.give(s->env.host, w.way[way], lines / FRAME_LINES);
        return false;
    }
    *out = w;
    return true;
}

/* Copy the lines of `from` to t. False: one found no place. */
static bool ways_copy(struct ech *s, struct table *t, const struct ways *from)
{
    for (unsigned way = 0; from->lines && way < WAYS; way++) {
        vm_pa at = (vm_pa)from->way[way] << PAGE_SHIFT;
        for (uint32_t i = 0; i < from->lines; i++, at += LINE_BYTES) {
            struct line l = line_load(s, at);
            if (!line_used(&l))
                continue;
            if (!line_place(s, t, l, way))
                return false;
            t->used++;
        }
    }
    return true;
}

/* The way out when lines find no place: all of them to a table of so many lines a way, at once. */
static bool table_rebuild(struct ech *s, struct table *t, uint32_t lines)
{
    for (;; lines *= 2) {
        struct table larger = {0};
        if (!ways_take(s, &larger.now, lines))
            return false;
        if (ways_copy(s, &larger, &t->now) && ways_copy(s, &larger, &t->old)) {
            VM_ASSERT(larger.used == t->used);
            ways_give(s, &t->now);
            ways_give(s, &t->old);
            *t = larger;
            return true;
        }
        ways_give(s, &larger.now);
    }
}

/* ---- resizing ---- */

static bool resize_begin(struct ech *s, struct table *t, uint32_t lines)
{
    struct ways w;
    VM_ASSERT(t->old.lines == 0); /* REHASH_LINES sees to it */
    if (!ways_take(s, &w, lines))
        return false;
    t->old = t->now;
    t->now = w;
    memset(t->moved, 0, sizeof t->moved);
    return true;
}

/* The next line of a way of the old table moves. False: it found no place, and stays. */
static bool rehash_line(struct ech *s, struct table *t, unsigned way)
{
    vm_pa at = ((vm_pa)t->old.way[way] << PAGE_SHIFT) + ((vm_pa)t->moved[way] << LINE_SHIFT);
    struct line l = line_load(s, at), none = {0};
    t->moved[way]++;
    if (!line_used(&l))
        return true;
    line_store(s, at, &none);
    if (line_place(s, t, l, way))
        return true;
    line_store(s, at, &l);
    t->moved[way]--;
    return false;
}

static bool rehash(struct ech *s, struct table *t)
{
    uint64_t left = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        for (unsigned i = 0; i < REHASH_LINES && t->moved[way] < t->old.lines; i++)
            if (!rehash_line(s, t, way))
                return table_rebuild(s, t, 2 * t->now.lines);
        left += t->old.lines - t->moved[way];
    }
    if (left == 0)
        ways_give(s, &t->old);
    return true;
}

/* Make the table one to which a line can come. A table that cannot be halved stays as it is. */
static bool table_resize(struct ech *s, struct table *t)
{
    uint64_t used = t->used + 1, lines = (uint64_t)WAYS * t->now.lines;
    if (lines == 0)
        return ways_take(s, &t->now, s->lines);
    if (used * 10 > lines * 6)
        return resize_begin(s, t, 2 * t->now.lines);
    if (used * 10 < lines * 2 && t->now.lines > s->lines && !t->old.lines)
        resize_begin(s, t, t->now.lines / 2);
    return true;
}

static bool line_insert(struct ech *s, struct table *t, uint64_t line)
{
    if (!table_resize(s, t) || (t->old.lines && !rehash(s, t)))
        return false;
    while (!line_place(s, t, line_new(line), (unsigned)vm_random_below(&s->random, WAYS)))
        if (!table_rebuild(s, t, 2 * t->now.lines))
            return false;
    t->used++;
    return true;
}

/* ---- address spaces ---- */

static bool ech_open(void *state, vm_asid asid)
{
    struct ech *s = state;
    VM_ASSERT(asid < s->env.nasids && s->space[asid].table[0].now.lines == 0);
    s->space[asid] = (struct ech_space){0};
    return ways_take(s, &s->space[asid].table[0].now, s->lines);
}

static void ech_close(void *state, vm_asid asid)
{
    struct ech *s = state;
    struct ech_space *space = ech_space(s, asid);
    for (unsigned size = 0; size < SIZES; size++) {
        ways_give(s, &space->table[size].now);
        ways_give(s, &space->table[size].old);
    }
    kernel_map_close(&s->index, asid);
    if (s->fresh_line.table && s->fresh_line.asid == asid)
        s->fresh_line.table = NULL;
}

/* The line of the last ensure() is one like others from now on: it goes if it is empty. */
static void fresh_line_end(struct ech *s)
{
    struct table *t = s->fresh_line.table;
    if (!t)
        return;
    s->fresh_line.table = NULL;
    vm_pa at = line_find(s, t, s->fresh_line.line);
    VM_ASSERT(at != NO_LINE);
    struct line l = line_load(s, at);
    if (line_empty(&l))
        line_clear(s, t, at);
}

static bool ech_ensure(void *state, vm_asid asid, vm_va va, unsigned order)
{
    struct ech *s = state;
    unsigned size = size_of_order(order);
    struct table *t = &ech_space(s, asid)->table[size];
    if (!ech_names(va))
        return vm_fail(s->env.refusal, VM_EMACHINE, "address 0x%llx: ech names %d bits of address",
                       (unsigned long long)va, VA_BITS);
    fresh_line_end(s);
    uint64_t entry = entry_of(va, size), line = entry >> LINE_BITS;
    if (!kernel_map_ensure(&s->index, asid, entry << size_order[size]))
        return false;
    if (line_find(s, t, line) == NO_LINE && !line_insert(s, t, line))
        return false;
    s->fresh_line.table = t;
    s->fresh_line.line = line;
    s->fresh_line.asid = asid;
    return true;
}

/* ---- entries ---- */

static inline vm_pa word_at(vm_pa line_at, uint64_t entry)
{
    return line_at + entry % LINE_WORDS * sizeof(uint64_t);
}

/* The entry of that size for va; empty if there is none. */
static struct vm_pte size_get(const struct ech *s, const struct table *t, vm_va va, unsigned size)
{
    uint64_t entry = entry_of(va, size);
    vm_pa at = line_find(s, t, entry >> LINE_BITS);
    if (at == NO_LINE)
        return (struct vm_pte){.state = VM_PTE_EMPTY};
    uint64_t word = word_load(&s->env, word_at(at, entry));
    return entry_decode_order(word & ~TAG_PARTS, size_order[size]);
}

static struct vm_pte ech_get(const void *state, vm_asid asid, vm_va va)
{
    const struct ech *s = state;
    const struct ech_space *space = ech_space(s, asid);
    struct vm_pte pte = {.state = VM_PTE_EMPTY};
    for (unsigned size = 0; ech_names(va) && pte.state == VM_PTE_EMPTY && size < SIZES; size++)
        pte = size_get(s, &space->table[size], va, size);
    return pte;
}

/* The line at `at` goes if it is empty, unless ensure() has just made room there. */
static void line_drop_empty(struct ech *s, struct table *t, vm_pa at)
{
    struct line l = line_load(s, at);
    bool fresh = s->fresh_line.table == t && s->fresh_line.line == line_number(&l);
    if (!fresh && line_empty(&l))
        line_clear(s, t, at);
}

static void ech_set(void *state, vm_asid asid, vm_va va, struct vm_pte pte)
{
    struct ech *s = state;
    unsigned size = size_of_order(pte.order);
    struct table *t = &ech_space(s, asid)->table[size];
    uint64_t entry = entry_of(va, size);
    VM_ASSERT(ech_names(va) && (va >> PAGE_SHIFT & vm_low_bits(pte.order)) == 0);
    VM_ASSERT(pte.state != VM_PTE_PRESENT ||
              (pte.pfn < s->env.nframes && (pte.pfn & vm_low_bits(pte.order)) == 0));
    vm_pa line = line_find(s, t, entry >> LINE_BITS);
    if (line == NO_LINE) {
        VM_ASSERT(pte.state == VM_PTE_EMPTY);
        return;
    }
    uint64_t before = word_load(&s->env, word_at(line, entry)), word = entry_encode(pte);
    VM_ASSERT((word & TAG_PARTS) == 0);
    word_store(&s->env, word_at(line, entry), (before & TAG_PARTS) | word);
    kernel_map_set(&s->index, asid, entry << size_order[size], word != 0);
    line_drop_empty(s, t, line);
}

static vm_va ech_next(const void *state, vm_asid asid, vm_va va, vm_va end)
{
    const struct ech *s = state;
    /* The index has the first page of a large one, which may lie before va. */
    if (va < end && ech_get(s, asid, va).state != VM_PTE_EMPTY)
        return va;
    return kernel_map_next_va(&s->index, asid, va, end, PAGE_SHIFT);
}

static void ech_trim(void *state, vm_asid asid, vm_va va, vm_va end)
{
    struct ech *s = state;
    struct ech_space *space = ech_space(s, asid);
    if (s->fresh_line.table && s->fresh_line.asid == asid)
        fresh_line_end(s);
    kernel_map_trim(&s->index, asid, va >> PAGE_SHIFT, kernel_vpn_end(end, PAGE_SHIFT));
    for (unsigned size = 0; size < SIZES; size++) {
        struct table *t = &space->table[size];
        if (t->used > 0)
            continue;
        ways_give(s, &t->old);
        if (size > 0)
            ways_give(s, &t->now);
    }
}

/* ---- the walk ---- */

struct candidate {
    vm_pa at; /* of the present word found; NO_LINE: none */
    uint64_t word;
    unsigned size;
};

/* Read the places of va's line in one table. */
static inline void walk_table(const struct ech *s, const struct table *t, vm_va va, unsigned size,
                              struct candidate *found, struct vm_walk *out)
{
    uint64_t entry = entry_of(va, size);
    const struct line like = line_new(entry >> LINE_BITS);
    for (unsigned way = 0; way < WAYS; way++) {
        vm_pa place = place_of(t, entry >> LINE_BITS, way), at = word_at(place, entry);
        struct line l = line_load(s, place);
        uint64_t word = l.word[entry % LINE_WORDS];
        if (!line_same(&l, &like) || !(word & PTE_PRESENT)) {
            walk_load_beside(out, at, word, 0, VM_LOAD_TABLE);
            continue;
        }
        *found = (struct candidate){at, word, size};
        walk_load_beside(out, at, word, PAGE_SHIFT + size_order[size], VM_LOAD_LEAF);
    }
}

static void ech_walk(void *state, vm_asid asid, vm_va va, enum vm_access access, unsigned mode,
                     struct vm_walk *out)
{
    struct ech *s = state;
    struct candidate found = {.at = NO_LINE};
    walk_begin(out);
    if (!ech_names(va)) {
        out->fault = VM_WALK_BOUNDS;
        return;
    }
    const struct ech_space *space = ech_space(s, asid);
    for (unsigned size = 0; size < SIZES; size++)
        if (space->table[size].now.lines)
            walk_table(s, &space->table[size], va, size, &found, out);
    if (found.at == NO_LINE) {
        out->fault = VM_WALK_ABSENT;
        return;
    }
    uint64_t after =
        walk_leaf(out, access, mode, found.word, PTE_ABOVE_NONE, size_order[found.size]);
    if (after != found.word) {
        word_store(&s->env, found.at, after);
        out->nstores++;
    }
}

static void ech_footprint(const void *state, vm_asid asid, struct vm_footprint *out)
{
    const struct ech_space *space = ech_space(state, asid);
    *out = (struct vm_footprint){0};
    for (unsigned size = 0; size < SIZES; size++) {
        const struct table *t = &space->table[size];
        out->own_bytes += WAYS * ((uint64_t)t->now.lines + t->old.lines) << LINE_SHIFT;
    }
}

/* ---- the check ---- */

/* A line in use, at `at`; how many of its entries are not empty. */
static uint64_t check_line(const struct ech *s, vm_asid asid, unsigned size, vm_pa at)
{
    const struct table *t = &s->space[asid].table[size];
    struct line l = line_load(s, at);
    uint64_t line = line_number(&l), n = 0;
    VM_ASSERT(line_tag(&l) == tag_of(line) && line_find(s, t, line) == at);
    VM_ASSERT(!line_empty(&l) || (s->fresh_line.table == t && s->fresh_line.line == line));
    for (unsigned i = 0; i < LINE_WORDS; i++) {
        uint64_t word = l.word[i] & ~TAG_PARTS;
        VM_ASSERT(entry_encode(entry_decode_order(word, size_order[size])) == word);
        uint64_t vpn = (line << LINE_BITS | i) << size_order[size];
        VM_ASSERT(word == 0 || kernel_map_get(&s->index, asid, vpn) == 1);
        n += word != 0;
    }
    return n;
}

/* The lines in use of some ways, and their entries. */
static void check_ways(const struct ech *s, vm_asid asid, unsigned size, const struct ways *w,
                       uint64_t *nlines, uint64_t *nentries)
{
    for (unsigned way = 0; w->lines && way < WAYS; way++) {
        vm_pa at = (vm_pa)w->way[way] << PAGE_SHIFT;
        for (uint32_t i = 0; i < w->lines; i++, at += LINE_BYTES) {
            struct line l = line_load(s, at);
            if (!line_used(&l)) {
                VM_ASSERT(line_empty(&l));
                continue;
            }
            *nentries += check_line(s, asid, size, at);
            ++*nlines;
        }
    }
}

static void check_space(const struct ech *s, vm_asid asid)
{
    uint64_t nentries = 0, nindexed = 0;
    const uint64_t end = UINT64_C(1) << KERNEL_MAP_VPN_BITS;
    for (unsigned size = 0; size < SIZES; size++) {
        const struct table *t = &s->space[asid].table[size];
        uint64_t nlines = 0;
        check_ways(s, asid, size, &t->now, &nlines, &nentries);
        check_ways(s, asid, size, &t->old, &nlines, &nentries);
        VM_ASSERT(nlines == t->used && nlines * 10 <= (uint64_t)WAYS * t->now.lines * 6);
    }
    for (uint64_t vpn = 0; (vpn = kernel_map_next(&s->index, asid, vpn, end)) < end; vpn++)
        nindexed++;
    VM_ASSERT(nindexed == nentries);
}

static void ech_check(const void *state)
{
    const struct ech *s = state;
    kernel_map_check(&s->index);
    for (uint32_t asid = 0; asid < s->env.nasids; asid++)
        if (s->space[asid].table[0].now.lines > 0)
            check_space(s, (vm_asid)asid);
}

/* ---- for explanations ---- */

static size_t ech_va_fields(const void *state, struct vm_field *out)
{
    (void)state;
    out[0] = (struct vm_field){"line", VA_BITS - 1, PAGE_SHIFT + LINE_BITS};
    out[1] = (struct vm_field){"word", PAGE_SHIFT + LINE_BITS - 1, PAGE_SHIFT};
    out[2] = (struct vm_field){"offset", PAGE_SHIFT - 1, 0};
    return 3;
}

static size_t ech_word_fields(const void *state, const struct vm_walk *walk, size_t i,
                              struct vm_field *out)
{
    size_t n = entry_fields(state, walk, i, out);
    out[n++] = (struct vm_field){"tag part", TAG_SHIFT + TAG_PART_BITS - 1, TAG_SHIFT};
    return n;
}

const struct vm_scheme_ops vm_scheme_ech = {
    .name = "ech",
    .summary = "elastic cuckoo page tables: lines of 8 entries in 3 hashed ways, read in parallel",
    .page_shift_min = PAGE_SHIFT,
    .page_shift_max = PAGE_SHIFT,
    .marks = VM_FRAME_REFERENCED | VM_FRAME_DIRTY,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .accept = ech_accept,
    .va_bits = ech_va_bits,
    .orders = ech_orders,
    .size = ech_size,
    .init = ech_init,
    .open = ech_open,
    .close = ech_close,
    .ensure = ech_ensure,
    .get = ech_get,
    .set = ech_set,
    .next = ech_next,
    .trim = ech_trim,
    .walk = ech_walk,
    .footprint = ech_footprint,
    .check = ech_check,
    .va_fields = ech_va_fields,
    .word_fields = ech_word_fields,
};
