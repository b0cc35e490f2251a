/* Pages with contents, and files that map events name, by hand: who sees what, what it costs. */
#include "oracle/contents_world.h"
#include "space/memory.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

enum { PARENT, CHILD, OTHER };

/* ---- a machine of so many frames, whose programs are told of one reference at a time ---- */

static struct vm_config config_of(unsigned nframes)
{
    struct vm_config c;
    vm_config_init(&c);
    c.layout = VM_LAYOUT_AS_IS;
    c.tables = VM_TABLES_APART;
    c.memory_bytes = nframes * c.page_bytes;
    strcpy(c.scheme, "sv39");
    strcpy(c.policy, "lru");
    strcpy(c.tlb, "none");
    return c;
}

/* Huge pages of four, made at the first touch. */
static struct vm_config huge_config(void)
{
    struct vm_config c = config_of(16);
    strcpy(c.scheme, "two-level:dir=10,table=2");
    c.huge_pages = VM_HUGE_FAULT;
    c.huge_bytes = 4 * c.page_bytes;
    return c;
}

static void open_world(struct contents_world *w, const struct vm_config *c, uint32_t log_cap)
{
    if (!contents_world_open(w, c, log_cap))
        fail_msg("%s", w->error.text);
}

static struct vm_counts counts_of(struct contents_world *w)
{
    struct vm_counts c;
    assert_true(contents_world_drain(w));
    vm_engine_counts(w->engine, &c);
    vm_engine_check(w->engine);
    return c;
}

/* Pages [page, page + n) of the space become those of the file from `file_page` on. */
static void map(struct contents_world *w, vm_asid asid, unsigned page, unsigned n,
                enum vm_backing backing, unsigned file, unsigned file_page)
{
    struct vm_event event = {.kind = VM_EVENT_MAP,
                             .asid = asid,
                             .va = w->naive.first + page * w->naive.page_bytes,
                             .bytes = n * w->naive.page_bytes,
                             .prot = VM_PROT_READ | VM_PROT_WRITE,
                             .detail = (uint8_t)backing,
                             .file = file,
                             .file_page = file ? w->naive.file_first[file] + file_page : 0};
    if (!contents_world_event(w, &event))
        fail_msg("%s", w->error.text);
}

static void happen(struct contents_world *w, enum vm_event_kind kind, vm_asid asid, unsigned page,
                   unsigned n)
{
    struct vm_event event = {.kind = (uint8_t)kind,
                             .asid = asid,
                             .child = CHILD,
                             .va = w->naive.first + page * w->naive.page_bytes,
                             .bytes = n * w->naive.page_bytes,
                             .detail = VM_ADVICE_DONTNEED};
    if (!contents_world_event(w, &event))
        fail_msg("%s", w->error.text);
}

#define CELL 3 /* the byte of a page that the examples use */

static void write_byte(struct contents_world *w, vm_asid asid, unsigned page, uint8_t byte)
{
    if (!contents_world_access(w, asid, page, VM_WRITE, CELL, byte))
        fail_msg("%s", w->error.text);
}

static uint8_t read_byte(struct contents_world *w, vm_asid asid, unsigned page)
{
    if (!contents_world_access(w, asid, page, VM_READ, CELL, 0))
        fail_msg("%s", w->error.text);
    return w->kept[asid][page].bytes[naive_contents_cell(&w->naive, CELL)];
}

static uint8_t disk_byte(const struct contents_world *w, unsigned file, unsigned page)
{
    return w->disk[file][page * w->naive.page_bytes + naive_contents_cell(&w->naive, CELL)];
}

/* ---- who sees what ---- */

