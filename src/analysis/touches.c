/* touches.c - a trace read into page touches and what happens between them.
 *
 * A log's addresses are the pager's page numbers times the page size, and are taken as they stand.
 * Other traces' pages get numbers after the reading, when all of them are known: the clusters that
 * have any, in the order of address spaces and addresses; clusters that adjoin are one region.
 *
 *     touched    #..#.#      ..      ##....     clusters of 64 pages
 *     numbers    0-63 64-127         128-191    two regions: [0, 128), [128, 192)
 */
#include "analysis/touches.h"

#include "base/bits.h"
#include "base/intern.h"
#include "engine/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER_SHIFT 6
#define VPN_BITS      52

_Static_assert(1 << CLUSTER_SHIFT == VM_AS_LIVE_CLUSTER, "a cluster is a power of two");

/* A range of pages of an address space that an event names, until there are numbers. */
struct named_event {
    uint64_t at, key, n;
    uint8_t kind;
};

struct reading {
    struct vm_touches *t;
    struct vm_intern ids; /* of keys; unused for a log */
    struct named_event *event;
    uint64_t nevents, room;
    vm_asid asid;
    uint64_t last; /* touch + 1; 0: none, or something happened since */
};

/* Neighbours have neighbouring keys, and address spaces lie far apart. */
static uint64_t key_of(const struct reading *r, vm_asid asid, vm_va va)
{
    return (uint64_t)asid << VPN_BITS | va >> r->t->page_shift;
}

/* ---- growing ---- */

static bool add_touch(struct vm_touches *t, uint32_t touch, struct vm_error *e)
{
    if (t->n == t->room) {
        uint64_t room = 2 * t->room + 65536;
        uint32_t *more = realloc(t->touch, room * sizeof *more);
        if (!more)
            return vm_fail(e, VM_ESYSTEM, "no memory for %llu touches", (unsigned long long)room);
        t->touch = more;
        t->room = room;
    }
    t->touch[t->n++] = touch;
    return true;
}

static bool add_event(struct reading *r, uint8_t kind, uint64_t key, uint64_t n, struct vm_error *e)
{
    if (r->nevents == r->room) {
        uint64_t room = 2 * r->room + 256;
        struct named_event *more = realloc(r->event, room * sizeof *more);
        if (!more)
            return vm_fail(e, VM_ESYSTEM, "no memory for %llu events", (unsigned long long)room);
        r->event = more;
        r->room = room;
    }
    r->event[r->nevents++] = (struct named_event){.at = r->t->n, .kind = kind, .key = key, .n = n};
    r->last = 0;
    return true;
}

/* ---- reading ---- */

static bool touch_page(struct reading *r, uint64_t key, bool written, struct vm_error *e)
{
    uint32_t page = r->t->info.is_log ? (uint32_t)key : vm_intern_id(&r->ids, key);
    if (page >= VM_PAGES_MAX || (r->t->info.is_log && key >= VM_PAGER_PAGES_MAX))
        return vm_fail(e, VM_EMACHINE, "a trace of more pages than a pager can have");
    uint64_t touch = (uint64_t)page << 1 | written;
    r->t->info.touches++;
    if (r->last && (r->last - 1 == touch || r->last - 1 == (touch | 1)))
        return true;
    r->last = touch + 1;
    return add_touch(r->t, (uint32_t)touch, e);
}

static bool read_reference(struct reading *r, vm_va va, uint16_t meta, struct vm_error *e)
{
    uint64_t first = key_of(r, r->asid, va), last = key_of(r, r->asid, va + vm_ref_bytes(meta) - 1);
    for (uint64_t key = first; key <= last; key++)
        if (!touch_page(r, key, vm_ref_access(meta) == VM_WRITE, e))
            return false;
    return true;
}

