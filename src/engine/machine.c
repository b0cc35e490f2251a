/* machine.c - building a machine from its configuration, and running batches through it. */
#include "engine/machine.h"
#include "base/assert.h"
#include "base/bits.h"
#include "engine/layout.h"
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>

static bool check_page(const struct vm_config *c, const struct vm_scheme_ops *scheme,
                       struct vm_error *e)
{
    uint64_t least = UINT64_C(1) << scheme->page_shift_min;
    uint64_t most = UINT64_C(1) << scheme->page_shift_max;
    if (!vm_is_pow2(c->page_bytes))
        return vm_fail(e, VM_EMACHINE, "a page size of %llu bytes: expected a power of two",
                       (unsigned long long)c->page_bytes);
    if (c->page_bytes >= least && c->page_bytes <= most)
        return true;
    if (least == most)
        return vm_fail(e, VM_EMACHINE,
                       "a page size of %llu bytes: expected %llu, those of scheme %s",
                       (unsigned long long)c->page_bytes, (unsigned long long)least, scheme->name);
    return vm_fail(e, VM_EMACHINE,
                   "a page size of %llu bytes: expected %llu to %llu, those of scheme %s",
                   (unsigned long long)c->page_bytes, (unsigned long long)least,
                   (unsigned long long)most, scheme->name);
}

static bool check_memory(const struct vm_config *c, const struct vm_scheme_ops *scheme,
                         struct vm_error *e)
{
    if (!check_page(c, scheme, e))
        return false;
    if (c->memory_bytes < c->page_bytes)
        return vm_fail(e, VM_EMACHINE,
                       "a memory of %llu bytes has no frame: expected at least one page of %llu",
                       (unsigned long long)c->memory_bytes, (unsigned long long)c->page_bytes);
    if (c->memory_bytes / c->page_bytes > VM_NOFRAME / 4)
        return vm_fail(e, VM_EMACHINE, "a memory of %llu pages: expected at most %u",
                       (unsigned long long)(c->memory_bytes / c->page_bytes), VM_NOFRAME / 4);
    if (!vm_is_pow2(c->colours) || c->colours > VM_NOFRAME / 4)
        return vm_fail(e, VM_EMACHINE, "%llu page colours: expected a power of two up to %u",
                       (unsigned long long)c->colours, VM_NOFRAME / 4 / 2 + 1);
    return true;
}

/* ---- TLBs and walk caches ---- */

static bool check_walkers(const struct vm_config *c, struct vm_error *e)
{
    if (c->walkers == 0 || c->walk_window == 0)
        return vm_fail(e, VM_EMACHINE, "%s of 0: expected 1 at least",
                       c->walkers ? "a walk window" : "a number of walkers");
    return true;
}

static bool plan_tlbs(struct vm_engine *m, uint64_t orders, struct vm_error *e)
{
    const char *tlbs = m->scheme->in_registers ? "none" : m->config.tlb;
    return vm_tlb_plan_parse(&m->plan, tlbs, e) &&
           vm_walk_cache_plan_parse(&m->walk_cache_plan, m->config.walk_caches, e) &&
           check_walkers(&m->config, e) && vm_levels_plan(m, orders, e);
}

static bool build_tlbs(struct vm_engine *m, struct vm_error *e)
{
    if (!vm_arena_open(&m->arena, vm_levels_room(m) + vm_walk_caches_room(m), e))
        return false;
    vm_levels_build(m);
    return vm_walk_caches_build(m, e);
}

/* ---- opening and closing ---- */

static bool open_processors(struct vm_engine *m, struct vm_error *e)
{
    uint32_t n = m->nprocessors = m->programs ? m->programs->processors : 1;
    VM_ASSERT(n >= 1 && n <= VM_CPUS_MAX);
    m->cpu = m->processor = calloc(n, sizeof *m->processor);
    if (!m->processor)
        return vm_fail(e, VM_ESYSTEM, "no memory for a machine of %u processors", n);
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < VM_ACCESSES * HOT_SLOTS; k++)
            m->processor[i].hot[k / HOT_SLOTS][k % HOT_SLOTS].page = HOT_NONE;
    m->ran[0] = UINT64_MAX >> (VM_CPUS_MAX - n);
    return true;
}

/* NULL without shares. */
static const struct vm_allotment *allotment_of(const struct vm_engine *m)
{
    return m->allotment.inner ? &m->allotment : NULL;
}

