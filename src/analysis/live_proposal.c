/* live_proposal.c - see live_proposal.h. */
#include "base/assert.h"
#include "base/workers.h"

#include <pagoda/live_proposal.h>
#include <stdlib.h>
#include <string.h>

#define POLICIES VM_PAGER_POLICY ",s3-fifo,2q,lirs,arc,fifo,vms,mru"
#define AHEADS   "0,64KiB,256KiB"
#define MEMORIES "5%,10%,15%,20%,25%,30%,40%,50%,60%,75%,90%,100%"

#define HARDLY 1.1 /* times as long is hardly longer */

/* ---- costs ---- */

/* On two processors of a virtual machine (Debian 12, Linux 6.18): a fault in its own thread 2.0 us,
 * UFFDIO_COPY 1.2, eviction 0.24 a page at 64 at once; LZ4 3.7 and 0.39, zstd level 1 3.9 and 0.8;
 * the file's disk 71 us for the first page, 1.2 GB/s within a transfer and 1.27 GB/s out. A server
 * by NBD over a socket, in memory: 60 us there and back. */
static const struct vm_store_cost costs[] = {
    {"memory", 2000, 1200, 400, 400, 400, 250},    {"lz4", 2000, 1200, 400, 400, 3900, 250},
    {"zstd", 2000, 1200, 800, 800, 4100, 250},     {"file", 2000, 1200, 71000, 3400, 3300, 250},
    {"spill", 2000, 1200, 35000, 1900, 5500, 250}, {"nbd", 2000, 1200, 60000, 4000, 4000, 250},
};

const struct vm_store_cost *vm_store_cost_at(size_t i)
{
    return i < sizeof costs / sizeof costs[0] ? &costs[i] : NULL;
}

#define COST_PARAM(name, what) {#name, VM_PARAM_REAL, "0", 0, 1e12, NULL, what},
static const struct vm_param cost_param[] = {VM_STORE_COSTS(COST_PARAM)};
#undef COST_PARAM
#define COSTS (sizeof cost_param / sizeof cost_param[0])

static bool find_cost(const char *name, struct vm_store_cost *out, struct vm_error *e)
{
    const char *known[sizeof costs / sizeof costs[0]];
    size_t n = 0;
    for (const struct vm_store_cost *c; (c = vm_store_cost_at(n)); n++) {
        known[n] = c->name;
        if (!strcmp(c->name, name)) {
            *out = *c;
            return true;
        }
    }
    return vm_fail_unknown(e, "store with known costs", name, known, n);
}

