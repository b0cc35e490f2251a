/* recency_depth.c - see recency_depth.h. */
#include "analysis/recency_depth.h"

/* A squeeze costs a rank for each page; after it the log has room for that many touches a page, so
 * that a touch pays for a third of a rank. More room would leave the caches. */
#define LOG_TURNS  4
#define ROOM_FIRST 1024

/* Room for LOG_TURNS positions a page; and the levels that so many positions need. */
static void make_room(struct recency_depth *d)
{
    uint64_t room = (uint64_t)LOG_TURNS * d->nlive;
    room = room < ROOM_FIRST ? ROOM_FIRST : (room + 63) / 64 * 64;
    d->room = room > UINT32_MAX / 64 * 64 ? UINT32_MAX / 64 * 64 : (uint32_t)room;
    d->nlevels = 0;
    while ((uint64_t)d->room > UINT64_C(1) << recency_depth_shift(d->nlevels))
        d->nlevels++;
}

bool recency_depth_open(struct recency_depth *d, struct vm_error *e)
{
    const uint64_t positions = UINT64_C(1) << 32;
    size_t bytes = vm_arena_room(sizeof *d->at * DEPTH_PAGES_MAX) + vm_arena_room(positions / 8);
    for (uint32_t l = 0; l < DEPTH_LEVELS; l++)
        bytes += vm_arena_room((positions >> recency_depth_shift(l)) * 4 + DEPTH_FAN * 4);
    *d = (struct recency_depth){0};
    if (!vm_arena_open(&d->arena, bytes, e))
        return false;
    d->at = vm_arena_take(&d->arena, sizeof *d->at * DEPTH_PAGES_MAX);
    d->bits = vm_arena_take(&d->arena, positions / 8);
    for (uint32_t l = 0; l < DEPTH_LEVELS; l++)
        d->before[l] =
            vm_arena_take(&d->arena, (positions >> recency_depth_shift(l)) * 4 + DEPTH_FAN * 4);
    make_room(d);
    return true;
}

void recency_depth_close(struct recency_depth *d)
{
    vm_arena_close(&d->arena);
    *d = (struct recency_depth){0};
}

/* All positions below nlive are set, and no other. */
static void fill(struct recency_depth *d)
{
    d->head = d->nlive;
    for (uint32_t w = 0; w * UINT64_C(64) < d->head; w++)
        d->bits[w] = vm_low_bits(d->head - w * 64 < 64 ? d->head - w * 64 : 64);
    for (uint32_t l = 0; l < d->nlevels; l++)
        for (uint32_t g = 0; g <= d->head >> recency_depth_shift(l); g++)
            d->before[l][g] = g % DEPTH_FAN << recency_depth_shift(l);
}

__attribute__((noinline)) void recency_depth_squeeze(struct recency_depth *d)
{
    VM_ASSERT(d->nlive < UINT32_MAX / 64 * 64);
    for (uint32_t page = 0; page < d->npages; page++)
        if (d->at[page])
            d->at[page] = recency_depth_rank(d, d->at[page] - 1) + 1;
    make_room(d);
    fill(d);
}

void recency_depth_check(const struct recency_depth *d)
{
    uint32_t set = 0, seen = 0;
    VM_ASSERT(d->head <= d->room);
    for (uint32_t q = 0; q < d->head; q++) {
        VM_ASSERT(recency_depth_rank(d, q) == set);
        set += d->bits[q / 64] >> q % 64 & 1;
    }
    VM_ASSERT(set == d->nlive);
    for (uint32_t page = 0; page < d->npages; page++) {
        uint32_t q = d->at[page];
        VM_ASSERT(q == 0 || (q <= d->head && d->bits[(q - 1) / 64] >> (q - 1) % 64 & 1));
        seen += q != 0;
    }
    VM_ASSERT(seen == d->nlive);
}
