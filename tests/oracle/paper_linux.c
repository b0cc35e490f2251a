/* paper_linux.c - Linux's active and inactive lists with refault distances, on arrays: [0] is a
 * list's head. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>

struct model {
    struct paper_list active, inactive;
    uint32_t nframes;
    uint64_t ratio, age;
    uint64_t *evicted_at; /* [npages] age + 1; 0: never, or it came back */
    bool *referenced, *marked;
    bool load_clears;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->nframes = w->nframes;
    m->ratio = vm_params_count(params, "ratio");
    uint32_t gibibytes = w->nframes / (1 << 18);
    double gib = gibibytes;
    if (m->ratio == 0)
        m->ratio = gib > 0 ? (uint64_t)floor(sqrt(10 * gib)) : 1;
    m->load_clears = vm_params_count(params, "load") == 0;
    m->evicted_at = calloc(w->npages, sizeof *m->evicted_at);
    m->referenced = calloc(w->npages, sizeof *m->referenced);
    m->marked = calloc(w->npages, sizeof *m->marked);
    VM_ASSERT(m->evicted_at && m->referenced && m->marked);
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->evicted_at);
    free(m->referenced);
    free(m->marked);
    free(m);
}

static uint32_t reclaim(struct model *m)
{
    for (;;) {
        while (m->inactive.n * m->ratio < m->active.n) {
            uint32_t page = paper_list_take(&m->active, m->active.n - 1);
            m->referenced[page] = false;
            paper_list_push_first(&m->inactive, page);
        }
        uint32_t page = paper_list_take(&m->inactive, m->inactive.n - 1);
        if (!m->referenced[page]) {
            m->evicted_at[page] = ++m->age;
            return page;
        }
        m->referenced[page] = false;
        if (m->marked[page]) {
            m->age++;
            paper_list_push_first(&m->active, page);
        } else {
            m->marked[page] = true;
            paper_list_push_first(&m->inactive, page);
        }
    }
}

static void bring_in(struct model *m, uint32_t page)
{
    uint64_t distance = m->age - (m->evicted_at[page] - 1);
    if (m->evicted_at[page] && distance <= m->active.n) {
        m->age++;
        paper_list_push_first(&m->active, page);
    } else {
        paper_list_push_first(&m->inactive, page);
    }
    m->evicted_at[page] = 0;
    m->marked[page] = false;
    m->referenced[page] = !m->load_clears;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (paper_list_find(&m->active, page) != PAPER_NONE ||
        paper_list_find(&m->inactive, page) != PAPER_NONE) {
        m->referenced[page] = true;
        return PAPER_NONE;
    }
    if (m->active.n + m->inactive.n == m->nframes)
        leaver = reclaim(m);
    bring_in(m, page);
    return leaver;
}

const struct paper_model paper_linux = {
    .name = "linux",
    .open = open_model,
    .refer = refer,
    .close = close_model,
};
