/* The life of a page, law by law, in memories of a few frames. */
#include "oracle/space_world.h"
#include "space/memory.h"
#include "unit/test.h"

#include <string.h>

#define PAGE UINT64_C(4096)

enum { READ = VM_PROT_READ, WRITE = VM_PROT_WRITE, RW = READ | WRITE };

/* fifo, so that who leaves is plain: who came first. Tables apart, so that frames hold pages. */
static void open_plan(struct space_world *w, struct space_plan plan)
{
    plan.scheme = plan.scheme ? plan.scheme : "sv39";
    plan.policy = plan.policy ? plan.policy : "fifo";
    assert_true(space_world_open(w, &plan));
}

static void open_frames(struct space_world *w, uint32_t nframes)
{
    open_plan(w, (struct space_plan){
                     .nframes = nframes, .tables = VM_TABLES_APART, .stray = VM_STRAY_FAULTS});
}

static void event(struct space_world *w, struct vm_event v)
{
    assert_true(space_world_event(w, v));
    space_world_check(w);
}

/* Pages [first, first + n) of address space `asid`. */
static void map(struct space_world *w, vm_asid asid, unsigned first, unsigned n, uint8_t prot,
                enum vm_backing backing)
{
    event(w, (struct vm_event){.kind = VM_EVENT_MAP,
                               .asid = asid,
                               .va = first * PAGE,
                               .bytes = n * PAGE,
                               .prot = prot,
                               .detail = (uint8_t)backing});
}

static void ranged(struct space_world *w, enum vm_event_kind kind, vm_asid asid, unsigned first,
                   unsigned n, uint8_t prot, uint8_t detail)
{
    event(w, (struct vm_event){.kind = (uint8_t)kind,
                               .asid = asid,
                               .va = first * PAGE,
                               .bytes = n * PAGE,
                               .prot = prot,
                               .detail = detail});
}

static void whole(struct space_world *w, enum vm_event_kind kind, vm_asid asid, vm_asid child)
{
    event(w, (struct vm_event){.kind = (uint8_t)kind, .asid = asid, .child = child});
}

static struct touch touch(struct space_world *w, vm_asid asid, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, asid, page * PAGE, access);
    space_world_check(w);
    return t;
}

static void assert_fault(struct space_world *w, vm_asid asid, unsigned page, enum vm_access access,
                         enum vm_fault_kind kind)
{
    struct touch t = touch(w, asid, page, access);
    assert_int_equal(t.outcome, TOUCH_DONE);
    assert_int_equal(t.nfaults, 1);
    assert_int_equal(t.kind, kind);
}

static void assert_no_fault(struct space_world *w, vm_asid asid, unsigned page,
                            enum vm_access access)
{
    struct touch t = touch(w, asid, page, access);
    assert_int_equal(t.outcome, TOUCH_DONE);
    assert_int_equal(t.nfaults, 0);
}

static void assert_outcome(struct space_world *w, vm_asid asid, unsigned page,
                           enum vm_access access, enum touch_outcome outcome)
{
    assert_int_equal(touch(w, asid, page, access).outcome, outcome);
}

static void assert_empty(const struct space_world *w)
{
    assert_int_equal(w->memory->nused, 0);
    assert_int_equal(w->memory->nresident, 0);
    assert_int_equal(w->memory->ntables, 0);
    assert_int_equal(w->memory->slots_used, 0);
}

/* ---- one address space ---- */

static void a_page_is_zeroed_once_however_often_it_is_touched(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 8);
    map(&w, 0, 1, 4, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page < 5; page++)
        assert_fault(&w, 0, page, VM_READ, VM_FAULT_DEMAND_ZERO);
    for (unsigned page = 1; page < 5; page++)
        assert_no_fault(&w, 0, page, VM_WRITE);
    assert_int_equal(w.counts.demand_zero, 4);
    assert_int_equal(w.counts.page_copies, 4);
    assert_int_equal(w.counts.evictions, 0);
    space_world_close(&w);
}

/* Evict page 1 of a memory of two frames by touching two others. */
static void push_out(struct space_world *w, unsigned a, unsigned b)
{
    touch(w, 0, a, VM_READ);
    touch(w, 0, b, VM_READ);
}

static void an_anonymous_page_never_written_is_forgotten_and_zeroed_again(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 2);
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_DEMAND_ZERO);
    push_out(&w, 2, 3);
    assert_int_equal(space_world_pte(&w, 0, PAGE).state, VM_PTE_EMPTY);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_DEMAND_ZERO);
    assert_int_equal(w.writes + w.reads + w.file_reads, 0);
    assert_int_equal(w.memory->slots_used, 0);
    space_world_close(&w);
}

