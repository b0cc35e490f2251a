/* paper_working_set.c - the working set as Denning defines it (CACM 11(5) 1968): after each touch
 * of a process it holds the pages of its last tau touches. A page that is not in its window leaves
 * before a page that comes in, or after the touch. When memory is full nonetheless: the page that
 * has been idle longest, by its process's time. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>

struct model {
    const struct policy_world *w;
    uint64_t tau;
    uint64_t *time; /* [processes] touches so far */
    uint64_t *last; /* [npages] its process's time after the last touch of it */
    vm_asid *known; /* [nknown] processes in the order of their first touches */
    uint32_t nknown;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->w = w;
    m->tau = vm_params_count(params, "tau");
    if (m->tau == 0)
        m->tau = 4 * (uint64_t)w->nframes;
    m->time = calloc(w->npages + 1, sizeof *m->time);
    m->last = calloc(w->npages, sizeof *m->last);
    m->known = calloc(w->npages + 1, sizeof *m->known);
    VM_ASSERT(m->time && m->last && m->known);
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->time);
    free(m->last);
    free(m->known);
    free(m);
}

/* The resident page of the process that was touched longest ago. */
static uint32_t oldest(const struct model *m, const struct paper_memory *memory, vm_asid owner)
{
    uint32_t found = PAPER_NONE;
    for (uint32_t page = 0; page < m->w->npages; page++)
        if (paper_in(memory, page) && policy_world_owner(m->w, page) == owner &&
            (found == PAPER_NONE || m->last[page] < m->last[found]))
            found = page;
    return found;
}

static void expire(struct model *m, struct paper_memory *memory, vm_asid owner, uint64_t now)
{
    uint32_t page;
    while ((page = oldest(m, memory, owner)) != PAPER_NONE && now - m->last[page] >= m->tau)
        paper_release(memory, page);
}

static uint32_t idlest(const struct model *m, const struct paper_memory *memory)
{
    uint32_t found = PAPER_NONE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < m->nknown; i++) {
        uint32_t page = oldest(m, memory, m->known[i]);
        if (page == PAPER_NONE)
            continue;
        uint64_t idle = m->time[m->known[i]] - m->last[page];
        if (found == PAPER_NONE || idle > most) {
            found = page;
            most = idle;
        }
    }
    return found;
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    vm_asid owner = policy_world_owner(m->w, page);
    (void)now, (void)write;
    if (!paper_in(memory, page)) {
        expire(m, memory, owner, m->time[owner] + 1);
        if (paper_full(memory))
            paper_evict(memory, idlest(m, memory));
        paper_load(memory, page);
    }
    if (m->time[owner]++ == 0)
        m->known[m->nknown++] = owner;
    m->last[page] = m->time[owner];
    expire(m, memory, owner, m->time[owner]);
}

const struct paper_model paper_working_set = {
    .name = "working-set",
    .open = open_model,
    .serve = serve,
    .close = close_model,
};
