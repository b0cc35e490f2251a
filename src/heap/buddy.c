/* buddy.c - the binary buddy system: a block of the next power of two, and the other half of its
 * double is its buddy.
 *
 * A request takes a block of the smallest power of two from 32 bytes on that holds it, halved from
 * the smallest larger one that is free, the lowest of these. A block that is given back becomes one
 * with its buddy if that is free, and so on up. The buddy's address is the block's own with one bit
 * turned: no search, and no boundary tags.
 *
 * Nothing is written into the region. For each order the lowest free block is known by its number,
 * and the others are a set, bits over bits, that finds the next lowest; a byte for each 32 says
 * what live block begins there. Most orders have no or one free block most of the time, since
 * halving makes one of each on its way: these need no set.
 *
 * Invariants
 *  1. A block of order k begins at a multiple of 2^k units. Its buddy, if free, has another order.
 *  2. Blocks, free or live, follow each other from 0 to the end.
 *  3. Members of others[k] have numbers above lowest[k]. It is empty if that is NONE.
 *
 * Knowlton, "A fast storage allocator", CACM 8(10), 1965; Knuth, "The Art of Computer Programming"
 * vol. 1, section 2.5, algorithms R and S.
 */
#include "base/block.h"
#include "heap/ground.h"

#include <stdio.h>

#define UNIT_SHIFT 5
#define ORDERS     40
#define NONE       VM_BITSET_NONE

struct buddy {
    struct ground ground;
    /* By order: free blocks by number, offset / size. */
    uint64_t lowest[ORDERS]; /* or NONE */
    struct vm_bitset others[ORDERS];
    uint64_t filled, several; /* bit k: there is a lowest[k]; others[k] is not empty */
    uint8_t *order;           /* [units] 1 + order of the live block that begins here, or 0 */
    size_t most;              /* bytes that the region had at most */
    unsigned norders;
};

static size_t order_bytes(unsigned order)
{
    return (size_t)1 << (UNIT_SHIFT + order);
}

static size_t layout(struct buddy *h, struct block *b, const struct vm_heap_env *env)
{
    block_take(b, sizeof *h);
    h->norders = vm_log2(env->limit >> UNIT_SHIFT) + 1;
    VM_ASSERT(h->norders <= ORDERS);
    for (unsigned k = 0; k < h->norders; k++)
        block_take_set(b, (env->limit >> (UNIT_SHIFT + k)) + 1, &h->others[k]);
    h->order = block_take(b, env->limit >> UNIT_SHIFT);
    return b->used;
}

static size_t size(const struct vm_heap_env *env)
{
    struct buddy measured;
    struct block b = {0};
    return layout(&measured, &b, env);
}

static void init(void *state, const struct vm_heap_env *env)
{
    struct buddy *h = state;
    struct block b = {.start = (uintptr_t)state};
    layout(h, &b, env);
    ground_init(&h->ground, env);
    for (unsigned k = 0; k < ORDERS; k++)
        h->lowest[k] = NONE;
}

/* ---- free blocks ---- */

static uint64_t number_of(size_t at, unsigned order)
{
    return at >> (UNIT_SHIFT + order);
}

static bool is_free(const struct buddy *h, size_t at, unsigned order)
{
    uint64_t number = number_of(at, order);
    return (number == h->lowest[order]) | vm_bitset_has(&h->others[order], number);
}

/* The block is free in its order; its bytes are counted elsewhere, as of the next two. */
static void set_add(struct buddy *h, size_t at, unsigned order)
{
    uint64_t number = number_of(at, order), lowest = h->lowest[order];
    h->lowest[order] = number < lowest ? number : lowest;
    h->filled |= UINT64_C(1) << order;
    if (lowest == NONE)
        return;
    vm_bitset_add(&h->others[order], number < lowest ? lowest : number);
    h->several |= UINT64_C(1) << order;
}

