/* local.c - local replacement: each process replaces its own pages, within a share of memory.
 *
 * A decorator of any policy: a host sees one policy, and in it there is one state of the policy
 * chosen for each process, which knows of that process alone, its frames and its own time.
 *
 *     host -- insert, touch, victim ... --> whose? --> policy of process 1: frames 0 3 4
 *                                                  --> policy of process 2: frames 1 2
 *
 * Shares, in frames: fixed, as many as the allotment says, or memory in equal parts for the
 * processes that have had pages; proportional, parts as the processes' sizes are, in pages. One at
 * least. Silberschatz, Galvin & Gagne, "Operating System Concepts", 10th ed., section 10.5
 * (equal and proportional allocation; global versus local).
 *
 * A process that has its share or more gives up a page for the one that comes in, be frames free or
 * not; for one that has less the process that has most beyond its share does (of equals, the one
 * that came first). So with fixed shares that memory has room for no process's misses depend on
 * what others do.
 *
 * A process's policy is made when its first page comes, with the share of that moment as capacity;
 * frames keep their numbers in it, which cost a policy what its arrays up to the highest cost. It
 * ticks by the process's own time. Huge pages and segments would count as one frame: hosts do not
 * combine them with shares.
 *
 * Invariants
 *  1. owner[f] - 1 is the process in whose policy frame f is; 0: it is in none.
 *  2. nin counts a process's frames; nin of all add up to the state's.
 */
#include "policy/local.h"
#include "policy/part.h"

#define OWNERS (VM_ASID_KERNEL + 1)

struct member {
    void *state;
    uint32_t nin;
    bool known;         /* has had a page */
    uint64_t tick_next; /* its time at which it ticks; UINT64_MAX: never */
    struct vm_policy_clock clock;
};

struct local {
    struct vm_policy_env env;
    struct vm_params params; /* env's, for members to come */
    struct vm_allotment allotment;
    struct member *member; /* [OWNERS] */
    vm_asid *known;        /* [nknown] in the order of their first pages */
    vm_asid *owner;        /* [nframes] + 1 */
    uint8_t *states;       /* [OWNERS][state_bytes] */
    size_t state_bytes;
    uint32_t nknown, nin;
    vm_asid asked; /* the process that last had a page come, a soft fault or a tick */
    vm_pfn last;   /* frame of the touch before */
};

/* What the policies of all processes see: each one with a map of all pages would be too much. */
static struct vm_policy_env members_env(const struct vm_policy_env *env)
{
    struct vm_policy_env members = *env;
    members.npages = 0;
    return members;
}

static size_t layout(struct local *s, uintptr_t start, const struct vm_policy_env *env)
{
    struct block b = {.start = start};
    block_take(&b, sizeof *s);
    struct vm_policy_env members = members_env(env);
    s->state_bytes = vm_arena_room(env->allotment->inner->size(&members));
    s->member = block_take(&b, OWNERS * sizeof *s->member);
    s->known = block_take(&b, OWNERS * sizeof *s->known);
    s->owner = block_take(&b, env->nframes * sizeof *s->owner);
    s->states = block_take(&b, OWNERS * s->state_bytes);
    return b.used;
}

static size_t size(const struct vm_policy_env *env)
{
    return layout(&(struct local){0}, 0, env);
}

static void init(void *state, const struct vm_policy_env *env)
{
    struct local *s = state;
    layout(s, (uintptr_t)state, env);
    s->env = members_env(env);
    s->params = *env->params;
    s->env.params = &s->params;
    s->allotment = *env->allotment;
    s->last = VM_NOFRAME;
}

static const struct vm_policy_ops *ops_of(const struct local *s)
{
    return s->allotment.inner;
}

/* ---- shares ---- */

static uint64_t pages_of(const struct local *s, vm_asid owner)
{
    if (owner > VM_ASID_MAX)
        return s->member[owner].nin;
    return s->env.host->pages(s->env.host->host, owner);
}

/* Of the pages of all processes, `owner`'s among them: of memory. */
static uint64_t proportional(const struct local *s, vm_asid owner)
{
    uint64_t own = pages_of(s, owner), all = s->member[owner].known ? 0 : own;
    for (uint32_t i = 0; i < s->nknown; i++)
        all += pages_of(s, s->known[i]);
    return all ? s->env.capacity * own / all : 0;
}

static uint32_t share_of(const struct local *s, vm_asid owner)
{
    uint32_t sharers = s->nknown + !s->member[owner].known;
    uint64_t share = s->allotment.kind == VM_ALLOT_PROPORTIONAL ? proportional(s, owner)
                     : s->allotment.frames                      ? s->allotment.frames
                                                                : s->env.capacity / sharers;
    if (share > s->env.capacity)
        share = s->env.capacity;
    return share ? (uint32_t)share : 1;
}

