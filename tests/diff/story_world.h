/* story_world.h - small random traces with a machine each, whose stories are told. */
#ifndef DIFF_STORY_WORLD_H
#define DIFF_STORY_WORLD_H

#include "base/random.h"
#include "oracle/machine_trace.h"
#include "rounds.h"
#include "unit/folder.h"

#include "unit/test.h"

#include <pagoda/policy.h>
#include <pagoda/story.h>

enum { ALL_EVENTS = TRACE_PROTECTS | TRACE_MAPS | TRACE_FORKS };

static const char *const plans[] = {"none", "l1=4/2:fifo", "l1i=4 l1d=4/2 l2=16/4@3",
                                    "l1=4:plru l2i=8/2 l2d=8/2:plru l3=32/4:lru"};
enum { NPLANS = sizeof plans / sizeof plans[0] };

static const char *const segments[] = {"base-bounds:bits=22", "segmentation:bits=22",
                                       "segment-table"};
static const char *const huge[] = {"fault", "reserve", "collapse"};
static const char *const readaheads[] = {"none", "cluster", "vma:window=4", "stride", "leap"};
enum { NREADAHEADS = sizeof readaheads / sizeof readaheads[0] };
static const char *const marks[] = {"at-once", "trap", "on-leaving"};

/* A world: a trace in a file and a machine for it. */
struct world {
    struct folder folder;
    struct machine_trace trace;
    struct vm_config config;
    struct vm_source source;
    char path[256];
};

static inline bool reads_the_future(const char *policy)
{
    struct vm_error e;
    const struct vm_policy_ops *ops = vm_policy_find(policy, &e);
    return ops && ops->future == VM_FUTURE_NEEDED;
}

static inline void world_open(struct world *w, const char *policy, unsigned nframes, unsigned i)
{
    w->folder = folder_new();
    folder_path(&w->folder, "trace.pgt", w->path);
    w->config = machine_config(policy, nframes);
    w->source = (struct vm_source){.spec = w->path};
    machine_set(&w->config, "tlb", plans[i % NPLANS]);
    machine_set(&w->config, "tlb-tags", i % 3 ? "asid" : "flush");
    machine_set(&w->config, "swap", i % 2 ? "hdd" : "nvme");
    machine_set(&w->config, "walk-caches", i / 2 % 2 ? "p1=4/2@2 p2=2" : "none");
    machine_set(&w->config, "prefetch", i / 4 % 2 ? "next" : "none");
    machine_set(&w->config, "marks", marks[i / 3 % 3]);
    machine_set(&w->config, "walkers", i / 5 % 2 ? "2" : "1");
    machine_set(&w->config, "swap-cluster", i / 2 % 3 ? "1" : "3");
    machine_set(&w->config, "watermark-low", i / 3 % 3 ? "0" : "10%");
    machine_set(&w->config, "watermark-high", i / 3 % 3 ? "0" : "30%");
    if (i % 4 == 2) { /* pages of the tables may leave, too */
        machine_set(&w->config, "scheme", "paged-linear:bits=22");
        machine_set(&w->config, "tables", "inside");
        machine_set(&w->config, "walk-caches", "none");
        w->config.memory_bytes += 16 * UINT64_C(4096);
    }
    if (i % 8 == 5) {
        machine_set(&w->config, "scheme", "two-level:dir=10,table=2");
        machine_set(&w->config, "layout", "as-is");
        machine_set(&w->config, "huge", huge[i / 8 % 3]);
        machine_set(&w->config, "huge-size", "16KiB");
        machine_set(&w->config, "huge-scan-touches", "40");
        machine_set(&w->config, "huge-scan-pages", "16");
        machine_set(&w->config, "huge-empty", "0.5");
        machine_set(&w->config, "walk-caches", "none");
        w->config.memory_bytes += 40 * UINT64_C(4096);
    }
    if (i % 8 == 2) {
        machine_set(&w->config, "refill", "software");
        machine_set(&w->config, "marks", i % 3 ? "at-once" : "trap");
    }
    if (i % 4 == 3) { /* memory for a segment that is a whole space, and little more */
        if (reads_the_future(policy))
            machine_set(&w->config, "policy", "lru");
        machine_set(&w->config, "scheme", segments[i / 4 % 3]);
        machine_set(&w->config, "walk-caches", "none");
        machine_set(&w->config, "marks", "at-once");
        w->config.memory_bytes += 1024 * UINT64_C(4096);
    } else if (!reads_the_future(policy))
        machine_set(&w->config, "readahead", readaheads[(i + i / 4) % NREADAHEADS]);
    if (i % 4 == 0) /* what walkers hide of lines only a whole run knows */
        machine_set(&w->config, "walkers", "1");
    machine_set(&w->config, "cache", i % 4 ? "none" : "l1i=1KiB/2@2 l1d=2KiB/4:vipt@3 l2=8KiB/2@9");
}

static inline void world_play(struct world *w, unsigned events, uint64_t seed)
{
    machine_trace_fill(&w->trace, events, seed);
    machine_trace_write(&w->trace, w->path);
}

static inline struct vm_cursor *cursor(const struct world *w)
{
    struct vm_error e;
    struct vm_cursor *c = vm_cursor_open(&w->config, &w->source, NULL, &e);
    if (!c)
        fail_msg("%s", e.text);
    return c;
}

static inline void go(struct vm_cursor *c, uint64_t ref)
{
    struct vm_error e;
    if (!vm_cursor_go(c, ref, &e))
        fail_msg("%s", e.text);
    assert_int_equal(vm_cursor_at(c), ref);
}

static const char *policy_of(unsigned i)
{
    size_t n = 0;
    while (vm_policy_at(n))
        n++;
    return vm_policy_at(i % n)->name;
}

#endif
