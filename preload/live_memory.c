/* live_memory.c - which memory of the program is managed: mmap and its kin.
 *
 *      area  [ small ones, side by side ......... | large ones, each with room to grow ...... ]
 *
 * The pager has one region, the area, reserved once; private anonymous mappings of `above` bytes
 * and more are ranges of it. Taking one is a note and an mprotect; giving it back makes its pages
 * forget what they had. The break does not grow, so that malloc's own heap comes by mmap, too.
 *
 * Invariants
 *  1. Pages of the area that are in no range are of no access, and have no contents. What is of no
 *     access is not resident: the pager, which reads what it writes back, never touches it. So the
 *     page is shut first (`open`), then emptied, or sent away, and then of no access.
 *  2. `used` has the ranges, in host pages; what another mapping was put over (MAP_FIXED with a
 *     file) is in `lost`, used for ever, and not managed.
 *  3. The lock is held while ranges change with their contents and protections, as the kernel holds
 *     its own; nothing under it touches managed memory.
 *  4. A page of the pager's that is used in part keeps all of its contents, and can be read as a
 *     whole; zeros that are due are then written.
 *
 * Not as the kernel has it: a mapping that moves is readable and writable afterwards; mlock finds
 * no memory to lock; madvise DONTFORK and WIPEONFORK are refused, and those about huge pages, dumps
 * and merging done by saying so.
 */
#include "live.h"

#include "base/ranges.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define AREA_BYTES_MAX ((size_t)1 << 40)
#define AREA_BYTES     ((size_t)1 << 36) /* at least, where there is as much address space */
#define AREA_BYTES_MIN ((size_t)1 << 32)
#define AREA_LIMITS    256 /* times the limit: fork looks at all its pages' states */
#define RANGES_MAX     ((size_t)1 << 17)
#define LARGE_BYTES    ((size_t)32 << 20) /* have room behind them to grow in */
#define LARGE_ROOM     4                  /* times their length, with themselves */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static struct vm_lock lock;
static struct vm_ranges used, lost;
static _Atomic uint64_t *open; /* a bit a host page: it can be read */
static uint64_t unit;          /* host pages of one of the pager's */

/* ---- addresses and numbers ---- */

static uint64_t number_of(uintptr_t address)
{
    return (address - live_world.area) / LIVE_PAGE;
}

static uint64_t number_after(uintptr_t address)
{
    return (address - live_world.area + LIVE_PAGE - 1) / LIVE_PAGE;
}

static uintptr_t address_of(uint64_t number)
{
    return live_world.area + number * LIVE_PAGE;
}

static size_t rounded(size_t bytes)
{
    return (bytes + LIVE_PAGE - 1) & ~(LIVE_PAGE - 1);
}

static bool is_inside(uintptr_t at, size_t bytes)
{
    return live_in_area(at) && bytes <= live_world.area_end - at;
}

/* ---- ranges and their contents ---- */

static void count_bytes(int64_t change)
{
    struct live_call_counts *n = &live_world.launch->calls;
    uint64_t now = atomic_fetch_add(&n->managed_bytes, (uint64_t)change) + (uint64_t)change;
    if (now > atomic_load(&n->managed_bytes_most))
        atomic_store(&n->managed_bytes_most, now);
}

static long protect_now(uint64_t from, uint64_t end, unsigned long how)
{
    if (from >= end)
        return 0;
    if (live_world.hears_accesses) /* what is open the pager's log says, touch by touch */
        how = PROT_NONE;
    return live_call(SYS_mprotect, address_of(from), (end - from) * LIVE_PAGE, how, 0, 0, 0);
}

/* ---- what is open ---- */

static bool is_open(uint64_t page)
{
    return atomic_load_explicit(&open[page / 64], memory_order_acquire) >> page % 64 & 1;
}

static void set_open(uint64_t from, uint64_t end, bool to)
{
    while (from < end) {
        uint64_t n = 64 - from % 64 < end - from ? 64 - from % 64 : end - from;
        uint64_t bits = (n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1) << from % 64;
        if (to)
            atomic_fetch_or(&open[from / 64], bits);
        else
            atomic_fetch_and(&open[from / 64], ~bits);
        from += n;
    }
}

