/* mix.c - several processes on one machine: against a naive event simulation, against replays of
 * one trace, and the laws of time. */
#include "base/random.h"
#include "oracle/machine_trace.h"
#include "oracle/naive_mix.h"
#include "rounds.h"
#include "unit/folder.h"

#include <pagoda/thrash.h>

#define TEXT_BYTES 4096

/* Results are large. */
static struct vm_mix_result *result_new(void)
{
    struct vm_mix_result *r = calloc(1, sizeof *r);
    assert_non_null(r);
    return r;
}

static void run(const struct vm_mix_request *r, struct vm_mix_result *out)
{
    struct vm_error e = {0};
    if (!vm_mix_run(r, out, &e))
        fail_msg("%s", e.text);
}

/* ---- the naive simulation ---- */

static struct naive_device random_device(struct vm_random *random)
{
    uint64_t latency = vm_random_below(random, 2) ? 50 : 2000;
    uint64_t bus = 5 + vm_random_below(random, 200);
    return (struct naive_device){.read = {latency, bus},
                                 .write = {1 + vm_random_below(random, 2 * latency), bus},
                                 .depth = 1 + (uint32_t)vm_random_below(random, 3)};
}

static void fill_control(struct naive_control *c, struct vm_random *random)
{
    static const double high[] = {[NAIVE_DEVICE] = 3, [NAIVE_FAULTS] = 8000, [NAIVE_IDLE] = 1};
    double most = 0.1 + 0.9 * (double)vm_random_below(random, 100) / 100;
    c->on = vm_random_below(random, 3) != 0;
    c->rate = vm_random_below(random, 3);
    c->high = high[c->rate] * most;
    c->low = c->high * (double)vm_random_below(random, 100) / 100;
    c->window_ns = 1 + vm_random_below(random, vm_random_below(random, 2) ? 2000 : 50000);
    c->set_refs = 1 + vm_random_below(random, 60);
    c->fill = 0.05 + 0.95 * (double)vm_random_below(random, 100) / 100;
    c->leaver = vm_random_below(random, VM_LEAVERS);
    c->prepage = vm_random_below(random, VM_PREPAGES);
}

/* Half of them with two devices. */
static void fill_naive(struct naive_mix *x, struct vm_random *random)
{
    unsigned pages = 2 + (unsigned)vm_random_below(random, NAIVE_PAGES - 1);
    *x = (struct naive_mix){
        .n = 1 + vm_random_below(random, NAIVE_PROCESSES),
        .nframes = 1 + vm_random_below(random, 30),
        .admitted = 1 + vm_random_below(random, NAIVE_PROCESSES),
        .quantum = 1 + vm_random_below(random, vm_random_below(random, 2) ? 5 : 300),
        .quantum_ns = vm_random_below(random, 2) * (1 + vm_random_below(random, 400)),
        .hit_ns = vm_random_below(random, 20),
        .fault_ns = vm_random_below(random, 30),
        .switch_ns = vm_random_below(random, 10),
        .device = {random_device(random), random_device(random)},
        .first_slots = vm_random_below(random, 2) ? 1 + vm_random_below(random, 12) : SIZE_MAX,
    };
    fill_control(&x->control, random);
    if (x->quantum_ns && vm_random_below(random, 2))
        x->quantum = 0;
    for (size_t p = 0; p < x->n; p++) {
        x->program[p].nrefs = 1 + vm_random_below(random, NAIVE_REFS);
        for (size_t i = 0; i < x->program[p].nrefs; i++) {
            x->program[p].ref[i].page = (unsigned)vm_random_below(random, pages);
            x->program[p].ref[i].write = vm_random_below(random, 3) == 0;
        }
    }
}

/* The program as text of format rwi. */
static size_t write_program(const struct naive_program *program, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < program->nrefs; i++)
        n += (size_t)snprintf(out + n, TEXT_BYTES - n, "%c %x\n", program->ref[i].write ? 'W' : 'R',
                              0x400000 + program->ref[i].page * 4096);
    assert_true(n < TEXT_BYTES);
    return n;
}

