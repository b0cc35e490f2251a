/* Random worlds of segments against what a program must see, and where machines of segments must
 * agree with others.
 *
 * The model knows for each address space which pages are mapped with which rights, and for each
 * segment when it was last written to. From that follow its length and rights, who may touch what,
 * and where no write may get lost: not by moving, growing, leaving, coming back, or a fork.
 */
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "oracle/space_world.h"
#include "rounds.h"
#include "space/segment.h"
#include "unit/test.h"

#include <string.h>

#define PAGE UINT64_C(4096)

enum { SPACES = 4, PAGES = 64, STEPS = 300 };

struct model_page {
    bool mapped;
    uint8_t prot;
};

struct model {
    struct model_page page[SPACES][PAGES];
    uint64_t written[SPACES][PAGES]; /* of the segment whose span begins at that page; 0: never */
    uint64_t written_before[SPACES][PAGES];
};

struct world {
    struct space_world fast;
    struct model model;
    struct vm_random random;
};

static uint64_t below(struct world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static const struct vm_segment_ops *segments(const struct world *w)
{
    return w->fast.scheme->segments;
}

/* ---- the model ---- */

/* The pages of the span, as numbers from the end that segments lie at; *n: how many it must have
 * at least, for what is mapped. */
static unsigned length_of(const struct world *w, vm_asid asid, const struct vm_span *span,
                          uint8_t *prot)
{
    unsigned n = 0, all = (unsigned)((span->end - span->start) / PAGE);
    *prot = VM_PROT_ALL & ~segments(w)->rights;
    for (unsigned i = 0; i < all; i++) {
        unsigned from_start = span->grows_down ? all - 1 - i : i;
        const struct model_page *p = &w->model.page[asid][span->start / PAGE + from_start];
        if (p->mapped) {
            n = i + 1;
            *prot |= p->prot;
        }
    }
    return n;
}

static enum touch_outcome expected(const struct world *w, vm_asid asid, vm_va va,
                                   enum vm_access access)
{
    struct vm_span span;
    uint8_t prot;
    if (!segments(w)->span(w->fast.scheme_state, va, &span))
        return TOUCH_UNNAMED;
    unsigned n = length_of(w, asid, &span, &prot);
    vm_va distance = span.grows_down ? span.end - 1 - va : va - span.start;
    if (distance / PAGE >= n)
        return TOUCH_VIOLATION;
    return prot & vm_access_needs(access) ? TOUCH_DONE : TOUCH_DENIED;
}

static uint64_t *written_of(struct world *w, vm_asid asid, vm_va va)
{
    struct vm_span span;
    bool named = segments(w)->span(w->fast.scheme_state, va, &span);
    assert_true(named);
    return &w->model.written[asid][span.start / PAGE];
}

/* Segments of which nothing is mapped any more are gone. */
static void forget_unmapped(struct world *w, vm_asid asid)
{
    struct vm_span span;
    uint8_t prot;
    for (vm_va va = 0; va < PAGES * PAGE; va = span.end)
        if (segments(w)->span(w->fast.scheme_state, va, &span) &&
            length_of(w, asid, &span, &prot) == 0)
            w->model.written[asid][span.start / PAGE] = 0;
}

/* What vm_memory_event grants: any right brings reading. */
static uint8_t granted(uint8_t prot)
{
    return prot ? prot | VM_PROT_READ : prot;
}

static void model_event(struct world *w, const struct vm_event *v)
{
    struct model *m = &w->model;
    for (unsigned p = (unsigned)(v->va / PAGE); p <= (v->va + v->bytes - 1) / PAGE; p++) {
        struct model_page *page = &m->page[v->asid][p];
        if (v->kind == VM_EVENT_MAP)
            *page = (struct model_page){true, granted(v->prot)};
        if (v->kind == VM_EVENT_UNMAP)
            *page = (struct model_page){0};
        if (v->kind == VM_EVENT_PROTECT && page->mapped)
            page->prot = granted(v->prot);
    }
    if (v->kind == VM_EVENT_FORK) {
        memcpy(m->page[v->child], m->page[v->asid], sizeof m->page[0]);
        memcpy(m->written[v->child], m->written[v->asid], sizeof m->written[0]);
    }
    if (v->kind == VM_EVENT_EXEC || v->kind == VM_EVENT_EXIT)
        memset(m->page[v->asid], 0, sizeof m->page[0]);
    forget_unmapped(w, v->asid);
}

/* ---- inspection ---- */

/* No write to the segment is lost: a dirty unit has it, or slots that were written after it. */
static void inspect_content(const struct world *w, const struct vm_segment *g, uint64_t written)
{
    const struct vm_memory *m = w->fast.memory;
    if (g->state == VM_PTE_EMPTY || (g->state == VM_PTE_SWAPPED && g->slot == VM_SLOT_FILE)) {
        assert_int_equal(written, 0);
        return;
    }
    vm_slot s = g->state == VM_PTE_SWAPPED ? g->slot : 0;
    if (g->state == VM_PTE_PRESENT) {
        uint32_t u = vm_unit_of(m, g->pfn);
        if (m->bits[u] & VM_FRAME_DIRTY || !written)
            return;
        s = m->seg->unit[u].slot;
    }
    assert_true(s > VM_SLOT_FILE);
    assert_true(w->fast.written_at[VM_SWAP_FAST][s] >= written);
}

static void inspect(struct world *w)
{
    uint64_t unit_written[PAGES];
    bool seen[PAGES] = {false};
    struct vm_span span;
    for (vm_asid asid = 0; asid < (vm_asid)SPACES; asid++)
        for (vm_va va = 0; vm_memory_space(w->fast.memory, asid) && va < PAGES * PAGE;
             va = span.end) {
            if (!segments(w)->span(w->fast.scheme_state, va, &span))
                continue;
            struct vm_segment g = segments(w)->get(w->fast.scheme_state, asid, va);
            uint64_t written = *written_of(w, asid, va);
            inspect_content(w, &g, written);
            if (g.state != VM_PTE_PRESENT)
                continue;
            uint32_t u = vm_unit_of(w->fast.memory, g.pfn);
            assert_true(!seen[u] || unit_written[u] == written); /* shared: one content */
            seen[u] = true;
            unit_written[u] = written;
        }
}

/* ---- steps ---- */

static bool touch(struct world *w)
{
    vm_asid asid = (vm_asid)below(w, SPACES);
    vm_va va = below(w, PAGES) * PAGE + below(w, PAGE);
    enum vm_access access = (enum vm_access)below(w, VM_ACCESSES);
    enum touch_outcome must = expected(w, asid, va, access);
    struct touch t = space_world_touch(&w->fast, asid, va, access);
    if (t.outcome == TOUCH_FAILED)
        return false;
    assert_int_equal(t.outcome, must);
    if (t.outcome == TOUCH_DONE && access == VM_WRITE)
        *written_of(w, asid, va) = w->fast.now;
    return true;
}

static bool event(struct world *w)
{
    static const uint8_t kinds[] = {VM_EVENT_MAP,     VM_EVENT_MAP,  VM_EVENT_MAP,  VM_EVENT_UNMAP,
                                    VM_EVENT_PROTECT, VM_EVENT_FORK, VM_EVENT_EXEC, VM_EVENT_EXIT};
    static const uint8_t prots[] = {VM_PROT_ALL, VM_PROT_READ, VM_PROT_READ | VM_PROT_FETCH,
                                    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_NONE};
    vm_va first = below(w, PAGES), last = first + below(w, 10);
    vm_asid asid = (vm_asid)below(w, SPACES);
    struct vm_event v = {
        .kind = kinds[below(w, sizeof kinds)],
        .asid = asid,
        .child = (vm_asid)((asid + 1 + below(w, SPACES - 1)) % SPACES),
        .va = first * PAGE + below(w, PAGE),
        .prot = prots[below(w, sizeof prots)],
        .detail = (uint8_t)below(w, 3),
    };
    last = last < PAGES ? last : PAGES - 1;
    v.bytes = (last + 1) * PAGE - v.va;
    if (!space_world_event(&w->fast, v))
        return false;
    model_event(w, &v);
    return true;
}

/* False: it ended because the machine ran out of something. */
static bool play(struct space_plan plan)
{
    struct world w = {0};
    bool good = space_world_open(&w.fast, &plan);
    assert_true(good);
    vm_random_seed(&w.random, plan.seed);
    for (unsigned i = 0; good && i < STEPS; i++) {
        good = below(&w, 6) ? touch(&w) : event(&w);
        if (good) {
            space_world_check(&w.fast);
            inspect(&w);
        } else {
            assert_int_equal(w.fast.error.code, VM_EMACHINE);
        }
    }
    for (vm_asid asid = 0; good && asid < SPACES; asid++)
        assert_true(
            space_world_event(&w.fast, (struct vm_event){.kind = VM_EVENT_EXIT, .asid = asid}));
    struct vm_holes holes;
    vm_memory_holes(w.fast.memory, &holes);
    assert_true(!good || holes.free_bytes == plan.nframes * PAGE);
    space_world_close(&w.fast);
    return good;
}

static const char *const schemes[] = {"base-bounds:bits=18", "segmentation:bits=18",
                                      "segmentation:bits=18,segments=1",
                                      "segment-table:bits=18,segments=3"};

static void no_write_is_lost_and_no_touch_goes_astray(void **unused)
{
    (void)unused;
    uint64_t seed = 1;
    for (size_t fit = 0; vm_alloc_at(fit); fit++)
        for (size_t row = 0; vm_policy_at(row); row++)
            for (size_t k = 0; k < 4; k++)
                for (unsigned i = test_rounds(6); i-- > 0; seed++) {
                    if (vm_policy_at(row)->future == VM_FUTURE_NEEDED)
                        continue;
                    struct space_plan plan = {
                        .scheme = schemes[k],
                        .policy = vm_policy_at(row)->name,
                        .nframes = 64 + (uint32_t)(seed % 3) * 40,
                        .stray = VM_STRAY_FAULTS,
                        .tables = seed % 2 ? VM_TABLES_INSIDE : VM_TABLES_APART,
                        .fit = vm_alloc_at(fit)->name,
                        .compact = seed % 4 < 2 ? VM_COMPACT_NEVER : VM_COMPACT_NEEDED,
                        .seed = seed};
                    bool ended = play(plan);
                    /* All of a space fits, but not beside tables, nor where a buddy rounds up. */
                    assert_true(ended || plan.tables == VM_TABLES_INSIDE ||
                                !strcmp(plan.fit, "buddy"));
                }
}

/* Little memory, and little swap. */
static void a_world_that_runs_out_was_right_until_then(void **unused)
{
    (void)unused;
    unsigned ended = 0;
    for (unsigned i = test_rounds(400); i-- > 0;) {
        struct space_plan plan = {.scheme = schemes[i % 4],
                                  .policy = i % 8 < 4 ? "lru" : "clock",
                                  .nframes = 24 + i % 20,
                                  .nslots = 60 + i % 40,
                                  .stray = VM_STRAY_FAULTS,
                                  .tables = VM_TABLES_INSIDE,
                                  .compact = i % 2 ? VM_COMPACT_NEVER : VM_COMPACT_NEEDED,
                                  .seed = 50000 + i};
        ended += !play(plan);
    }
    assert_true(ended > 0);
}

/* ---- whole machines ---- */

struct steps {
    uint64_t walks, loads;
};

static void note_step(void *host, const struct vm_tap_event *event)
{
    struct steps *s = host;
    if (event->kind == VM_TAP_WALK) {
        s->walks++;
        s->loads += event->walk.walk->nloads;
    }
}

/* One reference after the other, every step told. */
static struct vm_counts play_told(const struct vm_config *c, const struct machine_trace *t,
                                  struct steps *steps)
{
    struct vm_error e;
    struct vm_counts counts;
    struct vm_tap tap = {steps, note_step};
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    vm_engine_listen(m, &tap);
    for (uint32_t i = 0, k = 0; i < t->nrefs; i++) {
        uint32_t first = k;
        struct vm_event event[TRACE_EVENTS];
        for (; k < t->nevents && t->event[k].at == i; k++) {
            event[k - first] = t->event[k];
            event[k - first].at = 0;
        }
        struct vm_batch b = {1, k - first, t->va + i, t->meta + i, event};
        if (!vm_engine_run(m, &b, &e))
            fail_msg("%s", e.text);
    }
    vm_engine_counts(m, &counts);
    vm_engine_close(m);
    return counts;
}

static const char *const machines[] = {"base-bounds:bits=24", "segmentation:bits=24",
                                       "segment-table:bits=24,segments=6"};

/* What is hot is not walked for; counts must not show it. */
static void registers_count_a_walk_a_touch_whoever_listens(void **unused)
{
    (void)unused;
    static const char *const policies[] = {"lru", "clock", "lfu", "fifo"};
    static const char *const marks[] = {"at-once", "on-leaving", "trap"};
    struct machine_trace t;
    for (unsigned i = test_rounds(180); i-- > 0;) {
        struct vm_config c = machine_config(policies[i % 4], 700 + 100 * (i % 5));
        struct steps steps = {0};
        machine_set(&c, "scheme", machines[i % 3]);
        machine_set(&c, "marks", marks[i / 3 % 3]);
        machine_trace_fill(&t, TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS, 100 + i);
        while (t.nevents && t.event[t.nevents - 1].at >= t.nrefs)
            t.nevents--;
        struct machine_outcome whole = machine_play(&c, &t, 4096);
        struct machine_outcome ones = machine_play(&c, &t, 1);
        assert_memory_equal(&whole, &ones, sizeof whole);
        struct vm_counts told = play_told(&c, &t, &steps);
        assert_memory_equal(&whole.counts, &told, sizeof told);
        assert_int_equal(told.walks, steps.walks);
        assert_int_equal(told.walk_loads, steps.loads);
        assert_true(told.evictions > 0 || i % 5 > 0 || i % 3 == 2);
    }
}

static bool run_bytes(struct vm_engine *m, vm_va first, unsigned n, uint8_t access)
{
    struct vm_error e;
    bool good = true;
    for (unsigned i = 0; good && i < n; i++) {
        vm_va va = first + i;
        uint16_t meta = vm_ref_meta((enum vm_access)access, 1);
        good = vm_engine_run(m, &(struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta}, &e);
    }
    return good;
}

/* 472 bytes are mapped: each byte from 472 on is a violation, each from 1024 on has no name. */
static void violations_are_exact_at_the_byte(void **unused)
{
    (void)unused;
    struct vm_config c = machine_config("lru", 4);
    struct vm_error e;
    struct vm_counts counts;
    machine_set(&c, "scheme", "base-bounds:bits=10");
    machine_set(&c, "page", "1");
    machine_set(&c, "layout", "as-is");
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_FAULTS, NULL, &e);
    assert_non_null(m);
    struct vm_event map = {.kind = VM_EVENT_MAP, .bytes = 472, .prot = VM_PROT_ALL};
    assert_true(vm_engine_run(m, &(struct vm_batch){.nevents = 1, .event = &map}, &e));
    assert_true(run_bytes(m, 0, 2000, VM_WRITE));
    vm_engine_counts(m, &counts);
    assert_int_equal(counts.faults, 1);
    assert_int_equal(counts.violations, 1024 - 472);
    assert_int_equal(counts.unnamed, 2000 - 1024);
    assert_int_equal(vm_memory_resident(vm_engine_memory(m)), 472);
    /* Of a reference of 8 bytes at 470, two are the program's. */
    vm_va va = 470;
    uint16_t meta = vm_ref_meta(VM_READ, 8);
    assert_true(vm_engine_run(m, &(struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta}, &e));
    vm_engine_counts(m, &counts);
    assert_int_equal(counts.violations, 1024 - 472 + 6);
    vm_engine_close(m);
}

