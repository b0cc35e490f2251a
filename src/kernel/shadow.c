/* shadow.c - see shadow.h. Ranges go page by page, pages byte by byte where they are not whole. */
#include "kernel/shadow.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define IN_PAGE(va) ((va) & (SHADOW_PAGE - 1))

/* ---- pages ---- */

static unsigned leaf_index(vm_va va)
{
    return va >> (SHADOW_PAGE_SHIFT + SHADOW_LEAF_SHIFT) & (SHADOW_LEAF - 1);
}

static unsigned page_index(vm_va va)
{
    return va >> SHADOW_PAGE_SHIFT & (SHADOW_LEAF - 1);
}

/* What whole pages of blocks are at first, after malloc and after calloc. */
static const struct shadow_page fresh = {.live = SHADOW_PAGE,
                                         .undefined = {[0 ... SHADOW_PAGE - 1] = 0xff},
                                         .reachable = {[0 ... SHADOW_PAGE / 8 - 1] = 0xff}},
                                zeroed = {.live = SHADOW_PAGE,
                                          .reachable = {[0 ... SHADOW_PAGE / 8 - 1] = 0xff}};

static bool is_shared(const struct shadow_page *p)
{
    return p == &fresh || p == &zeroed;
}

static const struct shadow_page *find(const struct shadow *s, vm_va va)
{
    const struct shadow_page **leaf = s->leaf[leaf_index(va)];
    return leaf ? leaf[page_index(va)] : NULL;
}

/* Where the page of `va` stands; NULL: the shadow has starved. */
static const struct shadow_page **stand(struct shadow *s, vm_va va)
{
    const struct shadow_page ***leaf = &s->leaf[leaf_index(va)];
    if (!*leaf)
        *leaf = calloc(SHADOW_LEAF, sizeof **leaf);
    s->starved = s->starved || !*leaf;
    return *leaf ? &(*leaf)[page_index(va)] : NULL;
}

static void release(const struct shadow_page *p)
{
    if (!is_shared(p))
        free((void *)(uintptr_t)p);
}

static void put(struct shadow *s, vm_va va, const struct shadow_page *p)
{
    const struct shadow_page **at = stand(s, va);
    if (!at)
        return;
    release(*at);
    *at = p;
}

/* The page of `va`, to be changed, made if there is none; NULL: the shadow has starved. */
static struct shadow_page *make(struct shadow *s, vm_va va)
{
    const struct shadow_page **at = stand(s, va);
    if (!at)
        return NULL;
    if (*at && !is_shared(*at))
        return (struct shadow_page *)(uintptr_t)*at;
    struct shadow_page *own = calloc(1, sizeof *own);
    if (own && *at)
        *own = **at;
    s->starved = s->starved || !own;
    *at = own ? own : *at;
    return own;
}

static bool is_heap(const struct shadow *s, vm_va va)
{
    return va - s->heap_first < s->heap_end - s->heap_first;
}

/* The bytes of [va, end) that are in the page of va. */
static uint64_t piece(vm_va va, vm_va end)
{
    uint64_t left = SHADOW_PAGE - IN_PAGE(va);
    return end - va < left ? end - va : left;
}

/* ---- beginning and ending ---- */

struct shadow *vm_shadow_open(vm_va heap_first, vm_va heap_end)
{
    struct shadow *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->heap_first = heap_first;
    s->heap_end = heap_end;
    return s;
}

static bool copy_leaf(const struct shadow_page ***to, const struct shadow_page *const *from)
{
    *to = calloc(SHADOW_LEAF, sizeof **to);
    for (unsigned i = 0; *to && i < SHADOW_LEAF; i++) {
        struct shadow_page *own = from[i] && !is_shared(from[i]) ? malloc(sizeof *own) : NULL;
        if (from[i] && !is_shared(from[i]) && !own)
            return false;
        if (own)
            *own = *from[i];
        (*to)[i] = own ? own : from[i];
    }
    return *to;
}

