/* paper_arc.c - ARC: Megiddo & Modha, FAST 2003, figure 4, case by case. Of each list [0] is the
 * most recently used. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    struct paper_list t1, t2, b1, b2;
    uint32_t c;
    double p;
    bool integer;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->c = w->nframes;
    m->integer = !strcmp(vm_params_text(params, "delta"), "integer");
    return m;
}

static uint32_t delete_lru(struct paper_list *l)
{
    return paper_list_take(l, l->n - 1);
}

static double ratio(const struct model *m, uint32_t large, uint32_t small)
{
    uint32_t whole = large / small;
    return m->integer ? whole : (double)large / small;
}

/* "REPLACE(x, p)": the page that leaves. */
static uint32_t replace(struct model *m, bool x_in_b2)
{
    uint32_t leaver;
    if (m->t1.n >= 1 && ((x_in_b2 && m->t1.n == m->p) || m->t1.n > m->p)) {
        leaver = delete_lru(&m->t1);
        paper_list_push_first(&m->b1, leaver);
    } else {
        leaver = delete_lru(&m->t2);
        paper_list_push_first(&m->b2, leaver);
    }
    return leaver;
}

static uint32_t case_4(struct model *m)
{
    uint32_t l1 = m->t1.n + m->b1.n, l2 = m->t2.n + m->b2.n;
    if (l1 == m->c) {
        if (m->t1.n == m->c)
            return delete_lru(&m->t1);
        delete_lru(&m->b1);
        return replace(m, false);
    }
    if (l1 + l2 < m->c)
        return PAPER_NONE;
    if (l1 + l2 == 2 * m->c)
        delete_lru(&m->b2);
    return replace(m, false);
}

static uint32_t refer(void *model, uint64_t now, uint32_t x, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_drop(&m->t1, x) || paper_list_drop(&m->t2, x)) {
        paper_list_push_first(&m->t2, x);
    } else if (paper_list_find(&m->b1, x) != PAPER_NONE) {
        double delta = m->b1.n >= m->b2.n ? 1 : ratio(m, m->b2.n, m->b1.n);
        m->p = m->p + delta < m->c ? m->p + delta : m->c;
        leaver = replace(m, false);
        paper_list_drop(&m->b1, x);
        paper_list_push_first(&m->t2, x);
    } else if (paper_list_find(&m->b2, x) != PAPER_NONE) {
        double delta = m->b2.n >= m->b1.n ? 1 : ratio(m, m->b1.n, m->b2.n);
        m->p = m->p - delta > 0 ? m->p - delta : 0;
        leaver = replace(m, true);
        paper_list_drop(&m->b2, x);
        paper_list_push_first(&m->t2, x);
    } else {
        leaver = case_4(m);
        paper_list_push_first(&m->t1, x);
    }
    return leaver;
}

const struct paper_model paper_arc = {
    .name = "arc",
    .open = open_model,
    .refer = refer,
    .close = free,
};
