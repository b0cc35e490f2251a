/* Thousands of small random worlds of pages, forks and evictions against what a program must see:
 * tests/oracle/naive_space.h. */
#include "base/random.h"
#include "oracle/naive_space.h"
#include "oracle/wishful.h"
#include "rounds.h"
#include "space/memory.h"
#include "unit/test.h"

#include <stdio.h>

enum { STEPS = 400 };

struct world {
    struct space_world fast;
    struct naive_space naive;
    struct vm_random random;
};

static uint64_t below(struct world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static uint8_t random_prot(struct world *w)
{
    static const uint8_t often[] = {VM_PROT_ALL, VM_PROT_ALL, VM_PROT_READ | VM_PROT_WRITE,
                                    VM_PROT_READ};
    return below(w, 3) ? often[below(w, 4)] : (uint8_t)below(w, VM_PROT_ALL + 1);
}

/* Whom the machine has killed. */
static void mourn(struct world *w)
{
    for (vm_asid asid = 0; asid < NAIVE_SPACES; asid++)
        if (vm_memory_space(w->fast.memory, asid) &&
            vm_memory_space(w->fast.memory, asid)->killed && !w->naive.killed[asid])
            naive_space_kill(&w->naive, asid);
}

static const char *touch(struct world *w)
{
    /* Entries may have gone from pages whose frames are still there. */
    w->naive.parks |= w->fast.counts.parks || w->fast.counts.queued;
    vm_asid asid = (vm_asid)below(w, NAIVE_SPACES);
    unsigned page = (unsigned)(below(w, 2) ? below(w, NAIVE_PAGES) : below(w, 12));
    enum vm_access access = (enum vm_access)below(w, VM_ACCESSES);
    vm_va va = w->naive.va[page] + below(w, w->naive.page_bytes);
    struct touch t = space_world_touch(&w->fast, asid, va, access);
    if (t.outcome == TOUCH_FAILED)
        return w->fast.error.text;
    mourn(w);
    return naive_space_touch(&w->naive, asid, page, access, t, w->fast.now);
}

/* A range of pages, from inside the first to inside the last. */
static struct vm_event random_event(struct world *w, enum vm_event_kind kind)
{
    unsigned first = (unsigned)below(w, NAIVE_PAGES), last = first + (unsigned)below(w, 8);
    if (last >= NAIVE_PAGES)
        last = NAIVE_PAGES - 1;
    vm_va va = w->naive.va[first] + below(w, 2) * below(w, w->naive.page_bytes);
    vm_asid asid = (vm_asid)below(w, NAIVE_SPACES);
    return (struct vm_event){
        .kind = (uint8_t)kind,
        .asid = asid,
        .child = (vm_asid)((asid + 1 + below(w, NAIVE_SPACES - 1)) % NAIVE_SPACES),
        .va = va,
        .bytes = w->naive.va[last] + w->naive.page_bytes - va,
        .prot = random_prot(w),
        .detail = (uint8_t)(kind == VM_EVENT_MAP ? below(w, 4) : VM_ADVICE_DONTNEED - below(w, 2)),
    };
}

static const char *event(struct world *w, enum vm_event_kind kind)
{
    struct vm_event v = random_event(w, kind);
    if (!space_world_event(&w->fast, v))
        return w->fast.error.text;
    naive_space_event(&w->naive, &v);
    mourn(w);
    return NULL;
}

static const char *step(struct world *w)
{
    static const enum vm_event_kind kinds[] = {
        VM_EVENT_MAP,  VM_EVENT_MAP,  VM_EVENT_UNMAP, VM_EVENT_PROTECT, VM_EVENT_PROTECT,
        VM_EVENT_FORK, VM_EVENT_FORK, VM_EVENT_EXEC,  VM_EVENT_EXIT,    VM_EVENT_ADVISE,
    };
    return below(w, 8) ? touch(w) : event(w, kinds[below(w, sizeof kinds / sizeof kinds[0])]);
}

/* A slot of the slow device is taken only while the fast one is full. Within a step pages come to
 * slots one by one: it can have become so. */
struct spill {
    uint64_t taken, fast, slow;
};

static struct spill spill_of(const struct world *w)
{
    const struct vm_memory *m = w->fast.memory;
    return (struct spill){w->fast.counts.slots_taken, m->swap[VM_SWAP_FAST].slots.used_all,
                          m->swap[VM_SWAP_SLOW].slots.used_all};
}

static const char *check_spill(const struct world *w, struct spill before)
{
    struct spill now = spill_of(w);
    if (now.slow <= before.slow)
        return NULL;
    uint64_t most = before.fast + (now.taken - before.taken) - (now.slow - before.slow);
    return most < w->fast.memory->swap[VM_SWAP_FAST].slots.n
               ? "a page went to the slow device, and the fast one had room"
               : NULL;
}

/* Plays a world; where the machine runs out of something, which only some worlds may, ends it. */
static struct vm_counts play(struct space_plan plan, bool may_run_out)
{
    struct world w;
    assert_true(space_world_open(&w.fast, &plan));
    naive_space_open(&w.naive, &plan);
    w.naive.parks = plan.readahead || plan.policy_ops;
    vm_random_seed(&w.random, plan.seed);
    for (unsigned i = 0; i < STEPS; i++) {
        struct spill before = spill_of(&w);
        if (plan.frames.processors > 1)
            vm_memory_processor(w.fast.memory, (uint32_t)below(&w, plan.frames.processors));
        const char *wrong = step(&w);
        if (wrong == w.fast.error.text && may_run_out) {
            assert_int_equal(w.fast.error.code, VM_EMACHINE);
            break;
        }
        space_world_check(&w.fast);
        if (!wrong)
            wrong = check_spill(&w, before);
        if (!wrong)
            wrong = naive_space_inspect(&w.naive, &w.fast);
        if (wrong)
            fail_msg("%s, %s, %u frames, tables %d, stray %d, seed %llu, step %u: %s", plan.scheme,
                     plan.policy, plan.nframes, plan.tables, plan.stray,
                     (unsigned long long)plan.seed, i, wrong);
    }
    space_world_close(&w.fast);
    return w.fast.counts;
}

/* Tables that grow, and move to where they can. */
static const char *const growing[] = {"bounded:bits=24", "two-way:bits=24"};

static const char *const schemes[] = {"x86-64",   "sv39",      "sv32", "linear:bits=20",
                                      "inverted", "clustered", "ech"};
#define NSCHEMES (sizeof schemes / sizeof schemes[0])

#define TURNS 8 /* policies that play the worlds of one plan */

/* Policies that need no future, in worlds of one scheme: of the table's rows every so many, others
 * for another seed. */
static uint64_t play_policies(struct space_plan plan, unsigned nseeds, bool may_run_out)
{
    uint64_t table_faults = 0;
    size_t rows = 0;
    while (vm_policy_at(rows))
        rows++;
    size_t each = (rows + TURNS - 1) / TURNS;
    for (size_t row = plan.seed / 1000 % each; row < rows; row += each) {
        if (vm_policy_at(row)->future == VM_FUTURE_NEEDED)
            continue;
        plan.policy = vm_policy_at(row)->name;
        for (unsigned i = test_rounds(nseeds); i-- > 0; plan.seed++) {
            plan.stray = plan.seed % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS;
            plan.colours = 1u << plan.seed % 4;
            table_faults += play(plan, may_run_out).table_faults;
        }
    }
    return table_faults;
}

static void a_program_sees_what_it_wrote_whatever_was_evicted(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < NSCHEMES; i++)
        play_policies(
            (struct space_plan){
                .scheme = schemes[i], .nframes = 12, .tables = VM_TABLES_APART, .seed = 1000 * i},
            12, false);
    for (size_t i = 0; i < 2; i++)
        play_policies(
            (struct space_plan){
                .scheme = growing[i], .nframes = 12, .tables = VM_TABLES_APART, .seed = 7000 * i},
            6, false);
}

