/* ranges.h - a set of numbers as the ranges that they make, in order: which pages of an area are in
 * somebody's use. Asks for no memory.
 *
 * Invariants
 *  1. from < end in each; each ends before the next begins, with at least one number in between.
 *
 * Adding and removing move what lies behind: fine for some thousands of ranges, of which a process
 * that maps side by side has few.
 */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm_range {
    uint64_t from, end;
};

struct vm_ranges {
    struct vm_range *range; /* [max], the caller's */
    size_t n, max;
};

#define VM_RANGES_NONE UINT64_MAX

/* [from, end) are in it. False: there would be more than `max` ranges, and nothing has changed. */
bool vm_ranges_add(struct vm_ranges *r, uint64_t from, uint64_t end);
/* [from, end) are not; false as above. */
bool vm_ranges_remove(struct vm_ranges *r, uint64_t from, uint64_t end);
/* Whether none, or all, of [from, end) are; both are true of an empty range. */
bool vm_ranges_has_none(const struct vm_ranges *r, uint64_t from, uint64_t end);
bool vm_ranges_has_all(const struct vm_ranges *r, uint64_t from, uint64_t end);
/* The first part of [from, end) that is in it: whether there is one. */
bool vm_ranges_part(const struct vm_ranges *r, uint64_t from, uint64_t end, struct vm_range *part);
/* The lowest multiple of `align` in [low, high - n] from which on n numbers are not in it, or
 * VM_RANGES_NONE. */
uint64_t vm_ranges_gap(const struct vm_ranges *r, uint64_t low, uint64_t high, uint64_t n,
                       uint64_t align);
void vm_ranges_check(const struct vm_ranges *r);

#endif