static void a_private_mapping_sees_the_file_until_it_writes_itself(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(12);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 10, 4, VM_BACKING_SHARED, 1, 2); /* pages 2 to 5 of the file */
    map(&w, CHILD, 30, 4, VM_BACKING_FILE, 1, 4);    /* 4 to 7: 12 there is 30 here */
    uint8_t begun = disk_byte(&w, 1, 4);
    assert_int_equal(read_byte(&w, PARENT, 12), begun);
    assert_int_equal(read_byte(&w, CHILD, 30), begun);
    assert_int_equal(counts_of(&w).file_ins, 1); /* into a frame that both map */
    assert_int_equal(counts_of(&w).soft_faults, 1);
    assert_int_equal(vm_memory_resident(w.parts.memory), 1);

    write_byte(&w, PARENT, 12, 201);
    assert_int_equal(read_byte(&w, CHILD, 30), 201);
    assert_int_equal(counts_of(&w).page_copies, 0);

    write_byte(&w, CHILD, 30, 202); /* from here on the page is its own */
    assert_int_equal(counts_of(&w).cow_breaks, 1);
    assert_int_equal(counts_of(&w).page_copies, 1);
    assert_int_equal(read_byte(&w, PARENT, 12), 201);
    write_byte(&w, PARENT, 12, 203);
    assert_int_equal(read_byte(&w, CHILD, 30), 202);
    assert_int_equal(vm_memory_resident(w.parts.memory), 2);

    assert_int_equal(disk_byte(&w, 1, 4), begun); /* nobody has written it back yet */
    assert_true(contents_world_sync(&w, 1));
    assert_int_equal(disk_byte(&w, 1, 4), 203);
    contents_world_close(&w);
}

static void a_file_page_stays_when_nobody_maps_it_until_it_is_dropped(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(12);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 10, 2, VM_BACKING_SHARED, 2, 0);
    write_byte(&w, PARENT, 10, 77);
    write_byte(&w, PARENT, 11, 78);
    happen(&w, VM_EVENT_EXIT, PARENT, 0, 1);
    assert_int_equal(vm_memory_resident(w.parts.memory), 2);
    map(&w, OTHER, 3, 1, VM_BACKING_FILE, 2, 0);
    assert_int_equal(read_byte(&w, OTHER, 3), 77);
    assert_int_equal(counts_of(&w).file_ins, 2); /* none for the last */
    happen(&w, VM_EVENT_UNMAP, OTHER, 3, 1);

    struct vm_event window = contents_world_window(&w, 2);
    window.kind = VM_EVENT_UNMAP;
    assert_true(contents_world_event(&w, &window));
    uint8_t begun = disk_byte(&w, 2, 1);
    assert_true(contents_world_drop(&w, 2));
    assert_int_equal(vm_memory_resident(w.parts.memory), 0);
    assert_int_equal(disk_byte(&w, 2, 1), begun); /* what was dropped was not written */
    contents_world_close(&w);
}

static void a_page_written_privately_comes_back_from_its_slot_not_from_the_file(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(2);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 1, VM_BACKING_FILE, 1, 0);
    map(&w, PARENT, 4, 3, VM_BACKING_ANON, 0, 0);
    write_byte(&w, PARENT, 0, 99);
    for (unsigned page = 4; page < 7; page++) /* three pages in two frames */
        write_byte(&w, PARENT, page, 1);
    uint64_t files = counts_of(&w).file_ins;
    assert_int_equal(read_byte(&w, PARENT, 0), 99);
    assert_int_equal(counts_of(&w).file_ins, files);
    assert_int_equal(counts_of(&w).swap_ins, 1);

    happen(&w, VM_EVENT_ADVISE, PARENT, 0, 1); /* what is its own is given up */
    assert_int_equal(read_byte(&w, PARENT, 0), disk_byte(&w, 1, 0));
    assert_int_equal(counts_of(&w).file_ins, files + 1);
    contents_world_close(&w);
}

static void a_child_has_its_parents_pages_and_the_same_files(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(12);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 1, VM_BACKING_ANON, 0, 0);
    map(&w, PARENT, 1, 1, VM_BACKING_SHARED, 3, 5);
    map(&w, PARENT, 2, 1, VM_BACKING_FILE, 3, 5);
    write_byte(&w, PARENT, 0, 10);
    write_byte(&w, PARENT, 1, 11);
    write_byte(&w, PARENT, 2, 12);
    happen(&w, VM_EVENT_FORK, PARENT, 0, 1);
    write_byte(&w, CHILD, 0, 20);
    write_byte(&w, CHILD, 1, 21);
    write_byte(&w, CHILD, 2, 22);
    assert_int_equal(read_byte(&w, PARENT, 0), 10);
    assert_int_equal(read_byte(&w, PARENT, 1), 21); /* shared */
    assert_int_equal(read_byte(&w, PARENT, 2), 12);
    contents_world_close(&w);
}

/* Page for page they follow one another, and only the file's name tells them apart; or only the
 * place does. */
