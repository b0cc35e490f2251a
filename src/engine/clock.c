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
 */
#include "engine/machine.h"
#include "engine/price.h"

#include <string.h>

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

bool vm_engine_suspend(struct vm_engine *m, vm_asid asid, struct vm_error *e)
{
    vm_clock_begin(m);
    vm_mmu_settle(m);
    m->last_touch = NO_TOUCH;
    return vm_memory_suspend(m->memory, asid, e);
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
    m->ahead_ns = 0;
}

uint64_t vm_clock_now(void *engine, enum vm_server server)
{
    struct vm_engine *m = engine;
    read_meter(m);
    uint64_t now = (uint64_t)vm_price_cpu(&m->meter) + m->idle_ns;
    if (now > m->past_ns)
        m->past_ns = now;
    return server == VM_SERVED_BY_PROCESSOR ? m->past_ns : m->past_ns + m->ahead_ns;
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
