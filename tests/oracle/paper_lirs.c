/* paper_lirs.c - LIRS, SIGMETRICS 2002, section 3.3, with stack S and list Q as arrays. S has its
 * top first; of Q the first is resident longest. Consecutive references to a page are one, as in
 * the authors' program. */
#include "oracle/paper.h"

#include <stdlib.h>

struct model {
    uint32_t c, llirs, limit, nlir, nresident, last;
    struct paper_list S, Q;
    bool lir[2048], resident[2048]; /* by page */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    uint32_t least = (uint32_t)vm_params_count(params, "least");
    m->c = w->nframes;
    uint32_t lhirs = (uint32_t)(vm_params_real(params, "hir") / 100 * m->c);
    if (lhirs < least)
        lhirs = least;
    if (lhirs > m->c - 1)
        lhirs = m->c > 1 ? m->c - 1 : 1;
    m->llirs = m->c - lhirs;
    m->limit = (uint32_t)(vm_params_real(params, "stack") * m->c);
    m->last = PAPER_NONE;
    return m;
}

/* Stack pruning: a LIR page is to be at the bottom. */
static void prune(struct model *m)
{
    while (m->S.n > 0 && !m->lir[m->S.page[m->S.n - 1]])
        paper_list_take(&m->S, m->S.n - 1);
}

/* The lowest page that is not LIR gives way where S is longer than its limit. */
static void keep_limit(struct model *m)
{
    if (m->S.n <= m->limit)
        return;
    uint32_t at = m->S.n - 1;
    while (m->lir[m->S.page[at]])
        at--;
    paper_list_take(&m->S, at);
}

static void become_lir(struct model *m, uint32_t page)
{
    m->lir[page] = true;
    if (++m->nlir <= m->llirs)
        return;
    uint32_t bottom = paper_list_take(&m->S, m->S.n - 1);
    m->lir[bottom] = false;
    m->nlir--;
    paper_list_push_last(&m->Q, bottom);
    prune(m);
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (page == m->last)
        return PAPER_NONE;
    m->last = page;
    if (!m->resident[page]) {
        if (m->nresident == m->c) {
            leaver = paper_list_take(&m->Q, 0);
            m->resident[leaver] = false;
            m->nresident--;
        }
        m->resident[page] = true;
        m->nresident++;
    }
    paper_list_drop(&m->Q, page);
    bool in_stack = paper_list_drop(&m->S, page);
    paper_list_push_first(&m->S, page);
    if (!m->lir[page] && (in_stack || m->nlir < m->llirs))
        become_lir(m, page);
    else if (!m->lir[page])
        paper_list_push_last(&m->Q, page);
    prune(m);
    keep_limit(m);
    return leaver;
}

const struct paper_model paper_lirs = {
    .name = "lirs", .open = open_model, .refer = refer, .close = free};
