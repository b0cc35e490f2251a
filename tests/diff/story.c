/* Stories against the machine that they tell of, on small random traces: every count and price is
 * in them, and they do not depend on how the cursor came. */
#include "diff/story_world.h"
#include "engine/price.h"

#include <math.h>
#include <string.h>

/* ---- counts ---- */

static void count_event(const struct vm_story_step *s, struct vm_counts *c)
{
    uint64_t *const field[VM_EVENT_KINDS] = {
        [VM_EVENT_MAP] = &c->maps,         [VM_EVENT_UNMAP] = &c->unmaps,
        [VM_EVENT_PROTECT] = &c->protects, [VM_EVENT_ADVISE] = &c->advises,
        [VM_EVENT_FORK] = &c->forks,       [VM_EVENT_EXEC] = &c->execs,
        [VM_EVENT_EXIT] = &c->exits,
    };
    if (field[s->event.event.kind])
        ++*field[s->event.event.kind];
    c->page_copies += s->event.copied_bytes / 4096;
    for (size_t i = 0; i < VM_STORY_PRICES_MAX; i++)
        c->switches += s->price[i].kind == VM_STORY_PRICE_switching;
}

static void count_fault(const struct vm_story_step *s, struct vm_counts *c)
{
    uint64_t *const field[] = {
        [VM_FAULT_DEMAND_ZERO] = &c->demand_zero, [VM_FAULT_SOFT] = &c->soft_faults,
        [VM_FAULT_COW] = &c->cow_breaks,          [VM_FAULT_SWAP_IN] = &c->swap_ins,
        [VM_FAULT_FILE_IN] = &c->file_ins,        [VM_FAULT_VIOLATION] = &c->violations,
        [VM_FAULT_DENIED] = &c->denials,          [VM_FAULT_KILLED] = &c->oom_touches,
    };
    if (s->fault.asid == VM_ASID_KERNEL) {
        c->table_faults++;
        return;
    }
    ++*field[s->fault.kind];
    c->faults += s->fault.kind < VM_FAULT_VIOLATION;
    c->rescues += s->fault.kind == VM_FAULT_SOFT && s->fault.inserted;
    c->readahead_hits += s->fault.ahead;
    c->page_copies += s->fault.copied_bytes / 4096;
}

static void count_leaving(const struct vm_story_step *s, struct vm_counts *c)
{
    enum vm_leaves why = s->leaving.leaving.why;
    bool parked = s->leaving.leaving.how == VM_LEFT_PARKED;
    bool queued = s->leaving.leaving.how == VM_LEFT_QUEUED;
    c->parks += parked;
    c->queued += queued;
    c->releases += why == VM_LEAVES_GIVEN && !parked;
    c->evictions += s->leaving.leaving.how != VM_LEFT_UNMAPPED && !parked && !queued;
    c->table_evictions += vm_key_asid(s->leaving.leaving.key) == VM_ASID_KERNEL;
    c->clean_drops += s->leaving.leaving.how == VM_LEFT_DROPPED;
    c->writebacks += s->leaving.leaving.how == VM_LEFT_WRITTEN;
}

static void count_walk(const struct vm_story_step *s, struct vm_counts *c)
{
    c->walks++;
    c->walk_loads += s->walk.nloads - s->walk.skipped;
    c->walk_skips += s->walk.skipped;
    c->walk_steps += s->walk.steps;
    c->walk_waits += s->walk.waits;
    c->walk_stores += s->walk.nstores;
    c->unnamed += s->walk.fault == VM_WALK_BOUNDS;
}

static void count_mark(const struct vm_story_step *s, struct vm_counts *c)
{
    c->mark_traps += s->mark.why == VM_MARK_BY_TRAP;
    c->mark_stores += s->mark.why == VM_MARK_ON_LEAVING;
    c->walk_stores += s->mark.why == VM_MARK_BY_REFILL;
}

static void count_trap(enum vm_tap_trap trap, struct vm_counts *c)
{
    c->refills += trap == VM_TRAP_REFILL || trap == VM_TRAP_REFILL_TABLE;
    c->invalid_traps += trap == VM_TRAP_INVALID;
    c->modified_traps += trap == VM_TRAP_MODIFIED;
}