static void a_page_of_a_file_comes_back_from_it(void **unused)
{
    (void)unused;
    static const enum vm_backing backings[] = {VM_BACKING_FILE, VM_BACKING_UNKNOWN};
    for (int i = 0; i < 2; i++) {
        struct space_world w;
        open_frames(&w, 2);
        map(&w, 0, 1, 8, RW, backings[i]);
        assert_fault(&w, 0, 1, VM_READ, VM_FAULT_DEMAND_ZERO);
        push_out(&w, 2, 3);
        assert_int_equal(space_world_pte(&w, 0, PAGE).slot, VM_SLOT_FILE);
        assert_fault(&w, 0, 1, VM_READ, VM_FAULT_FILE_IN);
        assert_int_equal(w.file_reads, 1);
        assert_int_equal(w.writes, 0);
        assert_int_equal(w.memory->slots_used, 0);
        space_world_close(&w);
    }
}

static void a_dirty_page_is_written_once_and_then_leaves_without_a_transfer(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 2);
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    push_out(&w, 2, 3);
    assert_int_equal(w.counts.writebacks, 1);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_SWAP_IN);
    push_out(&w, 4, 5); /* clean, with its copy in the slot */
    assert_int_equal(w.writes, 1);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_SWAP_IN);
    push_out(&w, 2, 3); /* dirty again, to the same slot */
    assert_int_equal(w.writes, 2);
    assert_int_equal(w.counts.slots_peak, 1);
    space_world_close(&w);
}

static void unmap_frees_frames_slots_and_tables(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 4);
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page < 9; page++)
        assert_fault(&w, 0, page, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    assert_int_equal(w.memory->slots_used, 4);
    assert_int_equal(w.memory->ntables, 3);
    ranged(&w, VM_EVENT_UNMAP, 0, 1, 4, 0, 0);
    assert_int_equal(w.memory->nresident, 4);
    assert_int_equal(w.memory->slots_used, 0); /* 1 to 4 were swapped */
    assert_outcome(&w, 0, 2, VM_READ, TOUCH_VIOLATION);
    assert_no_fault(&w, 0, 8, VM_WRITE);
    ranged(&w, VM_EVENT_UNMAP, 0, 5, 4, 0, 0);
    assert_int_equal(w.memory->nresident, 0);
    assert_int_equal(w.memory->ntables, 1); /* the root */
    space_world_close(&w);
}

static void protect_takes_rights_away_and_gives_them_back(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 4);
    map(&w, 0, 1, 3, RW, VM_BACKING_ANON);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    ranged(&w, VM_EVENT_PROTECT, 0, 1, 1, READ, 0);
    assert_int_equal(w.shootdowns, 1);
    assert_outcome(&w, 0, 1, VM_WRITE, TOUCH_DENIED);
    assert_no_fault(&w, 0, 1, VM_READ);
    ranged(&w, VM_EVENT_PROTECT, 0, 1, 2, VM_PROT_NONE, 0);
    assert_outcome(&w, 0, 1, VM_READ, TOUCH_DENIED);
    assert_outcome(&w, 0, 2, VM_READ, TOUCH_DENIED);
    ranged(&w, VM_EVENT_PROTECT, 0, 1, 2, RW, 0);
    assert_no_fault(&w, 0, 1, VM_WRITE);
    assert_outcome(&w, 0, 1, VM_FETCH, TOUCH_DENIED);
    assert_int_equal(w.counts.denials, 4);
    assert_int_equal(vm_memory_space(w.memory, 0)->nvmas, 1); /* alike again: joined */
    space_world_close(&w);
}

/* No table can say of a page that it may be written but not read. */
static void what_may_be_written_may_be_read_present_or_not(void **unused)
{
    (void)unused;
    static const char *const schemes[] = {"x86-64", "sv39"};
    for (int i = 0; i < 2; i++) {
        struct space_world w;
        open_plan(&w, (struct space_plan){.scheme = schemes[i],
                                          .nframes = 4,
                                          .tables = VM_TABLES_APART,
                                          .stray = VM_STRAY_FAULTS});
        map(&w, 0, 1, 1, WRITE, VM_BACKING_ANON);
        assert_fault(&w, 0, 1, VM_READ, VM_FAULT_DEMAND_ZERO);
        assert_no_fault(&w, 0, 1, VM_WRITE);
        assert_no_fault(&w, 0, 1, VM_READ);
        assert_outcome(&w, 0, 1, VM_FETCH, TOUCH_DENIED);
        space_world_close(&w);
    }
}

static void dontneed_drops_content_and_keeps_the_mapping(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 4);
    map(&w, 0, 1, 2, RW, VM_BACKING_ANON);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    assert_fault(&w, 0, 2, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    ranged(&w, VM_EVENT_ADVISE, 0, 1, 1, 0, VM_ADVICE_DONTNEED);
    ranged(&w, VM_EVENT_ADVISE, 0, 2, 1, 0, VM_ADVICE_WILLNEED);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_DEMAND_ZERO);
    assert_no_fault(&w, 0, 2, VM_READ);
    space_world_close(&w);
}

static void exec_takes_every_mapping_and_leaves_the_space(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 4);
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page < 9; page++)
        touch(&w, 0, page, VM_WRITE);
    whole(&w, VM_EVENT_EXEC, 0, 0);
    assert_int_equal(w.memory->nresident + w.memory->slots_used, 0);
    assert_int_equal(w.memory->ntables, 1);
    assert_outcome(&w, 0, 1, VM_READ, TOUCH_VIOLATION);
    whole(&w, VM_EVENT_EXIT, 0, 0);
    assert_empty(&w);
    space_world_close(&w);
}