static void the_same_holds_where_tables_compete_for_the_frames(void **unused)
{
    (void)unused;
    /* a few more than tables may need */
    static const uint32_t nframes[NSCHEMES] = {84, 60, 36, 16, 16, 16, 36};
    for (size_t i = 0; i < NSCHEMES; i++)
        play_policies((struct space_plan){.scheme = schemes[i],
                                          .nframes = nframes[i],
                                          .tables = VM_TABLES_INSIDE,
                                          .seed = 5000 * i},
                      6, false);
    for (size_t i = 0; i < 2; i++)
        play_policies((struct space_plan){.scheme = growing[i],
                                          .nframes = 80,
                                          .tables = VM_TABLES_INSIDE,
                                          .seed = 70000 + 5000 * i},
                      6, false);
}

/* A table of eight frames in a row, claimed from wherever pages are. */
static void the_same_holds_where_a_flat_table_claims_its_frames(void **unused)
{
    (void)unused;
    play_policies(
        (struct space_plan){
            .scheme = "linear:bits=24", .nframes = 40, .tables = VM_TABLES_INSIDE, .seed = 90000},
        12, false);
}

/* Huge pages of 2^order base pages: small memories are full of them. */
static struct space_plan huge_plan(enum vm_huge_pages pages, const char *scheme, unsigned order,
                                   uint32_t nframes, enum vm_tables tables)
{
    return (struct space_plan){
        .scheme = scheme,
        .nframes = nframes,
        .tables = tables,
        .seed = 100000 * pages + 1000 * nframes,
        .huge = {.pages = pages, .order = order, .scan_pages = 16, .empty_max = (1u << order) - 1},
        .scan_every = 7};
}

