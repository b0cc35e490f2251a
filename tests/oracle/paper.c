/* paper.c - see paper.h. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define PAPER(name) extern const struct paper_model paper_##name;
#include "oracle/papers.def"
#undef PAPER

static const struct paper_model *const rows[] = {
#define PAPER(name) &paper_##name,
#include "oracle/papers.def"
#undef PAPER
    NULL,
};

const struct paper_model *paper_find(const char *name)
{
    size_t i = 0;
    while (rows[i] && strcmp(rows[i]->name, name))
        i++;
    return rows[i];
}

/* ---- playing ---- */

struct paper_memory {
    uint32_t *frame_of; /* [npages] frame + 1; 0: not resident */
    bool *dirty;        /* [npages] */
    uint32_t *freed;    /* [nframes] frames that pages have left, the last to be used first */
    uint32_t nframes, nfreed, nused;
    struct policy_outcome out;
};

bool paper_in(const struct paper_memory *m, uint32_t page)
{
    return m->frame_of[page] != 0;
}

uint32_t paper_frame(const struct paper_memory *m, uint32_t page)
{
    VM_ASSERT(m->frame_of[page]);
    return m->frame_of[page] - 1;
}

bool paper_dirty(const struct paper_memory *m, uint32_t page)
{
    return m->dirty[page];
}

bool paper_full(const struct paper_memory *m)
{
    return m->nfreed == 0 && m->nused == m->nframes;
}

void paper_evict(struct paper_memory *m, uint32_t page)
{
    VM_ASSERT(m->frame_of[page]);
    m->freed[m->nfreed++] = m->frame_of[page] - 1;
    m->frame_of[page] = 0;
    m->out.evictions++;
    m->out.writebacks += m->dirty[page];
    m->dirty[page] = false;
}

void paper_release(struct paper_memory *m, uint32_t page)
{
    paper_evict(m, page);
    m->out.releases++;
}

void paper_load(struct paper_memory *m, uint32_t page)
{
    VM_ASSERT(!m->frame_of[page] && !paper_full(m));
    m->frame_of[page] = 1 + (m->nfreed ? m->freed[--m->nfreed] : m->nused++);
    m->out.misses++;
}

void paper_clean(struct paper_memory *m, uint32_t page)
{
    VM_ASSERT(m->dirty[page]);
    m->dirty[page] = false;
    m->out.cleanings++;
}

void paper_soft(struct paper_memory *m)
{
    m->out.soft_faults++;
}

static void refer(struct paper_memory *m, uint32_t page, uint32_t leaver)
{
    if (m->frame_of[page]) {
        VM_ASSERT(leaver == PAPER_NONE);
        return;
    }
    VM_ASSERT((leaver == PAPER_NONE) == !paper_full(m));
    if (leaver != PAPER_NONE)
        paper_evict(m, leaver);
    paper_load(m, page);
}

static void serve(struct paper_memory *m, const struct paper_model *model, void *state,
                  uint64_t now, vm_pageref ref)
{
    uint32_t page = ref >> 1;
    bool write = ref & 1;
    if (model->serve)
        model->serve(state, m, now, page, write);
    else
        refer(m, page, model->refer(state, now, page, write));
    VM_ASSERT(m->frame_of[page]);
    m->dirty[page] |= write;
    m->out.touches++;
    m->out.space_time += m->nused - m->nfreed;
}

struct policy_outcome paper_play(const struct paper_model *model, const struct policy_world *w,
                                 const struct vm_params *params)
{
    struct paper_memory m = {.frame_of = calloc(w->npages, sizeof *m.frame_of),
                             .dirty = calloc(w->npages, sizeof *m.dirty),
                             .freed = calloc(w->nframes, sizeof *m.freed),
                             .nframes = w->nframes};
    void *state = model->open(w, params);
    VM_ASSERT(m.frame_of && m.dirty && m.freed && state);
    for (size_t i = 0; i < w->n; i++)
        serve(&m, model, state, i, w->ref[i]);
    for (uint32_t page = 0; page < w->npages; page++)
        if (m.frame_of[page])
            m.out.resident =
                policy_outcome_hash(m.out.resident, page, m.frame_of[page] - 1, m.dirty[page]);
    model->close(state);
    free(m.frame_of);
    free(m.dirty);
    free(m.freed);
    return m.out;
}

/* ---- lists ---- */

uint32_t paper_list_find(const struct paper_list *l, uint32_t page)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->page[i] == page)
            return i;
    return PAPER_NONE;
}

void paper_list_push_first(struct paper_list *l, uint32_t page)
{
    VM_ASSERT(l->n < sizeof l->page / sizeof l->page[0]);
    memmove(l->page + 1, l->page, l->n++ * sizeof l->page[0]);
    l->page[0] = page;
}

void paper_list_push_last(struct paper_list *l, uint32_t page)
{
    VM_ASSERT(l->n < sizeof l->page / sizeof l->page[0]);
    l->page[l->n++] = page;
}

uint32_t paper_list_take(struct paper_list *l, uint32_t at)
{
    VM_ASSERT(at < l->n);
    uint32_t page = l->page[at];
    memmove(l->page + at, l->page + at + 1, (--l->n - at) * sizeof l->page[0]);
    return page;
}

bool paper_list_drop(struct paper_list *l, uint32_t page)
{
    uint32_t at = paper_list_find(l, page);
    if (at == PAPER_NONE)
        return false;
    paper_list_take(l, at);
    return true;
}