static void a_stray_touch_maps_the_2_mib_around_it_less_what_is_mapped(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w,
              (struct space_plan){.nframes = 4, .tables = VM_TABLES_APART, .stray = VM_STRAY_MAPS});
    map(&w, 0, 512, 8, READ, VM_BACKING_ANON);
    assert_fault(&w, 0, 600, VM_WRITE, VM_FAULT_DEMAND_ZERO);
    const struct vm_space *s = vm_memory_space(w.memory, 0);
    assert_int_equal(s->nvmas, 2);
    assert_int_equal(s->vma[1].start, 520 * PAGE);
    assert_int_equal(s->vma[1].end, 1024 * PAGE);
    assert_int_equal(s->vma[1].origin, VM_VMA_FIRST_TOUCH);
    assert_outcome(&w, 0, 513, VM_WRITE, TOUCH_DENIED);
    struct touch t = space_world_touch(&w, 0, UINT64_MAX, VM_READ);
    assert_int_equal(t.outcome, TOUCH_VIOLATION); /* the last page has no end */
    space_world_close(&w);
}

/* ---- fork ---- */

static void fork_then_exit_returns_every_frame_and_slot(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 6);
    map(&w, 0, 1, 10, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page < 11; page++)
        touch(&w, 0, page, VM_WRITE);
    uint64_t used = w.memory->nused, slots = w.memory->slots_used;
    whole(&w, VM_EVENT_FORK, 0, 1);
    assert_int_equal(w.memory->nresident, 6);
    assert_int_equal(w.memory->slots_used, slots);
    whole(&w, VM_EVENT_EXIT, 1, 0);
    assert_int_equal(w.memory->nused, used);
    assert_int_equal(w.memory->slots_used, slots);
    whole(&w, VM_EVENT_FORK, 0, 1);
    for (unsigned page = 1; page < 11; page++)
        touch(&w, 1, page, page % 2 ? VM_WRITE : VM_READ);
    whole(&w, VM_EVENT_EXIT, 0, 0);
    whole(&w, VM_EVENT_EXIT, 1, 0);
    assert_empty(&w);
    space_world_close(&w);
}

static void copies_after_a_fork_are_the_shared_pages_written(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 32);
    map(&w, 0, 1, 10, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page < 9; page++)
        touch(&w, 0, page, VM_WRITE);
    uint64_t zeroed = w.counts.page_copies;
    whole(&w, VM_EVENT_FORK, 0, 1);
    for (unsigned page = 1; page < 4; page++) /* the child writes three */
        assert_fault(&w, 1, page, VM_WRITE, VM_FAULT_COW);
    assert_fault(&w, 0, 8, VM_WRITE, VM_FAULT_COW); /* the parent one more */
    for (unsigned page = 1; page < 4; page++)
        assert_no_fault(&w, 1, page, VM_WRITE);
    for (unsigned page = 1; page < 8; page++)
        assert_no_fault(&w, 0, page, VM_READ);
    assert_int_equal(w.counts.cow_breaks, 4);
    assert_int_equal(w.counts.page_copies - zeroed, 4);
    assert_int_equal(vm_memory_resident(w.memory), 8 + 4);
    space_world_close(&w);
}

static void the_last_sharer_takes_the_page_over_without_a_copy(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 8);
    map(&w, 0, 1, 1, RW, VM_BACKING_ANON);
    vm_pfn pfn = touch(&w, 0, 1, VM_WRITE).pfn;
    whole(&w, VM_EVENT_FORK, 0, 1);
    whole(&w, VM_EVENT_FORK, 0, 2);
    assert_fault(&w, 1, 1, VM_WRITE, VM_FAULT_COW);
    whole(&w, VM_EVENT_EXIT, 0, 0);
    uint64_t copies = w.counts.page_copies;
    struct touch t = touch(&w, 2, 1, VM_WRITE);
    assert_int_equal(t.kind, VM_FAULT_COW);
    assert_int_equal(t.pfn, pfn);
    assert_int_equal(w.counts.page_copies, copies);
    assert_no_fault(&w, 2, 1, VM_WRITE);
    space_world_close(&w);
}

/* Page 1, written by 0, shared with 1 and evicted: both are swapped to one slot. */
static void share_and_evict(struct space_world *w)
{
    open_frames(w, 3);
    map(w, 0, 1, 8, RW, VM_BACKING_ANON);
    touch(w, 0, 1, VM_WRITE);
    whole(w, VM_EVENT_FORK, 0, 1);
    for (unsigned page = 2; page < 5; page++)
        touch(w, 0, page, VM_READ);
    assert_int_equal(space_world_pte(w, 0, PAGE).state, VM_PTE_SWAPPED);
    assert_int_equal(space_world_pte(w, 0, PAGE).slot, space_world_pte(w, 1, PAGE).slot);
    assert_int_equal(w->counts.writebacks, 1);
}

