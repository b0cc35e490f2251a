/* paper_mglru.c - Linux's multi-generational LRU by pages: each knows its generation's number, and
 * is on its list (an array, [0] the head). Everything else is looked for, from the first page to
 * the last. */
#include "oracle/paper.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdlib.h>

#define LISTS 4 /* generations at a time: by number modulo this */
#define TIERS 4
#define LINE  8 /* entries in a cache line */

struct page {
    uint64_t generation;
    uint64_t left_in; /* the oldest generation when it left, + 1; 0: it did not, or came back */
    unsigned uses, left_tier;
    bool in, referenced;
};

struct model {
    const struct policy_world *w;
    struct paper_list list[LISTS];
    struct page *page; /* [npages] */
    uint32_t *page_in; /* [nframes] */
    bool *filter[2];   /* [1 << filter_log2] by the youngest generation's number modulo 2 */
    uint64_t oldest, youngest;
    uint64_t region, window, batch;
    unsigned filter_log2, ntiers;
    enum { DENSE, ALL, NONE } walk;
    bool load_clears, walked;
    uint64_t refaulted[TIERS], evicted[TIERS], protected[TIERS]; /* in the oldest generation */
    uint64_t refaulted_before[TIERS], total_before[TIERS];       /* averages */
};

static uint64_t up_to_power(uint64_t n)
{
    uint64_t power = 1;
    while (power < n)
        power *= 2;
    return power;
}

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    VM_ASSERT(m);
    m->w = w;
    m->youngest = 3;
    m->region = up_to_power(vm_params_count(params, "region"));
    m->window = up_to_power(vm_params_count(params, "window"));
    m->filter_log2 = (unsigned)vm_params_count(params, "filter");
    m->walk = vm_params_count(params, "walk");
    m->ntiers = (unsigned)vm_params_count(params, "tiers");
    m->batch = vm_params_count(params, "batch");
    m->load_clears = vm_params_count(params, "load") == 0;
    m->page = calloc(w->npages, sizeof *m->page);
    m->page_in = calloc(w->nframes, sizeof *m->page_in);
    for (int i = 0; i < 2; i++)
        m->filter[i] = calloc((size_t)1 << m->filter_log2, sizeof *m->filter[i]);
    VM_ASSERT(m->page && m->page_in && m->filter[0] && m->filter[1]);
    return m;
}

static void close_model(void *model)
{
    struct model *m = model;
    free(m->filter[0]);
    free(m->filter[1]);
    free(m->page);
    free(m->page_in);
    free(m);
}

static struct paper_list *list_of(struct model *m, uint64_t generation)
{
    return &m->list[generation % LISTS];
}

static uint64_t region_of(const struct model *m, uint32_t page)
{
    return policy_world_place(m->w, page) / m->region;
}

/* ---- the filters ---- */

static bool *bit_of(struct model *m, uint64_t generation, uint64_t region, unsigned which)
{
    uint64_t size = UINT64_C(1) << m->filter_log2;
    uint64_t hash = vm_mix64(region + UINT64_C(0x9e3779b97f4a7c15));
    return &m->filter[generation % 2][(which == 0 ? hash : hash / size) % size];
}

static void remember(struct model *m, uint64_t generation, uint64_t region)
{
    *bit_of(m, generation, region, 0) = true;
    *bit_of(m, generation, region, 1) = true;
}

static bool enters(struct model *m, uint64_t region)
{
    if (m->walk == ALL || !m->walked)
        return true;
    return *bit_of(m, m->youngest, region, 0) && *bit_of(m, m->youngest, region, 1);
}

/* ---- aging ---- */

/* The page was found referenced. */
static void to_youngest(struct model *m, uint32_t number)
{
    struct page *page = &m->page[number];
    page->referenced = false;
    page->uses++;
    if (page->generation == m->youngest)
        return;
    paper_list_drop(list_of(m, page->generation), number);
    page->generation = m->youngest;
    paper_list_push_first(list_of(m, m->youngest), number);
}

/* Region by region, places rising with pages: how many in each are referenced says whether the next
 * walk enters it. Who moves when is in the order of frames; memory is full. */
static void walk(struct model *m)
{
    for (size_t i = 0; i < (size_t)1 << m->filter_log2; i++)
        m->filter[(m->youngest + 1) % 2][i] = false;
    for (uint32_t p = 0; p < m->w->npages; p++) {
        uint64_t young = 0, region = region_of(m, p);
        for (uint32_t q = 0; q < m->w->npages; q++)
            young += region_of(m, q) == region && m->page[q].in && m->page[q].referenced;
        if (enters(m, region) && young * LINE >= m->region)
            remember(m, m->youngest + 1, region);
    }
    for (uint32_t f = 0; f < m->w->nframes; f++) {
        uint32_t page = m->page_in[f];
        if (m->page[page].referenced && enters(m, region_of(m, page)))
            to_youngest(m, page);
    }
    m->walked = true;
}

