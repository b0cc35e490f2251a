/* paper_lru_k.c - LRU-K: O'Neil, O'Neil & Weikum, SIGMOD 1993, figure 2.1. HIST(p, i) and LAST(p)
 * are blocks of every page; those of pages that have left go when the page is not among the latest
 * to leave, or at once when they are asked for after the Retained Information Period. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    uint32_t nframes, k, kept;
    uint64_t correlated_period, retained_period;
    struct paper_list buffer;
    struct paper_list left; /* with history, the latest to leave first */
    uint64_t hist[2048][9]; /* from 1 */
    uint64_t last[2048];
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m && w->npages <= 2048);
    m->nframes = w->nframes;
    m->k = (uint32_t)vm_params_count(params, "k");
    m->kept = (uint32_t)(w->nframes * vm_params_real(params, "history") / 100);
    m->correlated_period = vm_params_count(params, "correlated");
    m->retained_period = vm_params_count(params, "retained");
    return m;
}

static void hit(struct model *m, uint32_t p, uint64_t t)
{
    if (t - m->last[p] > m->correlated_period) {
        uint64_t period = m->last[p] - m->hist[p][1];
        for (uint32_t i = m->k; i >= 2; i--)
            m->hist[p][i] = m->hist[p][i - 1] ? m->hist[p][i - 1] + period : 0;
        m->hist[p][1] = t;
    }
    m->last[p] = t;
}

static bool leaves_before(const struct model *m, uint32_t p, uint32_t q)
{
    if (m->hist[p][m->k] != m->hist[q][m->k])
        return m->hist[p][m->k] < m->hist[q][m->k];
    return m->last[p] < m->last[q];
}

/* The place in the buffer of who leaves among those that may; without any, among all. */
static uint32_t choose(const struct model *m, uint64_t t)
{
    uint32_t victim = PAPER_NONE, any = 0;
    for (uint32_t i = 0; i < m->buffer.n; i++) {
        uint32_t q = m->buffer.page[i];
        if (leaves_before(m, q, m->buffer.page[any]))
            any = i;
        if (t - m->last[q] > m->correlated_period &&
            (victim == PAPER_NONE || leaves_before(m, q, m->buffer.page[victim])))
            victim = i;
    }
    return victim == PAPER_NONE ? any : victim;
}

static uint32_t refer(void *model, uint64_t now, uint32_t p, bool write)
{
    struct model *m = model;
    uint64_t t = now + 1;
    uint32_t leaver = PAPER_NONE;
    (void)write;
    if (paper_list_find(&m->buffer, p) != PAPER_NONE) {
        hit(m, p, t);
        return PAPER_NONE;
    }
    bool known = paper_list_drop(&m->left, p) &&
                 (!m->retained_period || t - m->last[p] <= m->retained_period);
    if (m->buffer.n == m->nframes) {
        leaver = paper_list_take(&m->buffer, choose(m, t));
        paper_list_push_first(&m->left, leaver);
        if (m->left.n > m->kept)
            paper_list_take(&m->left, m->kept);
    }
    for (uint32_t i = m->k; i >= 2; i--)
        m->hist[p][i] = known ? m->hist[p][i - 1] : 0;
    m->hist[p][1] = m->last[p] = t;
    paper_list_push_last(&m->buffer, p);
    return leaver;
}

const struct paper_model paper_lru_k = {
    .name = "lru-k", .open = open_model, .refer = refer, .close = free};