struct shadow *vm_shadow_copy(const struct shadow *s)
{
    struct shadow *copy = vm_shadow_open(s->heap_first, s->heap_end);
    bool good = copy;
    for (unsigned i = 0; good && i < SHADOW_LEAF; i++)
        good = !s->leaf[i] || copy_leaf(&copy->leaf[i], s->leaf[i]);
    if (good)
        return copy;
    vm_shadow_close(copy);
    return NULL;
}

void vm_shadow_close(struct shadow *s)
{
    for (unsigned i = 0; s && i < SHADOW_LEAF; i++) {
        for (unsigned j = 0; s->leaf[i] && j < SHADOW_LEAF; j++)
            release(s->leaf[i][j]);
        free(s->leaf[i]);
    }
    free(s);
}

/* ---- what may be touched ---- */

static bool is_reachable(const struct shadow_page *p, vm_va va)
{
    return p && p->reachable[IN_PAGE(va) / 8] >> (va & 7) & 1;
}

static void set_reachable(struct shadow_page *p, vm_va va, bool reachable)
{
    uint8_t bit = (uint8_t)(1u << (va & 7)), *bits = &p->reachable[IN_PAGE(va) / 8];
    VM_ASSERT(is_reachable(p, va) != reachable);
    *bits = reachable ? *bits | bit : *bits & (uint8_t)~bit;
    p->live += reachable ? 1 : UINT32_MAX;
}

/* Part of a page, that is not shared. */
static void give_here(struct shadow *s, vm_va va, uint64_t bytes)
{
    struct shadow_page *p = make(s, va);
    for (uint64_t i = 0; p && i < bytes; i++)
        set_reachable(p, va + i, true);
    if (p)
        memset(p->undefined + IN_PAGE(va), 0xff, bytes);
}

void vm_shadow_give(struct shadow *s, vm_va va, uint64_t bytes)
{
    VM_ASSERT(va >= s->heap_first && bytes <= s->heap_end - va);
    for (vm_va end = va + bytes, n; va < end; va += n) {
        n = piece(va, end);
        if (n == SHADOW_PAGE)
            put(s, va, &fresh);
        else
            give_here(s, va, n);
    }
}

static void take_here(struct shadow *s, vm_va va, uint64_t bytes)
{
    struct shadow_page *p = make(s, va);
    for (uint64_t i = 0; p && i < bytes; i++)
        set_reachable(p, va + i, false);
    if (p)
        memset(p->undefined + IN_PAGE(va), 0, bytes);
    if (p && !p->live)
        put(s, va, NULL);
}

void vm_shadow_take(struct shadow *s, vm_va va, uint64_t bytes)
{
    for (vm_va end = va + bytes, n; va < end; va += n) {
        n = piece(va, end);
        if (n == SHADOW_PAGE)
            put(s, va, NULL);
        else
            take_here(s, va, n);
    }
}

vm_va vm_shadow_barrier(const struct shadow *s, vm_va va, uint64_t bytes)
{
    for (vm_va end = va + bytes, n; va < end; va += n) {
        n = piece(va, end);
        if (!is_heap(s, va))
            continue;
        const struct shadow_page *p = find(s, va);
        for (vm_va at = va; at < va + n; at++)
            if (!is_reachable(p, at))
                return at;
    }
    return va;
}

bool vm_shadow_lives(const struct shadow *s, vm_va va)
{
    const struct shadow_page *p = find(s, va);
    return p && p->live;
}

/* ---- what is known ---- */

static vm_va origin_of(const struct shadow *s, const struct shadow_page *p, vm_va va)
{
    vm_va origin = p->origin[IN_PAGE(va) / 8];
    return origin ? origin : is_heap(s, va) ? va : 0;
}

