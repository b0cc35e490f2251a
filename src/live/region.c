/* region.c - which addresses are the pager's: map, unmap, move; and the table in which a fault
 * looks.
 *
 * Regions lie in order of their addresses. A fault reads the table without a lock: `changes` is odd
 * while it changes, and who saw it change reads again. Pages have numbers of the pager's, which a
 * range allocator of alloc/ gives; neighbours in a region have neighbouring numbers.
 */
#include "base/assert.h"
#include "live/live.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the table ---- */

static size_t bytes_of(const struct vm_live *l, const struct region *r)
{
    return (size_t)r->n << l->page_shift;
}

/* The number of regions that begin at or before the address, of the first n. */
static uint32_t upto(const struct vm_live *l, uint32_t n, const uint8_t *address)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (l->region[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool vm_region_find(const struct vm_live *l, const void *address, struct region *out)
{
    for (;;) {
        uint32_t changes = atomic_load_explicit(&l->changes, memory_order_acquire);
        uint32_t n = l->nregions < REGIONS_MAX ? l->nregions : 0;
        uint32_t i = upto(l, n, address);
        bool found = i > 0;
        if (found)
            *out = l->region[i - 1];
        atomic_thread_fence(memory_order_acquire);
        if (!(changes & 1) && atomic_load_explicit(&l->changes, memory_order_relaxed) == changes)
            return found && (size_t)((const uint8_t *)address - out->start) < bytes_of(l, out);
        sched_yield();
    }
}

const struct region *vm_region_of_page(const struct vm_live *l, uint32_t page)
{
    for (uint32_t i = 0; i < l->nregions; i++)
        if (page - l->region[i].first < l->region[i].n)
            return &l->region[i];
    VM_ASSERT(!"a page of the pager's lies in a region");
    return NULL;
}

static void begin_change(struct vm_live *l)
{
    atomic_fetch_add(&l->changes, 1);
}

static void end_change(struct vm_live *l)
{
    atomic_fetch_add(&l->changes, 1);
}

static void insert(struct vm_live *l, const struct region *r)
{
    uint32_t at = upto(l, l->nregions, r->start);
    VM_ASSERT(l->nregions < REGIONS_MAX);
    begin_change(l);
    memmove(&l->region[at + 1], &l->region[at], (l->nregions - at) * sizeof *r);
    l->region[at] = *r;
    l->nregions++;
    end_change(l);
}

/* Region i becomes two, the second from `page` on. At no moment is an address in neither. */
static void split(struct vm_live *l, uint32_t i, uint32_t page)
{
    struct region rest = l->region[i];
    VM_ASSERT(l->nregions < REGIONS_MAX);
    rest.start = address_in(l, &rest, page);
    rest.n -= page - rest.first;
    rest.first = page;
    if (rest.of)
        vm_file_hold(rest.of);
    begin_change(l);
    memmove(&l->region[i + 2], &l->region[i + 1], (l->nregions - i - 1) * sizeof rest);
    l->region[i].n -= rest.n;
    l->region[i + 1] = rest;
    l->nregions++;
    end_change(l);
}

static void erase(struct vm_live *l, uint32_t i)
{
    struct backing *of = l->region[i].of;
    begin_change(l);
    memmove(&l->region[i], &l->region[i + 1], (l->nregions - i - 1) * sizeof l->region[i]);
    l->nregions--;
    end_change(l);
    if (of)
        vm_file_drop(of);
}

static uint32_t index_of(const struct vm_live *l, uint32_t page)
{
    uint32_t i = 0;
    while (page - l->region[i].first >= l->region[i].n)
        i++;
    VM_ASSERT(i < l->nregions);
    return i;
}

/* ---- mapping ---- */

static size_t rounded(const struct vm_live *l, size_t bytes)
{
    return (bytes + l->page_bytes - 1) & ~((size_t)l->page_bytes - 1);
}

/* Anonymous memory at `at` (in place of what is there), or anywhere, aligned to a page of the
 * pager's. */
static uint8_t *reserve(const struct vm_live *l, void *at, size_t bytes, struct vm_error *e)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    size_t extra = at || l->page_bytes <= 4096 ? 0 : l->page_bytes;
    uint8_t *start =
        mmap(at, bytes + extra, PROT_READ | PROT_WRITE, flags | (at ? MAP_FIXED : 0), -1, 0);
    if (start == MAP_FAILED) {
        vm_fail(e, VM_ESYSTEM, "no address space for %zu bytes: %s", bytes, strerror(errno));
        return NULL;
    }
    if (!extra)
        return start;
    uint8_t *aligned = (uint8_t *)(((uintptr_t)start + extra - 1) & ~((uintptr_t)extra - 1));
    if (aligned > start)
        munmap(start, (size_t)(aligned - start));
    if (aligned < start + extra)
        munmap(aligned + bytes, (size_t)(start + extra - aligned));
    return aligned;
}

static bool prepare(struct vm_live *l, uint8_t *start, size_t bytes, struct vm_error *e)
{
    madvise(start, bytes, MADV_NOHUGEPAGE);
    if (l->options.fork == VM_LIVE_FORK_NONE)
        madvise(start, bytes, MADV_DONTFORK);
    return vm_uffd_register(&l->uffd, start, bytes, e);
}

/* Page numbers for a region there; under the lock. */
static bool number(struct vm_live *l, uint8_t *start, uint32_t n, struct vm_error *e)
{
    if (l->nregions + 2 > REGIONS_MAX)
        return vm_fail(e, VM_ESYSTEM, "a pager has %u regions at most", REGIONS_MAX - 2);
    uint64_t first = l->numbers_ops->take(l->numbers, n, 1);
    if (first == VM_ALLOC_NONE)
        return vm_fail(e, VM_ESYSTEM, "a pager has %u pages at most", l->pages_max);
    insert(l, &(struct region){.start = start, .first = (uint32_t)first, .n = n});
    vm_log_add(l->log, LOG_REGION, (uint32_t)first, n);
    return true;
}

static bool check_bytes(const struct vm_live *l, size_t bytes, struct vm_error *e)
{
    if (bytes == 0)
        return vm_fail(e, VM_EUSAGE, "a region of no bytes");
    if (bytes > (size_t)l->pages_max << l->page_shift)
        return vm_fail(e, VM_EUSAGE, "a region of %zu bytes: a pager has %u pages at most", bytes,
                       l->pages_max);
    return true;
}

static uint8_t *map(struct vm_live *l, void *at, size_t bytes, struct vm_error *e)
{
    if (!check_bytes(l, bytes, e))
        return NULL;
    size_t whole = rounded(l, bytes);
    uint8_t *start = reserve(l, at, whole, e);
    if (!start)
        return NULL;
    bool done = prepare(l, start, whole, e);
    if (done) {
        uint64_t kept;
        vm_lock_calmly(&l->lock, &kept);
        done = number(l, start, (uint32_t)(whole >> l->page_shift), e);
        vm_lock_give_calmly(&l->lock, &kept);
    }
    if (done) {
        vm_accesses_map(l, start, whole);
        return start;
    }
    munmap(start, whole);
    return NULL;
}

void *vm_live_map(struct vm_live *l, size_t bytes, struct vm_error *e)
{
    return map(l, NULL, bytes, e);
}

bool vm_live_map_at(struct vm_live *l, void *address, size_t bytes, struct vm_error *e)
{
    if ((uintptr_t)address & (l->page_bytes - 1))
        return vm_fail(e, VM_EUSAGE, "a region at %p: expected a multiple of %u bytes", address,
                       l->page_bytes);
    if (vm_live_owns(l, address, bytes))
        return vm_fail(e, VM_EUSAGE, "a region at %p: another is there", address);
    return map(l, address, bytes, e);
}

bool vm_live_owns(const struct vm_live *l, const void *address, size_t bytes)
{
    const uint8_t *from = address;
    for (;;) {
        uint32_t changes = atomic_load(&l->changes);
        uint32_t n = l->nregions < REGIONS_MAX ? l->nregions : 0;
        uint32_t i = upto(l, n, from), next = upto(l, n, from + bytes - (bytes > 0));
        bool owns =
            next > i || (i > 0 && from < l->region[i - 1].start + bytes_of(l, &l->region[i - 1]));
        atomic_thread_fence(memory_order_acquire);
        if (!(changes & 1) && atomic_load(&l->changes) == changes)
            return owns;
        sched_yield();
    }
}

void vm_region_set_file(struct vm_live *l, uint8_t *start, struct backing *of)
{
    uint64_t signals;
    vm_gate_close(l, &signals);
    struct region *r = &l->region[upto(l, l->nregions, start) - 1];
    begin_change(l);
    r->of = of;
    r->file_first = r->first;
    end_change(l);
    vm_pager_keep(l->pager, r->first, r->n);
    vm_log_add(l->log, LOG_KEEP, r->first, r->n);
    for (uint32_t page = r->first; page < r->first + r->n; page++) {
        l->handle[page] = IN_FILE;
        atomic_store_explicit(&l->state[page], OUT, memory_order_relaxed);
    }
    vm_gate_open(l, &signals);
}

/* ---- unmapping ---- */

/* The part of region i that lies in [from, to), in pages of its own. */
static bool part_of(const struct vm_live *l, const struct region *r, const uint8_t *from,
                    const uint8_t *to, struct region *part)
{
    const uint8_t *end = r->start + bytes_of(l, r);
    const uint8_t *low = from > r->start ? from : r->start, *high = to < end ? to : end;
    if (low >= high)
        return false;
    *part = *r;
    part->first = page_in(l, r, low);
    part->n = page_in(l, r, high - 1) + 1 - part->first;
    part->start = address_in(l, r, part->first);
    return true;
}

bool vm_region_next_part(struct vm_live *l, const void *from, const void *to, struct region *part)
{
    uint64_t kept;
    bool found = false;
    vm_lock_calmly(&l->lock, &kept);
    for (uint32_t i = 0; i < l->nregions && !found; i++)
        found = part_of(l, &l->region[i], from, to, part);
    vm_lock_give_calmly(&l->lock, &kept);
    return found;
}

/* The part becomes a region of its own: no plan for a page beside it takes one of its own along. */
static bool isolate(struct vm_live *l, const struct region *part, struct vm_error *e)
{
    uint64_t kept;
    vm_lock_calmly(&l->lock, &kept);
    uint32_t i = index_of(l, part->first), end = part->first + part->n;
    bool has_before = part->first > l->region[i].first;
    bool has_behind = end < l->region[i].first + l->region[i].n;
    bool fits = l->nregions + has_before + has_behind <= REGIONS_MAX;
    if (fits && has_behind)
        split(l, i, end);
    if (fits && has_before)
        split(l, i, part->first);
    vm_lock_give_calmly(&l->lock, &kept);
    return fits || vm_fail(e, VM_ESYSTEM, "unmapping %p: a pager has %u regions at most",
                           (void *)part->start, REGIONS_MAX);
}

/* Nobody has pinned them any more: their numbers will be others'. */
static void unpin_part(struct vm_live *l, const struct region *part)
{
    for (uint32_t page = part->first; page < part->first + part->n && atomic_load(&l->pinned);
         page++)
        if (atomic_exchange(&l->pins[page], 0))
            atomic_fetch_sub(&l->pinned, 1);
}

static void forget_part(struct vm_live *l, const struct region *part)
{
    uint64_t kept;
    vm_lock_calmly(&l->lock, &kept);
    unpin_part(l, part);
    vm_accesses_close(l);
    erase(l, index_of(l, part->first));
    l->numbers_ops->give(l->numbers, part->first, part->n);
    vm_log_add(l->log, LOG_NO_REGION, part->first, part->n);
    vm_lock_give_calmly(&l->lock, &kept);
}

static bool unmap_part(struct vm_live *l, const struct region *part, struct vm_error *e)
{
    if (!isolate(l, part, e))
        return false;
    vm_discard(l, part, AS_ZEROS);
    forget_part(l, part); /* first: once it is unmapped the address may be another region's */
    munmap(part->start, bytes_of(l, part));
    return true;
}

bool vm_live_unmap(struct vm_live *l, void *address, size_t bytes, struct vm_error *e)
{
    const uint8_t *from = address, *to = from + rounded(l, bytes);
    struct region part;
    if ((uintptr_t)address & (l->page_bytes - 1))
        return vm_fail(e, VM_EUSAGE, "unmapping %p: expected a multiple of %u bytes", address,
                       l->page_bytes);
    while (vm_region_next_part(l, from, to, &part)) {
        if ((part.of && !vm_file_flush(l, &part, e)) || !unmap_part(l, &part, e))
            return false;
        from = part.start + bytes_of(l, &part); /* what lies there by now is another's */
    }
    return true;
}

void vm_regions_end(struct vm_live *l)
{
    struct vm_error ignored;
    while (l->nregions) {
        struct region r = l->region[0];
        if (r.of)
            vm_file_flush(l, &r, &ignored);
        unmap_part(l, &r, &ignored);
    }
}

/* ---- another length ---- */

static void *grow_elsewhere(struct vm_live *l, const struct region *r, size_t wanted,
                            struct vm_error *e)
{
    uint8_t *to = map(l, NULL, wanted, e);
    struct region target;
    if (!to)
        return NULL;
    vm_region_find(l, to, &target);
    vm_move_contents(l, r, &target);
    vm_live_unmap(l, r->start, bytes_of(l, r), e);
    return to;
}

void *vm_live_resize(struct vm_live *l, void *address, size_t bytes, size_t wanted,
                     struct vm_error *e)
{
    struct region r;
    size_t whole = rounded(l, bytes), want = rounded(l, wanted);
    if (!check_bytes(l, wanted, e))
        return NULL;
    if (!vm_region_next_part(l, address, (uint8_t *)address + whole, &r) || r.start != address ||
        bytes_of(l, &r) != whole) {
        vm_fail(e, VM_EUSAGE, "resizing %zu bytes at %p: they are not of one region", bytes,
                address);
        return NULL;
    }
    if (r.of) {
        vm_fail(e, VM_EUSAGE, "resizing %p: it is as long as its file", address);
        return NULL;
    }
    if (want <= whole)
        return want == whole || vm_live_unmap(l, r.start + want, whole - want, e) ? address : NULL;
    return grow_elsewhere(l, &r, wanted, e);
}
