/* lottery.c - a draw before each turn: a task with twice the tickets wins twice as often.
 *
 * The tickets of the waiting tasks are numbered, in the order of task numbers; the winner of the
 * drawn one runs for a quantum. Nothing has to be remembered, and who comes or goes changes no
 * other's account; but shares are right only in the long run. Waldspurger & Weihl, "Lottery
 * scheduling: flexible proportional-share resource management", OSDI 1994; Arpaci-Dusseau &
 * Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", sections 9.1 to 9.5.
 *
 * The line is in the order of task numbers: keys are numbers, turns do not matter. Compensation
 * tickets (for who does not use its quantum), transfers and currencies are not there.
 */
#include "sched/line.h"
#include "sched/quantum.h"

struct lottery {
    struct line line;
    uint64_t quantum;
    uint64_t total, drawn; /* of the last draw */
};

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_line_size(env, sizeof(struct lottery), 0);
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct lottery *s = state;
    vm_line_init(&s->line, env, sizeof *s, 0);
    s->quantum = quantum_param(env);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    (void)why;
    vm_line_join_last(state, task, task);
}

static uint64_t tickets(const struct lottery *s, vm_task task)
{
    return s->line.env->task[task].tickets;
}

static uint64_t tickets_in_draw(const struct lottery *s, uint32_t cpu)
{
    const struct line *l = &s->line;
    uint64_t total = 0;
    for (vm_task t = line_first(l); t != VM_NOTASK; t = line_next(l, t))
        total += line_fits(l, t, cpu) ? tickets(s, t) : 0;
    return total;
}

/* Who of those that may run there holds the drawn ticket. */
static vm_task winner(const struct lottery *s, uint32_t cpu)
{
    const struct line *l = &s->line;
    uint64_t counted = 0;
    for (vm_task t = line_first(l);; t = line_next(l, t)) {
        VM_ASSERT(t != VM_NOTASK);
        counted += line_fits(l, t, cpu) ? tickets(s, t) : 0;
        if (counted > s->drawn)
            return t;
    }
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct lottery *s = state;
    uint64_t total = tickets_in_draw(s, cpu);
    if (total == 0)
        return VM_NOTASK;
    s->total = total;
    s->drawn = s->line.env->draw(s->line.env->host, total);
    vm_task task = winner(s, cpu);
    vm_line_run(&s->line, task, cpu, s->quantum);
    return task;
}

static void move(void *from, void *to, vm_task task)
{
    vm_line_move(from, to, task, task, 0);
}

static size_t facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct lottery *s = state;
    size_t n = vm_line_facts(state, task, out);
    out[n++] = (struct vm_sched_fact){"ticket", s->drawn};
    out[n++] = (struct vm_sched_fact){"of", s->total};
    out[n++] = (struct vm_sched_fact){"tickets", tickets(s, task)};
    return n;
}

static const struct vm_param param[] = {QUANTUM_PARAM};

const struct vm_sched_ops vm_sched_lottery = {
    .name = "lottery",
    .summary = "a draw before each turn, in which every task has its tickets",
    .reason = "it holds the winning ticket",
    .starves = VM_STARVES_NEVER,
    LINE_OPS,
    LINE_PARAMS(param),
    .size = size,
    .init = init,
    .ready = ready,
    .pick = pick,
    .ran = vm_line_ran,
    .preempt = vm_line_preempt_never,
    .move = move,
    .facts = facts,
    .check = vm_line_check,
};