/* The lowest free block of the order, which has one, is not free any more: its number. */
static uint64_t set_pop(struct buddy *h, unsigned order)
{
    uint64_t bit = UINT64_C(1) << order, number = h->lowest[order];
    if (h->several & bit) {
        uint64_t next = vm_bitset_next(&h->others[order], number);
        h->lowest[order] = next;
        if (vm_bitset_drop(&h->others[order], next))
            h->several &= ~bit;
    } else {
        h->lowest[order] = NONE;
        h->filled &= ~bit;
    }
    return number;
}

static void set_drop(struct buddy *h, size_t at, unsigned order)
{
    uint64_t number = number_of(at, order);
    if (number == h->lowest[order])
        set_pop(h, order);
    else if (vm_bitset_drop(&h->others[order], number))
        h->several &= ~(UINT64_C(1) << order);
}

static void free_put(struct buddy *h, size_t at, unsigned order)
{
    set_add(h, at, order);
    h->ground.free_bytes += order_bytes(order);
    h->ground.free_blocks++;
}

static void free_drop(struct buddy *h, size_t at, unsigned order)
{
    set_drop(h, at, order);
    h->ground.free_bytes -= order_bytes(order);
    h->ground.free_blocks--;
}

/* Make the block free, as one with its buddy if that is free, and so on up: its order then. */
static unsigned free_merge(struct buddy *h, size_t at, unsigned order)
{
    unsigned merged = order;
    for (; merged + 1 < h->norders && is_free(h, at ^ order_bytes(merged), merged); merged++) {
        set_drop(h, at ^ order_bytes(merged), merged);
        at &= ~order_bytes(merged);
    }
    set_add(h, at, merged);
    h->ground.free_bytes += order_bytes(order);
    h->ground.free_blocks += 1 - (uint64_t)(merged - order);
    h->ground.merges += merged - order;
    return merged;
}

/* Take the lowest free block of order `found`, which has one, and halve it down to `order`. */
static size_t free_split(struct buddy *h, unsigned found, unsigned order)
{
    size_t at = set_pop(h, found) << (UNIT_SHIFT + found);
    for (unsigned k = found; k > order; k--)
        set_add(h, at + order_bytes(k - 1), k - 1);
    h->ground.free_bytes -= order_bytes(order);
    h->ground.free_blocks += (uint64_t)(found - order) - 1;
    h->ground.splits += found - order;
    return at;
}

/* The largest order of a block that begins at `at` and does not reach past `end`. */
static unsigned order_between(size_t at, size_t end)
{
    unsigned longest = vm_log2(end - at);
    unsigned aligned = at ? (unsigned)__builtin_ctzll(at) : longest;
    return (aligned < longest ? aligned : longest) - UNIT_SHIFT;
}

/* Make [at, end), of no block, free. */
static void free_range(struct buddy *h, size_t at, size_t end)
{
    for (unsigned order; at < end; at += order_bytes(order)) {
        order = order_between(at, end);
        free_merge(h, at, order);
    }
}

/* The order of the free block that begins at `at`, or ORDERS. */
static unsigned free_order(const struct buddy *h, size_t at)
{
    unsigned order = 0;
    while (order < h->norders && at % order_bytes(order) == 0 && !is_free(h, at, order))
        order++;
    return order < h->norders && at % order_bytes(order) == 0 ? order : ORDERS;
}

/* Where the free blocks begin that reach up to `end`. */
static size_t free_top(const struct buddy *h, size_t end)
{
    for (unsigned order = 0; order < h->norders && end % order_bytes(order) == 0;) {
        bool free = end >= order_bytes(order) && is_free(h, end - order_bytes(order), order);
        end -= free ? order_bytes(order) : 0;
        order = free ? 0 : order + 1;
    }
    return end;
}

/* ---- taking ---- */

/* Move the end up so that there is a free block of the order: what is free below it is used. */
static bool grow(struct buddy *h, unsigned order)
{
    struct ground *g = &h->ground;
    size_t end = g->end, bytes = order_bytes(order);
    size_t start = ground_round(free_top(h, end), bytes);
    if (start + bytes <= end || !ground_grow(g, start + bytes - end))
        return false;
    h->most = g->end > h->most ? g->end : h->most;
    free_range(h, end, g->end);
    return true;
}

