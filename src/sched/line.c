/* line.c - the line of tasks by rank: joining, leaving, who is first, who is overtaken. */
#include "sched/line.h"

#include "base/block.h"

#include <string.h>

static size_t layout(struct line *l, uintptr_t start, const struct vm_sched_env *env,
                     size_t head_bytes, size_t task_bytes)
{
    struct block b = {.start = start};
    size_t n = env->ntasks;
    block_take(&b, head_bytes);
    l->link = block_take(&b, (n + 1) * sizeof *l->link);
    l->rank = block_take(&b, n * sizeof *l->rank);
    l->since = block_take(&b, n * sizeof *l->since);
    l->slice = block_take(&b, n * sizeof *l->slice);
    l->at = block_take(&b, n * sizeof *l->at);
    l->running = block_take(&b, env->ncpus * sizeof *l->running);
    l->own = block_take(&b, n * task_bytes);
    return b.used;
}

size_t vm_line_size(const struct vm_sched_env *env, size_t head_bytes, size_t task_bytes)
{
    return layout(&(struct line){0}, 0, env, head_bytes, task_bytes);
}

void vm_line_init(struct line *l, const struct vm_sched_env *env, size_t head_bytes,
                  size_t task_bytes)
{
    layout(l, (uintptr_t)l, env, head_bytes, task_bytes);
    l->env = env;
    vm_links_head(l->link, env->ntasks);
    for (uint32_t c = 0; c < env->ncpus; c++)
        l->running[c] = VM_NOTASK;
}

static bool before(struct rank a, struct rank b)
{
    return a.key < b.key || (a.key == b.key && a.turn < b.turn);
}

/* Link a task where its rank says. */
static void place(struct line *l, vm_task task)
{
    uint32_t head = l->env->ntasks, after = l->link[head].prev;
    while (after != head && before(l->rank[task], l->rank[after]))
        after = l->link[after].prev;
    vm_links_insert_after(l->link, after, task);
}

/* Take the task out of the list and off its processor. */
static void withdraw(struct line *l, vm_task task)
{
    if (l->at[task] == LINE_OUT)
        return;
    vm_links_remove(l->link, task);
    l->nin--;
    if (l->at[task] >= LINE_RUNNING) {
        l->running[l->at[task] - LINE_RUNNING] = VM_NOTASK;
        l->nrunning--;
    }
    l->at[task] = LINE_OUT;
}

void vm_line_rejoin(struct line *l, vm_task task)
{
    VM_ASSERT(task < l->env->ntasks);
    withdraw(l, task);
    place(l, task);
    l->nin++;
    l->at[task] = LINE_WAITING;
}

void vm_line_join_last(struct line *l, vm_task task, uint64_t key)
{
    l->rank[task] = (struct rank){key, ++l->turn_last};
    l->since[task] = line_now(l);
    vm_line_rejoin(l, task);
}

void vm_line_join_first(struct line *l, vm_task task, uint64_t key)
{
    l->rank[task] = (struct rank){key, --l->turn_first};
    l->since[task] = line_now(l);
    vm_line_rejoin(l, task);
}

void vm_line_rekey(struct line *l, vm_task task, uint64_t key)
{
    VM_ASSERT(l->at[task] != LINE_OUT);
    vm_links_remove(l->link, task);
    l->rank[task].key = key;
    place(l, task);
}

void vm_line_rekey_last(struct line *l, vm_task task, uint64_t key)
{
    l->rank[task].turn = ++l->turn_last;
    vm_line_rekey(l, task, key);
}

void vm_line_drop(struct line *l, vm_task task)
{
    VM_ASSERT(l->at[task] != LINE_OUT);
    withdraw(l, task);
}

vm_task vm_line_find(const struct line *l, uint32_t cpu)
{
    vm_task t = line_first(l);
    while (t != VM_NOTASK && !line_fits(l, t, cpu))
        t = line_next(l, t);
    return t;
}

void vm_line_run(struct line *l, vm_task task, uint32_t cpu, uint64_t slice)
{
    VM_ASSERT(line_fits(l, task, cpu) && l->running[cpu] == VM_NOTASK && slice);
    l->at[task] = LINE_RUNNING + cpu;
    l->slice[task] = slice;
    l->running[cpu] = task;
    l->nrunning++;
}

