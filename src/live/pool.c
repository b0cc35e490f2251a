/* pool.c - see pool.h. */
#include "live/pool.h"

#include "base/assert.h"

#include <string.h>
#include <sys/mman.h>

/* Spans that were emptied last keep their memory: the next objects take them at once. */
#define WARM 16

struct vm_pool_span {
    uint32_t next, prev;       /* of its class, + 1; 0: none */
    uint32_t live;             /* objects */
    uint32_t touched;          /* objects from its beginning on that were ever taken */
    uint32_t first_free;       /* the object + 1 that was given last; its first word has the next */
    uint32_t class, is_listed; /* whether it is in the class's list */
};

bool vm_pool_open(struct vm_pool *p, uint32_t page_bytes, uint64_t pages_max, uint64_t limit_bytes,
                  struct vm_error *e)
{
    *p = (struct vm_pool){.step = page_bytes / VM_POOL_CLASSES,
                          .span_bytes = (uint64_t)page_bytes * VM_POOL_SPAN,
                          .limit_bytes = limit_bytes ? limit_bytes : UINT64_MAX};
    /* Twice the pages: spans that are half empty; and one that is begun for each class. */
    p->nspans = 2 * (pages_max / VM_POOL_SPAN + 1) + VM_POOL_CLASSES;
    size_t data = p->nspans * p->span_bytes;
    if (!vm_arena_open(&p->arena,
                       vm_arena_room(data) + vm_arena_room(p->nspans * sizeof *p->span) +
                           vm_arena_room(p->nspans * sizeof *p->free),
                       e))
        return false;
    p->base = vm_arena_take(&p->arena, data);
    p->span = vm_arena_take(&p->arena, p->nspans * sizeof *p->span);
    p->free = vm_arena_take(&p->arena, p->nspans * sizeof *p->free);
    return true;
}

static uint32_t class_bytes(const struct vm_pool *p, uint32_t class)
{
    return (class + 1) * p->step;
}

static void list_add(struct vm_pool *p, uint32_t at)
{
    struct vm_pool_span *s = &p->span[at];
    s->prev = 0;
    s->next = p->partial[s->class];
    if (s->next)
        p->span[s->next - 1].prev = at + 1;
    p->partial[s->class] = at + 1;
    s->is_listed = 1;
}

static void list_remove(struct vm_pool *p, uint32_t at)
{
    struct vm_pool_span *s = &p->span[at];
    if (s->prev)
        p->span[s->prev - 1].next = s->next;
    else
        p->partial[s->class] = s->next;
    if (s->next)
        p->span[s->next - 1].prev = s->prev;
    s->is_listed = 0;
}

/* An empty span becomes the class's, if there is one. */
static void span_begin(struct vm_pool *p, uint32_t class)
{
    if (!p->nfree && p->nused == p->nspans)
        return;
    uint32_t at = p->nfree ? p->free[--p->nfree] : (uint32_t)p->nused++;
    p->span[at] = (struct vm_pool_span){.class = class};
    list_add(p, at);
}

static void span_end(struct vm_pool *p, uint32_t at)
{
    struct vm_pool_span *s = &p->span[at];
    if (s->is_listed)
        list_remove(p, at);
    p->held_bytes -= (uint64_t)s->touched * class_bytes(p, s->class);
    if (p->nfree >= WARM)
        vm_raw_call(SYS_madvise, (long)(p->base + at * p->span_bytes), (long)p->span_bytes,
                    MADV_DONTNEED, 0, 0, 0);
    p->free[p->nfree++] = at;
}

static uint32_t *link_of(const struct vm_pool *p, uint64_t span, uint32_t k)
{
    uint32_t bytes = class_bytes(p, p->span[span].class);
    return (uint32_t *)(void *)(p->base + span * p->span_bytes + (uint64_t)k * bytes);
}

static uint64_t take_in_span(struct vm_pool *p, uint32_t at)
{
    struct vm_pool_span *s = &p->span[at];
    uint32_t bytes = class_bytes(p, s->class), k;
    if (s->first_free) {
        k = s->first_free - 1;
        s->first_free = *link_of(p, at, k);
    } else {
        if (p->held_bytes + bytes > p->limit_bytes)
            return VM_POOL_NONE;
        k = s->touched++;
        p->held_bytes += bytes;
    }
    s->live++;
    if (!s->first_free && (s->touched + 1) * (uint64_t)bytes > p->span_bytes)
        list_remove(p, at);
    return at * p->span_bytes + (uint64_t)k * bytes;
}

uint64_t vm_pool_take(struct vm_pool *p, uint32_t bytes)
{
    VM_ASSERT(bytes > 0 && bytes <= VM_POOL_CLASSES * p->step);
    uint32_t class = (bytes - 1) / p->step, last = class + class / 4;
    uint64_t object = VM_POOL_NONE;
    last = last < VM_POOL_CLASSES ? last : VM_POOL_CLASSES - 1;
    vm_lock_take(&p->lock);
    if (!p->partial[class] && p->held_bytes + class_bytes(p, class) <= p->limit_bytes)
        span_begin(p, class);
    /* At the limit, what is free a little larger serves too. */
    for (uint32_t c = class; c <= last && object == VM_POOL_NONE; c++)
        if (p->partial[c])
            object = take_in_span(p, p->partial[c] - 1);
    vm_lock_give(&p->lock);
    return object;
}

void vm_pool_give(struct vm_pool *p, uint64_t object)
{
    uint32_t at = (uint32_t)(object / p->span_bytes);
    struct vm_pool_span *s = &p->span[at];
    vm_lock_take(&p->lock);
    uint32_t k = (uint32_t)(object % p->span_bytes / class_bytes(p, s->class));
    VM_ASSERT(s->live > 0 && k < s->touched);
    *link_of(p, at, k) = s->first_free;
    s->first_free = k + 1;
    if (--s->live == 0)
        span_end(p, at);
    else if (!s->is_listed)
        list_add(p, at);
    vm_lock_give(&p->lock);
}

static uint32_t free_objects(const struct vm_pool *p, uint32_t at)
{
    uint32_t n = 0;
    for (uint32_t k = p->span[at].first_free; k; k = *link_of(p, at, k - 1))
        n++;
    return n;
}

void vm_pool_check(struct vm_pool *p)
{
    uint64_t held = 0, empty = 0;
    vm_lock_take(&p->lock);
    for (uint32_t at = 0; at < p->nused; at++) {
        const struct vm_pool_span *s = &p->span[at];
        uint64_t bytes = class_bytes(p, s->class);
        empty += s->live == 0;
        if (s->live == 0)
            continue;
        held += s->touched * bytes;
        VM_ASSERT(s->live + free_objects(p, at) == s->touched);
        VM_ASSERT(s->is_listed == (s->first_free || (s->touched + 1) * bytes <= p->span_bytes));
    }
    VM_ASSERT(empty == p->nfree && held == p->held_bytes && held <= p->limit_bytes);
    vm_lock_give(&p->lock);
}

void vm_pool_close(struct vm_pool *p)
{
    vm_arena_close(&p->arena);
}
