/* pager.c - faults in, plans out: a policy that hears of faults alone.
 *
 * The idea is in the header. A page's word says its frame and whether it has contents in the store;
 * a frame's page, bits and the fault by which it came lie in arrays of their own. Frames beyond the
 * limit are spare: pages take them for as long as none may leave.
 *
 * Whom the policy names and who may not leave (guarded, or not let go by the host) is set aside
 * until the plan is made, and inserted anew: to the policy it has just come, and where the policy
 * keeps ghosts it may have come back.
 *
 * A page that leaves dirty gives its frame up at once, and must find one again if it could not be
 * written. So of the spare frames faults take some only, and the rest is for what comes back: when
 * they have used up theirs pages leave first, and the fault is asked for again.
 */
#include <pagoda/pager.h>

#include "base/arena.h"
#include "base/assert.h"
#include "pager/streams.h"

#include <stdlib.h>

#define KEPT  (UINT32_C(1) << 31) /* the page has contents in the store */
#define FRAME (KEPT - 1)          /* frame + 1; 0: none */

#define BATCH           64 /* pages, unless the host says how many */
#define PLANS_IN_FLIGHT 64 /* whose pages all may come back */

struct vm_pager {
    struct vm_arena arena;
    const struct vm_policy_ops *ops;
    void *policy;
    struct vm_pager_host host;
    struct vm_policy_host seen_by_policy;
    struct vm_policy_clock clock;
    uint32_t frames, nframes; /* the most that the limit may be; and with the spare ones */
    uint32_t limit, batch, ahead, pages_max;
    uint32_t returns; /* spare frames that no fault takes: pages in flight may need them again */
    uint32_t resident;
    uint32_t nfree, *free; /* [nfree] frames without a page */
    uint32_t *word;        /* [pages_max] */
    uint32_t *page_of;     /* [nframes] */
    uint64_t *needed;      /* [nframes] the number of the last fault that its page was for */
    uint64_t *claimed;     /* [nframes] the number of the plan that moves its page */
    uint8_t *bits;         /* [nframes] enum vm_frame_bits */
    vm_pfn *aside;         /* [nframes] named by the policy, and may not leave: out of it */
    uint32_t naside;
    uint64_t tick_next;
    uint64_t faults, plans;
    struct streams streams;
    struct vm_pager_plan *plan; /* that is being made; NULL between calls */
    struct vm_pager_counts counts;
};

/* ---- pages and frames ---- */

static vm_pfn frame_of(const struct vm_pager *p, uint32_t page)
{
    VM_EXPECT(page < p->pages_max);
    return (p->word[page] & FRAME) - 1;
}

static bool is_in(const struct vm_pager *p, uint32_t page)
{
    return p->word[page] & FRAME;
}

static vm_pfn take_frame(struct vm_pager *p, uint32_t page)
{
    VM_ASSERT(p->nfree > 0);
    vm_pfn frame = p->free[--p->nfree];
    p->word[page] = (p->word[page] & KEPT) | (frame + 1);
    p->page_of[frame] = page;
    p->resident++;
    return frame;
}

static void give_frame(struct vm_pager *p, vm_pfn frame)
{
    p->word[p->page_of[frame]] &= KEPT;
    p->bits[frame] = 0;
    p->free[p->nfree++] = frame;
    p->resident--;
}

/* ---- what the policy may ask ---- */

static uint64_t place_of(void *host, uint64_t page)
{
    (void)host;
    return page;
}

static void frames_at(void *host, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct vm_pager *p = host;
    for (size_t i = 0; i < n; i++)
        frame[i] = first + i < p->pages_max && is_in(p, (uint32_t)(first + i))
                       ? frame_of(p, (uint32_t)(first + i))
                       : VM_NOFRAME;
}

static vm_asid owner_of(void *host, uint64_t page)
{
    (void)host, (void)page;
    return 0;
}

static uint64_t pages_of(void *host, vm_asid owner)
{
    const struct vm_pager *p = host;
    (void)owner;
    return p->resident ? p->resident : 1;
}

static bool is_guarded(const struct vm_pager *p, vm_pfn frame)
{
    return p->faults - p->needed[frame] < VM_PAGER_GUARD;
}

/* The host moves the page of `frame` from now on, if it may; once in a plan. */
static bool claim(struct vm_pager *p, vm_pfn frame)
{
    if (is_guarded(p, frame) || p->claimed[frame] == p->plans ||
        !p->host.claim(p->host.host, p->page_of[frame]))
        return false;
    p->claimed[frame] = p->plans;
    return true;
}