static bool build_memory(struct vm_engine *m, const struct vm_parts *p, enum vm_stray stray,
                         struct vm_future *future, struct vm_huge_config huge, struct vm_error *e)
{
    struct vm_memory_config c = {
        .nframes = (uint32_t)(m->config.memory_bytes / m->config.page_bytes),
        .page_shift = m->page_shift,
        .tables = (enum vm_tables)m->config.tables,
        .stray = stray,
        .colours = (uint32_t)m->config.colours,
        .huge = huge,
        .seed = m->config.seed,
        .scheme = p->scheme,
        .scheme_params = &m->scheme_params,
        .policy = p->policy,
        .policy_params = &m->policy_params,
        .allotment = allotment_of(m),
        .clock = &m->clock,
        .contents = m->programs ? m->programs->contents : NULL,
        .readahead = p->readahead,
        .readahead_params = &m->readahead_params,
        .fit = p->fit,
        .fit_params = &m->fit_params,
        .compact = (enum vm_compact)m->config.compact,
        .future = future,
        .counts = &m->counts,
        .host = m,
        .shootdown = vm_mmu_shootdown,
        .shootdown_pages = vm_mmu_shootdown_pages,
        .shootdown_space = vm_mmu_shootdown_space,
        .settle = vm_mmu_settle,
        .left = vm_mmu_left,
        .cleaned = vm_mmu_cleaned,
        .wished = vm_mmu_wished,
        .came_ahead = vm_mmu_came_ahead,
        .trimmed = vm_mmu_trimmed,
        .emptied = vm_mmu_emptied,
        .joined = vm_mmu_joined,
        .parted = vm_mmu_parted,
        .now = vm_clock_now,
        .wait = vm_clock_wait,
    };
    for (int level = 0; level < VM_SWAP_LEVELS; level++) {
        c.swap[level].device = p->device[level];
        c.swap[level].device_params = &m->device_params[level];
    }
    if (!vm_swap_plan(&m->config, &c, e) || !vm_reclaim_plan(&m->config, &c, e) ||
        !vm_frames_plan(m, &c, e))
        return false;
    m->memory = vm_memory_open(&c, e);
    if (!m->memory)
        return false;
    m->bits = vm_memory_bits(m->memory);
    m->scheme_state = vm_memory_scheme_state(m->memory);
    m->policy_state = vm_memory_policy_state(m->memory);
    return true;
}

static void set_ticks(struct vm_engine *m)
{
    uint32_t nframes = (uint32_t)(m->config.memory_bytes / m->config.page_bytes);
    struct vm_policy_env env = {.nframes = nframes,
                                .capacity = nframes,
                                .params = &m->policy_params,
                                .allotment = allotment_of(m)};
    m->clock.spent = m->spent;
    uint64_t first = m->policy->tick_first(&env);
    m->tick_next = first ? first : UINT64_MAX;
    bool asks = m->config.flush_ms > 0 && !m->programs; /* else nobody, or the kernel does */
    m->flush_next = asks ? FLUSH_TOUCHES : UINT64_MAX;
}

/* The frame's bits that a touch sets, so far as the scheme's hardware has them. */
static void set_marks(struct vm_engine *m)
{
    m->marks[VM_READ] = m->marks[VM_FETCH] = VM_FRAME_REFERENCED & m->scheme->marks;
    m->marks[VM_WRITE] = (VM_FRAME_REFERENCED | VM_FRAME_DIRTY) & m->scheme->marks;
}

