/* as_live.c - see as_live.h: a pager driven by the touches of a trace.
 *
 * The host that the pager asks is simpler than the live one: what a plan says is done at once, and
 * only a pinned page may not move.
 */
#include "analysis/touches.h"

#include "base/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct driver {
    const struct vm_touches *t;
    struct vm_pager *pager;
    struct vm_pager_plan plan;
    struct touch_region *region; /* [nregions] by their pages */
    size_t nregions, room;
    size_t found;   /* the region that was found last */
    bool *shut;     /* [pages_max] NULL: all may come along */
    uint16_t *pins; /* [pages_max]; NULL: nothing is ever pinned */
};

/* ---- regions ---- */

/* The first region that ends behind the page; nregions: none. */
static size_t region_at(const struct driver *d, uint32_t page)
{
    size_t low = 0, high = d->nregions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->region[middle].end <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool insert_region(struct driver *d, size_t at, struct touch_region r, struct vm_error *e)
{
    if (d->nregions == d->room) {
        size_t room = 2 * d->room + 16;
        struct touch_region *more = realloc(d->region, room * sizeof *more);
        if (!more)
            return vm_fail(e, VM_ESYSTEM, "no memory for %zu regions", room);
        d->region = more;
        d->room = room;
    }
    memmove(&d->region[at + 1], &d->region[at], (d->nregions - at) * sizeof r);
    d->region[at] = r;
    d->nregions++;
    return true;
}

static void remove_region(struct driver *d, size_t at)
{
    d->nregions--;
    memmove(&d->region[at], &d->region[at + 1], (d->nregions - at) * sizeof *d->region);
}

/* [first, end) is of no region any more. */
static bool cut_regions(struct driver *d, uint32_t first, uint32_t end, struct vm_error *e)
{
    size_t at = region_at(d, first);
    d->found = 0;
    while (at < d->nregions && d->region[at].first < end) {
        struct touch_region r = d->region[at], rest = r;
        remove_region(d, at);
        rest.first = end;
        r.end = first;
        if (r.first < r.end && !insert_region(d, at++, r, e))
            return false;
        if (rest.first < rest.end && !insert_region(d, at++, rest, e))
            return false;
    }
    return true;
}

static bool add_region(struct driver *d, uint32_t first, uint32_t end, struct vm_error *e)
{
    return cut_regions(d, first, end, e) &&
           insert_region(d, region_at(d, first), (struct touch_region){first, end, 0}, e);
}

static void advise(struct driver *d, uint32_t first, enum vm_pager_advice advice)
{
    size_t at = region_at(d, first);
    if (at < d->nregions && d->region[at].first <= first)
        d->region[at].advice = advice;
}

/* ---- what happens between touches ---- */

static void write_back(struct driver *d, uint32_t page, bool leaves)
{
    if (!vm_pager_is_resident(d->pager, page) || (leaves && d->pins && d->pins[page]))
        return;
    if (vm_pager_is_dirty(d->pager, page))
        vm_pager_cleaned(d->pager, page);
    if (leaves)
        vm_pager_not_come(d->pager, page);
}

static bool pin(struct driver *d, uint32_t page, int change, struct vm_error *e)
{
    if (!d->pins)
        d->pins = calloc(d->t->pages_max, sizeof *d->pins);
    if (!d->pins)
        return vm_fail(e, VM_ESYSTEM, "no memory for pins");
    d->pins[page] = (uint16_t)(d->pins[page] + change);
    return true;
}

static bool happen_to_page(struct driver *d, unsigned kind, uint32_t page, struct vm_error *e)
{
    switch (kind) {
    case TOUCH_CLEAN:
    case TOUCH_LEAVE:
        write_back(d, page, kind == TOUCH_LEAVE);
        return true;
    case TOUCH_PIN:
        return pin(d, page, 1, e);
    case TOUCH_UNPIN:
        return pin(d, page, -1, e);
    default:
        return true;
    }
}

static bool set_shut(struct driver *d, const struct touch_event *v, struct vm_error *e)
{
    if (!d->shut)
        d->shut = calloc(d->t->pages_max, sizeof *d->shut);
    if (!d->shut)
        return vm_fail(e, VM_ESYSTEM, "no memory for pages that are shut");
    memset(d->shut + v->first, v->kind == TOUCH_SHUT, v->n);
    return true;
}

static bool happen(struct driver *d, const struct touch_event *v, struct vm_error *e)
{
    bool done = true;
    switch (v->kind) {
    case TOUCH_REGION:
        return add_region(d, v->first, v->first + v->n, e);
    case TOUCH_NO_REGION:
        vm_pager_forget(d->pager, v->first, v->n);
        for (uint32_t i = 0; i < v->n && d->pins; i++)
            d->pins[v->first + i] = 0;
        return cut_regions(d, v->first, v->first + v->n, e);
    case TOUCH_FORGET:
        vm_pager_forget(d->pager, v->first, v->n);
        return true;
    case TOUCH_KEEP:
        vm_pager_keep(d->pager, v->first, v->n);
        return true;
    case TOUCH_OPEN:
    case TOUCH_SHUT:
        return set_shut(d, v, e);
    case TOUCH_NORMAL:
    case TOUCH_RANDOM:
    case TOUCH_SEQUENTIAL:
        advise(d, v->first, (enum vm_pager_advice)(v->kind - TOUCH_NORMAL));
        return true;
    default:
        for (uint32_t i = 0; i < v->n && done; i++)
            done = happen_to_page(d, v->kind, v->first + i, e);
        return done;
    }
}

/* ---- touches ---- */

static bool claim(void *host, uint32_t page)
{
    const struct driver *d = host;
    return !d->pins || !d->pins[page];
}

static bool take(void *host, uint32_t page)
{
    const struct driver *d = host;
    return !d->shut || !d->shut[page];
}

/* Pages that no region was told for are one by themselves. */
static struct touch_region region_of(struct driver *d, uint32_t page)
{
    const struct touch_region *r = &d->region[d->found];
    if (d->found >= d->nregions || page < r->first || page >= r->end)
        d->found = region_at(d, page);
    r = &d->region[d->found];
    if (d->found < d->nregions && page >= r->first)
        return *r;
    return (struct touch_region){page, page + 1, VM_PAGER_NORMAL};
}

static bool fault(struct driver *d, uint32_t page, enum vm_access access, struct vm_error *e)
{
    struct touch_region r = region_of(d, page);
    const struct vm_pager_fault f = {
        .page = page, .access = access, .first = r.first, .end = r.end, .advice = r.advice};
    vm_pager_fault(d->pager, &f, &d->plan);
    while (d->plan.outcome == VM_PAGER_FULL) {
        if (!d->plan.nleave)
            return vm_fail(e, VM_EMACHINE,
                           "%u pages of memory are full of pinned ones: expected room for more",
                           vm_pager_resident(d->pager));
        vm_pager_fault(d->pager, &f, &d->plan);
    }
    return true;
}

static bool run(struct driver *d, struct vm_error *e)
{
    const struct vm_touches *t = d->t;
    uint64_t next = 0;
    for (uint64_t i = 0; i <= t->n; i++) {
        for (; next < t->nevents && t->event[next].at <= i; next++)
            if (!happen(d, &t->event[next], e))
                return false;
        if (i == t->n)
            break;
        uint32_t page = t->touch[i] >> 1;
        enum vm_access access = t->touch[i] & 1 ? VM_WRITE : VM_READ;
        if (vm_pager_would_fault(d->pager, page, access) && !fault(d, page, access, e))
            return false;
    }
    return true;
}

bool vm_as_live_count(const struct vm_touches *t, const struct vm_pager_config *c,
                      struct vm_pager_counts *out, struct vm_error *e)
{
    struct vm_pager_config config = *c;
    struct driver *d = calloc(1, sizeof *d);
    if (!d)
        return vm_fail(e, VM_ESYSTEM, "no memory for a replay");
    const struct vm_pager_host host = {d, claim, take};
    config.pages_max = t->pages_max;
    d->t = t;
    d->pager = vm_pager_open(&config, &host, e);
    bool done = d->pager;
    for (size_t i = 0; i < t->nregions && done; i++)
        done = insert_region(d, i, t->region[i], e);
    done = done && run(d, e);
    if (done)
        *out = *vm_pager_counts(d->pager);
    vm_pager_close(d->pager);
    free(d->region);
    free(d->pins);
    free(d->shut);
    free(d);
    return done;
}

/* ---- several policies ---- */

bool vm_as_live_policy(const char *spec, const struct vm_policy_ops **ops, struct vm_params *params,
                       struct vm_error *e)
{
    char name[32];
    const char *text = vm_spec_split(spec, name, sizeof name);
    *ops = vm_policy_find(name, e);
    return *ops && vm_params_parse(params, (*ops)->name, (*ops)->param, (*ops)->nparams, text, e);
}

static bool add_row(struct vm_as_live *a, const char *spec, struct vm_error *e)
{
    const struct vm_policy_ops *ops;
    struct vm_params params;
    if (a->nrows == VM_AS_LIVE_POLICIES)
        return vm_fail(e, VM_EUSAGE, "more than %d policies at once", VM_AS_LIVE_POLICIES);
    if (strlen(spec) >= sizeof a->row[0].policy)
        return vm_fail(e, VM_EUSAGE, "a policy of %zu characters: expected at most %zu",
                       strlen(spec), sizeof a->row[0].policy - 1);
    strcpy(a->row[a->nrows++].policy, spec);
    return vm_as_live_policy(spec, &ops, &params, e);
}

static bool add_rows(struct vm_as_live *a, const char *list, struct vm_error *e)
{
    char spec[VM_CONFIG_TEXT + 1];
    if (!strcmp(list, "all")) {
        for (size_t i = 0; vm_policy_at(i); i++)
            if (vm_policy_at(i)->future != VM_FUTURE_NEEDED &&
                !add_row(a, vm_policy_at(i)->name, e))
                return false;
        return true;
    }
    while ((list = vm_spec_next(list, spec, sizeof spec)))
        if (!add_row(a, spec, e))
            return false;
    return a->nrows || vm_fail(e, VM_EUSAGE, "no policy: expected names with commas between");
}

static uint32_t in_pages(uint64_t bytes, uint64_t page_bytes, uint64_t most)
{
    uint64_t pages = bytes / page_bytes;
    return (uint32_t)(pages < most ? pages : most);
}

static bool configure(const struct vm_as_live_request *r, struct vm_as_live *a, struct vm_error *e)
{
    const struct vm_touches_info *info = &a->info;
    struct vm_pager_config *c = &a->config;
    struct vm_size memory = {.percent = 25};
    *c = info->pager;
    if (r->memory && !vm_size_parse(r->memory, "--memory", &memory, e))
        return false;
    if (r->memory || !info->is_log)
        c->frames = in_pages(vm_size_bytes(memory, info->pages, info->page_bytes), info->page_bytes,
                             VM_PAGER_PAGES_MAX);
    if (r->ahead || !info->is_log)
        c->ahead = in_pages(r->ahead ? *r->ahead : VM_PAGER_AHEAD_BYTES, info->page_bytes,
                            VM_PAGER_AHEAD_MAX);
    if (r->batch && *r->batch > VM_PAGER_BATCH_MAX)
        return vm_fail(e, VM_EUSAGE, "--batch %llu: expected at most %d pages",
                       (unsigned long long)*r->batch, VM_PAGER_BATCH_MAX);
    c->batch = r->batch ? (uint32_t)*r->batch : c->batch;
    c->seed = r->seed ? *r->seed : c->seed;
    if (c->frames < VM_PAGER_LIMIT_MIN)
        return vm_fail(e, VM_EUSAGE, "a limit of %u pages: expected %d at least", c->frames,
                       VM_PAGER_LIMIT_MIN);
    return add_rows(a,
                    r->policies    ? r->policies
                    : info->is_log ? info->policy
                                   : VM_PAGER_POLICY,
                    e);
}

static void run_row(void *host, size_t i)
{
    struct vm_as_live *a = host;
    struct vm_as_live_row *row = &a->row[i];
    struct vm_pager_config c = a->config;
    struct vm_params params;
    struct vm_error e = {0};
    c.policy_params = &params;
    row->done = vm_as_live_policy(row->policy, &c.policy, &params, &e) &&
                vm_as_live_count(a->touches, &c, &row->counts, &e);
    if (!row->done)
        snprintf(row->why, sizeof row->why, "%.*s", (int)sizeof row->why - 1, e.text);
}

bool vm_as_live(const struct vm_as_live_request *r, struct vm_as_live *a, struct vm_error *e)
{
    *a = (struct vm_as_live){0};
    a->touches = vm_touches_load(&r->source, r->page_bytes, r->progress, e);
    if (!a->touches)
        return false;
    vm_touches_info(a->touches, &a->info);
    struct vm_workers *w = configure(r, a, e) ? vm_workers_open(r->workers, e) : NULL;
    if (w)
        vm_workers_run(w, a->nrows, run_row, a);
    vm_workers_close(w);
    if (w && (a->nrows > 1 || a->row[0].done))
        return true;
    if (w)
        vm_fail(e, VM_EUSAGE, "%s", a->row[0].why);
    vm_as_live_free(a);
    return false;
}

void vm_as_live_free(struct vm_as_live *a)
{
    vm_touches_free(a->touches);
    *a = (struct vm_as_live){0};
}