static struct vm_pager_leave leaving(const struct vm_pager *p, vm_pfn frame)
{
    return (struct vm_pager_leave){.page = p->page_of[frame],
                                   .dirty = p->bits[frame] & VM_FRAME_DIRTY,
                                   .parked = p->bits[frame] & VM_FRAME_PARKED};
}

static bool clean(void *host, vm_pfn frame)
{
    struct vm_pager *p = host;
    struct vm_pager_plan *plan = p->plan;
    if (!plan || plan->nclean == VM_PAGER_BATCH_MAX || !(p->bits[frame] & VM_FRAME_DIRTY) ||
        !claim(p, frame))
        return false;
    plan->clean[plan->nclean++] = leaving(p, frame);
    p->bits[frame] &= (uint8_t)~VM_FRAME_DIRTY;
    p->word[p->page_of[frame]] |= KEPT;
    p->counts.writebacks++;
    p->counts.cleans++;
    return true;
}

/* ---- leaving ---- */

static void leave(struct vm_pager *p, vm_pfn frame)
{
    struct vm_pager_plan *plan = p->plan;
    VM_ASSERT(plan->nleave < sizeof plan->leave / sizeof plan->leave[0]);
    plan->leave[plan->nleave++] = leaving(p, frame);
    if (p->bits[frame] & VM_FRAME_DIRTY) {
        p->word[p->page_of[frame]] |= KEPT;
        p->counts.writebacks++;
    }
    p->counts.evictions++;
    give_frame(p, frame);
}

/* What the policy has named, and is out of it: it leaves, or waits to be inserted again. */
static bool named(struct vm_pager *p, vm_pfn frame)
{
    if (claim(p, frame)) {
        leave(p, frame);
        return true;
    }
    p->aside[p->naside++] = frame;
    return false;
}

static void insert_again(struct vm_pager *p)
{
    for (uint32_t i = 0; i < p->naside; i++)
        p->ops->insert(p->policy, p->aside[i], p->page_of[p->aside[i]]);
    p->naside = 0;
}

/* At most `n` pages leave, and what the plan has room for. */
static void evict(struct vm_pager *p, uint64_t incoming, uint32_t n)
{
    uint32_t room = 2 * VM_PAGER_BATCH_MAX - p->plan->nleave;
    n = n < room ? n : room;
    for (uint32_t left = 0; left < n && p->resident > p->naside;)
        left += named(p, p->ops->victim(p->policy, incoming));
}

static void release(struct vm_pager *p, uint64_t incoming)
{
    vm_pfn frame;
    while (p->plan->nleave < VM_PAGER_BATCH_MAX &&
           (frame = p->ops->release(p->policy, incoming)) != VM_NOFRAME)
        p->counts.releases += named(p, frame);
}

static void park(struct vm_pager *p)
{
    struct vm_pager_plan *plan = p->plan;
    vm_pfn frame;
    while (plan->npark < VM_PAGER_BATCH_MAX && (frame = p->ops->park(p->policy)) != VM_NOFRAME) {
        if (!claim(p, frame)) {
            p->ops->soft(p->policy, frame);
            return;
        }
        plan->park[plan->npark++] = leaving(p, frame);
        p->bits[frame] &= (uint8_t)~VM_FRAME_REFERENCED;
        p->bits[frame] |= VM_FRAME_PARKED;
        p->counts.parks++;
    }
}

/* ---- coming ---- */

uint32_t vm_pager_free(const struct vm_pager *p)
{
    return p->resident < p->limit ? p->limit - p->resident : 0;
}

/* Frames for `n` pages: at least a batch leaves if any must. Fewer may be free after it. */
static void make_room(struct vm_pager *p, uint64_t incoming, uint32_t n)
{
    uint64_t wanted = (uint64_t)p->resident + n;
    if (wanted <= p->limit)
        return;
    uint64_t need = wanted - p->limit;
    need = need < p->batch ? p->batch : need;
    evict(p, incoming, need < VM_PAGER_BATCH_MAX ? (uint32_t)need : VM_PAGER_BATCH_MAX);
}

static void come(struct vm_pager *p, uint32_t page, bool written, bool guarded)
{
    struct vm_pager_plan *plan = p->plan;
    bool kept = p->word[page] & KEPT;
    if (p->resident >= p->limit)
        p->counts.overruns++;
    vm_pfn frame = take_frame(p, page);
    p->bits[frame] =
        (uint8_t)((guarded ? VM_FRAME_REFERENCED : 0) | (written ? VM_FRAME_DIRTY : 0));
    p->needed[frame] = guarded ? p->faults : p->faults - VM_PAGER_GUARD;
    p->claimed[frame] = p->plans;
    p->ops->insert(p->policy, frame, page);
    plan->come[plan->ncome++] = (struct vm_pager_come){
        .page = page, .how = kept ? VM_PAGER_KEPT : VM_PAGER_ZERO, .dirty = written};
    if (kept)
        p->counts.loads++;
    else
        p->counts.zero_fills++;
}

