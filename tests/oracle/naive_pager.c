/* naive_pager.c - see naive_pager.h. */
#include "oracle/naive_pager.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- pages ---- */

static bool has_bit(const struct naive_pager *p, uint32_t page, uint8_t bit)
{
    return p->page[page].in && p->bits[p->page[page].frame] & bit;
}

static void set_bit(struct naive_pager *p, uint32_t page, uint8_t bit, bool on)
{
    uint8_t *bits = &p->bits[p->page[page].frame];
    *bits = (uint8_t)(on ? *bits | bit : *bits & ~bit);
}

static uint32_t page_in(const struct naive_pager *p, vm_pfn frame)
{
    for (uint32_t page = 0; page < p->config.pages_max; page++)
        if (p->page[page].in && p->page[page].frame == frame)
            return page;
    VM_ASSERT(!"no page is in that frame");
    return 0;
}

uint32_t naive_pager_resident(const struct naive_pager *p)
{
    uint32_t n = 0;
    for (uint32_t page = 0; page < p->config.pages_max; page++)
        n += p->page[page].in;
    return n;
}

bool naive_pager_is_dirty(const struct naive_pager *p, uint32_t page)
{
    return has_bit(p, page, VM_FRAME_DIRTY);
}

static void enter(struct naive_pager *p, uint32_t page, uint8_t bits)
{
    VM_ASSERT(!p->page[page].in && p->nfree > 0);
    p->page[page].in = true;
    p->page[page].frame = p->free[--p->nfree];
    p->bits[p->page[page].frame] = bits;
}

static void go(struct naive_pager *p, uint32_t page)
{
    for (uint32_t i = 0; i < p->nneeded; i++)
        if (p->needed[i] == page)
            p->needed[i] = NAIVE_PAGER_PAGES; /* of no page any more */
    p->page[page].in = false;
    p->bits[p->page[page].frame] = 0;
    p->free[p->nfree++] = p->page[page].frame;
}

/* ---- what the policy asks ---- */

static uint64_t place_of(void *host, uint64_t page)
{
    (void)host;
    return page;
}

static void frames_at(void *host, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct naive_pager *p = host;
    for (uint64_t i = 0; i < n; i++) {
        bool in = first + i < p->config.pages_max && p->page[first + i].in;
        frame[i] = in ? p->page[first + i].frame : VM_NOFRAME;
    }
}

static vm_asid owner_of(void *host, uint64_t page)
{
    (void)host, (void)page;
    return 0;
}

static uint64_t pages_of(void *host, vm_asid owner)
{
    (void)owner;
    uint32_t n = naive_pager_resident(host);
    return n ? n : 1;
}

static bool is_listed(const uint32_t *list, uint32_t n, uint32_t page)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i] == page)
            return true;
    return false;
}

/* May it be moved by this plan? Then it is. */
static bool moves(struct naive_pager *p, uint32_t page)
{
    if (is_listed(p->needed, p->nneeded, page) || is_listed(p->moved, p->nmoved, page) ||
        !p->host.claim(p->host.host, page))
        return false;
    p->moved[p->nmoved++] = page;
    return true;
}

static struct vm_pager_leave as_it_is(const struct naive_pager *p, uint32_t page)
{
    return (struct vm_pager_leave){page, has_bit(p, page, VM_FRAME_DIRTY),
                                   has_bit(p, page, VM_FRAME_PARKED)};
}

static bool clean(void *host, vm_pfn frame)
{
    struct naive_pager *p = host;
    if (!p->plan || p->plan->nclean == VM_PAGER_BATCH_MAX)
        return false;
    uint32_t page = page_in(p, frame);
    if (!naive_pager_is_dirty(p, page) || !moves(p, page))
        return false;
    p->plan->clean[p->plan->nclean++] = as_it_is(p, page);
    set_bit(p, page, VM_FRAME_DIRTY, false);
    p->page[page].kept = true;
    p->counts.cleans++;
    p->counts.writebacks++;
    return true;
}

/* ---- leaving ---- */

/* The policy named it: it leaves, or is set aside. */
static bool leaves(struct naive_pager *p, vm_pfn frame)
{
    uint32_t page = page_in(p, frame);
    if (!moves(p, page)) {
        p->aside[p->naside++] = page;
        return false;
    }
    struct vm_pager_leave l = as_it_is(p, page);
    p->plan->leave[p->plan->nleave++] = l;
    p->counts.evictions++;
    p->counts.writebacks += l.dirty;
    p->page[page].kept |= l.dirty;
    go(p, page);
    return true;
}

