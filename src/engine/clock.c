/* clock.c - a machine's time: what its processor has done so far, at the prices of all it has
 * counted, and what it has waited for the device.
 *
 * Nothing keeps time while references run: only a transfer asks for it, and then it is worked out
 * from the counts by the very formulas that price a whole run (price.c). So the clock and the
 * prices agree at the end, and a reference that transfers nothing pays nothing for the clock.
 *
 * Invariants
 *  1. Time never runs back (although the price of walks that overlap may become less in hindsight).
 *  2. At the end the prices' total is the processor's time plus the waits.
 */
#include "base/assert.h"
#include "engine/machine.h"
#include "engine/price.h"

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
        vm_engine_tlb(m, i, &r->tlb[i].config, &r->tlb[i].counts);
    for (size_t i = 0; i < r->nwalk_caches; i++)
        vm_engine_walk_cache(m, i, &r->walk_cache[i].config, &r->walk_cache[i].counts);
    if (r->ncaches)
        vm_engine_answers(m, &r->answers);
}

void vm_clock_open(struct vm_engine *m)
{
    struct vm_result *r = &m->meter;
    r->config = m->config;
    r->ntlbs = vm_engine_ntlbs(m);
    r->nwalk_caches = vm_engine_nwalk_caches(m);
    r->ncaches = vm_engine_ncaches(m);
    for (size_t i = 0; i < r->ncaches; i++)
        vm_engine_cache(m, i, &r->cache[i].config, &r->cache[i].counts);
    vm_engine_answers(m, &r->answers);
}

uint64_t vm_clock_now(void *engine)
{
    struct vm_engine *m = engine;
    read_meter(m);
    uint64_t now = (uint64_t)vm_price_cpu(&m->meter);
    for (int why = 0; why < VM_WAITS; why++)
        now += m->waits_ns[why];
    if (now > m->now_ns)
        m->now_ns = now;
    return m->now_ns;
}

uint64_t vm_engine_now(struct vm_engine *m)
{
    return vm_clock_now(m);
}

void vm_clock_wait(void *engine, uint64_t until_ns, enum vm_wait why)
{
    struct vm_engine *m = engine;
    if (until_ns <= m->now_ns)
        return;
    m->waits_ns[why] += until_ns - m->now_ns;
    m->now_ns = until_ns;
}
