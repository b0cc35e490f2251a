/* price.c - see price.h. Level-1 TLB hits cost nothing: they overlap with the access itself. */
#include "engine/price.h"

static double tlb_ns(const struct vm_result *r)
{
    double ns = 0;
    for (size_t i = 0; i < r->ntlbs; i++)
        /* Within a touch a lookup may not be counted yet whose miss is. */
        ns += (double)(int64_t)(r->tlb[i].counts.lookups - r->tlb[i].counts.misses) *
              r->tlb[i].config.hit_ns;
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

/* What the steps and the stores of walks take, one after another. */
static double tables_ns(const struct vm_result *r)
{
    const struct vm_counts *n = &r->counts;
    double waits = n->walk_steps ? (double)n->walk_waits / (double)n->walk_steps : 0;
    if (!r->ncaches)
        return (double)(n->walk_waits + n->walk_stores) * r->config.memory_ns;
    return waits * answers_ns(r, r->answers.walk_steps, VM_CACHE_DATA) +
           answers_ns(r, r->answers.walk_stores, VM_CACHE_DATA);
}

/* The loads of a step are made together, and the steps of walks under way at once too. */
static double walk_ns(const struct vm_result *r)
{
    double ns = tables_ns(r);
    for (size_t i = 0; i < r->nwalk_caches; i++)
        ns += (double)(r->walk_cache[i].counts.lookups - r->walk_cache[i].counts.misses) *
              r->walk_cache[i].config.hit_ns;
    return ns;
}

static struct vm_case mean(uint64_t touches, double ns)
{
    return (struct vm_case){touches, touches ? ns / (double)touches : 0};
}

/* The three cases share out all that touches cost: not the marks, shootdowns and switches. */
static void split(const struct vm_result *r, struct vm_prices *p)
{
    const struct vm_counts *n = &r->counts;
    uint64_t hits = n->touches - n->miss_present - n->touches_faulted;
    uint64_t faulted_hits = n->touches_faulted - (n->tlb_misses - n->miss_present);
    double walk = n->walks ? p->walk_ns / (double)n->walks : 0;
    double hit_walks = (double)(n->tlb_upgrades - faulted_hits);
    double fault_walks = (double)(n->walks - n->miss_present - n->mark_traps) - hit_walks;
    double failed = (double)(n->violations + n->denials + n->unnamed + n->oom_touches);
    double led = (double)n->touches - failed, memory = led > 0 ? p->memory_ns / led : 0;
    p->hit = mean(hits, (double)hits * memory + p->tlb_ns + hit_walks * walk);
    p->miss = mean(n->miss_present, (double)n->miss_present * (memory + walk));
    p->fault = mean(n->touches_faulted, ((double)n->touches_faulted - failed) * memory +
                                            fault_walks * walk + p->fault_ns + p->copy_ns +
                                            p->swap_in_ns + p->swap_out_ns + p->stall_ns);
}

void vm_price_parts(const struct vm_result *r, struct vm_prices *out)
{
    const struct vm_counts *n = &r->counts;
    const struct vm_config *c = &r->config;
    double copies = (double)n->page_copies + (double)n->table_moved_bytes / (double)c->page_bytes;
    uint64_t failed = n->violations + n->denials + n->unnamed + n->oom_touches;
    *out = (struct vm_prices){
        .memory_ns = memory_ns(r, failed),
        .tlb_ns = tlb_ns(r),
        .walk_ns = walk_ns(r),
        .refill_ns = (double)n->refills * c->refill_ns,
        .mark_ns = (double)n->mark_stores * c->memory_ns + (double)n->mark_traps * c->fault_ns,
        .fault_ns = (double)(n->faults + n->table_faults + failed) * c->fault_ns,
        .copy_ns = copies * c->copy_ns,
        .shootdown_ns = (double)n->shootdowns * c->shootdown_ns,
        .ipi_ns = (double)n->ipis * c->ipi_ns,
        .switching_ns = (double)n->switches * c->switch_ns,
    };
}

static double sum(const struct vm_prices *p)
{
    double ns = 0;
#define VM_PRICE_SUM(field, what) ns += p->field##_ns;
    VM_PRICES(VM_PRICE_SUM)
#undef VM_PRICE_SUM
    return ns;
}

double vm_price_cpu(const struct vm_result *r)
{
    struct vm_prices p;
    vm_price_parts(r, &p);
    return sum(&p);
}

void vm_price(const struct vm_result *r, const uint64_t waits_ns[VM_WAITS], struct vm_prices *out)
{
    const struct vm_counts *n = &r->counts;
    vm_price_parts(r, out);
    out->swap_in_ns = (double)waits_ns[VM_WAIT_READ];
    out->swap_out_ns = (double)waits_ns[VM_WAIT_WRITE];
    out->stall_ns = (double)waits_ns[VM_WAIT_FRAME];
    out->total_ns = sum(out);
    if (r->config.model == VM_MODEL_MACHINE)
        split(r, out);
    out->access_ns = n->refs ? out->total_ns / (double)n->refs : 0;
}
