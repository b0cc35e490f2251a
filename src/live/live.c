/* live.c - a pager opens and closes, and tells what it did. */
#include "live/live.h"
#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS "first-fit"
/* Of all regions, and of a store that keeps pages as they are: a part of the 2^47 bytes of address
 * space that a process has. */
#define MAPPED_BYTES_MAX (UINT64_C(1) << 44)

/* ---- options ---- */

static bool is_power_of_two(uint64_t n)
{
    return n && !(n & (n - 1));
}

static bool choose_page(struct vm_live *l, struct vm_error *e)
{
    uint32_t bytes = l->options.page_bytes ? l->options.page_bytes : 4096;
    if (!is_power_of_two(bytes) || bytes < 4096 || bytes > 2 << 20)
        return vm_fail(e, VM_EUSAGE,
                       "pages of %u bytes: expected a power of two from 4096 to 2 MiB", bytes);
    l->page_bytes = bytes;
    l->page_shift = (uint32_t)__builtin_ctz(bytes);
    l->pages_max = PAGES_MAX;
    if (l->pages_max > MAPPED_BYTES_MAX >> l->page_shift)
        l->pages_max = (uint32_t)(MAPPED_BYTES_MAX >> l->page_shift);
    return true;
}

static bool choose_limit(struct vm_live *l, struct vm_error *e)
{
    uint64_t pages = l->options.limit_bytes >> l->page_shift;
    char least[32];
    if (pages < VM_PAGER_LIMIT_MIN) {
        vm_text_bytes((uint64_t)VM_PAGER_LIMIT_MIN << l->page_shift, least, sizeof least);
        vm_fail(e, VM_EUSAGE, "a limit of %llu bytes is %llu pages: expected %u at least",
                (unsigned long long)l->options.limit_bytes, (unsigned long long)pages,
                VM_PAGER_LIMIT_MIN);
        return vm_hint(e, "%s: an instruction needs several pages at once, and so does a batch",
                       least);
    }
    if (pages > l->pages_max / 2)
        return vm_fail(e, VM_EUSAGE, "a limit of %llu pages: expected %u at most",
                       (unsigned long long)pages, l->pages_max / 2);
    l->limit_pages = (uint32_t)pages;
    return true;
}

static bool check_batch(const struct vm_live *l, struct vm_error *e)
{
    return l->options.batch_pages <= VM_PAGER_BATCH_MAX ||
           vm_fail(e, VM_EUSAGE, "batches of %u pages: expected %u at most", l->options.batch_pages,
                   VM_PAGER_BATCH_MAX);
}

static uint32_t ahead_pages(const struct vm_live *l)
{
    uint64_t wished = l->options.ahead_bytes;
    if (wished == VM_LIVE_AHEAD_NONE || l->options.log_depth == VM_LIVE_LOG_ACCESSES)
        return 0;
    uint64_t pages = (wished ? wished : VM_PAGER_AHEAD_BYTES) >> l->page_shift;
    return pages < VM_PAGER_AHEAD_MAX ? (uint32_t)pages : VM_PAGER_AHEAD_MAX;
}

static bool choose_watermarks(struct vm_live *l, struct vm_error *e)
{
    uint32_t low = l->options.free_low, high = l->options.free_high;
    if (low > high || high > 500)
        return vm_fail(e, VM_EUSAGE,
                       "watermarks of %u and %u per mille: expected low <= high <= 500", low, high);
    l->free_low = (uint32_t)((uint64_t)l->limit_pages * low / 1000);
    l->free_high = (uint32_t)((uint64_t)l->limit_pages * high / 1000);
    return true;
}

/* ---- parts ---- */

/* May the page move now? The pager asks under its lock. */
static bool claim(void *host, uint32_t page)
{
    struct vm_live *l = host;
    enum page_state s = state_of(l, page);
    return !is_moving(s) && !atomic_load(&l->pins[page]) && state_change(l, page, s, EVICTING);
}

