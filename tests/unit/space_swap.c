/* Two swap devices: which one a page goes to, where it is read from, who waits for which queue, and
 * what each takes of memory. */
#include "oracle/machine_trace.h"
#include "oracle/space_world.h"
#include "rounds.h"
#include "space/memory.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#define PAGE UINT64_C(4096)

/* fifo: who came first leaves. 64 pages of space 0 are mapped, from page 1 on. */
static void open_two(struct space_world *w, struct space_plan plan)
{
    plan.scheme = "sv39";
    plan.policy = "fifo";
    plan.nframes = plan.nframes ? plan.nframes : 2;
    plan.tables = VM_TABLES_APART;
    plan.stray = VM_STRAY_FAULTS;
    assert_true(space_world_open(w, &plan));
    assert_true(space_world_event(w, (struct vm_event){.kind = VM_EVENT_MAP,
                                                       .va = PAGE,
                                                       .bytes = 64 * PAGE,
                                                       .prot = VM_PROT_READ | VM_PROT_WRITE,
                                                       .detail = VM_BACKING_ANON}));
}

static struct touch touch(struct space_world *w, unsigned page, enum vm_access access)
{
    struct touch t = space_world_touch(w, 0, page * PAGE, access);
    space_world_check(w);
    return t;
}

static void write_pages(struct space_world *w, unsigned first, unsigned end)
{
    for (unsigned page = first; page < end; page++)
        assert_int_equal(touch(w, page, VM_WRITE).outcome, TOUCH_DONE);
}

static void unmap(struct space_world *w, unsigned page)
{
    assert_true(space_world_event(
        w, (struct vm_event){.kind = VM_EVENT_UNMAP, .va = page * PAGE, .bytes = PAGE}));
    space_world_check(w);
}

/* The page is out of memory, in slot `index` of that device. */
static void lies(const struct space_world *w, unsigned page, enum vm_swap_level level,
                 uint32_t index)
{
    struct vm_pte pte = space_world_pte(w, 0, page * PAGE);
    assert_int_equal(pte.state, VM_PTE_SWAPPED);
    assert_int_equal(vm_slot_level(w->memory, pte.slot), level);
    assert_int_equal(vm_slot_index(w->memory, pte.slot), index);
    assert_true((pte.slot >= VM_SLOT_SLOW) == (level == VM_SWAP_SLOW));
}

static uint64_t requests(const struct space_world *w, enum vm_swap_level level,
                         enum vm_transfer kind)
{
    return vm_memory_queue(w->memory, level)->counts.requests[kind];
}

/* ---- where a page goes ---- */

static void a_page_goes_to_the_slow_device_when_the_fast_one_is_full(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nslots = 2, .slow_slots = 4});
    write_pages(&w, 1, 7);
    lies(&w, 1, VM_SWAP_FAST, 0);
    lies(&w, 2, VM_SWAP_FAST, 1);
    lies(&w, 3, VM_SWAP_SLOW, 0);
    lies(&w, 4, VM_SWAP_SLOW, 1);
    assert_int_equal(w.counts.writebacks, 4);
    assert_int_equal(w.counts.slow_writes, 2);
    assert_int_equal(w.counts.slots_peak, 4);
    space_world_close(&w);
}

static void a_slot_of_the_fast_device_that_is_freed_is_the_next_one_taken(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nslots = 2, .slow_slots = 4});
    write_pages(&w, 1, 7);
    unmap(&w, 2);
    write_pages(&w, 7, 9);
    lies(&w, 5, VM_SWAP_FAST, 1);
    lies(&w, 6, VM_SWAP_SLOW, 2);
    assert_int_equal(w.counts.slow_writes, 3);
    space_world_close(&w);
}

/* 3 comes back clean and leaves without a transfer; then it is written to and goes back to the slot
 * that it still has, though the fast device has room by now. */
static void a_page_keeps_its_slot_on_the_slow_device_while_it_is_its_home(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nslots = 2, .slow_slots = 16});
    write_pages(&w, 1, 7);
    assert_int_equal(touch(&w, 3, VM_READ).kind, VM_FAULT_SWAP_IN);
    assert_int_equal(w.counts.slow_reads, 1);
    unmap(&w, 1);
    write_pages(&w, 7, 9);
    lies(&w, 3, VM_SWAP_SLOW, 0);
    uint64_t writes = w.slow_writes;
    assert_int_equal(touch(&w, 3, VM_WRITE).kind, VM_FAULT_SWAP_IN);
    write_pages(&w, 9, 11);
    lies(&w, 3, VM_SWAP_SLOW, 0);
    assert_true(w.slow_writes > writes);
    space_world_close(&w);
}

