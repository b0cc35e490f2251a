/* background.c - a thread that makes room ahead of need: below the low watermark it wakes, and
 * writes out and gives back batches until the high one is reached.
 *
 * Faulting threads then find frames free. With memory as the store nothing is won: it takes the
 * processor that they would have, and the shootdowns go to them.
 */
#include "base/assert.h"
#include "live/live.h"

/* One batch: whether there is more to do. */
static bool make_room(struct vm_live *l)
{
    struct worker *w = vm_worker_take(l);
    vm_lock_take(&l->lock);
    bool done = vm_pager_reclaim(l->pager, l->free_high, &w->plan);
    vm_lock_give(&l->lock);
    bool any = w->plan.nleave > 0;
    vm_plan_execute(l, w);
    vm_worker_give(l, w);
    return any && !done && !atomic_load(&l->refused);
}

static void *run(void *argument)
{
    struct vm_live *l = argument;
    for (;;) {
        uint32_t wanted = atomic_load(&l->wanted);
        if (atomic_load(&l->is_closing))
            return NULL;
        while (make_room(l))
            ;
        if (atomic_load(&l->wanted) == wanted)
            vm_futex_wait(&l->wanted, wanted);
    }
}

void vm_background_wake(struct vm_live *l)
{
    atomic_fetch_add(&l->wanted, 1);
    vm_futex_wake(&l->wanted, 1);
}

bool vm_background_start(struct vm_live *l, struct vm_error *e)
{
    l->has_background = vm_thread_start(&l->background, run, l, e);
    return l->has_background;
}
