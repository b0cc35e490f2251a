/* gate.h - who waits until nobody is inside: what fork needs of a store. Private to live/.
 *
 * Calls of a store pass the gate and do not hinder each other. Who closes it waits until all of
 * them have left; who comes then waits until it is open again. Only one closes it at a time.
 */
#ifndef LIVE_GATE_H
#define LIVE_GATE_H

#include "live/lock.h"

#define GATE_CLOSED (UINT32_C(1) << 31)
struct vm_gate {
    _Atomic uint32_t word; /* how many are inside, and whether it is closed; zeroed: open, none */
};

static inline void vm_gate_enter(struct vm_gate *g)
{
    uint32_t was = atomic_load(&g->word);
    for (;;) {
        if (was & GATE_CLOSED) {
            vm_futex_wait(&g->word, was);
            was = atomic_load(&g->word);
        } else if (atomic_compare_exchange_weak(&g->word, &was, was + 1)) {
            return;
        }
    }
}

static inline void vm_gate_leave(struct vm_gate *g)
{
    if (atomic_fetch_sub(&g->word, 1) == GATE_CLOSED + 1)
        vm_futex_wake(&g->word, INT32_MAX);
}

static inline void vm_gate_close(struct vm_gate *g)
{
    uint32_t now = atomic_fetch_or(&g->word, GATE_CLOSED) | GATE_CLOSED;
    while (now != GATE_CLOSED) {
        vm_futex_wait(&g->word, now);
        now = atomic_load(&g->word);
    }
}

static inline void vm_gate_open(struct vm_gate *g)
{
    atomic_store(&g->word, 0);
    vm_futex_wake(&g->word, INT32_MAX);
}

#endif
