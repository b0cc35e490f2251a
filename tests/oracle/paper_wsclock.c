/* paper_wsclock.c - WSClock as Carr & Hennessy tell it (SOSP 1981), with Tanenbaum's words for what
 * follows a full turn (Modern Operating Systems, 4th ed., section 3.4.9): each turn is walked frame
 * by frame. Writes are done at once. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>

struct model {
    const struct policy_world *w;
    uint64_t tau, writes;
    uint32_t hand;
    uint64_t *time; /* [processes] touches so far */
    uint64_t *used; /* [npages] */
    bool *referenced;
    uint32_t *page_in; /* [nframes] or PAPER_NONE */
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->w = w;
    m->tau = vm_params_count(params, "tau");
    if (m->tau == 0)
        m->tau = w->nframes;
    m->writes = vm_params_count(params, "writes");
    m->time = calloc(w->npages + 1, sizeof *m->time);
    m->used = calloc(w->npages, sizeof *m->used);
    m->referenced = calloc(w->npages, sizeof *m->referenced);
    m->page_in = calloc(w->nframes, sizeof *m->page_in);
    VM_ASSERT(m->time && m->used && m->referenced && m->page_in);
    for (uint32_t f = 0; f < w->nframes; f++)
        m->page_in[f] = PAPER_NONE;
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->time);
    free(m->used);
    free(m->referenced);
    free(m->page_in);
    free(m);
}

static uint64_t now_of(const struct model *m, uint32_t page)
{
    return m->time[policy_world_owner(m->w, page)];
}

/* Memory is full. */
static uint32_t turn(struct model *m, struct paper_memory *memory)
{
    uint64_t written = 0;
    for (uint32_t i = 0; i < m->w->nframes; i++) {
        uint32_t frame = (m->hand + i) % m->w->nframes, page = m->page_in[frame];
        bool old = now_of(m, page) - m->used[page] > m->tau;
        if (m->referenced[page]) {
            m->referenced[page] = false;
            m->used[page] = now_of(m, page);
        } else if (old && !paper_dirty(memory, page)) {
            return frame;
        } else if (old && written < m->writes) {
            written++;
            paper_clean(memory, page);
        }
    }
    for (uint32_t i = 0; i < m->w->nframes; i++) {
        uint32_t frame = (m->hand + i) % m->w->nframes;
        if (!paper_dirty(memory, m->page_in[frame]))
            return frame;
    }
    return m->hand;
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    (void)now, (void)write;
    if (!paper_in(memory, page)) {
        if (paper_full(memory)) {
            uint32_t frame = turn(m, memory);
            paper_evict(memory, m->page_in[frame]);
            m->hand = (frame + 1) % m->w->nframes;
        }
        paper_load(memory, page);
        m->page_in[paper_frame(memory, page)] = page;
        m->used[page] = now_of(m, page);
    }
    m->referenced[page] = true;
    m->time[policy_world_owner(m->w, page)]++;
}

const struct paper_model paper_wsclock = {
    .name = "wsclock",
    .open = open_model,
    .serve = serve,
    .close = close_model,
};
