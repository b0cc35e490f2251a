/* state.c - the byte of a page: waiting for it, and waking who waits. And who works on a fault.
 *
 * The kernel's futex has words of four bytes, so who waits for a page wakes with its neighbours; it
 * looks again.
 */
#include "base/assert.h"
#include "live/live.h"

#include <sched.h>

static _Atomic uint32_t *word_of(struct vm_live *l, uint32_t page)
{
    return (_Atomic uint32_t *)(void *)(l->state + (page & ~UINT32_C(3)));
}

void vm_state_settle(struct vm_live *l, uint32_t page, enum page_state to)
{
    uint8_t was = atomic_exchange(&l->state[page], (uint8_t)to);
    VM_ASSERT(is_moving(was));
    if (atomic_load(&l->waits_now))
        vm_futex_wake(word_of(l, page), INT32_MAX);
}

void vm_state_wait(struct vm_live *l, uint32_t page)
{
    atomic_fetch_add(&l->waits, 1);
    atomic_fetch_add(&l->waits_now, 1);
    uint32_t word = atomic_load(word_of(l, page));
    if (is_moving((word >> 8 * (page & 3)) & 0xff))
        vm_futex_wait(word_of(l, page), word);
    atomic_fetch_sub(&l->waits_now, 1);
}

/* ---- workers ---- */

/* The bit is set first and the gate looked at then, so that who closes it sees one of the two. */
static bool begin(struct vm_live *l, uint32_t i)
{
    uint32_t bit = UINT32_C(1) << i;
    if (atomic_fetch_or(&l->busy, bit) & bit)
        return false;
    if (!atomic_load(&l->gate))
        return true;
    atomic_fetch_and(&l->busy, ~bit);
    vm_futex_wait(&l->gate, 1);
    return false;
}

struct worker *vm_worker_take(struct vm_live *l)
{
    for (;;) {
        uint32_t busy = atomic_load(&l->busy);
        if (busy == UINT32_MAX)
            sched_yield();
        else if (begin(l, (uint32_t)__builtin_ctz(~busy)))
            return &l->worker[__builtin_ctz(~busy)];
    }
}

void vm_worker_give(struct vm_live *l, struct worker *w)
{
    atomic_fetch_and(&l->busy, ~(UINT32_C(1) << (w - l->worker)));
}

/* ---- the gate ---- */

void vm_gate_close(struct vm_live *l, uint64_t *signals)
{
    vm_signals_block(signals);
    uint32_t open = 0;
    while (!atomic_compare_exchange_strong(&l->gate, &open, 1)) {
        vm_futex_wait(&l->gate, 1);
        open = 0;
    }
    while (atomic_load(&l->busy))
        sched_yield();
    vm_lock_take(&l->lock);
}

void vm_gate_open(struct vm_live *l, const uint64_t *signals)
{
    vm_lock_give(&l->lock);
    atomic_store(&l->gate, 0);
    vm_futex_wake(&l->gate, INT32_MAX);
    vm_signals_restore(signals);
}
