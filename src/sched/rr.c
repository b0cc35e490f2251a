/* rr.c - round robin: the ready tasks run in turn, for a quantum each.
 *
 * Good response, bad turnaround: it stretches every task. The shorter the quantum, the better the
 * response and the more switches. Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems: Three Easy
 * Pieces", section 7.7.
 *
 * A turn lasts a quantum from when the task is picked. With align=clock it ends at the next
 * multiple of the quantum, as where one timer interrupts all processors at once: a task that comes
 * in between has a short turn.
 */
#include "sched/line.h"
#include "sched/quantum.h"

struct rr {
    struct line line;
    uint64_t quantum;
    enum { ALIGN_TURN, ALIGN_CLOCK } align;
};

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_line_size(env, sizeof(struct rr), 0);
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct rr *s = state;
    vm_line_init(&s->line, env, sizeof *s, 0);
    s->quantum = quantum_param(env);
    s->align = vm_params_count(env->params, "align") ? ALIGN_CLOCK : ALIGN_TURN;
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    (void)why;
    vm_line_join_last(state, task, 0);
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct rr *s = state;
    uint64_t gone = s->align == ALIGN_CLOCK ? line_now(&s->line) % s->quantum : 0;
    vm_task task = vm_line_find(&s->line, cpu);
    if (task != VM_NOTASK)
        vm_line_run(&s->line, task, cpu, s->quantum - gone);
    return task;
}

static const struct vm_param param[] = {
    QUANTUM_PARAM,
    {"align", VM_PARAM_WORD, "turn", 0, 0, "turn|clock",
     "turns last a quantum, or end at multiples of it on every processor"},
};

const struct vm_sched_ops vm_sched_rr = {
    .name = "rr",
    .summary = "round robin: the ready ones run in turn, for a quantum each",
    .reason = "it is its turn",
    .starves = VM_STARVES_NEVER,
    LINE_OPS,
    LINE_PARAMS(param),
    .size = size,
    .init = init,
    .ready = ready,
    .pick = pick,
    .ran = vm_line_ran,
    .preempt = vm_line_preempt_never,
    .move = vm_line_move_last,
    .facts = vm_line_facts,
    .check = vm_line_check,
};