/* What is known of a touch when the next one begins. */
struct touch {
    bool hit, asked;         /* a TLB had the page; the kernel was asked */
    bool nested, nested_hit; /* of the walk that is made: so with the table's page */
};

static void count_touch(const struct touch *t, struct vm_counts *c)
{
    c->touches++;
    c->tlb_hits += t->hit;
    c->tlb_misses += !t->hit;
    c->touches_faulted += t->asked;
    c->miss_present += !t->hit && !t->asked;
}

static void count_step(const struct vm_story *story, const struct vm_story_step *s,
                       struct touch *touch, struct vm_counts *c)
{
    switch (s->kind) {
    case VM_TAP_EVENT:
        count_event(s, c);
        break;
    case VM_TAP_TOUCH:
        *touch = (struct touch){.hit = false};
        break;
    case VM_TAP_LOOKUP:
        touch->nested |= s->lookup.nested;
        if (s->lookup.nested) {
            touch->nested_hit |= s->lookup.hit;
            break;
        }
        touch->hit |= s->lookup.hit;
        c->tlb_upgrades += s->lookup.hit && !s->lookup.enough;
        c->prefetch_hits += s->lookup.hit && !strcmp(story->tlb[s->lookup.tlb].name, "pb");
        break;
    case VM_TAP_WALK:
        count_walk(s, c);
        c->nested_hits += touch->nested_hit;
        c->nested_misses += touch->nested && !touch->nested_hit;
        touch->nested = touch->nested_hit = false;
        touch->asked |= s->walk.fault == VM_WALK_BOUNDS;
        break;
    case VM_TAP_FAULT:
        count_fault(s, c);
        touch->asked = true;
        break;
    case VM_TAP_LEAVING:
        count_leaving(s, c);
        break;
    case VM_TAP_SHOOTDOWN:
        c->shootdowns += s->shootdown.found;
        break;
    case VM_TAP_FLUSH:
        c->tlb_flushes += s->flush.whole && story->ntlbs > 0;
        break;
    case VM_TAP_MARK:
        count_mark(s, c);
        break;
    case VM_TAP_TRAP:
        count_trap(s->trap, c);
        break;
    case VM_TAP_PREFETCH:
        c->prefetches += s->prefetch.taken;
        c->prefetch_loads += s->prefetch.loads;
        break;
    case VM_TAP_LINE:
        ++*(s->line.table ? &c->table_lines : &c->lines);
        break;
    case VM_TAP_TICK:
        c->page_copies += s->tick.copied_bytes / 4096;
        break;
    case VM_TAP_CLEANED:
        c->cleanings++;
        break;
    case VM_TAP_AHEAD:
        c->readaheads++;
        break;
    case VM_TAP_WISHED:
    case VM_TAP_FILL:
    case VM_TAP_ACCESS:
    case VM_TAP_EMPTIED:
    case VM_TAP_JOINED:
    case VM_TAP_PARTED:
        break;
    }
}

static bool ends_touch(const struct vm_story *s, size_t i)
{
    return i + 1 == s->nsteps || s->step[i + 1].kind == VM_TAP_TOUCH;
}

static struct vm_counts count_story(const struct vm_story *s)
{
    struct vm_counts c = {.refs = 1};
    struct touch touch = {.hit = false};
    bool begun = false;
    for (size_t i = 0; i < s->nsteps; i++) {
        count_step(s, &s->step[i], &touch, &c);
        begun |= s->step[i].kind == VM_TAP_TOUCH;
        if (begun && ends_touch(s, i))
            count_touch(&touch, &c);
    }
    c.reads = s->access == VM_READ;
    c.writes = s->access == VM_WRITE;
    c.fetches = s->access == VM_FETCH;
    c.crossings = c.touches - 1;
    return c;
}

/* Peaks are not of one reference, and how the memory found room for a segment is its own affair:
 * these are taken as they are. */