static bool any_open(uint64_t from, uint64_t end)
{
    while (from < end && !is_open(from))
        from++;
    return from < end;
}

bool live_is_open(const void *address, size_t bytes)
{
    uint64_t from = number_of((uintptr_t)address);
    uint64_t end = number_after((uintptr_t)address + bytes);
    while (from < end && is_open(from))
        from++;
    return from >= end;
}

/* The log knows which pages may come along. */
static void note_open(uint64_t from, uint64_t end)
{
    uint64_t low = from / unit * unit, high = (end + unit - 1) / unit * unit;
    for (uint64_t page = low, n; page < high; page += n) {
        bool may = live_may_come((void *)address_of(page));
        for (n = unit; page + n < high && live_may_come((void *)address_of(page + n)) == may;)
            n += unit;
        if (may)
            vm_live_log_open(live_world.pager, (void *)address_of(page), n * LIVE_PAGE);
        else
            vm_live_log_shut(live_world.pager, (void *)address_of(page), n * LIVE_PAGE);
    }
}

/* [from, end) can be read, as `how` says. Under the lock. */
static long reveal(uint64_t from, uint64_t end, unsigned long how)
{
    uint64_t low = from / unit * unit, high = (end + unit - 1) / unit * unit;
    for (uint64_t page = low; page < high; page++) {
        if (page == from)
            page = end;
        if (page < high && !is_open(page))
            protect_now(page, page + 1, PROT_READ);
    }
    long failed = protect_now(from, end, how);
    if (!failed) {
        set_open(from, end, true);
        note_open(from, end);
    }
    return failed;
}

/* [from, end) cannot be touched, after `empty` did its work on it, meanwhile with the protection
 * that it needs. Under the lock. */
static long shut(uint64_t from, uint64_t end, unsigned long meanwhile,
                 void (*empty)(uint64_t from, uint64_t end))
{
    uint64_t low = from / unit * unit, high = (end + unit - 1) / unit * unit;
    set_open(from, end, false);
    note_open(from, end);
    long failed = protect_now(from, end, meanwhile);
    if (failed)
        return failed;
    empty(from, end);
    if (any_open(low, from))
        low += unit;
    if (any_open(end, high))
        high -= unit;
    protect_now(from, end, PROT_READ);
    return low < high ? protect_now(low, high, PROT_NONE) : 0;
}

/* ---- contents ---- */

static void zero(uint64_t from, uint64_t end)
{
    static const char zeros[LIVE_PAGE];
    for (; from < end; from++)
        live_store(address_of(from), zeros, sizeof zeros);
}

/* [from, end), which nobody else uses any more or which shall be zeros, has no contents; what it
 * shares a page of the pager's with is in `used`. Under the lock. */
static void discard(uint64_t from, uint64_t end)
{
    uint64_t low = from / unit * unit, high = (end + unit - 1) / unit * unit;
    struct vm_error e;
    if (!vm_ranges_has_none(&used, low, from))
        low = low + unit;
    if (!vm_ranges_has_none(&used, end, high))
        high = high - unit;
    if (low < high)
        vm_live_advise(live_world.pager, (void *)address_of(low), (high - low) * LIVE_PAGE,
                       VM_LIVE_DONTNEED, &e);
    else
        low = high = end;
    if (from < low)
        zero(from, low < end ? low : end);
    if (high < end)
        zero(high > from ? high : from, end);
}

/* Under the lock. */
static bool take(uint64_t from, uint64_t end)
{
    if (!vm_ranges_add(&used, from, end))
        return false;
    count_bytes((int64_t)((end - from) * LIVE_PAGE));
    return true;
}

/* They leave, with their contents. */
static void send_away(uint64_t from, uint64_t end)
{
    struct vm_error e;
    vm_live_advise(live_world.pager, (void *)address_of(from), (end - from) * LIVE_PAGE,
                   VM_LIVE_COLD, &e);
}