/* ---- pages that come along ---- */

struct along {
    uint32_t n;
    uint32_t page[VM_PAGER_AHEAD_MAX];
};

/* Is there a page `step` away from `page`, in the region? Then *page is it. */
static bool step_to(const struct vm_pager_fault *f, int32_t step, uint32_t *page)
{
    if (step > 0 ? *page + 1 >= f->end : *page <= f->first)
        return false;
    *page += (uint32_t)step;
    return true;
}

static uint32_t window_of(struct vm_pager *p, const struct vm_pager_fault *f, struct stream **s)
{
    *s = NULL;
    if (!p->ahead || f->advice == VM_PAGER_RANDOM)
        return 0;
    *s = streams_fault(&p->streams, f->page, p->ahead);
    if (f->advice == VM_PAGER_SEQUENTIAL)
        return p->ahead;
    return *s ? (*s)->window : 0;
}

/* Which pages come along with the fault's, and which will be wanted next: as many positions as the
 * window has, and as many behind it. The stream faults next at the first of those that is out. */
static void look_ahead(struct vm_pager *p, const struct vm_pager_fault *f, struct along *a)
{
    struct stream *s;
    uint32_t window = window_of(p, f, &s), page = f->page, next = STREAM_NOWHERE;
    int32_t step = s ? s->step : 1;
    a->n = 0;
    for (uint32_t i = 0; i < 2 * window && step_to(f, step, &page); i++) {
        if (is_in(p, page))
            continue;
        if (i < window)
            a->page[a->n++] = page;
        else if (p->word[page] & KEPT)
            p->plan->soon[p->plan->nsoon++] = page;
        if (i >= window && next == STREAM_NOWHERE)
            next = page;
    }
    if (s)
        s->next = next;
}

/* ---- faults ---- */

static void begin(struct vm_pager *p, struct vm_pager_plan *plan)
{
    plan->outcome = VM_PAGER_THERE;
    plan->nleave = plan->nclean = plan->npark = plan->ncome = plan->nsoon = 0;
    p->plan = plan;
    p->plans++;
}

static void end(struct vm_pager *p)
{
    insert_again(p);
    park(p);
    p->plan = NULL;
}

/* One more event that the policy hears of. */
static void pass_time(struct vm_pager *p)
{
    p->clock.touches++;
    if (p->clock.touches < p->tick_next)
        return;
    uint64_t wait = p->ops->tick(p->policy);
    p->tick_next = wait ? p->clock.touches + wait : UINT64_MAX;
    release(p, VM_NOPAGE);
}

static void miss(struct vm_pager *p, const struct vm_pager_fault *f)
{
    struct along along;
    if (p->nfree <= p->returns) {
        evict(p, f->page, p->batch);
        p->plan->outcome = VM_PAGER_FULL;
        return;
    }
    look_ahead(p, f, &along);
    release(p, f->page);
    make_room(p, f->page, 1 + along.n);
    p->faults++;
    p->plan->outcome = VM_PAGER_MISS;
    p->counts.misses++;
    bool writes =
        f->access == VM_WRITE; /* a stream that fills new memory fills what is ahead, too */
    come(p, f->page, writes, true);
    for (uint32_t i = 0; i < along.n && vm_pager_free(p) > 0; i++) {
        if (!p->host.take(p->host.host, along.page[i]))
            continue;
        p->counts.ahead++;
        come(p, along.page[i], writes && !(p->word[along.page[i]] & KEPT), false);
    }
}

static void soft(struct vm_pager *p, const struct vm_pager_fault *f, vm_pfn frame)
{
    uint8_t written = f->access == VM_WRITE ? VM_FRAME_DIRTY : 0;
    p->faults++;
    p->plan->outcome = VM_PAGER_SOFT;
    p->counts.soft_faults++;
    p->bits[frame] &= (uint8_t)~VM_FRAME_PARKED;
    p->bits[frame] |= (uint8_t)(VM_FRAME_REFERENCED | written);
    p->needed[frame] = p->faults;
    p->ops->soft(p->policy, frame);
    p->plan->come[p->plan->ncome++] = (struct vm_pager_come){
        .page = f->page, .how = VM_PAGER_UNPARKED, .dirty = p->bits[frame] & VM_FRAME_DIRTY};
}