static void set_ns(struct vm_config *c, const char *flag, uint64_t ns)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)ns);
    machine_set(c, flag, text);
}

/* A device whose bytes take bus_ns. */
static void set_device(struct vm_config *c, const char *flag, const struct naive_device *d)
{
    char text[128];
    double mbps = 4096e3 / (double)d->read.bus_ns;
    snprintf(text, sizeof text,
             "ssd:depth=%u,read_us=%.6f,write_us=%.6f,read_mbps=%.9g,write_mbps=%.9g", d->depth,
             (double)(d->read.latency_ns + d->read.bus_ns) / 1e3,
             (double)(d->write.latency_ns + d->write.bus_ns) / 1e3, mbps, mbps);
    machine_set(c, flag, text);
}

/* The machine that takes what the naive one does: a TLB that has room for all, whose hits are what
 * costs, and its devices. */
static struct vm_config naive_machine(const struct naive_mix *x)
{
    char text[128];
    struct vm_config c = machine_config("lru", (uint32_t)x->nframes);
    snprintf(text, sizeof text, "l1=4096/full@%llu", (unsigned long long)x->hit_ns);
    machine_set(&c, "tlb", text);
    set_device(&c, "swap", &x->device[0]);
    if (x->first_slots != SIZE_MAX) {
        set_device(&c, "swap-slow", &x->device[1]);
        set_ns(&c, "swap-size", x->first_slots * 4096);
    }
    set_ns(&c, "memory-ns", 0);
    set_ns(&c, "copy-ns", 0);
    set_ns(&c, "shootdown-ns", 0);
    set_ns(&c, "fault-ns", x->fault_ns);
    set_ns(&c, "switch-ns", x->switch_ns);
    return c;
}

static void compare(const struct naive_mix *x, const struct vm_mix_result *r)
{
    struct naive_mix_outcome o;
    naive_mix_run(x, &o);
    assert_int_equal(r->time.now_ns, o.now_ns);
    assert_int_equal(r->time.idle_ns, o.idle_ns);
    assert_int_equal(r->counts.switches, o.switches);
    for (size_t p = 0; p < x->n; p++) {
        const struct vm_process_result *a = &r->process[p];
        const struct naive_process *b = &o.process[p];
        assert_int_equal(a->refs, x->program[p].nrefs);
        assert_int_equal(a->majors, b->majors);
        assert_int_equal(a->writebacks, b->writebacks);
        assert_int_equal(a->dispatches, b->dispatches);
        assert_int_equal(a->waits, b->waits);
        assert_int_equal(a->blocked_ns, b->blocked_ns);
        assert_int_equal(a->admitted_ns, b->admitted_ns);
        assert_int_equal(a->done_ns, b->done_ns);
        assert_int_equal(a->suspensions, b->suspensions);
        assert_int_equal(a->suspended_ns, b->suspended_ns);
        assert_int_equal(a->prepages, b->prepages);
    }
    assert_int_equal(r->counts.prepage_hits, o.prepage_hits);
    assert_int_equal(r->counts.slow_reads, o.second_pages[VM_TRANSFER_READ]);
    assert_int_equal(r->counts.slow_writes, o.second_pages[VM_TRANSFER_WRITE]);
    assert_int_equal(r->detected.windows, o.detected.windows);
    assert_int_equal(r->detected.times, o.detected.times);
    assert_int_equal(r->detected.first_ns, o.detected.first_ns);
    assert_int_equal(r->detected.lasted_ns, o.detected.lasted_ns);
    assert_true(r->detected.rate_peak == o.detected.rate_peak);
}

/* What a naive world's control comes to in words. */
static void write_control(const struct naive_mix *x, char admission[64], char detection[96])
{
    static const char *const rules[] = {
        [NAIVE_DEVICE] = "device", [NAIVE_FAULTS] = "fault-rate", [NAIVE_IDLE] = "idle"};
    const struct naive_control *c = &x->control;
    snprintf(admission, 64, "fixed:n=%zu", x->admitted);
    if (c->on)
        snprintf(admission, 64, "detection:window=%llu,fill=%.17g", (unsigned long long)c->set_refs,
                 c->fill);
    snprintf(detection, 96, "%s:high=%.17g,low=%.17g", rules[c->rate], c->high, c->low);
}

