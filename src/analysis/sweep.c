/* sweep.c - see sweep.h. */
#include "analysis/sweep.h"

#include <stdlib.h>
#include <string.h>

bool sweep_open(struct sweep *s, struct vm_workers *workers, struct vm_error *e)
{
    *s = (struct sweep){.workers = workers};
    s->run = malloc(SWEEP_BLOCK * sizeof *s->run);
    return s->run || vm_fail(e, VM_ESYSTEM, "no memory for a sweep");
}

void sweep_close(struct sweep *s)
{
    for (size_t i = 0; i < s->ncells; i++)
        vm_pages_close(s->cell[i].pages);
    free(s->cell);
    free(s->run);
    *s = (struct sweep){0};
}

bool sweep_add(struct sweep *s, const struct vm_config *c, size_t policy, struct vm_error *e)
{
    if (s->ncells == s->cells_cap) {
        size_t cap = s->cells_cap ? 2 * s->cells_cap : 64;
        struct sweep_cell *grown = realloc(s->cell, cap * sizeof *grown);
        if (!grown)
            return vm_fail(e, VM_ESYSTEM, "no memory for a sweep of %zu replays", cap);
        s->cell = grown;
        s->cells_cap = cap;
    }
    struct vm_pages *pages = vm_pages_open(c, NULL, e);
    if (!pages)
        return false;
    s->cell[s->ncells++] = (struct sweep_cell){pages, policy, c->memory_bytes / c->page_bytes};
    return true;
}

static void replay_block(void *sweep, size_t i)
{
    struct sweep *s = sweep;
    struct vm_pages *pages = s->cell[i].pages;
    struct vm_error unused;
    for (size_t first = 0, end; first < s->nruns; first = end) {
        for (end = first; end < s->nruns && s->run[end].count; end++)
            ;
        vm_pages_run(pages, s->run + first, end - first, &unused);
        if (end < s->nruns)
            vm_pages_switched(pages, (vm_asid)s->run[end++].ref);
    }
}

void sweep_end(struct sweep *s)
{
    if (s->nruns)
        vm_workers_run(s->workers, s->ncells, replay_block, s);
    s->nruns = 0;
}

bool sweep_runs(struct sweep *s, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    (void)e;
    while (n) {
        size_t room = SWEEP_BLOCK - s->nruns, some = n < room ? n : room;
        memcpy(s->run + s->nruns, run, some * sizeof *run);
        s->nruns += some;
        run += some;
        n -= some;
        if (s->nruns == SWEEP_BLOCK)
            sweep_end(s);
    }
    return true;
}

uint64_t sweep_misses(const struct sweep *s, size_t cell)
{
    return vm_pages_replay(s->cell[cell].pages)->misses;
}
