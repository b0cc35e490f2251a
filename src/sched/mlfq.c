/* mlfq.c - the multi-level feedback queue: several queues, of which the highest one that is not
 * empty runs, in turn; tasks sink as they use the processor, and so those that use it for short
 * times only stay above.
 *
 *  1. Who is in a higher queue runs.
 *  2. Those of one queue run in turn, for its quantum.
 *  3. A new task begins in the highest queue.
 *  4. A task that has used its allotment in a queue, however often it gave the processor up
 *     meanwhile, sinks to the next. (io=stay, the older rule: giving it up renews the allotment, by
 *     which a task can cheat.)
 *  5. After each `boost` all tasks begin anew in the highest queue, and none starves.
 *
 * Arpaci-Dusseau & Arpaci-Dusseau, "Operating Systems: Three Easy Pieces", chapter 8; Corbato,
 * Merwin-Daggett & Daley, "An experimental time-sharing system", AFIPS SJCC 1962.
 *
 * A queue is a key in line, 0 the highest; to people, the highest has the highest number. What is
 * left of a quantum stays with the task when it blocks or has to make way. At a boost the tasks of
 * the lowest queue are put first behind those of the highest, as the textbook's simulator does.
 *
 * Invariants: level < nlevels is the key in line; of tasks in line 1 <= turns <= allot[level], and
 * left <= quantum[level], 0 only while it runs.
 */
#include "sched/line.h"
#include "sched/quantum.h"

#include <stdio.h>
#include <string.h>

enum { LEVELS_MAX = 16, LEVELS_USUAL = 3 };

struct client {
    uint32_t level;
    uint64_t left;  /* of its quantum */
    uint64_t turns; /* of its allotment, this one included */
};

struct mlfq {
    struct line line;
    uint32_t nlevels;
    uint64_t quantum[LEVELS_MAX], allot[LEVELS_MAX]; /* [nlevels] from the highest */
    uint64_t boost, boost_at;                        /* 0: none */
    enum { IO_ACCOUNTED, IO_STAY } io;
    enum { WOKEN_LAST, WOKEN_FIRST } woken;
};

/* ---- parameters ---- */

/* "10+20+40" into out[LEVELS_MAX]. Errors: VM_EUSAGE. */
static bool parse_list(const struct vm_params *p, const char *name, uint64_t out[], uint32_t *n,
                       struct vm_error *e)
{
    const char *text = vm_params_text(p, name);
    char item[32];
    *n = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, "+");
        snprintf(item, sizeof item, "%.*s", (int)length, at);
        if (*n == LEVELS_MAX)
            return vm_fail(e, VM_EUSAGE, "mlfq: %s=%s: more than %d queues", name, text,
                           LEVELS_MAX);
        if (length >= sizeof item || !vm_parse_count(item, name, &out[(*n)++], e))
            return vm_fail(e, VM_EUSAGE,
                           "mlfq: %s=%s: bad number \"%s\": expected one, or one for each queue "
                           "from the highest: 10+20+40",
                           name, text, item);
        if (!at[length])
            return true;
        at += length;
    }
}

/* One value stands for all queues. */
static bool spread(const char *name, uint64_t value[], uint32_t n, uint32_t nlevels,
                   struct vm_error *e)
{
    if (n != 1 && n != nlevels)
        return vm_fail(e, VM_EUSAGE,
                       "mlfq: %s has %u values: expected one, or one for each of %u "
                       "queues",
                       name, n, nlevels);
    for (uint32_t i = n; i < nlevels; i++)
        value[i] = value[0];
    return true;
}

static uint32_t count_levels(const struct vm_params *p, uint32_t nquanta, uint32_t nallots)
{
    uint64_t given = vm_params_count(p, "queues");
    uint32_t most = nquanta > nallots ? nquanta : nallots;
    if (given)
        return (uint32_t)given;
    return most > 1 ? most : LEVELS_USUAL;
}

static bool configure(struct mlfq *s, const struct vm_sched_env *env, struct vm_error *e)
{
    uint32_t nquanta, nallots;
    if (!parse_list(env->params, "quantum", s->quantum, &nquanta, e) ||
        !parse_list(env->params, "allot", s->allot, &nallots, e))
        return false;
    s->nlevels = count_levels(env->params, nquanta, nallots);
    if (!spread("quantum", s->quantum, nquanta, s->nlevels, e) ||
        !spread("allot", s->allot, nallots, s->nlevels, e))
        return false;
    for (uint32_t i = 0; i < s->nlevels; i++) {
        if (s->allot[i] == 0)
            return vm_fail(e, VM_EUSAGE, "mlfq: an allotment of 0 turns: expected 1 or more");
        s->quantum[i] = s->quantum[i] ? s->quantum[i] * env->unit : env->quantum;
    }
    s->boost = time_param(env, "boost");
    s->boost_at = s->boost ? *env->now / s->boost * s->boost + s->boost : VM_TIME_NEVER;
    s->io = vm_params_count(env->params, "io") ? IO_STAY : IO_ACCOUNTED;
    s->woken = vm_params_count(env->params, "woken") ? WOKEN_FIRST : WOKEN_LAST;
    return true;
}

static size_t size(const struct vm_sched_env *env, struct vm_error *e)
{
    struct mlfq tried;
    if (!configure(&tried, env, e))
        return 0;
    return vm_line_size(env, sizeof(struct mlfq), sizeof(struct client));
}

static void init(void *state, const struct vm_sched_env *env)
{
    struct mlfq *s = state;
    struct vm_error e;
    vm_line_init(&s->line, env, sizeof *s, sizeof(struct client));
    bool good = configure(s, env, &e);
    VM_ASSERT(good);
}

/* ---- rules ---- */