static void a_reader_maps_the_frame_that_still_has_the_slot(void **unused)
{
    (void)unused;
    struct space_world w;
    share_and_evict(&w);
    vm_pfn pfn = touch(&w, 0, 1, VM_READ).pfn;
    struct touch t = touch(&w, 1, 1, VM_READ);
    assert_int_equal(t.kind, VM_FAULT_SOFT);
    assert_int_equal(t.pfn, pfn);
    assert_int_equal(w.reads, 1);
    assert_fault(&w, 1, 1, VM_WRITE, VM_FAULT_COW);
    assert_int_equal(w.counts.page_copies, 4 + 1);
    space_world_close(&w);
}

static void a_writer_of_a_shared_slot_gets_its_own_page(void **unused)
{
    (void)unused;
    struct space_world w;
    share_and_evict(&w);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_SWAP_IN);
    assert_no_fault(&w, 0, 1, VM_WRITE);
    assert_fault(&w, 1, 1, VM_READ, VM_FAULT_SWAP_IN); /* what the fork gave it is in the slot */
    assert_int_equal(w.memory->slots_used, 1);
    whole(&w, VM_EVENT_EXIT, 1, 0);
    assert_int_equal(w.memory->slots_used, 0);
    space_world_close(&w);
}

static void a_writer_copies_from_the_frame_that_has_the_slot(void **unused)
{
    (void)unused;
    struct space_world w;
    share_and_evict(&w);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_SWAP_IN);
    uint64_t copies = w.counts.page_copies;
    assert_fault(&w, 1, 1, VM_WRITE, VM_FAULT_COW);
    assert_int_equal(w.counts.page_copies, copies + 1);
    assert_int_equal(w.reads, 1);
    space_world_close(&w);
}

static void a_fork_into_an_open_space_ends_that_one_first(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 8);
    map(&w, 1, 1, 4, RW, VM_BACKING_ANON);
    touch(&w, 1, 4, VM_WRITE);
    map(&w, 0, 1, 1, RW, VM_BACKING_ANON);
    touch(&w, 0, 1, VM_WRITE);
    whole(&w, VM_EVENT_FORK, 0, 1);
    assert_outcome(&w, 1, 4, VM_READ, TOUCH_VIOLATION);
    assert_no_fault(&w, 1, 1, VM_READ);
    assert_int_equal(vm_memory_resident(w.memory), 1);
    space_world_close(&w);
}

/* ---- what cannot be ---- */

static void a_full_swap_is_an_error_that_says_so(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w,
              (struct space_plan){
                  .nframes = 2, .nslots = 3, .tables = VM_TABLES_APART, .stray = VM_STRAY_MAPS});
    for (unsigned page = 0; page < 5; page++)
        assert_outcome(&w, 0, page, VM_WRITE, TOUCH_DONE);
    struct touch t = space_world_touch(&w, 0, 5 * PAGE, VM_WRITE);
    assert_int_equal(t.outcome, TOUCH_FAILED);
    assert_int_equal(w.error.code, VM_EMACHINE);
    assert_non_null(strstr(w.error.text, "out of swap: all 3 slots are in use"));
    assert_non_null(strstr(w.error.hint, "--swap-size"));
    space_world_close(&w);
}

static void tables_that_hold_every_frame_are_an_error_that_says_so(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(
        &w, (struct space_plan){.nframes = 3, .tables = VM_TABLES_INSIDE, .stray = VM_STRAY_MAPS});
    struct touch t = space_world_touch(&w, 0, PAGE, VM_READ);
    assert_int_equal(t.outcome, TOUCH_FAILED);
    assert_int_equal(w.error.code, VM_EMACHINE);
    assert_non_null(strstr(w.error.text, "out of memory: page tables hold 3 of 3 frames"));
    assert_non_null(strstr(w.error.hint, "--tables apart"));
    space_world_close(&w);
}

static void a_flat_table_that_does_not_fit_is_an_error_that_says_so(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.scheme = "linear:bits=24",
                                      .nframes = 7,
                                      .tables = VM_TABLES_INSIDE,
                                      .stray = VM_STRAY_MAPS});
    assert_int_equal(space_world_touch(&w, 0, PAGE, VM_READ).outcome, TOUCH_FAILED);
    assert_int_equal(w.error.code, VM_EMACHINE);
    assert_non_null(strstr(w.error.text, "a table of 8 consecutive frames"));
    space_world_close(&w);
}

/* Two address spaces of 8 frames of table each in 24: the second takes the frames of pages. */
static void a_flat_table_claims_frames_from_resident_pages(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.scheme = "linear:bits=24",
                                      .nframes = 24,
                                      .tables = VM_TABLES_INSIDE,
                                      .stray = VM_STRAY_MAPS});
    for (unsigned page = 0; page < 16; page++)
        assert_outcome(&w, 0, page, VM_WRITE, TOUCH_DONE);
    assert_int_equal(w.counts.evictions, 0);
    assert_outcome(&w, 1, 0, VM_WRITE, TOUCH_DONE);
    assert_int_equal(w.memory->ntables, 16);
    assert_int_equal(w.counts.writebacks, 8 + 1); /* for the table, and for page 0 of space 1 */
    whole(&w, VM_EVENT_EXIT, 1, 0);
    assert_int_equal(w.memory->ntables, 8);
    assert_outcome(&w, 1, 0, VM_READ, TOUCH_DONE); /* the range is taken again */
    assert_int_equal(w.memory->ntables, 16);
    for (unsigned page = 0; page < 16; page++)
        assert_outcome(&w, 0, page, VM_READ, TOUCH_DONE);
    whole(&w, VM_EVENT_EXIT, 0, 0);
    whole(&w, VM_EVENT_EXIT, 1, 0);
    assert_empty(&w);
    space_world_close(&w);
}

