/* machine_trace.c - see machine_trace.h. */
#include "oracle/machine_trace.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

#define PAGE UINT64_C(4096)

/* ---- filling ---- */

static void add_event(struct machine_trace *t, struct vm_event v)
{
    if (t->nevents == TRACE_EVENTS)
        return;
    v.at = t->nrefs;
    t->event[t->nevents++] = v;
}

static struct vm_event random_range(struct vm_random *r, enum vm_event_kind kind)
{
    static const uint8_t prots[] = {VM_PROT_ALL, VM_PROT_ALL, VM_PROT_READ | VM_PROT_WRITE,
                                    VM_PROT_READ, VM_PROT_READ | VM_PROT_FETCH};
    return (struct vm_event){
        .kind = (uint8_t)kind,
        .asid = (vm_asid)vm_random_below(r, TRACE_SPACES),
        .va = TRACE_BASE + vm_random_below(r, TRACE_PAGES) * PAGE,
        .bytes = (1 + vm_random_below(r, 8)) * PAGE,
        .prot = prots[vm_random_below(r, 5)],
        .detail = (uint8_t)(kind == VM_EVENT_MAP ? vm_random_below(r, 3) : VM_ADVICE_DONTNEED),
    };
}

/* Each space's pages in mappings of eight, each of its own kind. */
static void map_all(struct machine_trace *t, struct vm_random *r)
{
    for (vm_asid asid = 0; asid < TRACE_SPACES; asid++)
        for (uint64_t page = 0; page < TRACE_PAGES; page += 8) {
            struct vm_event v = random_range(r, VM_EVENT_MAP);
            v.asid = asid;
            v.va = TRACE_BASE + page * PAGE;
            v.bytes = 8 * PAGE;
            add_event(t, v);
        }
}

static void random_event(struct machine_trace *t, struct vm_random *r, unsigned events)
{
    static const enum vm_event_kind maps[] = {VM_EVENT_MAP, VM_EVENT_UNMAP, VM_EVENT_ADVISE};
    static const enum vm_event_kind forks[] = {VM_EVENT_FORK, VM_EVENT_FORK, VM_EVENT_EXIT,
                                               VM_EVENT_EXEC};
    vm_asid asid = (vm_asid)vm_random_below(r, TRACE_SPACES);
    uint64_t what = vm_random_below(r, 4);
    if (what == 0 && events & TRACE_PROTECTS)
        add_event(t, random_range(r, VM_EVENT_PROTECT));
    else if (what == 1 && events & TRACE_MAPS)
        add_event(t, random_range(r, maps[vm_random_below(r, 3)]));
    else if (what == 2 && events & TRACE_FORKS)
        add_event(t, (struct vm_event){
                         .kind = (uint8_t)forks[vm_random_below(r, 4)],
                         .asid = asid,
                         .child = (vm_asid)((asid + 1 + vm_random_below(r, TRACE_SPACES - 1)) %
                                            TRACE_SPACES)});
    else
        add_event(t, (struct vm_event){.kind = VM_EVENT_SWITCH, .asid = asid});
}

/* Mostly small, near the one before; one in eight crosses into further pages. */
static void add_ref(struct machine_trace *t, struct vm_random *r)
{
    uint64_t page = vm_random_below(r, vm_random_below(r, 2) ? TRACE_PAGES : TRACE_PAGES / 4);
    if (t->nrefs && vm_random_below(r, 2))
        page = (t->va[t->nrefs - 1] - TRACE_BASE) / PAGE;
    bool large = vm_random_below(r, 8) == 0;
    unsigned bytes = (unsigned)(1 + vm_random_below(r, large ? 9000 : 8));
    t->va[t->nrefs] = TRACE_BASE + page * PAGE + vm_random_below(r, PAGE);
    t->meta[t->nrefs++] = vm_ref_meta((enum vm_access)vm_random_below(r, VM_ACCESSES), bytes);
}