static void random_mixes_equal_the_naive_event_simulation(void **unused)
{
    (void)unused;
    static struct naive_mix x;
    static char text[NAIVE_PROCESSES][TEXT_BYTES];
    uint64_t suspensions = 0, prepages = 0, hits = 0, quanta_ns = 0, both = 0;
    struct vm_mix_result *r = result_new();
    const struct vm_trace_options options = {.format = "rwi"};
    for (unsigned round = 0; round < test_rounds(2000); round++) {
        struct vm_source source[NAIVE_PROCESSES];
        struct vm_random random;
        char admission[64], detection[96];
        vm_random_seed(&random, round);
        fill_naive(&x, &random);
        for (size_t p = 0; p < x.n; p++)
            source[p] = (struct vm_source){"program", &options, text[p],
                                           write_program(&x.program[p], text[p])};
        write_control(&x, admission, detection);
        struct vm_config c = naive_machine(&x);
        struct vm_mix_request request = {.machine = &c,
                                         .source = source,
                                         .n = x.n,
                                         .quantum = x.quantum,
                                         .quantum_ns = x.quantum_ns,
                                         .admission = admission,
                                         .detection = detection,
                                         .window_ns = x.control.window_ns,
                                         .leaver = x.control.leaver,
                                         .prepage = x.control.prepage};
        run(&request, r);
        compare(&x, r);
        for (size_t p = 0; p < x.n; p++) {
            suspensions += r->process[p].suspensions;
            prepages += r->process[p].prepages;
        }
        hits += r->counts.prepage_hits;
        quanta_ns += x.quantum_ns > 0;
        both += r->counts.slow_reads > 0 && r->counts.prepages > 0;
    }
    unsigned rounds = test_rounds(2000); /* the worlds are such that all of it happens */
    assert_true(suspensions > rounds / 2 && prepages > rounds && hits > rounds / 2);
    assert_true(quanta_ns > rounds / 4 && both > rounds / 40);
    free(r);
}

/* ---- traces with events, as files ---- */

#define FILES 4
struct files {
    struct folder folder;
    char path[FILES][256];
    struct vm_source source[FILES];
};

static void files_open(struct files *f, unsigned events, uint64_t seed)
{
    static struct machine_trace t;
    f->folder = folder_new();
    for (unsigned i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u.pgt", i);
        machine_trace_fill(&t, events, seed + i);
        machine_trace_write(&t, folder_path(&f->folder, name, f->path[i]));
        f->source[i] = (struct vm_source){.spec = f->path[i]};
    }
}

static const char *const policies[] = {"lru", "clock", "fifo", "random"};
static const char *const devices[] = {"ssd", "ssd:depth=1", "hdd", "zram:ratio=64", "none"};
static const char *const slow_devices[] = {"none", "hdd", "none", "zram:ratio=64"};
static const char *const admissions[] = {
    "none",
    "fixed:n=2",
    "working-set:window=200",
    "detection:window=200",
};
static const char *const detections[] = {"device", "fault-rate", "idle"};
#define PICK(list, i) list[(i) % (sizeof list / sizeof list[0])]

static struct vm_config some_machine(unsigned i)
{
    struct vm_config c = machine_config(PICK(policies, i), 12 + i % 40);
    machine_set(&c, "swap", PICK(devices, i / 2));
    machine_set(&c, "swap-slow", PICK(slow_devices, i));
    if (vm_config_has_slow(&c))
        set_ns(&c, "swap-size", (1 + i % 7) * 4096);
    if (i % 3 == 0)
        machine_set(&c, "tlb-tags", "flush");
    if (i % 4 == 1)
        machine_set(&c, "cache", "l1=1KiB/2@1 l2=4KiB/4@4");
    if (i % 5 == 1)
        machine_set(&c, "walkers", "2");
    return c;
}

