/* data.c - the caches of a machine: what a touch does in them after its translation, what walks and
 * leaving pages do, and what was counted.
 *
 * A touch of `bytes` bytes asks level 1 for each line of them, in order. Where its first line is
 * hot (vm_caches_is_hot) and is the only one, the loop has done it already; all others come here.
 *
 * Not modelled: what the kernel and devices do to memory themselves (zeroing and copying pages,
 * transfers, writing tables), so that a new page's lines are in no cache.
 */
#include "base/assert.h"
#include "engine/machine.h"

#define PAGES_APART_MAX (UINT64_C(1) << 20) /* frames of tables beyond memory: space/memory.c */

/* Whether the caches can stand before such a memory. */
static bool fits_memory(const struct vm_engine *m, struct vm_error *e)
{
    const struct vm_caches_config *c = &m->cache_plan.caches;
    uint64_t page = m->config.page_bytes, most = (UINT64_C(1) << VM_CACHE_PA_BITS) / page;
    for (size_t i = 0; i < c->n; i++)
        if (c->cache[i].line_bytes > page)
            return vm_fail(e, VM_EMACHINE,
                           "cache lines of %u bytes and pages of %llu: expected lines no longer "
                           "than a page",
                           c->cache[i].line_bytes, (unsigned long long)page);
    if (c->n && m->config.memory_bytes / page > most - PAGES_APART_MAX)
        return vm_fail(e, VM_EMACHINE,
                       "a memory of %llu bytes behind caches: expected physical addresses of at "
                       "most %d bits",
                       (unsigned long long)m->config.memory_bytes, VM_CACHE_PA_BITS);
    return true;
}

/* The first level that all processors share; one beyond the last: none. */
static bool find_shared_level(struct vm_engine *m, struct vm_error *e)
{
    unsigned levels = m->cache_plan.caches.levels;
    uint64_t shared = m->config.cache_shared;
    if (shared == 1)
        return vm_fail(e, VM_EMACHINE,
                       "caches that processors share from level 1 on: expected 2 or more, or 0");
    if (shared == 0)
        shared = levels >= 3 ? levels : levels + 1;
    m->shared_level = shared <= levels ? (unsigned)shared : levels < 1 ? 2 : levels + 1;
    return true;
}

bool vm_data_open(struct vm_engine *m, struct vm_error *e)
{
    struct vm_caches_config *c = &m->cache_plan.caches;
    if (!vm_cache_plan_parse(&m->cache_plan, m->config.cache, e) || !fits_memory(m, e))
        return false;
    c->tables_level = m->config.cache_walks == VM_WALKS_MEMORY
                          ? VM_CACHE_LEVELS + 1
                          : (unsigned)m->config.cache_walks + 1;
    if (!find_shared_level(m, e) ||
        !vm_arena_open(&m->cache_arena, vm_arena_room(vm_caches_size(c)) * m->nprocessors, e))
        return false;
    m->answers.levels = c->levels;
    for (uint32_t n = 0; n < m->nprocessors; n++) {
        struct vm_caches *h = &m->processor[n].caches;
        vm_caches_init(h, c, m->page_shift, m->config.seed,
                       vm_arena_take(&m->cache_arena, vm_caches_size(c)));
        if (n > 0)
            vm_caches_share(h, &m->processor[0].caches, m->shared_level);
    }
    return true;
}

void vm_data_close(struct vm_engine *m)
{
    vm_arena_close(&m->cache_arena);
}

/* ---- what happens ---- */

/* Before an access to the line at pa that is not hot: the other processors' caches have it no more,
 * or not dirty. */
static void make_coherent(struct vm_engine *m, vm_pa pa, enum vm_access access)
{
    for (uint32_t n = 0; n < m->nprocessors; n++) {
        struct processor *p = &m->processor[n];
        if (p == m->cpu)
            continue;
        if (access == VM_WRITE)
            vm_caches_lose(&p->caches, m->shared_level, pa);
        else
            vm_caches_show(&p->caches, m->shared_level, pa);
    }
}

void vm_data_flush_frames(struct vm_engine *m, vm_pa pa, uint64_t bytes)
{
    for (uint32_t n = 0; n < m->nprocessors; n++)
        if (&m->processor[n] != m->cpu && m->cpu->caches.levels)
            vm_caches_flush_own(&m->processor[n].caches, m->shared_level, pa, bytes);
    vm_caches_flush_frames(&m->cpu->caches, pa, bytes);
}