static void mappings_side_by_side_keep_their_own_file_and_place(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(12);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 2, VM_BACKING_SHARED, 1, 0);
    map(&w, PARENT, 2, 2, VM_BACKING_SHARED, 2, 2);
    map(&w, PARENT, 4, 2, VM_BACKING_SHARED, 2, 1);
    assert_int_equal(vm_memory_space(w.parts.memory, PARENT)->nvmas, 3);
    assert_int_equal(read_byte(&w, PARENT, 1), disk_byte(&w, 1, 1));
    assert_int_equal(read_byte(&w, PARENT, 3), disk_byte(&w, 2, 3));
    assert_int_equal(read_byte(&w, PARENT, 5), disk_byte(&w, 2, 2));
    map(&w, PARENT, 6, 2, VM_BACKING_SHARED, 2, 3); /* it goes on where the last one ends */
    assert_int_equal(vm_memory_space(w.parts.memory, PARENT)->nvmas, 3);
    contents_world_close(&w);
}

/* As it has to copy the page in the end, it is not mapped to be read first. */
static void a_private_first_write_copies_what_the_cache_has(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(12);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 1, VM_BACKING_SHARED, 1, 3);
    map(&w, OTHER, 0, 1, VM_BACKING_FILE, 1, 3);
    write_byte(&w, PARENT, 0, 31);
    write_byte(&w, OTHER, 0, 32);
    struct vm_counts n = counts_of(&w);
    assert_int_equal(n.file_ins, 1);
    assert_int_equal(n.cow_breaks, 1);
    assert_int_equal(n.faults, 2);
    assert_int_equal(read_byte(&w, PARENT, 0), 31);
    contents_world_close(&w);
}

/* ---- writes that the machine is told of later ---- */

static void a_write_told_behind_an_eviction_is_not_lost(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(2);
    (void)unused;
    open_world(&w, &c, 8);
    map(&w, PARENT, 0, 4, VM_BACKING_ANON, 0, 0);
    write_byte(&w, PARENT, 0, 1);
    write_byte(&w, PARENT, 1, 1);
    write_byte(&w, PARENT, 0, 2); /* by the translation that is kept: in the log */
    assert_int_equal(w.nlog, 1);
    /* The machine is told of others' touches first, which cost page 0 its frame. */
    vm_va va[] = {w.naive.first + 2 * w.naive.page_bytes, w.naive.first + 3 * w.naive.page_bytes};
    uint16_t meta[] = {vm_ref_meta(VM_READ, 1), vm_ref_meta(VM_READ, 1)};
    struct vm_batch batch = {.nrefs = 2, .va = va, .meta = meta};
    assert_true(vm_engine_run(w.engine, &batch, &w.error));
    struct vm_place place;
    assert_false(vm_engine_look(w.engine, PARENT, w.naive.first, &place));
    assert_int_equal(w.kept[PARENT][0].rights, 0);
    assert_true(contents_world_drain(&w));
    assert_int_equal(read_byte(&w, PARENT, 0), 2);
    contents_world_close(&w);
}

static void a_page_that_is_clean_gives_no_right_to_write_untold(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(4);
    struct vm_place place;
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 1, VM_BACKING_SHARED, 1, 0);
    read_byte(&w, PARENT, 0);
    assert_true(vm_engine_look(w.engine, PARENT, w.naive.first, &place));
    assert_int_equal(place.prot, VM_PROT_READ | VM_PROT_WRITE);
    assert_int_equal(place.rights, VM_PROT_READ);
    write_byte(&w, PARENT, 0, 5);
    assert_true(vm_engine_look(w.engine, PARENT, w.naive.first, &place));
    assert_int_equal(place.rights, VM_PROT_READ | VM_PROT_WRITE);
    assert_true(contents_world_sync(&w, 0)); /* clean again: whoever kept the right has lost it */
    assert_int_equal(w.kept[PARENT][0].rights, 0);
    write_byte(&w, PARENT, 0, 6);
    assert_true(contents_world_sync(&w, 0));
    assert_int_equal(disk_byte(&w, 1, 0), 6);
    contents_world_close(&w);
}

