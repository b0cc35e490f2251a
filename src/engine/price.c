/* price.c - see price.h. Level-1 TLB hits cost nothing: they overlap with the access itself. */
#include "engine/price.h"

static double tlb_ns(const struct vm_result *r)
{
    double ns = 0;
    for (size_t i = 0; i < r->ntlbs; i++)
        ns +=
            (double)(r->tlb[i].counts.lookups - r->tlb[i].counts.misses) * r->tlb[i].config.hit_ns;
    return ns;
}

/* What a line takes that level `level` answers, 0 being level 1, for one side of it. */
static double answer_ns(const struct vm_result *r, unsigned level, enum vm_cache_side side)
{
    for (size_t i = 0; i < r->ncaches; i++) {
        const struct vm_cache_config *c = &r->cache[i].config;
        if (c->level == level + 1 && (c->side == side || c->side == VM_CACHE_UNIFIED))
            return c->hit_ns;
    }
    return r->config.memory_ns;
}

static double answers_ns(const struct vm_result *r, const uint64_t *answered,
                         enum vm_cache_side side)
{
    double ns = 0;
    for (unsigned level = 0; level <= r->answers.levels; level++)
        ns += (double)answered[level] * answer_ns(r, level, side);
    return ns;
}

/* Without caches, and with pages alone, each touch that leads somewhere is one access to memory. */
static double memory_ns(const struct vm_result *r, uint64_t failed)
{
    if (!r->ncaches)
        return (double)(r->counts.touches - failed) * r->config.memory_ns;
    return answers_ns(r, r->answers.fetches, VM_CACHE_FETCH) +
           answers_ns(r, r->answers.data, VM_CACHE_DATA);
}

static double walk_ns(const struct vm_result *r)
{
    if (!r->ncaches)
        return (double)(r->counts.walk_loads + r->counts.walk_stores) * r->config.memory_ns;
    return answers_ns(r, r->answers.walks, VM_CACHE_DATA);
}

void vm_price(const struct vm_result *r, uint64_t read_ns, uint64_t write_ns, struct vm_prices *out)
{
    const struct vm_counts *n = &r->counts;
    const struct vm_config *c = &r->config;
    uint64_t failed = n->violations + n->denials + n->unnamed;
    *out = (struct vm_prices){
        .memory_ns = memory_ns(r, failed),
        .tlb_ns = tlb_ns(r),
        .walk_ns = walk_ns(r),
        .fault_ns = (double)(n->faults + failed) * c->fault_ns,
        .copy_ns = (double)n->page_copies * c->copy_ns,
        .swap_in_ns = (double)read_ns,
        .swap_out_ns = (double)write_ns,
        .shootdown_ns = (double)n->shootdowns * c->shootdown_ns,
        .switching_ns = (double)n->switches * c->switch_ns,
    };
#define VM_PRICE_SUM(field, what) out->total_ns += out->field##_ns;
    VM_PRICES(VM_PRICE_SUM)
#undef VM_PRICE_SUM
    out->access_ns = n->refs ? out->total_ns / (double)n->refs : 0;
}