static unsigned order_for(size_t bytes, size_t align)
{
    unsigned bits = vm_bits_below(bytes > align ? bytes : align);
    return bits < UNIT_SHIFT ? 0 : bits - UNIT_SHIFT;
}

static void *take(void *state, size_t bytes, size_t align, uint32_t cpu)
{
    struct buddy *h = state;
    (void)cpu;
    if (bytes > h->ground.limit)
        return ground_fail(&h->ground);
    unsigned order = order_for(bytes, align);
    uint64_t larger = h->filled & ~vm_low_bits(order);
    if (!larger && (!grow(h, order) || !(larger = h->filled & ~vm_low_bits(order))))
        return ground_fail(&h->ground);
    unsigned found = (unsigned)__builtin_ctzll(larger);
    size_t at = free_split(h, found, order);
    h->ground.searched += found - order + 1;
    h->order[at >> UNIT_SHIFT] = (uint8_t)(order + 1);
    h->ground.takes++;
    h->ground.live_bytes += order_bytes(order);
    return h->ground.base + at;
}

/* ---- giving back ---- */

/* Pages at the top that are free are the host's again, if they are enough. */
static void trim(struct buddy *h)
{
    size_t top = free_top(h, h->ground.end), end = ground_trimmed(&h->ground, top);
    if (end == h->ground.end)
        return;
    for (size_t at = top; at < h->ground.end;) {
        unsigned order = free_order(h, at);
        free_drop(h, at, order);
        at += order_bytes(order);
    }
    ground_move_down(&h->ground, end);
    free_range(h, top, end);
}

static enum vm_heap_fault diagnose(const struct buddy *h, size_t at)
{
    if (at >= h->ground.end || at % order_bytes(0))
        return VM_HEAP_NOT_A_BLOCK;
    for (unsigned order = 0; order < h->norders; order++)
        if (is_free(h, at, order))
            return VM_HEAP_FREE_TWICE;
    return VM_HEAP_NOT_A_BLOCK;
}

static size_t offset_of(const struct buddy *h, const void *block)
{
    return (uintptr_t)block - (uintptr_t)h->ground.base;
}

/* 1 + order of the live block that begins at `at`, any number, or 0. */
static unsigned live_order(const struct buddy *h, size_t at)
{
    return at < h->ground.end && at % order_bytes(0) == 0 ? h->order[at >> UNIT_SHIFT] : 0;
}

static enum vm_heap_fault give(void *state, void *block, uint32_t cpu)
{
    struct buddy *h = state;
    size_t at = offset_of(h, block);
    unsigned order = live_order(h, at);
    (void)cpu;
    if (!order--)
        return diagnose(h, at);
    h->order[at >> UNIT_SHIFT] = 0;
    h->ground.gives++;
    h->ground.live_bytes -= order_bytes(order);
    /* There are at most two free blocks of each order at the top: the largest has a quarter. */
    if (order_bytes(free_merge(h, at, order)) >= h->ground.trim / 4)
        trim(h);
    return VM_HEAP_FINE;
}

/* ---- resizing: doubled while the buddies above are free; halved ---- */

static bool can_double(const struct buddy *h, size_t at, unsigned order, unsigned wanted)
{
    for (; order < wanted; order++)
        if (order + 1 >= h->norders || at & order_bytes(order) ||
            !is_free(h, at + order_bytes(order), order))
            return false;
    return true;
}

static bool resize(void *state, void *block, size_t bytes)
{
    struct buddy *h = state;
    size_t at = offset_of(h, block);
    unsigned order = live_order(h, at), wanted = order_for(bytes, 1);
    if (!order-- || bytes > h->ground.limit || !can_double(h, at, order, wanted))
        return false;
    h->order[at >> UNIT_SHIFT] = (uint8_t)(wanted + 1);
    h->ground.live_bytes += order_bytes(wanted) - order_bytes(order);
    for (; order < wanted; order++) {
        free_drop(h, at + order_bytes(order), order);
        h->ground.merges++;
    }
    for (; order > wanted; order--) {
        free_put(h, at + order_bytes(order - 1), order - 1);
        h->ground.splits++;
    }
    return true;
}