static void give_range(const struct vm_range *r)
{
    if (!vm_ranges_remove(&used, r->from, r->end))
        return;
    shut(r->from, r->end, PROT_READ | PROT_WRITE, discard);
    count_bytes(-(int64_t)((r->end - r->from) * LIVE_PAGE));
    live_count(&live_world.launch->calls.unmaps);
}

/* Under the lock; the kernel's answer. */
static long protect(uint64_t from, uint64_t end, unsigned long how)
{
    if (how & (PROT_READ | PROT_WRITE))
        return reveal(from, end, how);
    return shut(from, end, PROT_READ, send_away);
}

/* What of [from, end) is managed is nobody's any more. Under the lock. */
static void give(uint64_t from, uint64_t end)
{
    struct vm_range r, gone;
    for (; vm_ranges_part(&used, from, end, &r); from = r.end) {
        if (vm_ranges_part(&lost, r.from, r.end, &gone))
            r.end = gone.from > r.from ? gone.from : gone.end;
        if (vm_ranges_has_none(&lost, r.from, r.end))
            give_range(&r);
    }
}

static uint64_t find_place(uint64_t n)
{
    uint64_t end = number_of(live_world.area_end), middle = end / 2 / unit * unit;
    uint64_t at = VM_RANGES_NONE;
    if (n * LIVE_PAGE >= LARGE_BYTES)
        at = vm_ranges_gap(&used, middle, end, n * LARGE_ROOM, unit);
    if (at == VM_RANGES_NONE)
        at = vm_ranges_gap(&used, 0, middle, (n + unit - 1) / unit * unit, unit);
    if (at == VM_RANGES_NONE)
        at = vm_ranges_gap(&used, 0, end, (n + unit - 1) / unit * unit, unit);
    return at;
}

/* A range of n pages; 0: there is none. Under the lock. */
static uintptr_t map(uint64_t n, unsigned long how)
{
    uint64_t at = find_place(n);
    if (at == VM_RANGES_NONE || !take(at, at + n))
        return 0;
    if (protect(at, at + n, how) != 0) {
        give(at, at + n);
        return 0;
    }
    live_count(&live_world.launch->calls.maps);
    return address_of(at);
}

/* ---- mmap ---- */

#define NOT_OURS (MAP_SHARED | MAP_GROWSDOWN | MAP_STACK | MAP_HUGETLB | MAP_LOCKED | MAP_32BIT)

static bool is_ours(const struct live_call *c)
{
    return (c->arg[3] & MAP_PRIVATE) && (c->arg[3] & MAP_ANONYMOUS) && !(c->arg[3] & NOT_OURS) &&
           !(c->arg[2] & PROT_EXEC);
}

