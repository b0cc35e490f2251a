/* naive_alloc.c - see naive_alloc.h. */
#include "oracle/naive_alloc.h"

#define NONE VM_ALLOC_NONE

static bool flagged(const struct naive_alloc *a, uint64_t start, uint64_t n, bool held)
{
    for (uint64_t u = start; u < start + n; u++)
        if (u >= a->units || a->held[u] != held)
            return false;
    return true;
}

static bool flag(struct naive_alloc *a, uint64_t start, uint64_t n, bool held)
{
    if (!flagged(a, start, n, !held))
        return false;
    for (uint64_t u = start; u < start + n; u++)
        a->held[u] = held;
    return true;
}

bool naive_alloc_hold(struct naive_alloc *a, uint64_t start, uint64_t n)
{
    return flag(a, start, n, true);
}

bool naive_alloc_release(struct naive_alloc *a, uint64_t start, uint64_t n)
{
    return flag(a, start, n, false);
}

uint64_t naive_alloc_free(const struct naive_alloc *a)
{
    uint64_t n = 0;
    for (uint64_t u = 0; u < a->units; u++)
        n += !a->held[u];
    return n;
}

uint64_t naive_alloc_run(const struct naive_alloc *a, uint64_t at, uint64_t *n)
{
    while (at < a->units && (a->held[at] || (at > 0 && !a->held[at - 1])))
        at++;
    if (at >= a->units)
        return NONE;
    *n = 1;
    while (flagged(a, at, *n + 1, false))
        ++*n;
    return at;
}

/* ---- fits ---- */

/* The lowest aligned start of n units in a run, or NONE. */
static uint64_t inside(uint64_t run, uint64_t run_units, uint64_t n, uint64_t align)
{
    for (uint64_t u = run; u + n <= run + run_units; u++)
        if (u % align == 0)
            return u;
    return NONE;
}

uint64_t naive_alloc_first(const struct naive_alloc *a, uint64_t n, uint64_t align)
{
    return naive_alloc_next(a, n, align, 0);
}

uint64_t naive_alloc_next(const struct naive_alloc *a, uint64_t n, uint64_t align, uint64_t rover)
{
    uint64_t units, from_low = NONE;
    for (uint64_t run = 0; (run = naive_alloc_run(a, run, &units)) != NONE; run++) {
        uint64_t start = inside(run, units, n, align);
        if (start == NONE)
            continue;
        if (run + units > rover)
            return start;
        from_low = from_low == NONE ? start : from_low;
    }
    return from_low;
}

uint64_t naive_alloc_best(const struct naive_alloc *a, uint64_t n, uint64_t align)
{
    uint64_t units, best = NONE, best_units = NONE;
    for (uint64_t run = 0; (run = naive_alloc_run(a, run, &units)) != NONE; run++)
        if (inside(run, units, n, align) != NONE && units < best_units) {
            best = inside(run, units, n, align);
            best_units = units;
        }
    return best;
}

uint64_t naive_alloc_worst(const struct naive_alloc *a, uint64_t n, uint64_t align)
{
    uint64_t units, worst = NONE, worst_units = 0;
    for (uint64_t run = 0; (run = naive_alloc_run(a, run, &units)) != NONE; run++)
        if (inside(run, units, n, align) != NONE && units > worst_units) {
            worst = inside(run, units, n, align);
            worst_units = units;
        }
    return worst;
}

/* ---- the buddy system ---- */

bool naive_alloc_is_block(const struct naive_alloc *a, unsigned order, uint64_t start)
{
    uint64_t size = UINT64_C(1) << order;
    return start % size == 0 && flagged(a, start, size, false) &&
           !flagged(a, start - start % (2 * size), 2 * size, false);
}

/* Whether nothing is above the block even if all units are free. */
static bool is_root(const struct naive_alloc *a, unsigned order, uint64_t start)
{
    uint64_t twice = UINT64_C(2) << order;
    return start - start % twice + twice > a->units;
}

/* The lowest unit of `colour` (ncolours 1: the first) in the block, or NONE. */
static uint64_t coloured(uint64_t start, unsigned order, uint64_t colour, uint64_t ncolours)
{
    for (uint64_t u = start; u < start + (UINT64_C(1) << order); u++)
        if (u % ncolours == colour)
            return u;
    return NONE;
}

/* Smallest blocks first and the lowest of them, roots apart; then the lowest root. */
static uint64_t choose(const struct naive_alloc *a, unsigned order, uint64_t colour,
                       uint64_t ncolours)
{
    for (unsigned k = order; k < 16; k++)
        for (uint64_t u = 0; u < a->units; u++)
            if (naive_alloc_is_block(a, k, u) && !is_root(a, k, u) &&
                coloured(u, k, colour, ncolours) != NONE)
                return coloured(u, k, colour, ncolours);
    for (uint64_t u = 0; u < a->units; u++)
        for (unsigned k = order; k < 16; k++)
            if (naive_alloc_is_block(a, k, u) && is_root(a, k, u) &&
                coloured(u, k, colour, ncolours) != NONE)
                return coloured(u, k, colour, ncolours);
    return NONE;
}

uint64_t naive_alloc_buddy(const struct naive_alloc *a, unsigned order)
{
    return choose(a, order, 0, 1);
}

uint64_t naive_alloc_colour(const struct naive_alloc *a, uint64_t colour, uint64_t ncolours)
{
    return choose(a, 0, colour, ncolours);
}
