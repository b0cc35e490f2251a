/* naive_machine.c - see naive_machine.h. */
#include "oracle/naive_machine.h"

#include "base/assert.h"
#include "oracle/naive_tlb.h"

#include <string.h>

#define PAGE  UINT64_C(4096)
#define PAGES (TRACE_PAGES + 8)

enum place { NOWHERE, IN_FRAME, IN_SLOT, IN_FILE };
enum { DIRTY_BIT = VM_TLB_DIRTY };

struct page {
    bool mapped;
    uint8_t prot, backing;
    enum place place;
    bool slot;        /* a copy is in swap */
    bool frame_dirty; /* differs from that copy, or from its file, or from zeros */
    bool entry_dirty; /* the table entry's dirty bit */
    bool entry_referenced;
    bool referenced;
    uint64_t came, used; /* clock: `came` is its turn in the queue */
};

struct naive_machine {
    const struct vm_config *config;
    struct vm_tlb_plan plan;
    struct naive_tlb tlb[VM_TLBS_MAX];
    struct machine_outcome out;
    struct page page[TRACE_SPACES * PAGES]; /* space by space */
    vm_asid asid;
    uint32_t resident;
    uint64_t now;
};

/* ---- replacement ---- */

static struct page *next_in_queue(struct naive_machine *m, bool by_use)
{
    struct page *best = NULL;
    for (struct page *p = m->page; p < m->page + TRACE_SPACES * PAGES; p++)
        if (p->place == IN_FRAME &&
            (!best || (by_use ? p->used < best->used : p->came < best->came)))
            best = p;
    return best;
}

static struct page *victim(struct naive_machine *m)
{
    const char *policy = m->config->policy;
    struct page *p = next_in_queue(m, !strcmp(policy, "lru"));
    while (!strncmp(policy, "clock", 5) && p->referenced) {
        p->referenced = false;
        p->came = ++m->now;
        p = next_in_queue(m, false);
    }
    return p;
}

/* ---- TLBs ---- */

static bool serves(const struct naive_machine *m, size_t i, enum vm_access access)
{
    switch (m->plan.tlb[i].side) {
    case VM_TLB_FETCH:
        return access == VM_FETCH;
    case VM_TLB_DATA:
        return access != VM_FETCH;
    case VM_TLB_LOAD:
        return access == VM_READ;
    case VM_TLB_STORE:
        return access == VM_WRITE;
    case VM_TLB_UNIFIED:
        break;
    }
    return true;
}

static bool flushes(const struct naive_machine *m)
{
    return m->config->tlb_tags == VM_TLB_TAGS_FLUSH;
}

static uint64_t tag_of(const struct naive_machine *m, unsigned page, vm_asid asid)
{
    return (TRACE_BASE + page * PAGE) | (flushes(m) ? 0 : asid);
}

static void shoot_down(struct naive_machine *m, vm_asid asid, unsigned page)
{
    unsigned gone = 0;
    if (flushes(m) && asid != m->asid)
        return;
    for (size_t i = 0; i < m->plan.n; i++)
        gone += naive_tlb_drop(&m->tlb[i], naive_tlb_is, tag_of(m, page, asid), 0);
    m->out.counts.shootdowns += gone > 0;
}

static void install(struct naive_tlb *t, uint64_t tag, uint64_t value)
{
    struct naive_tlb_entry *e = naive_tlb_find(t, tag, 0);
    if (!e) {
        naive_tlb_fill(t, naive_tlb_place(t, tag, 0), tag, 0, value);
        return;
    }
    *naive_tlb_value(t, e, tag) = value;
    naive_tlb_use(t, e);
}

/* ---- the fault path ---- */

static void evict_one(struct naive_machine *m)
{
    struct page *p = victim(m);
    size_t index = (size_t)(p - m->page);
    if (p->frame_dirty) {
        m->out.counts.writebacks++;
        p->slot = true;
    } else {
        m->out.counts.clean_drops++;
    }
    m->out.counts.evictions++;
    p->place = p->slot ? IN_SLOT : p->backing == VM_BACKING_ANON ? NOWHERE : IN_FILE;
    m->resident--;
    shoot_down(m, (vm_asid)(index / PAGES), (unsigned)(index % PAGES));
}