static void age(struct model *m)
{
    if (m->walk != NONE)
        walk(m);
    m->youngest++;
}

static uint32_t number_of(struct model *m, uint64_t generation)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < m->w->npages; p++)
        n += m->page[p].in && m->page[p].generation == generation;
    return n;
}

static bool should_age(struct model *m)
{
    uint64_t ngenerations = m->youngest - m->oldest + 1;
    uint32_t all = m->w->nframes;
    if (ngenerations != 3)
        return ngenerations < 3;
    return number_of(m, m->youngest) > all / 2.0 || number_of(m, m->oldest) < all / 4.0;
}

/* ---- tiers ---- */

static unsigned tier_of(const struct model *m, uint32_t page)
{
    unsigned tier = 0;
    while (1u << tier < m->page[page].uses)
        tier++;
    return tier < m->ntiers ? tier : m->ntiers - 1;
}

/* The first that is to stay. */
static unsigned tier_limit(const struct model *m)
{
    uint64_t total[TIERS], refaulted[TIERS];
    for (unsigned t = 0; t < TIERS; t++) {
        total[t] = m->total_before[t] + m->evicted[t] + m->protected[t];
        refaulted[t] = m->refaulted_before[t] + m->refaulted[t];
    }
    for (unsigned t = 1; t < m->ntiers; t++) {
        bool few = refaulted[t] < m->batch;
        if (!few && refaulted[t] * (total[0] + m->batch) > (refaulted[0] + 1) * total[t] * 2)
            return t;
    }
    return m->ntiers;
}

static void next_is_oldest(struct model *m)
{
    m->oldest++;
    for (unsigned t = 0; t < TIERS; t++) {
        m->refaulted_before[t] = (m->refaulted_before[t] + m->refaulted[t]) / 2;
        m->total_before[t] = (m->total_before[t] + m->evicted[t] + m->protected[t]) / 2;
        m->refaulted[t] = m->evicted[t] = m->protected[t] = 0;
    }
}

/* ---- eviction ---- */

static void look_around(struct model *m, uint32_t page)
{
    uint64_t at = policy_world_place(m->w, page);
    uint64_t start = at - at % m->region, end = start + m->region;
    if (m->region > m->window) {
        if (at - start < m->window / 2)
            end = start + m->window;
        else if (end - at < m->window / 2)
            start = end - m->window;
        else
            start = at - m->window / 2, end = start + m->window;
    }
    uint64_t young = 1;
    to_youngest(m, page);
    for (uint32_t p = 0; p < m->w->npages; p++) {
        uint64_t place = policy_world_place(m->w, p);
        if (m->page[p].in && m->page[p].referenced && place >= start && place < end) {
            to_youngest(m, p);
            young++;
        }
    }
    if (young * LINE >= end - start)
        remember(m, m->youngest, region_of(m, page));
}

/* What becomes of the oldest list's last page: whether it leaves. */
static bool consider(struct model *m, uint32_t last)
{
    struct page *page = &m->page[last];
    unsigned tier = tier_of(m, last);
    if (tier >= tier_limit(m)) {
        m->protected[tier]++;
        page->uses = 0;
        page->generation = m->oldest + 1;
        paper_list_drop(list_of(m, m->oldest), last);
        paper_list_push_last(list_of(m, m->oldest + 1), last);
        return false;
    }
    if (page->referenced) {
        look_around(m, last);
        return false;
    }
    m->evicted[tier]++;
    page->left_in = m->oldest + 1;
    page->left_tier = tier;
    page->in = false;
    paper_list_drop(list_of(m, m->oldest), last);
    return true;
}

static uint32_t reclaim(struct model *m)
{
    for (;;) {
        while (m->youngest - m->oldest >= 2 && list_of(m, m->oldest)->n == 0)
            next_is_oldest(m);
        if (should_age(m)) {
            age(m);
            continue;
        }
        struct paper_list *oldest = list_of(m, m->oldest);
        uint32_t page = oldest->page[oldest->n - 1];
        if (consider(m, page))
            return page;
    }
}

static void bring_in(struct model *m, uint32_t number)
{
    struct page *page = &m->page[number];
    if (page->left_in == m->oldest + 1)
        m->refaulted[page->left_tier]++;
    page->left_in = 0;
    page->in = true;
    page->generation = m->youngest;
    page->referenced = !m->load_clears;
    page->uses = m->load_clears;
    paper_list_push_first(list_of(m, m->youngest), number);
}

static void serve(void *model, struct paper_memory *memory, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    (void)now, (void)write;
    if (paper_in(memory, page)) {
        m->page[page].referenced = true;
        return;
    }
    if (paper_full(memory))
        paper_evict(memory, reclaim(m));
    paper_load(memory, page);
    m->page_in[paper_frame(memory, page)] = page;
    bring_in(m, page);
}

const struct paper_model paper_mglru = {
    .name = "mglru",
    .open = open_model,
    .serve = serve,
    .close = close_model,
};
