/* paper_car.c - CAR: Bansal & Modha, FAST 2004, figure 2, line by line. Of the clocks T1 and T2 [0]
 * is the head page, the one under the hand; of B1 and B2 [0] is the most recently used. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    struct paper_list t1, t2, b1, b2;
    bool bit[2048]; /* the page reference bit, of a page in the cache */
    uint32_t c;
    double p;
    bool integer;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m && w->npages <= 2048);
    m->c = w->nframes;
    m->integer = !strcmp(vm_params_text(params, "delta"), "integer");
    return m;
}

/* max(1, |large| / |small|) */
static double at_least_1(const struct model *m, uint32_t large, uint32_t small)
{
    uint32_t whole = large / small;
    double ratio = m->integer ? whole : (double)large / small;
    return ratio > 1 ? ratio : 1;
}

static uint32_t replace(struct model *m)
{
    for (;;) {
        bool first = m->t1.n >= (m->p > 1 ? m->p : 1);
        uint32_t head = paper_list_take(first ? &m->t1 : &m->t2, 0);
        if (!m->bit[head]) {
            paper_list_push_first(first ? &m->b1 : &m->b2, head);
            return head;
        }
        m->bit[head] = false;
        paper_list_push_last(&m->t2, head);
    }
}

static uint32_t refer(void *model, uint64_t now, uint32_t x, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_find(&m->t1, x) != PAPER_NONE || paper_list_find(&m->t2, x) != PAPER_NONE) {
        m->bit[x] = true;
        return PAPER_NONE;
    }
    bool in_b1 = paper_list_find(&m->b1, x) != PAPER_NONE;
    bool in_b2 = paper_list_find(&m->b2, x) != PAPER_NONE;
    if (m->t1.n + m->t2.n == m->c) {
        leaver = replace(m);
        if (!in_b1 && !in_b2 && m->t1.n + m->b1.n == m->c)
            paper_list_take(&m->b1, m->b1.n - 1);
        else if (!in_b1 && !in_b2 && m->t1.n + m->t2.n + m->b1.n + m->b2.n == 2 * m->c)
            paper_list_take(&m->b2, m->b2.n - 1);
    }
    if (in_b1) {
        m->p += at_least_1(m, m->b2.n, m->b1.n);
        m->p = m->p < m->c ? m->p : m->c;
        paper_list_drop(&m->b1, x);
    } else if (in_b2) {
        m->p -= at_least_1(m, m->b1.n, m->b2.n);
        m->p = m->p > 0 ? m->p : 0;
        paper_list_drop(&m->b2, x);
    }
    paper_list_push_last(in_b1 || in_b2 ? &m->t2 : &m->t1, x);
    m->bit[x] = false;
    return leaver;
}

const struct paper_model paper_car = {
    .name = "car",
    .open = open_model,
    .refer = refer,
    .close = free,
};