static uint64_t load_here(const struct shadow *s, vm_va va, unsigned bytes, vm_va *origin)
{
    const struct shadow_page *p = find(s, va);
    uint64_t undefined = 0;
    if (!p)
        return 0;
    memcpy(&undefined, p->undefined + IN_PAGE(va), bytes);
    if (undefined)
        *origin = origin_of(s, p, va + (unsigned)__builtin_ctzll(undefined) / 8);
    return undefined;
}

uint64_t vm_shadow_load(const struct shadow *s, vm_va va, unsigned bytes, vm_va *origin)
{
    unsigned left = (unsigned)piece(va, va + bytes);
    VM_ASSERT(bytes >= 1 && bytes <= 8);
    if (left == bytes)
        return load_here(s, va, bytes, origin);
    uint64_t second = load_here(s, va + left, bytes - left, origin);
    return load_here(s, va, left, origin) | second << 8 * left;
}

static void store_here(struct shadow *s, vm_va va, unsigned bytes, uint64_t undefined, vm_va origin)
{
    const struct shadow_page *before = find(s, va);
    bool stays = undefined ? !before && is_heap(s, va) : !before || before == &zeroed;
    struct shadow_page *p = stays ? NULL : make(s, va);
    if (!p)
        return;
    memcpy(p->undefined + IN_PAGE(va), &undefined, bytes);
    if (undefined)
        p->origin[IN_PAGE(va) / 8] = p->origin[IN_PAGE(va + bytes - 1) / 8] = origin;
}

void vm_shadow_store(struct shadow *s, vm_va va, unsigned bytes, uint64_t undefined, vm_va origin)
{
    unsigned left = (unsigned)piece(va, va + bytes);
    VM_ASSERT(bytes >= 1 && bytes <= 8);
    uint64_t first = left < 8 ? undefined & ((UINT64_C(1) << 8 * left) - 1) : undefined;
    store_here(s, va, left, first, origin);
    if (left < bytes)
        store_here(s, va + left, bytes - left, undefined >> 8 * left, origin);
}

static void define_here(struct shadow *s, vm_va va, uint64_t bytes)
{
    const struct shadow_page *before = find(s, va);
    struct shadow_page *p = before && before != &zeroed ? make(s, va) : NULL;
    if (p)
        memset(p->undefined + IN_PAGE(va), 0, bytes);
}

void vm_shadow_define(struct shadow *s, vm_va va, uint64_t bytes)
{
    for (vm_va end = va + bytes, n; va < end; va += n) {
        const struct shadow_page *before = find(s, va);
        n = piece(va, end);
        if (before && n == SHADOW_PAGE && !is_heap(s, va))
            put(s, va, NULL);
        else if (before == &fresh && n == SHADOW_PAGE)
            put(s, va, &zeroed);
        else
            define_here(s, va, n);
    }
}

vm_va vm_shadow_gap(const struct shadow *s, vm_va va, uint64_t bytes, vm_va *origin)
{
    for (vm_va end = va + bytes, n; va < end; va += n) {
        const struct shadow_page *p = find(s, va);
        n = piece(va, end);
        for (vm_va at = va; p && at < va + n; at++)
            if (p->undefined[IN_PAGE(at)]) {
                *origin = origin_of(s, p, at);
                return at;
            }
    }
    return va;
}

static void move_byte(struct shadow *s, vm_va to, vm_va from)
{
    vm_va origin = 0;
    uint64_t undefined = load_here(s, from, 1, &origin);
    store_here(s, to, 1, undefined, origin);
}

void vm_shadow_move(struct shadow *s, vm_va to, vm_va from, uint64_t bytes)
{
    vm_va origin;
    if (vm_shadow_gap(s, from, bytes, &origin) == from + bytes) {
        vm_shadow_define(s, to, bytes);
        return;
    }
    for (uint64_t i = 0; to < from && i < bytes; i++)
        move_byte(s, to + i, from + i);
    for (uint64_t i = bytes; to > from && i-- > 0;)
        move_byte(s, to + i, from + i);
}