static unsigned some_events(unsigned i)
{
    static const unsigned kinds[] = {TRACE_SWITCHES, TRACE_MAPS, TRACE_FORKS | TRACE_MAPS,
                                     TRACE_PROTECTS};
    return kinds[i % 4];
}

static void one_process_counts_and_takes_what_its_replay_does(void **unused)
{
    (void)unused;
    struct vm_mix_result *r = result_new();
    for (unsigned i = 0; i < test_rounds(60); i++) {
        struct files f;
        struct vm_result replay;
        struct vm_error e;
        struct vm_config c = some_machine(i);
        files_open(&f, some_events(i), 100 * i);
        struct vm_mix_request request = {.machine = &c,
                                         .source = f.source,
                                         .n = 1,
                                         .quantum = 1 + i * 7 % 300,
                                         .admission = "none"};
        run(&request, r);
        assert_true(vm_replay(&c, f.path[0], NULL, NULL, &replay, &e));
        assert_memory_equal(&r->counts, &replay.counts, sizeof r->counts);
        double gap = (double)r->time.now_ns - replay.prices.total_ns;
        assert_true(gap <= 1 && gap >= -1 && r->process[0].done_ns == r->time.now_ns);
        folder_remove(&f.folder);
    }
    free(r);
}

/* ---- the alarm ---- */

/* The next `refs` references of a batch, from number `at` on, and events that lie at its end. */
static struct vm_batch slice_of(const struct vm_batch *b, uint32_t at, uint32_t event_at,
                                uint32_t refs, struct vm_event *event)
{
    bool is_event = event_at < b->nevents && b->event[event_at].at == at;
    uint32_t end = event_at < b->nevents ? b->event[event_at].at : b->nrefs;
    if (is_event) {
        *event = b->event[event_at];
        event->at = 0;
    }
    return is_event ? (struct vm_batch){.nevents = 1, .event = event}
                    : (struct vm_batch){.nrefs = refs < end - at ? refs : end - at,
                                        .va = b->va + at,
                                        .meta = b->meta + at};
}

/* A machine, and how much of its batch it has done. */
struct runner {
    struct vm_engine *m;
    uint32_t at, event_at;
};

static uint64_t time_of(struct vm_engine *m)
{
    struct vm_time t;
    vm_engine_time(m, &t);
    return t.now_ns;
}

/* Run until `at_ns`, with pieces of at most `refs` references. */
static void run_until(struct runner *r, const struct vm_batch *b, uint64_t at_ns, uint32_t refs)
{
    while (time_of(r->m) < at_ns && (r->at < b->nrefs || r->event_at < b->nevents)) {
        struct vm_event event;
        struct vm_error e;
        uint32_t done, events;
        struct vm_batch slice = slice_of(b, r->at, r->event_at, refs, &event);
        if (!vm_engine_run(r->m, &slice, &e))
            fail_msg("%s", e.text);
        vm_engine_done(r->m, &done, &events);
        r->at += done;
        r->event_at += events;
    }
}

static void compare_alarms(const struct vm_config *c, const struct vm_batch *b,
                           struct vm_random *random)
{
    struct vm_error e;
    struct runner whole = {.m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e)};
    struct runner single = {.m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e)};
    assert_true(whole.m && single.m);
    while (single.at < b->nrefs || single.event_at < b->nevents) {
        uint64_t at_ns = time_of(single.m) + 1 + vm_random_below(random, 200000);
        vm_engine_alarm(whole.m, at_ns);
        run_until(&whole, b, at_ns, UINT32_MAX);
        run_until(&single, b, at_ns, 1);
        assert_int_equal(whole.at, single.at);
        assert_int_equal(whole.event_at, single.event_at);
        assert_int_equal(time_of(whole.m), time_of(single.m));
    }
    vm_engine_close(whole.m);
    vm_engine_close(single.m);
}