/* Of each kind one. */
static const char *const some[] = {"lru", "fifo", "clock", "random", "lfu",
                                   "nru", "vms",  "aging", "mru",    "enhanced-clock"};
#define NSOME (sizeof some / sizeof some[0])

/* Dirty pages written together, and ahead of need, while the process goes on. */
static void the_same_holds_where_pages_wait_to_be_written(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    static const uint32_t clusters[] = {1, 2, 4, 7};
    uint64_t rescues = 0, waits = 0;
    struct vm_counts sum;
    (void)unused;
    for (unsigned i = test_rounds(200); i-- > 0;) {
        bool inside = i % 4 == 3;
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = some[i % NSOME],
                                  .policy_ops = i % 5 ? NULL : &wishful_policy,
                                  .nframes = (inside ? 24 : 4) + i % 23,
                                  .swap_cluster = clusters[i / 4 % 4],
                                  .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 60000 + i};
        plan.low = i % 3 * plan.nframes / 8;
        plan.high = i % 3 ? plan.low + i % plan.nframes / 4 : 0;
        sum = play(plan, false);
        rescues += sum.rescues;
        waits += sum.frame_waits;
        struct space_plan huge =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2, 24, VM_TABLES_APART);
        huge.policy = "lru";
        huge.swap_cluster = plan.swap_cluster;
        huge.low = i % 3;
        huge.high = i % 3 * 2;
        huge.seed += i;
        play(huge, false);
    }
    assert_true(rescues > 0 && waits > 0);
}

/* Old pages are written, with everything else that writes and reads by itself. */
static void the_same_holds_whatever_the_flusher_writes(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    uint64_t flushes = 0;
    (void)unused;
    for (unsigned i = test_rounds(160); i-- > 0;) {
        bool inside = i % 4 == 3;
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = some[i % NSOME],
                                  .policy_ops = i % 7 ? NULL : &wishful_policy,
                                  .readahead = i % 5 ? NULL : "cluster",
                                  .nframes = (inside ? 24 : 4) + i % 23,
                                  .swap_cluster = 1 + i / 4 % 3 * 2,
                                  .flush_ns = 1 + i % 9 * 5,
                                  .flush_age_ns = i / 2 % 4 * 15,
                                  .flush = i % 3 ? VM_FLUSH_ALL : VM_FLUSH_SHARED,
                                  .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 120000 + i};
        plan.high = i / 8 % 3;
        plan.low = plan.high / 2;
        flushes += play(plan, false).flushes;
        struct space_plan huge =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2, 24, VM_TABLES_APART);
        huge.policy = "lru";
        huge.flush_ns = plan.flush_ns;
        huge.flush_age_ns = plan.flush_age_ns;
        huge.flush = plan.flush;
        huge.seed += i;
        flushes += play(huge, false).flushes;
    }
    assert_true(flushes > 0);
}

