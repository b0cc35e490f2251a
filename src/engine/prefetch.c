/* prefetch.c - translations fetched before they are asked for, into a buffer beside the last level.
 *
 * Each miss of all levels, answered by the buffer or not, is a step of the page numbers that a
 * predictor sees. It names the pages that may miss next:
 *   next      the page after this one
 *   stride    this page plus the distance from the last miss, if that came twice in a row
 *   distance  a table of what distances followed which: 256 rows, each with the two latest
 *
 * What is named is walked for, unless a last-level TLB or the buffer has it, and kept in the buffer
 * (first in, first out) if it is present and marked referenced: a prefetch sets no mark and takes
 * no fault. A touch that finds its page there takes it into the levels; that is a TLB hit, at the
 * last level's price. A translation that leaves the buffer unused was useless.
 *
 * Kandiraju & Sivasubramaniam, "Going the distance for TLB prefetching", ISCA 2002 (sequential,
 * stride and distance prefetching; their stride is kept for each instruction, but traces have no
 * program counters); Vavouliotis et al., "Morrigan: a composite instruction TLB prefetcher", MICRO
 * 2021 (the buffer).
 *
 * Not here: the time that prefetches take. They are made while the processor goes on, so their
 * loads are counted, and not priced.
 */
#include "engine/machine.h"

bool vm_prefetch_take(struct vm_engine *m, uint64_t tag, struct tlb_hit *hit)
{
    if (!m->cpu->buffer)
        return false;
    m->cpu->buffer->counts.lookups++;
    if (!vm_levels_look(m, m->cpu->buffer, tag, hit)) {
        m->cpu->buffer->counts.misses++;
        return false;
    }
    hit->level = m->plan.levels;
    vm_tlb_invalidate(m->cpu->buffer, hit->tag, vm_tlb_order(hit->entry.value));
    m->counts.prefetch_hits++;
    return true;
}

/* ---- predicting ---- */

struct guesses {
    unsigned n;
    uint64_t page[DISTANCE_NEXT];
};

static void guess(struct guesses *g, uint64_t page, int64_t distance)
{
    if (distance)
        g->page[g->n++] = page + (uint64_t)distance;
}

/* `distance` came after the predictor's: the latest of what follows that one. */
static void learn(struct predictor *p, int64_t distance)
{
    size_t row = (uint64_t)p->distance % DISTANCES;
    int64_t *next = p->row[row].next;
    if (p->row[row].distance != p->distance) {
        p->row[row].distance = p->distance;
        next[0] = next[1] = 0;
    }
    if (next[0] != distance) {
        next[1] = next[0];
        next[0] = distance;
    }
}

static void guess_by_distance(struct predictor *p, uint64_t page, int64_t distance,
                              struct guesses *g)
{
    size_t row = (uint64_t)distance % DISTANCES;
    if (p->nknown > 1)
        learn(p, distance);
    if (p->row[row].distance == distance)
        for (unsigned i = 0; i < DISTANCE_NEXT; i++)
            guess(g, page, p->row[row].next[i]);
}

/* A page of `span` base pages that begins at `page` missed. */
static void predict(struct vm_engine *m, uint64_t page, uint64_t span, struct guesses *g)
{
    struct predictor *p = &m->cpu->predictor;
    int64_t distance = (int64_t)(page - p->last);
    g->n = 0;
    if (m->config.prefetch == VM_PREFETCH_NEXT)
        guess(g, page, (int64_t)span);
    else if (m->config.prefetch == VM_PREFETCH_STRIDE && p->nknown > 1 && distance == p->distance)
        guess(g, page, distance);
    else if (m->config.prefetch == VM_PREFETCH_DISTANCE && p->nknown > 0)
        guess_by_distance(p, page, distance, g);
    p->distance = distance;
    p->last = page;
    p->nknown += p->nknown < 2;
}

/* ---- fetching ---- */

/* Whether the last level, or the buffer, has the page. */
static bool is_near(struct vm_engine *m, uint64_t tag, enum vm_access access)
{
    struct tlb_hit hit;
    if (m->plan.levels > 0) {
        const struct tlb_level *l = &m->path[access][m->plan.levels - 1];
        for (unsigned k = 0; k < l->n; k++)
            if (vm_levels_holds(m, &m->cpu->tlb[l->tlb[k]], tag, &hit))
                return true;
    }
    return vm_levels_holds(m, m->cpu->buffer, tag, &hit);
}

/* Whether the walk's outcome is now in the buffer. */
static bool keep(struct vm_engine *m, uint64_t tag, const struct vm_walk *w)
{
    tag = vm_tlb_tag(tag, w->order);
    if (w->fault != VM_WALK_OK || !(m->orders[m->cpu->buffer - m->cpu->tlb] >> w->order & 1))
        return false;
    if (w->prot & VM_PROT_GLOBAL)
        tag = vm_tlb_global(tag);
    m->orders_seen |= UINT64_C(1) << w->order;
    vm_tlb_fill(m->cpu->buffer, tag, vm_walk_entry(w));
    m->counts.prefetches++;
    return true;
}

static void fetch(struct vm_engine *m, uint64_t page, enum vm_access access)
{
    struct vm_walk w;
    size_t cache = VM_WALK_CACHES_MAX;
    uint64_t tag = page << 12 | m->cpu->tag_asid;
    if (page >= UINT64_C(1) << (64 - m->page_shift) || page >= UINT64_C(1) << 52 ||
        is_near(m, tag, access))
        return;
    vm_va va = page << m->page_shift;
    m->scheme->walk(m->scheme_state, m->cpu->asid, va, access, VM_MODE_USER | VM_MODE_MARK_TRAPS,
                    &w);
    uint32_t skipped = w.fault == VM_WALK_BOUNDS ? 0 : vm_walk_caches_use(m, va, &w, &cache);
    m->counts.prefetch_loads += w.nloads - skipped;
    vm_data_prefetch(m, &w, skipped);
    bool kept = keep(m, tag, &w);
    TELL(m, .kind = VM_TAP_PREFETCH, .prefetch = {va, w.nloads - skipped, cache, kept});
}

void vm_prefetch_after(struct vm_engine *m, uint64_t tag, unsigned order, enum vm_access access)
{
    struct guesses g;
    if (!m->cpu->buffer)
        return;
    predict(m, tag >> 12 >> order << order, UINT64_C(1) << order, &g);
    for (unsigned i = 0; i < g.n; i++)
        fetch(m, g.page[i], access);
}
