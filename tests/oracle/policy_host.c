/* policy_host.c - see policy_host.h: opening, playing through the stamped loops, comparing. */
#include "oracle/policy_host.h"

#include "base/assert.h"
#include "base/random.h"
#include "policy/future.h"
#include "policy/local.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void future_ended(struct vm_future *f)
{
    (void)f;
    VM_ASSERT(!"a policy was told of more touches than the world has");
}

/* The touches of a policy of VM_TOUCH_ORDER: the world's pages without immediate repeats. */
static size_t touches_of(const struct policy_world *w, uint32_t *page)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (i == 0 || w->ref[i] >> 1 != w->ref[i - 1] >> 1)
            page[n++] = w->ref[i] >> 1;
    return n;
}

vm_asid policy_world_owner(const struct policy_world *w, uint32_t page)
{
    uint32_t each = w->nprocs ? (w->npages + w->nprocs - 1) / w->nprocs : w->npages;
    return (vm_asid)(page / each);
}

uint64_t policy_world_place(const struct policy_world *w, uint32_t page)
{
    return (uint64_t)policy_world_owner(w, page) << 40 | page;
}

static uint64_t place_of(void *host, uint64_t page)
{
    const struct policy_host *h = host;
    VM_ASSERT(page < h->npages);
    return policy_world_place(h->world, (uint32_t)page);
}

static void frames_of(void *host, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct policy_host *h = host;
    for (size_t i = 0; i < n; i++) {
        uint32_t page = (uint32_t)(first + i);
        bool there = page < h->npages && policy_world_place(h->world, page) == first + i;
        frame[i] = there && h->r.frame_of[page] ? h->r.frame_of[page] - 1 : VM_NOFRAME;
    }
}

static vm_asid owner_of(void *host, uint64_t page)
{
    const struct policy_host *h = host;
    VM_ASSERT(page < h->npages);
    return policy_world_owner(h->world, (uint32_t)page);
}

/* Distinct pages of its that have been touched, or are at this moment. */
static uint64_t pages_of(void *host, vm_asid owner)
{
    struct policy_host *h = host;
    for (; h->nseen <= h->clock.touches && h->nseen < h->world->n; h->nseen++) {
        uint32_t page = h->world->ref[h->nseen] >> 1;
        h->pages_of[policy_world_owner(h->world, page)] += !h->seen[page];
        h->seen[page] = true;
    }
    return h->pages_of[owner];
}

static bool clean(void *host, vm_pfn frame)
{
    struct policy_host *h = host;
    VM_ASSERT(frame < h->r.nframes && h->r.bits[frame] & VM_FRAME_DIRTY);
    h->r.bits[frame] &= (uint8_t)~VM_FRAME_DIRTY;
    h->cleanings++;
    return true;
}

void policy_host_switch(struct policy_host *h, vm_asid asid)
{
    if (asid == h->clock.running)
        return;
    h->clock.touches = h->r.touches;
    h->spent[h->clock.running] += h->clock.touches - h->clock.since;
    h->clock.running = asid;
    h->clock.since = h->clock.touches;
    uint64_t after = h->ops->switched(h->state);
    if (after)
        h->r.tick_next = h->r.touches + after;
}

static void *taken(struct policy_host *h, size_t bytes)
{
    return vm_arena_take(&h->arena, bytes);
}

void policy_host_open(struct policy_host *h, const struct policy_world *w)
{
    struct vm_error e = {0};
    char name[64];
    *h = (struct policy_host){.npages = w->npages, .last_page = VM_NOFRAME, .world = w};
    const char *text = vm_spec_split(w->policy, name, sizeof name);
    h->ops = vm_policy_find(name, &e);
    if (!h->ops || !vm_params_parse(&h->params, name, h->ops->param, h->ops->nparams, text, &e)) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    h->allotment = w->allotment;
    if (w->allotment.kind != VM_ALLOT_GLOBAL) {
        h->allotment.inner = h->ops;
        vm_policy_local(&h->local, h->ops);
        h->ops = &h->local;
    }
    h->env = (struct vm_policy_env){.nframes = w->nframes,
                                    .capacity = w->nframes,
                                    .npages = vm_mix64(w->seed) & 1 ? w->npages : 0,
                                    .seed = w->seed,
                                    .params = &h->params,
                                    .clock = &h->clock,
                                    .host = &h->asked,
                                    .allotment = h->allotment.inner ? &h->allotment : NULL};
    h->asked = (struct vm_policy_host){h, place_of, frames_of, owner_of, pages_of, clean};
    size_t state_bytes = h->ops->size(&h->env);
    size_t bytes = state_bytes + w->nframes * (size_t)8 + w->npages * (size_t)4 + w->n * 4 +
                   2 * (VM_ASID_MAX + 1) * sizeof *h->spent + w->npages + 1024;
    VM_ASSERT(vm_arena_open(&h->arena, bytes, &e));
    h->r.nframes = w->nframes;
    h->r.bits = taken(h, w->nframes);
    h->r.page_of = taken(h, w->nframes * sizeof(uint32_t));
    h->r.frame_of = taken(h, w->npages * sizeof(uint32_t));
    h->pages_of = taken(h, (VM_ASID_MAX + 1) * sizeof *h->pages_of);
    h->seen = taken(h, w->npages);
    h->clock.spent = h->spent = taken(h, (VM_ASID_MAX + 1) * sizeof *h->spent);
    uint64_t tick = h->ops->tick_first(&h->env);
    h->r.tick_next = tick ? tick : UINT64_MAX;
    h->r.clock = &h->clock;
    h->env.bits = h->r.bits;
    if (h->ops->future == VM_FUTURE_NEEDED) {
        uint32_t *word = taken(h, w->n * sizeof *word);
        size_t n = touches_of(w, word);
        VM_ASSERT(vm_future_of_array(word, n, w->npages, &e));
        h->future = (struct vm_future){.next = word, .n = n, .refill = future_ended};
        h->env.future = &h->future;
    }
    h->state = taken(h, state_bytes);
    h->ops->init(h->state, &h->env);
}