static void assert_counted(const struct vm_story *s)
{
    struct vm_counts told = count_story(s);
#define LEAVE_OUT(field) told.field = s->after.field - s->before.field
    LEAVE_OUT(frames_peak);
    LEAVE_OUT(table_frames_peak);
    LEAVE_OUT(shared_writes); /* of events */
    LEAVE_OUT(background_wakes);
    LEAVE_OUT(background_evictions);
    LEAVE_OUT(direct_reclaims);
    LEAVE_OUT(frame_waits);
    LEAVE_OUT(oom_kills);
    LEAVE_OUT(oom_pages);
    LEAVE_OUT(slots_taken);
    LEAVE_OUT(slots_freed);
    LEAVE_OUT(slots_used);
    LEAVE_OUT(slots_peak);
    LEAVE_OUT(store_frames_peak);
    LEAVE_OUT(colour_misses);
    LEAVE_OUT(memory_reads); /* what caches do on their own */
    LEAVE_OUT(memory_writes);
    LEAVE_OUT(moves);
    LEAVE_OUT(moved_bytes);
    LEAVE_OUT(table_reads);
    LEAVE_OUT(table_writes);
    LEAVE_OUT(table_moved_bytes);
    LEAVE_OUT(compactions);
    LEAVE_OUT(misfits);
    LEAVE_OUT(fragmented);
    LEAVE_OUT(huge_faults); /* and when it makes and splits huge pages */
    LEAVE_OUT(promotions);
    LEAVE_OUT(huge_copies);
    LEAVE_OUT(demotions);
    LEAVE_OUT(huge_freed);
    LEAVE_OUT(huge_misses);
    LEAVE_OUT(reservations);
    LEAVE_OUT(reservation_breaks);
    LEAVE_OUT(huge_untouched);
    LEAVE_OUT(huge_untouched_peak);
#undef LEAVE_OUT
    assert_true(s->after.refs - s->before.refs == 1);
#define ASSERT_COUNT(field, what) assert_int_equal(s->after.field - s->before.field, told.field);
    VM_COUNTS(ASSERT_COUNT)
#undef ASSERT_COUNT
}

static void every_count_of_a_reference_is_told(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(30); i-- > 0;) {
        struct world w;
        world_open(&w, policy_of(i), 2 + i % 30, i);
        world_play(&w, i % 8, 100 + i);
        struct vm_cursor *c = cursor(&w);
        struct vm_counts last = {.refs = 0};
        for (uint64_t ref = 1; ref <= TRACE_REFS; ref++) {
            go(c, ref);
            assert_counted(vm_cursor_story(c));
            assert_memory_equal(&last, &vm_cursor_story(c)->before, sizeof last);
            last = vm_cursor_story(c)->after;
        }
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
}

/* ---- prices ---- */

static struct vm_result replay(const struct world *w)
{
    struct vm_result r;
    struct vm_error e;
    assert_true(vm_replay(&w->config, w->path, NULL, NULL, &r, &e));
    return r;
}

/* Traces without events behind the last reference: those are in no story. */
static void the_prices_of_the_references_are_those_of_the_run(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(30); i-- > 0;) {
        struct world w;
        struct vm_prices sum = {.total_ns = 0}, one;
        world_open(&w, policy_of(i), 2 + i % 30, i);
        world_play(&w, i % 8, 300 + i);
        struct vm_result r = replay(&w);
        struct vm_cursor *c = cursor(&w);
        for (uint64_t ref = 1; ref <= TRACE_REFS; ref++) {
            go(c, ref);
            vm_story_prices(vm_cursor_story(c), &one);
#define ADD_PRICE(field, what) sum.field##_ns += one.field##_ns;
            VM_PRICES(ADD_PRICE)
#undef ADD_PRICE
            sum.total_ns += one.total_ns;
        }
#define ASSERT_PRICE(field, what) assert_true(fabs(sum.field##_ns - r.prices.field##_ns) < 1e-3);
        VM_PRICES(ASSERT_PRICE)
#undef ASSERT_PRICE
        assert_true(fabs(sum.total_ns - r.prices.total_ns) < 1e-3);
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
}

