/* profile.c - see analysis.h. One pass; memory grows with the distinct pages, not with the trace.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/intern.h"

#include <pagoda/analysis.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_4K 12
#define SHIFT_2M 21

struct vm_profiler {
    struct vm_profile p;
    struct vm_intern pages_4k, pages_2m;
    uint8_t *written; /* [written_cap] by page id: whether it was written to */
    uint32_t written_cap;
    bool seen[VM_ASID_MAX + 1];
    vm_asid asid;
    uint64_t page; /* of the current run */
    uint64_t run;  /* its touches so far */
    uint32_t id;
};

struct vm_profiler *vm_profiler_open(struct vm_error *e)
{
    struct vm_profiler *p = calloc(1, sizeof *p);
    if (!p) {
        vm_fail(e, VM_ESYSTEM, "no memory for a profile");
        return NULL;
    }
    p->page = VM_NOPAGE;
    if (vm_intern_open(&p->pages_4k, e) && vm_intern_open(&p->pages_2m, e))
        return p;
    vm_profiler_close(p);
    return NULL;
}

void vm_profiler_close(struct vm_profiler *p)
{
    if (!p)
        return;
    vm_intern_close(&p->pages_4k);
    vm_intern_close(&p->pages_2m);
    free(p->written);
    free(p);
}

static void end_run(struct vm_profiler *p)
{
    if (!p->run)
        return;
    unsigned bucket = vm_log2(p->run);
    p->p.run_lengths[bucket < VM_PROFILE_RUNS ? bucket : VM_PROFILE_RUNS - 1]++;
    p->p.runs++;
    p->run = 0;
}

static bool reserve_written(struct vm_profiler *p, uint32_t id)
{
    if (id < p->written_cap)
        return true;
    uint32_t cap = p->written_cap ? p->written_cap * 2 : 4096;
    uint8_t *grown = realloc(p->written, cap);
    if (!grown)
        return false;
    memset(grown + p->written_cap, 0, cap - p->written_cap);
    p->written = grown;
    p->written_cap = cap;
    return true;
}

static bool begin_run(struct vm_profiler *p, uint64_t page, struct vm_error *e)
{
    end_run(p);
    p->page = page;
    p->id = vm_intern_id(&p->pages_4k, page);
    uint32_t huge = vm_intern_id(&p->pages_2m, vm_page_key(page, SHIFT_2M, p->asid));
    if (p->id == UINT32_MAX || huge == UINT32_MAX || !reserve_written(p, p->id))
        return vm_fail(e, VM_ESYSTEM, "no memory for %u distinct pages", p->pages_4k.n);
    if (!p->seen[p->asid]) {
        p->seen[p->asid] = true;
        p->p.spaces++;
    }
    return true;
}

static bool touch(struct vm_profiler *p, vm_va va, enum vm_access access, struct vm_error *e)
{
    uint64_t page = vm_page_key(va, SHIFT_4K, p->asid);
    if (page != p->page && !begin_run(p, page, e))
        return false;
    p->run++;
    p->p.touches++;
    if (access == VM_WRITE && !p->written[p->id]) {
        p->written[p->id] = 1;
        p->p.written_4k++;
    }
    return true;
}

static bool reference(struct vm_profiler *p, vm_va va, uint16_t meta, struct vm_error *e)
{
    enum vm_access access = vm_ref_access(meta);
    vm_va last = va + vm_ref_bytes(meta) - 1, page = UINT64_C(1) << SHIFT_4K;
    p->p.refs[access]++;
    p->p.bytes[access] += vm_ref_bytes(meta);
    for (va &= ~(page - 1); va < (last & ~(page - 1)); va += page)
        if (!touch(p, va, access, e))
            return false;
    return touch(p, last, access, e);
}

static bool event(struct vm_profiler *p, const struct vm_event *event, struct vm_error *e)
{
    VM_ASSERT(event->kind < VM_EVENT_KINDS);
    if (event->asid > VM_ASID_MAX)
        return vm_fail(e, VM_EINPUT, "address space %u: expected at most %u", event->asid,
                       VM_ASID_MAX);
    p->p.events[event->kind]++;
    if (event->kind == VM_EVENT_MAP)
        p->p.maps[vm_event_backing(event)]++;
    if (event->kind == VM_EVENT_SWITCH)
        p->asid = event->asid;
    return true;
}

bool vm_profiler_batch(struct vm_profiler *p, const struct vm_batch *b, struct vm_error *e)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i <= b->nrefs; i++) {
        for (; k < b->nevents && b->event[k].at == i; k++)
            if (!event(p, &b->event[k], e))
                return false;
        if (i < b->nrefs && !reference(p, b->va[i], b->meta[i], e))
            return false;
    }
    return true;
}

/* ---- regions ---- */

/* By address space, then address. */
static int by_place(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    uint64_t u = (x & 0xfff) << 52 | x >> 12, v = (y & 0xfff) << 52 | y >> 12;
    return u < v ? -1 : u > v;
}

static int by_pages(const void *a, const void *b)
{
    const struct vm_profile_region *x = a, *y = b;
    if (x->pages != y->pages)
        return x->pages < y->pages ? 1 : -1;
    if (x->asid != y->asid)
        return x->asid < y->asid ? -1 : 1;
    return x->start < y->start ? -1 : 1;
}

/* Keep the largest ones: a full list is sorted and its tail overwritten. */
struct largest {
    struct vm_profile_region all[2 * VM_PROFILE_REGIONS];
    size_t n;
};

static void keep(struct largest *l, struct vm_profile *p, struct vm_profile_region r)
{
    if (!r.pages)
        return;
    p->nregions++;
    l->all[l->n++] = r;
    if (l->n < 2 * VM_PROFILE_REGIONS)
        return;
    qsort(l->all, l->n, sizeof l->all[0], by_pages);
    l->n = VM_PROFILE_REGIONS;
}

static void find_regions(const uint64_t *key, uint32_t n, struct vm_profile *p)
{
    struct largest l = {.n = 0};
    struct vm_profile_region r = {0};
    for (uint32_t i = 0; i < n; i++) {
        vm_asid asid = (vm_asid)(key[i] & 0xfff);
        vm_va va = key[i] & ~UINT64_C(0xfff);
        if (r.pages && asid == r.asid && va - r.end < VM_PROFILE_GAP) {
            r.pages++;
        } else {
            keep(&l, p, r);
            r = (struct vm_profile_region){.asid = asid, .start = va, .pages = 1};
        }
        r.end = va + (UINT64_C(1) << SHIFT_4K);
    }
    keep(&l, p, r);
    qsort(l.all, l.n, sizeof l.all[0], by_pages);
    memcpy(p->region, l.all,
           (l.n < VM_PROFILE_REGIONS ? l.n : VM_PROFILE_REGIONS) * sizeof l.all[0]);
}

bool vm_profiler_result(struct vm_profiler *p, struct vm_profile *out, struct vm_error *e)
{
    uint32_t n = p->pages_4k.n;
    end_run(p);
    p->page = VM_NOPAGE;
    *out = p->p;
    out->pages_4k = n;
    out->pages_2m = p->pages_2m.n;
    uint64_t *key = malloc(sizeof *key * ((size_t)n + 1));
    if (!key)
        return vm_fail(e, VM_ESYSTEM, "no memory to sort %u pages", n);
    if (n)
        memcpy(key, p->pages_4k.keys, sizeof *key * n);
    qsort(key, n, sizeof *key, by_place);
    find_regions(key, n, out);
    free(key);
    return true;
}