/* Memory of any other kind over a part of the area. Under the lock. */
static void lose(struct live_call *c, uint64_t from, uint64_t end)
{
    struct vm_error e;
    if (from % unit || end % unit || !vm_ranges_add(&lost, from, end)) {
        c->result = -ENOMEM;
        return;
    }
    give(from, end);
    if (!vm_ranges_add(&used, from, end) ||
        !vm_live_unmap(live_world.pager, (void *)address_of(from), (end - from) * LIVE_PAGE, &e)) {
        c->result = -ENOMEM;
        return;
    }
    c->arg[3] = (c->arg[3] & ~(unsigned long)MAP_FIXED_NOREPLACE) | MAP_FIXED;
    c->result =
        live_call(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
}

/* Just there, in the area. Under the lock. */
static void map_fixed(struct live_call *c, size_t bytes)
{
    uint64_t from = number_of(c->arg[0]), end = from + bytes / LIVE_PAGE;
    bool may_replace = !(c->arg[3] & MAP_FIXED_NOREPLACE);
    if (!may_replace && !vm_ranges_has_none(&used, from, end)) {
        c->result = -EEXIST;
        return;
    }
    if (!is_ours(c) || !vm_ranges_has_none(&lost, from, end)) {
        lose(c, from, end);
        return;
    }
    give(from, end);
    c->result = take(from, end) ? protect(from, end, c->arg[2]) : -ENOMEM;
    if (c->result == 0)
        c->result = (long)c->arg[0];
}

static enum live_done take_mmap(struct live_call *c)
{
    size_t bytes = rounded(c->arg[1]);
    bool is_fixed = c->arg[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE);
    uintptr_t at = 0;
    if (is_fixed && (c->arg[0] % LIVE_PAGE || !is_inside(c->arg[0], bytes)))
        return LIVE_PASS;
    if (!is_fixed && (!is_ours(c) || bytes < live_world.launch->above_bytes ||
                      bytes > (live_world.area_end - live_world.area) / LARGE_ROOM))
        return LIVE_PASS;
    vm_lock_take(&lock);
    if (is_fixed)
        map_fixed(c, bytes);
    else
        at = map(bytes / LIVE_PAGE, c->arg[2]);
    vm_lock_give(&lock);
    if (is_fixed)
        return LIVE_DONE;
    c->result = (long)at;
    return at ? LIVE_DONE : LIVE_PASS;
}

/* ---- munmap, mprotect ---- */

/* The part of [at, at + bytes) that is in the area; the rest is left to the kernel. */
static bool part(uintptr_t at, size_t bytes, uintptr_t *from, uintptr_t *end)
{
    *from = at > live_world.area ? at : live_world.area;
    *end = at + bytes < live_world.area_end ? at + bytes : live_world.area_end;
    return *from < *end;
}

static void unmap_lost(uintptr_t from, uintptr_t end)
{
    for (size_t i = 0; i < lost.n; i++) {
        uintptr_t low = address_of(lost.range[i].from), high = address_of(lost.range[i].end);
        low = low > from ? low : from;
        high = high < end ? high : end;
        if (low < high)
            live_call(SYS_mmap, low, high - low, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, (unsigned long)-1,
                      0);
    }
}

static enum live_done take_munmap(struct live_call *c)
{
    uintptr_t from, end;
    size_t bytes = rounded(c->arg[1]);
    if (c->arg[0] % LIVE_PAGE || !bytes || !part(c->arg[0], bytes, &from, &end))
        return LIVE_PASS;
    vm_lock_take(&lock);
    give(number_of(from), number_of(end - 1) + 1);
    unmap_lost(from, end);
    vm_lock_give(&lock);
    c->result = 0;
    if (c->arg[0] < from)
        c->result = live_call(SYS_munmap, c->arg[0], from - c->arg[0], 0, 0, 0, 0);
    if (c->result == 0 && c->arg[0] + bytes > end)
        c->result = live_call(SYS_munmap, end, c->arg[0] + bytes - end, 0, 0, 0, 0);
    return LIVE_DONE;
}

static enum live_done take_mprotect(struct live_call *c)
{
    size_t bytes = rounded(c->arg[1]);
    if (!live_in_area(c->arg[0]) || c->arg[0] % LIVE_PAGE || !is_inside(c->arg[0], bytes))
        return LIVE_PASS;
    uint64_t from = number_of(c->arg[0]), end = from + bytes / LIVE_PAGE;
    vm_lock_take(&lock);
    c->result = -ENOMEM;
    if (!vm_ranges_has_none(&lost, from, end))
        c->result = live_call(c->number, c->arg[0], bytes, c->arg[2], c->arg[3], 0, 0);
    else if (vm_ranges_has_all(&used, from, end))
        c->result = protect(from, end, c->arg[2]);
    vm_lock_give(&lock);
    return LIVE_DONE;
}

/* ---- mremap ---- */

static bool grows_in_place(uint64_t from, uint64_t old, uint64_t n)
{
    uint64_t end = number_of(live_world.area_end);
    return from + n <= end && vm_ranges_has_none(&used, from + old, from + n) &&
           take(from + old, from + n);
}

/* Through memory, a piece at a time, each of which is forgotten behind: outside the lock, since it
 * touches both. */
static void carry(uintptr_t to, uintptr_t from, size_t bytes)
{
    const size_t piece = (size_t)1 << 20;
    struct vm_error e;
    for (size_t at = 0; at < bytes; at += piece) {
        size_t n = bytes - at < piece ? bytes - at : piece;
        memcpy((void *)(to + at), (const void *)(from + at), n);
        if (n == piece && from % (unit * LIVE_PAGE) == 0)
            vm_live_advise(live_world.pager, (void *)(from + at), n, VM_LIVE_DONTNEED, &e);
    }
}

static long move(uintptr_t from, uint64_t old, uint64_t n)
{
    vm_lock_take(&lock);
    uintptr_t to = map(n, PROT_READ | PROT_WRITE);
    if (to)
        protect(number_of(from), number_of(from) + old, PROT_READ | PROT_WRITE);
    vm_lock_give(&lock);
    if (!to)
        return -ENOMEM;
    carry(to, from, old * LIVE_PAGE);
    vm_lock_take(&lock);
    give(number_of(from), number_of(from) + old);
    vm_lock_give(&lock);
    live_count(&live_world.launch->calls.moves);
    return (long)to;
}

static enum live_done take_mremap(struct live_call *c)
{
    uintptr_t at = c->arg[0];
    uint64_t old = rounded(c->arg[1]) / LIVE_PAGE, n = rounded(c->arg[2]) / LIVE_PAGE;
    bool is_managed = live_in_area(at);
    if (!is_managed && !((c->arg[3] & MREMAP_FIXED) && live_in_area(c->arg[4])))
        return LIVE_PASS;
    uint64_t from = number_of(at);
    c->result = -EINVAL;
    if (!is_managed || at % LIVE_PAGE || !n || (c->arg[3] & ~(unsigned long)MREMAP_MAYMOVE))
        return LIVE_DONE;
    vm_lock_take(&lock);
    c->result = -EFAULT;
    bool is_mapped = old && vm_ranges_has_all(&used, from, from + old);
    if (is_mapped && n <= old) {
        give(from + n, from + old);
        c->result = (long)at;
    } else if (is_mapped && grows_in_place(from, old, n)) {
        protect(from + old, from + n, PROT_READ | PROT_WRITE);
        c->result = (long)at;
    } else if (is_mapped) {
        c->result = -ENOMEM;
    }
    vm_lock_give(&lock);
    if (is_mapped && c->result == -ENOMEM && (c->arg[3] & MREMAP_MAYMOVE))
        c->result = move(at, old, n);
    return LIVE_DONE;
}

/* ---- advice, locks, residence ---- */

static long advise(uintptr_t at, size_t bytes, int advice)
{
    enum vm_live_advice what;
    struct vm_error e;
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
        vm_lock_take(&lock);
        discard(number_of(at), number_after(at + bytes));
        vm_lock_give(&lock);
        return 0;
    case MADV_WILLNEED:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        what = VM_LIVE_WILLNEED;
        break;
    case MADV_COLD:
    case MADV_PAGEOUT:
        what = VM_LIVE_COLD;
        break;
    case MADV_DONTFORK:
    case MADV_WIPEONFORK:
        return -EINVAL;
    default:
        return 0;
    }
    if (live_is_open((void *)at, bytes))
        vm_live_advise(live_world.pager, (void *)at, bytes, what, &e);
    return 0;
}

