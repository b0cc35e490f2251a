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
    assert_true(w->fast.written_at[s] >= written);
}

static void inspect(struct world *w)
{
    uint64_t unit_written[PAGES];
    bool seen[PAGES] = {false};
    struct vm_span span;
    for (vm_asid asid = 0; asid < SPACES; asid++)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_write_is_lost_and_no_touch_goes_astray),
        cmocka_unit_test(a_world_that_runs_out_was_right_until_then),
    };
    return cmocka_run_group_tests_name("diff_segments", tests, NULL, NULL);
}