static void a_machine_that_is_listened_to_counts_the_same(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(30); i-- > 0;) {
        struct world w;
        world_open(&w, policy_of(i), 2 + i % 30, i);
        world_play(&w, i % 8, 500 + i);
        struct vm_result r = replay(&w);
        struct vm_cursor *c = cursor(&w);
        go(c, TRACE_REFS);
        assert_memory_equal(&r.counts, &vm_cursor_story(c)->after, sizeof r.counts);
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
}

/* ---- the cursor ---- */

/* Member by member, for the bytes between them may be anything. */
static void assert_same_vma(const struct vm_vma *a, const struct vm_vma *b)
{
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->prot, b->prot);
    assert_int_equal(a->backing, b->backing);
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->file, b->file);
    assert_int_equal(a->faults, b->faults);
    assert_int_equal(a->majors, b->majors);
}

static void assert_same_step(struct vm_story_step a, struct vm_story_step b)
{
    if (a.kind == VM_TAP_FAULT && b.kind == VM_TAP_FAULT) {
        assert_same_vma(&a.fault.vma, &b.fault.vma);
        memset(&a.fault.vma, 0, sizeof a.fault.vma);
        memset(&b.fault.vma, 0, sizeof b.fault.vma);
    }
    assert_memory_equal(&a, &b, sizeof a);
}

static void assert_same_steps(const struct vm_story *a, const struct vm_story *b)
{
    assert_int_equal(a->ref, b->ref);
    assert_int_equal(a->va, b->va);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->asid, b->asid);
    assert_int_equal(a->nsteps, b->nsteps);
    assert_memory_equal(&a->before, &b->before, sizeof a->before);
    assert_memory_equal(&a->after, &b->after, sizeof a->after);
    for (size_t i = 0; i < a->nsteps; i++)
        assert_same_step(a->step[i], b->step[i]);
}

static void assert_same_span(const struct vm_story *a, struct vm_slice x, const struct vm_story *b,
                             struct vm_slice y)
{
    assert_int_equal(x.n, y.n);
    for (uint32_t i = 0; i < x.n; i++)
        assert_memory_equal(&a->frame[x.first + i], &b->frame[y.first + i], sizeof *a->frame);
}

static void assert_same_story(const struct vm_story *a, const struct vm_story *b)
{
    assert_same_steps(a, b);
    assert_same_span(a, a->memory_before, b, b->memory_before);
    assert_same_span(a, a->memory_after, b, b->memory_after);
    for (size_t i = 0; i < a->nsteps; i++)
        if (a->step[i].kind == VM_TAP_LEAVING)
            assert_same_span(a, a->step[i].leaving.frame, b, b->step[i].leaving.frame);
}

static void a_story_does_not_depend_on_the_way_to_it(void **unused)
{
    (void)unused;
    struct vm_random r;
    vm_random_seed(&r, 9);
    for (unsigned i = test_rounds(20); i-- > 0;) {
        struct world w;
        world_open(&w, policy_of(i), 2 + i % 30, i);
        world_play(&w, i % 8, 700 + i);
        struct vm_cursor *straight = cursor(&w), *about = cursor(&w);
        for (unsigned k = 0; k < 12; k++) {
            uint64_t ref = 1 + vm_random_below(&r, TRACE_REFS);
            for (unsigned back = 0; back < 3 && back < ref; back++) {
                struct vm_cursor *once = cursor(&w);
                go(about, ref - back);
                go(once, ref - back);
                assert_same_story(vm_cursor_story(about), vm_cursor_story(once));
                vm_cursor_close(once);
            }
        }
        vm_cursor_close(straight);
        vm_cursor_close(about);
        folder_remove(&w.folder);
    }
}

