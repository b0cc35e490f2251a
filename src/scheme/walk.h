/* walk.h - how schemes fill in a struct vm_walk. */
#ifndef SCHEME_WALK_H
#define SCHEME_WALK_H

#include <pagoda/scheme.h>

/* Field by field: clearing the loads too would cost more than the walk. */
static inline void walk_begin(struct vm_walk *out)
{
    out->fault = VM_WALK_OK;
    out->order = 0;
    out->prot = VM_PROT_NONE;
    out->dirty = 0;
    out->nstores = 0;
    out->pfn = VM_NOFRAME;
    out->first = 0;
    out->end = 1;
    out->missing = 0;
    out->nloads = 0;
}

/* A word read after all before it; `covers` and `role` as in struct vm_walk_load. */
static inline void walk_load(struct vm_walk *out, vm_pa at, uint64_t word, unsigned covers,
                             enum vm_load_role role)
{
    uint32_t i = out->nloads++;
    if (i < VM_WALK_LOADS)
        out->load[i] = (struct vm_walk_load){.at = at,
                                             .word = word,
                                             .covers = (uint8_t)covers,
                                             .step = (uint8_t)(i < UINT8_MAX ? i : UINT8_MAX),
                                             .role = role};
}

/* A word read together with the one before it, none waiting for the other. */
static inline void walk_load_beside(struct vm_walk *out, vm_pa at, uint64_t word, unsigned covers,
                                    enum vm_load_role role)
{
    uint32_t i = out->nloads;
    walk_load(out, at, word, covers, role);
    if (i < VM_WALK_LOADS)
        out->load[i].step = i > 0 ? out->load[i - 1].step : 0;
}

#endif
