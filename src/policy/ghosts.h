/* ghosts.h - pages that have left and are remembered: a map by page, and lists of them.
 *
 * A ghost is a number below the map's capacity; it has a page, and the policy may keep more by it
 * in arrays of its own. A page has at most one. Lists are of base/links.h, over the ghosts and the
 * heads of as many lists as the policy has.
 *
 *     page --of_page--> ghost --> page, links            pages are numbered densely (npages)
 *     page --hash--> slot --> ghost --> page, links      in any way
 *
 * Where the host numbers pages densely, as a page replay does, the map is an array: a ghost comes
 * and goes by one store that nobody waits for. Elsewhere it is a hash table.
 *
 * Linear probing in a table at most half full, so that a look for a page that is not there, which
 * is what most misses make, ends after one or two slots of one cache line. A slot has the page's
 * hash beside the ghost: a look passes others' slots, and a removal, which moves later entries back
 * so that nothing is left behind, finds their homes, without a load of their pages from elsewhere.
 * The table begins with four slots and doubles when it is half full: a policy may have room for far
 * more ghosts than ever come, and the few then lie close together.
 *
 * A page may be in two frames, as after a fork, and so be in memory and a ghost at once; it may
 * then leave again while it is one.
 *
 * Invariants (ghosts_check)
 *  1. slot[] has each ghost that is in once, in the run of full slots from its page's home, with
 *     its page's hash; or of_page[] has it at its page.
 *  2. A ghost below `fresh` is in the map, or on the free chain, its page VM_NOPAGE.
 */
#ifndef POLICY_GHOSTS_H
#define POLICY_GHOSTS_H

#include "base/assert.h"
#include "base/block.h"
#include "base/links.h"
#include "base/prefetch.h"
#include "base/random.h"

#include <pagoda/policy.h>
#include <string.h>

#define GHOST_NONE   UINT32_MAX
#define GHOSTS_FIRST 4 /* slots at first */

struct ghost_slot {
    uint32_t hash;  /* of the page; its low bits are the home */
    uint32_t ghost; /* + 1; 0: empty */
};

struct ghosts {
    uint64_t *page;          /* [cap] */
    uint32_t *of_page;       /* [npages] + 1; 0: none */
    struct ghost_slot *slot; /* [mask + 1, of at least 2 * cap] */
    struct vm_links *link;   /* [cap + nlists]; list k's head is cap + k */
    uint64_t npages;         /* 0: hashed */
    uint32_t cap, mask;
    uint32_t n;           /* that are in */
    uint32_t fresh, free; /* numbers from fresh on were never used; free: ghost + 1, chained by
                              link.next, 0: none */
};

static inline void ghosts_layout(struct ghosts *g, struct block *b, const struct vm_policy_env *env,
                                 uint32_t cap, uint32_t nlists)
{
    size_t slots = GHOSTS_FIRST;
    while (slots < 2 * (size_t)cap)
        slots *= 2;
    g->cap = cap;
    g->mask = GHOSTS_FIRST - 1;
    g->npages = env->npages;
    g->page = block_take(b, cap * sizeof *g->page);
    if (g->npages)
        g->of_page = block_take(b, g->npages * sizeof *g->of_page);
    else
        g->slot = block_take(b, slots * sizeof *g->slot);
    g->link = block_take(b, (cap + (size_t)nlists) * sizeof *g->link);
}

static inline void ghosts_init(struct ghosts *g, uint32_t nlists)
{
    for (uint32_t k = 0; k < nlists; k++)
        vm_links_head(g->link, g->cap + k);
}

static inline uint32_t ghosts_hash(uint64_t page)
{
    return (uint32_t)vm_mix64(page);
}

/* ---- the map of pages that are numbers of any size: a hash table ---- */

static inline uint32_t ghosts_find_hashed(const struct ghosts *g, uint64_t page)
{
    uint32_t hash = ghosts_hash(page);
    if (g->n == 0) /* no look at memory that nobody has used yet */
        return GHOST_NONE;
    for (uint32_t i = hash & g->mask; g->slot[i].ghost; i = (i + 1) & g->mask)
        if (g->slot[i].hash == hash && g->page[g->slot[i].ghost - 1] == page)
            return g->slot[i].ghost - 1;
    return GHOST_NONE;
}

/* Into the first empty slot from its home. */
static inline void ghosts_place(struct ghosts *g, uint32_t ghost)
{
    uint32_t hash = ghosts_hash(g->page[ghost]), i = hash & g->mask;
    while (g->slot[i].ghost)
        i = (i + 1) & g->mask;
    g->slot[i] = (struct ghost_slot){.hash = hash, .ghost = ghost + 1};
}

static __attribute__((noinline)) void ghosts_grow(struct ghosts *g)
{
    memset(g->slot, 0, (g->mask + (size_t)1) * sizeof *g->slot);
    g->mask = g->mask * 2 + 1;
    for (uint32_t ghost = 0; ghost < g->fresh; ghost++)
        if (g->page[ghost] != VM_NOPAGE)
            ghosts_place(g, ghost);
}