/* Zones, groups and lists of a few frames. */
static struct vm_frames_config some_frames(unsigned i, uint32_t nframes)
{
    static const unsigned nzones[] = {0, 2, 3, 4};
    struct vm_frames_config c = {.nzones = nzones[i % 4],
                                 .zone = {{VM_ZONE_DMA, 1 + i % 5, i % 3 * 4},
                                          {VM_ZONE_NORMAL, nframes / 2, i % 2 * 8},
                                          {VM_ZONE_HIGHMEM, 3, 0},
                                          {VM_ZONE_MOVABLE, UINT32_MAX, 0}},
                                 .min = i / 2 % 3,
                                 .block_order = i / 3 % 4,
                                 .list_high = i / 5 % 4 * 2,
                                 .list_batch = 1 + i % 2,
                                 .processors = 1 + i % 3};
    if (c.nzones > 0)
        c.zone[c.nzones - 1].nframes = UINT32_MAX;
    return c;
}

/* Whoever gets a frame in which zone, from which pageblock, out of whose list. */
static void the_same_holds_wherever_frames_come_from(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    (void)unused;
    for (unsigned i = test_rounds(100); i-- > 0;) {
        bool inside = i % 3 == 0;
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = some[i % NSOME],
                                  .nframes = (inside ? 120 : 14) + i % 23,
                                  .swap_cluster = 1 + i % 3,
                                  .kept = i % 5 ? 0 : 700,
                                  .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 160000 + i};
        plan.frames = some_frames(i, plan.nframes);
        plan.high = i % 4;
        plan.low = plan.high / 2;
        play(plan, inside);
        struct space_plan huge = huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2,
                                           inside ? 90 : 24, plan.tables);
        huge.policy = "lru";
        huge.frames = some_frames(i, huge.nframes);
        huge.seed += i;
        play(huge, inside);
    }
}

/* Pages that move to other frames, so that a run is free: mapped by one or many, dirty or not, of
 * files and of slots. */
static void the_same_holds_where_pages_move_for_huge_ones(void **unused)
{
    uint64_t moved = 0;
    (void)unused;
    for (unsigned i = test_rounds(100); i-- > 0;) {
        bool inside = i % 4 == 0;
        struct space_plan plan =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2,
                      (inside ? 84 : 16) + i % 31, inside ? VM_TABLES_INSIDE : VM_TABLES_APART);
        plan.compact = VM_COMPACT_NEEDED;
        plan.policy = some[i % NSOME];
        plan.policy_ops = i % 7 ? NULL : &wishful_policy;
        plan.swap_cluster = 1 + i % 3;
        plan.flush_ns = i % 5 ? 0 : 15;
        plan.flush_age_ns = 20;
        plan.flush = VM_FLUSH_ALL;
        plan.low = i % 3;
        plan.high = i % 3 * 2;
        plan.readahead = i % 6 ? NULL : "cluster";
        if (i % 2)
            plan.frames = some_frames(i, plan.nframes);
        plan.seed = 210000 + i;
        struct vm_counts c = play(plan, inside);
        moved += plan.huge.pages == VM_HUGE_COLLAPSE ? 0 : c.huge_copies;
    }
    assert_true(moved > 0);
}

/* What keeps nothing from pages, and finds all that is free, gives as many frames: who leaves is
 * the same. */
static void zones_groups_and_lists_that_keep_nothing_change_no_fault(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(60); i-- > 0;) {
        struct space_plan plan = {.scheme = schemes[i % 3],
                                  .policy = i % 2 ? "lru" : "fifo",
                                  .nframes = 4 + i % 23,
                                  .tables = VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 190000 + i};
        struct vm_counts plain = play(plan, false), other;
        plan.frames = some_frames(i, plan.nframes);
        plan.frames.min = 0;
        plan.frames.processors = 1;
        for (unsigned z = 0; z < VM_ZONES_MAX; z++)
            plan.frames.zone[z].ratio = 0;
        other = play(plan, false);
        assert_memory_equal(&plain, &other, sizeof plain);
    }
}