/* Pages 0, 8, 16, 24 all have colour 0 of 8; memory has two such frames. */
static void a_page_gets_a_frame_of_its_colour_while_one_is_free(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 16, .tables = VM_TABLES_APART, .colours = 8});
    for (unsigned page = 0; page < 4; page++) {
        struct touch t = touch(&w, 0, page * 8 + 5, VM_READ);
        assert_int_equal(t.pfn % 8 == 5, page < 2);
    }
    assert_int_equal(w.counts.colour_misses, 2);
    for (unsigned page = 0; page < 8; page++)
        touch(&w, 1, page, VM_READ);
    assert_int_equal(w.counts.colour_misses, 4); /* the two that have a wrong one took theirs */
    space_world_close(&w);
}

/* A frame that was given back is as good as any: the next page of its colour has it. */
static void an_unmapped_pages_frame_is_found_by_its_colour(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 8, .tables = VM_TABLES_APART, .colours = 4});
    for (unsigned page = 0; page < 8; page++)
        touch(&w, 0, page, VM_READ);
    ranged(&w, VM_EVENT_UNMAP, 0, 3, 1, 0, 0);
    ranged(&w, VM_EVENT_UNMAP, 0, 6, 1, 0, 0);
    assert_int_equal(touch(&w, 0, 14, VM_READ).pfn, 6);
    assert_int_equal(touch(&w, 0, 11, VM_READ).pfn, 3);
    assert_int_equal(w.counts.colour_misses, 0);
    space_world_close(&w);
}

static void impossible_events_are_refused(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 4);
    const struct vm_event bad[] = {
        {.kind = VM_EVENT_MAP, .va = PAGE, .bytes = 0, .prot = RW},
        {.kind = VM_EVENT_UNMAP, .va = PAGE, .bytes = UINT64_MAX},
        {.kind = VM_EVENT_PROTECT, .va = UINT64_MAX - 10, .bytes = 5},
        {.kind = VM_EVENT_FORK, .asid = 1, .child = 1},
        {.kind = VM_EVENT_FORK, .asid = 1, .child = VM_ASID_MAX + 1},
        {.kind = VM_EVENT_EXIT, .asid = VM_ASID_MAX + 1},
        {.kind = VM_EVENT_KINDS},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(space_world_event(&w, bad[i]));
        assert_int_equal(w.error.code, VM_EINPUT);
        space_world_check(&w);
    }
    space_world_close(&w);
}

/* ---- homes, clusters, watermarks, kills ---- */

static void sharers_of_a_file_find_its_page_after_it_was_dropped(void **unused)
{
    (void)unused;
    static const enum vm_backing backings[] = {VM_BACKING_FILE, VM_BACKING_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        struct space_world w;
        open_frames(&w, 3);
        map(&w, 0, 1, 8, RW, backings[i]);
        touch(&w, 0, 1, VM_READ);
        whole(&w, VM_EVENT_FORK, 0, 1);
        for (unsigned page = 2; page < 5; page++)
            touch(&w, 0, page, VM_READ);
        assert_fault(&w, 0, 1, VM_READ, VM_FAULT_FILE_IN);
        assert_fault(&w, 1, 1, VM_READ, VM_FAULT_SOFT);
        assert_int_equal(w.file_reads, 1);
        assert_fault(&w, 1, 1, VM_WRITE, VM_FAULT_COW);
        assert_int_equal(w.counts.page_copies, 4 + 1);
        assert_no_fault(&w, 0, 1, VM_READ);
        space_world_close(&w);
    }
}

static void what_is_written_to_a_shared_file_all_its_mappers_see(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 3);
    map(&w, 0, 1, 8, RW, VM_BACKING_SHARED);
    vm_pfn pfn = touch(&w, 0, 1, VM_WRITE).pfn;
    whole(&w, VM_EVENT_FORK, 0, 1);
    assert_no_fault(&w, 1, 1, VM_WRITE);
    assert_int_equal(touch(&w, 1, 1, VM_READ).pfn, pfn);
    for (unsigned page = 2; page < 5; page++)
        touch(&w, 0, page, VM_READ);
    assert_int_equal(w.file_writes, 1);
    assert_int_equal(w.memory->slots_used, 0);
    assert_fault(&w, 1, 1, VM_READ, VM_FAULT_FILE_IN);
    assert_fault(&w, 0, 1, VM_WRITE, VM_FAULT_SOFT);
    whole(&w, VM_EVENT_EXIT, 0, 0);
    assert_int_equal(w.file_writes, 1);
    whole(&w, VM_EVENT_EXIT, 1, 0); /* nobody has it mapped any more: the file must */
    assert_int_equal(w.file_writes, 2);
    assert_int_equal(w.counts.shared_writes, 1);
    space_world_close(&w);
}

