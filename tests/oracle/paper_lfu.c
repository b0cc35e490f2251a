/* paper_lfu.c - least frequently used: of each page how often it was referenced, and when it was
 * last, or came. Pages that have left keep their counts while they are among the last `keep` to
 * leave. */
#include "oracle/paper.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct model {
    uint32_t nframes, keep;
    bool by_coming;
    struct paper_list memory;
    struct paper_list left; /* the latest first */
    uint64_t count[2048], since[2048];
};

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m && w->npages <= 2048);
    m->nframes = w->nframes;
    m->keep = (uint32_t)vm_params_count(params, "keep");
    m->by_coming = !strcmp(vm_params_text(params, "ties"), "fifo");
    return m;
}

static uint32_t take_least(struct model *m)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < m->memory.n; i++) {
        uint32_t a = m->memory.page[i], b = m->memory.page[least];
        if (m->count[a] < m->count[b] || (m->count[a] == m->count[b] && m->since[a] < m->since[b]))
            least = i;
    }
    return paper_list_take(&m->memory, least);
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    bool hit = paper_list_find(&m->memory, page) != PAPER_NONE;
    (void)write;
    if (!hit) {
        if (!paper_list_drop(&m->left, page))
            m->count[page] = 0;
        if (m->memory.n == m->nframes) {
            leaver = take_least(m);
            paper_list_push_first(&m->left, leaver);
            if (m->left.n > m->keep)
                paper_list_take(&m->left, m->keep);
        }
        paper_list_push_last(&m->memory, page);
    }
    m->count[page]++;
    if (!hit || !m->by_coming)
        m->since[page] = now;
    return leaver;
}

const struct paper_model paper_lfu = {
    .name = "lfu",
    .open = open_model,
    .refer = refer,
    .close = free,
};
