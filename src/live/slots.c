/* slots.c - see slots.h. */
#include "live/slots.h"

#include "base/assert.h"
#include "live/lock.h"

#include <fcntl.h>
#include <poll.h>

#define LOOKED_AT 1024 /* segments, before the freest of them is taken */
#define GOOD      48   /* free slots: no need to look further */

bool vm_store_slots_open(struct vm_store_slots *s, uint64_t nslots, struct vm_error *e)
{
    *s = (struct vm_store_slots){.nslots = nslots, .usable = nslots, .pipe = {-1, -1}};
    s->nsegments = (nslots + VM_STORE_SLOTS_SEGMENT - 1) / VM_STORE_SLOTS_SEGMENT;
    if (!vm_arena_open(&s->arena,
                       vm_arena_room(nslots * sizeof *s->slot) +
                           vm_arena_room(s->nsegments * sizeof *s->free) +
                           vm_arena_room(nslots * sizeof *s->limbo),
                       e))
        return false;
    s->slot = vm_arena_take(&s->arena, nslots * sizeof *s->slot);
    s->free = vm_arena_take(&s->arena, s->nsegments * sizeof *s->free);
    s->limbo = vm_arena_take(&s->arena, nslots * sizeof *s->limbo);
    for (uint64_t i = 0; i < s->nsegments; i++)
        s->free[i] = UINT64_MAX;
    if (nslots % VM_STORE_SLOTS_SEGMENT)
        s->free[s->nsegments - 1] = (UINT64_C(1) << nslots % VM_STORE_SLOTS_SEGMENT) - 1;
    return true;
}

void vm_store_slots_close(struct vm_store_slots *s)
{
    for (uint32_t i = 0; i < s->nchildren; i++)
        close(s->child[i].pipe);
    vm_arena_close(&s->arena);
}

/* ---- children ---- */

/* Does a living child read what was born and died so? */
static bool is_read(const struct vm_store_slots *s, uint32_t born, uint32_t died)
{
    for (uint32_t i = 0; i < s->nchildren; i++)
        if (s->child[i].fork > born && s->child[i].fork <= died)
            return true;
    return false;
}

static bool child_is_gone(const struct vm_store_slots_child *child)
{
    struct pollfd p = {.fd = child->pipe};
    const struct timespec now = {0};
    return vm_raw_call(SYS_ppoll, (long)&p, 1, (long)&now, 0, 0, 0) > 0 && p.revents & POLLHUP;
}

static void slot_free(struct vm_store_slots *s, uint64_t slot)
{
    VM_ASSERT(!(s->free[slot / 64] >> slot % 64 & 1));
    s->free[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void limbo_empty(struct vm_store_slots *s)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < s->nlimbo; i++) {
        uint32_t slot = s->limbo[i];
        if (is_read(s, s->slot[slot].born, s->slot[slot].died))
            s->limbo[kept++] = slot;
        else
            slot_free(s, slot);
    }
    s->nlimbo = kept;
}

static void children_bury(struct vm_store_slots *s)
{
    uint32_t living = 0;
    for (uint32_t i = 0; i < s->nchildren; i++)
        if (child_is_gone(&s->child[i]))
            vm_raw_call(SYS_close, s->child[i].pipe, 0, 0, 0, 0, 0);
        else
            s->child[living++] = s->child[i];
    if (living == s->nchildren)
        return;
    s->nchildren = living;
    limbo_empty(s);
}

bool vm_store_slots_fork_before(struct vm_store_slots *s)
{
    children_bury(s);
    if (s->nchildren == VM_STORE_SLOTS_CHILDREN || pipe2(s->pipe, O_CLOEXEC) < 0) {
        s->pipe[0] = s->pipe[1] = -1;
        return false;
    }
    return true;
}

