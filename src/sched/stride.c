/* stride.c - lottery without chance: each task passes on by strides that are the shorter, the more
 * tickets it has, and who has passed least far runs for a quantum.
 *
 *     stride = scale / tickets;  pass += stride * (time that it ran / quantum)
 *
 * Over any time a task is less than one quantum from its share, whatever the tickets, as against
 * two tasks; lottery's error grows with the root of the number of draws. A part of a quantum counts
 * as a part of a stride. Waldspurger & Weihl, "Stride scheduling: deterministic proportional-share
 * resource management", MIT/LCS/TM-528, 1995; Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems:
 * Three Easy Pieces", section 9.6.
 *
 * A new task begins with its stride, as in the paper; the book begins at 0 (new=floor). Who was
 * away goes on from where the others are (fair.h); the paper's `remain`, by which it also keeps its
 * distance from there, is not kept.
 */
#include "sched/fair.h"
#include "sched/quantum.h"

enum { PASS_BITS = 20 }; /* of a clock, behind the point */

struct stride {
    struct fair fair;
    uint64_t quantum, scale;
};

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_fair_size(env, sizeof(struct stride));
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct stride *s = state;
    vm_fair_init(&s->fair, env, sizeof *s);
    s->quantum = quantum_param(env);
    s->scale = vm_params_count(env->params, "scale");
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct stride *s = state;
    struct line *l = &s->fair.line;
    vm_task task = vm_line_find(l, cpu);
    if (task != VM_NOTASK)
        vm_line_run(l, task, cpu, s->quantum);
    return task;
}

static void charge(struct stride *s, vm_task task, uint64_t time)
{
    uint64_t tickets = s->fair.line.env->task[task].tickets;
    vm_fair_charge(&s->fair, task, ((unsigned __int128)time * s->scale) << PASS_BITS,
                   tickets * s->quantum);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    struct stride *s = state;
    vm_fair_ready(s, task, why);
    if (why == VM_READY_NEW && s->fair.new == NEW_TURN)
        charge(s, task, s->quantum);
}

static void ran(void *state, vm_task task, uint64_t time)
{
    struct stride *s = state;
    vm_line_ran(s, task, time);
    charge(s, task, time);
    vm_fair_raise_floor(&s->fair);
}

static size_t facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct stride *s = state;
    uint64_t tickets = s->fair.line.env->task[task].tickets;
    size_t n = vm_line_facts(state, task, out);
    out[n++] = (struct vm_sched_fact){"pass", fair_client(&s->fair, task)->clock >> PASS_BITS};
    out[n++] = (struct vm_sched_fact){"stride", s->scale / tickets};
    return n;
}

static const struct vm_param param[] = {
    QUANTUM_PARAM,
    FAIR_PARAM,
    {"scale", VM_PARAM_COUNT, "10000", 1, 1 << 20, NULL, "the stride of a task with one ticket"},
};

const struct vm_sched_ops vm_sched_stride = {
    .name = "stride",
    .summary = "who has passed least far runs; a turn is a stride, shorter with more tickets",
    .reason = "it has passed least far",
    .starves = VM_STARVES_NEVER,
    LINE_OPS,
    LINE_PARAMS(param),
    .size = size,
    .init = init,
    .ready = ready,
    .pick = pick,
    .ran = ran,
    .preempt = vm_line_preempt_never,
    .move = vm_fair_move,
    .facts = facts,
    .check = vm_fair_check,
};
