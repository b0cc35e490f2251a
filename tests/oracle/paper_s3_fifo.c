/* paper_s3_fifo.c - S3-FIFO, SOSP 2023, algorithm 1, line by line; lists have their head first. */
#include "oracle/paper.h"

#include <stdlib.h>

struct model {
    uint32_t c, small, threshold, nghosts;
    bool look_before, fill_main, evicted;
    struct paper_list S, M, G;
    uint8_t freq[2048]; /* by page */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    m->c = w->nframes;
    m->small = (uint32_t)(vm_params_real(params, "small") / 100 * m->c);
    if (m->small < 1)
        m->small = 1;
    m->threshold = (uint32_t)vm_params_count(params, "hits");
    m->nghosts = (uint32_t)(vm_params_real(params, "ghosts") / 100 * (m->c - m->small));
    m->look_before = vm_params_count(params, "look") == 1;
    m->fill_main = vm_params_count(params, "fill") == 1;
    return m;
}

static uint32_t evict_m(struct model *m)
{
    while (m->M.n > 0) {
        uint32_t t = paper_list_take(&m->M, m->M.n - 1);
        if (m->freq[t] == 0)
            return t;
        paper_list_push_first(&m->M, t);
        m->freq[t]--;
    }
    return PAPER_NONE;
}

static void insert_g(struct model *m, uint32_t t)
{
    paper_list_push_first(&m->G, t);
    while (m->G.n > m->nghosts)
        paper_list_take(&m->G, m->G.n - 1);
}

static uint32_t evict_s(struct model *m)
{
    while (m->S.n > 0) {
        uint32_t t = paper_list_take(&m->S, m->S.n - 1);
        if (m->freq[t] < m->threshold) {
            insert_g(m, t);
            return t;
        }
        paper_list_push_first(&m->M, t);
        m->freq[t] = 0;
    }
    return PAPER_NONE;
}

static uint32_t evict(struct model *m)
{
    uint32_t leaver = PAPER_NONE;
    m->evicted = true;
    while (leaver == PAPER_NONE)
        leaver = m->S.n >= m->small || m->M.n == 0 ? evict_s(m) : evict_m(m);
    return leaver;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_find(&m->S, page) != PAPER_NONE || paper_list_find(&m->M, page) != PAPER_NONE) {
        m->freq[page] += m->freq[page] < 3;
        return PAPER_NONE;
    }
    bool known = m->look_before && paper_list_drop(&m->G, page);
    if (m->S.n + m->M.n == m->c)
        leaver = evict(m);
    known |= paper_list_drop(&m->G, page);
    if (!known && m->fill_main && !m->evicted && m->S.n >= m->small)
        known = true;
    paper_list_push_first(known ? &m->M : &m->S, page);
    m->freq[page] = 0;
    return leaver;
}

const struct paper_model paper_s3_fifo = {
    .name = "s3-fifo", .open = open_model, .refer = refer, .close = free};