/* ---- stories of one memory of 16 pages ---- */

static void open_story(struct world *w, const char *fit, enum vm_compact compact)
{
    struct space_plan plan = {.scheme = "segment-table:bits=18,segments=3",
                              .policy = "fifo",
                              .nframes = 16,
                              .stray = VM_STRAY_FAULTS,
                              .tables = VM_TABLES_APART,
                              .fit = fit,
                              .compact = compact};
    memset(w, 0, sizeof *w);
    assert_true(space_world_open(&w->fast, &plan));
}

static void map(struct world *w, unsigned segment, unsigned pages)
{
    struct vm_event v = {.kind = VM_EVENT_MAP,
                         .va = segment * 8 * PAGE,
                         .bytes = pages * PAGE,
                         .prot = VM_PROT_READ | VM_PROT_WRITE,
                         .detail = VM_BACKING_ANON};
    assert_true(space_world_event(&w->fast, v));
}

static struct touch write_to(struct world *w, unsigned segment, unsigned page)
{
    return space_world_touch(&w->fast, 0, (segment * 8 + page) * PAGE, VM_WRITE);
}

static void bring(struct world *w, unsigned segment, unsigned pages)
{
    map(w, segment, pages);
    assert_int_equal(write_to(w, segment, 0).outcome, TOUCH_DONE);
}

