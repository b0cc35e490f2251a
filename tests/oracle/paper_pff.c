/* paper_pff.c - the page-fault-frequency algorithm with use bits, as Chu & Opderbeck tell it (AFIPS
 * FJCC 1972): at a fault of a process that comes more than `interval` of its touches after its last
 * one, its pages with a clear use bit leave, those idle longest first; then its use bits are
 * cleared. When memory is full: the page idle for most touches of its process, of which immediate
 * repeats of the touch before are left out. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>

struct process {
    uint64_t touches; /* so far */
    uint64_t changes; /* those that are no immediate repeat */
    uint64_t fault;   /* touches before its last fault */
    uint32_t before;  /* the page of its touch before */
};

struct model {
    const struct policy_world *w;
    uint64_t interval;
    struct process *process;
    bool *used;     /* [npages] the use bit */
    uint64_t *last; /* [npages] its process's changes at its last one */
    vm_asid *known; /* [nknown] processes in the order of their first touches */
    uint32_t nknown;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->w = w;
    m->interval = vm_params_count(params, "interval");
    if (m->interval == 0)
        m->interval = w->nframes;
    m->process = calloc(w->npages + 1, sizeof *m->process);
    m->used = calloc(w->npages, sizeof *m->used);
    m->last = calloc(w->npages, sizeof *m->last);
    m->known = calloc(w->npages + 1, sizeof *m->known);
    VM_ASSERT(m->process && m->used && m->last && m->known);
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->process);
    free(m->used);
    free(m->last);
    free(m->known);
    free(m);
}

/* The resident page of the process, of those with that use bit or of all (`any`), that was touched
 * longest ago. */
static uint32_t oldest(const struct model *m, const struct paper_memory *memory, vm_asid owner,
                       bool unused_alone)
{
    uint32_t found = PAPER_NONE;
    for (uint32_t page = 0; page < m->w->npages; page++)
        if (paper_in(memory, page) && policy_world_owner(m->w, page) == owner &&
            !(unused_alone && m->used[page]) &&
            (found == PAPER_NONE || m->last[page] < m->last[found]))
            found = page;
    return found;
}

static uint32_t idlest(const struct model *m, const struct paper_memory *memory)
{
    uint32_t found = PAPER_NONE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < m->nknown; i++) {
        uint32_t page = oldest(m, memory, m->known[i], false);
        if (page == PAPER_NONE)
            continue;
        uint64_t idle = m->process[m->known[i]].changes - m->last[page];
        if (found == PAPER_NONE || idle > most) {
            found = page;
            most = idle;
        }
    }
    return found;
}

static void fault(struct model *m, struct paper_memory *memory, uint32_t page, vm_asid owner)
{
    struct process *p = &m->process[owner];
    uint32_t idle;
    if (p->touches - p->fault > m->interval)
        while ((idle = oldest(m, memory, owner, true)) != PAPER_NONE)
            paper_release(memory, idle);
    if (paper_full(memory))
        paper_evict(memory, idlest(m, memory));
    paper_load(memory, page);
    p->fault = p->touches;
    for (uint32_t other = 0; other < m->w->npages; other++)
        if (policy_world_owner(m->w, other) == owner)
            m->used[other] = false;
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    vm_asid owner = policy_world_owner(m->w, page);
    struct process *p = &m->process[owner];
    (void)now, (void)write;
    if (p->touches == 0) {
        p->before = PAPER_NONE;
        m->known[m->nknown++] = owner;
    }
    if (!paper_in(memory, page))
        fault(m, memory, page, owner);
    m->used[page] = true;
    p->touches++;
    p->changes += page != p->before;
    m->last[page] = p->changes;
    p->before = page;
}

const struct paper_model paper_pff = {
    .name = "pff",
    .open = open_model,
    .serve = serve,
    .close = close_model,
};
