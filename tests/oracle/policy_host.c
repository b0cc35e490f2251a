/* policy_host.c - see policy_host.h: opening, playing through the stamped loops, comparing. */
#include "oracle/policy_host.h"

#include "base/assert.h"
#include "base/random.h"
#include "policy/future.h"

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

static void *taken(struct policy_host *h, size_t bytes)
{
    return vm_arena_take(&h->arena, bytes);
}

void policy_host_open(struct policy_host *h, const struct policy_world *w)
{
    struct vm_error e = {0};
    char name[64];
    *h = (struct policy_host){.npages = w->npages, .last_page = VM_NOFRAME};
    const char *text = vm_spec_split(w->policy, name, sizeof name);
    h->ops = vm_policy_find(name, &e);
    if (!h->ops || !vm_params_parse(&h->params, name, h->ops->param, h->ops->nparams, text, &e)) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    h->env = (struct vm_policy_env){.nframes = w->nframes,
                                    .capacity = w->nframes,
                                    .seed = w->seed,
                                    .params = &h->params,
                                    .clock = &h->clock,
                                    .host = &vm_policy_host_plain};
    size_t state_bytes = h->ops->size(&h->env);
    size_t bytes = state_bytes + w->nframes * (size_t)8 + w->npages * (size_t)4 + w->n * 4 + 1024;
    VM_ASSERT(vm_arena_open(&h->arena, bytes, &e));
    h->r.nframes = w->nframes;
    h->r.bits = taken(h, w->nframes);
    h->r.page_of = taken(h, w->nframes * sizeof(uint32_t));
    h->r.frame_of = taken(h, w->npages * sizeof(uint32_t));
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
    struct policy_outcome out = {r->touches, r->misses, r->evictions, r->writebacks, 0};
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

struct policy_outcome policy_play(const struct policy_world *w, size_t batch)
{
    struct policy_host h;
    policy_host_open(&h, w);
    for (size_t i = 0; i < w->n; i += batch)
        h.ops->replay(h.state, &h.r, w->ref + i, w->n - i < batch ? w->n - i : batch);
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
        size_t n = 0;
        for (; i < w->n; i++) {
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
            " writebacks, resident %016" PRIx64 "\n",
            way, o.touches, o.misses, o.evictions, o.writebacks, o.resident);
}

bool policy_outcomes_equal(const struct policy_world *w, const char *way,
                           struct policy_outcome expected, struct policy_outcome found)
{
    bool equal = expected.touches == found.touches && expected.misses == found.misses &&
                 expected.evictions == found.evictions && expected.writebacks == found.writebacks &&
                 expected.resident == found.resident;
    if (!equal) {
        fprintf(stderr, "%s, %u frames, %u pages, %zu references, seed %" PRIu64 ":\n", w->policy,
                w->nframes, w->npages, w->n, w->seed);
        outcome_show("expected", expected);
        outcome_show(way, found);
    }
    return equal;
}