/* Programs' touches take no time on such a machine: its kernel says what time it is, and asks. */
static void the_flusher_wakes_when_the_kernel_asks_and_it_is_time(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(4);
    (void)unused;
    c.flush_ms = 1;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 2, VM_BACKING_SHARED, 1, 0);
    write_byte(&w, PARENT, 0, 77);
    vm_engine_work(w.engine, 400000);
    vm_engine_flush(w.engine);
    for (unsigned i = 0; i < 10000; i++) /* a clock of references would have passed the time */
        read_byte(&w, PARENT, 0);
    assert_int_equal(counts_of(&w).flush_wakes, 0);
    vm_engine_work(w.engine, 600000);
    vm_engine_flush(w.engine);
    assert_int_equal(counts_of(&w).flushes, 1);
    assert_int_equal(disk_byte(&w, 1, 0), 77);
    assert_true(contents_world_check_kept(&w)); /* the right to write went with the dirty bit */
    write_byte(&w, PARENT, 0, 78);
    vm_engine_work(w.engine, 1000000);
    vm_engine_flush(w.engine);
    assert_int_equal(disk_byte(&w, 1, 0), 78);
    contents_world_close(&w);
}

/* ---- advice ---- */

static void advise(struct contents_world *w, unsigned page, unsigned n, enum vm_advice advice)
{
    struct vm_event event = {.kind = VM_EVENT_ADVISE,
                             .asid = PARENT,
                             .va = w->naive.first + page * w->naive.page_bytes,
                             .bytes = n * w->naive.page_bytes,
                             .detail = (uint8_t)advice};
    if (!contents_world_event(w, &event))
        fail_msg("%s", w->error.text);
}

static bool is_here(struct contents_world *w, unsigned page)
{
    struct vm_place place;
    return vm_engine_look(w->engine, PARENT, w->naive.first + page * w->naive.page_bytes, &place);
}

/* Four frames with pages 0 to 3, all referenced. */
static void open_full(struct contents_world *w)
{
    struct vm_config c = config_of(4);
    strcpy(c.policy, "clock");
    open_world(w, &c, 1);
    map(w, PARENT, 0, 8, VM_BACKING_ANON, 0, 0);
    for (unsigned i = 0; i < 8; i++) /* twice: a newcomer counts as not referenced */
        write_byte(w, PARENT, i % 4, (uint8_t)(10 + i % 4));
    counts_of(w); /* nothing is left to be told */
}

/* Of pages 0 to 3, the first that page 4 finds no room beside. */
static unsigned page_that_leaves(struct contents_world *w)
{
    unsigned page = 0;
    write_byte(w, PARENT, 4, 1);
    while (page < 4 && is_here(w, page))
        page++;
    return page;
}

static void what_is_cold_leaves_first(void **unused)
{
    struct contents_world w;
    (void)unused;
    open_full(&w);
    unsigned plain = page_that_leaves(&w);
    contents_world_close(&w);
    for (unsigned cold = 0; cold < 4; cold++) {
        open_full(&w);
        advise(&w, cold, 1, VM_ADVICE_COLD);
        assert_int_equal(page_that_leaves(&w), cold);
        contents_world_close(&w);
    }
    assert_in_range(plain, 0, 3); /* one of them would have left without that, too */
}

static void what_is_paged_out_leaves_at_once_and_comes_back(void **unused)
{
    struct contents_world w;
    (void)unused;
    open_full(&w);
    advise(&w, 1, 1, VM_ADVICE_LOCK);
    advise(&w, 0, 3, VM_ADVICE_PAGEOUT);
    assert_false(is_here(&w, 0) || is_here(&w, 2));
    assert_true(is_here(&w, 1) && is_here(&w, 3)); /* locked; not meant */
    assert_int_equal(counts_of(&w).writebacks, 2);
    assert_int_equal(read_byte(&w, PARENT, 0), 10);
    assert_int_equal(counts_of(&w).swap_ins, 1);
    contents_world_close(&w);
}

static void a_page_is_locked_while_a_mapping_of_it_is(void **unused)
{
    struct contents_world w;
    (void)unused;
    open_full(&w);
    advise(&w, 0, 2, VM_ADVICE_LOCK);
    assert_int_equal(vm_memory_locked(w.parts.memory), 2);
    happen(&w, VM_EVENT_FORK, PARENT, 0, 1);
    assert_int_equal(vm_memory_locked(w.parts.memory), 2);
    write_byte(&w, PARENT, 0, 55); /* its own from here on; the child's copy is not locked */
    assert_int_equal(vm_memory_locked(w.parts.memory), 2);
    happen(&w, VM_EVENT_UNMAP, PARENT, 1, 1); /* the child has it still */
    assert_int_equal(vm_memory_locked(w.parts.memory), 1);
    advise(&w, 0, 1, VM_ADVICE_UNLOCK);
    assert_int_equal(vm_memory_locked(w.parts.memory), 0);
    assert_int_equal(counts_of(&w).locked_peak, 2);
    assert_int_equal(read_byte(&w, CHILD, 0), 10);
    assert_int_equal(read_byte(&w, CHILD, 1), 11);
    contents_world_close(&w);
}