static inline void ghosts_unplace(struct ghosts *g, uint32_t ghost)
{
    uint32_t hole = ghosts_hash(g->page[ghost]) & g->mask;
    while (g->slot[hole].ghost != ghost + 1) {
        VM_ASSERT(g->slot[hole].ghost);
        hole = (hole + 1) & g->mask;
    }
    for (uint32_t i = (hole + 1) & g->mask; g->slot[i].ghost; i = (i + 1) & g->mask)
        if (((i - g->slot[i].hash) & g->mask) >= ((i - hole) & g->mask)) {
            g->slot[hole] = g->slot[i];
            hole = i;
        }
    g->slot[hole].ghost = 0;
}

/* ---- ghosts by page ---- */

/* The ghost that a look for the page meets first, for prefetching: its own if it has one, or
 * another's, or the first of all. */
static inline uint32_t ghosts_peek(const struct ghosts *g, uint64_t page)
{
    uint32_t ghost = page < g->npages ? g->of_page[page]
                     : g->npages      ? 0
                                      : g->slot[ghosts_hash(page) & g->mask].ghost;
    return ghost - (ghost != 0);
}

/* A look, an addition or a removal of the page is near. */
VM_PREFETCHER void ghosts_prefetch(const struct ghosts *g, uint64_t page)
{
    if (page < g->npages)
        __builtin_prefetch(&g->of_page[page]);
    else if (g->npages == 0)
        __builtin_prefetch(&g->slot[ghosts_hash(page) & g->mask]);
}

/* The page's ghost, or GHOST_NONE. */
static inline uint32_t ghosts_find(const struct ghosts *g, uint64_t page)
{
    if (page < g->npages)
        return g->of_page[page] - 1;
    return g->npages ? GHOST_NONE : ghosts_find_hashed(g, page);
}

/* A ghost for a page that has none; at most `cap` are in. It is on no list yet. */
static inline uint32_t ghosts_add(struct ghosts *g, uint64_t page)
{
    VM_ASSERT(g->n < g->cap);
    uint32_t ghost = g->free ? g->free - 1 : g->fresh++;
    if (g->free)
        g->free = g->link[ghost].next;
    g->page[ghost] = page;
    g->n++;
    if (page < g->npages) {
        g->of_page[page] = ghost + 1;
        return ghost;
    }
    VM_ASSERT(g->npages == 0);
    if (__builtin_expect(g->n > g->mask / 2 + 1, 0))
        ghosts_grow(g); /* which places all */
    else
        ghosts_place(g, ghost);
    return ghost;
}

/* Forget a ghost, which is on no list any more. */
static inline void ghosts_drop(struct ghosts *g, uint32_t ghost)
{
    if (g->npages)
        g->of_page[g->page[ghost]] = 0;
    else
        ghosts_unplace(g, ghost);
    g->page[ghost] = VM_NOPAGE;
    g->link[ghost].next = g->free;
    g->free = ghost + 1;
    g->n--;
}

/* ---- ghosts that are on lists, the oldest first ---- */

static inline uint32_t ghosts_oldest(const struct ghosts *g, uint32_t list)
{
    VM_EXPECT(!vm_links_empty(g->link, g->cap + list));
    return g->link[g->cap + list].next;
}

/* A ghost for a page that has none, the newest of the list. */
static inline uint32_t ghosts_push(struct ghosts *g, uint32_t list, uint64_t page)
{
    uint32_t ghost = ghosts_add(g, page);
    vm_links_push_last(g->link, g->cap + list, ghost);
    return ghost;
}

/* The list's oldest will soon be forgotten, and then the one after it. */
VM_PREFETCHER void ghosts_prefetch_oldest(const struct ghosts *g, uint32_t list)
{
    uint32_t oldest = g->link[g->cap + list].next, after = g->link[oldest].next;
    if (oldest >= g->cap)
        return;
    ghosts_prefetch(g, g->page[oldest]);
    __builtin_prefetch(&g->link[after]);
    if (after < g->cap)
        __builtin_prefetch(&g->page[after]);
}

/* Forget a ghost that is on a list. */
static inline void ghosts_forget(struct ghosts *g, uint32_t ghost)
{
    vm_links_remove(g->link, ghost);
    ghosts_drop(g, ghost);
}

/* That each ghost in the map is its page's; how many are in it. */
static inline uint32_t ghosts_check_map(const struct ghosts *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; g->npages == 0 && i <= g->mask; i++) {
        if (!g->slot[i].ghost)
            continue;
        uint32_t ghost = g->slot[i].ghost - 1;
        VM_ASSERT(ghost < g->fresh && g->slot[i].hash == ghosts_hash(g->page[ghost]) &&
                  ghosts_find(g, g->page[ghost]) == ghost);
        n++;
    }
    for (uint32_t ghost = 0; g->npages && ghost < g->fresh; ghost++)
        if (g->page[ghost] != VM_NOPAGE) {
            VM_ASSERT(g->page[ghost] < g->npages && g->of_page[g->page[ghost]] == ghost + 1);
            n++;
        }
    return n;
}

/* Asserts the invariants. */
static inline void ghosts_check(const struct ghosts *g)
{
    uint32_t n = ghosts_check_map(g), nfree = 0;
    for (uint32_t ghost = g->free; ghost; ghost = g->link[ghost - 1].next)
        VM_ASSERT(++nfree <= g->fresh && ghost <= g->fresh && g->page[ghost - 1] == VM_NOPAGE);
    VM_ASSERT(n == g->n && n + nfree == g->fresh && g->fresh <= g->cap);
}

#endif