/* What an advice means to the pager; false: nothing. */
static bool meaning_of(uint8_t advice, bool is_log, uint8_t *kind)
{
    static const struct {
        uint8_t kind;
        bool known, logs_only;
    } row[VM_ADVICES] = {
        [VM_ADVICE_NORMAL] = {TOUCH_NORMAL, true, true},
        [VM_ADVICE_RANDOM] = {TOUCH_RANDOM, true, true},
        [VM_ADVICE_SEQUENTIAL] = {TOUCH_SEQUENTIAL, true, true},
        [VM_ADVICE_DONTNEED] = {TOUCH_FORGET, true, false},
        [VM_ADVICE_FREE] = {TOUCH_FORGET, true, false},
        [VM_ADVICE_LOCK] = {TOUCH_PIN, true, true},
        [VM_ADVICE_UNLOCK] = {TOUCH_UNPIN, true, true},
        [VM_ADVICE_PAGEOUT] = {TOUCH_LEAVE, true, true},
        [VM_ADVICE_SYNC] = {TOUCH_CLEAN, true, true},
        [VM_ADVICE_STORED] = {TOUCH_KEEP, true, true},
    };
    if (advice >= VM_ADVICES || !row[advice].known || (row[advice].logs_only && !is_log))
        return false;
    *kind = row[advice].kind;
    return true;
}

static bool read_event(struct reading *r, const struct vm_event *v, struct vm_error *e)
{
    uint64_t key = key_of(r, v->asid, v->va), page = UINT64_C(1) << r->t->page_shift;
    uint64_t n = (v->bytes + (v->va & (page - 1)) + page - 1) >> r->t->page_shift;
    bool is_file = vm_event_backing(v) == VM_BACKING_FILE || v->detail == VM_BACKING_SHARED;
    uint8_t kind;
    switch (v->kind) {
    case VM_EVENT_SWITCH:
        r->asid = v->asid;
        r->last = 0;
        return true;
    case VM_EVENT_MAP:
        return add_event(r, r->t->info.is_log ? TOUCH_REGION : TOUCH_FORGET, key, n, e) &&
               (!is_file || add_event(r, TOUCH_KEEP, key, n, e));
    case VM_EVENT_UNMAP:
        return add_event(r, r->t->info.is_log ? TOUCH_NO_REGION : TOUCH_FORGET, key, n, e);
    case VM_EVENT_PROTECT:
        return !r->t->info.is_log || add_event(r, v->prot ? TOUCH_OPEN : TOUCH_SHUT, key, n, e);
    case VM_EVENT_EXEC:
    case VM_EVENT_EXIT:
        return add_event(r, TOUCH_FORGET, key_of(r, v->asid, 0), UINT64_C(1) << VPN_BITS, e);
    case VM_EVENT_ADVISE:
        return !meaning_of(v->detail, r->t->info.is_log, &kind) || add_event(r, kind, key, n, e);
    default:
        return true;
    }
}

static bool read_batch(void *host, const struct vm_batch *b, struct vm_error *e)
{
    struct reading *r = host;
    uint32_t next = 0;
    for (uint32_t i = 0; i <= b->nrefs; i++) {
        for (; next < b->nevents && b->event[next].at <= i; next++)
            if (!read_event(r, &b->event[next], e))
                return false;
        if (i < b->nrefs && !read_reference(r, b->va[i], b->meta[i], e))
            return false;
    }
    return true;
}

/* ---- numbers ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The clusters that have pages, sorted, each once. */
static uint64_t *clusters_of(const struct vm_intern *ids, size_t *n)
{
    uint64_t *cluster = malloc((ids->n + 1) * sizeof *cluster);
    *n = 0;
    if (!cluster)
        return NULL;
    for (uint32_t i = 0; i < ids->n; i++)
        cluster[i] = ids->keys[i] >> CLUSTER_SHIFT;
    qsort(cluster, ids->n, sizeof *cluster, by_value);
    for (uint32_t i = 0; i < ids->n; i++)
        if (i == 0 || cluster[i] != cluster[*n - 1])
            cluster[(*n)++] = cluster[i];
    return cluster;
}