void policy_host_close(struct policy_host *h)
{
    vm_arena_close(&h->arena);
}

uint64_t policy_outcome_hash(uint64_t hash, uint32_t page, vm_pfn frame, bool dirty)
{
    return hash + vm_mix64(((uint64_t)page << 32 | frame) * 2 + dirty + 1);
}

struct policy_outcome policy_host_outcome(const struct policy_host *h)
{
    const struct vm_replay *r = &h->r;
    struct policy_outcome out = {
        .touches = r->touches,
        .misses = r->misses,
        .evictions = r->evictions,
        .writebacks = r->writebacks,
        .releases = r->releases,
        .soft_faults = r->soft_faults,
        .cleanings = h->cleanings,
        .space_time = r->space_time + (r->touches - r->space_time_from) * (r->nused - r->nfree),
    };
    for (uint32_t page = 0; page < h->npages; page++) {
        if (r->frame_of[page] == 0)
            continue;
        vm_pfn frame = r->frame_of[page] - 1;
        VM_ASSERT(r->page_of[frame] == page);
        bool dirty = r->bits[frame] & VM_FRAME_DIRTY;
        out.resident = policy_outcome_hash(out.resident, page, frame, dirty);
    }
    return out;
}

/* How many of the references [i, i + batch) are of the process of the first. */
static size_t of_one_process(const struct policy_world *w, size_t i, size_t batch)
{
    vm_asid owner = policy_world_owner(w, w->ref[i] >> 1);
    size_t n = 1;
    while (n < batch && i + n < w->n && policy_world_owner(w, w->ref[i + n] >> 1) == owner)
        n++;
    return n;
}

struct policy_outcome policy_play(const struct policy_world *w, size_t batch)
{
    struct policy_host h;
    policy_host_open(&h, w);
    for (size_t i = 0, n; i < w->n; i += n) {
        n = of_one_process(w, i, batch);
        policy_host_switch(&h, policy_world_owner(w, w->ref[i] >> 1));
        h.ops->replay(h.state, &h.r, w->ref + i, n);
    }
    h.ops->check(h.state);
    struct policy_outcome out = policy_host_outcome(&h);
    policy_host_close(&h);
    return out;
}

struct policy_outcome policy_play_runs(const struct policy_world *w, size_t batch)
{
    struct policy_host h;
    struct vm_page_run *run = calloc(batch, sizeof *run);
    VM_ASSERT(run);
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n;) {
        size_t n = 0, end = i + of_one_process(w, i, w->n);
        policy_host_switch(&h, policy_world_owner(w, w->ref[i] >> 1));
        for (; i < end; i++) {
            if (n && run[n - 1].ref >> 1 == w->ref[i] >> 1) {
                run[n - 1].ref |= w->ref[i] & 1;
                run[n - 1].count++;
            } else if (n < batch) {
                run[n++] = (struct vm_page_run){w->ref[i], 1};
            } else {
                break;
            }
        }
        h.ops->replay_runs(h.state, &h.r, run, n);
    }
    h.ops->check(h.state);
    struct policy_outcome out = policy_host_outcome(&h);
    policy_host_close(&h);
    free(run);
    return out;
}

static void outcome_show(const char *way, struct policy_outcome o)
{
    fprintf(stderr,
            "  %-9s %" PRIu64 " touches, %" PRIu64 " misses, %" PRIu64 " evictions, %" PRIu64
            " writebacks, %" PRIu64 " releases, %" PRIu64 " soft faults, %" PRIu64
            " cleanings, %" PRIu64 " space-time, resident %016" PRIx64 "\n",
            way, o.touches, o.misses, o.evictions, o.writebacks, o.releases, o.soft_faults,
            o.cleanings, o.space_time, o.resident);
}

bool policy_outcomes_equal(const struct policy_world *w, const char *way,
                           struct policy_outcome expected, struct policy_outcome found)
{
    bool equal = expected.touches == found.touches && expected.misses == found.misses &&
                 expected.evictions == found.evictions && expected.writebacks == found.writebacks &&
                 expected.releases == found.releases && expected.soft_faults == found.soft_faults &&
                 expected.cleanings == found.cleanings && expected.space_time == found.space_time &&
                 expected.resident == found.resident;
    if (!equal) {
        fprintf(stderr,
                "%s, %u frames, %u pages, %u processes, %zu references, seed %" PRIu64 ":\n",
                w->policy, w->nframes, w->npages, w->nprocs, w->n, w->seed);
        outcome_show("expected", expected);
        outcome_show(way, found);
    }
    return equal;
}