/* The processor whose task is last of those that the waiting `task` may replace. */
static uint32_t overtaken_by(const struct line *l, vm_task task, uint64_t margin)
{
    struct rank rank = l->rank[task];
    uint32_t found = VM_NOCPU;
    rank.key += margin < UINT64_MAX - rank.key ? margin : UINT64_MAX - rank.key;
    for (uint32_t c = 0; c < l->env->ncpus; c++) {
        vm_task other = l->running[c];
        if (other == VM_NOTASK || !before(rank, l->rank[other]) || !line_fits(l, task, c))
            continue;
        if (found == VM_NOCPU || before(l->rank[l->running[found]], l->rank[other]))
            found = c;
    }
    return found;
}

uint32_t vm_line_overtaken(const struct line *l, uint64_t margin, uint64_t since)
{
    uint32_t seen = 0; /* running tasks that have been passed: those after all are overtaken */
    for (vm_task t = line_first(l); t != VM_NOTASK && seen < l->nrunning; t = line_next(l, t)) {
        bool comes = line_waits(l, t) && l->since[t] >= since;
        uint32_t cpu = comes ? overtaken_by(l, t, margin) : VM_NOCPU;
        if (cpu != VM_NOCPU)
            return cpu;
        seen += !line_waits(l, t);
    }
    return VM_NOCPU;
}

void vm_line_move(struct line *from, struct line *to, vm_task task, uint64_t key, size_t task_bytes)
{
    bool waits = line_waits(from, task);
    VM_ASSERT((waits || from->at[task] == LINE_OUT) && to->at[task] == LINE_OUT);
    withdraw(from, task);
    if (task_bytes)
        memcpy((char *)to->own + task * task_bytes, (char *)from->own + task * task_bytes,
               task_bytes);
    if (waits)
        vm_line_join_last(to, task, key);
    to->since[task] = from->since[task];
}

/* ---- what most rows do ---- */

void vm_line_leave(void *state, vm_task task)
{
    withdraw(state, task);
}

vm_task vm_line_pick_whole(void *state, uint32_t cpu)
{
    vm_task t = vm_line_find(state, cpu);
    if (t != VM_NOTASK)
        vm_line_run(state, t, cpu, VM_SLICE_ALL);
    return t;
}

uint64_t vm_line_slice(void *state, vm_task task)
{
    const struct line *l = state;
    VM_ASSERT(l->at[task] >= LINE_RUNNING);
    return l->slice[task];
}

void vm_line_ran(void *state, vm_task task, uint64_t time)
{
    struct line *l = state;
    uint64_t *slice = &l->slice[task];
    VM_ASSERT(l->at[task] >= LINE_RUNNING);
    if (*slice != VM_SLICE_ALL)
        *slice -= time < *slice ? time : *slice;
}

uint32_t vm_line_preempt_never(void *state)
{
    (void)state;
    return VM_NOCPU;
}

uint32_t vm_line_preempt(void *state)
{
    return vm_line_overtaken(state, 0, 0);
}

void vm_line_move_last(void *from, void *to, vm_task task)
{
    vm_line_move(from, to, task, 0, 0);
}

uint64_t vm_line_ticks_never(const void *state)
{
    (void)state;
    return VM_TIME_NEVER;
}

void vm_line_tick_never(void *state)
{
    (void)state;
    VM_ASSERT(!"it asked for no tick");
}

size_t vm_line_facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct line *l = state;
    out[0] = (struct vm_sched_fact){"since", l->since[task]};
    return 1;
}

static void check_running(const struct line *l)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < l->env->ncpus; c++) {
        VM_ASSERT(l->running[c] == VM_NOTASK || l->at[l->running[c]] == LINE_RUNNING + c);
        n += l->running[c] != VM_NOTASK;
    }
    VM_ASSERT(n == l->nrunning);
}

void vm_line_check(const void *state)
{
    const struct line *l = state;
    uint32_t head = l->env->ntasks, n = 0, out = 0, running = 0, prev = head;
    for (uint32_t t = l->link[head].next; t != head; prev = t, t = l->link[t].next) {
        VM_ASSERT(l->link[t].prev == prev && n < l->nin && l->at[t] != LINE_OUT);
        VM_ASSERT(prev == head || before(l->rank[prev], l->rank[t]));
        VM_ASSERT(l->rank[t].turn >= l->turn_first && l->rank[t].turn <= l->turn_last);
        running += l->at[t] >= LINE_RUNNING;
        n++;
    }
    for (uint32_t t = 0; t < head; t++)
        out += l->at[t] == LINE_OUT;
    VM_ASSERT(n == l->nin && n + out == head && running == l->nrunning);
    check_running(l);
}