static void where_both_are_full_a_dirty_page_cannot_leave(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nslots = 2, .slow_slots = 3});
    write_pages(&w, 1, 8);
    assert_int_equal(touch(&w, 8, VM_WRITE).outcome, TOUCH_FAILED);
    assert_non_null(strstr(w.error.text, "all 5 slots are in use"));
    assert_non_null(strstr(w.error.hint, "--swap-slow-size"));
    unmap(&w, 4);
    assert_int_equal(touch(&w, 8, VM_WRITE).outcome, TOUCH_DONE);
    space_world_close(&w);
}

static void where_both_are_full_a_process_is_killed_for_it(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nslots = 2, .slow_slots = 3, .oom = VM_OOM_KILL});
    write_pages(&w, 1, 8);
    assert_int_equal(touch(&w, 8, VM_WRITE).outcome, TOUCH_KILLED);
    assert_int_equal(w.counts.oom_kills, 1);
    assert_int_equal(w.memory->slots_used, 0);
    space_world_close(&w);
}

/* ---- what lies side by side ---- */

/* Clusters of 4, of six slots and six: pages 1 to 4 are one request; 5 and 6 are the last slots of
 * the fast device, 7 and 8 the first of the slow one. */
static void no_request_and_no_cluster_reaches_over_the_border(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w,
             (struct space_plan){.nframes = 8, .nslots = 6, .slow_slots = 6, .swap_cluster = 4});
    write_pages(&w, 1, 17);
    lies(&w, 1, VM_SWAP_FAST, 0);
    lies(&w, 6, VM_SWAP_FAST, 5);
    lies(&w, 7, VM_SWAP_SLOW, 0);
    lies(&w, 8, VM_SWAP_SLOW, 1);
    assert_int_equal(requests(&w, VM_SWAP_FAST, VM_TRANSFER_WRITE), 2);
    assert_int_equal(requests(&w, VM_SWAP_SLOW, VM_TRANSFER_WRITE), 1);
    assert_int_equal(w.writes, 8);
    assert_int_equal(w.counts.slow_writes, 2);
    space_world_close(&w);
}

/* Of twelve pages in slots, six and six, "cluster" brings with page 7, the first on the slow
 * device, one behind it, a quarter of the pages in memory, in one request; with page 6, the last on
 * the fast one, the first two of its window of four, which are not beside it. */
static void neighbours_are_read_of_the_same_device_alone(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){
                     .nframes = 16, .nslots = 6, .slow_slots = 6, .readahead = "cluster:window=8"});
    write_pages(&w, 1, 29);
    lies(&w, 6, VM_SWAP_FAST, 5);
    lies(&w, 7, VM_SWAP_SLOW, 0);
    for (unsigned page = 13; page < 23; page++) /* so that what comes evicts nothing */
        unmap(&w, page);
    touch(&w, 7, VM_READ);
    assert_int_equal(requests(&w, VM_SWAP_FAST, VM_TRANSFER_READ), 0);
    assert_int_equal(requests(&w, VM_SWAP_SLOW, VM_TRANSFER_READ), 1);
    assert_int_equal(w.counts.slow_reads, 2);
    touch(&w, 6, VM_READ);
    assert_int_equal(requests(&w, VM_SWAP_FAST, VM_TRANSFER_READ), 2);
    assert_int_equal(requests(&w, VM_SWAP_SLOW, VM_TRANSFER_READ), 1);
    assert_int_equal(w.reads - w.slow_reads, 3);
    assert_int_equal(touch(&w, 8, VM_READ).kind, VM_FAULT_SOFT);
    space_world_close(&w);
}

/* ---- what they take of memory ---- */

static uint64_t store_frames(const struct space_world *w)
{
    return w->memory->store.nframes;
}

/* Of pages of half a frame on a fast device of three slots two frames, whatever leaves for a slow
 * one outside the memory. */