static void unmap(struct world *w, unsigned segment)
{
    assert_true(space_world_event(
        &w->fast,
        (struct vm_event){.kind = VM_EVENT_UNMAP, .va = segment * 8 * PAGE, .bytes = 8 * PAGE}));
}

/* 0: 4 pages, 1: 4, 2: 4, 3: 4; without 0 and 2 there are two holes of 4. */
static void make_holes(struct world *w)
{
    for (unsigned s = 0; s < 4; s++)
        bring(w, s, 4);
    unmap(w, 0);
    unmap(w, 2);
}

static void holes_that_are_enough_together_are_external_fragmentation(void **unused)
{
    (void)unused;
    struct world w;
    struct vm_holes h;
    open_story(&w, "first-fit", VM_COMPACT_NEVER);
    make_holes(&w);
    vm_memory_holes(w.fast.memory, &h);
    assert_int_equal(h.segments, 2);
    assert_int_equal(h.holes, 2);
    assert_int_equal(h.free_bytes, 8 * PAGE);
    assert_true(h.fragmentation == 0.5);
    bring(&w, 4, 6); /* nobody has 6 in a row: the oldest segment leaves */
    assert_int_equal(w.fast.counts.misfits, 1);
    assert_int_equal(w.fast.counts.fragmented, 1);
    assert_int_equal(w.fast.counts.evictions, 1);
    assert_int_equal(w.fast.counts.moves, 0);
    vm_memory_holes(w.fast.memory, &h);
    assert_true(h.fragmentation_misfits == 0.5);
    space_world_close(&w.fast);
}