/* Page 0 has a frame, 1 a slot, 2 was never touched: each is what it was, elsewhere. */
static void a_mapping_moves_with_its_frames_and_slots(void **unused)
{
    struct contents_world w;
    (void)unused;
    open_full(&w);
    advise(&w, 1, 1, VM_ADVICE_PAGEOUT);
    struct vm_counts before = counts_of(&w);
    assert_true(contents_world_move(&w, PARENT, 0, 8, 20, VM_MOVE_UNMAPS));
    struct vm_counts after = counts_of(&w);
    assert_int_equal(after.remaps - before.remaps, 4);
    assert_int_equal(after.page_copies, before.page_copies);
    assert_int_equal(after.evictions, before.evictions);
    assert_true(is_here(&w, 20) && !is_here(&w, 21) && is_here(&w, 22));
    assert_int_equal(read_byte(&w, PARENT, 20), 10);
    assert_int_equal(read_byte(&w, PARENT, 21), 11);
    assert_int_equal(counts_of(&w).swap_ins, 1);
    assert_int_equal(read_byte(&w, PARENT, 25), 0);
    contents_world_close(&w);
}

static void a_page_that_a_file_or_a_slot_leads_to_is_in_memory(void **unused)
{
    struct contents_world w;
    (void)unused;
    open_full(&w);
    vm_va page = w.naive.page_bytes, first = w.naive.first;
    map(&w, PARENT, 0, 4, VM_BACKING_SHARED, 1, 0); /* its frames are free */
    map(&w, CHILD, 10, 1, VM_BACKING_FILE, 1, 1);
    assert_false(vm_memory_has(w.parts.memory, CHILD, first + 10 * page));
    read_byte(&w, PARENT, 1); /* the same page of the file */
    assert_true(vm_memory_has(w.parts.memory, CHILD, first + 10 * page));
    assert_true(vm_memory_has(w.parts.memory, PARENT, first + page));
    assert_false(vm_memory_has(w.parts.memory, PARENT, first));
    assert_false(vm_memory_has(w.parts.memory, OTHER, first));
    contents_world_close(&w);
}

/* ---- what the kernel does by its own means ---- */

static void the_kernels_writes_are_everybodys(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(4);
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 20, 1, VM_BACKING_FILE, 2, 7);
    assert_int_equal(read_byte(&w, PARENT, 20), disk_byte(&w, 2, 7));
    unsigned window = CONTENTS_FILE_PAGES + 7; /* of the second file */
    assert_true(contents_world_reach(&w, CONTENTS_WINDOWS, window, VM_WRITE, CELL, 55));
    assert_int_equal(read_byte(&w, PARENT, 20), 55);
    assert_int_equal(counts_of(&w).kernel_faults, 1);
    assert_true(contents_world_sync(&w, 1));
    assert_int_not_equal(disk_byte(&w, 2, 7), 55); /* that was another file */
    assert_true(contents_world_sync(&w, 2));
    assert_int_equal(disk_byte(&w, 2, 7), 55);
    contents_world_close(&w);
}

static void the_kernel_may_not_reach_what_is_not_mapped(void **unused)
{
    struct contents_world w;
    struct vm_config c = config_of(4);
    struct vm_place place;
    (void)unused;
    open_world(&w, &c, 1);
    assert_false(vm_engine_look(w.engine, OTHER, w.naive.first, &place)); /* it has never run */
    assert_false(vm_engine_reach(w.engine, OTHER, w.naive.first, VM_READ, &place, &w.error));
    assert_int_equal(w.error.code, VM_EINPUT);
    contents_world_close(&w);
}

