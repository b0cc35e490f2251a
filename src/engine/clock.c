/* clock.c - a machine's time: what its processor has done so far, at the prices of all it has
 * counted, and when it had nothing to do.
 *
 * Nothing keeps time while references run: only a transfer asks for it, and then it is worked out
 * from the counts by the very formulas that price a whole run (price.c). So the clock and the
 * prices agree at the end, and a reference that transfers nothing pays nothing for the clock.
 *
 * Invariants
 *  1. Time never runs back (although the price of walks that overlap may become less in hindsight).
 *  2. Where one process runs the processor is idle while it waits: at the end the prices' total is
 *     the time.
 *  3. Where several do, a wait is the process's own: its time runs ahead of the machine's, which
 *     goes on with another (vm_engine_share). So one process alone takes the same time either way.
 *  4. Where the processor itself does a device's work, that begins at the machine's own moment,
 *     also for a process that is ahead of it: as the rest of the kernel's work does. (So 3 is not
 *     to the nanosecond where pages are written behind to such a device while a process waits for
 *     another one.)
 *  5. Where programs run under a kernel (program.c) the time is that kernel's: instructions at its
 *     price and waits, not what references cost. What its process has waited it has waited until
 *     the kernel takes note (vm_engine_waited), through as many runs as a system call makes. So no
 *     device's answer depends on what models the machine has of its TLBs and caches.
 */
#include "engine/layout.h"
#include "engine/machine.h"
#include "engine/price.h"

#include <string.h>

#define LOOK_REFS 64 /* between looks at the clock, where caches make them differ */

/* References of the segment under way that are done: those before the touch that missed last. */
static uint32_t refs_done(const struct vm_engine *m)
{
    uint64_t crossings = m->crossings[0] + m->crossings[1] + m->crossings[2];
    uint64_t touches = m->touch - 1 - m->counts.touches;
    return m->touch > m->counts.touches ? (uint32_t)(touches - (crossings - m->segment.crossings))
                                        : 0;
}

/* The counts that prices apply to, up to the touch under way. */
static void read_meter(struct vm_engine *m)
{
    struct vm_result *r = &m->meter;
    vm_mmu_count_kinds(m, refs_done(m));
    r->counts = m->counts;
    if (m->touch > m->counts.touches)
        r->counts.touches = m->touch - 1;
    r->counts.walk_waits += vm_walk_window_waits(m);
    for (size_t i = 0; i < r->ntlbs; i++)
        if (m->plan.tlb[i].hit_ns > 0)
            vm_engine_tlb(m, i, &r->tlb[i].config, &r->tlb[i].counts);
    for (size_t i = 0; i < r->nwalk_caches; i++)
        if (m->walk_cache_plan.cache[i].hit_ns > 0)
            vm_engine_walk_cache(m, i, &r->walk_cache[i].config, &r->walk_cache[i].counts);
    if (r->ncaches)
        vm_engine_answers(m, &r->answers);
}

/* ---- who waits ---- */

/* Nobody else has work for the processor. */
static void wait_idly(struct vm_engine *m, uint64_t ns)
{
    m->idle_ns += ns;
    m->past_ns += ns;
}

/* Others may: the run ends. */
static void wait_ahead(struct vm_engine *m, uint64_t ns)
{
    m->ahead_ns += ns;
}

void vm_engine_share(struct vm_engine *m)
{
    m->wait = wait_ahead;
}

uint64_t vm_engine_blocked(struct vm_engine *m)
{
    return m->ahead_ns ? vm_clock_now(m, VM_SERVED_BY_DEVICE) : 0;
}

void vm_engine_idle(struct vm_engine *m, uint64_t until_ns)
{
    vm_clock_begin(m);
    uint64_t now = vm_clock_now(m, VM_SERVED_BY_DEVICE);
    if (until_ns > now)
        wait_idly(m, until_ns - now);
}

void vm_engine_work(struct vm_engine *m, uint64_t ns)
{
    m->work_ns += ns;
}

uint64_t vm_engine_waited(struct vm_engine *m)
{
    uint64_t ns = m->waited_ns + m->ahead_ns;
    m->waited_ns = m->ahead_ns = 0;
    return ns;
}

bool vm_engine_suspend(struct vm_engine *m, vm_asid asid, struct vm_error *e)
{
    vm_clock_begin(m);
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH;
    return vm_memory_suspend(m->memory, asid, e);
}

/* Where the page of the trace lies in the machine. */
static uint64_t laid_key(struct vm_engine *m, uint64_t key)
{
    vm_va laid;
    if (!m->layout)
        return key;
    vm_layout_part(m->layout, vm_key_asid(key), vm_key_va(key, m->page_shift), 1, &laid);
    return vm_page_key(laid, m->page_shift, vm_key_asid(key));
}

bool vm_engine_prepage(struct vm_engine *m, const uint64_t *key, size_t n, struct vm_error *e)
{
    uint64_t laid[VM_READAHEAD_MAX];
    vm_clock_begin(m);
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH;
    for (size_t i = 0; i < n; i += VM_READAHEAD_MAX) {
        size_t part = n - i < VM_READAHEAD_MAX ? n - i : VM_READAHEAD_MAX;
        for (size_t k = 0; k < part; k++)
            laid[k] = laid_key(m, key[i + k]);
        if (!vm_memory_prepage(m->memory, laid, part, e))
            return false;
    }
    return true;
}

