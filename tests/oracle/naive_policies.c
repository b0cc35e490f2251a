/* naive_policies.c - replacement policies as a textbook tells them: every choice looks at every
 * frame, and nothing is remembered that could be looked up. Written from the definitions,
 * without a look at src/policy/; it shares with it only the random numbers. */
#include "oracle/paper.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct seat {
    bool taken, referenced, dirty;
    uint32_t page;
    uint64_t came, touched;
    uint32_t counter; /* aging's */
};

struct naive {
    const struct policy_world *world;
    struct vm_params params;
    size_t now; /* the reference being played */
    struct seat *seat;
    uint32_t nseats;
    uint32_t *queue; /* clock: seats in the order to be looked at; random: taken seats */
    uint32_t nqueue;
    uint32_t hand;
    struct vm_random random;
};

/* The seat for which `score` is least; the lowest of equals. */
static uint32_t least(const struct naive *m,
                      double (*score)(const struct naive *, const struct seat *))
{
    uint32_t best = VM_NOFRAME;
    for (uint32_t i = 0; i < m->nseats; i++)
        if (m->seat[i].taken &&
            (best == VM_NOFRAME || score(m, &m->seat[i]) < score(m, &m->seat[best])))
            best = i;
    return best;
}

static double came(const struct naive *m, const struct seat *s)
{
    (void)m;
    return (double)s->came;
}

static double touched(const struct naive *m, const struct seat *s)
{
    (void)m;
    return (double)s->touched;
}

static double touched_backwards(const struct naive *m, const struct seat *s)
{
    (void)m;
    return -(double)s->touched;
}

static double nearness(const struct naive *m, const struct seat *s)
{
    for (size_t i = m->now; i < m->world->n; i++)
        if (m->world->ref[i] >> 1 == s->page)
            return -(double)i;
    return -1e18;
}

static double farness(const struct naive *m, const struct seat *s)
{
    return -nearness(m, s);
}

static double counter(const struct naive *m, const struct seat *s)
{
    (void)m;
    return s->counter;
}

static uint32_t choose_opt(struct naive *m)
{
    return least(m, nearness);
}

static uint32_t choose_unopt(struct naive *m)
{
    return least(m, farness);
}

static uint32_t choose_fifo(struct naive *m)
{
    return least(m, came);
}

static uint32_t choose_lru(struct naive *m)
{
    return least(m, touched);
}

static uint32_t choose_mru(struct naive *m)
{
    return least(m, touched_backwards);
}

static uint32_t choose_aging(struct naive *m)
{
    return least(m, counter);
}

static uint32_t choose_random(struct naive *m)
{
    uint32_t i = (uint32_t)vm_random_below(&m->random, m->nqueue), chosen = m->queue[i];
    m->queue[i] = m->queue[--m->nqueue];
    return chosen;
}

/* Second chance as a queue: the front goes, or goes to the end. */
static uint32_t choose_clock(struct naive *m)
{
    for (;;) {
        uint32_t front = m->queue[0];
        memmove(m->queue, m->queue + 1, --m->nqueue * sizeof *m->queue);
        if (!m->seat[front].referenced)
            return front;
        m->seat[front].referenced = false;
        m->queue[m->nqueue++] = front;
    }
}

static double class_of(const struct naive *m, const struct seat *s)
{
    (void)m;
    return s->referenced * 2 + s->dirty;
}

/* Draw up to 32 times for a seat of the lowest class; then the next of it after the last drawn. */
static uint32_t choose_nru(struct naive *m)
{
    uint32_t lowest = least(m, class_of), i = lowest;
    double class = class_of(m, &m->seat[lowest]);
    if (vm_params_count(&m->params, "pick") == 1)
        return lowest;
    for (int draw = 0; draw < 32; draw++) {
        i = (uint32_t)vm_random_below(&m->random, m->nseats);
        if (class_of(m, &m->seat[i]) == class)
            return i;
    }
    while (class_of(m, &m->seat[i]) != class)
        i = (i + 1) % m->nseats;
    return i;
}

static uint32_t choose_enhanced_clock(struct naive *m)
{
    for (int turn = 0;; turn++) {
        bool want_dirty = turn % 2;
        for (uint32_t k = 0; k < m->nseats; k++) {
            uint32_t i = (m->hand + k) % m->nseats;
            if (!m->seat[i].referenced && m->seat[i].dirty == want_dirty) {
                m->hand = (i + 1) % m->nseats;
                return i;
            }
            if (want_dirty)
                m->seat[i].referenced = false;
        }
    }
}

