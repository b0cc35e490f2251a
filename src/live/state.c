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

struct worker *vm_worker_take(struct vm_live *l)
{
    for (;;) {
        uint32_t busy = atomic_load(&l->busy);
        if (busy == UINT32_MAX) {
            sched_yield();
            continue;
        }
        uint32_t i = (uint32_t)__builtin_ctz(~busy);
        if (atomic_compare_exchange_weak(&l->busy, &busy, busy | UINT32_C(1) << i))
            return &l->worker[i];
    }
}

void vm_worker_give(struct vm_live *l, struct worker *w)
{
    atomic_fetch_and(&l->busy, ~(UINT32_C(1) << (w - l->worker)));
}