static void compaction_moves_the_segments_together_and_nobody_leaves(void **unused)
{
    (void)unused;
    struct world w;
    struct vm_holes h;
    open_story(&w, "first-fit", VM_COMPACT_NEEDED);
    make_holes(&w);
    bring(&w, 4, 6);
    assert_int_equal(w.fast.counts.compactions, 1);
    assert_int_equal(w.fast.counts.evictions, 0);
    assert_int_equal(w.fast.counts.moves, 2); /* 1 from 4 to 0, 3 from 12 to 4 */
    assert_int_equal(w.fast.counts.moved_bytes, 8 * PAGE);
    assert_int_equal(write_to(&w, 1, 0).pfn, 0);
    assert_int_equal(write_to(&w, 3, 0).pfn, 4);
    assert_int_equal(write_to(&w, 4, 0).pfn, 8);
    vm_memory_holes(w.fast.memory, &h);
    assert_int_equal(h.holes, 1);
    space_world_check(&w.fast);
    space_world_close(&w.fast);
}

static void a_segment_grows_in_place_else_moves_else_leaves_and_returns(void **unused)
{
    (void)unused;
    struct world w;
    open_story(&w, "first-fit", VM_COMPACT_NEVER);
    bring(&w, 0, 2);
    map(&w, 0, 4);
    assert_int_equal(write_to(&w, 0, 3).kind, VM_FAULT_DEMAND_ZERO);
    assert_int_equal(w.fast.counts.moves, 0);
    bring(&w, 1, 4); /* at 4: no more room behind segment 0 */
    map(&w, 0, 6);
    assert_int_equal(write_to(&w, 0, 5).kind, VM_FAULT_DEMAND_ZERO);
    assert_int_equal(w.fast.counts.moves, 1);
    assert_int_equal(w.fast.counts.moved_bytes, 4 * PAGE);
    assert_int_equal(write_to(&w, 0, 0).pfn, 8);
    map(&w, 1, 8); /* 0 to 3 are free, 8 in a row are not: it goes out and comes back longer */
    assert_int_equal(write_to(&w, 1, 7).kind, VM_FAULT_SWAP_IN);
    assert_int_equal(write_to(&w, 1, 0).pfn, 0);
    assert_int_equal(w.fast.counts.moves, 1);
    assert_int_equal(w.fast.counts.writebacks, 1);
    space_world_check(&w.fast);
    space_world_close(&w.fast);
}