static const struct {
    const char *name;
    uint32_t (*choose)(struct naive *);
} models[] = {
    {"opt", choose_opt},     {"unopt", choose_unopt},
    {"fifo", choose_fifo},   {"random", choose_random},
    {"lru", choose_lru},     {"mru", choose_mru},
    {"clock", choose_clock}, {"second-chance", choose_clock},
    {"nru", choose_nru},     {"enhanced-clock", choose_enhanced_clock},
    {"aging", choose_aging},
};

static void tick(struct naive *m, const char *name)
{
    for (uint32_t i = 0; i < m->nseats; i++) {
        struct seat *s = &m->seat[i];
        if (!strcmp(name, "aging")) {
            uint32_t bits = (uint32_t)vm_params_count(&m->params, "bits");
            s->counter = s->counter / 2 + (s->referenced ? UINT32_C(1) << (bits - 1) : 0);
        }
        s->referenced = false;
    }
}

static uint32_t find_page(const struct naive *m, uint32_t page)
{
    for (uint32_t i = 0; i < m->nseats; i++)
        if (m->seat[i].taken && m->seat[i].page == page)
            return i;
    return VM_NOFRAME;
}

static uint32_t find_seat(struct naive *m, uint32_t (*choose)(struct naive *),
                          struct policy_outcome *out)
{
    for (uint32_t i = 0; i < m->nseats; i++)
        if (!m->seat[i].taken)
            return i;
    uint32_t i = choose(m);
    out->evictions++;
    out->writebacks += m->seat[i].dirty;
    return i;
}

static void play(struct naive *m, uint32_t (*choose)(struct naive *), bool load_clears,
                 struct policy_outcome *out)
{
    uint32_t page = m->world->ref[m->now] >> 1, i = find_page(m, page);
    bool writes = m->world->ref[m->now] & 1;
    if (i == VM_NOFRAME) {
        i = find_seat(m, choose, out);
        out->misses++;
        m->seat[i] = (struct seat){.taken = true, .page = page, .came = m->now};
        m->seat[i].referenced = !load_clears;
        m->queue[m->nqueue++] = i;
    } else {
        m->seat[i].referenced = true;
    }
    m->seat[i].dirty |= writes;
    m->seat[i].touched = m->now;
    out->touches++;
    for (uint32_t k = 0; k < m->nseats; k++)
        out->space_time += m->seat[k].taken;
}

/* Some have the parameter `load`; with the others a newcomer has been
 * referenced. */
static bool loads_clear(const struct naive *m)
{
    for (size_t i = 0; i < m->params.n; i++)
        if (!strcmp(m->params.table[i].name, "load"))
            return vm_params_count(&m->params, "load") == 0;
    return false;
}

static uint64_t ticks_each(const struct naive *m)
{
    for (size_t i = 0; i < m->params.n; i++)
        if (!strcmp(m->params.table[i].name, "tick")) {
            uint64_t each = vm_params_count(&m->params, "tick");
            return each ? each : 4 * (uint64_t)m->nseats;
        }
    return 0;
}

struct policy_outcome policy_play_naive(const struct policy_world *w)
{
    struct naive m = {.world = w, .nseats = w->nframes};
    struct policy_outcome out = {0};
    struct vm_error e;
    char name[64];
    const char *text = vm_spec_split(w->policy, name, sizeof name);
    const struct vm_policy_ops *ops = vm_policy_find(name, &e);
    VM_ASSERT(ops && vm_params_parse(&m.params, name, ops->param, ops->nparams, text, &e));
    if (paper_find(name))
        return paper_play(paper_find(name), w, &m.params);
    size_t k = 0;
    while (k < sizeof models / sizeof models[0] && strcmp(models[k].name, name))
        k++;
    VM_ASSERT(k < sizeof models /
                      sizeof models[0]); /* a new policy needs a model, here or in papers.def */
    m.seat = calloc(w->nframes, sizeof *m.seat);
    m.queue = calloc(w->nframes + (size_t)w->n, sizeof *m.queue);
    VM_ASSERT(m.seat && m.queue);
    vm_random_seed(&m.random, w->seed);
    uint64_t each = ticks_each(&m);
    for (m.now = 0; m.now < w->n; m.now++) {
        play(&m, models[k].choose, loads_clear(&m), &out);
        if (each && (m.now + 1) % each == 0)
            tick(&m, name);
    }
    for (uint32_t i = 0; i < m.nseats; i++)
        if (m.seat[i].taken)
            out.resident = policy_outcome_hash(out.resident, m.seat[i].page, i, m.seat[i].dirty);
    free(m.seat);
    free(m.queue);
    return out;
}