static void evict(struct naive_pager *p, uint64_t incoming, uint32_t n)
{
    if (n > VM_PAGER_BATCH_MAX)
        n = VM_PAGER_BATCH_MAX;
    while (n > 0 && p->plan->nleave < 2 * VM_PAGER_BATCH_MAX && naive_pager_resident(p) > p->naside)
        n -= leaves(p, p->config.policy->victim(p->policy, incoming));
}

static void release(struct naive_pager *p, uint64_t incoming)
{
    while (p->plan->nleave < VM_PAGER_BATCH_MAX) {
        vm_pfn frame = p->config.policy->release(p->policy, incoming);
        if (frame == VM_NOFRAME)
            return;
        p->counts.releases += leaves(p, frame);
    }
}

static uint32_t room_below_limit(const struct naive_pager *p)
{
    uint32_t resident = naive_pager_resident(p);
    return resident < p->limit ? p->limit - resident : 0;
}

static void make_room(struct naive_pager *p, uint64_t incoming, uint32_t n)
{
    uint32_t resident = naive_pager_resident(p);
    if (resident + n <= p->limit)
        return;
    uint32_t too_many = resident + n - p->limit;
    evict(p, incoming, too_many > p->batch ? too_many : p->batch);
}

/* ---- coming along ---- */

static struct naive_pager_stream *to_the_front(struct naive_pager *p, int i)
{
    struct naive_pager_stream s = p->stream[i];
    memmove(&p->stream[1], &p->stream[0], (size_t)i * sizeof s);
    p->stream[0] = s;
    return p->stream;
}

static bool was_lately(const struct naive_pager *p, int64_t page)
{
    for (int i = 0; i < NAIVE_PAGER_STREAMS; i++)
        if (p->lately[i] == page)
            return true;
    return false;
}

/* The stream of a fault, in front of all; NULL: it is of none. */
static struct naive_pager_stream *stream_of(struct naive_pager *p, int64_t page, int64_t most)
{
    for (int i = 0; i < NAIVE_PAGER_STREAMS; i++)
        if (p->stream[i].next == page) {
            struct naive_pager_stream *s = to_the_front(p, i);
            s->window = 2 * s->window < most ? 2 * s->window : most;
            return s;
        }
    bool up = page > 0 && was_lately(p, page - 1), down = was_lately(p, page + 1);
    memmove(&p->lately[1], &p->lately[0], sizeof p->lately - sizeof p->lately[0]);
    p->lately[0] = page;
    if (!up && !down)
        return NULL;
    struct naive_pager_stream *s = to_the_front(p, NAIVE_PAGER_STREAMS - 1);
    *s = (struct naive_pager_stream){-1, up ? 1 : -1, most < 4 ? most : 4};
    return s;
}

/* The pages that come along: along[], their number. */
static uint32_t look_ahead(struct naive_pager *p, const struct vm_pager_fault *f, uint32_t *along)
{
    struct naive_pager_stream *s = NULL;
    int64_t window = 0, step = 1;
    uint32_t n = 0;
    if (p->ahead && f->advice != VM_PAGER_RANDOM)
        s = stream_of(p, f->page, p->ahead);
    if (s)
        window = s->window, step = s->step, s->next = -1;
    if (p->ahead && f->advice == VM_PAGER_SEQUENTIAL)
        window = p->ahead;
    for (int64_t i = 1; i <= 2 * window; i++) {
        int64_t page = f->page + i * step;
        if (page < f->first || page >= f->end || p->page[page].in)
            continue;
        if (i <= window)
            along[n++] = (uint32_t)page;
        if (i > window && s && s->next < 0)
            s->next = page;
        if (i > window && p->page[page].kept)
            p->plan->soon[p->plan->nsoon++] = (uint32_t)page;
    }
    return n;
}

/* ---- faults ---- */

static void begin(struct naive_pager *p, struct vm_pager_plan *plan)
{
    plan->outcome = VM_PAGER_THERE;
    plan->nleave = plan->nclean = plan->npark = plan->ncome = plan->nsoon = 0;
    p->plan = plan;
    p->nmoved = p->naside = 0;
}