/* ---- the clock ---- */

void vm_clock_open(struct vm_engine *m)
{
    struct vm_result *r = &m->meter;
    m->wait = wait_idly;
    r->config = m->config;
    r->ntlbs = vm_engine_ntlbs(m);
    r->nwalk_caches = vm_engine_nwalk_caches(m);
    r->ncaches = vm_engine_ncaches(m);
    for (size_t i = 0; i < r->ncaches; i++)
        vm_engine_cache(m, i, &r->cache[i].config, &r->cache[i].counts);
    vm_engine_answers(m, &r->answers);
}

void vm_clock_begin(struct vm_engine *m)
{
    if (m->programs)
        m->waited_ns += m->ahead_ns;
    m->ahead_ns = 0;
}

/* ---- the alarm ---- */

void vm_engine_alarm(struct vm_engine *m, uint64_t at_ns)
{
    m->alarm_ns = at_ns;
}

bool vm_clock_rings(struct vm_engine *m)
{
    return m->alarm_ns && vm_clock_now(m, VM_SERVED_BY_DEVICE) >= m->alarm_ns;
}

/* What a line takes at most, wherever it is found. */
static double line_ns_most(const struct vm_engine *m)
{
    const struct vm_caches_config *c = &m->cache_plan.caches;
    double ns = m->config.memory_ns;
    for (size_t i = 0; i < c->n; i++)
        ns = c->cache[i].hit_ns > ns ? c->cache[i].hit_ns : ns;
    return ns;
}

static double level1_ns(const struct vm_engine *m)
{
    double ns = 0;
    for (size_t i = 0; i < m->plan.n; i++)
        ns += m->plan.tlb[i].level == 1 ? m->plan.tlb[i].hit_ns : 0;
    return ns;
}

/* Lines that a reference reaches into, at most; there are caches. */
static double lines_most(const struct vm_engine *m, uint16_t meta)
{
    vm_va line_bytes = -m->caches.first[vm_ref_access(meta)]->line_mask;
    uint64_t lines = (vm_ref_bytes(meta) - 1) / line_bytes + 2;
    return (double)lines;
}

/* How many of n references, of `ns` each, begin within `left` ns; all where they take none. */
static uint32_t begin_within(double left, double ns, uint32_t n)
{
    double more = left / ns;
    return more < n - 1 ? 1 + (uint32_t)more : n;
}

uint32_t vm_clock_before_alarm(struct vm_engine *m, const uint16_t *meta, uint32_t n)
{
    if (!m->alarm_ns)
        return n;
    uint64_t now = vm_clock_now(m, VM_SERVED_BY_DEVICE);
    /* The clock shows whole nanoseconds: it may be almost one later. */
    double left = now < m->alarm_ns ? (double)(m->alarm_ns - now) - 1 : 0;
    double line_ns = line_ns_most(m), tlb_ns = level1_ns(m), most = 0;
    if (!m->caches.levels)
        return begin_within(left, tlb_ns + line_ns, n);
    uint32_t i = 0;
    while (i < n && i < LOOK_REFS && (i == 0 || most < left)) {
        most += tlb_ns + line_ns * lines_most(m, meta[i]);
        i++;
    }
    return i;
}

/* What the references so far have cost. */
static uint64_t spent_on_references(struct vm_engine *m)
{
    read_meter(m);
    return (uint64_t)vm_price_cpu(&m->meter);
}

uint64_t vm_clock_now(void *engine, enum vm_server server)
{
    struct vm_engine *m = engine;
    uint64_t now = (m->programs ? m->work_ns : spent_on_references(m)) + m->idle_ns;
    if (now > m->past_ns)
        m->past_ns = now;
    return server == VM_SERVED_BY_PROCESSOR ? m->past_ns : m->past_ns + m->waited_ns + m->ahead_ns;
}

uint64_t vm_engine_now(struct vm_engine *m)
{
    return vm_clock_now(m, VM_SERVED_BY_PROCESSOR);
}

void vm_clock_wait(void *engine, uint64_t ns, enum vm_server server, enum vm_wait why)
{
    struct vm_engine *m = engine;
    m->waits_ns[why] += ns;
    if (server == VM_SERVED_BY_PROCESSOR)
        wait_idly(m, ns);
    else
        m->wait(m, ns);
}

void vm_engine_time(struct vm_engine *m, struct vm_time *out)
{
    struct vm_prices p;
    vm_clock_begin(m);
    out->now_ns = vm_clock_now(m, VM_SERVED_BY_DEVICE);
    out->idle_ns = m->idle_ns;
    vm_price_parts(&m->meter, &p);
    out->program_ns = p.memory_ns + p.tlb_ns + p.walk_ns + p.refill_ns;
    out->kernel_ns = p.mark_ns + p.fault_ns + p.copy_ns + p.shootdown_ns + p.switching_ns;
    memcpy(out->waits_ns, m->waits_ns, sizeof out->waits_ns);
}