static void first_write(struct vm_pager *p, vm_pfn frame)
{
    p->faults++;
    p->plan->outcome = VM_PAGER_DIRTY;
    p->counts.dirty_faults++;
    p->bits[frame] |= VM_FRAME_REFERENCED | VM_FRAME_DIRTY;
    p->needed[frame] = p->faults;
    p->ops->touch(p->policy, &frame, 1);
}

void vm_pager_fault(struct vm_pager *p, const struct vm_pager_fault *f, struct vm_pager_plan *plan)
{
    VM_ASSERT(f->first <= f->page && f->page < f->end && f->end <= p->pages_max);
    vm_pfn frame = frame_of(p, f->page);
    begin(p, plan);
    if (!is_in(p, f->page))
        miss(p, f);
    else if (p->bits[frame] & VM_FRAME_PARKED)
        soft(p, f, frame);
    else if (f->access == VM_WRITE && !(p->bits[frame] & VM_FRAME_DIRTY))
        first_write(p, frame);
    if (plan->outcome <= VM_PAGER_DIRTY)
        pass_time(p);
    end(p);
}

bool vm_pager_reclaim(struct vm_pager *p, uint32_t frames, struct vm_pager_plan *plan)
{
    begin(p, plan);
    make_room(p, VM_NOPAGE, frames < p->limit ? frames : p->limit);
    end(p);
    return vm_pager_free(p) >= frames;
}

void vm_pager_limit(struct vm_pager *p, uint32_t frames)
{
    VM_ASSERT(frames >= VM_PAGER_LIMIT_MIN && frames <= p->frames);
    p->limit = frames;
}

uint32_t vm_pager_resident(const struct vm_pager *p)
{
    return p->resident;
}

uint32_t vm_pager_resident_max(const struct vm_pager *p)
{
    return p->nframes;
}

/* ---- what happens without a fault ---- */

void vm_pager_not_come(struct vm_pager *p, uint32_t page)
{
    VM_ASSERT(is_in(p, page));
    vm_pfn frame = frame_of(p, page);
    p->ops->remove(p->policy, frame);
    give_frame(p, frame);
}

void vm_pager_came_back(struct vm_pager *p, uint32_t page)
{
    VM_ASSERT(!is_in(p, page) && p->nfree > 0);
    vm_pfn frame = take_frame(p, page);
    p->bits[frame] = VM_FRAME_REFERENCED | VM_FRAME_DIRTY;
    p->needed[frame] = p->faults - VM_PAGER_GUARD;
    p->ops->insert(p->policy, frame, page);
}

void vm_pager_cleaned(struct vm_pager *p, uint32_t page)
{
    if (vm_pager_is_dirty(p, page)) {
        p->counts.writebacks++;
        p->counts.cleans++;
        p->bits[frame_of(p, page)] &= (uint8_t)~VM_FRAME_DIRTY;
    }
    p->word[page] |= KEPT;
}

void vm_pager_not_cleaned(struct vm_pager *p, uint32_t page)
{
    if (is_in(p, page))
        p->bits[frame_of(p, page)] |= VM_FRAME_DIRTY;
}

void vm_pager_keep(struct vm_pager *p, uint32_t first, uint32_t n)
{
    for (uint32_t page = first; page < first + n; page++)
        p->word[page] |= KEPT;
}

void vm_pager_forget(struct vm_pager *p, uint32_t first, uint32_t n)
{
    for (uint32_t page = first; page < first + n; page++) {
        if (is_in(p, page))
            vm_pager_not_come(p, page);
        if (p->word[page])
            p->word[page] = 0;
    }
}

bool vm_pager_is_resident(const struct vm_pager *p, uint32_t page)
{
    return is_in(p, page);
}

bool vm_pager_would_fault(const struct vm_pager *p, uint32_t page, enum vm_access access)
{
    if (!is_in(p, page))
        return true;
    uint8_t bits = p->bits[frame_of(p, page)];
    return bits & VM_FRAME_PARKED || (access == VM_WRITE && !(bits & VM_FRAME_DIRTY));
}

bool vm_pager_is_dirty(const struct vm_pager *p, uint32_t page)
{
    return is_in(p, page) && p->bits[frame_of(p, page)] & VM_FRAME_DIRTY;
}

const struct vm_pager_counts *vm_pager_counts(const struct vm_pager *p)
{
    return &p->counts;
}

/* ---- opening ---- */