static void a_fast_device_in_memory_takes_its_frames_and_no_more(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w,
             (struct space_plan){.nframes = 8, .nslots = 3, .slow_slots = 32, .kept = PAGE / 2});
    write_pages(&w, 1, 12);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 3);
    assert_int_equal(store_frames(&w), 2);
    write_pages(&w, 12, 30);
    assert_int_equal(store_frames(&w), 2);
    assert_int_equal(vm_memory_resident(w.memory), 6);
    assert_int_equal(w.counts.slow_writes, 29 - 6 - 3);
    space_world_close(&w);
}

static void a_slow_device_in_memory_takes_frames_after_the_fast_one_is_full(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){
                     .nframes = 8, .nslots = 3, .slow_slots = 32, .slow_kept = PAGE / 2});
    write_pages(&w, 1, 12);
    assert_int_equal(store_frames(&w), 0);
    write_pages(&w, 12, 13);
    assert_int_equal(store_frames(&w), 1);
    assert_int_equal(w.memory->store.npages[VM_SWAP_SLOW], 2);
    space_world_close(&w);
}

/* Every frame is used, and a page that has no slot would get one on the slow device, which would
 * take a frame. */
static void a_page_is_not_cleaned_to_a_device_that_has_no_frame_for_it(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(
        &w, (struct space_plan){.nframes = 4, .nslots = 1, .slow_slots = 9, .slow_kept = PAGE / 2});
    write_pages(&w, 1, 6);
    assert_false(vm_policy_clean(w.memory, space_world_pte(&w, 0, 2 * PAGE).pfn));
    unmap(&w, 5);
    assert_true(vm_policy_clean(w.memory, space_world_pte(&w, 0, 2 * PAGE).pfn));
    space_world_check(&w);
    assert_int_equal(store_frames(&w), 1);
    space_world_close(&w);
}

/* Bytes are rounded to frames on each device by itself: a page of 2048 and two of 1024 are two. */
static void each_device_has_frames_of_its_own(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){
                     .nframes = 8, .nslots = 1, .slow_slots = 9, .kept = 2048, .slow_kept = 1024});
    write_pages(&w, 1, 10); /* 1 and 2 leave: the first took the frame that it left */
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 1);
    assert_int_equal(w.memory->store.npages[VM_SWAP_SLOW], 2);
    assert_int_equal(store_frames(&w), 2);
    assert_true(space_world_event(&w, (struct vm_event){.kind = VM_EVENT_EXIT}));
    space_world_check(&w);
    assert_int_equal(store_frames(&w), 0);
    space_world_close(&w);
}

/* A page that is kept in memory leaves its slot as it comes back; one that lies outside keeps it.
 */
static void who_keeps_pages_gives_them_up_when_they_come_back(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w,
             (struct space_plan){.nframes = 6, .nslots = 2, .slow_slots = 32, .kept = PAGE / 2});
    write_pages(&w, 1, 12);
    vm_pfn fast = touch(&w, 1, VM_READ).pfn, slow = touch(&w, 5, VM_READ).pfn;
    assert_true(w.memory->bits[fast] & VM_FRAME_DIRTY);
    assert_false(w.memory->bits[slow] & VM_FRAME_DIRTY);
    assert_int_equal(vm_home_level(w.memory, slow), VM_SWAP_SLOW);
    space_world_close(&w);
}

/* Fifteen pages of space 0 come to be in slots: eight on the fast device, which takes nothing, and
 * seven on the slow one, which takes half a frame of each. Space 1 has eight there when it wants
 * one more frame, and none is left. */
static void a_kill_weighs_what_each_device_takes(void **unused)
{
    (void)unused;
    struct space_world w;
    open_two(&w, (struct space_plan){.nframes = 8,
                                     .nslots = 8,
                                     .slow_slots = 32,
                                     .slow_kept = PAGE / 2,
                                     .oom = VM_OOM_KILL});
    write_pages(&w, 1, 16);
    assert_true(space_world_event(&w, (struct vm_event){.kind = VM_EVENT_MAP,
                                                        .asid = 1,
                                                        .va = PAGE,
                                                        .bytes = 64 * PAGE,
                                                        .prot = VM_PROT_READ | VM_PROT_WRITE,
                                                        .detail = VM_BACKING_ANON}));
    unsigned page = 1;
    while (page < 64 && !w.counts.oom_kills) {
        space_world_touch(&w, 1, page++ * PAGE, VM_WRITE);
        space_world_check(&w);
    }
    assert_int_equal(page, 10);
    assert_true(vm_memory_space(w.memory, 1)->killed);
    assert_int_equal(w.memory->store.npages[VM_SWAP_FAST], 8);
    assert_int_equal(w.memory->store.npages[VM_SWAP_SLOW], 7);
    space_world_close(&w);
}

