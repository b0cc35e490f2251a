/* Thousands of small random worlds of programs that read and write memory and files, on machines of
 * all kinds, against what they must read: tests/oracle/naive_contents.h. */
#include "base/random.h"
#include "oracle/contents_world.h"
#include "rounds.h"
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

enum { STEPS = 400, LOCKED_MOST = 2 };

struct world {
    struct contents_world it;
    struct vm_random random;
    vm_asid asid; /* of the access before */
    unsigned page;
};

static uint64_t below(struct world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static vm_asid random_program(struct world *w)
{
    return (vm_asid)below(w, CONTENTS_WINDOWS);
}

/* ---- what programs and the kernel do ---- */

/* Often to the page of the access before: by the translation that is kept. */
static bool access_page(struct world *w)
{
    if (below(w, 3)) {
        w->asid = random_program(w);
        w->page = (unsigned)(below(w, 2) ? below(w, CONTENTS_PAGES) : 14 + below(w, 12));
    }
    return contents_world_access(&w->it, w->asid, w->page, (enum vm_access)below(w, VM_ACCESSES),
                                 (unsigned)below(w, CONTENTS_CELLS), (uint8_t)below(w, 256));
}

/* The kernel reads and writes files through its windows; sometimes it looks at programs' pages. */
static bool reach_page(struct world *w)
{
    vm_asid asid = below(w, 4) ? CONTENTS_WINDOWS : random_program(w);
    return contents_world_reach(&w->it, asid, (unsigned)below(w, CONTENTS_PAGES),
                                (enum vm_access)below(w, 2), (unsigned)below(w, CONTENTS_CELLS),
                                (uint8_t)below(w, 256));
}

/* A range of pages, from inside the first to inside the last. */
static struct vm_event range_event(struct world *w, enum vm_event_kind kind)
{
    static const uint8_t often[] = {VM_PROT_ALL, VM_PROT_ALL, VM_PROT_READ | VM_PROT_WRITE,
                                    VM_PROT_READ};
    uint64_t page_bytes = w->it.naive.page_bytes;
    unsigned first = (unsigned)below(w, CONTENTS_PAGES), last = first + (unsigned)below(w, 8);
    if (last >= CONTENTS_PAGES)
        last = CONTENTS_PAGES - 1;
    uint64_t inside = below(w, 2) * below(w, page_bytes);
    return (struct vm_event){
        .kind = (uint8_t)kind,
        .asid = random_program(w),
        .va = w->it.naive.first + first * page_bytes + inside,
        .bytes = (last - first + 1) * page_bytes - inside,
        .prot = below(w, 3) ? often[below(w, 4)] : (uint8_t)below(w, VM_PROT_ALL + 1),
        .detail = (uint8_t)(VM_ADVICE_DONTNEED - below(w, 2)),
    };
}

/* Few pages are locked at once: the others must do without their frames. */
static bool advise(struct world *w)
{
    struct vm_event event = range_event(w, VM_EVENT_ADVISE);
    if (below(w, 2))
        event.detail = (uint8_t)(VM_ADVICE_LOCK + below(w, VM_ADVICE_OF_FILE - VM_ADVICE_LOCK));
    if (event.detail == VM_ADVICE_LOCK) {
        event.bytes = 1;
        if (contents_world_locked(&w->it) >= LOCKED_MOST)
            event.detail = VM_ADVICE_COLD;
    }
    return contents_world_event(&w->it, &event);
}

static bool move(struct world *w)
{
    return contents_world_move(&w->it, random_program(w), (unsigned)below(w, CONTENTS_PAGES),
                               1 + (unsigned)below(w, 8), (unsigned)below(w, CONTENTS_PAGES),
                               below(w, 3) ? VM_MOVE_UNMAPS : VM_MOVE_LEAVES_MAPPED);
}

static bool range(struct world *w, enum vm_event_kind kind)
{
    struct vm_event event = range_event(w, kind);
    return contents_world_event(&w->it, &event);
}

/* Of a file, at any place and from any page of it, or of none. */
static bool map(struct world *w)
{
    struct vm_event event = range_event(w, VM_EVENT_MAP);
    event.detail = VM_BACKING_ANON;
    if (below(w, 3)) {
        event.file = 1 + (uint32_t)below(w, CONTENTS_FILES);
        event.file_page = w->it.naive.file_first[event.file] + below(w, CONTENTS_FILE_PAGES - 7);
        event.detail = below(w, 2) ? VM_BACKING_FILE : VM_BACKING_SHARED;
    }
    return contents_world_event(&w->it, &event);
}

static bool space_event(struct world *w, enum vm_event_kind kind)
{
    vm_asid asid = random_program(w);
    struct vm_event event = {.kind = (uint8_t)kind,
                             .asid = asid,
                             .child = (vm_asid)((asid + 1 + below(w, 2)) % CONTENTS_WINDOWS)};
    return contents_world_event(&w->it, &event);
}

/* The file's pages are forgotten; if nobody maps them, with what was never written. */
static bool forget_file(struct world *w)
{
    unsigned file = 1 + (unsigned)below(w, CONTENTS_FILES);
    struct vm_event event = contents_world_window(&w->it, file);
    event.kind = VM_EVENT_UNMAP;
    if (!contents_world_event(&w->it, &event))
        return false;
    if ((below(w, 2) || naive_contents_is_mapped(&w->it.naive, file)) &&
        !contents_world_sync(&w->it, file))
        return false;
    return contents_world_drop(&w->it, file) && contents_world_open_window(&w->it, file);
}

/* The process leaves for a while; some of its pages come back before it does. */
static bool suspend(struct world *w)
{
    vm_asid asid = random_program(w);
    unsigned page = (unsigned)below(w, CONTENTS_PAGES);
    return contents_world_suspend(&w->it, asid) &&
           (below(w, 2) || contents_world_prepage(&w->it, asid, page,
                                                  (unsigned)below(w, CONTENTS_PAGES - page + 1)));
}

static bool prepage(struct world *w)
{
    unsigned page = (unsigned)below(w, CONTENTS_PAGES - 8);
    return contents_world_prepage(&w->it, random_program(w), page, (unsigned)below(w, 9));
}

static bool rare_step(struct world *w)
{
    switch (below(w, 17)) {
    case 0:
        return contents_world_sync(&w->it, (unsigned)below(w, CONTENTS_FILES + 1));
    case 1:
        return forget_file(w);
    case 2:
        return suspend(w);
    case 3:
        return space_event(w, VM_EVENT_EXEC);
    case 4:
        return space_event(w, VM_EVENT_EXIT);
    case 5:
    case 6:
        return space_event(w, VM_EVENT_FORK);
    case 7:
    case 8:
        return advise(w);
    case 9:
        return range(w, VM_EVENT_UNMAP);
    case 10:
    case 11:
        return range(w, VM_EVENT_PROTECT);
    case 12:
        return prepage(w);
    case 13:
        return move(w);
    default:
        return map(w);
    }
}

static bool step(struct world *w)
{
    if (below(w, 50) == 0)
        vm_engine_work(w->it.engine, below(w, 40000));
    if (below(w, 8) == 0)
        return rare_step(w);
    return below(w, 6) ? access_page(w) : reach_page(w);
}

/* ---- a world ---- */

struct plan {
    struct vm_config config;
    uint64_t seed;
};

static struct plan plan_of(const char *scheme, const char *policy, unsigned nframes, uint64_t seed)
{
    struct plan p = {.seed = seed};
    vm_config_init(&p.config);
    p.config.layout = VM_LAYOUT_AS_IS;
    p.config.tables = VM_TABLES_APART;
    p.config.page_bytes = strncmp(scheme, "vax", 3) ? 4096 : 512;
    p.config.memory_bytes = nframes * p.config.page_bytes;
    p.config.swap_bytes = 600 * p.config.page_bytes;
    p.config.colours = UINT64_C(1) << seed % 3;
    p.config.seed = seed;
    strcpy(p.config.tlb, seed % 3 ? "l1=4/2 l2=8/4" : "none");
    snprintf(p.config.scheme, sizeof p.config.scheme, "%s", scheme);
    snprintf(p.config.policy, sizeof p.config.policy, "%s", policy);
    return p;
}

/* Whether the plan's policy can be had where programs run. */
static bool is_possible(const struct vm_policy_ops *policy)
{
    return policy->future == VM_FUTURE_UNUSED;
}

static struct vm_counts play(const struct plan *p)
{
    struct world w = {.page = 0};
    struct vm_counts counts;
    bool good = contents_world_open(&w.it, &p->config, 1 + p->seed % 5 * 15);
    vm_random_seed(&w.random, p->seed);
    if (good && p->seed % 2)
        vm_engine_share(w.it.engine);
    for (unsigned i = 0; good && i < STEPS; i++) {
        good = step(&w) && contents_world_check_kept(&w.it) && contents_world_check_locked(&w.it);
        if (p->seed % 8 == 0)
            vm_engine_check(w.it.engine);
    }
    good = good && contents_world_compare(&w.it);
    if (!good)
        fail_msg("%s, %s, %llu frames, seed %llu: %s", p->config.scheme, p->config.policy,
                 (unsigned long long)(p->config.memory_bytes / p->config.page_bytes),
                 (unsigned long long)p->seed, w.it.error.text);
    vm_engine_check(w.it.engine);
    vm_engine_counts(w.it.engine, &counts);
    assert_int_equal(counts.violations + counts.denials, w.it.refused);
    contents_world_close(&w.it);
    return counts;
}

static const char *const schemes[] = {"sv39",      "x86-64", "two-level:dir=10,table=2",
                                      "inverted",  "sv32",   "linear:bits=20",
                                      "clustered", "ech",    "two-way:bits=24"};
#define NSCHEMES (sizeof schemes / sizeof schemes[0])

/* Of each kind one, and those that park, give up and clean. */
static const char *const some[] = {"clock", "lru",   "vms",         "wsclock", "random",
                                   "fifo",  "aging", "working-set", "linux",   "enhanced-clock"};
#define NSOME (sizeof some / sizeof some[0])

static void programs_read_what_was_written_whatever_policy_evicts(void **unused)
{
    (void)unused;
    for (size_t row = 0; vm_policy_at(row); row++)
        for (unsigned i = test_rounds(30); is_possible(vm_policy_at(row)) && i-- > 0;) {
            struct plan p = plan_of(schemes[(row + i) % NSCHEMES], vm_policy_at(row)->name,
                                    6 + i % 13, 1000 * row + i);
            play(&p);
        }
}

/* Pages that are written together, ahead of need and because they are old, and read ahead. */
static void mix_writes(struct plan *p, unsigned i)
{
    static const char *const ahead[] = {"none", "cluster", "vma", "stride", "leap", "cluster"};
    static const unsigned clusters[] = {1, 2, 4, 7, 1};
    struct vm_config *c = &p->config;
    uint64_t nframes = c->memory_bytes / c->page_bytes;
    strcpy(c->readahead, ahead[i % 6]);
    c->swap_cluster = clusters[i % 5];
    if (i % 4 < 2) {
        snprintf(c->watermark_low, sizeof c->watermark_low, "%u", i % 3);
        snprintf(c->watermark_high, sizeof c->watermark_high, "%u",
                 (unsigned)(nframes / 4) + i % 3);
    }
    if (i % 7 < 4) {
        c->flush = i % 2 ? VM_FLUSH_ALL : VM_FLUSH_SHARED;
        c->flush_ms = 0.002 * (1 + i % 5);
        c->flush_age_ms = 0.005 * (i % 3);
    }
}

static void mix_machine(struct plan *p, unsigned i)
{
    struct vm_config *c = &p->config;
    c->marks = i % 3;
    c->tlb_tags = i % 5 ? VM_TLB_TAGS_ASID : VM_TLB_TAGS_FLUSH;
    if (i % 4 == 1 && strcmp(c->tlb, "none"))
        c->prefetch = VM_PREFETCH_NEXT + i / 4 % 3;
    if (i % 6 == 2)
        strcpy(c->cache, "l1=1KiB/2 l2=4KiB/4");
}

static void the_same_holds_where_tables_compete_for_the_frames(void **unused)
{
    static const char *const tables[] = {"sv39",
                                         "sv32",
                                         "inverted",
                                         "mips:processes=4",
                                         "paged-linear:bits=24,processes=4",
                                         "vax:virtualpagecnt=4096,processes=4"};
    static const unsigned nframes[] = {40, 30, 20, 28, 40, 40};
    uint64_t table_evictions = 0;
    (void)unused;
    for (unsigned i = test_rounds(240); i-- > 0;) {
        const char *policy = some[i / 6 % NSOME];
        struct plan p = plan_of(tables[i % 6], policy, nframes[i % 6] + i % 11, 200000 + i);
        p.config.tables = VM_TABLES_INSIDE;
        mix_writes(&p, i / 6 % 2 * i / 12); /* of every other world */
        table_evictions += play(&p).table_evictions;
    }
    assert_true(table_evictions > 0);
}

static void the_same_holds_whatever_is_written_and_read_ahead(void **unused)
{
    struct vm_counts c;
    uint64_t rescues = 0, hits = 0, prepage_hits = 0, flushes = 0, waits = 0;
    uint64_t locked = 0, remaps = 0;
    (void)unused;
    for (unsigned i = test_rounds(600); i-- > 0;) {
        struct plan p = plan_of(schemes[i % NSCHEMES], some[i / 3 % NSOME], 6 + i % 17, 300000 + i);
        mix_writes(&p, i / 2);
        mix_machine(&p, i);
        c = play(&p);
        rescues += c.rescues;
        hits += c.readahead_hits;
        prepage_hits += c.prepage_hits;
        flushes += c.flushes;
        waits += c.frame_waits;
        locked += c.locked_peak;
        remaps += c.remaps;
    }
    assert_true(rescues > 0 && hits > 0 && prepage_hits > 0 && flushes > 0 && waits > 0);
    assert_true(locked > 0 && remaps > 0);
}

static void the_same_holds_with_huge_pages(void **unused)
{
    uint64_t promotions = 0, demotions = 0, huge_faults = 0, moved = 0;
    (void)unused;
    for (unsigned i = test_rounds(900); i-- > 0;) {
        unsigned order = 1 + i % 2;
        bool inside = i % 5 == 4;
        struct plan p =
            plan_of(order == 2 ? "two-level:dir=10,table=2" : "two-level:dir=10,table=1",
                    some[i / 3 % NSOME], (inside ? 90 : 13) + i % 19, 400000 + i);
        p.config.tables = inside ? VM_TABLES_INSIDE : VM_TABLES_APART;
        p.config.huge_pages = VM_HUGE_FAULT + i % 4;
        p.config.huge_bytes = p.config.page_bytes << order;
        p.config.huge_scan_touches = 7;
        p.config.huge_scan_pages = 16;
        mix_writes(&p, i / 3);
        mix_machine(&p, i);
        if (i / 4 % 2) { /* free frames that lie apart, and are moved together */
            p.config.compact = VM_COMPACT_NEEDED;
            strcpy(p.config.watermark_low, "6");
            strcpy(p.config.watermark_high, "9");
        }
        struct vm_counts c = play(&p);
        promotions += c.promotions;
        demotions += c.demotions;
        huge_faults += c.huge_faults;
        moved += p.config.huge_pages == VM_HUGE_COLLAPSE ? 0 : c.huge_copies;
    }
    assert_true(promotions > 0 && demotions > 0 && huge_faults > 0 && moved > 0);
}

/* Pages in slots take frames of the same memory. */
static void the_same_holds_where_swap_is_compressed_memory(void **unused)
{
    uint64_t peak = 0;
    (void)unused;
    for (unsigned i = test_rounds(200); i-- > 0;) {
        struct plan p =
            plan_of(schemes[i % NSCHEMES], some[i / 3 % NSOME], 100 + i % 40, 500000 + i);
        strcpy(p.config.swap, i % 2 ? "zram" : "zram:ratio=1.3");
        mix_writes(&p, i / 2);
        mix_machine(&p, i);
        peak += play(&p).store_frames_peak;
    }
    assert_true(peak > 0);
}

/* A slot's number says which device it is on, and the slow one's are far from the first. */
static void the_same_holds_where_a_slow_device_takes_what_the_fast_one_has_no_room_for(
    void **unused)
{
    uint64_t slow = 0;
    (void)unused;
    for (unsigned i = test_rounds(150); i-- > 0;) {
        struct plan p = plan_of(schemes[i % NSCHEMES], some[i / 3 % NSOME], 8 + i % 13, 600000 + i);
        p.config.swap_bytes = (1 + i % 11) * p.config.page_bytes;
        strcpy(p.config.swap_slow, "hdd");
        mix_writes(&p, i / 2);
        slow += play(&p).slow_reads;
    }
    assert_true(slow > 0);
}

/* Pages of files that nobody maps any more are still of whoever brought them. */
static void the_same_holds_where_processes_have_shares(void **unused)
{
    (void)unused;
    for (unsigned i = test_rounds(150); i-- > 0;) {
        struct plan p = plan_of(schemes[i % NSCHEMES], some[i / 3 % NSOME], 8 + i % 13, 700000 + i);
        p.config.allot = i % 2 ? VM_ALLOT_FIXED : VM_ALLOT_PROPORTIONAL;
        p.config.allot_frames = i % 4;
        mix_writes(&p, i / 2);
        play(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_read_what_was_written_whatever_policy_evicts),
        cmocka_unit_test(the_same_holds_where_tables_compete_for_the_frames),
        cmocka_unit_test(the_same_holds_whatever_is_written_and_read_ahead),
        cmocka_unit_test(the_same_holds_with_huge_pages),
        cmocka_unit_test(the_same_holds_where_swap_is_compressed_memory),
        cmocka_unit_test(
            the_same_holds_where_a_slow_device_takes_what_the_fast_one_has_no_room_for),
        cmocka_unit_test(the_same_holds_where_processes_have_shares),
    };
    return cmocka_run_group_tests_name("diff_contents", tests, NULL, NULL);
}
