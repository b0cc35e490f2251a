/* live_test.h - what the tests of the pager of real memory share: opening one where the host allows
 * it, and holding its states against what the kernel has mapped.
 *
 * Where userfaultfd is refused, a test says so and is skipped.
 */
#ifndef LIVE_LIVE_TEST_H
#define LIVE_LIVE_TEST_H

#include "base/random.h"
#include "live/live.h"
#include "unit/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* The pager, or the test ends here: skipped where the host refuses, failed otherwise. */
static inline struct vm_live *open_pager(const struct vm_live_options *o)
{
    struct vm_error e = {0};
    struct vm_live *l = vm_live_open(o, &e);
    if (!l && e.code == VM_ESYSTEM && strstr(e.text, "userfaultfd")) {
        print_message("# skipped: %s\n", e.text);
        skip();
    }
    if (!l)
        print_message("# %s\n", e.text);
    assert_non_null(l);
    return l;
}

static inline uint8_t *map_region(struct vm_live *l, size_t bytes)
{
    struct vm_error e = {0};
    uint8_t *start = vm_live_map(l, bytes, &e);
    if (!start)
        print_message("# %s\n", e.text);
    assert_non_null(start);
    return start;
}

#define PRESENT   (UINT64_C(1) << 63)
#define PROTECTED (UINT64_C(1) << 57)

/* What proc_pid_pagemap(5) has of the pages of 4 KiB from `start` on. */
static inline void read_pagemap(const uint8_t *start, size_t n, uint64_t *entry)
{
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, entry, 8 * n, (off_t)((uintptr_t)start / 4096 * 8)), 8 * n);
    close(fd);
}

/* Nobody is at work: what the kernel has mapped is what the states say (invariant 1 of live.h), and
 * the pager knows the same pages. */
static inline void check_region(struct vm_live *l, const struct region *r)
{
    const size_t small = l->page_bytes / 4096;
    uint64_t entry[512];
    for (uint32_t page = r->first; page < r->first + r->n; page++) {
        enum page_state s = state_of(l, page);
        assert_false(is_moving(s));
        assert_int_equal(vm_pager_is_resident(l->pager, page),
                         s == CLEAN || s == DIRTY || s == PARKED);
        assert_int_equal(l->parked[page] != 0, s == PARKED);
        if (s != PARKED)
            assert_int_equal(vm_pager_is_dirty(l->pager, page), s == DIRTY);
        if (s == EMPTY || s == DIRTY)
            assert_int_equal(l->handle[page], 0);
        read_pagemap(address_in(l, r, page), small, entry);
        for (size_t i = 0; i < small; i++) {
            assert_int_equal((entry[i] & PRESENT) != 0, s == CLEAN || s == DIRTY);
            assert_int_equal((entry[i] & PROTECTED) != 0, s == CLEAN);
        }
    }
}

static inline void check_regions(struct vm_live *l)
{
    struct vm_live_stats s;
    while (atomic_load(&l->busy)) /* a thread of the pager's, behind the last fault */
        sched_yield();
    vm_live_stats(l, &s);
    for (uint32_t i = 0; i < l->nregions; i++)
        check_region(l, &l->region[i]);
    assert_true(s.resident_pages <= l->limit_pages + VM_PAGER_OVERRUN_MAX);
}

#endif