/* Of a huge page, what was never touched must be told: else a split forgets that it is used. */
static void a_part_of_a_huge_page_gives_no_right_before_its_first_touch(void **unused)
{
    struct contents_world w;
    struct vm_config c = huge_config();
    struct vm_place place;
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 8, VM_BACKING_ANON, 0, 0);
    write_byte(&w, PARENT, 0, 1);
    assert_true(vm_engine_look(w.engine, PARENT, w.naive.first + w.naive.page_bytes, &place));
    assert_int_equal(place.prot, VM_PROT_READ | VM_PROT_WRITE);
    assert_int_equal(place.rights, 0);
    write_byte(&w, PARENT, 1, 2);
    happen(&w, VM_EVENT_UNMAP, PARENT, 0, 1);
    assert_int_equal(read_byte(&w, PARENT, 1), 2);
    contents_world_close(&w);
}

/* A part of a huge page that only the kernel wrote to is no zeros that a split may forget. */
static void what_the_kernel_wrote_to_a_huge_page_outlives_its_split(void **unused)
{
    struct contents_world w;
    struct vm_config c = huge_config();
    (void)unused;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 8, VM_BACKING_ANON, 0, 0);
    read_byte(&w, PARENT, 0);
    assert_int_equal(counts_of(&w).huge_faults, 1);
    assert_true(contents_world_reach(&w, PARENT, 2, VM_WRITE, CELL, 123));
    happen(&w, VM_EVENT_UNMAP, PARENT, 0, 1);
    assert_int_equal(counts_of(&w).demotions, 1);
    assert_int_equal(read_byte(&w, PARENT, 2), 123);
    contents_world_close(&w);
}

/* A huge page has no slot: what was clean because swap had it is dirty from then on. */
static void what_was_swapped_in_outlives_a_collapse(void **unused)
{
    struct contents_world w;
    struct vm_config c = huge_config();
    (void)unused;
    c.huge_pages = VM_HUGE_COLLAPSE;
    c.huge_scan_touches = 50;
    open_world(&w, &c, 1);
    map(&w, PARENT, 0, 4, VM_BACKING_ANON, 0, 0);
    for (unsigned page = 0; page < 4; page++)
        write_byte(&w, PARENT, page, (uint8_t)(40 + page));
    assert_true(contents_world_suspend(&w, PARENT));
    for (unsigned i = 0; i < 60; i++)
        read_byte(&w, PARENT, i % 4);
    assert_int_equal(counts_of(&w).swap_ins, 4);
    assert_int_equal(counts_of(&w).promotions, 1);
    assert_true(contents_world_suspend(&w, PARENT)); /* it is split first */
    for (unsigned page = 0; page < 4; page++)
        assert_int_equal(read_byte(&w, PARENT, page), 40 + page);
    contents_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_mapping_sees_the_file_until_it_writes_itself),
        cmocka_unit_test(a_file_page_stays_when_nobody_maps_it_until_it_is_dropped),
        cmocka_unit_test(a_page_written_privately_comes_back_from_its_slot_not_from_the_file),
        cmocka_unit_test(a_child_has_its_parents_pages_and_the_same_files),
        cmocka_unit_test(mappings_side_by_side_keep_their_own_file_and_place),
        cmocka_unit_test(a_private_first_write_copies_what_the_cache_has),
        cmocka_unit_test(a_write_told_behind_an_eviction_is_not_lost),
        cmocka_unit_test(a_page_that_is_clean_gives_no_right_to_write_untold),
        cmocka_unit_test(the_flusher_wakes_when_the_kernel_asks_and_it_is_time),
        cmocka_unit_test(what_is_cold_leaves_first),
        cmocka_unit_test(what_is_paged_out_leaves_at_once_and_comes_back),
        cmocka_unit_test(a_page_is_locked_while_a_mapping_of_it_is),
        cmocka_unit_test(a_mapping_moves_with_its_frames_and_slots),
        cmocka_unit_test(a_page_that_a_file_or_a_slot_leads_to_is_in_memory),
        cmocka_unit_test(the_kernels_writes_are_everybodys),
        cmocka_unit_test(the_kernel_may_not_reach_what_is_not_mapped),
        cmocka_unit_test(a_part_of_a_huge_page_gives_no_right_before_its_first_touch),
        cmocka_unit_test(what_was_swapped_in_outlives_a_collapse),
        cmocka_unit_test(what_the_kernel_wrote_to_a_huge_page_outlives_its_split),
    };
    return cmocka_run_group_tests_name("unit_space_files", tests, NULL, NULL);
}