static void end(struct naive_pager *p)
{
    const struct vm_policy_ops *ops = p->config.policy;
    struct vm_pager_plan *plan = p->plan;
    for (uint32_t i = 0; i < p->naside; i++)
        ops->insert(p->policy, p->page[p->aside[i]].frame, p->aside[i]);
    while (plan->npark < VM_PAGER_BATCH_MAX) {
        vm_pfn frame = ops->park(p->policy);
        if (frame == VM_NOFRAME)
            break;
        uint32_t page = page_in(p, frame);
        if (!moves(p, page)) {
            ops->soft(p->policy, frame);
            break;
        }
        plan->park[plan->npark++] = as_it_is(p, page);
        set_bit(p, page, VM_FRAME_REFERENCED, false);
        set_bit(p, page, VM_FRAME_PARKED, true);
        p->counts.parks++;
    }
    p->plan = NULL;
}

static void need(struct naive_pager *p, uint32_t page)
{
    memmove(&p->needed[1], &p->needed[0], sizeof p->needed - sizeof p->needed[0]);
    p->needed[0] = page;
    p->nneeded += p->nneeded < VM_PAGER_GUARD;
}

static void come(struct naive_pager *p, uint32_t page, uint8_t bits)
{
    p->counts.overruns += naive_pager_resident(p) >= p->limit;
    enter(p, page, bits);
    p->moved[p->nmoved++] = page;
    p->config.policy->insert(p->policy, p->page[page].frame, page);
    bool kept = p->page[page].kept;
    p->counts.loads += kept;
    p->counts.zero_fills += !kept;
    p->plan->come[p->plan->ncome++] =
        (struct vm_pager_come){page, kept ? VM_PAGER_KEPT : VM_PAGER_ZERO, bits & VM_FRAME_DIRTY};
}

static void miss(struct naive_pager *p, const struct vm_pager_fault *f, uint8_t written)
{
    uint32_t along[VM_PAGER_AHEAD_MAX];
    if (naive_pager_resident(p) >= p->config.frames + p->spare_for_faults) {
        evict(p, f->page, p->batch);
        p->plan->outcome = VM_PAGER_FULL;
        return;
    }
    uint32_t n = look_ahead(p, f, along);
    release(p, f->page);
    make_room(p, f->page, 1 + n);
    p->plan->outcome = VM_PAGER_MISS;
    p->counts.misses++;
    need(p, f->page);
    come(p, f->page, VM_FRAME_REFERENCED | written);
    for (uint32_t i = 0; i < n && room_below_limit(p) > 0; i++) {
        if (!p->host.take(p->host.host, along[i]))
            continue;
        p->counts.ahead++;
        come(p, along[i], p->page[along[i]].kept ? 0 : written);
    }
}

static void soft(struct naive_pager *p, uint32_t page, uint8_t written)
{
    p->plan->outcome = VM_PAGER_SOFT;
    p->counts.soft_faults++;
    need(p, page);
    set_bit(p, page, VM_FRAME_PARKED, false);
    set_bit(p, page, VM_FRAME_REFERENCED | written, true);
    p->config.policy->soft(p->policy, p->page[page].frame);
    p->plan->come[p->plan->ncome++] =
        (struct vm_pager_come){page, VM_PAGER_UNPARKED, naive_pager_is_dirty(p, page)};
}

static void first_write(struct naive_pager *p, uint32_t page)
{
    p->plan->outcome = VM_PAGER_DIRTY;
    p->counts.dirty_faults++;
    need(p, page);
    set_bit(p, page, VM_FRAME_REFERENCED | VM_FRAME_DIRTY, true);
    p->config.policy->touch(p->policy, &p->page[page].frame, 1);
}

void naive_pager_fault(struct naive_pager *p, const struct vm_pager_fault *f,
                       struct vm_pager_plan *plan)
{
    uint8_t written = f->access == VM_WRITE ? VM_FRAME_DIRTY : 0;
    begin(p, plan);
    if (!p->page[f->page].in)
        miss(p, f, written);
    else if (has_bit(p, f->page, VM_FRAME_PARKED))
        soft(p, f->page, written);
    else if (written && !naive_pager_is_dirty(p, f->page))
        first_write(p, f->page);
    if (plan->outcome == VM_PAGER_MISS || plan->outcome == VM_PAGER_SOFT ||
        plan->outcome == VM_PAGER_DIRTY)
        p->clock.touches++;
    if (p->tick_next && p->clock.touches >= p->tick_next && plan->outcome < VM_PAGER_THERE) {
        uint64_t wait = p->config.policy->tick(p->policy);
        p->tick_next = wait ? p->clock.touches + wait : 0;
        release(p, VM_NOPAGE);
    }
    end(p);
}