/* ---- random machines ---- */

/* Where a device takes no memory, what happens does not depend on how many there are. */
static void a_slow_device_changes_no_count_but_its_own(void **unused)
{
    (void)unused;
    static const char *const policies[] = {"lru", "clock", "fifo"};
    static const unsigned events[] = {TRACE_SWITCHES, TRACE_MAPS, TRACE_FORKS | TRACE_MAPS};
    static struct machine_trace t;
    unsigned spilt = 0;
    for (unsigned i = 0; i < test_rounds(60); i++) {
        char size[32];
        uint64_t slots = 1 + i * 37 % 200;
        uint64_t bytes = slots * PAGE;
        struct vm_config c = machine_config(policies[i % 3], 12 + i % 20);
        machine_trace_fill(&t, events[i / 3 % 3], i);
        struct vm_counts one = machine_play(&c, &t, 500).counts;
        snprintf(size, sizeof size, "%llu", (unsigned long long)bytes);
        machine_set(&c, "swap-size", size);
        machine_set(&c, "swap-slow", "hdd");
        struct vm_counts two = machine_play(&c, &t, 500).counts;
        assert_int_equal(two.slow_writes > 0, one.slots_peak > slots);
        spilt += two.slow_writes > 0;
        two.slow_reads = two.slow_writes = 0;
        assert_memory_equal(&one, &two, sizeof one);
    }
    assert_true(spilt > 0);
}

/* ---- time ---- */

#define FAST "ssd:depth=1,read_us=1,write_us=2,read_mbps=4096,write_mbps=4096"
#define SLOW "ssd:depth=1,read_us=100,write_us=200,read_mbps=4096,write_mbps=4096"

/* A machine of two frames in which only faults, of 1000 ns, and transfers take time. */
static struct vm_config two_frames(const char *fast, const char *slow)
{
    static const char *const free_of_charge[] = {"memory-ns", "copy-ns", "shootdown-ns"};
    struct vm_config c = machine_config("lru", 2);
    for (size_t i = 0; i < sizeof free_of_charge / sizeof free_of_charge[0]; i++)
        machine_set(&c, free_of_charge[i], "0");
    machine_set(&c, "fault-ns", "1000");
    machine_set(&c, "swap", fast);
    machine_set(&c, "swap-size", "8KiB");
    machine_set(&c, "swap-slow", slow);
    return c;
}

static void replay_pages(const struct vm_config *c, const char *text, struct vm_result *out)
{
    struct vm_error e = {0};
    struct vm_trace_options options = {.format = "rwi"};
    struct vm_source source = {"text", &options, text, strlen(text)};
    struct vm_run *r = vm_run_open(c, &source, NULL, &e);
    if (!r || !vm_run_to(r, UINT64_MAX, &e))
        fail_msg("%s", e.text);
    struct vm_engine *m = vm_run_engine(r);
    struct vm_time time;
    struct vm_engine_parts parts;
    memset(out, 0, sizeof *out);
    vm_engine_parts(m, &parts);
    vm_engine_counts(m, &out->counts);
    vm_engine_time(m, &time);
    vm_memory_transfers(vm_engine_memory(m), out->device);
    out->prices.swap_in_ns = (double)parts.waits_ns[VM_WAIT_READ];
    out->prices.swap_out_ns = (double)parts.waits_ns[VM_WAIT_WRITE];
    out->prices.total_ns = (double)time.now_ns;
    vm_engine_check(m);
    vm_run_close(r);
}

/*     touch    leaves        transfer            ns      the fast device has, the slow one has
 *     W 1, 2                                             -
 *     W 3      1, dirty      write, fast        2000     1
 *     W 4      2, dirty      write, fast        2000     1 2
 *     W 5      3, dirty      write, slow      200000     1 2      3
 *     W 6      4, dirty      write, slow      200000     1 2      3 4
 *     R 3      5, dirty      write, slow      200000     1 2      3 4 5
 *              3 comes       read, slow       100000
 *     R 1      6, dirty      write, slow      200000     1 2      3 4 5 6
 *              1 comes       read, fast         1000
 *     R 4      3, clean      -
 *              4 comes       read, slow       100000
 */