static void an_alarm_ends_a_run_where_a_look_behind_each_reference_would(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < test_rounds(120); i++) {
        struct files f;
        struct vm_error e;
        struct vm_batch b;
        struct vm_random random;
        struct vm_config c = some_machine(i);
        if (i % 7 == 3)
            machine_set(&c, "tlb", "l1=8/2@1 l2=32/4@7");
        if (i % 6 == 1)
            machine_set(&c, "walk-caches", "p1=4@2");
        /* What overlapping walks took may be less in hindsight: a clock that is asked more often is
         * ahead for a moment, in which a disk turns. */
        if (!strcmp(c.swap, "hdd") || !strcmp(c.swap_slow, "hdd"))
            machine_set(&c, "walkers", "1");
        vm_random_seed(&random, i);
        files_open(&f, some_events(i), 5000 + 100 * i);
        struct vm_trace *t = vm_trace_open(f.path[0], NULL, &e);
        assert_true(t && vm_trace_read(t, &b, &e) && b.nrefs > 100);
        compare_alarms(&c, &b, &random);
        vm_trace_close(t);
        folder_remove(&f.folder);
    }
}

static void check_laws(const struct vm_mix_result *r)
{
    struct vm_process_result sum = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct vm_process_result *p = &r->process[i];
        sum.refs += p->refs;
        sum.touches += p->touches;
        sum.tlb_misses += p->tlb_misses;
        sum.faults += p->faults;
        sum.majors += p->majors;
        sum.writebacks += p->writebacks;
        assert_true(p->admitted_ns <= p->done_ns && p->done_ns <= r->time.now_ns);
        assert_true(p->waits <= p->dispatches && p->faults >= p->majors);
    }
    assert_int_equal(sum.refs, r->counts.refs);
    assert_int_equal(sum.touches, r->counts.touches);
    assert_int_equal(sum.tlb_misses, r->counts.tlb_misses);
    assert_int_equal(sum.faults, r->counts.faults);
    assert_int_equal(sum.majors, r->counts.swap_ins + r->counts.file_ins);
    assert_int_equal(sum.writebacks, r->counts.writebacks);
    double cpu = r->time.program_ns + r->time.kernel_ns, gap = 1 + 1e-9 * cpu;
    double other = (double)(r->time.now_ns - r->time.idle_ns) - cpu;
    assert_true(other > -gap);
    assert_true(vm_mix_useful(r) <= vm_mix_busy(r) + 1e-9 && vm_mix_busy(r) <= 1);
}

static void many_processes_keep_the_laws_of_counts_and_of_time(void **unused)
{
    (void)unused;
    struct vm_mix_result *r = result_new(), *again = result_new();
    for (unsigned i = 0; i < test_rounds(60); i++) {
        struct files f;
        struct vm_config c = some_machine(i);
        files_open(&f, some_events(i), 1000 + 100 * i);
        struct vm_mix_request request = {.machine = &c,
                                         .source = f.source,
                                         .n = 1 + i % FILES,
                                         .quantum = 1 + i * 13 % 300,
                                         .quantum_ns = i % 2 * 20000,
                                         .admission = PICK(admissions, i / 3),
                                         .detection = PICK(detections, i),
                                         .window_ns = 1 + i * 17 % 100 * 10000,
                                         .leaver = i / 2 % VM_LEAVERS,
                                         .prepage = i / 5 % VM_PREPAGES};
        run(&request, r);
        check_laws(r);
        bool on_device = strncmp(c.swap, "zram", 4) != 0;
        const struct vm_queue_counts *device = &r->device[VM_SWAP_FAST];
        assert_true(!on_device || device->busy_ns <= r->time.now_ns + device->queued_ns);
        run(&request, again);
        assert_memory_equal(r, again, sizeof *r);
        folder_remove(&f.folder);
    }
    free(r);
    free(again);
}

