/* paper_lecar.c - LeCaR, HotStorage 2018, algorithm 1; what it leaves open as in lecar.c. */
#include "oracle/paper.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

struct model {
    uint32_t c, history;
    double w_lru, w_lfu, rate, discount;
    struct vm_random random;
    struct paper_list in;            /* the first was referenced last */
    struct paper_list history_of[2]; /* of lru, of lfu: the first left last */
    uint64_t freq[2048], left[2048]; /* by page */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    m->c = w->nframes;
    m->history = (uint32_t)(vm_params_real(params, "ghosts") / 100 * m->c);
    m->w_lru = vm_params_real(params, "weight");
    m->w_lfu = 1 - m->w_lru;
    m->rate = vm_params_real(params, "rate");
    m->discount = pow(vm_params_real(params, "discount"), 1.0 / m->c);
    vm_random_seed(&m->random, w->seed);
    return m;
}

static void update_weights(struct model *m, int wrong, double regret)
{
    if (m->rate == 0) /* no learning: the weights may be beyond their bounds */
        return;
    double *w = wrong == 0 ? &m->w_lru : &m->w_lfu;
    *w *= exp(-m->rate * regret);
    double sum = m->w_lru + m->w_lfu;
    m->w_lru = m->w_lru / sum;
    m->w_lru = m->w_lru > 0.99 ? 0.99 : m->w_lru < 0.01 ? 0.01 : m->w_lru;
    m->w_lfu = 1 - m->w_lru;
}

/* The page's place in the list of those in memory whose frequency is least; of equals, the one
 * referenced longest ago. */
static uint32_t least_frequent(const struct model *m)
{
    uint32_t least = m->in.n - 1;
    for (uint32_t at = m->in.n - 1; at-- > 0;)
        if (m->freq[m->in.page[at]] < m->freq[m->in.page[least]])
            least = at;
    return least;
}

static uint32_t evict(struct model *m, uint64_t now)
{
    uint32_t lru = m->in.n - 1, lfu = least_frequent(m);
    int expert = vm_random_real(&m->random) < m->w_lru ? 0 : 1;
    uint32_t leaver = paper_list_take(&m->in, expert == 0 ? lru : lfu);
    if (lru != lfu) {
        struct paper_list *h = &m->history_of[expert];
        paper_list_push_first(h, leaver);
        if (h->n > m->history)
            paper_list_take(h, h->n - 1);
        m->left[leaver] = now;
    }
    return leaver;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)write;
    if (!paper_list_drop(&m->in, page)) {
        bool known = false;
        for (int expert = 0; expert < 2; expert++)
            if (paper_list_drop(&m->history_of[expert], page)) {
                known = true;
                update_weights(m, expert, pow(m->discount, (double)(now - m->left[page])));
            }
        m->freq[page] = known ? m->freq[page] : 0;
        if (m->in.n == m->c)
            leaver = evict(m, now);
    }
    m->freq[page]++;
    paper_list_push_first(&m->in, page);
    return leaver;
}

const struct paper_model paper_lecar = {
    .name = "lecar", .open = open_model, .refer = refer, .close = free};