static void bring_in(struct naive_machine *m, struct page *p, enum vm_access access)
{
    struct vm_counts *c = &m->out.counts;
    if (m->resident == m->config->memory_bytes / PAGE)
        evict_one(m);
    c->faults++;
    c->demand_zero += p->place == NOWHERE;
    c->page_copies += p->place == NOWHERE;
    c->swap_ins += p->place == IN_SLOT;
    c->file_ins += p->place == IN_FILE;
    m->resident++;
    p->place = IN_FRAME;
    p->frame_dirty = access == VM_WRITE;
    p->entry_dirty = p->entry_referenced = false;
    p->came = p->used = ++m->now;
    p->referenced = !strstr(m->config->policy, "load=clear");
}

/* Walks until the page can be used; false: it cannot. */
static bool walk(struct naive_machine *m, struct page *p, enum vm_access access)
{
    struct vm_counts *c = &m->out.counts;
    c->walks++;
    c->touches_faulted +=
        !p->mapped || !(p->prot & vm_access_needs(access)) || p->place != IN_FRAME;
    if (!p->mapped) {
        c->violations++;
        return false;
    }
    if (!(p->prot & vm_access_needs(access))) {
        c->denials++;
        return false;
    }
    bool absent = p->place != IN_FRAME;
    if (absent) {
        bring_in(m, p, access);
        c->walks++;
    }
    p->entry_dirty |= access == VM_WRITE;
    p->entry_referenced = true;
    if (!absent)
        p->referenced = true;
    return true;
}

/* ---- a touch ---- */

static bool suffices(uint64_t value, enum vm_access access)
{
    uint64_t needs = vm_access_needs(access) | (access == VM_WRITE ? DIRTY_BIT : 0);
    return (value & needs) == needs;
}

/* The TLB of `level` on the way of this access. */
static struct naive_tlb *on_path(struct naive_machine *m, unsigned level, enum vm_access access,
                                 size_t *i)
{
    for (*i = 0; *i < m->plan.n; (*i)++)
        if (m->plan.tlb[*i].level == level && serves(m, *i, access))
            return &m->tlb[*i];
    return NULL;
}

/* The level that has the tag, with its entry's value; 0: none. */
static unsigned search(struct naive_machine *m, uint64_t tag, enum vm_access access,
                       uint64_t *value)
{
    size_t i;
    struct naive_tlb *t;
    for (unsigned level = 1; (t = on_path(m, level, access, &i)); level++) {
        struct naive_tlb_entry *e = naive_tlb_find(t, tag, 0);
        m->out.tlb[i].lookups++;
        if (e) {
            naive_tlb_use(t, e);
            *value = *naive_tlb_value(t, e, tag);
            return level;
        }
        m->out.tlb[i].misses++;
    }
    return 0;
}

static uint64_t value_of(const struct page *p)
{
    return p->prot | (p->entry_dirty && p->prot & VM_PROT_WRITE ? DIRTY_BIT : 0);
}

/* A TLB of pairs takes the page beside a walked one, too. */
static void install_beside(struct naive_machine *m, unsigned page, enum vm_access access)
{
    size_t i;
    struct naive_tlb *t;
    unsigned beside = page ^ 1; /* the first page's number is even */
    const struct page *p = &m->page[m->asid * PAGES + beside];
    uint64_t tag = tag_of(m, beside, m->asid);
    if (beside >= PAGES || p->place != IN_FRAME || !p->entry_referenced || !(p->prot & 7))
        return;
    for (unsigned level = 1; (t = on_path(m, level, access, &i)); level++)
        if (t->pages == 2 && !naive_tlb_find(t, tag, 0))
            naive_tlb_fill(t, naive_tlb_place(t, tag, 0), tag, 0, value_of(p));
}