static bool build(struct vm_engine *m, const struct vm_parts *p, enum vm_stray stray,
                  struct vm_future *future, struct vm_error *e)
{
    static uint32_t (*const segments[][2])(struct vm_engine *, const vm_va *, const uint16_t *,
                                           uint32_t) = {
        [VM_TOUCH_NONE] = {vm_mmu_segment_bits, vm_mmu_segment_bits_caches},
        [VM_TOUCH_REFBIT] = {vm_mmu_segment_bits, vm_mmu_segment_bits_caches},
        [VM_TOUCH_ORDER] = {vm_mmu_segment_order, vm_mmu_segment_order_caches},
        [VM_TOUCH_EACH] = {vm_mmu_segment_each, vm_mmu_segment_each_caches},
    };
    if (!check_memory(&m->config, p->scheme, e))
        return false;
    m->scheme = p->scheme;
    m->policy = p->policy;
    m->page_shift = vm_log2(m->config.page_bytes);
    set_marks(m);
    if (!open_processors(m, e) || !vm_data_open(m, e))
        return false;
    m->run = segments[p->policy->touch_kind][m->cpu->caches.levels > 0];
    struct vm_huge_config huge;
    struct vm_scheme_env env = {.page_shift = m->page_shift, .params = &m->scheme_params};
    if (!vm_refill_check(&m->config, e) || !m->scheme->accept(&env, e) ||
        !plan_tlbs(m, m->scheme->orders(&env), e) ||
        !vm_huge_plan(m, m->scheme->orders(&env), &huge, e))
        return false;
    m->last_touch = NO_TOUCH;
    set_ticks(m);
    VM_ASSERT(p->policy->future == VM_FUTURE_UNUSED || future);
    return build_memory(m, p, stray, future, huge, e) && build_tlbs(m, e) &&
           vm_layout_open(&m->layout, (enum vm_layout_option)m->config.layout, m->scheme,
                          m->scheme_state, m->scheme->va_bits(&env), m->page_shift, e);
}

/* Shares are of frames, and a policy counts what it knows by one number. */
static bool counts_frames(const struct vm_config *c, const struct vm_parts *p, struct vm_error *e)
{
    if (c->allot == VM_ALLOT_GLOBAL)
        return true;
    if (p->scheme->unit == VM_UNIT_SEGMENT)
        return vm_fail(e, VM_EMACHINE,
                       "scheme %s has segments: expected one of pages where processes have shares "
                       "of memory (--allot)",
                       p->scheme->name);
    if (c->huge_pages != VM_HUGE_NEVER)
        return vm_fail(e, VM_EMACHINE,
                       "huge pages where processes have shares of memory (--allot): expected one "
                       "or the other");
    return true;
}

struct vm_engine *vm_engine_open_with(const struct vm_config *c, const struct vm_policy_ops *policy,
                                      const struct vm_programs *programs, enum vm_stray stray,
                                      struct vm_future *future, struct vm_error *e)
{
    struct vm_parts p;
    struct vm_engine *m = calloc(1, sizeof *m);
    if (!m) {
        vm_fail(e, VM_ESYSTEM, "no memory for a machine");
        return NULL;
    }
    m->config = *c;
    m->programs = programs;
    if (vm_parts_find(&p, c, e) && vm_huge_parts(c, &p, e) && counts_frames(c, &p, e)) {
        m->scheme_params = p.scheme_params;
        m->policy_params = p.policy_params;
        memcpy(m->device_params, p.device_params, sizeof m->device_params);
        m->fit_params = p.fit_params;
        m->readahead_params = p.readahead_params;
        if (policy)
            p.policy = policy;
        else
            vm_parts_allot(&p, c, &m->local, &m->allotment);
        if (build(m, &p, stray, future, e)) {
            vm_clock_open(m);
            return m;
        }
    }
    vm_engine_close(m);
    return NULL;
}

struct vm_engine *vm_engine_open(const struct vm_config *c, enum vm_stray stray,
                                 struct vm_future *future, struct vm_error *e)
{
    return vm_engine_open_with(c, NULL, NULL, stray, future, e);
}

void vm_engine_close(struct vm_engine *m)
{
    if (!m)
        return;
    vm_memory_close(m->memory);
    vm_data_close(m);
    vm_layout_close(m->layout);
    vm_arena_close(&m->arena);
    free(m->processor);
    free(m);
}

/* ---- running ---- */

/* How many of the first n references have page keys of their own; all, with pages of 4 KiB up. */
static uint32_t nameable(const struct vm_engine *m, const vm_va *va, uint32_t n)
{
    unsigned bits = 52 + m->page_shift;
    uint32_t i = 0;
    if (bits >= 64)
        return n;
    while (i < n && va[i] >> bits == 0)
        i++;
    return i;
}

/* The next segment: the loop, or one reference of a kind that the loop does not do. */
static uint32_t run_segment(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    uint32_t length = nameable(m, va, n);
    if (length == 0)
        return vm_mmu_segment_beyond(m, va, meta, n);
    return m->tap ? vm_mmu_segment_told(m, va, meta, n) : m->run(m, va, meta, length);
}

