/* naive_locality.c - see naive_locality.h. */
#include "oracle/naive_locality.h"

#include <assert.h>

static vm_asid space_at(const struct machine_trace *t, uint32_t ref)
{
    vm_asid asid = 0;
    for (uint32_t k = 0; k < t->nevents && t->event[k].at <= ref; k++)
        if (t->event[k].kind == VM_EVENT_SWITCH)
            asid = t->event[k].asid;
    return asid;
}

void naive_touches_of(struct naive_touches *out, const struct machine_trace *t, uint64_t refs,
                      unsigned page_shift)
{
    out->n = 0;
    out->nrefs = refs < t->nrefs ? refs : t->nrefs;
    for (uint32_t i = 0; i < out->nrefs; i++) {
        vm_va last = (t->va[i] + vm_ref_bytes(t->meta[i]) - 1) >> page_shift;
        for (vm_va page = t->va[i] >> page_shift; page <= last; page++) {
            assert(out->n < 4 * TRACE_REFS);
            out->touch[out->n++] =
                (struct naive_touch){vm_page_key(page << page_shift, page_shift, space_at(t, i)),
                                     page << page_shift, i, vm_ref_access(t->meta[i]) == VM_WRITE};
        }
    }
}

static bool touched(const struct naive_touches *t, size_t from, size_t to, uint64_t page)
{
    for (size_t i = from; i < to; i++)
        if (t->touch[i].page == page)
            return true;
    return false;
}

size_t naive_pages(const struct naive_touches *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        n += !touched(t, 0, i, t->touch[i].page);
    return n;
}

/* Different pages among the touches [from, to). */
static uint64_t different(const struct naive_touches *t, size_t from, size_t to)
{
    uint64_t n = 0;
    for (size_t i = from; i < to; i++)
        n += !touched(t, i + 1, to, t->touch[i].page);
    return n;
}

static size_t first_of(size_t end, uint64_t window)
{
    return end > window ? end - window : 0;
}

uint64_t naive_working_sets(const struct naive_touches *t, uint64_t window)
{
    uint64_t sum = 0;
    for (size_t end = 1; end <= t->n; end++)
        sum += different(t, first_of(end, window), end);
    return sum;
}

uint64_t naive_working_set_last(const struct naive_touches *t, uint64_t window)
{
    return different(t, first_of(t->n, window), t->n);
}

uint64_t naive_working_set_misses(const struct naive_touches *t, uint64_t window)
{
    uint64_t misses = 0;
    for (size_t i = 0; i < t->n; i++)
        misses += !touched(t, first_of(i, window), i, t->touch[i].page);
    return misses;
}

/* Whether touch i's page stays after it, until its next touch. */
static bool stays(const struct naive_touches *t, size_t i, uint64_t window)
{
    for (size_t next = i + 1; next < t->n; next++)
        if (t->touch[next].page == t->touch[i].page)
            return next - i <= window;
    return false;
}

/* The touches up to `now` whose page is there because of them: of each page the last one. */
uint64_t naive_vmin_sets(const struct naive_touches *t, uint64_t window)
{
    uint64_t sum = 0;
    for (size_t now = 0; now < t->n; now++)
        for (size_t i = 0; i <= now; i++)
            if (!touched(t, i + 1, now + 1, t->touch[i].page))
                sum += i == now || stays(t, i, window);
    return sum;
}

uint64_t naive_vmin_misses(const struct naive_touches *t, uint64_t window)
{
    uint64_t misses = 0;
    for (size_t now = 0; now < t->n; now++) {
        bool there = false;
        for (size_t i = 0; i < now; i++)
            there |= t->touch[i].page == t->touch[now].page &&
                     !touched(t, i + 1, now, t->touch[i].page) && stays(t, i, window);
        misses += !there;
    }
    return misses;
}