bool vm_store_cost_parse(const char *text, struct vm_store_cost *out, struct vm_error *e)
{
    char name[32];
    struct vm_params p;
    const char *changes = vm_spec_split(text, name, sizeof name);
    if (!find_cost(name, out, e) ||
        !vm_params_parse(&p, "store-cost", cost_param, COSTS, changes, e))
        return false;
#define CHANGE(name, what)                                                                         \
    if (strstr(changes, #name "="))                                                                \
        out->name##_ns = vm_params_real(&p, #name);
    VM_STORE_COSTS(CHANGE)
#undef CHANGE
    return true;
}

double vm_store_cost_of(const struct vm_store_cost *c, const struct vm_pager_counts *n,
                        uint64_t page_bytes)
{
    double pages = (double)page_bytes / 4096;
    double faults = (double)(n->misses + n->soft_faults + n->dirty_faults);
    double come = (double)(n->zero_fills + n->loads + n->soft_faults);
    uint64_t transfers = n->misses < n->loads ? n->misses : n->loads;
    double parts = (double)transfers * (pages - 1) + (double)(n->loads - transfers) * pages;
    return faults * c->fault_ns + come * c->copy_ns * pages + (double)transfers * c->load_ns +
           parts * c->along_ns + (double)n->writebacks * c->write_ns * pages +
           (double)(n->evictions + n->parks) * c->evict_ns;
}

/* ---- what is tried ---- */

static bool add_policies(struct vm_live_proposal *a, const char *list, struct vm_error *e)
{
    char spec[VM_CONFIG_TEXT];
    const struct vm_policy_ops *ops;
    struct vm_params params;
    while ((list = vm_spec_next(list, spec, sizeof spec))) {
        bool is_new = true;
        for (size_t i = 0; i < a->npolicies; i++)
            is_new = is_new && strcmp(a->policy[i], spec) != 0;
        if (!is_new)
            continue;
        if (a->npolicies == VM_LIVE_PROPOSAL_POLICIES)
            return vm_fail(e, VM_EUSAGE, "more than %d policies to try", VM_LIVE_PROPOSAL_POLICIES);
        strcpy(a->policy[a->npolicies++], spec);
        if (!vm_as_live_policy(spec, &ops, &params, e))
            return false;
        if (ops->future == VM_FUTURE_NEEDED)
            return vm_fail(e, VM_EUSAGE, "policy %s reads the future: a pager has none", ops->name);
    }
    return a->npolicies || vm_fail(e, VM_EUSAGE, "no policy to try");
}

static bool add_aheads(struct vm_live_proposal *a, const char *list, struct vm_error *e)
{
    char text[64];
    uint64_t bytes;
    while ((list = vm_spec_next(list, text, sizeof text))) {
        if (a->naheads == VM_LIVE_PROPOSAL_AHEADS)
            return vm_fail(e, VM_EUSAGE, "more than %d readaheads to try", VM_LIVE_PROPOSAL_AHEADS);
        if (!vm_parse_bytes(text, "--ahead", &bytes, e))
            return false;
        uint64_t pages = bytes / a->info.page_bytes;
        a->ahead[a->naheads++] =
            (uint32_t)(pages < VM_PAGER_AHEAD_MAX ? pages : VM_PAGER_AHEAD_MAX);
    }
    return a->naheads || vm_fail(e, VM_EUSAGE, "no readahead to try");
}

static int by_frames(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sizes, ascending and each once; none below what a pager needs. */
static bool add_memories(struct vm_live_proposal *a, const char *list, struct vm_error *e)
{
    char text[64];
    struct vm_size size;
    size_t n = 0, kept = 0;
    while ((list = vm_spec_next(list, text, sizeof text))) {
        if (n == VM_LIVE_PROPOSAL_MEMORIES)
            return vm_fail(e, VM_EUSAGE, "more than %d memories to try", VM_LIVE_PROPOSAL_MEMORIES);
        if (!vm_size_parse(text, "--memory", &size, e))
            return false;
        uint64_t frames =
            vm_size_bytes(size, a->info.pages, a->info.page_bytes) / a->info.page_bytes;
        frames = frames > VM_PAGER_LIMIT_MIN ? frames : VM_PAGER_LIMIT_MIN;
        a->frames[n++] = (uint32_t)(frames < VM_PAGER_PAGES_MAX ? frames : VM_PAGER_PAGES_MAX);
    }
    qsort(a->frames, n, sizeof a->frames[0], by_frames);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || a->frames[i] != a->frames[kept - 1])
            a->frames[kept++] = a->frames[i];
    a->nmemories = kept;
    return kept || vm_fail(e, VM_EUSAGE, "no memory to try");
}

/* ---- trying ---- */

struct trying {
    struct vm_live_proposal *a;
    uint64_t seed;
};

static void try_cell(void *host, size_t i)
{
    const struct trying *t = host;
    struct vm_live_proposal *a = t->a;
    struct vm_params params;
    struct vm_error e;
    struct vm_live_proposal_cell *cell = &a->cell[i];
    struct vm_pager_config c = {.policy_params = &params,
                                .frames = a->frames[i / a->naheads / a->npolicies],
                                .ahead = a->ahead[i % a->naheads],
                                .batch = a->info.pager.batch,
                                .seed = t->seed};
    cell->done =
        vm_as_live_policy(a->policy[i / a->naheads % a->npolicies], &c.policy, &params, &e) &&
        vm_as_live_count(a->touches, &c, &cell->counts, &e);
    if (cell->done)
        cell->ns = vm_store_cost_of(&a->cost, &cell->counts, a->info.page_bytes);
}

static bool try_all(struct vm_live_proposal *a, const struct vm_live_proposal_request *r,
                    struct vm_error *e)
{
    size_t n = a->nmemories * a->npolicies * a->naheads;
    struct trying t = {a, r->seed};
    struct vm_workers *w = vm_workers_open(r->workers, e);
    a->cell = calloc(n, sizeof *a->cell);
    bool done = w && a->cell;
    if (w && !a->cell)
        vm_fail(e, VM_ESYSTEM, "no memory for %zu runs", n);
    if (done)
        vm_workers_run(w, n, try_cell, &t);
    vm_workers_close(w);
    return done;
}

/* ---- choosing ---- */

/* The cheapest of a memory; of equals the first, so that the default policy and no readahead need
 * no reason. */
static bool choose(struct vm_live_proposal *a, size_t memory, struct vm_error *e)
{
    size_t first = vm_live_proposal_cell(a, memory, 0, 0), n = a->npolicies * a->naheads;
    bool found = false;
    for (size_t i = first; i < first + n; i++)
        if (a->cell[i].done && (!found || a->cell[i].ns < a->cell[a->best[memory]].ns)) {
            a->best[memory] = i;
            found = true;
        }
    return found || vm_fail(e, VM_EMACHINE, "no policy runs in %u pages", a->frames[memory]);
}

/* How far point i lies below the line from the first to the last, in parts of their distances. */
static double depth(const struct vm_live_proposal *a, size_t i)
{
    size_t last = a->nmemories - 1;
    double x0 = a->frames[0], x1 = a->frames[last];
    double y0 = a->cell[a->best[0]].ns, y1 = a->cell[a->best[last]].ns;
    if (x1 <= x0 || y0 <= y1)
        return 0;
    return 1 - (a->frames[i] - x0) / (x1 - x0) - (a->cell[a->best[i]].ns - y1) / (y0 - y1);
}

/* Where no point lies below that line (a loop needs all of its pages, or none), the least memory
 * that takes hardly longer than the most does. */
static void find_knee(struct vm_live_proposal *a)
{
    size_t last = a->nmemories - 1;
    for (size_t i = 0; i < a->nmemories; i++)
        if (depth(a, i) > depth(a, a->knee))
            a->knee = i;
    if (depth(a, a->knee) > 0)
        return;
    while (a->knee < last && a->cell[a->best[a->knee]].ns > HARDLY * a->cell[a->best[last]].ns)
        a->knee++;
}

bool vm_live_propose(const struct vm_live_proposal_request *r, struct vm_live_proposal *a,
                     struct vm_error *e)
{
    *a = (struct vm_live_proposal){0};
    if (!vm_store_cost_parse(r->cost ? r->cost : "lz4", &a->cost, e))
        return false;
    a->touches = vm_touches_load(&r->source, r->page_bytes, r->progress, e);
    if (!a->touches)
        return false;
    vm_touches_info(a->touches, &a->info);
    bool done = add_policies(a, r->policies ? r->policies : POLICIES, e) &&
                add_aheads(a, r->aheads ? r->aheads : AHEADS, e) &&
                add_memories(a, r->memories ? r->memories : MEMORIES, e) && try_all(a, r, e);
    for (size_t m = 0; m < a->nmemories && done; m++)
        done = choose(a, m, e);
    if (done)
        find_knee(a);
    else
        vm_live_proposal_free(a);
    return done;
}

void vm_live_proposal_free(struct vm_live_proposal *a)
{
    vm_touches_free(a->touches);
    free(a->cell);
    *a = (struct vm_live_proposal){0};
}
