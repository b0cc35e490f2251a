/* paper_slru.c - segmented LRU (Karedla, Love & Wherry, IEEE Computer 27(3) 1994), with any number
 * of segments: one list each, the most recently used page first. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    uint32_t nframes, n, nsegments;
    uint32_t share[8];
    struct paper_list segment[8]; /* [0] is the probationary one */
    bool fill_room;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->nframes = w->nframes;
    m->nsegments = (uint32_t)vm_params_count(params, "segments");
    m->fill_room = !strcmp(vm_params_text(params, "fill"), "room");
    double protected = vm_params_real(params, "protected");
    uint32_t left = w->nframes;
    for (uint32_t k = m->nsegments - 1; k > 0; k--) {
        m->share[k] = w->nframes / m->nsegments;
        if (protected > 0)
            m->share[k] = (uint32_t)(w->nframes * protected / 100) / (m->nsegments - 1);
        left -= m->share[k];
    }
    m->share[0] = left;
    return m;
}

static bool hit(struct model *m, uint32_t page)
{
    uint32_t k = 0;
    while (k < m->nsegments && !paper_list_drop(&m->segment[k], page))
        k++;
    if (k == m->nsegments)
        return false;
    paper_list_push_first(&m->segment[k + 1 < m->nsegments ? k + 1 : k], page);
    for (k = m->nsegments - 1; k > 0; k--)
        while (m->segment[k].n > m->share[k])
            paper_list_push_first(&m->segment[k - 1],
                                  paper_list_take(&m->segment[k], m->segment[k].n - 1));
    return true;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE, to = 0;
    (void)now, (void)write;
    if (hit(m, page))
        return PAPER_NONE;
    if (m->n == m->nframes) {
        uint32_t k = 0;
        while (m->segment[k].n == 0)
            k++;
        leaver = paper_list_take(&m->segment[k], m->segment[k].n - 1);
        m->n--;
    }
    if (m->fill_room)
        for (uint32_t k = m->nsegments; k-- > 0;)
            if (m->segment[k].n < m->share[k])
                to = k;
    paper_list_push_first(&m->segment[to], page);
    m->n++;
    return leaver;
}

const struct paper_model paper_slru = {
    .name = "slru",
    .open = open_model,
    .refer = refer,
    .close = free,
};
