/* paper_twoq.c - 2Q, full version: Johnson & Shasha, VLDB 1994, figure 3. Heads of the figure's
 * queues are [0] here. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    struct paper_list a1in, a1out, am;
    uint32_t slots;   /* of memory */
    double kin, kout; /* shares as the text has them, not rounded */
    bool ghost_before;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->slots = w->nframes;
    m->kin = w->nframes * vm_params_real(params, "in") / 100;
    m->kin = m->kin < 1 ? 1 : m->kin;
    m->kout = w->nframes * vm_params_real(params, "out") / 100;
    m->ghost_before = !strcmp(vm_params_text(params, "ghost"), "before");
    return m;
}

static uint32_t take_tail(struct paper_list *l)
{
    return paper_list_take(l, l->n - 1);
}

/* "reclaimfor(X)": the page that is paged out, or PAPER_NONE if there are free page slots. */
static uint32_t reclaim(struct model *m)
{
    if (m->a1in.n + m->am.n < m->slots)
        return PAPER_NONE;
    if (m->a1in.n > m->kin || m->am.n == 0) {
        uint32_t y = take_tail(&m->a1in);
        paper_list_push_first(&m->a1out, y);
        if (m->a1out.n > m->kout)
            take_tail(&m->a1out);
        return y;
    }
    return take_tail(&m->am);
}

static uint32_t refer(void *model, uint64_t now, uint32_t x, bool write)
{
    struct model *m = model;
    uint32_t leaver;
    (void)now, (void)write;
    if (paper_list_drop(&m->am, x)) {
        paper_list_push_first(&m->am, x);
        return PAPER_NONE;
    }
    if (paper_list_find(&m->a1in, x) != PAPER_NONE)
        return PAPER_NONE;
    if (paper_list_find(&m->a1out, x) != PAPER_NONE) {
        if (m->ghost_before)
            paper_list_drop(&m->a1out, x);
        leaver = reclaim(m);
        if (!m->ghost_before)
            paper_list_drop(&m->a1out, x);
        paper_list_push_first(&m->am, x);
        return leaver;
    }
    leaver = reclaim(m);
    paper_list_push_first(&m->a1in, x);
    return leaver;
}

const struct paper_model paper_twoq = {
    .name = "2q",
    .open = open_model,
    .refer = refer,
    .close = free,
};
