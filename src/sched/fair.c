/* fair.c - tasks by their virtual clocks. */
#include "sched/fair.h"

size_t vm_fair_size(const struct vm_sched_env *env, size_t head_bytes)
{
    return vm_line_size(env, head_bytes, sizeof(struct fair_client));
}

void vm_fair_init(struct fair *s, const struct vm_sched_env *env, size_t head_bytes)
{
    vm_line_init(&s->line, env, head_bytes, sizeof(struct fair_client));
    s->new = vm_params_count(env->params, "new") ? NEW_FLOOR : NEW_TURN;
}

void vm_fair_raise_floor(struct fair *s)
{
    vm_task first = line_first(&s->line);
    if (first != VM_NOTASK && s->line.rank[first].key > s->floor)
        s->floor = s->line.rank[first].key;
}

/* Clocks that have come so far stand still, and the tasks are in turn as they join. */
static uint64_t capped(unsigned __int128 clock)
{
    const uint64_t most = UINT64_MAX / 2;
    return clock < most ? (uint64_t)clock : most;
}

void vm_fair_charge(struct fair *s, vm_task task, unsigned __int128 scaled, uint64_t weight)
{
    struct fair_client *c = fair_client(s, task);
    scaled += c->rest;
    c->clock = capped(c->clock + scaled / weight);
    c->rest = (uint64_t)(scaled % weight);
    vm_line_rekey(&s->line, task, c->clock);
}

void vm_fair_ready(void *state, vm_task task, enum vm_ready why)
{
    struct fair *s = state;
    struct fair_client *c = fair_client(s, task);
    if (why == VM_READY_PREEMPTED) {
        vm_line_rejoin(&s->line, task);
        return;
    }
    if (why == VM_READY_NEW)
        *c = (struct fair_client){.clock = s->floor};
    if (c->clock < s->floor)
        *c = (struct fair_client){.clock = s->floor};
    vm_line_join_last(&s->line, task, c->clock);
}

/* Two floors have nothing to do with each other: what counts is how far it is ahead of them. */
void vm_fair_move(void *from, void *to, vm_task task)
{
    const struct fair *a = from;
    struct fair *b = to;
    uint64_t clock = fair_client(a, task)->clock, ahead = clock > a->floor ? clock - a->floor : 0;
    clock = capped((unsigned __int128)b->floor + ahead);
    vm_line_move(from, to, task, clock, sizeof(struct fair_client));
    fair_client(b, task)->clock = clock;
}

void vm_fair_check(const void *state)
{
    const struct fair *s = state;
    const struct line *l = &s->line;
    vm_line_check(l);
    for (vm_task t = line_first(l); t != VM_NOTASK; t = line_next(l, t))
        VM_ASSERT(l->rank[t].key == fair_client(s, t)->clock && l->rank[t].key >= s->floor);
}
