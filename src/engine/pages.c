/* pages.c - see pages.h. */
#include "engine/pages.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/bits.h"
#include "engine/parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- references to runs ---- */

bool vm_page_stream_open(struct vm_page_stream *s, unsigned page_shift, struct vm_error *e)
{
    *s = (struct vm_page_stream){.page_shift = page_shift, .pending_key = VM_NOPAGE};
    return vm_intern_open(&s->ids, e);
}

void vm_page_stream_close(struct vm_page_stream *s)
{
    vm_intern_close(&s->ids);
}

static bool flush(struct vm_page_stream *s, struct vm_error *e)
{
    size_t n = s->nruns;
    s->nruns = 0;
    return n == 0 || s->emit(s->host, s->run, n, e);
}

static bool emit_pending(struct vm_page_stream *s, struct vm_error *e)
{
    if (s->pending.count)
        s->run[s->nruns++] = s->pending;
    s->pending.count = 0;
    s->pending_key = VM_NOPAGE;
    return s->nruns < sizeof s->run / sizeof s->run[0] || flush(s, e);
}

static bool new_run(struct vm_page_stream *s, uint64_t key, bool write, struct vm_error *e)
{
    if (!emit_pending(s, e))
        return false;
    uint32_t id = vm_intern_id(&s->ids, key);
    if (id >= VM_PAGES_MAX)
        return vm_fail(e, VM_ESYSTEM, "no memory for %u distinct pages", s->ids.n);
    s->pending = (struct vm_page_run){.ref = id * 2 + write, .count = 1};
    s->pending_key = key;
    return true;
}

static inline bool touch(struct vm_page_stream *s, uint64_t key, bool write, struct vm_error *e)
{
    if (key != s->pending_key || s->pending.count == UINT32_MAX)
        return new_run(s, key, write, e);
    s->pending.ref |= write;
    s->pending.count++;
    return true;
}

static bool touch_pages(struct vm_page_stream *s, vm_va va, unsigned bytes, bool write,
                        struct vm_error *e)
{
    vm_va mask = ~UINT64_C(0) << s->page_shift, last = (va + bytes - 1) & mask;
    for (va &= mask; va != last; va += ~mask + 1) {
        s->crossings++;
        if (!touch(s, va | s->asid, write, e))
            return false;
    }
    return touch(s, last | s->asid, write, e);
}

/* The next reference is of s->asid. */
static bool tell_switch(struct vm_page_stream *s, struct vm_error *e)
{
    if (s->switched) {
        if (!emit_pending(s, e) || !flush(s, e))
            return false;
        s->switched(s->host, s->asid);
    }
    s->told = s->asid;
    return true;
}

bool vm_page_stream_batch(struct vm_page_stream *s, const struct vm_batch *b, struct vm_error *e)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i <= b->nrefs; i++) {
        for (; k < b->nevents && b->event[k].at == i; k++)
            if (b->event[k].kind == VM_EVENT_SWITCH && b->event[k].asid != s->asid) {
                s->asid = b->event[k].asid;
                s->switches++;
            }
        if (i == b->nrefs)
            break;
        if (s->told != s->asid && !tell_switch(s, e))
            return false;
        enum vm_access access = vm_ref_access(b->meta[i]);
        s->kinds[access]++;
        if (!touch_pages(s, b->va[i], vm_ref_bytes(b->meta[i]), access == VM_WRITE, e))
            return false;
    }
    return true;
}

bool vm_page_stream_end(struct vm_page_stream *s, struct vm_error *e)
{
    return emit_pending(s, e) && flush(s, e);
}

/* ---- runs through a policy ---- */

struct vm_pages {
    const struct vm_policy_ops *policy;
    struct vm_policy_ops local; /* *policy where memory has shares */
    struct vm_allotment allotment;
    const struct vm_device_ops *device;
    void *policy_state, *device_state;
    struct vm_params policy_params, device_params;
    struct vm_replay replay;
    struct vm_policy_clock clock;
    struct vm_policy_host host;
    uint64_t spent[VM_ASID_MAX + 1];    /* the clock's */
    uint64_t pages_of[VM_ASID_MAX + 1]; /* distinct pages that each one touched */
    vm_asid *owner;                     /* [pages] */
    uint64_t cleanings;
    uint64_t pages; /* distinct ones so far: what is above is touched for the first time */
    unsigned page_shift;
    struct vm_arena arena;
};

