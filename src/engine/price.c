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

void vm_price(const struct vm_result *r, uint64_t read_ns, uint64_t write_ns, struct vm_prices *out)
{
    const struct vm_counts *n = &r->counts;
    const struct vm_config *c = &r->config;
    /* With pages alone, every touch is an access and nothing is known of tables. */
    double copies = (double)n->page_copies + (double)n->table_moved_bytes / (double)c->page_bytes;
    uint64_t failed = n->violations + n->denials + n->unnamed;
    *out = (struct vm_prices){
        .memory_ns = (double)(n->touches - failed) * c->memory_ns,
        .tlb_ns = tlb_ns(r),
        .walk_ns = (double)(n->walk_loads + n->walk_stores) * c->memory_ns,
        .fault_ns = (double)(n->faults + failed) * c->fault_ns,
        .copy_ns = copies * c->copy_ns,
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
