/* paper_clock_pro.c - CLOCK-Pro, USENIX ATC 2005, section 4, as the program of its first author
 * does
 * it: one clock of resident pages and ghosts, an array in the order in which hands walk it. */
#include "oracle/paper.h"

#include <stdlib.h>

struct page {
    bool resident, hot, in_test, ref;
};

struct model {
    uint32_t c, least, most, nresident, nhot, nghosts, last;
    int64_t credits; /* above 0: more cold pages; below: fewer */
    bool full;       /* memory was, once */
    struct paper_list clock;
    uint32_t hot, cold, test; /* hands: pages in the clock, or PAPER_NONE */
    uint32_t newest;
    struct page page[2048];
};

static uint32_t share(const struct vm_params *params, const char *name, uint32_t c)
{
    uint32_t n = (uint32_t)(vm_params_real(params, name) / 100 * c);
    return n < 2 ? 2 : n;
}

static void *open_model(const struct policy_world *w, const struct vm_params *params)
{
    struct model *m = calloc(1, sizeof *m);
    m->c = w->nframes;
    m->least = share(params, "least", m->c);
    m->most = share(params, "most", m->c);
    m->last = m->hot = m->cold = m->test = m->newest = PAPER_NONE;
    return m;
}

/* ---- the clock ---- */

static uint32_t step(const struct model *m, uint32_t page, uint32_t by)
{
    return m->clock.page[(paper_list_find(&m->clock, page) + by) % m->clock.n];
}

static uint32_t after(const struct model *m, uint32_t page)
{
    return step(m, page, 1);
}

static uint32_t before(const struct model *m, uint32_t page)
{
    return step(m, page, m->clock.n - 1);
}

static bool in_clock(const struct model *m, uint32_t page)
{
    return paper_list_find(&m->clock, page) != PAPER_NONE;
}

static void move_hand(struct model *m, uint32_t *hand, uint32_t from)
{
    if (*hand == from)
        *hand = m->clock.n > 1 ? after(m, from) : PAPER_NONE;
}

static void take_out(struct model *m, uint32_t page)
{
    move_hand(m, &m->hot, page);
    move_hand(m, &m->cold, page);
    move_hand(m, &m->test, page);
    if (m->newest == page)
        m->newest = m->clock.n > 1 ? before(m, page) : PAPER_NONE;
    paper_list_drop(&m->clock, page);
    m->page[page].in_test = m->page[page].ref = false;
}

/* Behind the page that was put in last. */
static void put_in(struct model *m, uint32_t page)
{
    struct paper_list *l = &m->clock;
    paper_list_push_last(l, page);
    if (m->newest == PAPER_NONE) {
        m->hot = m->test = page;
    } else {
        uint32_t at = paper_list_find(l, m->newest) + 1;
        for (uint32_t i = l->n - 1; i > at; i--)
            l->page[i] = l->page[i - 1];
        l->page[at] = page;
    }
    m->newest = page;
}

static void seek_cold(struct model *m)
{
    uint32_t hand = m->cold;
    m->cold = PAPER_NONE;
    for (uint32_t n = 0; hand != PAPER_NONE && n < m->clock.n; n++, hand = after(m, hand))
        if (m->page[hand].resident && !m->page[hand].hot) {
            m->cold = hand;
            return;
        }
}

/* ---- the hands ---- */

static void forget(struct model *m)
{
    uint32_t ghost = m->test;
    m->credits--;
    m->nghosts--;
    take_out(m, ghost);
}

static void end_test(struct model *m)
{
    struct page *p = &m->page[m->test];
    if (!p->hot && !p->resident) {
        forget(m);
        return;
    }
    if (!p->hot)
        p->in_test = p->ref = false;
    m->test = after(m, m->test);
}

static void limit_ghosts(struct model *m)
{
    if (m->nghosts <= m->c)
        return;
    while (m->page[m->test].resident)
        end_test(m);
    forget(m);
}