static bool may_open(const struct vm_pager_config *c, struct vm_error *e)
{
    if (c->policy->future == VM_FUTURE_NEEDED) {
        vm_fail(e, VM_EUSAGE, "policy %s reads the future: a pager has none", c->policy->name);
        return vm_hint(e, "replay a trace of the program to see what %s would do", c->policy->name);
    }
    if (c->frames < VM_PAGER_LIMIT_MIN)
        return vm_fail(e, VM_EUSAGE, "a pager with %u pages of memory: expected %u at least",
                       c->frames, VM_PAGER_LIMIT_MIN);
    VM_ASSERT(c->pages_max <= VM_PAGER_PAGES_MAX && c->frames <= VM_PAGER_PAGES_MAX);
    VM_ASSERT(c->batch <= VM_PAGER_BATCH_MAX && c->ahead <= VM_PAGER_AHEAD_MAX);
    return true;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static size_t bytes_of(const struct vm_pager *p, size_t policy_bytes)
{
    return vm_arena_room(policy_bytes) + vm_arena_room(p->pages_max * sizeof *p->word) +
           3 * vm_arena_room(p->nframes * sizeof *p->free) +
           2 * vm_arena_room(p->nframes * sizeof *p->needed) + vm_arena_room(p->nframes);
}

static bool take_memory(struct vm_pager *p, size_t policy_bytes, struct vm_error *e)
{
    struct vm_arena *a = &p->arena;
    if (!vm_arena_open(a, bytes_of(p, policy_bytes), e))
        return false;
    p->policy = vm_arena_take(a, policy_bytes);
    p->word = vm_arena_take(a, p->pages_max * sizeof *p->word);
    p->free = vm_arena_take(a, p->nframes * sizeof *p->free);
    p->page_of = vm_arena_take(a, p->nframes * sizeof *p->page_of);
    p->aside = vm_arena_take(a, p->nframes * sizeof *p->aside);
    p->needed = vm_arena_take(a, p->nframes * sizeof *p->needed);
    p->claimed = vm_arena_take(a, p->nframes * sizeof *p->claimed);
    p->bits = vm_arena_take(a, p->nframes);
    for (uint32_t frame = p->nframes; frame-- > 0;)
        p->free[p->nfree++] = frame;
    return true;
}

struct vm_pager *vm_pager_open(const struct vm_pager_config *c, const struct vm_pager_host *host,
                               struct vm_error *e)
{
    if (!may_open(c, e))
        return NULL;
    struct vm_pager *p = calloc(1, sizeof *p);
    if (!p) {
        vm_fail(e, VM_ESYSTEM, "no memory for a pager");
        return NULL;
    }
    p->ops = c->policy;
    p->host = *host;
    p->limit = p->frames = c->frames;
    p->pages_max = c->pages_max;
    p->batch = lesser(c->batch ? c->batch : BATCH, c->frames / 8);
    p->returns = PLANS_IN_FLIGHT * p->batch + 2 * VM_PAGER_BATCH_MAX;
    p->nframes = c->frames + p->returns + lesser(c->frames, VM_PAGER_OVERRUN_MAX);
    p->ahead = lesser(c->ahead, c->frames / 4);
    p->faults = VM_PAGER_GUARD;
    p->seen_by_policy = (struct vm_policy_host){.host = p,
                                                .place = place_of,
                                                .frames = frames_at,
                                                .owner = owner_of,
                                                .pages = pages_of,
                                                .clean = clean};
    streams_init(&p->streams);
    struct vm_policy_env env = {.nframes = p->nframes,
                                .capacity = c->frames,
                                .npages = 0,
                                .seed = c->seed,
                                .params = c->policy_params,
                                .clock = &p->clock,
                                .host = &p->seen_by_policy};
    if (!take_memory(p, p->ops->size(&env), e)) {
        free(p);
        return NULL;
    }
    env.bits = p->bits;
    p->ops->init(p->policy, &env);
    uint64_t wait = p->ops->tick_first(&env);
    p->tick_next = wait ? wait : UINT64_MAX;
    return p;
}

void vm_pager_close(struct vm_pager *p)
{
    if (!p)
        return;
    vm_arena_close(&p->arena);
    free(p);
}

void vm_pager_check(const struct vm_pager *p)
{
    uint32_t resident = 0;
    VM_ASSERT(p->naside == 0 && !p->plan);
    for (uint32_t page = 0; page < p->pages_max; page++)
        if (is_in(p, page)) {
            VM_ASSERT(p->page_of[frame_of(p, page)] == page);
            resident++;
        }
    VM_ASSERT(resident == p->resident && p->nfree + resident == p->nframes);
    for (uint32_t i = 0; i < p->nfree; i++)
        VM_ASSERT(p->free[i] < p->nframes && p->bits[p->free[i]] == 0);
    p->ops->check(p->policy);
}
