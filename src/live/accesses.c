/* accesses.c - see accesses.h. All functions but opening run in a handler of a signal, or as
 * carefully. */
#include "live/accesses.h"

#include "live/live.h"

#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static bool is_on(const struct vm_live *l)
{
    return l->log && l->options.log_depth == VM_LIVE_LOG_ACCESSES;
}

static void protect(const struct vm_live *l, uint8_t *at, int prot)
{
    vm_raw_call(SYS_mprotect, (long)at, l->page_bytes, prot, 0, 0, 0);
}

static uint8_t *address_of(const struct vm_live *l, uint32_t page)
{
    return address_in(l, vm_region_of_page(l, page), page);
}

/* ---- which instruction ---- */

#if defined(__x86_64__)
#include <cpuid.h>

/* The signal frame's vector state, as XSAVE writes it: Intel SDM volume 1, 13.4; which parts are
 * there is told at 512. */
#define XSAVE_PARTS 512
#define XMM_AT      160
#define XMM_BYTES   256
#define YMM_AT      576
#define YMM_BYTES   256
#define MASK_BYTES  64
enum { PART_XMM = 1 << 1, PART_YMM = 1 << 2, PART_MASKS = 1 << 5 };

/* A gather that is interrupted has its results so far, and its mask says whose. */
static uint64_t hash_vectors(const uint8_t *state, uint32_t masks_at)
{
    uint64_t parts, hash = 0;
    if (!state)
        return 0;
    memcpy(&parts, state + XSAVE_PARTS, sizeof parts);
    if (parts & PART_XMM)
        hash = XXH3_64bits(state + XMM_AT, XMM_BYTES);
    if (parts & PART_YMM)
        hash ^= XXH3_64bits(state + YMM_AT, YMM_BYTES);
    if (masks_at && parts & PART_MASKS)
        hash ^= XXH3_64bits(state + masks_at, MASK_BYTES);
    return hash;
}

static struct instruction instruction_of(const struct accesses *a, const ucontext_t *context)
{
    struct instruction i = {0};
    const greg_t *r = context->uc_mcontext.gregs;
    _Static_assert(REG_R8 == 0 && REG_RIP == ACCESSES_REGISTERS - 1, "addresses, then where it is");
    for (int k = 0; k < ACCESSES_REGISTERS; k++)
        i.general[k] = (uint64_t)r[k];
    i.vectors = hash_vectors((const uint8_t *)context->uc_mcontext.fpregs, a->mask_registers);
    return i;
}

bool vm_accesses_open(struct vm_live *l, struct vm_error *e)
{
    uint32_t a, b = 0, c, d;
    (void)e;
    if (__get_cpuid_count(0xd, 5, &a, &b, &c, &d) && a)
        l->accesses.mask_registers = b;
    return true;
}

#else

static struct instruction instruction_of(const struct accesses *a, const ucontext_t *context)
{
    (void)a, (void)context;
    return (struct instruction){0};
}

bool vm_accesses_open(struct vm_live *l, struct vm_error *e)
{
    (void)l;
    return vm_fail(e, VM_EUSAGE, "a log of accesses: on x86-64 alone");
}

#endif

/* ---- open and closed ---- */

void vm_accesses_close(struct vm_live *l)
{
    struct accesses *a = &l->accesses;
    for (uint32_t i = 0; i < a->n; i++)
        protect(l, address_of(l, a->page[i]), PROT_NONE);
    a->n = 0;
}

static uint32_t find(const struct accesses *a, uint32_t page)
{
    uint32_t i = 0;
    while (i < a->n && a->page[i] != page)
        i++;
    return i;
}

static void note(struct vm_live *l, uint32_t i)
{
    const struct accesses *a = &l->accesses;
    vm_log_add(l->log, a->written[i] ? LOG_WRITE : LOG_READ, a->page[i], 1);
}

static void open_page(struct vm_live *l, uint32_t page, uint8_t *at, enum vm_access access)
{
    struct accesses *a = &l->accesses;
    uint32_t i = find(a, page);
    if (i == a->n) {
        a->page[a->n++] = page;
        a->written[i] = false;
    }
    a->written[i] |= access == VM_WRITE;
    note(l, i);
    for (uint32_t k = 0; k < a->n && a->n > 1; k++)
        note(l, k);
    protect(l, at, a->written[i] ? PROT_READ | PROT_WRITE : PROT_READ);
}

bool vm_accesses_signal(struct vm_live *l, const void *address, enum vm_access access,
                        const void *context)
{
    struct region r;
    struct accesses *a = &l->accesses;
    if (l->options.log_depth != VM_LIVE_LOG_ACCESSES || !vm_region_find(l, address, &r))
        return false;
    vm_lock_take(&l->lock);
    struct instruction now = instruction_of(a, context);
    bool is_same = memcmp(&now, &a->now, sizeof now) == 0;
    bool again = (!is_same && a->n > 0) || a->n == ACCESSES_OPEN_MAX;
    if (again)
        vm_accesses_close(l);
    a->now = now;
    uint32_t page = page_in(l, &r, address);
    if (!again && l->log)
        open_page(l, page, address_in(l, &r, page), access);
    else if (!l->log)
        protect(l, address_in(l, &r, page), PROT_READ | PROT_WRITE);
    vm_lock_give(&l->lock);
    return true;
}

void vm_accesses_pin(struct vm_live *l, const void *address, enum vm_access access)
{
    struct region r;
    if (!is_on(l) || !vm_region_find(l, address, &r))
        return;
    uint32_t page = page_in(l, &r, address);
    vm_lock_take(&l->lock);
    vm_accesses_close(l);
    vm_log_add(l->log, access == VM_WRITE ? LOG_WRITE : LOG_READ, page, 1);
    protect(l, address_in(l, &r, page), PROT_READ | PROT_WRITE);
    vm_lock_give(&l->lock);
}

void vm_accesses_unpin(struct vm_live *l, uint8_t *at)
{
    if (is_on(l))
        protect(l, at, PROT_NONE);
}

void vm_accesses_bring(struct vm_live *l, uint32_t first, uint32_t n)
{
    if (!is_on(l))
        return;
    vm_lock_take(&l->lock);
    for (uint32_t i = 0; i < n; i++)
        vm_log_add(l->log, LOG_READ, first + i, 1);
    vm_lock_give(&l->lock);
}

void vm_accesses_map(struct vm_live *l, void *start, size_t bytes)
{
    if (is_on(l))
        vm_raw_call(SYS_mprotect, (long)start, (long)bytes, PROT_NONE, 0, 0, 0);
}

/* ---- the pager's own reading ---- */

void vm_accesses_show(struct vm_live *l, uint8_t *at)
{
    if (is_on(l))
        protect(l, at, PROT_READ);
}

void vm_accesses_hide(struct vm_live *l, uint32_t page, uint8_t *at)
{
    const struct accesses *a = &l->accesses;
    if (!is_on(l))
        return;
    uint32_t i = find(a, page);
    protect(l, at, i == a->n ? PROT_NONE : a->written[i] ? PROT_READ | PROT_WRITE : PROT_READ);
}