/* ---- members ---- */

/* As the policy of the process sees its world. */
static struct vm_policy_env member_env(struct local *s, vm_asid owner)
{
    struct vm_policy_env env = s->env;
    env.capacity = share_of(s, owner);
    env.clock = &s->member[owner].clock;
    env.allotment = NULL;
    return env;
}

/* The process's policy, about to be called: its clock is right. */
static inline void *member_of(struct local *s, vm_asid owner)
{
    struct member *m = &s->member[owner];
    m->clock.touches = vm_policy_time(s->env.clock, owner);
    return m->state;
}

static void member_make(struct local *s, vm_asid owner)
{
    struct member *m = &s->member[owner];
    struct vm_policy_env env = member_env(s, owner);
    m->state = s->states + owner * s->state_bytes;
    m->clock = (struct vm_policy_clock){.running = owner};
    member_of(s, owner);
    uint64_t first = ops_of(s)->tick_first(&env);
    m->tick_next = first ? m->clock.touches + first : UINT64_MAX;
    ops_of(s)->init(m->state, &env);
    m->known = true;
    s->known[s->nknown++] = owner;
}

static vm_asid owner_of(const struct local *s, uint64_t page)
{
    vm_asid owner = s->env.host->owner(s->env.host->host, page);
    VM_ASSERT(owner < OWNERS);
    return owner;
}

/* The process's policy has given up a frame. */
static void forget(struct local *s, vm_pfn frame)
{
    s->member[s->owner[frame] - 1].nin--;
    s->owner[frame] = 0;
    s->nin--;
}

/* ---- the policy ---- */

static void insert(void *state, vm_pfn frame, uint64_t page)
{
    struct local *s = state;
    vm_asid owner = owner_of(s, page);
    VM_EXPECT(frame < s->env.nframes && s->owner[frame] == 0);
    if (!s->member[owner].known)
        member_make(s, owner);
    s->owner[frame] = (vm_asid)(owner + 1);
    s->member[owner].nin++;
    s->nin++;
    s->asked = owner;
    s->last = frame;
    ops_of(s)->insert(member_of(s, owner), frame, page);
}

static void pass_on(void *state, const vm_pfn *frame, size_t n)
{
    struct local *s = state;
    for (size_t i = 0, same; i < n; i += same) {
        vm_asid owner = s->owner[frame[i]];
        for (same = 1; i + same < n && s->owner[frame[i + same]] == owner; same++)
            ;
        VM_EXPECT(owner);
        ops_of(s)->touch(member_of(s, (vm_asid)(owner - 1)), frame + i, same);
    }
}

/* What the page replay's loop tells, which here is every touch, as the policy chosen wants it. */
static void touch_frame(void *state, vm_pfn frame, uint32_t times)
{
    struct local *s = state;
    enum vm_touch_kind kind = ops_of(s)->touch_kind;
    bool again = frame == s->last;
    s->last = frame;
    for (; times && kind == VM_TOUCH_EACH; times--)
        pass_on(s, &frame, 1);
    if (kind == VM_TOUCH_ORDER && !again)
        pass_on(s, &frame, 1);
}

static void remove_frame(void *state, vm_pfn frame)
{
    struct local *s = state;
    VM_EXPECT(frame < s->env.nframes && s->owner[frame]);
    ops_of(s)->remove(member_of(s, (vm_asid)(s->owner[frame] - 1)), frame);
    forget(s, frame);
}

/* The process with most frames beyond its share, or nearest to it. */
static vm_asid most_beyond(const struct local *s)
{
    vm_asid found = OWNERS;
    int64_t most = 0;
    for (uint32_t i = 0; i < s->nknown; i++) {
        vm_asid owner = s->known[i];
        int64_t beyond = (int64_t)s->member[owner].nin - share_of(s, owner);
        if (s->member[owner].nin && (found == OWNERS || beyond > most)) {
            found = owner;
            most = beyond;
        }
    }
    VM_ASSERT(found < OWNERS);
    return found;
}

static vm_pfn victim_of(struct local *s, vm_asid owner, uint64_t incoming)
{
    vm_pfn frame = ops_of(s)->victim(member_of(s, owner), incoming);
    VM_ASSERT(s->owner[frame] == owner + 1);
    forget(s, frame);
    return frame;
}

static bool has_its_share(const struct local *s, vm_asid owner)
{
    return s->member[owner].nin && s->member[owner].nin >= share_of(s, owner);
}

