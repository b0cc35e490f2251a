/* paper_lrfu.c - LRFU, IEEE Transactions on Computers 50(12) 2001, definition 1: the sum over all
 * references of a page since it came, each time anew. */
#include "oracle/paper.h"

#include <math.h>
#include <stdlib.h>

struct model {
    const struct policy_world *world;
    uint64_t came[2048];  /* by page */
    struct paper_list in; /* the first was referenced last */
    long double worth[];  /* [the world's references + 1] F(x) of a reference x references ago */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m + (w->n + 1) * sizeof m->worth[0]);
    m->world = w;
    for (size_t x = 0; x <= w->n; x++)
        m->worth[x] = powl(0.5L, (long double)vm_params_real(params, "lambda") * (long double)x);
    return m;
}

/* The combined recency and frequency of a page at the time `now`. */
static long double crf(const struct model *m, uint32_t page, uint64_t now)
{
    long double sum = 0;
    for (uint64_t t = m->came[page]; t < now; t++)
        if (m->world->ref[t] >> 1 == page)
            sum += m->worth[now - t];
    return sum;
}

/* From the page referenced longest ago: later ones must be below it by more than rounding. */
static uint32_t evict(struct model *m, uint64_t now)
{
    uint32_t least = m->in.n - 1;
    long double lowest = crf(m, m->in.page[least], now);
    for (uint32_t at = m->in.n - 1; at-- > 0;) {
        long double c = crf(m, m->in.page[at], now);
        if (c < lowest * (1 - 1e-13L)) {
            least = at;
            lowest = c;
        }
    }
    return paper_list_take(&m->in, least);
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)write;
    if (!paper_list_drop(&m->in, page)) {
        if (m->in.n == m->world->nframes)
            leaver = evict(m, now);
        m->came[page] = now;
    }
    paper_list_push_first(&m->in, page);
    return leaver;
}

const struct paper_model paper_lrfu = {
    .name = "lrfu", .open = open_model, .refer = refer, .close = free};
