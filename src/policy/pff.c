/* pff.c - page-fault frequency: a process that faults seldom gives up the pages it does not use.
 *
 * When a process faults more than `interval` touches of its virtual time after its fault before,
 * all its pages leave that were not referenced since that one; when it faults sooner, it only gets
 * the page more. Then the referenced bits of its pages are cleared. Chu & Opderbeck, "The page
 * fault frequency replacement algorithm", AFIPS FJCC 41, 1972; interval is the inverse of their
 * critical frequency P.
 *
 * When memory is full, the page leaves that has been idle for the longest virtual time of its
 * process, as in working_set.c; the paper does not say.
 *
 * interval: 0, one touch for each frame of memory. (The paper measures time in instructions, and
 * finds little difference over a wide range.)
 *
 * The idea: the pages referenced since a fault are the last ones in the order of their last touches
 * (sets.h), so that no bit is looked at: who leaves is taken from the other end. The time of sets.h
 * only numbers the touches there, of which a process's immediate repeats are left out.
 *
 * Invariant: fault[p].mark <= the time of p in sets.
 */
#include "policy/sets.h"

struct pff_fault {
    uint64_t time; /* of the process's last fault: its virtual time */
    uint64_t mark; /* frames touched up to this time of sets have not been referenced since */
};

struct pff {
    struct sets sets;
    struct pff_fault *fault; /* [SETS_OWNERS] */
    uint64_t interval;
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
};

static size_t layout(struct pff *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    s->fault = block_take(&b, SETS_OWNERS * sizeof *s->fault);
    sets_layout(&s->sets, &b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct pff){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct pff *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->interval = vm_params_count(env->params, "interval");
    if (s->interval == 0)
        s->interval = env->capacity;
    s->clock = env->clock;
    s->host = env->host;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct pff *s = state;
    vm_asid owner = s->host->owner(s->host->host, page);
    s->fault[owner].time = vm_policy_time(s->clock, owner);
    s->fault[owner].mark = s->sets.process[owner].time;
    sets_insert(&s->sets, frame, owner);
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct pff *s = state;
    (void)times;
    if (!sets_is_newest(&s->sets, frame))
        sets_touch(&s->sets, frame, 1);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct pff *s = state;
    sets_remove(&s->sets, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct pff *s = state;
    (void)incoming;
    vm_pfn frame = sets_idlest(&s->sets);
    sets_remove(&s->sets, frame);
    return frame;
}

/* Until the page comes in, which is when the fault counts, each call finds the same. */
static inline vm_pfn release(void *state, uint64_t incoming)
{
    struct pff *s = state;
    if (incoming == VM_NOPAGE)
        return VM_NOFRAME;
    vm_asid owner = s->host->owner(s->host->host, incoming);
    if (vm_policy_time(s->clock, owner) - s->fault[owner].time <= s->interval)
        return VM_NOFRAME;
    vm_pfn frame = sets_oldest(&s->sets, owner);
    if (frame == VM_NOFRAME || s->sets.frame[frame].last > s->fault[owner].mark)
        return VM_NOFRAME;
    sets_remove(&s->sets, frame);
    return frame;
}

static void check(const void *state)
{
    const struct pff *s = state;
    sets_check(&s->sets);
    for (uint32_t k = 0; k < s->sets.nknown; k++) {
        vm_asid owner = s->sets.known[k];
        VM_ASSERT(s->fault[owner].mark <= s->sets.process[owner].time);
    }
}

static const struct vm_param param[] = {
    {"interval", VM_PARAM_COUNT, "0", 0, 0, NULL,
     "touches of a process between faults that are seldom; 0: one for each frame"},
};

const struct vm_policy_ops vm_policy_pff = {
    .name = "pff",
    .summary =
        "a process that faults seldom gives up the pages not referenced since its last fault",
    .touch_kind = VM_TOUCH_ORDER,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_IDLE,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    PART_NO_TICKS,
    .release = release,
    PART_NO_PROCESSES,
    PART_NO_PARKING,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND    VM_TOUCH_ORDER
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick_nothing
#define REPLAY_RELEASE release
#include "policy/replay_template.inc.h"
