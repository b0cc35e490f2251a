/* paper_mglru.c - the generations of Linux's multi-generational LRU, for mapped pages: each an
 * array by its number, however many there have been; [0] is its head. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>

#define GENERATIONS 4 /* that are not empty, or may be filled, at a time: by number modulo this */

struct model {
    const struct policy_world *w;
    struct paper_list generation[GENERATIONS];
    uint64_t oldest, youngest;
    uint32_t *page_in; /* [nframes] or PAPER_NONE */
    bool *referenced;  /* [npages] */
    bool load_clears;
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->w = w;
    m->youngest = 3;
    m->load_clears = vm_params_count(params, "load") == 0;
    m->page_in = calloc(w->nframes, sizeof *m->page_in);
    m->referenced = calloc(w->npages, sizeof *m->referenced);
    VM_ASSERT(m->page_in && m->referenced);
    for (uint32_t f = 0; f < w->nframes; f++)
        m->page_in[f] = PAPER_NONE;
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->page_in);
    free(m->referenced);
    free(m);
}

static struct paper_list *number(struct model *m, uint64_t seq)
{
    return &m->generation[seq % GENERATIONS];
}

static void to_youngest(struct model *m, uint32_t page)
{
    m->referenced[page] = false;
    if (paper_list_find(number(m, m->youngest), page) != PAPER_NONE)
        return;
    for (uint64_t seq = m->oldest; seq < m->youngest; seq++)
        paper_list_drop(number(m, seq), page);
    paper_list_push_first(number(m, m->youngest), page);
}

/* The walk, in the order of frames; memory is full. */
static void age(struct model *m)
{
    for (uint32_t f = 0; f < m->w->nframes; f++)
        if (m->referenced[m->page_in[f]])
            to_youngest(m, m->page_in[f]);
    m->youngest++;
}

static bool should_age(struct model *m)
{
    uint64_t ngenerations = m->youngest - m->oldest + 1;
    uint32_t all = m->w->nframes;
    if (ngenerations != 3)
        return ngenerations < 3;
    return number(m, m->youngest)->n > all / 2.0 || number(m, m->oldest)->n < all / 4.0;
}

static uint32_t reclaim(struct model *m)
{
    for (;;) {
        while (m->youngest - m->oldest >= 2 && number(m, m->oldest)->n == 0)
            m->oldest++;
        if (should_age(m)) {
            age(m);
            continue;
        }
        struct paper_list *oldest = number(m, m->oldest);
        uint32_t page = oldest->page[oldest->n - 1];
        if (!m->referenced[page])
            return paper_list_take(oldest, oldest->n - 1);
        to_youngest(m, page);
    }
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    (void)now, (void)write;
    if (paper_in(memory, page)) {
        m->referenced[page] = true;
        return;
    }
    if (paper_full(memory))
        paper_evict(memory, reclaim(m));
    paper_load(memory, page);
    m->page_in[paper_frame(memory, page)] = page;
    m->referenced[page] = !m->load_clears;
    paper_list_push_first(number(m, m->youngest), page);
}

const struct paper_model paper_mglru = {
    .name = "mglru",
    .open = open_model,
    .serve = serve,
    .close = close_model,
};