/* The collapse daemon's turn. */
static bool scan(struct vm_engine *m)
{
    m->scan_next = m->counts.touches + m->scan_every;
    m->last_touch = NO_TOUCH; /* frames may have other pages, and the policy another order */
    vm_mmu_kernel_begins(m);
    m->failed = !vm_memory_scan(m->memory, &m->error);
    return !m->failed;
}

/* The flusher's, if its time has come; touches that do not fault take time too. */
static void flush(struct vm_engine *m)
{
    m->flush_next = m->counts.touches + FLUSH_TOUCHES;
    vm_mmu_kernel_begins(m);
    vm_memory_flush(m->memory);
}

static uint64_t crossings(const struct vm_engine *m)
{
    return m->crossings[0] + m->crossings[1] + m->crossings[2];
}

/* The run ends here: the process must wait, or its time is up. */
static bool is_over(struct vm_engine *m)
{
    return m->cpu->ahead_ns || vm_clock_rings(m);
}

/* References [*va, *va + n), in segments that end where a tick, a scan, a look of the flusher or
 * one at the clock is due. */
static bool run_refs(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    while (n > 0) {
        uint32_t length = n < SEGMENT_REFS ? n : SEGMENT_REFS;
        uint64_t due = m->tick_next < m->scan_next ? m->tick_next : m->scan_next;
        if (m->flush_next < due)
            due = m->flush_next;
        if (due - m->counts.touches < length)
            length = (uint32_t)(due - m->counts.touches);
        length = vm_clock_before_alarm(m, meta, length);
        m->segment.meta = meta;
        m->segment.crossings = crossings(m);
        uint32_t done = run_segment(m, va, meta, length);
        vm_mmu_count_kinds(m, done);
        m->segment.counted = 0;
        m->counts.touches += done + crossings(m) - m->segment.crossings;
        m->clock.touches = m->counts.touches;
        if (m->failed)
            return false;
        if (m->ntouched)
            vm_mmu_settle(m);
        if (m->counts.touches == m->tick_next)
            vm_mmu_tick(m);
        if (m->failed)
            return false;
        if (m->counts.touches >= m->scan_next && !scan(m))
            return false;
        if (m->counts.touches >= m->flush_next)
            flush(m);
        if (is_over(m))
            return true;
        va += done;
        meta += done;
        n -= done;
    }
    return true;
}

/* A reference whose parts lie apart: touches of each, and one reference all the same. */
static bool run_parts(struct vm_engine *m, vm_va va, uint16_t meta)
{
    enum vm_access access = vm_ref_access(meta);
    unsigned bytes = vm_ref_bytes(meta);
    for (;;) {
        vm_va laid;
        unsigned part = vm_layout_part(m->layout, m->cpu->asid, va, bytes, &laid);
        uint16_t part_meta = vm_ref_meta(access, part);
        if (!run_refs(m, &laid, &part_meta, 1))
            return false;
        if (part == bytes)
            return true;
        m->kinds[access]--;
        m->crossings[access]++;
        va += part;
        bytes -= part;
    }
}

/* As run_refs, of addresses that a layout moves. */
static bool run_laid(struct vm_engine *m, const vm_va *va, const uint16_t *meta, uint32_t n)
{
    vm_va laid[SEGMENT_REFS];
    for (uint32_t i = 0, done = 0; i < n; i += done) {
        uint32_t length = n - i < SEGMENT_REFS ? n - i : SEGMENT_REFS;
        m->failed = !vm_layout_refs(m->layout, m->cpu->asid, va + i, meta + i, length, laid, &done,
                                    &m->error);
        if (m->failed || !run_refs(m, laid, meta + i, done))
            return false;
        if (is_over(m))
            return true;
        if (done < length && !run_parts(m, va[i + done], meta[i + done]))
            return false;
        done += done < length;
    }
    return true;
}

static uint64_t *count_of(struct vm_counts *c, unsigned kind)
{
    uint64_t *const counts[VM_EVENT_KINDS] = {[VM_EVENT_MAP] = &c->maps,
                                              [VM_EVENT_UNMAP] = &c->unmaps,
                                              [VM_EVENT_PROTECT] = &c->protects,
                                              [VM_EVENT_ADVISE] = &c->advises};
    return kind < VM_EVENT_KINDS ? counts[kind] : NULL;
}