/* Traces in one engine, as one trace would have them, of one address space each. */
static struct vm_counts one_after_another(const struct vm_config *c, const struct vm_source *source,
                                          size_t n)
{
    struct vm_error e;
    struct vm_counts counts;
    struct vm_batch b;
    struct vm_engine *m = vm_engine_open(c, VM_STRAY_MAPS, NULL, &e);
    assert_non_null(m);
    for (size_t i = 0; i < n; i++) {
        struct vm_event event[2] = {{.kind = VM_EVENT_EXIT, .asid = (vm_asid)(i - 1)},
                                    {.kind = VM_EVENT_SWITCH, .asid = (vm_asid)i}};
        struct vm_trace *t = vm_trace_open(source[i].spec, NULL, &e);
        assert_true(!i || vm_engine_run(m, &(struct vm_batch){.nevents = 2, .event = event}, &e));
        while (vm_trace_read(t, &b, &e) && b.nrefs)
            assert_true(vm_engine_run(m, &b, &e));
        vm_trace_close(t);
    }
    vm_engine_counts(m, &counts);
    vm_engine_close(m);
    return counts;
}

static void without_waits_and_turns_traces_run_one_after_another(void **unused)
{
    (void)unused;
    static const struct vm_source source[] = {{.spec = "@80-20:refs=5k,pages=60,writes=0.3"},
                                              {.spec = "@loop:refs=3k,pages=50,writes=0.5"},
                                              {.spec = "@zipf:refs=4k,pages=90"}};
    struct vm_mix_result *r = result_new();
    for (unsigned i = 0; i < 12; i++) {
        struct vm_config c = machine_config(PICK(policies, i), 20 + 3 * i);
        machine_set(&c, "swap", "none");
        struct vm_mix_request request = {
            .machine = &c, .source = source, .n = 3, .quantum = UINT64_MAX, .admission = "none"};
        run(&request, r);
        struct vm_counts counts = one_after_another(&c, source, 3);
        assert_memory_equal(&r->counts, &counts, sizeof counts);
        assert_int_equal(r->time.idle_ns, 0);
    }
    free(r);
}

/* ---- thrashing ---- */

static void admission_helps_where_working_sets_do_not_fit(void **unused)
{
    (void)unused;
    struct vm_config c = machine_config("lru", 64);
    struct vm_source source[8];
    struct vm_error e;
    struct vm_thrash t;
    machine_set(&c, "swap", "ssd:depth=1");
    for (size_t i = 0; i < 8; i++)
        source[i] = (struct vm_source){.spec = "@phases:refs=60k,pages=15,phase=10k,sets=3"};
    static const struct {
        const char *admission;
        double times; /* as fast as without */
    } helps[] = {{"fixed:n=4", 3},
                 {"working-set:window=2k", 3},
                 {"detection:window=2k", 2}}; /* it has to see the harm first */
    for (size_t k = 0; k < 3; k++) {
        struct vm_thrash_request r = {.mix = {.machine = &c,
                                              .source = source,
                                              .n = 8,
                                              .quantum = 500,
                                              .admission = helps[k].admission,
                                              .window_ns = 2000000},
                                      .degree_first = 1,
                                      .degree_last = 8};
        assert_true(vm_thrash_run(&r, &t, &e));
        const struct vm_thrash_point *last = &t.point[t.npoints - 1];
        assert_true(t.best > 0 && t.thrashes > t.best && t.thrashes <= 8);
        assert_true(helps[k].times * (double)last->admitted.time.now_ns <
                    (double)last->free.time.now_ns);
        assert_true(last->admitted.admitted_max < 8 || last->admitted.process[7].suspensions > 0);
        check_laws(&last->admitted);
        vm_thrash_free(&t);
    }
}