static struct client *client_of(const struct mlfq *s, vm_task task)
{
    return (struct client *)s->line.own + task;
}

static void begin_level(const struct mlfq *s, struct client *c, uint32_t level)
{
    *c = (struct client){level, s->quantum[level], s->allot[level]};
}

/* Its quantum is used up. */
static void end_turn(const struct mlfq *s, struct client *c)
{
    if (--c->turns == 0)
        begin_level(s, c, c->level + 1 < s->nlevels ? c->level + 1 : c->level);
    else
        c->left = s->quantum[c->level];
}

static void ready(void *state, vm_task task, enum vm_ready why)
{
    struct mlfq *s = state;
    struct client *c = client_of(s, task);
    bool used_up = c->left == 0;
    if (why == VM_READY_NEW)
        begin_level(s, c, 0);
    else if (used_up)
        end_turn(s, c);
    if (why == VM_READY_PREEMPTED && !used_up)
        vm_line_rejoin(&s->line, task);
    else if (why == VM_READY_WOKEN && s->woken == WOKEN_FIRST)
        vm_line_join_first(&s->line, task, c->level);
    else
        vm_line_join_last(&s->line, task, c->level);
}

static void block(void *state, vm_task task)
{
    struct mlfq *s = state;
    struct client *c = client_of(s, task);
    bool used_up = c->left == 0;
    vm_line_drop(&s->line, task);
    if (s->io == IO_STAY)
        begin_level(s, c, c->level);
    if (used_up)
        end_turn(s, c);
}

static vm_task pick(void *state, uint32_t cpu)
{
    struct mlfq *s = state;
    vm_task task = vm_line_find(&s->line, cpu);
    if (task != VM_NOTASK)
        vm_line_run(&s->line, task, cpu, client_of(s, task)->left);
    return task;
}

static void ran(void *state, vm_task task, uint64_t time)
{
    struct mlfq *s = state;
    vm_line_ran(&s->line, task, time);
    client_of(s, task)->left = s->line.slice[task];
}

/* ---- the boost ---- */

static uint64_t ticks_at(const void *state)
{
    const struct mlfq *s = state;
    return s->boost_at;
}

/* Put the tasks of a queue below behind those of the highest. */
static void lift(struct mlfq *s, uint32_t level)
{
    struct line *l = &s->line;
    vm_task next;
    for (vm_task t = line_first(l); t != VM_NOTASK; t = next) {
        next = line_next(l, t);
        if (l->rank[t].key == level)
            vm_line_rekey_last(l, t, 0);
    }
}

static void tick(void *state)
{
    struct mlfq *s = state;
    for (uint32_t level = s->nlevels; --level > 0;)
        lift(s, level);
    for (vm_task t = 0; t < s->line.env->ntasks; t++) {
        begin_level(s, client_of(s, t), 0);
        s->line.slice[t] = s->quantum[0];
    }
    s->boost_at = (line_now(&s->line) / s->boost + 1) * s->boost;
}

/* ---- the rest ---- */

static void move(void *from, void *to, vm_task task)
{
    const struct mlfq *s = from;
    vm_line_move(from, to, task, client_of(s, task)->level, sizeof(struct client));
}

static size_t facts(const void *state, vm_task task, struct vm_sched_fact *out)
{
    const struct mlfq *s = state;
    const struct client *c = client_of(s, task);
    size_t n = vm_line_facts(state, task, out);
    out[n++] = (struct vm_sched_fact){"queue", s->nlevels - 1 - c->level};
    out[n++] = (struct vm_sched_fact){"left", c->left};
    out[n++] = (struct vm_sched_fact){"turns", c->turns};
    return n;
}

static void check(const void *state)
{
    const struct mlfq *s = state;
    const struct line *l = &s->line;
    vm_line_check(l);
    for (vm_task t = line_first(l); t != VM_NOTASK; t = line_next(l, t)) {
        const struct client *c = client_of(s, t);
        VM_ASSERT(c->level < s->nlevels && c->level == l->rank[t].key);
        VM_ASSERT(c->turns >= 1 && c->turns <= s->allot[c->level]);
        VM_ASSERT(c->left <= s->quantum[c->level] && (c->left || !line_waits(l, t)));
    }
}

static const struct vm_param param[] = {
    {"queues", VM_PARAM_COUNT, "0", 0, LEVELS_MAX, NULL,
     "how many; 0: as the lists are long, or 3"},
    {"quantum", VM_PARAM_TEXT, "0", 0, 0, NULL,
     "time of a turn, one or one for each queue from the highest: 10+20+40; 0: the host's quantum"},
    {"allot", VM_PARAM_TEXT, "1", 0, 0, NULL, "turns before a task sinks, likewise"},
    {"boost", VM_PARAM_COUNT, "0", 0, 0, NULL, "time after which all begin anew; 0: never"},
    {"io", VM_PARAM_WORD, "accounted", 0, 0, "accounted|stay",
     "whether a task that blocks keeps what is left of its allotment, or gets a new one"},
    {"woken", VM_PARAM_WORD, "last", 0, 0, "last|first", "where in its queue a task that wakes is"},
};

const struct vm_sched_ops vm_sched_mlfq = {
    .name = "mlfq",
    .summary = "queues by feedback: short users of the processor stay above long ones",
    .reason = "it is the first of the highest queue",
    .starves = VM_STARVES_UNDER_LOAD,
    .kind = VM_SCHED_RULE,
    LINE_PARAMS(param),
    .size = size,
    .init = init,
    .ready = ready,
    .block = block,
    .leave = vm_line_leave,
    .pick = pick,
    .slice = vm_line_slice,
    .ran = ran,
    .preempt = vm_line_preempt,
    .ticks_at = ticks_at,
    .tick = tick,
    .move = move,
    .facts = facts,
    .check = check,
};
