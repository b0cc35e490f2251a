/* cfs.c - the completely fair scheduler: who has had least of the processor, weighted by its nice
 * value, runs; for a part of the latency that is its share of all that could run.
 *
 *     slice = latency * weight / sum of weights, at least min;  vruntime += time * 1024 / weight
 *
 * So every task runs once in a latency, unless there are too many of them. A nice value more or
 * less is a factor of about 1.25 in weight, and a tenth of the processor between two tasks. Who
 * wakes goes on from the least vruntime, if it had less, and preempts who is ahead of it by more
 * than `wakeup`; a new one begins a slice behind that (Linux's START_DEBIT). Arpaci-Dusseau &
 * Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", section 9.7; kernel/sched/fair.c and
 * core.c (Linux 6.1), sched_prio_to_weight.
 *
 * Not there: groups, the credit of sleepers, balancing between processors
 * by load (mqms steals instead). With several processors at one line a share is of all of them.
 */
#include "sched/fair.h"
#include "sched/quantum.h"

enum { CLOCK_BITS = 20 }; /* of a vruntime, behind the point; before it, the host's `unit` */
enum { WEIGHT_OF_NICE_0 = 1024 };

static const uint32_t weights[VM_NICE_MAX - VM_NICE_MIN + 1] = {
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906,  3121,  2501,  1991,  1586,  1277,  1024,  820,   655,   526,   423,  335,  272,  215,
    172,   137,   110,   87,    70,    56,    45,    36,    29,    23,    18,   15};

struct cfs {
    struct fair fair;
    uint64_t latency, min, wakeup;
};

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    (void)e;
    return vm_fair_size(env, sizeof(struct cfs));
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct cfs *s = state;
    vm_fair_init(&s->fair, env, sizeof *s);
    s->latency = time_param(env, "latency");
    s->min = time_param(env, "min");
    s->wakeup = vm_params_count(env->params, "wakeup") << CLOCK_BITS;
}

static uint64_t weight(const struct cfs *s, vm_task task)
{
    int8_t nice = s->fair.line.env->task[task].nice;
    VM_ASSERT(nice >= VM_NICE_MIN && nice <= VM_NICE_MAX);
    return weights[nice - VM_NICE_MIN];
}

static uint64_t weights_in_line(const struct cfs *s)
{
    const struct line *l = &s->fair.line;
    uint64_t sum = 0;
    for (vm_task t = line_first(l); t != VM_NOTASK; t = line_next(l, t))
        sum += weight(s, t);
    return sum;
}

/* Its share of the latency, on as many processors as there are. */
static uint64_t share(const struct cfs *s, vm_task task)
{
    uint64_t cpus = s->fair.line.env->ncpus;
    unsigned __int128 part = (unsigned __int128)s->latency * weight(s, task) * cpus;
    uint64_t slice = (uint64_t)(part / weights_in_line(s));
    slice = slice < s->latency ? slice : s->latency;
    return slice > s->min ? slice : s->min;
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct cfs *s = state;
    struct line *l = &s->fair.line;
    vm_task task = vm_line_find(l, cpu);
    if (task != VM_NOTASK)
        vm_line_run(l, task, cpu, share(s, task));
    return task;
}

static void charge(struct cfs *s, vm_task task, uint64_t time)
{
    vm_fair_charge(&s->fair, task, ((unsigned __int128)time * WEIGHT_OF_NICE_0) << CLOCK_BITS,
                   weight(s, task) * s->fair.line.env->unit);
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    struct cfs *s = state;
    vm_fair_ready(s, task, why);
    if (why == VM_READY_NEW && s->fair.new == NEW_TURN)
        charge(s, task, share(s, task));
}

static void ran(void *state, vm_task task, uint64_t time)
{
    struct cfs *s = state;
    vm_line_ran(s, task, time);
    charge(s, task, time);
    vm_fair_raise_floor(&s->fair);
}

/* Only who has become ready now preempts: the others have waited for the slice's end so far. */
static uint32_t preempt(void *state)
{
    const struct cfs *s = state;
    return vm_line_overtaken(&s->fair.line, s->wakeup, line_now(&s->fair.line));
}

static size_t facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct cfs *s = state;
    size_t n = vm_line_facts(state, task, out);
    out[n++] = (struct vm_sched_fact){"vruntime", fair_client(&s->fair, task)->clock >> CLOCK_BITS};
    out[n++] = (struct vm_sched_fact){"weight", weight(s, task)};
    out[n++] = (struct vm_sched_fact){"of", weights_in_line(s)};
    return n;
}

static const struct vm_param param[] = {
    {"latency", VM_PARAM_COUNT, "48", 1, 1e6, NULL, "time in which every task runs once"},
    {"min", VM_PARAM_COUNT, "6", 1, 1e6, NULL, "the shortest slice"},
    {"wakeup", VM_PARAM_COUNT, "1", 0, 1e6, NULL,
     "how far ahead of one that wakes a task must be to make way"},
    FAIR_PARAM,
};

const struct vm_sched_ops vm_sched_cfs = {
    .name = "cfs",
    .summary = "completely fair: who has had least, weighted by nice, runs for its share",
    .reason = "it has had the least, for its weight",
    .starves = VM_STARVES_NEVER,
    LINE_OPS,
    LINE_PARAMS(param),
    .size = size,
    .init = init,
    .ready = ready,
    .pick = pick,
    .ran = ran,
    .preempt = preempt,
    .move = vm_fair_move,
    .facts = facts,
    .check = vm_fair_check,
};
