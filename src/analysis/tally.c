/* tally.c - see tally.h and histogram.h. */
#include "analysis/tally.h"

#include <stdlib.h>
#include <string.h>

bool tally_open(struct tally *t, struct vm_error *e)
{
    *t = (struct tally){.near = calloc(TALLY_NEAR, sizeof *t->near)};
    if (!t->near)
        return vm_fail(e, VM_ESYSTEM, "no memory for a histogram");
    return vm_intern_open(&t->far, e);
}

static bool reserve(struct tally *t, uint32_t id)
{
    if (id < t->far_cap)
        return true;
    uint32_t cap = t->far_cap ? 2 * t->far_cap : 4096;
    uint64_t *grown = realloc(t->far_count, cap * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + t->far_cap, 0, (cap - t->far_cap) * sizeof *grown);
    t->far_count = grown;
    t->far_cap = cap;
    return true;
}

bool tally_far(struct tally *t, uint64_t value, uint64_t count, struct vm_error *e)
{
    uint32_t id = vm_intern_id(&t->far, value);
    if (id == UINT32_MAX || !reserve(t, id))
        return vm_fail(e, VM_ESYSTEM, "no memory for a histogram of %u numbers", t->far.n);
    t->far_count[id] += count;
    return true;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = ((const struct vm_bin *)a)->value, y = ((const struct vm_bin *)b)->value;
    return x < y ? -1 : x > y;
}

static void sum_up(struct vm_histogram *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct vm_bin *b = &h->bin[i];
        h->count += b->count;
        h->sum += b->count * b->value;
        b->upto_count = h->count;
        b->upto_sum = h->sum;
    }
}

bool tally_histogram(const struct tally *t, struct vm_histogram *out, struct vm_error *e)
{
    size_t n = t->far.n, near = 0;
    for (uint64_t v = 0; v < TALLY_NEAR; v++)
        n += t->near[v] != 0;
    *out = (struct vm_histogram){.n = n, .bin = malloc((n + 1) * sizeof *out->bin)};
    if (!out->bin)
        return vm_fail(e, VM_ESYSTEM, "no memory for a histogram of %zu numbers", n);
    for (uint64_t v = 0; v < TALLY_NEAR; v++)
        if (t->near[v])
            out->bin[near++] = (struct vm_bin){.value = v, .count = t->near[v]};
    for (uint32_t i = 0; i < t->far.n; i++)
        out->bin[near + i] = (struct vm_bin){.value = t->far.keys[i], .count = t->far_count[i]};
    qsort(out->bin + near, t->far.n, sizeof *out->bin, by_value);
    sum_up(out);
    return true;
}

void tally_close(struct tally *t)
{
    free(t->near);
    vm_intern_close(&t->far);
    free(t->far_count);
}

struct vm_upto vm_histogram_upto(const struct vm_histogram *h, uint64_t x)
{
    size_t low = 0, high = h->n; /* bins before `low` are at most x, those from `high` on not */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->bin[middle].value <= x)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return (struct vm_upto){0, 0};
    return (struct vm_upto){h->bin[low - 1].upto_count, h->bin[low - 1].upto_sum};
}

void vm_histogram_free(struct vm_histogram *h)
{
    free(h->bin);
    *h = (struct vm_histogram){.n = 0};
}