static void ask(struct vm_engine *m, vm_va va, vm_pa pa, enum vm_access access)
{
    struct vm_cache *c = m->cpu->caches.first[access];
    unsigned level = 0;
    if (vm_caches_is_hot(&m->cpu->caches, va, pa, access)) {
        c->counts.accesses++;
    } else {
        if (m->nprocessors > 1)
            make_coherent(m, pa, access);
        level = vm_caches_access(&m->cpu->caches, va, pa, m->cpu->asid, access);
    }
    m->answered[access][level]++;
    TELL(m, .kind = VM_TAP_LINE, .line = {pa & c->line_mask, access, false, false, level});
}

void vm_data_lines(struct vm_engine *m, vm_va va, vm_pa pa, vm_va last, enum vm_access access)
{
    const vm_va line_mask = m->cpu->caches.first[access]->line_mask;
    m->cold[access]++;
    for (;;) {
        ask(m, va, pa, access);
        if (((va ^ last) & line_mask) == 0)
            return;
        vm_va next = (va & line_mask) - line_mask;
        pa += next - va;
        va = next;
    }
}

void vm_data_touch(struct vm_engine *m, vm_va va, vm_va last, enum vm_access access)
{
    const vm_va offset = m->config.page_bytes - 1;
    if (!m->cpu->caches.levels)
        return;
    if (m->place == NOWHERE)
        m->cold[access]++;
    else
        vm_data_lines(m, va, m->place | (va & offset), last < (va | offset) ? last : va | offset,
                      access);
}

static unsigned ask_table(struct vm_engine *m, vm_pa at, enum vm_access access)
{
    m->table_lines++;
    if (m->nprocessors > 1 && m->cpu->caches.tables < m->cpu->caches.levels)
        make_coherent(m, at, access);
    return vm_caches_table(&m->cpu->caches, at, access);
}

static uint32_t listed(const struct vm_walk *w)
{
    return w->nloads < VM_WALK_LOADS ? w->nloads : VM_WALK_LOADS;
}

/* The walk has marked the page's own entry, and where it has marked more words those that lead to
 * it: what a walk comes by first it has marked before, if any. */
static void ask_marked(struct vm_engine *m, const struct vm_walk *w)
{
    uint32_t end = listed(w), n = w->nstores;
    while (end > n && w->load[end - 1].role != VM_LOAD_LEAF)
        end--;
    for (uint32_t i = end > n ? end - n : 0; i < end; i++) {
        unsigned level = ask_table(m, w->load[i].at, VM_WRITE);
        m->answers.walk_stores[level]++;
        TELL(m, .kind = VM_TAP_LINE, .line = {w->load[i].at, VM_WRITE, true, false, level});
    }
}

/* The loads of one step, from number `from` on, which wait for the farthest of them. Answers the
 * first load of the next step. */
static uint32_t ask_step(struct vm_engine *m, const struct vm_walk *w, uint32_t from)
{
    uint8_t level[VM_WALK_LOADS] = {0};
    uint32_t i = from, farthest = from;
    for (; i < listed(w) && w->load[i].step == w->load[from].step; i++) {
        level[i] = (uint8_t)ask_table(m, w->load[i].at, VM_READ);
        farthest = level[i] > level[farthest] ? i : farthest;
    }
    m->answers.walk_steps[level[farthest]]++;
    for (uint32_t k = from; k < i; k++)
        TELL(m, .kind = VM_TAP_LINE,
             .line = {w->load[k].at, VM_READ, true, k != farthest, level[k]});
    return i;
}

/* Loads that a walk does not list are in no cache. */
void vm_data_walk(struct vm_engine *m, const struct vm_walk *w, uint32_t from)
{
    if (!m->cpu->caches.levels)
        return;
    for (uint32_t i = from; i < listed(w);)
        i = ask_step(m, w, i);
    m->answers.walk_steps[m->cpu->caches.levels] += w->nloads - listed(w);
    if (w->nstores)
        ask_marked(m, w);
}