bool naive_pager_reclaim(struct naive_pager *p, uint32_t frames, struct vm_pager_plan *plan)
{
    begin(p, plan);
    make_room(p, VM_NOPAGE, frames < p->limit ? frames : p->limit);
    end(p);
    return room_below_limit(p) >= frames;
}

/* ---- without a fault ---- */

void naive_pager_limit(struct naive_pager *p, uint32_t frames)
{
    p->limit = frames;
}

void naive_pager_not_come(struct naive_pager *p, uint32_t page)
{
    p->config.policy->remove(p->policy, p->page[page].frame);
    go(p, page);
}

void naive_pager_came_back(struct naive_pager *p, uint32_t page)
{
    enter(p, page, VM_FRAME_REFERENCED | VM_FRAME_DIRTY);
    p->config.policy->insert(p->policy, p->page[page].frame, page);
}

void naive_pager_cleaned(struct naive_pager *p, uint32_t page)
{
    bool was_dirty = naive_pager_is_dirty(p, page);
    p->page[page].kept = true;
    p->counts.cleans += was_dirty;
    p->counts.writebacks += was_dirty;
    if (p->page[page].in)
        set_bit(p, page, VM_FRAME_DIRTY, false);
}

void naive_pager_not_cleaned(struct naive_pager *p, uint32_t page)
{
    if (p->page[page].in)
        set_bit(p, page, VM_FRAME_DIRTY, true);
}

void naive_pager_keep(struct naive_pager *p, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p->page[first + i].kept = true;
}

void naive_pager_forget(struct naive_pager *p, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (p->page[first + i].in)
            naive_pager_not_come(p, first + i);
        p->page[first + i].kept = false;
    }
}

/* ---- opening ---- */

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void open_policy(struct naive_pager *p)
{
    const struct vm_policy_ops *ops = p->config.policy;
    p->asked = (struct vm_policy_host){.host = p,
                                       .place = place_of,
                                       .frames = frames_at,
                                       .owner = owner_of,
                                       .pages = pages_of,
                                       .clean = clean};
    struct vm_policy_env env = {.nframes = p->nframes,
                                .capacity = p->config.frames,
                                .bits = p->bits,
                                .seed = p->config.seed,
                                .params = p->config.policy_params,
                                .clock = &p->clock,
                                .host = &p->asked};
    size_t bytes = (ops->size(&env) + 63) & ~(size_t)63;
    p->policy = aligned_alloc(64, bytes);
    VM_ASSERT(p->policy);
    memset(p->policy, 0, bytes);
    ops->init(p->policy, &env);
    p->tick_next = ops->tick_first(&env);
}

void naive_pager_open(struct naive_pager *p, const struct vm_pager_config *c,
                      const struct vm_pager_host *host)
{
    memset(p, 0, sizeof *p);
    p->config = *c;
    p->host = *host;
    p->limit = c->frames;
    p->batch = lesser(c->batch ? c->batch : 64, c->frames / 8);
    p->ahead = lesser(c->ahead, c->frames / 4);
    p->spare_for_faults = lesser(c->frames, VM_PAGER_OVERRUN_MAX);
    p->nframes = c->frames + p->spare_for_faults + 64 * p->batch + 2 * VM_PAGER_BATCH_MAX;
    VM_ASSERT(p->nframes <= NAIVE_PAGER_FRAMES && c->pages_max <= NAIVE_PAGER_PAGES);
    for (uint32_t i = 0; i < p->nframes; i++)
        p->free[i] = p->nframes - 1 - i;
    p->nfree = p->nframes;
    for (int i = 0; i < NAIVE_PAGER_STREAMS; i++)
        p->stream[i].next = p->lately[i] = -1;
    open_policy(p);
}

void naive_pager_close(struct naive_pager *p)
{
    free(p->policy);
}
