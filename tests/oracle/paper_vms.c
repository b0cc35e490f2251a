/* paper_vms.c - segmented first in, first out of VAX/VMS (Turner & Levy, SIGMETRICS 1981; Levy &
 * Lipman, IEEE Computer 15(3) 1982), on arrays: a queue for each process, the free list and the
 * modified list. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>

#define PROCESSES 64

struct model {
    const struct policy_world *w;
    struct paper_list queue[PROCESSES], free_pages, modified;
    vm_asid known[PROCESSES]; /* in the order of their first pages */
    uint32_t nknown, limit, shared, high, low;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    uint64_t limit = vm_params_count(params, "limit");
    uint32_t lists = (uint32_t)(w->nframes * vm_params_count(params, "lists") / 100);
    m->w = w;
    m->limit = (uint32_t)limit;
    m->shared = w->nframes - lists;
    m->high = (uint32_t)(lists * vm_params_count(params, "high") / 100);
    m->low = m->high / 2;
    return m;
}

/* The front of the longest queue, of equals that of the process that came first. */
static uint32_t take_longest(struct model *m)
{
    struct paper_list *longest = &m->queue[m->known[0]];
    for (uint32_t i = 1; i < m->nknown; i++)
        if (m->queue[m->known[i]].n > longest->n)
            longest = &m->queue[m->known[i]];
    return paper_list_take(longest, 0);
}

static void make_room(struct model *m, struct paper_memory *memory)
{
    if (!paper_full(memory))
        return;
    if (m->free_pages.n)
        paper_evict(memory, paper_list_take(&m->free_pages, 0));
    else if (m->modified.n)
        paper_evict(memory, paper_list_take(&m->modified, 0));
    else
        paper_evict(memory, take_longest(m));
}

static void know(struct model *m, vm_asid owner)
{
    for (uint32_t i = 0; i < m->nknown; i++)
        if (m->known[i] == owner)
            return;
    VM_ASSERT(owner < PROCESSES);
    m->known[m->nknown++] = owner;
}

static void shorten(struct model *m, struct paper_memory *memory, struct paper_list *queue,
                    uint32_t came, bool dirty)
{
    uint32_t limit = m->limit ? m->limit : m->shared / m->nknown;
    while (queue->n > (limit ? limit : 1)) {
        uint32_t page = paper_list_take(queue, 0);
        bool modified = paper_dirty(memory, page) || (page == came && dirty);
        paper_list_push_last(modified ? &m->modified : &m->free_pages, page);
    }
    if (m->modified.n <= m->high)
        return;
    while (m->modified.n > m->low) {
        uint32_t page = paper_list_take(&m->modified, 0);
        paper_clean(memory, page);
        paper_list_push_last(&m->free_pages, page);
    }
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    vm_asid owner = policy_world_owner(m->w, page);
    struct paper_list *queue = &m->queue[owner];
    (void)now;
    if (paper_list_find(queue, page) != PAPER_NONE)
        return;
    if (paper_in(memory, page)) {
        paper_soft(memory);
        VM_ASSERT(paper_list_drop(&m->free_pages, page) || paper_list_drop(&m->modified, page));
    } else {
        make_room(m, memory);
        paper_load(memory, page);
        know(m, owner);
    }
    paper_list_push_last(queue, page);
    shorten(m, memory, queue, page, write);
}

const struct paper_model paper_vms = {
    .name = "vms",
    .open = open_model,
    .serve = serve,
    .close = free,
};