void vm_data_prefetch(struct vm_engine *m, const struct vm_walk *w, uint32_t from)
{
    for (uint32_t i = from; m->cpu->caches.levels && i < listed(w); i++) {
        unsigned level = ask_table(m, w->load[i].at, VM_READ);
        TELL(m, .kind = VM_TAP_LINE, .line = {w->load[i].at, VM_READ, true, true, level});
    }
}

/* ---- what was counted ---- */

/* Touches that the loop found hot: each a line that level 1 answered. */
static uint64_t hot_lines(const struct vm_engine *m, enum vm_access a)
{
    return m->cpu->caches.levels ? m->kinds[a] + m->crossings[a] - m->cold[a] : 0;
}

/* What cache i of each processor counted. One that is shared counts with the first. */
static void add_counts(const struct vm_engine *m, size_t i, struct vm_cache_counts *sum)
{
    for (uint32_t n = 0; n < m->nprocessors; n++) {
        const struct vm_cache_counts *c = &m->processor[n].caches.cache[i].counts;
#define VM_CACHE_COUNT_ADD(field, what) sum->field += c->field;
        VM_CACHE_COUNTS(VM_CACHE_COUNT_ADD)
#undef VM_CACHE_COUNT_ADD
    }
}

/* The sums of the caches of one level. */
static struct vm_cache_counts level_counts(const struct vm_engine *m, unsigned level)
{
    struct vm_cache_counts sum = {0};
    for (size_t i = 0; i < m->cpu->caches.n; i++)
        if (m->cache_plan.caches.cache[i].level == level)
            add_counts(m, i, &sum);
    return sum;
}

static uint64_t sum_reads(const struct vm_engine *m)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < m->nprocessors; n++)
        sum += m->processor[n].caches.memory_reads;
    return sum;
}

static uint64_t sum_writes(const struct vm_engine *m)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < m->nprocessors; n++)
        sum += m->processor[n].caches.memory_writes;
    return sum;
}

/* Each level is asked for what the one before it lacks or passes on, and for what walks ask; what
 * the last one lacks is read from memory. */
static void check_flow(const struct vm_engine *m)
{
    const struct vm_caches *h = &m->cpu->caches;
    uint64_t asked = 0, reads = sum_reads(m);
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        for (unsigned level = 0; level <= h->levels; level++)
            asked += m->answered[a][level];
    for (unsigned level = 0; level < h->levels; level++) {
        struct vm_cache_counts n = level_counts(m, level + 1);
        VM_ASSERT(n.accesses == asked + (level == h->tables ? m->table_lines : 0));
        asked = n.misses + n.throughs;
        VM_ASSERT(level + 1 < h->levels || h->tables == h->levels || reads == n.misses);
    }
    VM_ASSERT(reads <= asked + m->table_lines);
}

void vm_data_counts(const struct vm_engine *m, struct vm_counts *out)
{
    check_flow(m);
    for (enum vm_access a = 0; a < VM_ACCESSES; a++) {
        out->lines += hot_lines(m, a);
        for (unsigned level = 0; level <= m->cpu->caches.levels; level++)
            out->lines += m->answered[a][level];
    }
    out->table_lines = m->table_lines;
    out->memory_reads = sum_reads(m);
    out->memory_writes = sum_writes(m);
}

size_t vm_engine_ncaches(const struct vm_engine *m)
{
    return m->cpu->caches.n;
}

const char *vm_engine_cache(const struct vm_engine *m, size_t i, struct vm_cache_config *config,
                            struct vm_cache_counts *counts)
{
    VM_ASSERT(i < m->cpu->caches.n);
    *config = m->cache_plan.caches.cache[i];
    *counts = (struct vm_cache_counts){0};
    add_counts(m, i, counts);
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        if (m->cpu->caches.first[a] == &m->cpu->caches.cache[i])
            counts->accesses += hot_lines(m, a);
    return m->cache_plan.name[i];
}

void vm_engine_answers(const struct vm_engine *m, struct vm_answers *out)
{
    *out = m->answers;
    for (unsigned level = 0; level <= m->cpu->caches.levels; level++) {
        out->fetches[level] = m->answered[VM_FETCH][level];
        out->data[level] = m->answered[VM_READ][level] + m->answered[VM_WRITE][level];
    }
    out->fetches[0] += hot_lines(m, VM_FETCH);
    out->data[0] += hot_lines(m, VM_READ) + hot_lines(m, VM_WRITE);
}