/* An event on addresses that a layout moves: on each of its parts, and one event all the same. */
static bool run_event_parts(struct vm_engine *m, const struct vm_event *event, struct vm_error *e)
{
    struct vm_event rest = *event, part;
    uint64_t *count = count_of(&m->counts, event->kind), before = *count;
    bool failed;
    while (vm_layout_event(m->layout, &rest, &part, &failed, e))
        if (!vm_memory_event(m->memory, &part, e))
            return false;
    *count = before + 1;
    if (!failed && event->kind == VM_EVENT_UNMAP)
        vm_layout_unmapped(m->layout, event, vm_memory_space(m->memory, event->asid));
    return !failed;
}

static bool run_laid_event(struct vm_engine *m, const struct vm_event *event, struct vm_error *e)
{
    bool is_range = event->bytes > 0 && event->va + (event->bytes - 1) >= event->va;
    if (count_of(&m->counts, event->kind) && is_range)
        return vm_memory_use_space(m->memory, event->asid, e) && run_event_parts(m, event, e);
    if (!vm_memory_event(m->memory, event, e))
        return false;
    if (event->kind == VM_EVENT_FORK)
        return vm_layout_fork(m->layout, event->asid, event->child, e);
    if (event->kind == VM_EVENT_EXEC || event->kind == VM_EVENT_EXIT)
        vm_layout_forget(m->layout, event->asid);
    return true;
}

static bool run_memory_event(struct vm_engine *m, const struct vm_event *event, struct vm_error *e)
{
    return vm_memory_event(m->memory, event, e);
}

static bool run_event(struct vm_engine *m, const struct vm_event *event, struct vm_error *e)
{
    if (vm_event_is_request(event->kind))
        return true;
    vm_mmu_kernel_begins(m);
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH; /* an event ends a run of touches */
    TELL(m, .kind = VM_TAP_EVENT, .event = event);
    if (!(m->layout ? run_laid_event : run_memory_event)(m, event, e))
        return false;
    if (event->kind == VM_EVENT_SWITCH)
        vm_mmu_switch(m, event->asid);
    return true;
}

static uint64_t refs_so_far(const struct vm_engine *m)
{
    return m->kinds[VM_READ] + m->kinds[VM_WRITE] + m->kinds[VM_FETCH];
}

/* References [at, end) of the batch. */
static bool run_stretch(struct vm_engine *m, const struct vm_batch *b, uint32_t at, uint32_t end,
                        struct vm_error *e)
{
    if (at == end)
        return true;
    uint64_t before = refs_so_far(m);
    if (!vm_memory_use_space(m->memory, m->cpu->asid, e))
        return false;
    if (!(m->layout ? run_laid : run_refs)(m, b->va + at, b->meta + at, end - at)) {
        *e = m->error;
        return false;
    }
    m->done.refs += (uint32_t)(refs_so_far(m) - before);
    return true;
}

bool vm_engine_run(struct vm_engine *m, const struct vm_batch *batch, struct vm_error *e)
{
    vm_clock_begin(m);
    m->done.refs = m->done.events = 0;
    for (uint32_t k = 0; k <= batch->nevents; k++) {
        uint32_t at = m->done.refs, end = k < batch->nevents ? batch->event[k].at : batch->nrefs;
        VM_ASSERT(at <= end && end <= batch->nrefs);
        if (!run_stretch(m, batch, at, end, e))
            return false;
        if (k == batch->nevents || (end > at && is_over(m)))
            break;
        if (!run_event(m, &batch->event[k], e))
            return false;
        m->done.events++;
        if (is_over(m))
            break;
    }
    return true;
}

void vm_engine_done(const struct vm_engine *m, uint32_t *refs, uint32_t *events)
{
    *refs = m->done.refs;
    *events = m->done.events;
}

void vm_engine_listen(struct vm_engine *m, const struct vm_tap *tap)
{
    m->tap = tap;
}

/* ---- what happened ---- */

static void check_laws(const struct vm_counts *c)
{
#define VM_COUNT_LAW(law) VM_ASSERT(law);
    VM_COUNT_LAWS(VM_COUNT_LAW)
#undef VM_COUNT_LAW
}