static bool take(void *host, uint32_t page)
{
    struct vm_live *l = host;
    enum page_state s = state_of(l, page);
    if (l->options.may_come &&
        !l->options.may_come(address_in(l, vm_region_of_page(l, page), page)))
        return false;
    return (s == EMPTY || s == OUT) && state_change(l, page, s, FILLING);
}

static bool open_pager(struct vm_live *l, struct vm_error *e)
{
    char name[64];
    const char *spec = l->options.policy ? l->options.policy : VM_LIVE_POLICY;
    const char *params = vm_spec_split(spec, name, sizeof name);
    const struct vm_policy_ops *policy = vm_policy_find(name, e);
    if (!policy || !vm_params_parse(&l->policy_params, policy->name, policy->param, policy->nparams,
                                    params, e))
        return false;
    const struct vm_pager_config c = {.policy = policy,
                                      .policy_params = &l->policy_params,
                                      .frames = l->limit_pages,
                                      .pages_max = l->pages_max,
                                      .batch = l->options.batch_pages,
                                      .ahead = ahead_pages(l),
                                      .seed = l->options.seed};
    const struct vm_pager_host host = {.host = l, .claim = claim, .take = take};
    l->pager = vm_pager_open(&c, &host, e);
    return l->pager;
}

static bool open_store(struct vm_live *l, struct vm_error *e)
{
    char name[64];
    const char *params =
        vm_spec_split(l->options.store ? l->options.store : "lz4", name, sizeof name);
    struct vm_store_env env = {
        .page_bytes = l->page_bytes, .pages_max = l->pages_max, .params = &l->store_params};
    l->store_ops = vm_store_find(name, e);
    if (!l->store_ops || !vm_params_parse(&l->store_params, name, l->store_ops->param,
                                          l->store_ops->nparams, params, e))
        return false;
    l->store = l->store_ops->open(&env, e);
    if (!l->store)
        return false;
    l->park_ops = vm_store_find("memory", e);
    env.pages_max = vm_pager_resident_max(l->pager);
    l->parking = l->park_ops->open(&env, e);
    return l->parking;
}

static size_t worker_bytes(const struct vm_live *l)
{
    return (size_t)l->pages_at_once << l->page_shift;
}

static bool take_memory(struct vm_live *l, struct vm_error *e)
{
    struct vm_arena *a = &l->arena;
    l->pages_at_once = 1 + ahead_pages(l);
    const size_t pages = l->pages_max;
    const struct vm_alloc_env env = {.units = l->pages_max};
    l->numbers_ops = vm_alloc_find(NUMBERS, e);
    size_t numbers = l->numbers_ops->size(&env);
    size_t bytes =
        vm_arena_room(pages * sizeof *l->state) + vm_arena_room(pages * sizeof *l->handle) +
        vm_arena_room(pages * sizeof *l->sum) + vm_arena_room(pages * sizeof *l->parked) +
        vm_arena_room(pages * sizeof *l->pins) + vm_arena_room(REGIONS_MAX * sizeof *l->region) +
        vm_arena_room(WORKERS * sizeof *l->worker) + WORKERS * vm_arena_room(worker_bytes(l)) +
        vm_arena_room(numbers);
    if (!vm_arena_open(a, bytes, e))
        return false;
    l->worker = vm_arena_take(a, WORKERS * sizeof *l->worker);
    for (int i = 0; i < WORKERS; i++)
        l->worker[i].buffer = vm_arena_take(a, worker_bytes(l));
    l->state = vm_arena_take(a, pages * sizeof *l->state);
    l->handle = vm_arena_take(a, pages * sizeof *l->handle);
    l->sum = vm_arena_take(a, pages * sizeof *l->sum);
    l->parked = vm_arena_take(a, pages * sizeof *l->parked);
    l->pins = vm_arena_take(a, pages * sizeof *l->pins);
    l->region = vm_arena_take(a, REGIONS_MAX * sizeof *l->region);
    l->numbers = vm_arena_take(a, numbers);
    l->numbers_ops->init(l->numbers, &env);
    return true;
}