static void a_fork_copies_what_may_be_written_and_shares_the_rest(void **unused)
{
    (void)unused;
    struct world w;
    open_story(&w, "first-fit", VM_COMPACT_NEVER);
    bring(&w, 0, 3);
    bring(&w, 1, 3);
    struct vm_event code = {
        .kind = VM_EVENT_PROTECT, .bytes = 3 * PAGE, .prot = VM_PROT_READ | VM_PROT_FETCH};
    assert_true(space_world_event(&w.fast, code));
    assert_true(space_world_event(&w.fast, (struct vm_event){.kind = VM_EVENT_FORK, .child = 1}));
    assert_int_equal(vm_memory_resident(w.fast.memory), 9);
    struct touch mine = space_world_touch(&w.fast, 0, 0, VM_FETCH);
    assert_int_equal(space_world_touch(&w.fast, 1, 0, VM_FETCH).pfn, mine.pfn);
    mine = write_to(&w, 1, 0);
    struct touch childs = space_world_touch(&w.fast, 1, 8 * PAGE, VM_WRITE);
    assert_int_equal(childs.nfaults, 0);
    assert_int_not_equal(childs.pfn, mine.pfn);
    assert_true(space_world_event(&w.fast, (struct vm_event){.kind = VM_EVENT_EXIT, .asid = 1}));
    assert_int_equal(vm_memory_resident(w.fast.memory), 6);
    space_world_check(&w.fast);
    space_world_close(&w.fast);
}