void vm_engine_counts(struct vm_engine *m, struct vm_counts *out)
{
    vm_mmu_settle(m);
    *out = m->counts;
    out->walk_waits += vm_walk_window_waits(m);
    out->reads = m->kinds[VM_READ];
    out->writes = m->kinds[VM_WRITE];
    out->fetches = m->kinds[VM_FETCH];
    out->refs = out->reads + out->writes + out->fetches;
    out->crossings = crossings(m);
    if (m->scheme->in_registers) { /* hot ones, too, walk; it costs nothing */
        out->tlb_misses = out->touches;
        out->miss_present = out->touches - out->touches_faulted;
        out->walks = out->touches + out->faults + out->mark_traps;
    }
    out->tlb_hits = out->touches - out->tlb_misses;
    vm_data_counts(m, out);
    if (!m->failed)
        check_laws(out);
}

static void add_counts(struct vm_tlb_counts *sum, const struct vm_tlb_counts *n)
{
    sum->lookups += n->lookups;
    sum->misses += n->misses;
    sum->fills += n->fills;
    sum->evictions += n->evictions;
    sum->invalidations += n->invalidations;
}

size_t vm_engine_ntlbs(const struct vm_engine *m)
{
    return m->ntlbs;
}

const char *vm_engine_tlb(const struct vm_engine *m, size_t i, struct vm_tlb_config *config,
                          struct vm_tlb_counts *counts)
{
    VM_ASSERT(i < m->ntlbs);
    *config = m->plan.tlb[i];
    *counts = (struct vm_tlb_counts){0};
    for (uint32_t n = 0; n < m->nprocessors; n++)
        add_counts(counts, &m->processor[n].tlb[i].counts);
    for (enum vm_access a = 0; a < VM_ACCESSES; a++)
        if (m->cpu->base1[a] == &m->cpu->tlb[i]) /* at every touch but those counted elsewhere */
            counts->lookups += m->kinds[a] + m->crossings[a] - m->elsewhere[a];
    return m->plan.name[i];
}

size_t vm_engine_nwalk_caches(const struct vm_engine *m)
{
    return m->walk_cache_plan.n;
}

void vm_engine_walk_cache(const struct vm_engine *m, size_t i, struct vm_tlb_config *config,
                          struct vm_tlb_counts *counts)
{
    VM_ASSERT(i < m->walk_cache_plan.n);
    *config = m->walk_cache_plan.cache[i];
    *counts = (struct vm_tlb_counts){0};
    for (uint32_t n = 0; n < m->nprocessors; n++)
        add_counts(counts, &m->processor[n].walk_cache[i].counts);
}

const struct vm_memory *vm_engine_memory(const struct vm_engine *m)
{
    return m->memory;
}

void vm_engine_parts(const struct vm_engine *m, struct vm_engine_parts *out)
{
    *out = (struct vm_engine_parts){
        .config = &m->config,
        .scheme = m->scheme,
        .scheme_state = m->scheme_state,
        .policy = m->policy,
        .policy_params = &m->policy_params,
        .memory = m->memory,
        .counts = &m->counts,
        .page_shift = m->page_shift,
        .va_bits = m->scheme->va_bits(
            &(struct vm_scheme_env){.page_shift = m->page_shift, .params = &m->scheme_params}),
        .nframes = (uint32_t)(m->config.memory_bytes / m->config.page_bytes),
        .bits = m->bits,
        .waits_ns = m->waits_ns,
    };
}

/* Invariant 6. */
static void check_holders(const struct vm_engine *m, uint32_t n, const struct vm_tlb *t)
{
    if (m->config.tlb_tags != VM_TLB_TAGS_ASID)
        return;
    for (uint64_t i = 0; i < (uint64_t)(t->set_mask + 1) * t->ways; i++) {
        uint64_t asid = t->tag[i] & 0xfff;
        VM_ASSERT(t->tag[i] == VM_TLB_EMPTY || asid > VM_ASID_MAX || (m->ran[asid] >> n & 1));
    }
}

static void check_processor(const struct vm_engine *m, uint32_t n)
{
    const struct processor *p = &m->processor[n];
    for (size_t i = 0; i < m->ntlbs; i++) {
        vm_tlb_check(&p->tlb[i]);
        check_holders(m, n, &p->tlb[i]);
    }
    for (size_t i = 0; i < m->walk_cache_plan.n; i++)
        vm_tlb_check(&p->walk_cache[i]);
    vm_caches_check(&p->caches);
}

void vm_engine_check(const struct vm_engine *m)
{
    for (uint32_t n = 0; n < m->nprocessors; n++)
        check_processor(m, n);
    vm_memory_check(m->memory);
    if (m->layout)
        vm_layout_check(m->layout);
}