static void a_page_takes_the_time_of_the_device_that_it_lies_on(void **unused)
{
    (void)unused;
    struct vm_result r;
    struct vm_config c = two_frames(FAST, SLOW);
    replay_pages(&c, "W 1000\nW 2000\nW 3000\nW 4000\nW 5000\nW 6000\nR 3000\nR 1000\nR 4000\n",
                 &r);
    assert_int_equal(r.counts.faults, 9);
    assert_int_equal(r.counts.writebacks, 6);
    assert_int_equal(r.counts.swap_ins, 3);
    assert_int_equal(r.counts.slow_writes, 4);
    assert_int_equal(r.counts.slow_reads, 2);
    assert_true(r.prices.swap_out_ns == 2 * 2000 + 4 * 200000);
    assert_true(r.prices.swap_in_ns == 1000 + 2 * 100000);
    assert_true(r.prices.total_ns == 9 * 1000 + 804000 + 201000);
    const struct vm_queue_counts *fast = &r.device[VM_SWAP_FAST], *slow = &r.device[VM_SWAP_SLOW];
    assert_int_equal(fast->requests[VM_TRANSFER_WRITE], 2);
    assert_int_equal(fast->requests[VM_TRANSFER_READ], 1);
    assert_int_equal(fast->busy_ns, 5000);
    assert_int_equal(slow->requests[VM_TRANSFER_WRITE], 4);
    assert_int_equal(slow->requests[VM_TRANSFER_READ], 2);
    assert_int_equal(slow->busy_ns, 1000000);
}

/* Clusters of two, which the process waits for as it has no frame left. Of 2 and 3, the last slot
 * of the fast device and the first of the slow one, the frame of 2 is free after 2000 ns. */
static void a_frame_is_free_as_soon_as_its_own_device_is_done(void **unused)
{
    (void)unused;
    struct vm_result r;
    struct vm_config c = two_frames(FAST, SLOW);
    machine_set(&c, "swap-cluster", "2");
    machine_set(&c, "swap-size", "4KiB");
    replay_pages(&c, "W 1000\nW 2000\nW 3000\n", &r);
    assert_int_equal(r.counts.slow_writes, 1);
    assert_true(r.prices.swap_out_ns == 2000);
    assert_true(r.prices.total_ns == 3 * 1000 + 2000);
}

static void out_of_memory_names_the_device_that_keeps_pages(void **unused)
{
    (void)unused;
    struct vm_error e = {0};
    struct vm_config c = two_frames(FAST, "zram:ratio=1");
    struct vm_trace_options options = {.format = "rwi"};
    const char *text = "W 1000\nW 2000\nW 3000\nW 4000\nW 5000\n";
    struct vm_source source = {"text", &options, text, strlen(text)};
    struct vm_run *r = vm_run_open(&c, &source, NULL, &e);
    assert_non_null(r);
    assert_false(vm_run_to(r, UINT64_MAX, &e));
    assert_non_null(strstr(e.text, "zram keeps the pages that left in 2 of 2 frames"));
    vm_run_close(r);
}

/* ---- a shared machine ---- */

static uint64_t touch_at(struct vm_engine *m, unsigned page, enum vm_access access)
{
    struct vm_error e;
    vm_va va = page * PAGE;
    uint16_t meta = vm_ref_meta(access, 1);
    assert_true(vm_engine_run(m, &(struct vm_batch){.nrefs = 1, .va = &va, .meta = &meta}, &e));
    return vm_engine_blocked(m);
}

static struct vm_time time_of(struct vm_engine *m)
{
    struct vm_time t;
    vm_engine_time(m, &t);
    return t;
}

/* Three frames. As the first page leaves, the store takes its frame, so that the second must leave,
 * too; the processor compresses them. The fast device is full then. */
