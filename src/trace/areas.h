/* areas.h - what is mapped where, as far as a reader was told: sorted areas that do not touch
 * each other's bytes.
 *
 * A recorded mremap says neither protection nor backing; they are those of the area it moves.
 *
 * Invariants: start < end; areas are sorted and disjoint.
 */
#ifndef TRACE_AREAS_H
#define TRACE_AREAS_H

#include <pagoda/error.h>
#include <pagoda/types.h>

struct vm_area {
    vm_va start, end;
    uint8_t prot;    /* enum vm_prot bits */
    uint8_t backing; /* enum vm_backing */
};

struct vm_areas {
    struct vm_area *area;
    size_t n, cap;
};

/* The area becomes part, replacing what lay there. Errors: VM_ESYSTEM. */
bool vm_areas_map(struct vm_areas *a, struct vm_area area, struct vm_error *e);
bool vm_areas_unmap(struct vm_areas *a, vm_va start, vm_va end, struct vm_error *e);
bool vm_areas_protect(struct vm_areas *a, vm_va start, vm_va end, uint8_t prot, struct vm_error *e);
/* The area that holds va, or NULL; valid until the next change. */
const struct vm_area *vm_areas_find(const struct vm_areas *a, vm_va va);
/* Asserts the invariants. */
void vm_areas_check(const struct vm_areas *a);
void vm_areas_close(struct vm_areas *a); /* a zeroed struct is fine, and is what is left */

#endif
