/* naive_map.h - what a translation scheme means, without any table: a list of (asid, page, entry).
 *
 * Every question is answered by looking at the whole list. Only tests link it.
 */
#ifndef ORACLE_NAIVE_MAP_H
#define ORACLE_NAIVE_MAP_H

#include <pagoda/scheme.h>

#define NAIVE_MAP_MAX 4096 /* entries that are not empty */

struct naive_map {
    unsigned page_shift;
    uint8_t marks; /* enum vm_frame_bits that an access leaves in the entry */
    size_t n;
    struct {
        vm_asid asid;
        vm_va va; /* of the page */
        struct vm_pte pte;
    } entry[NAIVE_MAP_MAX];
};

struct vm_pte naive_map_get(const struct naive_map *m, vm_asid asid, vm_va va);
/* No other entry overlaps the page. */
void naive_map_set(struct naive_map *m, vm_asid asid, vm_va va, struct vm_pte pte);
/* The first base page in [va, end) that has an entry, or end. */
vm_va naive_map_next(const struct naive_map *m, vm_asid asid, vm_va va, vm_va end);
void naive_map_close(struct naive_map *m, vm_asid asid);
/* What an access does to the entry; the fault is never VM_WALK_BOUNDS. */
enum vm_walk_fault naive_map_access(struct naive_map *m, vm_asid asid, vm_va va,
                                    enum vm_access access);
bool naive_pte_equal(struct vm_pte a, struct vm_pte b);

#endif
