/* sweep.h - page replays of several policies and sizes at once, all fed by the same runs.
 *
 * Runs are gathered in blocks; of each block every replay is a job that any worker may do. A replay
 * belongs to no worker, so that neither how many there are nor who was faster changes a result.
 */
#ifndef ANALYSIS_SWEEP_H
#define ANALYSIS_SWEEP_H

#include "base/workers.h"
#include "engine/pages.h"

/* A run of no touches says that the next ones are of address space `ref`. */
#define SWEEP_SWITCH(asid) ((struct vm_page_run){.ref = (asid), .count = 0})

#define SWEEP_BLOCK 65536 /* runs: 512 KiB, so that a block stays in a processor's cache */

struct sweep_cell {
    struct vm_pages *pages;
    size_t policy; /* the caller's number */
    uint64_t frames;
};

struct sweep {
    struct vm_workers *workers; /* the caller's */
    size_t ncells, cells_cap;
    struct sweep_cell *cell;
    size_t nruns;
    struct vm_page_run *run; /* [SWEEP_BLOCK] */
};

bool sweep_open(struct sweep *s, struct vm_workers *workers, struct vm_error *e);
/* One more replay, before the first run. Errors: vm_pages_open's. */
bool sweep_add(struct sweep *s, const struct vm_config *c, size_t policy, struct vm_error *e);
bool sweep_runs(struct sweep *s, const struct vm_page_run *run, size_t n, struct vm_error *e);
void sweep_end(struct sweep *s); /* replays what was gathered */
uint64_t sweep_misses(const struct sweep *s, size_t cell);
void sweep_close(struct sweep *s); /* a zeroed struct is fine */

#endif