/* Pages 1 to n, written, in a memory that they fill. */
static void open_full(struct space_world *w, uint32_t n, struct space_plan plan)
{
    plan.nframes = n;
    plan.tables = VM_TABLES_APART;
    plan.stray = VM_STRAY_FAULTS;
    open_plan(w, plan);
    map(w, 0, 1, 4 * n, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page <= n; page++)
        touch(w, 0, page, VM_WRITE);
}

static void a_cluster_is_written_to_adjacent_slots_in_one_request(void **unused)
{
    (void)unused;
    struct space_world w;
    open_full(&w, 8, (struct space_plan){.swap_cluster = 4});
    touch(&w, 0, 9, VM_WRITE); /* pages 1 to 4 make room for it */
    assert_int_equal(w.requests, 1);
    assert_int_equal(w.writes, 4);
    assert_int_equal(w.counts.writebacks, 4);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(space_world_pte(&w, 0, (1 + i) * PAGE).slot,
                         space_world_pte(&w, 0, PAGE).slot + i);
    for (unsigned page = 10; page < 13; page++) /* their frames are free */
        touch(&w, 0, page, VM_WRITE);
    assert_int_equal(w.counts.evictions, 4);
    space_world_close(&w);
}

static void a_page_that_is_touched_before_its_cluster_is_full_is_not_written(void **unused)
{
    (void)unused;
    struct space_world w;
    open_full(&w, 4, (struct space_plan){.swap_cluster = 3});
    touch(&w, 0, 4, VM_READ);
    ranged(&w, VM_EVENT_UNMAP, 0, 3, 1, 0, 0);
    touch(&w, 0, 5, VM_READ); /* clean: behind 1, 2 and 4 */
    touch(&w, 0, 6, VM_READ); /* 1, 2 and 4 are a cluster */
    assert_int_equal(w.writes, 3);
    for (unsigned page = 7; page < 12; page++) /* 7 and 8 wait, and the clean 9 leaves */
        touch(&w, 0, page, page < 9 ? VM_WRITE : VM_READ);
    assert_int_equal(w.counts.queued, 5);
    assert_int_equal(touch(&w, 0, 7, VM_READ).kind, VM_FAULT_SOFT);
    assert_int_equal(w.counts.rescues, 1);
    assert_int_equal(w.writes, 3);
    space_world_close(&w);
}

static void below_the_low_watermark_pages_leave_until_the_high_one(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 8,
                                      .low = 2,
                                      .high = 4,
                                      .tables = VM_TABLES_APART,
                                      .stray = VM_STRAY_FAULTS});
    map(&w, 0, 1, 32, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page <= 7; page++)
        touch(&w, 0, page, VM_READ);
    assert_int_equal(w.counts.evictions, 0); /* two were free when the last one came */
    touch(&w, 0, 8, VM_READ);
    assert_int_equal(w.counts.background_evictions, 3); /* one was: three more make four */
    assert_int_equal(vm_memory_resident(w.memory), 5);
    assert_int_equal(w.counts.direct_reclaims, 0);
    space_world_close(&w);
}

static void a_cleaned_page_stays_and_no_tlb_knows_that_it_was_written(void **unused)
{
    (void)unused;
    struct space_world w;
    open_frames(&w, 3);
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    vm_pfn pfn = touch(&w, 0, 1, VM_WRITE).pfn;
    uint64_t shootdowns = w.shootdowns;
    assert_true(vm_policy_clean(w.memory, pfn));
    assert_int_equal(w.shootdowns, shootdowns + 1);
    assert_false(space_world_pte(&w, 0, PAGE).dirty);
    assert_false(vm_policy_clean(w.memory, pfn)); /* it is clean */
    assert_int_equal(w.writes, 1);
    assert_int_equal(w.waits_ns[VM_WAIT_WRITE], 0);
    for (unsigned page = 2; page < 5; page++)
        touch(&w, 0, page, VM_READ);
    assert_int_equal(w.counts.clean_drops, 1);
    assert_fault(&w, 0, 1, VM_READ, VM_FAULT_SWAP_IN);
    space_world_close(&w);
}

/* It is `ns` later, and the host looks. */
static void pass(struct space_world *w, uint64_t ns)
{
    w->time_ns += ns;
    vm_memory_flush(w->memory);
    space_world_check(w);
}

/* The host of these tests looks every third step too: the periods are longer than any of them. */
static void open_flushed(struct space_world *w, enum vm_flush_pages flush, enum vm_backing backing)
{
    open_plan(w, (struct space_plan){.nframes = 8,
                                     .flush_ns = 100,
                                     .flush_age_ns = 250,
                                     .flush = flush,
                                     .tables = VM_TABLES_APART,
                                     .stray = VM_STRAY_FAULTS});
    map(w, 0, 1, 8, RW, backing);
}