/* A policy that parks, gives up and cleans pages: tables apart, inside, evicted, and huge pages. */
static void the_same_holds_whatever_a_policy_wishes(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    (void)unused;
    for (unsigned i = test_rounds(160); i-- > 0;) {
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = "fifo",
                                  .policy_ops = &wishful_policy,
                                  .nframes = (i % 4 == 3 ? 24 : 4) + i % 23,
                                  .tables = i % 4 == 3 ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 40000 + i};
        play(plan, false);
        struct space_plan huge =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2, 24, VM_TABLES_APART);
        huge.policy = plan.policy;
        huge.policy_ops = plan.policy_ops;
        huge.seed += i;
        play(huge, false);
    }
}

static void the_same_holds_with_huge_pages(void **unused)
{
    static const struct {
        const char *scheme;
        unsigned order, nseeds; /* few where a check has many frames to look at */
        uint32_t nframes;
        enum vm_tables tables;
    } row[] = {
        {"two-level:dir=10,table=2", 2, 3, 12, VM_TABLES_APART},
        {"two-level:dir=10,table=1", 1, 3, 13, VM_TABLES_APART},
        {"two-level:dir=10,table=2", 2, 3, 60, VM_TABLES_INSIDE},
        {"two-level:dir=10,table=2", 2, 3, 90, VM_TABLES_INSIDE},
        {"two-level:dir=12,table=2", 2, 3, 84, VM_TABLES_INSIDE},
        {"x86-64", 9, 1, 1600, VM_TABLES_APART},
        {"sv39", 9, 1, 1300, VM_TABLES_INSIDE},
    };
    (void)unused;
    for (enum vm_huge_pages pages = VM_HUGE_FAULT; pages <= VM_HUGE_COLLAPSE; pages++)
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
            play_policies(
                huge_plan(pages, row[i].scheme, row[i].order, row[i].nframes, row[i].tables),
                row[i].nseeds, false);
}

/* Tables that are pages themselves, of spaces that hold pages in up to six of theirs. */
static const struct space_plan paged[] = {
    {.scheme = "paged-linear:bits=24,processes=3"},
    {.scheme = "mips:processes=3"},
    {.scheme = "vax:virtualpagecnt=4096,processes=3", .page_shift = 9},
};
static const uint32_t kernel_frames[] = {1, 12, 1};

static void the_same_holds_where_tables_are_evicted_too(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        uint64_t table_faults = 0;
        for (uint32_t room = 16; room <= 40; room += 12) {
            struct space_plan plan = paged[i];
            plan.nframes = kernel_frames[i] + room;
            plan.seed = 100000 * (i + 1) + 1000 * room;
            table_faults += play_policies(plan, 6, false);
        }
        assert_true(table_faults > 0);
    }
}

/* Tables that move to more frames when they grow, and give back the end when they shrink. */
static void the_same_holds_where_tables_grow_by_moving(void **unused)
{
    (void)unused;
    play_policies((struct space_plan){.scheme = "paged-segments:bits=24,segments=1",
                                      .nframes = 60,
                                      .tables = VM_TABLES_INSIDE,
                                      .seed = 95000},
                  12, false);
}

static void a_world_that_runs_out_was_right_until_then(void **unused)
{
    (void)unused;
    for (enum vm_huge_pages pages = VM_HUGE_FAULT; pages <= VM_HUGE_COLLAPSE; pages++)
        play_policies(huge_plan(pages, "two-level:dir=10,table=2", 2, 11, VM_TABLES_INSIDE), 3,
                      true);
    for (size_t i = 0; i < 3; i++) {
        play_policies((struct space_plan){.scheme = schemes[i],
                                          .nframes = 14,
                                          .tables = VM_TABLES_INSIDE,
                                          .seed = 20000 + 1000 * i},
                      4, true);
        play_policies((struct space_plan){.scheme = schemes[i],
                                          .nframes = 6,
                                          .nslots = 12,
                                          .tables = VM_TABLES_APART,
                                          .seed = 30000 + 1000 * i},
                      4, true);
    }
}