bool vm_pages_check(const struct vm_config *c, struct vm_error *e)
{
    if (!vm_is_pow2(c->page_bytes) || c->page_bytes < 4096)
        return vm_fail(e, VM_EMACHINE,
                       "a page size of %llu bytes: expected a power of two, 4096 or more",
                       (unsigned long long)c->page_bytes);
    uint64_t nframes = c->memory_bytes / c->page_bytes;
    if (nframes == 0 || nframes >= VM_NOFRAME / 4)
        return vm_fail(e, VM_EMACHINE, "a memory of %llu frames: expected 1 to %u",
                       (unsigned long long)nframes, VM_NOFRAME / 4 - 1);
    return true;
}

/* ---- what the policy may ask ---- */

/* Pages are known by their order of first touch alone. */
static uint64_t place_of(void *pages, uint64_t page)
{
    (void)pages;
    return page;
}

static void frames_of(void *pages, uint64_t first, size_t n, vm_pfn *frame)
{
    const struct vm_pages *p = pages;
    _Static_assert(VM_NOFRAME == UINT32_MAX, "a page without a frame has frame + 1 == 0");
    VM_EXPECT(first + n <= VM_PAGES_MAX);
    for (size_t i = 0; i < n; i++)
        frame[i] = p->replay.frame_of[first + i] - 1;
}

static vm_asid owner_of(void *pages, uint64_t page)
{
    const struct vm_pages *p = pages;
    return p->owner[page];
}

static uint64_t pages_of(void *pages, vm_asid owner)
{
    const struct vm_pages *p = pages;
    return p->pages_of[owner];
}

static bool clean(void *pages, vm_pfn frame)
{
    struct vm_pages *p = pages;
    VM_ASSERT(p->replay.bits[frame] & VM_FRAME_DIRTY);
    p->replay.bits[frame] &= (uint8_t)~VM_FRAME_DIRTY;
    p->cleanings++;
    return true;
}

static bool build(struct vm_pages *p, const struct vm_config *c, struct vm_future *future,
                  struct vm_error *e)
{
    if (!vm_pages_check(c, e))
        return false;
    uint64_t nframes = c->memory_bytes / c->page_bytes;
    p->host = (struct vm_policy_host){p, place_of, frames_of, owner_of, pages_of, clean};
    p->clock.spent = p->spent;
    struct vm_policy_env env = {.nframes = (uint32_t)nframes,
                                .capacity = (uint32_t)nframes,
                                .npages = VM_PAGES_MAX,
                                .clock = &p->clock,
                                .host = &p->host,
                                .allotment = p->allotment.inner ? &p->allotment : NULL,
                                .seed = c->seed,
                                .params = &p->policy_params,
                                .future = future};
    if (!vm_arena_open(&p->arena,
                       vm_arena_room(p->policy->size(&env)) + vm_arena_room(p->device->size()) +
                           vm_arena_room(nframes) + vm_arena_room(sizeof(uint32_t) * nframes) +
                           vm_arena_room(sizeof(uint32_t) * VM_PAGES_MAX) +
                           vm_arena_room(sizeof(vm_asid) * VM_PAGES_MAX),
                       e))
        return false;
    p->replay = (struct vm_replay){
        .nframes = (uint32_t)nframes,
        .bits = vm_arena_take(&p->arena, nframes),
        .page_of = vm_arena_take(&p->arena, sizeof(uint32_t) * nframes),
        .frame_of = vm_arena_take(&p->arena, sizeof(uint32_t) * VM_PAGES_MAX),
    };
    p->owner = vm_arena_take(&p->arena, sizeof(vm_asid) * VM_PAGES_MAX);
    env.bits = p->replay.bits;
    p->policy_state = vm_arena_take(&p->arena, p->policy->size(&env));
    p->device_state = vm_arena_take(&p->arena, p->device->size());
    uint64_t tick = p->policy->tick_first(&env);
    p->replay.tick_next = tick ? tick : UINT64_MAX;
    p->replay.clock = &p->clock;
    p->page_shift = vm_log2(c->page_bytes);
    p->policy->init(p->policy_state, &env);
    p->device->init(p->device_state, &p->device_params);
    return true;
}