/* How the pager runs, as a replay of the log wants to know it (as_live.h). */
static bool open_log(struct vm_live *l, struct vm_error *e)
{
    char origin[512];
    const struct vm_live_options *o = &l->options;
    bool accesses = o->log_depth == VM_LIVE_LOG_ACCESSES;
    if (!o->log)
        return true;
    snprintf(origin, sizeof origin,
             "pagoda live: page=%u limit=%u ahead=%u batch=%u seed=%llu policy=%s depth=%s",
             l->page_bytes, l->limit_pages, ahead_pages(l), o->batch_pages,
             (unsigned long long)o->seed, o->policy ? o->policy : VM_LIVE_POLICY,
             accesses ? "accesses" : "faults");
    if (accesses && !vm_accesses_open(l, e))
        return false;
    l->log = vm_log_open(o->log, origin, l->page_bytes, e);
    return l->log;
}

static void close_log(struct vm_live *l)
{
    struct vm_error e;
    char line[320];
    if (vm_log_close(l->log, &e))
        return;
    int n = snprintf(line, sizeof line, "pagoda: %.240s\n", e.text);
    vm_raw_call(SYS_write, 2, (long)line, n, 0, 0, 0);
}

static bool open_parts(struct vm_live *l, struct vm_error *e)
{
    if (!choose_page(l, e) || !choose_limit(l, e) || !check_batch(l, e) ||
        !choose_watermarks(l, e) || !take_memory(l, e) || !open_pager(l, e) || !open_log(l, e) ||
        !open_store(l, e) || !vm_uffd_open(&l->uffd, l->options.resolve, e))
        return false;
    if (pipe2(l->stop, O_CLOEXEC) != 0)
        return vm_fail(e, VM_ESYSTEM, "no pipe for a pager: %s", strerror(errno));
    if (l->options.resolve == VM_LIVE_BY_HANDLER ? !vm_handler_start(l, e)
                                                 : !vm_signals_enter(l, e))
        return false;
    if (l->options.budget && l->options.fork != VM_LIVE_FORK_NONE)
        return vm_fail(e, VM_EUSAGE, "a budget is of one process: expected no copy at fork");
    if (l->options.budget && !vm_budget_enter(l, e)) {
        l->options.budget = NULL; /* it is no member */
        return false;
    }
    return (!l->free_high || vm_background_start(l, e)) &&
           (l->options.serve == VM_LIVE_SERVE_NOBODY || vm_serve_start(l, e));
}

struct vm_live *vm_live_open(const struct vm_live_options *o, struct vm_error *e)
{
    struct vm_live *l = calloc(1, sizeof *l);
    if (!l) {
        vm_fail(e, VM_ESYSTEM, "no memory for a pager");
        return NULL;
    }
    l->options = *o;
    l->stop[0] = l->stop[1] = l->uffd.fd = l->uffd.self = l->server.listener = -1;
    if (open_parts(l, e))
        return l;
    vm_live_close(l);
    return NULL;
}

/* ---- closing ---- */

static void end_threads(struct vm_live *l)
{
    atomic_store(&l->is_closing, true);
    if (l->stop[1] >= 0)
        close(l->stop[1]);
    if (l->has_background) {
        vm_background_wake(l);
        pthread_join(l->background, NULL);
    }
    if (l->has_handler)
        pthread_join(l->handler, NULL);
    vm_serve_end(l);
    if (l->stop[0] >= 0)
        close(l->stop[0]);
}

void vm_live_close(struct vm_live *l)
{
    if (!l)
        return;
    if (l->options.budget)
        vm_budget_leave(l);
    end_threads(l);
    vm_regions_end(l);
    vm_signals_leave(l);
    close_log(l);
    vm_uffd_close(&l->uffd);
    if (l->store)
        l->store_ops->close(l->store);
    if (l->parking)
        l->park_ops->close(l->parking);
    vm_pager_close(l->pager);
    vm_arena_close(&l->arena);
    free(l);
}