/* Pages that nobody has asked for come into frames, in time or in vain. */
static void the_same_holds_whatever_is_read_ahead(void **unused)
{
    static const char *const ahead[] = {"cluster",           "vma",           "stride", "leap",
                                        "cluster:window=64", "leap:history=1"};
    static const struct space_plan plans[] = {
        {.scheme = "x86-64", .nframes = 14, .tables = VM_TABLES_APART},
        {.scheme = "sv32", .nframes = 70, .tables = VM_TABLES_INSIDE},
        {.scheme = "mips:processes=3", .nframes = 28, .tables = VM_TABLES_INSIDE},
        {.scheme = "inverted", .nframes = 30, .tables = VM_TABLES_INSIDE, .swap_cluster = 8},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++)
        for (size_t k = 0; k < sizeof plans / sizeof plans[0]; k++) {
            struct space_plan plan = plans[k];
            plan.readahead = ahead[i];
            plan.seed = 300000 + 10000 * i + 1000 * k;
            play_policies(plan, 2, false);
        }
}

/* Nobody runs out where somebody may be killed for it; and who lives sees what he wrote. */
static void the_same_holds_for_who_outlives_the_others(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    uint64_t kills = 0;
    (void)unused;
    for (unsigned i = test_rounds(120); i-- > 0;) {
        bool inside = i % 4 == 3;
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = some[i % NSOME],
                                  .policy_ops = i % 5 ? NULL : &wishful_policy,
                                  .nframes = (inside ? 24 : 4) + i % 13,
                                  .nslots = 2 + i % 17,
                                  .oom = VM_OOM_KILL,
                                  .swap_cluster = 1 + i / 4 % 3 * 2,
                                  .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 80000 + i};
        plan.high = i % 3;
        plan.low = i % 3 / 2;
        kills += play(plan, false).oom_kills;
    }
    assert_true(kills > 0);
}

/* Pages in slots take frames: of the same memory as pages, tables, and what is being written. Such
 * a memory may be too small for them. */
static void the_same_holds_where_swap_is_compressed_memory(void **unused)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    static const char *const ahead[] = {NULL, "cluster", "vma"};
    static const uint64_t kept[] = {1000, 2048, 2080, 4000};
    uint64_t peak = 0, table_faults = 0, rescues = 0;
    (void)unused;
    for (unsigned i = test_rounds(120); i-- > 0;) {
        bool inside = i % 4 == 3 || i % 12 == 5;
        struct space_plan plan = {.scheme = tables[i % 4],
                                  .policy = some[i % NSOME],
                                  .policy_ops = i % 5 ? NULL : &wishful_policy,
                                  .readahead = ahead[i / 2 % 3],
                                  .kept = kept[i / 8 % 4],
                                  .nframes = (inside ? 40 : 16) + i % 47,
                                  .swap_cluster = 1 + i / 4 % 3 * 2,
                                  .oom = i % 7 < 3 ? VM_OOM_KILL : VM_OOM_FAIL,
                                  .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                                  .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                                  .seed = 110000 + i};
        plan.low = i % 3 * plan.nframes / 8;
        plan.high = i % 3 ? plan.low + i % plan.nframes / 4 : 0;
        struct vm_counts sum = play(plan, plan.oom == VM_OOM_FAIL);
        peak += sum.store_frames_peak;
        table_faults += sum.table_faults;
        rescues += sum.rescues;
        struct space_plan huge =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2, 40, VM_TABLES_APART);
        huge.policy = "lru";
        huge.kept = plan.kept;
        huge.swap_cluster = plan.swap_cluster;
        huge.tables = i % 8 ? VM_TABLES_APART : VM_TABLES_INSIDE;
        huge.nframes += i % 8 ? 0 : 60;
        huge.seed += i;
        play(huge, true);
    }
    assert_true(peak > 0 && table_faults > 0 && rescues > 0);
}

/* A fast device that is soon full, and a slow one, with everything that writes and reads by itself;
 * either may take memory for what it has. */