static enum live_done take_madvise(struct live_call *c)
{
    size_t bytes = rounded(c->arg[1]);
    if (!live_in_area(c->arg[0]))
        return LIVE_PASS;
    uint64_t from = number_of(c->arg[0]), end = from + bytes / LIVE_PAGE;
    c->result = -EINVAL;
    if (c->arg[0] % LIVE_PAGE || !is_inside(c->arg[0], bytes))
        return LIVE_DONE;
    vm_lock_take(&lock);
    bool is_mapped = vm_ranges_has_all(&used, from, end);
    bool is_lost = !vm_ranges_has_none(&lost, from, end);
    vm_lock_give(&lock);
    if (is_lost)
        return LIVE_PASS;
    c->result = is_mapped ? advise(c->arg[0], bytes, (int)c->arg[2]) : -ENOMEM;
    return LIVE_DONE;
}

/* All of it is in memory: that is how it looks to the program. */
static enum live_done take_mincore(struct live_call *c)
{
    char some[256];
    size_t n = rounded(c->arg[1]) / LIVE_PAGE;
    if (!live_in_area(c->arg[0]))
        return LIVE_PASS;
    memset(some, 1, sizeof some);
    c->result = 0;
    for (size_t at = 0; at < n && c->result == 0; at += sizeof some)
        c->result = live_store(c->arg[2] + at, some, n - at < sizeof some ? n - at : sizeof some);
    return LIVE_DONE;
}

