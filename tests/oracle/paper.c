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

struct player {
    uint32_t *frame_of; /* [npages] frame + 1; 0: not resident */
    bool *dirty;        /* [npages] */
    uint32_t nused;
    struct policy_outcome out;
};

/* The page leaves; its frame. */
static uint32_t leave(struct player *p, uint32_t page)
{
    uint32_t frame = p->frame_of[page] - 1;
    VM_ASSERT(p->frame_of[page]);
    p->frame_of[page] = 0;
    p->out.evictions++;
    p->out.writebacks += p->dirty[page];
    p->dirty[page] = false;
    return frame;
}

static void refer(struct player *p, const struct policy_world *w, uint32_t page, uint32_t leaver)
{
    if (p->frame_of[page]) {
        VM_ASSERT(leaver == PAPER_NONE);
        return;
    }
    VM_ASSERT((leaver == PAPER_NONE) == (p->nused < w->nframes));
    uint32_t frame = leaver == PAPER_NONE ? p->nused++ : leave(p, leaver);
    p->out.misses++;
    p->frame_of[page] = frame + 1;
}

struct policy_outcome paper_play(const struct paper_model *model, const struct policy_world *w,
                                 const struct vm_params *params)
{
    struct player p = {.frame_of = calloc(w->npages, sizeof *p.frame_of),
                       .dirty = calloc(w->npages, sizeof *p.dirty)};
    void *state = model->open(w, params);
    VM_ASSERT(p.frame_of && p.dirty && state);
    for (size_t i = 0; i < w->n; i++) {
        uint32_t page = w->ref[i] >> 1;
        bool write = w->ref[i] & 1;
        refer(&p, w, page, model->refer(state, i, page, write));
        p.dirty[page] |= write;
        p.out.touches++;
    }
    for (uint32_t page = 0; page < w->npages; page++)
        if (p.frame_of[page])
            p.out.resident =
                policy_outcome_hash(p.out.resident, page, p.frame_of[page] - 1, p.dirty[page]);
    model->close(state);
    free(p.frame_of);
    free(p.dirty);
    return p.out;
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