static struct space_plan two_devices(unsigned i)
{
    static const char *const tables[] = {"x86-64", "sv32", "inverted", "mips:processes=3"};
    static const char *const ahead[] = {NULL, "cluster", "vma", NULL, "leap"};
    static const uint64_t kept[] = {0, 0, 1000, 2080};
    bool inside = i % 4 == 3;
    struct space_plan plan = {.scheme = tables[i % 4],
                              .policy = some[i % NSOME],
                              .policy_ops = i % 7 ? NULL : &wishful_policy,
                              .readahead = ahead[i % 5],
                              .nframes = (inside ? 24 : 6) + i % 23,
                              .nslots = 1 + i / 3 % 13,
                              .slow_slots = i % 9 ? WORLD_SLOTS : 1 + i % 11,
                              .kept = kept[i / 4 % 4],
                              .slow_kept = kept[i / 16 % 4],
                              .swap_cluster = 1 + i / 4 % 3 * 2,
                              .oom = i % 3 ? VM_OOM_KILL : VM_OOM_FAIL,
                              .flush_ns = i % 6 ? 0 : 1 + i % 9 * 5,
                              .flush = VM_FLUSH_ALL,
                              .tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART,
                              .stray = i % 2 ? VM_STRAY_MAPS : VM_STRAY_FAULTS,
                              .seed = 130000 + i};
    plan.low = i % 3 * plan.nframes / 8;
    plan.high = i % 3 ? plan.low + i % plan.nframes / 4 : 0;
    return plan;
}

static void the_same_holds_where_swap_has_two_devices(void **unused)
{
    struct vm_counts sum = {0};
    (void)unused;
    for (unsigned i = test_rounds(100); i-- > 0;) {
        struct space_plan plan = two_devices(i);
        struct vm_counts c = play(plan, plan.oom == VM_OOM_FAIL);
        sum.slow_reads += c.slow_reads;
        sum.slow_writes += c.slow_writes;
        sum.swap_ins += c.swap_ins + c.readaheads + c.table_faults + c.table_reads;
        sum.writebacks += c.writebacks + c.cleanings + c.table_writes;
        struct space_plan huge =
            huge_plan(VM_HUGE_FAULT + i % 3, "two-level:dir=10,table=2", 2, 24, VM_TABLES_APART);
        huge.policy = "lru";
        huge.nslots = plan.nslots;
        huge.slow_slots = WORLD_SLOTS;
        huge.swap_cluster = plan.swap_cluster;
        huge.seed += i;
        play(huge, false);
    }
    assert_true(sum.slow_reads > 0 && sum.slow_reads < sum.swap_ins);
    assert_true(sum.slow_writes > 0 && sum.slow_writes < sum.writebacks);
}

static void the_same_holds_where_a_claimed_window_meets_compressed_pages(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(20); i-- > 0;)
        play((struct space_plan){.scheme = i % 2 ? "linear:bits=24" : growing[i / 2 % 2],
                                 .policy = some[i % NSOME],
                                 .kept = 1500,
                                 .nframes = 60 + i % 31,
                                 .tables = VM_TABLES_INSIDE,
                                 .seed = 120000 + i},
             true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_sees_what_it_wrote_whatever_was_evicted),
        cmocka_unit_test(the_same_holds_where_tables_compete_for_the_frames),
        cmocka_unit_test(the_same_holds_where_a_flat_table_claims_its_frames),
        cmocka_unit_test(the_same_holds_whatever_a_policy_wishes),
        cmocka_unit_test(the_same_holds_where_pages_wait_to_be_written),
        cmocka_unit_test(the_same_holds_whatever_the_flusher_writes),
        cmocka_unit_test(the_same_holds_wherever_frames_come_from),
        cmocka_unit_test(the_same_holds_where_pages_move_for_huge_ones),
        cmocka_unit_test(zones_groups_and_lists_that_keep_nothing_change_no_fault),
        cmocka_unit_test(the_same_holds_whatever_is_read_ahead),
        cmocka_unit_test(the_same_holds_with_huge_pages),
        cmocka_unit_test(the_same_holds_where_tables_are_evicted_too),
        cmocka_unit_test(the_same_holds_where_tables_grow_by_moving),
        cmocka_unit_test(the_same_holds_for_who_outlives_the_others),
        cmocka_unit_test(the_same_holds_where_swap_is_compressed_memory),
        cmocka_unit_test(the_same_holds_where_swap_has_two_devices),
        cmocka_unit_test(the_same_holds_where_a_claimed_window_meets_compressed_pages),
        cmocka_unit_test(a_world_that_runs_out_was_right_until_then),
    };
    return cmocka_run_group_tests_name("diff_space", tests, NULL, NULL);
}