/* A hot page that is not referenced becomes cold. What the hand met: bit 0 `cold`, bit 1 a hot page
 * to demote, and this before it came to rest. */
static unsigned run_hot(struct model *m, uint32_t cold)
{
    bool done = false, met = false, demoted = false;
    while (m->nhot > 0 && (!done || !m->page[m->hot].hot)) {
        uint32_t page = m->hot;
        struct page *p = &m->page[page];
        m->hot = after(m, page);
        if (p->hot && p->ref) {
            take_out(m, page);
            put_in(m, page);
        } else if (p->hot) {
            done = demoted = true;
            p->hot = false;
            m->nhot--;
            take_out(m, page);
            put_in(m, page);
            if (m->cold == PAPER_NONE)
                m->cold = page;
        } else if (page == cold) {
            done = met = true;
        }
        if (before(m, m->hot) == m->test)
            end_test(m);
    }
    return met ? 1u + demoted : 0;
}

static unsigned demote_for(struct model *m, uint32_t cold)
{
    return m->nhot + m->most < m->c ? 0 : run_hot(m, cold);
}

static void become_hot(struct model *m, uint32_t page)
{
    m->page[page].hot = true;
    m->nhot++;
}

/* The page under the cold hand was referenced in its test. */
static void pass_test(struct model *m)
{
    uint32_t page = m->cold, ncold = m->nresident - m->nhot;
    if ((m->credits > 0 && ncold >= m->most) || (m->credits < 0 && ncold <= m->least))
        m->credits = 0;
    if (m->credits > 0) {
        unsigned met = run_hot(m, page);
        m->credits -= met != 1;
        if (met) {
            m->page[page].ref = false;
            return;
        }
        take_out(m, page);
        if (m->cold != PAPER_NONE)
            m->page[m->cold].ref = true; /* the program's slip: it means `page` */
        put_in(m, page);
        m->page[page].in_test = true;
    } else {
        if (m->credits < 0)
            m->credits++;
        else if (demote_for(m, page) == 1) {
            m->page[page].in_test = false;
            return;
        }
        take_out(m, page);
        put_in(m, page);
        become_hot(m, page);
    }
    if (m->cold == PAPER_NONE)
        m->cold = page;
    seek_cold(m);
}

static uint32_t run_cold(struct model *m)
{
    for (;;) {
        if (m->cold == PAPER_NONE)
            run_hot(m, PAPER_NONE);
        uint32_t page = m->cold;
        struct page *p = &m->page[page];
        if (p->ref && p->in_test) {
            pass_test(m);
            continue;
        }
        p->resident = p->ref = false;
        m->nresident--;
        if (p->in_test) {
            m->cold = after(m, page);
            m->nghosts++;
        } else {
            take_out(m, page);
        }
        seek_cold(m);
        limit_ghosts(m);
        return page;
    }
}

/* ---- references ---- */

static void load(struct model *m, uint32_t page)
{
    bool hot = !m->full && m->nresident + m->least < m->c;
    if (in_clock(m, page)) {
        hot = demote_for(m, page) != 1;
        m->credits += hot;
        if (in_clock(m, page)) {
            m->nghosts--;
            take_out(m, page);
        }
    }
    put_in(m, page);
    m->page[page] = (struct page){.resident = true, .in_test = !hot};
    m->nresident++;
    if (hot)
        become_hot(m, page);
    else if (m->cold == PAPER_NONE)
        m->cold = page;
}

static uint32_t refer(void *model, uint64_t now, uint32_t page, bool write)
{
    struct model *m = model;
    uint32_t leaver = PAPER_NONE;
    (void)now, (void)write;
    if (page == m->last)
        return PAPER_NONE;
    m->last = page;
    if (m->page[page].resident) {
        m->page[page].ref = true;
        return PAPER_NONE;
    }
    if (m->nresident == m->c) {
        m->full = true;
        leaver = run_cold(m);
    }
    load(m, page);
    return leaver;
}

const struct paper_model paper_clock_pro = {
    .name = "clock-pro", .open = open_model, .refer = refer, .close = free};