static vm_pfn victim(void *state, uint64_t incoming)
{
    struct local *s = state;
    vm_asid comes = incoming == VM_NOPAGE ? OWNERS : owner_of(s, incoming);
    vm_asid gives = comes < OWNERS && has_its_share(s, comes) ? comes : most_beyond(s);
    return victim_of(s, gives, gives == comes ? incoming : VM_NOPAGE);
}

/* What the process's policy gives up by itself. */
static vm_pfn release_of(struct local *s, vm_asid owner, uint64_t incoming)
{
    if (!s->member[owner].known)
        return VM_NOFRAME;
    vm_pfn frame = ops_of(s)->release(member_of(s, owner), incoming);
    if (frame != VM_NOFRAME)
        forget(s, frame);
    return frame;
}

static vm_pfn release(void *state, uint64_t incoming)
{
    struct local *s = state;
    if (incoming == VM_NOPAGE)
        return release_of(s, s->env.clock->running, incoming);
    vm_asid owner = owner_of(s, incoming);
    vm_pfn frame = release_of(s, owner, incoming);
    if (frame != VM_NOFRAME || s->nin == s->env.capacity || !has_its_share(s, owner))
        return frame;
    return victim_of(s, owner, incoming);
}

static vm_pfn park(void *state)
{
    struct local *s = state;
    if (!s->member[s->asked].known)
        return VM_NOFRAME;
    return ops_of(s)->park(member_of(s, s->asked));
}

static void soft(void *state, vm_pfn frame)
{
    struct local *s = state;
    s->asked = (vm_asid)(s->owner[frame] - 1);
    s->last = frame;
    ops_of(s)->soft(member_of(s, s->asked), frame);
}

/* ---- ticks ---- */

/* As the first process will have it. */
static uint64_t tick_first(const struct vm_policy_env *env)
{
    const struct vm_allotment *a = env->allotment;
    struct vm_policy_env first = *env;
    if (a->kind == VM_ALLOT_FIXED && a->frames && a->frames < first.capacity)
        first.capacity = a->frames;
    return a->inner->tick_first(&first);
}

/* The touches until the running process's tick. */
static uint64_t until_tick(struct local *s)
{
    struct member *m = &s->member[s->env.clock->running];
    if (!m->known) {
        struct vm_policy_env env = member_env(s, s->env.clock->running);
        return ops_of(s)->tick_first(&env);
    }
    member_of(s, s->env.clock->running);
    if (m->tick_next <= m->clock.touches)
        return 1;
    uint64_t left = m->tick_next - m->clock.touches, never = UINT64_MAX / 2;
    return left < never ? left : never;
}

static uint64_t tick(void *state)
{
    struct local *s = state;
    struct member *m = &s->member[s->env.clock->running];
    s->asked = s->env.clock->running;
    if (m->known) {
        uint64_t after = ops_of(s)->tick(member_of(s, s->asked));
        m->tick_next = after ? m->clock.touches + after : UINT64_MAX;
    }
    return until_tick(s);
}

static uint64_t switched(void *state)
{
    return until_tick(state);
}

static void check(const void *state)
{
    const struct local *s = state;
    uint32_t nin = 0;
    for (vm_pfn f = 0; f < s->env.nframes; f++) {
        nin += s->owner[f] != 0;
        VM_ASSERT(!s->owner[f] || s->member[s->owner[f] - 1].known);
    }
    VM_ASSERT(nin == s->nin);
    for (uint32_t i = 0; i < s->nknown; i++) {
        const struct member *m = &s->member[s->known[i]];
        ops_of(s)->check(m->state);
        nin -= m->nin;
    }
    VM_ASSERT(nin == 0);
}

void vm_policy_local(struct vm_policy_ops *out, const struct vm_policy_ops *inner)
{
    *out = (struct vm_policy_ops){
        .name = inner->name,
        .summary = inner->summary,
        .touch_kind = inner->touch_kind,
        .future = inner->future,
        .ghosts = inner->ghosts,
        .reason = VM_REASON_SHARE,
        .tick_first = tick_first,
        .param = inner->param,
        .nparams = inner->nparams,
        .size = size,
        .init = init,
        .insert = insert,
        .touch = pass_on,
        .remove = remove_frame,
        .victim = victim,
        .tick = tick,
        .release = release,
        .switched = switched,
        .park = park,
        .soft = soft,
        .check = check,
        .replay = replay,
        .replay_runs = replay_runs,
    };
}

#define REPLAY_KIND    VM_TOUCH_EACH
#define REPLAY_INSERT  insert
#define REPLAY_VICTIM  victim
#define REPLAY_TOUCH   touch_frame
#define REPLAY_TICK    tick
#define REPLAY_RELEASE release
#define REPLAY_PARK    park
#define REPLAY_SOFT    soft
#include "policy/replay_template.inc.h"