static void touch(struct naive_machine *m, unsigned page, enum vm_access access)
{
    struct vm_counts *c = &m->out.counts;
    struct page *p = &m->page[m->asid * PAGES + page];
    uint64_t tag = tag_of(m, page, m->asid), value = 0;
    size_t i;
    c->touches++;
    bool walked_here = false;
    unsigned level = search(m, tag, access, &value);
    unsigned below = level ? level : (unsigned)m->plan.levels + 1;
    c->tlb_misses += !level;
    c->tlb_hits += level > 0;
    if (!level || !suffices(value, access)) {
        c->tlb_upgrades += level > 0;
        uint64_t faulted = c->touches_faulted;
        bool walked = walk(m, p, access);
        c->miss_present += !level && c->touches_faulted == faulted;
        if (!walked)
            return;
        value = value_of(p);
        below = (unsigned)m->plan.levels + 1;
        walked_here = true;
    } else {
        p->referenced = true;
    }
    for (unsigned l = 1; l < below; l++)
        install(on_path(m, l, access, &i), tag, value);
    if (walked_here)
        install_beside(m, page, access);
    p->used = ++m->now;
    p->frame_dirty |= access == VM_WRITE;
}

static void reference(struct naive_machine *m, vm_va va, uint16_t meta)
{
    struct vm_counts *c = &m->out.counts;
    enum vm_access access = vm_ref_access(meta);
    unsigned first = (unsigned)((va - TRACE_BASE) / PAGE);
    unsigned last = (unsigned)((va + vm_ref_bytes(meta) - 1 - TRACE_BASE) / PAGE);
    c->refs++;
    c->reads += access == VM_READ;
    c->writes += access == VM_WRITE;
    c->fetches += access == VM_FETCH;
    c->crossings += last - first;
    VM_ASSERT(last < PAGES);
    for (unsigned page = first; page <= last; page++)
        touch(m, page, access);
}

/* ---- events ---- */

static void switch_to(struct naive_machine *m, vm_asid asid)
{
    if (asid == m->asid)
        return;
    m->asid = asid;
    m->out.counts.switches++;
    if (!flushes(m) || !m->plan.n)
        return;
    m->out.counts.tlb_flushes++;
    for (size_t i = 0; i < m->plan.n; i++)
        naive_tlb_drop(&m->tlb[i], naive_tlb_not_global, 0, 0);
}

static void event(struct naive_machine *m, const struct vm_event *v)
{
    m->out.counts.maps += v->kind == VM_EVENT_MAP;
    m->out.counts.protects += v->kind == VM_EVENT_PROTECT;
    if (v->kind == VM_EVENT_SWITCH) {
        switch_to(m, v->asid);
        return;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        struct page *p = &m->page[v->asid * PAGES + page];
        vm_va va = TRACE_BASE + page * PAGE;
        if (va < v->va || va >= v->va + v->bytes)
            continue;
        if (v->kind == VM_EVENT_MAP)
            *p = (struct page){.mapped = true, .backing = v->detail};
        p->prot = v->prot;
        if (p->place == IN_FRAME)
            shoot_down(m, v->asid, page);
    }
}

struct machine_outcome naive_machine_play(const struct vm_config *c, const struct machine_trace *t)
{
    static struct naive_machine m; /* too large for the stack under sanitizers */
    struct vm_error e;
    memset(&m, 0, sizeof m);
    m.config = c;
    bool good = vm_tlb_plan_parse(&m.plan, c->tlb, &e);
    VM_ASSERT(good);
    for (size_t i = 0; i < m.plan.n; i++)
        naive_tlb_open(&m.tlb[i], &m.plan.tlb[i]);
    uint32_t k = 0;
    for (uint32_t i = 0; i <= t->nrefs; i++) {
        for (; k < t->nevents && t->event[k].at == i; k++)
            event(&m, &t->event[k]);
        if (i < t->nrefs)
            reference(&m, t->va[i], t->meta[i]);
    }
    m.out.ntlbs = m.plan.n;
    for (size_t i = 0; i < m.plan.n; i++) {
        m.out.tlb[i].fills = m.tlb[i].counts.fills;
        m.out.tlb[i].evictions = m.tlb[i].counts.evictions;
        m.out.tlb[i].invalidations = m.tlb[i].counts.invalidations;
    }
    return m.out;
}