static void only_who_waits_for_a_device_leaves_the_processor_to_others(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_config c = two_frames("zram:compress_us=2,decompress_us=1,ratio=4", SLOW);
    c.memory_bytes = 3 * PAGE;
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    vm_engine_share(m);
    for (unsigned page = 1; page <= 3; page++)
        assert_int_equal(touch_at(m, page, VM_WRITE), 0);
    uint64_t before = time_of(m).now_ns;
    assert_int_equal(touch_at(m, 4, VM_WRITE), 0); /* 1 and 2 leave, for a frame and a page */
    assert_int_equal(time_of(m).now_ns - before, 2 * 2000 + 1000);
    before = time_of(m).now_ns;
    uint64_t until = touch_at(m, 5, VM_WRITE); /* 3 leaves, to the slow device */
    assert_int_equal(until - before, 200000 + 1000);
    assert_int_equal(time_of(m).now_ns - before, 1000);
    /* Another process comes meanwhile: 4 leaves to the slow device, whose channel is taken, and 1
     * comes from the fast one, which is idle: the processor works for it at once. */
    before = time_of(m).now_ns;
    uint64_t next = touch_at(m, 1, VM_READ);
    assert_int_equal(time_of(m).now_ns - before, 1000 + 1000);
    assert_int_equal(next, until - 1000 + 200000 + 1000 + 1000);
    /* And for a third: 5 leaves for the slot that 1 had, and 2 comes. */
    before = time_of(m).now_ns;
    assert_int_equal(touch_at(m, 2, VM_READ), 0);
    assert_int_equal(time_of(m).now_ns - before, 2000 + 1000 + 1000);
    vm_engine_check(m);
    vm_engine_close(m);
}

/* Eight frames. With page 5 page 3 is read, the first place of its window, by a request before its
 * own; who touches that one waits for it. The processor has only the faults to do. */
static void what_is_read_ahead_is_waited_for_as_its_own_device_is(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_config c = two_frames("zram:ratio=4", SLOW);
    struct vm_event unmap = {.kind = VM_EVENT_UNMAP, .va = 10 * PAGE, .bytes = 3 * PAGE};
    c.memory_bytes = 8 * PAGE;
    machine_set(&c, "readahead", "cluster");
    struct vm_engine *m = vm_engine_open(&c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    vm_engine_share(m);
    for (unsigned page = 1; page <= 14; page++)
        touch_at(m, page, VM_WRITE);
    assert_true(vm_engine_run(m, &(struct vm_batch){.nevents = 1, .event = &unmap}, &e));
    uint64_t before = time_of(m).now_ns, own = touch_at(m, 5, VM_READ);
    assert_true(own >= before + 100000);
    assert_int_equal(time_of(m).now_ns - before, 1000);
    before = time_of(m).now_ns;
    uint64_t soft = touch_at(m, 3, VM_READ);
    assert_int_equal(soft, own - 100000);
    assert_int_equal(time_of(m).now_ns - before, 1000);
    struct vm_counts counts;
    vm_engine_counts(m, &counts);
    assert_int_equal(counts.readahead_hits, 1);
    vm_engine_check(m);
    vm_engine_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_goes_to_the_slow_device_when_the_fast_one_is_full),
        cmocka_unit_test(a_slot_of_the_fast_device_that_is_freed_is_the_next_one_taken),
        cmocka_unit_test(a_page_keeps_its_slot_on_the_slow_device_while_it_is_its_home),
        cmocka_unit_test(where_both_are_full_a_dirty_page_cannot_leave),
        cmocka_unit_test(where_both_are_full_a_process_is_killed_for_it),
        cmocka_unit_test(no_request_and_no_cluster_reaches_over_the_border),
        cmocka_unit_test(neighbours_are_read_of_the_same_device_alone),
        cmocka_unit_test(a_fast_device_in_memory_takes_its_frames_and_no_more),
        cmocka_unit_test(a_slow_device_in_memory_takes_frames_after_the_fast_one_is_full),
        cmocka_unit_test(a_page_is_not_cleaned_to_a_device_that_has_no_frame_for_it),
        cmocka_unit_test(each_device_has_frames_of_its_own),
        cmocka_unit_test(who_keeps_pages_gives_them_up_when_they_come_back),
        cmocka_unit_test(a_kill_weighs_what_each_device_takes),
        cmocka_unit_test(a_slow_device_changes_no_count_but_its_own),
        cmocka_unit_test(a_page_takes_the_time_of_the_device_that_it_lies_on),
        cmocka_unit_test(a_frame_is_free_as_soon_as_its_own_device_is_done),
        cmocka_unit_test(out_of_memory_names_the_device_that_keeps_pages),
        cmocka_unit_test(only_who_waits_for_a_device_leaves_the_processor_to_others),
        cmocka_unit_test(what_is_read_ahead_is_waited_for_as_its_own_device_is),
    };
    return cmocka_run_group_tests_name("unit_space_swap", tests, NULL, NULL);
}
