/* paper_gclock.c - the clock with counters (Smith, ACM TODS 3(3) 1978): the hand goes round frames
 * that stand in a circle, lowers each counter that is not 0, and takes the first that is. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    uint32_t nframes, n, full, first;
    struct paper_list circle; /* from the hand on; a newcomer goes to the end */
    uint32_t count[2048];     /* of a page, while it is in memory */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m && w->npages <= 2048);
    m->nframes = w->nframes;
    for (uint64_t bit = 0; bit < vm_params_count(params, "bits"); bit++)
        m->full = 2 * m->full + 1;
    m->first = !strcmp(vm_params_text(params, "load"), "referenced");
    return m;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_find(&m->circle, page) != PAPER_NONE) {
        if (m->count[page] < m->full)
            m->count[page]++;
        return PAPER_NONE;
    }
    while (m->circle.n == m->nframes && leaver == PAPER_NONE) {
        uint32_t front = paper_list_take(&m->circle, 0);
        if (m->count[front]-- > 0)
            paper_list_push_last(&m->circle, front);
        else
            leaver = front;
    }
    paper_list_push_last(&m->circle, page);
    m->count[page] = m->first;
    return leaver;
}

const struct paper_model paper_gclock = {
    .name = "gclock",
    .open = open_model,
    .refer = refer,
    .close = free,
};