/* What this model uses of the parts; the scheme must be one, too. */
static bool find_parts(struct vm_pages *p, const struct vm_config *c, struct vm_error *e)
{
    struct vm_parts parts;
    if (!vm_parts_find(&parts, c, e))
        return false;
    vm_parts_allot(&parts, c, &p->local, &p->allotment);
    p->policy = parts.policy;
    p->device = parts.device[VM_SWAP_FAST];
    p->policy_params = parts.policy_params;
    p->device_params = parts.device_params[VM_SWAP_FAST];
    return true;
}

struct vm_pages *vm_pages_open(const struct vm_config *c, struct vm_future *future,
                               struct vm_error *e)
{
    struct vm_pages *p = calloc(1, sizeof *p);
    if (!p) {
        vm_fail(e, VM_ESYSTEM, "no memory for a replay");
        return NULL;
    }
    if (find_parts(p, c, e) && build(p, c, future, e))
        return p;
    vm_pages_close(p);
    return NULL;
}

static void note_page(struct vm_pages *p, uint32_t page)
{
    if (page < p->pages)
        return;
    p->pages = page + 1;
    p->owner[page] = p->clock.running;
    p->pages_of[p->clock.running]++;
}

bool vm_pages_run(void *pages, const struct vm_page_run *run, size_t n, struct vm_error *e)
{
    struct vm_pages *p = pages;
    (void)e;
    /* Shares go by how many pages of whom have been touched, which no page to come must change. */
    size_t step = p->allotment.inner ? 1 : n;
    for (size_t i = 0; i < n; i += step) {
        for (size_t k = i; k < i + step; k++)
            note_page(p, run[k].ref / 2);
        p->policy->replay_runs(p->policy_state, &p->replay, run + i, step);
    }
    return true;
}

void vm_pages_switched(void *pages, vm_asid asid)
{
    struct vm_pages *p = pages;
    p->clock.touches = p->replay.touches;
    p->spent[p->clock.running] += p->clock.touches - p->clock.since;
    p->clock.running = asid;
    p->clock.since = p->clock.touches;
    uint64_t after = p->policy->switched(p->policy_state);
    if (after)
        p->replay.tick_next = p->clock.touches + after;
}

/* Pages that had been in memory before and came back. What they came from is not known here. */
static uint64_t returned(const struct vm_pages *p)
{
    return p->replay.misses - p->pages;
}

/* The price of n transfers, none of which follows another on the device. */
static uint64_t transfers_ns(struct vm_pages *p, enum vm_transfer kind, uint64_t n)
{
    uint64_t bytes = UINT64_C(1) << p->page_shift;
    p->device->init(p->device_state, &p->device_params);
    struct vm_service s = p->device->service(p->device_state, kind, 2 * bytes, bytes, 0);
    return n * (s.latency_ns + s.bus_ns);
}

void vm_pages_counts(struct vm_pages *p, struct vm_counts *out)
{
    const struct vm_replay *r = &p->replay;
    out->touches = r->touches;
    out->faults = r->misses + r->soft_faults;
    out->soft_faults = r->soft_faults;
    out->demand_zero = p->pages;
    out->swap_ins = returned(p);
    out->page_copies = p->pages;
    out->evictions = r->evictions;
    out->writebacks = r->writebacks;
    out->clean_drops = r->evictions - r->writebacks;
    out->releases = r->releases;
    out->cleanings = p->cleanings;
    out->parks = r->parks;
    out->space_time = r->space_time + (r->touches - r->space_time_from) * vm_pages_resident(p);
    out->frames_peak = r->nused;
}

void vm_pages_waits(struct vm_pages *p, uint64_t waits_ns[VM_WAITS])
{
    waits_ns[VM_WAIT_READ] = transfers_ns(p, VM_TRANSFER_READ, returned(p));
    waits_ns[VM_WAIT_WRITE] =
        transfers_ns(p, VM_TRANSFER_WRITE, p->replay.writebacks + p->cleanings);
    waits_ns[VM_WAIT_FRAME] = 0;
}

uint64_t vm_pages_resident(const struct vm_pages *p)
{
    return p->replay.nused - p->replay.nfree;
}

const struct vm_replay *vm_pages_replay(const struct vm_pages *p)
{
    return &p->replay;
}

void vm_pages_close(struct vm_pages *p)
{
    if (!p)
        return;
    vm_arena_close(&p->arena);
    free(p);
}