static size_t room(const void *state, const void *block)
{
    const struct buddy *h = state;
    unsigned order = live_order(h, offset_of(h, block));
    return order ? order_bytes(order - 1) : 0;
}

/* ---- looking at all ---- */

static void usage(const void *state, struct vm_heap_usage *out)
{
    const struct buddy *h = state;
    ground_usage(&h->ground, out);
    out->free_max = h->filled ? order_bytes(vm_log2(h->filled)) : 0;
    /* Bits for each order, half as many as for the one below. */
    out->state_bytes = sizeof *h + (h->most >> UNIT_SHIFT) + (h->most >> UNIT_SHIFT) / 4;
}

/* The bytes of the block that begins at `at`, live or free; 0: none does. */
static size_t block_bytes(const struct buddy *h, size_t at)
{
    unsigned live = live_order(h, at), free = free_order(h, at);
    if (live && free == ORDERS)
        return order_bytes(live - 1);
    return !live && free < ORDERS ? order_bytes(free) : 0;
}

static void walk(const void *state, void *host,
                 void (*piece)(void *host, const struct vm_heap_piece *))
{
    const struct buddy *h = state;
    struct vm_heap_piece p = {0};
    for (; p.start < h->ground.end; p.start += p.bytes) {
        p.bytes = block_bytes(h, p.start);
        p.kind = live_order(h, p.start) ? VM_HEAP_LIVE : VM_HEAP_FREE;
        VM_ASSERT(p.bytes);
        piece(host, &p);
    }
}

static bool damage(struct vm_heap_damage *out, size_t at, const char *what)
{
    out->at = at;
    snprintf(out->what, sizeof out->what, "the block at +0x%zx: %s", at, what);
    return false;
}

static bool check_block(const struct buddy *h, size_t at, size_t bytes, struct vm_heap_damage *out)
{
    if (!bytes || at % bytes || bytes > h->ground.end - at)
        return damage(out, at, "it is neither live nor free, or both");
    unsigned order = vm_log2(bytes) - UNIT_SHIFT;
    if (is_free(h, at, order) && order + 1 < h->norders && is_free(h, at ^ bytes, order))
        return damage(out, at, "free beside its free buddy");
    return true;
}

/* The free blocks of an order, of which there are so many less in *nfree then. */
static bool check_order(const struct buddy *h, unsigned k, uint64_t *nfree,
                        struct vm_heap_damage *out)
{
    const struct vm_bitset *others = &h->others[k];
    bool filled = h->filled >> k & 1, several = h->several >> k & 1;
    vm_bitset_check(others);
    if (filled != (h->lowest[k] != NONE) || several == vm_bitset_is_empty(others))
        return damage(out, 0, "the masks of orders");
    if (several && (!filled || vm_bitset_next(others, 0) <= h->lowest[k]))
        return damage(out, 0, "the lowest of an order");
    *nfree -= filled;
    for (uint64_t i = 0; (i = vm_bitset_next(others, i)) != NONE; i++)
        --*nfree;
    return true;
}

static bool check(const void *state, struct vm_heap_damage *out)
{
    const struct buddy *h = state;
    uint64_t nfree = 0;
    for (size_t at = 0, bytes; at < h->ground.end; at += bytes) {
        bytes = block_bytes(h, at);
        if (!check_block(h, at, bytes, out))
            return false;
        nfree += !live_order(h, at);
    }
    for (unsigned k = 0; k < h->norders; k++)
        if (!check_order(h, k, &nfree, out))
            return false;
    return !nfree || damage(out, 0, "a free block lies inside another");
}

static const struct vm_param params[] = {GROUND_GROW_PARAM, GROUND_TRIM_PARAM};

const struct vm_heap_ops vm_heap_buddy = {
    .name = "buddy",
    .summary = "powers of two from 32 bytes on, halved from larger ones and merged with buddies",
    .sees = VM_HEAP_SEES_STRANGERS | VM_HEAP_SEES_TWICE,
    .param = params,
    .nparams = sizeof params / sizeof params[0],
    .size = size,
    .init = init,
    .take = take,
    .give = give,
    .resize = resize,
    .room = room,
    .usage = usage,
    .walk = walk,
    .check = check,
};