bool vm_live_limit(struct vm_live *l, uint64_t bytes, struct vm_error *e)
{
    uint64_t pages = bytes >> l->page_shift, kept;
    if (pages < VM_PAGER_LIMIT_MIN || pages > l->limit_pages)
        return vm_fail(e, VM_EUSAGE, "a limit of %llu pages: expected %u to %u, as it was opened",
                       (unsigned long long)pages, VM_PAGER_LIMIT_MIN, l->limit_pages);
    vm_lock_calmly(&l->lock, &kept);
    vm_pager_limit(l->pager, (uint32_t)pages);
    vm_lock_give_calmly(&l->lock, &kept);
    return true;
}

/* ---- times ---- */

#define SUB_BITS 4 /* buckets in each power of two: 16 */

/* Numbers below 32 have buckets of their own; above, the 5 highest bits say which. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < UINT64_C(2) << SUB_BITS)
        return (uint32_t)ns;
    uint32_t log2 = 63 - (uint32_t)__builtin_clzll(ns);
    uint32_t bucket =
        ((log2 - SUB_BITS + 1) << SUB_BITS) + ((uint32_t)(ns >> (log2 - SUB_BITS)) & 15);
    return bucket < VM_LIVE_BUCKETS ? bucket : VM_LIVE_BUCKETS - 1;
}

/* The largest number of the bucket. */
static uint64_t bucket_end(uint32_t bucket)
{
    if (bucket < 2 << SUB_BITS)
        return bucket;
    uint32_t shift = (bucket >> SUB_BITS) - 1;
    return ((UINT64_C(16) + (bucket & 15) + 1) << shift) - 1;
}

void vm_times_add(struct vm_live *l, uint64_t ns)
{
    uint64_t most = atomic_load_explicit(&l->time_max, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->bucket[bucket_of(ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->time_sum, ns, memory_order_relaxed);
    while (ns > most && !atomic_compare_exchange_weak(&l->time_max, &most, ns))
        ;
}

uint64_t vm_live_percentile(const struct vm_live_times *t, double part)
{
    double wanted = part * (double)t->n;
    uint64_t seen = 0;
    for (uint32_t b = 0; b < VM_LIVE_BUCKETS; b++) {
        seen += t->bucket[b];
        if (t->bucket[b] && (double)seen >= wanted)
            return bucket_end(b) < t->max_ns ? bucket_end(b) : t->max_ns;
    }
    return 0;
}

/* ---- what it did ---- */

void vm_live_stats(struct vm_live *l, struct vm_live_stats *out)
{
    uint64_t kept;
    struct vm_store_usage usage;
    *out = (struct vm_live_stats){.page_bytes = l->page_bytes};
    vm_lock_calmly(&l->lock, &kept);
    out->counts = *vm_pager_counts(l->pager);
    out->resident_pages = vm_pager_resident(l->pager);
    out->limit_pages = out->resident_pages + vm_pager_free(l->pager);
    for (uint32_t i = 0; i < l->nregions; i++)
        out->mapped_pages += l->region[i].n;
    vm_lock_give_calmly(&l->lock, &kept);
    vm_signals_block(&kept);
    l->store_ops->usage(l->store, &usage);
    vm_signals_restore(&kept);
    out->store_pages = usage.pages;
    out->store_bytes = usage.bytes;
    out->pinned_pages = atomic_load(&l->pinned);
    out->zero_pages_unstored = atomic_load(&l->zero_unstored);
    out->waits = atomic_load(&l->waits);
    out->failures = atomic_load(&l->failures);
    for (uint32_t b = 0; b < VM_LIVE_BUCKETS; b++)
        out->times.n += out->times.bucket[b] = atomic_load(&l->bucket[b]);
    out->times.sum_ns = atomic_load(&l->time_sum);
    out->times.max_ns = atomic_load(&l->time_max);
    snprintf(out->degraded, sizeof out->degraded, "%s", l->uffd.degraded);
}
