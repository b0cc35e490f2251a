/* paper_w_tinylfu.c - W-TinyLFU, ACM Transactions on Storage 13(4) 2017, sections 3 and 4, with a
 * counter a byte and lists whose first is the page touched last. */
#include "oracle/paper.h"

#include "base/random.h"

#include <stdlib.h>

#define ROWS   4
#define BLOCKS 1024

struct model {
    uint32_t c, window_share, protected_share;
    uint64_t nblocks, sample, seen;
    bool all, jitter;
    struct vm_random random;
    struct paper_list window, probation, protected;
    uint8_t counter[BLOCKS][ROWS][32];
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    m->c = w->nframes;
    m->window_share = (uint32_t)(vm_params_real(params, "window") / 100 * m->c);
    if (m->window_share < 1)
        m->window_share = 1;
    uint32_t main_share = m->c - m->window_share;
    m->protected_share = (uint32_t)(vm_params_real(params, "protected") / 100 * main_share);
    m->sample = vm_params_count(params, "sample") * m->c;
    m->nblocks = 1;
    while (m->nblocks * ROWS * 32 < vm_params_count(params, "counters") * m->c)
        m->nblocks *= 2;
    m->all = vm_params_count(params, "update") == 1;
    m->jitter = vm_params_count(params, "admit") == 1;
    vm_random_seed(&m->random, w->seed);
    return m;
}

/* ---- the sketch ---- */

static uint8_t *counter_of(struct model *m, uint32_t page, unsigned row)
{
    uint64_t hash = vm_mix64(page + UINT64_C(0x9e3779b97f4a7c15));
    return &m->counter[hash % m->nblocks][row][(hash >> (40 + 5 * row)) % 32];
}

static unsigned estimate(struct model *m, uint32_t page)
{
    unsigned least = 15;
    for (unsigned row = 0; row < ROWS; row++)
        if (*counter_of(m, page, row) < least)
            least = *counter_of(m, page, row);
    return least;
}

static void add(struct model *m, uint32_t page)
{
    unsigned least = estimate(m, page);
    for (unsigned row = 0; row < ROWS; row++) {
        uint8_t *counter = counter_of(m, page, row);
        if (*counter < 15 && (m->all || *counter == least))
            ++*counter;
    }
    if (++m->seen < m->sample)
        return;
    m->seen /= 2;
    for (uint64_t b = 0; b < m->nblocks; b++)
        for (unsigned i = 0; i < ROWS * 32; i++)
            m->counter[b][i / 32][i % 32] /= 2;
}

/* ---- the lists ---- */

static uint32_t take_last(struct paper_list *l)
{
    return paper_list_take(l, l->n - 1);
}

static bool admitted(struct model *m, uint32_t candidate, uint32_t victim)
{
    unsigned freq = estimate(m, candidate);
    if (freq > estimate(m, victim))
        return true;
    return m->jitter && freq >= 6 && vm_random_below(&m->random, 128) == 0;
}

static uint32_t evict(struct model *m)
{
    struct paper_list *segment = m->probation.n ? &m->probation : &m->protected;
    if (m->window.n < m->window_share)
        return take_last(segment);
    uint32_t candidate = take_last(&m->window);
    if (segment->n == 0 || !admitted(m, candidate, segment->page[segment->n - 1]))
        return candidate;
    uint32_t victim = take_last(segment);
    paper_list_push_first(&m->probation, candidate);
    return victim;
}

static bool hit(struct model *m, uint32_t page)
{
    if (paper_list_drop(&m->window, page)) {
        paper_list_push_first(&m->window, page);
        return true;
    }
    if (!paper_list_drop(&m->probation, page) && !paper_list_drop(&m->protected, page))
        return false;
    paper_list_push_first(&m->protected, page);
    if (m->protected.n > m->protected_share)
        paper_list_push_first(&m->probation, take_last(&m->protected));
    return true;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (!hit(m, page)) {
        if (m->window.n + m->probation.n + m->protected.n == m->c)
            leaver = evict(m);
        paper_list_push_first(&m->window, page);
        if (m->window.n > m->window_share)
            paper_list_push_first(&m->probation, take_last(&m->window));
    }
    add(m, page);
    return leaver;
}

const struct paper_model paper_w_tinylfu = {
    .name = "w-tinylfu", .open = open_model, .refer = refer, .close = free};