void vm_store_slots_fork_parent(struct vm_store_slots *s)
{
    if (s->pipe[0] < 0)
        return;
    close(s->pipe[1]);
    s->child[s->nchildren++] = (struct vm_store_slots_child){s->pipe[0], ++s->nforks};
    s->pipe[0] = s->pipe[1] = -1;
}

int vm_store_slots_fork_child(struct vm_store_slots *s)
{
    int alive = s->pipe[1];
    for (uint32_t i = 0; i < s->nchildren; i++)
        close(s->child[i].pipe);
    s->nchildren = 0;
    if (alive >= 0)
        close(s->pipe[0]);
    s->pipe[0] = s->pipe[1] = -1;
    return alive;
}

/* ---- taking and giving ---- */

static uint64_t free_in(const struct vm_store_slots *s, uint64_t segment)
{
    uint64_t first = segment * VM_STORE_SLOTS_SEGMENT;
    if (first >= s->usable)
        return 0;
    uint64_t n = s->usable - first;
    return s->free[segment] & (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX);
}

/* The best of the next segments; false: none has a free slot. */
static bool segment_choose(struct vm_store_slots *s)
{
    uint64_t best = s->segment;
    int most = 0;
    if (s->nchildren)
        children_bury(s);
    for (uint64_t i = 1; i <= s->nsegments && most < GOOD && (i <= LOOKED_AT || !most); i++) {
        uint64_t at = (s->segment + i) % s->nsegments;
        int n = __builtin_popcountll(free_in(s, at));
        if (n > most) {
            most = n;
            best = at;
        }
    }
    s->segment = best;
    s->next = 0;
    return most > 0;
}

uint32_t vm_store_slots_take(struct vm_store_slots *s, uint32_t n, uint64_t *first)
{
    uint64_t ahead = s->next < 64 ? free_in(s, s->segment) >> s->next : 0;
    if (!ahead) {
        if (!segment_choose(s))
            return 0;
        ahead = free_in(s, s->segment);
    }
    uint32_t skip = (uint32_t)__builtin_ctzll(ahead);
    uint64_t holes = ~(ahead >> skip);
    uint32_t run = holes ? (uint32_t)__builtin_ctzll(holes) : 64;
    run = run < n ? run : n;
    uint32_t begin = s->next + skip;
    s->next = begin + run;
    *first = s->segment * 64 + begin;
    for (uint32_t i = 0; i < run; i++) {
        s->free[s->segment] &= ~(UINT64_C(1) << (begin + i));
        s->slot[*first + i] = (struct vm_store_slot){.holders = 1, .born = s->nforks};
    }
    s->nheld += run;
    return run;
}

void vm_store_slots_hold(struct vm_store_slots *s, uint64_t slot)
{
    VM_ASSERT(s->slot[slot].holders > 0);
    s->slot[slot].holders++;
}

bool vm_store_slots_drop(struct vm_store_slots *s, uint64_t slot)
{
    VM_ASSERT(slot < s->nslots && s->slot[slot].holders > 0);
    if (--s->slot[slot].holders)
        return false;
    s->nheld--;
    return true;
}

void vm_store_slots_give(struct vm_store_slots *s, uint64_t slot)
{
    s->slot[slot].died = s->nforks;
    if (is_read(s, s->slot[slot].born, s->nforks))
        s->limbo[s->nlimbo++] = (uint32_t)slot;
    else
        slot_free(s, slot);
}

void vm_store_slots_check(const struct vm_store_slots *s)
{
    uint64_t held = 0, free = 0;
    for (uint64_t i = 0; i < s->nslots; i++) {
        bool is_free = s->free[i / 64] >> i % 64 & 1;
        VM_ASSERT(!is_free || !s->slot[i].holders);
        held += s->slot[i].holders != 0;
        free += is_free;
    }
    for (uint64_t i = 0; i < s->nlimbo; i++)
        VM_ASSERT(!s->slot[s->limbo[i]].holders);
    VM_ASSERT(held == s->nheld && held + free + s->nlimbo <= s->nslots);
}