static void a_page_is_written_when_two_wakes_an_age_apart_found_it_dirty(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    vm_pfn pfn = touch(&w, 0, 1, VM_WRITE).pfn;
    pass(&w, 99);
    assert_int_equal(w.counts.flush_wakes, 0);
    pass(&w, 1); /* found, at 100 */
    pass(&w, 100);
    touch(&w, 0, 1, VM_WRITE); /* again; it is as old as before */
    touch(&w, 0, 2, VM_WRITE);
    pass(&w, 100); /* 300: page 1 is 200 old, page 2 is found */
    assert_int_equal(w.counts.flush_wakes, 3);
    assert_int_equal(w.file_writes, 0);
    pass(&w, 100);
    assert_int_equal(w.file_writes, 1);
    assert_int_equal(w.counts.flushes, 1);
    assert_int_equal(w.waits_ns[VM_WAIT_WRITE], 0);
    assert_false(space_world_pte(&w, 0, PAGE).dirty);
    assert_int_equal(touch(&w, 0, 1, VM_READ).pfn, pfn);
    assert_int_equal(w.counts.faults, 2);
    space_world_close(&w);
}

static void a_page_that_was_clean_in_between_is_young_again(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    vm_pfn pfn = touch(&w, 0, 1, VM_WRITE).pfn;
    pass(&w, 100);
    assert_true(vm_policy_clean(w.memory, pfn));
    touch(&w, 0, 1, VM_WRITE);
    pass(&w, 250); /* found, at 350 */
    assert_int_equal(w.counts.flushes, 0);
    pass(&w, 249);
    assert_int_equal(w.counts.flushes, 0);
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 1);
    space_world_close(&w);
}

static void a_fault_wakes_the_flusher_too(void **unused)
{
    (void)unused;
    struct space_world w;
    open_flushed(&w, VM_FLUSH_SHARED, VM_BACKING_SHARED);
    touch(&w, 0, 1, VM_WRITE);
    pass(&w, 100);
    w.time_ns += 250;
    touch(&w, 0, 2, VM_READ);
    assert_int_equal(w.counts.flushes, 1);
    space_world_close(&w);
}

static void own_pages_are_flushed_only_by_wish_and_side_by_side(void **unused)
{
    (void)unused;
    for (enum vm_flush_pages flush = VM_FLUSH_SHARED; flush <= VM_FLUSH_ALL; flush++) {
        struct space_world w;
        open_flushed(&w, flush, VM_BACKING_ANON);
        for (unsigned page = 1; page <= 4; page++)
            touch(&w, 0, page, page == 3 ? VM_READ : VM_WRITE);
        pass(&w, 100);
        pass(&w, 250);
        assert_int_equal(w.counts.flush_wakes, 2);
        assert_int_equal(w.writes, flush == VM_FLUSH_ALL ? 3 : 0);
        assert_int_equal(w.requests, flush == VM_FLUSH_ALL);
        assert_int_equal(w.memory->slots_used, w.writes);
        space_world_close(&w);
    }
}

static void what_swap_has_no_slot_for_stays_dirty_and_nobody_dies_of_it(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 8,
                                      .nslots = 2,
                                      .oom = VM_OOM_KILL,
                                      .flush_ns = 100,
                                      .flush = VM_FLUSH_ALL,
                                      .tables = VM_TABLES_APART,
                                      .stray = VM_STRAY_FAULTS});
    map(&w, 0, 1, 8, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, 0, page, VM_WRITE);
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 2);
    assert_false(w.memory->starved);
    ranged(&w, VM_EVENT_UNMAP, 0, 1, 1, 0, 0);
    pass(&w, 100);
    assert_int_equal(w.counts.flushes, 3);
    space_world_close(&w);
}

static void a_frame_that_is_being_written_is_not_free(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 4,
                                      .low = 1,
                                      .high = 2,
                                      .tables = VM_TABLES_APART,
                                      .stray = VM_STRAY_FAULTS});
    map(&w, 0, 1, 16, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, 0, page, VM_WRITE);
    touch(&w, 0, 5, VM_WRITE); /* 1 and 2 are written ahead, and this waits for one of them */
    assert_int_equal(w.counts.background_evictions, 2);
    assert_int_equal(w.counts.direct_reclaims, 1);
    assert_int_equal(w.counts.frame_waits, 1);
    assert_true(w.waits_ns[VM_WAIT_FRAME] > 0);
    assert_int_equal(vm_memory_resident(w.memory), 4); /* the other one is still being written */
    assert_int_equal(w.waits_ns[VM_WAIT_WRITE], 0);
    space_world_close(&w);
}

