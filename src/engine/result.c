/* result.c - what a machine has counted, as a plain value that outlives it. */
#include "engine/machine.h"
#include "engine/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_faults(const void *a, const void *b)
{
    const struct vm_region *x = a, *y = b;
    if (x->vma.faults != y->vma.faults)
        return x->vma.faults < y->vma.faults ? 1 : -1;
    if (x->asid != y->asid)
        return x->asid < y->asid ? -1 : 1;
    return x->vma.start < y->vma.start ? -1 : 1;
}

/* Keep the VM_REGIONS_MAX with the most faults: a full list is sorted and its tail overwritten. */
static void gather_regions(const struct vm_memory *memory, struct vm_result *out)
{
    struct vm_region all[2 * VM_REGIONS_MAX];
    size_t n = 0;
    for (unsigned asid = 0; asid <= VM_ASID_MAX; asid++) {
        const struct vm_space *s = vm_memory_space(memory, (vm_asid)asid);
        for (size_t i = 0; s && i < s->nvmas; i++) {
            all[n++] = (struct vm_region){(vm_asid)asid, s->vma[i]};
            out->regions_all++;
            if (n == 2 * VM_REGIONS_MAX) {
                qsort(all, n, sizeof all[0], by_faults);
                n = VM_REGIONS_MAX;
            }
        }
    }
    qsort(all, n, sizeof all[0], by_faults);
    out->nregions = n < VM_REGIONS_MAX ? n : VM_REGIONS_MAX;
    memcpy(out->region, all, out->nregions * sizeof all[0]);
}

void vm_engine_result(struct vm_engine *m, struct vm_result *out)
{
    out->nframes = (uint32_t)(out->config.memory_bytes / out->config.page_bytes);
    const struct vm_memory *memory = vm_engine_memory(m);
    if (m->scheme->in_registers)
        strcpy(out->config.tlb, "none"); /* what the machine has */
    vm_engine_counts(m, &out->counts);
    out->ntlbs = vm_engine_ntlbs(m);
    for (size_t i = 0; i < out->ntlbs; i++)
        strcpy(out->tlb[i].name, vm_engine_tlb(m, i, &out->tlb[i].config, &out->tlb[i].counts));
    out->nwalk_caches = vm_engine_nwalk_caches(m);
    for (size_t i = 0; i < out->nwalk_caches; i++) {
        vm_engine_walk_cache(m, i, &out->walk_cache[i].config, &out->walk_cache[i].counts);
        snprintf(out->walk_cache[i].name, sizeof out->walk_cache[i].name, "p%u",
                 out->walk_cache[i].config.level);
    }
    vm_memory_holes(memory, &out->holes);
    vm_frames_gather(m, &out->frames);
    out->ncaches = vm_engine_ncaches(m);
    for (size_t i = 0; i < out->ncaches; i++)
        strcpy(out->cache[i].name,
               vm_engine_cache(m, i, &out->cache[i].config, &out->cache[i].counts));
    vm_engine_answers(m, &out->answers);
    out->resident = vm_memory_resident(memory);
    out->table_frames = vm_memory_table_frames(memory);
    vm_memory_footprint(memory, &out->tables);
    vm_memory_transfers(memory, out->device);
    gather_regions(memory, out);
    vm_price(out, m->waits_ns, &out->prices);
}