static void a_segment_longer_than_memory_says_so(void **unused)
{
    (void)unused;
    struct world w;
    struct space_plan plan = {.scheme = "base-bounds:bits=18",
                              .policy = "fifo",
                              .nframes = 16,
                              .stray = VM_STRAY_FAULTS,
                              .tables = VM_TABLES_APART};
    memset(&w, 0, sizeof w);
    assert_true(space_world_open(&w.fast, &plan));
    map(&w, 2, 1);
    assert_int_equal(write_to(&w, 2, 0).outcome, TOUCH_FAILED);
    assert_int_equal(w.fast.error.code, VM_EMACHINE);
    assert_string_equal(w.fast.error.text,
                        "a segment of 68 KiB does not fit into a memory of 64 KiB, of which tables "
                        "hold 0 pages, though no other segment is in it");
    space_world_close(&w.fast);
}

/* The layout knows code, heap and stack by how they are used first. */
static void a_layout_puts_code_heap_and_stack_into_their_segments(void **unused)
{
    (void)unused;
    static const vm_va va[] = {0x555555554000, 0x7fffffffe000, 0x555555a54000, 0x7ffff7e00000};
    static const uint8_t access[] = {VM_FETCH, VM_WRITE, VM_WRITE, VM_FETCH};
    static const unsigned top[] = {0, 3, 1, 0};
    struct vm_config c = machine_config("lru", 4096);
    struct vm_error e;
    machine_set(&c, "scheme", "segmentation");
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    for (size_t i = 0; i < 4; i++) {
        uint64_t before[4] = {0}, after[4] = {0};
        const struct vm_space *s = vm_memory_space(vm_engine_memory(m), 0);
        for (size_t k = 0; s && k < s->nvmas; k++)
            before[s->vma[k].start >> 30] += s->vma[k].faults;
        assert_true(run_bytes(m, va[i], 1, access[i]));
        s = vm_memory_space(vm_engine_memory(m), 0);
        for (size_t k = 0; k < s->nvmas; k++)
            after[s->vma[k].start >> 30] += s->vma[k].faults;
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(after[k] - before[k], k == top[i]);
    }
    vm_engine_check(m);
    vm_engine_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_write_is_lost_and_no_touch_goes_astray),
        cmocka_unit_test(a_world_that_runs_out_was_right_until_then),
        cmocka_unit_test(registers_count_a_walk_a_touch_whoever_listens),
        cmocka_unit_test(violations_are_exact_at_the_byte),
        cmocka_unit_test(holes_that_are_enough_together_are_external_fragmentation),
        cmocka_unit_test(compaction_moves_the_segments_together_and_nobody_leaves),
        cmocka_unit_test(a_segment_grows_in_place_else_moves_else_leaves_and_returns),
        cmocka_unit_test(a_fork_copies_what_may_be_written_and_shares_the_rest),
        cmocka_unit_test(a_segment_longer_than_memory_says_so),
        cmocka_unit_test(a_layout_puts_code_heap_and_stack_into_their_segments),
    };
    return cmocka_run_group_tests_name("diff_segments", tests, NULL, NULL);
}