static void what_is_sought_is_the_next_that_has_it(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(12); i-- > 0;) {
        struct world w;
        struct vm_error e;
        bool found;
        world_open(&w, policy_of(i), 10 + i, i);
        world_play(&w, i % 8, 900 + i);
        struct vm_cursor *c = cursor(&w), *all = cursor(&w);
        enum vm_sought what = (enum vm_sought)(i % 3);
        for (uint64_t ref = 1; ref <= TRACE_REFS; ref++) {
            go(all, ref);
            if (!vm_story_has(vm_cursor_story(all), what))
                continue;
            assert_true(vm_cursor_seek(c, what, &found, &e) && found);
            assert_int_equal(vm_cursor_at(c), ref);
        }
        uint64_t last = vm_cursor_at(c);
        assert_true(vm_cursor_seek(c, what, &found, &e) && !found);
        assert_int_equal(vm_cursor_at(c), last);
        vm_cursor_close(c);
        vm_cursor_close(all);
        folder_remove(&w.folder);
    }
}

static void past_the_end_the_cursor_stays(void **unused)
{
    (void)unused;
    struct world w;
    struct vm_error e;
    world_open(&w, "lru", 8, 1);
    world_play(&w, TRACE_SWITCHES, 1);
    struct vm_cursor *c = cursor(&w);
    go(c, 7);
    assert_false(vm_cursor_go(c, TRACE_REFS + 1, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.text, "the trace has 1500"));
    assert_int_equal(vm_cursor_at(c), 7);
    go(c, 8);
    assert_counted(vm_cursor_story(c));
    vm_cursor_close(c);
    folder_remove(&w.folder);
}

/* ---- reasons ---- */

/* Whether the policy would rather have `a` leave than `b`, and may not find them equal. */
static bool sooner(enum vm_reason reason, unsigned age_bits, const struct vm_story_frame *a,
                   const struct vm_story_frame *b)
{
    switch (reason) {
    case VM_REASON_OLDEST:
        return a->came < b->came;
    case VM_REASON_STALEST:
        return a->last < b->last;
    case VM_REASON_NEWEST:
        return a->last > b->last;
    case VM_REASON_FEWEST:
        return a->touches < b->touches;
    case VM_REASON_FARTHEST:
        return b->next && (!a->next || a->next > b->next);
    case VM_REASON_AGES:
        return a->ages >> (16 - age_bits) < b->ages >> (16 - age_bits);
    case VM_REASON_NEAREST:
        return a->next && (!b->next || a->next < b->next);
    case VM_REASON_BITS:
    case VM_REASON_CHANCE:
    case VM_REASON_HISTORY:
    case VM_REASON_LISTS:
    case VM_REASON_GENERATION:
    case VM_REASON_IDLE: /* a hand, or a window, finds one that is idle, not the most idle */
    case VM_REASON_SHARE:
        return false;
    }
    return false;
}

static unsigned assert_reasons(const struct vm_story *s)
{
    unsigned choices = 0;
    for (size_t i = 0; i < s->nsteps; i++) {
        const struct vm_story_step *step = &s->step[i];
        if (step->kind != VM_TAP_LEAVING || step->leaving.leaving.why != VM_LEAVES_CHOSEN)
            continue;
        choices++;
        for (uint32_t k = 0; k < step->leaving.frame.n; k++) {
            const struct vm_story_frame *f = &s->frame[step->leaving.frame.first + k];
            assert_int_not_equal(f->pfn, step->leaving.victim.pfn);
            assert_false(k > 0 && sooner(s->reason, 16, f, f - 1)); /* they stand in their order */
            assert_false(sooner(s->reason, s->age_bits, f, &step->leaving.victim));
        }
    }
    return choices;
}

