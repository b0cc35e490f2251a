/* sleepers.c - see sleepers.h. */
#include "kernel/sleepers.h"

#include "base/assert.h"
#include "base/random.h"

#include <stdlib.h>

bool vm_sleepers_open(struct sleepers *s, uint32_t ntasks, struct vm_error *e)
{
    *s = (struct sleepers){.ntasks = ntasks, .nlists = 1};
    while (s->nlists < ntasks)
        s->nlists *= 2;
    s->links = calloc((size_t)ntasks + s->nlists, sizeof *s->links);
    s->what = calloc(ntasks, sizeof *s->what);
    if (!s->links || !s->what)
        return vm_fail(e, VM_ESYSTEM, "no memory for the sleep of %u threads", ntasks);
    for (uint32_t i = 0; i < s->nlists; i++)
        vm_links_head(s->links, ntasks + i);
    return true;
}

void vm_sleepers_close(struct sleepers *s)
{
    free(s->links);
    free(s->what);
}

static uint32_t list_of(const struct sleepers *s, uint64_t what)
{
    return s->ntasks + ((uint32_t)vm_mix64(what) & (s->nlists - 1));
}

/* Links lead to a head, and these have numbers above 0. */
static bool is_in(const struct sleepers *s, vm_task task)
{
    return s->links[task].prev || s->links[task].next;
}

void vm_sleepers_add(struct sleepers *s, vm_task task, uint64_t what)
{
    VM_ASSERT(task < s->ntasks && !is_in(s, task));
    s->what[task] = what;
    vm_links_push_last(s->links, list_of(s, what), task);
}

void vm_sleepers_remove(struct sleepers *s, vm_task task)
{
    if (!is_in(s, task))
        return;
    vm_links_remove(s->links, task);
    s->links[task] = (struct vm_links){0, 0};
}

vm_task vm_sleepers_next(const struct sleepers *s, uint64_t what, vm_task task)
{
    uint32_t head = list_of(s, what), node = s->links[task == VM_NOTASK ? head : task].next;
    while (node != head && s->what[node] != what)
        node = s->links[node].next;
    return node == head ? VM_NOTASK : (vm_task)node;
}