void machine_trace_fill(struct machine_trace *t, unsigned events, uint64_t seed)
{
    struct vm_random r;
    vm_random_seed(&r, seed);
    *t = (struct machine_trace){.nrefs = 0};
    if (events & (TRACE_PROTECTS | TRACE_MAPS))
        map_all(t, &r);
    while (t->nrefs < TRACE_REFS) {
        if (vm_random_below(&r, 16) == 0)
            random_event(t, &r, events);
        add_ref(t, &r);
    }
}

/* ---- playing ---- */

void machine_set(struct vm_config *c, const char *flag, const char *value)
{
    struct vm_error e;
    const struct vm_option *o = NULL;
    for (size_t i = 0; (o = vm_option_at(i)) && strcmp(o->flag, flag);)
        i++;
    VM_ASSERT(o);
    bool good = vm_config_set(c, o, value, &e);
    VM_ASSERT(good);
}

struct vm_config machine_config(const char *policy, uint32_t nframes)
{
    struct vm_config c;
    vm_config_init(&c);
    c.memory_bytes = nframes * PAGE;
    machine_set(&c, "policy", policy);
    machine_set(&c, "tables", "apart");
    machine_set(&c, "stray", "maps");
    machine_set(&c, "tlb", "l1i=4 l1d=4/2 l2=16/4");
    return c;
}

/* The part of the trace that begins at reference `from`, at most `batch` references long; *k is
 * the event reached. Its events are renumbered into `event`. */
static struct vm_batch cut(const struct machine_trace *t, uint32_t from, uint32_t batch,
                           uint32_t *k, struct vm_event *event)
{
    uint32_t left = t->nrefs - from, n = left < batch ? left : batch, nevents = 0;
    bool last = n == left;
    for (; *k < t->nevents && (t->event[*k].at < from + n || last); (*k)++) {
        event[nevents] = t->event[*k];
        event[nevents++].at -= from;
    }
    return (struct vm_batch){n, nevents, t->va + from, t->meta + from, event};
}

struct machine_outcome machine_outcome(struct vm_engine *m)
{
    struct machine_outcome out = {.ntlbs = vm_engine_ntlbs(m), .ncaches = vm_engine_ncaches(m)};
    struct vm_tlb_config tlb;
    struct vm_cache_config cache;
    vm_engine_counts(m, &out.counts);
    for (size_t i = 0; i < out.ntlbs; i++)
        vm_engine_tlb(m, i, &tlb, &out.tlb[i]);
    for (size_t i = 0; i < out.ncaches; i++)
        vm_engine_cache(m, i, &cache, &out.cache[i]);
    vm_engine_answers(m, &out.answers);
    return out;
}

struct machine_outcome machine_play(const struct vm_config *c, const struct machine_trace *t,
                                    uint32_t batch)
{
    struct vm_event event[TRACE_EVENTS];
    struct vm_error e = {0};
    enum vm_stray stray = c->stray == VM_STRAY_OPTION_FAULTS ? VM_STRAY_FAULTS : VM_STRAY_MAPS;
    struct vm_engine *m = vm_engine_open(c, stray, NULL, &e);
    VM_ASSERT(m);
    for (uint32_t from = 0, k = 0; from < t->nrefs; from += batch) {
        struct vm_batch b = cut(t, from, batch, &k, event);
        bool good = vm_engine_run(m, &b, &e);
        if (!good)
            fprintf(stderr, "%s\n", e.text);
        VM_ASSERT(good);
    }
    vm_engine_check(m);
    struct machine_outcome out = machine_outcome(m);
    vm_engine_close(m);
    return out;
}

void machine_trace_write(const struct machine_trace *t, const char *path)
{
    struct vm_error e;
    struct vm_event event[TRACE_EVENTS];
    struct vm_pgt_writer *w = vm_pgt_create(path, &(struct vm_pgt_options){.level = 1}, &e);
    VM_ASSERT(w);
    uint32_t k = 0;
    struct vm_batch b = cut(t, 0, t->nrefs, &k, event);
    bool good = vm_pgt_append(w, &b, &e) && vm_pgt_finish(w, &e);
    VM_ASSERT(good);
}