/* The slow device is the one that is busy. */
static void detection_looks_at_both_devices(void **unused)
{
    (void)unused;
    struct vm_config c = machine_config("lru", 64);
    struct vm_source source[8];
    struct vm_mix_result *all = result_new(), *admitted = result_new();
    machine_set(&c, "swap", "nvme:depth=256");
    machine_set(&c, "swap-size", "4KiB");
    machine_set(&c, "swap-slow", "ssd:depth=1");
    for (size_t i = 0; i < 8; i++)
        source[i] =
            (struct vm_source){.spec = "@phases:refs=60k,pages=15,phase=10k,sets=3,writes=1"};
    struct vm_mix_request r = {
        .machine = &c, .source = source, .n = 8, .quantum = 500, .admission = "none"};
    run(&r, all);
    r.admission = "detection:window=2k";
    r.window_ns = 2000000;
    run(&r, admitted);
    assert_true(3 * admitted->time.now_ns < all->time.now_ns);
    assert_true(admitted->device[VM_SWAP_SLOW].busy_ns > admitted->device[VM_SWAP_FAST].busy_ns);
    free(all);
    free(admitted);
}

static void use_of_the_processor_rises_and_then_collapses(void **unused)
{
    (void)unused;
    struct vm_config c = machine_config("lru", 100);
    struct vm_source source[12];
    struct vm_error e;
    struct vm_thrash t;
    machine_set(&c, "swap", "ssd:depth=4");
    for (size_t i = 0; i < 12; i++)
        source[i] = (struct vm_source){.spec = "@phases:refs=60k,pages=15,phase=2k,sets=8"};
    struct vm_thrash_request r = {
        .mix = {.machine = &c, .source = source, .n = 12, .quantum = 500, .admission = "none"},
        .degree_first = 1,
        .degree_last = 12};
    assert_true(vm_thrash_run(&r, &t, &e));
    double first = vm_mix_useful(&t.point[0].free), last = vm_mix_useful(&t.point[11].free);
    double best = vm_mix_useful(&t.point[t.best - 1].free);
    assert_true(best > 3 * first && last < best / 3 && t.best == 4 && t.thrashes == 10);
    assert_true(vm_mix_fault_rate(&t.point[11].free) > 9 * vm_mix_fault_rate(&t.point[0].free));
    vm_thrash_free(&t);
}

/* ---- bad input ---- */

static void refused(const struct vm_mix_request *r, const char *says)
{
    struct vm_error e = {0};
    struct vm_mix_result *out = result_new();
    assert_false(vm_mix_run(r, out, &e));
    assert_int_equal(e.code, VM_EUSAGE);
    if (!strstr(e.text, says))
        fail_msg("%s", e.text);
    free(out);
}

static void what_cannot_be_run_is_said(void **unused)
{
    (void)unused;
    const struct vm_source source = {.spec = "@loop:refs=10"};
    struct vm_config c = machine_config("lru", 10), opt = machine_config("opt", 10);
    struct vm_config pages = machine_config("lru", 10);
    machine_set(&pages, "model", "pages");
    struct vm_mix_request r = {.machine = &c,
                               .source = &source,
                               .n = 1,
                               .quantum = 1,
                               .admission = "none"},
                          bad = r;
    bad.n = 0;
    refused(&bad, "0 processes");
    bad = r;
    bad.quantum = 0;
    refused(&bad, "quantum of 0");
    bad = r;
    bad.machine = &opt;
    refused(&bad, "opt cannot know");
    bad.machine = &pages;
    refused(&bad, "model pages");
    bad = r;
    bad.admission = "working-sets";
    refused(&bad, "working-sets");
    bad.admission = "fixed:n=0";
    refused(&bad, "n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_mixes_equal_the_naive_event_simulation),
        cmocka_unit_test(one_process_counts_and_takes_what_its_replay_does),
        cmocka_unit_test(an_alarm_ends_a_run_where_a_look_behind_each_reference_would),
        cmocka_unit_test(many_processes_keep_the_laws_of_counts_and_of_time),
        cmocka_unit_test(without_waits_and_turns_traces_run_one_after_another),
        cmocka_unit_test(admission_helps_where_working_sets_do_not_fit),
        cmocka_unit_test(detection_looks_at_both_devices),
        cmocka_unit_test(use_of_the_processor_rises_and_then_collapses),
        cmocka_unit_test(what_cannot_be_run_is_said),
    };
    return cmocka_run_group_tests_name("mix", tests, NULL, NULL);
}
