/* access.c - data accesses that the loop's one compare did not answer (run.h).
 *
 * Before a byte moves, all pages of the access are there: so a store that reaches into two pages
 * changes both or neither (invariant 1 of <pagoda/rv64.h>).
 */
#include "base/assert.h"
#include "rv64/float.h"

bool rv64_trap(struct rv64_run *run, enum vm_rv64_cause cause, uint64_t tval)
{
    *run->trap = (struct vm_rv64_trap){.cause = cause, .tval = tval};
    return false;
}

bool rv64_refill(struct rv64_run *run, vm_va va, uint16_t meta)
{
    static const enum vm_rv64_cause cause[VM_ACCESSES] = {
        [VM_READ] = VM_RV64_LOAD_PAGE,
        [VM_WRITE] = VM_RV64_STORE_PAGE,
        [VM_FETCH] = VM_RV64_FETCH_PAGE,
    };
    uint64_t tval = va;
    rv64_flags_take(run->hart);
    bool given = run->bus->refill(run->bus->host, va, meta, &tval);
    rv64_flags_drop();
    if (given)
        return true;
    rv64_trap(run, cause[vm_ref_access(meta)], tval);
    run->trap->meta = meta;
    run->trap->va = va;
    return false;
}

void rv64_drain(struct rv64_run *run)
{
    rv64_flags_take(run->hart);
    run->bus->drain(run->bus->host);
    rv64_flags_drop();
    VM_ASSERT(run->bus->log->n + RV64_LOG_ROOM <= run->bus->log->cap);
}

static bool trap_misaligned(struct rv64_run *run, vm_va va, enum vm_access access)
{
    bool writes = access == VM_WRITE;
    return rv64_trap(run, writes ? VM_RV64_STORE_MISALIGNED : VM_RV64_LOAD_MISALIGNED, va);
}

static void log_data(struct rv64_run *run, vm_va va, uint16_t meta)
{
    struct vm_rv64_log *log = run->bus->log;
    if (!log)
        return;
    VM_ASSERT(log->n < log->cap);
    log->va[log->n] = va;
    log->meta[log->n++] = meta;
}

/* An access in two pieces, the second of which is empty unless it reaches into another page. */
struct reach {
    uint8_t *first, *second;
    unsigned first_bytes;
};

static bool reach_find(const struct vm_rv64_view *v, vm_va va, unsigned bytes,
                       enum vm_access access, struct reach *reach)
{
    unsigned left = (unsigned)(RV64_PAGE - (va & ~RV64_PAGE_MASK));
    reach->first_bytes = bytes < left ? bytes : left;
    reach->first = rv64_view_byte(v, va, access);
    reach->second = reach->first;
    if (bytes > left)
        reach->second = rv64_view_byte(v, va + left, access);
    return reach->first && reach->second;
}

/* Every byte of the access can be had, and the reference is in the log; else it traps. */
static bool reach(struct rv64_run *run, vm_va va, unsigned bytes, enum vm_access access,
                  struct reach *reach)
{
    uint16_t meta = vm_ref_meta(access, bytes);
    if (reach_find(run->view, va, bytes, access, reach)) {
        log_data(run, va, meta);
        return true;
    }
    if (!rv64_refill(run, va, meta))
        return false;
    bool given = reach_find(run->view, va, bytes, access, reach);
    VM_ASSERT(given); /* refill promised so */
    return true;
}

static bool may_access(struct rv64_run *run, vm_va va, unsigned bytes, enum vm_access access)
{
    bool aligned = !(va & (bytes - 1));
    return aligned || run->bus->misaligned == VM_RV64_MISALIGNED_WORKS ||
           trap_misaligned(run, va, access);
}

bool rv64_load(struct rv64_run *run, vm_va va, unsigned bytes, uint64_t *value)
{
    struct reach r;
    if (!may_access(run, va, bytes, VM_READ) || !reach(run, va, bytes, VM_READ, &r))
        return false;
    uint8_t raw[8] = {0};
    memcpy(raw, r.first, r.first_bytes);
    memcpy(raw + r.first_bytes, r.second, bytes - r.first_bytes);
    memcpy(value, raw, sizeof raw);
    return true;
}

bool rv64_store(struct rv64_run *run, vm_va va, unsigned bytes, uint64_t value)
{
    struct reach r;
    if (!may_access(run, va, bytes, VM_WRITE) || !reach(run, va, bytes, VM_WRITE, &r))
        return false;
    uint8_t raw[8];
    memcpy(raw, &value, sizeof raw);
    memcpy(r.first, raw, r.first_bytes);
    memcpy(r.second, raw + r.first_bytes, bytes - r.first_bytes);
    return true;
}

uint8_t *rv64_place(struct rv64_run *run, vm_va va, unsigned bytes, enum vm_access access)
{
    struct reach r;
    if (va & (bytes - 1)) {
        trap_misaligned(run, va, access);
        return NULL;
    }
    return reach(run, va, bytes, access, &r) ? r.first : NULL;
}