/* Not where pages are shared since a fork: there opt does not know (engine/replay.c). */
static void the_victims_number_is_the_extreme(void **unused)
{
    (void)unused;
    unsigned choices = 0;
    for (unsigned i = test_rounds(40); i-- > 0;) {
        struct world w;
        world_open(&w, policy_of(i), 3 + i % 20, i);
        if (!strcmp(w.config.policy, "aging"))
            machine_set(&w.config, "policy", "aging:tick=20,bits=4");
        world_play(&w, i / 10 % 2 ? TRACE_SWITCHES : TRACE_MAPS, 1100 + i);
        struct vm_cursor *c = cursor(&w);
        for (uint64_t ref = 1; ref <= TRACE_REFS; ref++) {
            go(c, ref);
            choices += assert_reasons(vm_cursor_story(c));
        }
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
    assert_true(choices > 100);
}

/* clock: the frames passed over lost their referenced bit, and the victim had none; or all had. */
static void a_clock_spares_the_referenced(void **unused)
{
    (void)unused;
    unsigned spared = 0;
    for (unsigned i = test_rounds(10); i-- > 0;) {
        struct world w;
        world_open(&w, "clock", 3 + i % 20, i);
        world_play(&w, TRACE_SWITCHES, 1300 + i);
        struct vm_cursor *c = cursor(&w);
        bool found = true;
        struct vm_error e;
        while (vm_cursor_seek(c, VM_SOUGHT_EVICTION, &found, &e) && found) {
            const struct vm_story *s = vm_cursor_story(c);
            for (size_t k = 0; k < s->nsteps; k++) {
                const struct vm_story_step *step = &s->step[k];
                if (step->kind != VM_TAP_LEAVING)
                    continue;
                uint32_t n = 0;
                for (uint32_t f = 0; f < step->leaving.frame.n; f++)
                    n += s->frame[step->leaving.frame.first + f].spared;
                if (step->leaving.victim.bits & VM_FRAME_REFERENCED)
                    assert_int_equal(n, step->leaving.frame.n);
                spared += n;
            }
        }
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
    assert_true(spared > 10);
}

/* ---- addresses ---- */

static void the_physical_address_is_that_of_the_walk_and_of_the_table(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {"linear", "sv32", "sv39", "x86-64"};
    for (unsigned i = test_rounds(16); i-- > 0;) {
        struct world w;
        world_open(&w, policy_of(i), 12, i);
        machine_set(&w.config, "scheme", schemes[i % 4]);
        machine_set(&w.config, "huge", "never");
        world_play(&w, TRACE_SWITCHES, 1500 + i);
        struct vm_cursor *c = cursor(&w);
        for (uint64_t ref = 1; ref <= 300; ref++) {
            go(c, ref);
            const struct vm_story *s = vm_cursor_story(c);
            vm_va va = 0;
            vm_pfn pfn = VM_NOFRAME;
            for (size_t k = 0; k < s->nsteps; k++) {
                const struct vm_story_step *step = &s->step[k];
                if (step->kind == VM_TAP_TOUCH)
                    va = step->touch.va;
                if (step->kind == VM_TAP_WALK && step->walk.fault == VM_WALK_OK) {
                    const struct vm_story_load *leaf =
                        &s->load[step->walk.load.first + step->walk.load.n - 1];
                    pfn = step->walk.pfn;
                    assert_true(leaf->index_bytes > 0);
                    assert_int_equal(leaf->index * leaf->index_bytes + leaf->base, leaf->load.at);
                    assert_int_equal(leaf->base % 4096, 0);
                }
                if (step->kind == VM_TAP_ACCESS && pfn != VM_NOFRAME)
                    assert_int_equal(step->access.pa, (vm_pa)pfn * 4096 + va % 4096);
                if (step->kind == VM_TAP_ACCESS)
                    pfn = VM_NOFRAME;
            }
        }
        vm_cursor_close(c);
        folder_remove(&w.folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_of_a_reference_is_told),
        cmocka_unit_test(the_prices_of_the_references_are_those_of_the_run),
        cmocka_unit_test(a_machine_that_is_listened_to_counts_the_same),
        cmocka_unit_test(a_story_does_not_depend_on_the_way_to_it),
        cmocka_unit_test(what_is_sought_is_the_next_that_has_it),
        cmocka_unit_test(past_the_end_the_cursor_stays),
        cmocka_unit_test(the_victims_number_is_the_extreme),
        cmocka_unit_test(a_clock_spares_the_referenced),
        cmocka_unit_test(the_physical_address_is_that_of_the_walk_and_of_the_table),
    };
    return cmocka_run_group_tests_name("diff_story", tests, NULL, NULL);
}