/* How many clusters begin below the key. */
static size_t clusters_below(const uint64_t *cluster, size_t n, uint64_t key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cluster[middle] << CLUSTER_SHIFT < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The number of the key's page, or of the next page that has one. */
static uint32_t number_of(const uint64_t *cluster, size_t n, uint64_t key)
{
    size_t at = clusters_below(cluster, n, key + 1); /* those that begin at the key or before */
    bool inside = at > 0 && cluster[at - 1] == key >> CLUSTER_SHIFT;
    uint64_t within = key & (VM_AS_LIVE_CLUSTER - 1);
    return (uint32_t)(inside ? (at - 1) << CLUSTER_SHIFT | within : at << CLUSTER_SHIFT);
}

static bool find_regions(struct vm_touches *t, const uint64_t *cluster, size_t n,
                         struct vm_error *e)
{
    t->region = calloc(n + 1, sizeof *t->region);
    if (!t->region)
        return vm_fail(e, VM_ESYSTEM, "no memory for %zu regions", n);
    for (size_t i = 0; i < n; i++) {
        bool goes_on = i > 0 && cluster[i] == cluster[i - 1] + 1;
        t->nregions += !goes_on;
        struct touch_region *region = &t->region[t->nregions - 1];
        if (!goes_on)
            region->first = (uint32_t)(i << CLUSTER_SHIFT);
        region->end = (uint32_t)((i + 1) << CLUSTER_SHIFT);
    }
    return true;
}

static bool number_pages(struct reading *r, const uint64_t *cluster, size_t n, struct vm_error *e)
{
    struct vm_touches *t = r->t;
    uint32_t *number = malloc((r->ids.n + 1) * sizeof *number);
    if (!number)
        return vm_fail(e, VM_ESYSTEM, "no memory for the numbers of %u pages", r->ids.n);
    for (uint32_t i = 0; i < r->ids.n; i++)
        number[i] = number_of(cluster, n, r->ids.keys[i]);
    for (uint64_t i = 0; i < t->n; i++)
        t->touch[i] = number[t->touch[i] >> 1] << 1 | (t->touch[i] & 1);
    free(number);
    t->pages_max = (uint32_t)(n << CLUSTER_SHIFT);
    return find_regions(t, cluster, n, e);
}

/* Events of pages that are never touched mean nothing. */
static bool number_events(struct reading *r, const uint64_t *cluster, size_t n, struct vm_error *e)
{
    struct vm_touches *t = r->t;
    t->event = calloc(r->nevents + 1, sizeof *t->event);
    if (!t->event)
        return vm_fail(e, VM_ESYSTEM, "no memory for %llu events", (unsigned long long)r->nevents);
    for (uint64_t i = 0; i < r->nevents; i++) {
        const struct named_event *v = &r->event[i];
        uint32_t first = cluster ? number_of(cluster, n, v->key) : (uint32_t)v->key;
        uint32_t end = cluster ? number_of(cluster, n, v->key + v->n) : (uint32_t)(v->key + v->n);
        if (end > first)
            t->event[t->nevents++] = (struct touch_event){
                .at = v->at, .kind = v->kind, .first = first, .n = end - first};
    }
    return true;
}

static bool number_all(struct reading *r, struct vm_error *e)
{
    size_t n;
    uint64_t *cluster = clusters_of(&r->ids, &n);
    if (!cluster)
        return vm_fail(e, VM_ESYSTEM, "no memory for the numbers of %u pages", r->ids.n);
    bool done =
        n <= VM_PAGER_PAGES_MAX >> CLUSTER_SHIFT ||
        vm_fail(e, VM_EMACHINE, "pages in %zu places: expected at most %u clusters of %d pages", n,
                VM_PAGER_PAGES_MAX >> CLUSTER_SHIFT, VM_AS_LIVE_CLUSTER);
    done = done && number_pages(r, cluster, n, e) && number_events(r, cluster, n, e);
    r->t->info.pages = r->ids.n;
    free(cluster);
    return done;
}

/* A log's pages have their numbers. */
static bool take_log(struct reading *r, struct vm_error *e)
{
    struct vm_touches *t = r->t;
    uint64_t end = 1;
    for (uint64_t i = 0; i < r->nevents; i++)
        end = r->event[i].key + r->event[i].n > end ? r->event[i].key + r->event[i].n : end;
    for (uint64_t i = 0; i < t->n; i++)
        end = (t->touch[i] >> 1) + 1 > end ? (t->touch[i] >> 1) + 1 : end;
    if (end > VM_PAGER_PAGES_MAX)
        return vm_fail(e, VM_EINPUT, "%s: a page number of %llu: expected a log of the live pager",
                       t->name, (unsigned long long)end - 1);
    t->pages_max = (uint32_t)end;
    bool *seen = calloc(end, sizeof *seen);
    if (!seen)
        return vm_fail(e, VM_ESYSTEM, "no memory to count %llu pages", (unsigned long long)end);
    for (uint64_t i = 0; i < t->n; i++) {
        t->info.pages += !seen[t->touch[i] >> 1];
        seen[t->touch[i] >> 1] = true;
    }
    free(seen);
    return number_events(r, NULL, 0, e);
}

/* ---- opening ---- */

static bool read_origin(struct vm_touches *t, const char *origin, struct vm_error *e)
{
    size_t prefix = strlen(VM_LIVE_ORIGIN);
    struct vm_pager_config *p = &t->info.pager;
    char depth[16];
    unsigned long long page, seed;
    if (!origin || strncmp(origin, VM_LIVE_ORIGIN, prefix) != 0)
        return true;
    if (sscanf(origin + prefix,
               "page=%llu limit=%u ahead=%u batch=%u seed=%llu policy=%255s depth=%15[a-z]", &page,
               &p->frames, &p->ahead, &p->batch, &seed, t->info.policy, depth) != 7 ||
        !vm_is_pow2(page) || page > UINT32_MAX)
        return vm_fail(e, VM_EINPUT, "%s: a log of the live pager that does not say how it ran",
                       t->name);
    p->seed = seed;
    t->info.page_bytes = page;
    t->info.is_log = true;
    t->info.is_exact = !strcmp(depth, "accesses");
    return true;
}

static bool choose_page(struct vm_touches *t, uint64_t asked, struct vm_error *e)
{
    uint64_t logged = t->info.page_bytes;
    if (logged && asked && asked != logged)
        return vm_fail(e, VM_EUSAGE, "%s is a log of pages of %llu bytes: expected no other --page",
                       t->name, (unsigned long long)logged);
    t->info.page_bytes = logged ? logged : asked ? asked : 4096;
    if (!vm_is_pow2(t->info.page_bytes) || t->info.page_bytes < 4096 ||
        t->info.page_bytes > 2u << 20)
        return vm_fail(e, VM_EUSAGE,
                       "pages of %llu bytes: expected a power of two from 4096 to 2 MiB",
                       (unsigned long long)t->info.page_bytes);
    t->page_shift = vm_log2(t->info.page_bytes);
    return true;
}

static bool read_trace(struct reading *r, struct replay *replay, uint64_t page_bytes,
                       struct vm_error *e)
{
    struct vm_trace_info info;
    struct vm_touches *t = r->t;
    vm_trace_info(replay->trace, &info);
    if (!read_origin(t, info.origin, e) || !choose_page(t, page_bytes, e) ||
        !vm_replay_read(replay, "reading touches", (struct replay_consumer){r, read_batch}, e) ||
        !(t->info.is_log ? take_log(r, e) : number_all(r, e)))
        return false;
    vm_trace_info(replay->trace, &t->info.trace);
    t->origin = info.origin ? strdup(info.origin) : NULL;
    t->info.trace.name = t->name;
    t->info.trace.origin = t->origin;
    t->info.trace.site = NULL;
    t->info.trace.nsites = 0;
    return true;
}

struct vm_touches *vm_touches_load(const struct vm_source *source, uint64_t page_bytes,
                                   const struct vm_progress *progress, struct vm_error *e)
{
    struct vm_config c;
    struct replay replay = {.config = &c, .source = source, .progress = progress};
    struct reading r = {.t = calloc(1, sizeof *r.t)};
    vm_config_init(&c);
    bool done = r.t && (r.t->name = strdup(source->spec)) && vm_intern_open(&r.ids, e);
    if (!r.t || !r.t->name)
        vm_fail(e, VM_ESYSTEM, "no memory for a trace");
    done = done && vm_replay_begin(&replay, e) && read_trace(&r, &replay, page_bytes, e);
    vm_replay_end(&replay);
    vm_intern_close(&r.ids);
    free(r.event);
    if (done)
        return r.t;
    vm_touches_free(r.t);
    return NULL;
}

void vm_touches_free(struct vm_touches *t)
{
    if (!t)
        return;
    free(t->touch);
    free(t->event);
    free(t->region);
    free(t->origin);
    free(t->name);
    free(t);
}

void vm_touches_info(const struct vm_touches *t, struct vm_touches_info *out)
{
    *out = t->info;
}