static enum live_done answer_inside(struct live_call *c, long result)
{
    if (!live_in_area(c->arg[0]))
        return LIVE_PASS;
    c->result = result;
    return LIVE_DONE;
}

static enum live_done take_brk(struct live_call *c)
{
    uintptr_t now = (uintptr_t)live_call(SYS_brk, 0, 0, 0, 0, 0, 0);
    if (c->arg[0] > now)
        c->arg[0] = 0;
    c->result = live_call(SYS_brk, c->arg[0], 0, 0, 0, 0, 0);
    return LIVE_DONE;
}

static enum live_done refuse(struct live_call *c, long result)
{
    c->result = result;
    return LIVE_DONE;
}

enum live_done live_memory_call(struct live_call *c)
{
    switch (c->number) {
    case SYS_mmap:
        return take_mmap(c);
    case SYS_munmap:
        return take_munmap(c);
    case SYS_mprotect:
    case SYS_pkey_mprotect:
        return take_mprotect(c);
    case SYS_mremap:
        return take_mremap(c);
    case SYS_madvise:
        return take_madvise(c);
    case SYS_mincore:
        return take_mincore(c);
    case SYS_brk:
        return take_brk(c);
    case SYS_mlock:
    case SYS_mlock2:
        return answer_inside(c, -ENOMEM);
    case SYS_munlock:
    case SYS_msync:
    case SYS_mbind:
        return answer_inside(c, 0);
    case SYS_mlockall: /* it would touch all of the area */
        return refuse(c, -EPERM);
    default:
        return LIVE_PASS;
    }
}

/* ---- the beginning, and fork ---- */

void live_memory_fork_before(uint64_t *signals)
{
    vm_lock_take(&lock);
    vm_live_fork_before(live_world.pager, signals);
}

bool live_memory_fork_after(bool is_child, const uint64_t *signals, struct vm_error *e)
{
    struct live_taken taken;
    if (is_child)
        live_descriptors_take(&taken);
    bool done = vm_live_fork_after(live_world.pager, is_child, signals, e);
    if (is_child)
        live_descriptors_give(&taken);
    vm_lock_give(&lock);
    return done;
}

static bool open_area(struct vm_error *e)
{
    size_t limits = live_world.launch->limit_bytes / LIVE_PAGE * LIVE_PAGE, bytes = AREA_BYTES;
    char *at = NULL;
    while (bytes < AREA_BYTES_MAX && bytes / AREA_LIMITS < limits)
        bytes *= 2;
    while (!at && bytes >= AREA_BYTES_MIN) {
        at = vm_live_map(live_world.pager, bytes, e);
        bytes = at ? bytes : bytes / 2;
    }
    if (!at)
        return false;
    live_world.area = (uintptr_t)at;
    live_world.area_end = live_world.area + bytes;
    open = live_room(bytes / LIVE_PAGE / 8);
    vm_live_log_shut(live_world.pager, at, bytes);
    return (open && protect_now(0, bytes / LIVE_PAGE, PROT_NONE) == 0) ||
           vm_fail(e, VM_ESYSTEM, "no address space for managed memory");
}

/* The pager brings only what can be read as a whole. */
bool live_may_come(const void *address)
{
    return !open || live_is_open(address, unit * LIVE_PAGE);
}

bool live_memory_begin(struct vm_error *e)
{
    struct vm_range *room = live_room(2 * RANGES_MAX * sizeof *room);
    uint32_t page = live_world.launch->page_bytes;
    if (!room)
        return vm_fail(e, VM_ESYSTEM, "no memory for a list of mappings");
    used = (struct vm_ranges){.range = room, .max = RANGES_MAX};
    lost = (struct vm_ranges){.range = room + RANGES_MAX, .max = RANGES_MAX};
    unit = page > LIVE_PAGE ? page / LIVE_PAGE : 1;
    return open_area(e);
}
