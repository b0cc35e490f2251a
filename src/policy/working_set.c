/* working_set.c - the working set: a page that its process has not touched for a window of its
 * virtual time leaves, though frames be free.
 *
 * Resident are, after each touch of a process, the pages of its last tau touches: W(t, tau) of
 * Denning, "The working set model for program behavior", CACM 11(5) 1968. With memory for all
 * working sets a touch misses iff more than tau touches of the process lie since the last one of
 * the page, and the mean resident set is the working set's; Denning & Schwartz, "Properties of the
 * working-set model", CACM 15(3) 1972, get both from the intervals between touches, which is what
 * tests/laws/allotment.c holds this file against.
 *
 * When memory is full of pages that are in their windows, the one leaves that has been idle for
 * the longest virtual time of its process. (A system would stop a process instead.)
 *
 * tau: 0, four touches for each frame of memory.
 *
 * The idea: of a process's frames in the order of their last touches (sets.h) the oldest is the
 * next to expire, and it does so at a known time of the process, for which a tick is ordered; if it
 * was touched meanwhile, the oldest then is looked at. Only the running process's time passes, so
 * that a switch orders another tick.
 *
 * Of a page that several processes map only touches by the one that it came for are in time:
 * sets.h.
 */
#include "policy/sets.h"

struct working_set {
    struct sets sets;
    uint64_t tau;
    const struct vm_policy_clock *clock;
    const struct vm_policy_host *host;
};

static size_t layout(struct working_set *s, uintptr_t start, uint32_t nframes)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    sets_layout(&s->sets, &b, nframes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct working_set){0}, 0, env->nframes);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct working_set *s = state;
    layout(s, (uintptr_t)state, env->nframes);
    s->tau = part_window(env);
    s->clock = env->clock;
    s->host = env->host;
}

static inline void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct working_set *s = state;
    sets_insert(&s->sets, frame, s->host->owner(s->host->host, page));
}

static inline void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct working_set *s = state;
    sets_touch(&s->sets, frame, times);
}

static inline void remove_frame(void *state, vm_pfn frame)
{
    struct working_set *s = state;
    sets_remove(&s->sets, frame);
}

static inline vm_pfn victim(void *state, uint64_t incoming)
{
    struct working_set *s = state;
    (void)incoming;
    vm_pfn frame = sets_idlest(&s->sets);
    sets_remove(&s->sets, frame);
    return frame;
}

/* A page that comes in is a touch, too: what is not in its window any more may leave before. */
static inline vm_pfn release(void *state, uint64_t incoming)
{
    struct working_set *s = state;
    vm_pfn frame = sets_oldest(&s->sets, s->clock->running);
    if (frame == VM_NOFRAME)
        return VM_NOFRAME;
    uint64_t now = s->sets.process[s->clock->running].time + (incoming != VM_NOPAGE);
    if (now - s->sets.frame[frame].last < s->tau)
        return VM_NOFRAME;
    sets_remove(&s->sets, frame);
    return frame;
}

/* The touches until the first page expires that has not yet. No page that is touched from now on
 * expires before a whole window is over. */
static uint64_t next_expiry(void *state)
{
    struct working_set *s = state;
    vm_asid owner = s->clock->running;
    const struct set_process *p = &s->sets.process[owner];
    for (uint32_t i = p->tail; i < p->head; i++) {
        uint64_t idle = p->time - s->sets.frame[sets_log(&s->sets, owner)[i]].last;
        if (sets_counts(&s->sets, owner, i) && idle < s->tau)
            return s->tau - idle;
    }
    return s->tau;
}

static void check(const void *state)
{
    const struct working_set *s = state;
    sets_check(&s->sets);
}

static const struct vm_param param[] = {
    PART_WINDOW_PARAM,
};

const struct vm_policy_ops vm_policy_working_set = {
    .name = "working-set",
    .summary = "pages not touched in a window of their process's time leave, frames free or not",
    .touch_kind = VM_TOUCH_EACH,
    .future = VM_FUTURE_UNUSED,
    .ghosts = VM_GHOSTS_NONE,
    .reason = VM_REASON_IDLE,
    .tick_first = part_window,
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .size = size,
    .init = init,
    .insert = insert,
    .remove = remove_frame,
    .victim = victim,
    .tick = next_expiry,
    .release = release,
    .switched = next_expiry,
    PART_NO_PARKING,
    .check = check,
    PART_STAMPED,
};

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    next_expiry
#define REPLAY_RELEASE release
#include "policy/replay_template.inc.h"
