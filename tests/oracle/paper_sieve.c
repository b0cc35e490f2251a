/* paper_sieve.c - SIEVE, NSDI 2024, algorithm 1. The list is an array whose first is the paper's
 * head, the newest; the hand is a page. */
#include "oracle/paper.h"

#include <stdlib.h>

struct model {
    uint32_t nframes;
    bool load_visited;
    struct paper_list list;
    bool visited[2048]; /* by page */
    uint32_t hand;      /* a page on the list, or PAPER_NONE */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    m->nframes = w->nframes;
    m->load_visited = vm_params_count(params, "load") == 1;
    m->hand = PAPER_NONE;
    return m;
}

static uint32_t evict(struct model *m)
{
    uint32_t at = m->hand == PAPER_NONE ? m->list.n - 1 : paper_list_find(&m->list, m->hand);
    while (m->visited[m->list.page[at]]) {
        m->visited[m->list.page[at]] = false;
        at = at == 0 ? m->list.n - 1 : at - 1;
    }
    m->hand = at == 0 ? PAPER_NONE : m->list.page[at - 1];
    return paper_list_take(&m->list, at);
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_find(&m->list, page) != PAPER_NONE) {
        m->visited[page] = true;
        return PAPER_NONE;
    }
    if (m->list.n == m->nframes)
        leaver = evict(m);
    paper_list_push_first(&m->list, page);
    m->visited[page] = m->load_visited;
    return leaver;
}

const struct paper_model paper_sieve = {
    .name = "sieve", .open = open_model, .refer = refer, .close = free};