static void the_process_with_the_most_pages_is_killed(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){.nframes = 6,
                                      .nslots = 2,
                                      .oom = VM_OOM_KILL,
                                      .tables = VM_TABLES_APART,
                                      .stray = VM_STRAY_FAULTS});
    for (vm_asid asid = 0; asid < 3; asid++)
        map(&w, asid, 1, 8, RW, VM_BACKING_ANON);
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, 1, page, VM_WRITE);
    for (unsigned page = 1; page <= 4; page++)
        touch(&w, 2, page, VM_WRITE); /* 1 has two pages, and two in all the slots there are */
    assert_int_equal(w.counts.oom_kills, 0);
    assert_int_equal(touch(&w, 0, 1, VM_WRITE).outcome, TOUCH_DONE);
    assert_int_equal(w.counts.oom_kills, 1);
    assert_int_equal(w.counts.oom_pages, 4);
    assert_int_equal(touch(&w, 2, 1, VM_READ).outcome, TOUCH_KILLED);
    assert_int_equal(touch(&w, 1, 1, VM_READ).outcome, TOUCH_DONE);
    assert_int_equal(w.counts.oom_touches, 1);
    space_world_close(&w);
}

/* Three pages each in six frames, and one slot. */
static void of_equals_the_youngest_is_killed(void **unused)
{
    (void)unused;
    struct space_world w;
    open_plan(&w, (struct space_plan){
                      .nframes = 6, .nslots = 1, .oom = VM_OOM_KILL, .tables = VM_TABLES_APART});
    for (unsigned i = 0; i < 6; i++)
        touch(&w, (vm_asid)(i % 2), 1 + i, VM_WRITE);
    touch(&w, 0, 8, VM_WRITE); /* 0's first page goes to the slot */
    touch(&w, 0, 9, VM_WRITE); /* and 1's first has none: 0 has three pages, and so has 1 */
    assert_int_equal(w.counts.oom_kills, 1);
    assert_int_equal(touch(&w, 0, 8, VM_READ).outcome, TOUCH_DONE);
    assert_int_equal(touch(&w, 1, 2, VM_READ).outcome, TOUCH_KILLED);
    space_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharers_of_a_file_find_its_page_after_it_was_dropped),
        cmocka_unit_test(what_is_written_to_a_shared_file_all_its_mappers_see),
        cmocka_unit_test(a_cluster_is_written_to_adjacent_slots_in_one_request),
        cmocka_unit_test(a_page_that_is_touched_before_its_cluster_is_full_is_not_written),
        cmocka_unit_test(below_the_low_watermark_pages_leave_until_the_high_one),
        cmocka_unit_test(a_cleaned_page_stays_and_no_tlb_knows_that_it_was_written),
        cmocka_unit_test(a_page_is_written_when_two_wakes_an_age_apart_found_it_dirty),
        cmocka_unit_test(a_page_that_was_clean_in_between_is_young_again),
        cmocka_unit_test(a_fault_wakes_the_flusher_too),
        cmocka_unit_test(own_pages_are_flushed_only_by_wish_and_side_by_side),
        cmocka_unit_test(what_swap_has_no_slot_for_stays_dirty_and_nobody_dies_of_it),
        cmocka_unit_test(of_equals_the_youngest_is_killed),
        cmocka_unit_test(a_frame_that_is_being_written_is_not_free),
        cmocka_unit_test(the_process_with_the_most_pages_is_killed),
        cmocka_unit_test(a_page_is_zeroed_once_however_often_it_is_touched),
        cmocka_unit_test(an_anonymous_page_never_written_is_forgotten_and_zeroed_again),
        cmocka_unit_test(a_page_of_a_file_comes_back_from_it),
        cmocka_unit_test(a_dirty_page_is_written_once_and_then_leaves_without_a_transfer),
        cmocka_unit_test(unmap_frees_frames_slots_and_tables),
        cmocka_unit_test(protect_takes_rights_away_and_gives_them_back),
        cmocka_unit_test(what_may_be_written_may_be_read_present_or_not),
        cmocka_unit_test(dontneed_drops_content_and_keeps_the_mapping),
        cmocka_unit_test(exec_takes_every_mapping_and_leaves_the_space),
        cmocka_unit_test(a_stray_touch_maps_the_2_mib_around_it_less_what_is_mapped),
        cmocka_unit_test(fork_then_exit_returns_every_frame_and_slot),
        cmocka_unit_test(copies_after_a_fork_are_the_shared_pages_written),
        cmocka_unit_test(the_last_sharer_takes_the_page_over_without_a_copy),
        cmocka_unit_test(a_reader_maps_the_frame_that_still_has_the_slot),
        cmocka_unit_test(a_writer_of_a_shared_slot_gets_its_own_page),
        cmocka_unit_test(a_writer_copies_from_the_frame_that_has_the_slot),
        cmocka_unit_test(a_fork_into_an_open_space_ends_that_one_first),
        cmocka_unit_test(a_full_swap_is_an_error_that_says_so),
        cmocka_unit_test(tables_that_hold_every_frame_are_an_error_that_says_so),
        cmocka_unit_test(a_flat_table_that_does_not_fit_is_an_error_that_says_so),
        cmocka_unit_test(a_flat_table_claims_frames_from_resident_pages),
        cmocka_unit_test(a_page_gets_a_frame_of_its_colour_while_one_is_free),
        cmocka_unit_test(an_unmapped_pages_frame_is_found_by_its_colour),
        cmocka_unit_test(impossible_events_are_refused),
    };
    return cmocka_run_group_tests_name("unit_space", tests, NULL, NULL);
}
